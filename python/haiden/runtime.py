"""What templates run with: contexts, undefined values, and the machine's own callables as Python sees them.

The names are `jinja2.runtime`'s. The machine has macros, blocks, loops and `self` of its own: these are instances of
`Macro`, `BlockReference`, `LoopContext` and `TemplateReference`, beside those that Python code makes.
"""

import sys
import typing as t
from collections import abc
from itertools import islice

from markupsafe import Markup, escape, soft_str  # noqa: F401

from . import _native
from .exceptions import TemplateNotFound, TemplateRuntimeError, UndefinedError  # noqa: F401
from .utils import Namespace, _PassArg, concat, internalcode, missing, object_type_repr  # noqa: F401

if t.TYPE_CHECKING:
    import logging

    import typing_extensions as te

    from ._generated import Macro, TemplateReference
    from .environment import Environment
    from .nodes import EvalContext

    Block = t.Callable[["Context"], t.Iterator[str]]

__all__ = [
    "AsyncLoopContext",
    "BlockReference",
    "ChainableUndefined",
    "Context",
    "DebugUndefined",
    "LoopContext",
    "Macro",
    "StrictUndefined",
    "TemplateReference",
    "Undefined",
    "identity",
    "make_logging_undefined",
    "markup_join",
    "missing",
    "new_context",
    "str_join",
]

exported = [
    "LoopContext",
    "TemplateReference",
    "Macro",
    "Markup",
    "TemplateRuntimeError",
    "missing",
    "escape",
    "markup_join",
    "str_join",
    "identity",
    "TemplateNotFound",
    "Namespace",
    "Undefined",
    "internalcode",
]
"""The names that Jinja2's generated code imports."""
async_exported = ["AsyncLoopContext", "auto_aiter", "auto_await"]

V = t.TypeVar("V")


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        # Macros and `self` are among these: most programs never look at them.
        from haiden._elsewhere import find

        return find(__name__, name)


def identity(x: V) -> V:
    """The value itself: what stands for no `finalize`."""
    return x


def markup_join(seq: t.Iterable[t.Any]) -> str:
    """The values as text, joined; as markup if one of them is markup, and then all others are escaped."""
    parts = [soft_str(value) for value in seq]
    if any(hasattr(part, "__html__") for part in parts):
        return Markup("").join(parts)
    return concat(parts)


def str_join(seq: t.Iterable[t.Any]) -> str:
    """The values as text, joined."""
    return concat(map(str, seq))


def new_context(
    environment: "Environment",
    template_name: str | None,
    blocks: "dict[str, Block]",
    vars: dict[str, t.Any] | None = None,
    shared: bool = False,
    globals: t.MutableMapping[str, t.Any] | None = None,
    locals: t.Mapping[str, t.Any] | None = None,
) -> "Context":
    """A context of the environment's class: globals, then `vars` (or `vars` alone if `shared`), then `locals`."""
    if vars is None:
        vars = {}
    parent = vars if shared else dict(globals or (), **vars)
    if locals:
        if shared:
            parent = dict(parent)
        parent.update((name, value) for name, value in locals.items() if value is not missing)
    return environment.context_class(environment, parent, template_name, blocks, globals=globals)


