"""Extensions: the base class for tags of one's own, and the four that come with the package.

An extension may change the source (`preprocess`), the tokens (`filter_stream`) and parse tags into nodes (`parse`).
The extensions here are known natively, too: templates of environments that have no others are parsed without Python.
"""

import pprint
import re
import typing as t

from markupsafe import Markup

from . import defaults, nodes
from .environment import Environment, _renamed
from .exceptions import TemplateAssertionError, TemplateSyntaxError
from .runtime import Context, Undefined
from .utils import import_string, pass_context

if t.TYPE_CHECKING:
    import typing_extensions as te

    from .lexer import Token, TokenStream
    from .parser import Parser

    class _TranslationsBasic(te.Protocol):
        def gettext(self, message: str) -> str: ...

        def ngettext(self, singular: str, plural: str, n: int) -> str: ...

    class _TranslationsContext(_TranslationsBasic):
        def pgettext(self, context: str, message: str) -> str: ...

        def npgettext(self, context: str, singular: str, plural: str, n: int) -> str: ...

    _SupportedTranslations = _TranslationsBasic | _TranslationsContext

_Message = str | None | tuple[str | None, ...]

GETTEXT_FUNCTIONS: tuple[str, ...] = ("_", "gettext", "ngettext", "pgettext", "npgettext")
_ws_re = re.compile(r"\s*\n\s*")


