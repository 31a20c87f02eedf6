"""The tree that the parser makes of a template and the compiler reads: Jinja2's classes and fields.

Nodes are plain objects that extensions make and change. Positional arguments are a node's fields, keyword arguments
its attributes: `lineno`, the line it comes from, and `environment`, which the parser sets on the whole tree.
Invariant: the classes here are all there are; `NodeType` refuses to make more.
"""

import inspect
import operator
import typing as t
from collections import deque

from markupsafe import Markup

from .utils import _PassArg

if t.TYPE_CHECKING:
    from .environment import Environment

_NodeBound = t.TypeVar("_NodeBound", bound="Node")
_Names = t.Container[str] | None

_binop_to_func: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_uaop_to_func: dict[str, t.Callable[[t.Any], t.Any]] = {
    "not": operator.not_,
    "-": operator.neg,
    "+": operator.pos,
}
_cmpop_to_func: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda item, container: item in container,
    "notin": lambda item, container: item not in container,
}


class Impossible(Exception):
    """A node has no value before the template runs."""


class NodeType(type):
    """The class of node classes: each has its parent's fields and attributes, then its own."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, t.Any]) -> t.Any:
        assert len(bases) <= 1, "multiple inheritance not allowed"
        parent = bases[0] if bases else object
        for kind in ("fields", "attributes"):
            names = (*getattr(parent, kind, ()), *namespace.get(kind, ()))
            assert len(names) == len(set(names)), "layout conflict"
            namespace[kind] = names
        namespace.setdefault("abstract", False)
        return super().__new__(mcs, name, bases, namespace)


class EvalContext:
    """What holds while an expression is evaluated: whether text is escaped, and whether that may still change.

    Extensions may add attributes of their own.
    """

    def __init__(self, environment: "Environment", template_name: str | None = None) -> None:
        self.environment = environment
        autoescape = environment.autoescape
        self.autoescape = autoescape(template_name) if callable(autoescape) else autoescape
        self.volatile = False

    def save(self) -> t.Mapping[str, t.Any]:
        """A copy of the state, for `revert`."""
        return dict(self.__dict__)

    def revert(self, old: t.Mapping[str, t.Any]) -> None:
        """Back to what `save` returned."""
        self.__dict__.clear()
        self.__dict__.update(old)


def get_eval_context(node: "Node", ctx: EvalContext | None) -> EvalContext:
    """The given context, or else a new one of the node's environment."""
    if ctx is not None:
        return ctx
    if node.environment is None:
        raise RuntimeError("if no eval context is passed, the node must have an attached environment.")
    return EvalContext(node.environment)