@abc.Mapping.register
class Context:
    """The variables of a running template: what it was rendered with, and what it has set and exported.

    Functions marked with :func:`~haiden.pass_context` get it. It can be read like a dict; `resolve_or_missing` is the
    one method to override for another way of looking names up.
    """

    _machine: t.Any = None
    """The machine's own view of it, once it has one."""

    def __init__(
        self,
        environment: "Environment",
        parent: dict[str, t.Any],
        name: str | None,
        blocks: "dict[str, Block]",
        globals: t.MutableMapping[str, t.Any] | None = None,
    ) -> None:
        self.parent = parent
        self.vars: dict[str, t.Any] = {}
        self.environment = environment
        self.exported_vars: set[str] = set()
        self.name = name
        self.globals_keys: set[str] = set() if globals is None else set(globals)
        self.blocks = {block: [function] for block, function in blocks.items()}

    @property
    def eval_ctx(self) -> "EvalContext":
        """Whether text is escaped right now; made when it is asked for."""
        found: t.Any = self.__dict__.get("eval_ctx")
        if found is None:
            from .nodes import EvalContext

            found = self.__dict__["eval_ctx"] = EvalContext(self.environment, self.name)
        if self._machine is not None:
            self._machine.share_eval_context(found)
        return t.cast("EvalContext", found)

    @eval_ctx.setter
    def eval_ctx(self, value: "EvalContext") -> None:
        self.__dict__["eval_ctx"] = value

    def super(self, name: str, current: "Block") -> t.Any:
        """The definition of a block behind `current`."""
        blocks = self.blocks.get(name, [])
        if current not in blocks or blocks.index(current) + 1 >= len(blocks):
            return self.environment.undefined(f"there is no parent block called {name!r}.", name="super")
        return BlockReference(name, self, blocks, blocks.index(current) + 1)

    def get(self, key: str, default: t.Any = None) -> t.Any:
        """The variable, or `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def resolve(self, key: str) -> t.Any:
        """The variable, or an undefined value."""
        value = self.resolve_or_missing(key)
        return self.environment.undefined(name=key) if value is missing else value

    def resolve_or_missing(self, key: str) -> t.Any:
        """The variable, or `missing`."""
        if key in self.vars:
            return self.vars[key]
        if key in self.parent:
            return self.parent[key]
        return missing

    def get_exported(self) -> dict[str, t.Any]:
        """What the template exports."""
        return {name: self.vars[name] for name in self.exported_vars}

    def get_all(self) -> dict[str, t.Any]:
        """All variables in one dict, which must not be changed."""
        if not self.vars:
            return self.parent
        return dict(self.parent, **self.vars) if self.parent else self.vars

    @internalcode
    def call(__self, __obj: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any) -> t.Any:  # noqa: B902
        """Calls a function as templates do: with the context, evaluation context or environment if it wants one."""
        if hasattr(__obj, "__call__") and _PassArg.from_obj(__obj.__call__) is not None:  # noqa: B004
            __obj = __obj.__call__
        wanted = _PassArg.from_obj(__obj)
        extra = [kwargs.pop(name, None) for name in ("_loop_vars", "_block_vars")]
        if wanted is _PassArg.context:
            for variables in extra:
                if variables:
                    __self = __self.derived(variables)
            args = (__self, *args)
        elif wanted is _PassArg.eval_context:
            args = (__self.eval_ctx, *args)
        elif wanted is _PassArg.environment:
            args = (__self.environment, *args)
        try:
            return __obj(*args, **kwargs)
        except StopIteration:
            return __self.environment.undefined(
                "value was undefined because a callable raised a StopIteration exception"
            )

    def derived(self, locals: dict[str, t.Any] | None = None) -> "Context":
        """An independent context of the same template, with `locals` on top."""
        context = new_context(self.environment, self.name, {}, self.get_all(), True, None, locals)
        context.eval_ctx = self.eval_ctx
        context.blocks.update((name, list(blocks)) for name, blocks in self.blocks.items())
        return context

    def keys(self) -> t.KeysView[str]:
        """The names of all variables."""
        return self.get_all().keys()

    def values(self) -> t.ValuesView[t.Any]:
        """The values of all variables."""
        return self.get_all().values()

    def items(self) -> t.ItemsView[str, t.Any]:
        """The names and values of all variables."""
        return self.get_all().items()

    def __contains__(self, name: str) -> bool:
        return name in self.vars or name in self.parent

    def __getitem__(self, key: str) -> t.Any:
        value = self.resolve_or_missing(key)
        if value is missing:
            raise KeyError(key)
        return value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.get_all()!r} of {self.name!r}>"


class _Same(type):
    """Instances of the machine's class of the same name are instances as well, of the class itself only."""

    def __instancecheck__(cls, instance: t.Any) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls.__module__ == __name__ and type(instance) is getattr(_native, cls.__name__, None)


class BlockReference(metaclass=_Same):
    """A block of a context as Python code asks for it: callable, and `super` is the next definition."""

    def __init__(self, name: str, context: Context, stack: "list[Block]", depth: int) -> None:
        self.name = name
        self._context = context
        self._stack = stack
        self._depth = depth

    @property
    def super(self) -> t.Any:
        """The next outer definition."""
        return self._context.super(self.name, self._stack[self._depth])

    async def _async_call(self) -> str:
        context = self._context
        parts = [part async for part in self._stack[self._depth](context)]  # type: ignore[attr-defined]
        text: str = context.environment.concat(parts)
        return Markup(text) if context.eval_ctx.autoescape else text

    def __call__(self) -> t.Any:
        """The block's text; to be awaited in an asynchronous environment."""
        context = self._context
        if context.environment.is_async:
            return self._async_call()
        text: str = context.environment.concat(self._stack[self._depth](context))
        return Markup(text) if context.eval_ctx.autoescape else text


