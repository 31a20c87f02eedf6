"""Memory stays where it is over 10⁵ renders, whatever becomes of them: finished, failed, abandoned, waiting.

The kernel's figure of resident pages is what counts: it sees what Rust and CPython allocate alike. A leak of one object
a render is 5 MB or more in 10⁵; a heap that settles moves by less than half of the bound.
"""

import asyncio
import gc
import os
import sys

import pytest

import haiden
from haiden.ext import Extension
from haiden.nativetypes import NativeEnvironment
from haiden.sandbox import SandboxedEnvironment

BOUND = 2 << 20
"""How many bytes the process may grow by, after it has warmed up."""

SOURCES = {
    "base": "<h1>{% block title %}{{ title }}{% endblock %}</h1>{% block body %}{% endblock %}",
    "lib": "{% macro m(a, b=[1]) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{{ caller() if caller }}{% endmacro %}",
    "part": "{{ o.x }}{% set z = l %}{{ z|join(',') }}",
    "page": """{% extends "base" %}{% from "lib" import m with context %}{% block body %}{% include "part" %}
        {%- for x in l|reverse if x %}{{ loop.index }}{{ loop.cycle("a", "b") }}{{ x|string|upper }}{{ m(x, 1, 2, c=3) }}{% endfor %}
        {%- call m(l|map("string")|list) %}{{ l|sort|sum }}{{ {"a": o, 1: (1, 2)}|length }}{% endcall %}{{ super() }}
        {%- set ns = namespace(a=1) %}{% set ns.a = ns.a + o.n %}{{ ns.a }}{{ "%s-%d"|format("é", 3) }}{{ missing }}{% endblock %}""",
    "fails": "{% macro m(a) %}{{ a.b.c }}{% endmacro %}{% for x in l %}{{ loop.index }}{{ m(o) }}{% endfor %}",
    "raises": "{% for x in l %}{{ f(x) }}{% endfor %}",
    "unsafe": "{{ l.append.__self__ }}{{ o.__class__.__mro__ }}",
    "filters": """{{ [o, o]|map(attribute="x")|join }}{{ [o]|selectattr("n", "gt", 1)|sort(attribute="x")|groupby("n") }}
        {{- l|map("replace", "a", "b")|unique|list }}{{ l|max }}{{ l|sum }}{{ l|map("nth", o)|first }}{{ {"a": 1}|xmlattr }}
        {%- set never = l|map("of_context") %}{% set failing = [o]|map(attribute="x.y")|map("upper") %}{{ failing|list }}""",
    "waits": "{% for x in stream() %}{{ x }}{{ f(x) }}{% include 'part' %}{% endfor %}",
}


class Thing:
    def __init__(self):
        self.x, self.n = "value <&>", 3


def fail(value):
    raise ValueError(value)


class Stumbling(Extension):
    tags = {"stumble"}

    def parse(self, parser):
        next(parser.stream)
        raise RuntimeError("stumbled")


CONTEXT = {"o": Thing(), "l": [3, 1, 2], "title": "é <b>", "f": fail}
ENV = haiden.Environment(loader=haiden.DictLoader(SOURCES), autoescape=True, extensions=[Stumbling])
ENV.filters["of_context"] = haiden.pass_context(lambda context, value: context)
ENV.filters["nth"] = lambda value, other: (value, other)
SANDBOX = SandboxedEnvironment(loader=haiden.DictLoader(SOURCES))
NATIVE = NativeEnvironment().from_string("{{ [1, 2, l] }}")
EXPRESSION = ENV.compile_expression("l|map('string')|join ~ o.x")
ASYNC = haiden.Environment(loader=haiden.DictLoader(SOURCES), enable_async=True)
LOOP = asyncio.new_event_loop()


def expecting(error, action, *arguments):
    """The action fails as it should."""
    try:
        action(*arguments)
    except error:
        return
    raise AssertionError("nothing was raised")


def abandon():
    """A page of which nobody wants the rest."""
    next(ENV.get_template("page").generate(CONTEXT))


async def stream():
    for x in range(3):
        yield x


async def answer(value):
    return value


async def abandon_async():
    async for _ in ASYNC.get_template("waits").generate_async({**CONTEXT, "stream": stream, "f": answer}):
        break


async def cancelled():
    """A render that is cancelled while it waits."""
    waiting = asyncio.ensure_future(
        ASYNC.get_template("waits").render_async({**CONTEXT, "stream": stream, "f": lambda _: asyncio.sleep(10)})
    )
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        return
    raise AssertionError("it went on")


def fresh_environment():
    env = haiden.Environment(loader=haiden.DictLoader(SOURCES))
    assert env.overlay(autoescape=True).get_template("page").render(CONTEXT)


MANY, FEWER, FEW = 100_000, 10_000, 2_000
ACTIONS = {
    "page": (MANY, lambda: ENV.get_template("page").render(CONTEXT)),
    "tiny page": (MANY, lambda: ENV.get_template("part").render(o=CONTEXT["o"], l=CONTEXT["l"])),
    "filters": (MANY, lambda: ENV.get_template("filters").render(CONTEXT)),
    "undefined": (MANY, lambda: expecting(haiden.UndefinedError, ENV.get_template("fails").render, CONTEXT)),
    "exception": (MANY, lambda: expecting(ValueError, ENV.get_template("raises").render, CONTEXT)),
    "sandbox": (MANY, lambda: expecting(haiden.sandbox.SecurityError, SANDBOX.get_template("unsafe").render, CONTEXT)),
    "native": (MANY, lambda: NATIVE.render(CONTEXT)),
    "expression": (MANY, lambda: EXPRESSION(CONTEXT)),
    "module": (MANY, lambda: ENV.get_template("lib").make_module(CONTEXT).m(1)),
    "abandoned": (MANY, abandon),
    "async": (FEWER, lambda: LOOP.run_until_complete(ASYNC.get_template("page").render_async(CONTEXT))),
    "abandoned async": (FEWER, lambda: LOOP.run_until_complete(abandon_async())),
    "cancelled": (FEWER, lambda: LOOP.run_until_complete(cancelled())),
    "compiled": (FEWER, lambda: ENV.from_string(SOURCES["page"])),
    "syntax error": (FEWER, lambda: expecting(haiden.TemplateSyntaxError, ENV.from_string, "{% for x in %}")),
    "extension": (FEWER, lambda: expecting(RuntimeError, ENV.from_string, "{{ a }}{% stumble %}")),
    "tree": (FEW, lambda: ENV.from_string(ENV.parse(SOURCES["page"]))),
    "environment": (FEW, fresh_environment),
}


def resident():
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's figure is read from /proc")
@pytest.mark.parametrize("name", ACTIONS)
def test_memory_stays(name):
    times, action = ACTIONS[name]
    for _ in range(times // 10):
        action()
    before = resident()
    for _ in range(times):
        action()
    grown = resident() - before
    assert grown < BOUND, f"{grown} bytes in {times} runs"
