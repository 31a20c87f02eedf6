"""From the listing of a template back to its code.

`Environment._generate` returns text and `Environment._compile` gets it: subclasses override both, to see the text or
to add to it. In: a listing, with a mark in its last line. Out: the code that the native compiler made of the same tree.
A listing that a user's code generator wrote has no mark: that is Python, and is compiled as such.
"""

import itertools
import re
import typing as t
from collections import OrderedDict

from . import _native

if t.TYPE_CHECKING:
    from . import nodes
    from .environment import Environment

_MARK = re.compile(r"^# haiden: (\d+)\s*\Z", re.MULTILINE)
_KEPT = 256
_numbers = itertools.count(1)
_trees: "OrderedDict[int, tuple[Environment, nodes.Template, str | None, str | None]]" = OrderedDict()


def marked(
    text: str,
    tree: "nodes.Template",
    environment: "Environment",
    name: str | None,
    filename: str | None,
    generator: type[t.Any],
) -> str:
    """The listing of a tree, with a mark if its code is the native compiler's."""
    if not is_stock(generator):
        return text
    number = next(_numbers)
    _trees[number] = environment, tree, name, filename
    while len(_trees) > _KEPT:
        _trees.popitem(last=False)
    return f"{text}\n# haiden: {number}"


def is_stock(generator: type[t.Any]) -> bool:
    """Whether a class of code generators is one of ours."""
    return generator.__module__ in ("haiden.compiler", "haiden.nativetypes")


def code_of(listing: str, filename: str) -> t.Any:
    """The code of a listing."""
    mark = _MARK.search(listing)
    kept = _trees.get(int(mark[1])) if mark is not None else None
    if kept is None:
        return compile(listing, filename, "exec")
    environment, tree, name, file = kept
    return _native.compile_tree(environment._machine_settings(), tree, name, file)
