"""`loop.length` is what `len` says, where that answers, and nothing is taken ahead for it; as in Jinja2."""

import asyncio

import jinja2
import pytest

import haiden

LOOPS = [
    "{% for x in items %}{{ x }}{{ loop.length }}{{ loop.revindex }}{{ loop.last }};{% endfor %}",
    "{% for x in items %}{{ loop.last }}{{ loop.length }}{{ loop.revindex0 }};{% endfor %}",
    "{% for x in items if x %}{{ loop.length }};{% endfor %}",
    "{% for x in items %}{{ loop.length if loop.first }}{{ see(loop) }}{% endfor %}",
    "{% for x in items %}{{ log(x) }}{{ loop.length }}{{ loop.revindex }}{% endfor %}",
]
# In an asynchronous environment Jinja2's recursive loops go through an iterator, which says nothing.
RECURSIVE = "{% for x in items recursive %}{{ loop.revindex0 }}{{ loop([4]) if loop.depth == 1 }}{% endfor %}"
CASES = [(source, is_async) for source in LOOPS for is_async in (False, True)] + [(RECURSIVE, False)]


class Says:
    """Has other items than it says."""

    length = 5

    def __init__(self, log):
        self.log = log

    def __iter__(self):
        for item in "ab":
            self.log.append(f"take {item}")
            yield item

    def __len__(self):
        self.log.append("len")
        if isinstance(self.length, Exception):
            raise self.length
        return self.length


class SaysLess(Says):
    length = 1


class SaysNothing(Says):
    length = TypeError("no length")


class Fails(Says):
    length = ValueError("bad length")


class Items:
    def __init__(self, log):
        pass

    def __getitem__(self, index):
        return [7, 8][index]

    def __len__(self):
        return 3


class OwnList(list):
    def __init__(self, log):
        super().__init__([1, 2])

    def __len__(self):
        return 9


class Later(Says):
    async def __aiter__(self):
        for item in "ab":
            yield item


@pytest.mark.parametrize("kind", [Says, SaysLess, SaysNothing, Fails, Items, OwnList, Later])
@pytest.mark.parametrize(("source", "is_async"), CASES)
def test_what_says_its_length(source, kind, is_async):
    def outcome(package):
        log = []
        template = package.Environment(enable_async=is_async).from_string(source)
        see = (lambda loop: "") if is_async else (lambda loop: (len(loop), loop.length, loop.revindex))
        variables = {"items": kind(log), "see": see, "log": lambda item: log.append(f"use {item}") or ""}
        try:
            page = asyncio.run(template.render_async(variables)) if is_async else template.render(variables)
        except Exception as error:
            page = type(error).__name__, str(error)
        return page, log

    assert outcome(haiden) == outcome(jinja2)
