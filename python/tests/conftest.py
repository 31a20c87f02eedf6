"""What all tests share: both engines on the same sources, on fast roads and slow ones."""

import jinja2
import pytest

from haiden import _native


def money(amount):
    """A user filter."""
    return f"${amount:,.2f}"


FILTERS = {"money": money}


class Pages:
    """The same templates in both engines."""

    def __init__(self, sources, autoescape=True, fast=True):
        if isinstance(sources, str):
            sources = {"main": sources}
        self.entry = next(iter(sources))
        self.environment = jinja2.Environment(loader=jinja2.DictLoader(sources), autoescape=autoescape)
        self.environment.filters.update(FILTERS)
        self.programs = {
            name: _native.compile(source, name=name, autoescape=autoescape, filters=FILTERS, fast=fast)
            for name, source in sources.items()
        }

    def jinja(self, context):
        return self.environment.get_template(self.entry).render(context)

    def haiden(self, context):
        return self.programs[self.entry].render(context, self.programs.__getitem__)

    def check(self, **context):
        """Both pages are the same; returns it."""
        expected = self.jinja(context)
        assert self.haiden(context) == expected
        return expected


@pytest.fixture(params=[True, False], ids=["fast", "slow"])
def pages(request):
    """Makes `Pages` on the fast roads, then on the slow ones."""

    def make(sources, autoescape=True):
        return Pages(sources, autoescape, fast=request.param)

    return make


@pytest.fixture(params=[True, False], ids=["fast", "slow"])
def compile(request):
    """`_native.compile` on the fast roads, then on the slow ones."""

    def make(source, **options):
        return _native.compile(source, fast=request.param, **options)

    return make
