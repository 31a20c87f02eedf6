"""Caches that Python code implements, made fit for the stores of `haiden.cache`; and one over a client of Redis.

A store of Rust's hands a :class:`Parcel` to `load_bytecode` and `dump_bytecode` of such a cache. Invariant: it carries
the bytes of an entry as they are; what is no entry, or of another key, is found out by the store.
"""

import re
import typing as t
from collections.abc import Iterable, Iterator

from .bccache import Bucket, CacheEntry

_BATCH = 200
"""How many keys are asked for in one round trip."""
_PAGE = 16
"""How many entries are read in one round trip when all are listed."""
_LONGEST = 100 * 365 * 86_400
"""How many seconds an entry is kept at most: a century."""
_MAX_COUNTED = 10_000
"""Beyond so many keys in a database, counting ours is not worth the scan."""


class Parcel(Bucket):
    """A bucket whose bytes are passed on as they are.

    >>> parcel = Parcel("key", "checksum")
    >>> parcel.bytecode_from_string(b"bytes")
    >>> parcel.bytecode_to_string()
    b'bytes'
    """

    def __init__(self, key: str, checksum: str, entry: bytes | None = None) -> None:
        super().__init__(None, key, checksum)
        self.code = entry

    def _can_be_found(self) -> bool:
        return True

    def _code_of(self, image: bytes) -> bytes:
        return image

    def load_bytecode(self, f: t.BinaryIO) -> None:
        """Takes all that is in a file."""
        self.bytecode_from_string(f.read())

    def bytecode_from_string(self, string: bytes) -> None:
        """Takes the bytes; `None` and what is no bytes leave it empty."""
        self.code = bytes(string) if isinstance(string, (bytes, bytearray, memoryview)) else None

    def write_bytecode(self, f: t.IO[bytes]) -> None:
        """Writes the bytes to a file.

        :raises TypeError: There is nothing to write.
        """
        if self.code is None:
            raise TypeError("can't write empty bucket")
        f.write(self.code)


class RedisClientCache:
    """Entries in a Redis server, by way of a client of the package `redis`.

    :param client: The client; it gives bytes.
    :param prefix: What keys begin with.
    :param timeout: When entries expire, in seconds; never if none is given.
    :param max_entry_bytes: The largest entry that is written.
    """

    def __init__(self, client: t.Any, prefix: str, timeout: float | None, max_entry_bytes: int) -> None:
        self.client = client
        # A cluster has no one place where many keys can be read at one time.
        self._read_many = getattr(client, "mget_nonatomic", client.mget)
        self.prefix = prefix
        # The server counts milliseconds since 1970 in 63 bits.
        self.expiry = None if timeout is None else max(1, round(min(timeout, _LONGEST) * 1000))
        self.max_entry_bytes = max_entry_bytes

    def load_bytecode(self, parcel: Bucket) -> None:
        """Asks the server."""
        parcel.bytecode_from_string(self.client.get(self.prefix + parcel.key))

    def load_many(self, parcels: list[Bucket]) -> None:
        """Asks the server for many at once."""
        for start in range(0, len(parcels), _BATCH):
            batch = parcels[start : start + _BATCH]
            found = self._read_many([self.prefix + parcel.key for parcel in batch])
            for parcel, data in zip(batch, found, strict=True):
                parcel.bytecode_from_string(data)

    def dump_bytecode(self, parcel: Bucket) -> None:
        """Tells the server."""
        data = parcel.bytecode_to_string()
        if len(data) > self.max_entry_bytes:
            raise ValueError(f"an entry of {len(data)} bytes: at most {self.max_entry_bytes}")
        self.client.set(self.prefix + parcel.key, data, px=self.expiry)

    def clear(self) -> int:
        """Deletes the entries under the prefix, step by step; how many there were."""
        removed = 0
        for keys in _batches(self._keys(), _BATCH):
            removed += self.client.unlink(*keys)
        return removed

    def entries(self) -> Iterator[CacheEntry]:
        """The entries under the prefix, in the order of their keys."""
        for keys in _batches(sorted(set(self._keys())), _PAGE):
            for key, data in zip(keys, self._read_many(keys), strict=True):
                if data is not None:
                    yield CacheEntry(key.decode()[len(self.prefix) :], None, data)

    def _size(self) -> int | None:
        return None if self.client.dbsize() > _MAX_COUNTED else len(set(self._keys()))

    def _keys(self) -> Iterator[bytes]:
        """The keys of our shape, some twice."""
        ours = re.compile(re.escape(self.prefix.encode()) + b"[0-9a-f]{64}")
        for key in self.client.scan_iter(match=f"{self.prefix}*", count=1000):
            if ours.fullmatch(key):
                yield key


def _batches(keys: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """The keys in lists of that many."""
    batch: list[bytes] = []
    for key in keys:
        batch.append(key)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
