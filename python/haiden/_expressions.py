"""The expressions of a template as Python, for `haiden.compiler.CodeGenerator`.

In: expression nodes and the frame they stand in. Out: source text, by `write`. Invariant: nothing is evaluated here but
constants, and an expression is folded only where its value has a `repr` that makes it again.
"""

import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from functools import update_wrapper
from keyword import iskeyword

from . import nodes
from ._frames import Frame
from .exceptions import TemplateAssertionError
from .idtracking import VAR_LOAD_PARAMETER
from .optimizer import Optimizer
from .utils import _PassArg
from .visitor import NodeVisitor

if t.TYPE_CHECKING:
    from .environment import Environment

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

operators = {
    "eq": "==",
    "ne": "!=",
    "gt": ">",
    "gteq": ">=",
    "lt": "<",
    "lteq": "<=",
    "in": "in",
    "notin": "not in",
}
# What stands before a function's other arguments, by what it asks for.
PASSED = {
    _PassArg.context: "context",
    _PassArg.eval_context: "context.eval_ctx",
    _PassArg.environment: "environment",
}
_MARKUP = "(Markup if context.eval_ctx.autoescape else identity)"


def optimizeconst(f: F) -> F:
    """For a visitor: writes the node's value instead, if it is known already."""

    def visit(self: "ExpressionWriter", node: nodes.Expr, frame: Frame, **kwargs: t.Any) -> t.Any:
        if self.optimizer is not None and not frame.eval_ctx.volatile:
            folded = self.optimizer.visit(node, frame.eval_ctx)
            if folded != node:
                return self.visit(folded, frame)
        return f(self, node, frame, **kwargs)

    return t.cast(F, update_wrapper(visit, f))


def _make_binop(op: str) -> t.Callable[["ExpressionWriter", nodes.BinExpr, Frame], None]:
    @optimizeconst
    def visit(self: "ExpressionWriter", node: nodes.BinExpr, frame: Frame) -> None:
        if self.environment.sandboxed and op in getattr(self.environment, "intercepted_binops", ()):
            self.writes(f"environment.call_binop(context, {op!r}, ", node.left, ", ", node.right, ")", frame=frame)
        else:
            self.writes("(", node.left, f" {op} ", node.right, ")", frame=frame)

    return visit


def _make_unop(op: str) -> t.Callable[["ExpressionWriter", nodes.UnaryExpr, Frame], None]:
    @optimizeconst
    def visit(self: "ExpressionWriter", node: nodes.UnaryExpr, frame: Frame) -> None:
        if self.environment.sandboxed and op in getattr(self.environment, "intercepted_unops", ()):
            self.writes(f"environment.call_unop(context, {op!r}, ", node.node, ")", frame=frame)
        else:
            self.writes(f"({op}", node.node, ")", frame=frame)

    return visit


