"""The caches that Jinja2's documentation shows, with the import changed, against real servers.

Each cache is filled by one environment and read by another one, whose page must be the same and whose template must come
out of the cache.
"""

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time

import cachelib
import memcache
import pymemcache
import pytest
import redis

from haiden import (
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    MemcachedBytecodeCache,
)
from haiden.bccache import BytecodeCache

SOURCE = "{% for name in names %}{{ loop.index }}: {{ name|upper }}{% if not loop.last %}, {% endif %}{% endfor %}"
PAGE = "1: ADA, 2: ZOË"


def server(variable, program):
    """The path of a server's program; without one the test fails under ./test and is said to be left out elsewhere."""
    path = os.environ.get(variable) or shutil.which(program)
    if path is None and os.environ.get("HAIDEN_TEST_SERVERS_REQUIRED"):
        pytest.fail(f"{program} is needed: set {variable} to its path")
    if path is None:
        pytest.skip(f"no {program}: set {variable} to its path")
    return path


def listening(command):
    """Starts a server on a free port of the loopback interface; `command` is given the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(500):
        if process.poll() is not None:
            pytest.fail(f"the server ended at once: {command(port)}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return process, port
    process.kill()
    pytest.fail("the server does not listen")


@pytest.fixture
def memcached():
    """The port of a memcached server."""
    program = server("HAIDEN_MEMCACHED", "memcached")
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process, port = listening(lambda port: [program, "-l", "127.0.0.1", "-p", str(port), "-U", "0", *user])
    yield port
    process.kill()
    process.wait()


@pytest.fixture
def redis_port():
    """The port of a Redis server."""
    program = server("HAIDEN_REDIS_SERVER", "redis-server")
    with tempfile.TemporaryDirectory() as folder:
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        process, port = listening(lambda port: [program, "--port", str(port), *options])
        yield port
        process.kill()
        process.wait()


@pytest.fixture
def templates(tmp_path):
    """A folder with one template."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "page.html").write_text(SOURCE, encoding="utf-8")
    return folder


def check(templates, make_cache, **options):
    """Fills a cache and reads it; returns the cache that was read."""

    def load(cache):
        loads = []
        original = cache.load_bytecode

        def counted(bucket):
            original(bucket)
            loads.append(bucket.code is not None)

        cache.load_bytecode = counted
        env = Environment(loader=FileSystemLoader(templates), bytecode_cache=cache, **options)
        assert env.get_template("page.html").render(names=["Ada", "Zoë"]) == PAGE
        return loads

    assert load(make_cache()) == [False], "a new cache has nothing"
    cache = make_cache()
    assert load(cache) == [True], "what the first environment wrote is a hit for the second"
    page = templates / "page.html"
    page.write_text(SOURCE + " ", encoding="utf-8")
    changed = make_cache()
    env = Environment(loader=FileSystemLoader(templates), bytecode_cache=changed, **options)
    assert env.get_template("page.html").render(names=["Ada", "Zoë"]) == PAGE + " ", "a changed source is compiled anew"
    page.write_text(SOURCE, encoding="utf-8")
    return cache


@pytest.mark.parametrize("options", [{}, {"cache_size": 0, "auto_reload": False}, {"cache_size": 100}])
def test_file_system(templates, tmp_path, options):
    folder = tmp_path / "cache"
    folder.mkdir()
    check(templates, lambda: FileSystemBytecodeCache(str(folder)), **options)
    assert [path.name for path in folder.iterdir()] == [next(folder.glob("__jinja2_*.cache")).name]
    FileSystemBytecodeCache(str(folder)).clear()
    assert not list(folder.iterdir())


