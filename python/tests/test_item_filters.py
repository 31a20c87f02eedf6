"""Filters that the machine applies itself do what Jinja2's functions do: the same page, or the same error.

Every filter below meets every value below, plain, sandboxed, escaped, with strict undefined values and where hooks are
overridden; what is expected is what Jinja2 does in the same interpreter.
"""

import decimal
import re
import typing as t

import jinja2
import jinja2.sandbox
import markupsafe
import pytest

import haiden
import haiden.sandbox


class Item:
    """An object with attributes."""

    def __init__(self, **attributes: t.Any) -> None:
        self.__dict__.update(attributes)

    def __repr__(self) -> str:
        return f"Item{sorted(self.__dict__)}"


class Lower(str):
    """A text that has its own opinion of lower case."""

    def lower(self) -> str:
        return "z" + str.lower(self)


class Failing:
    """An object whose attribute raises."""

    @property
    def name(self) -> str:
        raise ValueError("no name today")

    def __repr__(self) -> str:
        return "Failing"


def people() -> list[Item]:
    names = ["Éva", "bob", "Bob", "alice", "Zoe", "Élan", "bob"]
    return [
        Item(name=name, age=20 + number % 3, ratio=number / 3, tags=[number, "x"], home={"town": name[:1]}, index=number)
        for number, name in enumerate(names)
    ]


VALUES: dict[str, t.Callable[[], t.Any]] = {
    "people": people,
    "ascii": lambda: [Item(name=name, age=age) for name, age in [("b", 3), ("A", 1), ("a", 2), ("B", 2)]],
    "dicts": lambda: [{"name": "b", "age": 2}, {"name": "a", "age": 1}, {"age": 3}],
    "some": lambda: [Item(name="a"), Item(age=1), Item(name=None, age=None)],
    "lower": lambda: [Item(name=Lower("a"), age=1), Item(name="b", age=2.5)],
    "failing": lambda: [Item(name="x", age=1), Failing()],
    "numbers": lambda: [3, 1, 2, 10, 1],
    "floats": lambda: [0.5, float("nan"), -1.0, float("inf")],
    "mixed": lambda: [1, "a", None],
    "nones": lambda: [None, None],
    "booleans": lambda: [True, 0, False, 1],
    "decimals": lambda: [decimal.Decimal("1.5"), 1, 2.5],
    "big": lambda: [2**70, 1, -(2**70)],
    "texts": lambda: ["b", "A", "a", "it's a <small> (world)", "é Ü-x", "\ud800"],
    "plain": lambda: ["bb", "A", "a b", "see www.example.com."],
    "markup": lambda: [markupsafe.Markup("<b>X</b>"), "<i>"],
    "pairs": lambda: [(1, "b"), (0, "a")],
    "nested": lambda: [[1, 2], [0], []],
    "dict": lambda: {"b": 1, "a": None, "c": "<&>", "d": 2.5},
    "dict of numbers": lambda: {1: 1, 2.5: 2},
    "dict of texts": lambda: {"b c": "1 2", "a": "x/y", "n": 3},
    "tuple": lambda: (2, 1),
    "range": lambda: range(4),
    "generator": lambda: (number for number in (3, 1, 2)),
    "empty": list,
    "text": lambda: "Hello <b>World</b>, it's  a\ttest & http://example.com/a?b=c",
    "title": lambda: "hello wORLD-foo (bar)\n[x]  <y",
    "accents": lambda: "élan vital, ÉTÉ",
    "long": lambda: "well-known words, and a verylongwordthatmustbebroken " * 3 + "\nanother line",
    "number": lambda: 1234567,
    "float": lambda: 2.345,
    "none": lambda: None,
    "object": lambda: Item(name="x"),
}