class ExpressionWriter(NodeVisitor):
    """Writes expressions; `haiden.compiler.CodeGenerator` writes statements around them."""

    environment: "Environment"
    name: str | None
    filename: str | None
    optimizer: Optimizer | None
    import_aliases: dict[str, str]
    filters: dict[str, str]
    tests: dict[str, str]
    _assign_stack: list[set[str]]
    _param_def_block: list[set[str]]
    _context_reference_stack: list[str]

    def write(self, x: str) -> None:
        """Writes text."""
        raise NotImplementedError

    def writes(self, *parts: str | nodes.Node, frame: Frame) -> None:
        """Writes texts and nodes, one after the other."""
        for part in parts:
            if isinstance(part, str):
                self.write(part)
            else:
                self.visit(part, frame)

    def _separated(self, items: t.Iterable[nodes.Node], frame: Frame) -> None:
        for index, item in enumerate(items):
            self.writes(*((", ", item) if index else (item,)), frame=frame)

    @contextmanager
    def _awaited(self) -> Iterator[None]:
        """What is written in between may be awaitable, in an environment that waits."""
        is_async = self.environment.is_async
        self.write("(await auto_await(" if is_async else "")
        yield
        self.write("))" if is_async else "")

    def fail(self, msg: str, lineno: int) -> t.NoReturn:
        """Raises a `TemplateAssertionError`."""
        raise TemplateAssertionError(msg, lineno, self.name, self.filename)

    def position(self, node: nodes.Node) -> str:
        """Where a node stands, for messages."""
        return f"line {node.lineno}" + ("" if self.name is None else f" in {self.name!r}")

    # ---- the context -------------------------------------------------------------------------------------------

    def push_context_reference(self, target: str) -> None:
        """From here on the context is another one."""
        self._context_reference_stack.append(target)

    def pop_context_reference(self) -> None:
        """Back to the context before."""
        self._context_reference_stack.pop()

    def get_context_ref(self) -> str:
        """What the context is called here."""
        return self._context_reference_stack[-1]

    def get_resolve_func(self) -> str:
        """What looks names up here."""
        target = self.get_context_ref()
        return "resolve" if target == "context" else f"{target}.resolve"

    def dump_local_context(self, frame: Frame) -> str:
        """A dict of all names that are bound here."""
        bound = frame.symbols.dump_stores().items()
        return f"{{{', '.join(f'{name!r}: {target}' for name, target in bound)}}}"

    def derive_context(self, frame: Frame) -> str:
        """A context with all names that are bound here."""
        return f"{self.get_context_ref()}.derived({self.dump_local_context(frame)})"

    # ---- macros' parameters that have no value yet -------------------------------------------------------------

    def push_parameter_definitions(self, frame: Frame) -> None:
        """From here on the frame's parameters get their defaults."""
        self._param_def_block.append(frame.symbols.dump_param_targets())

    def pop_parameter_definitions(self) -> None:
        """All parameters have their values."""
        self._param_def_block.pop()

    def mark_parameter_stored(self, target: str) -> None:
        """The parameter has its value."""
        if self._param_def_block:
            self._param_def_block[-1].discard(target)

    def parameter_is_undeclared(self, target: str) -> bool:
        """Whether it is a parameter that has no value yet."""
        return bool(self._param_def_block) and target in self._param_def_block[-1]

    # ---- names and literals ------------------------------------------------------------------------------------

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:
        if node.ctx == "store" and self._assign_stack and (frame.toplevel or frame.loop_frame or frame.block_frame):
            self._assign_stack[-1].add(node.name)
        ref = frame.symbols.ref(node.name)
        if node.ctx == "load":
            load = frame.symbols.find_load(ref)
            given = load is not None and load[0] == VAR_LOAD_PARAMETER and not self.parameter_is_undeclared(ref)
            if not given:
                self.write(f"(undefined(name={node.name!r}) if {ref} is missing else {ref})")
                return
        self.write(ref)

    def visit_NSRef(self, node: nodes.NSRef, frame: Frame) -> None:
        self.write(f"{frame.symbols.ref(node.name)}[{node.attr!r}]")

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:
        value = node.as_const(frame.eval_ctx)
        self.write(str(value) if isinstance(value, float) else repr(value))

    def visit_TemplateData(self, node: nodes.TemplateData, frame: Frame) -> None:
        try:
            self.write(repr(node.as_const(frame.eval_ctx)))
        except nodes.Impossible:
            self.write(f"{_MARKUP}({node.data!r})")

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        self.write("(")
        self._separated(node.items, frame)
        self.write(",)" if len(node.items) == 1 else ")")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self.write("[")
        self._separated(node.items, frame)
        self.write("]")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self.write("{")
        for index, pair in enumerate(node.items):
            self.writes(", " if index else "", pair.key, ": ", pair.value, frame=frame)
        self.write("}")

    # ---- operators ---------------------------------------------------------------------------------------------

    visit_Add = _make_binop("+")
    visit_Sub = _make_binop("-")
    visit_Mul = _make_binop("*")
    visit_Div = _make_binop("/")
    visit_FloorDiv = _make_binop("//")
    visit_Pow = _make_binop("**")
    visit_Mod = _make_binop("%")
    visit_And = _make_binop("and")
    visit_Or = _make_binop("or")
    visit_Pos = _make_unop("+")
    visit_Neg = _make_unop("-")
    visit_Not = _make_unop("not ")

    @optimizeconst
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        join = "markup_join" if frame.eval_ctx.autoescape else "str_join"
        if frame.eval_ctx.volatile:
            join = "(markup_join if context.eval_ctx.volatile else str_join)"
        self.write(f"{join}((")
        for part in node.nodes:
            self.writes(part, ", ", frame=frame)
        self.write("))")

    @optimizeconst
    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        self.writes("(", node.expr, *node.ops, ")", frame=frame)

    def visit_Operand(self, node: nodes.Operand, frame: Frame) -> None:
        self.writes(f" {operators[node.op]} ", node.expr, frame=frame)

    @optimizeconst
    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        otherwise: str | nodes.Expr | None = node.expr2
        if otherwise is None:
            message = (
                f"the inline if-expression on {self.position(node)} evaluated to false and no else section was defined."
            )
            otherwise = f"cond_expr_undefined({message!r})"
        self.writes("(", node.expr1, " if ", node.test, " else ", otherwise, ")", frame=frame.soft())

    # ---- members -----------------------------------------------------------------------------------------------

    @optimizeconst
    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        with self._awaited():
            self.writes("environment.getattr(", node.node, f", {node.attr!r})", frame=frame)

    @optimizeconst
    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        if isinstance(node.arg, nodes.Slice):
            # Slices are Python's own.
            self.writes(node.node, "[", node.arg, "]", frame=frame)
            return
        with self._awaited():
            self.writes("environment.getitem(", node.node, ", ", node.arg, ")", frame=frame)

    def visit_Slice(self, node: nodes.Slice, frame: Frame) -> None:
        start: str | nodes.Expr = "" if node.start is None else node.start
        stop: str | nodes.Expr = "" if node.stop is None else node.stop
        self.writes(start, ":", stop, frame=frame)
        if node.step is not None:
            self.writes(":", node.step, frame=frame)

    # ---- calls -------------------------------------------------------------------------------------------------

    def signature(
        self,
        node: nodes.Call | nodes.Filter | nodes.Test,
        frame: Frame,
        extra_kwargs: t.Mapping[str, t.Any] | None = None,
    ) -> None:
        """Writes arguments, each after a comma. Names that Python reserves go through a dict."""
        extra = dict(extra_kwargs or {})
        reserved = any(iskeyword(key) for key in [*(str(keyword.key) for keyword in node.kwargs), *extra])
        for arg in node.args:
            self.writes(", ", arg, frame=frame)
        if not reserved:
            for keyword in node.kwargs:
                self.writes(", ", keyword, frame=frame)
            for key, value in extra.items():
                self.write(f", {key}={value}")
        if node.dyn_args is not None:
            self.writes(", *", node.dyn_args, frame=frame)
        if reserved:
            self.write(", **{" if node.dyn_kwargs is None else ", **dict({")
            for keyword in node.kwargs:
                self.writes(f"{keyword.key!r}: ", keyword.value, ", ", frame=frame)
            self.write("".join(f"{key!r}: {value}, " for key, value in extra.items()) + "}")
            if node.dyn_kwargs is not None:
                self.writes(", **", node.dyn_kwargs, ")", frame=frame)
        elif node.dyn_kwargs is not None:
            self.writes(", **", node.dyn_kwargs, frame=frame)

    def visit_Keyword(self, node: nodes.Keyword, frame: Frame) -> None:
        self.writes(f"{node.key}=", node.value, frame=frame)

    @contextmanager
    def _filter_test_common(self, node: nodes.Filter | nodes.Test, frame: Frame, is_filter: bool) -> Iterator[None]:
        """A filter or a test, but for its first argument."""
        kind = "filter" if is_filter else "test"
        known, targets = (self.environment.filters, self.filters) if is_filter else (self.environment.tests, self.tests)
        func = known.get(node.name)
        if func is None and not frame.soft_frame:
            self.fail(f"No {kind} named {node.name!r}.", node.lineno)
        wanted = _PassArg.from_obj(func)
        with self._awaited():
            self.write(f"{targets[node.name]}(" + ("" if wanted is None else f"{PASSED[wanted]}, "))
            yield
            self.signature(node, frame)
            self.write(")")

    @optimizeconst
    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:
        with self._filter_test_common(node, frame, True):
            captured = f"concat({frame.buffer})"
            if node.node is not None:
                self.visit(node.node, frame)
            elif frame.eval_ctx.volatile:
                self.write(f"(Markup({captured}) if context.eval_ctx.autoescape else {captured})")
            else:
                self.write(f"Markup({captured})" if frame.eval_ctx.autoescape else captured)

    @optimizeconst
    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:
        with self._filter_test_common(node, frame, False):
            self.visit(node.node, frame)

    @optimizeconst
    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        names = [("caller", forward_caller), ("_loop_vars", frame.loop_frame), ("_block_vars", frame.block_frame)]
        call = "environment.call(context, " if self.environment.sandboxed else "context.call("
        with self._awaited():
            self.writes(call, node.node, frame=frame)
            self.signature(node, frame, {name: name for name, passed in names if passed})
            self.write(")")

    # ---- what extensions make ----------------------------------------------------------------------------------

    def visit_MarkSafe(self, node: nodes.MarkSafe, frame: Frame) -> None:
        self.writes("Markup(", node.expr, ")", frame=frame)

    def visit_MarkSafeIfAutoescape(self, node: nodes.MarkSafeIfAutoescape, frame: Frame) -> None:
        self.writes(f"{_MARKUP}(", node.expr, ")", frame=frame)

    def visit_EnvironmentAttribute(self, node: nodes.EnvironmentAttribute, frame: Frame) -> None:
        self.write(f"environment.{node.name}")

    def visit_ExtensionAttribute(self, node: nodes.ExtensionAttribute, frame: Frame) -> None:
        self.write(f"environment.extensions[{node.identifier!r}].{node.name}")

    def visit_ImportedName(self, node: nodes.ImportedName, frame: Frame) -> None:
        self.write(self.import_aliases[node.importname])

    def visit_InternalName(self, node: nodes.InternalName, frame: Frame) -> None:
        self.write(node.name)

    def visit_ContextReference(self, node: nodes.ContextReference, frame: Frame) -> None:
        self.write("context")

    def visit_DerivedContextReference(self, node: nodes.DerivedContextReference, frame: Frame) -> None:
        self.write(self.derive_context(frame))
