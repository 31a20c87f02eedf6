"""Tracebacks show templates: files, lines and names as Jinja2's, to whoever looks at them."""

import bdb
import gc
import io
import linecache
import pdb
import traceback
import types
import weakref

import jinja2
import pytest

import haiden

TEMPLATES = {
    "root.html": "one\n{{ fail() }}\n",
    "block.html": "{% extends 'layout.html' %}\n{% block body %}\n\n{{ fail() }}{% endblock %}",
    "macro.html": "{% macro m(x) %}\n\n{{ fail(x) }}{% endmacro %}\n{{ m(1) }}",
    "include.html": "\n{% include 'root.html' %}",
    "import.html": "{% import 'macro.html' as m %}",
    "loop.html": "{% for x in [1] %}\n{{ x }}{{ fail() }}\n{% endfor %}",
    "recursive.html": "{% for x in [[[]]] recursive %}\n{{ loop(x) if x else fail() }}{% endfor %}",
    "call.html": "{% macro m() %}{{ caller() }}{% endmacro %}\n{% call m() %}\n{{ fail() }}{% endcall %}",
    "super.html": "{% extends 'base.html' %}\n{% block b %}{{ super() }}{% endblock %}",
    "base.html": "{% block b %}\n{{ fail() }}{% endblock %}",
    "filter.html": "\n\n{{ 1|broken }}",
    "attribute.html": "\n{{ none.x.y }}",
    "zero.html": "{% set x = 0 %}\n{{ 1 // x }}",
    "set.html": "{% set x %}\n{{ fail() }}{% endset %}",
    "set_and_extend.html": "{% extends 'middle.html' %}\n{% set x = 1 %}\n{% macro m() %}{% endmacro %}\n\n{% block body %}{{ fail() }}{% endblock %}",
    "extend_and_fail.html": "\n{% extends 'root.html' %}\n{% block x %}{% endblock %}",
    "include_and_extend.html": "\n\n{% include 'block.html' %}",
    "import_and_extend.html": "\n{% import 'block.html' as m %}",
}
SOUND = {
    "layout.html": "<html>\n{% block body %}{% endblock %}",
    "middle.html": "{% extends 'layout.html' %}\n",
}
SYNTAX = {"if.html": "a\n{% if %}", "open.html": "\n\n{{ x", "nofilter.html": "\n{{ x|nothing }}", "tag.html": "{% nothing %}"}


class Broken(Exception):
    pass


def fail(*_):
    raise Broken("mine")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("templates")
    for name, source in {**TEMPLATES, **SOUND, **SYNTAX}.items():
        (found / name).write_text(source)
    return found


def environment(package, folder):
    env = package.Environment(loader=package.FileSystemLoader(folder))
    env.globals["fail"] = env.filters["broken"] = fail
    return env


def failure(package, folder, name):
    """The exception of a template."""
    try:
        environment(package, folder).get_template(name).render()
    except Exception as error:
        return error
    raise AssertionError("it fails")


def frames(error, folder):
    """The frames of templates: file, line, name, text."""
    found = traceback.extract_tb(error.__traceback__)
    return [(frame.filename, frame.lineno, frame.name, frame.line) for frame in found if str(folder) in frame.filename]


# Jinja2's functions of recursive loops and of `call` blocks are called through Python frames of its own.
@pytest.mark.parametrize("name", [*TEMPLATES, *SYNTAX])
def test_frames(name, folder):
    ours, theirs = failure(haiden, folder, name), failure(jinja2, folder, name)
    assert (type(ours).__name__, str(ours)) == (type(theirs).__name__, str(theirs))
    assert frames(ours, folder) == frames(theirs, folder)


@pytest.mark.parametrize("name", TEMPLATES)
def test_streams_show_the_same(name, folder):
    template = environment(haiden, folder).get_template(name)
    with pytest.raises(Exception) as caught:
        list(template.generate())
    assert frames(caught.value, folder) == frames(failure(haiden, folder, name), folder)


def test_what_is_printed(folder):
    """Lines of templates stand in it; frames of the engine do not."""
    text = "".join(traceback.format_exception(failure(haiden, folder, "block.html")))
    assert f"File \"{folder}/block.html\", line 4, in block 'body'\n    {{{{ fail() }}}}{{% endblock %}}" in text
    assert f'File "{folder}/layout.html", line 2, in top-level template code' in text
    assert "_traces" not in text


def test_a_template_without_a_file():
    with pytest.raises(Broken) as caught:
        haiden.Environment().from_string("\n{{ fail() }}").render(fail=fail)
    found = [(str(frame.path), frame.lineno + 1) for frame in caught.traceback]
    assert ("<template>", 2) in found


