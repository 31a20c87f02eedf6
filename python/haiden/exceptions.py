"""The exceptions, named as Jinja2's."""


class TemplateError(Exception):
    """The base of all template errors."""

    def __init__(self, message=None):
        super().__init__(message)

    @property
    def message(self):
        return self.args[0] if self.args else None


class TemplateNotFound(IOError, LookupError, TemplateError):
    """A template does not exist."""

    message = None

    def __init__(self, name, message=None):
        IOError.__init__(self, name)
        if message is None:
            message = name
        self.message = message
        self.name = name
        self.templates = [name]

    def __str__(self):
        return str(self.message)


class TemplatesNotFound(TemplateNotFound):
    """None of several templates exists."""

    def __init__(self, names=(), message=None):
        names = list(names)
        if message is None:
            shown = ", ".join(getattr(name, "_undefined_message", name) for name in names)
            message = f"none of the templates given were found: {shown}"
        super().__init__(names[-1] if names else None, message)
        self.templates = names


class TemplateSyntaxError(TemplateError):
    """There is a problem with the template's source."""

    def __init__(self, message, lineno, name=None, filename=None):
        super().__init__(message)
        self.lineno = lineno
        self.name = name
        self.filename = filename
        self.source = None

    def __str__(self):
        place = f"line {self.lineno}"
        if self.filename or self.name:
            place = f'File "{self.filename or self.name}", {place}'
        return f"{self.message}\n  {place}"

    def __reduce__(self):
        return self.__class__, (self.message, self.lineno, self.name, self.filename)


class TemplateAssertionError(TemplateSyntaxError):
    """The source is well formed, but it means nothing (an unknown filter, say)."""


class TemplateRuntimeError(TemplateError):
    """Something went wrong while a template ran."""


class UndefinedError(TemplateRuntimeError):
    """A template operated on an undefined value."""


class SecurityError(TemplateRuntimeError):
    """A template tried something that the sandbox forbids."""


class FilterArgumentError(TemplateRuntimeError):
    """A filter was called with arguments it cannot work with."""