class LoopContext(metaclass=_Same):
    """`loop`, for iterables that Python code wraps itself: iterating over it gives the items, each with the loop."""

    index0 = -1

    def __init__(
        self,
        iterable: t.Any,
        undefined: "type[Undefined]",
        recurse: t.Callable[..., str] | None = None,
        depth0: int = 0,
    ) -> None:
        self._iterable = iterable
        self._iterator = self._to_iterator(iterable)
        self._undefined = undefined
        self._recurse = recurse
        self.depth0 = depth0
        self._ahead: list[t.Any] = []
        self._before: t.Any = missing
        self._current: t.Any = missing
        self._last_changed: t.Any = missing

    @staticmethod
    def _to_iterator(iterable: t.Any) -> t.Any:
        return iter(iterable)

    index = property(lambda self: self.index0 + 1)
    depth = property(lambda self: self.depth0 + 1)
    first = property(lambda self: self.index0 == 0)

    @property
    def previtem(self) -> t.Any:
        """The item before."""
        return self._undefined("there is no previous item") if self._before is missing else self._before

    def cycle(self, *args: V) -> V:
        """One of the values in turn."""
        if not args:
            raise TypeError("no items for cycling given")
        return args[self.index0 % len(args)]

    def changed(self, *value: t.Any) -> bool:
        """Whether the values differ from those of the last call."""
        if self._last_changed == value:
            return False
        self._last_changed = value
        return True

    def _advance(self) -> "tuple[t.Any, te.Self]":
        self._before, self._current = self._current, self._ahead.pop(0)
        self.index0 += 1
        return self._current, self

    @internalcode
    def __call__(self, iterable: t.Any) -> str:
        """What the loop's body makes of other items, in a loop that is recursive."""
        if self._recurse is None:
            raise TypeError("The loop must have the 'recursive' marker to be called recursively.")
        return self._recurse(iterable, self._recurse, depth=self.depth)

    def _look_ahead(self) -> t.Any:
        if not self._ahead:
            self._ahead.extend(islice(self._iterator, 1))
        return bool(self._ahead)

    @property
    def length(self) -> int:
        """How many items there are."""
        try:
            return len(self._iterable)
        except TypeError:
            self._ahead.extend(self._iterator)
            self._iterable = range(self.index0 + 1 + len(self._ahead))
            return len(self._iterable)

    revindex0 = property(lambda self: self.length - self.index0 - 1)
    revindex = property(lambda self: self.length - self.index0)
    last = property(lambda self: not self._look_ahead())

    @property
    def nextitem(self) -> t.Any:
        """The item after."""
        return self._ahead[0] if self._look_ahead() else self._undefined("there is no next item")

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> "LoopContext":
        return self

    def __next__(self) -> "tuple[t.Any, LoopContext]":
        if not self._look_ahead():
            raise StopIteration
        return self._advance()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.index}/{self.length}>"


class AsyncLoopContext(LoopContext):
    """`loop`, for asynchronous iterables that Python code wraps itself."""

    @staticmethod
    def _to_iterator(iterable: t.Any) -> t.Any:
        from .async_utils import auto_aiter

        return auto_aiter(iterable)

    async def _look_ahead(self) -> bool:
        if not self._ahead:
            try:
                self._ahead.append(await self._iterator.__anext__())
            except StopAsyncIteration:
                return False
        return True

    @property
    async def length(self) -> int:  # type: ignore[override]
        """How many items there are."""
        try:
            return len(self._iterable)
        except TypeError:
            self._ahead.extend([item async for item in self._iterator])
            self._iterable = range(self.index0 + 1 + len(self._ahead))
            return len(self._iterable)

    @property
    async def revindex0(self) -> int:
        """How many items are left, the present one not counted."""
        return await self.length - self.index0 - 1

    @property
    async def revindex(self) -> int:
        """How many items are left."""
        return await self.length - self.index0

    @property
    async def last(self) -> bool:
        """Whether this is the last item."""
        return not await self._look_ahead()

    @property
    async def nextitem(self) -> t.Any:
        """The item after."""
        return self._ahead[0] if await self._look_ahead() else self._undefined("there is no next item")

    def __aiter__(self) -> "AsyncLoopContext":
        return self

    async def __anext__(self) -> "tuple[t.Any, AsyncLoopContext]":
        if not await self._look_ahead():
            raise StopAsyncIteration
        return self._advance()


