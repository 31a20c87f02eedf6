"""What a process may do to a render: end, fork, be interrupted, run it in many threads, run without docstrings, out of a zip file.

Programs that end or die in the middle are run as processes of their own.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import threading
import zipfile

import pytest

import haiden
from haiden.sandbox import SandboxedEnvironment


def run(program, *options, code=0, **settings):
    """Runs a program and returns its output; it must print no error."""
    done = subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True, timeout=120, check=False, **settings)
    assert (done.returncode, done.stderr if code == 0 else "") == (code, ""), done.stderr
    return done.stdout if code == 0 else done.stderr


# ---- the end ----------------------------------------------------------------------------------------------------------

SUSPENDED = {
    "a generator": "kept = haiden.Template('{% for x in [1, 2] %}{{ x }}{% endfor %}').generate(); print(next(kept))",
    "a generator in a ring": "kept = []; g = haiden.Template('{{ 1 }}{{ kept }}').generate(kept=kept); kept.append(g); print(next(g)); del g",
    "a stream": "kept = haiden.Template('{{ x }}b').stream(x=1); print(next(kept))",
    "a macro": "kept = haiden.Template('{% macro m(a) %}1{% endmacro %}').module.m; print(kept(2))",
    "a loop": "kept = []; print(haiden.Template('{% for x in [1, 2] %}{{ keep(loop) or 1 }}{% endfor %}').render(keep=kept.append)[:1])",
    "a context": "kept = haiden.Template('x').new_context({'a': 1}); print(kept['a'])",
    "an iterator of Python's": "def n():\n    try:\n        yield 1\n        yield 2\n    finally:\n        pass\nkept = haiden.Template('{% for x in n %}{{ x }}{% endfor %}').generate(n=n()); print(next(kept))",
    "an asynchronous generator": (
        "import asyncio\n"
        "async def main():\n"
        "    asyncio.get_running_loop().slow_callback_duration = 60\n"
        "    async def n():\n"
        "        yield 1\n"
        "        yield 2\n"
        "    global kept\n"
        "    kept = haiden.Environment(enable_async=True).from_string('{% for x in n %}{{ x }}{% endfor %}').generate_async(n=n())\n"
        "    print(await kept.__anext__())\n"
        "asyncio.run(main())"
    ),
    "a thread that renders": (
        "import threading, time\n"
        "def forever():\n"
        "    haiden.Template('{% for x in n %}{% if x == 2 %}{{ e() or \"\" }}{% endif %}{% endfor %}').render(n=range(1 << 40), e=event.set)\n"
        "event = threading.Event()\n"
        "threading.Thread(target=forever, daemon=True).start()\n"
        "event.wait()\n"
        "print(1)"
    ),
    "a render at exit": "import atexit; atexit.register(lambda: haiden.Template('{{ x }}').render(x=1)); print(1)",
    "a finalizer that renders": ("class Late:\n    def __del__(self, t=haiden.Template('{{ x }}')):\n        t.render(x=1)\nkept = Late(); print(1)"),
}


@pytest.mark.parametrize("name", SUSPENDED)
@pytest.mark.parametrize("options", [(), ("-X", "dev")], ids=["", "dev"])
def test_the_interpreter_ends(name, options):
    assert run(f"import haiden\n{SUSPENDED[name]}", *options) == "1\n"


def test_a_render_that_exits():
    program = "import haiden, sys\nhaiden.Template('a{{ f() }}').render(f=lambda: sys.exit(3))"
    run(program, code=3)


# ---- interrupts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "{% for x in n %}{% endfor %}",
        "{% for x in n %}{{ x }}{% if x > 9999 %}{{ 1 // 0 }}{% endif %}{% endfor %}",
        "{{ n|list }}",
        "{{ interrupt() }}",
        "{% macro m() %}{{ interrupt() }}{% endmacro %}{% for x in n %}{{ m() }}{% endfor %}",
    ],
)
def test_an_interrupt_from_the_keyboard(body):
    """It comes out as what it is, at once, and the template renders again."""
    program = (
        "import haiden, signal, threading\n"
        # Who is started in the background ignores it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Numbers:\n"
        "    def __iter__(self):\n"
        "        for x in range(1 << 40):\n"
        "            if x == 5:\n"
        "                signal.raise_signal(signal.SIGINT)\n"
        "            yield x\n"
        f"template = haiden.Template({body!r})\n"
        "try:\n"
        "    template.render(n=Numbers(), interrupt=lambda: signal.raise_signal(signal.SIGINT))\n"
        "except KeyboardInterrupt:\n"
        "    template.render(n=[], interrupt=str)\n"
        "    print('ok')\n"
    )
    assert run(program) == "ok\n"


def test_an_interrupt_while_compiling():
    """The signal waits until the source is compiled, and is not lost."""
    program = (
        "import haiden, os, signal, threading\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "source = '{{ a.b.c|upper }}' * 200_000\n"
        "main = threading.main_thread().ident\n"
        "timer = threading.Timer(0.01, lambda: signal.pthread_kill(main, signal.SIGINT))\n"
        "timer.start()\n"
        "try:\n"
        "    while True:\n"
        "        haiden.Environment().from_string(source)\n"
        "except KeyboardInterrupt:\n"
        "    print('ok')\n"
    )
    assert run(program) == "ok\n"


# ---- forks ------------------------------------------------------------------------------------------------------------


def in_child(work):
    """What a child process makes of `work`, and its exit status."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writer, work().encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    return text, os.waitpid(child, 0)[1]


