"""Nothing leaks: references, macros that refer to themselves, macros that the application keeps."""

import gc
import sys
import weakref

import pytest
from conftest import environment

import haiden

SOURCES = {
    "plain": "{{ o.x }}{% for i in l %}{{ i }}{{ o.x|upper }}{% endfor %}{{ d.a }}{{ o ~ 'a' }}{{ l[0] }}{{ o|default(1) }}",
    "macro": "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(o) }}{{ m(l) }}{% set x = m %}{{ x(d) }}",
    "call": "{% macro m() %}{{ caller(o) }}{% endmacro %}{% for i in l %}{% call(v) m() %}{{ v }}{{ i }}{% endcall %}{% endfor %}",
    "nested": "{% macro m() %}{% macro n() %}{{ o }}{{ m }}{% endmacro %}{{ n() }}{% endmacro %}{{ m() }}",
    "loops": "{% for i in l %}{{ f(loop) }}{{ loop.changed(o) }}{% set y = loop %}{% endfor %}",
    "blocks": "{% block b %}{{ self.c() }}{% endblock %}{% block c %}{{ o }}{% endblock %}{% set s = self %}{{ f(s) }}",
    "error": "{% macro m() %}{{ o.x.y.z }}{% endmacro %}{{ m() }}",
    "error after import": "{% import 'lib' as lib %}{% from 'lib' import m %}{{ lib.m(o) }}{{ m(o) }}{% include 'broken' %}",
    "import": "{% import 'lib' as lib %}{{ lib.m(o) }}{% from 'lib' import m %}{{ m(d) }}{{ f(m) }}",
    "include": "{% include 'part' %}{% for i in l %}{% include 'part' %}{% endfor %}",
}
PARTS = {
    "lib": "{% macro m(a) %}{{ a }}{{ n(a) }}{% endmacro %}{% macro n(a) %}{{ a }}{% endmacro %}",
    "broken": "{% set s = self %}{% for i in l %}{{ o.x.y.z }}{% endfor %}",
    "part": "{% set z = o %}{% macro k() %}{{ z }}{% endmacro %}{{ k() }}",
}


class Thing:
    def __init__(self):
        self.x = "value"

    def __str__(self):
        return "thing"


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("fast", [True, False])
def test_references(name, fast):
    env = environment(fast, loader=haiden.DictLoader({**SOURCES, **PARTS}))
    template = env.get_template(name)
    thing, items, mapping = Thing(), [1, 2.5, "a", None], {"a": object()}
    context = {"o": thing, "l": items, "d": mapping, "f": lambda value: ""}

    def render():
        try:
            return template.render(context)
        except Exception as error:  # noqa: BLE001
            return str(error)

    for _ in range(10):
        render()
    watched = [thing, items, mapping, mapping["a"], items[1], None, True, context, thing.x, Thing]
    gc.collect()
    gc.disable()
    try:
        before = [sys.getrefcount(value) for value in watched]
        objects = len(gc.get_objects())
        for _ in range(1000):
            render()
        after = [sys.getrefcount(value) for value in watched]
        grown = len(gc.get_objects()) - objects
    finally:
        gc.enable()
    assert max(abs(a - b) for a, b in zip(after, before)) < 20, list(zip(before, after))
    assert grown < 50


def test_an_escaped_macro_works_and_goes():
    program = haiden.Environment().from_string(
        "{% set secret = o %}{% macro m(a, b='b') %}{{ a }}{{ b }}{{ secret }}{% endmacro %}{% macro n() %}{{ m(1) }}{% endmacro %}"
        "{{ keep(m) }}{{ keep(n) }}"
    )
    kept = []
    thing = Thing()
    ghost = weakref.ref(thing)
    program.render({"o": thing, "keep": lambda macro: kept.append(macro) or ""})
    assert (kept[0](1), kept[0]("x", b="y"), kept[1]()) == ("1bthing", "xything", "1bthing")
    assert (kept[0].name, kept[0].arguments) == ("m", ("a", "b"))
    del thing
    gc.collect()
    assert ghost() is not None
    assert kept[1]() == "1bthing"
    kept.clear()
    gc.collect()
    assert ghost() is None


def test_a_kept_import_goes_with_its_program():
    thing = Thing()
    ghost = weakref.ref(thing)
    sources = {
        "main": "{% import 'lib' as lib %}{{ lib.m() }}",
        "lib": "{% set o = make() %}{% macro m() %}{{ o }}{% endmacro %}",
    }
    env = haiden.Environment(loader=haiden.DictLoader(sources))
    env.globals["make"] = lambda kept=thing: kept
    assert env.get_template("main").render() == "thing"
    del thing, env
    gc.collect()
    assert ghost() is None


def test_iterators_and_loops_escape():
    program = haiden.Environment().from_string("{% for x in l %}{{ keep(loop) }}{% endfor %}")
    kept = []
    program.render({"l": iter([1, 2, 3]), "keep": lambda loop: kept.append(loop) or ""})
    assert kept[0] is kept[2]
    assert (kept[0].index, kept[0].last, kept[0].length) == (3, True, 3)


def test_reentry():
    program = haiden.Environment().from_string("{% macro m(n) %}{{ f(n) }}{% endmacro %}{{ m(3) }}|{{ m(2) }}")

    def nested(n):
        return n and program.render({"f": lambda n: n}) + str(nested(n - 1))

    assert program.render({"f": nested}) == "3|23|23|20|3|23|20"
