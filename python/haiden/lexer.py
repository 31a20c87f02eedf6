"""From source to tokens, for the parser that extensions plug into and for tools.

In: a source and an environment's delimiters. Out: raw tokens `(line, kind, text)` of `Lexer.tokeniter`, or a
`TokenStream` of `Token`s with values for the parser. Templates without extensions of their own never come here: the
native parser reads those. Invariant: each raw token's text is a piece of the source (line breaks are `\\n`), in order.
"""

import re
import typing as t
from ast import literal_eval
from collections import deque
from sys import intern

from ._identifier import pattern as name_re
from .exceptions import TemplateSyntaxError
from .utils import LRUCache

if t.TYPE_CHECKING:
    from .environment import Environment

# Environments with the same syntax share a lexer.
_lexer_cache: t.MutableMapping[t.Any, "Lexer"] = LRUCache(50)  # type: ignore[assignment]

whitespace_re = re.compile(r"\s+")
newline_re = re.compile(r"(\r\n|\r|\n)")
string_re = re.compile(r"""('([^'\\]*(?:\\.[^'\\]*)*)'|"([^"\\]*(?:\\.[^"\\]*)*)")""", re.S)
integer_re = re.compile(
    r"""(
        0b(?:_?[01])+
    |   0o(?:_?[0-7])+
    |   0x(?:_?[\da-f])+
    |   [1-9](?:_?\d)*
    |   0(?:_?0)*
    )""",
    re.IGNORECASE | re.VERBOSE,
)
float_re = re.compile(
    r"""
    (?<!\.)                     # 1.2.3 is no number but two subscripts
    (?:\d+_)*\d+
    (?:
        (?:\.(?:\d+_)*\d+)? e[+\-]?(?:\d+_)*\d+
    |   \.(?:\d+_)*\d+
    )""",
    re.IGNORECASE | re.VERBOSE,
)

# Interned: the parser and extensions compare kinds with `is`.
TOKEN_ADD = intern("add")
TOKEN_ASSIGN = intern("assign")
TOKEN_COLON = intern("colon")
TOKEN_COMMA = intern("comma")
TOKEN_DIV = intern("div")
TOKEN_DOT = intern("dot")
TOKEN_EQ = intern("eq")
TOKEN_FLOORDIV = intern("floordiv")
TOKEN_GT = intern("gt")
TOKEN_GTEQ = intern("gteq")
TOKEN_LBRACE = intern("lbrace")
TOKEN_LBRACKET = intern("lbracket")
TOKEN_LPAREN = intern("lparen")
TOKEN_LT = intern("lt")
TOKEN_LTEQ = intern("lteq")
TOKEN_MOD = intern("mod")
TOKEN_MUL = intern("mul")
TOKEN_NE = intern("ne")
TOKEN_PIPE = intern("pipe")
TOKEN_POW = intern("pow")
TOKEN_RBRACE = intern("rbrace")
TOKEN_RBRACKET = intern("rbracket")
TOKEN_RPAREN = intern("rparen")
TOKEN_SEMICOLON = intern("semicolon")
TOKEN_SUB = intern("sub")
TOKEN_TILDE = intern("tilde")
TOKEN_WHITESPACE = intern("whitespace")
TOKEN_FLOAT = intern("float")
TOKEN_INTEGER = intern("integer")
TOKEN_NAME = intern("name")
TOKEN_STRING = intern("string")
TOKEN_OPERATOR = intern("operator")
TOKEN_BLOCK_BEGIN = intern("block_begin")
TOKEN_BLOCK_END = intern("block_end")
TOKEN_VARIABLE_BEGIN = intern("variable_begin")
TOKEN_VARIABLE_END = intern("variable_end")
TOKEN_RAW_BEGIN = intern("raw_begin")
TOKEN_RAW_END = intern("raw_end")
TOKEN_COMMENT_BEGIN = intern("comment_begin")
TOKEN_COMMENT_END = intern("comment_end")
TOKEN_COMMENT = intern("comment")
TOKEN_LINESTATEMENT_BEGIN = intern("linestatement_begin")
TOKEN_LINESTATEMENT_END = intern("linestatement_end")
TOKEN_LINECOMMENT_BEGIN = intern("linecomment_begin")
TOKEN_LINECOMMENT_END = intern("linecomment_end")
TOKEN_LINECOMMENT = intern("linecomment")
TOKEN_DATA = intern("data")
TOKEN_INITIAL = intern("initial")
TOKEN_EOF = intern("eof")

