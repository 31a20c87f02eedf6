"""Stores for compiled templates: memory, a directory, SQLite, Memcached, Redis, bundles, and several of them as tiers.

The stores are written in Rust and have the names that they have there (`haiden::cache`): what a Rust program or the
command line has written is a hit here, and the other way round, wherever source and options are the same::

    from haiden import Environment, FileSystemLoader
    from haiden.cache import KeyRing, cache_from_url

    cache = cache_from_url("redis://:secret@cache.example/0?prefix=shop/", keys=KeyRing.from_file("cache.keys"))
    environment = Environment(loader=FileSystemLoader("templates"), bytecode_cache=cache)

A store that is ill never makes a render fail, unless it is told to raise. Other threads run while it works, and a
forked child makes connections of its own. Templates that Python extensions parse are not kept: no key says what they
do.
"""

import os
import typing as t
import weakref
from collections.abc import Iterable, Iterator
from time import perf_counter

from . import _native
from .bccache import Bucket, BytecodeCache, CacheEntry, CacheStatistics, TierStatistics, _looking_up, _stock
from .exceptions import TemplateNotFound
from .loaders import BaseLoader, ChoiceLoader, PrefixLoader
from .utils import internalcode

if t.TYPE_CHECKING:
    import typing_extensions as te

    from .environment import Environment, Template
    from .loaders import UpToDate

StrPath: t.TypeAlias = "str | os.PathLike[str]"
Failures: t.TypeAlias = t.Literal["ignore", "warn", "raise"]
"""What happens when a store fails: it is counted and ignored, told once by a `RuntimeWarning` as well, or raised."""


