"""From tokens to a tree: the parser that extensions and subclasses plug into.

In: an environment and a source. Out: `haiden.nodes`, with Jinja2's line numbers and messages. Templates that no Python
code takes part in are parsed natively; a test holds both parsers against each other. Invariant: a method that parses
something stands at its first token when it is called and behind its last when it returns.
"""

import typing as t

from . import nodes
from .exceptions import TemplateAssertionError, TemplateSyntaxError
from .lexer import describe_token, describe_token_expr

if t.TYPE_CHECKING:
    from .environment import Environment
    from .lexer import Token

_ImportInclude = t.TypeVar("_ImportInclude", nodes.Import, nodes.Include)
_MacroCall = t.TypeVar("_MacroCall", nodes.Macro, nodes.CallBlock)
_Extension = t.Callable[["Parser"], nodes.Node | list[nodes.Node]]
_CallArgs = tuple[list[nodes.Expr], list[nodes.Keyword], nodes.Expr | None, nodes.Expr | None]

_statement_keywords = frozenset(
    ["for", "if", "block", "extends", "print", "macro", "include", "from", "import", "set", "with", "autoescape"]
)
_compare_operators = frozenset(["eq", "ne", "lt", "lteq", "gt", "gteq"])
_math_nodes: dict[str, type[nodes.Expr]] = {
    "add": nodes.Add,
    "sub": nodes.Sub,
    "mul": nodes.Mul,
    "div": nodes.Div,
    "floordiv": nodes.FloorDiv,
    "mod": nodes.Mod,
}
# What can begin the argument of a test that has no parentheses.
_bare_argument = frozenset(["name", "string", "integer", "float", "lparen", "lbracket", "lbrace"])