def test_debuggers_walk_through_it(folder):
    """Post mortem, as `pdb.pm()` and the debuggers of web frameworks do it: frames with code, line, names, source."""
    error = failure(haiden, folder, "include.html")
    debugger = pdb.Pdb(stdin=io.StringIO(), stdout=io.StringIO())
    debugger.reset()
    stack, _ = bdb.Bdb.get_stack(debugger, None, error.__traceback__)
    found = [(frame, line) for frame, line in stack if str(folder) in frame.f_code.co_filename]
    assert [line for _, line in found] == [2, 2]
    for frame, line in found:
        assert isinstance(frame, types.FrameType)
        assert frame.f_code.co_name == "top-level template code"
        assert frame.f_globals["__file__"] == frame.f_code.co_filename
        # Sentry and others ask this for the lines around.
        assert linecache.getline(frame.f_code.co_filename, line)
        assert frame.f_locals is not None
    assert eval("1 + 1", found[0][0].f_globals, found[0][0].f_locals) == 2


VARIABLES = {
    "given.html": "{{ fail() }}",
    "published.html": "{% set a = 1 %}{% set b %}two{% endset %}\n{{ fail() }}",
    "parameters.html": "{% macro m(p, q=3) %}{{ fail() }}{% endmacro %}\n{{ m(1) }}",
    "unused.html": "{% macro m(p) %}{{ fail() }}{% endmacro %}\n{% set a = 1 %}{% macro n(p) %}{% endmacro %}{{ m(p=a) }}",
    "body.html": "{% macro m() %}{{ caller(3) }}{% endmacro %}\n{% call(u) m() %}{{ fail() }}{% endcall %}",
    "included.html": "{% for x in [7] %}{% with w = 8 %}{% include 'given.html' %}{% endwith %}{% endfor %}",
    "imported.html": "{% set a = 1 %}{% import 'parameters.html' as m with context %}",
    "child.html": "{% extends 'parent.html' %}{% set top = 1 %}{% block b %}\n{% set z = 2 %}{{ fail() }}{% endblock %}",
    "parent.html": "{% for x in [7] %}{% block b scoped %}{% endblock %}{% endfor %}",
}


def seen(package, name):
    """What each frame of a template has as variables, but for functions."""
    env = package.Environment(loader=package.DictLoader(VARIABLES))
    env.globals = {"fail": fail, "shop": "Corner"}
    with pytest.raises(Broken) as caught:
        env.get_template(name).render(given=[1])
    found = []
    for frame, _ in traceback.walk_tb(caught.value.__traceback__):
        if "template" in frame.f_code.co_name or "block" in frame.f_code.co_name:
            found.append({name: value for name, value in frame.f_locals.items() if not callable(value)})
    return found


@pytest.mark.parametrize("name", [name for name in VARIABLES if name != "parent.html"])
def test_frames_have_the_variables(name):
    """Of the context, a macro's parameters, and what is shown to an include or a block."""
    ours = seen(haiden, name)
    assert ours == seen(jinja2, name)
    assert ours[0]["given"] == [1] and ours[0]["shop"] == "Corner"


def test_a_context_that_raises_shows_nothing():
    class Secret(haiden.runtime.Context):
        def get_all(self):
            raise KeyError("secret")

    class Environment(haiden.Environment):
        context_class = Secret

    with pytest.raises(Broken) as caught:
        Environment().from_string("{{ fail() }}").render(fail=fail)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__) if frame.f_code.co_filename == "<template>"]
    assert [frame.f_locals for frame in frames] == [{}]


def test_variables_go_with_the_traceback():
    class Value:
        pass

    value = Value()
    gone = weakref.ref(value)
    with pytest.raises(Broken) as caught:
        haiden.Environment().from_string("{{ fail() }}").render(fail=fail, value=value)
    del value
    assert gone() is not None
    del caught
    gc.collect()
    assert gone() is None


def test_the_cause_and_the_context_stay(folder):
    def chained():
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise Broken("outer") from error

    with pytest.raises(Broken) as caught:
        haiden.Environment().from_string("{{ f() }}").render(f=chained)
    assert isinstance(caught.value.__cause__, KeyError)
    try:
        raise OSError("before")
    except OSError:
        error = failure(haiden, folder, "root.html")
    assert isinstance(error.__context__, OSError)


def test_a_traceback_grows_by_each_render_only_once(folder):
    """The same exception object, raised again and again."""
    error = Broken("always the same")

    def again():
        raise error

    template = haiden.Environment().from_string("{{ f() }}")
    lengths = set()
    for _ in range(5):
        error.__traceback__ = None
        with pytest.raises(Broken):
            template.render(f=again)
        lengths.add(len(traceback.extract_tb(error.__traceback__)))
    assert len(lengths) == 1


def test_deep_tracebacks_are_bounded():
    source = "{% macro m(n) %}{{ m(n - 1) if n else fail() }}{% endmacro %}{{ m(300) }}"
    with pytest.raises(Broken) as caught:
        haiden.Environment().from_string(source).render(fail=fail)
    assert len(caught.traceback) < 100
