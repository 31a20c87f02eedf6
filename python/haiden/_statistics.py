"""How templates were rendered in this process."""

import typing as t

from . import _native

_other = 0


class Statistics(t.NamedTuple):
    """Renders, by what ran them."""

    machine: int
    """The machine: all templates of haiden's own compiler."""
    other: int
    """Functions that a code generator of the user's wrote."""


def statistics() -> Statistics:
    """How many renders there were in this process, by what ran them."""
    return Statistics(_native.renders(), _other)


def count_other() -> None:
    """A template ran that some other code generator has made."""
    global _other
    _other += 1
