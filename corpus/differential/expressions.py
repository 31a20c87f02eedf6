"""Random expressions of a wanted type.

In: a scope (which names stand for which type), how deep to go. Out: source of an expression that mostly gives that type; now and
then, on purpose, another. Invariant: numbers and texts stay small enough for a page; what was used is counted.
"""

import collections
import random
import typing as t

Scope = dict[str, list[str]]

TYPES = ["int", "float", "str", "bool", "ints", "strs", "list", "dict", "users", "any"]
NAMES: Scope = {
    "int": ["i0", "i1", "n0"],
    "float": ["f0", "f1"],
    "str": ["s0", "s1", "s2", "t0", "t1"],
    "bool": ["b0"],
    "ints": ["ints"],
    "strs": ["strs"],
    "list": ["mixed", "pair", "pairs", "users"],
    "dict": ["d", "odd"],
    "users": ["users"],
    "any": ["anything", "none", "missing", "mixed", "i0", "s0"],
}
# Literals in place of names: expressions that Jinja2 computes while it compiles.
CONSTANTS: Scope = {
    "int": ["1", "0", "-3", "12345678901234567890"],
    "float": ["0.0", "-1.5", "1e9"],
    "str": ["'<b>'", "''", "'a'"],
    "bool": ["true", "false"],
    "ints": ["[1, 2]", "[]", "(3, 1, 2)"],
    "strs": ["['a', '<b>']", "()"],
    "list": ["[1, 'a', none]", "('<i>', 2)", "[[1], {}]"],
    "dict": ["{'a': 1, 'b': '<b>'}", "{}", "{1: 2, true: 3}"],
    "users": ["[{'name': '<a>', 'age': 3, 'score': 1.5}]"],
    "any": ["none", "1", "'<i>'", "[]", "{}"],
}
LITERALS = {
    "int": ["0", "1", "2", "3", "7", "10", "1_000", "0x1F", "0b101", "0o17", "12345678901234567890"],
    "float": ["0.0", "1.0", "1.5", "2.5", "0.1", "1e3", "1E-2", "1_0.5", "123.456"],
    "str": [
        "'x'",
        '"a b"',
        "'<i>'",
        "'it\\'s'",
        "'a\\nb'",
        "'\\u00e9\\x41'",
        "'100%'",
        "''",
        "'a' 'b'",
        "'Foo Bar'",
        "'tag &amp; more'",
    ],
    "bool": ["true", "false", "True", "False"],
}
# Tests that take no argument.
PLAIN_TESTS = ("boolean callable defined escaped even false filter float integer iterable lower mapping none number odd sequence string test true undefined upper").split()
COMPARING_TESTS = "!= < <= == > >= eq equalto ge greaterthan gt le lessthan lt ne".split()


