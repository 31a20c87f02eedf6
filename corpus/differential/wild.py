"""Expressions that take everything of everything.

In: a scope, how deep to go. Out: any filter or test on any value with any arguments, any method, `%` and `str.format` with any
specification, subscripts, operators without parentheses, undefined values in every place. Many raise; how they do is compared,
too. Invariant: what decides how large something becomes is small.
"""

import inspect
import typing as t

import jinja2.filters
import jinja2.tests

from expressions import Expressions

SMALL = ["0", "1", "2", "3", "-1", "-2", "5", "8", "n0", "n1"]
# Arguments of anything: nothing large among them.
ARGUMENTS = [*SMALL, "none", "true", "false", "1.5", "-0.5", "'a'", "''", "'x y'", "', '", "'name'", "'<b>'", "t0", "strs", "[1, 2]", "('a', 'b')", "{'a': 1}", "missing"]
TEXTS = ["'a'", "'l'", "' '", "''", "'<'", "'o W'", "'%'", "t0", "t1", "s0"]

BYTES = ["'a'.encode()", "'l'.encode()", "' '.encode()", "''.encode()", "'é'.encode()", "'<'.encode()", "'o W'.encode()", "t0.encode()", "97", "t0"]


def signatures(table: t.Mapping[str, t.Callable[..., t.Any]]) -> dict[str, list[str]]:
    """The names of parameters behind the value."""
    found = {}
    for name, function in table.items():
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except ValueError:
            parameters = []
        passed = 2 if hasattr(function, "jinja_pass_arg") else 1
        found[name] = [each.name for each in parameters[passed:] if each.kind is each.POSITIONAL_OR_KEYWORD]
    return found


# What draws lots is left out.
FILTERS = {name: names for name, names in signatures(jinja2.filters.FILTERS).items() if name != "random"}
TESTS = signatures(t.cast("t.Mapping[str, t.Callable[..., t.Any]]", jinja2.tests.TESTS))

# Methods and what they take: n a small number, c a sign, s a text, a anything, l a list, p several texts, d a mapping; `?`: perhaps;
# a name before it: by that name, perhaps.
METHODS = {
    "str": """capitalize casefold center:n,c? count:s,n?,n? endswith:s,n?,n? expandtabs:tabsize=n? find:s,n?,n? format:a?,a?
        format_map:d index:s,n?,n? isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle
        isupper join:l ljust:n,c? lower lstrip:s? partition:s removeprefix:s removesuffix:s replace:s,s,n? rfind:s,n?,n? rindex:s,n?
        rjust:n,c? rpartition:s rsplit:sep=s?,maxsplit=n? rstrip:s? split:sep=s?,maxsplit=n? splitlines:keepends=a? startswith:s,n?,n?
        startswith:p endswith:p strip:s? swapcase title upper zfill:n encode encode:encoding=e,errors=h? translate:d striptags unescape""",
    "list": "append:a clear copy count:a extend:l index:a,n?,n? insert:n,a pop:n? remove:a reverse sort sort:reverse=a",
    "tuple": "count:a index:a,n?",
    "dict": "clear copy get:s,a? get:a,a? items keys pop:s,a? pop:a popitem setdefault:s,a? update:d values fromkeys:l",
    "int": "bit_length conjugate bit_count as_integer_ratio to_bytes:n,order is_integer",
    "float": "is_integer hex as_integer_ratio conjugate",
    "range": "count:a index:a",
    "bytes": """capitalize center:n,f? count:y,n?,n? decode decode:encoding=e?,errors=h? endswith:y,n?,n? expandtabs:tabsize=n? find:y,n?,n?
        fromhex:x hex hex:sep=f?,bytes_per_sep=n? index:y,n? isalnum isalpha isascii isdigit islower isspace istitle isupper join:b ljust:n,f?
        lower lstrip:y? maketrans:y,y partition:y removeprefix:y removesuffix:y replace:y,y,n? rfind:y,n?,n? rindex:y rjust:n,f?
        rpartition:y rsplit:sep=y?,maxsplit=n? rstrip:y? split split:sep=y?,maxsplit=n? splitlines:keepends=a? startswith:y,n?,n? strip:y?
        swapcase title translate:none,delete=y? upper zfill:n""",
}
ATTRIBUTES = ["real", "imag", "numerator", "denominator", "start", "stop", "step", "name", "items", "upper", "a", "0", "nope", "grouper", "list"]
SUBJECTS = {"str": "str", "list": "list", "dict": "dict", "int": "int", "float": "float"}


