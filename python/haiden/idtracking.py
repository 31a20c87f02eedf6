"""Which variable does a name mean? The table of names of each scope, as Jinja2 keeps it.

In: a node that opens a scope (a template, block, loop, macro …). Out: `Symbols`: for each name that the scope uses the
identifier it has there (`l_1_user`: a variable of level 1), and how the variable starts. Invariant: a scope is analysed
as a whole, without the scopes inside it; the compiler's own analysis follows the same rules, and tests compare them.
"""

import typing as t

from . import nodes
from .visitor import NodeVisitor

if t.TYPE_CHECKING:
    import typing_extensions as te

VAR_LOAD_PARAMETER = "param"
VAR_LOAD_RESOLVE = "resolve"
VAR_LOAD_ALIAS = "alias"
VAR_LOAD_UNDEFINED = "undefined"


def find_symbols(nodes: t.Iterable[nodes.Node], parent_symbols: "Symbols | None" = None) -> "Symbols":
    """The names of some nodes, as one scope."""
    symbols = Symbols(parent=parent_symbols)
    visitor = FrameSymbolVisitor(symbols)
    for node in nodes:
        visitor.visit(node)
    return symbols


def symbols_for_node(node: nodes.Node, parent_symbols: "Symbols | None" = None) -> "Symbols":
    """The names of the scope that a node opens."""
    symbols = Symbols(parent=parent_symbols)
    symbols.analyze_node(node)
    return symbols


class Symbols:
    """The names of a scope.

    `refs` tells the identifier of each name, `loads` how each identifier starts: as a parameter, resolved in the
    context, as an alias of an outer variable, or undefined; `stores` holds the names that are bound here.
    """

    def __init__(self, parent: "Symbols | None" = None, level: int | None = None) -> None:
        if level is None:
            level = 0 if parent is None else parent.level + 1
        self.level: int = level
        self.parent = parent
        self.refs: dict[str, str] = {}
        self.loads: dict[str, t.Any] = {}
        self.stores: set[str] = set()

    def _chain(self) -> t.Iterator["Symbols"]:
        """This scope, and those around it."""
        scope: Symbols | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def analyze_node(self, node: nodes.Node, **kwargs: t.Any) -> None:
        """Adds the names of the scope that a node opens; `for_branch` chooses one of a loop's three."""
        RootVisitor(self).visit(node, **kwargs)

    def _define_ref(self, name: str, load: tuple[str, str | None] | None = None) -> str:
        identifier = self.refs[name] = f"l_{self.level}_{name}"
        if load is not None:
            self.loads[identifier] = load
        return identifier

    def find_load(self, target: str) -> t.Any | None:
        """How the variable of an identifier starts, in whichever scope it is."""
        return next((scope.loads[target] for scope in self._chain() if target in scope.loads), None)

    def find_ref(self, name: str) -> str | None:
        """The identifier of a name, if this scope or one around it has one."""
        return next((scope.refs[name] for scope in self._chain() if name in scope.refs), None)

    def ref(self, name: str) -> str:
        """The identifier of a name, which must have one."""
        identifier = self.find_ref(name)
        if identifier is None:
            raise AssertionError(f"Tried to resolve a name to a reference that was unknown to the frame ({name!r})")
        return identifier

    def copy(self) -> "te.Self":
        """A copy that can be changed by itself."""
        copy = object.__new__(self.__class__)
        copy.__dict__.update(self.__dict__)
        copy.refs = dict(self.refs)
        copy.loads = dict(self.loads)
        copy.stores = set(self.stores)
        return copy

    def _outer_ref(self, name: str) -> str | None:
        return None if self.parent is None else self.parent.find_ref(name)

    def store(self, name: str) -> None:
        """Notes that a name is bound here. It hides an outer variable, whose value it has until then."""
        self.stores.add(name)
        if name in self.refs:
            return
        outer = self._outer_ref(name)
        load = (VAR_LOAD_UNDEFINED, None) if outer is None else (VAR_LOAD_ALIAS, outer)
        self._define_ref(name, load=load)

    def declare_parameter(self, name: str) -> str:
        """Notes that a name is bound from the start."""
        self.stores.add(name)
        return self._define_ref(name, load=(VAR_LOAD_PARAMETER, None))

    def load(self, name: str) -> None:
        """Notes that a name is read."""
        if self.find_ref(name) is None:
            self._define_ref(name, load=(VAR_LOAD_RESOLVE, name))

    def branch_update(self, branch_symbols: t.Sequence["Symbols"]) -> None:
        """Takes over the names of branches of which one will run.

        What only they bind starts with the outer value, since it may stay unbound.
        """
        bound = set().union(*(branch.stores for branch in branch_symbols)) - self.stores
        for branch in branch_symbols:
            self.refs.update(branch.refs)
            self.loads.update(branch.loads)
            self.stores.update(branch.stores)
        for name in bound:
            target = self.find_ref(name)
            assert target is not None, "should not happen"
            outer = self._outer_ref(name)
            self.loads[target] = (VAR_LOAD_RESOLVE, name) if outer is None else (VAR_LOAD_ALIAS, outer)

    def dump_stores(self) -> dict[str, str]:
        """The identifiers of all names that are bound here or around."""
        dumped: dict[str, str] = {}
        for scope in self._chain():
            for name in sorted(scope.stores):
                if name not in dumped:
                    dumped[name] = self.ref(name)
        return dumped

    def dump_param_targets(self) -> set[str]:
        """The identifiers of the parameters of this scope."""
        return {target for target, (instruction, _) in self.loads.items() if instruction == VAR_LOAD_PARAMETER}