@pytest.mark.parametrize("fast", ["", "1"])
def test_a_fork_in_the_middle_of_a_render(fast, monkeypatch):
    """Parent and child both go on."""
    monkeypatch.setenv("HAIDEN_NO_FAST", fast)
    reader, writer = os.pipe()
    children = []

    def fork():
        children.append(os.fork())
        return "child" if children[-1] == 0 else "parent"

    template = haiden.Environment().from_string(
        "{% macro m(x) %}<{{ x }}>{% endmacro %}{% for x in [1, 2] %}{{ x }}{% if loop.first %}{{ m(fork()) }}{% endif %}{% endfor %}"
    )
    page = template.render(fork=fork)
    if children[0] == 0:
        os.write(writer, page.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "1<child>2"
    assert page == "1<parent>2"
    assert os.waitpid(children[0], 0)[1] == 0


def test_a_fork_with_a_suspended_stream():
    stream = haiden.Template("a{% for x in [1, 2, 3] %}{{ x }}{% endfor %}").generate()
    assert next(stream) == "a"
    assert in_child(lambda: "".join(stream)) == ("123", 0)
    assert "".join(stream) == "123"


def test_a_fork_while_other_threads_render():
    template = haiden.Template("{% for x in range(2000) %}{{ x }}{% endfor %}")
    expected, over = template.render(), threading.Event()

    def render():
        while not over.is_set():
            assert template.render() == expected

    threads = [threading.Thread(target=render) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            assert in_child(lambda: template.render() + haiden.Template("{{ 1 }}").render()) == (expected + "1", 0)
    finally:
        over.set()
        for thread in threads:
            thread.join()


# ---- threads ----------------------------------------------------------------------------------------------------------


def in_threads(count, work):
    """Runs `work(number)` in so many threads that begin together; their results in order."""
    results, barrier = [None] * count, threading.Barrier(count)

    def start(number):
        barrier.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=start, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


PAGE = (
    "{% macro row(x) %}<{{ x.name|upper }}{{ caller() if caller else '' }}>{% endmacro %}{% set ns = namespace(n=0) %}"
    "{% for x in rows %}{{ loop.index }}{{ row(x) }}{% set ns.n = ns.n + loop.length %}{% call row(x) %}{{ x.value }}{% endcall %}"
    "{% endfor %}{{ ns.n }}{% include 'part' %}{% import 'lib' as lib %}{{ lib.f(number) }}"
)


class Row:
    def __init__(self, name):
        self.name, self.value = name, [name]


@pytest.fixture
def switching():
    """Threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("kind", [haiden.Environment, SandboxedEnvironment])
def test_many_threads_on_one_template(switching, kind):
    templates = {"page": PAGE, "part": "{{ number }}{{ rows|map(attribute='name')|join(',') }}", "lib": "{% macro f(n) %}{{ n * 2 }}{% endmacro %}"}
    env = kind(loader=haiden.DictLoader(templates))
    template = env.get_template("page")

    def render(number):
        rows = [Row(f"r{number}-{row}") for row in range(number + 1)]
        pages = {template.render(rows=rows, number=number) for _ in range(100)}
        pages |= {"".join(template.generate(rows=rows, number=number)) for _ in range(20)}
        return pages

    found = in_threads(8, render)
    for number, pages in enumerate(found):
        rows = [Row(f"r{number}-{row}") for row in range(number + 1)]
        assert pages == {kind(loader=env.loader).get_template("page").render(rows=rows, number=number)}


def test_threads_that_change_what_others_render(switching):
    """Filters, globals, templates and classes change under way; each page is one that there was."""
    env = haiden.Environment(loader=haiden.DictLoader({"a": "{{ x.name }}{{ 'v'|f }}"}), cache_size=1)
    env.filters["f"] = str.upper
    row = Row("r")

    def work(number):
        pages = set()
        for turn in range(300):
            if number % 2:
                pages.add(env.get_template("a").render(x=row))
            else:
                env.filters["f"] = str.upper if turn % 2 else str.lower
                env.cache.clear()
                row.__dict__ = {"name": "r" if turn % 3 else "s"}
                Row.other = turn
        return pages

    for pages in in_threads(6, work):
        assert pages <= {"rV", "rv", "sV", "sv"}


def test_threads_that_share_a_stream(switching):
    """One has it; the others are told, as by a generator of Python's."""
    stream = haiden.Template("{% for x in range(3000) %}{{ f(x) }}{% endfor %}").generate(f=lambda x: x)
    got = in_threads(4, lambda number: sum(1 for _ in iter(lambda: next(stream, None), None)))
    parts = sum(number for number in got if isinstance(number, int))
    assert all(isinstance(number, (int, ValueError)) for number in got)
    assert parts <= 3000


def lets_others_run(work):
    """Whether a thread that waits for the interpreter gets it while `work` goes on, which never has to give it up."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e6)
    gate, ran = threading.Lock(), []
    gate.acquire()
    other = threading.Thread(target=lambda: (gate.acquire(), ran.append(True)))
    other.start()
    try:
        gate.release()
        for _ in range(2000):
            work()
            if ran:
                return True
        return False
    finally:
        sys.setswitchinterval(before)
        if not ran:
            other.join()


def test_others_run_while_a_template_is_compiled():
    env = haiden.Environment()
    source = "{{ a.b|upper }}text{% if x %}{{ y }}{% endif %}" * 2000
    assert lets_others_run(lambda: env.compile(source))


@pytest.mark.parametrize("kind", ["FileSystemBytecodeCache", "SqliteBytecodeCache"])
def test_others_run_while_a_cache_is_asked(kind, tmp_path):
    from haiden import cache

    path = tmp_path / ("cache" if kind.startswith("File") else "cache.db")
    store = getattr(cache, kind)(path)
    template = "{{ a.b|upper }}text" * 200
    loader = haiden.DictLoader({"page": template})
    haiden.Environment(loader=loader, bytecode_cache=store).get_template("page")
    assert lets_others_run(lambda: haiden.Environment(loader=loader, bytecode_cache=store).get_template("page"))
    assert store.statistics().hits > 0


def test_others_do_not_run_where_nothing_lets_them():
    """That the test above can fail."""
    assert not lets_others_run(lambda: sum(range(100)))


# ---- how Python was started -------------------------------------------------------------------------------------------

EVERYTHING = (
    "import haiden\n"
    "from haiden import ext, meta, nativetypes, nodes, sandbox\n"
    "env = sandbox.SandboxedEnvironment(extensions=['haiden.ext.i18n', 'haiden.ext.do', 'haiden.ext.debug'], autoescape=True)\n"
    "env.install_null_translations(newstyle=True)\n"
    "text = env.from_string('{% trans x=1 %}{{ x }} a{% endtrans %}{{ \"<\"|e }}{{ x|upper }}{% do [].append(1) %}').render(x='b')\n"
    "class Mine(ext.Extension):\n"
    "    tags = {'mine'}\n"
    "    def parse(self, parser):\n"
    "        return nodes.Output([nodes.Const('mine')], lineno=next(parser.stream).lineno)\n"
    "text += haiden.Environment(extensions=[Mine]).from_string('{% mine %}').render()\n"
    "text += str(nativetypes.NativeEnvironment().from_string('{{ [1] }}').render())\n"
    "text += str(meta.find_undeclared_variables(env.parse('{{ y }}')))\n"
    "text += env.compile('{{ x }}', raw=True)[:4]\n"
    "try:\n"
    "    env.from_string('{{ x.__class__.y }}').render(x=1)\n"
    "except sandbox.SecurityError:\n"
    "    print(text)\n"
)


@pytest.mark.parametrize("options", [(), ("-O",), ("-OO",), ("-I",), ("-X", "utf8=0"), ("-bb", "-W", "error"), ("-X", "importtime")])
def test_options_of_the_interpreter(options):
    done = subprocess.run([sys.executable, *options, "-c", EVERYTHING], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "1 a&lt;Bmine[1]{'y'}from\n"), done.stderr


def test_out_of_a_zip_file(tmp_path):
    """Python loads no machine code out of zip files: then the error names what is missing."""
    home = pathlib.Path(haiden.__file__).parent
    archive = tmp_path / "app.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in home.glob("*.py"):
            target.write(path, f"haiden/{path.name}")
    program = f"import sys; sys.path[:0] = [{str(archive)!r}]; import haiden; print(haiden.__file__); haiden.Environment"
    error = run(program, "-I", code=1)
    assert "haiden._native" in error or "_native" in error.rpartition("ImportError")[2]
    # Beside it is enough.
    folder = tmp_path / "unpacked"
    shutil.copytree(home, folder / "haiden", ignore=shutil.ignore_patterns("__pycache__"))
    program = f"import sys; sys.path[:0] = [{str(folder)!r}]; import haiden; print(haiden.__file__, haiden.Template('{{{{ 1 }}}}').render())"
    assert run(program, "-I") == f"{folder}/haiden/__init__.py 1\n"


@pytest.mark.parametrize("before", ["haiden.Template('{{ 1 }}').render()", "haiden.Environment"])
def test_a_subinterpreter(before):
    """The machine belongs to one interpreter; another one is told so, whatever the first one did before."""
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    program = (
        f"import {module} as interpreters\n"
        "import haiden\n"
        f"{before}\n"
        "source = '''\n"
        "try:\n"
        '    import haiden; haiden.Environment().from_string("{{ 3 }}").render()\n'
        "except ImportError as error:\n"
        '    print("refused" if "interpreter" in str(error) else error)\n'
        "else:\n"
        '    print("works")\n'
        "'''\n"
        "found = interpreters.create()\n"
        "interpreters.run_string(found, source)\n"
        "interpreters.destroy(found)\n"
        "print(haiden.Template('{{ 2 }}').render())\n"
    )
    assert run(program, "-W", "ignore") == "refused\n2\n"


# ---- texts that are no Unicode ----------------------------------------------------------------------------------------

SURROGATE = "\udc80"


@pytest.mark.parametrize(
    "source, context",
    [
        ("{{ x }}", {"x": SURROGATE}),
        ("{{ x|upper }}{{ x|e }}{{ x ~ 'a' }}{{ x|length }}", {"x": f"a{SURROGATE}<"}),
        ("{% for c in x %}[{{ c }}]{% endfor %}", {"x": f"a{SURROGATE}日"}),
        ("{{ x|replace(x, 'b') }}{{ x in x }}{{ x == y }}", {"x": SURROGATE, "y": "\udc81"}),
        ("{% set d = {x: 1} %}{{ d[x] }}{{ o[x] }}", {"x": SURROGATE, "o": {SURROGATE: 2}}),
        ("{{ x|tojson }}{{ [x]|string }}{{ x|urlencode }}", {"x": SURROGATE}),
        ("{{ x|center(9) }}{{ x|indent }}{{ x|wordcount }}{{ x|truncate(5) }}", {"x": f"a {SURROGATE} b" * 9}),
        ("{{ o.x }}", {"o": {"x": f"{SURROGATE}😀"}}),
        ("{{ '%s'|format(x) }}{{ '{}'.format(x) }}", {"x": SURROGATE}),
        ("{{ undefined_name[x] is defined }}{{ o|attr(x) is defined }}", {"x": SURROGATE, "o": 1, "undefined_name": {}}),
        (f"a{SURROGATE}b{{{{ 1 }}}}", {}),
        (f"{{{{ '{SURROGATE}' }}}}", {}),
        (f"{{{{ x{SURROGATE} }}}}", {}),
        (f"{{# {SURROGATE} #}}", {}),
    ],
)
def test_lone_surrogates(source, context, compile):
    """As Jinja2 does, or a clear error: what is compiled here is UTF-8."""
    import jinja2

    for autoescape in (True, False):
        try:
            expected = jinja2.Environment(autoescape=autoescape).from_string(source).render(context)
        except Exception as error:
            with pytest.raises(Exception) as found:
                compile(source, autoescape=autoescape).render(context)
            assert type(found.value).__name__ == type(error).__name__
            continue
        if SURROGATE in source:
            with pytest.raises(haiden.TemplateSyntaxError, match="a lone surrogate is no text"):
                compile(source, autoescape=autoescape)
        else:
            assert compile(source, autoescape=autoescape).render(context) == expected
