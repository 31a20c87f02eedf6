"""How templates ask for others: the same methods with the same arguments as in Jinja2; names that are no texts; slices."""

import jinja2
import jinja2.sandbox
import pytest
from markupsafe import Markup

import haiden
import haiden.sandbox

TEMPLATES = {"a": "A", "m": "{% macro f() %}F{% endmacro %}", "c": "{% extends 'a' %}"}
SOURCES = [
    "{% include 'a' %}{% include 'a' without context %}{% include 'zz' ignore missing %}",
    "{% include ['zz', 'a'] %}{% include ('zz', 'a') %}{% include ['zz'] ignore missing %}{% include [t] %}",
    "{% include 'a' ~ '' %}{% include 'a' if true %}{% include n %}{% include l %}{% include t %}",
    "{% include 'zz' %}",
    "{% include ['zz'] %}",
    "{% include [] %}",
    "{% include undef ignore missing %}",
    "{% include 1 %}",
    "{% include none %}",
    "{% import 'm' as m %}{{ m.f() }}{% from n2 import f with context %}{{ f() }}{% import tm as u %}{{ u.f() }}",
    "{% import 'zz' as m %}",
    "{% extends 'a' %}",
    "{% extends t %}",
    "{% extends n %}",
    "{% extends none %}",
    "{% for q in [1, 2] %}{% include 'a' %}{% include n %}{% endfor %}{% include 'c' %}",
    "{% macro z() %}{% include 'a' %}{% endmacro %}{{ z() }}",
]
HOOKS = ["get_template", "select_template", "get_or_select_template", "_load_template", "join_path", "handle_exception"]


def shown(value):
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    name = getattr(value, "name", None)
    return f"template {name}" if type(value).__name__ == "Template" else repr(value)


def asked(package, source, hooks, enable_async):
    """Two pages, and what was asked for."""
    log = []

    def method(name):
        original = getattr(package.Environment, name)

        def noted(self, *args, **kwargs):
            log.append((name, shown(args), sorted(kwargs)))
            return original(self, *args, **kwargs)

        return noted

    cls = type("Own", (package.Environment,), {name: method(name) for name in hooks})
    env = cls(loader=package.DictLoader({**TEMPLATES, "main": source}), enable_async=enable_async)
    template, part, macros = map(env.get_template, ["main", "a", "m"])
    log.clear()
    pages = []
    for _ in range(2):
        try:
            pages.append(template.render(n="a", n2="m", l=["zz", "a"], t=part, tm=macros))
        except Exception as error:
            pages.append((type(error).__name__, str(error)))
    return pages, log


@pytest.mark.parametrize("enable_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("hooks", [[name] for name in HOOKS] + [HOOKS, []], ids=lambda hooks: "+".join(hooks))
def test_what_is_asked_for(hooks, enable_async):
    for source in SOURCES:
        arguments = (source, hooks, enable_async)
        assert asked(haiden, *arguments) == asked(jinja2, *arguments), source


NAMES = [1, 1.5, None, ("a", 1), b"a", True, frozenset("a"), "", "a\0b", Markup("a")]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names_that_are_no_texts(name, tmp_path):
    sources = {key: f"{key!r}" for key in NAMES}

    def outcome(package):
        loaders = [
            package.DictLoader(sources),
            package.FunctionLoader(sources.get),
            package.ChoiceLoader([package.DictLoader({}), package.DictLoader(sources)]),
        ]
        if isinstance(name, str):
            loaders.append(package.FileSystemLoader(tmp_path))
        found = []
        for loader in loaders:
            env = package.Environment(loader=loader)
            for work in (env.get_template, lambda name, env=env: env.select_template([name])):
                try:
                    template = work(name)
                    found.append((template.name, template.render(), work(name) is template))
                except package.TemplateNotFound as error:
                    found.append((type(error).__name__, str(error), error.name, error.templates))
        return found

    assert outcome(haiden) == outcome(jinja2)


def test_a_file_that_cannot_be_named(tmp_path):
    for package in (jinja2, haiden):
        with pytest.raises(package.TemplateNotFound) as caught:
            package.Environment(loader=package.FileSystemLoader(tmp_path)).get_template("\ud800")
        assert caught.value.name == "\ud800"


OBJECTS = [[1, 2, 3], "abc", Markup("a<c"), {"a": 1}, 5, None, range(4), b"abc", {1}, 1.5, list]
SLICES = ["{{ x[1:2] }}", "{{ x[s] }}", "{{ x[s] is defined }}", "{{ x[::-1] }}", "{{ x[undef:] }}", "{{ x[1:2].y }}", "{{ x[::0] }}"]


@pytest.mark.parametrize("kind", ["plain", "sandboxed", "async", "strict"])
@pytest.mark.parametrize("value", OBJECTS, ids=repr)
def test_slices(value, kind):
    def outcome(package, source):
        options = {"async": {"enable_async": True}, "strict": {"undefined": package.StrictUndefined}}.get(kind, {})
        cls = package.sandbox.SandboxedEnvironment if kind == "sandboxed" else package.Environment
        try:
            return cls(**options).from_string(source).render(x=value, s=slice(0, 2))
        except Exception as error:
            return type(error).__name__, str(error)

    for source in SLICES:
        assert outcome(haiden, source) == outcome(jinja2, source), source
