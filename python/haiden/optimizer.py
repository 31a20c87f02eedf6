"""Puts constants in the place of expressions whose value is known: `{{ 1 + 2 }}`.

In: a tree and its environment. Out: the same tree, changed in place. The compiler does not need it: it folds what it
compiles by itself; this is for code that calls it as Jinja2's. Invariant: what a template writes does not change.
"""

import typing as t

from . import nodes
from .visitor import NodeTransformer

if t.TYPE_CHECKING:
    from .environment import Environment


def optimize(node: nodes.Node, environment: "Environment") -> nodes.Node:
    """Optimizes a tree; returns what stands for its root then."""
    return t.cast(nodes.Node, Optimizer(environment).visit(node))


class Optimizer(NodeTransformer):
    """Folds expressions from the leaves upwards."""

    def __init__(self, environment: "Environment | None") -> None:
        self.environment = environment

    def generic_visit(self, node: nodes.Node, *args: t.Any, **kwargs: t.Any) -> nodes.Node:
        node = super().generic_visit(node, *args, **kwargs)
        # Pairs and keywords have constant values too, but they are no expressions.
        if isinstance(node, nodes.Expr):
            try:
                value = node.as_const(args[0] if args else None)
                return nodes.Const.from_untrusted(value, lineno=node.lineno, environment=self.environment)
            except nodes.Impossible:
                pass
        return node
