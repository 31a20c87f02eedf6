"""Sandboxed, native and asynchronous environments: each template comes to what Jinja2 makes of it."""

import asyncio
import collections
import datetime
import importlib
import types

import pytest
from markupsafe import Markup

SANDBOXED = r"""
{{ foo.bar() }}|{{ foo._foo }}|{{ foo.__class__ }}
{{ foo._foo() }}
{{ foo.unsafe() }}
{{ foo.alters() }}
{{ foo['bar']() }}{{ foo['_foo'] }}
{{ foo['_foo']() }}
{{ foo|attr('_foo') }}|{{ foo|attr('bar') is defined }}
{{ foo|attr('__class__') is defined }}{{ (foo|attr('__class__')).x }}
{{ [].__class__.x }}
{{ ''.__class__.__mro__ }}
{{ f.__code__ }}{{ f.func_code }}{{ f.__globals__ is defined }}
{{ f.__code__.co_code }}
{{ gen.gi_frame is defined }}{{ gen.gi_running is defined }}{{ gen.gi_code.x }}
{{ coroutine.cr_frame.x }}
{{ cls.mro }}
{{ cls.mro() }}
{{ method.__func__.x }}{{ method.im_func }}
{{ code.co_name.x }}
{{ {'_a': 1}._a }}{{ {'_a': 1}['_a'] }}{{ {'a': 1}.a }}
{{ range(3)|list }}{{ range(100000)|length }}
{{ range(100001) }}
{{ [1].append(2) }}{{ {}.clear() }}
{% set x = [1] %}{{ x.append(2) }}{{ x }}{{ x.pop() }}{{ x.index(1) }}
{% set d = {'a': 1} %}{{ d.pop('a') }}{{ d }}{{ d.get('b') }}
{{ set.add(3) }}{{ deque.append(1) }}{{ deque|list }}
{{ "a{x.__class__}b{y}".format(y=42, x=1) }}
{{ "a{0.__class__}b{1}".format(1, 2) }}{{ "{0[a]}{0[_b]}".format({'a': 1, '_b': 2}) }}
{{ "a{x.__class__.x}b".format(x=1) }}
{{ ("a{x.__class__}b{y}"|safe).format(y='<foo>', x=1) }}{{ ("{0}"|safe).format('<') }}
{{ "a{x.__class__}b{y}".format_map({"x": 42, "y": "foo"}) }}
{{ "a{x}".format_map({"x": 42}, y=1) }}
{{ "a{x}".format_map() }}
{{ ("a{x.__class__}b{y}"|safe).format_map({"x": 42, "y": "<foo>"}) }}
{% set m = "{0.__class__}x".format %}{{ m(42) }}{{ [m]|map('string')|list|length }}
{{ ["{0.__class__}x"]|map(attribute='format')|map('string')|list|length }}
{{ ("{0.__class__}x"|attr('format'))(42) }}{{ "x"["format"]() }}{{ "%s"|format(1) }}
{{ caller('{0.__class__}y'.format, 1) }}
{{ "{:>5}|{!r}|{{}}".format(1, 'a') }}{{ "{}{}".format(1, 2) }}{{ "{a}".format(a=foo.bar()) }}
{{ "{0}".format() }}
{{ 1 + 2 }}{{ 1 - 2 }}{{ 7 // 2 }}{{ 7 / 2 }}{{ 2 ** 3 }}{{ 7 % 4 }}{{ 3 * 'a' }}{{ -n }}{{ +n }}
{{ n + n * 2 - 1 }}{{ 'a' + 'b' }}{{ [1] + [2] }}{{ n ~ n }}
{{ "%s" % foo }}{{ "%s %s" % (1, 2) }}
{% macro m(x) %}{{ x.__class__ }}{{ x }}{% endmacro %}{{ m(1) }}{{ m.name }}
{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{{ loop.index }}{% endfor %}
{% for x in [1, 2] recursive %}{{ x }}{% if x is not number %}{{ loop(x) }}{% endif %}{% endfor %}
{% call(x) foo.call() %}{{ x }}{% endcall %}
{{ cycler('a', 'b').next() }}{{ namespace(a=1).a }}{{ joiner()() }}{{ dict(a=1) }}
{{ f is callable }}{{ foo.bar is callable }}{{ f() }}
{{ none.x is defined }}{{ missing }}{{ missing.x is defined }}
{{ now.year }}{{ now.isoformat() }}{{ "x".upper().lower() }}
{{ wanted() }}{{ [3, 1]|sort }}{{ rows|map(attribute='_a')|list }}{{ rows|groupby('a') }}{{ rows|sum('a') }}
{{ rows|selectattr('_a')|list }}{{ rows|join('-', attribute='a') }}
{{ foo.bar.__self__ }}{{ foo.bar.__func__.x }}
{{ holder.m(5) }}{{ holder['m'](5) }}{{ holder.d.m(5) }}{{ holder.d['m'](5) }}
{{ ("<b>"|safe).upper() }}{{ ("<b>{}"|safe).format("<") }}{{ "a,b".split(",") }}{{ "x".format_map }}
{{ holder.insert(1) }}{{ holder.pop }}{{ {'pop': 1}.pop }}{{ {'pop': 1}['pop'] }}{{ holder['append'] }}
{{ (1, 2)[0] }}{{ 'abc'[1] }}{{ 'abc'['upper']() }}{{ [1][5] }}{{ {}['items']() }}{{ range(3)[1] }}
{{ marked() }}
{{ holder.marked() }}{{ foo|map('string')|list }}
""".strip().splitlines()

