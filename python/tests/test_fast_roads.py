"""Shorter ways agree with the long ones, also when classes, environments and files change under them."""

import asyncio
import gc
import os

import pytest

import haiden
from haiden import DictLoader, Environment, FileSystemBytecodeCache, FileSystemLoader, Undefined, UndefinedError
from haiden.bccache import Bucket, BytecodeCache
from haiden.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment, SecurityError

# Undefined values


def test_undefined_is_as_its_constructor_makes_it():
    environment = Environment(extensions=["haiden.ext.do"])
    kept = []
    made = environment.from_string("{% do keep(x.a) %}{% do keep(y) %}{% do keep(x.b) %}")
    made.render(x="text", keep=kept.append)
    for value, message in zip(
        kept, ["'str object' has no attribute 'a'", "'y' is undefined", "no attribute 'b'"], strict=True
    ):
        assert type(value) is Undefined and gc.is_tracked(value)
        with pytest.raises(UndefinedError, match=message):
            value + 1


@pytest.mark.parametrize("kind", [Environment, SandboxedEnvironment, ImmutableSandboxedEnvironment])
def test_asking_whether_an_attribute_is_defined(kind):
    """The stock tests need no undefined value; others get one that says where it comes from."""

    class Thing:
        x = 1

    source = "{{ o.x is defined }} {{ o.y is not defined }} {{ o.y is undefined }} {{ (o.y if a else o.x) is defined }}"
    environment = kind()
    page = environment.from_string(source)
    for value in (Thing(), {"x": None}):
        assert page.render(o=value, a=True) == "True True True False"
        assert page.render(o=value, a=False) == "True True True True"
    assert page.render(o=3, a=False) == "False True True False"
    seen = []
    environment.tests["defined"] = lambda value: seen.append(value) or False
    assert page.render(o={"x": 1}, a=True) == "False True True False"
    assert [type(value) for value in seen] == [int, Undefined, Undefined]
    with pytest.raises(UndefinedError, match="has no attribute 'y'"):
        seen[1] + 1


def test_an_attribute_with_a_default():
    """The stock filter needs no undefined value; others get one that says where it comes from."""
    environment = Environment(undefined=Undefined)
    source = "{{ o.x|default('-') }}{{ o.y|default('-')|upper }}{{ o.y|default(0) + 1 }}{{ o.y|d }}{{ o.x|default(none) }}"
    page = environment.from_string(source)
    assert page.render(o={"x": "a"}) == "a-1a"
    assert page.render(o={"x": "a", "y": 2}) == "a23" + "2a"
    seen = []
    environment.filters["default"] = lambda value, default="": seen.append(value) or "!"
    assert environment.from_string("{{ o.y|default('-') }}").render(o={}) == "!"
    assert type(seen[0]) is Undefined
    with pytest.raises(UndefinedError, match="has no attribute 'y'"):
        seen[0] + 1


def test_a_replaced_constructor_of_undefined_is_called(monkeypatch):
    template = Environment().from_string("{{ x.a }}")
    assert template.render(x=1) == ""
    calls = []
    original = Undefined.__init__

    def init(self, *args, **kwargs):
        calls.append(kwargs.get("name", args[2] if len(args) > 2 else None))
        original(self, *args, **kwargs)

    monkeypatch.setattr(Undefined, "__init__", init)
    assert template.render(x=1) == ""
    assert calls == ["a"]
    monkeypatch.undo()
    assert template.render(x=1) == ""
    assert calls == ["a"]


def test_undefined_values_are_let_go():
    template = Environment().from_string("{{ x.a|default('-') }}{{ x.b is defined }}")

    class Thing:
        pass

    template.render(x=Thing())
    gc.collect()
    before = sum(type(each) is Undefined for each in gc.get_objects())
    for _ in range(100):
        template.render(x=Thing())
    gc.collect()
    assert sum(type(each) is Undefined for each in gc.get_objects()) == before


# Templates that are up to date


