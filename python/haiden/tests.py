"""The tests of templates: what may stand behind `is`."""

import operator
import typing as t
from collections import abc

from .runtime import Undefined
from .utils import pass_environment

if t.TYPE_CHECKING:
    from .environment import Environment


def test_odd(value: int) -> bool:
    """The number is odd."""
    return value % 2 == 1


def test_even(value: int) -> bool:
    """The number is even."""
    return value % 2 == 0


def test_divisibleby(value: int, num: int) -> bool:
    """The number is a multiple of `num`."""
    return value % num == 0


def test_defined(value: t.Any) -> bool:
    """There is a value.

    .. code-block:: jinja

        {% if user is defined %}Hello {{ user }}{% endif %}
    """
    return not isinstance(value, Undefined)


def test_undefined(value: t.Any) -> bool:
    """There is no value."""
    return isinstance(value, Undefined)


@pass_environment
def test_filter(env: "Environment", value: str) -> bool:
    """The environment has a filter of that name: `{% if "markdown" is filter %}`."""
    return value in env.filters


@pass_environment
def test_test(env: "Environment", value: str) -> bool:
    """The environment has a test of that name."""
    return value in env.tests


def test_none(value: t.Any) -> bool:
    """The value is `None`."""
    return value is None


def test_boolean(value: t.Any) -> bool:
    """The value is `True` or `False`."""
    return value is True or value is False


def test_false(value: t.Any) -> bool:
    """The value is `False` itself."""
    return value is False


def test_true(value: t.Any) -> bool:
    """The value is `True` itself."""
    return value is True


def test_integer(value: t.Any) -> bool:
    """The value is an integer and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def test_float(value: t.Any) -> bool:
    """The value is a float."""
    return isinstance(value, float)


def test_lower(value: str) -> bool:
    """All letters are lower case."""
    return str(value).islower()


def test_upper(value: str) -> bool:
    """All letters are upper case."""
    return str(value).isupper()


def test_string(value: t.Any) -> bool:
    """The value is text."""
    return isinstance(value, str)


def test_mapping(value: t.Any) -> bool:
    """The value is a mapping: a dict, for instance."""
    return isinstance(value, abc.Mapping)


def test_number(value: t.Any) -> bool:
    """The value is a number of any kind; booleans are."""
    from numbers import Number

    return isinstance(value, Number)


def test_sequence(value: t.Any) -> bool:
    """The value has a length and items."""
    try:
        len(value)
        value.__getitem__  # noqa: B018
    except Exception:
        return False
    return True


def test_sameas(value: t.Any, other: t.Any) -> bool:
    """The values are one object."""
    return value is other


def test_iterable(value: t.Any) -> bool:
    """A loop can go through the value."""
    try:
        iter(value)
    except TypeError:
        return False
    return True


def test_escaped(value: t.Any) -> bool:
    """The value needs no escape."""
    return hasattr(value, "__html__")


def test_in(value: t.Any, seq: t.Container[t.Any]) -> bool:
    """The value is in the other one."""
    return value in seq


TESTS: dict[str, t.Callable[..., t.Any]] = {
    "odd": test_odd,
    "even": test_even,
    "divisibleby": test_divisibleby,
    "defined": test_defined,
    "undefined": test_undefined,
    "filter": test_filter,
    "test": test_test,
    "none": test_none,
    "boolean": test_boolean,
    "false": test_false,
    "true": test_true,
    "integer": test_integer,
    "float": test_float,
    "lower": test_lower,
    "upper": test_upper,
    "string": test_string,
    "mapping": test_mapping,
    "number": test_number,
    "sequence": test_sequence,
    "iterable": test_iterable,
    "callable": callable,
    "sameas": test_sameas,
    "escaped": test_escaped,
    "in": test_in,
    "==": operator.eq,
    "eq": operator.eq,
    "equalto": operator.eq,
    "!=": operator.ne,
    "ne": operator.ne,
    ">": operator.gt,
    "gt": operator.gt,
    "greaterthan": operator.gt,
    "ge": operator.ge,
    ">=": operator.ge,
    "<": operator.lt,
    "lt": operator.lt,
    "lessthan": operator.lt,
    "<=": operator.le,
    "le": operator.le,
}


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
