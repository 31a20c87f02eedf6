"""Frames of templates for tracebacks: what the machine calls when an exception leaves it."""

import functools
import sys
from types import CodeType, TracebackType


class _Marker(Exception):
    """Raised where a frame is wanted, and caught at once."""


@functools.lru_cache(maxsize=256)
def _raising(filename: str, line: int, what: str) -> CodeType:
    code = compile("\n" * (line - 1) + "raise __haiden_marker__", filename, "exec")
    return code.replace(co_name=what, co_qualname=what) if sys.version_info >= (3, 11) else code.replace(co_name=what)


def _frame(code: CodeType, namespace: dict[str, object], variables: dict[str, object]) -> TracebackType:
    """The traceback of code that raises the marker. No variable here outlives the call: that would be a ring."""
    try:
        exec(code, namespace, variables)
    except _Marker as marker:
        found = marker.__traceback__
        marker.__traceback__ = None
        try:
            assert found is not None and found.tb_next is not None, "the code has a frame of its own"
            return found.tb_next
        finally:
            del found
    raise AssertionError("the code raises")


def with_frames(
    traceback: TracebackType | None, frames: list[tuple[str, int, str, dict[str, object]]]
) -> TracebackType | None:
    """The traceback with frames in front of it: file, line, what runs there, variables; the innermost frame first."""
    for filename, line, what, variables in frames:
        line = max(line, 1)
        namespace = {"__name__": filename, "__file__": filename, "__haiden_marker__": _Marker()}
        found = _frame(_raising(filename, line, what), namespace, variables)
        traceback = TracebackType(traceback, found.tb_frame, found.tb_lasti, line)
        del found, variables
    try:
        return traceback
    finally:
        del traceback
