"""What a render may use up: fuel, output, depth, in every way of rendering."""

import asyncio
import pickle

import pytest

import haiden
from haiden import LimitError, RenderLimits
from haiden.nativetypes import NativeEnvironment
from haiden.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

TURNS = "{% for i in range(900) %}{% endfor %}"
TEMPLATES = {
    "turns": TURNS,
    "parent": "{% block b %}" + TURNS + "{% endblock %}",
    "tree": "{% if n < 40 %}{% set n = n + 1 %}{% include 'tree' %}{% include 'tree' %}{% endif %}",
    "chain": "{% extends 'chain' %}",
    "macros": "{% macro m() %}" + TURNS + "{% endmacro %}",
}
ENDLESS = [
    "{% for i in range(99999) %}{% endfor %}",
    "{% for i in range(999) %}{% for j in range(999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) if false %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
    "{% for x in [[]] recursive %}{{ loop([[], []]) if loop.depth < 40 }}{{ loop([[], []]) if loop.depth < 40 }}{% endfor %}",
    "{% set n = 0 %}{% include 'tree' %}",
    "{% for i in range(50) %}{% include 'turns' %}{% endfor %}",
    "{% import 'macros' as x %}{% for i in range(50) %}{{ x.m() }}{% endfor %}",
    "{% extends 'parent' %}{% block b %}" + "{{ super() }}" * 50 + "{% endblock %}",
    "{% block b %}" + TURNS + "{% endblock %}" + "{{ self.b() }}" * 50,
    # Macros and templates that Python code calls run on machines of their own, out of the same fuel.
    "{% macro m() %}" + TURNS + "{% endmacro %}{% for i in range(50) %}{{ call(m) }}{% endfor %}",
    "{% for i in range(50) %}{{ render(" + repr(TURNS) + ") }}{% endfor %}",
    "{{ render('{% for i in range(99999) %}{% endfor %}') }}",
]


def environment(limits, kind=SandboxedEnvironment, **options):
    env = kind(loader=haiden.DictLoader(TEMPLATES), **options)
    env.render_limits = limits
    env.globals["call"] = lambda function: function()
    # Another environment, which has no limits of its own.
    env.globals["render"] = lambda source: haiden.Environment().from_string(source).render()
    return env


def rendered(template, way):
    """The page, in one of the ways there are."""
    if way == "render":
        return template.render()
    if way == "generate":
        return "".join(template.generate())
    if way == "stream":
        return "".join(template.stream())
    if way == "module":
        return str(template.module)
    return asyncio.run(template.render_async())


WAYS = ["render", "generate", "stream", "module", "async"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("source", ENDLESS)
def test_fuel(source, way):
    if way == "async":
        # There, Python code gets coroutines.
        source = source.replace("call(m)", "m()").replace("self.b()", "super")
        if "render(" in source or "super" in source:
            return
    env = environment(RenderLimits(fuel=10_000), enable_async=way == "async")
    with pytest.raises(LimitError, match="the render has used up its fuel"):
        rendered(env.from_string(source), way)


@pytest.mark.parametrize("kind", [haiden.Environment, SandboxedEnvironment, ImmutableSandboxedEnvironment, NativeEnvironment])
def test_fuel_is_counted_exactly(kind):
    template = environment(RenderLimits(fuel=100), kind).from_string("{% for i in range(n) %}{% endfor %}")
    template.render(n=100)
    # Each render has its own.
    template.render(n=100)
    with pytest.raises(LimitError):
        template.render(n=102)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "source, length",
    [
        ("x" * 1000, 1000),
        ("x" * 1001, None),
        ("{{ 'x' * 1000 }}", 1000),
        ("{{ 'ä' * 1001 }}", None),
        ("{{ '日' * 1000 }}", 1000),
        ("{{ '<' * 250 }}", 1000),
        ("{{ '<' * 251 }}", None),
        ("{% for i in range(500) %}xy{% endfor %}", 1000),
        ("{% for i in range(501) %}xy{% endfor %}", None),
        ("{% for i in range(501) %}{{ 12 }}{% endfor %}", None),
        ("{% for i in range(99999) %}{{ i|string|upper }}{% endfor %}", None),
        ("{% set x %}{% for i in range(99999) %}some text {% endfor %}{% endset %}", None),
        ("{% macro m() %}{% for i in range(99999) %}text{% endfor %}{% endmacro %}{{ m()|length }}", None),
        ("{% filter length %}{% for i in range(99999) %}text{% endfor %}{% endfilter %}", None),
    ],
)
def test_output(source, length, way):
    env = environment(RenderLimits(output=1000), autoescape=True, enable_async=way == "async")
    template = env.from_string(source)
    if length is None:
        with pytest.raises(LimitError, match="the output is longer than the limit of 1000 characters"):
            rendered(template, way)
    else:
        assert len(rendered(template, way)) == length


