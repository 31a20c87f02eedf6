"""Every example in the documentation runs: docstrings of all modules, the README, the pages about moving and about caches."""

import doctest
import importlib
import pathlib
import pkgutil
import re
import sys

import pytest

import haiden

DOCUMENTS = pathlib.Path(__file__).parents[2]
PAGES = ["python/README.md", "docs/migration.md"]


class Checker(doctest.OutputChecker):
    """`install_as_jinja2` renames the exceptions for good: either name will do."""

    def check_output(self, want, got, optionflags):
        return super().check_output(want.replace("jinja2.", "haiden."), got.replace("jinja2.", "haiden."), optionflags)


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(haiden.__path__) if module.name != "_native"])
def test_docstrings(name):
    module = importlib.import_module(f"haiden.{name}")
    runner = doctest.DocTestRunner(Checker())
    for test in doctest.DocTestFinder().find(module):
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


def blocks(page):
    """The Python examples of a page, which build on each other, with their lines."""
    text = (DOCUMENTS / page).read_text(encoding="utf-8")
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.S | re.M):
        yield text.count("\n", 0, found.start()) + 1, found[1]


@pytest.mark.parametrize("page", PAGES)
def test_pages(page, tmp_path, monkeypatch, capsys):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/page.html").write_text("Hello {{ user }}!")
    monkeypatch.chdir(tmp_path)
    examples = list(blocks(page))
    assert examples
    names = {"user": "<Ann>"}
    for line, source in examples:
        # It would hold for the whole process, which has Jinja2 already.
        if "install_as_jinja2()" not in source:
            exec(compile("\n" * line + source, page, "exec"), names)
    if page == "python/README.md":
        assert "Hello &lt;Ann&gt;!" in capsys.readouterr().out
    assert "haiden" in sys.modules
