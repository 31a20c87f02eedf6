"""What programs set on templates, and variables that are no keywords: as in Jinja2."""

import collections
import types

import jinja2
import pytest

import haiden

SOURCES = {
    "a": "{{ x }}{{ g }}{% block b %}B{{ x }}{{ g }}{% endblock %}",
    "child": "{% extends 'a' %}{% block b %}C{{ super() }}{{ g }}{% endblock %}",
    "page": "[{% include 'a' %}]{% import 'lib' as lib %}{{ lib.f() }}",
    "lib": "{% macro f() %}m{{ g }}{% endmacro %}",
    "set": "{% set y %}<{{ x }}{% endset %}{{ y }}{{ x }}{% macro m() %}<{% endmacro %}{{ m() }}",
}


def environment(package, **options):
    env = package.Environment(loader=package.DictLoader(SOURCES), **options)
    env.globals["g"] = "G"
    return env


def same(work):
    """Both engines do the same."""

    def outcome(package):
        try:
            return work(package)
        except Exception as error:
            return type(error).__name__, str(error)

    expected = outcome(jinja2)
    assert outcome(haiden) == expected
    return expected


GLOBALS = {
    "dict": lambda: {"g": "new"},
    "chain": lambda: collections.ChainMap({"g": 1}, {"x": 2}),
    "long chain": lambda: collections.ChainMap({}, {"g": 1}, {"x": 2}),
    "mapping": lambda: types.MappingProxyType({"g": 3}),
    "none": lambda: None,
    "empty": dict,
}


@pytest.mark.parametrize("kind", GLOBALS)
@pytest.mark.parametrize("before", [False, True], ids=["unused", "used"])
def test_globals_that_are_set(kind, before):
    def work(package):
        env = environment(package)
        template = env.get_template("a")
        if before:
            template.render(x=1)
        template.globals = GLOBALS[kind]()
        page = env.get_template("page").render(x=1)
        return template.render(x=1), "".join(template.generate(x=2)), env.get_template("child").render(x=3), page

    same(work)


def test_globals_that_are_changed_after_they_were_set():
    def work(package):
        template = environment(package).get_template("a")
        template.globals = known = {"g": 1}
        first = template.render()
        known["g"] = 2
        template.globals["x"] = 3
        return first, template.render(), template.globals is known

    same(work)


def test_a_root_function_that_is_set():
    def work(package):
        env = environment(package)
        template = env.get_template("child")
        original = template.root_render_func

        def root(context):
            yield "<"
            yield from original(context)
            yield ">"

        template.root_render_func = root
        return template.render(x=1), "".join(template.generate(x=2)), str(template.make_module({"x": 3}))

    assert same(work)[0] == "<1GCB1GG>"


def test_blocks_that_are_set():
    def work(package):
        env = environment(package)
        template = env.get_template("a")
        template.blocks = dict(template.blocks)
        return template.render(x=1), list(template.blocks)

    same(work)


def test_other_attributes():
    template = haiden.Template("{{ x }}")
    template.extra = 1
    assert template.extra == 1
    del template.extra
    with pytest.raises(AttributeError):
        template.extra  # noqa: B018
    with pytest.raises(AttributeError):
        del template.extra
    assert template.render(x=1) == "1"


@pytest.mark.parametrize("before, after", [(True, False), (False, True), (False, lambda name: name == "set")])
def test_autoescape_that_is_changed(before, after):
    def work(package):
        env = environment(package, autoescape=before)
        template = env.get_template("set")
        first = template.render(x="<")
        env.autoescape = after
        return first, template.render(x="<"), "".join(template.generate(x="<")), env.get_template("set").render(x="<")

    same(work)


class Keys:
    def keys(self):
        return ["x", 1]

    def __getitem__(self, key):
        return key


VARIABLES = {
    "int": lambda: {1: 2},
    "mixed": lambda: {"x": 3, 1: 2},
    "gone": lambda: {key: 1 for key in ("x", 1) if key != 1},
    "none": lambda: {None: 1, "x": 2},
    "bytes": lambda: {b"x": 1},
    "class": lambda: {type("S", (str,), {})("x"): 1},
    "pairs": lambda: [("x", 1), (2, 2)],
    "keys": Keys,
    "proxy": lambda: types.MappingProxyType({"x": 1, (1, 2): 2}),
    "self": lambda: {"self": 1, "x": 2},
    "arguments": lambda: {"args": 1, "kwargs": 2, "context": 3, "x": 4},
}


@pytest.mark.parametrize("enable_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("kind", VARIABLES)
def test_variables_that_are_no_names(kind, enable_async):
    def positional(package):
        return environment(package, enable_async=enable_async).get_template("a").render(VARIABLES[kind]())

    def with_keywords(package):
        return environment(package, enable_async=enable_async).get_template("a").render(VARIABLES[kind](), y=1)

    def named(package):
        return environment(package, enable_async=enable_async).get_template("a").render(**dict(VARIABLES[kind]()))

    def generated(package):
        return "".join(environment(package).get_template("a").generate(VARIABLES[kind]()))

    for work in (positional, with_keywords, generated):
        same(work)
    if kind in ("self", "arguments", "class", "gone"):
        same(named)


def test_an_emptied_dict_of_numbers_is_a_dict_of_names():
    variables = {1: 2, "x": 3}
    del variables[1]
    assert haiden.Template("{{ x }}").render(variables) == "3"