class Expressions:
    """Writes expressions."""

    rng: random.Random
    seen: collections.Counter[tuple[str, str]]
    scope: Scope
    # How often an expression is one of `wild`.
    wildness: float

    def wild(self, depth: int) -> str:
        """An expression of any kind."""
        raise NotImplementedError

    def use(self, kind: str, name: str) -> None:
        """Counts."""
        self.seen[kind, name] += 1

    def chance(self, probability: float) -> bool:
        """Draws."""
        return self.rng.random() < probability

    def expr(self, kind: str, depth: int) -> str:
        """An expression that gives this type, now and then another."""
        if depth > 0 and self.chance(self.wildness):
            return self.wild(depth - 1)
        if depth > 1 and self.chance(0.02):
            return self.constant(kind, depth)
        if self.chance(0.04):
            kind = self.rng.choice(TYPES)
        if kind == "any":
            kind = self.rng.choice(TYPES)
        if depth <= 0 or self.chance(0.2):
            return self.leaf(kind)
        if self.chance(0.06):
            self.use("operator", "if else")
            other = f" else {self.expr(kind, depth - 1)}" if self.chance(0.8) else ""
            return f"({self.expr(kind, depth - 1)} if {self.expr('bool', depth - 1)}{other})"
        if self.chance(0.06):
            return f"({self.expr('any', depth - 1)}{self.filter(self.rng.choice(['default', 'd']), [self.expr(kind, depth - 1), *(['true'] if self.chance(0.3) else [])])})"
        made: str = getattr(self, f"e_{kind}")(depth - 1)
        return made

    def constant(self, kind: str, depth: int) -> str:
        """An expression, almost without names."""
        scope, wildness = self.scope, self.wildness
        self.scope, self.wildness = CONSTANTS, 0.0
        text = self.expr(kind, depth)
        self.scope, self.wildness = scope, wildness
        return text

    def leaf(self, kind: str) -> str:
        """A name or a literal."""
        literals = LITERALS.get(kind)
        if literals and self.chance(0.4):
            return self.rng.choice(literals)
        return self.rng.choice(self.scope.get(kind) or self.scope["any"])

    def filter(self, name: str, arguments: t.Sequence[str] = ()) -> str:
        """`|name(arguments)`."""
        self.use("filter", name)
        return f"|{name}({', '.join(arguments)})" if arguments else f"|{name}"

    def binary(self, kind: str, operators: t.Sequence[str], depth: int, right: str | None = None) -> str:
        """An operation on two values of a type."""
        operator = self.rng.choice(operators)
        self.use("operator", operator)
        return f"({self.expr(kind, depth)} {operator} {right or self.expr(kind, depth)})"

    def e_int(self, depth: int) -> str:
        pick = self.rng.randrange(12)
        if pick < 3:
            return self.binary("int", ["+", "-", "*", "//", "%"], depth)
        if pick == 3:
            self.use("operator", "**")
            return f"({self.expr('int', depth)} ** {self.rng.choice(['0', '1', '2', '3'])})"
        if pick == 4:
            sign = self.rng.choice(["-", "+"])
            self.use("operator", f"unary {sign}")
            return f"{sign}{self.expr('int', depth)}"
        if pick == 5:
            return self.expr(self.rng.choice(["list", "str", "dict"]), depth) + self.filter(self.rng.choice(["length", "count"]))
        if pick == 6:
            return self.expr(self.rng.choice(["str", "float", "any"]), depth) + self.filter("int", self.rng.choice([(), ("7",), ("0", "16")]))
        if pick == 7:
            return self.expr("str", depth) + self.filter("wordcount")
        if pick == 8:
            name = self.rng.choice(["sum", "first", "last", "max", "min"])
            return self.expr("ints", depth) + self.filter(name)
        if pick == 9:
            return "(" + self.expr("int", depth) + ")" + self.filter("abs")
        if pick == 10 and self.chance(0.5):
            return self.expr("any", 0) + self.filter("attr", [self.rng.choice(["'real'", "'nope'", "'name'"])])
        if pick == 10:
            return "(" + self.expr("users", 0) + ")" + self.filter("sum", ["attribute='age'", *(["start=3"] if self.chance(0.3) else [])])
        return self.rng.choice(["d.a", "d['a']", "pair[0]", "s0.count('a')", "s0.find('b')", "d.c[0]", "odd[1]", "ints[-1]"])

    def e_float(self, depth: int) -> str:
        pick = self.rng.randrange(6)
        if pick == 0:
            return self.binary("float", ["+", "-", "*", "/", "//", "%"], depth)
        if pick == 1:
            return self.binary("int", ["/"], depth)
        if pick == 2:
            return self.expr(self.rng.choice(["int", "str", "any"]), depth) + self.filter("float", self.rng.choice([(), ("2.5",)]))
        if pick == 3:
            arguments = self.rng.choice([(), ("1",), ("2", "'floor'"), ("0", "'ceil'"), ("1", "'common'"), ("-1",)])
            return "(" + self.expr("float", depth) + ")" + self.filter("round", arguments)
        if pick == 4:
            return "(" + self.expr("float", depth) + ")" + self.filter("abs")
        return "(" + self.expr("users", 0) + ")" + self.filter("map", ["attribute='score'"]) + self.filter("sum")

    def text_filter(self) -> str:
        """A filter from text to text, without its bar."""
        return self.text_filters()[1:]

    def text_filters(self) -> str:
        name, arguments = self.rng.choice(
            [
                ("upper", ()),
                ("lower", ()),
                ("capitalize", ()),
                ("title", ()),
                ("trim", ()),
                ("trim", ("' x<'",)),
                ("replace", ("'a'", "'<o>'")),
                ("replace", ("'l'", "s2", "1")),
                ("truncate", ("9",)),
                ("truncate", ("5", "true", "'~'", "0")),
                ("truncate", ("length=12", "leeway=3")),
                ("indent", ()),
                ("indent", ("2", "true")),
                ("indent", ("'> '", "false", "true")),
                ("wordwrap", ("7",)),
                ("wordwrap", ("10", "false", "'|'")),
                ("center", ("17",)),
                ("striptags", ()),
                ("escape", ()),
                ("e", ()),
                ("safe", ()),
                ("forceescape", ()),
                ("string", ()),
                ("reverse", ()),
                ("urlencode", ()),
                ("urlize", ()),
                ("urlize", ("15", "true", "'_blank'")),
                ("format", ("1", "2")),
                ("pprint", ()),
                ("tojson", ()),
                ("default", ("'none'",)),
            ]
        )
        return self.filter(name, arguments)

    def e_str(self, depth: int) -> str:
        pick = self.rng.randrange(16)
        if pick < 4:
            return "(" + self.expr("str", depth) + ")" + self.text_filters()
        if pick == 4:
            self.use("operator", "~")
            return f"({self.expr('any', depth)} ~ {self.expr('any', depth)})"
        if pick == 5:
            return self.binary("str", ["+"], depth)
        if pick == 6:
            self.use("operator", "*")
            return f"({self.expr('str', depth)} * {self.rng.choice(['0', '2', '-1', 'true'])})"
        if pick == 7:
            self.use("operator", "slice")
            ends = [self.rng.choice(["", "0", "1", "-1", "2", "none", "-5"]) for _ in range(2)]
            step = self.rng.choice(["", ":2", ":-1", ":"])
            return f"({self.expr('str', depth)})[{ends[0]}:{ends[1]}{step}]"
        if pick == 8:
            items = self.expr(self.rng.choice(["ints", "strs", "list"]), depth)
            return items + self.filter("join", self.rng.choice([(), ("', '",), ("'<br>'",), ("s0",)]))
        if pick == 9:
            return self.expr("users", 0) + self.filter("join", ["', '", "attribute='name'"])
        if pick == 10:
            methods = (
                (
                    "upper() lower() title() capitalize() strip() swapcase() splitlines() split() split('l') replace('a','b') "
                    "startswith('a') endswith('d') zfill(6) center(12) ljust(8,'.') rjust(8) isdigit() isalpha() islower() partition('a') "
                    "rsplit(none,1) casefold() expandtabs(4) isspace() istitle() find('o') index('a') rstrip('d') lstrip() "
                    "removeprefix('H') join(strs) format(1,name=2) count('l') title() isnumeric() isidentifier()"
                )
                .replace("'a','b'", "'a',\x00'b'")
                .split()
            )
            method = self.rng.choice(methods).replace("\x00", " ")
            return f"({self.expr('str', depth)}).{method}"
        if pick == 11:
            self.use("operator", "% format")
            form, values = self.rng.choice([("'%s'", "any"), ("'%d items'", "int"), ("'%.2f'", "float"), ("'%05d|%-4s|'", None), ("'%x'", "int"), ("'%r'", "any"), ("'%(a)s'", "dict"), ("'%+.3e'", "float"), ("'%g'", "float"), ("'%%%c'", "int")])
            return f"({form} % {self.expr(values, depth)})" if values else f"({form} % ({self.expr('int', depth)}, {self.expr('str', depth)}))"
        if pick == 12:
            form = self.rng.choice(["'{} {}'", "'{0:>6}|{1!r}'", "'{:<8}{:^8}'", "'{0:,}{1}'", "'{0[0]}'", "'{0:.3}{1:5}'", "'{:05d}{}'", "'{0.real}{1}'"])
            return f"{form}.format({self.expr('any', depth)}, {self.expr('any', depth)})"
        if pick == 13:
            return self.expr("int", depth) + self.filter("filesizeformat", self.rng.choice([(), ("true",)]))
        if pick == 14:
            return self.rng.choice(
                [
                    self.expr("any", depth) + self.filter("tojson", self.rng.choice([(), ("2",), ("indent=1",)])),
                    self.expr("any", depth) + self.filter("pprint"),
                    self.expr("dict", 0) + self.filter("xmlattr", self.rng.choice([(), ("false",)])),
                    self.expr("dict", 0) + self.filter("urlencode"),
                    self.expr("any", depth) + self.filter("string"),
                    self.expr("any", depth) + self.filter("escape"),
                ]
            )
        return self.rng.choice(["d.b", "pair[1]", "users[0].name", "strs" + self.filter("first"), "s0[0]", "strs" + self.filter("last"), "[s1]" + self.filter("random"), "(users|first).tags|join", "strs[0]"])

    def test(self, depth: int) -> str:
        """`is` and a test."""
        negated = "not " if self.chance(0.2) else ""
        pick = self.rng.randrange(5)
        if pick < 2:
            name = self.rng.choice(PLAIN_TESTS)
            self.use("test", name)
            subject = self.rng.choice(["'upper'", "'nothing'", "'odd'"]) if name in ("filter", "test") else None
            return f"{subject or self.expr('any', depth)} is {negated}{name}"
        if pick == 2:
            name = self.rng.choice(COMPARING_TESTS)
            self.use("test", name)
            if not name.isalpha():
                return f"({self.expr('int', depth)}, 1){self.filter('select', [repr(name), '2'])}{self.filter('list')} != []"
            kind = self.rng.choice(["int", "str", "float", "any"])
            return f"{self.expr(kind, depth)} is {negated}{name}({self.expr(kind, depth)})"
        if pick == 3:
            # Not sameas a number: which of them are one object is an accident of CPython's.
            name, argument = self.rng.choice([("divisibleby", self.rng.choice(["2", "3", "0", "i0"])), ("sameas", self.rng.choice(["none", "true", "users", "d"])), ("in", self.expr("list", depth))])
            self.use("test", name)
            return f"{self.expr('int', depth)} is {negated}{name}({argument})"
        self.use("test", "defined")
        return f"{self.rng.choice(['missing', 'd.zzz', 'i0', 'users[9]', 'missing.x'])} is {negated}{self.rng.choice(['defined', 'undefined'])}"

    def e_bool(self, depth: int) -> str:
        pick = self.rng.randrange(7)
        if pick < 2:
            kind = self.rng.choice(["int", "int", "float", "str", "any", "list"])
            return self.binary(kind, ["==", "!=", "<", "<=", ">", ">="], depth)
        if pick == 2:
            self.use("operator", "chain")
            return f"({self.expr('int', depth)} < {self.expr('int', depth)} <= {self.expr('int', depth)})"
        if pick == 3:
            operator = self.rng.choice(["in", "not in"])
            self.use("operator", operator)
            item, of = self.rng.choice([("int", "ints"), ("str", "str"), ("str", "dict"), ("any", "list")])
            return f"({self.expr(item, depth)} {operator} {self.expr(of, depth)})"
        if pick == 4:
            operator = self.rng.choice(["and", "or"])
            self.use("operator", operator)
            kind = self.rng.choice(["bool", "any"])
            return f"({self.expr(kind, depth)} {operator} {self.expr(kind, depth)})"
        if pick == 5:
            self.use("operator", "not")
            return f"(not {self.expr('any', depth)})"
        return f"({self.test(depth)})"

    def e_ints(self, depth: int) -> str:
        pick = self.rng.randrange(8)
        if pick == 0:
            return "[" + ", ".join(self.expr("int", depth) for _ in range(self.rng.randint(0, 3))) + "]"
        if pick == 1:
            self.use("global", "range")
            return f"range({self.rng.choice(['3', '1, 4', '5, 0, -2', '0'])}){self.filter('list')}"
        if pick == 2:
            return self.expr("ints", depth) + self.filter("sort", self.rng.choice([(), ("reverse=true",), ("true",)]))
        if pick == 3:
            return self.expr("ints", depth) + self.filter("unique") + self.filter("list")
        if pick == 4:
            name = self.rng.choice(["select", "reject"])
            test, *more = self.rng.choice([("odd",), ("even",), ("divisibleby", "2"), ("gt", "1"), ("in", "[1, 2]"), ("number",)])
            return self.expr("ints", depth) + self.filter(name, [f"'{test}'", *more]) + self.filter("list")
        if pick == 5:
            return self.expr("strs", depth) + self.filter("map", ["'length'"]) + self.filter("list")
        if pick == 6:
            return self.binary("ints", ["+"], depth)
        return self.expr("ints", depth) + "[" + self.rng.choice(["1:", ":2", "::-1", "-2:"]) + "]"

    def e_strs(self, depth: int) -> str:
        pick = self.rng.randrange(7)
        if pick == 0:
            return "[" + ", ".join(self.expr("str", depth) for _ in range(self.rng.randint(0, 3))) + "]"
        if pick == 1:
            return self.expr("strs", depth) + self.filter("sort", self.rng.choice([(), ("case_sensitive=true",), ("reverse=true",)]))
        if pick == 2:
            mapped = self.rng.choice([("'upper'",), ("'replace'", "'a'", "'b'"), ("'truncate'", "4"), ("'default'", "'x'"), ("'escape'",), ("'trim'",)])
            return self.expr("strs", depth) + self.filter("map", mapped) + self.filter("list")
        if pick == 3:
            return self.expr("users", 0) + self.filter("map", self.rng.choice([("attribute='name'",), ("attribute='name'", "default='?'"), ("attribute='tags.0'",)])) + self.filter("list")
        if pick == 4:
            return self.expr("strs", depth) + self.filter("unique", self.rng.choice([(), ("true",)])) + self.filter("list")
        if pick == 5:
            return self.expr("dict", depth) + self.filter("list")
        return self.expr("strs", depth) + self.filter("reverse") + self.filter("list")

    def e_list(self, depth: int) -> str:
        pick = self.rng.randrange(11)
        if pick == 0:
            opening, closing = self.rng.choice([("[", "]"), ("(", ",)")])
            return opening + ", ".join(self.expr("any", depth) for _ in range(self.rng.randint(1, 3))) + closing
        if pick == 1:
            fill = self.rng.choice([(), ("'-'",), ("none",)])
            return self.expr("list", depth) + self.filter("batch", ["2", *fill]) + self.filter("list")
        if pick == 2:
            fill = self.rng.choice([(), ("'-'",)])
            return self.expr("list", depth) + self.filter("slice", ["3", *fill]) + self.filter("list")
        if pick == 3:
            return self.expr("dict", depth) + self.filter("dictsort", self.rng.choice([(), ("true",), ("false", "'value'"), ("reverse=true",)]))
        if pick == 4:
            return self.expr("dict", depth) + self.filter("items") + self.filter("list")
        if pick == 5:
            arguments = self.rng.choice([("'active'",), ("'name'",), ("'age'",), ("attribute='tags'",), ("'nope'", "default='x'"), ("'name'", "case_sensitive=true")])
            return self.expr("users", 0) + self.filter("groupby", arguments) + self.filter("list")
        if pick == 6:
            name = self.rng.choice(["selectattr", "rejectattr"])
            arguments = self.rng.choice([("'active'",), ("'age'", "'gt'", "2"), ("'name'", "'string'"), ("'nope'", "'defined'"), ("'kids.0.age'", "'odd'"), ("'tags'",)])
            return self.expr("users", 0) + self.filter(name, arguments) + self.filter("list")
        if pick == 7:
            return self.expr("users", 0) + self.filter("sort", [self.rng.choice(["attribute='name'", "attribute='age,name'", "attribute='nope'", "true, false, 'score'"])])
        if pick == 8:
            return self.expr("str", depth) + self.filter("list")
        if pick == 9:
            name = self.rng.choice(["max", "min"])
            return "[" + self.expr("users", 0) + self.filter(name, [self.rng.choice(["attribute='age'", "attribute='name'", "true"])]) + "]"
        return self.expr("any", depth) + self.filter("list")

    def e_users(self, depth: int) -> str:
        return self.rng.choice(["users", "users[:2]", "users" + self.filter("list"), "users" + self.filter("sort", ["attribute='name'"]), "users" + self.filter("reverse") + self.filter("list")])

    def e_dict(self, depth: int) -> str:
        pick = self.rng.randrange(4)
        if pick == 0:
            entries = [f"{self.rng.choice(['1', repr('k'), 'none', 's0', 'true'])}: {self.expr('any', depth)}" for _ in range(self.rng.randint(0, 3))]
            return "{" + ", ".join(entries) + "}"
        if pick == 1:
            self.use("global", "dict")
            return f"dict(a={self.expr('any', depth)}, b={self.expr('any', depth)})"
        if pick == 2:
            return self.rng.choice(["users[0]", "(users" + self.filter("first") + ")", "d", "odd", "dict(d, z=1)", "dict(pairs)"])
        self.use("global", "cycler")
        self.use("global", "joiner")
        return self.rng.choice(["{'c': cycler(1, 2).next()}", "{'j': joiner('|')()}", "{'n': cycler('a', 'b').current}", "{'l': lipsum(n=1, html=false)|length > 9}", "d.copy()"])

    e_any = e_list
