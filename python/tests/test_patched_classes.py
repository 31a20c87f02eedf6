"""What a program puts in a class's place is called, as by Jinja2: instrumentation does so, and tests with mocks.

Each case runs with both packages: before any environment exists, and while one exists whose templates have run.
"""

import copyreg
import importlib
from unittest import mock

import jinja2
import pytest

import haiden

SOURCES = {
    "page": "{% extends 'layout' %}{% block body %}{% include 'part' %}{{ thing.name }}{{ thing['name'] }}{{ missing }}{% endblock %}",
    "layout": "[{% block body %}{% endblock %}]",
    "part": "{{ thing.name }}{{ [thing]|map('attr', 'name')|join }}",
    "plain": "{{ number }}{{ range(number)|list }}",
}
PATCHES = [
    ("environment", "Environment", name)
    for name in ("_load_template", "get_template", "join_path", "compile", "_parse", "_tokenize", "getattr", "getitem", "call_filter")
] + [
    ("environment", "Template", "render"),
    ("environment", "Template", "new_context"),
    ("runtime", "Context", "resolve_or_missing"),
    ("runtime", "Context", "call"),
    ("runtime", "Undefined", "__str__"),
    ("sandbox", "SandboxedEnvironment", "is_safe_attribute"),
    ("sandbox", "SandboxedEnvironment", "is_safe_callable"),
    ("sandbox", "SandboxedEnvironment", "call"),
]  # fmt: skip


class Thing:
    name = "one"


def environment(package, kind="environment.Environment"):
    module, name = kind.split(".")
    return getattr(importlib.import_module(f"{package.__name__}.{module}"), name)(loader=package.DictLoader(SOURCES))


def pages(made):
    templates = [made.get_template(name) for name in ("page", "plain", "part")]
    templates.append(made.from_string("{{ thing.name }}{{ thing['name'] }}"))
    return [template.render(thing=Thing(), number=2) for template in templates]


def calls(package, patch, existing):
    """The pages, and what was called for them: patched, and afterwards."""
    module, class_name, method = patch
    owner = getattr(importlib.import_module(f"{package.__name__}.{module}"), class_name)
    kind = "sandbox.SandboxedEnvironment" if module == "sandbox" else "environment.Environment"
    made = environment(package, kind) if existing else None
    before = pages(made) if made else None
    original, seen = getattr(owner, method), []

    def noted(*args, **kwargs):
        seen.append([arg for arg in args if isinstance(arg, str)])
        return original(*args, **kwargs)

    with mock.patch.object(owner, method, noted):
        made = made or environment(package, kind)
        during = pages(made)
    count = len(seen)
    after = pages(made)
    assert len(seen) == count
    # How often a name is looked up differs, as does whether a template that is included has a context made by a method.
    times = bool(seen) if method in ("resolve_or_missing", "new_context") else seen
    return before, during, after, times


@pytest.mark.parametrize("existing", [False, True], ids=["new", "existing"])
@pytest.mark.parametrize("patch", PATCHES, ids=".".join)
def test_a_method_that_was_replaced(patch, existing):
    expected = calls(jinja2, patch, existing)
    assert expected[3]
    assert calls(haiden, patch, existing) == expected


def test_what_was_loaded_is_counted_on():
    made = environment(haiden)
    pages(made)
    before = made.cache_statistics()
    with mock.patch.object(haiden.Environment, "marker", 1, create=True):
        pages(made)
    now = made.cache_statistics()
    assert before.misses == now.misses == 4
    assert now.hits > before.hits


def test_what_python_adds_to_a_class_is_no_change():
    made = environment(haiden)
    pages(made)
    for cls in (haiden.Environment, haiden.Template, haiden.Undefined, importlib.import_module("haiden.runtime").Context):
        assert cls.__annotations__ is not None
        copyreg._slotnames(cls)
    before = haiden.statistics()
    made.get_template("plain").render(number=2)
    assert haiden.statistics() != before
    with mock.patch.object(haiden.Template, "_render_by_functions", side_effect=AssertionError):
        assert pages(environment(haiden)) == pages(made)


class OwnContext(importlib.import_module("haiden.runtime").Context):
    pass


class OwnEnvironment(haiden.Environment):
    context_class = OwnContext


@pytest.mark.parametrize("source", [
    "{% include 'part' %}", "{% import 'lib' as lib %}{{ lib.m() }}", "{% from 'lib' import m with context %}{{ m() }}",
    "{% include 'page' %}", "{% extends 'layout' %}{% block body %}{{ super() }}{{ thing.name }}{% endblock %}",
])  # fmt: skip
def test_contexts_of_ones_own_where_no_template_is_kept(source):
    sources = {**SOURCES, "lib": "{% macro m() %}m{{ range(2)|list }}{% endmacro %}"}
    made = [cls(loader=haiden.DictLoader(sources), cache_size=0) for cls in (haiden.Environment, OwnEnvironment)]
    expected, page = (each.from_string(source).render(thing=Thing()) for each in made)
    assert page == expected
