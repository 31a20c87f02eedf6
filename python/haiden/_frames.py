"""What the listing of a template keeps track of: frames with their names, and visitors that look for names.

In: nodes. Out: `Frame`, `MacroRef`, `find_undeclared`, `has_safe_repr`. They are importable from `haiden.compiler`.
"""

import typing as t

from markupsafe import Markup

from . import nodes
from .idtracking import Symbols
from .nodes import EvalContext
from .visitor import NodeVisitor

if t.TYPE_CHECKING:
    import typing_extensions as te

_SCALARS = {bool, int, float, complex, range, str, Markup}


def has_safe_repr(value: t.Any) -> bool:
    """Whether the value's `repr`, evaluated, makes it again."""
    if value is None or value is NotImplemented or value is Ellipsis or type(value) in _SCALARS:
        return True
    if type(value) in {tuple, list, set, frozenset}:
        return all(map(has_safe_repr, value))
    if type(value) is dict:
        return all(has_safe_repr(key) and has_safe_repr(item) for key, item in value.items())
    return False


def find_undeclared(nodes: t.Iterable[nodes.Node], names: t.Iterable[str]) -> set[str]:
    """Those of the names that the nodes read before anything else is done with them."""
    visitor = UndeclaredNameVisitor(names)
    try:
        for node in nodes:
            visitor.visit(node)
    except VisitorExit:
        pass
    return visitor.undeclared


class MacroRef:
    """Which special names a macro or call block reads."""

    def __init__(self, node: nodes.Macro | nodes.CallBlock) -> None:
        self.node = node
        self.accesses_caller = False
        self.accesses_kwargs = False
        self.accesses_varargs = False


class Frame:
    """A scope while it is written: its names, and how output is written in it."""

    def __init__(self, eval_ctx: EvalContext, parent: "Frame | None" = None, level: int | None = None) -> None:
        self.eval_ctx = eval_ctx
        self.parent = parent
        self.symbols: Symbols = Symbols(None if parent is None else parent.symbols, level=level)
        #: Whether output must ask first if the template has a parent.
        self.require_output_check: bool = parent is not None and parent.require_output_check
        #: The list that output goes to, if it is captured.
        self.buffer: str | None = None if parent is None else parent.buffer
        #: The block that the frame is in.
        self.block: str | None = None if parent is None else parent.block
        #: It is the root, or a condition in it.
        self.toplevel = False
        #: It is the root.
        self.rootlevel = False
        #: It is a loop's body; a block. What is bound there is known to functions that take the context.
        self.loop_frame = False
        self.block_frame = False
        #: It is a condition: filters and tests that are not there raise when they are used.
        self.soft_frame = False

    def copy(self) -> "te.Self":
        """A copy with names of its own."""
        copy = object.__new__(self.__class__)
        copy.__dict__.update(self.__dict__)
        copy.symbols = self.symbols.copy()
        return copy

    __copy__ = copy

    def inner(self, isolated: bool = False) -> "Frame":
        """A frame inside of this one; an isolated one does not see its names."""
        if isolated:
            return Frame(self.eval_ctx, level=self.symbols.level + 1)
        return Frame(self.eval_ctx, self)

    def soft(self) -> "te.Self":
        """This frame inside of a condition."""
        soft = self.copy()
        soft.rootlevel = False
        soft.soft_frame = True
        return soft


class VisitorExit(RuntimeError):
    """Ends a search that has found everything."""


class DependencyFinderVisitor(NodeVisitor):
    """Collects the names of filters and tests, but not those in blocks."""

    def __init__(self) -> None:
        self.filters: set[str] = set()
        self.tests: set[str] = set()

    def visit_Filter(self, node: nodes.Filter) -> None:
        self.generic_visit(node)
        self.filters.add(node.name)

    def visit_Test(self, node: nodes.Test) -> None:
        self.generic_visit(node)
        self.tests.add(node.name)

    def visit_Block(self, node: nodes.Block) -> None:
        """Blocks are functions of their own."""


class UndeclaredNameVisitor(NodeVisitor):
    """Collects names that are read before they are bound, through inner scopes, but not in blocks."""

    def __init__(self, names: t.Iterable[str]) -> None:
        self.names = set(names)
        self.undeclared: set[str] = set()

    def visit_Name(self, node: nodes.Name) -> None:
        if node.ctx == "load" and node.name in self.names:
            self.undeclared.add(node.name)
            if self.undeclared == self.names:
                raise VisitorExit()
        else:
            self.names.discard(node.name)

    def visit_Block(self, node: nodes.Block) -> None:
        """Blocks are functions of their own."""


class CompilerExit(Exception):
    """Whatever follows in this body is never reached."""