class CacheError(Exception):
    """A store that cannot be opened, or failed and was told to raise.

    :param kind: What kind of failure it is, for programs: `Url`, `Secret`, `Unavailable`, `Full`, ...
    :param message: The failure, for people.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[t.Any, ...]:
        # So that other processes can be told.
        return type(self), (self.kind, *self.args), self.__dict__


class Cleared(t.NamedTuple):
    """What `clear` reached."""

    reach: str
    """`deletes`, `invalidates` (not found any more, but the bytes remain for a while) or `nothing`."""
    removed: int | None
    """How many entries were deleted; `None` if the store cannot tell."""
    failed: int
    """How many could not be."""


class Collected(t.NamedTuple):
    """What `collect` did."""

    removed: int
    """How many entries were removed."""
    removed_bytes: int
    """What they took."""
    kept: int
    """How many stay."""
    kept_bytes: int
    """What they take."""
    failed: int
    """How many were to go, and could not be removed."""


class KeyRing:
    """Secrets that sign and check entries: the first signs, all check.

    :param secret: 32 bytes or more.
    :param others: Older secrets, whose entries are still taken.
    :raises CacheError: A secret is too short.

    >>> len(KeyRing("the secret of this year, 32 bytes or more", "the secret of last year, 32 bytes or more").ids)
    2
    """

    def __init__(self, secret: str | bytes, *others: str | bytes) -> None:
        secrets = []
        for each in (secret, *others):
            if not isinstance(each, (str, bytes, bytearray, memoryview)):
                raise TypeError(f"a secret is a text or bytes, not {type(each).__name__!r}")
            secrets.append(each.encode() if isinstance(each, str) else bytes(each))
        self._keys = _native.Keys(secrets)

    @classmethod
    def from_file(cls, path: StrPath) -> "KeyRing":
        """A ring of the secrets in a file, one a line; only its owner and his group may read it."""
        ring = cls.__new__(cls)
        ring._keys = _native.Keys.from_file(os.fspath(path))
        return ring

    @property
    def ids(self) -> list[int]:
        """The ids of the keys: they stand in entries, and say nothing of the secrets."""
        return self._keys.ids

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(f'{each:08x}' for each in self.ids)})"


def _native_keys(keys: KeyRing | None) -> "_native.Keys | None":
    if keys is None:
        return None
    if not isinstance(keys, KeyRing):
        # Not shown: it may be a secret.
        raise TypeError(f"keys: a KeyRing is wanted, not {type(keys).__name__!r}")
    return keys._keys


class StoreBytecodeCache(BytecodeCache):
    """The base of the caches of this module: a store of Rust's."""

    def __init__(self, store: "_native.Store") -> None:
        self._store = store

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fills the bucket, if the store has something under its content key."""
        bucket.reset()
        if bucket.environment is None or bucket._origin is None:
            data = self._store.load_bytes(bucket.key, bucket.checksum)
            bucket.code = None if data is None else bucket._code_of(data)
            return
        name, filename, source = bucket._origin
        bucket.code = self._store.load(bucket.environment._machine_settings(), source, name, filename)
        if bucket.code is None:
            bucket._asked = perf_counter()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps what is in the bucket; not what Python code has made of a template."""
        code = bucket.code
        if code is None:
            raise TypeError("can't write empty bucket")
        if not bucket._can_be_found() or isinstance(code, str):
            return
        if bucket._origin is None:
            data = code if isinstance(code, bytes) else code.to_bytes()
            self._store.dump_bytes(bucket.key, bucket.checksum, data)
            return
        name, filename, source = bucket._origin
        # What passed since the store had nothing is what compiling took.
        compiling = None if bucket._asked is None else perf_counter() - bucket._asked
        self._store.dump(code, source, name, filename, compiling)

    def clear(self) -> Cleared:  # type: ignore[override]
        """Drops the entries of this cache, and only those; tells how far that reaches."""
        return Cleared(*self._store.clear())

    def statistics(self) -> CacheStatistics:
        """What the cache did in this process."""
        return _statistics(self._store.statistics())

    def collect(
        self,
        *,
        max_age: float | None = None,
        max_bytes: int | None = None,
        max_entries: int | None = None,
        dry_run: bool = False,
    ) -> Collected:
        """Brings a directory or an SQLite file within bounds, once: what was used longest ago goes first.

        What was written or used within the last minute stays. The stores that have bounds of their own need no call.

        :param max_age: Entries unused for longer go, in seconds.
        :param max_bytes: What the entries take at most.
        :param max_entries: How many stay at most.
        :param dry_run: Whether nothing is removed, only told.
        :raises NotImplementedError: The store does this itself, or is not written.
        """
        try:
            return Collected(*self._store.collect(max_age, max_bytes, max_entries, dry_run))
        except CacheError as error:
            if error.kind == "Unsupported":
                raise NotImplementedError(f"{type(self).__name__} cannot be collected") from None
            raise

    def entries(self, *, damaged: bool = False) -> Iterator[CacheEntry]:
        """The sound entries, in stores that can list them. The keys are content keys.

        :param damaged: Whether those are shown, too, that would be misses: their `rejection` says why.
        :raises NotImplementedError: The store cannot list its entries.
        :raises CacheError: The store fails meanwhile.
        """
        from datetime import datetime, timezone

        def at(seconds: float | None) -> "datetime | None":
            return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)

        try:
            entries = self._store.entries(damaged)
        except CacheError as error:
            if error.kind == "Unsupported":
                raise NotImplementedError(f"{type(self).__name__} cannot list its entries") from None
            raise
        for key, checksum, bytecode, created, accessed, rejection in entries:
            yield CacheEntry(key, checksum, bytecode, at(created), at(accessed), rejection)

    def prefetch(self, environment: "Environment", names: Iterable[str]) -> int:
        """Loads templates into an environment's memory, with what they extend, include and import by constant names.

        The store is asked once for each level of that, in one round trip if it can. Returns how many templates are
        ready that were not before. What is missing or wrong among the dependencies is left for the render, which may
        never need it.

        :raises TemplateNotFound: One of the named templates does not exist.
        :raises TemplateSyntaxError: One of them cannot be compiled.
        """
        if isinstance(names, str):
            raise TypeError("names: a list of names is wanted, not one name")
        return _prefetch(None if _is_overridden(self) else self._store, environment, list(names))


_stock.append(_looking_up(StoreBytecodeCache))


def _statistics(figures: dict[str, t.Any]) -> CacheStatistics:
    """Figures as the native part gives them, under their names."""
    tiers = []
    for name, left_out, latency, inner in figures["tiers"]:
        tiers.append(TierStatistics(name, left_out, latency, _statistics(inner)))
    return CacheStatistics(**{**figures, "tiers": tuple(tiers)})