NATIVE = r"""
{{ x }}
{{ [1, 2] }}
{{ [x, y] }}
{{ {'a': x} }}
{{ x }}{{ y }}
{{ x }} {{ y }}
  {{ x }}
{{ x }}  
[{{ x }}, 2]
{{ text }}
{{ '5' }}
{{ 5 }}
{{ 5 }}{{ 6 }}
{{ '5' }}x
{{ true }}
{{ true }}{{ false }}
{{ none }}
{{ x == 1 }}
{{ x if y else none }}
{{ x if false }}
{{ missing }}
{{ missing }}{{ missing }}
{{ missing.x }}
{{ obj }}
{{ obj }}{{ obj }}
{{ '012' }}
 5
5 
{# nothing #}
a
'a'
'a' 'b'
{1,}
1j
b'x'
1 + 2
(1, 2
{{ 1, 2 }}
{{ '[' }}{{ x }}]
{% if x %}{{ [x] }}{% endif %}
{% for i in [1, 2] %}{{ i }}{% endfor %}
{% for i in [1] %}{{ i }}{% endfor %}
{% for i in [] %}{{ i }}{% endfor %}
{% set z = [1, x] %}{{ z }}
{% set z %}{{ x }}{% endset %}{{ z }}
{% set z %}[{{ x }}]{% endset %}{{ z }}{{ z|length }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m([1]) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1) + m(2) }}
{% macro m(a) %}{{ a }}x{% endmacro %}{{ m([1]) }}
{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ [x] }}{% endcall %}
{% filter upper %}a{{ x }}{% endfilter %}
{% filter list %}{{ [x] }}{% endfilter %}
{{ [1, 2]|map('string')|list }}
{{ [1, 2]|map('string') }}
{{ range(3) }}
{{ 2.5 }}
{{ x|string }}
{{ now }}
{{ html }}
{{ html }}{{ x }}
{% block b %}{{ [x] }}{% endblock %}
{% block b %}{{ [x] }}{% endblock %}{% block c %}{% endblock %}
{% include 'one' %}
{% include 'two' %}
{% import 'lib' as lib %}{{ lib.f(3) }}
{% extends 'base' %}{% block b %}{{ {'k': x} }}{% endblock %}
{% extends 'base' %}{% block b %}{{ super() }}{% endblock %}
{{ self.b() }}{% block b %}7{% endblock %}
{{ "a" ~ x }}
{{ "1" ~ x }}
{{ -x }}
{{ lambda }}
{{ 'foo'|upper }}
{{ ['a', text]|join }}
{% autoescape true %}{{ '<' }}{% endautoescape %}
{% autoescape true %}{{ [x] }}{% endautoescape %}
{% autoescape true %}{% macro m() %}{{ [1] }}{% endmacro %}{{ m() }}{% endautoescape %}
{{ x }}{% set q = 1 %}
{{ f(x) }}
{{ f([x]) }}{% if false %}{% endif %}
""".strip("\n").splitlines()

