"""Where the bytecode cache pays in Python: haiden's stores and Jinja2's own hit, each against compiling.

In: nothing, or where `bench-cache` is, for what the same bundle takes in Rust. Out: a table on standard output, with
``--write`` also in ``docs/cache.md``. Nothing is timed before every way gives Jinja2's page (a few of a site's).

The clock is this thread's processor time, and the wall's where a server is waited for. Each sample is a new environment,
and a bundle that was opened just before, after garbage was collected; ways are interleaved, a time is the median of the
rounds, and a ratio the median of the ratios of the rounds. Servers are started on loopback; one that is not installed is
left out, and said so.
"""

import argparse
import contextlib
import gc
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import compare

BENCH = pathlib.Path(__file__).resolve().parent.parent
# Where a number may stand, so that no two pieces have a text in common.
PIECE = """<section~ class="{{ kind }}"~>{% for item in items %}
  <article~ id="a-{{ loop.index }}"~{% if loop.first %} class="first~"{% endif %}~>
    <h2>{{ item.title|upper }}</h2>~<p>{{ item.text|default("nothing~") }}~: {{ item.price * 2 }}~</p>
  </article>{% else %}<p>Nothing~ here, come back later.</p>{% endfor %}
</section>
"""
DATA = {"kind": "news", "items": [{"title": "One & two", "price": 3}, {"title": "Three", "text": "<b>", "price": 4}]}
# Fewer than this are not prefetched.
PREFETCHED = 100
REMOTE = {"haiden, Memcached", "haiden, Redis"}
BEGIN, END = "<!-- python cache table: begin -->", "<!-- python cache table: end -->"


