"""The stores of `haiden.cache`: the suite, servers that are ill, signatures, tiers, bundles, forks."""

import doctest
import gc
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import weakref
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import pytest
from test_documented_caches import InSqlite, listening, server

import haiden.cache
import haiden.testing
from haiden import (
    ChoiceLoader,
    DictLoader,
    Environment,
    FileSystemLoader,
    ModuleLoader,
    PrefixLoader,
    TemplateNotFound,
    TemplateSyntaxError,
)
from haiden.cache import (
    Authenticated,
    BundleBytecodeCache,
    BundleLoader,
    CacheError,
    FileSystemBytecodeCache,
    KeyRing,
    MemcachedBytecodeCache,
    MemoryBytecodeCache,
    RedisBytecodeCache,
    SqliteBytecodeCache,
    Tier,
    TieredBytecodeCache,
    cache_from_url,
    write_bundle,
)
from haiden.ext import Extension
from haiden.testing import check_store

SITE = {
    "layout.html": "<h1>{% block title %}{% endblock %}</h1>{% include 'foot.html' %}",
    "foot.html": "<p>{{ foot }}</p>",
    "page.html": "{% extends 'layout.html' %}{% block title %}{{ title }}{% endblock %}",
}
PAGE = "<h1>A &amp; B</h1><p>end</p>"
SECRET, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2


@contextmanager
def redis_server(*options):
    program = server("HAIDEN_REDIS_SERVER", "redis-server")
    with tempfile.TemporaryDirectory() as folder:
        fixed = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        process, port = listening(lambda port: [program, "--port", str(port), *fixed, *options])
        try:
            yield process, f"redis://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


@contextmanager
def memcached_server(*options):
    program = server("HAIDEN_MEMCACHED", "memcached")
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process, port = listening(lambda port: [program, "-l", "127.0.0.1", "-p", str(port), "-U", "0", *user, *options])
    try:
        yield process, f"memcached://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


ANYBODY = {"unauthenticated": True}
SERVERS = {
    "redis": (redis_server, partial(RedisBytecodeCache, **ANYBODY)),
    "memcached": (memcached_server, partial(MemcachedBytecodeCache, **ANYBODY)),
}


def page(cache, sources=SITE, **options):
    """The page, by way of a cache."""
    env = Environment(loader=DictLoader(sources), bytecode_cache=cache, autoescape=True, **options)
    return env.get_template("page.html").render(title="A & B", foot="end")


@contextmanager
def store(kind, folder):
    """An empty store of a kind."""
    if kind in SERVERS:
        start, cache = SERVERS[kind]
        with start() as (_, url):
            # A busy machine is no ill server.
            yield cache(url, connect_timeout=5, operation_timeout=5)
    else:
        yield {
            "memory": lambda: MemoryBytecodeCache(),
            "directory": lambda: FileSystemBytecodeCache(folder / "cache"),
            "sqlite": lambda: SqliteBytecodeCache(folder / "cache.db"),
            "tiers": lambda: TieredBytecodeCache(
                ("memory", MemoryBytecodeCache(3, 1 << 16)), Tier("disk", FileSystemBytecodeCache(folder / "c"), True)
            ),
            "signed": lambda: Authenticated(SqliteBytecodeCache(folder / "cache.db"), KeyRing(SECRET)),
            "url": lambda: cache_from_url(f"file:{folder / 'cache'}"),
        }[kind]()


KINDS = ["memory", "directory", "sqlite", "tiers", "signed", "url", *SERVERS]


SUITE = {}
"""By store, the cases that it stood: `conftest.py` prints the table."""


@pytest.mark.parametrize("kind", KINDS)
def test_suite(kind, tmp_path):
    SUITE[kind] = []
    with store(kind, tmp_path) as cache:
        SUITE[kind] = check_store(cache)
        assert len(SUITE[kind]) == 14


def test_suite_judges_caches_of_ones_own(tmp_path):
    SUITE["own"] = check_store(InSqlite(tmp_path / "cache.db"))
    own = InSqlite(tmp_path / "tier.db")

    class Lasting:
        load_bytecode, dump_bytecode = own.load_bytecode, own.dump_bytecode

    for made_of_it in (Authenticated(Lasting(), KeyRing(SECRET)), TieredBytecodeCache(Tier("own", Lasting(), True))):
        check_store(made_of_it)
        assert made_of_it.clear().reach == "nothing"
    for small in (MemoryBytecodeCache(1), FileSystemBytecodeCache(tmp_path / "small", max_entries=1)):
        check_store(small)

    class Cut(InSqlite):
        def load_bytecode(self, bucket):
            bucket.key = bucket.key[:100].lower()
            super().load_bytecode(bucket)

        def dump_bytecode(self, bucket):
            bucket.key = bucket.key[:100].lower()
            super().dump_bytecode(bucket)

    with pytest.raises(AssertionError, match="keys do not meet"):
        check_store(Cut(tmp_path / "cut.db"))

    class Wrong(InSqlite):
        def clear(self):
            pass

    with pytest.raises(AssertionError, match="Wrong: clear forgets"):
        check_store(Wrong(tmp_path / "wrong.db"))


@pytest.mark.parametrize("kind", KINDS)
def test_pages_and_statistics(kind, tmp_path):
    with store(kind, tmp_path) as cache:
        assert page(cache) == PAGE
        assert page(cache) == PAGE
        figures = cache.statistics()
        assert (figures.hits, figures.misses, figures.rejections) == (3, 3, {})
        if not figures.tiers:
            assert (figures.writes, figures.load_failures, figures.dump_failures) == (3, 0, 0)
            assert figures.bytes_read == figures.bytes_written > 0
        if kind != "memcached":
            entries = list(cache.entries())
            assert len(entries) == 3 and all(len(entry.key) == 64 for entry in entries)
            assert all(entry.created_at.utcoffset().total_seconds() == 0 for entry in entries)
        else:
            with pytest.raises(NotImplementedError, match="MemcachedBytecodeCache cannot list its entries"):
                list(cache.entries())
        assert cache.clear().reach == ("invalidates" if kind == "memcached" else "deletes")
        assert page(cache) == PAGE
        assert cache.statistics().misses == 6
        # Names do not matter, sources and options do.
        renamed = {**SITE, "other.html": SITE["page.html"]}
        env = Environment(loader=DictLoader(renamed), bytecode_cache=cache, autoescape=True)
        env.get_template("other.html")
        assert cache.statistics().misses == 6
        Environment(loader=DictLoader(SITE), bytecode_cache=cache).get_template("page.html")
        assert cache.statistics().misses == 7


