"""Tokens, trees, line numbers, names and errors as recorded from Jinja2 in `corpus/syntax/`, by the Python parser."""

import json
import pathlib

import pytest

import haiden
from haiden import meta

CORPUS = pathlib.Path(__file__).parents[2] / "corpus" / "syntax"
CASES = json.loads((CORPUS / "lex_parse.json").read_text())
# These were recorded with other settings than they say: newstyle gettext, trimmed.
NEWSTYLE = {(entry["template"], entry["ast"]) for entry in json.loads((CORPUS / "ledger.json").read_text())}


def environment(case):
    names = case["options"].get("extensions", ())
    ours = [name.replace("jinja2.", "haiden.") for name in names]
    env = haiden.Environment(**{**case["options"], "extensions": ours})
    if "jinja2.ext.i18n" in names:
        newstyle = (case["template"], case.get("ast")) in NEWSTYLE
        env.install_null_translations(newstyle=newstyle)
        env.policies["ext.i18n.trimmed"] = newstyle
    return env


def error_of(work):
    """What it raises, as the corpus has it."""
    with pytest.raises(haiden.TemplateSyntaxError) as raised:
        work()
    return type(raised.value).__name__, raised.value.message, raised.value.lineno


def recorded_error(case):
    return case["error"], case["error_message"], case["error_lineno"]


def check(case):
    env = environment(case)
    template = case["template"]
    if "tokens" in case:
        assert [list(token) for token in env.lex(template)] == case["tokens"]
    if "ast" not in case:
        assert error_of(lambda: meta.find_undeclared_variables(env.parse(template))) == recorded_error(case)
        return
    tree = env.parse(template)
    assert repr(tree) == case["ast"]
    lines = [[type(node).__name__, node.lineno] for node in tree.find_all(haiden.nodes.Node)]
    assert lines == case["linenos"]
    assert list(meta.find_referenced_templates(tree)) == case["referenced"]
    if "undeclared_error" in case:
        with pytest.raises(Exception) as raised:
            meta.find_undeclared_variables(tree)
        assert case["undeclared_error"].startswith(type(raised.value).__name__)
    elif "undeclared" in case:
        assert sorted(meta.find_undeclared_variables(tree)) == case["undeclared"]


@pytest.mark.parametrize("case", CASES, ids=[str(number) for number in range(len(CASES))])
def test_recorded(case):
    check(case)
