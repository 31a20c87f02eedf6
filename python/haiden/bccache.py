"""Where compiled templates are kept between processes: the names and behaviour of `jinja2.bccache`.

What is kept is an image: data that the machine verifies, never Python code. Bytes that are foreign, damaged, or made
from another source or with other options are a miss.
"""

import os
import stat
import typing as t
from collections.abc import Iterator
from io import BytesIO
from time import perf_counter
from types import MappingProxyType

from . import _native

if t.TYPE_CHECKING:
    from datetime import datetime

    import typing_extensions as te

    from .environment import Environment

    class _MinimalMemcacheClient(te.Protocol):
        def get(self, key: str) -> bytes: ...

        def set(self, key: str, value: bytes, timeout: int | None = None) -> None: ...


bc_version = 1
bc_magic = _native.BUCKET_MAGIC
"""What the bytes of a bucket begin with."""

_IMAGE, _TEXT = b"i", b"t"

# Behind the magic: how long the checksum is, how long the mark and what it marks; a digest of all three.
_LENGTHS = 2 + 8
_HEAD = len(bc_magic) + _LENGTHS + 16
_CHUNK = 1 << 20
"""How much is asked for at once: a length that is damaged costs no memory."""


class Bucket:
    """The place of one template in a cache.

    :param environment: The environment that asks; `None` for a bucket that only carries bytes.
    :param key: The key of the template.
    :param checksum: The checksum of its source.
    """

    def __init__(self, environment: "Environment | None", key: str, checksum: str) -> None:
        self.environment = environment
        self.key = key
        self.checksum = checksum
        self._origin: tuple[str, str | None, str] | None = None
        self._asked: float | None = None
        self.reset()

    @property
    def checksum(self) -> str:
        """The checksum of the template's source."""
        if self._is_lazy:
            assert self._origin is not None
            self.checksum = _sha1(self._origin[2])
        return self._checksum

    @checksum.setter
    def checksum(self, checksum: str) -> None:
        self._checksum = checksum
        self._is_lazy = False

    def reset(self) -> None:
        """Empties it."""
        self.code: t.Any = None

    def load_bytecode(self, f: t.BinaryIO) -> None:
        """Reads what `write_bytecode` wrote to a file, and no further; what cannot be used leaves the bucket empty."""
        self.reset()
        head = _read(f, _HEAD)
        if len(head) < _HEAD or not head.startswith(bc_magic):
            return
        length, end = _ends(head)
        rest = _read(f, end)
        if len(rest) < end or _native.bucket_digest(rest) != head[-16:]:
            return
        kind = rest[length : length + 1]
        # An image says itself of which source it is, with a better digest than the one that nobody has asked for yet.
        if (not self._is_lazy or kind != _IMAGE) and rest[:length] != _encoded(self.checksum):
            return
        if kind == _IMAGE:
            self.code = self._code_of(rest[length + 1 :])
        elif kind == _TEXT and _takes_text(self.environment):
            try:
                self.code = rest[length + 1 :].decode("utf-8", "surrogatepass")
            except UnicodeDecodeError:
                pass

    def _load_file(self, path: str) -> bool:
        """Reads an image that the machine can read by itself; `False` if it is to be read in another way."""
        if type(self) is not Bucket or not self._is_lazy or self.environment is None or self._origin is None:
            return False
        name, filename, source = self._origin
        settings = self.environment._machine_settings()
        code = _native.load_file(settings, path, source, name, filename)
        if code is not None:
            self.code = code
        return code is not None

    def _code_of(self, image: bytes) -> t.Any:
        if self.environment is None or self._origin is None:
            try:
                return _native.Code.from_bytes(image)
            except ValueError:
                return None
        name, filename, source = self._origin
        return _native.load(self.environment._machine_settings(), image, source, name, filename)

    def write_bytecode(self, f: t.IO[bytes]) -> None:
        """Writes to a file.

        :raises TypeError: There is nothing to write.
        """
        if self.code is None:
            raise TypeError("can't write empty bucket")
        body = b""
        if self._can_be_found():
            text = isinstance(self.code, str)
            body = _TEXT + self.code.encode("utf-8", "surrogatepass") if text else _IMAGE + self.code.to_bytes()
        checksum = _encoded(self.checksum)
        lengths = len(checksum).to_bytes(2, "little") + len(body).to_bytes(8, "little")
        f.write(b"".join((bc_magic, lengths, _native.bucket_digest(checksum + body), checksum, body)))

    def _can_be_found(self) -> bool:
        """Whether what is in it can be a hit: what Python code has made of a template has no identity, and cannot."""
        return isinstance(self.code, str) or isinstance(self.code, _native.Code) and self.code.is_portable

    def bytecode_from_string(self, string: bytes) -> None:
        """Reads from bytes; `None` and what is no bytes leave the bucket empty."""
        if isinstance(string, (bytes, bytearray, memoryview)):
            self.load_bytecode(BytesIO(bytes(string)))
        else:
            self.reset()

    def bytecode_to_string(self) -> bytes:
        """The bytes that `write_bytecode` writes."""
        out = BytesIO()
        self.write_bytecode(out)
        return out.getvalue()