@pytest.mark.parametrize("kind", KINDS)
def test_prefetch(kind, tmp_path):
    with store(kind, tmp_path) as cache:
        page(cache)
        env = Environment(loader=DictLoader(SITE), bytecode_cache=cache, autoescape=True)
        assert (cache.prefetch(env, ["page.html"]), cache.statistics().hits) == (3, 3)
        assert cache.prefetch(env, ["page.html"]) == 0
        assert env.get_template("page.html").render(title="A & B", foot="end") == PAGE
        assert cache.statistics().hits == 3, "they are in memory"
        with pytest.raises(TemplateNotFound):
            cache.prefetch(env, ["nowhere.html"])


def test_prefetch_counts_each_template_once():
    cache = MemoryBytecodeCache()
    env = Environment(loader=DictLoader(SITE), bytecode_cache=cache)
    assert cache.prefetch(env, ["page.html", "foot.html", "page.html"]) == 3
    with pytest.raises(TypeError, match="a list of names"):
        cache.prefetch(env, "page.html")


def test_prefetch_of_what_is_there_goes_on_to_what_it_needs():
    cache = MemoryBytecodeCache()
    env = Environment(loader=DictLoader(SITE), bytecode_cache=cache)
    env.get_template("page.html")
    assert cache.prefetch(env, ["page.html"]) == 2
    assert len(env.cache) == 3


def test_prefetch_leaves_what_is_wrong_for_the_render():
    sources = {"page": "{% if x %}{% include 'bad' %}{% endif %}{% include 'good' %}", "bad": "{% if %}", "good": "G"}
    cache = MemoryBytecodeCache()
    env = Environment(loader=DictLoader(sources), bytecode_cache=cache)
    assert cache.prefetch(env, ["page"]) == 2
    assert env.get_template("page").render() == "G"
    with pytest.raises(TemplateSyntaxError):
        cache.prefetch(env, ["bad"])


def test_prefetch_by_loaders_of_loaders():
    class Relative(Environment):
        def join_path(self, template, parent):
            return f"{parent.rpartition('/')[0]}/{template}".lstrip("/")

    class Slow(DictLoader):
        def load(self, environment, name, globals=None):
            return super().load(environment, name, globals)

    inner = {"page": "{% extends 'layout' %}", "layout": "L{% include 'foot' %}", "foot": "F"}
    below = {f"a/{name}": source for name, source in inner.items()}
    prefixed = {"page": "{% extends 'p/layout' %}", "layout": "L{% include 'p/foot' %}", "foot": "F"}
    plain = {"page", "layout", "foot"}
    for environment, page, names in [
        (Environment(loader=ChoiceLoader([DictLoader({"foot": "f"}), DictLoader(inner)])), "page", plain),
        (Environment(loader=ChoiceLoader([Slow({"layout": "L"}), DictLoader(inner)])), "page", {"page", "layout"}),
        (Environment(loader=Slow(inner)), "page", plain),
        (Environment(loader=PrefixLoader({"p": DictLoader(prefixed)})), "p/page", {f"p/{each}" for each in plain}),
        (Relative(loader=DictLoader({**below, "layout": "another"})), "a/page", set(below)),
    ]:
        cache = environment.bytecode_cache = MemoryBytecodeCache()
        assert cache.prefetch(environment, [page]) == len(names)
        assert {name for _, name in environment.cache} == names
        loaded = dict(environment.cache.items())
        environment.get_template(page).render()
        assert dict(environment.cache.items()) == loaded, "the render finds what it needs"
        alone = environment.overlay(cache_size=400, bytecode_cache=None)
        assert environment.get_template(page).name == alone.get_template(page).name
        assert environment.get_template(page).render() == alone.get_template(page).render()


