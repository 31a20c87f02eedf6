"""Where the bytecode cache pays in Python: haiden's stores and Jinja2's own hit, each against compiling.

In: nothing. Out: a table on standard output. Nothing is timed before every way gives Jinja2's page (a few of a site's).
The clock is the wall's, since servers are waited for; ways are interleaved, and a time is the median of the rounds.
Servers are started on loopback; one that is not installed is left out, and said so.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import compare

BENCH = pathlib.Path(__file__).resolve().parent.parent
PIECE = """<section class="{{ kind }}">{% for item in items %}
  <article id="a-{{ loop.index }}"{% if loop.first %} class="first"{% endif %}>
    <h2>{{ item.title|upper }}</h2><p>{{ item.text|default("nothing") }}: {{ item.price * 2 }}</p>
  </article>{% else %}<p>Nothing here, come back later.</p>{% endfor %}
</section>
"""
DATA = {"kind": "news", "items": [{"title": "One & two", "price": 3}, {"title": "Three", "text": "<b>", "price": 4}]}
PREFETCHED = 100


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


def source(kilobytes, number):
    """A template of a size, like no other one."""
    text = f"{{# {number} #}}{number}: "
    while len(text) < kilobytes << 10:
        text += PIECE
    return text


def templates(folder, kilobytes, count):
    """Templates of a size, as files."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"page{number}.html").write_text(source(kilobytes, number), encoding="utf-8")


class Way:
    """A way to a template that is ready: an environment, and whether its cache wants to be warm."""

    def __init__(self, name, make):
        self.name, self.make = name, make

    def load(self, names):
        """Seconds that a new environment takes to get all templates."""
        environment = self.make()
        start = time.perf_counter()
        for name in names:
            environment.get_template(name)
        return time.perf_counter() - start


def ways(folder, scratch, names, servers):
    """All ways to the templates in a folder."""
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
        "haiden, bundle, source-checked": cache.BundleBytecodeCache(checked),
    }
    if servers["memcached"]:
        url = f"memcached://127.0.0.1:{servers['memcached']}?prefix={scratch.name}/"
        stores["haiden, Memcached"] = cache.MemcachedBytecodeCache(url, **patient)
    if servers["redis-server"]:
        url = f"redis://127.0.0.1:{servers['redis-server']}?prefix={scratch.name}/"
        stores["haiden, Redis"] = cache.RedisBytecodeCache(url, **patient)
    loader = cache.BundleLoader(sealed)
    return [
        Way("Jinja2, compile", theirs),
        Way("Jinja2, disk", lambda: theirs(jinja2.FileSystemBytecodeCache(str(scratch / "theirs")))),
        Way("haiden, compile", ours),
        *(Way(name, lambda kept=kept: ours(kept)) for name, kept in stores.items()),
        Way("haiden, bundle, sealed", lambda: ours(loader=loader)),
    ], stores


def measure(label, folder, names, data, servers, rounds):
    """Median seconds a template of each way, and of prefetching and one by one where a server is asked."""
    with tempfile.TemporaryDirectory() as scratch:
        all_ways, stores = ways(folder, pathlib.Path(scratch) / label.replace(" ", "-"), names, servers)
        for way in all_ways:
            way.load(names)
        # Those that begin with an underscore are parts of others.
        for name in [name for name in names if not name.startswith("_")][:5]:
            expected = all_ways[0].make().get_template(name).render(data)
            for way in all_ways:
                compare.verify(f"{label}, {way.name}, {name}", expected, way.make().get_template(name).render(data))
        samples = {way.name: [] for way in all_ways}
        for number in range(rounds):
            for way in all_ways if number % 2 else reversed(all_ways):
                # Jinja2's compiler takes seconds, and is no ratio's measure.
                if number < 3 or way.name != "Jinja2, compile":
                    samples[way.name].append(way.load(names) / len(names))
        for name, store in stores.items():
            if name in ("haiden, Memcached", "haiden, Redis") and len(names) == PREFETCHED:
                way = next(way for way in all_ways if way.name == name)
                prefetched = []
                for _ in range(rounds):
                    environment = way.make()
                    start = time.perf_counter()
                    store.prefetch(environment, names)
                    prefetched.append((time.perf_counter() - start) / len(names))
                samples[f"{name}, prefetched"] = prefetched
        return {name: statistics.median(own) for name, own in samples.items()}


def table(columns):
    """Markdown; the brackets say how many times cheaper than Jinja2's own hit."""
    names = list(dict.fromkeys(name for _, results in columns for name in results))
    lines = [f"| | {' | '.join(label for label, _ in columns)} |", "|---|" + "---:|" * len(columns)]
    for name in names:
        cells = []
        for _, results in columns:
            if name not in results:
                cells.append("-")
                continue
            ratio = compare.digits(results["Jinja2, disk"] / results[name])
            cells.append(f"{compare.human(results[name] * 1e9)} ({ratio}x)")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


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
        for kilobytes, count in [(1, PREFETCHED), (10, PREFETCHED), (100, 4)]:
            label = f"{kilobytes} KB"
            folder = scratch / label / "templates"
            templates(folder, kilobytes, count)
            names = [f"page{number}.html" for number in range(count)]
            columns.append((label, measure(label, folder, names, DATA, servers, rounds)))
        folder, names, data = site(scratch / "site")
        columns.append((f"a site of {len(names)}", measure("site", folder, names, data, servers, max(3, rounds // 4))))
    print(table(columns))


if __name__ == "__main__":
    main()
