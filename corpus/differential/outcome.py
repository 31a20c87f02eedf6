"""What a Jinja2 makes of a case: `jinja2` itself, or `haiden` in its place.

In: a case (``docs/conformance.md``) with a typed context. Out: ``{"page": …}``, or ``{"error": class, "message": …, "line": …}`` with
the line of the innermost template, if there is one. Invariant: whatever a template does is an outcome.
"""

import pathlib
import re
import signal
import sys
import types
import typing as t

from values import decode

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from environments import environment, line_of  # noqa: E402

Case = dict[str, t.Any]
Outcome = dict[str, t.Any]

# Seconds that a case may take; such a case is no case.
PATIENCE = 5


class TooLongError(BaseException):
    """The case takes too long."""


def _ring(*_: object) -> None:
    raise TooLongError


def plain(text: str) -> str:
    """A text without what differs from run to run and from package to package: addresses, and where classes are from."""
    return re.sub(r" at 0x[0-9a-f]+", "", text.replace("haiden.", "jinja2.").replace("HAIDEN.", "JINJA2."), flags=re.IGNORECASE)


def outcome(package: types.ModuleType, case: Case) -> Outcome:
    """What a case makes."""
    context = {name: decode(value) for name, value in case["typed_context"].items()}
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(PATIENCE)
    try:
        page = environment(package, case).from_string(case["template"]).render(context)
        return {"page": plain(page if isinstance(page, str) else f"value {page!r}")}
    except TooLongError:
        return {"error": "too long", "message": "", "line": None}
    except Exception as error:  # noqa: BLE001 - whatever it raises is compared
        message = str(getattr(error, "message", None) or error)
        return {"error": type(error).__name__, "message": plain(message), "line": line_of(error)}
    finally:
        signal.alarm(0)
