"""Real programs on Jinja2 and on haiden in its place: what they write is compared.

    python compare.py [PROGRAM…]

Each program runs twice, in processes of its own: once as it is, once with `python -m haiden.as_jinja2`. It writes files;
every file must be the same. Programs that are not installed are said to be missing, and that is a failure.
"""

import filecmp
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
PROGRAMS = ("flask", "sphinx", "transformers", "ansible", "nbconvert", "cookiecutter")
# Sphinx pickles its environment with times and object ids.
PRIVATE = {".doctrees", ".buildinfo", ".buildinfo.bak", "__pycache__"}


def run(program: str, target: pathlib.Path, *engine: str) -> float:
    """Runs a program; the seconds it took."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *engine, str(HERE / f"{program}_program.py"), str(target)], check=True)
    return time.perf_counter() - start


def files(folder: pathlib.Path) -> set[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if PRIVATE.isdisjoint(path.parts)}


def compare(program: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = pathlib.Path(folder, "jinja2"), pathlib.Path(folder, "haiden")
        theirs.mkdir()
        ours.mkdir()
        before = run(program, theirs)
        after = run(program, ours, "-m", "haiden.as_jinja2")
        names = files(theirs) | files(ours)
        _, different, missing = filecmp.cmpfiles(theirs, ours, sorted(names), shallow=False)
        for name in different:
            print(f"--- {program}: {name}")
            subprocess.run(["diff", str(theirs / name), str(ours / name)], check=False)
        for name in missing:
            print(f"--- {program}: {name} is written by one of them only")
        same = len(names) - len(different) - len(missing)
        print(f"{program}: {same} of {len(names)} files are the same; {before:.1f} s with Jinja2, {after:.1f} s with haiden")
        return bool(names) and not different and not missing


if __name__ == "__main__":
    results = [compare(program) for program in sys.argv[1:] or PROGRAMS]
    sys.exit(not all(results))
