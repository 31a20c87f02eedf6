"""A template engine that speaks Jinja2 exactly, many times faster, on the caller's own Python objects.

The names are `jinja2`'s. Nothing is imported before it is asked for: `import haiden` costs next to nothing.
"""

TYPE_CHECKING = False  # To type checkers it is true; `typing` itself takes longer to import than all of this.

__version__ = "3.1.6"
"""The version of Jinja2 whose language this is: programs compare it."""

_HOMES = {
    "bccache": "BytecodeCache FileSystemBytecodeCache MemcachedBytecodeCache",
    "environment": "Environment Template",
    "exceptions": (
        "LimitError TemplateAssertionError TemplateError TemplateNotFound TemplateRuntimeError TemplatesNotFound"
        " TemplateSyntaxError UndefinedError"
    ),
    "loaders": (
        "BaseLoader ChoiceLoader DictLoader FileSystemLoader FunctionLoader ModuleLoader PackageLoader PrefixLoader"
    ),
    "runtime": "ChainableUndefined DebugUndefined make_logging_undefined StrictUndefined Undefined",
    "utils": ("clear_caches is_undefined pass_context pass_environment pass_eval_context select_autoescape"),
    "as_jinja2": "install_as_jinja2",
    "_limits": "RenderLimits",
    "_statistics": "statistics",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}
_MODULES = frozenset(
    "_identifier async_utils bccache compiler constants debug defaults environment exceptions ext filters idtracking"
    " lexer loaders meta nativetypes nodes optimizer parser runtime sandbox tests utils visitor".split()
)
# What `from jinja2 import *` brings: its names, and the modules that it has imported by then.
__all__ = sorted(
    {name for name, home in _HOME_OF.items() if home not in ("as_jinja2", "_statistics")}
    | (_MODULES - {"constants", "debug", "ext", "meta", "nativetypes", "sandbox"})
)

if TYPE_CHECKING:
    from ._limits import RenderLimits as RenderLimits
    from ._statistics import statistics as statistics
    from .as_jinja2 import install_as_jinja2 as install_as_jinja2
    from .bccache import BytecodeCache as BytecodeCache
    from .bccache import FileSystemBytecodeCache as FileSystemBytecodeCache
    from .bccache import MemcachedBytecodeCache as MemcachedBytecodeCache
    from .environment import Environment as Environment
    from .environment import Template as Template
    from .exceptions import LimitError as LimitError
    from .exceptions import TemplateAssertionError as TemplateAssertionError
    from .exceptions import TemplateError as TemplateError
    from .exceptions import TemplateNotFound as TemplateNotFound
    from .exceptions import TemplateRuntimeError as TemplateRuntimeError
    from .exceptions import TemplatesNotFound as TemplatesNotFound
    from .exceptions import TemplateSyntaxError as TemplateSyntaxError
    from .exceptions import UndefinedError as UndefinedError
    from .loaders import BaseLoader as BaseLoader
    from .loaders import ChoiceLoader as ChoiceLoader
    from .loaders import DictLoader as DictLoader
    from .loaders import FileSystemLoader as FileSystemLoader
    from .loaders import FunctionLoader as FunctionLoader
    from .loaders import ModuleLoader as ModuleLoader
    from .loaders import PackageLoader as PackageLoader
    from .loaders import PrefixLoader as PrefixLoader
    from .runtime import ChainableUndefined as ChainableUndefined
    from .runtime import DebugUndefined as DebugUndefined
    from .runtime import StrictUndefined as StrictUndefined
    from .runtime import Undefined as Undefined
    from .runtime import make_logging_undefined as make_logging_undefined
    from .utils import clear_caches as clear_caches
    from .utils import is_undefined as is_undefined
    from .utils import pass_context as pass_context
    from .utils import pass_environment as pass_environment
    from .utils import pass_eval_context as pass_eval_context
    from .utils import select_autoescape as select_autoescape


def __getattr__(name: str) -> object:
    from importlib import import_module

    home = _HOME_OF.get(name)
    if home is not None:
        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF, *_MODULES})
