"""Jinja2's own tests, run through the alias: `python jinja2_suite.py [--floor N] [pytest argument…]`.

The tests come from the source distribution of the version that haiden speaks; it is fetched into `.cache/` and never
committed. Prints passed and total per file; fails below the floor.
"""

import argparse
import collections
import os
import pathlib
import subprocess
import sys
import tarfile

VERSION = "3.1.6"
FLOOR = 901
CACHE = pathlib.Path(os.environ.get("HAIDEN_CACHE", pathlib.Path(__file__).parents[2] / ".cache")) / "jinja2-suite"
# They inspect the Python source that Jinja2 generates, or replace its generator.
EXPECTED = {
    "test_api.py::TestLowLevel::test_custom_code_generator",
    "test_compile.py::test_filters_deterministic",
    "test_compile.py::test_import_as_with_context_deterministic",
    "test_compile.py::test_top_level_set_vars_unpacking_deterministic",
    "test_compile.py::test_loop_set_vars_unpacking_deterministic",
    "test_compile.py::test_block_set_vars_unpacking_deterministic",
    "test_ext.py::TestInternationalization::test_num_called_num",
    "test_ext.py::TestAutoEscape::test_volatile_scoping",
}


def fetch() -> pathlib.Path:
    """The folder of the tests."""
    tests = CACHE / f"jinja2-{VERSION}" / "tests"
    if not tests.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        wanted = ["--no-binary", "jinja2", "-d", str(CACHE), f"jinja2=={VERSION}"]
        subprocess.run([*pip, *wanted], check=True)
        with tarfile.open(CACHE / f"jinja2-{VERSION}.tar.gz") as archive:
            archive.extractall(CACHE)  # noqa: S202
    return tests


class Count:
    """Counts outcomes per file."""

    def __init__(self) -> None:
        self.passed: collections.Counter[str] = collections.Counter()
        self.total: collections.Counter[str] = collections.Counter()
        self.failed: set[str] = set()
        self.broken: list[str] = []

    def pytest_runtest_logreport(self, report) -> None:
        file = pathlib.Path(report.nodeid.split("::")[0]).name
        if report.when == "call":
            self.total[file] += 1
            self.passed[file] += report.passed
        elif report.failed:
            self.total[file] += report.when == "setup"
        if report.failed:
            self.failed.add(f"{file}::{report.nodeid.split('::', 1)[1]}")

    def pytest_collectreport(self, report) -> None:
        if report.failed:
            self.broken.append(report.nodeid)


def main() -> int:
    """Runs the suite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floor", type=int, default=FLOOR, help="how many must pass")
    arguments, rest = parser.parse_known_args()
    tests = fetch()

    import haiden

    haiden.install_as_jinja2()
    import pytest

    selected = [word for word in rest if ".py" in word]
    count = Count()
    os.chdir(tests.parent)
    named = [str(tests / word) for word in selected] or [str(tests)]
    options = [word for word in rest if ".py" not in word]
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:doctest", "--continue-on-collection-errors", *(options or ["--tb=no"]), *named], plugins=[count])
    for file in sorted(count.total):
        print(f"{file:28}{count.passed[file]:5} of {count.total[file]}")
    passed, total = sum(count.passed.values()), sum(count.total.values())
    print(f"{'all':28}{passed:5} of {total}")
    machine, other = haiden.statistics()
    print(f"renders: {machine} by the machine, {other} by functions that code generators of tests wrote")
    for test in sorted(count.failed - EXPECTED):
        print("not expected to fail:", test)
    for file in count.broken:
        print("cannot be collected:", file)
    return int(not selected and passed < arguments.floor)


if __name__ == "__main__":
    sys.exit(main())
