"""Environments for templates of strangers: what looks unsafe is not to be had.

:class:`SandboxedEnvironment` keeps templates from attributes and calls that lead out of the data they were given;
:class:`ImmutableSandboxedEnvironment` also from methods that change it. Both are made of methods to override.
"""

import operator
import types
import typing as t
from _string import formatter_field_name_split  # type: ignore[import-not-found]
from collections import abc, deque
from functools import update_wrapper
from string import Formatter

from markupsafe import EscapeFormatter, Markup

from .environment import Environment
from .exceptions import SecurityError
from .runtime import Context, Undefined

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

#: The most numbers that a `range` may have.
MAX_RANGE = 100000

#: Attributes that are internal although no two underscores say so, by the kind of object.
UNSAFE_FUNCTION_ATTRIBUTES: set[str] = set()
UNSAFE_METHOD_ATTRIBUTES: set[str] = set()
UNSAFE_GENERATOR_ATTRIBUTES = {"gi_frame", "gi_code"}
UNSAFE_COROUTINE_ATTRIBUTES = {"cr_frame", "cr_code"}
UNSAFE_ASYNC_GENERATOR_ATTRIBUTES = {"ag_code", "ag_frame"}

# Every attribute of these leads to the interpreter's inside.
_INTERNAL_TYPES = (types.CodeType, types.TracebackType, types.FrameType)

# Methods that change what they are of. A deque is no `MutableSequence` only where nobody registered it.
_mutable_spec: tuple[tuple[type[t.Any], frozenset[str]], ...] = (
    (
        abc.MutableSet,
        frozenset(
            ["add", "clear", "difference_update", "discard", "pop", "remove", "symmetric_difference_update", "update"],
        ),
    ),
    (abc.MutableMapping, frozenset(["clear", "pop", "popitem", "setdefault", "update"])),
    (abc.MutableSequence, frozenset(["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"])),
    (deque, frozenset(["append", "appendleft", "clear", "extend", "extendleft", "pop", "popleft", "remove", "rotate"])),
)


def safe_range(*args: int) -> range:
    """A `range` of at most `MAX_RANGE` numbers."""
    numbers = range(*args)
    if len(numbers) > MAX_RANGE:
        raise OverflowError(f"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MAX_RANGE}).")
    return numbers


def unsafe(f: F) -> F:
    """Sandboxed templates cannot call the function."""
    f.unsafe_callable = True  # type: ignore[attr-defined]
    return f


def is_internal_attribute(obj: t.Any, attr: str) -> bool:
    """Whether the attribute belongs to the interpreter rather than to the data.

    >>> is_internal_attribute(str, "mro"), is_internal_attribute(str, "upper")
    (True, False)
    """
    if isinstance(obj, types.FunctionType):
        found = attr in UNSAFE_FUNCTION_ATTRIBUTES
    elif isinstance(obj, types.MethodType):
        found = attr in UNSAFE_FUNCTION_ATTRIBUTES or attr in UNSAFE_METHOD_ATTRIBUTES
    elif isinstance(obj, type):
        found = attr == "mro"
    elif isinstance(obj, _INTERNAL_TYPES):
        found = True
    elif isinstance(obj, types.GeneratorType):
        found = attr in UNSAFE_GENERATOR_ATTRIBUTES
    elif isinstance(obj, types.CoroutineType):
        found = attr in UNSAFE_COROUTINE_ATTRIBUTES
    elif isinstance(obj, types.AsyncGeneratorType):
        found = attr in UNSAFE_ASYNC_GENERATOR_ATTRIBUTES
    else:
        found = False
    return found or attr.startswith("__")


def modifies_known_mutable(obj: t.Any, attr: str) -> bool:
    """Whether the attribute is a method that changes a list, dict, set or deque, or what is registered as one.

    >>> modifies_known_mutable({}, "clear"), modifies_known_mutable({}, "keys"), modifies_known_mutable("", "clear")
    (True, False, False)
    """
    for kind, methods in _mutable_spec:
        if isinstance(obj, kind):
            return attr in methods
    return False