FILTERS = [
    "map(attribute='name')|list",
    "map(attribute='name', default='?')|join(',')",
    "map(attribute='home.town')|join",
    "map(attribute='tags.0')|list",
    "map(attribute=0)|list",
    "map(attribute='')|list",
    "map(attribute='name', wrong=1)|list",
    "map('upper')|list",
    "map('lower')|join('-')",
    "map('default', 'x')|list",
    "map('truncate', length=4, leeway=0)|list",
    "map('join', '+')|list",
    "map('replace', 'a', 'b')|list",
    "map('nothing')|list",
    "map(nothing)|list",
    "map|list",
    "map('string')|map('length')|sum",
    "map('ours')|list",
    "map('of_context', 1, x=2)|list",
    "select|list",
    "select('odd')|list",
    "select('gt', 1)|list",
    "select('none')|list",
    "select('ours')|list",
    "select('nothing')|list",
    "select('string')|first",
    "reject|list",
    "reject('in', [1, 'a'])|list",
    "selectattr('name')|map(attribute='age')|list",
    "selectattr('age', 'ge', 2)|map(attribute='age')|list",
    "selectattr|list",
    "selectattr('name', 'defined')|list|length",
    "rejectattr('age', 'odd')|map(attribute='age')|list",
    "rejectattr('home.town', 'eq', 'b')|list|length",
    "sort|list",
    "sort(reverse=true)",
    "sort(case_sensitive=true)",
    "sort(attribute='name')|map(attribute='name')|list",
    "sort(attribute='age,name')|map(attribute='index')|list",
    "sort(true, true, 'name')|map(attribute='name')|list",
    "sort(attribute='age', reverse=1)|map(attribute='name')|list",
    "sort(attribute='ratio')|map(attribute='ratio')|list",
    "sort(wrong=1)",
    "groupby('age')",
    "groupby('name')|map(attribute='grouper')|list",
    "groupby('name', case_sensitive=true)|map('first')|list",
    "groupby('age', default=0)|map(attribute='list')|map('length')|list",
    "groupby('home.town')|map(attribute=0)|list",
    "groupby|list",
    "unique|list",
    "unique(true)|list",
    "unique(attribute='name')|map(attribute='name')|list",
    "min",
    "max",
    "min(case_sensitive=true)",
    "max(attribute='name') is defined",
    "min(attribute='age')|attr('age')",
    "sum",
    "sum(attribute='age')",
    "sum(attribute='ratio', start=1)",
    "sum(start='x')",
    "sum('name')",
    "title",
    "wordcount",
    "striptags",
    "urlencode",
    "urlize",
    "urlize(10, true, target='_blank', rel='x y')",
    "urlize(extra_schemes=['tel:'])",
    "wordwrap(10)",
    "wordwrap(12, false, '|', false)",
    "wordwrap(0)",
    "xmlattr",
    "xmlattr(false)",
    "center(20)",
    "center",
    "filesizeformat",
    "filesizeformat(true)",
    "round",
    "round(2)",
    "round(1, 'floor')",
    "float",
    "reverse|list",
    "upper",
    "lower",
]