class Node(metaclass=NodeType):
    """What all nodes are: statements (`Stmt`), expressions (`Expr`), parts of them (`Helper`) and the `Template`.

    >>> Name("user", "load", lineno=3)
    Name(name='user', ctx='load')
    """

    fields: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ("lineno", "environment")
    abstract = True

    lineno: int
    environment: "Environment | None"

    def __init__(self, *fields: t.Any, **attributes: t.Any) -> None:
        if self.abstract:
            raise TypeError("abstract nodes are not instantiable")
        if fields:
            self._set_fields(fields)
        for name in self.attributes:
            setattr(self, name, attributes.pop(name, None))
        if attributes:
            raise TypeError(f"unknown attribute {next(iter(attributes))!r}")

    def _set_fields(self, fields: tuple[t.Any, ...]) -> None:
        wanted = len(self.fields)
        if len(fields) != wanted:
            if not wanted:
                raise TypeError(f"{type(self).__name__!r} takes 0 arguments")
            raise TypeError(f"{type(self).__name__!r} takes 0 or {wanted} argument{'s' if wanted != 1 else ''}")
        for name, value in zip(self.fields, fields, strict=True):
            setattr(self, name, value)

    # ---- looking around ----------------------------------------------------------------------------------------

    def iter_fields(self, exclude: _Names = None, only: _Names = None) -> t.Iterator[tuple[str, t.Any]]:
        """Names and values of the fields that are set: all, those not in `exclude`, or those in `only`."""
        for name in self.fields:
            chosen = exclude is None and only is None
            chosen = chosen or (exclude is not None and name not in exclude)
            chosen = chosen or (only is not None and name in only)
            if chosen:
                try:
                    value = getattr(self, name)
                except AttributeError:
                    continue
                yield name, value

    def iter_child_nodes(self, exclude: _Names = None, only: _Names = None) -> t.Iterator["Node"]:
        """The nodes in the fields, and in the lists in the fields."""
        for _, value in self.iter_fields(exclude, only):
            if isinstance(value, list):
                yield from (item for item in value if isinstance(item, Node))
            elif isinstance(value, Node):
                yield value

    def find(self, node_type: type[_NodeBound]) -> _NodeBound | None:
        """The first node below that is of a class, if there is one."""
        return next(self.find_all(node_type), None)

    def find_all(self, node_type: type[_NodeBound] | tuple[type[_NodeBound], ...]) -> t.Iterator[_NodeBound]:
        """All nodes below that are of a class, or of one of several; outer ones before inner ones."""
        for child in self.iter_child_nodes():
            if isinstance(child, node_type):
                yield child
            yield from child.find_all(node_type)

    def _walk(self) -> t.Iterator["Node"]:
        """The node and all below, level by level."""
        todo = deque([self])
        while todo:
            node = todo.popleft()
            yield node
            todo.extend(node.iter_child_nodes())

    # ---- changing all of it ------------------------------------------------------------------------------------

    def set_ctx(self, ctx: str) -> "Node":
        """Sets the `ctx` of the node and all below that have one: a name that is read becomes one that is bound."""
        for node in self._walk():
            if "ctx" in node.fields:
                node.ctx = ctx  # type: ignore[attr-defined]
        return self

    def set_lineno(self, lineno: int, override: bool = False) -> "Node":
        """Gives a line to the node and all below that have none, or, with `override`, to all."""
        for node in self._walk():
            if "lineno" in node.attributes and (override or node.lineno is None):
                node.lineno = lineno
        return self

    def set_environment(self, environment: "Environment") -> "Node":
        """Gives an environment to the node and all below."""
        for node in self._walk():
            node.environment = environment
        return self

    # ---- as a value --------------------------------------------------------------------------------------------

    def __eq__(self, other: t.Any) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return tuple(self.iter_fields()) == tuple(other.iter_fields())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name, None)!r}" for name in self.fields)
        return f"{type(self).__name__}({fields})"

    def dump(self) -> str:
        """The tree as an expression of Python that would make it."""

        def text(value: t.Any) -> str:
            if isinstance(value, list):
                return f"[{', '.join(map(text, value))}]"
            if not isinstance(value, Node):
                return repr(value)
            fields = ", ".join(text(getattr(value, name)) for name in value.fields)
            return f"nodes.{type(value).__name__}({fields})"

        return text(self)


class Stmt(Node):
    """A statement."""

    abstract = True


class Helper(Node):
    """A part of a particular node."""

    abstract = True


class Template(Node):
    """A whole template."""

    fields = ("body",)
    body: list[Node]


# ---- statements --------------------------------------------------------------------------------------------------


class Output(Stmt):
    """Writes its nodes: the template's text, and printed expressions."""

    fields = ("nodes",)
    nodes: "list[Expr]"


class Extends(Stmt):
    """Names the parent template."""

    fields = ("template",)
    template: "Expr"


class For(Stmt):
    """Runs `body` for each item of `iter` that passes `test`, bound to `target`; `else_` if for none."""

    fields = ("target", "iter", "body", "else_", "test", "recursive")
    target: Node
    iter: Node
    body: list[Node]
    else_: list[Node]
    test: Node | None
    recursive: bool


class If(Stmt):
    """Runs `body` if `test` holds, else the first of `elif_` whose test does, else `else_`."""

    fields = ("test", "body", "elif_", "else_")
    test: Node
    body: list[Node]
    elif_: "list[If]"
    else_: list[Node]


class Macro(Stmt):
    """Binds a macro; the last `defaults` belong to the last `args`."""

    fields = ("name", "args", "defaults", "body")
    name: str
    args: "list[Name]"
    defaults: "list[Expr]"
    body: list[Node]


class CallBlock(Stmt):
    """Writes what `call` returns, which gets a macro of the body as its argument `caller`."""

    fields = ("call", "args", "defaults", "body")
    call: "Call"
    args: "list[Name]"
    defaults: "list[Expr]"
    body: list[Node]


