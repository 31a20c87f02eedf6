"""Tracebacks that show templates: their files, their lines, their variables.

The machine has no Python frames. Where an exception leaves it, each template's place becomes one: a line of Python code
with the template's file name and line number raises the exception. Debuggers and reports then find the template's text.
"""

import sys
import typing as t
from types import CodeType, TracebackType

from .exceptions import TemplateSyntaxError
from .utils import internal_code, missing

if t.TYPE_CHECKING:
    from .runtime import Context


def rewrite_traceback_stack(source: str | None = None) -> BaseException:
    """The exception that is being handled, with a traceback of templates and user code, without the engine's frames.

    :param source: The template's source, for a syntax error without a file.
    """
    _, exc_value, tb = sys.exc_info()
    exc_value = t.cast(BaseException, exc_value)
    if isinstance(exc_value, TemplateSyntaxError) and not exc_value.translated:
        exc_value.translated = True
        exc_value.source = source
        # The parser's frames say nothing about the template.
        exc_value.with_traceback(None)
        tb = fake_traceback(exc_value, None, exc_value.filename or "<unknown>", exc_value.lineno)
    elif tb is not None:
        # The frame that called the template; it raises again.
        tb = tb.tb_next

    kept: list[TracebackType] = []
    while tb is not None:
        frame = tb.tb_frame
        if frame.f_code not in internal_code:
            template = frame.f_globals.get("__jinja_template__")
            if template is not None:
                line = template.get_corresponding_lineno(tb.tb_lineno)
                kept.append(fake_traceback(exc_value, tb, template.filename, line))
            else:
                kept.append(tb)
        tb = tb.tb_next

    after: TracebackType | None = None
    for tb in reversed(kept):
        tb.tb_next = after
        after = tb
    return exc_value.with_traceback(after)


def fake_traceback(exc_value: BaseException, tb: TracebackType | None, filename: str, lineno: int) -> TracebackType:
    """A traceback of one frame at a template's line; `tb` is that of the Python code that ran it, if any did."""
    variables: dict[str, t.Any] = {}
    location = "template"
    if tb is not None:
        variables = get_template_locals(tb.tb_frame.f_locals)
        variables.pop("__jinja_exception__", None)
        function = tb.tb_frame.f_code.co_name
        if function == "root":
            location = "top-level template code"
        elif function.startswith("block_"):
            location = f"block {function[6:]!r}"
    return _traceback_at(exc_value, filename, lineno, location, variables)


def _raising(filename: str, lineno: int, location: str) -> CodeType:
    """Code that raises at a line of a file."""
    code = compile("\n" * (lineno - 1) + "raise __jinja_exception__", filename, "exec")
    return code.replace(co_name=location)


def _traceback_at(
    exc_value: BaseException, filename: str, lineno: int, location: str, variables: dict[str, t.Any]
) -> TracebackType:
    namespace = {"__name__": filename, "__file__": filename, "__jinja_exception__": exc_value}
    try:
        exec(_raising(filename, lineno, location), namespace, variables)
    except BaseException as error:
        found = error.__traceback__
        assert found is not None and found.tb_next is not None, "the code above raises"
        return found.tb_next
    raise AssertionError("the code above raises")


def get_template_locals(real_locals: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The variables that a template sees, from those of the Python code that runs it.

    `context` is the context; `l_DEPTH_NAME` is a variable, and the deepest one hides the others.
    """
    context: Context | None = real_locals.get("context")
    data: dict[str, t.Any] = {} if context is None else context.get_all().copy()
    deepest: dict[str, tuple[int, t.Any]] = {}
    for local, value in real_locals.items():
        if not local.startswith("l_") or value is missing:
            continue
        try:
            _, digits, name = local.split("_", 2)
            depth = int(digits)
        except ValueError:
            continue
        if deepest.get(name, (-1,))[0] < depth:
            deepest[name] = depth, value
    data.update((name, value) for name, (_, value) in deepest.items())
    return data
