"""The garbage collector comes in the middle of a page: what the page still needs stays."""

import gc
import importlib

import jinja2
import pytest

import haiden

SOURCES = {
    "part": "{{ collect() }}{{ x }}{% set y = 1 %}{{ y }}{% for n in [1] %}{{ collect() }}{{ n }}{{ see() }}{% endfor %}",
    "lib": "{% macro m(a) %}{{ collect() }}{{ a }}{{ x }}{{ v }}{% endmacro %}{{ collect() }}{% set v = 2 %}{{ collect() }}",
    "layout": "[{% block a %}{{ collect() }}{{ x }}{% endblock %}{{ see() }}{% block b scoped %}{% set k = 3 %}{{ see() }}{{ k }}{% endblock %}]",
    "page": "{% extends 'layout' %}{% block a %}<{{ super() }}{{ see() }}{{ self.b() }}>{% endblock %}",
}
PAGES = [
    "{% for i in [1, 2] %}{% include 'part' %}{% endfor %}{{ x }}",
    "{% for i in [1, 2] %}{% import 'lib' as lib with context %}{{ lib.m(i) }}{{ see() }}{% endfor %}",
    "{% import 'lib' as lib %}{{ lib.m(1) }}{{ lib.v }}",
    "{% include 'page' %}|{% include 'part' %}",
    "{% macro own(n) %}{{ see() }}{{ n }}{{ caller() if caller }}{% include 'part' %}{% endmacro %}{{ own(1) }}{% call own(2) %}{% endcall %}",
    "{% for i in [1, 2] recursive %}{{ see() }}{{ i }}{{ loop([3]) if loop.depth == 1 }}{% endfor %}",
    "{{ see() }}{{ block() }}{% block a %}{{ see() }}{{ x }}{{ collect() }}{% endblock %}{{ block() }}{{ x }}{{ see() }}",
]  # fmt: skip


@pytest.fixture(autouse=True)
def only_what_is_new_is_looked_at():
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def environment(package, kind):
    context = importlib.import_module(f"{package.__name__}.runtime").Context

    class Own(context):
        pass

    class Resolving(context):
        def resolve_or_missing(self, key):
            return super().resolve_or_missing(key)

    cls = {"plain": context, "own": Own, "resolving": Resolving}[kind]
    made = type("Made", (package.Environment,), {"context_class": cls})(loader=package.DictLoader(SOURCES))
    made.globals["collect"] = collect
    return made


def collect():
    gc.collect()
    return ""


def variables(package):
    @package.pass_context
    def see(context):
        gc.collect()
        return "".join(sorted(name for name in context.get_all() if len(name) == 1))

    @package.pass_context
    def block(context):
        return "".join(part for function in context.blocks["a"] for part in function(context))

    return {"x": "X", "see": see, "block": block}


@pytest.mark.parametrize("how", ["render", "generate", "module"])
@pytest.mark.parametrize("kind", ["plain", "own", "resolving"])
@pytest.mark.parametrize("source", PAGES)
def test_collected_in_mid_page(source, kind, how):
    def page(package):
        template = environment(package, kind).from_string(source)
        if how == "render":
            return template.render(variables(package))
        if how == "module":
            return str(template.make_module(variables(package)))
        parts = []
        for part in template.generate(variables(package)):
            gc.collect()
            parts.append(part)
        return "".join(parts)

    assert page(haiden) == page(jinja2)


@pytest.mark.parametrize("kind", ["own", "resolving"])
def test_contexts_of_many_includes_are_let_go(kind):
    cls = environment(haiden, kind).context_class
    alive = []

    def count():
        alive.append(sum(type(each) is cls for each in gc.get_objects()))
        return ""

    made = environment(haiden, kind)
    made.loader.mapping = {"part": "{{ n }}{{ see() }}"}
    page = made.from_string("{% for n in range(300) %}{% include 'part' %}{% endfor %}{{ count() }}")
    see = haiden.pass_context(lambda context: "")
    expected = page.render(see=see, count=lambda: "")
    assert page.render(see=see, count=count) == expected
    gc.collect()
    count()
    assert alive[0] < 150
    assert alive[1] <= 1
