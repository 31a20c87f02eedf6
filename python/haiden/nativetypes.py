"""Templates that make Python's values instead of text."""

import typing as t
from itertools import chain, islice
from types import GeneratorType

from ._frames import has_safe_repr
from .compiler import CodeGenerator
from .environment import Environment, Template
from .nodes import Impossible, TemplateData

if t.TYPE_CHECKING:
    from . import nodes
    from .compiler import Frame


def native_concat(values: t.Iterable[t.Any]) -> t.Any:
    """What a template's parts come to.

    No part is `None`, one that is no text is itself. Otherwise the parts' text is read as a Python literal, and stays
    text if it is none.

    >>> native_concat(["[1, ", 2, "]"]), native_concat([{1}]), native_concat(["x"]), native_concat([])
    ([1, 2], {1}, 'x', None)
    """
    head = list(islice(values, 2))
    if not head:
        return None
    if len(head) > 1:
        # A generator has gone on, anything else begins again.
        parts = chain(head, values) if isinstance(values, GeneratorType) else values
        raw = "".join([str(part) for part in parts])
    elif isinstance(head[0], str):
        raw = head[0]
    else:
        return head[0]

    from ast import literal_eval, parse

    try:
        # Parsed here: `literal_eval` would strip what text keeps.
        return literal_eval(parse(raw, mode="eval"))
    except (ValueError, SyntaxError, MemoryError):
        return raw


class NativeCodeGenerator(CodeGenerator):
    """Marks an environment's templates as native: nothing that they print is made text."""

    @staticmethod
    def _default_finalize(value: t.Any) -> t.Any:
        return value

    def _output_const_repr(self, group: t.Iterable[t.Any]) -> str:
        return repr("".join(map(str, group)))

    def _output_child_to_const(
        self, node: "nodes.Expr", frame: "Frame", finalize: CodeGenerator._FinalizeInfo
    ) -> t.Any:
        value = node.as_const(frame.eval_ctx)
        if not has_safe_repr(value):
            raise Impossible()
        if isinstance(node, TemplateData):
            return value
        assert finalize.const is not None
        return finalize.const(value)

    def _output_child_pre(self, node: "nodes.Expr", frame: "Frame", finalize: CodeGenerator._FinalizeInfo) -> None:
        if finalize.src is not None:
            self.write(finalize.src)

    def _output_child_post(self, node: "nodes.Expr", frame: "Frame", finalize: CodeGenerator._FinalizeInfo) -> None:
        if finalize.src is not None:
            self.write(")")


class NativeEnvironment(Environment):
    """An environment whose templates render to Python's values.

    >>> NativeEnvironment().from_string("{{ x + 1 }}").render(x=41)
    42
    """

    code_generator_class = NativeCodeGenerator
    concat = staticmethod(native_concat)


class NativeTemplate(Template):
    """A template that renders to a Python value."""

    environment_class = NativeEnvironment

    def render(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Renders with variables as :meth:`Template.render` takes them, to what :func:`native_concat` makes."""
        context = self.new_context(dict(*args, **kwargs))
        try:
            return self.environment_class.concat(self.root_render_func(context))
        except Exception:
            return self.environment.handle_exception()

    async def render_async(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """As `render`, in an environment made with `enable_async`."""
        if not self.environment.is_async:
            raise RuntimeError("The environment was not created with async mode enabled.")
        context = self.new_context(dict(*args, **kwargs))
        try:
            parts = [part async for part in self.root_render_func(context)]  # type: ignore[attr-defined]
            return self.environment_class.concat(parts)
        except Exception:
            return self.environment.handle_exception()


NativeEnvironment.template_class = NativeTemplate


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