def _ends(head: bytes) -> tuple[int, int]:
    """Where, behind the head of an entry, its checksum ends and where all."""
    start = len(bc_magic)
    length = int.from_bytes(head[start : start + 2], "little")
    return length, length + int.from_bytes(head[start + 2 : start + _LENGTHS], "little")


def _is_worth_it(bucket: t.Any) -> bool:
    """Whether to write a bucket; an empty one is an error of whoever writes it."""
    return not isinstance(bucket, Bucket) or bucket.code is None or bucket._can_be_found()


def _takes_text(environment: "Environment | None") -> bool:
    """Whether code may be a text: only where Python code of the user's makes templates of it."""
    if environment is None:
        return True
    from .environment import Template

    stock = getattr(Template.from_code, "__func__", None)
    return getattr(environment.template_class.from_code, "__func__", None) is not stock


def _read(f: t.BinaryIO, length: int) -> bytes:
    """So many bytes of a file; fewer if there are no more."""
    parts, missing = [], length
    while missing > 0:
        part = f.read(min(missing, _CHUNK))
        if not part or not isinstance(part, (bytes, bytearray, memoryview)):
            break
        parts.append(bytes(part))
        missing -= len(parts[-1])
    return b"".join(parts)


def _encoded(checksum: t.Any) -> bytes:
    """A checksum in an entry: as it is if it is a short text, as it mostly is; subclasses may have any values."""
    data = checksum.encode("utf-8", "surrogatepass") if isinstance(checksum, str) else b"\0" + repr(checksum).encode()
    if len(data) < 1 << 16:
        return data
    from hashlib import sha1

    return b"\0\0" + sha1(data).digest()


def _sha1(source: str) -> str:
    """A digest of what may be long: `hashlib` is fast then, but takes long to import."""
    from hashlib import sha1

    return sha1(source.encode("utf-8", "surrogatepass")).hexdigest()


def _sha1_of_name(name: str) -> str:
    """The same digest of what is short."""
    try:
        from _sha1 import sha1  # type: ignore[import-not-found]
    except ImportError:
        return _sha1(name)
    digest: str = sha1(name.encode("utf-8", "surrogatepass")).hexdigest()
    return digest


class CacheStatistics(t.NamedTuple):
    """What a cache was worth, in this process."""

    hits: int
    """How many templates came out of it."""
    misses: int
    """How many had to be compiled."""
    size: int | None
    """How many entries it holds; `None` if it cannot tell."""
    max_size: int | None = None
    """How many it may hold; `None` if there is no such bound."""
    max_bytes: int | None = None
    """How many bytes its entries may take; `None` if there is no such bound."""
    writes: int = 0
    """How many entries were written. But for failures, what follows is counted by the caches of `haiden.cache`."""
    skipped_writes: int = 0
    """How many were not, because the cache is read-only."""
    bytes_read: int = 0
    """The bytecode that hits gave."""
    bytes_written: int = 0
    """The bytecode that was written."""
    evictions: int = 0
    """How many entries had to make room."""
    load_failures: int = 0
    """How many lookups failed in the store; each is a miss, too."""
    dump_failures: int = 0
    """How many writes failed in the store."""
    time_saved: float = 0.0
    """The compile time that hits saved, in seconds."""
    time_lost: float = 0.0
    """The time by which hits were dearer than compiling, in seconds."""
    rejections: t.Mapping[str, int] = MappingProxyType({})
    """How many entries were found and not used, by reason; each is a miss, too."""
    others_can_write: bool = False
    """Whether other users can write the directory."""
    is_link: bool = False
    """Whether the directory that was named is a symbolic link."""
    tiers: "tuple[TierStatistics, ...]" = ()
    """What each tier did."""

    @property
    def hit_ratio(self) -> float:
        """The share of hits, from 0.0 to 1.0; 0.0 before anything was asked for."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class TierStatistics(t.NamedTuple):
    """What one tier of several did."""

    name: str
    """The tier."""
    left_out: int
    """How many lookups did not ask it, because compiling is cheaper."""
    latency: float | None
    """What an answer takes, in seconds; `None` before the first one."""
    statistics: CacheStatistics
    """What its cache did."""


class CacheEntry(t.NamedTuple):
    """What a cache holds for one template."""

    key: str
    """The template's key."""
    checksum: str | None
    """The checksum of its source; `None` if the bytes are none of ours, or it is no text."""
    bytecode: bytes
    """What `Bucket.bytecode_to_string` gave."""
    created_at: "datetime | None" = None
    """When it was written, in UTC; `None` if the cache cannot tell."""
    accessed_at: "datetime | None" = None
    """When it was last read, in UTC; `None` if the cache cannot tell."""
    rejection: str | None = None
    """Why it cannot be used, in listings that show such entries; its bytecode is empty then."""


