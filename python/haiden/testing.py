"""A suite that judges bytecode caches: haiden's own, and yours.

>>> from haiden.cache import MemoryBytecodeCache
>>> check_store(MemoryBytecodeCache())[:2]
['nothing stored is a miss', 'what is stored comes back']
"""

import typing as t
from concurrent.futures import ThreadPoolExecutor

from .bccache import Bucket, BytecodeCache
from .environment import Environment
from .loaders import DictLoader

_SOURCE = "{% for name in names %}{{ loop.index }}: {{ name }} {% endfor %}"


def _stored(cache: BytecodeCache, key: str, checksum: str, text: str) -> None:
    """Keeps the code of a text under a key."""
    bucket = Bucket(Environment(), key, checksum)
    bucket.code = Environment().compile(text)
    cache.dump_bytecode(bucket)


def _found(cache: BytecodeCache, key: str, checksum: str) -> str | None:
    """What the code under a key renders; `None` if there is none."""
    environment = Environment()
    bucket = Bucket(environment, key, checksum)
    cache.load_bytecode(bucket)
    if bucket.code is None:
        return None
    return environment.template_class.from_code(environment, bucket.code, {}).render()


def _page(cache: BytecodeCache, source: str = _SOURCE, **options: t.Any) -> str:
    environment = Environment(loader=DictLoader({"page": source}), bytecode_cache=cache, **options)
    return environment.get_template("page").render(names=["<a>", "b"])


def _missing(cache: BytecodeCache) -> None:
    assert _found(cache, "suite-missing", "sum") is None


def _round_trip(cache: BytecodeCache) -> None:
    _stored(cache, "suite-a", "sum", "first")
    assert _found(cache, "suite-a", "sum") == "first"


def _other_checksum(cache: BytecodeCache) -> None:
    _stored(cache, "suite-b", "sum", "text")
    assert _found(cache, "suite-b", "other") is None


def _overwritten(cache: BytecodeCache) -> None:
    for text in ("first", "second"):
        _stored(cache, "suite-c", "sum", text)
    assert _found(cache, "suite-c", "sum") == "second"


def _keys(cache: BytecodeCache) -> None:
    keys = ["k" * 200, "k" * 199, "k", "K", "0"]
    for key in keys:
        _stored(cache, f"suite-{key}", "sum", key)
    # A cache that keeps one entry alone is one.
    assert _found(cache, f"suite-{keys[-1]}", "sum") == keys[-1]
    for key in keys:
        assert _found(cache, f"suite-{key}", "sum") in (key, None)


def _empty(cache: BytecodeCache) -> None:
    try:
        cache.dump_bytecode(Bucket(Environment(), "suite-empty", "sum"))
    except TypeError:
        pass
    assert _found(cache, "suite-empty", "sum") is None


def _large(cache: BytecodeCache) -> None:
    text = "0123456789abcdef" * 20_000
    _stored(cache, "suite-large", "sum", text)
    assert _found(cache, "suite-large", "sum") in (text, None)


def _pages(cache: BytecodeCache) -> None:
    pages = {_page(cache) for _ in range(3)}
    assert pages == {"1: <a> 2: b "}


def _changed(cache: BytecodeCache) -> None:
    assert _page(cache, "old {{ names[1] }}") == "old b"
    assert _page(cache, "new {{ names[1] }}") == "new b"


def _options(cache: BytecodeCache) -> None:
    for _ in range(2):
        assert _page(cache, "{{ names[0] }}") == "<a>"
        assert _page(cache, "{{ names[0] }}", autoescape=True) == "&lt;a&gt;"


def _threads(cache: BytecodeCache) -> None:
    def one(number: int) -> str:
        return _page(cache, f"{number % 4}: {{{{ names[1] }}}}")

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(one, range(64))) == [f"{number % 4}: b" for number in range(64)]


def _statistics(cache: BytecodeCache) -> None:
    before = cache.statistics()
    _page(cache)
    after = cache.statistics()
    assert after.hits + after.misses == before.hits + before.misses + 1
    assert 0.0 <= after.hit_ratio <= 1.0


def _entries(cache: BytecodeCache) -> None:
    try:
        entries = list(cache.entries())
    except NotImplementedError:
        return
    assert all(isinstance(entry.key, str) and isinstance(entry.bytecode, bytes) for entry in entries)
    size = cache.statistics().size
    assert size is None or size == len(entries)


def _cleared(cache: BytecodeCache) -> None:
    if type(cache).clear is BytecodeCache.clear:
        return
    _stored(cache, "suite-cleared", "sum", "text")
    clear: t.Callable[[], t.Any] = cache.clear
    if getattr(clear(), "reach", None) == "nothing":
        # It says so: it is made of caches that cannot be cleared.
        return
    assert _found(cache, "suite-cleared", "sum") is None


_CASES: list[tuple[str, t.Callable[[BytecodeCache], None]]] = [
    ("nothing stored is a miss", _missing),
    ("what is stored comes back", _round_trip),
    ("another checksum is a miss", _other_checksum),
    ("the last write counts", _overwritten),
    ("keys do not meet", _keys),
    ("an empty bucket stores nothing", _empty),
    ("large entries come back or not at all", _large),
    ("pages are the same from the cache", _pages),
    ("a changed source is compiled", _changed),
    ("options do not leak", _options),
    ("threads do not meet", _threads),
    ("lookups are counted", _statistics),
    ("entries are listed", _entries),
    ("clear forgets", _cleared),
]


def check_store(cache: BytecodeCache) -> list[str]:
    """Judges a cache that is empty and the caller's to fill; gives the names of the cases that it stood.

    :param cache: The cache. It is cleared at the end, if it can be.
    :raises AssertionError: It does not behave as a cache must; the message names all cases.
    """
    wrong = []
    for name, case in _CASES:
        try:
            case(cache)
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__}: {error}".rstrip(": "))
    assert not wrong, f"{type(cache).__name__}: " + "; ".join(wrong)
    return [name for name, _ in _CASES]


__all__ = ["check_store"]
