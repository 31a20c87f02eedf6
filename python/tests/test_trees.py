"""Trees: what the Python parser reads compiles to the same code; trees of user code; hostile trees."""

import asyncio
import functools
import gc
import importlib
import json
import pathlib
import re
import traceback
import weakref

import jinja2.nativetypes
import pytest

import haiden
from haiden import _native, nodes
from haiden.compiler import CodeGenerator
from haiden.ext import Extension
from haiden.parser import Parser

CORPUS = pathlib.Path(__file__).parents[2] / "corpus"


class ByTree(haiden.Environment):
    """An environment whose templates go through the Python parser."""

    def _parse(self, source, name, filename):
        return super()._parse(source, name, filename)


# ---- both parsers ------------------------------------------------------------------------------------------------


def options_of(case):
    """The options of a case that decide how its templates compile."""
    options = {name: value for name, value in case.get("options", {}).items() if name != "undefined"}
    options["extensions"] = [name.replace("jinja2.", "haiden.") for name in options.get("extensions", ())]
    if options["extensions"]:
        # `debug` makes its environment one whose templates Python parses.
        options["extensions"] = [name for name in options["extensions"] if not name.endswith("debug")]
    return options


def instructions(code):
    """The instructions of a template, each with the line it comes from."""
    line = "0"
    listed = []
    for row in code.disassemble().splitlines():
        place = re.match(r" *(\d+):\d+ ", row)
        if place:
            line = place[1]
        listed.append((line, re.sub(r"\d+:\d+", "", row).strip()))
    return listed


def compiled(make, source):
    try:
        return instructions(make.compile(source))
    except Exception as error:  # noqa: BLE001
        return type(error).__name__, str(error)


def sources():
    for path in [*sorted((CORPUS / "render").glob("*.json")), CORPUS / "syntax" / "lex_parse.json"]:
        for number, case in enumerate(json.loads(path.read_text())):
            options = options_of(case)
            for name, source in {"": case["template"], **case.get("templates", {})}.items():
                yield pytest.param(options, source, id=f"{path.stem}-{number}-{name}")


@functools.cache
def environments(options):
    return tuple(cls(**json.loads(options)) for cls in (haiden.Environment, ByTree))


@pytest.mark.parametrize("options, source", list(sources()))
def test_both_parsers_make_the_same_code(options, source):
    native, by_tree = environments(json.dumps(options))
    assert native._machine_settings().compiles_source(source)
    assert not by_tree._machine_settings().compiles_source(source)
    assert compiled(by_tree, source) == compiled(native, source)


# ---- trees of user code ------------------------------------------------------------------------------------------


def render(body, env=None, /, **variables):
    env = haiden.Environment() if env is None else env
    return env.from_string(nodes.Template(body, lineno=1)).render(**variables)


def name(text, ctx="load"):
    return nodes.Name(text, ctx, lineno=1)


def call(function, *args):
    return nodes.Call(function, list(args), [], None, None, lineno=1)