def _checksum_of(data: bytes) -> str | None:
    """The checksum that a bucket's bytes carry, if they are sound and it is a text."""
    if len(data) < _HEAD or not data.startswith(bc_magic):
        return None
    length, end = _ends(data)
    rest = data[_HEAD : _HEAD + end]
    if len(rest) < end or _native.bucket_digest(rest) != data[_HEAD - 16 : _HEAD] or rest.startswith(b"\0"):
        return None
    return rest[:length].decode("utf-8", "surrogatepass")


class BytecodeCache:
    """The base class of caches: subclasses say how a bucket's bytes are kept.

    ::

        class Folder(BytecodeCache):
            def load_bytecode(self, bucket):
                if (path := self.folder / bucket.key).exists():
                    bucket.bytecode_from_string(path.read_bytes())

            def dump_bytecode(self, bucket):
                (self.folder / bucket.key).write_bytes(bucket.bytecode_to_string())
    """

    # Counted on the class first, so that subclasses need not call `__init__`.
    _hits = 0
    _misses = 0
    _writes = 0
    _load_failures = 0
    _dump_failures = 0

    def statistics(self) -> CacheStatistics:
        """Hits, misses, writes and ignored failures of this object, and how many entries there are.

        >>> cache = BytecodeCache()
        >>> cache.statistics()[:4]
        (0, 0, None, None)
        """
        return CacheStatistics(
            self._hits,
            self._misses,
            self._size(),
            writes=self._writes,
            load_failures=self._load_failures,
            dump_failures=self._dump_failures,
            rejections={},
        )

    def _size(self) -> int | None:
        return None

    def entries(self) -> Iterator[CacheEntry]:
        """The entries, in caches that can list them.

        :raises NotImplementedError: This cache cannot.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot list its entries")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fills the bucket, if the cache has something for its key. To be overridden."""
        raise NotImplementedError

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps what is in the bucket. To be overridden."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forgets everything, in caches that can."""

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """The key of a template: a digest of its name and file name."""
        return _sha1_of_name(name if filename is None else f"{name}|{filename}")

    def get_source_checksum(self, source: str) -> str:
        """The checksum of a source."""
        return _sha1(source)

    def get_bucket(self, environment: "Environment", name: str, filename: str | None, source: str) -> Bucket:
        """The bucket of a template, filled if the cache has it."""
        bucket = self._empty_bucket(environment, name, filename, source)
        self.load_bytecode(bucket)
        if bucket.code is None:
            self._misses += 1
        else:
            self._hits += 1
        return bucket

    def _empty_bucket(self, environment: "Environment", name: str, filename: str | None, source: str) -> Bucket:
        # The stock checksum waits until something reads it.
        key = self.get_cache_key(name, filename)
        stock = getattr(self.get_source_checksum, "__func__", None) is BytecodeCache.get_source_checksum
        bucket = Bucket(environment, key, "" if stock else self.get_source_checksum(source))
        bucket._origin = name, filename, source
        bucket._is_lazy = stock
        return bucket

    def _compile(self, environment: "Environment", name: str, filename: str | None, source: str) -> t.Any:
        """The code of a template that the cache was found not to have; it has it then."""
        self._misses += 1
        bucket = self._empty_bucket(environment, name, filename, source)
        bucket._asked = perf_counter()
        code = bucket.code = environment.compile(source, name, filename)
        self.set_bucket(bucket)
        return code

    def set_bucket(self, bucket: Bucket) -> None:
        """Keeps a bucket."""
        failures = self._dump_failures
        self.dump_bytecode(bucket)
        if self._dump_failures == failures and _is_worth_it(bucket):
            self._writes += 1


