"""What `finalize` is given, when, and what becomes of what it returns: as in Jinja2."""

import jinja2
import jinja2.nativetypes
import pytest
from markupsafe import Markup

import haiden
import haiden.nativetypes

SOURCES = [
    "{{ '<a>' }}{{ 1 }}{{ none }}<t>{{ v }}",
    "{{ ['<'] }}{{ {'a': '<'} }}{{ (1, 2) }}{{ 1 == 1 }}{{ '<a>'[0] }}{{ '<' and '>' }}",
    "{{ '<'|upper }}{{ '<'|safe }}{{ '<'|e }}{{ '<a>'.upper() }}{{ ''|safe }}{{ 'a' is string }}",
    "{% autoescape true %}{{ '<a>' }}<t>{{ ['<'] }}{% endautoescape %}",
    "{% autoescape false %}{{ '<a>' }}<t>{{ v }}{% endautoescape %}",
    "{% autoescape flag %}{{ '<a>' }}<t>{{ ['<'] }}{{ 'a'|upper }}{{ v }}{% endautoescape %}",
    "{% autoescape flag %}{% macro m() %}{{ '<' }}{{ v }}<x>{% endmacro %}{% endautoescape %}{{ m() }}",
    "{% macro m() %}<{{ caller() }}{{ '<' }}>{% endmacro %}{% call m() %}{{ '<' }}{{ v }}{% endcall %}",
    "{% set x %}{{ '<' }}<t>{% endset %}{{ x }}{% filter upper %}<a>{{ '<b>' }}{% endfilter %}",
    "{% include 'p' %}{{ 1/0 if flag }}",
]


def escaping_only(value):
    """Fails on what was escaped before: Jinja2 tries once more when the template runs."""
    if isinstance(value, Markup):
        raise ValueError(value)
    return f"<{value}>"


FINALIZERS = {
    "type": lambda value: f"<{type(value).__name__}:{value}>",
    "markup": lambda value: Markup("<%s>") % value,
    "none": lambda value: None if value is None else value,
    "list": lambda value: [value, "<"],
    "raises": escaping_only,
}


@pytest.mark.parametrize("native", [False, True], ids=["text", "native"])
@pytest.mark.parametrize("wants", [None, "pass_context", "pass_eval_context", "pass_environment"])
@pytest.mark.parametrize("kind", FINALIZERS)
def test_what_it_is_given(kind, wants, native):
    def page(package, source, autoescape, flag, optimized):
        finalize = FINALIZERS[kind]
        if wants:
            finalize = getattr(package, wants)(lambda first, value: FINALIZERS[kind](value))
        cls = package.nativetypes.NativeEnvironment if native else package.Environment
        loader = package.DictLoader({"p": "<p>{{ '<p>' }}"})
        env = cls(autoescape=autoescape, finalize=finalize, optimized=optimized, loader=loader)
        try:
            return env.from_string(source).render(flag=flag, v="<v>")
        except Exception as error:
            return type(error).__name__, str(error)

    for source in SOURCES:
        for number in range(8):
            options = [bool(number & bit) for bit in (1, 2, 4)]
            assert page(haiden, source, *options) == page(jinja2, source, *options), (source, options)


def test_what_ends_a_program_is_not_tried_again():
    def stop(value):
        calls.append(value)
        raise KeyboardInterrupt

    calls = []
    env = haiden.Environment(finalize=stop)
    with pytest.raises(KeyboardInterrupt):
        env.from_string("{{ 'a' }}").render()
    assert calls == ["a"]


@pytest.mark.parametrize("returned", [None, 1, b"x", ["a"]], ids=repr)
@pytest.mark.parametrize("finalize", [None, lambda value: f"<{value}>"], ids=["plain", "finalize"])
def test_a_filter_block_joins_what_the_filter_returned(returned, finalize):
    def page(package, value, native):
        cls = package.nativetypes.NativeEnvironment if native else package.Environment
        env = cls(finalize=finalize)
        env.filters["f"] = lambda text: value
        try:
            return env.from_string("{% filter f %}a{% endfilter %}b").render()
        except TypeError:
            return TypeError

    for value in (returned, "<", Markup("<")):
        for native in (False, True):
            assert page(haiden, value, native) == page(jinja2, value, native), (value, native)
