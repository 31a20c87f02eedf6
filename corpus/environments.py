"""The environments that recorded and random cases ask for (``docs/conformance.md``).

In: a package (`jinja2`, or `haiden` in its place) and a case. Out: its environment. Invariant: what Jinja2 is recorded with and what
haiden is judged by is made here, once.
"""

import importlib
import traceback
import types
import typing as t


def line_of(error: BaseException) -> int | None:
    """The line of the innermost template in which an error was raised."""
    line: int | None = getattr(error, "lineno", None)
    if line is not None:
        return line
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return lines[-1] if lines else None


def translations(messages: dict[str, str]) -> dict[str, t.Callable[..., str]]:
    """`gettext`, `ngettext`, `pgettext` and `npgettext` over messages by text, or by `context|text`."""

    def gettext(message: str) -> str:
        return messages.get(message, message)

    def ngettext(singular: str, plural: str, n: int) -> str:
        return gettext(singular if n == 1 else plural)

    def pgettext(context: str, message: str) -> str:
        return messages.get(f"{context}|{message}", message)

    def npgettext(context: str, singular: str, plural: str, n: int) -> str:
        return pgettext(context, singular if n == 1 else plural)

    return {"gettext": gettext, "ngettext": ngettext, "pgettext": pgettext, "npgettext": npgettext}


def environment(package: types.ModuleType, case: dict[str, t.Any], **more: t.Any) -> t.Any:
    """The environment of a case; `more`: further arguments."""
    options = dict(case.get("options", {}))
    if "undefined" in options:
        options["undefined"] = getattr(package, options["undefined"])
    autoescape = options.get("autoescape")
    if isinstance(autoescape, dict):
        options["autoescape"] = package.select_autoescape(**autoescape["$select_autoescape"])
    name = case.get("environment", "Environment")
    module = "nativetypes" if "Native" in name else "sandbox" if "Sandbox" in name else "environment"
    make = getattr(importlib.import_module(f"{package.__name__}.{module}"), name)
    made = make(loader=package.DictLoader(case.get("templates", {})), **options, **more)
    made.policies.update(case.get("policies", {}))
    setup = case.get("setup", {})
    if "install_null_translations" in setup:
        made.install_null_translations(**setup["install_null_translations"])
    elif "messages" in setup:
        made.install_gettext_callables(**translations(setup["messages"]), newstyle=setup.get("newstyle"))
    elif "gettext" in setup:
        made.install_gettext_callables(setup["gettext"].get, setup["gettext"].get, setup.get("newstyle"))
    return made
