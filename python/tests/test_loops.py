"""Asynchronous templates under asyncio, under trio, and under a loop of a few lines: the same pages, the same errors."""

import asyncio
import gc

import jinja2
import pytest
import trio

import haiden

TEMPLATES = {
    "layout": "<{% block body %}{% endblock %}>",
    "macros": "{% macro row(x) %}[{{ x }}{{ later(x) }}]{% endmacro %}",
    "page": (
        "{% extends 'layout' %}{% from 'macros' import row with context %}{% block body %}"
        "{% for x in numbers(3) %}{{ loop.index }}{{ row(x) }}{% else %}none{% endfor %}"
        "{% include 'part' %}{% set caught %}{{ later('&') }}{% endset %}{{ caught|upper }}{{ numbers(4)|map('string')|join('-') }}"
        "{{ numbers(5)|list|sum }}{% filter upper %}{{ later('f') }}{% endfilter %}{{ super() }}{% endblock %}"
    ),
    "part": "{% if later(true) %}{{ thing.name }}{% endif %}{{ later(later(1)) }}",
    "fails": "a{{ later('b') }}\n{{ bad() }}",
    "waits": "{% for x in numbers(100) %}{{ x }}{{ later(x) }}{% endfor %}",
}


class Thing:
    name = "thing"


class Loop:
    """An event loop with what the tests need from one."""

    def __init__(self, run, rest):
        self.run, self.rest = run, rest


def alone(function):
    """Runs a coroutine that waits for nothing but `pause`."""
    coroutine = function()
    while True:
        try:
            coroutine.send(None)
        except StopIteration as over:
            return over.value


class Pause:
    def __await__(self):
        yield


LOOPS = {
    "asyncio": Loop(lambda function: asyncio.run(function()), lambda: asyncio.sleep(0)),
    "trio": Loop(trio.run, lambda: trio.lowlevel.checkpoint()),
    "alone": Loop(alone, Pause),
}


@pytest.fixture(params=LOOPS)
def loop(request):
    return LOOPS[request.param]


def environment(package, loop):
    env = package.Environment(loader=package.DictLoader(TEMPLATES), enable_async=True, autoescape=True)

    async def later(value):
        await loop.rest()
        return value

    async def numbers(count):
        for number in range(count):
            await loop.rest()
            yield number

    async def bad():
        await loop.rest()
        raise OSError("mine")

    env.globals.update(later=later, numbers=numbers, bad=bad, thing=Thing())
    return env


async def ways(template):
    """What a template makes, in each way there is."""
    module = await template.make_module_async()
    chunks = [chunk async for chunk in template.generate_async()]
    return await template.render_async(), "".join(chunks), str(module)


@pytest.mark.parametrize("name", ["page", "part", "waits"])
def test_pages(name, loop):
    ours = loop.run(lambda: ways(environment(haiden, loop).get_template(name)))
    assert ours == loop.run(lambda: ways(environment(jinja2, loop).get_template(name)))


def test_errors(loop):
    template = environment(haiden, loop).get_template("fails")

    async def parts():
        found = []
        with pytest.raises(OSError, match="mine") as caught:
            async for part in template.generate_async():
                found.append(part)
        return found, caught

    found, caught = loop.run(parts)
    assert found == ["a", "b", "\n"]
    assert any(frame.lineno + 1 == 2 and str(frame.path) == "<template>" for frame in caught.traceback)


def test_many_at_once():
    env = environment(haiden, LOOPS["trio"])
    template = env.get_template("page")
    pages = []

    async def one():
        pages.append(await template.render_async())

    async def all_of_them():
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(one)

    trio.run(all_of_them)
    assert len(pages) == 50
    assert len(set(pages)) == 1


class Guard:
    """Counts what is open."""

    def __init__(self):
        self.open = 0

    async def numbers(self, rest):
        self.open += 1
        try:
            while True:
                await rest()
                yield 1
        finally:
            self.open -= 1


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_a_cancelled_render_lets_go(kind):
    """What it awaited ends, nothing is left, and the template renders as before."""
    guard, loop = Guard(), LOOPS[kind]
    env = environment(haiden, loop)
    template = env.from_string("{% for x in numbers %}{{ later(x) }}{% endfor %}")

    async def with_trio():
        with trio.move_on_after(0.01) as scope:
            await template.render_async(numbers=guard.numbers(loop.rest))
        return scope.cancelled_caught

    async def with_asyncio():
        try:
            await asyncio.wait_for(template.render_async(numbers=guard.numbers(loop.rest)), 0.01)
        except asyncio.TimeoutError:
            return True

    assert loop.run(with_trio if kind == "trio" else with_asyncio)
    gc.collect()
    assert guard.open == 0
    assert loop.run(lambda: env.get_template("part").render_async()) == "thing1"


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_a_generator_that_is_left(kind):
    """The consumer stops in the middle; the loop's hooks close what is open."""
    guard, loop = Guard(), LOOPS[kind]
    template = environment(haiden, loop).from_string("{% for x in numbers %}{{ x }}{% endfor %}")

    async def some():
        async for part in template.generate_async(numbers=guard.numbers(loop.rest)):
            return part

    assert loop.run(some) == "1"
    gc.collect()
    assert guard.open == 0


def test_render_starts_a_loop_of_its_own():
    """`render` outside of a loop works, as in Jinja2."""
    template = environment(haiden, LOOPS["asyncio"]).get_template("page")
    assert template.render() == environment(jinja2, LOOPS["asyncio"]).get_template("page").render()
