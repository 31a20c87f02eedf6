"""Random templates that mostly render.

In: a seed. Out: a case in the corpus' format (``docs/conformance.md``) with a typed context (`values`). Invariant: the same seed
gives the same case; nothing in a case takes long, draws lots or shows an address. What was used is counted.
"""

import collections
import random
import typing as t

from expressions import NAMES, TYPES, Scope
from surface import Surface, slip
from values import Values
from wild import Wild

Case = dict[str, t.Any]

TEXT = ["a", " ", "\n", "  \n", "\n  ", "<p>", "</p>\n", "x y", "{ ", "}", "% ", "# ", "é", "&amp;", "\t", "\n\n", "\r\n", "'"]

STATEMENTS = ("output if for set set_block macro call filter with autoescape raw comment include import from_import do break continue trans print block recursive namespace").split()


class Generator(Wild):
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
        surface = Surface(self.rng, seen)
        self.options = surface.options()
        self.case = surface.fields(self.options)
        self.wildness = self.rng.choice([0, 0, 0.02, 0.1])

    # -- what a case is made of

    def write(self) -> Case:
        """The case."""
        if self.chance(0.45):
            return self.finished(self.small())
        for number in range(self.rng.randint(0, 2)):
            self.templates[f"inc{number}"] = self.apart(lambda: self.body(1), blocks=False)
        if self.chance(0.35):
            self.templates["lib"] = self.apart(self.library, blocks=False)
        template = self.inheriting() if self.chance(0.3) else self.body(3)
        return self.finished(template)

    def small(self) -> str:
        """A template of a statement or two that may do anything."""
        self.wildness = 0.5
        if self.chance(0.3):
            self.templates["lib"] = self.apart(self.library, blocks=False)
        parts = [self.statement(self.rng.randint(0, 1)) if self.chance(0.3) else self.out(self.wild(1)) for _ in range(self.rng.randint(1, 2))]
        return self.text() + self.text().join(parts)

    def finished(self, template: str) -> Case:
        """The case of a template, here and there with a slip of the hand."""
        if self.chance(0.12):
            self.use("option", "a slip")
            template = slip(self.rng, template)
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
        return f"{start}{left} {self.spread(body)} {right}{end}"

    def spread(self, body: str) -> str:
        """What a tag holds, now and then on several lines."""
        if not self.chance(0.06):
            return body
        self.use("option", "a tag of several lines")
        return "".join(self.rng.choice(["\n", " \n  ", "\t", " "]) if sign == " " and self.chance(0.4) else sign for sign in body)

    def out(self, expr: str) -> str:
        """An output tag."""
        start, end = self.options.get("variable_start_string", "{{"), self.options.get("variable_end_string", "}}")
        left, right = self.rng.choice(["", "", "", "-"]), self.rng.choice(["", "", "", "-"])
        return f"{start}{left} {self.spread(expr)} {right}{end}"

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
        how = self.rng.choice(["true", "false", "b0|d", "b0 is true", f"({self.test(1)})"])
        constant = self.out(self.constant("any", 3)) * self.chance(0.5)
        return self.tag(f"autoescape {how}") + constant + self.body(depth) + self.tag("endautoescape")

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


LEAVES = {"output", "print", "raw", "comment", "set", "include", "import", "from_import", "do", "break", "continue", "trans", "namespace"}
EXTENSION_OF = {"trans": "i18n", "do": "do"}


def write(seed: int, seen: collections.Counter[tuple[str, str]]) -> Case:
    """The case of a seed; counts what it uses."""
    return Generator(seed, seen).write()
