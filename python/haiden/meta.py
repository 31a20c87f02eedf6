"""What a template needs: the variables that it does not bind, the templates that it names.

In: a tree, as `Environment.parse` makes it. Invariant: what is found is what Jinja2 finds, errors included.
"""

import typing as t

from . import nodes
from .compiler import CodeGenerator
from .idtracking import VAR_LOAD_RESOLVE

if t.TYPE_CHECKING:
    from ._frames import Frame
    from .environment import Environment


class TrackingCodeGenerator(CodeGenerator):
    """A code generator that writes nothing and remembers which names are looked up in the context."""

    def __init__(self, environment: "Environment") -> None:
        super().__init__(environment, "<introspection>", "<introspection>")
        self.undeclared_identifiers: set[str] = set()

    def write(self, x: str) -> None:
        """Writes nothing."""

    def enter_frame(self, frame: "Frame") -> None:
        """Remembers the names that the frame looks up, unless they are globals."""
        super().enter_frame(frame)
        for action, name in frame.symbols.loads.values():
            if action == VAR_LOAD_RESOLVE and name not in self.environment.globals:
                self.undeclared_identifiers.add(name)


def find_undeclared_variables(ast: nodes.Template) -> set[str]:
    """The variables that a template looks up in its context, on whichever path; globals are left out.

    It raises `TemplateAssertionError` for what does not compile, such as an unknown filter.

    >>> from haiden import Environment, meta
    >>> tree = Environment().parse("{% set foo = 42 %}{{ bar + foo }}")
    >>> meta.find_undeclared_variables(tree)
    {'bar'}
    """
    generator = TrackingCodeGenerator(t.cast("Environment", ast.environment))
    generator.visit(ast)
    return generator.undeclared_identifiers


_Reference = nodes.Extends | nodes.FromImport | nodes.Import | nodes.Include
_ref_types = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)


def find_referenced_templates(ast: nodes.Template) -> t.Iterator[str | None]:
    """The names of the templates that a template extends, includes or imports; `None` for each that is computed.

    >>> from haiden import Environment, meta
    >>> tree = Environment().parse('{% extends "layout.html" %}{% include helper %}')
    >>> list(meta.find_referenced_templates(tree))
    ['layout.html', None]
    """
    for node in ast.find_all(_ref_types):
        template = t.cast(_Reference, node).template
        if isinstance(template, (nodes.Tuple, nodes.List)):
            for item in template.items:
                if not isinstance(item, nodes.Const):
                    yield None
                elif isinstance(item.value, str):
                    yield item.value
        elif not isinstance(template, nodes.Const):
            yield None
        elif isinstance(template.value, str):
            yield template.value
        elif isinstance(node, nodes.Include) and isinstance(template.value, (tuple, list)):
            yield from (name for name in template.value if isinstance(name, str))
        else:
            yield None


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