class Marked:
    """An object that no image can hold."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


@pytest.mark.parametrize(
    "node, expected",
    [
        (nodes.Const(Marked("<m>")), "&lt;m&gt;"),
        (nodes.Const({"a": [1, (2, None)], "b": 1j}), "{&#39;a&#39;: [1, (2, None)], &#39;b&#39;: 1j}"),
        (nodes.Const(10**30), "1" + "0" * 30),
        (nodes.Const(float("inf")), "inf"),
        (nodes.Const(...), "Ellipsis"),
        (nodes.TemplateData("<b>\ud800"), "<b>\ud800"),
        (nodes.MarkSafe(nodes.Const("<")), "<"),
        (nodes.ImportedName("html.escape"), "html.escape"),
        (call(nodes.ImportedName("html.escape"), nodes.Const("<")), "&amp;lt;"),
        (call(nodes.ImportedName("os.path.basename"), nodes.Const("a/b")), "b"),
        (call(nodes.EnvironmentAttribute("helper"), nodes.Const(2)), "42"),
        (nodes.Getattr(nodes.ContextReference(), "name", "load"), "None"),
        (nodes.Compare(nodes.Const(1), []), "1"),
        (nodes.Concat([nodes.Const(1)]), "1"),
        (nodes.Getitem(nodes.Const([1, 2, 3]), nodes.Slice(nodes.Const(1), None, None), "load"), "[2, 3]"),
    ],
)
def test_expressions(node, expected):
    env = haiden.Environment(autoescape=True)
    env.helper = lambda number: number + 40
    if isinstance(node, nodes.ImportedName):
        node = nodes.Filter(node, "string", [], [], None, None)
        expected = "&lt;function escape"
    assert render([nodes.Output([node])], env).startswith(expected)


def test_an_internal_name_is_a_variable_that_nobody_sees():
    seen = []
    env = haiden.Environment()
    env.globals["see"] = haiden.pass_context(lambda context: seen.append(context.get_all()) or "")
    hidden = Parser(env, "").free_identifier()
    body = [
        nodes.Assign(hidden, nodes.Const(5)),
        nodes.Output([hidden, call(name("see"))]),
        nodes.For(hidden, nodes.Const([1, 2]), [nodes.Output([hidden])], [], None, False),
    ]
    template = env.from_string(nodes.Template(body, lineno=1))
    assert template.render() == "512"
    assert all("fi1" not in key for key in seen[0])
    assert [key for key in vars(template.module) if "fi1" in key] == []


def test_scopes_of_extensions():
    body = [
        nodes.Assign(name("a", "store"), nodes.Const("outer")),
        nodes.For(
            name("i", "store"),
            nodes.Const([1, 2]),
            [
                nodes.OverlayScope(
                    nodes.Dict([nodes.Pair(nodes.Const("x"), name("i")), nodes.Pair(nodes.Const("y"), name("zz"))]),
                    [
                        nodes.Output([name("x"), name("y"), name("a"), name("i"), nodes.Const("|")]),
                        nodes.Assign(name("a", "store"), nodes.Const("inner")),
                        nodes.Output([name("a")]),
                    ],
                )
            ],
            [],
            None,
            False,
        ),
        nodes.Output([name("a"), name("x")]),
    ]
    assert render(body, zz="z") == "1zouter1|inner2zouter2|innerouter"


def test_the_evaluation_context_changes():
    escape = nodes.Keyword("autoescape", nodes.Const(True))
    body = [
        nodes.Output([name("a")]),
        nodes.ScopedEvalContextModifier([escape], [nodes.Output([name("a")])]),
        nodes.Output([name("a")]),
        nodes.EvalContextModifier([escape]),
        nodes.Output([name("a"), nodes.MarkSafeIfAutoescape(name("a"))]),
    ]
    assert render(body, a="<") == "<&lt;<&lt;<"


def test_a_changed_tree():
    env = haiden.Environment()
    tree = env.parse("{% for x in items %}{{ x }}{% endfor %}{{ 'a' ~ b }}")
    for node in tree.find_all(nodes.Name):
        if node.name == "b":
            node.name = "c"
    tree.body.append(nodes.Output([nodes.Const("!")]))
    assert env.from_string(tree).render(items=[1, 2], b="b", c="c") == "12ac!"
    assert env.from_string(tree).render(items=[], c="d") == "ad!"


class Cached(Extension):
    """A tag with a body that a method gets, and one that reads attributes."""

    tags = {"cached"}
    prefix = "p:"

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        args = [parser.parse_expression(), self.attr("prefix"), nodes.DerivedContextReference()]
        body = parser.parse_statements(("name:endcached",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_run", args), [], [], body).set_lineno(lineno)

    def _run(self, key, prefix, context, caller):
        return f"[{prefix}{key}:{context['i']}:{caller()}]"


def test_an_extension_in_the_middle_of_a_template():
    env = haiden.Environment(extensions=[Cached])
    source = "{% for i in 'ab' %}{% cached i ~ 1 %}{{ i }}{{ loop.index }}{% endcached %}{% endfor %}"
    assert env.from_string(source).render() == "[p:a1:a:a1][p:b1:b:b2]"
    overlay = env.overlay(trim_blocks=True)
    assert overlay.from_string(source).render() == "[p:a1:a:a1][p:b1:b:b2]"


def test_a_subclass_of_the_parser():
    class Loud(Parser):
        def parse_compare(self):
            return nodes.Not(super().parse_compare())

    env = haiden.Environment()
    parser = Loud(env, "a and b", state="variable")
    expression = parser.parse_expression()
    assert parser.stream.eos
    assert render([nodes.Output([expression])], env, a=0, b=0) == "True"


def test_a_code_generator_that_writes_something_else():
    class Shouting(CodeGenerator):
        def visit_Const(self, node, frame):
            if isinstance(node.value, str):
                self.write(repr(node.value.upper()))
            else:
                super().visit_Const(node, frame)

    class Shout(haiden.Environment):
        code_generator_class = Shouting

    source = (
        "{% macro m(a) %}{{ a }}{% endmacro %}"
        "{% for x in 'ab' if x %}{{ m(x) }}{{ loop.index }}{% endfor %}{{ foo.bar }}"
    )
    assert Shout(optimized=False).from_string(source).render(foo={"bar": 1}) == "A1B21"


def test_hooks_see_the_listing():
    seen = []

    class Watching(haiden.Environment):
        def _compile(self, source, filename):
            seen.append(source)
            return super()._compile(source, filename)

    assert Watching().from_string("{{ a }}<").render(a=1) == "1<"
    assert "l_0_a = resolve('a')" in seen[0]


# ---- what is refused ---------------------------------------------------------------------------------------------


def nested(depth):
    node = nodes.Const(1)
    for _ in range(depth):
        node = nodes.Neg(node)
    return [nodes.Output([node])]


def nested_statements(depth):
    body = [nodes.Output([nodes.Const(1)])]
    for _ in range(depth):
        body = [nodes.Scope(body)]
    return body


def endless():
    node = nodes.List([])
    node.items.append(node)
    return [nodes.Output([node])]


def endless_constant():
    value = []
    value.append(value)
    return [nodes.Output([nodes.Const(value)])]


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: nested(400), None),
        (lambda: nested(100_000), RecursionError),
        (lambda: nested_statements(90), None),
        (lambda: nested_statements(100_000), RecursionError),
        (lambda: endless(), RecursionError),
        (lambda: endless_constant(), RecursionError),
        (lambda: [object()], TypeError),
        (lambda: [nodes.Name("a", "load")], TypeError),
        (lambda: [nodes.Output([object()])], TypeError),
        (lambda: [nodes.Output([nodes.Name(5, "load")])], TypeError),
        (lambda: [nodes.Output([nodes.Name("a", "elsewhere")])], ValueError),
        (lambda: [nodes.Output([nodes.Name("\ud800", "load")])], UnicodeEncodeError),
        (lambda: [nodes.Output([nodes.Compare(nodes.Const(1), [nodes.Operand("is", nodes.Const(1))])])], ValueError),
        (lambda: [nodes.Output(5)], TypeError),
        (lambda: [nodes.If()], AttributeError),
        (lambda: [nodes.Assign(nodes.Const(1), nodes.Const(1))], TypeError),
        (lambda: [nodes.Assign(nodes.Getattr(nodes.Name("a", "load"), "b", "store"), nodes.Const(1))], TypeError),
        (lambda: [nodes.For(nodes.NSRef("a", "b"), nodes.Const([]), [], [], None, False)], ValueError),
        (lambda: [nodes.Macro("m", [], [nodes.Const(1)], [])], ValueError),
        (lambda: [nodes.CallBlock(nodes.Const(1), [], [], [])], TypeError),
        (lambda: [nodes.FilterBlock([], nodes.Const(1))], TypeError),
        (lambda: [nodes.Break()], SyntaxError),
        (lambda: [nodes.OverlayScope(nodes.Const(5), [])], AttributeError),
        (lambda: [nodes.Output([nodes.ExtensionAttribute("no.such", "thing")])], KeyError),
        (lambda: [nodes.Output([nodes.EnvironmentAttribute("no_such")])], AttributeError),
        (lambda: [nodes.Output([nodes.ImportedName("no_such_module.thing")])], ModuleNotFoundError),
        (lambda: [nodes.Output([nodes.Filter(None, "upper", [], [], None, None)])], haiden.TemplateRuntimeError),
        (
            lambda: [nodes.Output([nodes.Filter(nodes.Const(1), "nope", [], [], None, None, lineno=1)])],
            haiden.TemplateError,
        ),
    ],
)
def test_hostile_trees(make, error):
    if error is None:
        render(make())
    else:
        with pytest.raises(error):
            render(make())


def test_fields_of_other_kinds_do_no_harm():
    """A name that is only read as a target, too many targets, an `elif` with arms of its own."""
    assert render([nodes.Assign(name("a"), nodes.Const(1)), nodes.Output([name("a")])]) == "1"
    with_ = nodes.With([name("a", "load"), name("b", "load")], [nodes.Const(1)], [nodes.Output([name("a")])])
    assert render([with_]) == "1"
    arm = nodes.If(name("no"), [], [], [nodes.Output([nodes.Const("x")])])
    assert render([nodes.If(name("no"), [], [arm], [nodes.Output([nodes.Const("else")])])]) == "else"


# ---- objects in trees --------------------------------------------------------------------------------------------


def test_what_holds_objects_is_no_bytes():
    env = haiden.Environment()
    code = env.compile(nodes.Template([nodes.Output([nodes.Const(Marked("m"))])], lineno=1))
    assert not code.is_portable
    with pytest.raises(ValueError, match="only this process"):
        code.to_bytes()
    plain = env.compile(nodes.Template([nodes.Output([nodes.Const("m")])], lineno=1))
    assert _native.Code.from_bytes(plain.to_bytes()).disassemble() == plain.disassemble()


def test_objects_go_with_their_template():
    kept = Marked("m")
    env = haiden.Environment()
    template = env.from_string(nodes.Template([nodes.Output([nodes.Const(kept)])], lineno=1))
    kept.ring = template
    gone = weakref.ref(kept)
    assert template.render() == "m"
    del kept, template
    gc.collect()
    assert gone() is None


# ---- code generators of one's own ------------------------------------------------------------------------------------


def own_generator(base, env_class, **options):
    """An environment with a code generator of the user's, which changes nothing."""

    class Generator(base):
        pass

    class Own(env_class):
        code_generator_class = Generator

    return Own(**options)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 42 }}",
        "{{ x }}",
        "{{ x }}{{ x }}",
        "{{ [1, x] }}",
        "{{ 'a' }}",
        "a{{ 1 }}",
        "{{ none }}",
        "",
        "{% if x %}{{ {'a': x} }}{% endif %}",
        "{{ o }}",
        "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(3) }}",
        "{% set y %}{{ 1 }}{% endset %}{{ y }}",
        "{{ missing }}",
    ],
)
@pytest.mark.parametrize("finalize", [None, lambda value: value if value != 3 else [value]])
def test_a_native_code_generator(source, finalize):
    from haiden.nativetypes import NativeCodeGenerator, NativeEnvironment

    variables = {"x": 3, "o": object()}
    oracle = jinja2.nativetypes.NativeEnvironment(finalize=finalize).from_string(source).render(variables)
    env = own_generator(NativeCodeGenerator, NativeEnvironment, finalize=finalize)
    result = env.from_string(source).render(variables)
    assert repr(result) == repr(oracle)