ASYNC = r"""
{{ x }}{{ value() }}{{ value() + 1 }}
{{ plain() }}{{ obj.method() }}{{ obj.method(a=3) }}{{ obj.attribute }}{{ obj['attribute'] }}
{{ wait(0) }}{{ wait(1) + wait(2) }}{{ [wait(1), wait(2)] }}
{% for i in numbers(3) %}{{ i }}{{ loop.index }}{{ loop.first }}{{ loop.last }},{% endfor %}
{% for i in numbers(3) %}{{ loop.length }}{{ loop.revindex }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}
{% for i in numbers(0) %}x{% else %}none{% endfor %}
{% for i in numbers(4) if i is odd %}{{ i }}{{ loop.index0 }}{% endfor %}
{% for i in numbers(4) if wait(i) > 1 %}{{ i }}{% endfor %}
{% for a, b in pairs(2) %}{{ a }}{{ b }}{% endfor %}
{% for i in [1, 2] recursive %}{{ i }}{% if i is number and loop.depth < 2 %}{{ loop([wait(5)]) }}{% endif %}{% endfor %}
{% for i in numbers(2) recursive %}[{{ i }}{{ loop(numbers(i)) }}]{% endfor %}
{% macro m(a) %}<{{ a }}{{ value() }}>{% endmacro %}{{ m(wait(1)) }}{{ m(2) }}
{% macro m() %}{{ caller(wait(3)) }}{% endmacro %}{% call(v) m() %}{{ v }}{{ value() }}{% endcall %}
{% call(v) acall() %}{{ v }}{% endcall %}
{% set v = value() %}{{ v }}{% set w %}{{ value() }}{% endset %}{{ w }}
{% if wait(true) %}yes{% endif %}{% if wait(false) %}no{% else %}other{% endif %}{{ 'a' if wait(1) else 'b' }}
{{ numbers(3)|list }}{{ numbers(3)|sum }}{{ numbers(3)|join('-') }}{{ numbers(3)|first }}{{ numbers(0)|first }}
{{ numbers(4)|select('odd')|list }}{{ numbers(4)|reject('odd')|list }}{{ numbers(3)|map('string')|join }}
{{ numbers(4)|slice(2)|list }}{{ numbers(4)|groupby('real')|list|length }}{{ numbers(3)|unique|list }}
{{ rows()|map(attribute='a')|list }}{{ rows()|selectattr('a')|map(attribute='a')|list }}{{ rows()|rejectattr('a')|list|length }}
{{ [1, 2]|map('later')|list }}{{ 3|later }}{{ 3|later|later + 1 }}{{ x is slowly }}{{ wait(2) is slowly }}
{% filter later %}2{% endfilter %}{{ [2, 1]|sort|first }}{{ 'a'|upper }}
{% block b %}{{ value() }}{% for i in numbers(2) %}{{ i }}{% endfor %}{% endblock %}
{{ self.b() }}{% block b %}{{ value() }}{% endblock %}
{% extends 'abase' %}{% block b %}{{ super() }}{{ value() }}{% endblock %}
{% include 'apart' %}{% include ['no', 'apart'] %}{% include 'no' ignore missing %}
{% import 'alib' as lib %}{{ lib.f(2) }}{{ lib.v }}
{% from 'alib' import f with context %}{{ f(wait(2)) }}
{% import 'alib' as lib with context %}{{ lib.f(2) }}
{% with a = value() %}{{ a }}{% endwith %}{{ [value(), {'k': value()}] }}{{ 'x' ~ value() }}
{{ value().real }}{{ obj.self().method() }}{{ obj.later.method() }}
{{ fails() }}
{% for i in broken() %}{{ i }}{% endfor %}
{{ missing.x }}
{% for i in 5 %}{% endfor %}
{% set ns = namespace(n=0) %}{% for i in numbers(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}
{{ value() is number }}{{ value() in [42] }}{{ not value() }}{{ value() and wait(0) }}{{ wait(0) or value() }}
{{ ctx() }}{{ cycler('a', 'b').next() }}{% for i in numbers(2) %}{{ loop.cycle('x', 'y') }}{{ loop.changed(1) }}{% endfor %}
""".strip().splitlines()

TEMPLATES = {
    "one": "{{ x }}",
    "two": "a{{ x }}",
    "lib": "{% macro f(a) %}{{ [a] }}{% endmacro %}",
    "base": "{% block b %}{{ [0] }}{% endblock %}",
    "abase": "<{% block b %}{{ value() }}{% endblock %}>",
    "apart": "[{{ value() }}{% for i in numbers(2) %}{{ i }}{% endfor %}]",
    "alib": "{% macro f(n) %}({{ n }}{{ wait(n) if wait else '' }}){% endmacro %}{% set v = 3 %}",
}


class Foo:
    def bar(self):
        return 23

    def _foo(self):
        return 42

    def unsafe(self):
        return 1

    unsafe.unsafe_callable = True

    def alters(self):
        return 1

    alters.alters_data = True

    def call(self, caller):
        return f"<{caller(1)}>"

    def __repr__(self):
        return "Foo"


