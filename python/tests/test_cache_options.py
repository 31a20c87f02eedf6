"""One cache, many environments: two that could render differently never share an entry, and what changed is seen.

The same for haiden's stores, which go by content keys, and for Jinja2's own folder of files, where all environments meet in one
place (there, Jinja2's issue 1738 serves a page without autoescape to an environment with it).
"""

import inspect
import os
import subprocess
import sys

import pytest

import haiden
from haiden import DictLoader, Environment, FileSystemLoader, StrictUndefined
from haiden.cache import FileSystemBytecodeCache, MemoryBytecodeCache, SqliteBytecodeCache
from haiden.ext import Extension
from haiden.nativetypes import NativeEnvironment
from haiden.sandbox import SandboxedEnvironment

SOURCES = {
    "page": "{% if true %}\n  {% set y = x %}\n{{ y }}<% x %>[[ x ]](# x #){# a #}\n% set z = 1\n{{ 1 + 1 }} //c\n{% endif %}end\n",
    "words": "{% trans n=x %}\n  one %\n  {{ n }}\n{% endtrans %}",
    "debug": "{% debug %}",
    "do": "{% do [1] %}done",
    "break": "{% for n in [1, 2] %}{% break %}{% else %}none{% endfor %}",
    "names": "{{ 1 + 1 }}{{ x }}{{ nobody }}{{ 'a'|upper }}{{ 1 is odd }}{{ 3 + n }}{{ {'b': 1, 'a': 2}|tojson }}",
    "set": "{% set v %}{{ [1] }}{% endset %}{{ v[0] }}",
    "range": "{{ range(200000)|length }}",
}


class Louder(Extension):
    """Changes what a source means."""

    def preprocess(self, source, name, filename=None):
        return source.replace("x", "n")


class Sums(SandboxedEnvironment):
    intercepted_binops = frozenset("+")

    def call_binop(self, context, operator, left, right):
        return "sum"


def i18n(env, newstyle=False, trimmed=False):
    env.install_null_translations(newstyle=newstyle)
    env.policies["ext.i18n.trimmed"] = trimmed


# By the name of the parameter of `Environment` that they are about, if there is one.
OPTIONS = {
    "plain": {},
    "block_start_string": {"block_start_string": "{%%"},
    "block_end_string": {"block_end_string": "%%}"},
    "variable_start_string": {"variable_start_string": "[["},
    "variable_end_string": {"variable_end_string": "]]"},
    "comment_start_string": {"comment_start_string": "(#"},
    "comment_end_string": {"comment_end_string": "#)"},
    "line_statement_prefix": {"line_statement_prefix": "%"},
    "line_comment_prefix": {"line_comment_prefix": "//"},
    "trim_blocks": {"trim_blocks": True},
    "lstrip_blocks": {"lstrip_blocks": True},
    "newline_sequence": {"newline_sequence": "\r\n"},
    "keep_trailing_newline": {"keep_trailing_newline": True},
    "extensions": {"extensions": [Louder]},
    "extensions: do": {"extensions": ["jinja2.ext.do"]},
    "extensions: loopcontrols": {"extensions": ["jinja2.ext.loopcontrols"]},
    "extensions: debug": {"extensions": ["jinja2.ext.debug"]},
    "extensions: i18n": {"extensions": ["jinja2.ext.i18n"], "then": i18n},
    "newstyle_gettext": {"extensions": ["jinja2.ext.i18n"], "then": lambda env: i18n(env, newstyle=True)},
    "ext.i18n.trimmed": {"extensions": ["jinja2.ext.i18n"], "then": lambda env: i18n(env, trimmed=True)},
    "optimized": {"optimized": False},
    "undefined": {"undefined": StrictUndefined},
    "finalize": {"finalize": lambda value: f"<{value}>"},
    "autoescape": {"autoescape": True},
    "autoescape: some": {"autoescape": lambda name: name == "names"},
    "enable_async": {"enable_async": True},
    "sandbox": {"class": SandboxedEnvironment},
    "sandbox, intercepted": {"class": Sums},
    "native": {"class": NativeEnvironment},
    "filters": {"then": lambda env: env.filters.update(upper=lambda text: f"{text}!")},
    "tests": {"then": lambda env: env.tests.update(odd=lambda value: False)},
    "globals": {"then": lambda env: env.globals.update(nobody="somebody")},
    "policies: json": {"then": lambda env: env.policies.update({"json.dumps_kwargs": {"sort_keys": False}})},
}
SAME_PAGES = {"plain", "optimized", "enable_async"}


