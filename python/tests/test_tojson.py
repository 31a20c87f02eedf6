"""`tojson` on the machine writes what Python's `json` writes, and leaves to it what is not plainly JSON."""

import collections
import decimal
import enum
import json

import pytest

import haiden
from haiden.filters import do_tojson


class Name(str):
    pass


class Level(enum.IntEnum):
    LOW = 1


class Own(dict):
    pass


Point = collections.namedtuple("Point", "x y")
DEEP: list = []
for _ in range(100):
    DEEP = [DEEP]

VALUES = [
    None,
    True,
    0,
    -12,
    10**18,
    10**40,
    1.5,
    -0.0,
    1e22,
    1e-9,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    "a\"b\\c/\n\r\t\b\f\x00\x1f\x7f</script>&'",
    "é\x7f ü <€> \U0001f600 \ud800",
    "€",
    Name("<name>"),
    [],
    {},
    [1, [2.5, [None, ()]], {"b": 1, "a": [True, False], "é": "x", "€": 1, "Z": {}}],
    ("t", ["u"]),
    {"": {"": {"": []}}},
    {"z": 1, "\U0001f600": 2, "\uffff": 3, "a": 4},
    DEEP,
    Level.LOW,
    Point(1, "<"),
    Own(b=1, a=2),
    {1: 2, 0: 4, 1.5: 5},
    {None: 3},
    [{"a": Level.LOW}],
    collections.OrderedDict(b=1, a=2),
]


@pytest.mark.parametrize("indent", [None, 0, 1, 4, -1, 40, "\t", True])
@pytest.mark.parametrize("kwargs", [{"sort_keys": True}, {}, {"ensure_ascii": False}, {"separators": (",", ":")}])
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_as_python_writes(value, kwargs, indent):
    for autoescape in (False, True):
        environment = haiden.Environment(autoescape=autoescape)
        environment.policies["json.dumps_kwargs"] = kwargs
        template = environment.from_string("{{ v|tojson(indent) }}|{% set j = v|tojson(indent=indent) %}{{ j }}")
        context = template.new_context({"v": value})
        expected = str(do_tojson(context.eval_ctx, value, indent))
        assert template.render(v=value, indent=indent) == f"{expected}|{expected}"


@pytest.mark.parametrize(
    "value, error",
    [
        (object(), "not JSON serializable"),
        ({"a": [1, {1, 2}]}, "not JSON serializable"),
        (decimal.Decimal(1), "not JSON serializable"),
        (b"", "not JSON serializable"),
        ({(1, 2): 3}, "keys must be"),
    ],
)
def test_errors_are_pythons(value, error):
    with pytest.raises(TypeError, match=error):
        haiden.Environment().from_string("{{ v|tojson }}").render(v=value)


def test_a_ring_is_an_error():
    ring: list = []
    ring.append(ring)
    with pytest.raises(ValueError, match="Circular reference"):
        haiden.Environment().from_string("{{ v|tojson }}").render(v=ring)


def test_undefined_is_an_error():
    with pytest.raises(TypeError, match="Undefined is not JSON serializable"):
        haiden.Environment().from_string("{{ v|tojson }}").render()


def test_the_result_is_markup():
    environment = haiden.Environment(autoescape=True)
    assert environment.from_string("{% set j = v|tojson %}{{ j is escaped }}{{ j }}").render(v="<") == 'True"\\u003c"'


def test_whoever_replaces_dumps_is_asked(monkeypatch):
    template = haiden.Environment().from_string("{{ v|tojson }}")
    assert template.render(v=[1]) == "[1]"
    monkeypatch.setattr(json, "dumps", lambda value, **kwargs: "mine")
    assert template.render(v=[1]) == "mine"
    monkeypatch.undo()
    assert template.render(v=[1]) == "[1]"
    template.environment.policies["json.dumps_function"] = lambda value, **kwargs: "policy"
    assert template.render(v=[1]) == "policy"


def test_whoever_teaches_the_encoder_is_asked(monkeypatch):
    monkeypatch.setattr(json.JSONEncoder, "default", lambda self, value: "taught")
    assert haiden.Environment().from_string("{{ v|tojson }}").render(v=[object()]) == '["taught"]'
