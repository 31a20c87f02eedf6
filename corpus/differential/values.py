"""Contexts for random templates, and the encoding in which both sides read them.

In: a random generator. Out: typed JSON: ``["int", "1"]``, ``["float", "nan"]``, ``["str", "a"]``, ``["bool", true]``, ``["none"]``,
``["list", [...]]``, ``["tuple", [...]]``, ``["dict", [[key, value], ...]]``. Invariant: a name always stands for the same type, so
that most templates render.
"""

import random
import typing as t

Typed = list[t.Any]

INTS = [0, 1, 2, 3, -1, -7, 10, 42, 255, 1000, 10**6, 2**31, 2**63 - 1, -(2**63), 2**63, 10**20]
FLOATS = ["0.0", "-0.0", "1.0", "1.5", "-2.25", "0.1", "1e16", "1e-7", "123456789.125", "1e308", "nan", "inf", "-inf", "2.5", "3.5"]
TEXTS = [
    "",
    "a",
    "Hello World",
    "<b>bold</b>",
    "a & b",
    'it\'s "quoted"',
    "grüße ß",
    "日本語 テキスト",
    "\U0001f600 emoji",
    "  padded  ",
    "line one\nline two\n\nlast",
    "42",
    "-1.5e3",
    "foo bar baz qux quux corge grault garply waldo fred plugh xyzzy thud",
    "tab\there",
    "http://example.com/?a=1&b=2",
    "see www.example.org, or mail me@example.org.",
    "%s and %(x)s and 100%",
    "{0} {name}",
    "İSTANBUL ı ǆ",
    "None",
    "back\\slash",
    "e\u0301 combining",
    "x" * 30,
]
SHORT = ["", "a", "Hello", "<i>", "%", "a,b", "é", " x ", "12", "0x1f", "a\nb", "ß", "True", "'", "Aa bB", "-3", "1.5", "a.b", "http://a.io"]
KEYS: list[Typed] = [["str", "a"], ["str", "b"], ["int", "1"], ["int", "0"], ["none"], ["bool", True], ["float", "1.5"], ["str", "key with space"], ["str", "items"]]


class Values:
    """Draws values."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def integer(self) -> Typed:
        """Mostly a small number."""
        return ["int", str(self.rng.choice(INTS) if self.rng.random() < 0.3 else self.rng.randint(-3, 12))]

    def small(self) -> Typed:
        """A number that may decide how long something becomes."""
        return ["int", str(self.rng.randint(-3, 12))]

    def real(self) -> Typed:
        """Any kind of float."""
        return ["float", self.rng.choice(FLOATS)]

    def text(self) -> Typed:
        """A text."""
        return ["str", self.rng.choice(TEXTS)]

    def truth(self) -> Typed:
        """True or False."""
        return ["bool", self.rng.random() < 0.5]

    def anything(self, depth: int = 2) -> Typed:
        """A value of any type."""
        kinds: list[t.Callable[[], Typed]] = [self.integer, self.real, self.text, self.truth, lambda: ["none"]]
        if depth:
            kinds += [
                lambda: ["list", [self.anything(depth - 1) for _ in range(self.rng.randint(0, 3))]],
                lambda: ["tuple", [self.anything(depth - 1) for _ in range(self.rng.randint(0, 3))]],
                lambda: self.mapping(depth - 1),
            ]
        return self.rng.choice(kinds)()

    def mapping(self, depth: int = 1) -> Typed:
        """A dict with keys of several types."""
        keys = self.rng.sample(KEYS, self.rng.randint(0, 4))
        # 1, True and 1.0 are one key.
        if ["int", "1"] in keys and ["bool", True] in keys:
            keys.remove(["bool", True])
        return ["dict", [[key, self.anything(depth)] for key in keys]]

    def user(self, depth: int = 1) -> Typed:
        """A record as listings have them."""
        fields = {
            "name": self.text(),
            "age": self.integer(),
            "score": self.real(),
            "active": self.truth(),
            "tags": self.many(self.text, 3),
            "kids": ["list", [self.user(depth - 1) for _ in range(self.rng.randint(0, 2))]] if depth else ["list", []],
        }
        if self.rng.random() < 0.1:
            del fields[self.rng.choice(sorted(fields))]
        return ["dict", [[["str", name], value] for name, value in fields.items()]]

    def many(self, item: t.Callable[[], Typed], most: int) -> Typed:
        """A list of up to so many items."""
        return ["list", [item() for _ in range(self.rng.randint(0, most))]]

    def context(self) -> dict[str, Typed]:
        """The variables that `generate` names."""
        return {
            "i0": self.integer(),
            "i1": self.integer(),
            "n0": self.small(),
            "n1": self.small(),
            "t0": ["str", self.rng.choice(SHORT)],
            "t1": ["str", self.rng.choice(SHORT)],
            "f0": self.real(),
            "f1": self.real(),
            "s0": self.text(),
            "s1": self.text(),
            "s2": self.text(),
            "b0": self.truth(),
            "ints": self.many(self.integer, 5),
            "strs": self.many(self.text, 5),
            "mixed": self.many(self.anything, 4),
            "pair": ["tuple", [self.integer(), self.text()]],
            "pairs": self.many(lambda: ["tuple", [self.text(), self.integer()]], 3),
            "d": ["dict", [[["str", "a"], self.integer()], [["str", "b"], self.text()], [["str", "c"], self.many(self.integer, 3)]]],
            "odd": self.mapping(),
            "users": self.many(self.user, 4),
            "none": ["none"],
            "anything": self.anything(),
        }


def decode(typed: Typed) -> t.Any:
    """The Python value that typed JSON means."""
    kind, *rest = typed
    if kind == "none":
        return None
    if kind == "list":
        return [decode(item) for item in rest[0]]
    if kind == "tuple":
        return tuple(decode(item) for item in rest[0])
    if kind == "dict":
        return {decode(key): decode(value) for key, value in rest[0]}
    return {"int": int, "float": float, "str": str, "bool": bool}[kind](rest[0])