class Parser:
    """Parses a template; extensions get it and call its methods.

    :param state: `"variable"` if the source is an expression alone.
    """

    def __init__(
        self,
        environment: "Environment",
        source: str,
        name: str | None = None,
        filename: str | None = None,
        state: str | None = None,
    ) -> None:
        self.environment = environment
        self.stream = environment._tokenize(source, name, filename, state)
        self.name = name
        self.filename = filename
        self.closed = False
        self.extensions: dict[str, _Extension] = {}
        for extension in environment.iter_extensions():
            self.extensions.update(dict.fromkeys(extension.tags, extension.parse))
        self._last_identifier = 0
        self._tag_stack: list[str] = []
        self._end_token_stack: list[tuple[str, ...]] = []

    # ---- errors ------------------------------------------------------------------------------------------------

    def fail(
        self, msg: str, lineno: int | None = None, exc: type[TemplateSyntaxError] = TemplateSyntaxError
    ) -> t.NoReturn:
        """Raises a syntax error of this template, at a line or where the parser stands."""
        if lineno is None:
            lineno = self.stream.current.lineno
        raise exc(msg, lineno, self.name, self.filename)

    def _fail_ut_eof(self, name: str | None, end_token_stack: list[tuple[str, ...]], lineno: int | None) -> t.NoReturn:
        expected = {describe_token_expr(expr) for exprs in end_token_stack for expr in exprs}
        message = ["Unexpected end of template." if name is None else f"Encountered unknown tag {name!r}."]
        if end_token_stack:
            wanted = " or ".join(repr(describe_token_expr(expr)) for expr in end_token_stack[-1])
            if name is not None and name in expected:
                message.append(
                    "You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for"
                    f" {wanted}."
                )
            else:
                message.append(f"Jinja was looking for the following tags: {wanted}.")
        if self._tag_stack:
            message.append(f"The innermost block that needs to be closed is {self._tag_stack[-1]!r}.")
        self.fail(" ".join(message), lineno)

    def fail_unknown_tag(self, name: str, lineno: int | None = None) -> t.NoReturn:
        """Raises the error for a tag that means nothing here, and says what was looked for."""
        self._fail_ut_eof(name, self._end_token_stack, lineno)

    def fail_eof(self, end_tokens: tuple[str, ...] | None = None, lineno: int | None = None) -> t.NoReturn:
        """Raises the error for a template that ends too early, and says what was looked for."""
        stack = list(self._end_token_stack)
        if end_tokens is not None:
            stack.append(end_tokens)
        self._fail_ut_eof(None, stack, lineno)

    # ---- helpers -----------------------------------------------------------------------------------------------

    def is_tuple_end(self, extra_end_rules: tuple[str, ...] | None = None) -> bool:
        """Whether no further item of a tuple can follow.

        The further rules make no difference, as in Jinja2, which compares them with a token in a way that never holds:
        a loop's target cannot end with a comma.
        """
        return self.stream.current.type in ("variable_end", "block_end", "rparen")

    def free_identifier(self, lineno: int | None = None) -> nodes.InternalName:
        """A new variable that no template can name."""
        self._last_identifier += 1
        name = object.__new__(nodes.InternalName)
        nodes.Node.__init__(name, f"fi{self._last_identifier}", lineno=lineno)
        return name

    # ---- statements --------------------------------------------------------------------------------------------

    def parse_statement(self) -> nodes.Node | list[nodes.Node]:
        """Parses the statement whose tag's name is the current token."""
        token = self.stream.current
        if token.type != "name":
            self.fail("tag name expected", token.lineno)
        parse = self._statement_parser(token.value)
        if parse is None:
            self.fail_unknown_tag(token.value, token.lineno)
        self._tag_stack.append(token.value)
        try:
            return parse()
        finally:
            self._tag_stack.pop()

    def _statement_parser(self, tag: str) -> t.Callable[[], nodes.Node | list[nodes.Node]] | None:
        if tag in _statement_keywords:
            return getattr(self, f"parse_{tag}")  # type: ignore[no-any-return]
        if tag == "call":
            return self.parse_call_block
        if tag == "filter":
            return self.parse_filter_block
        extension = self.extensions.get(tag)
        return None if extension is None else lambda: extension(self)

    def parse_statements(self, end_tokens: tuple[str, ...], drop_needle: bool = False) -> list[nodes.Node]:
        """Parses a body: an optional colon, the end of the tag, then all up to one of `end_tokens`.

        The token that ends the body is the current one afterwards, unless `drop_needle` is set.
        """
        self.stream.skip_if("colon")
        self.stream.expect("block_end")
        result = self.subparse(end_tokens)
        if self.stream.current.type == "eof":
            self.fail_eof(end_tokens)
        if drop_needle:
            next(self.stream)
        return result

    def parse_set(self) -> nodes.Assign | nodes.AssignBlock:
        """`set`, with a value or with a body."""
        lineno = next(self.stream).lineno
        target = self.parse_assign_target(with_namespace=True)
        if self.stream.skip_if("assign"):
            return nodes.Assign(target, self.parse_tuple(), lineno=lineno)
        filter_node = self.parse_filter(None)
        body = self.parse_statements(("name:endset",), drop_needle=True)
        return nodes.AssignBlock(target, filter_node, body, lineno=lineno)

    def parse_for(self) -> nodes.For:
        """`for`"""
        lineno = self.stream.expect("name:for").lineno
        target = self.parse_assign_target(extra_end_rules=("name:in",))
        self.stream.expect("name:in")
        iter = self.parse_tuple(with_condexpr=False, extra_end_rules=("name:recursive",))
        test = self.parse_expression() if self.stream.skip_if("name:if") else None
        recursive = self.stream.skip_if("name:recursive")
        body = self.parse_statements(("name:endfor", "name:else"))
        else_: list[nodes.Node] = []
        if next(self.stream).value != "endfor":
            else_ = self.parse_statements(("name:endfor",), drop_needle=True)
        return nodes.For(target, iter, body, else_, test, recursive, lineno=lineno)

    def parse_if(self) -> nodes.If:
        """`if`, with its `elif`s and `else`."""
        node = result = nodes.If(lineno=self.stream.expect("name:if").lineno)
        while True:
            node.test = self.parse_tuple(with_condexpr=False)
            node.body = self.parse_statements(("name:elif", "name:else", "name:endif"))
            node.elif_ = []
            node.else_ = []
            token = next(self.stream)
            if not token.test("name:elif"):
                break
            node = nodes.If(lineno=self.stream.current.lineno)
            result.elif_.append(node)
        if token.test("name:else"):
            result.else_ = self.parse_statements(("name:endif",), drop_needle=True)
        return result

    def parse_with(self) -> nodes.With:
        """`with`"""
        node = nodes.With(lineno=next(self.stream).lineno)
        targets: list[nodes.Expr] = []
        values: list[nodes.Expr] = []
        while self.stream.current.type != "block_end":
            if targets:
                self.stream.expect("comma")
            target = self.parse_assign_target()
            target.set_ctx("param")
            targets.append(target)
            self.stream.expect("assign")
            values.append(self.parse_expression())
        node.targets = targets
        node.values = values
        node.body = self.parse_statements(("name:endwith",), drop_needle=True)
        return node

    def parse_autoescape(self) -> nodes.Scope:
        """`autoescape`"""
        node = nodes.ScopedEvalContextModifier(lineno=next(self.stream).lineno)
        node.options = [nodes.Keyword("autoescape", self.parse_expression())]
        node.body = self.parse_statements(("name:endautoescape",), drop_needle=True)
        return nodes.Scope([node])

    def parse_block(self) -> nodes.Block:
        """`block`"""
        node = nodes.Block(lineno=next(self.stream).lineno)
        node.name = self.stream.expect("name").value
        node.scoped = self.stream.skip_if("name:scoped")
        node.required = self.stream.skip_if("name:required")
        if self.stream.current.type == "sub":
            self.fail(
                "Block names in Jinja have to be valid Python identifiers and may not"
                " contain hyphens, use an underscore instead."
            )
        node.body = self.parse_statements(("name:endblock",), drop_needle=True)
        if node.required and not all(map(_is_blank, node.body)):
            self.fail("Required blocks can only contain comments or whitespace")
        self.stream.skip_if(f"name:{node.name}")
        return node

    def parse_extends(self) -> nodes.Extends:
        """`extends`"""
        node = nodes.Extends(lineno=next(self.stream).lineno)
        node.template = self.parse_expression()
        return node

    def parse_import_context(self, node: _ImportInclude, default: bool) -> _ImportInclude:
        """`with context` or `without context`, if that follows."""
        with_context = self._context_clause()
        node.with_context = default if with_context is None else with_context
        return node

    def _context_clause(self) -> bool | None:
        named = self.stream.current.test_any("name:with", "name:without")
        if not (named and self.stream.look().test("name:context")):
            return None
        with_context = next(self.stream).value == "with"
        self.stream.skip()
        return with_context

    def parse_include(self) -> nodes.Include:
        """`include`"""
        node = nodes.Include(lineno=next(self.stream).lineno)
        node.template = self.parse_expression()
        node.ignore_missing = False
        if self.stream.current.test("name:ignore") and self.stream.look().test("name:missing"):
            node.ignore_missing = True
            self.stream.skip(2)
        return self.parse_import_context(node, True)

    def parse_import(self) -> nodes.Import:
        """`import`"""
        node = nodes.Import(lineno=next(self.stream).lineno)
        node.template = self.parse_expression()
        self.stream.expect("name:as")
        node.target = self.parse_assign_target(name_only=True).name
        return self.parse_import_context(node, False)

    def parse_from(self) -> nodes.FromImport:
        """`from`"""
        node = nodes.FromImport(lineno=next(self.stream).lineno)
        node.template = self.parse_expression()
        self.stream.expect("name:import")
        node.names = []
        with_context: bool | None = None
        while with_context is None:
            if node.names:
                self.stream.expect("comma")
            if self.stream.current.type != "name":
                self.stream.expect("name")
            with_context = self._from_context()
            if with_context is not None:
                break
            node.names.append(self._imported_name())
            with_context = self._from_context()
            if self.stream.current.type != "comma":
                break
        node.with_context = bool(with_context)
        return node

    def _from_context(self) -> bool | None:
        # Here a string "with" does as well as a name.
        current = self.stream.current
        if current.value not in ("with", "without") or not self.stream.look().test("name:context"):
            return None
        self.stream.skip(2)
        return current.value == "with"

    def _imported_name(self) -> str | tuple[str, str]:
        target = self.parse_assign_target(name_only=True)
        if target.name.startswith("_"):
            self.fail("names starting with an underline can not be imported", target.lineno, exc=TemplateAssertionError)
        if self.stream.skip_if("name:as"):
            return target.name, self.parse_assign_target(name_only=True).name
        return target.name

    def parse_signature(self, node: _MacroCall) -> None:
        """The parameters of a macro or a call block, in parentheses."""
        args: list[nodes.Name] = []
        defaults: list[nodes.Expr] = []
        node.args = args
        node.defaults = defaults
        self.stream.expect("lparen")
        while self.stream.current.type != "rparen":
            if args:
                self.stream.expect("comma")
            arg = self.parse_assign_target(name_only=True)
            arg.set_ctx("param")
            if self.stream.skip_if("assign"):
                defaults.append(self.parse_expression())
            elif defaults:
                self.fail("non-default argument follows default argument")
            args.append(arg)
        self.stream.expect("rparen")

    def parse_call_block(self) -> nodes.CallBlock:
        """`call`"""
        node = nodes.CallBlock(lineno=next(self.stream).lineno)
        if self.stream.current.type == "lparen":
            self.parse_signature(node)
        else:
            node.args = []
            node.defaults = []
        call = self.parse_expression()
        if not isinstance(call, nodes.Call):
            self.fail("expected call", node.lineno)
        node.call = call
        node.body = self.parse_statements(("name:endcall",), drop_needle=True)
        return node

    def parse_filter_block(self) -> nodes.FilterBlock:
        """`filter`"""
        node = nodes.FilterBlock(lineno=next(self.stream).lineno)
        node.filter = t.cast(nodes.Filter, self.parse_filter(None, start_inline=True))
        node.body = self.parse_statements(("name:endfilter",), drop_needle=True)
        return node

    def parse_macro(self) -> nodes.Macro:
        """`macro`"""
        node = nodes.Macro(lineno=next(self.stream).lineno)
        node.name = self.parse_assign_target(name_only=True).name
        self.parse_signature(node)
        node.body = self.parse_statements(("name:endmacro",), drop_needle=True)
        return node

    def parse_print(self) -> nodes.Output:
        """`print`"""
        node = nodes.Output(lineno=next(self.stream).lineno)
        node.nodes = []
        while self.stream.current.type != "block_end":
            if node.nodes:
                self.stream.expect("comma")
            node.nodes.append(self.parse_expression())
        return node

    # ---- targets -----------------------------------------------------------------------------------------------

    @t.overload
    def parse_assign_target(self, with_tuple: bool = ..., name_only: t.Literal[True] = ...) -> nodes.Name: ...

    @t.overload
    def parse_assign_target(
        self,
        with_tuple: bool = True,
        name_only: bool = False,
        extra_end_rules: tuple[str, ...] | None = None,
        with_namespace: bool = False,
    ) -> nodes.NSRef | nodes.Name | nodes.Tuple: ...

    def parse_assign_target(
        self,
        with_tuple: bool = True,
        name_only: bool = False,
        extra_end_rules: tuple[str, ...] | None = None,
        with_namespace: bool = False,
    ) -> nodes.NSRef | nodes.Name | nodes.Tuple:
        """Parses what something is bound to.

        :param with_tuple: Whether it may be several names.
        :param name_only: Whether it must be one name.
        :param extra_end_rules: What ends a tuple here: see `parse_tuple`.
        :param with_namespace: Whether attributes of namespaces may be set.
        """
        target: nodes.Expr
        if name_only:
            token = self.stream.expect("name")
            target = nodes.Name(token.value, "store", lineno=token.lineno)
        else:
            if with_tuple:
                target = self.parse_tuple(
                    simplified=True, extra_end_rules=extra_end_rules, with_namespace=with_namespace
                )
            else:
                target = self.parse_primary(with_namespace=with_namespace)
            target.set_ctx("store")
        if not target.can_assign():
            self.fail(f"can't assign to {type(target).__name__.lower()!r}", target.lineno)
        return target  # type: ignore[return-value]

    # ---- operators, from the loosest to the tightest -----------------------------------------------------------

    def parse_expression(self, with_condexpr: bool = True) -> nodes.Expr:
        """Parses an expression, which may be a conditional one unless that is ruled out."""
        return self.parse_condexpr() if with_condexpr else self.parse_or()

    def parse_condexpr(self) -> nodes.Expr:
        """`a if b else c`"""
        lineno = self.stream.current.lineno
        expr1 = self.parse_or()
        while self.stream.skip_if("name:if"):
            test = self.parse_or()
            expr2 = self.parse_condexpr() if self.stream.skip_if("name:else") else None
            expr1 = nodes.CondExpr(test, expr1, expr2, lineno=lineno)
            lineno = self.stream.current.lineno
        return expr1

    def parse_or(self) -> nodes.Expr:
        """`a or b`"""
        lineno = self.stream.current.lineno
        left = self.parse_and()
        while self.stream.skip_if("name:or"):
            left = nodes.Or(left, self.parse_and(), lineno=lineno)
            lineno = self.stream.current.lineno
        return left

    def parse_and(self) -> nodes.Expr:
        """`a and b`"""
        lineno = self.stream.current.lineno
        left = self.parse_not()
        while self.stream.skip_if("name:and"):
            left = nodes.And(left, self.parse_not(), lineno=lineno)
            lineno = self.stream.current.lineno
        return left

    def parse_not(self) -> nodes.Expr:
        """`not a`"""
        if self.stream.current.test("name:not"):
            lineno = next(self.stream).lineno
            return nodes.Not(self.parse_not(), lineno=lineno)
        return self.parse_compare()

    def parse_compare(self) -> nodes.Expr:
        """`a < b < c`"""
        lineno = self.stream.current.lineno
        expr = self.parse_math1()
        ops: list[nodes.Operand] = []
        while (op := self._compare_operator()) is not None:
            ops.append(nodes.Operand(op, self.parse_math1()))
            lineno = self.stream.current.lineno
        return nodes.Compare(expr, ops, lineno=lineno) if ops else expr

    def _compare_operator(self) -> str | None:
        """Goes past the operator of a comparison, if there is one."""
        kind = self.stream.current.type
        if kind in _compare_operators:
            next(self.stream)
            return kind
        if self.stream.skip_if("name:in"):
            return "in"
        if self.stream.current.test("name:not") and self.stream.look().test("name:in"):
            self.stream.skip(2)
            return "notin"
        return None

    def parse_math1(self) -> nodes.Expr:
        """`a + b`, `a - b`"""
        return self._binary(("add", "sub"), self.parse_concat)

    def _binary(self, kinds: tuple[str, ...], operand: t.Callable[[], nodes.Expr]) -> nodes.Expr:
        lineno = self.stream.current.lineno
        left = operand()
        while self.stream.current.type in kinds:
            cls = _math_nodes[next(self.stream).type]
            left = cls(left, operand(), lineno=lineno)
            lineno = self.stream.current.lineno
        return left

    def parse_concat(self) -> nodes.Expr:
        """`a ~ b ~ c`"""
        lineno = self.stream.current.lineno
        args = [self.parse_math2()]
        while self.stream.skip_if("tilde"):
            args.append(self.parse_math2())
        return args[0] if len(args) == 1 else nodes.Concat(args, lineno=lineno)

    def parse_math2(self) -> nodes.Expr:
        """`a * b`, `a / b`, `a // b`, `a % b`"""
        return self._binary(("mul", "div", "floordiv", "mod"), self.parse_pow)

    def parse_pow(self) -> nodes.Expr:
        """`a ** b`, from left to right"""
        lineno = self.stream.current.lineno
        left = self.parse_unary()
        while self.stream.skip_if("pow"):
            left = nodes.Pow(left, self.parse_unary(), lineno=lineno)
            lineno = self.stream.current.lineno
        return left

    def parse_unary(self, with_filter: bool = True) -> nodes.Expr:
        """`-a`, `+a`, or what has no sign; then what may be appended to it, filters last."""
        kind = self.stream.current.type
        lineno = self.stream.current.lineno
        node: nodes.Expr
        if kind == "sub":
            next(self.stream)
            node = nodes.Neg(self.parse_unary(False), lineno=lineno)
        elif kind == "add":
            next(self.stream)
            node = nodes.Pos(self.parse_unary(False), lineno=lineno)
        else:
            node = self.parse_primary()
        node = self.parse_postfix(node)
        return self.parse_filter_expr(node) if with_filter else node

    # ---- what operators stand between --------------------------------------------------------------------------

    def parse_primary(self, with_namespace: bool = False) -> nodes.Expr:
        """A name, a literal, or something in brackets; `with_namespace`: or an attribute of a namespace."""
        token = self.stream.current
        if token.type == "name":
            next(self.stream)
            return self._name(token, with_namespace)
        if token.type == "string":
            parts = []
            while self.stream.current.type == "string":
                parts.append(next(self.stream).value)
            return nodes.Const("".join(parts), lineno=token.lineno)
        if token.type in ("integer", "float"):
            next(self.stream)
            return nodes.Const(token.value, lineno=token.lineno)
        if token.type == "lparen":
            next(self.stream)
            node = self.parse_tuple(explicit_parentheses=True)
            self.stream.expect("rparen")
            return node
        if token.type == "lbracket":
            return self.parse_list()
        if token.type == "lbrace":
            return self.parse_dict()
        self.fail(f"unexpected {describe_token(token)!r}", token.lineno)

    def _name(self, token: "Token", with_namespace: bool) -> nodes.Expr:
        if token.value in ("true", "false", "True", "False"):
            return nodes.Const(token.value in ("true", "True"), lineno=token.lineno)
        if token.value in ("none", "None"):
            return nodes.Const(None, lineno=token.lineno)
        if with_namespace and self.stream.skip_if("dot"):
            return nodes.NSRef(token.value, self.stream.expect("name").value, lineno=token.lineno)
        return nodes.Name(token.value, "load", lineno=token.lineno)

    def parse_tuple(
        self,
        simplified: bool = False,
        with_condexpr: bool = True,
        extra_end_rules: tuple[str, ...] | None = None,
        explicit_parentheses: bool = False,
        with_namespace: bool = False,
    ) -> nodes.Tuple | nodes.Expr:
        """Parses an expression, or a tuple if there are commas.

        :param simplified: Whether the items are names and literals only; then `with_namespace` allows attributes of
            namespaces.
        :param with_condexpr: Whether items may be conditional expressions.
        :param extra_end_rules: Tests for tokens that end the tuple here; `in` for the target of a loop.
        :param explicit_parentheses: Whether it stands in parentheses, so that it may be empty.
        """
        lineno = self.stream.current.lineno
        args: list[nodes.Expr] = []
        is_tuple = False
        while True:
            if args:
                self.stream.expect("comma")
            if self.is_tuple_end(extra_end_rules):
                break
            if simplified:
                args.append(self.parse_primary(with_namespace=with_namespace))
            else:
                args.append(self.parse_expression(with_condexpr=with_condexpr))
            if self.stream.current.type != "comma":
                break
            is_tuple = True
            lineno = self.stream.current.lineno
        if not is_tuple:
            if args:
                return args[0]
            if not explicit_parentheses:
                self.fail(f"Expected an expression, got {describe_token(self.stream.current)!r}")
        return nodes.Tuple(args, "load", lineno=lineno)

    def parse_list(self) -> nodes.List:
        """`[a, b]`"""
        token = self.stream.expect("lbracket")
        items: list[nodes.Expr] = []
        while self.stream.current.type != "rbracket":
            if items:
                self.stream.expect("comma")
            if self.stream.current.type == "rbracket":
                break
            items.append(self.parse_expression())
        self.stream.expect("rbracket")
        return nodes.List(items, lineno=token.lineno)

    def parse_dict(self) -> nodes.Dict:
        """`{a: b}`"""
        token = self.stream.expect("lbrace")
        items: list[nodes.Pair] = []
        while self.stream.current.type != "rbrace":
            if items:
                self.stream.expect("comma")
            if self.stream.current.type == "rbrace":
                break
            key = self.parse_expression()
            self.stream.expect("colon")
            items.append(nodes.Pair(key, self.parse_expression(), lineno=key.lineno))
        self.stream.expect("rbrace")
        return nodes.Dict(items, lineno=token.lineno)

    # ---- what is appended to it --------------------------------------------------------------------------------

    def parse_postfix(self, node: nodes.Expr) -> nodes.Expr:
        """Subscripts and calls."""
        while True:
            kind = self.stream.current.type
            if kind in ("dot", "lbracket"):
                node = self.parse_subscript(node)
            elif kind == "lparen":
                node = self.parse_call(node)
            else:
                return node

    def parse_filter_expr(self, node: nodes.Expr) -> nodes.Expr:
        """Filters and tests, and calls of what they return."""
        while True:
            current = self.stream.current
            if current.type == "pipe":
                node = t.cast(nodes.Expr, self.parse_filter(node))
            elif current.type == "name" and current.value == "is":
                node = self.parse_test(node)
            elif current.type == "lparen":
                node = self.parse_call(node)
            else:
                return node

    def parse_subscript(self, node: nodes.Expr) -> nodes.Getattr | nodes.Getitem:
        """`.a`, `.0` or `[a]`"""
        token = next(self.stream)
        arg: nodes.Expr
        if token.type == "dot":
            attr = next(self.stream)
            if attr.type == "name":
                return nodes.Getattr(node, attr.value, "load", lineno=token.lineno)
            if attr.type != "integer":
                self.fail("expected name or number", attr.lineno)
            arg = nodes.Const(attr.value, lineno=attr.lineno)
            return nodes.Getitem(node, arg, "load", lineno=token.lineno)
        if token.type != "lbracket":
            self.fail("expected subscript expression", token.lineno)
        args: list[nodes.Expr] = []
        while self.stream.current.type != "rbracket":
            if args:
                self.stream.expect("comma")
            args.append(self.parse_subscribed())
        self.stream.expect("rbracket")
        arg = args[0] if len(args) == 1 else nodes.Tuple(args, "load", lineno=token.lineno)
        return nodes.Getitem(node, arg, "load", lineno=token.lineno)

    def parse_subscribed(self) -> nodes.Expr:
        """A key, or a slice."""
        lineno = self.stream.current.lineno
        start: nodes.Expr | None = None
        if self.stream.current.type != "colon":
            start = self.parse_expression()
            if self.stream.current.type != "colon":
                return start
        next(self.stream)
        stop = self._slice_part("colon", "rbracket", "comma")
        step = self._slice_part("rbracket", "comma") if self.stream.skip_if("colon") else None
        return nodes.Slice(start, stop, step, lineno=lineno)

    def _slice_part(self, *ends: str) -> nodes.Expr | None:
        return None if self.stream.current.type in ends else self.parse_expression()

    def parse_call_args(self) -> _CallArgs:
        """Arguments in parentheses: positional ones, named ones, `*` and `**`."""
        token = self.stream.expect("lparen")
        args: list[nodes.Expr] = []
        kwargs: list[nodes.Keyword] = []
        dyn_args: nodes.Expr | None = None
        dyn_kwargs: nodes.Expr | None = None

        def ensure(allowed: bool) -> None:
            if not allowed:
                self.fail("invalid syntax for function call expression", token.lineno)

        first = True
        while self.stream.current.type != "rparen":
            if not first:
                self.stream.expect("comma")
                if self.stream.current.type == "rparen":
                    break
            first = False
            if self.stream.current.type == "mul":
                ensure(dyn_args is None and dyn_kwargs is None)
                next(self.stream)
                dyn_args = self.parse_expression()
            elif self.stream.current.type == "pow":
                ensure(dyn_kwargs is None)
                next(self.stream)
                dyn_kwargs = self.parse_expression()
            elif self.stream.current.type == "name" and self.stream.look().type == "assign":
                ensure(dyn_kwargs is None)
                key = self.stream.current.value
                self.stream.skip(2)
                value = self.parse_expression()
                kwargs.append(nodes.Keyword(key, value, lineno=value.lineno))
            else:
                ensure(dyn_args is None and dyn_kwargs is None and not kwargs)
                args.append(self.parse_expression())
        self.stream.expect("rparen")
        return args, kwargs, dyn_args, dyn_kwargs

    def parse_call(self, node: nodes.Expr) -> nodes.Call:
        """`(a, b=c)` behind what is called"""
        lineno = self.stream.current.lineno
        return nodes.Call(node, *self.parse_call_args(), lineno=lineno)

    def parse_filter(self, node: nodes.Expr | None, start_inline: bool = False) -> nodes.Expr | None:
        """Filters, each behind a `|`; with `start_inline` the first has none, as in the tag `filter`."""
        while self.stream.current.type == "pipe" or start_inline:
            if not start_inline:
                next(self.stream)
            start_inline = False
            lineno = self.stream.current.lineno
            name = self._dotted_name()
            args: _CallArgs = ([], [], None, None)
            if self.stream.current.type == "lparen":
                args = self.parse_call_args()
            node = nodes.Filter(node, name, *args, lineno=lineno)
        return node

    def _dotted_name(self) -> str:
        name = self.stream.expect("name").value
        while self.stream.skip_if("dot"):
            name += f".{self.stream.expect('name').value}"
        return name

    def parse_test(self, node: nodes.Expr) -> nodes.Expr:
        """`is test`, `is not test`, with arguments or with a bare one"""
        token = next(self.stream)
        negated = self.stream.skip_if("name:not")
        name = self._dotted_name()
        args: _CallArgs = ([], [], None, None)
        current = self.stream.current
        if current.type == "lparen":
            args = self.parse_call_args()
        elif current.type in _bare_argument and not current.test_any("name:else", "name:or", "name:and"):
            if current.test("name:is"):
                self.fail("You cannot chain multiple tests with is")
            args = ([self.parse_postfix(self.parse_primary())], [], None, None)
        node = nodes.Test(node, name, *args, lineno=token.lineno)
        return nodes.Not(node, lineno=token.lineno) if negated else node

    # ---- the whole ---------------------------------------------------------------------------------------------

    def subparse(self, end_tokens: tuple[str, ...] | None = None) -> list[nodes.Node]:
        """Text, printed expressions and statements up to one of `end_tokens`, or to the template's end."""
        if end_tokens is None:
            return self._subparse(())
        self._end_token_stack.append(end_tokens)
        try:
            return self._subparse(end_tokens)
        finally:
            self._end_token_stack.pop()

    def _subparse(self, end_tokens: tuple[str, ...]) -> list[nodes.Node]:
        body: list[nodes.Node] = []
        output: list[nodes.Expr] = []

        def flush() -> None:
            if output:
                body.append(nodes.Output(output[:], lineno=output[0].lineno))
                output.clear()

        while self.stream:
            token = self.stream.current
            if token.type == "data":
                next(self.stream)
                if token.value:
                    output.append(nodes.TemplateData(token.value, lineno=token.lineno))
            elif token.type == "variable_begin":
                next(self.stream)
                output.append(self.parse_tuple(with_condexpr=True))
                self.stream.expect("variable_end")
            elif token.type == "block_begin":
                flush()
                next(self.stream)
                if self.stream.current.test_any(*end_tokens):
                    return body
                statement = self.parse_statement()
                if isinstance(statement, list):
                    body.extend(statement)
                else:
                    body.append(statement)
                self.stream.expect("block_end")
            else:
                raise AssertionError("internal parsing error")
        flush()
        return body

    def parse(self) -> nodes.Template:
        """Parses the whole template."""
        result = nodes.Template(self.subparse(), lineno=1)
        result.set_environment(self.environment)
        return result


def _is_blank(node: nodes.Node) -> bool:
    """Whether a statement writes blanks and nothing else."""
    return isinstance(node, nodes.Output) and all(
        isinstance(part, nodes.TemplateData) and part.data.isspace() for part in node.nodes
    )


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