def _prefetch(store: "_native.Store | None", environment: "Environment", names: list[str]) -> int:
    """As the method. Without a store templates are loaded one by one, as the environment does it."""
    loader, memory = environment.loader, environment.cache
    if loader is None:
        raise TypeError("no loader for this environment specified")
    if memory is None:
        return 0
    names = list(dict.fromkeys(names))
    ready, named, seen = 0, True, set(names)
    while names:
        missing, needed = [], []
        for name in names:
            kept = memory.get((weakref.ref(loader), name))
            if kept is not None and (not environment.auto_reload or kept.is_up_to_date):
                needed += _needs(kept)
                continue
            try:
                found = None if store is None else _source_of(environment, loader, name)
                if found is not None:
                    missing.append((name, *found))
                else:
                    needed += _needs(environment.get_template(name))
                    ready += 1
            except Exception:
                if named:
                    raise
        settings = environment._machine_settings()
        wanted = [(local, filename, source) for _, local, source, filename, _ in missing]
        codes = store.load_many(settings, wanted) if store is not None else []
        for (name, local, source, filename, uptodate), code in zip(missing, codes, strict=True):
            try:
                if code is None:
                    started = perf_counter()
                    code = environment.compile(source, local, filename)
                    if store is not None and isinstance(code, _native.Code):
                        store.dump(code, source, local, filename, perf_counter() - started)
                globals = environment.make_globals(None)
                template = environment.template_class.from_code(environment, code, globals, uptodate)
            except CacheError:
                raise
            except Exception:
                if named:
                    raise
                continue
            memory[(weakref.ref(loader), name)] = template
            needed += _needs(template)
            ready += 1
        names = [name for name in dict.fromkeys(needed) if name not in seen]
        seen.update(names)
        named = False
    return ready


def _needs(template: "Template") -> list[str]:
    """What a template extends, includes and imports by constant names, as the environment's loader names it."""
    try:
        names = template._dependencies()
    except Exception:
        # Some other code generator's: nobody knows. Or something is wrong, which is for the render to say.
        return []
    parent = template.name
    return names if parent is None else [template.environment.join_path(name, parent) for name in names]


def _source_of(
    environment: "Environment", loader: BaseLoader, name: str
) -> "tuple[str, str, str | None, UpToDate | None] | None":
    """A template's name, as its own loader has it, its source, its file, and what tells whether that is the latest.

    `None` if a loader has a way of its own to load templates.
    """
    load = getattr(type(loader), "load", None)
    if load is BaseLoader.load:
        source, filename, uptodate = loader.get_source(environment, name)
        return name, source, None if filename is None else os.fsdecode(filename), uptodate
    if load is ChoiceLoader.load:
        for each in t.cast(ChoiceLoader, loader).loaders:
            try:
                return _source_of(environment, each, name)
            except TemplateNotFound:
                continue
    elif load is PrefixLoader.load:
        inner, local = t.cast(PrefixLoader, loader).get_loader(name)
        try:
            return _source_of(environment, inner, local)
        except TemplateNotFound as error:
            raise TemplateNotFound(name) from error
    else:
        return None
    raise TemplateNotFound(name)


class MemoryBytecodeCache(StoreBytecodeCache):
    """Keeps bytecode in this process; the least recently used entry goes first.

    :param max_entries: How many entries are kept at most.
    :param max_bytes: How many bytes of bytecode.

    >>> from haiden import DictLoader, Environment
    >>> cache = MemoryBytecodeCache()
    >>> for _ in range(3):
    ...     environment = Environment(loader=DictLoader({"a": "Hello {{ name }}!"}), bytecode_cache=cache)
    ...     page = environment.get_template("a").render(name="you")
    >>> page, cache.statistics().hits, cache.statistics().misses
    ('Hello you!', 2, 1)
    """

    def __init__(self, max_entries: int = 1000, max_bytes: int = 64 << 20) -> None:
        super().__init__(_native.Stores.memory(max_entries, max_bytes))


