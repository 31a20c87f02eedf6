"""What surrounds a random template: options, policies, translations; and small slips of the hand.

In: a random generator. Out: options and fields of a case; a source with something left out, doubled or swapped. Invariant: a
slip never makes an exponent or a repetition large.
"""

import collections
import random
import re
import typing as t

DELIMITERS = [
    {"block_start_string": "<%", "block_end_string": "%>", "variable_start_string": "<<", "variable_end_string": ">>",
     "comment_start_string": "<#", "comment_end_string": "#>"},
    {"block_start_string": "[%", "block_end_string": "%]", "variable_start_string": "[=", "variable_end_string": "=]"},
    {"variable_start_string": "$(", "variable_end_string": ")$"},
    {"block_start_string": "<!--", "block_end_string": "-->", "comment_start_string": "<!--#", "comment_end_string": "#-->",
     "variable_start_string": "${", "variable_end_string": "}"},
    {"variable_start_string": "{{{", "variable_end_string": "}}}"},
    {"block_start_string": "{%%", "block_end_string": "%%}"},
]  # fmt: skip
PREFIXES = [("%%", "##"), ("@", "##"), ("#", "##"), ("%", "%%"), ("-- ", "--#")]
POLICIES: dict[str, list[t.Any]] = {
    "truncate.leeway": [0, 2, 10],
    "urlize.rel": [None, "nofollow", "a b"],
    "urlize.target": ["_top", None],
    "urlize.extra_schemes": [["ftp:", "tel:"], []],
    "json.dumps_kwargs": [{"sort_keys": False}, {"sort_keys": True, "ensure_ascii": False}, {"sort_keys": False, "separators": [",", ":"]}, {"indent": 1}],
    "ext.i18n.trimmed": [True],
}
# Few of the messages are translated.
MESSAGES = {"Hello": "Hallo", "Hi <b>": "Hé <b>", "ctx|Hello": "Servus", "%(count)s item": "%(count)s Stück", "many %(count)s": "viele %(count)s", "Hi %(user)s": "%(user)s, hallo", "many": "viele"}


class Surface:
    """Draws what surrounds a template."""

    def __init__(self, rng: random.Random, seen: collections.Counter[tuple[str, str]]) -> None:
        self.rng = rng
        self.seen = seen

    def chance(self, probability: float) -> bool:
        """Draws."""
        return self.rng.random() < probability

    def options(self) -> dict[str, t.Any]:
        """Arguments of the environment."""
        options: dict[str, t.Any] = {}
        options["extensions"] = [f"jinja2.ext.{name}" for name in ("i18n", "do", "loopcontrols") if self.chance(0.93)]
        for name in ("trim_blocks", "lstrip_blocks", "keep_trailing_newline"):
            if self.chance(0.25):
                options[name] = True
        if self.chance(0.35):
            options["autoescape"] = True
        elif self.chance(0.06):
            options["autoescape"] = {"$select_autoescape": self.rng.choice([{}, {"default_for_string": False, "default": True}, {"enabled_extensions": ["txt"], "disabled_extensions": ["html"], "default": True}])}
        if self.chance(0.08):
            options["newline_sequence"] = self.rng.choice(["\r\n", "\r"])
        if self.chance(0.4):
            options["undefined"] = self.rng.choice(["ChainableUndefined", "DebugUndefined", "StrictUndefined"])
        if self.chance(0.08):
            options |= self.rng.choice(DELIMITERS)
        if self.chance(0.1):
            options["line_statement_prefix"], options["line_comment_prefix"] = self.rng.choice(PREFIXES)
            if self.chance(0.2):
                del options[self.rng.choice(["line_statement_prefix", "line_comment_prefix"])]
        if self.chance(0.05):
            options["optimized"] = False
        if self.chance(0.03):
            options["enable_async"] = True
        for name, value in options.items():
            for each in value if isinstance(value, list) else [value]:
                self.seen["option", f"{name}={each}"] += 1
        return options

    def fields(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """The other fields of a case."""
        translated = "jinja2.ext.i18n" in options["extensions"]
        case: dict[str, t.Any] = {}
        if translated and self.chance(0.3):
            case["setup"] = {"messages": MESSAGES, "newstyle": self.chance(0.5)}
        elif translated and self.chance(0.95):
            case["setup"] = {"install_null_translations": {"newstyle": self.chance(0.5)}}
        if self.chance(0.3):
            case["environment"] = self.rng.choice(["SandboxedEnvironment", "ImmutableSandboxedEnvironment", *([] if "enable_async" in options else ["NativeEnvironment"])])
            self.seen["environment", case["environment"]] += 1
        if self.chance(0.1):
            name = self.rng.choice(sorted(POLICIES))
            case["policies"] = {name: self.rng.choice(POLICIES[name])}
            self.seen["option", f"{name}={case['policies'][name]}"] += 1
        return case


# What a slip takes for one thing.
PIECES = re.compile(r"\w+|\s+|[{%#<\[]{2}|[}%#>\]]{2}|'[^'\n]*'|.", re.DOTALL)
PUT = ["(", ")", "[", "]", "{", "}", ",", ".", "|", ":", "=", "==", "~", "-", "'", '"', "is", "not", "in", "if", "else", "endif", "endfor",
       "for", "set", "block", "x", "1", "%}", "{%", "{{", "}}", "{#", "#}", "\n", "!", "$", "é", "*", "a.b", "raw", "endraw", "and", "recursive", "with"]


def slip(rng: random.Random, source: str) -> str:
    """The source with one or two slips of the hand."""
    if "**" in source:
        return source
    pieces = PIECES.findall(source)
    for _ in range(rng.randint(1, 2)):
        if not pieces:
            break
        at = rng.randrange(len(pieces))
        pick = rng.randrange(5)
        if pick == 0:
            del pieces[at]
        elif pick == 1:
            pieces.insert(at, pieces[at])
        elif pick == 2:
            pieces[at] = rng.choice(PUT)
        elif pick == 3:
            pieces.insert(at, rng.choice(PUT))
        else:
            other = rng.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
    made = "".join(pieces)
    return source if re.search(r"\*\s*\*|range\(\s*\d{4}|\*\s*\d{5}|\d{5}\s*\*", made) else made