class FileSystemBytecodeCache(BytecodeCache):
    """A cache of files in a folder, one for each template.

    :param directory: The folder; a private one in the system's folder of temporary files if none is given.
    :param pattern: The names of the files; `%s` is the key.
    """

    def __init__(self, directory: str | None = None, pattern: str = "__jinja2_%s.cache") -> None:
        self.directory = self._get_default_cache_dir() if directory is None else directory
        self.pattern = pattern

    def _get_default_cache_dir(self) -> str:
        import tempfile

        temporary = tempfile.gettempdir()
        if os.name == "nt":
            return temporary
        unsafe = RuntimeError("Cannot determine safe temp directory. You need to explicitly provide one.")
        if not hasattr(os, "getuid"):
            raise unsafe
        directory = os.path.join(temporary, f"_jinja2-cache-{os.getuid()}")
        try:
            os.mkdir(directory, stat.S_IRWXU)
        except FileExistsError:
            pass
        found = os.lstat(directory)
        private = stat.S_IMODE(found.st_mode) == stat.S_IRWXU
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or not private:
            raise unsafe
        return directory

    def _get_cache_filename(self, bucket: Bucket) -> str:
        return os.path.join(self.directory, self.pattern % (bucket.key,))

    def load_bytecode(self, bucket: Bucket) -> None:
        """Reads the template's file, if there is one."""
        name = self._get_cache_filename(bucket)
        if bucket._load_file(name):
            return
        try:
            with open(name, "rb") as file:
                bucket.load_bytecode(file)
        except (FileNotFoundError, IsADirectoryError, PermissionError):
            pass

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Writes the template's file: a new one, which then takes the old one's place."""
        import tempfile

        if not _is_worth_it(bucket):
            return
        name = self._get_cache_filename(bucket)
        file = tempfile.NamedTemporaryFile(
            mode="wb", dir=os.path.dirname(name), prefix=os.path.basename(name), suffix=".tmp", delete=False
        )
        try:
            with file:
                bucket.write_bytecode(file)
            try:
                os.replace(file.name, name)
            except OSError:
                # Another process has it open, where that matters: its entry is as good as ours.
                _remove(file.name)
        except BaseException:
            _remove(file.name)
            raise

    def _names(self) -> list[str]:
        """The names of all files that fit the pattern, in order."""
        import fnmatch

        return sorted(fnmatch.filter(os.listdir(self.directory), self.pattern % ("*",)))

    def _size(self) -> int | None:
        try:
            return len(self._names())
        except OSError:
            return None

    def entries(self) -> Iterator[CacheEntry]:
        """The entries of all files that fit the pattern, in the order of their names."""
        import re
        from datetime import datetime, timezone

        before, after = (re.escape(part) for part in (self.pattern % ("\0",)).split("\0", 1))
        for name in self._names():
            key = re.fullmatch(f"{before}(.*){after}", name, re.DOTALL)
            path = os.path.join(self.directory, name)
            try:
                with open(path, "rb") as file:
                    data, found = file.read(), os.fstat(file.fileno())
            except OSError:
                # Another process deleted it, or it is no file to read.
                continue
            created, accessed = (datetime.fromtimestamp(at, timezone.utc) for at in (found.st_mtime, found.st_atime))
            yield CacheEntry(key[1] if key else name, _checksum_of(data), data, created, accessed)

    def clear(self) -> None:
        """Deletes all files whose names fit the pattern."""
        for name in self._names():
            _remove(os.path.join(self.directory, name))


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass


class MemcachedBytecodeCache(BytecodeCache):
    """A cache in a memcached server, or in what has the methods `get` and `set` of a client.

    :param client: The client: of pylibmc, python-memcached, cachelib or Django, say.
    :param prefix: What all keys begin with.
    :param timeout: When entries expire; never if none is given.
    :param ignore_memcache_errors: Whether errors of the client are misses.
    """

    def __init__(
        self,
        client: "_MinimalMemcacheClient",
        prefix: str = "jinja2/bytecode/",
        timeout: int | None = None,
        ignore_memcache_errors: bool = True,
    ) -> None:
        self.client = client
        self.prefix = prefix
        self.timeout = timeout
        self.ignore_memcache_errors = ignore_memcache_errors

    def load_bytecode(self, bucket: Bucket) -> None:
        """Asks the server."""
        try:
            found = self.client.get(self.prefix + bucket.key)
        except Exception:
            self._load_failures += 1
            if not self.ignore_memcache_errors:
                raise
        else:
            bucket.bytecode_from_string(found)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Tells the server."""
        if not _is_worth_it(bucket):
            return
        arguments: tuple[t.Any, ...] = (self.prefix + bucket.key, bucket.bytecode_to_string())
        if self.timeout is not None:
            arguments += (self.timeout,)
        try:
            self.client.set(*arguments)
        except Exception:
            self._dump_failures += 1
            if not self.ignore_memcache_errors:
                raise


def _looking_up(cache: type[BytecodeCache]) -> tuple[t.Any, ...]:
    """The methods of a class that have a say in how an entry is found."""
    names = "get_bucket get_cache_key get_source_checksum load_bytecode _get_cache_filename".split()
    return tuple(getattr(cache, name, None) for name in names)


# What the machine does by itself; `haiden.cache` adds its own.
_stock = [_looking_up(FileSystemBytecodeCache)]

__all__ = [
    "BytecodeCache",
    "Bucket",
    "CacheEntry",
    "CacheStatistics",
    "FileSystemBytecodeCache",
    "MemcachedBytecodeCache",
    "TierStatistics",
]


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
