"""What a listing runs with where it is run: macros and `self` of code that a user's code generator wrote.

The machine has its own; these are for Python functions. In: the functions, and the context they run in. Invariant: the
same signatures, results and errors as the machine's.
"""

import typing as t

from markupsafe import Markup

from . import _native
from .nodes import EvalContext
from .utils import internalcode, missing, pass_eval_context

if t.TYPE_CHECKING:
    from .environment import Environment
    from .runtime import Context


# Where programs look for them.
_HOME = "haiden.runtime"


class _Same(type):
    """Instances of the machine's class of the same name are instances as well."""

    def __instancecheck__(cls, instance: t.Any) -> bool:
        return type.__instancecheck__(cls, instance) or isinstance(instance, cls._machines())

    def __subclasscheck__(cls, other: type) -> bool:
        return type.__subclasscheck__(cls, other) or issubclass(other, cls._machines())

    def _machines(cls) -> t.Any:
        """The machine's class, which stands for the class itself and not for what a user derives from it."""
        return getattr(_native, cls.__name__) if cls.__module__ == _HOME else ()


class TemplateReference(metaclass=_Same):
    """`self`: the template's blocks by name."""

    __module__ = _HOME

    def __init__(self, context: "Context") -> None:
        self.__context = context

    def __getitem__(self, name: str) -> t.Any:
        from .runtime import BlockReference

        return BlockReference(name, self.__context, self.__context.blocks[name], 0)

    def __repr__(self) -> str:
        return f"<TemplateReference {self.__context.name!r}>"


class Macro(metaclass=_Same):
    """A macro whose body is a Python function: of its parameters, then `caller`, `kwargs`, `varargs` as wanted."""

    __module__ = _HOME

    def __init__(
        self,
        environment: "Environment",
        func: t.Callable[..., t.Any],
        name: str | None,
        arguments: t.Sequence[str],
        catch_kwargs: bool,
        catch_varargs: bool,
        caller: bool,
        default_autoescape: bool | None = None,
    ) -> None:
        self._environment = environment
        self._func = func
        self.name = name
        self.arguments = arguments
        self.catch_kwargs = catch_kwargs
        self.catch_varargs = catch_varargs
        self.caller = caller
        self.explicit_caller = "caller" in arguments
        if default_autoescape is None:
            default_autoescape = EvalContext(environment).autoescape
        self._default_autoescape = default_autoescape

    @internalcode
    @pass_eval_context
    def __call__(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        autoescape = self._default_autoescape
        if args and isinstance(args[0], EvalContext):
            autoescape, args = args[0].autoescape, args[1:]
        values = self._values(args, kwargs)
        result = self._func(*values)
        if self._environment.is_async:
            return self._awaited(result, autoescape)
        return Markup(result) if autoescape else result

    async def _awaited(self, result: t.Awaitable[str], autoescape: bool) -> str:
        text = await result
        return Markup(text) if autoescape else text

    def _values(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> list[t.Any]:
        """The function's arguments; those that are missing get their defaults there."""
        count = len(self.arguments)
        values = list(args[:count])
        given = self.explicit_caller if len(values) == count else "caller" in self.arguments[len(values) :]
        values += [kwargs.pop(name, missing) for name in self.arguments[len(values) :]]
        if self.caller and not given:
            caller = kwargs.pop("caller", None)
            values.append(self._environment.undefined("No caller defined", name="caller") if caller is None else caller)
        if self.catch_kwargs:
            values.append(kwargs)
        elif "caller" in kwargs:
            raise TypeError(
                f"macro {self.name!r} was invoked with two values for the special caller argument."
                " This is most likely a bug."
            )
        elif kwargs:
            raise TypeError(f"macro {self.name!r} takes no keyword argument {next(iter(kwargs))!r}")
        if self.catch_varargs:
            values.append(args[count:])
        elif len(args) > count:
            raise TypeError(f"macro {self.name!r} takes not more than {count} argument(s)")
        return values

    def __repr__(self) -> str:
        return f"<Macro {'anonymous' if self.name is None else repr(self.name)}>"