class RootVisitor(NodeVisitor):
    """Visits the node that opens a scope: what belongs to the inside of it."""

    def __init__(self, symbols: Symbols) -> None:
        self.sym_visitor = FrameSymbolVisitor(symbols)

    def _visit_all(self, nodes: t.Iterable[nodes.Node], **kwargs: t.Any) -> None:
        for node in nodes:
            self.sym_visitor.visit(node, **kwargs)

    def _simple_visit(self, node: nodes.Node, **kwargs: t.Any) -> None:
        self._visit_all(node.iter_child_nodes())

    visit_Template = _simple_visit
    visit_Block = _simple_visit
    visit_Macro = _simple_visit
    visit_FilterBlock = _simple_visit
    visit_Scope = _simple_visit
    visit_If = _simple_visit
    visit_ScopedEvalContextModifier = _simple_visit

    def visit_AssignBlock(self, node: nodes.AssignBlock, **kwargs: t.Any) -> None:
        self._visit_all(node.body)

    def visit_CallBlock(self, node: nodes.CallBlock, **kwargs: t.Any) -> None:
        self._visit_all(node.iter_child_nodes(exclude=("call",)))

    def visit_OverlayScope(self, node: nodes.OverlayScope, **kwargs: t.Any) -> None:
        self._visit_all(node.body)

    def visit_For(self, node: nodes.For, for_branch: str = "body", **kwargs: t.Any) -> None:
        if for_branch == "else":
            self._visit_all(node.else_ or ())
        elif for_branch in ("body", "test"):
            self.sym_visitor.visit(node.target, store_as_param=True)
            if for_branch == "body":
                self._visit_all(node.body or ())
            elif node.test is not None:
                self.sym_visitor.visit(node.test)
        else:
            raise RuntimeError("Unknown for branch")

    def visit_With(self, node: nodes.With, **kwargs: t.Any) -> None:
        self._visit_all(node.targets)
        self._visit_all(node.body)

    def generic_visit(self, node: nodes.Node, *args: t.Any, **kwargs: t.Any) -> None:
        raise NotImplementedError(f"Cannot find symbols for {type(node).__name__!r}")


class FrameSymbolVisitor(NodeVisitor):
    """Visits what is inside a scope; of a scope inside it only what is evaluated outside of that."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols

    def visit_Name(self, node: nodes.Name, store_as_param: bool = False, **kwargs: t.Any) -> None:
        if store_as_param or node.ctx == "param":
            self.symbols.declare_parameter(node.name)
        elif node.ctx == "store":
            self.symbols.store(node.name)
        elif node.ctx == "load":
            self.symbols.load(node.name)

    def visit_NSRef(self, node: nodes.NSRef, **kwargs: t.Any) -> None:
        self.symbols.load(node.name)

    def visit_If(self, node: nodes.If, **kwargs: t.Any) -> None:
        self.visit(node.test, **kwargs)
        branches = [self._branch(body or (), kwargs) for body in (node.body, node.elif_, node.else_)]
        self.symbols.branch_update(branches)

    def _branch(self, body: t.Iterable[nodes.Node], kwargs: dict[str, t.Any]) -> Symbols:
        """What the names would be after a branch."""
        before = self.symbols
        self.symbols = branch = before.copy()
        for node in body:
            self.visit(node, **kwargs)
        self.symbols = before
        return branch

    def visit_Macro(self, node: nodes.Macro, **kwargs: t.Any) -> None:
        self.symbols.store(node.name)

    def visit_Import(self, node: nodes.Import, **kwargs: t.Any) -> None:
        self.generic_visit(node, **kwargs)
        self.symbols.store(node.target)

    def visit_FromImport(self, node: nodes.FromImport, **kwargs: t.Any) -> None:
        self.generic_visit(node, **kwargs)
        for name in node.names:
            self.symbols.store(name[1] if isinstance(name, tuple) else name)

    def visit_Assign(self, node: nodes.Assign, **kwargs: t.Any) -> None:
        # The value is evaluated before the target is bound.
        self.visit(node.node, **kwargs)
        self.visit(node.target, **kwargs)

    def visit_For(self, node: nodes.For, **kwargs: t.Any) -> None:
        self.visit(node.iter, **kwargs)

    def visit_CallBlock(self, node: nodes.CallBlock, **kwargs: t.Any) -> None:
        self.visit(node.call, **kwargs)

    def visit_FilterBlock(self, node: nodes.FilterBlock, **kwargs: t.Any) -> None:
        self.visit(node.filter, **kwargs)

    def visit_With(self, node: nodes.With, **kwargs: t.Any) -> None:
        for value in node.values:
            self.visit(value)

    def visit_AssignBlock(self, node: nodes.AssignBlock, **kwargs: t.Any) -> None:
        self.visit(node.target, **kwargs)

    def visit_Scope(self, node: nodes.Scope, **kwargs: t.Any) -> None:
        """All of it is inside."""

    def visit_Block(self, node: nodes.Block, **kwargs: t.Any) -> None:
        """All of it is inside."""

    def visit_OverlayScope(self, node: nodes.OverlayScope, **kwargs: t.Any) -> None:
        """All of it is inside."""