class FilterBlock(Stmt):
    """Writes the body after `filter`, whose innermost node is `None`."""

    fields = ("body", "filter")
    body: list[Node]
    filter: "Filter"


class With(Stmt):
    """A scope with variables of its own, whose values are evaluated outside."""

    fields = ("targets", "values", "body")
    targets: "list[Expr]"
    values: "list[Expr]"
    body: list[Node]


class Block(Stmt):
    """A block that child templates may replace, and must if it is `required`."""

    fields = ("name", "body", "scoped", "required")
    name: str
    body: list[Node]
    scoped: bool
    required: bool


class Include(Stmt):
    """Writes another template."""

    fields = ("template", "with_context", "ignore_missing")
    template: "Expr"
    with_context: bool
    ignore_missing: bool


class Import(Stmt):
    """Binds another template's module."""

    fields = ("template", "target", "with_context")
    template: "Expr"
    target: str
    with_context: bool


class FromImport(Stmt):
    """Binds names of another template's module: each of `names` is one, or a pair with the name it gets here."""

    fields = ("template", "names", "with_context")
    template: "Expr"
    names: list[str | tuple[str, str]]
    with_context: bool


class ExprStmt(Stmt):
    """Evaluates and forgets."""

    fields = ("node",)
    node: Node


class Assign(Stmt):
    """Binds a value."""

    fields = ("target", "node")
    target: "Expr"
    node: Node


class AssignBlock(Stmt):
    """Binds the text that the body writes, after `filter` if there is one."""

    fields = ("target", "filter", "body")
    target: "Expr"
    filter: "Filter | None"
    body: list[Node]


# ---- expressions -------------------------------------------------------------------------------------------------


class Expr(Node):
    """An expression."""

    abstract = True

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        """The value, if it is known already; raises `Impossible` if not.

        Without a context the node needs an environment.
        """
        raise Impossible()

    def can_assign(self) -> bool:
        """Whether something can be bound to it."""
        return False


def _intercepted(eval_ctx: EvalContext, kind: str, symbol: str) -> bool:
    """Whether a sandbox wants to be asked about an operator when the template runs."""
    environment = eval_ctx.environment
    return bool(environment.sandboxed and symbol in getattr(environment, f"intercepted_{kind}"))


class BinExpr(Expr):
    """An operator between two operands."""

    fields = ("left", "right")
    left: Expr
    right: Expr
    operator: str
    abstract = True

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        eval_ctx = get_eval_context(self, eval_ctx)
        if _intercepted(eval_ctx, "binops", self.operator):
            raise Impossible()
        try:
            return _binop_to_func[self.operator](self.left.as_const(eval_ctx), self.right.as_const(eval_ctx))
        except Exception as error:
            raise Impossible() from error


class UnaryExpr(Expr):
    """An operator before its operand."""

    fields = ("node",)
    node: Expr
    operator: str
    abstract = True

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        eval_ctx = get_eval_context(self, eval_ctx)
        if _intercepted(eval_ctx, "unops", self.operator):
            raise Impossible()
        try:
            return _uaop_to_func[self.operator](self.node.as_const(eval_ctx))
        except Exception as error:
            raise Impossible() from error


class Name(Expr):
    """A variable. `ctx` says what is done with it: `load`, `store`, or `param` for the parameter of a function."""

    fields = ("name", "ctx")
    name: str
    ctx: str

    def can_assign(self) -> bool:
        return self.name not in {"true", "false", "none", "True", "False", "None"}


class NSRef(Expr):
    """An attribute of a namespace, as a target. That it is a namespace is checked when it is set."""

    fields = ("name", "attr")
    name: str
    attr: str

    def can_assign(self) -> bool:
        return True


class Literal(Expr):
    """A value that is written out."""

    abstract = True


class Const(Literal):
    """A constant. The parser makes numbers, texts, truth values and `None`; any object will do.

    A template with an object that is no number, text or container of them is never written to a bytecode cache.
    """

    fields = ("value",)
    value: t.Any

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        return self.value

    @classmethod
    def from_untrusted(
        cls, value: t.Any, lineno: int | None = None, environment: "Environment | None" = None
    ) -> "Const":
        """A constant of a value that was computed; raises `Impossible` if its `repr` would not make it again."""
        from .compiler import has_safe_repr

        if not has_safe_repr(value):
            raise Impossible()
        return cls(value, lineno=lineno, environment=environment)