def test_included_templates_of_a_dict_are_loaded_anew():
    sources = {"page": "{% for n in range(3) %}{% include 'part' %}{% endfor %}", "part": "a"}
    environment = Environment(loader=DictLoader(sources))
    page = environment.get_template("page")
    assert page.render() == "aaa"
    sources["part"] = "b"
    assert page.render() == "bbb"
    environment.loader.mapping = {**sources, "part": "c"}
    assert page.render() == "ccc"
    environment.loader = DictLoader({**sources, "part": "d"})
    assert page.render() == "ddd"
    environment.auto_reload = False
    environment.loader.mapping["part"] = "e"
    assert page.render() == "ddd"
    environment.cache.clear()
    assert page.render() == "eee"
    environment.cache = None
    environment.loader.mapping["part"] = "f"
    assert page.render() == "fff"


def test_what_changes_in_mid_page_is_seen():
    """Between two includes of one name anything may change that the look-up of a template rests on."""
    sources = {"page": "{% for change in changes %}{% include 'part' %}{{ change() }}{% endfor %}", "part": "a"}
    environment = Environment(loader=DictLoader(sources))
    page = environment.get_template("page")

    def rendered(*changes):
        nothing = [lambda: ""] * 3
        return page.render(changes=[*nothing, *(lambda c=c: c() or "" for c in changes), *nothing])

    def sets(target, name, value):
        return lambda: setattr(target, name, value)

    def touch_template(check):
        return lambda: setattr(environment.get_template("part"), "_uptodate", check)

    cache, loader = environment.cache, environment.loader
    for _ in range(3):
        assert rendered(lambda: None) == "a" * 7
    assert rendered(lambda: sources.update(part="b")) == "aaaabbb"
    assert rendered(lambda: sources.update(other="")) == "b" * 7
    assert rendered(sets(loader, "mapping", {**sources, "part": "c"})) == "bbbbccc"
    assert rendered(sets(environment, "loader", DictLoader({"part": "d"}))) == "ccccddd"
    assert rendered(sets(environment, "auto_reload", False), lambda: environment.loader.mapping.clear()) == "d" * 8
    environment.loader.mapping["part"] = "e"
    assert rendered(lambda: cache.clear()) == "ddddeee"
    environment.auto_reload = True
    assert rendered(touch_template(lambda: False), lambda: environment.loader.mapping.update(part="f")) == "eeeeefff"
    asked = []
    environment.loader.mapping["part"] = "g"
    assert rendered(touch_template(lambda: asked.append(1) or True)) == "ggggggg"
    assert len(asked) == 3
    other = environment.from_string("h")
    assert rendered(lambda: cache.__setitem__(cache.keys()[0], other)) == "gggghhh"
    environment.__dict__["loader"] = DictLoader({"part": "i"})
    assert rendered() == "i" * 6
    assert rendered(lambda: environment.__dict__.update(loader=DictLoader({"part": "j"}))) == "iiiijjj"
    assert rendered(lambda: cache.__dict__.update(_mapping={}) or environment.loader.mapping.update(part="k")) == "jjjjkkk"
    assert rendered(lambda: loader.__class__ and setattr(environment, "loader", loader)) == "kkkkccc"


def test_filters_that_change_between_renders_are_seen():
    environment = Environment()
    page = environment.from_string("{{ 'a'|upper }}{{ 'b'|mine if 'mine' in known }}")
    assert [page.render(known=()) for _ in range(3)] == ["A"] * 3
    environment.filters["mine"] = lambda value: value * 2
    assert [page.render(known=("mine",)) for _ in range(3)] == ["Abb"] * 3
    stock = environment.filters["upper"]
    environment.filters["upper"] = str.title
    environment.filters["mine"] = lambda value: value * 3
    assert [page.render(known=("mine",)) for _ in range(3)] == ["Abbb"] * 3
    environment.filters["upper"] = lambda value: "x"
    assert page.render(known=()) == "x"
    environment.filters["upper"] = stock
    assert page.render(known=()) == "A"
    environment.filters = {**environment.filters, "upper": str.lower}
    assert page.render(known=()) == "a"


