"""Templates of the corpus with a few mistakes in them.

In: a seed. Out: a recorded case whose template has letters and tokens missing, twice, in another place, or from another template, under
options of its lexer. Most are wrong, and how Jinja2 says so is compared; a fifth still renders. Invariant: the same seed gives the
same case.
"""

import json
import pathlib
import random
import re
import typing as t

from outcome import Case
from values import Typed

RENDER = pathlib.Path(__file__).parents[1] / "render"
# What a case may have; others need more than an environment.
FIELDS = {"name", "template", "templates", "context", "options", "environment", "expected", "error", "error_message", "error_lineno", "artifact"}
# What is different each time, or takes too much of it.
RANDOM = ("lipsum", "random", "range(1")
LETTERS = [*"{}%#-+ \n'\"|().,:[]=~*/!<>_ax0\\\t\r;@$^&é", "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "{%+", "+%}", "**", "//", "==", "!=", "<=", ">="]  # fmt: skip
WORDS = [" in ", " not ", " is ", " if ", " else ", " and ", " or ", "endif", "endfor", "{% raw %}", "{% endraw %}", "\n\n", "  ", "''", "loop", "self", "none", "True"]  # fmt: skip
WORDS += ["1.", "1e3", "0x1", "1_0", "'a' 'b'", " recursive ", " as ", " with context ", " without context ", "import", "from", "caller()", "*a", "**k", ":", "::"]
TOKEN = re.compile(r"\{[{%#][-+]?|[-+]?[}%#]\}|\w+|\s+|'[^']*'|\"[^\"]*\"|.", re.S)
OPTIONS: list[dict[str, t.Any]] = [
    {},
    {},
    {},
    {"trim_blocks": True},
    {"lstrip_blocks": True},
    {"trim_blocks": True, "lstrip_blocks": True},
    {"keep_trailing_newline": True},
    {"line_statement_prefix": "#", "line_comment_prefix": "##"},
    {"line_statement_prefix": "%"},
    {"block_start_string": "<%", "block_end_string": "%>", "variable_start_string": "${", "variable_end_string": "}", "comment_start_string": "<!--", "comment_end_string": "-->"},
    {"autoescape": True},
    {"optimized": False},
    {"newline_sequence": "\r\n"},
    {"extensions": ["jinja2.ext.do", "jinja2.ext.loopcontrols", "jinja2.ext.i18n"]},
]


def typed(value: t.Any) -> Typed:
    """A value of JSON, in the encoding of contexts."""
    if value is None:
        return ["none"]
    if isinstance(value, bool):
        return ["bool", value]
    if isinstance(value, (int, float)):
        return [type(value).__name__, repr(value)]
    if isinstance(value, str):
        return ["str", value]
    if isinstance(value, list):
        return ["list", [typed(item) for item in value]]
    return ["dict", [[typed(key), typed(item)] for key, item in value.items()]]


class Mutants:
    """Makes them."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        for path in sorted(RENDER.glob("*.json")):
            self.cases += [case for case in json.loads(path.read_text(encoding="utf-8")) if set(case) <= FIELDS]

    def write(self, seed: int) -> Case:
        """A case."""
        rng = random.Random(seed)
        while True:
            recorded = rng.choice(self.cases)
            case: Case = {
                "template": self.mutated(rng, recorded["template"]),
                "templates": dict(recorded.get("templates", {})),
                "typed_context": {name: typed(value) for name, value in recorded.get("context", {}).items()},
                "options": {**recorded.get("options", {}), **rng.choice(OPTIONS)},
            }
            if "environment" in recorded:
                case["environment"] = recorded["environment"]
            case["options"].pop("enable_async", None)
            if case["templates"] and rng.random() < 0.3:
                name = rng.choice(sorted(case["templates"]))
                case["templates"][name] = self.mutated(rng, case["templates"][name])
            if not any(word in text for word in RANDOM for text in (case["template"], *case["templates"].values())):
                return case

    def mutated(self, rng: random.Random, original: str) -> str:
        """With one to five mistakes."""
        text: str = original
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 5])):
            kind = rng.random()
            if kind < 0.35:
                text = self.letter(rng, text)
            elif kind < 0.85:
                text = self.token(rng, text)
            else:
                other: str = rng.choice(self.cases)["template"]
                text = text[: rng.randint(0, len(text))] + other[rng.randint(0, len(other)) :]
        return text

    def letter(self, rng: random.Random, text: str) -> str:
        """A letter too many, too few, another one, or two in the wrong order."""
        at, new = rng.randint(0, len(text)), rng.choice(LETTERS + WORDS)
        mistakes = [
            text[:at] + new + text[at:],
            text[:at] + text[at + rng.randint(1, 3) :],
            text[:at] + new + text[at + 1 :],
            text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :],
        ]
        chosen: str = rng.choice(mistakes)
        return chosen

    def token(self, rng: random.Random, text: str) -> str:
        """The same with tokens."""
        tokens = TOKEN.findall(text) or [""]
        at, other = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        foreign = TOKEN.findall(rng.choice(self.cases)["template"]) or [""]
        kind = rng.random()
        if kind < 0.25:
            del tokens[at]
        elif kind < 0.4:
            tokens.insert(at, tokens[other])
        elif kind < 0.6:
            tokens[at] = rng.choice(foreign)
        elif kind < 0.75:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind < 0.9:
            tokens.insert(at, rng.choice(LETTERS + WORDS))
        else:
            some = tokens[at : at + rng.randint(1, 6)]
            tokens[at:at] = some
        return "".join(tokens)