class TemplateData(Literal):
    """Text of the template, which is never escaped."""

    fields = ("data",)
    data: str

    def as_const(self, eval_ctx: EvalContext | None = None) -> str:
        eval_ctx = get_eval_context(self, eval_ctx)
        if eval_ctx.volatile:
            raise Impossible()
        return Markup(self.data) if eval_ctx.autoescape else self.data


class Tuple(Literal):
    """A tuple, as a value or as a target: see `ctx` of `Name`."""

    fields = ("items", "ctx")
    items: list[Expr]
    ctx: str

    def as_const(self, eval_ctx: EvalContext | None = None) -> tuple[t.Any, ...]:
        eval_ctx = get_eval_context(self, eval_ctx)
        return tuple(item.as_const(eval_ctx) for item in self.items)

    def can_assign(self) -> bool:
        return all(item.can_assign() for item in self.items)


class List(Literal):
    """A list."""

    fields = ("items",)
    items: list[Expr]

    def as_const(self, eval_ctx: EvalContext | None = None) -> list[t.Any]:
        eval_ctx = get_eval_context(self, eval_ctx)
        return [item.as_const(eval_ctx) for item in self.items]


class Dict(Literal):
    """A dict of `Pair`s."""

    fields = ("items",)
    items: "list[Pair]"

    def as_const(self, eval_ctx: EvalContext | None = None) -> dict[t.Any, t.Any]:
        eval_ctx = get_eval_context(self, eval_ctx)
        return dict(item.as_const(eval_ctx) for item in self.items)


class Pair(Helper):
    """Key and value of a dict."""

    fields = ("key", "value")
    key: Expr
    value: Expr

    def as_const(self, eval_ctx: EvalContext | None = None) -> tuple[t.Any, t.Any]:
        eval_ctx = get_eval_context(self, eval_ctx)
        return self.key.as_const(eval_ctx), self.value.as_const(eval_ctx)


class Keyword(Helper):
    """A named argument; the key is a string."""

    fields = ("key", "value")
    key: str
    value: Expr

    def as_const(self, eval_ctx: EvalContext | None = None) -> tuple[str, t.Any]:
        eval_ctx = get_eval_context(self, eval_ctx)
        return self.key, self.value.as_const(eval_ctx)


class CondExpr(Expr):
    """`expr1` if `test` holds, else `expr2`, else an undefined value."""

    fields = ("test", "expr1", "expr2")
    test: Expr
    expr1: Expr
    expr2: Expr | None

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        eval_ctx = get_eval_context(self, eval_ctx)
        chosen = self.expr1 if self.test.as_const(eval_ctx) else self.expr2
        if chosen is None:
            raise Impossible()
        return chosen.as_const(eval_ctx)


def args_as_const(
    node: "_FilterTestCommon | Call", eval_ctx: EvalContext | None
) -> tuple[list[t.Any], dict[t.Any, t.Any]]:
    """The arguments of a call, if all are known."""
    args = [arg.as_const(eval_ctx) for arg in node.args]
    kwargs = dict(arg.as_const(eval_ctx) for arg in node.kwargs)
    try:
        if node.dyn_args is not None:
            args.extend(node.dyn_args.as_const(eval_ctx))
        if node.dyn_kwargs is not None:
            kwargs.update(node.dyn_kwargs.as_const(eval_ctx))
    except Exception as error:
        raise Impossible() from error
    return args, kwargs