class Row:
    def __init__(self, a):
        self.a = self._a = a

    def __repr__(self):
        return f"Row({self.a})"


async def coroutine():
    return 1


def generator():
    yield 1


class Holder:
    """Attributes that look like what a sandbox guards."""

    m = "{0.__class__}{0}".format
    pop = 7

    def __init__(self):
        self.d = {"m": "{0.__class__}{0}".format}
        self.append = "{}".format

    def insert(self, value):
        return value

    def marked(self):
        return "marked"


def marked():
    return "marked"


marked.alters_data = 0


def plain_context(package):
    utils = importlib.import_module(f"{package}.utils")

    @utils.pass_context
    def wanted(context):
        return context.get("n"), context.name, context.eval_ctx.autoescape

    waiting = coroutine()
    waiting.close()
    return {
        "foo": Foo(),
        "f": lambda: "f",
        "gen": generator(),
        "coroutine": waiting,
        "cls": Foo,
        "method": Foo().bar,
        "code": generator.__code__,
        "set": {1},
        "deque": collections.deque([0]),
        "caller": lambda function, *args: function(*args),
        "n": 3,
        "holder": Holder(),
        "marked": marked,
        "now": datetime.datetime(2024, 1, 2),
        "wanted": wanted,
        "rows": [Row(1), Row(2)],
        "x": 1,
        "y": 2,
        "text": "foo",
        "obj": types.SimpleNamespace(a=1),
        "html": Markup("<b>"),
        "lambda": len,
    }


def sandboxes(package):
    sandbox = importlib.import_module(f"{package}.sandbox")

    class Intercepting(sandbox.SandboxedEnvironment):
        intercepted_binops = frozenset(["+", "-", "*", "/", "//", "**", "%"])
        intercepted_unops = frozenset(["-", "+"])

        def call_binop(self, context, operator, left, right):
            return f"({left}{operator}{right})"

        def call_unop(self, context, operator, arg):
            return f"({operator}{arg}{context.name})"

    class Few(sandbox.SandboxedEnvironment):
        intercepted_binops = frozenset(["+"])

        def call_binop(self, context, operator, left, right):
            return super().call_binop(context, operator, left, right), context["n"]

    class Open(sandbox.SandboxedEnvironment):
        def is_safe_attribute(self, obj, attr, value):
            return attr != "bar"

        def is_safe_callable(self, obj):
            return getattr(obj, "__name__", "") != "unsafe"

    class Loud(sandbox.ImmutableSandboxedEnvironment):
        def unsafe_undefined(self, obj, attribute):
            return f"!{attribute}"

        def call(__self, __context, __obj, *args, **kwargs):  # noqa: N805
            return super().call(__context, __obj, *args, **kwargs)

    class Hooked(sandbox.SandboxedEnvironment):
        def getattr(self, obj, attribute):
            return f"<{attribute}>" if attribute == "bar" else super().getattr(obj, attribute)

        def getitem(self, obj, argument):
            return f"[{argument}]" if argument == "bar" else super().getitem(obj, argument)

    return {
        "plain": sandbox.SandboxedEnvironment,
        "immutable": sandbox.ImmutableSandboxedEnvironment,
        "intercepting": Intercepting,
        "few": Few,
        "open": Open,
        "loud": Loud,
        "hooked": Hooked,
    }


def text(value):
    return f"{type(value).__name__}: {value!r}".replace("haiden", "jinja2")


def told(error):
    line = getattr(error, "lineno", None)
    return f"{type(error).__name__}: {error} {line or ''}".replace("haiden", "jinja2")


def without_addresses(outcome):
    import re

    return re.sub(r"0x[0-9a-f]+", "0x", outcome)


def render(environment, template, context):
    try:
        return without_addresses(text(environment.from_string(template).render(context)))
    except Exception as error:
        return without_addresses(told(error))


def new(package, make, **options):
    loader = importlib.import_module(f"{package}.loaders").DictLoader(TEMPLATES)
    return make(package)(loader=loader, **options)


@pytest.mark.parametrize("kind", ["plain", "immutable", "intercepting", "few", "open", "loud", "hooked"])
@pytest.mark.parametrize("template", SANDBOXED)
def test_sandboxed(template, kind):
    def outcome(package):
        environment = new(package, lambda package: sandboxes(package)[kind])
        return render(environment, template, plain_context(package))

    assert outcome("haiden") == outcome("jinja2")