def test_the_policy_of_truncate_is_read_each_time():
    environment = Environment()
    page = environment.from_string("{{ 'one two three'|truncate(10) }}")
    assert [page.render() for _ in range(2)] == ["one two three"] * 2
    environment.policies["truncate.leeway"] = 0
    assert [page.render() for _ in range(2)] == ["one..."] * 2
    environment.policies = {"truncate.leeway": 7}
    assert page.render() == "one two three"


def test_a_mapping_of_ones_own_is_asked():
    class Mapping(dict):
        def get(self, name, default=None):
            asked.append(name)
            return super().get(name, default)

    asked: list = []
    environment = Environment(loader=DictLoader(Mapping(part="a", page="{% include 'part' %}")))
    assert environment.get_template("page").render() == "a"
    assert environment.get_template("page").render() == "a"
    assert asked.count("part") == 1


def test_a_check_that_raises_raises():
    class Broken:
        def __eq__(self, other):
            raise ValueError("broken")

        __hash__ = None

    environment = Environment(loader=DictLoader({"part": "a", "page": "{% include 'part' %}"}))
    page = environment.get_template("page")
    assert page.render() == "a"
    environment.loader.mapping["part"] = Broken()
    with pytest.raises(ValueError, match="broken"):
        page.render()


def test_the_least_recently_used_template_goes():
    sources = {name: name for name in "abc"} | {"page": "{% for n in names %}{% include n %}{% endfor %}"}
    environment = Environment(loader=DictLoader(sources), cache_size=3)
    page = environment.get_template("page")
    assert page.render(names="abab") == "abab"
    assert [key[1] for key in environment.cache] == ["b", "a", "page"]
    assert page.render(names="ab") == "ab"
    environment.get_template("c")
    assert [key[1] for key in environment.cache] == ["c", "b", "a"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_files_are_read_as_python_reads_text(tmp_path, newline):
    text = newline.join(["é €", "{{ 1 }}", "", "\ufeffend", ""])
    (tmp_path / "page").write_bytes(text.encode())
    loader = FileSystemLoader(tmp_path)
    source, filename, uptodate = loader.get_source(Environment(), "page")
    with open(tmp_path / "page", encoding="utf-8") as file:
        assert source == file.read()
    assert filename == str(tmp_path / "page") and uptodate()
    os.utime(filename, ns=(1, -1_500_000_000))
    assert not uptodate()
    assert loader.get_source(Environment(), "page")[2]()
    os.utime(filename, ns=(1, 1_700_000_000_123_456_789))
    assert loader.get_source(Environment(), "page")[2]()
    os.remove(filename)
    assert not uptodate()
    with pytest.raises(haiden.TemplateNotFound):
        loader.get_source(Environment(), "page")


def test_files_out_of_the_ordinary_raise_as_before(tmp_path):
    (tmp_path / "bad").write_bytes(b"\xff")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    environment = Environment(loader=FileSystemLoader(tmp_path))
    with pytest.raises(UnicodeDecodeError):
        environment.get_template("bad")
    for name in ("folder", "pipe", "missing"):
        with pytest.raises(haiden.TemplateNotFound):
            environment.get_template(name)
    (tmp_path / "latin").write_bytes("é".encode("latin-1"))
    assert Environment(loader=FileSystemLoader(tmp_path, encoding="latin-1")).get_template("latin").render() == "é"


# Buckets


def test_the_checksum_of_a_bucket_is_there_when_it_is_read(tmp_path):
    seen = []

    class Cache(BytecodeCache):
        def load_bytecode(self, bucket):
            seen.append(bucket.checksum)

        def dump_bytecode(self, bucket):
            seen.append(bucket.checksum)

    environment = Environment(loader=DictLoader({"page": "é{{ 1 }}"}), bytecode_cache=Cache())
    environment.get_template("page")
    assert seen == [BytecodeCache().get_source_checksum("é{{ 1 }}")] * 2
    bucket = Bucket(environment, "key", "sum")
    assert bucket.checksum == "sum"
    bucket.checksum = "other"
    assert bucket.checksum == "other"


def test_a_checksum_of_ones_own_decides(tmp_path):
    class Cache(FileSystemBytecodeCache):
        version = "1"

        def get_source_checksum(self, source):
            return self.version

    cache = Cache(str(tmp_path))
    environment = Environment(loader=DictLoader({"page": "{{ 1 }}"}), bytecode_cache=cache, cache_size=0)
    for version, hits in (("1", 0), ("1", 1), ("2", 1), ("2", 2), ("1", 2)):
        cache.version = version
        assert environment.get_template("page").render() == "1"
        assert cache.statistics().hits == hits


def test_damaged_and_foreign_files_are_a_miss(tmp_path):
    cache = FileSystemBytecodeCache(str(tmp_path))
    sources = {"page": "{{ 1 }}"}
    environment = Environment(loader=DictLoader(sources), bytecode_cache=cache, cache_size=0)
    environment.get_template("page")
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for data in (b"", b"haiden", whole[:7], whole[:20], whole[:-1], whole[:9] + b"\xff\xff", b"j2" + whole):
        file.write_bytes(data)
        before = cache.statistics().hits
        assert environment.get_template("page").render() == "1"
        assert cache.statistics().hits == before
    sources["page"] = "{{ 2 }}"
    assert environment.get_template("page").render() == "2"
    environment.trim_blocks = True
    misses = cache.statistics().misses
    assert environment.get_template("page").render() == "2"
    assert cache.statistics().misses == misses + 1


# Comparisons and items


class Odd(str):
    def __eq__(self, other):
        return "odd"

    def __ne__(self, other):
        raise ValueError("never")

    __hash__ = str.__hash__


@pytest.mark.parametrize("left", ["", "a", "é", "€", "\U0001f600", "aé", "ab", "\ud800"])
@pytest.mark.parametrize("right", ["", "a", "é", "€", "\U0001f600", "aé", "ab", "\ud800"])
def test_texts_are_compared_as_python_compares(left, right):
    template = Environment().from_string("{{ a == b }} {{ a != b }} {% if a == b %}y{% endif %}{% if a != b %}n{% endif %}")
    right = "".join(iter(right))
    expected = f"{left == right} {left != right} {'y' if left == right else 'n'}"
    assert template.render(a=left, b=right) == expected


def test_a_text_with_an_opinion_is_asked():
    environment = Environment()
    assert environment.from_string("{{ a == 'b' }}{% if 'b' == a %}!{% endif %}").render(a=Odd("a")) == "odd!"
    with pytest.raises(ValueError, match="never"):
        environment.from_string("{% if a != 'b' %}{% endif %}").render(a=Odd("a"))


@pytest.mark.parametrize("kind", [SandboxedEnvironment, ImmutableSandboxedEnvironment])
def test_items_in_a_sandbox(kind):
    environment = kind()
    data = {"_private": 1, "items": 2, "update": 3, "name": 4, 5: 6}
    page = "{{ d['_private'] }}{{ d._private }}{{ d['items'] }}{{ d['update'] }}{{ d.name }}{{ d[5] }}{{ d.gone }}{{ l[-1] }}"
    assert environment.from_string(page).render(d=data, l=[7]) == "1123467"
    with pytest.raises(SecurityError):
        environment.from_string("{{ d.__class__.x }}").render(d=data)
    with pytest.raises(SecurityError):
        environment.from_string("{{ d['__class__'].x }}").render(d=data)

    class Own(kind):
        def getattr(self, obj, attribute):
            return "own attribute"

        def getitem(self, obj, argument):
            return "own item"

    assert Own().from_string("{{ d.name }}, {{ d['name'] }}").render(d=data) == "own attribute, own item"


# Asynchronous renders


def test_async_attributes_are_read_once():
    class Thing:
        reads = 0

        @property
        def later(self):
            Thing.reads += 1

            async def value():
                await asyncio.sleep(0)
                return "later"

            return value()

        @property
        def now(self):
            Thing.reads += 1
            return "now"

    template = Environment(enable_async=True).from_string("{{ t.now }} {{ t.later }} {{ t.now }}{{ t.gone }}")
    assert asyncio.run(template.render_async(t=Thing())) == "now later now"
    assert Thing.reads == 3


def test_async_renders_that_await_nothing_end_at_once():
    template = Environment(enable_async=True).from_string("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(a) }}{{ m(b) }}")
    with pytest.raises(StopIteration) as stopped:
        template.render_async(a=1, b="é").send(None)
    assert stopped.value.value == "<1><é>"


def test_async_errors_are_located():
    template = Environment(enable_async=True, loader=None).from_string("\n{{ 1 // 0 }}")
    with pytest.raises(ZeroDivisionError) as caught:
        asyncio.run(template.render_async())
    assert any(entry.frame.code.path == "<template>" or entry.lineno == 1 for entry in caught.traceback)


def test_what_an_async_render_closes_over_lives_on():
    kept = []
    template = Environment(enable_async=True).from_string("{% macro m() %}{{ x }}{% endmacro %}{{ keep(m) or '' }}")
    asyncio.run(template.render_async(x="alive", keep=kept.append))

    async def call():
        return await kept[0]()

    assert asyncio.run(call()) == "alive"


# Numbers


def test_integers_are_printed_as_python_prints_them():
    numbers = [0, 7, 10, 99, 100, 999, 1000, 9999, 10_000, 12_345_678, 99_999_999, 100_000_000, 999_999_999]
    numbers += [10**9, 4_294_967_295, 4_294_967_296, 2**62, 2**63, 10**30]
    numbers += [-number for number in numbers]
    page = Environment().from_string("{% for n in numbers %}{{ n }},{{ n + 0 }} {% endfor %}")
    assert page.render(numbers=numbers) == "".join(f"{number},{number} " for number in numbers)


# Extensions of Python's


def test_an_extension_that_is_not_used_costs_no_parser(monkeypatch):
    from haiden import nodes, parser
    from haiden.ext import Extension

    class Shout(Extension):
        tags = {"shout"}

        def parse(self, parser):
            lineno = next(parser.stream).lineno
            return nodes.Output([nodes.Const("HEY")], lineno=lineno)

    parsed = []
    original = parser.Parser.parse
    monkeypatch.setattr(parser.Parser, "parse", lambda self: (parsed.append(1), original(self))[1])
    environment = Environment(extensions=[Shout, "haiden.ext.do"])
    assert environment.from_string("{% do [] %}a").render() == "a" and not parsed
    assert environment.from_string("{% shout %}").render() == "HEY" and len(parsed) == 1
    with pytest.raises(haiden.TemplateSyntaxError, match="unknown tag 'whisper'"):
        environment.from_string("{% whisper %}")
    (shout,) = [each for each in environment.extensions.values() if type(each) is Shout]
    shout.tags = {"whisper"}
    assert environment.from_string("{% whisper %}").render() == "HEY"
    shout.filter_stream = lambda stream: stream
    parsed.clear()
    assert environment.from_string("b").render() == "b" and parsed
    del shout.filter_stream
    monkeypatch.setattr(Extension, "preprocess", lambda self, source, name, filename=None: source.upper())
    assert environment.from_string("b").render() == "B"


def test_what_others_have_cached_is_nothing_to_an_extension(tmp_path):
    from haiden.ext import Extension

    class Upper(Extension):
        def preprocess(self, source, name, filename=None):
            return source.upper()

    loader = DictLoader({"page": "page"})
    for extensions, expected in (([], "page"), ([Upper], "PAGE"), ([], "page")):
        cache = FileSystemBytecodeCache(str(tmp_path))
        environment = Environment(loader=loader, extensions=extensions, bytecode_cache=cache)
        assert environment.get_template("page").render() == expected


@pytest.mark.parametrize("wide", ["", "é", "€", "\U0001f600"])
def test_texts_of_every_width_are_escaped(wide):
    template = Environment(autoescape=True).from_string("<{{ wide }}>{{ text }}|{{ text|upper }}")
    for text in ("&", "a" * 40 + "<b>'\"&", "é&\xff", "€<" * 20, "\U0001f600>" + "x" * 33 + "&", "\x00&\ud800"):
        assert template.render(wide=wide, text=text) == f"<{wide}>{haiden.filters.escape(text)}|{haiden.filters.escape(text.upper())}"
