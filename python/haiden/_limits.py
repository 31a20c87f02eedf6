"""What a render may use up.

In: numbers. Out: :class:`RenderLimits`, for `Environment.render_limits`; the machine keeps to them.
"""

import typing as t


class _Numbers(t.NamedTuple):
    fuel: int | None
    output: int | None
    depth: int | None


class RenderLimits(_Numbers):
    """What each render of an environment may use up; `None` is no limit.

    Set it as the environment's `render_limits`, or as that of a class of environments. A render that goes beyond raises
    :exc:`LimitError`, with the template's line; too deep a nesting raises `RecursionError`. Templates that a render
    renders through Python code have a part in what it may use up.

    The limits are the machine's: they bound what templates do, not what the functions and filters do that they call,
    nor the size of a single value (`"x" * 10**9`).

    >>> from haiden.sandbox import SandboxedEnvironment
    >>> env = SandboxedEnvironment()
    >>> env.render_limits = RenderLimits(fuel=1000)
    >>> env.from_string("{% for i in range(2000) %}{% endfor %}").render()
    Traceback (most recent call last):
    haiden.exceptions.LimitError: the render has used up its fuel

    :param fuel: Turns of loops, calls of macros, blocks, includes and imports.
    :param output: Characters of the page, and of what is captured on the way; values, in native templates.
    :param depth: How many includes, macros, blocks and recursive loops may be open at once; 500, if not less.
    """

    __slots__ = ()

    def __new__(cls, fuel: int | None = None, output: int | None = None, depth: int | None = None) -> "RenderLimits":
        for name, value in (("fuel", fuel), ("output", output), ("depth", depth)):
            if value is not None and (not isinstance(value, int) or value < 0):
                raise ValueError(f"{name} must be an integer that is not negative, or None, not {value!r}")
        return super().__new__(cls, fuel, output, depth)