@pytest.mark.parametrize("autoescape", [False, True])
@pytest.mark.parametrize("template", NATIVE)
def test_native(template, autoescape):
    def outcome(package):
        def make(package):
            return importlib.import_module(f"{package}.nativetypes").NativeEnvironment

        environment = new(package, make, autoescape=autoescape)
        return render(environment, template, {**plain_context(package), "f": lambda value: value})

    assert outcome("haiden") == outcome("jinja2")


@pytest.mark.parametrize("options", [{"finalize": lambda v: "" if v is None else v}, {"undefined": "StrictUndefined"}])
@pytest.mark.parametrize("template", NATIVE)
def test_native_options(template, options):
    def outcome(package):
        chosen = dict(options)
        if "undefined" in chosen:
            chosen["undefined"] = importlib.import_module(package).StrictUndefined

        def make(package):
            return importlib.import_module(f"{package}.nativetypes").NativeEnvironment

        environment = new(package, make, **chosen)
        return render(environment, template, {**plain_context(package), "f": lambda value: value})

    assert outcome("haiden") == outcome("jinja2")


class Object:
    async def method(self, a=1):
        await asyncio.sleep(0)
        return a

    @property
    def attribute(self):
        return self.method(5)

    @property
    def later(self):
        return self.self()

    async def self(self):
        return self


async def numbers(count):
    for number in range(count):
        await asyncio.sleep(0)
        yield number


async def pairs(count):
    for number in range(count):
        yield number, -number


async def rows():
    for number in (0, 1, 2):
        yield Row(number)


async def broken():
    yield 1
    raise OSError("broken")


async def wait(value):
    await asyncio.sleep(0)
    return value


async def fails():
    await asyncio.sleep(0)
    raise KeyError("fails")


async def acall(caller):
    return f"<{await caller(7)}>"


def async_context(package):
    utils = importlib.import_module(f"{package}.utils")

    @utils.pass_context
    async def ctx(context):
        return await wait(context["x"])

    functions = {f.__name__: f for f in (numbers, pairs, rows, broken, wait, fails, acall)}
    return {**functions, "x": 1, "plain": lambda: 2, "value": lambda: wait(42), "obj": Object(), "ctx": ctx}


def async_environment(package, **options):
    environment = new(package, lambda package: importlib.import_module(package).Environment, **options)
    environment.filters["later"] = wait
    environment.tests["slowly"] = lambda value: wait(value % 2)
    environment.globals["wait"] = wait
    environment.globals["value"] = lambda: wait(42)
    environment.globals["numbers"] = numbers
    return environment


@pytest.mark.parametrize("autoescape", [False, True])
@pytest.mark.parametrize("template", ASYNC)
def test_async(template, autoescape):
    def outcomes(package):
        environment = async_environment(package, enable_async=True, autoescape=autoescape)
        context = async_context(package)
        yield render(environment, template, context)

        async def awaited():
            return await environment.from_string(template).render_async(context)

        async def parts():
            # Jinja2 yields escaped parts as markup; they are text here.
            return [str(part) async for part in environment.from_string(template).generate_async(context)]

        for work in (awaited, parts):
            try:
                yield text(asyncio.run(work()))
            except Exception as error:
                yield told(error)

    assert list(outcomes("haiden")) == list(outcomes("jinja2"))


NATIVE_MODULES = [
    "{% import 'values' as m %}{{ m.v }}",
    "{% import 'values' as m %}{{ m }}|{{ m.v }}",
    "{% import 'number' as m %}{{ m }}|",
    "{% import 'texts' as m %}{{ m }}|{{ m }}",
    "{% import 'gone' as m %}{{ m.v }}",
    "{% import 'gone' as m %}{{ m.v }}{{ m }}",
    "{% from 'gone' import v with context %}{{ v }}",
]


@pytest.mark.parametrize("undefined", ["Undefined", "StrictUndefined"])
@pytest.mark.parametrize("template", NATIVE_MODULES)
def test_modules_of_native_templates(template, undefined):
    """What a module's template printed becomes text when the module is printed, and not before."""
    sources = {"values": "{{ [1] }}{% set v = [2] %}", "number": "5", "texts": "a{{ 'b' }}", "gone": "{{ nothing }}{% set v = [3] %}"}

    def outcome(package):
        module = importlib.import_module(package)
        native = importlib.import_module(f"{package}.nativetypes").NativeEnvironment
        environment = native(loader=module.DictLoader(sources), undefined=getattr(module, undefined))
        try:
            return environment.from_string(template).render()
        except Exception as error:
            return type(error).__name__, str(error)

    assert outcome("haiden") == outcome("jinja2")