class FileSystemBytecodeCache(StoreBytecodeCache):
    """Keeps bytecode in files of one directory, under content keys, as Rust programs do.

    `haiden.FileSystemBytecodeCache` is another one: Jinja2's, whose files are named by the templates' names.

    :param directory: The directory; a private one under the system's folder of temporary files if none is given.
    :param pattern: The names of the files; `%s` is the key.
    :param read_only: Whether nothing is written.
    :param sync: Whether entries are on the disk when they are written.
    :param max_bytes: What the files take at most: entries that were used longest ago make room for new ones.
    :param max_entries: How many entries there are at most.
    :param failures: What happens when it fails.
    """

    def __init__(
        self,
        directory: "StrPath | None" = None,
        pattern: str = "__jinja2_%s.cache",
        *,
        read_only: bool = False,
        sync: bool = False,
        max_bytes: int | None = None,
        max_entries: int | None = None,
        failures: Failures = "ignore",
    ) -> None:
        path = None if directory is None else os.fspath(directory)
        bounds = max_bytes, max_entries
        super().__init__(_native.Stores.directory(path, pattern, read_only, sync, bounds, failures))


class SqliteBytecodeCache(StoreBytecodeCache):
    """Keeps bytecode in one file of SQLite's, for many processes of one machine.

    :param path: The file; made if it is missing.
    :param busy_timeout: How long a writer waits for others, in seconds.
    :param read_only: Whether nothing is written.
    :param max_bytes: What the entries take at most: those that were used longest ago make room for new ones.
    :param max_entries: How many entries there are at most.
    :param failures: What happens when it fails.
    """

    def __init__(
        self,
        path: StrPath,
        *,
        busy_timeout: float = 0.25,
        read_only: bool = False,
        max_bytes: int | None = None,
        max_entries: int | None = None,
        failures: Failures = "ignore",
    ) -> None:
        bounds = max_bytes, max_entries
        super().__init__(_native.Stores.sqlite(os.fspath(path), busy_timeout, read_only, bounds, failures))


class RemoteOptions(t.TypedDict, total=False):
    """What caches in servers may be told. Times are in seconds."""

    prefix: str
    """What keys begin with; `jinja2/bytecode/` by default."""
    timeout: float
    """When entries expire; by default they stay until the server needs the room."""
    connect_timeout: float
    """How long connecting may take; 0.1 by default."""
    operation_timeout: float
    """How long one operation may take; 0.1 by default."""
    retry_after: float
    """For how long a server that fails is left alone; 1 by default, doubled each time, up to 30."""
    max_entry_bytes: int
    """The largest bytecode that is written or read."""
    read_only: bool
    """Whether nothing is written."""
    failures: Failures
    """What happens when the server fails."""


_REMOTE: dict[str, t.Any] = {
    "prefix": None,
    "timeout": None,
    "connect_timeout": None,
    "operation_timeout": None,
    "retry_after": None,
    "max_entry_bytes": None,
    "read_only": False,
    "failures": "ignore",
}