operators = {
    "+": TOKEN_ADD,
    "-": TOKEN_SUB,
    "/": TOKEN_DIV,
    "//": TOKEN_FLOORDIV,
    "*": TOKEN_MUL,
    "%": TOKEN_MOD,
    "**": TOKEN_POW,
    "~": TOKEN_TILDE,
    "[": TOKEN_LBRACKET,
    "]": TOKEN_RBRACKET,
    "(": TOKEN_LPAREN,
    ")": TOKEN_RPAREN,
    "{": TOKEN_LBRACE,
    "}": TOKEN_RBRACE,
    "==": TOKEN_EQ,
    "!=": TOKEN_NE,
    ">": TOKEN_GT,
    ">=": TOKEN_GTEQ,
    "<": TOKEN_LT,
    "<=": TOKEN_LTEQ,
    "=": TOKEN_ASSIGN,
    ".": TOKEN_DOT,
    ":": TOKEN_COLON,
    "|": TOKEN_PIPE,
    ",": TOKEN_COMMA,
    ";": TOKEN_SEMICOLON,
}
reverse_operators = {kind: text for text, kind in operators.items()}
assert len(operators) == len(reverse_operators), "operators dropped"
operator_re = re.compile(f"({'|'.join(re.escape(text) for text in sorted(operators, key=len, reverse=True))})")

ignored_tokens = frozenset(
    [
        TOKEN_COMMENT_BEGIN,
        TOKEN_COMMENT,
        TOKEN_COMMENT_END,
        TOKEN_WHITESPACE,
        TOKEN_LINECOMMENT_BEGIN,
        TOKEN_LINECOMMENT_END,
        TOKEN_LINECOMMENT,
    ]
)
ignore_if_empty = frozenset([TOKEN_WHITESPACE, TOKEN_DATA, TOKEN_COMMENT, TOKEN_LINECOMMENT])

_DESCRIPTIONS = {
    TOKEN_COMMENT_BEGIN: "begin of comment",
    TOKEN_COMMENT_END: "end of comment",
    TOKEN_COMMENT: "comment",
    TOKEN_LINECOMMENT: "comment",
    TOKEN_BLOCK_BEGIN: "begin of statement block",
    TOKEN_BLOCK_END: "end of statement block",
    TOKEN_VARIABLE_BEGIN: "begin of print statement",
    TOKEN_VARIABLE_END: "end of print statement",
    TOKEN_LINESTATEMENT_BEGIN: "begin of line statement",
    TOKEN_LINESTATEMENT_END: "end of line statement",
    TOKEN_DATA: "template data / text",
    TOKEN_EOF: "end of template",
    **reverse_operators,
}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def _describe_token_type(token_type: str) -> str:
    return _DESCRIPTIONS.get(token_type, token_type)


def describe_token(token: "Token") -> str:
    """A token in words, for messages."""
    return token.value if token.type == TOKEN_NAME else _describe_token_type(token.type)


def describe_token_expr(expr: str) -> str:
    """What `Token.test` was asked for, in words.

    >>> describe_token_expr("name:endfor"), describe_token_expr("block_end")
    ('endfor', 'end of statement block')
    """
    kind, colon, value = expr.partition(":")
    return value if colon and kind == TOKEN_NAME else _describe_token_type(kind)


def count_newlines(value: str) -> int:
    """How many line breaks there are: useful to extensions that filter a stream."""
    return len(newline_re.findall(value))


