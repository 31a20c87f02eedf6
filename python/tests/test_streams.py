"""Parts of a page come one by one, and nothing is evaluated before it is asked for; what is kept can be collected."""

import copy
import gc
import pickle
import weakref

import pytest

import haiden


def test_the_caller_works_between_the_parts():
    events = []

    def f(value):
        events.append(f"evaluated {value}")
        return value

    template = haiden.Template("a{{ f(1) }}b{% for n in [2, 3] %}{{ f(n) }}{% endfor %}")
    for part in template.generate(f=f):
        events.append(f"got {part}")
    assert events == ["got a", "evaluated 1", "got 1", "got b", "evaluated 2", "got 2", "evaluated 3", "got 3"]


def test_a_stream_ends_early():
    def f():
        raise AssertionError("never asked for")

    stream = haiden.Template("a{{ f() }}").generate(f=f)
    assert next(stream) == "a"
    stream.close()
    assert list(stream) == []


def test_what_is_thrown_in_comes_out():
    stream = haiden.Template("a{{ 1 }}b{{ x }}").generate(x=2)
    next(stream)
    with pytest.raises(OSError, match="mine"):
        stream.throw(OSError("mine"))


def test_the_context_is_shared_with_the_machine():
    @haiden.pass_context
    def look(context):
        return sorted(set(context.get_all()) - set(env.globals)), context.name, context.eval_ctx.autoescape

    env = haiden.Environment(autoescape=True)
    env.globals["look"] = look
    template = env.from_string("{% set a = 1 %}{{ look()[0]|join }}{{ b }}{% set c = 2 %}{{ look()[0]|join }}")
    assert template.render(b=3) == "ab3abc"


def test_filters_are_the_environments_at_each_render():
    env = haiden.Environment()
    template = env.from_string("{{ 'a'|upper }}{{ x|upper }}")
    before = template.render(x="b")
    env.filters["upper"] = lambda value: f"<{value}>"
    assert (before, template.render(x="b")) == ("AB", "<a><b>")


SOURCES = {
    "page": "{% extends 'base' %}{% from 'lib' import m %}{% block b %}{{ super() }}{{ m(1)|f }}{% endblock %}",
    "base": "{% block b %}{{ thing|f }}{% endblock %}",
    "lib": "{% set kept = thing %}{% macro m(a) %}{{ a }}{{ kept|f }}{% endmacro %}",
}


@pytest.mark.parametrize("way", ["render", "generate", "module", "context"])
def test_environments_are_collected(way):
    env = haiden.Environment(loader=haiden.DictLoader(SOURCES))
    thing = type("Thing", (), {})()
    env.globals["thing"] = thing
    # A filter that holds the environment whose templates hold the filter.
    env.filters["f"] = lambda value, env=env: str(type(value).__name__)
    template = env.get_template("page")
    if way == "module":
        env.kept = template.module
    elif way == "generate":
        list(template.generate())
    elif way == "context":
        env.globals["thing"] = haiden.pass_context(lambda context, env=env: setattr(env, "kept", context) or "")
        env.from_string("{{ thing() }}").render()
    else:
        template.render()
    ghosts = weakref.ref(env), weakref.ref(thing)
    del env, thing, template
    gc.collect()
    assert [ghost() for ghost in ghosts] == [None, None]


def test_environments_are_copied_and_pickled():
    env = haiden.Environment(autoescape=True)
    assert env.from_string("{{ x }}").render(x="<") == "&lt;"
    for other in (pickle.loads(pickle.dumps(env)), copy.copy(env)):
        assert other.from_string("{{ x }}").render(x="<") == "&lt;"


def test_renders_are_counted():
    before = haiden.statistics()
    haiden.Template("{{ x }}").render()
    after = haiden.statistics()
    assert (after.machine - before.machine, after.other - before.other) == (1, 0)
