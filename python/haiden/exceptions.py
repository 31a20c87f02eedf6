"""The exceptions: Jinja2's classes, messages and attributes.

TemplateError
├── TemplateNotFound (also an OSError and a LookupError)
│   └── TemplatesNotFound
├── TemplateSyntaxError
│   └── TemplateAssertionError
└── TemplateRuntimeError
    ├── UndefinedError
    ├── SecurityError
    └── FilterArgumentError
"""

import typing as t

if t.TYPE_CHECKING:
    from .runtime import Undefined


class TemplateError(Exception):
    """The base of all template errors."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message)

    @property
    def message(self) -> str | None:
        """What went wrong."""
        return self.args[0] if self.args else None


class TemplateNotFound(OSError, LookupError, TemplateError):
    """A template does not exist.

    A `name` that is undefined raises what it raises when it is used, unless there is a `message`.

    >>> str(TemplateNotFound("page.html"))
    'page.html'
    """

    message: str | None = None

    def __init__(self, name: "str | Undefined | None", message: str | None = None) -> None:
        OSError.__init__(self, name)
        if message is None:
            from .runtime import Undefined

            if isinstance(name, Undefined):
                name._fail_with_undefined_error()
            message = name
        self.message = message
        self.name = name
        self.templates: list[t.Any] = [name]

    def __str__(self) -> str:
        return str(self.message)


class TemplatesNotFound(TemplateNotFound):
    """None of several templates exists.

    >>> str(TemplatesNotFound(["a.html", "b.html"]))
    'none of the templates given were found: a.html, b.html'
    """

    def __init__(self, names: "t.Sequence[str | Undefined]" = (), message: str | None = None) -> None:
        if message is None:
            from .runtime import Undefined

            tried = (name._undefined_message if isinstance(name, Undefined) else str(name) for name in names)
            message = f"none of the templates given were found: {', '.join(tried)}"
        super().__init__(names[-1] if names else None, message)
        self.templates = list(names)


class TemplateSyntaxError(TemplateError):
    """There is a problem with a template's source.

    >>> print(TemplateSyntaxError("unexpected end", 3, filename="page.html"))
    unexpected end
      File "page.html", line 3
    """

    def __init__(self, message: str, lineno: int, name: str | None = None, filename: str | None = None) -> None:
        super().__init__(message)
        self.lineno = lineno
        self.name = name
        self.filename = filename
        self.source: str | None = None
        # Set once the traceback shows the template's line: then the text need not.
        self.translated = False

    def __str__(self) -> str:
        if self.translated:
            return t.cast(str, self.message)
        place = f"line {self.lineno}"
        file = self.filename or self.name
        if file:
            place = f'File "{file}", {place}'
        text = f"{self.message}\n  {place}"
        if self.source is not None:
            lines = self.source.splitlines()
            # As a sequence counts: line 0 is the last one.
            if -len(lines) < self.lineno <= len(lines):
                text += f"\n    {lines[self.lineno - 1].strip()}"
        return text

    def __reduce__(self) -> tuple[t.Any, ...]:
        # The default would call the class with the message alone.
        return type(self), (self.message, self.lineno, self.name, self.filename)


class TemplateAssertionError(TemplateSyntaxError):
    """The source is well formed, but means nothing: an unknown filter, say."""


class TemplateRuntimeError(TemplateError):
    """Something went wrong while a template ran."""


class UndefinedError(TemplateRuntimeError):
    """A template operated on an undefined value."""


class SecurityError(TemplateRuntimeError):
    """A template tried what its sandbox forbids."""


class LimitError(TemplateRuntimeError):
    """A render has used up what its environment's `render_limits` allow. Jinja2 has no such exception."""


class FilterArgumentError(TemplateRuntimeError):
    """A filter was called with arguments it cannot work with."""
