"""Random templates that mostly render.

In: a seed. Out: a case in the corpus' format (``docs/conformance.md``) with a typed context (`values`). Invariant: the same seed
gives the same case; nothing in a case takes long, draws lots or shows an address. What was used is counted.
"""

import collections
import random
import typing as t

from values import Values

Case = dict[str, t.Any]
Scope = dict[str, list[str]]

TYPES = ["int", "float", "str", "bool", "ints", "strs", "list", "dict", "users", "any"]
NAMES: Scope = {
    "int": ["i0", "i1"],
    "float": ["f0", "f1"],
    "str": ["s0", "s1", "s2"],
    "bool": ["b0"],
    "ints": ["ints"],
    "strs": ["strs"],
    "list": ["mixed", "pair", "pairs", "users"],
    "dict": ["d", "odd"],
    "users": ["users"],
    "any": ["anything", "none", "missing", "mixed", "i0", "s0"],
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
DELIMITERS = [
    {"block_start_string": "<%", "block_end_string": "%>", "variable_start_string": "<<", "variable_end_string": ">>",
     "comment_start_string": "<#", "comment_end_string": "#>"},
    {"block_start_string": "[%", "block_end_string": "%]", "variable_start_string": "[=", "variable_end_string": "=]"},
    {"variable_start_string": "$(", "variable_end_string": ")$"},
]  # fmt: skip
TEXT = ["a", " ", "\n", "  \n", "\n  ", "<p>", "</p>\n", "x y", "{ ", "}", "% ", "# ", "é", "&amp;", "\t", "\n\n", "\r\n", "'"]

# Tests that take no argument.
PLAIN_TESTS = (
    "boolean callable defined escaped even false filter float integer iterable lower mapping none number odd sequence string "
    "test true undefined upper"
).split()
COMPARING_TESTS = "!= < <= == > >= eq equalto ge greaterthan gt le lessthan lt ne".split()
STATEMENTS = (
    "output if for set set_block macro call filter with autoescape raw comment include import from_import do break continue "
    "trans print block recursive namespace"
).split()


class Generator:
    """Writes one case."""

    def __init__(self, seed: int, seen: collections.Counter[tuple[str, str]]) -> None:
        self.rng = random.Random(seed)
        self.seen = seen
        self.scope: Scope = {kind: list(names) for kind, names in NAMES.items()}
        self.macros: list[tuple[str, int]] = []
        self.templates: dict[str, str] = {}
        self.path: list[str] = []
        self.loops = 0
        self.blocks = 0
        self.names = 0
        self.in_macro = False
        self.may_block = True
        self.options, self.case = self.environment()

    # -- what a case is made of

    def use(self, kind: str, name: str) -> None:
        """Counts."""
        self.seen[kind, name] += 1

    def chance(self, probability: float) -> bool:
        """Draws."""
        return self.rng.random() < probability

    def environment(self) -> tuple[dict[str, t.Any], Case]:
        """The options of the case, and its fields beside them."""
        options: dict[str, t.Any] = {}
        extensions = [name for name in ("i18n", "do", "loopcontrols") if self.chance(0.93)]
        options["extensions"] = [f"jinja2.ext.{name}" for name in extensions]
        for name in ("trim_blocks", "lstrip_blocks", "keep_trailing_newline"):
            if self.chance(0.25):
                options[name] = True
        if self.chance(0.35):
            options["autoescape"] = True
        if self.chance(0.06):
            options["newline_sequence"] = self.rng.choice(["\r\n", "\r"])
        if self.chance(0.4):
            options["undefined"] = self.rng.choice(["ChainableUndefined", "DebugUndefined", "StrictUndefined"])
        if self.chance(0.07):
            options |= self.rng.choice(DELIMITERS)
        if self.chance(0.1):
            options["line_statement_prefix"] = self.rng.choice(["%%", "@"])
            options["line_comment_prefix"] = "##"
        if self.chance(0.05):
            options["optimized"] = False
        for name, value in options.items():
            for each in value if isinstance(value, list) else [value]:
                self.use("option", f"{name}={each}")
        case: Case = {}
        if "i18n" in extensions:
            case["setup"] = {"install_null_translations": {"newstyle": self.chance(0.5)}}
        if self.chance(0.25):
            case["environment"] = self.rng.choice(["SandboxedEnvironment", "ImmutableSandboxedEnvironment", "NativeEnvironment"])
            self.use("environment", case["environment"])
        return options, case

    def write(self) -> Case:
        """The case."""
        for number in range(self.rng.randint(0, 2)):
            self.templates[f"inc{number}"] = self.apart(lambda: self.body(1), blocks=False)
        if self.chance(0.35):
            self.templates["lib"] = self.apart(self.library, blocks=False)
        template = self.inheriting() if self.chance(0.3) else self.body(3)
        return {
            **self.case,
            "template": template,
            "templates": self.templates,
            "options": self.options,
            "typed_context": Values(self.rng).context(),
        }

    def apart(self, write: t.Callable[[], str], blocks: bool) -> str:
        """Writes another template: nothing that is named there is seen here."""
        kept = self.scope, self.macros, self.may_block
        self.scope = {kind: list(names) for kind, names in NAMES.items()}
        self.macros, self.may_block = [], blocks
        text = write()
        self.scope, self.macros, self.may_block = kept
        return text

    def library(self) -> str:
        """A template to import from."""
        macros = "".join(self.macro_named(f"lib_m{number}", 1) for number in range(2))
        return macros + self.tag(f"set lib_v = {self.expr('any', 1)}") + self.tag("macro _private()") + self.tag("endmacro")

    def inheriting(self) -> str:
        """A template that extends another, in one or two steps."""
        self.use("statement", "extends")
        blocks = ["one", "two", "three"]
        parent = "".join(self.block_named(name, 2) + self.text() for name in blocks)
        if self.chance(0.3):
            parent += self.out("self.one()")
        if self.chance(0.1):
            parent += self.tag("block must required") + self.tag("endblock")
            blocks.append("must")
        self.templates["base"] = parent
        name = "base"
        if self.chance(0.4):
            self.templates["middle"] = self.tag("extends 'base'") + self.overriding(blocks)
            name = "middle"
        written = self.rng.choice([f"'{name}'", f"['none', '{name}'][1]", f"'{name[:2]}' ~ '{name[2:]}'"])
        start = self.tag(f"set before = {self.expr('any', 1)}") if self.chance(0.3) else ""
        extends = self.tag(f"extends {written}")
        if self.chance(0.1):
            extends = self.tag(f"if {self.expr('bool', 1)}") + extends + self.tag("endif")
        return start + self.text() * self.chance(0.3) + extends + self.overriding(blocks)

    def overriding(self, blocks: list[str]) -> str:
        """Blocks that replace some of these."""
        picked = self.rng.sample(blocks, self.rng.randint(0, len(blocks)))
        outer = self.statement(1) if self.chance(0.2) else ""
        return outer + "".join(self.block_named(name, 2, overrides=True) for name in picked)

    def block_named(self, name: str, depth: int, overrides: bool = False) -> str:
        """A block, with `super()` where it may be."""
        self.use("statement", "block")
        kept, self.may_block = self.may_block, False
        scoped = self.rng.choice(["", "", " scoped"])
        body = self.body(depth - 1)
        if overrides and self.chance(0.5):
            self.use("global", "super")
            body += self.out("super()")
        self.may_block = kept
        return self.tag(f"block {name}{scoped}") + body + self.tag(self.rng.choice(["endblock", f"endblock {name}"]))

    # -- the surface

    def tag(self, body: str) -> str:
        """A statement's tag, or its line where lines are statements."""
        prefix = self.options.get("line_statement_prefix")
        if prefix and self.chance(0.3):
            self.use("option", "a line statement")
            return f"\n{self.rng.choice(['', '  '])}{prefix} {body}{self.rng.choice(['', ':' if body.startswith(('if', 'for')) else ''])}\n"
        start, end = self.options.get("block_start_string", "{%"), self.options.get("block_end_string", "%}")
        left = self.rng.choice(["", "", "", "", "-", "+"])
        right = self.rng.choice(["", "", "", "", "-", "+"])
        return f"{start}{left} {body} {right}{end}"

    def out(self, expr: str) -> str:
        """An output tag."""
        start, end = self.options.get("variable_start_string", "{{"), self.options.get("variable_end_string", "}}")
        left, right = self.rng.choice(["", "", "", "-"]), self.rng.choice(["", "", "", "-"])
        return f"{start}{left} {expr} {right}{end}"

    def text(self) -> str:
        """Template data."""
        return "".join(self.rng.choice(TEXT) for _ in range(self.rng.randint(0, 3)))

    def name(self, kind: str) -> str:
        """A new variable; later expressions of that type may use it."""
        self.names += 1
        name = f"v{self.names}" if self.chance(0.8) else self.rng.choice(["i0", "s0", "d", "x", "loop_", "größe"])
        self.scope[kind].append(name)
        return name

    # -- statements

    def body(self, depth: int) -> str:
        """Some text and statements in a scope of their own."""
        kept = {kind: list(names) for kind, names in self.scope.items()}, list(self.macros)
        parts = [self.text()]
        for _ in range(self.rng.randint(1, 3)):
            parts += [self.statement(depth), self.text()]
        self.scope, self.macros = kept
        return "".join(parts)

    def statement(self, depth: int) -> str:
        """A statement; at depth 0 one without a body."""
        while True:
            kind = self.rng.choice(STATEMENTS)
            if depth == 0 and kind not in LEAVES:
                continue
            if kind in ("break", "continue") and not (self.loops and "jinja2.ext.loopcontrols" in self.options["extensions"]):
                continue
            if kind in ("trans", "do") and f"jinja2.ext.{EXTENSION_OF[kind]}" not in self.options["extensions"]:
                continue
            if kind == "block" and not self.may_block:
                continue
            break
        self.use("statement", kind)
        if self.path:
            self.use("pair", f"{self.path[-1]}/{kind}")
        if len(self.path) > 1:
            self.use("triple", f"{self.path[-2]}/{self.path[-1]}/{kind}")
        self.path.append(kind)
        text: str = getattr(self, f"s_{kind}")(depth - 1)
        self.path.pop()
        return text

    def s_output(self, _: int) -> str:
        return self.out(self.expr("any", 2))

    def s_print(self, _: int) -> str:
        more = f", {self.expr('any', 1)}" if self.chance(0.3) else ""
        return self.tag(f"print {self.expr('any', 1)}{more}")

    def s_raw(self, _: int) -> str:
        start, end = self.options.get("block_start_string", "{%"), self.options.get("block_end_string", "%}")
        left, right, last = (self.rng.choice(["", "-"]) for _ in range(3))
        return f"{start}{left} raw {right}{end}{{{{ raw }}}} {start} if {self.text()}{start} endraw {last}{end}"

    def s_comment(self, _: int) -> str:
        start, end = self.options.get("comment_start_string", "{#"), self.options.get("comment_end_string", "#}")
        if self.options.get("line_comment_prefix") and self.chance(0.5):
            return "## a comment\n"
        return f"{start}{self.rng.choice(['', '-'])} note {{{{ x }}}} {self.rng.choice(['', '-'])}{end}"

    def s_if(self, depth: int) -> str:
        text = self.tag(f"if {self.expr('bool', 2)}") + self.body(depth)
        if self.chance(0.3):
            text += self.tag(f"elif {self.expr('any', 1)}") + self.body(depth)
        if self.chance(0.5):
            text += self.tag("else") + self.body(depth)
        return text + self.tag("endif")

    def s_for(self, depth: int) -> str:
        kept = {kind: list(names) for kind, names in self.scope.items()}
        kind, of = self.rng.choice([("int", "ints"), ("str", "strs"), ("any", "list"), ("user", "users"), ("pair", "pairs"), ("any", "dict")])
        source = f"{self.expr('dict', 1)}.items()" if kind == "pair" and self.chance(0.5) else self.expr("list" if of == "pairs" else of, 1)
        if kind == "pair":
            source = source if ".items()" in source else self.rng.choice(["pairs", "d|items", "d|dictsort", "[(1, 'x'), (2, 'y')]"])
            target = f"{self.name('any')}, {self.name('any')}"
        elif kind == "user":
            target = self.name("any")
            self.scope["str"].append(f"{target}.name")
            self.scope["int"].append(f"{target}['age']")
            self.scope["strs"].append(f"{target}.tags")
        else:
            target = self.name(kind)
        test = f" if {self.expr('bool', 1)}" if self.chance(0.25) else ""
        self.loops += 1
        self.scope["int"] += ["loop.index", "loop.index0", "loop.length", "loop.revindex", "loop.revindex0", "loop.depth"]
        self.scope["bool"] += ["loop.first", "loop.last"]
        self.scope["any"] += ["loop.previtem", "loop.nextitem", "loop.cycle('odd', 'even')", f"loop.changed({target.split(',')[0]})"]
        body = self.body(depth)
        self.loops -= 1
        self.scope = kept
        text = self.tag(f"for {target} in {source}{test}") + body
        if self.chance(0.25):
            text += self.tag("else") + self.body(depth)
        return text + self.tag("endfor")

    def s_recursive(self, depth: int) -> str:
        shown = self.out(self.rng.choice(["u.name", "loop.depth", "loop.index", "u.kids|length", "loop.depth0"]))
        more = self.tag("if u.kids") + "[" + self.out("loop(u.kids)") + "]" + self.tag("endif")
        filtered = self.rng.choice(["", " if u.active", " if (u.age is defined)"])
        return self.tag(f"for u in users{filtered} recursive") + shown + self.body(depth - 1 if depth else 0) * self.chance(0.3) + more + self.tag("endfor")

    def s_set(self, _: int) -> str:
        kind = self.rng.choice(TYPES)
        value = self.expr(kind, 2)
        if self.chance(0.1):
            return self.tag(f"set {self.name('any')}, {self.name('any')} = {self.expr('any', 1)}, {self.expr('any', 1)}")
        return self.tag(f"set {self.name(kind)} = {value}")

    def s_namespace(self, depth: int) -> str:
        self.use("global", "namespace")
        change = self.tag(f"set ns.v = {self.rng.choice(['ns.v + 1', self.expr('any', 1)])}")
        loop = self.tag("for n in ints") + change + self.tag("endfor")
        return self.tag(f"set ns = namespace(v={self.expr('int', 1)})") + self.rng.choice([change, loop]) + self.out("ns.v")

    def s_set_block(self, depth: int) -> str:
        filters = f" | {self.text_filter()}" if self.chance(0.4) else ""
        body = self.body(depth)
        return self.tag(f"set {self.name('str')}{filters}") + body + self.tag("endset")

    def s_filter(self, depth: int) -> str:
        filters = self.text_filter() + (f" | {self.text_filter()}" if self.chance(0.3) else "")
        return self.tag(f"filter {filters}") + self.body(depth) + self.tag("endfilter")

    def s_with(self, depth: int) -> str:
        kept = {kind: list(names) for kind, names in self.scope.items()}
        values = [(self.expr(kind, 1), kind) for kind in self.rng.sample(TYPES, self.rng.randint(0, 2))]
        given = ", ".join(f"{self.name(kind)} = {value}" for value, kind in values)
        text = self.tag(f"with {given}") + self.body(depth) + self.tag("endwith")
        self.scope = kept
        return text

    def s_autoescape(self, depth: int) -> str:
        how = self.rng.choice(["true", "false", "b0 is true", f"({self.test(1)})"])
        return self.tag(f"autoescape {how}") + self.body(depth) + self.tag("endautoescape")

    def s_macro(self, depth: int) -> str:
        self.names += 1
        name = f"m{self.names}"
        text = self.macro_named(name, depth)
        return text + self.out(self.macro_call(name)) * self.chance(0.6)

    def macro_named(self, name: str, depth: int) -> str:
        """The definition of a macro with up to three parameters."""
        kept = {kind: list(names) for kind, names in self.scope.items()}, self.in_macro, self.loops, self.may_block
        count = self.rng.randint(0, 3)
        defaults = self.rng.randint(0, count)
        parameters = [f"p{at}" if at < count - defaults else f"p{at}={self.expr('any', 1)}" for at in range(count)]
        for at in range(count):
            self.scope["any"].append(f"p{at}")
        self.scope["list"].append("varargs")
        self.scope["dict"].append("kwargs")
        self.scope["any"] += ["caller()", "(caller is defined)"] if self.chance(0.5) else []
        self.in_macro, self.loops, self.may_block = True, 0, False
        body = self.body(depth)
        self.scope, self.in_macro, self.loops, self.may_block = kept
        self.macros.append((name, count))
        return self.tag(f"macro {name}({', '.join(parameters)})") + body + self.tag("endmacro")

    def macro_call(self, name: str) -> str:
        """A call of a macro, mostly with arguments that fit."""
        count = dict(self.macros).get(name, 2)
        given = [self.expr("any", 1) for _ in range(count + (1 if self.chance(0.15) else 0) - (1 if count and self.chance(0.2) else 0))]
        if self.chance(0.15):
            given.append(f"{self.rng.choice(['p0', 'p1', 'extra'])}={self.expr('any', 1)}")
        if self.chance(0.05):
            given.append("*pair")
        if self.chance(0.05):
            given.append("**{'p2': 1}")
        return f"{name}({', '.join(given)})"

    def s_call(self, depth: int) -> str:
        if not self.macros:
            name = f"m{self.names + 1000}"
            self.names += 1
            before = self.tag(f"macro {name}(a=1)") + self.out("caller(a) if caller else a") + self.tag("endmacro")
            self.macros.append((name, 1))
        else:
            before, name = "", self.rng.choice(self.macros)[0]
        kept = {kind: list(names) for kind, names in self.scope.items()}
        parameters = self.rng.choice(["(q)", "(q, r=2)"] if before or self.chance(0.2) else ["", "()"])
        self.scope["any"] += ["q"] if "q" in parameters else []
        text = before + self.tag(f"call{parameters} {self.macro_call(name)}") + self.body(depth) + self.tag("endcall")
        self.scope = kept
        return text

    def s_block(self, depth: int) -> str:
        self.blocks += 1
        return self.block_named(f"b{self.blocks}", depth + 1)

    def s_include(self, _: int) -> str:
        known = [name for name in self.templates if name.startswith("inc")]
        name = self.rng.choice([*known, *known, *known, "nowhere"]) if known else "nowhere"
        written = self.rng.choice([f"'{name}'", f"['nowhere', '{name}']", f"'{name}' if b0 else '{name}'", f"('{name}',)"])
        ignore = " ignore missing" if name == "nowhere" and self.chance(0.8) or self.chance(0.1) else ""
        # Without context inside of a buffer, Jinja2's generated code is a generator where it should be text.
        buffered = self.in_macro or {"set_block", "filter", "call", "macro", "recursive"} & set(self.path)
        context = self.rng.choice(["", "", " with context", *([] if buffered else [" without context"])])
        return self.tag(f"include {written}{ignore}{context}")

    def s_import(self, _: int) -> str:
        if "lib" not in self.templates:
            return self.s_set(0)
        context = self.rng.choice(["", " with context", " without context"])
        use = self.out(self.rng.choice(["L.lib_m0(1)", "L.lib_m1()", "L.lib_v", "L.missing", "L.lib_m1(i0, s0)"]))
        return self.tag(f"import 'lib' as L{context}") + use

    def s_from_import(self, _: int) -> str:
        if "lib" not in self.templates:
            return self.s_output(0)
        context = self.rng.choice(["", " with context", " without context"])
        what = self.rng.choice(["lib_m0", "lib_m0 as fm", "lib_v", "lib_m1, lib_v", "nothing", "lib_m0, lib_m1"])
        use = "fm" if "as fm" in what else what.split(",")[0]
        return self.tag(f"from 'lib' import {what}{context}") + self.out(f"{use}(1, 2)" if use != "lib_v" else use)

    def s_do(self, _: int) -> str:
        return self.tag("do " + self.rng.choice(["ints.append(1)", "d.update({'z': 1})", "mixed.reverse()", self.expr("any", 1)]))

    def s_break(self, _: int) -> str:
        return self.tag(f"if {self.expr('bool', 1)}") + self.tag("break") + self.tag("endif")

    def s_continue(self, _: int) -> str:
        return self.tag(f"if {self.expr('bool', 1)}") + self.tag("continue") + self.tag("endif")

    def s_trans(self, _: int) -> str:
        trimmed = self.rng.choice(["", " trimmed", " notrimmed"])
        message = self.rng.choice(["Hello", "Hello\n  there 100%", "Hi <b>"])
        if self.chance(0.5):
            name = "count"
            plural = self.tag("pluralize" + self.rng.choice(["", " count"])) + "many " + self.out(name)
            # One variable only: which of several counts is the first is a matter of their order.
            return self.tag(f"trans{trimmed} count={self.expr('int', 1)}") + message + self.out(name) + plural + self.tag("endtrans")
        given = f" user={self.expr('str', 1)}" if self.chance(0.6) else ""
        return self.tag(f"trans{trimmed}{given}") + message + (self.out("user") if given else self.out("s0") * self.chance(0.5)) + self.tag("endtrans")

    # -- expressions

    def expr(self, kind: str, depth: int) -> str:
        """An expression that gives this type, now and then another."""
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
                "upper() lower() title() capitalize() strip() swapcase() splitlines() split() split('l') replace('a','b') "
                "startswith('a') endswith('d') zfill(6) center(12) ljust(8,'.') rjust(8) isdigit() isalpha() islower() partition('a') "
                "rsplit(none,1) casefold() expandtabs(4) isspace() istitle() find('o') index('a') rstrip('d') lstrip() "
                "removeprefix('H') join(strs) format(1,name=2) count('l') title() isnumeric() isidentifier()"
            ).replace("'a','b'", "'a',\x00'b'").split()
            method = self.rng.choice(methods).replace("\x00", " ")
            return f"({self.expr('str', depth)}).{method}"
        if pick == 11:
            self.use("operator", "% format")
            form, values = self.rng.choice(
                [("'%s'", "any"), ("'%d items'", "int"), ("'%.2f'", "float"), ("'%05d|%-4s|'", None), ("'%x'", "int"), ("'%r'", "any"), ("'%(a)s'", "dict"), ("'%+.3e'", "float"), ("'%g'", "float"), ("'%%%c'", "int")]
            )
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
            name, argument = self.rng.choice([("divisibleby", self.rng.choice(["2", "3", "0", "i0"])), ("sameas", self.rng.choice(["none", "true", "i0", "d"])), ("in", self.expr("list", depth))])
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


LEAVES = {"output", "print", "raw", "comment", "set", "include", "import", "from_import", "do", "break", "continue", "trans", "namespace"}
EXTENSION_OF = {"trans": "i18n", "do": "do"}


def write(seed: int, seen: collections.Counter[tuple[str, str]]) -> Case:
    """The case of a seed; counts what it uses."""
    return Generator(seed, seen).write()


