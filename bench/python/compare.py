"""The Python host: Jinja2 against haiden's native module, on live Python objects.

In: the tasks (sources, data, expected pages) that ``bench/run --verify`` leaves in
``bench/target/pages``. Out: a table of ratios, with ``--write`` also between the markers of
``bench/README.md``. Nothing is timed before every engine's page is byte for byte the expected one.

The clock is the processor time of this thread; engines are interleaved A B C C B A in each round;
a ratio is the median of the ratios of the rounds. The script makes its own virtual environment.
"""

import argparse
import gc
import importlib.machinery
import importlib.util
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BENCH = HERE.parent
PAGES = BENCH / "target" / "pages"
VENV = BENCH / ".venv"
BEGIN, END = "<!-- python tables: begin -->", "<!-- python tables: end -->"
RENDERED = ["table", "tiny", "shop", "escape", "logic", "inherit"]
GENERATED = ["html1k", "html10k", "html100k"]
SAMPLE_NS = 4_000_000


# --- the environment of this script -------------------------------------------------------------


def enter_venv():
    """Runs this script again in the virtual environment, which is made when it is missing."""
    python = VENV / "bin" / "python"
    if pathlib.Path(sys.prefix) == VENV:
        if "--native" not in sys.argv:
            install_haiden(python)
        return
    requirements = HERE / "requirements.txt"
    stamp = VENV / "installed"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(requirements)], check=True)
        stamp.write_text(requirements.read_text())
    os.execv(python, [str(python), *sys.argv])


def install_haiden(python):
    """Builds the wheel from this tree and installs it next to the peers."""
    project = BENCH.parent / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(project)], check=True)


# --- the user filter, the same in all engines ---------------------------------------------------


def money(amount):
    """An amount with thousands separated and two decimals."""
    return f"${amount:,.2f}"


# --- the engines --------------------------------------------------------------------------------


class Jinja2:
    """The reference."""

    name = "Jinja2"
    unsupported = frozenset()

    def __init__(self):
        import jinja2

        self.jinja2 = jinja2

    def environment(self, sources):
        environment = self.jinja2.Environment(loader=self.jinja2.DictLoader(sources), autoescape=True)
        environment.filters["money"] = money
        return environment

    def renderer(self, sources, entry, context):
        template = self.environment(sources).get_template(entry)
        return lambda: template.render(context)

    def compiler(self, sources):
        environment = self.environment({})
        return lambda: [environment.from_string(source) for source in sources.values()]


class Jinja2Again(Jinja2):
    """The same once more: how far its ratio is from 1 is the error of the measurement."""

    name = "Jinja2 (control)"


class MiniJinja:
    """The published binding of minijinja; it converts values and calls back for attributes."""

    name = "minijinja"
    unsupported = frozenset()

    def __init__(self):
        import minijinja

        self.minijinja = minijinja

    def renderer(self, sources, entry, context):
        environment = self.minijinja.Environment(
            templates=sources,
            filters={"money": money, "truncate": truncate},
            auto_escape_callback=lambda _name: True,
        )
        return lambda: environment.render_template(entry, **context)

    def compiler(self, sources):
        environment = self.minijinja.Environment()

        def compile_all():
            for name, source in sources.items():
                environment.add_template(name, source)

        return compile_all


def truncate(text, length):
    """minijinja's binding has no ``truncate`` with Jinja2's meaning."""
    if len(text) <= length + 5:
        return text
    return text[: length - 3].rsplit(" ", 1)[0] + "..."


class Haiden:
    """The package, as an application uses it; ``path``: a file of the native module for the tree's Python half."""

    name = "haiden"
    unsupported = frozenset()

    def __init__(self, path):
        if path is not None:
            sys.path.insert(0, str(BENCH.parent / "python"))
            loader = importlib.machinery.ExtensionFileLoader("haiden._native", str(path))
            spec = importlib.util.spec_from_file_location("haiden._native", path, loader=loader)
            module = importlib.util.module_from_spec(spec)
            sys.modules["haiden._native"] = module
            loader.exec_module(module)
        self.haiden = importlib.import_module("haiden")
        importlib.import_module("haiden._native")

    def environment(self, sources):
        loader = self.haiden.DictLoader(sources)
        environment = self.haiden.Environment(loader=loader, autoescape=True)
        environment.filters["money"] = money
        return environment

    def renderer(self, sources, entry, context):
        environment = self.environment(sources)
        template = environment.get_template(entry)
        return lambda: template.render(context)

    def compiler(self, sources):
        environment = self.environment({})
        return lambda: [environment.from_string(text) for text in sources.values()]


# --- the tasks ----------------------------------------------------------------------------------


class Record:
    """A plain object: attributes in an instance dictionary."""


def live(value, role=""):
    """Turns JSON into what an application holds: lists, strings, numbers, instances of classes."""
    if isinstance(value, list):
        return [live(item, role) for item in value]
    if isinstance(value, dict):
        kind = CLASSES.setdefault(role, type(role.title() or "Root", (Record,), {}))
        record = kind()
        for key, item in value.items():
            setattr(record, key, live(item, key))
        return record
    return value


CLASSES = {}


def task(workload):
    """Sources, entry, context and expected page of a workload."""
    task_file, page_file = PAGES / f"{workload}.json", PAGES / f"{workload}.html"
    stored = json.loads(task_file.read_text())
    context = {key: live(item, key) for key, item in stored["data"].items()}
    return stored["sources"], stored["entry"], context, page_file.read_bytes().decode()