def environment(option, cache=None):
    chosen = dict(OPTIONS[option])
    then = chosen.pop("then", lambda env: None)
    make = chosen.pop("class", Environment)
    names = {"jinja2.ext.": "haiden.ext."}
    extensions = [
        each.replace("jinja2.ext.", names["jinja2.ext."]) if isinstance(each, str) else each
        for each in chosen.pop("extensions", [])
    ]
    env = make(loader=DictLoader(SOURCES), bytecode_cache=cache, extensions=extensions, **chosen)
    then(env)
    return env


def pages(env):
    def one(name):
        try:
            return str(env.get_template(name).render(x="<x>", n=4))
        except haiden.TemplateError as error:
            return f"{type(error).__name__}: {error}"
        except OverflowError as error:
            return str(error)

    return {name: one(name) for name in SOURCES}


def test_every_parameter_has_its_case():
    elsewhere = {"self", "loader", "cache_size", "auto_reload", "bytecode_cache"}
    assert set(inspect.signature(Environment.__init__).parameters) - elsewhere <= set(OPTIONS)


CACHES = {
    "memory": lambda folder: MemoryBytecodeCache(),
    "directory": lambda folder: FileSystemBytecodeCache(folder / "cache"),
    "sqlite": lambda folder: SqliteBytecodeCache(folder / "cache.db"),
    "Jinja2's": lambda folder: haiden.FileSystemBytecodeCache(str(folder)),
}


@pytest.mark.parametrize("kind", CACHES)
def test_pages_out_of_a_shared_cache(kind, tmp_path):
    cache = CACHES[kind](tmp_path)
    alone = {option: pages(environment(option)) for option in OPTIONS}
    for option in set(OPTIONS) - SAME_PAGES:
        assert alone[option] != alone["plain"], f"{option}: the pages show what it does"
    for _ in range(2):
        for option in OPTIONS:
            assert pages(environment(option, cache)) == alone[option], option
    if kind != "Jinja2's":
        figures = cache.statistics()
        assert figures.hits > figures.writes and not figures.rejections, figures


def test_equal_keys_are_equal_bytecode():
    known = {}
    for option in OPTIONS:
        cache = MemoryBytecodeCache()
        pages(environment(option, cache))
        for entry in cache.entries():
            other, bytecode = known.setdefault(entry.key, (option, entry.bytecode))
            assert bytecode == entry.bytecode, f"{option} and {other} share a key, and not the bytecode"


def test_names_do_not_matter():
    cache = MemoryBytecodeCache()
    for name in ("a", "b", "c/d.html"):
        Environment(loader=DictLoader({name: "text"}), bytecode_cache=cache).get_template(name)
    assert (cache.statistics().hits, cache.statistics().misses) == (2, 1)


@pytest.mark.parametrize("kind", CACHES)
def test_rolling_deployment(kind, tmp_path):
    cache = CACHES[kind](tmp_path)
    for worker in range(20):
        version = f"version {worker % 2}"
        env = Environment(loader=DictLoader({"page": version}), bytecode_cache=cache)
        assert env.get_template("page").render() == version
    figures = cache.statistics()
    # Jinja2's files have one place for both versions, which take turns.
    assert (figures.hits, figures.misses) == ((0, 20) if kind == "Jinja2's" else (18, 2))


@pytest.mark.parametrize("size, most", [(0, 0), (2, 2), (10, 10), (-1, None)])
def test_statistics_of_the_memory(size, most):
    """Whatever asks for a template by its name: the program, or another template."""
    sources = {"a": "{% include 'b' %}{% include 'b' %}", "b": "b", "c": "c", "d": "d"}
    env = Environment(loader=DictLoader(sources), cache_size=size)
    assert env.cache_statistics()[:4] == (0, 0, 0, most)
    for _ in range(3):
        assert env.get_template("a").render() == "bb"
    found = env.cache_statistics()
    assert found.hits + found.misses == 9 and found.misses == (9 if size == 0 else 2)
    assert (found.size, found.max_size) == (min(size, 2) if size >= 0 else 2, most)
    # An option that changes begins nothing anew, and an overlay begins by itself.
    env.trim_blocks = True
    assert env.cache_statistics()[:2] == found[:2]
    assert env.overlay().cache_statistics()[:2] == (0, 0)
    env.get_template("c"), env.get_template("d")
    after = env.cache_statistics()
    assert (after.misses - found.misses, after.hits - found.hits) == (2, 0)
    names = sorted(entry.key for entry in env.cache_entries())
    assert names == {0: [], 2: ["c", "d"]}.get(size, ["a", "b", "c", "d"])
    if env.cache is not None:
        env.cache.clear()
        assert env.cache_statistics().size == 0 and not list(env.cache_entries())