GENERATED = {
    "page": "A{{ x }}{{ 41 }}{% macro m(a) %}<{{ a }}{{ a }}{% for i in [1, 2] %}{{ i }}{% endfor %}>{% endmacro %}{{ m(3) }}"
    "{% filter upper %}q{{ x }}{% endfilter %}{% set z %}s{{ x }}{% endset %}{{ z }}",
    "child": "{% extends 'base' %}{% block b %}{{ super() }}x{{ 41 }}{{ self.c() }}{% endblock %}",
    "base": "[{% block b %}base{% endblock %}{% block c %}c{% endblock %}]",
    "importing": "{% include 'page' %}{% import 'page' as p with context %}{{ p.m(1) }}{% include 'page' without context %}",
    "call": "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}hi{% endcall %}",
    "loop": "{% for x in [[1, [2]], [3]] recursive %}{{ loop.index }}{{ loop(x) if x is iterable }}{% endfor %}",
}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("name", GENERATED)
def test_code_generators_with_overridden_methods(name, is_async):
    """What they write runs by every method of a template, and methods are called for what Jinja2 calls them for."""

    def pages(package):
        class Generator(importlib.import_module(f"{package.__name__}.compiler").CodeGenerator):
            def visit_Const(self, node, frame):
                if node.value == 41:
                    self.write("1 + ")
                super().visit_Const(node, frame)

            def simple_write(self, s, frame, node=None):
                self.writeline(f"yield '!'; yield {s}", node)

        class Own(package.Environment):
            code_generator_class = Generator

        env = Own(loader=package.DictLoader(GENERATED), enable_async=is_async, optimized=False)
        template = env.get_template(name)
        yield template.render(x=1)
        yield "".join(template.generate(x=1))
        if is_async:
            yield asyncio.run(template.render_async(x=1))

            async def body():
                module = await template.make_module_async({"x": 1})
                return str(module)

            yield asyncio.run(body())
        else:
            yield str(template.make_module({"x": 1}))

    before = haiden.statistics()[1]
    found = list(pages(haiden))
    assert haiden.statistics()[1] == before + (2 if is_async else 1)
    assert found == list(pages(jinja2))