def test_a_limited_page_is_the_same_page():
    source = (
        "{% macro m(x) %}<{{ x }}>{% endmacro %}{% for i in range(9) %}{{ m(i) }}{{ loop.index }}{{ '<&>' }}{{ 1.5 }}"
        "{{ none }}{{ nothing }}{{ 'ä日'|upper }}{% endfor %}{% call(y) wrap() %}{{ y }}{% endcall %}"
        "{% macro wrap() %}{{ caller('<') }}{% endmacro %}"
    ).replace("{% call(y) wrap", "{% macro wrap() %}[{{ caller('<') }}]{% endmacro %}{% call(y) wrap")
    for kind in (haiden.Environment, SandboxedEnvironment):
        for autoescape in (True, False):
            plain = environment(None, kind, autoescape=autoescape).from_string(source)
            limited = environment(RenderLimits(10**6, 10**6), kind, autoescape=autoescape).from_string(source)
            assert limited.render() == plain.render()
            assert list(limited.generate()) == list(plain.generate())


def test_depth():
    source = "{% macro m(n) %}{{ m(n - 1) if n }}{% endmacro %}{{ m(n) }}"
    template = environment(RenderLimits(depth=20)).from_string(source)
    template.render(n=10)
    with pytest.raises(RecursionError):
        template.render(n=30)


def test_a_template_that_extends_itself():
    with pytest.raises((LimitError, RecursionError)):
        environment(RenderLimits(fuel=10_000)).get_template("chain").render()
    with pytest.raises(RecursionError):
        environment(None).get_template("chain").render()


def test_the_line_is_in_the_traceback():
    env = environment(RenderLimits(fuel=10))
    with pytest.raises(LimitError) as caught:
        env.from_string("\n\n{% for i in range(99) %}{% endfor %}").render()
    assert caught.traceback[-1].lineno + 1 == 3


def test_a_generator_keeps_its_own():
    """Two that take turns do not pay for each other, nor for what runs between."""
    env = environment(RenderLimits(fuel=100))
    template = env.from_string("{% for i in range(90) %}{{ i }} {% endfor %}")
    one, other = template.generate(), template.generate()
    text = ""
    for part, _ in zip(one, other, strict=True):
        text += part
        haiden.Environment().from_string(TURNS).render()
    assert len(text.split()) == 90


def test_a_stricter_template_in_a_limited_render():
    inner = environment(RenderLimits(fuel=10)).from_string(TURNS)
    outer = environment(RenderLimits(fuel=100_000))
    outer.globals["inner"] = inner.render
    with pytest.raises(LimitError):
        outer.from_string("{{ inner() }}").render()
    outer.globals["inner"] = lambda: "caught"
    assert outer.from_string("{{ inner() }}").render() == "caught"


def test_limits_change_and_go_along():
    env = environment(None)
    template = env.from_string(TURNS)
    template.render()
    env.render_limits = RenderLimits(fuel=10)
    with pytest.raises(LimitError):
        template.render()
    with pytest.raises(LimitError):
        env.overlay(autoescape=True).from_string(TURNS).render()
    env.render_limits = None
    template.render()

    class Strict(SandboxedEnvironment):
        render_limits = RenderLimits(fuel=10)

    with pytest.raises(LimitError):
        Strict().from_string(TURNS).render()


def test_what_limits_are():
    limits = RenderLimits(fuel=1, depth=2)
    assert limits == RenderLimits(1, None, 2) == pickle.loads(pickle.dumps(limits))
    assert repr(limits) == "RenderLimits(fuel=1, output=None, depth=2)"
    for wrong in (-1, 1.5, "1"):
        with pytest.raises(ValueError, match="output must be an integer that is not negative"):
            RenderLimits(output=wrong)
    env = haiden.Environment()
    env.render_limits = {"fuel": 1}
    with pytest.raises(TypeError, match="`render_limits` must be `haiden.RenderLimits` or None"):
        env.from_string("").render()
    assert issubclass(LimitError, haiden.exceptions.TemplateRuntimeError)
