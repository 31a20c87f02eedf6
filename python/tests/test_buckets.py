"""Buckets, and caches of the user's own that have Jinja2's shape: whatever their methods do, no page fails and none is stale."""

import copy
import hashlib
import io
import os
import pickle
import zlib
from pathlib import Path

import pytest

from haiden import (
    BaseLoader,
    DictLoader,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    MemcachedBytecodeCache,
    Template,
    _native,
    nodes,
)
from haiden.bccache import Bucket, BytecodeCache, bc_magic
from haiden.cache import CacheError, MemoryBytecodeCache
from haiden.ext import Extension


class InDict(BytecodeCache):
    """What a bucket gives, by its key."""

    def __init__(self):
        self.entries_by_key = {}

    def load_bytecode(self, bucket):
        bucket.bytecode_from_string(self.entries_by_key.get(bucket.key))

    def dump_bytecode(self, bucket):
        self.entries_by_key[bucket.key] = bucket.bytecode_to_string()


class OfItsOwn(InDict):
    """One that makes its buckets itself, as Jinja2's `get_bucket` does."""

    hits = 0

    def get_bucket(self, environment, name, filename, source):
        bucket = Bucket(environment, self.get_cache_key(name, filename), self.get_source_checksum(source))
        self.load_bytecode(bucket)
        self.hits += bucket.code is not None
        return bucket


def page(cache, source="{{ x }}", **options):
    environment = Environment(loader=DictLoader({"page": source}), bytecode_cache=cache, **options)
    return environment.get_template("page").render(x="<")


CHECKSUMS = {
    "number": lambda source: zlib.crc32(source.encode()),
    "bytes": lambda source: hashlib.sha256(source.encode()).digest(),
    "tuple": lambda source: (len(source), source),
    "the source": lambda source: source,
    "long": lambda source: source * 50_000,
    "surrogates": lambda source: "\udc80" + source,
}


@pytest.mark.parametrize("checksum", CHECKSUMS.values(), ids=CHECKSUMS)
def test_checksums_are_any_values(checksum):
    class Cache(InDict):
        def get_source_checksum(self, source):
            return checksum(source)

    cache = Cache()
    assert [page(cache), page(cache), page(cache, "other {{ x }}")] == ["<", "<", "other <"]
    assert cache.statistics()[:2] == (1, 2)


def test_no_checksum_is_a_checksum():
    bucket = Bucket(None, "key", None)
    bucket.code = Environment().compile("text")
    data = bucket.bytecode_to_string()
    for checksum, found in ((None, True), ("", False), ("None", False), (0, False)):
        other = Bucket(None, "key", checksum)
        other.bytecode_from_string(data)
        assert (other.code is not None) is found, checksum


def filled(text):
    bucket = Bucket(None, "key", "sum")
    bucket.code = Environment().compile(text)
    return bucket


def rendered(bucket):
    return None if bucket.code is None else Template.from_code(Environment(), bucket.code, {}).render()


def test_several_buckets_in_one_file(tmp_path):
    path = tmp_path / "file"
    with open(path, "wb") as file:
        file.write(b"a line before\n")
        for text in ("one", "two"):
            filled(text).write_bytecode(file)
        file.write(b"a line behind")
    for buffering in (0, -1):
        with open(path, "rb", buffering) as file:
            file.readline()
            found = [Bucket(None, "key", "sum") for _ in range(3)]
            for bucket in found[:2]:
                bucket.load_bytecode(file)
            assert file.tell() == path.stat().st_size - len("a line behind")
            found[2].load_bytecode(file)
        assert [rendered(bucket) for bucket in found] == ["one", "two", None]


def test_what_comes_behind_an_entry_is_nobody_s(tmp_path):
    cache = FileSystemBytecodeCache(str(tmp_path))
    page(cache)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + b"more")
    assert (page(cache), cache.statistics().hits) == ("<", 1)


class Drips:
    """A file that gives a few bytes at a time."""

    def __init__(self, data, kind=bytes):
        self.file, self.kind = io.BytesIO(data), kind

    def read(self, size=-1):
        return self.kind(self.file.read(min(size, 5) if size >= 0 else 5))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_files_that_give_less_than_was_asked_for(kind):
    bucket = Bucket(None, "key", "sum")
    bucket.load_bytecode(Drips(filled("text").bytecode_to_string(), kind))
    assert rendered(bucket) == "text"