def compile_rules(environment: "Environment") -> list[tuple[str, str]]:
    """What can begin inside of text: kinds and patterns, the longest first."""
    rules = [
        (len(text), kind, re.escape(text))
        for text, kind in (
            (environment.comment_start_string, TOKEN_COMMENT_BEGIN),
            (environment.block_start_string, TOKEN_BLOCK_BEGIN),
            (environment.variable_start_string, TOKEN_VARIABLE_BEGIN),
        )
    ]
    prefix = environment.line_statement_prefix
    if prefix is not None:
        rules.append((len(prefix), TOKEN_LINESTATEMENT_BEGIN, rf"^[ \t\v]*{re.escape(prefix)}"))
    prefix = environment.line_comment_prefix
    if prefix is not None:
        rules.append((len(prefix), TOKEN_LINECOMMENT_BEGIN, rf"(?:^|(?<=\S))[^\S\r\n]*{re.escape(prefix)}"))
    return [(kind, pattern) for _, kind, pattern in sorted(rules, reverse=True)]


class Failure:
    """Stands for a kind of token where what matched is a known mistake; a call raises it."""

    def __init__(self, message: str, cls: type[TemplateSyntaxError] = TemplateSyntaxError) -> None:
        self.message = message
        self.error_class = cls

    def __call__(self, lineno: int, filename: str | None) -> t.NoReturn:
        raise self.error_class(self.message, lineno, filename)


class Token(t.NamedTuple):
    """A token with its value: numbers are numbers, strings have lost their quotes."""

    lineno: int
    type: str
    value: str

    def __str__(self) -> str:
        return describe_token(self)

    def test(self, expr: str) -> bool:
        """Whether it is of a kind (`"name"`), or of a kind with a value (`"name:endfor"`)."""
        if self.type == expr:
            return True
        kind, colon, value = expr.partition(":")
        return bool(colon) and kind == self.type and value == self.value

    def test_any(self, *iterable: str) -> bool:
        """Whether one of several tests holds."""
        return any(map(self.test, iterable))


class TokenStreamIterator:
    """Goes over a stream's tokens up to its end, which closes it."""

    def __init__(self, stream: "TokenStream") -> None:
        self.stream = stream

    def __iter__(self) -> "TokenStreamIterator":
        return self

    def __next__(self) -> Token:
        if self.stream.current.type is TOKEN_EOF:
            self.stream.close()
            raise StopIteration
        return next(self.stream)


class TokenStream:
    """Tokens for a parser: `current` is the one it stands at; `next()` returns that and goes on."""

    def __init__(self, generator: t.Iterable[Token], name: str | None, filename: str | None) -> None:
        self._iter = iter(generator)
        self._pushed: deque[Token] = deque()
        self.name = name
        self.filename = filename
        self.closed = False
        self.current = Token(1, TOKEN_INITIAL, "")
        next(self)

    def __iter__(self) -> TokenStreamIterator:
        return TokenStreamIterator(self)

    def __bool__(self) -> bool:
        return bool(self._pushed) or self.current.type is not TOKEN_EOF

    @property
    def eos(self) -> bool:
        """Whether the end is reached."""
        return not self

    def push(self, token: Token) -> None:
        """Puts a token where it comes after the current one."""
        self._pushed.append(token)

    def look(self) -> Token:
        """The token after the current one."""
        current = next(self)
        following = self.current
        self.push(following)
        self.current = current
        return following

    def skip(self, n: int = 1) -> None:
        """Goes on by some tokens."""
        for _ in range(n):
            next(self)

    def next_if(self, expr: str) -> Token | None:
        """Goes on if the current token passes the test, and returns it then."""
        return next(self) if self.current.test(expr) else None

    def skip_if(self, expr: str) -> bool:
        """Goes on if the current token passes the test; says whether it did."""
        return self.next_if(expr) is not None

    def __next__(self) -> Token:
        passed = self.current
        if self._pushed:
            self.current = self._pushed.popleft()
        elif passed.type is not TOKEN_EOF:
            try:
                self.current = next(self._iter)
            except StopIteration:
                self.close()
        return passed

    def close(self) -> None:
        """Ends the stream here."""
        self.current = Token(self.current.lineno, TOKEN_EOF, "")
        self._iter = iter(())
        self.closed = True

    def expect(self, expr: str) -> Token:
        """Goes on if the current token passes the test and returns it; raises a syntax error if it does not."""
        if self.current.test(expr):
            return next(self)
        wanted = describe_token_expr(expr)
        if self.current.type is TOKEN_EOF:
            message = f"unexpected end of template, expected {wanted!r}."
        else:
            message = f"expected token {wanted!r}, got {describe_token(self.current)!r}"
        raise TemplateSyntaxError(message, self.current.lineno, self.name, self.filename)


