"""Environments and templates: the names, arguments and behaviour of `jinja2.environment`.

Compiling and rendering are the machine's (`haiden._native`). Python is asked on the way only where it was told to be:
by overridden methods, other classes of contexts, extensions that parse.
"""

import os
import typing as t
import weakref
from collections import ChainMap
from contextlib import nullcontext
from functools import lru_cache, partial, reduce

from markupsafe import Markup

from . import _native
from .defaults import (
    BLOCK_END_STRING,
    BLOCK_START_STRING,
    COMMENT_END_STRING,
    COMMENT_START_STRING,
    DEFAULT_FILTERS,
    DEFAULT_NAMESPACE,
    DEFAULT_POLICIES,
    DEFAULT_TESTS,
    KEEP_TRAILING_NEWLINE,
    LINE_COMMENT_PREFIX,
    LINE_STATEMENT_PREFIX,
    LSTRIP_BLOCKS,
    NEWLINE_SEQUENCE,
    TRIM_BLOCKS,
    VARIABLE_END_STRING,
    VARIABLE_START_STRING,
)
from .exceptions import (
    TemplateNotFound,
    TemplateRuntimeError,
    TemplatesNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from .runtime import Context, Undefined, new_context
from .utils import LRUCache, _PassArg, concat, consume, import_string, internalcode, missing

if t.TYPE_CHECKING:
    import typing_extensions as te

    from . import nodes
    from ._limits import RenderLimits
    from .bccache import BytecodeCache, CacheEntry, CacheStatistics
    from .compiler import CodeGenerator
    from .ext import Extension
    from .lexer import Lexer, TokenStream
    from .loaders import BaseLoader

_E = t.TypeVar("_E", bound="Environment")
Globals = t.MutableMapping[str, t.Any]


@lru_cache(maxsize=10)
def get_spontaneous_environment(cls: type[_E], *args: t.Any) -> _E:
    """The environment that all templates share which were made with the same arguments."""
    env = cls(*args)
    env.shared = True
    return env


def create_cache(size: int) -> t.MutableMapping[t.Any, "Template"] | None:
    """A cache of so many templates: none for 0, of any size for less."""
    if size == 0:
        return None
    return {} if size < 0 else t.cast("t.MutableMapping[t.Any, Template]", LRUCache(size))


def copy_cache(cache: t.MutableMapping[t.Any, t.Any] | None) -> t.MutableMapping[t.Any, "Template"] | None:
    """An empty cache of the same kind and size."""
    if cache is None:
        return None
    return create_cache(-1 if type(cache) is dict else cache.capacity)  # type: ignore[attr-defined]


def load_extensions(
    environment: "Environment", extensions: "t.Sequence[str | type[Extension]]"
) -> "dict[str, Extension]":
    """The extensions, bound to the environment, by identifier."""
    loaded: dict[str, Extension] = {}
    for extension in extensions:
        if isinstance(extension, str):
            extension = t.cast("type[Extension]", import_string(_renamed(extension)))
        loaded[extension.identifier] = extension(environment)
    return loaded


def _renamed(extension: str) -> str:
    """Jinja2's own extensions, called by its name, are ours."""
    return f"haiden.{extension[7:]}" if extension.startswith("jinja2.ext.") else extension


def _environment_config_check(environment: _E) -> _E:
    assert issubclass(environment.undefined, Undefined), "'undefined' must be a subclass of 'jinja2.Undefined'."
    assert environment.block_start_string != environment.variable_start_string != environment.comment_start_string, (
        "block, variable and comment start strings must be different."
    )
    assert environment.newline_sequence in ("\r", "\r\n", "\n"), (
        "'newline_sequence' must be one of '\\n', '\\r\\n', or '\\r'."
    )
    return environment


class _StockCodeGenerator:
    """The class attribute `code_generator_class`, imported when somebody looks at it."""

    def __get__(self, instance: t.Any, owner: t.Any = None) -> "type[CodeGenerator]":
        from .compiler import CodeGenerator

        return CodeGenerator


class Environment:
    """What templates share: syntax, filters, tests, globals, the loader and its caches.

    It may be changed until the first template is loaded, unless it is shared.

    :param block_start_string: What begins a block; `block_end_string` ends it.
    :param variable_start_string: What begins a printed expression; `variable_end_string` ends it.
    :param comment_start_string: What begins a comment; `comment_end_string` ends it.
    :param line_statement_prefix: What makes a line a statement.
    :param line_comment_prefix: What makes the rest of a line a comment.
    :param trim_blocks: Whether the newline after a block is dropped.
    :param lstrip_blocks: Whether blanks before a block are dropped, from the start of the line.
    :param newline_sequence: What every line break becomes.
    :param keep_trailing_newline: Whether a newline at the very end stays.
    :param extensions: Extensions, as classes or dotted names.
    :param optimized: Whether templates are optimized.
    :param undefined: The class of undefined values.
    :param finalize: A function that every printed value goes through.
    :param autoescape: Whether what is printed is escaped for HTML; or a function that says so for a template's name.
    :param loader: What finds templates by name.
    :param cache_size: How many templates are kept; none for 0, any number for -1.
    :param auto_reload: Whether a kept template is checked for being up to date.
    :param bytecode_cache: Where compiled templates are kept between processes.
    :param enable_async: Whether templates may call and iterate over what is asynchronous.
    """

    sandboxed = False
    overlayed = False
    linked_to: "Environment | None" = None
    shared = False
    code_generator_class: t.Any = _StockCodeGenerator()
    concat: t.Any = "".join
    context_class: type[Context] = Context
    template_class: "type[Template]"
    #: What each render may use up; Jinja2 has no such limits.
    render_limits: "RenderLimits | None" = None

    def __init__(
        self,
        block_start_string: str = BLOCK_START_STRING,
        block_end_string: str = BLOCK_END_STRING,
        variable_start_string: str = VARIABLE_START_STRING,
        variable_end_string: str = VARIABLE_END_STRING,
        comment_start_string: str = COMMENT_START_STRING,
        comment_end_string: str = COMMENT_END_STRING,
        line_statement_prefix: str | None = LINE_STATEMENT_PREFIX,
        line_comment_prefix: str | None = LINE_COMMENT_PREFIX,
        trim_blocks: bool = TRIM_BLOCKS,
        lstrip_blocks: bool = LSTRIP_BLOCKS,
        newline_sequence: "te.Literal['\\n', '\\r\\n', '\\r']" = NEWLINE_SEQUENCE,
        keep_trailing_newline: bool = KEEP_TRAILING_NEWLINE,
        extensions: "t.Sequence[str | type[Extension]]" = (),
        optimized: bool = True,
        undefined: type[Undefined] = Undefined,
        finalize: t.Callable[..., t.Any] | None = None,
        autoescape: bool | t.Callable[[str | None], bool] = False,
        loader: "BaseLoader | None" = None,
        cache_size: int = 400,
        auto_reload: bool = True,
        bytecode_cache: "BytecodeCache | None" = None,
        enable_async: bool = False,
    ) -> None:
        self.block_start_string = block_start_string
        self.block_end_string = block_end_string
        self.variable_start_string = variable_start_string
        self.variable_end_string = variable_end_string
        self.comment_start_string = comment_start_string
        self.comment_end_string = comment_end_string
        self.line_statement_prefix = line_statement_prefix
        self.line_comment_prefix = line_comment_prefix
        self.trim_blocks = trim_blocks
        self.lstrip_blocks = lstrip_blocks
        self.newline_sequence = newline_sequence
        self.keep_trailing_newline = keep_trailing_newline
        self.undefined = undefined
        self.optimized = optimized
        self.finalize = finalize
        self.autoescape = autoescape
        self.filters = DEFAULT_FILTERS.copy()
        self.tests = DEFAULT_TESTS.copy()
        self.globals = DEFAULT_NAMESPACE.copy()
        self.loader = loader
        self.cache = create_cache(cache_size)
        self.bytecode_cache = bytecode_cache
        self.auto_reload = auto_reload
        self.policies = DEFAULT_POLICIES.copy()
        self.extensions = load_extensions(self, extensions)
        self.is_async = enable_async
        _environment_config_check(self)

    # ---- what the machine knows of it ------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: t.Any) -> None:
        object.__setattr__(self, name, value)
        # What was compiled and linked before learns of the change at its next render.
        settings = self.__dict__.get("_settings")
        if settings is not None and name not in ("_settings", "cache", "loader", "bytecode_cache", "auto_reload"):
            settings.invalidate()
            self._forget_settings()

    def _forget_settings(self) -> None:
        self.__dict__["_loaded"] = self._loads()
        del self.__dict__["_settings"]

    def _machine_settings(self) -> "_native.Settings":
        """What the machine knows of the environment, made when something is compiled."""
        settings = self.__dict__.get("_settings")
        if settings is not None and settings.stale:
            # A class was changed.
            self._forget_settings()
            settings = None
        # Extensions are a dict that others fill, too.
        if settings is None or settings.extension_count != len(self.extensions):
            settings = self.__dict__["_settings"] = _native.Settings(self)
        return settings

    def _loads(self) -> tuple[int, int]:
        """How many templates that were asked for by name were in memory, and how many were loaded."""
        settings = self.__dict__.get("_settings")
        now = (0, 0) if settings is None else settings.loads
        before = self.__dict__.get("_loaded", (0, 0))
        return before[0] + now[0], before[1] + now[1]

    def __getstate__(self) -> dict[str, t.Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_settings", "_loaded")}

    def __setstate__(self, state: dict[str, t.Any]) -> None:
        self.__dict__.update(state)

    # ---- extensions and overlays -----------------------------------------------------------------------------------

    def add_extension(self, extension: "str | type[Extension]") -> None:
        """Adds an extension."""
        self.extensions.update(load_extensions(self, [extension]))
        self.extensions = self.extensions

    def extend(self, **attributes: t.Any) -> None:
        """Sets attributes that the environment does not have yet: where extensions keep their settings."""
        for name, value in attributes.items():
            if not hasattr(self, name):
                setattr(self, name, value)

    def overlay(
        self,
        block_start_string: str = missing,
        block_end_string: str = missing,
        variable_start_string: str = missing,
        variable_end_string: str = missing,
        comment_start_string: str = missing,
        comment_end_string: str = missing,
        line_statement_prefix: str | None = missing,
        line_comment_prefix: str | None = missing,
        trim_blocks: bool = missing,
        lstrip_blocks: bool = missing,
        newline_sequence: "te.Literal['\\n', '\\r\\n', '\\r']" = missing,
        keep_trailing_newline: bool = missing,
        extensions: "t.Sequence[str | type[Extension]]" = missing,
        optimized: bool = missing,
        undefined: type[Undefined] = missing,
        finalize: t.Callable[..., t.Any] | None = missing,
        autoescape: bool | t.Callable[[str | None], bool] = missing,
        loader: "BaseLoader | None" = missing,
        cache_size: int = missing,
        auto_reload: bool = missing,
        bytecode_cache: "BytecodeCache | None" = missing,
        enable_async: bool = missing,
    ) -> "te.Self":
        """An environment that shares all data with this one, but for its cache and what is given here."""
        changes = dict(locals())
        for name in ("self", "cache_size", "extensions", "enable_async"):
            del changes[name]
        overlay = object.__new__(self.__class__)
        overlay.__dict__.update(self.__dict__)
        overlay.__dict__.pop("_settings", None)
        overlay.__dict__.pop("_loaded", None)
        overlay.overlayed = True
        overlay.linked_to = self
        for name, value in changes.items():
            if value is not missing:
                setattr(overlay, name, value)
        overlay.cache = copy_cache(self.cache) if cache_size is missing else create_cache(cache_size)
        overlay.extensions = {name: extension.bind(overlay) for name, extension in self.extensions.items()}
        if extensions is not missing:
            overlay.extensions.update(load_extensions(overlay, extensions))
        if enable_async is not missing:
            overlay.is_async = enable_async
        return _environment_config_check(overlay)

    @property
    def lexer(self) -> "Lexer":
        """The environment's lexer."""
        from .lexer import get_lexer

        return get_lexer(self)

    def iter_extensions(self) -> "t.Iterator[Extension]":
        """The extensions by priority."""
        return iter(sorted(self.extensions.values(), key=lambda extension: extension.priority))

    # ---- values ----------------------------------------------------------------------------------------------------

    def getitem(self, obj: t.Any, argument: t.Any) -> t.Any:
        """`obj[argument]`, or the attribute of that name, or an undefined value."""
        try:
            return obj[argument]
        except (AttributeError, TypeError, LookupError):
            if isinstance(argument, str):
                try:
                    name = str(argument)
                except Exception:
                    pass
                else:
                    try:
                        return getattr(obj, name)
                    except AttributeError:
                        pass
            return self.undefined(obj=obj, name=argument)

    def getattr(self, obj: t.Any, attribute: str) -> t.Any:
        """The attribute, or `obj[attribute]`, or an undefined value."""
        try:
            return getattr(obj, attribute)
        except AttributeError:
            pass
        try:
            return obj[attribute]
        except (TypeError, LookupError, AttributeError):
            return self.undefined(obj=obj, name=attribute)

    def _filter_test_common(
        self,
        name: t.Any,
        value: t.Any,
        args: t.Sequence[t.Any] | None,
        kwargs: t.Mapping[str, t.Any] | None,
        context: Context | None,
        eval_ctx: "nodes.EvalContext | None",
        is_filter: bool,
    ) -> t.Any:
        kind, functions = ("filter", self.filters) if is_filter else ("test", self.tests)
        function = functions.get(name)
        if function is None:
            message = f"No {kind} named {name!r}."
            if isinstance(name, Undefined):
                try:
                    name._fail_with_undefined_error()
                except Exception as error:
                    message = f"{message} ({error}; did you forget to quote the callable name?)"
            raise TemplateRuntimeError(message)
        arguments = [value, *(args if args is not None else ())]
        wanted = _PassArg.from_obj(function)
        if wanted is _PassArg.context:
            if context is None:
                raise TemplateRuntimeError(f"Attempted to invoke a context {kind} without context.")
            arguments.insert(0, context)
        elif wanted is _PassArg.eval_context:
            if eval_ctx is None:
                if context is not None:
                    eval_ctx = context.eval_ctx
                else:
                    from .nodes import EvalContext

                    eval_ctx = EvalContext(self)
            arguments.insert(0, eval_ctx)
        elif wanted is _PassArg.environment:
            arguments.insert(0, self)
        return function(*arguments, **(kwargs if kwargs is not None else {}))

    def call_filter(
        self,
        name: str,
        value: t.Any,
        args: t.Sequence[t.Any] | None = None,
        kwargs: t.Mapping[str, t.Any] | None = None,
        context: Context | None = None,
        eval_ctx: "nodes.EvalContext | None" = None,
    ) -> t.Any:
        """Applies a filter as templates do. In an asynchronous environment the result may have to be awaited."""
        return self._filter_test_common(name, value, args, kwargs, context, eval_ctx, True)

    def call_test(
        self,
        name: str,
        value: t.Any,
        args: t.Sequence[t.Any] | None = None,
        kwargs: t.Mapping[str, t.Any] | None = None,
        context: Context | None = None,
        eval_ctx: "nodes.EvalContext | None" = None,
    ) -> t.Any:
        """Applies a test as templates do. In an asynchronous environment the result may have to be awaited."""
        return self._filter_test_common(name, value, args, kwargs, context, eval_ctx, False)

    # ---- from source to code ---------------------------------------------------------------------------------------

    @internalcode
    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> "nodes.Template":
        """The tree of a template's source, as `haiden.nodes`."""
        try:
            return self._parse(source, name, filename)
        except TemplateSyntaxError:
            self.handle_exception(source=source)

    def _parse(self, source: str, name: str | None, filename: str | None) -> "nodes.Template":
        """What `parse` and `compile` call."""
        from .parser import Parser

        return Parser(self, source, name, filename).parse()

    def lex(
        self, source: str, name: str | None = None, filename: str | None = None
    ) -> t.Iterator[tuple[int, str, str]]:
        """The tokens of a source, with blanks and comments: lines, kinds and texts. Nothing is preprocessed."""
        source = str(source)
        try:
            return self.lexer.tokeniter(source, name, filename)
        except TemplateSyntaxError:
            self.handle_exception(source=source)

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        """The source after all extensions have had their way with it."""
        return reduce(
            lambda text, extension: extension.preprocess(text, name, filename), self.iter_extensions(), str(source)
        )

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> "TokenStream":
        """What the parser reads: the preprocessed source's tokens, filtered by the extensions."""
        from .lexer import TokenStream

        source = self.preprocess(source, name, filename)
        stream = self.lexer.tokenize(source, name, filename, state)
        for extension in self.iter_extensions():
            filtered = extension.filter_stream(stream)
            stream = filtered if isinstance(filtered, TokenStream) else TokenStream(filtered, name, filename)
        return stream

    def _generate(
        self, source: "nodes.Template", name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        """The code of a tree as text: what `_compile` is given."""
        from .compiler import generate

        return generate(  # type: ignore[return-value]
            source, self, name, filename, defer_init=defer_init, optimized=self.optimized
        )

    def _compile(self, source: str, filename: str) -> t.Any:
        """The code that a text of `_generate` stands for."""
        from ._listing import code_of

        return code_of(source, filename)

    @internalcode
    def compile(
        self,
        source: "str | nodes.Template",
        name: str | None = None,
        filename: str | None = None,
        raw: bool = False,
        defer_init: bool = False,
    ) -> t.Any:
        """The code of a template's source or tree, for `Template.from_code`; with `raw`, a text that shows it."""
        hint = source if isinstance(source, str) else None
        try:
            if name is not None and not isinstance(name, str):
                name = str(name)
            if filename is not None and not isinstance(filename, str):
                filename = os.fsdecode(filename)
            settings = self._machine_settings()
            if hint is not None and not raw and settings.compiles_source(hint):
                return _native.compile(settings, hint, name, filename)
            tree = self._parse(hint, name, filename) if hint is not None else t.cast("nodes.Template", source)
            if not raw and settings.compiles_tree:
                return _native.compile_tree(settings, tree, name, filename)
            listing = self._generate(tree, name, filename, defer_init=defer_init)
            if raw:
                return listing
            return self._compile(listing, "<template>" if filename is None else filename)
        except TemplateSyntaxError:
            self.handle_exception(source=hint)
        except UnicodeEncodeError as error:
            if hint is None or error.object is not hint:
                raise
            line = hint.count("\n", 0, error.start) + 1
            message = f"unexpected char {hint[error.start]!r} at {error.start}: a lone surrogate is no text"
            raise TemplateSyntaxError(message, line, name, filename) from None

    def compile_expression(self, source: str, undefined_to_none: bool = True) -> "TemplateExpression":
        """A function of an expression: called with variables, it returns the expression's value.

        :param undefined_to_none: Whether an undefined value becomes `None`.

        >>> is_answer = Environment().compile_expression("number == 42")
        >>> is_answer(number=42)
        True
        """
        from . import nodes
        from .parser import Parser

        parser = Parser(self, source, state="variable")
        try:
            expression = parser.parse_expression()
            if not parser.stream.eos:
                raise TemplateSyntaxError("chunk after expression", parser.stream.current.lineno, None, None)
            expression.set_environment(self)
        except TemplateSyntaxError:
            self.handle_exception(source=source)
        body: list[nodes.Node] = [nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)]
        return TemplateExpression(self.from_string(nodes.Template(body, lineno=1)), undefined_to_none)

    def compile_templates(
        self,
        target: "str | os.PathLike[str]",
        extensions: t.Collection[str] | None = None,
        filter_func: t.Callable[[str], bool] | None = None,
        zip: str | None = "deflated",
        log_function: t.Callable[[str], None] | None = None,
        ignore_errors: bool = True,
        *,
        bundle: bool = False,
    ) -> None:
        """Compiles all templates that the loader finds, for :class:`~haiden.ModuleLoader`.

        :param target: The archive, or the folder if `zip` is `None`.
        :param extensions: Which templates, by the ends of their names; or which, by `filter_func`.
        :param zip: `"deflated"` or `"stored"`.
        :param log_function: What is told of each template.
        :param ignore_errors: Whether templates that cannot be compiled are passed over.
        :param bundle: Whether the target is a sealed bundle, which the machine reads without importing anything;
            :func:`haiden.cache.write_bundle` makes other ones.
        """
        from ._compiled import write_bundle, write_templates

        assert self.loader is not None, "No loader configured."
        names = self.list_templates(extensions, filter_func)
        if bundle:
            write_bundle(self, target, names, log_function or (lambda message: None), ignore_errors)
            return
        write_templates(self, target, names, zip, log_function or (lambda message: None), ignore_errors)

    def list_templates(
        self,
        extensions: t.Collection[str] | None = None,
        filter_func: t.Callable[[str], bool] | None = None,
    ) -> list[str]:
        """The names of all templates, or of those with such an extension, or of those that the function picks."""
        assert self.loader is not None, "No loader configured."
        names = self.loader.list_templates()
        if extensions is not None:
            if filter_func is not None:
                raise TypeError("either extensions or filter_func can be passed, but not both")
            wanted = extensions

            def filter_func(name: str) -> bool:
                return "." in name and name.rsplit(".", 1)[1] in wanted

        return names if filter_func is None else [name for name in names if filter_func(name)]

    def handle_exception(self, source: str | None = None) -> t.NoReturn:
        """Raises the exception that is being handled once more, with a traceback that shows the template."""
        from .debug import rewrite_traceback_stack

        raise rewrite_traceback_stack(source=source)

    # ---- templates by name -----------------------------------------------------------------------------------------

    def join_path(self, template: str, parent: str) -> str:
        """The name of a template that `parent` calls `template`. To override where names are relative."""
        return template

    @internalcode
    def _load_template(self, name: str, globals: Globals | None) -> "Template":
        found = _native.load_template(self, name, globals)
        if found is not None:
            return found
        loader = self.loader
        if loader is None:
            raise TypeError("no loader for this environment specified")
        cache = self.cache
        if cache is None:
            return self._load_anew(loader, name, globals)
        key = (weakref.ref(loader), name)
        template = self._in_memory(cache, key, globals)
        if template is not None:
            return template
        with self._machine_settings().flight(name) if type(name) is str else nullcontext():
            # Another thread may have loaded it meanwhile.
            template = self._in_memory(cache, key, globals)
            if template is None:
                template = cache[key] = self._load_anew(loader, name, globals)
        return template

    @internalcode
    def _load_anew(self, loader: "BaseLoader", name: str, globals: Globals | None) -> "Template":
        template = loader.load(self, name, self.make_globals(globals))
        self._machine_settings().loaded(False)
        return template

    @internalcode
    def _in_memory(self, cache: t.Any, key: t.Any, globals: Globals | None) -> "Template | None":
        template: Template | None = cache.get(key)
        if template is None or (self.auto_reload and not template.is_up_to_date):
            return None
        if globals:
            template.globals.update(globals)
        self._machine_settings().loaded(True)
        return template

    def cache_statistics(self) -> "CacheStatistics":
        """What the templates in memory were good for. Each miss is one that was loaded.

        >>> from haiden import DictLoader
        >>> environment = Environment(loader=DictLoader({"a": "A"}))
        >>> for _ in range(3):
        ...     template = environment.get_template("a")
        >>> environment.cache_statistics()[:4]
        (2, 1, 1, 400)
        """
        from .bccache import CacheStatistics

        cache = self.cache
        capacity = 0 if cache is None else getattr(cache, "capacity", None)
        return CacheStatistics(*self._loads(), 0 if cache is None else len(cache), capacity, rejections={})

    def cache_entries(self) -> "t.Iterator[CacheEntry]":
        """The templates in memory, by their names. Their bytecode is not kept once they are linked."""
        from .bccache import CacheEntry

        for _, name in [] if self.cache is None else list(self.cache):
            yield CacheEntry(name, None, b"")

    @internalcode
    def get_template(
        self, name: "str | Template", parent: str | None = None, globals: Globals | None = None
    ) -> "Template":
        """The template of this name.

        :param parent: The template that asks, for :meth:`join_path`.
        :param globals: More globals for this template.
        :raises TemplateNotFound: There is none.
        """
        if parent is not None:
            if isinstance(name, Template):
                return name
            name = self.join_path(name, parent)
        found = _native.load_template(self, name, globals)
        if found is not None:
            return found
        if isinstance(name, Template):
            return name
        return self._load_template(name, globals)

    @internalcode
    def select_template(
        self, names: "t.Iterable[str | Template]", parent: str | None = None, globals: Globals | None = None
    ) -> "Template":
        """The first template of these names that there is.

        :raises TemplatesNotFound: There is none.
        """
        if isinstance(names, Undefined):
            names._fail_with_undefined_error()
        if not names:
            raise TemplatesNotFound(message="Tried to select from an empty list of templates.")
        for name in names:
            if isinstance(name, Template):
                return name
            if parent is not None:
                name = self.join_path(name, parent)
            try:
                return self._load_template(name, globals)
            except (TemplateNotFound, UndefinedError):
                pass
        raise TemplatesNotFound(names)  # type: ignore[arg-type]

    @internalcode
    def get_or_select_template(
        self,
        template_name_or_list: "str | Template | list[str | Template]",
        parent: str | None = None,
        globals: Globals | None = None,
    ) -> "Template":
        """:meth:`get_template` for a name, :meth:`select_template` for several."""
        if isinstance(template_name_or_list, (str, Undefined)):
            return self.get_template(template_name_or_list, parent, globals)
        if isinstance(template_name_or_list, Template):
            return template_name_or_list
        return self.select_template(template_name_or_list, parent, globals)

    def from_string(
        self,
        source: "str | nodes.Template",
        globals: Globals | None = None,
        template_class: "type[Template] | None" = None,
    ) -> "Template":
        """A template made of a source or a tree, without the loader.

        :param globals: More globals for this template.
        :param template_class: The class to make.
        """
        # Asked for first, as an override may tell.
        known = self.make_globals(globals)
        cls = template_class or self.template_class
        return cls.from_code(self, self.compile(source), known, None)

    def make_globals(self, d: Globals | None) -> Globals:
        """A template's globals: its own in front of the environment's."""
        return ChainMap({} if d is None else d, self.globals)


class Template(_native.Template):
    """A compiled template.

    Environments load and make them. The constructor makes one without: all that have the same options share an
    environment.

    >>> Template("Hello {{ name }}!").render(name="you")
    'Hello you!'
    """

    environment_class: type[Environment] = Environment

    environment: Environment
    globals: Globals
    name: str | None
    filename: str | None
    _module: "TemplateModule | None"
    _uptodate: t.Callable[[], bool] | None
    _plain = True
    """No method that `render` would have to call is overridden."""

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        super().__init_subclass__(**kwargs)
        if not {"new_context", "root_render_func", "blocks", "generate"}.isdisjoint(cls.__dict__):
            cls._plain = False

    def __new__(
        cls,
        source: "str | nodes.Template",
        block_start_string: str = BLOCK_START_STRING,
        block_end_string: str = BLOCK_END_STRING,
        variable_start_string: str = VARIABLE_START_STRING,
        variable_end_string: str = VARIABLE_END_STRING,
        comment_start_string: str = COMMENT_START_STRING,
        comment_end_string: str = COMMENT_END_STRING,
        line_statement_prefix: str | None = LINE_STATEMENT_PREFIX,
        line_comment_prefix: str | None = LINE_COMMENT_PREFIX,
        trim_blocks: bool = TRIM_BLOCKS,
        lstrip_blocks: bool = LSTRIP_BLOCKS,
        newline_sequence: "te.Literal['\\n', '\\r\\n', '\\r']" = NEWLINE_SEQUENCE,
        keep_trailing_newline: bool = KEEP_TRAILING_NEWLINE,
        extensions: "t.Sequence[str | type[Extension]]" = (),
        optimized: bool = True,
        undefined: type[Undefined] = Undefined,
        finalize: t.Callable[..., t.Any] | None = None,
        autoescape: bool | t.Callable[[str | None], bool] = False,
        enable_async: bool = False,
    ) -> t.Any:
        env = get_spontaneous_environment(
            cls.environment_class,  # type: ignore[arg-type]
            block_start_string,
            block_end_string,
            variable_start_string,
            variable_end_string,
            comment_start_string,
            comment_end_string,
            line_statement_prefix,
            line_comment_prefix,
            trim_blocks,
            lstrip_blocks,
            newline_sequence,
            keep_trailing_newline,
            frozenset(extensions),
            optimized,
            undefined,  # type: ignore[arg-type]
            finalize,
            autoescape,
            None,
            0,
            False,
            None,
            enable_async,
        )
        return env.from_string(source, template_class=cls)

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        """`__new__` has done all."""

    # ---- making them -----------------------------------------------------------------------------------------------

    @classmethod
    def from_code(
        cls,
        environment: Environment,
        code: t.Any,
        globals: Globals,
        uptodate: t.Callable[[], bool] | None = None,
    ) -> "Template":
        """A template of what `Environment.compile` returned."""
        if isinstance(code, _native.Code):
            return _native.make_template(cls, environment, code, globals, uptodate)
        namespace = {"environment": environment, "__file__": code.co_filename}
        exec(code, namespace)
        template = cls._from_namespace(environment, namespace, globals)
        template._uptodate = uptodate
        return template

    @classmethod
    def from_module_dict(
        cls, environment: Environment, module_dict: t.MutableMapping[str, t.Any], globals: Globals
    ) -> "Template":
        """A template of a module that `Environment.compile_templates` wrote."""
        return cls._from_namespace(environment, module_dict, globals)

    @classmethod
    def _from_namespace(
        cls, environment: Environment, namespace: t.MutableMapping[str, t.Any], globals: Globals
    ) -> "Template":
        code = namespace.get("__haiden_code__")
        if code is not None:
            template = cls.from_code(environment, code, globals)
            template.filename = namespace["__file__"]
        else:
            # Functions that some other code generator made: they run as they are.
            template = _native.Template.__new__(cls)
            template.environment = environment
            template.globals = globals
            template.name = namespace["name"]
            template.filename = namespace["__file__"]
            template._module = None
            template._uptodate = None
            template.__dict__["blocks"] = namespace["blocks"]
            template.__dict__["root_render_func"] = namespace["root"]
            template.__dict__["_debug_info"] = namespace["debug_info"]
            template.__dict__["_plain"] = False
        namespace["environment"] = environment
        namespace["__jinja_template__"] = template
        return template

    # ---- its functions ---------------------------------------------------------------------------------------------

    @property
    def root_render_func(self) -> t.Callable[[Context], t.Iterator[str]]:
        """The function of the whole template: a generator of the parts of its text."""
        function = self.__dict__.get("root_render_func")
        if function is None:
            function = self.__dict__["root_render_func"] = _generator(self, None)
        return t.cast("t.Callable[[Context], t.Iterator[str]]", function)

    @root_render_func.setter
    def root_render_func(self, function: t.Callable[[Context], t.Iterator[str]]) -> None:
        self.__dict__["root_render_func"] = function
        self._plain = False

    @property
    def blocks(self) -> dict[str, t.Callable[[Context], t.Iterator[str]]]:
        """The functions of the blocks by name."""
        blocks = self.__dict__.get("blocks")
        if blocks is None:
            blocks = {name: _generator(self, name) for name in self._block_names()}
            self.__dict__["blocks"] = blocks
        return t.cast("dict[str, t.Callable[[Context], t.Iterator[str]]]", blocks)

    @blocks.setter
    def blocks(self, blocks: dict[str, t.Callable[[Context], t.Iterator[str]]]) -> None:
        self.__dict__["blocks"] = blocks
        self._plain = False

    # ---- rendering -------------------------------------------------------------------------------------------------

    if t.TYPE_CHECKING:

        def render(self, *args: t.Any, **kwargs: t.Any) -> str:
            """The text of the template with these variables; the machine's own method."""

    def _handle(self, error: Exception) -> str:
        """What the machine does with an exception: a method of the environment's decides."""
        try:
            raise error
        except Exception:
            # Its traceback has this frame: it must not refer to it in turn.
            del error
            self.environment.handle_exception()

    def _render_by_functions(self, variables: dict[str, t.Any]) -> str:
        """As Jinja2 renders: for templates and environments that have something overridden."""
        environment = self.environment
        if environment.is_async:
            import asyncio

            return asyncio.run(self.render_async(variables))
        self._count_other()
        text: str = environment.concat(self.root_render_func(self.new_context(variables)))
        return text

    def _count_other(self) -> None:
        """Counts a render by functions that some other code generator made."""
        if "root_render_func" in self.__dict__ and "_debug_info" in self.__dict__:
            from ._statistics import count_other

            count_other()

    async def render_async(self, *args: t.Any, **kwargs: t.Any) -> str:
        """As :meth:`render`, for templates of asynchronous environments.

        :raises RuntimeError: The environment was not made with `enable_async`.
        """
        self._need_async()
        variables = dict(*args, **kwargs)
        try:
            begun = self._begin(variables)
            if begun is not None:
                if not isinstance(begun, _native.Execution):
                    return t.cast(str, begun)
                from ._async import resume

                return t.cast(str, await resume(begun))
        except Exception:
            self.environment.handle_exception()
        self._count_other()
        context = self.new_context(variables)
        try:
            parts = [part async for part in self.root_render_func(context)]  # type: ignore[attr-defined]
            text: str = self.environment.concat(parts)
            return text
        except Exception:
            self.environment.handle_exception()

    def stream(self, *args: t.Any, **kwargs: t.Any) -> "TemplateStream":
        """As :meth:`generate`, but a :class:`TemplateStream`."""
        return TemplateStream(self.generate(*args, **kwargs))

    def generate(self, *args: t.Any, **kwargs: t.Any) -> t.Iterator[str]:
        """The text of the template, part by part: what comes next is evaluated when it is asked for."""
        if self.environment.is_async:
            import asyncio

            async def to_list() -> list[str]:
                return [part async for part in self.generate_async(*args, **kwargs)]

            yield from asyncio.run(to_list())
            return
        context = self.new_context(dict(*args, **kwargs))
        try:
            yield from self.root_render_func(context)
        except Exception:
            yield self.environment.handle_exception()

    async def generate_async(self, *args: t.Any, **kwargs: t.Any) -> t.AsyncGenerator[str, object]:
        """As :meth:`generate`, for templates of asynchronous environments."""
        self._need_async()
        context = self.new_context(dict(*args, **kwargs))
        try:
            generator: t.Any = self.root_render_func(context)
            try:
                async for part in generator:
                    yield part
            finally:
                await generator.aclose()
        except Exception:
            yield self.environment.handle_exception()

    def _need_async(self) -> None:
        if not self.environment.is_async:
            raise RuntimeError("The environment was not created with async mode enabled.")

    # ---- contexts and modules --------------------------------------------------------------------------------------

    def new_context(
        self,
        vars: dict[str, t.Any] | None = None,
        shared: bool = False,
        locals: t.Mapping[str, t.Any] | None = None,
    ) -> Context:
        """A context for this template.

        :param vars: The variables.
        :param shared: Whether they are taken as they are, without the globals.
        :param locals: What comes on top of them.
        """
        return new_context(self.environment, self.name, self.blocks, vars, shared, self.globals, locals)

    def make_module(
        self,
        vars: dict[str, t.Any] | None = None,
        shared: bool = False,
        locals: t.Mapping[str, t.Any] | None = None,
    ) -> "TemplateModule":
        """The template as a module, run anew, with the arguments of :meth:`new_context`."""
        return TemplateModule(self, self.new_context(vars, shared, locals))

    async def make_module_async(
        self,
        vars: dict[str, t.Any] | None = None,
        shared: bool = False,
        locals: t.Mapping[str, t.Any] | None = None,
    ) -> "TemplateModule":
        """As :meth:`make_module`, for templates of asynchronous environments."""
        context = self.new_context(vars, shared, locals)
        parts = [part async for part in self.root_render_func(context)]  # type: ignore[attr-defined]
        return TemplateModule(self, context, parts)

    @internalcode
    def _get_default_module(self, ctx: Context | None = None) -> "TemplateModule":
        """The module that imports share; one of its own for a context that has globals which the template has not."""
        if self.environment.is_async:
            raise RuntimeError("Module is not available in async mode.")
        if ctx is not None:
            more = ctx.globals_keys - self.globals.keys()
            if more:
                return self.make_module({name: ctx.parent[name] for name in more})
        if self._module is None:
            self._module = self.make_module()
        return self._module

    async def _get_default_module_async(self, ctx: Context | None = None) -> "TemplateModule":
        if ctx is not None:
            more = ctx.globals_keys - self.globals.keys()
            if more:
                return await self.make_module_async({name: ctx.parent[name] for name in more})
        if self._module is None:
            self._module = await self.make_module_async()
        return self._module

    @property
    def module(self) -> "TemplateModule":
        """The template as a module: what it exports are attributes, and its text is what it prints.

        >>> str(Template("{% macro f() %}42{% endmacro %}23").module)
        '23'
        """
        return self._get_default_module()

    # ---- where it comes from ---------------------------------------------------------------------------------------

    def get_corresponding_lineno(self, lineno: int) -> int:
        """The template's line for a line of code in `debug_info`."""
        for template_line, code_line in reversed(self.debug_info):
            if code_line <= lineno:
                return template_line
        return 1

    @property
    def is_up_to_date(self) -> bool:
        """Whether there is no newer version."""
        return True if self._uptodate is None else self._uptodate()

    @property
    def _debug_info(self) -> str | None:
        """`debug_info` as text; some other code generator's may be `None`."""
        if "_debug_info" in self.__dict__:
            return t.cast("str | None", self.__dict__["_debug_info"])
        return "&".join(f"{line}={code}" for line, code in self._debug_lines())

    @property
    def debug_info(self) -> list[tuple[int, int]]:
        """Pairs of lines: the template's, and the code's (of which the listing that `compile` makes has as many)."""
        pairs = (pair.split("=") for pair in (self._debug_info or "").split("&") if pair)
        return [(int(line), int(code)) for line, code in pairs]

    def __repr__(self) -> str:
        name = f"memory:{id(self):x}" if self.name is None else repr(self.name)
        return f"<{type(self).__name__} {name}>"


def _generator(template: Template, block: str | None) -> t.Callable[[Context], t.Iterator[str]]:
    """The function of a template or of one of its blocks."""
    root: t.Any
    if template.environment.is_async:
        from ._async import async_generator

        root = async_generator(template, block)
    else:

        def root(context: Context) -> t.Iterator[str]:
            yield from template._start(context, block)

    root.__name__ = root.__qualname__ = "root" if block is None else f"block_{block}"
    # By which the machine knows its own among the blocks of a context.
    root._haiden_made_for = (template, block)
    return t.cast("t.Callable[[Context], t.Iterator[str]]", root)


class TemplateModule:
    """An imported template: its exports are attributes, and its text is what it prints."""

    def __init__(self, template: Template, context: Context, body_stream: t.Iterable[str] | None = None) -> None:
        if body_stream is None:
            if context.environment.is_async:
                raise RuntimeError(
                    "Async mode requires a body stream to be passed to a template module. Use the async methods of the"
                    " API you are using."
                )
            body_stream = list(template.root_render_func(context))
        self._body_stream = body_stream
        self.__dict__.update(context.get_exported())
        self.__name__ = template.name

    def __html__(self) -> Markup:
        return Markup(concat(self._body_stream))

    def __str__(self) -> str:
        return concat(self._body_stream)

    def __repr__(self) -> str:
        name = f"memory:{id(self):x}" if self.__name__ is None else repr(self.__name__)
        return f"<{type(self).__name__} {name}>"


class TemplateExpression:
    """An expression as a function; what :meth:`Environment.compile_expression` returns."""

    def __init__(self, template: Template, undefined_to_none: bool) -> None:
        self._template = template
        self._undefined_to_none = undefined_to_none

    def __call__(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        context = self._template.new_context(dict(*args, **kwargs))
        consume(self._template.root_render_func(context))
        value = context.vars["result"]
        return None if self._undefined_to_none and isinstance(value, Undefined) else value


class TemplateStream:
    """The parts of a template's text, one by one or several at a time."""

    def __init__(self, gen: t.Iterator[str]) -> None:
        self._gen = gen
        self.disable_buffering()

    def dump(self, fp: "str | t.IO[t.Any]", encoding: str | None = None, errors: str | None = "strict") -> None:
        """Writes all to a file or to what is like one.

        :param fp: A file, or the path of one.
        :param encoding: How text is encoded; not at all if a file is given, as UTF-8 if a path is.
        :param errors: What becomes of characters that the encoding does not have.
        """
        path = isinstance(fp, str)
        file: t.IO[t.Any] = open(fp, "wb") if isinstance(fp, str) else fp
        if path and encoding is None:
            encoding = "utf-8"
        try:
            parts: t.Iterable[t.Any] = self
            if encoding is not None:
                parts = (part.encode(encoding, errors or "strict") for part in self)
            if hasattr(file, "writelines"):
                file.writelines(parts)
            else:
                for part in parts:
                    file.write(part)
        finally:
            if path:
                file.close()

    def disable_buffering(self) -> None:
        """Parts come one by one."""
        self._next: t.Callable[[], str] = partial(next, self._gen)
        self.buffered = False

    def _buffered_generator(self, size: int) -> t.Iterator[str]:
        buffer: list[str] = []
        count = 0
        for part in self._gen:
            buffer.append(part)
            count += bool(part)
            if count >= size:
                yield concat(buffer)
                buffer.clear()
                count = 0
        if count:
            yield concat(buffer)

    def enable_buffering(self, size: int = 5) -> None:
        """So many parts come at a time; empty ones are not counted."""
        if size <= 1:
            raise ValueError("buffer size too small")
        self.buffered = True
        self._next = partial(next, self._buffered_generator(size))

    def __iter__(self) -> "TemplateStream":
        return self

    def __next__(self) -> str:
        return self._next()


Environment.template_class = Template

_STOCK: dict[type, dict[str, t.Any]] = {cls: dict(vars(cls)) for cls in (Environment, Template, Context, Undefined)}
"""What the classes were made with. What a program puts in its place later is called as an override is."""


def _module_of(name: str | None, body: str | list[t.Any], exports: dict[str, t.Any]) -> TemplateModule:
    """The module of a template that the machine has run: to a text, or to values."""
    module = object.__new__(TemplateModule)
    module._body_stream = body if isinstance(body, list) else [body]
    module.__dict__.update(exports)
    module.__name__ = t.cast(str, name)
    return module


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