@pytest.mark.parametrize("data", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind(data):
    bucket = Bucket(None, "key", "sum")
    bucket.bytecode_from_string(data(filled("text").bytecode_to_string()))
    assert rendered(bucket) == "text"


def test_a_length_that_is_damaged_costs_nothing():
    whole = filled("text").bytecode_to_string()
    at = len(bc_magic) + 2
    for length in (b"\xff" * 8, b"\0" * 8, (1 << 40).to_bytes(8, "little")):
        bucket = Bucket(None, "key", "sum")
        bucket.load_bytecode(io.BytesIO(whole[:at] + length + whole[at + 8 :]))
        assert rendered(bucket) is None


@pytest.mark.parametrize("fast", [True, False])
def test_every_byte_and_every_length(tmp_path, fast):
    """Damage is a miss, in a constant's text, too, which no verifier could tell from another text."""

    class Slow(FileSystemBytecodeCache):
        def get_source_checksum(self, source):
            return "sum"

    class Loader(FileSystemLoader):
        def get_source(self, environment, template):
            return super().get_source(environment, template)

    (tmp_path / "page").write_text("Hello {{ x }}, it costs {{ 100 + x|length }} {% if x %}yes{% endif %}")
    (tmp_path / "cache").mkdir()

    def load():
        cache = (FileSystemBytecodeCache if fast else Slow)(str(tmp_path / "cache"))
        loader = (FileSystemLoader if fast else Loader)(tmp_path)
        template = Environment(loader=loader, bytecode_cache=cache, autoescape=True).get_template("page")
        return template.render(x="<b>"), cache.statistics().hits

    load()
    (path,) = (tmp_path / "cache").iterdir()
    data, expected = path.read_bytes(), "Hello &lt;b&gt;, it costs 103 yes"
    assert load() == (expected, 1)
    spoiled = [data[:length] for length in range(len(data))]
    spoiled += [data[:place] + bytes([byte ^ 0x20]) + data[place + 1 :] for place, byte in enumerate(data)]
    for bad in spoiled:
        path.write_bytes(bad)
        assert load() == (expected, 0)


def test_caches_that_make_their_own_buckets():
    """Such a bucket knows neither the template nor the environment's options: what it finds is checked when it is used."""
    cache = OfItsOwn()
    for _ in range(2):
        assert page(cache) == "<"
        assert page(cache, autoescape=True) == "&lt;"
        assert page(cache, "{{ x }}\n", trim_blocks=True, keep_trailing_newline=True) == "<\n"
        assert page(cache, "{{ x }}\n", keep_trailing_newline=False) == "<"
    environment = Environment(loader=DictLoader({"page": "{{ x }}"}), bytecode_cache=cache, cache_size=0)
    names = {environment.get_template("page").name for _ in range(3)}
    assert (names, cache.hits > 2) == ({"page"}, True)
    nested = "{% macro m(v) %}{{ v }}{% endmacro %}{{ m(x) }}{{ '<' ~ m('>') }}"
    expected = page(None, nested, autoescape=True)
    assert [page(cache, nested, autoescape=True) for _ in range(3)] == [expected] * 3


@pytest.mark.parametrize("cache", [lambda: None, InDict, OfItsOwn, MemoryBytecodeCache])
def test_loaders_that_give_paths(cache):
    """A loader may say where its source is by a path, as everything that opens files takes one."""

    class Loader(BaseLoader):
        def get_source(self, environment, template):
            return "{{ 1 }}", Path("templates", template), None

    cache = cache()
    for _ in range(2):
        template = Environment(loader=Loader(), bytecode_cache=cache).get_template("page")
        assert (template.render(), template.filename) == ("1", os.path.join("templates", "page"))
    if isinstance(cache, MemoryBytecodeCache):
        assert cache.statistics()[:2] == (1, 1)
        assert cache.prefetch(Environment(loader=Loader(), bytecode_cache=cache), ["page"]) == 1
    assert Environment().compile("{{ 1 }}", "page", Path("page")).co_filename == "page"


class Shout(Extension):
    tags = {"shout"}

    def parse(self, parser):
        next(parser.stream)
        return nodes.Output([nodes.TemplateData("!")])


def test_what_could_never_be_found_is_not_written(tmp_path):
    """What a Python extension had a hand in: no key says what it does."""

    class Client(dict):
        def set(self, key, value):
            self[key] = value

    client = Client()
    for cache in (FileSystemBytecodeCache(str(tmp_path)), MemcachedBytecodeCache(client)):
        for _ in range(2):
            assert page(cache, "{% shout %}{{ x }}", extensions=[Shout]) == "!<"
        assert (cache.statistics()[:2], cache.statistics().writes) == ((0, 2), 0)
        with pytest.raises(TypeError, match="can't write empty bucket"):
            cache.dump_bytecode(Bucket(None, "key", "sum"))
        for _ in range(2):
            assert page(cache, "loud {{ x }}", extensions=[Shout]) == "loud <"
        assert (cache.statistics()[:2], cache.statistics().writes) == ((1, 3), 1)
    assert (len(list(tmp_path.iterdir())), len(client)) == (1, 1)


def test_other_processes_can_be_told():
    environment = Environment()
    own = MemoryBytecodeCache()
    page(own)
    for statistics in (own.statistics(), InDict().statistics(), environment.cache_statistics()):
        assert pickle.loads(pickle.dumps(statistics)) == copy.deepcopy(statistics) == statistics
    for entry in own.entries():
        assert pickle.loads(pickle.dumps(entry)) == entry
    error = pickle.loads(pickle.dumps(CacheError("Full", "there is no room")))
    assert (type(error), error.kind, str(error)) == (CacheError, "Full", "there is no room")


def test_entries_are_copied_from_cache_to_cache():
    for old, new in ((OfItsOwn(), OfItsOwn()), (InDict(), InDict())):
        page(old)
        for key in old.entries_by_key:
            bucket = Bucket(None, key, old.get_source_checksum("{{ x }}"))
            old.load_bytecode(bucket)
            new.dump_bytecode(bucket)
        assert new.entries_by_key == old.entries_by_key
    assert (page(new), new.statistics()[:2]) == ("<", (1, 0))


@pytest.mark.parametrize("body", [b"import os", b"\xff\xfe", b""])
@pytest.mark.parametrize("cache", [InDict, OfItsOwn])
def test_texts_are_no_templates(cache, body):
    """The interface lets a bucket carry a text. One that lies in a template's place is a miss."""
    cache = cache()
    bucket = Bucket(None, cache.get_cache_key("page"), cache.get_source_checksum("{{ x }}"))
    bucket.code = "#" * len(body)
    cache.dump_bytecode(bucket)
    ((key, data),) = cache.entries_by_key.items()
    # Whoever can write there makes a right digest, too.
    head, checksum = len(bc_magic) + 26, bucket.checksum.encode()
    data = data[: head - 16] + _native.bucket_digest(checksum + b"t" + body) + checksum + b"t" + body
    cache.entries_by_key[key] = data
    assert page(cache) == "<"
    assert cache.entries_by_key[key] != data, "it was replaced"


def test_a_text_stays_a_text_where_nobody_renders_it():
    bucket = Bucket(None, "key", "sum")
    bucket.code = "text \udc80"
    again = Bucket(None, "key", "sum")
    again.bytecode_from_string(bucket.bytecode_to_string())
    assert again.code == "text \udc80"


def test_keys_are_asked_for_before_checksums():
    asked = []

    class Cache(InDict):
        def get_cache_key(self, name, filename=None):
            asked.append("key")
            return super().get_cache_key(name, filename)

        def get_source_checksum(self, source):
            asked.append("checksum")
            return super().get_source_checksum(source)

    page(Cache())
    assert asked == ["key", "checksum"]


def test_a_store_that_makes_its_own_buckets():
    class Cache(MemoryBytecodeCache):
        get_bucket = OfItsOwn.get_bucket
        hits = 0

    cache = Cache()
    for _ in range(3):
        assert (page(cache), page(cache, autoescape=True)) == ("<", "&lt;")
    assert cache.hits > 0