@pytest.mark.parametrize("debug_info", [None, "", "3=5&4=6"])
def test_code_that_says_nothing_of_its_lines(debug_info):
    """An error in it is the error that it is."""
    code = f"""
name, blocks, debug_info = "page", {{}}, {debug_info!r}

def root(context):
    yield "a"
    yield context["x"] / 0
"""

    def outcome(package):
        env = package.Environment()
        template = package.Template.from_code(env, compile(code, "page.html", "exec"), env.globals)
        with pytest.raises(ZeroDivisionError) as caught:
            template.render(x=1)
        lines = [frame.lineno for frame in traceback.extract_tb(caught.tb) if frame.filename == "page.html"]
        return template.debug_info, template._debug_info, template.get_corresponding_lineno(6), lines

    assert outcome(haiden) == outcome(jinja2)


def test_macros_are_macros_whoever_compiled_them():
    from haiden.compiler import CodeGenerator
    from haiden.runtime import Macro, TemplateReference

    class Mine(Macro):
        pass

    source = "{% macro m() %}{% endmacro %}{{ f(m) }}{{ g(self) }}{{ f(f) }}"
    for env in (haiden.Environment(), own_generator(CodeGenerator, haiden.Environment)):
        template = env.from_string(source)
        page = template.render(f=lambda m: isinstance(m, Macro), g=lambda self: isinstance(self, TemplateReference))
        assert page == "TrueTrueFalse"
        module = env.from_string("{% macro m() %}{% endmacro %}").module
        assert issubclass(type(module.m), Macro)
        assert not isinstance(module.m, Mine)
    assert isinstance(Mine(env, str, "mine", [], False, False, False), (Macro, Mine))