class Undefined:
    """A value that is not there: it prints as nothing, is false and has no items; all else is an error.

    >>> nothing = Undefined(name="nothing")
    >>> str(nothing), bool(nothing), list(nothing)
    ('', False, [])
    >>> nothing + 1
    Traceback (most recent call last):
    ...
    haiden.exceptions.UndefinedError: 'nothing' is undefined
    """

    __slots__ = ("_undefined_hint", "_undefined_obj", "_undefined_name", "_undefined_exception")

    def __init__(
        self,
        hint: str | None = None,
        obj: t.Any = missing,
        name: t.Any = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        self._undefined_hint = hint
        self._undefined_obj = obj
        self._undefined_name = name
        self._undefined_exception = exc

    @property
    def _undefined_message(self) -> str:
        """What the error says."""
        name, obj = self._undefined_name, self._undefined_obj
        if self._undefined_hint:
            return self._undefined_hint
        if obj is missing:
            return f"{name!r} is undefined"
        if isinstance(name, str):
            return f"{object_type_repr(obj)!r} has no attribute {name!r}"
        return f"{object_type_repr(obj)} has no element {name!r}"

    @internalcode
    def _fail_with_undefined_error(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        """Raises the error."""
        raise self._undefined_exception(self._undefined_message)

    @internalcode
    def __getattr__(self, name: str) -> t.Any:
        # Python probes for its own protocols: to those there must be an honest answer.
        if name[:2] == "__" and name[-2:] == "__":
            raise AttributeError(name)
        return self._fail_with_undefined_error()

    __add__ = __radd__ = __sub__ = __rsub__ = _fail_with_undefined_error
    __mul__ = __rmul__ = __div__ = __rdiv__ = _fail_with_undefined_error
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _fail_with_undefined_error
    __mod__ = __rmod__ = __pow__ = __rpow__ = __pos__ = __neg__ = _fail_with_undefined_error
    __call__ = __getitem__ = __lt__ = __le__ = __gt__ = __ge__ = _fail_with_undefined_error
    __int__ = __float__ = __complex__ = _fail_with_undefined_error

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __ne__(self, other: object) -> bool:
        return not self.__eq__(other)

    def __hash__(self) -> int:
        return id(type(self))

    def __str__(self) -> str:
        return ""

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> t.Iterator[t.Any]:
        yield from ()

    async def __aiter__(self) -> t.AsyncIterator[t.Any]:
        for _ in ():
            yield

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "Undefined"


def make_logging_undefined(
    logger: "logging.Logger | None" = None, base: type[Undefined] = Undefined
) -> type[Undefined]:
    """A class of undefined values that log when they are printed, iterated over, tested, or fail.

    :param logger: Where to log; a logger of this module, which writes to the standard error output, if none is given.
    :param base: The class whose behaviour it has.
    """
    if logger is None:
        import logging

        logger = logging.getLogger(__name__)
        logger.addHandler(logging.StreamHandler(sys.stderr))
    log = logger

    def warn(value: Undefined) -> None:
        log.warning("Template variable warning: %s", value._undefined_message)

    class LoggingUndefined(base):  # type: ignore[misc, valid-type]
        __slots__ = ()

        def _fail_with_undefined_error(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
            try:
                super()._fail_with_undefined_error(*args, **kwargs)
            except self._undefined_exception as error:
                log.error("Template variable error: %s", error)
                raise
            raise AssertionError("the call above raises")

        def __str__(self) -> str:
            warn(self)
            return super().__str__()  # type: ignore[no-any-return]

        def __iter__(self) -> t.Iterator[t.Any]:
            warn(self)
            return super().__iter__()  # type: ignore[no-any-return]

        def __bool__(self) -> bool:
            warn(self)
            return super().__bool__()  # type: ignore[no-any-return]

    return LoggingUndefined


class ChainableUndefined(Undefined):
    """An undefined value whose attributes and items are itself.

    >>> str(ChainableUndefined(name="nothing").here["or there"])
    ''
    """

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)

    def __getattr__(self, name: str) -> "ChainableUndefined":
        if name[:2] == "__" and name[-2:] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, _name: t.Any) -> "ChainableUndefined":  # type: ignore[override]
        return self


class DebugUndefined(Undefined):
    """An undefined value that prints what is missing.

    >>> str(DebugUndefined(name="nothing"))
    '{{ nothing }}'
    """

    __slots__ = ()

    def __str__(self) -> str:
        if self._undefined_hint:
            message = f"undefined value printed: {self._undefined_hint}"
        elif self._undefined_obj is missing:
            message = self._undefined_name
        else:
            message = f"no such element: {object_type_repr(self._undefined_obj)}[{self._undefined_name!r}]"
        return f"{{{{ {message} }}}}"


class StrictUndefined(Undefined):
    """An undefined value that fails whatever is done with it, but for the tests `defined` and `undefined`.

    >>> str(StrictUndefined(name="nothing"))
    Traceback (most recent call last):
    ...
    haiden.exceptions.UndefinedError: 'nothing' is undefined
    """

    __slots__ = ()
    __iter__ = __str__ = __len__ = Undefined._fail_with_undefined_error
    __eq__ = __ne__ = __bool__ = __hash__ = Undefined._fail_with_undefined_error
    __contains__ = Undefined._fail_with_undefined_error