@contextlib.contextmanager
def server(program, *options):
    """The port of a server, or nothing."""
    path = os.environ.get(f"HAIDEN_{program.upper().replace('-', '_')}") or shutil.which(program)
    if path is None:
        print(f"note: no {program}: left out", file=sys.stderr)
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([path, *options, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 0.1).close()
                break
            time.sleep(0.01)
        yield port
    finally:
        process.kill()
        process.wait()


def source(kilobytes, number, repeats):
    """A template of a size, like no other one. With ``repeats`` it says the same all the time."""
    text, piece = f"{{# {number} #}}{number}: ", 0
    while len(text) < kilobytes << 10:
        text += PIECE.replace("~", "" if repeats else f" {piece}")
        piece += 1
    return text


def templates(folder, kilobytes, count, repeats=True):
    """Templates of a size, as files."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"page{number}.html").write_text(source(kilobytes, number, repeats), encoding="utf-8")


class Way:
    """A way to templates that are ready: what makes an environment, and whether it waits for a server."""

    def __init__(self, name, make, waits=False):
        self.name, self.make = name, make
        self.clock = time.perf_counter_ns if waits else time.thread_time_ns

    def load(self, names):
        """Nanoseconds that a new environment takes to get all templates."""
        environment = self.make()
        gc.collect()
        start = self.clock()
        for name in names:
            environment.get_template(name)
        return self.clock() - start


class Rust:
    """All templates of a folder out of a sealed bundle, in Rust: another process, which takes its turn."""

    name = "haiden in Rust, bundle, sealed"

    def __init__(self, program, folder):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program, "--serve", str(folder)], stdin=pipe, stdout=pipe, text=True)

    def load(self, names):
        """Nanoseconds that a new environment takes to get all templates."""
        print(file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def close(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()


def ways(folder, scratch, names, servers):
    """All ways to the templates in a folder, and the stores of some of them."""
    import haiden
    import jinja2
    from haiden import cache

    def theirs(kept=None):
        loader = jinja2.FileSystemLoader(folder)
        return jinja2.Environment(loader=loader, autoescape=True, bytecode_cache=kept)

    def ours(kept=None, loader=None):
        return haiden.Environment(
            loader=loader or haiden.FileSystemLoader(folder), autoescape=True, bytecode_cache=kept
        )

    scratch.mkdir()
    (scratch / "theirs").mkdir()
    sealed, checked = scratch / "sealed.haiden", scratch / "checked.haiden"
    cache.write_bundle(sealed, ours(), names)
    cache.write_bundle(checked, ours(), names, sealed=False)
    patient = {"operation_timeout": 5, "connect_timeout": 5}
    stores = {
        "haiden, disk": cache.FileSystemBytecodeCache(scratch / "ours"),
        "haiden, memory": cache.MemoryBytecodeCache(10_000, 1 << 30),
        "haiden, SQLite": cache.SqliteBytecodeCache(scratch / "cache.db"),
    }
    if servers["memcached"]:
        url = f"memcached://127.0.0.1:{servers['memcached']}?prefix={scratch.name}/"
        stores["haiden, Memcached"] = cache.MemcachedBytecodeCache(url, unauthenticated=True, **patient)
    if servers["redis-server"]:
        url = f"redis://127.0.0.1:{servers['redis-server']}?prefix={scratch.name}/"
        stores["haiden, Redis"] = cache.RedisBytecodeCache(url, unauthenticated=True, **patient)
    return [
        Way("Jinja2, compile", theirs),
        Way("Jinja2, disk", lambda: theirs(jinja2.FileSystemBytecodeCache(str(scratch / "theirs")))),
        Way("haiden, compile", ours),
        *(Way(name, lambda kept=kept: ours(kept), name in REMOTE) for name, kept in stores.items()),
        Way("haiden, bundle, source-checked", lambda: ours(cache.BundleBytecodeCache(checked))),
        Way("haiden, bundle, sealed", lambda: ours(loader=cache.BundleLoader(sealed))),
    ], stores


def verify(label, all_ways, names, data):
    """Ends the program if a page by one of the ways is not Jinja2's."""
    # Those that begin with an underscore are parts of others.
    for name in [name for name in names if not name.startswith("_")][:5]:
        expected = all_ways[0].make().get_template(name).render(data)
        for way in all_ways:
            compare.verify(f"{label}, {way.name}, {name}", expected, way.make().get_template(name).render(data))


def measure(label, folder, names, data, servers, rounds, rust):
    """For each way the nanoseconds a template of each round; also of prefetching, where a server is asked."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        all_ways, stores = ways(folder, pathlib.Path(scratch) / re.sub(r"\W+", "-", label), names, servers)
        for way in all_ways:
            way.load(names)
        verify(label, all_ways, names, data)
        if rust is not None:
            all_ways.append(stack.enter_context(contextlib.closing(Rust(rust, folder))))
            all_ways[-1].load(names)
        samples = {way.name: [] for way in all_ways}
        for number in range(rounds):
            for way in all_ways if number % 2 else reversed(all_ways):
                # Jinja2's compiler takes seconds, and is no ratio's measure.
                if number < 3 or way.name != "Jinja2, compile":
                    samples[way.name].append(way.load(names) / len(names))
        for name in REMOTE & stores.keys() if len(names) >= PREFETCHED else ():
            way = next(way for way in all_ways if way.name == name)
            prefetched = samples[f"{name}, prefetched"] = []
            for _ in range(rounds):
                environment = way.make()
                gc.collect()
                start = time.perf_counter_ns()
                stores[name].prefetch(environment, names)
                prefetched.append((time.perf_counter_ns() - start) / len(names))
        return samples


def table(columns):
    """Markdown; the brackets say how many times cheaper than Jinja2's own hit, and between what the half of them lies."""
    names = list(dict.fromkeys(name for _, samples in columns for name in samples))
    lines = [f"| | {' | '.join(label for label, _ in columns)} |", "|---|" + "---:|" * len(columns)]
    for name in names:
        cells = []
        for _, samples in columns:
            if name not in samples:
                cells.append("-")
                continue
            ratios = [theirs / own for theirs, own in zip(samples["Jinja2, disk"], samples[name])]
            low, ratio, high = statistics.quantiles(ratios, n=4)
            cell = compare.human(statistics.median(samples[name]))
            if name != "Jinja2, disk":
                cell += f" ({compare.digits(ratio)}x, {compare.digits(low)}–{compare.digits(high)})"
            cells.append(cell)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write(text):
    """Puts the table into the page, between its markers."""
    page = BENCH.parent / "docs" / "cache.md"
    head, rest = page.read_text(encoding="utf-8").split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    page.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")


def site(target):
    """The site of 300 templates: its folder, its templates' names, its data."""
    import json

    generate = BENCH.parent / "examples" / "large-site" / "generate.py"
    subprocess.run([sys.executable, str(generate), str(target)], check=True, stdout=subprocess.DEVNULL)
    folder = target / "templates"
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return folder, names, json.loads((target / "data.json").read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--write", action="store_true", help="write the table into docs/cache.md")
    parser.add_argument("--rust", type=pathlib.Path, help="the program bench-cache, for the same in Rust")
    parser.add_argument("--native", action="store_true", help="take the packages that this interpreter has")
    options = parser.parse_args()
    if not options.native:
        compare.enter_venv()
    rounds = 5 if options.quick else 21
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        scratch = pathlib.Path(scratch)
        memcached = ["-l", "127.0.0.1", "-U", "0", "-m", "512", *user, "-p"]
        redis = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(scratch), "--port"]
        servers = {
            "memcached": stack.enter_context(server("memcached", *memcached)),
            "redis-server": stack.enter_context(server("redis-server", *redis)),
        }
        columns = []
        rust = options.rust and options.rust.resolve()
        kinds = [(1, 100, True), (10, 100, True), (10, 100, False), (100, 16, True), (100, 16, False)]
        for kilobytes, count, repeats in kinds:
            label = f"{kilobytes} KB" if repeats else f"{kilobytes} KB, nothing twice"
            folder = scratch / label / "templates"
            templates(folder, kilobytes, count, repeats)
            names = [f"page{number}.html" for number in range(count)]
            columns.append((label, measure(label, folder, names, DATA, servers, rounds, rust)))
        folder, names, data = site(scratch / "site")
        samples = measure("site", folder, names, data, servers, max(5, rounds // 2), rust)
        columns.append((f"a site of {len(names)}", samples))
    text = table(columns)
    print(text)
    if options.write:
        write(text)


if __name__ == "__main__":
    main()