def test_bytecode_of_another_engine(tmp_path):
    """Whole, and under the right key: as if an older haiden, or another format, had had the same keys."""
    # Where an image says what it was made by and for (`docs/image-format.md`).
    places = {"magic": 0, "format": 8, "compiler": 12, "instruction set": 16, "source": 32, "options": 64}
    for what, place in places.items():
        cache = haiden.FileSystemBytecodeCache(str(tmp_path))

        def page(cache=cache):
            env = Environment(loader=DictLoader({"page": "{{ 1 + 1 }}"}), bytecode_cache=cache)
            return env.get_template("page").render()

        assert page() == "2"
        (path,) = tmp_path.iterdir()
        data = bytearray(path.read_bytes())
        image = data.index(b"\x89HDN\r\n\x1a\n")
        data[image + place] ^= 1
        path.write_bytes(data)
        assert page() == page() == "2", what
        figures = cache.statistics()
        assert (figures.hits, figures.misses) == (1, 2), f"{what}: a miss, and written anew"
        cache.clear()


def test_the_version_of_python_does_not_matter(tmp_path):
    """No entry says which Python wrote it: what another process wrote is a hit. (The command line's entries are, too.)"""
    program = (
        "import sys; from haiden import DictLoader, Environment\n"
        "from haiden.cache import FileSystemBytecodeCache\n"
        "cache = FileSystemBytecodeCache(sys.argv[1])\n"
        "Environment(loader=DictLoader({'page': 'text'}), bytecode_cache=cache).get_template('page')\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.iterdir()
    assert all(version.encode() not in path.read_bytes() for version in (sys.version.split()[0], "cpython"))
    cache = FileSystemBytecodeCache(tmp_path)
    Environment(loader=DictLoader({"page": "text"}), bytecode_cache=cache).get_template("page")
    assert (cache.statistics().hits, cache.statistics().misses) == (1, 0)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("reload", [True, False])
@pytest.mark.parametrize("size", [0, 10, -1])
@pytest.mark.parametrize("kind", ["directory", "sqlite"])
def test_reloading(kind, size, reload, warm, tmp_path):
    """What a changed source costs: the entry of the old one stays, and is a hit when it comes back."""
    cache = CACHES[kind](tmp_path)
    folder = tmp_path / "templates"
    folder.mkdir()
    path = folder / "page"

    def write(text):
        path.write_text(text)
        os.utime(path, (1_000_000_000, 1_000_000_000 + len(text)))

    def asked(env, times, expected):
        before = cache.statistics()
        assert {env.get_template("page").render() for _ in range(times)} == {expected}
        after = cache.statistics()
        return after.hits - before.hits, after.misses - before.misses

    def new():
        return Environment(
            loader=FileSystemLoader(folder), bytecode_cache=cache, cache_size=size, auto_reload=reload
        )

    if warm:
        for text in ("old", "newer"):
            write(text)
            new().get_template("page")
    write("old")
    env = new()
    cold = 0 if warm else 1
    loads = 3 if size == 0 else 1
    assert asked(env, 3, "old") == (loads - cold, cold)
    write("newer")
    if size and not reload:
        assert asked(env, 2, "old") == (0, 0), "nobody looks"
    else:
        loads = 2 if size == 0 else 1
        assert asked(env, 2, "newer") == (loads - cold, cold)
    write("old")
    if env.cache is not None:
        env.cache.clear()
    assert asked(env, 1, "old") == (1, 0), "what comes back is still there"
    cache.clear()
    if env.cache is not None:
        env.cache.clear()
    assert asked(env, 1, "old") == (0, 1)
