"""Threads that need one template at once: one loads it, and the others wait for it, but never for what does not come."""

import threading
import time

import pytest

from haiden import BytecodeCache, DictLoader, Environment
from haiden._native import PanicException

THREADS = 8


class OwnPaths(Environment):
    """Templates are loaded by Python code."""

    def join_path(self, template, parent):
        return template


class Stop(BaseException):
    """Nothing that anybody should swallow."""


ENVIRONMENTS = {
    "stock": (Environment, {}),
    "hook": (OwnPaths, {}),
    "dict as cache": (Environment, {"cache_size": -1}),
    "no fast roads": (Environment, {}),
}


@pytest.fixture(params=ENVIRONMENTS)
def environment(request, monkeypatch):
    """Makes an environment."""
    if request.param == "no fast roads":
        monkeypatch.setenv("HAIDEN_NO_FAST", "1")
    cls, options = ENVIRONMENTS[request.param]
    return lambda **more: cls(**options, **more)


def in_threads(work):
    """What `work()` returns, or the class of what it raises, in threads that begin at once."""
    results, barrier = [], threading.Barrier(THREADS)

    def run():
        barrier.wait()
        try:
            results.append(work())
        except BaseException as raised:
            results.append(type(raised))

    threads = [threading.Thread(target=run, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a thread waits for ever"
    return results


class Slow(DictLoader):
    """The first to come takes its time, so that the others wait for it; then it does `first`."""

    def __init__(self, first=lambda: None):
        super().__init__({"page": "a page"})
        self.first, self.asked, self.lock = first, 0, threading.Lock()

    def get_source(self, environment, name):
        with self.lock:
            self.asked += 1
            asked = self.asked
        if asked == 1:
            time.sleep(0.2)
            self.first()
        return super().get_source(environment, name)


def test_one_loads(environment):
    loader = Slow()
    env = environment(loader=loader)
    assert in_threads(lambda: env.get_template("page").render()) == ["a page"] * THREADS
    assert loader.asked == 1
    assert env.cache_statistics()[:3] == (THREADS - 1, 1, 1)


def check_failure(env, error):
    """One thread gets the error; the others, which waited for it, a page; and nothing is left to wait for."""
    results = in_threads(lambda: env.get_template("page").render())
    assert sorted(results, key=str) == sorted([error, *["a page"] * (THREADS - 1)], key=str)
    env.cache.clear()
    assert in_threads(lambda: env.get_template("page").render()) == ["a page"] * THREADS


@pytest.mark.parametrize("error", [RuntimeError, Stop, KeyboardInterrupt, PanicException])
def test_a_loader_that_fails(environment, error):
    """`PanicException` goes on as a panic in the machine, through everything that was under way there."""

    def fail():
        raise error("the loader")

    check_failure(environment(loader=Slow(fail)), error)


@pytest.mark.parametrize("error", [Stop, PanicException])
def test_a_store_that_fails(environment, error):
    class Failing(BytecodeCache):
        asked = 0

        def load_bytecode(self, bucket):
            self.asked += 1
            if self.asked == 1:
                time.sleep(0.2)
                raise error("the store")

        def dump_bytecode(self, bucket):
            pass

    check_failure(environment(loader=DictLoader({"page": "a page"}), bytecode_cache=Failing()), error)


def test_patience(environment):
    """A thread that has waited long loads by itself: it may hold what the other one needs."""
    held, loading = threading.Lock(), threading.Event()

    def first():
        loading.set()
        with held:
            pass

    env = environment(loader=Slow(first))
    other = threading.Thread(target=lambda: env.get_template("page"), daemon=True)
    with held:
        other.start()
        assert loading.wait(60)
        assert env.get_template("page").render() == "a page"
    other.join(60)
    assert not other.is_alive()