@pytest.mark.parametrize("kind", ["directory", "sqlite"])
def test_bounds(kind, tmp_path):
    url = {"directory": f"file:{tmp_path / 'cache'}", "sqlite": f"sqlite:{tmp_path / 'cache.db'}"}[kind]
    make = {
        "directory": lambda **bounds: FileSystemBytecodeCache(tmp_path / "cache", **bounds),
        "sqlite": lambda **bounds: SqliteBytecodeCache(tmp_path / "cache.db", **bounds),
    }[kind]

    def fill(cache, count):
        for number in range(count):
            env = Environment(loader=DictLoader({"page": f"page {number}"}), bytecode_cache=cache)
            assert env.get_template("page").render() == f"page {number}"
        return cache.statistics()

    figures = fill(make(max_entries=5), 20)
    assert (figures.size, figures.max_size, figures.max_bytes, figures.evictions) == (5, 5, None, 15)
    unbounded = make()
    figures = fill(unbounded, 20)
    assert (figures.hits, figures.size, figures.max_size) == (5, 20, None), "the five that were written last"
    total = sum(len(entry.bytecode) for entry in unbounded.entries())
    for bounded in (make(max_bytes=total // 2), cache_from_url(f"{url}?max_bytes={total // 2}")):
        unbounded.clear()
        figures = fill(bounded, 20)
        assert figures.max_bytes == total // 2 and 0 < figures.size < 10 and figures.evictions >= 10
        check = unbounded.collect(max_entries=0, dry_run=True)
        assert (check.removed, check.kept) == (0, figures.size), "what is young stays"
    with pytest.raises(CacheError) as raised:
        fill(make(max_entries=0, failures="raise"), 1)
    assert raised.value.kind == "TooLarge"
    with pytest.raises(CacheError, match="max_bytes and max_entries"):
        cache_from_url(f"{url}?size=1")


def test_collections(tmp_path):
    cache = FileSystemBytecodeCache(tmp_path)
    page(cache)
    for path in tmp_path.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert cache.collect(max_age=10**9).removed == 0
    would = cache.collect(max_age=3600, dry_run=True)
    assert (would.removed, would.kept, cache.statistics().size) == (3, 0, 3)
    assert cache.collect(max_age=3600) == would and not list(tmp_path.iterdir())
    for other in (MemoryBytecodeCache(), RedisBytecodeCache("redis://127.0.0.1:1", **ANYBODY), TieredBytecodeCache(("a", cache))):
        with pytest.raises(NotImplementedError, match="cannot be collected"):
            other.collect(max_entries=1)
    with pytest.raises(ValueError, match="seconds"):
        cache.collect(max_age=-1)


@pytest.mark.parametrize("kind", ["directory", "sqlite", "redis", "own"])
def test_damaged_entries_are_listed(kind, tmp_path):
    with redis_server() if kind == "redis" else nullcontext((None, None)) as (process, url):
        if kind == "own":
            own = InSqlite(tmp_path / "own.db")
            own.entries = lambda: (haiden.cache.CacheEntry(*row) for row in own.connect().execute("SELECT * FROM cache"))
            cache = TieredBytecodeCache(Tier("own", own, always=True))
            damage = "UPDATE cache SET code = x'00' WHERE key = ?"
        else:
            cache = {
                "directory": lambda: FileSystemBytecodeCache(tmp_path, "%s"),
                "sqlite": lambda: SqliteBytecodeCache(tmp_path / "cache.db"),
                "redis": lambda: RedisBytecodeCache(url, operation_timeout=5, **ANYBODY),
            }[kind]()
            damage = "UPDATE entries SET frame = x'00' WHERE hex(content_key) = upper(?)"
        page(cache)
        victim = sorted(entry.key for entry in cache.entries())[1]
        if kind == "directory":
            (tmp_path / victim).write_bytes(b"x")
        elif kind == "redis":
            import redis

            redis.Redis.from_url(url).set(f"jinja2/bytecode/{victim}", b"x")
        else:
            with sqlite3.connect(tmp_path / ("own.db" if kind == "own" else "cache.db")) as connection:
                assert connection.execute(damage, (victim,)).rowcount == 1
        assert len(list(cache.entries())) == 2
        (damaged,) = [entry for entry in cache.entries(damaged=True) if entry.rejection is not None]
        assert (damaged.key, damaged.checksum, damaged.bytecode, damaged.created_at) == (victim, None, b"", None)
        assert damaged.rejection in ("magic", "truncated")
        if process is not None:
            process.kill()
            process.wait()
            with pytest.raises(CacheError):
                list(cache.entries())


class Shout(Extension):
    """Changes what the same source means."""

    def preprocess(self, source, name, filename=None):
        return source.upper()


def test_templates_that_python_parses_are_not_kept():
    cache = MemoryBytecodeCache()
    sources = {"page.html": "text"}
    assert page(cache, sources) == "text"
    assert page(cache, sources, extensions=[Shout]) == "TEXT"
    assert page(cache, sources) == "text"
    assert (cache.statistics().size, cache.statistics().hits) == (1, 1)


@pytest.mark.parametrize("module", [haiden.cache, haiden.testing])
def test_examples(module):
    assert doctest.testmod(module) == (0, doctest.testmod(module).attempted)


# ---- faults ---------------------------------------------------------------------------------------------------------


def pause(process):
    """Stops a server and waits until it has stopped: until then it may answer."""
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


@pytest.mark.parametrize("kind", SERVERS)
def test_server_killed_and_paused(kind):
    start, make = SERVERS[kind]
    with start() as (process, url):
        cache = make(url, retry_after=60, connect_timeout=5, operation_timeout=0.5)
        assert page(cache) == PAGE
        pause(process)
        started = time.monotonic()
        assert page(cache) == PAGE
        figures = cache.statistics()
        assert figures.load_failures >= 1 and figures.misses == 6
        assert time.monotonic() - started < 30, "one deadline, then a pause"
        os.kill(process.pid, signal.SIGCONT)
    with start() as (process, url):
        cache = make(url)
        assert page(cache) == PAGE
        process.kill()
        process.wait()
        assert page(cache) == PAGE
        assert cache.statistics().load_failures >= 1
        failing = make(url, failures="raise")
        with pytest.raises(CacheError) as raised:
            page(failing)
        assert raised.value.kind in ("Unavailable", "Io", "Denied", "Other"), raised.value


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("answer", [b"", b"garbage\r\n" * 10, b"$20000000000\r\n", b"VA 20000000000 \r\n", b"\0" * 4096])
def test_garbage(kind, answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answering():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=answering, daemon=True)
        thread.start()
        url = f"{kind}://127.0.0.1:{listener.getsockname()[1]}"
        cache = SERVERS[kind][1](url)
        assert page(cache) == PAGE
        figures = cache.statistics()
        assert figures.hits == 0 and figures.misses == 3 and figures.load_failures >= 1
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.parametrize("kind", ["directory", "sqlite"])
def test_damaged_entries(kind, tmp_path):
    with store(kind, tmp_path) as cache:
        page(cache)
        if kind == "directory":
            for path in (tmp_path / "cache").iterdir():
                data = bytearray(path.read_bytes())
                data[-1] ^= 1
                path.write_bytes(data)
        else:
            del cache
            with sqlite3.connect(tmp_path / "cache.db") as connection:
                (table,) = (
                    row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1")
                )
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[2] == "BLOB"]
                connection.execute(f"UPDATE {table} SET {columns[-1]} = x'00'")
            connection.close()
            cache = SqliteBytecodeCache(tmp_path / "cache.db")
        assert page(cache) == PAGE
        figures = cache.statistics()
        assert figures.hits == 0 and sum(figures.rejections.values()) == 3, figures
        assert page(cache) == PAGE
        assert cache.statistics().hits == 3, "they were written anew"


def test_directory_that_is_removed(tmp_path):
    cache = FileSystemBytecodeCache(tmp_path / "cache")
    page(cache)
    shutil.rmtree(tmp_path / "cache")
    assert page(cache) == PAGE
    assert cache.statistics().dump_failures >= 1


def test_what_cannot_be_opened(tmp_path):
    (tmp_path / "text").write_text("no database, no bundle " * 100)
    for make, kind in [
        (lambda: SqliteBytecodeCache(tmp_path / "text"), "Corrupt"),
        (lambda: BundleBytecodeCache(tmp_path / "text"), "Rejected"),
        (lambda: BundleBytecodeCache(tmp_path / "nowhere"), "Missing"),
        (lambda: FileSystemBytecodeCache(tmp_path / "text" / "cache"), None),
        (lambda: FileSystemBytecodeCache(tmp_path, "no place for a key"), "Pattern"),
        (lambda: RedisBytecodeCache("http://127.0.0.1"), "Url"),
        (lambda: RedisBytecodeCache("redis://127.0.0.1", prefix="a b"), "Pattern"),
        (lambda: cache_from_url("ftp://127.0.0.1"), "Url"),
        (lambda: cache_from_url("memcached://127.0.0.1"), "Secret"),
        (lambda: cache_from_url("memcached://127.0.0.1", read_only=True), "Secret"),
        (lambda: MemcachedBytecodeCache("memcached://127.0.0.1"), "Secret"),
        (lambda: RedisBytecodeCache("redis://127.0.0.1", read_only=True), "Secret"),
        (lambda: KeyRing("short"), "Secret"),
    ]:
        with pytest.raises(CacheError) as raised:
            make()
        assert kind in (None, raised.value.kind), raised.value
    with pytest.raises(ValueError, match="expected 'ignore', 'warn' or 'raise'"):
        RedisBytecodeCache("redis://127.0.0.1", failures="maybe")
    with pytest.raises(TypeError, match="'time' is no option"):
        RedisBytecodeCache("redis://127.0.0.1", time=1)
    for url in ("", "bundle:", "sqlite:", "s3://bucket", "redis-sentinel://127.0.0.1", "Redis://127.0.0.1"):
        with pytest.raises(CacheError) as raised:
            cache_from_url(url, unauthenticated=True)
        assert raised.value.kind == "Url", raised.value


def test_arguments_of_other_types():
    """The error names the argument, and never a secret."""
    path = Path("cache")
    for make, message in [
        (lambda: cache_from_url(path), "a URL is a text, not 'PosixPath'"),
        (lambda: cache_from_url("redis://127.0.0.1", keys=SECRET), "keys: a KeyRing is wanted, not 'str'"),
        (lambda: cache_from_url("bundle:nowhere", keys=SECRET), "keys: a KeyRing is wanted, not 'str'"),
        (lambda: RedisBytecodeCache("redis://127.0.0.1", keys=[SECRET]), "keys: a KeyRing is wanted, not 'list'"),
        (lambda: MemcachedBytecodeCache("memcached://127.0.0.1", keys=SECRET), "keys: a KeyRing is wanted"),
        (lambda: Authenticated(MemoryBytecodeCache(), SECRET), "keys: a KeyRing is wanted, not 'str'"),
        (lambda: Authenticated(MemoryBytecodeCache(), None), "keys: a KeyRing is wanted, not None"),
        (lambda: BundleLoader(path, SECRET), "keys: a KeyRing is wanted, not 'str'"),
        (lambda: write_bundle(path, Environment(loader=DictLoader({})), [], keys=SECRET), "keys: a KeyRing is wanted"),
        (lambda: KeyRing(40), "a secret is a text or bytes, not 'int'"),
        (lambda: KeyRing(SECRET, [1] * 40), "a secret is a text or bytes, not 'list'"),
        (lambda: RedisBytecodeCache("redis://127.0.0.1", unauthenticated=True, timeout="5"), "timeout: "),
        (lambda: MemcachedBytecodeCache("memcached://h", unauthenticated=True, max_entry_bytes="1"), "max_entry_bytes: "),
    ]:
        with pytest.raises(TypeError, match="^" + re.escape(message)) as raised:
            make()
        assert SECRET not in str(raised.value)


def test_times_without_end(tmp_path):
    """However long somebody is ready to wait, it is no fault of the machine."""
    for seconds in (1e9, 1e12, 1.8e19, 1e300, float("inf")):
        assert page(SqliteBytecodeCache(tmp_path / "cache.db", busy_timeout=seconds)) == PAGE
        for option in ("timeout", "connect_timeout", "operation_timeout", "retry_after"):
            for cache, url in ((RedisBytecodeCache, "redis"), (MemcachedBytecodeCache, "memcached")):
                cache = cache(f"{url}://127.0.0.1:1", unauthenticated=True, **{option: seconds})
                assert page(cache) == PAGE
                assert cache.statistics().load_failures == 3
        directory = FileSystemBytecodeCache(tmp_path / "cache")
        assert directory.collect(max_age=seconds).removed == 0
    for seconds in (-1.0, float("nan")):
        with pytest.raises(ValueError):
            SqliteBytecodeCache(tmp_path / "cache.db", busy_timeout=seconds)


@pytest.mark.parametrize("slots", [False, True])
def test_caches_of_ones_own_are_collected(slots):
    """An application that holds its cache, which holds the application."""

    class Application:
        pass

    class Own(InSqlite):
        def __init__(self, application):
            self.application = application

        def load_bytecode(self, bucket):
            self.application.asked = True

        def dump_bytecode(self, bucket):
            pass

    class Slotted:
        __slots__ = ("application",)
        __init__, load_bytecode, dump_bytecode = Own.__init__, Own.load_bytecode, Own.dump_bytecode

    for wrap in (
        lambda own: TieredBytecodeCache(Tier("own", own, always=True)),
        lambda own: Authenticated(own, KeyRing(SECRET)),
        lambda own: TieredBytecodeCache(Tier("own", Authenticated(own, KeyRing(SECRET)), always=True)),
    ):
        application = Application()
        own = (Slotted if slots else Own)(application)
        cache = wrap(own)
        application.environment = Environment(loader=DictLoader(SITE), bytecode_cache=cache)
        gone = weakref.ref(application)
        del own
        gc.collect()
        assert page(cache) == PAGE and application.asked, "the cache keeps its parts"
        del application, cache
        gc.collect()
        assert slots or gone() is None


def test_fork(tmp_path):
    with redis_server() as (_, url):
        for cache in (RedisBytecodeCache(url, operation_timeout=5, **ANYBODY), SqliteBytecodeCache(tmp_path / "cache.db")):
            page(cache)
            child = os.fork()
            if child == 0:
                hits = -1
                try:
                    right = page(cache) == PAGE
                    hits = cache.statistics().hits if right else -1
                finally:
                    os._exit(0 if hits == 3 else 1)
            for _ in range(5):
                assert page(cache) == PAGE
            assert os.waitpid(child, 0)[1] == 0
            assert cache.statistics().hits == 15


# ---- servers' options, keys, tiers ----------------------------------------------------------------------------------


def test_redis_with_password_and_expiry():
    import redis

    with redis_server("--requirepass", "se/cret") as (_, url):
        wrong = RedisBytecodeCache(url, **ANYBODY)
        assert page(wrong) == PAGE
        assert wrong.statistics().load_failures >= 1
        known = url.replace("//", "//:se%2Fcret@") + "/3"
        cache = RedisBytecodeCache(known, prefix="shop/", timeout=1000, operation_timeout=5, **ANYBODY)
        page(cache)
        client = redis.Redis.from_url(known)
        keys = list(client.scan_iter("*"))
        assert len(keys) == 3 and all(key.startswith(b"shop/") for key in keys)
        assert all(0 < client.ttl(key) <= 1000 for key in keys)


def test_keys(tmp_path):
    plain = SqliteBytecodeCache(tmp_path / "cache.db")
    first = Authenticated(plain, KeyRing(SECRET))
    page(first)
    for cache, hits in [
        (Authenticated(plain, KeyRing(SECRET)), 3),
        (Authenticated(plain, KeyRing(OTHER, SECRET)), 3),
        (Authenticated(plain, KeyRing(OTHER)), 0),
    ]:
        before = cache.statistics()
        assert page(cache) == PAGE
        after = cache.statistics()
        assert after.hits - before.hits == hits
        rejected = after.rejections.get("authentication", 0) - before.rejections.get("authentication", 0)
        assert rejected == 3 - hits
    secrets = tmp_path / "keys"
    secrets.write_text(f"{SECRET}\n{OTHER}\n")
    secrets.chmod(0o644)
    with pytest.raises(CacheError):
        KeyRing.from_file(secrets)
    secrets.chmod(0o600)
    assert KeyRing.from_file(secrets).ids == KeyRing(SECRET, OTHER).ids
    assert SECRET not in repr(KeyRing(SECRET))


def openssl(folder, arguments, *more):
    if shutil.which("openssl") is None:
        pytest.fail("`openssl` is needed to make certificates")
    subprocess.run(["openssl", *arguments.split(), *more], cwd=folder, check=True, capture_output=True)


@contextmanager
def redis_over_tls(folder):
    """A Redis with a certificate for this host, of an authority in `authority.pem`."""
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    openssl(folder, f"req -x509 {key} -keyout authority.key -out authority.pem -subj /CN=authority", "-addext", "keyUsage=critical,keyCertSign")
    openssl(folder, f"req {key} -keyout server.key -out server.csr -subj /CN=server")
    # All that CPython 3.13 wants of a certificate.
    keys = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\nkeyUsage=digitalSignature"
    (folder / "extensions").write_text(f"subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n{keys}\n")
    sign = "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2"
    openssl(folder, f"{sign} -extfile extensions -out server.pem")
    program = server("HAIDEN_REDIS_SERVER", "redis-server")
    fixed = ["--port", "0", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    files = {"cert-file": "server.pem", "key-file": "server.key", "ca-cert-file": "authority.pem"}
    fixed += [word for name, file in files.items() for word in (f"--tls-{name}", str(folder / file))]
    process, port = listening(lambda port: [program, *fixed, "--tls-auth-clients", "no", "--tls-port", str(port)])
    try:
        yield f"rediss://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_redis_over_tls(tmp_path):
    import redis

    authority = tmp_path / "authority.pem"
    with redis_over_tls(tmp_path) as url:
        patient = {**ANYBODY, "connect_timeout": 5, "operation_timeout": 5}
        cache = RedisBytecodeCache(f"{url}?ca={authority}", **patient)
        assert [page(cache), page(cache)] == [PAGE, PAGE]
        assert (cache.statistics().hits, cache.statistics().writes) == (3, 3)
        passed = check_store(RedisBytecodeCache(f"{url}/1?ca={authority}", **patient))
        assert len(passed) == 14
        client = RedisBytecodeCache(redis.Redis.from_url(f"{url}/0?ssl_ca_certs={authority}"))
        assert page(client) == PAGE and client.statistics().hits == 3, "a client of one's own reads the same"
        # Authorities of the system's do not know this one.
        stranger = RedisBytecodeCache(f"{url}?ca={tmp_path / 'server.pem'}", failures="raise", **patient)
        with pytest.raises(CacheError, match="invalid peer certificate"):
            page(stranger)
        ignored = RedisBytecodeCache(f"{url}?ca={tmp_path / 'server.pem'}", **patient)
        assert page(ignored) == PAGE and ignored.statistics().load_failures == 3
    with pytest.raises(CacheError, match="no certificate|absent"):
        RedisBytecodeCache(f"{url}?ca={tmp_path / 'absent.pem'}")


def test_tiers(tmp_path):
    disk = FileSystemBytecodeCache(tmp_path / "cache")
    page(disk)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"redis://127.0.0.1:{closed.getsockname()[1]}"
    cache = TieredBytecodeCache(
        Tier("memory", MemoryBytecodeCache(), always=True),
        Tier("disk", disk, always=True, read_only=True),
        Tier("shared", RedisBytecodeCache(url, **ANYBODY), always=True),
    )
    for _ in range(2):
        assert page(cache) == PAGE
    assert page(cache, {**SITE, "page.html": "other"}) == "other"
    figures = cache.statistics()
    memory, second, shared = figures.tiers
    assert (figures.hits, figures.misses) == (6, 1)
    assert (memory.statistics.hits, second.statistics.hits, shared.statistics.hits) == (3, 3, 0)
    assert shared.statistics.load_failures >= 1
    assert second.latency > 0 and second.statistics.size == 3, "it is only read"


def test_gate(tmp_path):
    with redis_server() as (process, url):
        shared = RedisBytecodeCache(url, operation_timeout=5, **ANYBODY)
        cache = TieredBytecodeCache(("shared", shared))
        # A round trip is dearer than compiling a few bytes.
        for number in range(200):
            env = Environment(loader=DictLoader({"page": f"{number}"}), bytecode_cache=cache)
            assert env.get_template("page").render() == f"{number}"
        assert cache.statistics().tiers[0].left_out > 100


# ---- what Python code implements ------------------------------------------------------------------------------------


def test_caches_of_ones_own_as_tiers(tmp_path):
    own = InSqlite(tmp_path / "own.db")
    tiers = [Tier("memory", MemoryBytecodeCache(), always=True), Tier("own", own, always=True)]
    assert page(TieredBytecodeCache(*tiers)) == PAGE
    fresh = TieredBytecodeCache(Tier("memory", MemoryBytecodeCache(), always=True), tiers[1])
    for _ in range(2):
        assert page(fresh) == PAGE
    assert page(fresh, trim_blocks=True) == PAGE
    memory, second = fresh.statistics().tiers
    assert (memory.statistics.hits, second.statistics.hits, fresh.statistics().misses) == (3, 3, 3)
    with own.connect() as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM cache")]
        assert len(keys) == 6 and all(len(key) == 64 for key in keys), "both environments have their entries"
        connection.execute("UPDATE cache SET code = zeroblob(200)")
    again = TieredBytecodeCache(tiers[1])
    assert page(again) == PAGE
    assert again.statistics().tiers[0].statistics.rejections == {"magic": 3}
    fresh.clear()
    with own.connect() as connection:
        assert connection.execute("SELECT count(*) FROM cache").fetchone() == (0,)


def test_stores_that_are_overridden(tmp_path):
    """What a subclass of a store adds counts wherever the store does."""
    calls = []

    class Told(FileSystemBytecodeCache):
        def load_bytecode(self, bucket):
            super().load_bytecode(bucket)
            calls.append("found" if bucket.code is not None else "missed")

        def dump_bytecode(self, bucket):
            calls.append("written")
            super().dump_bytecode(bucket)

    for number, wrap in enumerate(
        [
            lambda cache: cache,
            lambda cache: TieredBytecodeCache(Tier("told", cache, always=True)),
            lambda cache: Authenticated(cache, KeyRing(SECRET)),
        ]
    ):
        folder = tmp_path / str(number)
        calls.clear()
        assert (page(wrap(Told(folder))), calls) == (PAGE, ["missed", "written"] * 3)
        calls.clear()
        cache = wrap(Told(folder))
        assert (page(cache), calls, cache.statistics().hits) == (PAGE, ["found"] * 3, 3)
        assert len(list(cache.entries())) == 3
    calls.clear()
    cache = Told(tmp_path / "0")
    env = Environment(loader=DictLoader(SITE), bytecode_cache=cache, autoescape=True)
    assert (cache.prefetch(env, ["page.html"]), calls) == (3, ["found"] * 3)
    assert (env.get_template("page.html").render(title="A & B", foot="end"), len(calls)) == (PAGE, 3)


def test_caches_of_jinja2s_as_tiers(tmp_path):
    class Client(dict):
        def set(self, key, value, time=0):
            self[key] = value

    client = Client()
    folder = haiden.FileSystemBytecodeCache(str(tmp_path))
    cache = TieredBytecodeCache(
        Tier("folder", folder, always=True), Tier("client", haiden.MemcachedBytecodeCache(client), always=True)
    )
    assert page(cache) == PAGE
    assert len(client) == len(os.listdir(tmp_path)) == 3
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert page(cache) == PAGE
    first, second = cache.statistics().tiers
    assert (first.statistics.rejections, second.statistics.hits) == ({"truncated": 3}, 3)
    folder.clear()
    assert page(cache) == PAGE and len(os.listdir(tmp_path)) == 3, "what a slower tier knew is written to the faster"


def test_caches_of_ones_own_with_keys(tmp_path):
    own = InSqlite(tmp_path / "own.db")
    cache = Authenticated(own, KeyRing(SECRET))
    assert [page(cache), page(cache)] == [PAGE, PAGE]
    other = Authenticated(own, KeyRing(OTHER))
    assert page(other) == PAGE
    assert (cache.statistics().hits, dict(other.statistics().rejections)) == (3, {"authentication": 3})


class Failing:
    """No subclass of anything, and ill."""

    def __init__(self, error):
        self.error = error

    def load_bytecode(self, bucket):
        raise self.error

    def dump_bytecode(self, bucket):
        raise self.error


def test_caches_of_ones_own_that_fail(capfd):
    cache = TieredBytecodeCache(Tier("own", Failing(OSError("no cable")), always=True))
    assert page(cache) == PAGE
    figures = cache.statistics().tiers[0].statistics
    assert (figures.load_failures, figures.dump_failures, capfd.readouterr().err) == (3, 3, "")
    with pytest.raises(CacheError, match="no cable"):
        page(TieredBytecodeCache(Tier("own", Failing(OSError("no cable")), always=True, failures="raise")))
    with pytest.raises(KeyboardInterrupt):
        page(TieredBytecodeCache(Tier("own", Failing(KeyboardInterrupt()), always=True)))
    assert page(cache) == PAGE
    url = "redis://127.0.0.1:1"
    for told in (
        Tier("own", Failing(OSError("no cable")), always=True, failures="warn"),
        Tier("server", RedisBytecodeCache(url, failures="warn", **ANYBODY), always=True),
        Tier("url", cache_from_url(url, unauthenticated=True, failures="warn"), always=True),
    ):
        with pytest.warns(RuntimeWarning, match="bytecode cache: ") as warnings:
            assert page(TieredBytecodeCache(told)) == PAGE
        assert len(warnings) == 1
        assert capfd.readouterr().err == ""
    for wrong in (None, {}, "redis://127.0.0.1"):
        with pytest.raises(TypeError, match="is no bytecode cache"):
            TieredBytecodeCache(("wrong", wrong))
    with pytest.raises(NotImplementedError):
        list(Authenticated(Failing(OSError()), KeyRing(SECRET)).entries())


def test_a_client_of_redis():
    import redis

    with redis_server("--requirepass", "secret") as (process, url):
        at = url.replace("//", "//:secret@")
        client = redis.Redis.from_url(at)
        client.set("jinja2/bytecode/other", "stays")
        cache = RedisBytecodeCache(client, timeout=1000)
        passed = check_store(RedisBytecodeCache(client, prefix="suite/"))
        assert passed == check_store(MemoryBytecodeCache())
        assert [page(cache), page(cache)] == [PAGE, PAGE]
        assert (cache.statistics().hits, cache.statistics().size) == (3, 3)
        by_url = RedisBytecodeCache(at, operation_timeout=5, **ANYBODY)
        assert page(by_url) == PAGE and by_url.statistics().hits == 3, "both write the same"
        assert list(cache.entries()) == list(by_url.entries())
        assert all(0 < client.ttl(f"jinja2/bytecode/{entry.key}") <= 1000 for entry in cache.entries())
        env = Environment(loader=DictLoader(SITE), autoescape=True, bytecode_cache=cache)
        assert cache.prefetch(env, ["page.html"]) == 3 and cache.statistics().hits == 6
        signed = Authenticated(cache, KeyRing(SECRET))
        assert page(signed) == PAGE and signed.statistics().rejections["authentication"] == 3
        assert cache.clear() == ("deletes", 3, 0)
        assert client.get("jinja2/bytecode/other") == b"stays"
        process.kill()
        process.wait()
        assert page(cache) == PAGE and cache.statistics().load_failures >= 3
        with pytest.raises(CacheError, match="[Cc]onnect"):
            page(RedisBytecodeCache(client, failures="raise"))


@pytest.mark.parametrize("kind", ["redis", "memcached", "client of redis"])
def test_keys_of_servers(kind):
    """With keys, what others have written is a miss, and without, what is signed is taken."""
    with SERVERS[kind.split()[-1]][0]() as (_, url):

        def make(**options):
            if kind == "client of redis":
                import redis

                return RedisBytecodeCache(redis.Redis.from_url(url), **options)
            return SERVERS[kind][1](url, operation_timeout=5, **options)

        open_to_all, ours, theirs = make(), make(keys=KeyRing(SECRET)), make(keys=KeyRing(OTHER))
        for cache in (open_to_all, ours, ours, theirs, open_to_all):
            assert page(cache) == PAGE
        found = [(cache.statistics().hits, cache.statistics().rejections["authentication"]) for cache in (ours, theirs)]
        assert found == [(3, 3), (0, 3)]
        assert open_to_all.statistics().hits == 3


@pytest.mark.parametrize(
    "options, error",
    [
        ({"retry_after": 1}, "'retry_after' is for URLs"),
        ({"time": 1}, "'time' is no option"),
        ({"prefix": "a*"}, "a prefix is"),
        ({"prefix": 5}, "prefix: 5"),
        ({"timeout": "5"}, "timeout: '5'"),
        ({"timeout": -1}, "timeout: -1 seconds"),
        ({"timeout": float("nan")}, "timeout: nan seconds"),
        ({"max_entry_bytes": "5"}, "max_entry_bytes: '5'"),
    ],
)
def test_a_client_of_redis_with_wrong_options(options, error):
    import redis.asyncio

    with pytest.raises((TypeError, ValueError, CacheError), match=error):
        RedisBytecodeCache(redis.Redis(), **options)
    with pytest.raises(TypeError, match="decode_responses"):
        RedisBytecodeCache(redis.Redis(decode_responses=True))
    with pytest.raises(TypeError, match="asynchronous"):
        RedisBytecodeCache(redis.asyncio.Redis())
    for other in (5, None, redis.ConnectionPool()):
        with pytest.raises(TypeError, match="a URL or a client of the package `redis` is wanted"):
            RedisBytecodeCache(other)
        with pytest.raises(TypeError, match="haiden.MemcachedBytecodeCache takes a client"):
            MemcachedBytecodeCache(other)


def test_a_client_of_redis_with_an_expiry_without_end():
    import redis

    with redis_server() as (_, url):
        client = redis.Redis.from_url(url)
        for timeout in (None, 1e9, 1e18, float("inf")):
            cache = RedisBytecodeCache(client, timeout=timeout, prefix=f"{timeout}/".replace("+", ""))
            assert [page(cache), page(cache)] == [PAGE] * 2
            assert (cache.statistics().hits, cache.statistics().dump_failures) == (3, 0)


# ---- bundles --------------------------------------------------------------------------------------------------------


def test_bundles(tmp_path):
    env = Environment(loader=DictLoader(SITE), autoescape=True)
    path = tmp_path / "site.haiden"
    env.compile_templates(path, bundle=True)
    for loader in (BundleLoader(path), ModuleLoader(path), ModuleLoader([tmp_path, path])):
        serving = Environment(loader=loader, autoescape=True)
        assert serving.get_template("page.html").render(title="A & B", foot="end") == PAGE
        with pytest.raises(TemplateNotFound):
            serving.get_template("nowhere.html")
    assert BundleLoader(path).list_templates() == sorted(SITE)
    with pytest.raises(CacheError, match="cannot be used: options"):
        Environment(loader=BundleLoader(path)).get_template("page.html")
    again = path.read_bytes()
    env.compile_templates(path, bundle=True)
    assert path.read_bytes() == again, "the same templates and options, the same bytes"

    checked = tmp_path / "checked.haiden"
    write_bundle(checked, env, SITE, sealed=False)
    for options in ({}, {"read_only": True, "failures": "raise", "unauthenticated": True}):
        cache = cache_from_url(f"bundle:{checked}", **options)
        assert page(cache) == PAGE and cache.statistics().hits == 3
    assert page(cache, {**SITE, "page.html": "other"}) == "other" and cache.clear().reach == "nothing"
    with pytest.raises(ValueError, match="failures='maybe'"):
        cache_from_url(f"bundle:{checked}", failures="maybe")
    assert page(cache, {**SITE, "foot.html": "{{ foot }}"}) == "<h1>A &amp; B</h1>end"
    assert cache.statistics().misses == 2
    with pytest.raises(CacheError, match="not sealed"):
        BundleLoader(checked)


def test_signed_and_damaged_bundles(tmp_path):
    env = Environment(loader=DictLoader(SITE), autoescape=True)
    path = tmp_path / "site.haiden"
    write_bundle(path, env, SITE, keys=KeyRing(SECRET))
    assert Environment(loader=BundleLoader(path, KeyRing(SECRET)), autoescape=True).get_template("foot.html")
    with pytest.raises(CacheError, match="authentication"):
        BundleLoader(path, KeyRing(OTHER))
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 7):
        data[at] ^= 0xFF
        path.write_bytes(data)
        data[at] ^= 0xFF
        try:
            serving = Environment(loader=BundleLoader(path, KeyRing(SECRET)), autoescape=True)
            assert serving.get_template("page.html").render(title="A & B", foot="end") == PAGE
        except (CacheError, TemplateNotFound):
            pass
    with pytest.raises(ValueError, match="compiled by Python code"):
        write_bundle(path, Environment(loader=DictLoader({"a": "text"}), extensions=[Shout]), ["a"])


# ---- the command line writes, Python reads, and the other way round -------------------------------------------------


def command_line(*arguments):
    """What the command line says; it is built if the source is here."""
    program = os.environ.get("HAIDEN_CLI")
    if program is None:
        if os.environ.get("HAIDEN_TEST_SERVERS_REQUIRED"):
            pytest.fail("the command line is needed: set HAIDEN_CLI to its path")
        pytest.skip("no command line: set HAIDEN_CLI to its path")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def templates(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    for name, source in SITE.items():
        (folder / name).write_text(source)
    return folder


def serve(folder, cache):
    env = Environment(loader=FileSystemLoader(folder), bytecode_cache=cache, autoescape=True)
    return env.get_template("page.html").render(title="A & B", foot="end")


@pytest.mark.parametrize("kind", ["file", "sqlite", "redis", "memcached"])
def test_one_language_reads_what_the_other_wrote(kind, templates, tmp_path):
    secrets = tmp_path / "keys"
    secrets.write_text(SECRET)
    secrets.chmod(0o600)
    keys = KeyRing.from_file(secrets)

    def both_ways(url):
        command_line("cache", "warm", url, templates, "--key", secrets)
        cache = cache_from_url(url, keys=keys)
        assert serve(templates, cache) == PAGE
        assert (cache.statistics().hits, cache.statistics().misses) == (3, 0), "Python reads what Rust wrote"
        (templates / "foot.html").write_text("<p>{{ foot }}</p>{# changed #}")
        assert serve(templates, cache) == PAGE
        assert cache.statistics().misses == 1
        told = command_line("cache", "explain", templates / "foot.html", url, "--key", secrets)
        assert f"{url} answers" in told, "Rust reads what Python wrote"

    if kind in SERVERS:
        with SERVERS[kind][0]() as (_, url):
            both_ways(url)
    else:
        both_ways(f"{kind}:{tmp_path / 'cache'}")


def test_bundles_of_the_other_language(templates, tmp_path):
    path = tmp_path / "site.haiden"
    command_line("compile", "--bundle", path, "--sealed", templates)
    serving = Environment(loader=BundleLoader(path), autoescape=True)
    assert serving.get_template("page.html").render(title="A & B", foot="end") == PAGE
    theirs = path.read_bytes()
    env = Environment(loader=FileSystemLoader(templates), autoescape=True)
    env.compile_templates(path, bundle=True)
    assert path.read_bytes() == theirs, "both make the same bytes"
    told = command_line("cache", "explain", templates / "page.html", f"bundle:{path}")
    assert f"bundle:{path} answers" in told
