"""Errors: classes, lines, and what user code raises."""

import gc
import threading
import traceback

import jinja2
import pytest

from haiden import DictLoader, _native, exceptions


class Bad:
    """Fails wherever it is touched."""

    def __init__(self, error):
        self.error = error

    def _fail(self, *args):
        raise self.error

    __str__ = __iter__ = __bool__ = __add__ = __lt__ = __call__ = __getitem__ = __len__ = _fail
    __html__ = _fail


@pytest.mark.parametrize(
    "source",
    [
        "{{ o }}",
        "{% for x in o %}{% endfor %}",
        "{% if o %}{% endif %}",
        "{{ o + 1 }}",
        "{{ o < 1 }}",
        "{{ o() }}",
        "{{ o['x'] }}",
        "{{ o|length }}",
        "{{ o|upper }}",
        "{{ [o]|join }}",
        "{{ f(o) }}",
        "{% macro m() %}{{ o }}{% endmacro %}{{ m() }}",
        "{% set x %}{{ o }}{% endset %}",
        "{% call f() %}{{ o }}{% endcall %}",
    ],
)
def test_user_exceptions_propagate(compile, source):
    class Mine(Exception):
        pass

    error = Mine("mine")

    def call(value=None, caller=None):
        return caller() if caller else str(value)

    program = compile("\n\n" + source, autoescape=True, name="page")
    for _ in range(2):
        with pytest.raises(Mine) as caught:
            program.render({"o": Bad(error), "f": call})
        assert caught.value is error
    shown = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    assert ("<template>", 3) in shown


def test_exception_in_an_iterator(compile):
    def numbers():
        yield 1
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        compile("{% for n in numbers %}{{ n }}{% endfor %}").render({"numbers": numbers()})


@pytest.mark.parametrize("source", ["{% if %}", "a\n{{ x", "{{ x|nofilter }}", "\n\n{{ x is notest }}", "{% block a %}{% endblock %}{% block a %}{% endblock %}"])
def test_compile_errors(compile, source):
    with pytest.raises(jinja2.TemplateSyntaxError) as expected:
        jinja2.Environment().from_string(source)
    with pytest.raises(exceptions.TemplateSyntaxError) as found:
        compile(source)
    assert type(found.value).__name__ == type(expected.value).__name__
    assert (found.value.message, found.value.lineno) == (expected.value.message, expected.value.lineno)


@pytest.mark.parametrize(
    "source",
    [
        "{{ x.y }}",
        "{{ d.x.y }}",
        "{{ x + 1 }}",
        "{{ x() }}",
        "{{ d.x() }}",
        "{{ d['x'].y }}",
        "{{ n.z.z }}",
        "{{ l[7] + 1 }}",
        "{% macro m(a) %}{{ a.b }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{% endmacro %}{{ m(1) }}",
        "{% macro m() %}{% endmacro %}{{ m(k=1) }}",
        "{% set x.y = 1 %}",
        "{% for a, b in l %}{% endfor %}",
        "{{ 1 // 0 }}",
        "{{ 'a' + 1 }}",
        "{{ [] < 1 }}",
    ],
)
def test_runtime_errors(compile, source):
    context = {"d": {}, "n": 3, "l": [(1, 2, 3)]}
    with pytest.raises(Exception) as expected:  # noqa: B017, PT011
        jinja2.Environment().from_string(source).render(context)
    with pytest.raises(Exception) as found:  # noqa: B017, PT011
        compile(source).render(context)
    assert type(found.value).__name__ == type(expected.value).__name__
    assert str(found.value) == str(expected.value)


def test_recursion(compile):
    with pytest.raises(RecursionError):
        compile("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").render({})
    program = compile("{% macro m() %}{{ f(m) }}{% endmacro %}{{ m() }}")
    with pytest.raises(RecursionError):
        program.render({"f": lambda macro: macro()})
    outer = compile("{{ f() }}")
    with pytest.raises(RecursionError):
        outer.render({"f": lambda: outer.render({"f": lambda: deep(outer)})})


def deep(program):
    return program.render({"f": lambda: deep(program)})


class Itself:
    def __init__(self, template):
        self.template = template

    def __str__(self):
        return self.template.render(s=self)


@pytest.mark.parametrize("size", [1 << 20, 256 << 10])
def test_recursion_on_a_small_stack(compile, size):
    """Threads have a fraction of the main thread's stack on some systems: the error comes before its end."""
    raised = []

    def run():
        calls, texts = compile("{{ f() }}"), compile("{% filter upper %}{{ [s]|map('string')|join }}{% endfilter %}")
        macro = compile("{% macro m(f) %}{% call(x) f() %}{% endcall %}{% endmacro %}")
        for action in (
            lambda: deep(calls),
            lambda: texts.render(s=Itself(texts)),
            lambda: endless(macro),
        ):
            with pytest.raises(RecursionError):
                action()
            raised.append(calls.render(f=lambda: "still works"))

    def endless(macro):
        return macro.module.m(lambda **_: endless(macro))

    before = threading.stack_size(size)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert raised == ["still works"] * 3


def test_missing_loader_and_template(compile):
    with pytest.raises(TypeError, match="no loader"):
        compile("{% include 'x' %}").render({})

    with pytest.raises(exceptions.TemplateNotFound):
        compile("{% include 'x' %}", loader=DictLoader({})).render({})
    assert compile("{% include 'x' ignore missing %}a", loader=DictLoader({})).render({}) == "a"
    with pytest.raises(exceptions.TemplatesNotFound, match="none of the templates given were found: x, y"):
        compile("{% include ['x', 'y'] %}", loader=DictLoader({})).render({})


def test_dict_that_changes_its_size(compile):
    d = {1: 1, 2: 2}
    program = compile("{% for k in d %}{{ f() }}{% endfor %}")
    with pytest.raises(RuntimeError, match="changed size"):
        program.render({"d": d, "f": lambda: d.update({len(d) + 10: 1})})


def test_list_that_changes(compile):
    items = [1, 2, 3]
    program = compile("{% for n in items %}{{ n }}{{ items.pop() }},{% endfor %}")
    assert program.render({"items": items}) == "13,22,"


def test_garbage_in(compile):
    image = compile("{}").environment.compile("{{ a }}{% for x in y %}{% endfor %}").to_bytes()
    for cut in range(0, len(image), 7):
        with pytest.raises(ValueError):  # noqa: PT011
            _native.Code.from_bytes(image[:cut])
    gc.collect()
