"""Extensions that an environment takes over from another one, as component libraries do."""

import types
import typing as t

import jinja2
import pytest

import haiden

SOURCE = "{% trans who='X' %}hello {{ who }}, 5%{% endtrans %}{% do seen.append(1) %}{% for x in seen %}{% break %}{% endfor %}"


def environments(module: t.Any, newstyle: bool, before: bool) -> tuple[t.Any, t.Any]:
    names = [f"{module.__name__}.ext.{name}" for name in ("i18n", "do", "loopcontrols")]
    lender = module.Environment(extensions=names)
    lender.install_null_translations(newstyle=newstyle)
    borrower = module.Environment()
    if before:
        borrower.from_string("{{ 1 }}").render()
    borrower.extensions.update(lender.extensions)
    borrower.globals.update(lender.globals)
    return borrower, lender


@pytest.mark.parametrize("newstyle", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_same_as_jinja2(newstyle: bool, before: bool) -> None:
    pages = []
    for module in (jinja2, haiden):
        # The lender lives as long as its extensions, which know it.
        borrower, lender = environments(module, newstyle, before)
        pages.append([environment.from_string(SOURCE).render(seen=[]) for environment in (borrower, lender)])
    assert pages[0] == pages[1]


def test_foreign_extension() -> None:
    """One that only Python code knows, added to a dict that is in use."""
    from haiden import nodes
    from haiden.ext import Extension

    class Greet(Extension):
        tags = {"greet"}

        def parse(self, parser: t.Any) -> nodes.Node:
            return nodes.Output([nodes.TemplateData("hi")], lineno=next(parser.stream).lineno)

    environment = haiden.Environment()
    with pytest.raises(haiden.TemplateSyntaxError):
        environment.from_string("{% greet %}")
    environment.extensions[Greet.identifier] = Greet(environment)
    assert environment.from_string("{% greet %}").render() == "hi"


def test_star_import() -> None:
    ours: dict[str, t.Any] = {}
    theirs: dict[str, t.Any] = {}
    exec("from haiden import *", ours)
    exec("from jinja2 import *", theirs)
    # Which modules there are depends on what has been imported by now.
    names = {name for name, value in theirs.items() if not isinstance(value, types.ModuleType)}
    assert ours.keys() >= names and ours["Environment"] is haiden.Environment