class _FilterTestCommon(Expr):
    """What filters and tests share."""

    fields = ("node", "name", "args", "kwargs", "dyn_args", "dyn_kwargs")
    node: Expr
    name: str
    args: list[Expr]
    kwargs: list[Pair]
    dyn_args: Expr | None
    dyn_kwargs: Expr | None
    abstract = True
    _is_filter = True

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        eval_ctx = get_eval_context(self, eval_ctx)
        if eval_ctx.volatile:
            raise Impossible()
        environment = eval_ctx.environment
        func = (environment.filters if self._is_filter else environment.tests).get(self.name)
        pass_arg = _PassArg.from_obj(func)
        if func is None or pass_arg is _PassArg.context:
            raise Impossible()
        waits = getattr(func, "jinja_async_variant", False) is True or inspect.iscoroutinefunction(func)
        if environment.is_async and waits:
            raise Impossible()
        args, kwargs = args_as_const(self, eval_ctx)
        args.insert(0, self.node.as_const(eval_ctx))
        if pass_arg is _PassArg.eval_context:
            args.insert(0, eval_ctx)
        elif pass_arg is _PassArg.environment:
            args.insert(0, environment)
        try:
            return func(*args, **kwargs)
        except Exception as error:
            raise Impossible() from error


class Filter(_FilterTestCommon):
    """`node|name(args)`; without a node, what the block around it has written is filtered."""

    node: Expr | None  # type: ignore[assignment]

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        if self.node is None:
            raise Impossible()
        return super().as_const(eval_ctx=eval_ctx)


class Test(_FilterTestCommon):
    """`node is name(args)`"""

    _is_filter = False


class Call(Expr):
    """`node(*args, **kwargs)`; `dyn_args` and `dyn_kwargs` are what a template writes with `*` and `**`."""

    fields = ("node", "args", "kwargs", "dyn_args", "dyn_kwargs")
    node: Expr
    args: list[Expr]
    kwargs: list[Keyword]
    dyn_args: Expr | None
    dyn_kwargs: Expr | None


class Getitem(Expr):
    """`node[arg]`: the item, or else the attribute."""

    fields = ("node", "arg", "ctx")
    node: Expr
    arg: Expr
    ctx: str

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        if self.ctx != "load":
            raise Impossible()
        eval_ctx = get_eval_context(self, eval_ctx)
        try:
            return eval_ctx.environment.getitem(self.node.as_const(eval_ctx), self.arg.as_const(eval_ctx))
        except Exception as error:
            raise Impossible() from error


class Getattr(Expr):
    """`node.attr`: the attribute, or else the item."""

    fields = ("node", "attr", "ctx")
    node: Expr
    attr: str
    ctx: str

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        if self.ctx != "load":
            raise Impossible()
        eval_ctx = get_eval_context(self, eval_ctx)
        try:
            return eval_ctx.environment.getattr(self.node.as_const(eval_ctx), self.attr)
        except Exception as error:
            raise Impossible() from error


class Slice(Expr):
    """`start:stop:step`, as the `arg` of a `Getitem`."""

    fields = ("start", "stop", "step")
    start: Expr | None
    stop: Expr | None
    step: Expr | None

    def as_const(self, eval_ctx: EvalContext | None = None) -> slice:
        eval_ctx = get_eval_context(self, eval_ctx)
        parts = (self.start, self.stop, self.step)
        return slice(*(None if part is None else part.as_const(eval_ctx) for part in parts))


class Concat(Expr):
    """The nodes' texts, joined."""

    fields = ("nodes",)
    nodes: list[Expr]

    def as_const(self, eval_ctx: EvalContext | None = None) -> str:
        eval_ctx = get_eval_context(self, eval_ctx)
        return "".join(str(node.as_const(eval_ctx)) for node in self.nodes)


class Compare(Expr):
    """`expr` compared with the first of `ops`, that with the second, and so on."""

    fields = ("expr", "ops")
    expr: Expr
    ops: "list[Operand]"

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        eval_ctx = get_eval_context(self, eval_ctx)
        result = left = self.expr.as_const(eval_ctx)
        try:
            for operand in self.ops:
                right = operand.expr.as_const(eval_ctx)
                result = _cmpop_to_func[operand.op](left, right)
                if not result:
                    return False
                left = right
        except Exception as error:
            raise Impossible() from error
        return result


class Operand(Helper):
    """An operator of a comparison (`eq`, `ne`, `lt`, `lteq`, `gt`, `gteq`, `in`, `notin`) and what follows it."""

    fields = ("op", "expr")
    op: str
    expr: Expr


class Mul(BinExpr):
    """`left * right`"""

    operator = "*"


class Div(BinExpr):
    """`left / right`"""

    operator = "/"