def get_lexer(environment: "Environment") -> "Lexer":
    """The lexer for an environment's syntax."""
    key = (
        environment.block_start_string,
        environment.block_end_string,
        environment.variable_start_string,
        environment.variable_end_string,
        environment.comment_start_string,
        environment.comment_end_string,
        environment.line_statement_prefix,
        environment.line_comment_prefix,
        environment.trim_blocks,
        environment.lstrip_blocks,
        environment.newline_sequence,
        environment.keep_trailing_newline,
    )
    lexer = _lexer_cache.get(key)
    if lexer is None:
        lexer = _lexer_cache[key] = Lexer(environment)
    return lexer


class OptionalLStrip(tuple[str, ...]):
    """Kinds of tokens of a rule whose first group, text, may lose the blanks at its end."""

    __slots__ = ()

    def __new__(cls, *members: str, **kwargs: t.Any) -> "OptionalLStrip":
        return super().__new__(cls, members)


class _Rule(t.NamedTuple):
    """What may come next in a state."""

    pattern: re.Pattern[str]
    # One kind for the whole match; or one for each group, `#bygroup` for the named group that matched.
    tokens: str | tuple[str | Failure, ...]
    # What the state becomes: `#pop`, `#bygroup`, a state, or nothing.
    command: str | None


class Lexer:
    """Splits sources of one syntax into tokens. It knows no environment, so several can share it."""

    def __init__(self, environment: "Environment") -> None:
        self.lstrip_blocks = environment.lstrip_blocks
        self.newline_sequence = environment.newline_sequence
        self.keep_trailing_newline = environment.keep_trailing_newline
        self.rules = _rules(environment)

    def _normalize_newlines(self, value: str) -> str:
        """Makes all line breaks what the environment wants them to be."""
        return newline_re.sub(self.newline_sequence, value)

    def tokenize(
        self, source: str, name: str | None = None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        """The tokens that a parser reads."""
        stream = self.tokeniter(source, name, filename, state)
        return TokenStream(self.wrap(stream, name, filename), name, filename)

    def wrap(
        self, stream: t.Iterable[tuple[int, str, str]], name: str | None = None, filename: str | None = None
    ) -> t.Iterator[Token]:
        """Tokens with values, of raw ones; blanks and comments are left out."""
        for lineno, kind, text in stream:
            if kind in ignored_tokens or kind in (TOKEN_RAW_BEGIN, TOKEN_RAW_END):
                continue
            value: t.Any = text
            if kind == TOKEN_LINESTATEMENT_BEGIN:
                kind = TOKEN_BLOCK_BEGIN
            elif kind == TOKEN_LINESTATEMENT_END:
                kind = TOKEN_BLOCK_END
            elif kind == TOKEN_DATA:
                value = self._normalize_newlines(text)
            elif kind == "keyword":
                kind = text
            elif kind == TOKEN_NAME:
                if not text.isidentifier():
                    raise TemplateSyntaxError("Invalid character in identifier", lineno, name, filename)
            elif kind == TOKEN_STRING:
                value = self._unquoted(text, lineno, name, filename)
            elif kind == TOKEN_INTEGER:
                value = int(text.replace("_", ""), 0)
            elif kind == TOKEN_FLOAT:
                value = literal_eval(text.replace("_", ""))
            elif kind == TOKEN_OPERATOR:
                kind = operators[text]
            yield Token(lineno, kind, value)

    def _unquoted(self, text: str, lineno: int, name: str | None, filename: str | None) -> str:
        """The value of a string literal."""
        try:
            body = self._normalize_newlines(text[1:-1])
            return body.encode("ascii", "backslashreplace").decode("unicode-escape")
        except Exception as error:
            message = str(error).split(":")[-1].strip()
            raise TemplateSyntaxError(message, lineno, name, filename) from error

    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> t.Iterator[tuple[int, str, str]]:
        """The raw tokens, blanks and comments with them: lines, kinds, texts.

        :param state: Where the source begins: `"variable"` or `"block"` for inside of such a tag.
        """
        lines = newline_re.split(source)[::2]
        if not self.keep_trailing_newline and lines[-1] == "":
            del lines[-1]
        return _Reading(self, "\n".join(lines), name, filename, state).tokens()


class _Reading:
    """One source that is being read."""

    def __init__(self, lexer: Lexer, source: str, name: str | None, filename: str | None, state: str | None) -> None:
        self.lexer = lexer
        self.source = source
        self.name = name
        self.filename = filename
        self.position = 0
        self.lineno = 1
        self.states = ["root"]
        if state is not None and state != "root":
            assert state in ("variable", "block"), "invalid state"
            self.states.append(f"{state}_begin")
        self.brackets: list[str] = []
        # Lines that went with blanks before a tag and still have to be counted.
        self.stripped_lines = 0
        self.line_starting = True

    def fail(self, message: str) -> t.NoReturn:
        raise TemplateSyntaxError(message, self.lineno, self.name, self.filename)

    def tokens(self) -> t.Iterator[tuple[int, str, str]]:
        ends = (TOKEN_VARIABLE_END, TOKEN_BLOCK_END, TOKEN_LINESTATEMENT_END)
        while True:
            for rule in self.lexer.rules[self.states[-1]]:
                # What ends a tag may be an operator while brackets are open.
                if self.brackets and rule.tokens in ends:
                    continue
                match = rule.pattern.match(self.source, self.position)
                if match is not None:
                    break
            else:
                if self.position < len(self.source):
                    self.fail(f"unexpected char {self.source[self.position]!r} at {self.position}")
                return
            if isinstance(rule.tokens, tuple):
                yield from self.groups(match, rule.tokens)
            else:
                yield from self.whole(match.group(), rule.tokens)
            self.line_starting = match.group()[-1:] == "\n"
            self.change(match, rule.command)
            if rule.command is None and match.end() == self.position:
                raise RuntimeError(f"{rule.pattern!r} yielded empty string without stack change")
            self.position = match.end()

    def whole(self, text: str, kind: str) -> t.Iterator[tuple[int, str, str]]:
        """A match that is one token."""
        if kind == TOKEN_OPERATOR:
            self.balance(text)
        if text or kind not in ignore_if_empty:
            yield self.lineno, kind, text
        self.lineno += text.count("\n")

    def balance(self, operator: str) -> None:
        if operator in _CLOSING:
            self.brackets.append(_CLOSING[operator])
        elif operator in _CLOSING.values():
            if not self.brackets:
                self.fail(f"unexpected '{operator}'")
            expected = self.brackets.pop()
            if operator != expected:
                self.fail(f"unexpected '{operator}', expected '{expected}'")

    def groups(self, match: re.Match[str], kinds: tuple[str | Failure, ...]) -> t.Iterator[tuple[int, str, str]]:
        """A match whose groups are tokens."""
        texts: t.Sequence[str] = match.groups()
        if isinstance(kinds, OptionalLStrip):
            texts = [self.strip(match, texts), *texts[1:]]
        for kind, text in zip(kinds, texts, strict=False):
            if isinstance(kind, Failure):
                kind(self.lineno, self.filename)
            elif kind == "#bygroup":
                name = _named_group(match)
                yield self.lineno, name, match[name]
                self.lineno += match[name].count("\n")
            else:
                if text or kind not in ignore_if_empty:
                    yield self.lineno, kind, text
                self.lineno += text.count("\n") + self.stripped_lines
                self.stripped_lines = 0

    def strip(self, match: re.Match[str], groups: t.Sequence[str]) -> str:
        """The text before a tag, without the blanks that the tag or the environment takes from it."""
        text = groups[0]
        # Behind the text: pairs of a tag and its sign; one of the signs took part in the match.
        sign = next(group for group in groups[2::2] if group is not None)
        if sign == "-":
            stripped = text.rstrip()
            self.stripped_lines = text.count("\n", len(stripped))
            return stripped
        wanted = sign != "+" and self.lexer.lstrip_blocks and not match.groupdict().get(TOKEN_VARIABLE_BEGIN)
        start = text.rfind("\n") + 1
        if wanted and (start > 0 or self.line_starting) and whitespace_re.fullmatch(text, start):
            return text[:start]
        return text

    def change(self, match: re.Match[str], command: str | None) -> None:
        if command == "#pop":
            self.states.pop()
        elif command == "#bygroup":
            self.states.append(_named_group(match))
        elif command is not None:
            self.states.append(command)


def _named_group(match: re.Match[str]) -> str:
    """The named group that took part in a match."""
    for name, text in match.groupdict().items():
        if text is not None:
            return name
    raise RuntimeError(f"{match.re!r} wanted to resolve the token dynamically but no group matched")


def _rules(environment: "Environment") -> dict[str, list[_Rule]]:
    """What may come next in each state, for an environment's delimiters."""

    def compiled(pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, re.M | re.S)

    block_start = re.escape(environment.block_start_string)
    block_end = re.escape(environment.block_end_string)
    variable_end = re.escape(environment.variable_end_string)
    comment_end = re.escape(environment.comment_end_string)
    trimmed = r"\n?" if environment.trim_blocks else ""

    raw_begin = rf"(?P<raw_begin>{block_start}(\-|\+|)\s*raw\s*(?:\-{block_end}\s*|{block_end}))"
    begins = "|".join([raw_begin, *(rf"(?P<{kind}>{text}(\-|\+|))" for kind, text in compile_rules(environment))])
    block_ends = rf"(?:\+{block_end}|\-{block_end}\s*|{block_end}{trimmed})"
    raw_end = rf"(.*?)((?:{block_start}(\-|\+|))\s*endraw\s*{block_ends})"
    comment_ends = rf"(.*?)((?:\+{comment_end}|\-{comment_end}\s*|{comment_end}{trimmed}))"

    inside = [
        _Rule(whitespace_re, TOKEN_WHITESPACE, None),
        _Rule(float_re, TOKEN_FLOAT, None),
        _Rule(integer_re, TOKEN_INTEGER, None),
        _Rule(name_re, TOKEN_NAME, None),
        _Rule(string_re, TOKEN_STRING, None),
        _Rule(operator_re, TOKEN_OPERATOR, None),
    ]
    line_comment = (TOKEN_LINECOMMENT, TOKEN_LINECOMMENT_END)
    variable_ends = compiled(rf"\-{variable_end}\s*|{variable_end}")
    return {
        "root": [
            _Rule(compiled(rf"(.*?)(?:{begins})"), OptionalLStrip(TOKEN_DATA, "#bygroup"), "#bygroup"),
            _Rule(compiled(".+"), TOKEN_DATA, None),
        ],
        TOKEN_COMMENT_BEGIN: [
            _Rule(compiled(comment_ends), (TOKEN_COMMENT, TOKEN_COMMENT_END), "#pop"),
            _Rule(compiled("(.)"), (Failure("Missing end of comment tag"),), None),
        ],
        TOKEN_BLOCK_BEGIN: [_Rule(compiled(block_ends), TOKEN_BLOCK_END, "#pop"), *inside],
        TOKEN_VARIABLE_BEGIN: [_Rule(variable_ends, TOKEN_VARIABLE_END, "#pop"), *inside],
        TOKEN_RAW_BEGIN: [
            _Rule(compiled(raw_end), OptionalLStrip(TOKEN_DATA, TOKEN_RAW_END), "#pop"),
            _Rule(compiled("(.)"), (Failure("Missing end of raw directive"),), None),
        ],
        TOKEN_LINESTATEMENT_BEGIN: [
            _Rule(compiled(r"\s*(\n|$)"), TOKEN_LINESTATEMENT_END, "#pop"),
            *inside,
        ],
        TOKEN_LINECOMMENT_BEGIN: [_Rule(compiled(r"(.*?)()(?=\n|$)"), line_comment, "#pop")],
    }
