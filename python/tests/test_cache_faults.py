"""The fault table: whatever is wrong with a store, the page renders, and is right.

Each fault meets twenty cold workers: environments that have nothing in memory and render a page of three templates by way of
the ill store. The table, in the terminal's summary, says what the statistics told, and what time was lost against workers
without a cache. `crates/haiden/tests/cache_faults/` is the same for Rust.
"""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_stores import OTHER, PAGE, SECRET, SERVERS, SITE, memcached_server, page, pause, redis_server

from haiden import DictLoader, Environment, TemplateSyntaxError
from haiden.cache import (
    Authenticated,
    FileSystemBytecodeCache,
    KeyRing,
    RedisBytecodeCache,
    SqliteBytecodeCache,
    cache_from_url,
    write_bundle,
)

WORKERS = 20
LOOKUPS = WORKERS * len(SITE)
DEADLINE = 0.1
"""The default, where a fault is to be waited for."""
PATIENT = 20
"""Where nothing is to be waited for, so that a busy machine is not taken for an ill server."""
BOUND = 15
"""Seconds that a fault may cost all workers together, on a busy machine; the table says what it did cost."""

TABLE = []


def check(store, fault, cache, told, before=lambda worker: None, since=(0, 0)):
    """Twenty workers meet a store; `before` is called with each worker's number, and does the harm.

    :param since: Hits and misses before that.
    """
    spent = alone = slowest = 0.0
    for worker in range(WORKERS):
        before(worker)
        started = time.perf_counter()
        rendered = page(cache)
        took = time.perf_counter() - started
        spent += took
        slowest = max(slowest, took)
        assert rendered == PAGE, f"{store}, {fault}, worker {worker}"
        started = time.perf_counter()
        page(None)
        alone += time.perf_counter() - started
    figures = cache.statistics()
    figures = figures._replace(hits=figures.hits - since[0], misses=figures.misses - since[1])
    assert figures.hits + figures.misses == LOOKUPS, f"{store}, {fault}: {figures}"
    assert told(figures), f"{store}, {fault}: the statistics do not tell: {figures}"
    lost = max(0.0, spent - alone)
    assert lost < BOUND, f"{store}, {fault}"
    TABLE.append((store, fault, figures, lost, slowest))


def at(turn, harm):
    """Does some harm before one worker."""
    return lambda worker: harm() if worker == turn else None


def rejected(figures):
    return sum(figures.rejections.values())


def once(figures):
    """Every entry was rejected once, and written anew."""
    return rejected(figures) == 3 and figures.hits == LOOKUPS - 6


# ---- servers --------------------------------------------------------------------------------------------------------


def opened(kind, url, deadline=PATIENT, **options):
    return SERVERS[kind][1](url, connect_timeout=PATIENT, operation_timeout=deadline, **options)