def verify(label, expected, found):
    """Ends the program where ``found`` is not ``expected``."""
    if found == expected:
        return
    pairs = enumerate(zip(expected, found))
    at = next((i for i, (a, b) in pairs if a != b), min(len(expected), len(found)))
    around = slice(max(0, at - 60), at + 60)
    sys.exit(
        f"error: {label} differs at character {at} ({len(expected)} against {len(found)}):\n"
        f"  expected {expected[around]!r}\n  found    {found[around]!r}"
    )


# --- the clock ----------------------------------------------------------------------------------


def sample(function, runs):
    """Nanoseconds of processor time per run."""
    start = time.thread_time_ns()
    for _ in range(runs):
        function()
    return (time.thread_time_ns() - start) / runs


def compare(functions, rounds):
    """Median time of each function and the median ratio of the first one to it."""
    runs = []
    for function in functions:
        sample(function, 2)
        runs.append(max(1, int(SAMPLE_NS / max(1, sample(function, 2)))))
    order = [*range(len(functions)), *reversed(range(len(functions)))]
    samples = [[] for _ in functions]
    for _ in range(rounds):
        spent = [0.0] * len(functions)
        for index in order:
            spent[index] += sample(functions[index], runs[index]) / 2
        for index, value in enumerate(spent):
            samples[index].append(value)
    medians = [statistics.median(own) for own in samples]
    ratios = [statistics.median(a / b for a, b in zip(samples[0], own)) for own in samples]
    return list(zip(medians, ratios))


# --- the report ---------------------------------------------------------------------------------


def digits(value):
    """Three significant digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def human(nanoseconds):
    """A time with its unit."""
    if nanoseconds < 1e3:
        return f"{digits(nanoseconds)} ns"
    if nanoseconds < 1e6:
        return f"{digits(nanoseconds / 1e3)} µs"
    return f"{digits(nanoseconds / 1e6)} ms"


def table(title, columns, engines, results):
    """Markdown; ``results[workload][engine name]`` is a time and a ratio."""
    lines = [f"### {title}", "", f"| engine | {' | '.join(columns)} | geometric mean |"]
    lines.append("|---|" + "---:|" * (len(columns) + 1))
    for engine in engines:
        found = [results[workload].get(engine.name) for workload in columns]
        cells = ["-" if pair is None else f"{human(pair[0])} ({digits(pair[1])}x)" for pair in found]
        logs = [math.log(pair[1]) for pair in found if pair is not None]
        mean = f"{digits(math.exp(sum(logs) / len(logs)))}x" if logs else "-"
        note = "" if len(logs) == len(columns) else f" (of {len(logs)})"
        lines.append(f"| {engine.name} | {' | '.join(cells)} | {mean}{note} |")
    return "\n".join(lines)


def write(tables):
    """Replaces what stands between the markers of the README."""
    readme = BENCH / "README.md"
    text = readme.read_text()
    head, _, rest = text.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        sys.exit(f"error: {readme}: no `{BEGIN}` ... `{END}`")
    readme.write_text(f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}")


def engines_for(arguments):
    """The engines that are there."""
    engines = [Jinja2(), Jinja2Again(), MiniJinja()]
    try:
        engines.insert(1, Haiden(arguments.native))
    except ImportError as error:
        if arguments.native is not None:
            sys.exit(f"error: {arguments.native}: {error}")
        print("note: haiden._native is not installed, left out", file=sys.stderr)
    return engines


def measure(engines, rounds, only):
    """Verifies, then times; two dictionaries of results: rendering and compiling."""
    rendering, compiling, prepared = {}, {}, {}
    for workload in [name for name in RENDERED + GENERATED if not only or name in only]:
        sources, entry, context, expected = task(workload)
        able = [engine for engine in engines if workload not in engine.unsupported]
        functions = [engine.renderer(sources, entry, context) for engine in able]
        for engine, function in zip(able, functions):
            verify(f"{engine.name} {workload}", expected, function())
        print(f"{workload:9} {len(able)} pages of {len(expected)} characters agree", file=sys.stderr)
        if workload in GENERATED:
            functions = [engine.compiler(sources) for engine in able]
        prepared[workload] = able, functions
    gc.freeze()
    for workload, (able, functions) in prepared.items():
        print(f"timing {workload}", file=sys.stderr)
        results = rendering if workload in RENDERED else compiling
        pairs = compare(functions, rounds)
        results[workload] = {engine.name: pair for engine, pair in zip(able, pairs)}
    return rendering, compiling


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--write", action="store_true", help="write the tables into bench/README.md")
    parser.add_argument("--native", type=pathlib.Path, help="file of haiden's native module")
    parser.add_argument("--workloads", default="", help="only these, separated by commas")
    arguments = parser.parse_args()
    enter_venv()
    if not all((PAGES / f"{name}.json").exists() for name in RENDERED + GENERATED):
        subprocess.run([str(BENCH / "run"), "--verify", "--no-python"], check=True)
    engines = engines_for(arguments)
    only = [name for name in arguments.workloads.split(",") if name]
    rendering, compiling = measure(engines, 5 if arguments.quick else 21, only)
    tables = []
    if rendering:
        tables.append(table("Python host: render", list(rendering), engines, rendering))
    if compiling:
        tables.append(table("Python host: compile", list(compiling), engines, compiling))
    print("\n\n".join(tables))
    if arguments.write:
        write("\n\n".join(tables))


if __name__ == "__main__":
    main()
