"""Asynchronous renders: the coroutines and generators that drive a machine which waits.

A machine stops when something it got must be awaited. `run` says why it stopped; `take` hands out what it stopped with;
`answer` and `fail` give back what came of it. No event loop is known here: bare coroutines run under any.
"""

import typing as t

if t.TYPE_CHECKING:
    from .environment import Template
    from .runtime import Context

DONE, PART, WAITS = 0, 1, 2
"""Why a machine stopped: it is over, a part of the text is complete, something has to be awaited."""


class Machine(t.Protocol):
    """A machine that may wait."""

    def run(self, whole: bool) -> int:
        """Runs until there is a reason to stop; the end of a part is none for the `whole`."""

    def take(self) -> t.Any:
        """The part, what has to be awaited, or at the end the result."""

    def answer(self, value: t.Any) -> None:
        """What was awaited has come to this."""

    def fail(self, error: BaseException) -> None:
        """What was awaited has raised this."""


async def serve(machine: Machine) -> None:
    """Awaits what a machine waits for."""
    try:
        value = await machine.take()
    except BaseException as error:
        # Whatever it is, it goes through the template: the end of an iteration is one, a cancellation unwinds it.
        machine.fail(error)
    else:
        machine.answer(value)


async def finish(machine: Machine) -> t.Any:
    """Runs a machine to its end: the result."""
    while machine.run(True) != DONE:
        await serve(machine)
    return machine.take()


async def resume(machine: Machine) -> t.Any:
    """As :func:`finish`, for a machine that waits already."""
    await serve(machine)
    return await finish(machine)


def async_generator(template: "Template", block: str | None) -> "t.Callable[[Context], t.AsyncIterator[t.Any]]":
    """The function of a template of an asynchronous environment, or of one of its blocks."""

    async def root(context: "Context") -> t.AsyncIterator[t.Any]:
        machine: Machine = template._start(context, block)
        while reason := machine.run(False):
            if reason == PART:
                yield machine.take()
            else:
                await serve(machine)

    return root