def configure(package: t.Any, kind: str) -> t.Any:
    module = haiden if package is haiden else jinja2
    sandbox = haiden.sandbox if package is haiden else jinja2.sandbox
    if kind == "sandboxed":
        environment = sandbox.SandboxedEnvironment(autoescape=True)
    elif kind == "strict":
        environment = module.Environment(undefined=module.StrictUndefined)
    elif kind == "chainable":
        environment = module.Environment(undefined=module.ChainableUndefined)
    elif kind == "hooked":

        class Hooked(module.Environment):  # type: ignore[name-defined, misc]
            def getitem(self, obj: t.Any, argument: t.Any) -> t.Any:
                return ("hooked", argument, super().getitem(obj, argument) is not None)

        environment = Hooked()
    elif kind == "calls":

        class Calls(module.Environment):  # type: ignore[name-defined, misc]
            def call_filter(self, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
                return f"filter {name}"

            def call_test(self, name: str, *args: t.Any, **kwargs: t.Any) -> bool:
                return name == "odd"

        environment = Calls()
    else:
        environment = module.Environment(autoescape=kind == "escaped")
    environment.filters["ours"] = lambda value: f"<{type(value).__name__}>"
    environment.filters["of_context"] = module.pass_context(lambda context, value, a, x: (context["marker"], a, x))
    environment.tests["ours"] = lambda value: [value] if value else []
    return environment


def compiled(environment: t.Any, source: str) -> t.Callable[[t.Any], tuple[str, str]]:
    """A function that renders a value: the page or the error, without the places of objects in memory."""

    def outcome(value: t.Any) -> tuple[str, str]:
        try:
            kind, text = "page", template.render(value=value, marker="here")
        except Exception as error:
            kind, text = type(error).__name__, str(error)
        return kind, re.sub("0[xX][0-9a-fA-F]+", "0x", text)

    try:
        template = environment.from_string(source)
    except Exception as error:
        refused = type(error).__name__, str(error)
        return lambda value: refused
    return outcome


@pytest.mark.parametrize("kind", ["plain", "escaped", "sandboxed", "strict", "chainable", "hooked", "calls"])
def test_same_as_jinja2(kind: str) -> None:
    ours, theirs = configure(haiden, kind), configure(jinja2, kind)
    wrong = []
    for filter_ in FILTERS:
        source = "{{ value|" + filter_ + " }}"
        render, reference = compiled(ours, source), compiled(theirs, source)
        for name, make in VALUES.items():
            expected, found = reference(make()), render(make())
            if expected != found:
                wrong.append(f"{name}|{filter_}: {expected!r} against {found!r}")
    assert not wrong, "\n".join(wrong[:20])


def test_lazy() -> None:
    """An item is looked at when it is asked for, and the generators are generators."""
    seen = []

    def items() -> t.Iterator[int]:
        for number in range(10):
            seen.append(number)
            yield number

    environment = haiden.Environment()
    environment.globals["seen"] = seen
    for filter_ in ["map('string')", "select('number')", "unique", "map(attribute='real')"]:
        seen.clear()
        page = environment.from_string("{% for x in items|" + filter_ + " %}{{ x }}{{ seen|length }},{% endfor %}")
        assert page.render(items=items()).startswith("01,12,23,"), filter_
    made = environment.compile_expression("items|map('upper')")(items="ab")
    assert type(made).__name__ == "generator" and "sync_do_map" in repr(made)
    assert list(made) == ["A", "B"]
    chosen = environment.compile_expression("items|select('odd')")(items=[1, 2])
    assert "select_or_reject" in repr(chosen) and list(chosen) == [1]


@pytest.mark.parametrize("escapes", [False, True])
def test_lengths_are_asked_for(escapes: bool) -> None:
    """Where Jinja2 makes a list, an object is asked how many items it has: some note that, to know what a page depends on."""
    seen = []

    class Sized:
        def __iter__(self) -> t.Iterator[int]:
            seen.append("iter")
            return iter([3, 1, 2])

        def __len__(self) -> int:
            seen.append("len")
            return 3

    class Hinting:
        def __init__(self) -> None:
            self.items = iter([3, 1, 2])

        def __iter__(self) -> "Hinting":
            seen.append("iter")
            return self

        def __next__(self) -> int:
            seen.append("next")
            return next(self.items)

        def __length_hint__(self) -> int:
            seen.append("hint")
            return 3

    class Failing(Sized):
        def __len__(self) -> int:
            raise ValueError("no length")

    sources = [*FILTERS, "join", "join(',')", "join(',', 'real')", "list", "slice(2)", "batch(2)", "first"]
    sources = ["{{ x|" + filter_ + " }}" for filter_ in sources]
    sources += ["{{ f(*x) }}", "{{ f(0, *x, a=1) }}", "{% macro m(a) %}{{ a }}{{ varargs }}{% endmacro %}{{ m(*x) }}"]

    def outcome(package: t.Any, source: str, make: t.Callable[[], object]) -> object:
        seen.clear()
        environment = package.Environment(autoescape=escapes)
        environment.filters["mine"] = lambda value, *arguments, **keywords: value
        try:
            page = environment.from_string(source).render(x=make(), f=lambda *arguments, **keywords: arguments)
        except Exception as error:
            page = f"{type(error).__name__} {error}"
        return re.sub("0[xX][0-9a-fA-F]+", "", page), list(seen)

    for source in sources:
        for make in (Sized, Hinting, Failing):
            assert outcome(haiden, source, make) == outcome(jinja2, source, make), (source, make)


def test_kept_after_the_render() -> None:
    """A generator that outlives its render still works."""
    kept: list[t.Any] = []
    environment = haiden.Environment()
    environment.filters["keep"] = lambda value: kept.append(value) or ""
    environment.filters["keepless"] = haiden.pass_context(lambda context, value: (context["x"], value))
    environment.from_string(
        "{{ items|map(attribute='name', default='?')|keep }}{{ items|map('keepless')|keep }}"
    ).render(items=[{"name": 1}, {}], x=5)
    assert [list(items) for items in kept] == [[1, "?"], [(5, {"name": 1}), (5, {})]]


def test_recursion() -> None:
    """A filter that applies itself for ever ends with Python's own error."""
    environment = haiden.Environment()
    environment.filters["again"] = lambda value: template.render()
    template = environment.from_string("{{ [1]|map('again')|list }}")
    with pytest.raises(RecursionError):
        template.render()