class Wild(Expressions):
    """Writes them."""

    def wild(self, depth: int) -> str:
        """Anything."""
        kinds = ["filter", "filter", "filter", "test", "method", "method", "percent", "format", "subscript", "loose", "loose", "markup", "undefined", "literal", "call", "macro", "loop", "bytes"]
        kind = self.rng.choice(kinds)
        self.use("wild", kind)
        made: str = getattr(self, f"w_{kind}")(depth)
        return made

    def argument(self) -> str:
        """An argument of anything."""
        return self.rng.choice(ARGUMENTS)

    def subject(self, depth: int, kind: str | None = None) -> str:
        """A value to do something with."""
        made = self.expr(kind or self.rng.choice(["str", "int", "float", "ints", "strs", "list", "dict", "users", "any"]), min(depth, 1))
        return made if made[0] not in "+-" else f"({made})"

    def arguments(self, names: list[str], most: int) -> str:
        """Arguments, some by name."""
        given: dict[str, str] = {}
        for at in range(self.rng.randint(0, most)):
            if at < len(names) and self.chance(0.35):
                given[self.rng.choice(names)] = self.argument()
            else:
                given[f" {at}"] = self.argument()
        written = [value if name[0] == " " else f"{name}={value}" for name, value in sorted(given.items(), key=lambda entry: entry[0][0] != " ")]
        if self.chance(0.03):
            written.append("nope=1")
        if self.chance(0.03):
            written.insert(0, self.rng.choice(["*pair", "*[1]", "*ints"]))
        if self.chance(0.03):
            written.append("**{'a': 1}" if self.chance(0.5) else "**d")
        return f"({', '.join(written)})" if written or self.chance(0.1) else ""

    def w_filter(self, depth: int) -> str:
        name = self.rng.choice(sorted(FILTERS))
        self.use("filter", name)
        names = FILTERS[name]
        if name in ("map", "select", "reject", "selectattr", "rejectattr") and self.chance(0.8):
            return self.subject(depth) + f"|{name}({self.lazily(name)})" + self.rng.choice(["|list", "|list", "|first", "|join", "|join(',')"])
        ending = self.rng.choice(["|list", ""]) if name in ("batch", "slice", "unique", "items", "groupby", "reverse", "map", "select") else ""
        return self.subject(depth) + f"|{name}{self.arguments(names, min(len(names) + 1, 4))}{ending}"

    def lazily(self, name: str) -> str:
        """What a filter over items gets."""
        attribute = self.rng.choice(["'name'", "'age'", "'tags.0'", "0", "'0'", "'nope'", "'kids.0.name'", "1"])
        if name == "map" and self.chance(0.3):
            return f"attribute={attribute}{self.rng.choice(['', ', default=7'])}"
        named = self.rng.choice(sorted(TESTS if name != "map" else FILTERS))
        extra = self.rng.choice(["", "", f", {self.argument()}"])
        if name.endswith("attr"):
            return attribute + self.rng.choice(["", f", {named!r}{extra}"])
        return f"{named!r}{extra}" if self.chance(0.9) else ""

    def w_test(self, depth: int) -> str:
        name = self.rng.choice(sorted(TESTS))
        self.use("test", name)
        names = TESTS[name]
        negated = self.rng.choice(["", "", "not "])
        shown = name if name.isidentifier() else "eq"
        if len(names) == 1 and self.chance(0.3):
            return f"({self.subject(depth)} is {negated}{shown} {self.rng.choice(['1', 't0', 'ints', '2.5', 'none'])})"
        return f"({self.subject(depth)} is {negated}{shown}{self.arguments(names, min(len(names) + 1, 2))})"

    def w_method(self, depth: int) -> str:
        kind = self.rng.choice(["str", "str", "str", *METHODS])
        name, _, wanted = self.rng.choice(METHODS[kind].split()).partition(":")
        given = [self.wanted(each) for each in wanted.split(",") if each and not (each.endswith("?") and self.chance(0.5))]
        if self.chance(0.06):
            given.append(self.argument())
        if self.chance(0.04):
            given = given[1:]
        given.sort(key=lambda each: each[0].isalpha() and each.partition("=")[0].isidentifier() and "=" in each)
        if kind == "tuple":
            subject = self.rng.choice(["pair", "(1, 'a', 1)", "()", "(2,)"])
        elif kind == "range":
            subject = self.rng.choice(["range(3)", "range(n0)", "range(5, 0, -2)"])
        elif kind == "bytes":
            subject = self.some_bytes()
        else:
            subject = self.subject(depth, SUBJECTS[kind])
        marked = self.rng.choice(["|safe", "|e"]) if kind == "str" and self.chance(0.3) else ""
        shown = self.rng.choice(["", "", "", "|list" if kind in ("dict", "list") else ""])
        if subject[0].isdigit() or subject[0] == "-" or marked:
            subject = f"({subject}{marked})"
        self.use("method", f"{kind}.{name}")
        return f"{subject}.{name}({', '.join(given)}){shown}"

    def wanted(self, kind: str) -> str:
        """An argument of a kind."""
        name, _, kind = kind.rstrip("?").rpartition("=")
        if self.chance(0.04):
            kind = "a"
        makers: dict[str, t.Callable[[], str]] = {
            "n": lambda: self.rng.choice([*SMALL, "none"] if self.chance(0.1) else SMALL),
            "c": lambda: self.rng.choice(["'*'", "' '", "'é'", "'ab'"]),
            "s": lambda: self.rng.choice(TEXTS),
            "a": self.argument,
            "l": lambda: self.rng.choice(["strs", "ints", "['a', '<']", "[]", "pair", "t0", "['x', '<b>'|safe]", "d"]),
            "p": lambda: self.rng.choice(["('a', 'H')", "()", "(1,)", "pair"]),
            "d": lambda: self.rng.choice(["d", "{'a': t0}", "odd", "{}", "{97: 'b', 98: none, 60: 99}", "pairs"]),
            "y": lambda: self.rng.choice(BYTES),
            "f": lambda: self.rng.choice(["'-'.encode()", "'é'.encode()", "':'", "''"]),
            "b": lambda: self.rng.choice(["['a'.encode(), 'é'.encode()]", "[]", "strs", "['a'.encode(), 1]", "'ab'.encode()"]),
            "e": lambda: self.rng.choice(["'utf-8'", "'UTF8'", "'ascii'", "'latin-1'", "'iso_8859_1'", "'nope'"]),
            "h": lambda: self.rng.choice(["'strict'", "'ignore'", "'replace'", "'backslashreplace'", "'xmlcharrefreplace'", "'nope'"]),
            "x": lambda: self.rng.choice(["'00ff'", "'0'", "' 41 42 '", "'4 1'", "'zz'"]),
            "none": lambda: "none",
            "order": lambda: self.rng.choice(["'big'", "'little'", "byteorder='big'"]),
        }
        value = makers[kind]()
        return f"{name}={value}" if name and self.chance(0.4) else value

    def some_bytes(self) -> str:
        """Bytes."""
        return self.rng.choice([f"{self.rng.choice(['s0', 's1', 't0', 't1'])}.encode()", f"({self.expr('str', 0)}).encode()", "'a b,c'.encode()", "i0.to_bytes(9, 'big', signed=true)"])

    def w_bytes(self, depth: int) -> str:
        made, other = self.some_bytes(), self.rng.choice([*BYTES, self.argument()])
        form = self.rng.choice(["{m} + {o}", "{o} + {m}", "{m} * {n}", "{n} * {m}", "{o} in {m}", "{m} in {o}", "{m} < {o}", "{m} == {o}", "{m} != {m}", "{m} >= {o}", "{m}[{n}]",
                                "{m}[{n}:{n}]", "{m}[::{n}]", "{m} ~ {o}", "{m}|{f}", "{m} is {t}", "[{m}, {o}]|sort", "[{m}, {o}, {m}]|unique|list", "{{{m}: 1}}[{m}]", "{{{m}: 1}}", "{m} and 1",
                                "'{{}}'.format({m})", "'%s' % {m}", "{m}|map('string')|list", "{m}.{a}", "({m}, {o})|max", "{m}|list|length"])  # fmt: skip
        safe = sorted(set(FILTERS) - {"batch", "slice"})
        return form.format(m=made, o=other, n=self.rng.choice(SMALL), f=self.rng.choice(safe), t=self.rng.choice([name for name in sorted(TESTS) if name.isidentifier()]), a=self.rng.choice(ATTRIBUTES))

    def w_percent(self, depth: int) -> str:
        self.use("operator", "% format")
        pick, keyed = self.rng.randint(1, 3), self.chance(0.2)
        parts = [self.percent_field(keyed) for _ in range(pick)]
        form = repr(self.rng.choice(["", "a", "<", "%%"]) + self.rng.choice(["", " ", "|"]).join(parts))
        marked = self.rng.choice(["|safe", "|e"]) if self.chance(0.4) else ""
        if keyed:
            right = self.rng.choice(["d", "odd", "{'a': i0, 'b': f0, 'k': '<'}", "dict(a=t0, b=s0|safe, k=ints)", "ints", "t0", "missing"])
        else:
            count = pick if self.chance(0.85) else self.rng.randint(0, 3)
            items = [self.expr(self.rng.choice(["int", "int", "float", "str", "any"]), 0) for _ in range(count)]
            right = items[0] if count == 1 and self.chance(0.6) else f"({', '.join(items)}{',' if count == 1 else ''})"
            if self.chance(0.25):
                return f"({form}{marked})|format({', '.join(items)})"
        if keyed and self.chance(0.25):
            return f"({form}{marked})|format(a=i0, b=f0, k=s0)"
        return f"(({form}{marked}) % {right})"

    def percent_field(self, keyed: bool) -> str:
        """A field of `%`."""
        key = self.rng.choice(["(a)", "(b)", "(k)", "(1)"]) if keyed else ""
        flags = "".join(sign for sign in "-+ #0" if self.chance(0.15))
        width = self.rng.choice(["", "", "", "3", "8", "12"])
        precision = self.rng.choice(["", "", "", ".0", ".2", ".", ".7"])
        letter = self.rng.choice("diuoxXeEfFgGcrsa" if self.chance(0.97) else "b%qé ")
        return f"%{key}{flags}{width}{precision}{letter}"

    def w_format(self, depth: int) -> str:
        fields, manual = [], self.chance(0.5)
        for at in range(self.rng.randint(1, 2)):
            name = str(at) if manual else ""
            if self.chance(0.2):
                name = self.rng.choice(["k", "m"])
            path = self.rng.choice(["", "", "", "", "[0]", "[a]", ".real", "[-1]", ".nope", "[k].x", "[]"])
            conversion = self.rng.choice(["", "", "", "!r", "!s", "!a", "!x"]) if self.chance(0.3) else ""
            spec = f":{self.format_spec()}" if self.chance(0.7) else ""
            fields.append("{" + name + path + conversion + spec + "}")
        form = repr("".join(fields) if self.chance(0.97) else "".join(fields) + self.rng.choice(["{", "}", "{{}}", "{0"]))
        marked = self.rng.choice(["|safe", "|e"]) if self.chance(0.3) else ""
        values = [self.expr(self.rng.choice(["int", "float", "str", "any", "list", "dict"]), 0) for _ in range(2)]
        form = f"({form}{marked})" if marked else form
        if self.chance(0.1):
            return f"{form}.format_map({{'k': {values[0]}, 'm': {values[1]}}})"
        return f"{form}.format({', '.join(values)}, k={self.argument()}, m=d)"

    def format_spec(self) -> str:
        """A specification of a field."""
        align = self.rng.choice(["", "", "<", ">", "^", "=", "*^", "é<", "0=", "{>"])
        sign = self.rng.choice(["", "", "+", "-", " "])
        middle = "".join(mark for mark in ("#", "0") if self.chance(0.15))
        width = self.rng.choice(["", "", "3", "10", "1"])
        grouping = self.rng.choice([",", "_"]) if self.chance(0.2) else ""
        precision = self.rng.choice([".0", ".3", ".1", "."]) if self.chance(0.3) else ""
        letter = self.rng.choice("bcdeEfFgGnosxX%" if self.chance(0.9) else "qrz") if self.chance(0.6) else ""
        return align.replace("{", "") + sign + middle + width + grouping + precision + letter

    def w_subscript(self, depth: int) -> str:
        base = self.subject(depth)
        for _ in range(self.rng.randint(1, 2)):
            pick = self.rng.randrange(6)
            if pick < 3:
                ends = [self.rng.choice(["", "", *SMALL, "none", "true", "1.5", "t0", "missing"] if self.chance(0.3) else ["", *SMALL]) for _ in range(self.rng.choice([2, 2, 3]))]
                self.use("operator", "slice")
                base += f"[{':'.join(ends)}]"
            elif pick == 3:
                base += f".{self.rng.choice(ATTRIBUTES)}"
            else:
                base += f"[{self.rng.choice([*ARGUMENTS, '1, 2', repr(self.rng.choice(ATTRIBUTES)), '0', '0', 'i0'])}]"
        return base

    def w_loose(self, depth: int) -> str:
        """Operators in a row: which comes first is the parser's affair."""
        atoms = ["n0", "n1", "1", "2", "3", "f0", "t0", "'a'", "true", "none", "ints", "[1]", "('x', 2)", "d", "missing", "-n0", "not n1", "2.5", "n0|abs", "-1|abs", "t0|length", "d.a", "ints[0]", "t0.upper()"]
        text = self.rng.choice(atoms)
        for _ in range(self.rng.randint(1, 4)):
            operator = self.rng.choice(["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or", "is", "is not", "if"])
            if operator == "**":
                text += f" ** {self.rng.choice(['0', '1', '2', '-1'])}"
            elif operator in ("is", "is not"):
                text += f" {operator} {self.rng.choice(['none', 'defined', 'odd', 'string', 'in [1]', 'divisibleby 2', 'sameas true', 'eq 1', 'iterable', 'mapping'])}"
            elif operator == "if":
                text += f" if {self.rng.choice(atoms)}" + self.rng.choice(["", f" else {self.rng.choice(atoms)}"])
            else:
                text += f" {operator} {self.rng.choice(['not ', '-', '', '', '', '', '', '', ''])}{self.rng.choice(atoms)}"
            if operator in ("+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "and", "or"):
                self.use("operator", operator)
        return f"({text})" if self.chance(0.6) else text

    def w_markup(self, depth: int) -> str:
        """What MarkupSafe makes of text."""
        mark = self.rng.choice(["('<i>'|safe)", "('<'|e)", "(s0|e)", "(s0|safe)", "('%s &'|safe)", "(t0|escape)"])
        other = self.rng.choice([self.expr("any", 0), self.expr("str", 0), "'<x>'", "('<'|safe)", "1", "none", "missing"])
        form = self.rng.choice(
            ["{m} + {o}", "{o} + {m}", "{m} ~ {o}", "{o} ~ {m}", "{m} * n0", "n0 * {m}", "{m} == {o}", "{m} in {o}", "{o} in {m}", "{m}.join([{o}, {m}])",
             "[{m}, {o}]|join({o})", "{m}|replace('<', {o})", "{m}|replace({o}, 'x')", "{m}[1:]", "{m}[0]", "{m} % {o}", "{m}.format({o})", "{m}|upper ~ {o}", "{m}|length",
             "[{m}, {o}]", "{m}|string ~ {o}", "{m}|list", "{m} is escaped", "({m} ~ {o}) is escaped", "{m}|trim|e", "{m}|forceescape", "{m} < {o}", "{m}|tojson", "{m}|urlize",
             "{m}|striptags", "{m}|indent(2, true)", "{m}|wordwrap(3)", "{m}|center(9)", "{m}|truncate(3, true)", "{m}|title", "{m}|xmlattr", "{{'a': {m}, 'b': {o}}}|xmlattr",
             "{m}|format({o})", "{m}.replace('i', {o})", "{m}.split('i')|map('e')|list", "{m}|safe|e", "{m}|reverse", "{m}|first", "{m}|sort|join({m})", "{m} and {o}",
             "{m} if {o} else {o}", "[{o}, 1]|join({m})", "{m}|pprint", "{m}|capitalize", "{m}|batch(2)|list", "{m}|default({o})", "{m}|urlencode", "{m}|wordcount"]
        )  # fmt: skip
        return f"({form.format(m=mark, o=other)})"

    def w_undefined(self, depth: int) -> str:
        """What undefined values do."""
        subject = self.rng.choice(["missing", "d.nope", "d['nope']", "ints[99]", "none.x", "n0.nope", "missing.x", "t0[99]", "users[0].nope", "(none)['k']", "pair.nope", "missing['a']", "(1 if false)"])
        form = self.rng.choice(
            ["{}", "{}.x", "{}.x.y", "{}['k']", "{}[0]", "{}()", "{}(1)", "{} + 1", "1 + {}", "{} ~ 'a'", "-{}", "{} * 2", "{} == {}", "{} == missing", "{} != none", "{} < 1", "{} in [1]",
             "1 in {}", "not {}", "{} and 1", "{} or 1", "{}|length", "{}|list", "{}|first", "{}|default(1)", "{}|d", "{}|upper", "{}|join", "{} is defined", "{} is undefined", "{} is none",
             "{} is iterable", "{} is callable", "{}|string", "{}|e", "[{}]", "({}, 1)", "{{'k': {}}}", "{}[1:]", "'%s' % {}", "'%s %s' % ({}, 1)", "{}|map('upper')|list", "{}|sum", "{}|int", "{}|float",
             "{} if {} else 2", "{}.x is defined", "{}|tojson", "{}|attr('x')", "{}|sort", "{}|dictsort", "{} is string", "{} is mapping", "{}|abs", "{}|round", "d[{}]", "ints[{}]", "range({})", "'a'.join({})",
             "{}|items|list", "{}|xmlattr", "{}|groupby('a')|list", "{} ** 2", "2 // {}", "{} % 2", "{}|replace('a', 'b')", "t0|replace({}, 'b')", "{}|urlize", "{}|wordcount", "{}|unique|list"]
        )  # fmt: skip
        return f"({form.replace('{{', chr(1)).replace('}}', chr(2)).replace('{}', subject).replace(chr(1), '{').replace(chr(2), '}')})"

    def w_literal(self, depth: int) -> str:
        return self.rng.choice(
            ["'\\x41\\u00e9\\U0001f600'", "'\\101\\0'", "'\\N{BULLET}'", "'\\q\\\\'", "'\\\n'", '"\\"q\\""', "'a' \"b\" 'c'", "'\\t\\r\\n'", "1_000_000", "0xFF", "0b1_0", "0o17", "1e10", "1.5e-3", "1E+2", "00", "0.0",
             "007", "12345678901234567890123", "[1, 2,]", "(1,)", "()", "[]", "{}", "{'a': 1,}", "1, 2", "(1, 'a', none)", "{1: 2, 'b': [3]}", "True", "None", "true", "none", "False", "[[1], [2]][1][0]",
             "{'a': {'b': 'c'}}.a.b", "{'x': 1}['x']", "(1, 2)[0]", "'abc'[1]", "'a' 'b'|upper", "-1", "+1", "--1", "not not 1", "[*ints]", "1.real", "1.5.real", "'%s'", "{none: 1}", "{1.5: 2, true: 3}",
             "{(1, 2): 3}", "größe", "'größe'", "naïve|default('ü')", "self", "loop", "caller", "varargs", "range", "dict", "_", "__x__", "not", "1 2", "a b", "1.", ".5", "5.e1", "1__0", "0x", "'\\x4'", "'\\u12'"]
        )  # fmt: skip

    def w_call(self, depth: int) -> str:
        arguments = self.arguments(["a", "name", "n"], 3) or "()"
        callee = self.rng.choice(["dict", "namespace", "cycler", "joiner", "t0", "none", "missing", "d", "d.items", "t0.upper", "n0.bit_length", "ints.count", "cycler(1, 2).next", "range"])
        if callee == "range":
            arguments = f"({', '.join(self.rng.choice(SMALL) for _ in range(self.rng.randint(0, 4)))})"
        self.use("global", callee)
        shown = self.rng.choice(["", "|list", "|length", ".a", "|string|length"]) if callee in ("dict", "range") else ""
        return f"{callee}{arguments}{shown}"

    def w_macro(self, depth: int) -> str:
        if not self.macros:
            return self.w_filter(depth)
        name = self.rng.choice(self.macros)[0]
        return self.rng.choice([f"{name}.name", f"{name}.arguments", f"{name}.catch_kwargs", f"{name}.catch_varargs", f"{name}.caller", f"{name}.nope", f"({name} is callable)", f"{name}|length", f"{name} == {name}",
                                f"{name}(1, 2, 3, 4)", f"{name}(a=1, p0=2)", f"{name}(*ints)", f"{name}(**d)", f"{name}(1, *pair, p1=2, **{{'p2': 3}})", f"{name}(caller=1)", f"{name}(p0=1)|upper",
                                    f"{name}()|length", f"[1, 2]|map('string')|map('upper')|join({name}())", f"{name}(varargs=1)", f"{name}({name})|length > 3"])  # fmt: skip

    def w_loop(self, depth: int) -> str:
        if not self.loops:
            return self.rng.choice(["loop", "loop.index", "loop is defined", "loop.x is defined"])
        return self.rng.choice(["loop", "loop|length", "loop.nope", "loop.nope is defined", "loop['index']", "loop.cycle()", "loop.cycle(*ints)", "loop.changed()", "loop.changed(1, t0)", "loop(1)",
            "loop.first.real", "loop is callable", "loop is iterable",
                                "loop.previtem|default('-')", "loop.nextitem is defined", "loop.length - loop.index", "loop.depth0", "loop.revindex0", "loop|string", "loop.index is divisibleby 2",
                                    "loop.last and loop.first", "loop|list", "loop.cycle(1, 2, 3)"])  # fmt: skip

    macros: list[tuple[str, int]]
    loops: int