def test_statistics_and_entries(templates, tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    cache = FileSystemBytecodeCache(str(folder))
    assert (cache.statistics().hit_ratio, cache.statistics().size) == (0.0, 0)
    for _ in range(4):
        env = Environment(loader=FileSystemLoader(templates), bytecode_cache=cache)
        env.get_template("page.html")
    statistics = cache.statistics()
    assert (statistics.hits, statistics.misses, statistics.hit_ratio, statistics.writes) == (3, 1, 0.75, 1)
    assert (statistics.size, statistics.max_size) == (1, None)
    (folder / "__jinja2_foreign.cache").write_bytes(b"nothing of ours")
    entry, foreign = sorted(cache.entries(), key=lambda entry: entry.checksum is None)
    assert entry.key == cache.get_cache_key("page.html", str(templates / "page.html"))
    assert entry.checksum == cache.get_source_checksum(SOURCE)
    assert entry.bytecode and entry.created_at.utcoffset().total_seconds() == 0
    assert (foreign.key, foreign.checksum, foreign.bytecode) == ("foreign", None, b"nothing of ours")
    with pytest.raises(NotImplementedError, match="InSqlite cannot list its entries"):
        next(iter(InSqlite(tmp_path / "cache.db").entries()))


CLIENTS = {
    "python-memcached": lambda port: memcache.Client([f"127.0.0.1:{port}"]),
    # By default it does not wait for the answer to a write, and another client's read may come first.
    "pymemcache": lambda port: pymemcache.Client(("127.0.0.1", port), default_noreply=False),
    "cachelib": lambda port: cachelib.MemcachedCache([f"127.0.0.1:{port}"]),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_memcached(templates, memcached, client):
    check(templates, lambda: MemcachedBytecodeCache(CLIENTS[client](memcached), timeout=3600))


def test_cachelib_without_a_server(templates, tmp_path):
    check(templates, lambda: MemcachedBytecodeCache(cachelib.FileSystemCache(str(tmp_path / "cache"))))


def test_a_client_that_fails_is_told(templates):
    class Client:
        def get(self, key):
            raise OSError("no cable")

        def set(self, key, value, timeout=0):
            raise OSError("no cable")

    cache = MemcachedBytecodeCache(Client())
    for _ in range(2):
        env = Environment(loader=FileSystemLoader(templates), bytecode_cache=cache)
        assert env.get_template("page.html").render(names=["Ada", "Zoë"]) == PAGE
    found = cache.statistics()
    assert (found.misses, found.writes, found.load_failures, found.dump_failures) == (2, 0, 2, 2)
    with pytest.raises(OSError):
        strict = MemcachedBytecodeCache(Client(), ignore_memcache_errors=False)
        Environment(loader=FileSystemLoader(templates), bytecode_cache=strict).get_template("page.html")


def test_memcached_that_is_gone(templates):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        client = memcache.Client([f"127.0.0.1:{closed.getsockname()[1]}"])
        env = Environment(loader=FileSystemLoader(templates), bytecode_cache=MemcachedBytecodeCache(client))
        assert env.get_template("page.html").render(names=["Ada", "Zoë"]) == PAGE


class InRedis(BytecodeCache):
    """A cache of one's own over a client of Redis."""

    def __init__(self, client, prefix="pages:", seconds=3600):
        self.client, self.prefix, self.seconds = client, prefix, seconds

    def load_bytecode(self, bucket):
        found = self.client.get(self.prefix + bucket.key)
        if found is not None:
            bucket.bytecode_from_string(found)

    def dump_bytecode(self, bucket):
        self.client.set(self.prefix + bucket.key, bucket.bytecode_to_string(), ex=self.seconds)

    def clear(self):
        for key in self.client.scan_iter(self.prefix + "*"):
            self.client.delete(key)


def test_redis(templates, redis_port):
    client = redis.Redis(host="127.0.0.1", port=redis_port)
    cache = check(templates, lambda: InRedis(client))
    (key,) = client.scan_iter("pages:*")
    client.set(key, b"what somebody else put there")
    env = Environment(loader=FileSystemLoader(templates), bytecode_cache=InRedis(client))
    assert env.get_template("page.html").render(names=["Ada", "Zoë"]) == PAGE, "foreign bytes are a miss"
    cache.clear()
    assert client.dbsize() == 0


class InSqlite(BytecodeCache):
    """A cache of one's own in a database, which asks for the checksum too."""

    def __init__(self, path):
        self.path = path
        with self.connect() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, checksum TEXT, code BLOB)")

    def connect(self):
        return sqlite3.connect(self.path)

    def load_bytecode(self, bucket):
        with self.connect() as connection:
            wanted = (bucket.key, bucket.checksum)
            row = connection.execute("SELECT code FROM cache WHERE key = ? AND checksum = ?", wanted).fetchone()
        if row:
            bucket.bytecode_from_string(row[0])

    def dump_bytecode(self, bucket):
        with self.connect() as connection:
            row = (bucket.key, bucket.checksum, bucket.bytecode_to_string())
            connection.execute("INSERT OR REPLACE INTO cache VALUES (?, ?, ?)", row)

    def clear(self):
        with self.connect() as connection:
            connection.execute("DELETE FROM cache")


def test_sqlite(templates, tmp_path):
    check(templates, lambda: InSqlite(tmp_path / "cache.db")).clear()