class FloorDiv(BinExpr):
    """`left // right`"""

    operator = "//"


class Add(BinExpr):
    """`left + right`"""

    operator = "+"


class Sub(BinExpr):
    """`left - right`"""

    operator = "-"


class Mod(BinExpr):
    """`left % right`"""

    operator = "%"


class Pow(BinExpr):
    """`left ** right`"""

    operator = "**"


class And(BinExpr):
    """`left`, if that is false; else `right`."""

    operator = "and"

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        eval_ctx = get_eval_context(self, eval_ctx)
        return self.left.as_const(eval_ctx) and self.right.as_const(eval_ctx)


class Or(BinExpr):
    """`left`, if that is true; else `right`."""

    operator = "or"

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        eval_ctx = get_eval_context(self, eval_ctx)
        return self.left.as_const(eval_ctx) or self.right.as_const(eval_ctx)


class Not(UnaryExpr):
    """`not node`"""

    operator = "not"


class Neg(UnaryExpr):
    """`-node`"""

    operator = "-"


class Pos(UnaryExpr):
    """`+node`"""

    operator = "+"


# ---- for extensions ----------------------------------------------------------------------------------------------


class EnvironmentAttribute(Expr):
    """An attribute of the environment, such as a function that an extension keeps there."""

    fields = ("name",)
    name: str


class ExtensionAttribute(Expr):
    """An attribute of the extension with this identifier: what `Extension.attr` makes."""

    fields = ("identifier", "name")
    identifier: str
    name: str


class ImportedName(Expr):
    """What a dotted name imports: `ImportedName("html.escape")` is the function."""

    fields = ("importname",)
    importname: str


class InternalName(Expr):
    """A variable that no template can name: what `Parser.free_identifier` makes, and nothing else."""

    fields = ("name",)
    name: str

    def __init__(self) -> None:
        raise TypeError("Can't create internal names.  Use the `free_identifier` method on a parser.")


class MarkSafe(Expr):
    """The value as `Markup`."""

    fields = ("expr",)
    expr: Expr

    def as_const(self, eval_ctx: EvalContext | None = None) -> Markup:
        eval_ctx = get_eval_context(self, eval_ctx)
        return Markup(self.expr.as_const(eval_ctx))


class MarkSafeIfAutoescape(Expr):
    """The value as `Markup` where text is escaped, else as it is."""

    fields = ("expr",)
    expr: Expr

    def as_const(self, eval_ctx: EvalContext | None = None) -> t.Any:
        eval_ctx = get_eval_context(self, eval_ctx)
        if eval_ctx.volatile:
            raise Impossible()
        value = self.expr.as_const(eval_ctx)
        return Markup(value) if eval_ctx.autoescape else value


class ContextReference(Expr):
    """The template's `Context`, as a function marked with `pass_context` gets it.

    >>> Assign(Name("foo", "store"), Getattr(ContextReference(), "name", "load"))
    Assign(target=Name(name='foo', ctx='store'), node=Getattr(node=ContextReference(), attr='name', ctx='load'))
    """


class DerivedContextReference(Expr):
    """A `Context` with the variables that are bound at this place, such as those of a loop."""


class Continue(Stmt):
    """Goes on with the loop's next item."""


class Break(Stmt):
    """Leaves the loop."""


class Scope(Stmt):
    """A scope of its own."""

    fields = ("body",)
    body: list[Node]


class OverlayScope(Stmt):
    """A scope whose variables come from the mapping that `context` evaluates to."""

    fields = ("context", "body")
    context: Expr
    body: list[Node]


class EvalContextModifier(Stmt):
    """Sets options of the `EvalContext`: `EvalContextModifier([Keyword("autoescape", Const(True))])`."""

    fields = ("options",)
    options: list[Keyword]


class ScopedEvalContextModifier(EvalContextModifier):
    """Sets options of the `EvalContext` for its body alone."""

    fields = ("body",)
    body: list[Node]


def _failing_new(*args: t.Any, **kwargs: t.Any) -> t.NoReturn:
    raise TypeError("can't create custom node types")


# The compiler could do nothing with other classes.
NodeType.__new__ = staticmethod(_failing_new)  # type: ignore[method-assign]
del _failing_new
