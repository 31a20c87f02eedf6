"""Overridden methods are called as Jinja2 calls them: the same calls in the same order, the same page."""

import importlib

import jinja2
import pytest
from conftest import environment as made

import haiden

TEMPLATES = {
    "page": (
        "{% extends 'layout' %}{% from 'macros' import m, n as other with context %}{% import 'macros' as lib with context %}{% block body %}"
        "{{ thing.name }}{{ thing['name'] }}{{ thing.items['k'] }}{{ thing.items.k }}{{ thing.gone }}{{ thing['gone'] }}"
        "{{ words[0] }}{{ words[-1] }}{{ words[0:1] }}{{ words.0 }}{{ pairs.a }}{{ pairs['b'] }}{{ f(1) }}{{ thing.call(2) }}"
        "{{ f(a=f(3)) }}{{ missing_name }}{{ missing_name is defined }}{{ thing.name is defined }}"
        "{% for w in words %}{{ loop.index }}{{ w.upper() }}{{ w[0] }}{% if loop.last %}{{ thing.name|default('d') }}{% endif %}{% endfor %}"
        "{{ m(thing.name) }}{{ lib.n(1) }}{{ other(2) }}{% call m('c') %}{{ thing.name }}{% endcall %}{% include 'part' %}"
        "{% set v = thing.name %}{{ v.upper() }}{{ thing.name ~ 1 }}{{ things|map(attribute='name')|join }}{{ thing|attr('name') }}"
        "{{ things|sum(attribute='n') }}{{ things|groupby('n')|length }}{{ super() }}{{ self.other() }}{% endblock %}"
    ),
    "layout": "[{% block body %}{{ thing.name }}{% endblock %}{% block other %}{{ words.0 }}{% endblock %}]",
    "macros": "{% macro m(a, b=2) %}{{ a.upper() }}{{ b }}{{ caller() if caller }}{{ varargs|length }}{% endmacro %}{% macro n(x) %}{{ x }}{{ thing.name }}{% endmacro %}",
    "short": "{{ thing.name }}{{ thing['name'] }}{{ words[0] }}{{ words.0 }}{{ thing.name|upper }}{{ things|map(attribute='name')|join }}",
    "part": "{{ thing.name }}{{ words|length }}{{ f(9) }}",
}


class Thing:
    n = 1

    def __init__(self, name):
        self.name, self.items = name, {"k": "v"}

    def call(self, value):
        return f"called {value}"

    def __repr__(self):
        return f"Thing {self.name}"


def context():
    thing = Thing("one")
    things = [thing, Thing("two")]
    return {"thing": thing, "things": things, "words": ["ab", "cd"], "pairs": {"a": 1, "b": 2}, "f": lambda *a, **k: f"f{a}{k}"}


def override(package, base, hooks, log):
    """A subclass whose methods note that they were called."""

    def method(name):
        original = getattr(base, name)

        def noted(self, *args, **kwargs):
            log.append((name, *map(shown, args)))
            return original(self, *args, **kwargs)

        return noted

    return type(base.__name__, (base,), {name: method(name) for name in hooks})


def shown(value):
    """What is the same in both."""
    if isinstance(value, (str, int, slice, type(None))):
        return repr(value)
    return repr(value) if isinstance(value, (Thing, list, dict, tuple)) else type(value).__name__


def outcome(package, kind, hooks, name="page", fast=True):
    """The page and the calls of an environment, or of its contexts or templates, with these methods overridden."""
    log = []
    options = {"loader": package.DictLoader(TEMPLATES)}
    if kind == "environment":
        cls = override(package, package.Environment, hooks, log)
    elif kind == "sandbox":
        base = importlib.import_module(f"{package.__name__}.sandbox").SandboxedEnvironment
        cls = override(package, base, hooks, log)
    else:
        base = importlib.import_module(f"{package.__name__}.runtime").Context
        cls = type("E", (package.Environment,), {"context_class": override(package, base, hooks, log)})
    env = cls(**options) if fast else slow(cls, options)
    pages = [env.get_template(name).render(context()) for _ in range(2)]
    pages.append("".join(env.get_template(name).generate(context())))
    return pages, log


def slow(cls, options):
    """Without the fast roads."""
    import os

    before = os.environ.get("HAIDEN_NO_FAST", "")
    os.environ["HAIDEN_NO_FAST"] = "1"
    try:
        env = cls(**options)
        if hasattr(env, "_machine_settings"):
            env._machine_settings()
        return env
    finally:
        os.environ["HAIDEN_NO_FAST"] = before