class Extension:
    """The base of extensions.

    An environment makes one of each of its extensions' classes. An overlay gets a copy with another `environment`, so
    an extension keeps what is particular to an environment there (`Environment.extend`), under telling names.

    An extension whose templates may be kept in a bytecode cache has a method `cache_fingerprint` that returns bytes:
    others for each version or configuration that would parse differently.
    """

    #: The module's name and the class's: how the extension is called.
    identifier: t.ClassVar[str]
    #: The tags that `parse` is called for.
    tags: set[str] = set()
    #: Extensions with lower numbers come first.
    priority = 100

    def __init_subclass__(cls) -> None:
        cls.identifier = f"{cls.__module__}.{cls.__name__}"

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def bind(self, environment: Environment) -> "te.Self":
        """A copy for another environment."""
        copy = object.__new__(self.__class__)
        copy.__dict__.update(self.__dict__)
        copy.environment = environment
        return copy

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Gets the source before anything else does; returns what takes its place."""
        return source

    def filter_stream(self, stream: "TokenStream") -> "TokenStream | t.Iterable[Token]":
        """Gets the tokens before the parser does; returns what takes their place."""
        return stream

    def parse(self, parser: "Parser") -> nodes.Node | list[nodes.Node]:
        """Parses one of the extension's tags, whose name is the parser's current token, into a node or several."""
        raise NotImplementedError()

    def attr(self, name: str, lineno: int | None = None) -> nodes.ExtensionAttribute:
        """A node for an attribute of this extension.

        ::

            self.attr("_cache_prefix", lineno=lineno)
        """
        return nodes.ExtensionAttribute(self.identifier, name, lineno=lineno)

    def call_method(
        self,
        name: str,
        args: list[nodes.Expr] | None = None,
        kwargs: list[nodes.Keyword] | None = None,
        dyn_args: nodes.Expr | None = None,
        dyn_kwargs: nodes.Expr | None = None,
        lineno: int | None = None,
    ) -> nodes.Call:
        """A node that calls a method of this extension."""
        method = self.attr(name, lineno=lineno)
        args = [] if args is None else args
        kwargs = [] if kwargs is None else kwargs
        return nodes.Call(method, args, kwargs, dyn_args, dyn_kwargs, lineno=lineno)


# ---- translations ------------------------------------------------------------------------------------------------


@pass_context
def _gettext_alias(__context: Context, *args: t.Any, **kwargs: t.Any) -> t.Any | Undefined:
    return __context.call(__context.resolve("gettext"), *args, **kwargs)


def _translated(context: Context, variables: dict[str, t.Any], func: t.Callable[..., str], *args: t.Any) -> str:
    """A translation with its variables. It is a format even without any: so `%` is always written twice."""
    text = context.call(func, *args)
    if context.eval_ctx.autoescape:
        text = Markup(text)
    return text % variables  # type: ignore[no-any-return]


def _make_new_gettext(func: t.Callable[[str], str]) -> t.Callable[..., str]:
    @pass_context
    def gettext(__context: Context, __string: str, **variables: t.Any) -> str:
        return _translated(__context, variables, func, __string)

    return gettext


def _make_new_ngettext(func: t.Callable[[str, str, int], str]) -> t.Callable[..., str]:
    @pass_context
    def ngettext(__context: Context, __singular: str, __plural: str, __num: int, **variables: t.Any) -> str:
        variables.setdefault("num", __num)
        return _translated(__context, variables, func, __singular, __plural, __num)

    return ngettext


def _make_new_pgettext(func: t.Callable[[str, str], str]) -> t.Callable[..., str]:
    @pass_context
    def pgettext(__context: Context, __string_ctx: str, __string: str, **variables: t.Any) -> str:
        variables.setdefault("context", __string_ctx)
        return _translated(__context, variables, func, __string_ctx, __string)

    return pgettext


def _make_new_npgettext(func: t.Callable[[str, str, str, int], str]) -> t.Callable[..., str]:
    @pass_context
    def npgettext(
        __context: Context, __string_ctx: str, __singular: str, __plural: str, __num: int, **variables: t.Any
    ) -> str:
        variables.setdefault("context", __string_ctx)
        variables.setdefault("num", __num)
        return _translated(__context, variables, func, __string_ctx, __singular, __plural, __num)

    return npgettext


class _Trans:
    """The head of a `trans` tag while it is parsed."""

    def __init__(self) -> None:
        self.variables: dict[str, nodes.Expr] = {}
        self.trimmed: bool | None = None
        # What decides between singular and plural, and whether it is called `num`.
        self.plural_expr: nodes.Expr | None = None
        self.num_called_num = False
        # Binds a count that is computed by a call, so that it is called once.
        self.assignment: nodes.Assign | None = None

    def count(self, name: str, expr: nodes.Expr) -> None:
        """Takes a variable as the count if there is none yet."""
        if self.plural_expr is not None:
            return
        if isinstance(expr, nodes.Call):
            self.assignment = nodes.Assign(nodes.Name("_trans", "store"), expr)
            expr = self.variables[name] = nodes.Name("_trans", "load")
        self.plural_expr = expr
        self.num_called_num = name == "num"


class InternationalizationExtension(Extension):
    """The tag `trans`, and functions to install translations."""

    tags = {"trans"}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["_"] = _gettext_alias
        environment.extend(
            install_gettext_translations=self._install,
            install_null_translations=self._install_null,
            install_gettext_callables=self._install_callables,
            uninstall_gettext_translations=self._uninstall,
            extract_translations=self._extract,
            newstyle_gettext=False,
        )

    def _install(self, translations: "_SupportedTranslations", newstyle: bool | None = None) -> None:
        # Libraries that also served Python 2 have `ugettext`.
        gettext = getattr(translations, "ugettext", None)
        ngettext = getattr(translations, "ungettext", None)
        self._install_callables(
            translations.gettext if gettext is None else gettext,
            translations.ngettext if ngettext is None else ngettext,
            newstyle=newstyle,
            pgettext=getattr(translations, "pgettext", None),
            npgettext=getattr(translations, "npgettext", None),
        )

    def _install_null(self, newstyle: bool | None = None) -> None:
        import gettext

        self._install(gettext.NullTranslations(), newstyle)

    def _install_callables(
        self,
        gettext: t.Callable[[str], str],
        ngettext: t.Callable[[str, str, int], str],
        newstyle: bool | None = None,
        pgettext: t.Callable[[str, str], str] | None = None,
        npgettext: t.Callable[[str, str, str, int], str] | None = None,
    ) -> None:
        environment: t.Any = self.environment
        if newstyle is not None:
            environment.newstyle_gettext = newstyle
        if environment.newstyle_gettext:
            gettext = _make_new_gettext(gettext)
            ngettext = _make_new_ngettext(ngettext)
            if pgettext is not None:
                pgettext = _make_new_pgettext(pgettext)
            if npgettext is not None:
                npgettext = _make_new_npgettext(npgettext)
        environment.globals.update(gettext=gettext, ngettext=ngettext, pgettext=pgettext, npgettext=npgettext)

    def _uninstall(self, translations: "_SupportedTranslations") -> None:
        for name in ("gettext", "ngettext", "pgettext", "npgettext"):
            self.environment.globals.pop(name, None)

    def _extract(
        self, source: str | nodes.Template, gettext_functions: t.Sequence[str] = GETTEXT_FUNCTIONS
    ) -> t.Iterator[tuple[int, str, _Message]]:
        if isinstance(source, str):
            source = self.environment.parse(source)
        return extract_from_ast(source, gettext_functions)

    # ---- the tag -----------------------------------------------------------------------------------------------

    def parse(self, parser: "Parser") -> nodes.Node | list[nodes.Node]:
        """Parses `trans` into a call of a gettext function."""
        stream = parser.stream
        lineno = next(stream).lineno
        context_token = stream.next_if("string")
        context = None if context_token is None else context_token.value
        head = self._parse_head(parser)
        stream.expect("block_end")

        names, singular = self._parse_block(parser, True)
        referenced = dict.fromkeys(names)
        if names and head.plural_expr is None:
            head.plural_expr = nodes.Name(names[0], "load")
            head.num_called_num = names[0] == "num"
        plural: str | None = None
        have_plural = stream.current.test("name:pluralize")
        if have_plural:
            names, plural = self._parse_plural(parser, head)
            referenced.update(dict.fromkeys(names))
        next(stream)

        for name in referenced:
            if name not in head.variables:
                head.variables[name] = nodes.Name(name, "load")
        if have_plural and head.plural_expr is None:
            parser.fail("pluralize without variables", lineno)
        trimmed = head.trimmed
        if self.environment.policies["ext.i18n.trimmed"] if trimmed is None else trimmed:
            singular = self._trim_whitespace(singular)
            plural = self._trim_whitespace(plural) if plural else plural

        node = self._make_node(
            singular,
            plural,
            context,
            head.variables,
            head.plural_expr if have_plural else None,
            bool(referenced),
            head.num_called_num and have_plural,
        )
        node.set_lineno(lineno)
        return node if head.assignment is None else [head.assignment, node]

    def _parse_head(self, parser: "Parser") -> _Trans:
        """The variables, and whether white space is trimmed."""
        stream = parser.stream
        head = _Trans()
        while stream.current.type != "block_end":
            if head.variables:
                stream.expect("comma")
            if stream.skip_if("colon"):
                break
            token = stream.expect("name")
            name = token.value
            if name in head.variables:
                parser.fail(f"translatable variable {name!r} defined twice.", token.lineno, exc=TemplateAssertionError)
            if stream.skip_if("assign"):
                head.variables[name] = parser.parse_expression()
            elif head.trimmed is None and name in ("trimmed", "notrimmed"):
                head.trimmed = name == "trimmed"
                continue
            else:
                head.variables[name] = nodes.Name(name, "load")
            head.count(name, head.variables[name])
        return head

    def _parse_plural(self, parser: "Parser", head: _Trans) -> tuple[list[str], str]:
        stream = parser.stream
        next(stream)
        if stream.current.type != "block_end":
            token = stream.expect("name")
            if token.value not in head.variables:
                parser.fail(
                    f"unknown variable {token.value!r} for pluralization", token.lineno, exc=TemplateAssertionError
                )
            head.plural_expr = head.variables[token.value]
            head.num_called_num = token.value == "num"
        stream.expect("block_end")
        return self._parse_block(parser, False)

    def _trim_whitespace(self, string: str, _ws_re: re.Pattern[str] = _ws_re) -> str:
        return _ws_re.sub(" ", string.strip())

    def _parse_block(self, parser: "Parser", allow_pluralize: bool) -> tuple[list[str], str]:
        """The text up to the next tag, as a format, and the variables in it."""
        stream = parser.stream
        referenced: list[str] = []
        parts: list[str] = []
        while True:
            if stream.current.type == "data":
                parts.append(next(stream).value.replace("%", "%%"))
            elif stream.current.type == "variable_begin":
                next(stream)
                name = stream.expect("name").value
                referenced.append(name)
                parts.append(f"%({name})s")
                stream.expect("variable_end")
            elif stream.current.type == "block_begin":
                next(stream)
                self._check_end(parser, allow_pluralize)
                return referenced, "".join(parts)
            elif stream.eos:
                parser.fail("unclosed translation block")
            else:
                raise RuntimeError("internal parser error")

    def _check_end(self, parser: "Parser", allow_pluralize: bool) -> None:
        """Fails if a tag does not end a text that is translated."""
        current = parser.stream.current
        tag = current.value if current.type == "name" else None
        if tag == "endtrans" or (tag == "pluralize" and allow_pluralize):
            return
        if tag == "pluralize":
            parser.fail("a translatable section can have only one pluralize section")
        if tag == "trans":
            parser.fail("trans blocks can't be nested; did you mean `endtrans`?")
        parser.fail(f"control structures in translatable sections are not allowed; saw `{tag}`")

    def _make_node(
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,
        num_called_num: bool,
    ) -> nodes.Output:
        """What a translated text becomes: a call of `gettext` or one of its sisters."""
        newstyle = self.environment.newstyle_gettext  # type: ignore[attr-defined]
        if not vars_referenced and not newstyle:
            # It will be no format.
            singular = singular.replace("%%", "%")
            plural = plural.replace("%%", "%") if plural else plural

        name = "gettext"
        args: list[nodes.Expr] = [nodes.Const(singular)]
        if context is not None:
            name = "pgettext"
            args.insert(0, nodes.Const(context))
        if plural_expr is not None:
            name = f"n{name}"
            args += [nodes.Const(plural), plural_expr]
        call = nodes.Call(nodes.Name(name, "load"), args, [], None, None)
        if newstyle:
            # The function puts the variables in, `num` by itself.
            kept = (item for item in variables.items() if not (num_called_num and item[0] == "num"))
            call.kwargs = [nodes.Keyword(key, value) for key, value in kept]
            return nodes.Output([call])
        node: nodes.Expr = nodes.MarkSafeIfAutoescape(call)
        if variables:
            pairs = [nodes.Pair(nodes.Const(key), value) for key, value in variables.items()]
            node = nodes.Mod(node, nodes.Dict(pairs))
        return nodes.Output([node])


# ---- the others --------------------------------------------------------------------------------------------------


class ExprStmtExtension(Extension):
    """The tag `do`: an expression that prints nothing."""

    tags = {"do"}

    def parse(self, parser: "Parser") -> nodes.ExprStmt:
        lineno = next(parser.stream).lineno
        return nodes.ExprStmt(parser.parse_tuple(), lineno=lineno)


class LoopControlExtension(Extension):
    """The tags `break` and `continue`."""

    tags = {"break", "continue"}

    def parse(self, parser: "Parser") -> nodes.Break | nodes.Continue:
        token = next(parser.stream)
        cls = nodes.Break if token.value == "break" else nodes.Continue
        return cls(lineno=token.lineno)


class DebugExtension(Extension):
    """The tag `debug`, which writes the variables and the names of filters and tests.

    .. code-block:: html+jinja

        <pre>{% debug %}</pre>
    """

    tags = {"debug"}

    def parse(self, parser: "Parser") -> nodes.Output:
        lineno = parser.stream.expect("name:debug").lineno
        call = self.call_method("_render", [nodes.ContextReference()], lineno=lineno)
        return nodes.Output([call], lineno=lineno)

    def _render(self, context: Context) -> str:
        shown = {
            "context": context.get_all(),
            "filters": sorted(self.environment.filters),
            "tests": sorted(self.environment.tests),
        }
        return pprint.pformat(shown, depth=3, compact=True)


# ---- messages ----------------------------------------------------------------------------------------------------


def extract_from_ast(
    ast: nodes.Template, gettext_functions: t.Sequence[str] = GETTEXT_FUNCTIONS, babel_style: bool = True
) -> t.Iterator[tuple[int, str, _Message]]:
    """The texts that a template has translated: line, function, and the text or a tuple of texts.

    An argument that is no constant text is `None`. Without `babel_style` it is left out, the texts are always a tuple,
    and a call without any is not told of.

    >>> from haiden import Environment
    >>> tree = Environment().parse('{{ (_("foo"), _(), ngettext("foo", "bar", 42)) }}')
    >>> list(extract_from_ast(tree))
    [(1, '_', 'foo'), (1, '_', ()), (1, 'ngettext', ('foo', 'bar', None))]
    >>> list(extract_from_ast(tree, babel_style=False))
    [(1, '_', ('foo',)), (1, 'ngettext', ('foo', 'bar'))]
    """
    for call in ast.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) or call.node.name not in gettext_functions:
            continue
        texts = [
            arg.value if isinstance(arg, nodes.Const) and isinstance(arg.value, str) else None for arg in call.args
        ]
        others = [*call.kwargs, *(arg for arg in (call.dyn_args, call.dyn_kwargs) if arg is not None)]
        texts += [None] * len(others)
        message: _Message
        if babel_style:
            message = texts[0] if len(texts) == 1 else tuple(texts)
        else:
            message = tuple(text for text in texts if text is not None)
            if not message:
                continue
        yield call.lineno, call.node.name, message


class _CommentFinder:
    """Finds the comment for translators before a line; the lines must be asked for in order."""

    def __init__(self, tokens: t.Sequence[tuple[int, str, str]], comment_tags: t.Sequence[str]) -> None:
        self.tokens = tokens
        self.comment_tags = comment_tags
        self.offset = 0
        self.last_lineno = 0

    def find_backwards(self, offset: int) -> list[str]:
        """The last comment with one of the tags before a token, but not before the one asked for last."""
        passed = self.tokens[self.offset : offset]
        self.offset = offset
        for _, kind, text in reversed(passed):
            if kind not in ("comment", "linecomment"):
                continue
            words = text.split(None, 1)
            if len(words) == 2 and words[0] in self.comment_tags:
                return [words[1].rstrip()]
        return []

    def find_comments(self, lineno: int) -> list[str]:
        """The comment for a line, as a list of it or of nothing."""
        if not self.comment_tags or self.last_lineno > lineno:
            return []
        for index, (token_lineno, _, _) in enumerate(self.tokens[self.offset :]):
            if token_lineno > lineno:
                return self.find_backwards(self.offset + index)
        return self.find_backwards(len(self.tokens))


def _extraction_environment(options: t.Mapping[str, t.Any], truth: t.Callable[[str, bool], bool]) -> Environment:
    """An environment as the options of an extraction describe it."""
    names = (name.strip() for name in options.get("extensions", "").split(","))
    extensions = dict.fromkeys(import_string(_renamed(name)) for name in names if name)
    extensions[InternationalizationExtension] = None
    environment = Environment(
        block_start_string=options.get("block_start_string", defaults.BLOCK_START_STRING),
        block_end_string=options.get("block_end_string", defaults.BLOCK_END_STRING),
        variable_start_string=options.get("variable_start_string", defaults.VARIABLE_START_STRING),
        variable_end_string=options.get("variable_end_string", defaults.VARIABLE_END_STRING),
        comment_start_string=options.get("comment_start_string", defaults.COMMENT_START_STRING),
        comment_end_string=options.get("comment_end_string", defaults.COMMENT_END_STRING),
        line_statement_prefix=options.get("line_statement_prefix") or defaults.LINE_STATEMENT_PREFIX,
        line_comment_prefix=options.get("line_comment_prefix") or defaults.LINE_COMMENT_PREFIX,
        trim_blocks=truth("trim_blocks", defaults.TRIM_BLOCKS),
        lstrip_blocks=truth("lstrip_blocks", defaults.LSTRIP_BLOCKS),
        newline_sequence=defaults.NEWLINE_SEQUENCE,
        keep_trailing_newline=truth("keep_trailing_newline", defaults.KEEP_TRAILING_NEWLINE),
        extensions=tuple(extensions),
        cache_size=0,
        auto_reload=False,
    )
    if truth("trimmed", False):
        environment.policies["ext.i18n.trimmed"] = True
    if truth("newstyle_gettext", False):
        environment.newstyle_gettext = True  # type: ignore[attr-defined, unused-ignore]
    return environment


def babel_extract(
    fileobj: t.BinaryIO, keywords: t.Sequence[str], comment_tags: t.Sequence[str], options: dict[str, t.Any]
) -> t.Iterator[tuple[int, str, _Message, list[str]]]:
    """Babel's extraction method for templates: lines, functions, messages and comments for translators.

    :param fileobj: The template.
    :param keywords: The functions whose arguments are translated.
    :param comment_tags: What a comment for translators begins with. There should be one translated text a line, and
        its comment in the same line or the one before.
    :param options: Options of the environment; `encoding`; `silent` (true unless it is set): skip templates with
        syntax errors; `trimmed` and `newstyle_gettext`.
    """

    def truth(key: str, default: bool = False) -> bool:
        return options.get(key, str(default)).lower() in {"1", "on", "yes", "true"}

    environment = _extraction_environment(options, truth)
    source = fileobj.read().decode(options.get("encoding", "utf-8"))
    try:
        tree = environment.parse(source)
        tokens = list(environment.lex(environment.preprocess(source)))
    except TemplateSyntaxError:
        if not truth("silent", True):
            raise
        return
    finder = _CommentFinder(tokens, comment_tags)
    for lineno, function, message in extract_from_ast(tree, keywords):
        yield lineno, function, message, finder.find_comments(lineno)


# The names to import, and to name in an environment's list.
i18n = InternationalizationExtension
do = ExprStmtExtension
loopcontrols = LoopControlExtension
debug = DebugExtension


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
