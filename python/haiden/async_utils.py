"""Values that may be awaitable, iterables that may be asynchronous, and filters that come in two forms.

Nothing here knows an event loop: bare coroutines run under any.
"""

import typing as t
from functools import WRAPPER_ASSIGNMENTS, wraps

from .utils import _PassArg, pass_eval_context

if t.TYPE_CHECKING:
    import typing_extensions as te

V = t.TypeVar("V")

# Both wrapped functions have these; the wrapper is called as the asynchronous one, and described as the other.
_NAMES = ("__module__", "__name__", "__qualname__")
_DESCRIPTION = tuple(attribute for attribute in WRAPPER_ASSIGNMENTS if attribute not in _NAMES)


def async_variant(normal_func: t.Callable[..., t.Any]) -> t.Callable[[t.Callable[..., t.Any]], t.Callable[..., t.Any]]:
    """Decorates the asynchronous form of a filter; the result calls the form that the environment wants.

    The wrapper asks for the evaluation context if the normal function asks for nothing.
    """

    def decorator(async_func: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        pass_arg = _PassArg.from_obj(normal_func)
        wants_environment = pass_arg is _PassArg.environment
        wants_nothing = pass_arg is None

        @wraps(normal_func, assigned=_DESCRIPTION)
        @wraps(async_func, assigned=_NAMES, updated=())
        def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
            environment = args[0] if wants_environment else args[0].environment
            chosen = async_func if environment.is_async else normal_func
            return chosen(*(args[1:] if wants_nothing else args), **kwargs)

        if wants_nothing:
            wrapper = pass_eval_context(wrapper)
        wrapper.jinja_async_variant = True  # type: ignore[attr-defined]
        return wrapper

    return decorator


_common_primitives = {int, float, bool, str, list, dict, tuple, type(None)}


async def auto_await(value: "t.Awaitable[V] | V") -> V:
    """What a value comes to: an awaitable's result, else the value."""
    if type(value) not in _common_primitives:
        from inspect import isawaitable

        if isawaitable(value):
            return t.cast(V, await value)
    return t.cast(V, value)


class _IteratorToAsyncIterator(t.Generic[V]):
    """An iterator as an asynchronous one."""

    def __init__(self, iterator: "t.Iterator[V]") -> None:
        self._iterator = iterator

    def __aiter__(self) -> "te.Self":
        return self

    async def __anext__(self) -> V:
        try:
            return next(self._iterator)
        except StopIteration as end:
            raise StopAsyncIteration(end.value) from end


def auto_aiter(iterable: "t.AsyncIterable[V] | t.Iterable[V]") -> "t.AsyncIterator[V]":
    """An asynchronous iterator over either kind of iterable."""
    if hasattr(iterable, "__aiter__"):
        return t.cast("t.AsyncIterable[V]", iterable).__aiter__()
    return _IteratorToAsyncIterator(iter(iterable))


async def auto_to_list(value: "t.AsyncIterable[V] | t.Iterable[V]") -> list[V]:
    """The items of either kind of iterable."""
    return [item async for item in auto_aiter(value)]


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
