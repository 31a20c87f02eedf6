"""Walks over trees: what meta, idtracking, the optimizer and user code build on.

In: a tree of `haiden.nodes`. Invariant: a visitor's method for a node is named `visit_` and the node's class.
"""

import typing as t

from .nodes import Node

_Visit = t.Callable[..., t.Any]


class NodeVisitor:
    """Calls a method for each node: `visit_Name` for a `Name`, `generic_visit` where there is no such method."""

    def get_visitor(self, node: Node) -> _Visit | None:
        """The method for a node, if there is one. May be overridden."""
        return getattr(self, f"visit_{type(node).__name__}", None)

    def visit(self, node: Node, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Visits a node; returns what its method returns."""
        method = self.get_visitor(node)
        return (self.generic_visit if method is None else method)(node, *args, **kwargs)

    def generic_visit(self, node: Node, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Visits the nodes in a node."""
        for child in node.iter_child_nodes():
            self.visit(child, *args, **kwargs)


class NodeTransformer(NodeVisitor):
    """A visitor whose methods return what takes the node's place.

    That may be the node itself; `None` removes it; in a list, several nodes may take its place.
    """

    def generic_visit(self, node: Node, *args: t.Any, **kwargs: t.Any) -> Node:
        for name, value in node.iter_fields():
            if isinstance(value, list):
                value[:] = self._visit_items(value, args, kwargs)
            elif isinstance(value, Node):
                new = self.visit(value, *args, **kwargs)
                if new is None:
                    delattr(node, name)
                else:
                    setattr(node, name, new)
        return node

    def _visit_items(self, items: list[t.Any], args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> list[t.Any]:
        result: list[t.Any] = []
        for item in items:
            new = self.visit(item, *args, **kwargs) if isinstance(item, Node) else item
            if isinstance(item, Node) and new is None:
                continue
            if isinstance(item, Node) and not isinstance(new, Node):
                result.extend(new)
            else:
                result.append(new)
        return result

    def visit_list(self, node: Node, *args: t.Any, **kwargs: t.Any) -> list[Node]:
        """As `visit`, but what is returned is always a list."""
        result = self.visit(node, *args, **kwargs)
        return result if isinstance(result, list) else [result]
