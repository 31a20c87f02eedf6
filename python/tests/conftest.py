"""What all tests share: both engines on the same sources, on fast roads and slow ones."""

import os

import jinja2
import pytest

import haiden


def money(amount):
    """A user filter."""
    return f"${amount:,.2f}"


FILTERS = {"money": money}


def environment(fast=True, **options):
    """An environment that takes the fast roads, or the slow ones only."""
    before = os.environ.get("HAIDEN_NO_FAST", "")
    os.environ["HAIDEN_NO_FAST"] = "" if fast else "1"
    try:
        env = haiden.Environment(**options)
        env._machine_settings()
    finally:
        os.environ["HAIDEN_NO_FAST"] = before
    return env


class Pages:
    """The same templates in both engines."""

    def __init__(self, sources, autoescape=True, fast=True):
        if isinstance(sources, str):
            sources = {"main": sources}
        self.entry = next(iter(sources))
        self.environment = jinja2.Environment(loader=jinja2.DictLoader(sources), autoescape=autoescape)
        self.environment.filters.update(FILTERS)
        self.ours = environment(fast, loader=haiden.DictLoader(sources), autoescape=autoescape)
        self.ours.filters.update(FILTERS)

    def jinja(self, context):
        return self.environment.get_template(self.entry).render(context)

    def haiden(self, context):
        return self.ours.get_template(self.entry).render(context)

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
    """Makes templates of sources, on the fast roads, then on the slow ones."""

    def make(source, name="main", **options):
        if name != "main" or "loader" in options:
            options.setdefault("loader", haiden.DictLoader({name: source}))
            options["loader"].mapping.setdefault(name, source)
            return environment(request.param, **options).get_template(name)
        return environment(request.param, **options).from_string(source)

    return make


def pytest_terminal_summary(terminalreporter):
    """Who rendered; the table of faults, and that of stores and cases, where they were tested."""
    import sys

    machine, other = haiden.statistics()
    terminalreporter.line(f"renders: {machine} by the machine, {other} by functions that code generators of tests wrote")
    suite = getattr(sys.modules.get("test_stores"), "SUITE", None)
    if suite:
        terminalreporter.section("stores and cases")
        terminalreporter.line(f"{'':<40} " + " ".join(f"{store:>9}" for store in suite))
        for case in dict.fromkeys(case for cases in suite.values() for case in cases):
            verdicts = ("passed" if case in cases else "failed" for cases in suite.values())
            terminalreporter.line(f"{case:<40} " + " ".join(f"{verdict:>9}" for verdict in verdicts))
    table = getattr(sys.modules.get("test_cache_faults"), "TABLE", None)
    if not table:
        return
    terminalreporter.section("caches that are ill")
    terminalreporter.line("Twenty cold workers each; every page was right.")
    terminalreporter.line(
        f"{'store':<10} {'fault':<28} {'hits':>5} {'misses':>6} {'load failed':>11} {'dump failed':>11} {'rejected':>8}"
        f" {'time lost':>10} {'slowest page':>12}"
    )
    for store, fault, found, lost, slowest in table:
        rejections = sum(found.rejections.values())
        figures = f"{found.hits:>5} {found.misses:>6} {found.load_failures:>11} {found.dump_failures:>11} {rejections:>8}"
        terminalreporter.line(f"{store:<10} {fault:<28} {figures} {lost * 1000:>7.1f} ms {slowest * 1000:>9.1f} ms")