@pytest.mark.parametrize("kind", SERVERS)
def test_servers(kind):
    start = SERVERS[kind][0]
    with start() as (process, url):
        check(kind, "none", opened(kind, url), lambda found: found.hits == LOOKUPS - 3 and found.writes == 3)
        for fault, secret in (("poisoned (no tag), keyed", SECRET), ("poisoned (another's key)", OTHER)):
            told = lambda found: rejected(found) == 3 and found.hits == LOOKUPS - 3  # noqa: E731
            check(kind, fault, Authenticated(opened(kind, url), KeyRing(secret)), told)
        clearing = opened(kind, url)
        cleared = opened(kind, url)
        check(kind, "cleared by another", cleared, lambda found: found.load_failures == 0, at(7, clearing.clear))
        check(
            kind,
            "expired",
            opened(kind, url, prefix="short/", timeout=1),
            lambda found: found.writes == 6 and found.load_failures == 0,
            at(7, lambda: time.sleep(2.1)),
        )
        check(
            kind,
            "entries too large",
            opened(kind, url, prefix="large/", max_entry_bytes=10),
            lambda found: found.dump_failures == LOOKUPS and found.writes == 0,
        )
        # As a number, what is more than thirty days would be a date of 1970.
        months = opened(kind, url, prefix="months/", timeout=31 * 24 * 3600)
        check(kind, "expires in 31 days", months, lambda found: found.hits == LOOKUPS - 3)
        check(
            kind,
            "paused",
            opened(kind, url, DEADLINE),
            lambda found: found.load_failures >= 1,
            at(7, lambda: pause(process)),
        )
        os.kill(process.pid, signal.SIGCONT)

        def kill():
            process.kill()
            process.wait()

        check(kind, "killed", opened(kind, url), lambda found: found.load_failures >= 1 and found.hits > 0, at(7, kill))
        check(kind, "never there", opened(kind, url), lambda found: found.load_failures == LOOKUPS)


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_that_restarts(kind):
    """Empty, at the same port."""
    with SERVERS[kind][0]() as (process, url):
        again = []

        def restart():
            process.kill()
            process.wait()
            again.append(subprocess.Popen(process.args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            port = int(url.rsplit(":", 1)[1])
            for _ in range(500):
                try:
                    socket.create_connection(("127.0.0.1", port), 0.1).close()
                    return
                except OSError:
                    time.sleep(0.01)
            pytest.fail(f"{process.args} does not start again")

        try:
            told = lambda found: found.load_failures == 0 and found.writes == 6  # noqa: E731
            check(kind, "restarted", opened(kind, url), told, at(7, restart))
        finally:
            for each in again:
                each.kill()
                each.wait()


@pytest.mark.parametrize("fault, option", [("full", "--maxmemory 1"), ("a replica, read-only", "--replicaof 127.0.0.1 1")])
def test_a_redis_that_is_not_written(fault, option):
    with redis_server(*option.split(" ", 1)) as (_, url):
        check("redis", fault, opened("redis", url), lambda found: found.dump_failures > 0 and found.writes == 0)


def test_a_memcached_of_small_items():
    with memcached_server("-I", "1k", "-o", "slab_chunk_max=512") as (_, url):
        sources = {**SITE, "layout.html": SITE["layout.html"] + "{# " + "x" * 3000 + " #}" + "<!-- long -->" * 200}
        expected = page(None, sources)
        cache = opened("memcached", url)
        for _ in range(3):
            assert page(cache, sources) == expected
        found = cache.statistics()
        assert (found.hits, found.writes, found.dump_failures) == (4, 2, 3), "the two that are small enough"


def test_swapped_by_another_client():
    import redis

    with redis_server() as (_, url):
        client = redis.Redis.from_url(url)

        def swap():
            keys = sorted(client.scan_iter("jinja2/bytecode/*"))
            values = client.mget(keys)
            client.mset(dict(zip(keys, values[1:] + values[:1])))

        check("redis", "entries swapped", opened("redis", url), once, at(7, swap))


@pytest.mark.parametrize("fault", ["killed", "paused"])
def test_clients_of_others(fault):
    """Clients with time limits of their own, in place of a URL: haiden's pauses are theirs, too.

    Without limits they wait for ever; with their stock retries, seconds for a server that is not there.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    with redis_server() as (process, url):
        limits = {"socket_timeout": DEADLINE, "socket_connect_timeout": DEADLINE, "retry": Retry(NoBackoff(), 0)}
        client = redis.Redis.from_url(url, **limits)
        harm = {"killed": process.kill, "paused": lambda: pause(process)}[fault]
        told = lambda found: found.load_failures > 0 and found.hits > 0  # noqa: E731
        cache = RedisBytecodeCache(client)
        check("redis-py", fault, cache, told, at(7, harm))


@contextmanager
def liar(answer):
    """A server that answers each question with what `answer` makes of it; `None` for silence, a list for one byte at a time."""
    over = threading.Event()
    threads = []

    def talk(connection):
        with connection:
            connection.settimeout(0.2)
            while not over.is_set():
                try:
                    question = connection.recv(1 << 16)
                except TimeoutError:
                    continue
                except OSError:
                    return
                if not question:
                    return
                reply = answer(question)
                try:
                    for part in reply if isinstance(reply, list) else [reply]:
                        if reply is None or over.is_set():
                            break
                        connection.sendall(part)
                        if isinstance(reply, list):
                            time.sleep(0.005)
                except OSError:
                    return
                if reply == b"":
                    return

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=talk, args=(connection,)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(10)
    for thread in threads:
        thread.join(10)


def value(kind, question, data, length=None):
    """The answer that these bytes are stored under the key that was asked for."""
    length = len(data) if length is None else length
    if kind == "redis":
        return b"$%d\r\n%s\r\n" % (length, data)
    return b"VA %d k%s\r\n%s\r\n" % (length, question.split()[1], data)


@pytest.mark.parametrize("kind", SERVERS)
def test_liars(kind, tmp_path):
    donor = FileSystemBytecodeCache(tmp_path, "%s")
    Environment(loader=DictLoader({"a": "something else"}), bytecode_cache=donor).get_template("a")
    (entry,) = tmp_path.iterdir()
    entry = entry.read_bytes()

    def of_another(question):
        if question.startswith(b"ms "):
            return b"HD\r\n"
        if b"\r\nSET\r\n" in question:
            return b"+OK\r\n"
        return value(kind, question, entry)

    def failed(found):
        return found.load_failures == LOOKUPS and found.hits == 0

    for fault, deadline, told, answer in [
        ("silent", DEADLINE, failed, lambda question: None),
        ("drips bytes", DEADLINE, failed, lambda question: [b"$", b"9"] + [b"x"] * 1000),
        ("garbage", PATIENT, failed, lambda question: b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("announces 20 GB", PATIENT, failed, lambda question: value(kind, question, b"x", 20_000_000_000)),
        ("half a value", DEADLINE, failed, lambda question: value(kind, question, b"x", 100_000)[:-2]),
        ("hangs up", PATIENT, failed, lambda question: b""),
        ("another key's value", PATIENT, lambda found: rejected(found) == LOOKUPS and not found.hits, of_another),
    ]:

        def asked(question, answer=answer):
            if question.startswith(b"mg ") and b"namespace" in question:
                return value(kind, question, b"00000000000000aa")
            return answer(question)

        with liar(asked) as port:
            check(kind, fault, opened(kind, f"{kind}://127.0.0.1:{port}", deadline), told)


# ---- directories ----------------------------------------------------------------------------------------------------


def each_file(folder, harm):
    for path in sorted(folder.iterdir()):
        harm(path)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path, at=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)


def fifo(path):
    path.unlink()
    os.mkfifo(path)


def link(path):
    path.rename(path.with_name("elsewhere-" + path.name))
    path.symlink_to("elsewhere-" + path.name)


def swap(folder):
    paths = sorted(folder.iterdir())
    contents = [path.read_bytes() for path in paths]
    for path, data in zip(paths, contents[1:] + contents[:1]):
        path.write_bytes(data)


@pytest.mark.parametrize(
    "fault, harm, told",
    [
        ("none", lambda folder: None, lambda found: found.hits == LOOKUPS - 3),
        ("entries cut short", lambda folder: each_file(folder, cut), once),
        ("entries flipped", lambda folder: each_file(folder, flip), once),
        ("entries empty", lambda folder: each_file(folder, lambda path: path.write_bytes(b"")), once),
        ("entries huge", lambda folder: each_file(folder, lambda path: os.truncate(path, 1 << 40)), once),
        ("entries are FIFOs", lambda folder: each_file(folder, fifo), once),
        ("entries are links", lambda folder: each_file(folder, link), once),
        ("entries swapped", swap, once),
        ("folder removed", shutil.rmtree, lambda found: found.dump_failures > 0 and found.hits > 0),
    ],
)
def test_directories(fault, harm, told, tmp_path):
    folder = tmp_path / "cache"
    cache = FileSystemBytecodeCache(folder, "%s")
    check("directory", fault, cache, told, at(7, lambda: harm(folder)))


def test_directories_in_entries_places(tmp_path):
    cache = FileSystemBytecodeCache(tmp_path, "%s")
    page(cache)
    for path in list(tmp_path.iterdir()):
        path.unlink()
        path.mkdir()
    told = lambda found: found.rejections == {"not a file": LOOKUPS} and found.dump_failures == LOOKUPS  # noqa: E731
    check("directory", "entries are directories", FileSystemBytecodeCache(tmp_path, "%s"), told)


def test_replayed_and_swapped_entries(tmp_path):
    """Whoever puts an old entry of the same key back changes nothing: it is of the same source and options."""
    ring = KeyRing(SECRET)
    page(Authenticated(FileSystemBytecodeCache(tmp_path, "%s"), ring))
    old = {path: path.read_bytes() for path in tmp_path.iterdir()}
    cache = Authenticated(FileSystemBytecodeCache(tmp_path, "%s"), ring)

    def replay(worker):
        for path, data in old.items():
            path.write_bytes(data)

    check("directory", "entries replayed, keyed", cache, lambda found: found.hits == LOOKUPS, replay)
    cache = Authenticated(FileSystemBytecodeCache(tmp_path, "%s"), ring)
    told = lambda found: rejected(found) == 3 and found.hits == LOOKUPS - 3  # noqa: E731
    check("directory", "entries swapped, keyed", cache, told, at(7, lambda: swap(tmp_path)))


def test_every_length_and_every_byte(tmp_path):
    cache = FileSystemBytecodeCache(tmp_path, "%s")
    page(cache)
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    path, data = min(whole.items(), key=lambda item: len(item[1]))
    spoiled = [data[:length] for length in range(len(data))]
    spoiled += [data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :] for place in range(len(data))]
    started = time.perf_counter()
    slowest = 0.0
    for bad in spoiled:
        path.write_bytes(bad)
        asked = time.perf_counter()
        assert page(cache) == PAGE
        slowest = max(slowest, time.perf_counter() - asked)
    found = cache.statistics()
    # All but those bytes that nothing rests on (when it was made) are noticed, and these change no page.
    assert rejected(found) + found.hits - 2 * len(spoiled) == len(spoiled)
    assert rejected(found) > 0.98 * len(spoiled) and found.misses == 3 + rejected(found)
    TABLE.append(("directory", "every length, every byte", found, time.perf_counter() - started, slowest))


def test_read_only_and_linked(tmp_path):
    folder, name = tmp_path / "cache", tmp_path / "link"
    folder.mkdir()
    name.symlink_to(folder)
    told = lambda found: found.skipped_writes == LOOKUPS and found.size == 0  # noqa: E731
    check("directory", "read-only", FileSystemBytecodeCache(folder, read_only=True), told)
    told = lambda found: found.is_link and found.hits == LOOKUPS - 3  # noqa: E731
    check("directory", "named by a link", FileSystemBytecodeCache(name), told)


def other_process(code, *arguments):
    """A Python that runs a function of this file."""
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_cache_faults as t; t.{code}"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


MEET = """
import sys, time
from haiden import DictLoader, Environment
from haiden.cache import FileSystemBytecodeCache

sources = {"layout": "[{% block b %}{% endblock %}]", "page": "{% extends 'layout' %}{% block b %}{{ n }}{% endblock %}"}
cache = FileSystemBytecodeCache(sys.argv[1])
spent = {cache: [], None: []}
for worker in range(20):
    for kept, times in spent.items():
        started = time.perf_counter()
        page = Environment(loader=DictLoader(sources), bytecode_cache=kept).get_template("page").render(n=worker)
        times.append(time.perf_counter() - started)
        assert page == f"[{worker}]"
found = cache.statistics()
assert found.hits == found.writes == 0, found
print(found.misses, found.dump_failures, max(0, sum(spent[cache]) - sum(spent[None])), max(spent[cache]))
"""
"""Run as another user: twenty workers, two templates, and a folder that is not theirs to write."""


def test_a_folder_of_somebody_else(tmp_path):
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.fail("`setpriv` (util-linux) is needed: run as root, this test has to drop root first")
    drop = [] if os.getuid() else ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if drop and subprocess.run([*drop, sys.executable, "-c", "import haiden.cache"], capture_output=True).returncode:
        pytest.skip("another user cannot run this Python")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755 if drop else 0o555)
        done = subprocess.run([*drop, sys.executable, "-c", MEET, folder], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert not os.listdir(folder)
        figures = FileSystemBytecodeCache(folder, read_only=True).statistics()
    misses, failures, lost, slowest = done.stdout.split()
    assert (misses, failures) == ("40", "40")
    figures = figures._replace(misses=int(misses), dump_failures=int(failures))
    TABLE.append(("directory", "foreign-owned (2 templates)", figures, float(lost), float(slowest)))


@contextmanager
def small_disk(folder):
    """A disk of 64 KiB, filled up. Needs the right to mount."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True)
    if done.returncode:
        pytest.skip("this user cannot mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("kind", ["directory", "sqlite"])
def test_full_disk(kind, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        make = {
            "directory": lambda: FileSystemBytecodeCache(disk / "cache"),
            "sqlite": lambda: SqliteBytecodeCache(disk / "cache.db"),
        }[kind]
        cache = make()
        with open(disk / "ballast", "wb", buffering=0) as ballast:
            for _ in range(1 << 10):
                try:
                    ballast.write(b"x" * 1024)
                except OSError:
                    break
        check(kind, "disk full", cache, lambda found: found.dump_failures > 0 and found.writes < 3)


# ---- SQLite ---------------------------------------------------------------------------------------------------------


def test_sqlite(tmp_path):
    path = tmp_path / "cache.db"
    check("sqlite", "none", SqliteBytecodeCache(path), lambda found: found.hits == LOOKUPS - 3)
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xa5" * (len(data) - 100))
    check("sqlite", "file damaged", SqliteBytecodeCache(path), lambda found: found.hits == LOOKUPS - 3)

    def remove():
        for each in tmp_path.glob("cache.db*"):
            each.unlink()

    check("sqlite", "file removed", SqliteBytecodeCache(path), lambda found: found.hits > 0, at(7, remove))
    page(SqliteBytecodeCache(path))
    # Another program's copy of SQLite, in a process of its own: in this one, closing it would drop locks.
    holds = (
        "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1]); connection.execute('BEGIN EXCLUSIVE');"
        " print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        other = {"autoescape": True, "trim_blocks": True}
        cache = SqliteBytecodeCache(path, busy_timeout=0.05)
        told = lambda found: found.load_failures == 0 and found.hits == LOOKUPS  # noqa: E731
        check("sqlite", "locked by a writer", cache, told)
        env = Environment(loader=DictLoader(SITE), bytecode_cache=cache, **other)
        env.get_template("page.html")
        assert cache.statistics().dump_failures == 1, "who writes meanwhile waits, and then does not"
        holder.stdin.close()
    read_only = SqliteBytecodeCache(path, read_only=True)
    check("sqlite", "read-only", read_only, lambda found: found.hits == LOOKUPS)


def test_rows_of_others(tmp_path):
    path = tmp_path / "cache.db"
    page(SqliteBytecodeCache(path))
    swapping = """CREATE TEMP TABLE old AS SELECT row_number() OVER (ORDER BY rowid) AS n, rowid AS id, frame FROM entries;
        UPDATE entries SET frame = (SELECT next.frame FROM old, old AS next WHERE old.id = entries.rowid
            AND next.n = old.n % (SELECT count(*) FROM old) + 1)"""
    for fault, harm in [
        ("entries cut short", "UPDATE entries SET frame = substr(frame, 1, length(frame) / 2)"),
        ("entries are no blobs", "UPDATE entries SET frame = 'text'"),
        ("entries of 70 MB", "UPDATE entries SET frame = zeroblob(70000000)"),
        ("entries swapped", swapping),
    ]:
        # Another program's copy of SQLite, in a process of its own: in this one, closing it would drop locks.
        program = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=60).executescript(sys.argv[2])"
        subprocess.run([sys.executable, "-c", program, path, harm], check=True)
        told = lambda found: rejected(found) == 3 and found.hits == LOOKUPS - 3  # noqa: E731
        check("sqlite", fault, SqliteBytecodeCache(path), told)


# ---- bundles --------------------------------------------------------------------------------------------------------


def test_damaged_bundles(tmp_path):
    path = tmp_path / "site.haiden"
    write_bundle(path, Environment(loader=DictLoader(SITE), autoescape=True), SITE, sealed=False)
    check("bundle", "none", cache_from_url(f"bundle:{path}"), lambda found: found.hits == LOOKUPS)
    data = bytearray(path.read_bytes())
    for place in range(len(data) - 1, len(data) - 1500, -50):
        data[place] ^= 1
    path.write_bytes(data)
    check("bundle", "entries flipped", cache_from_url(f"bundle:{path}"), lambda found: rejected(found) > 0)


# ---- processes and threads ------------------------------------------------------------------------------------------


def write_for_ever():
    """Run by `other_process`: the page's templates, again and again."""
    kind, path = sys.argv[1:]
    cache = FileSystemBytecodeCache(path) if kind == "directory" else SqliteBytecodeCache(path, busy_timeout=60)
    for turn in range(1 << 30):
        page(cache, {**SITE, "layout.html": SITE["layout.html"] + "x" * 20_000, "foot.html": f"{turn % 50}"})
        cache.clear()
        print("written", flush=True)


@pytest.mark.parametrize("kind", ["directory", "sqlite"])
def test_writers_and_a_killed_one(kind, tmp_path):
    """Four processes write and clear all the while; each is killed at some point, and what they leave is whole."""
    path = tmp_path / "cache"
    # As it is by default: who writes into SQLite's file waits for others a quarter of a second, and then does not write.
    cache = FileSystemBytecodeCache(path) if kind == "directory" else SqliteBytecodeCache(path)
    writers = [other_process("write_for_ever()", kind, path) for _ in range(4)]
    try:
        for writer in writers:
            assert writer.stdout.readline() == "written\n", writer.stderr.read()

        def harm(worker):
            if worker % 5 == 0:
                writers[worker // 5].kill()

        told = lambda found: found.load_failures == 0 and rejected(found) == 0  # noqa: E731
        check(kind, "writers killed (kill -9)", cache, told, harm)
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assert all(entry.rejection is None for entry in cache.entries(damaged=True))
    if kind == "sqlite":
        del cache
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()


@pytest.mark.parametrize("kind", ["directory", "sqlite"])
@pytest.mark.parametrize("what", ["cleared", "collected"])
def test_while_others_clear_and_collect(kind, what, tmp_path):
    path = tmp_path / "cache"
    make = {
        "directory": lambda **options: FileSystemBytecodeCache(path, "%s"),
        "sqlite": lambda **options: SqliteBytecodeCache(path, **options),
    }[kind]
    over = threading.Event()
    wrong = []

    def work():
        cache = make(busy_timeout=60)
        try:
            while not over.is_set():
                if what == "cleared":
                    cache.clear()
                else:
                    for each in path.iterdir() if kind == "directory" else ():
                        try:
                            os.utime(each, (1_000_000_000, 1_000_000_000))
                        except FileNotFoundError:
                            pass
                    cache.collect(max_entries=0, max_age=0)
        except Exception as error:
            wrong.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        told = lambda found: found.load_failures == 0 and rejected(found) == 0  # noqa: E731
        check(kind, f"{what} all the while", make(), told)
    finally:
        over.set()
        thread.join(60)
    assert not wrong


@pytest.mark.parametrize("kind", ["directory", "sqlite", "redis", "memcached"])
def test_fork_after_connecting(kind, tmp_path):
    if kind == "redis":
        server = redis_server()
    elif kind == "memcached":
        server = memcached_server()
    else:
        server = None

    def run(cache):
        page(cache)
        children = []

        def fork(worker):
            if worker % 5 == 0:
                child = os.fork()
                if child == 0:
                    right = False
                    try:
                        right = all(page(cache) == PAGE for _ in range(20)) and cache.statistics().load_failures == 0
                    finally:
                        os._exit(0 if right else 1)
                children.append(child)

        since = cache.statistics()[:2]
        told = lambda found: found.hits == LOOKUPS  # noqa: E731
        check(kind, "forks after connecting", cache, told, fork, since)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4

    if server is None:
        run(FileSystemBytecodeCache(tmp_path / "c") if kind == "directory" else SqliteBytecodeCache(tmp_path / "c"))
    else:
        with server as (_, url):
            run(opened(kind, url))


class Stop(BaseException):
    """Nothing that anybody should swallow."""


@pytest.mark.parametrize("error", [None, TemplateSyntaxError, RuntimeError, Stop])
def test_eight_threads_on_one_cold_template(error, tmp_path):
    """Its compile may fail, or its loader raise anything: each thread hears of it, and nobody waits for ever."""
    cache = FileSystemBytecodeCache(tmp_path / "cache")
    started = threading.Barrier(8)

    class Loader(DictLoader):
        def get_source(self, environment, name):
            if error in (RuntimeError, Stop):
                raise error("the loader")
            return super().get_source(environment, name)

    source = "{% if %}" if error is TemplateSyntaxError else "fine"
    env = Environment(loader=Loader({"page": source}), bytecode_cache=cache)
    results = []

    def work():
        started.wait()
        try:
            results.append(env.get_template("page").render())
        except BaseException as raised:
            results.append(type(raised))

    threads = [threading.Thread(target=work) for _ in range(8)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    spent = time.perf_counter() - began
    assert results == [error or "fine"] * 8
    figures = cache.statistics()
    assert figures.size == figures.writes == (0 if error else 1)
    assert figures.misses == 1 or error, "one compiles, seven wait"
    TABLE.append(("directory", f"8 threads, {error.__name__ if error else 'one cold'}", figures, spent, spent))