EXACTLY = [
    ("environment", ["getattr"]),
    ("environment", ["getitem"]),
    ("environment", ["getattr", "getitem"]),
    ("environment", ["join_path"]),
    ("context", ["resolve_or_missing"]),
    ("context", ["call"]),
    ("sandbox", ["call"]),
    ("sandbox", ["is_safe_attribute"]),
    ("sandbox", ["is_safe_callable"]),
    ("sandbox", ["getattr", "getitem"]),
    ("sandbox", ["wrap_str_format"]),
]


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "slow"])
@pytest.mark.parametrize("kind, hooks", EXACTLY)
def test_calls_are_jinjas(kind, hooks, fast):
    pages, log = outcome(haiden, kind, hooks, fast=fast)
    expected, wanted = outcome(jinja2, kind, hooks)
    assert pages == expected
    # What belongs to the engine goes past them: loops and their fields, blocks, and macros past an overridden `Context.call`.
    own = {"LoopContext", "BlockReference", *(["Macro"] if kind == "context" else [])}
    fields = {"1", "2", "True", "False"} if hooks == ["wrap_str_format"] else set()
    log, wanted = ([call for call in calls if call[1] not in own | fields and call[-1] != "BlockReference"] for calls in (log, wanted))
    if hooks == ["resolve_or_missing"]:
        # Jinja2 looks a name up once in each function that it generates.
        log, wanted = sorted(set(log)), sorted(set(wanted))
    assert log == wanted
    assert log


@pytest.mark.parametrize(
    "kind, hooks",
    [
        ("environment", ["get_template", "_load_template"]),
        ("environment", ["select_template"]),
        ("environment", ["make_globals"]),
        ("environment", ["preprocess"]),
        ("environment", ["_tokenize"]),
        ("environment", ["_parse"]),
        ("environment", ["_generate"]),
        ("environment", ["_compile"]),
        ("environment", ["iter_extensions"]),
        ("environment", ["compile"]),
        ("context", ["resolve"]),
        ("context", ["get_all"]),
        ("context", ["super"]),
    ],
)
def test_pages_are_the_same(kind, hooks):
    """Whoever is asked less often than by Jinja2: what comes out is the same."""
    pages, _ = outcome(haiden, kind, hooks)
    expected, _ = outcome(jinja2, kind, hooks)
    assert pages == expected


HOOKS = {
    "getattr": lambda self, obj, name: f"<{name}>",
    "getitem": lambda self, obj, name: f"[{name}]",
}


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("way", ["class", "instance", "later", "mixin"])
def test_ways_to_override(name, way):
    """In a class, in the instance, after templates were compiled, in a class beside."""

    def page(package):
        hook = HOOKS[name]
        if way == "mixin":
            cls = type("E", (type("Mixin", (), {name: hook}), package.Environment), {})
        else:
            cls = type("E", (package.Environment,), {name: hook} if way == "class" else {})
        env = cls(loader=package.DictLoader(TEMPLATES))
        template = env.get_template("short")
        if way == "later":
            template.render(context())
        if way in ("instance", "later"):
            setattr(env, name, hook.__get__(env))
        return template.render(context())

    assert page(haiden) == page(jinja2)


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "slow"])
def test_a_hook_that_raises_raises(fast):
    class Mine(Exception):
        pass

    class E(haiden.Environment):
        def getattr(self, obj, attribute):
            raise Mine

    env = E() if fast else slow(E, {})
    with pytest.raises(Mine):
        env.from_string("{{ x.y }}").render(x=1)
    assert made(fast).from_string("{{ x.y }}").render(x={"y": 1}) == "1"


def test_undefined_with_a_constructor_of_its_own():
    def page(package):
        log = []

        class Mine(package.Undefined):
            def __init__(self, hint=None, obj=None, name=None, exc=package.UndefinedError):
                log.append((hint, shown(obj), name))
                super().__init__(hint, obj, name, exc)

            def __str__(self):
                return f"?{self._undefined_name}?"

        env = package.Environment(loader=package.DictLoader(TEMPLATES), undefined=Mine)
        return env.get_template("page").render(context()), sorted(map(str, log))

    ours, theirs = page(haiden), page(jinja2)
    assert ours[0] == theirs[0]


def test_template_classes():
    def page(package):
        class Mine(package.Template):
            def render(self, *args, **kwargs):
                return f"({super().render(*args, **kwargs)})"

            def new_context(self, *args, **kwargs):
                found = super().new_context(*args, **kwargs)
                found.vars["words"] = ["own"]
                return found

        env = package.Environment(loader=package.DictLoader(TEMPLATES))
        env.template_class = Mine
        template = env.get_template("part")
        return type(template).__name__, template.render(context())

    assert page(haiden) == page(jinja2)