def _remote(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    for name in options:
        if name not in _REMOTE:
            raise TypeError(f"{name!r} is no option of a cache in a server")
    return {**_REMOTE, **options}


class MemcachedBytecodeCache(StoreBytecodeCache):
    """Keeps bytecode in a Memcached server (1.6 or newer); no server is asked before the first lookup.

    `haiden.MemcachedBytecodeCache` is another one: Jinja2's, which takes a client.

    :param url: `memcached://HOST:PORT`, `memcacheds://HOST:PORT[?ca=FILE]` (over TLS) or `memcached+unix:///PATH`.
    :param keys: Entries are signed with the first, and those signed with none are misses.
    :param unauthenticated: Entries are not signed: all who can write to the server can then change your pages.
    :param options: See :class:`RemoteOptions`.
    :raises CacheError: The URL is none of Memcached, or there are neither keys nor that waiver.

    >>> keys = KeyRing("read me from a file: openssl rand -hex 32")
    >>> MemcachedBytecodeCache("memcached://127.0.0.1:1", keys=keys, timeout=3600).statistics().hits
    0
    """

    def __init__(
        self,
        url: str,
        *,
        keys: KeyRing | None = None,
        unauthenticated: bool = False,
        **options: "te.Unpack[RemoteOptions]",
    ) -> None:
        if not isinstance(url, str):
            kind = type(url).__name__
            raise TypeError(f"a URL is a text, not {kind!r}; haiden.MemcachedBytecodeCache takes a client")
        super().__init__(_native.Stores.memcached(url, _remote(options), _native_keys(keys), unauthenticated))


class RedisBytecodeCache(StoreBytecodeCache):
    """Keeps bytecode in a Redis or Valkey server; no server is asked before the first lookup.

    :param url: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]` or `redis+unix://[[USER]:PASSWORD@]/PATH[?db=N]`; or
        a client of the package `redis` (a cluster's, one with sentinels), which is then the one that speaks. Give it
        time limits and no retries (`socket_timeout`, `socket_connect_timeout`, `retry=Retry(NoBackoff(), 0)`): it has
        no limits of its own, and tries for seconds to reach a server that is not there.
    :param keys: Entries are signed with the first, and those signed with none are misses.
    :param unauthenticated: Entries are not signed: all who can write to the server can then change your pages. A URL
        wants keys, or this; a client does without, as in Jinja2.
    :param options: See :class:`RemoteOptions`. Those of time, but for `timeout`, are a client's own business.
    :raises CacheError: The URL is none of Redis, or there are neither keys nor that waiver.
    :raises TypeError: An option that is none, or that a client decides itself; a client that decodes what it reads.

    >>> keys = KeyRing("read me from a file: openssl rand -hex 32")
    >>> RedisBytecodeCache("redis://:secret@127.0.0.1:1/0", keys=keys, prefix="shop/").statistics().misses
    0
    """

    def __init__(
        self,
        url: t.Any,
        *,
        keys: KeyRing | None = None,
        unauthenticated: bool = False,
        **options: "te.Unpack[RemoteOptions]",
    ) -> None:
        remote, native_keys = _remote(options), _native_keys(keys)
        if isinstance(url, str):
            store = _native.Stores.redis(url, remote, native_keys, unauthenticated)
        else:
            store = _of_redis_client(url, remote)
            if native_keys is not None:
                store = _native.Stores.signed(store, native_keys)
        super().__init__(store)


def _of_redis_client(client: t.Any, options: dict[str, t.Any]) -> "_native.Store":
    import re

    from ._clients import RedisClientCache

    if not callable(getattr(client, "get_connection_kwargs", None)):
        raise TypeError(f"a URL or a client of the package `redis` is wanted, not {type(client).__name__!r}")
    if hasattr(client, "__aenter__"):
        raise TypeError("the client must not be an asynchronous one: templates are loaded at one go")
    for name in ("connect_timeout", "operation_timeout", "retry_after"):
        if options[name] is not None:
            raise TypeError(f"{name!r} is for URLs: a client has options of its own for that")
    if client.get_connection_kwargs().get("decode_responses"):
        raise TypeError("bytecode is bytes: the client must not be made with decode_responses=True")
    prefix, timeout, limit = (options[name] for name in ("prefix", "timeout", "max_entry_bytes"))
    prefix = "jinja2/bytecode/" if prefix is None else prefix
    limit = (64 << 20) if limit is None else limit
    kinds: dict[str, t.Any] = {"prefix": str, "timeout": (int, float, type(None)), "max_entry_bytes": int}
    for name, value in (("prefix", prefix), ("timeout", timeout), ("max_entry_bytes", limit)):
        if not isinstance(value, kinds[name]):
            raise TypeError(f"{name}: {value!r}")
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout: {timeout} seconds")
    if not re.fullmatch(r"[A-Za-z0-9_.:/-]{0,128}", prefix):
        raise CacheError("Pattern", f"{prefix!r}: a prefix is at most 128 letters, digits, `_.:/-`")
    cache = RedisClientCache(client, prefix, timeout, limit)
    return _native.Stores.foreign(cache, options["read_only"], options["failures"])


def _is_overridden(cache: StoreBytecodeCache) -> bool:
    """Whether Python code of the user's has a say in what is read and written."""
    names = ("get_bucket", "load_bytecode", "dump_bytecode", "set_bucket")
    stock = (__name__, BytecodeCache.__module__)
    return any(name in vars(cache) or getattr(type(cache), name).__module__ not in stock for name in names)


def _store_of(cache: BytecodeCache) -> "_native.Store":
    """The store behind a cache, or one that asks it: what Python code implements can be a part of others, too."""
    if isinstance(cache, StoreBytecodeCache) and not _is_overridden(cache):
        return cache._store
    if not (callable(getattr(cache, "load_bytecode", None)) and callable(getattr(cache, "dump_bytecode", None))):
        raise TypeError(f"{cache!r} is no bytecode cache: it has no `load_bytecode` and `dump_bytecode`")
    return _native.Stores.foreign(cache, False, "ignore")


class BundleBytecodeCache(StoreBytecodeCache):
    """A bundle: the bytecode of a whole site in one read-only file, checked against the sources.

    :param path: The file, of `haiden compile --bundle` or of `Environment.compile_templates`.
    :param keys: If given, the bundle must be signed with one of them.
    """

    def __init__(self, path: StrPath, keys: KeyRing | None = None) -> None:
        super().__init__(_native.Stores.bundle(os.fspath(path), _native_keys(keys)))

    @property
    def is_sealed(self) -> bool:
        """Whether templates may be taken from it by name, without sources (:class:`BundleLoader`)."""
        return self._store.is_sealed

    @property
    def names(self) -> list[str]:
        """The templates in it, in order."""
        return self._store.names()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Nothing: a bundle is read-only."""
        if bucket.code is None:
            raise TypeError("can't write empty bucket")


class BundleLoader(BaseLoader):
    """Templates from a sealed bundle: no sources are needed, and none are read.

    :param path: The file, or an open bundle.
    :param keys: If given, the bundle must be signed with one of them.
    :raises CacheError: The file is no bundle, or not sealed.
    """

    has_source_access = False

    def __init__(self, path: "StrPath | BundleBytecodeCache", keys: KeyRing | None = None) -> None:
        self.bundle = path if isinstance(path, BundleBytecodeCache) else BundleBytecodeCache(path, keys)
        if not self.bundle.is_sealed:
            raise CacheError("Unsupported", "the bundle is not sealed: it is a bytecode cache, and wants the sources")

    def list_templates(self) -> list[str]:
        """The names of all templates."""
        return self.bundle.names

    @internalcode
    def load(
        self, environment: "Environment", name: str, globals: "t.MutableMapping[str, t.Any] | None" = None
    ) -> "Template":
        """The template of that name.

        :raises CacheError: Its entry is damaged, or was compiled with other options or by another version.
        """
        found = self.bundle._store.template(environment, name, {} if globals is None else globals)
        if found is None:
            raise TemplateNotFound(name)
        if isinstance(found, str):
            raise CacheError("Rejected", f"{name!r} is in the bundle, but cannot be used: {found}")
        return found


class Tier(t.NamedTuple):
    """One cache of several, with how it is treated."""

    name: str
    """What statistics call it."""
    cache: BytecodeCache
    """The cache: of this module or of yours. Yours gets buckets with opaque bytes, and the content key as their key."""
    always: bool = False
    """Whether it is asked even if compiling is expected to be faster."""
    failures: Failures | None = None
    """What happens when it fails, instead of what the cache itself says."""
    read_only: bool = False
    """Whether it is asked and never written."""


class TieredBytecodeCache(StoreBytecodeCache):
    """Asks several caches in turn: the fastest first, the one that everybody shares last.

    The first that has an entry answers, and those above it get it, too; a write goes to every tier that is not
    read-only. A tier whose answers take longer than compiling is left out, and the statistics say so.

    >>> shared = Tier("shared", MemoryBytecodeCache(), always=True)
    >>> cache = TieredBytecodeCache(("memory", MemoryBytecodeCache()), shared)
    >>> [tier.name for tier in cache.statistics().tiers]
    ['memory', 'shared']
    """

    def __init__(self, *tiers: "Tier | tuple[str, BytecodeCache]") -> None:
        self.tiers = [Tier(*tier) for tier in tiers]
        parts = [(tier.name, _store_of(tier.cache), tier.always, tier.failures, tier.read_only) for tier in self.tiers]
        super().__init__(_native.Stores.tiers(parts))


class Authenticated(StoreBytecodeCache):
    """Another cache with signed entries: those that are not signed with one of the keys are misses.

    :param cache: The cache: of this module, or yours, as in :class:`Tier`.
    :param keys: The keys.
    """

    def __init__(self, cache: BytecodeCache, keys: KeyRing) -> None:
        native_keys = _native_keys(keys)
        if native_keys is None:
            raise TypeError("keys: a KeyRing is wanted, not None")
        super().__init__(_native.Stores.signed(_store_of(cache), native_keys))


class _UrlBytecodeCache(StoreBytecodeCache):
    """A cache that was opened by its URL."""


def cache_from_url(
    url: str,
    *,
    keys: KeyRing | None = None,
    unauthenticated: bool = False,
    read_only: bool = False,
    failures: Failures = "ignore",
) -> StoreBytecodeCache:
    """The cache at a URL, as the command line names it.

    There are `file:DIR`, `bundle:FILE`, `sqlite:FILE`, `memcached://HOST:PORT`, `redis://HOST:PORT/DATABASE`. The first
    and `sqlite:` take bounds: `file:/var/cache/site?max_bytes=64M&max_entries=5000`; servers take `prefix` and
    `timeout`.

    A bundle is read-only, and in memory once it is open: for it, `read_only`, `failures` and `unauthenticated` change
    nothing, and with `keys` it must have been signed as a whole.

    :param keys: Entries are signed with the first, and those signed with none are misses.
    :param unauthenticated: A server may do without keys: all who can write there can then change your pages.
    :param read_only: Whether nothing is written.
    :param failures: What happens when it fails.
    :raises CacheError: The URL names no cache, or a server without keys or that waiver.

    >>> cache_from_url("redis://127.0.0.1:1")
    Traceback (most recent call last):
    haiden.cache.CacheError: others may write there, too: name the keys that sign entries, or say that none are wanted
    >>> cache_from_url("redis://127.0.0.1:1", unauthenticated=True).statistics().hits
    0
    """
    if failures not in t.get_args(Failures):
        raise ValueError(f"failures={failures!r}: expected 'ignore', 'warn' or 'raise'")
    if not isinstance(url, str):
        raise TypeError(f"a URL is a text, not {type(url).__name__!r}")
    if url.startswith("bundle:") and url not in ("bundle:", "bundle://"):
        path = url.removeprefix("bundle:")
        return BundleBytecodeCache(path.removeprefix("//"), keys)
    return _UrlBytecodeCache(_native.Stores.open(url, _native_keys(keys), unauthenticated, read_only, failures))


def write_bundle(
    path: StrPath,
    environment: "Environment",
    names: Iterable[str],
    *,
    sealed: bool = True,
    keys: KeyRing | None = None,
) -> None:
    """Compiles templates into a bundle: what opens it meanwhile sees the old file or the new one, whole.

    :param path: The file.
    :param environment: Where the templates come from; its options must be those where the bundle is used.
    :param names: The templates.
    :param sealed: Whether templates may be taken from it by name, without their sources.
    :param keys: The bundle is signed with the first.
    :raises ValueError: Python code parses or compiles the environment's templates.
    """
    assert environment.loader is not None, "No loader configured."
    sources = [(name, *environment.loader.get_source(environment, name)) for name in names]
    compiled = [(name, environment.compile(source, name, filename), source) for name, source, filename, _ in sources]
    write_codes(path, compiled, sealed=sealed, keys=keys)


def write_codes(
    path: StrPath, compiled: Iterable[tuple[str, t.Any, str]], *, sealed: bool, keys: KeyRing | None = None
) -> None:
    """Writes a bundle of what `Environment.compile` gave: names, codes, sources."""
    codes = []
    for name, code, source in compiled:
        if not isinstance(code, _native.Code):
            raise ValueError(f"{name!r} was compiled by Python code: no bundle can hold it")
        codes.append((name, code, source))
    _native.write_bundle(os.fspath(path), codes, sealed, _native_keys(keys))


__all__ = [
    "Authenticated",
    "BundleBytecodeCache",
    "BundleLoader",
    "CacheEntry",
    "CacheError",
    "CacheStatistics",
    "Cleared",
    "Collected",
    "FileSystemBytecodeCache",
    "KeyRing",
    "MemcachedBytecodeCache",
    "MemoryBytecodeCache",
    "RedisBytecodeCache",
    "RemoteOptions",
    "SqliteBytecodeCache",
    "StoreBytecodeCache",
    "Tier",
    "TierStatistics",
    "TieredBytecodeCache",
    "cache_from_url",
    "write_bundle",
]