class SandboxedEnvironment(Environment):
    """An environment whose templates reach safe attributes and safe callables only.

    An unsafe attribute is undefined, and raises :exc:`SecurityError` when it is used; calling what is unsafe does, too.
    The text of `format` strings is held to the same rules.
    """

    sandboxed = True

    #: What `call_binop` does, by operator; each environment has a copy, `binop_table`.
    default_binop_table: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "//": operator.floordiv,
        "**": operator.pow,
        "%": operator.mod,
    }

    #: What `call_unop` does, by operator; each environment has a copy, `unop_table`.
    default_unop_table: dict[str, t.Callable[[t.Any], t.Any]] = {"+": operator.pos, "-": operator.neg}

    #: The operators that go through `call_binop`; none, unless a subclass says so.
    intercepted_binops: frozenset[str] = frozenset()

    #: The operators that go through `call_unop`.
    intercepted_unops: frozenset[str] = frozenset()

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.globals["range"] = safe_range
        self.binop_table = self.default_binop_table.copy()
        self.unop_table = self.default_unop_table.copy()

    def is_safe_attribute(self, obj: t.Any, attr: str, value: t.Any) -> bool:
        """Whether a template may have the attribute: not if it begins with an underscore, nor if it is internal."""
        return not attr.startswith("_") and not is_internal_attribute(obj, attr)

    def is_safe_callable(self, obj: t.Any) -> bool:
        """Whether a template may call the object: not if it is marked as :func:`unsafe`, nor with `alters_data`."""
        return not (getattr(obj, "unsafe_callable", False) or getattr(obj, "alters_data", False))

    def call_binop(self, context: Context, operator: str, left: t.Any, right: t.Any) -> t.Any:
        """What an intercepted operator makes of two operands."""
        return self.binop_table[operator](left, right)

    def call_unop(self, context: Context, operator: str, arg: t.Any) -> t.Any:
        """What an intercepted operator makes of its operand."""
        return self.unop_table[operator](arg)

    def _guarded(self, obj: t.Any, attribute: str, value: t.Any) -> t.Any:
        """An attribute's value, if it is safe."""
        formatter = self.wrap_str_format(value)
        if formatter is not None:
            return formatter
        if self.is_safe_attribute(obj, attribute, value):
            return value
        return self.unsafe_undefined(obj, attribute)

    def getitem(self, obj: t.Any, argument: t.Any) -> t.Any:
        """The item, else the attribute, which must be safe."""
        try:
            return obj[argument]
        except (TypeError, LookupError):
            pass
        if isinstance(argument, str):
            try:
                name = str(argument)
            except Exception:
                # A text that cannot be made a plain one names nothing.
                return self.undefined(obj=obj, name=argument)
            try:
                value = getattr(obj, name)
            except AttributeError:
                pass
            else:
                return self._guarded(obj, argument, value)
        return self.undefined(obj=obj, name=argument)

    def getattr(self, obj: t.Any, attribute: str) -> t.Any:
        """The attribute, which must be safe, else the item."""
        try:
            value = getattr(obj, attribute)
        except AttributeError:
            pass
        else:
            return self._guarded(obj, attribute, value)
        try:
            return obj[attribute]
        except (TypeError, LookupError):
            return self.undefined(obj=obj, name=attribute)

    def unsafe_undefined(self, obj: t.Any, attribute: str) -> Undefined:
        """The value of an attribute that is unsafe."""
        return self.undefined(
            f"access to attribute {attribute!r} of {type(obj).__name__!r} object is unsafe.",
            name=attribute,
            obj=obj,
            exc=SecurityError,
        )

    def wrap_str_format(self, value: t.Any) -> t.Callable[..., str] | None:
        """What stands for a text's method `format` or `format_map`; `None` if the value is another."""
        if not isinstance(value, (types.MethodType, types.BuiltinMethodType)):
            return None
        if value.__name__ not in ("format", "format_map"):
            return None
        text: t.Any = value.__self__
        if not isinstance(text, str):
            return None
        kind = type(text)
        mapping_only = value.__name__ == "format_map"
        if isinstance(text, Markup):
            formatter: SandboxedFormatter = SandboxedEscapeFormatter(self, escape=text.escape)
        else:
            formatter = SandboxedFormatter(self)

        def wrapper(*args: t.Any, **kwargs: t.Any) -> str:
            if mapping_only:
                if kwargs:
                    raise TypeError("format_map() takes no keyword arguments")
                if len(args) != 1:
                    raise TypeError(f"format_map() takes exactly one argument ({len(args)} given)")
                return kind(formatter.vformat(text, (), args[0]))
            return kind(formatter.vformat(text, args, kwargs))

        return update_wrapper(wrapper, value)

    def call(__self, __context: Context, __obj: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:  # noqa: N805
        """Calls an object for a template, if that is safe."""
        if not __self.is_safe_callable(__obj):
            raise SecurityError(f"{__obj!r} is not safely callable")
        return __context.call(__obj, *args, **kwargs)


class ImmutableSandboxedEnvironment(SandboxedEnvironment):
    """A sandboxed environment whose templates cannot change lists, dicts, sets and deques either."""

    def is_safe_attribute(self, obj: t.Any, attr: str, value: t.Any) -> bool:
        """As in the other sandbox; and no method that :func:`modifies_known_mutable`."""
        return super().is_safe_attribute(obj, attr, value) and not modifies_known_mutable(obj, attr)


_STOCK: dict[type, dict[str, t.Any]] = {
    cls: dict(vars(cls)) for cls in (SandboxedEnvironment, ImmutableSandboxedEnvironment)
}
"""What the classes were made with. What a program puts in its place later is called as an override is."""


class SandboxedFormatter(Formatter):
    """Formats with the environment's rules for attributes and items."""

    def __init__(self, env: Environment, **kwargs: t.Any) -> None:
        self._env = env
        super().__init__(**kwargs)

    def get_field(self, field_name: str, args: t.Sequence[t.Any], kwargs: t.Mapping[str, t.Any]) -> tuple[t.Any, str]:
        first, steps = formatter_field_name_split(field_name)
        value = self.get_value(first, args, kwargs)
        for is_attribute, name in steps:
            value = self._env.getattr(value, name) if is_attribute else self._env.getitem(value, name)
        return value, first


class SandboxedEscapeFormatter(SandboxedFormatter, EscapeFormatter):
    """Escapes what it puts in, as well."""
