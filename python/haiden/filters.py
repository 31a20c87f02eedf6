"""The filters of templates, as functions: what `environment.filters` holds.

A stock filter on exact types runs inside the machine; these functions define what it does, serve all other values, and
are what extensions call. Those that go through an iterable have an asynchronous form as well (`sync_do_x`, `do_x`).
"""

import math
import typing as t
from collections import abc
from itertools import chain, groupby

from markupsafe import Markup, escape, soft_str

from .async_utils import async_variant, auto_aiter, auto_await, auto_to_list
from .exceptions import FilterArgumentError
from .runtime import Undefined
from .utils import (
    htmlsafe_json_dumps,
    pass_context,
    pass_environment,
    pass_eval_context,
    pformat,
    url_quote,
    urlize,
)

if t.TYPE_CHECKING:
    import re

    from .environment import Environment
    from .nodes import EvalContext
    from .runtime import Context

    class HasHTML(t.Protocol):
        """A value that knows its own markup."""

        def __html__(self) -> str: ...


F = t.TypeVar("F", bound=t.Callable[..., t.Any])
K = t.TypeVar("K")
V = t.TypeVar("V")
Getter = t.Callable[[t.Any], t.Any]
EitherIterable: t.TypeAlias = t.AsyncIterable[V] | t.Iterable[V]


def _matcher(pattern: str, flags: int = 0) -> "re.Pattern[str]":
    """A pattern, compiled when it is first needed (`re` keeps it)."""
    import re

    return re.compile(pattern, flags)


def _shown_as(name: str) -> t.Callable[[F], F]:
    """Gives a generator function another name: what its generators are shown as."""

    def rename(function: F) -> F:
        function.__name__ = function.__qualname__ = name
        return function

    return rename


# Attributes of items


def ignore_case(value: V) -> V:
    """Text in lower case, anything else as it is: the key of comparisons that ignore case."""
    return t.cast(V, value.lower()) if isinstance(value, str) else value


def _prepare_attribute_parts(attr: str | int | None) -> list[str | int]:
    """The steps of `user.address.0`; those of digits are indices."""
    if attr is None:
        return []
    if not isinstance(attr, str):
        return [attr]
    return [int(step) if step.isdigit() else step for step in attr.split(".")]


def make_attrgetter(
    environment: "Environment",
    attribute: str | int | None,
    postprocess: Getter | None = None,
    default: t.Any = None,
) -> Getter:
    """A function from an item to what is at a dotted `attribute` of it, by the environment's rules.

    A step that finds nothing goes on with `default`, if there is one; `postprocess` sees the outcome.
    """
    steps = _prepare_attribute_parts(attribute)

    def attrgetter(item: t.Any) -> t.Any:
        for step in steps:
            item = environment.getitem(item, step)
            if default is not None and isinstance(item, Undefined):
                item = default
        return item if postprocess is None else postprocess(item)

    return attrgetter


def make_multi_attrgetter(
    environment: "Environment", attribute: str | int | None, postprocess: Getter | None = None
) -> t.Callable[[t.Any], list[t.Any]]:
    """A function from an item to what is at each of several attributes, which commas separate."""
    names: t.Sequence[str | int | None] = attribute.split(",") if isinstance(attribute, str) else [attribute]
    getters = [make_attrgetter(environment, name, postprocess) for name in names]

    def attrgetter(item: t.Any) -> list[t.Any]:
        return [getter(item) for getter in getters]

    return attrgetter


def _key(
    environment: "Environment", attribute: str | int | None, case_sensitive: bool, default: t.Any = None
) -> Getter:
    """The key by which filters compare items."""
    return make_attrgetter(environment, attribute, None if case_sensitive else ignore_case, default)


# Text


def do_forceescape(value: "str | HasHTML") -> Markup:
    """Escapes, even what is markup already."""
    if hasattr(value, "__html__"):
        value = value.__html__()
    return escape(str(value))


def do_urlencode(value: str | t.Mapping[str, t.Any] | t.Iterable[tuple[str, t.Any]]) -> str:
    """Quotes text for an address; a mapping, or pairs, for a query string.

    >>> do_urlencode("a b/c"), do_urlencode({"q": "a b/c", "n": 1})
    ('a%20b/c', 'q=a+b%2Fc&n=1')
    """
    if isinstance(value, str) or not isinstance(value, abc.Iterable):
        return url_quote(value)
    pairs = t.cast("t.Iterable[tuple[str, t.Any]]", value.items() if isinstance(value, dict) else value)
    return "&".join(f"{url_quote(key, for_qs=True)}={url_quote(item, for_qs=True)}" for key, item in pairs)


@pass_eval_context
def do_replace(eval_ctx: "EvalContext", s: str, old: str, new: str, count: int | None = None) -> str:
    """Replaces `old` by `new`: each time it occurs, or the first `count` times."""
    times = -1 if count is None else count
    if not eval_ctx.autoescape:
        return str(s).replace(str(old), str(new), times)
    marked_up = hasattr(old, "__html__") or (hasattr(new, "__html__") and not hasattr(s, "__html__"))
    text = escape(s) if marked_up else soft_str(s)
    return text.replace(soft_str(old), soft_str(new), times)


def do_upper(s: str) -> str:
    """In upper case."""
    return soft_str(s).upper()


def do_lower(s: str) -> str:
    """In lower case."""
    return soft_str(s).lower()


def do_capitalize(s: str) -> str:
    """The first character in upper case, the others in lower case."""
    return soft_str(s).capitalize()


def do_title(s: str) -> str:
    """Each word's first letter in upper case, the others in lower case.

    >>> do_title("it's a (small) world")
    "It's A (Small) World"
    """
    parts = _matcher(r"([-\s({\[<]+)").split(soft_str(s))
    return "".join(part[0].upper() + part[1:].lower() for part in parts if part)


def do_items(value: t.Mapping[K, V] | Undefined) -> t.Iterator[tuple[K, V]]:
    """The pairs of a mapping; none of an undefined one."""
    if isinstance(value, Undefined):
        return
    if not isinstance(value, abc.Mapping):
        raise TypeError("Can only get item pairs from a mapping.")
    yield from value.items()


@pass_eval_context
def do_xmlattr(eval_ctx: "EvalContext", d: t.Mapping[str, t.Any], autospace: bool = True) -> str:
    """The attributes of an element, with a blank before them unless `autospace` is false.

    Attributes that are `None` or undefined are left out. A name with a blank, `/`, `>` or `=` is an error; still,
    names must not come from users.
    """
    import re

    forbidden = _matcher(r"[\s/>=]", re.ASCII)
    parts = []
    for name, value in d.items():
        if value is None or isinstance(value, Undefined):
            continue
        if forbidden.search(name) is not None:
            raise ValueError(f"Invalid character in attribute name: {name!r}")
        parts.append(f'{escape(name)}="{escape(value)}"')
    text = " ".join(parts)
    if autospace and text:
        text = " " + text
    return Markup(text) if eval_ctx.autoescape else text


def do_center(value: str, width: int = 80) -> str:
    """In the middle of a line of that width."""
    return soft_str(value).center(width)


def do_filesizeformat(value: str | float | int, binary: bool = False) -> str:
    """A number of bytes for people: in steps of 1000, or of 1024 if `binary`.

    >>> do_filesizeformat(1_500_000), do_filesizeformat(1 << 20, binary=True)
    ('1.5 MB', '1.0 MiB')
    """
    size = float(value)
    base = 1024 if binary else 1000
    if size == 1:
        return "1 Byte"
    if size < base:
        return f"{int(size)} Bytes"
    letters = "kMGTPEZY"
    power = 2
    while power <= len(letters) and not size < base**power:
        power += 1
    power = min(power, len(letters) + 1)
    letter = letters[power - 2]
    suffix = f"{letter.upper()}iB" if binary else f"{letter}B"
    return f"{base * size / base**power:.1f} {suffix}"


def do_pprint(value: t.Any) -> str:
    """As `pprint` shows it."""
    return pformat(value)


@pass_eval_context
def do_urlize(
    eval_ctx: "EvalContext",
    value: str,
    trim_url_limit: int | None = None,
    nofollow: bool = False,
    target: str | None = None,
    rel: str | None = None,
    extra_schemes: t.Iterable[str] | None = None,
) -> str:
    """Text with its addresses as links; see :func:`haiden.utils.urlize`.

    The policies `urlize.rel`, `urlize.target` and `urlize.extra_schemes` say what holds unless an argument does.
    """
    policies = eval_ctx.environment.policies
    relations = {*(rel or "").split(), *(policies["urlize.rel"] or "").split()}
    if nofollow:
        relations.add("nofollow")
    if target is None:
        target = policies["urlize.target"]
    if extra_schemes is None:
        extra_schemes = policies["urlize.extra_schemes"] or ()
    for scheme in extra_schemes:
        if _matcher(r"^([\w.+-]{2,}:(/){0,2})$").fullmatch(scheme) is None:
            raise FilterArgumentError(f"{scheme!r} is not a valid URI scheme prefix.")
    text = urlize(
        value,
        trim_url_limit=trim_url_limit,
        rel=" ".join(sorted(relations)) or None,
        target=target,
        extra_schemes=extra_schemes,
    )
    return Markup(text) if eval_ctx.autoescape else text


def do_indent(s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    """Indents the lines by `width` blanks, or by that text; the first one and blank ones only if asked.

    >>> do_indent("a\\nb", 2)
    'a\\n  b'
    """
    indention = width if isinstance(width, str) else " " * width
    newline = "\n"
    if isinstance(s, Markup):
        indention, newline = Markup(indention), Markup(newline)
    s += newline
    if blank:
        text = (newline + indention).join(s.splitlines())
    else:
        lines = s.splitlines()
        text = lines.pop(0)
        if lines:
            text += newline + newline.join(indention + line if line else line for line in lines)
    return indention + text if first else text


@pass_environment
def do_truncate(
    env: "Environment", s: str, length: int = 255, killwords: bool = False, end: str = "...", leeway: int | None = None
) -> str:
    """The first `length` characters, `end` included; the last word stays whole unless `killwords`.

    Text that is longer by no more than `leeway` (the policy `truncate.leeway`) stays as it is.
    """
    if leeway is None:
        leeway = env.policies["truncate.leeway"]
    if not length >= len(end):
        raise AssertionError(f"expected length >= {len(end)}, got {length}")
    if not leeway >= 0:
        raise AssertionError(f"expected leeway >= 0, got {leeway}")
    if len(s) <= length + leeway:
        return s
    if killwords:
        return s[: length - len(end)] + end
    return s[: length - len(end)].rsplit(" ", 1)[0] + end


@pass_environment
def do_wordwrap(
    environment: "Environment",
    s: str,
    width: int = 79,
    break_long_words: bool = True,
    wrapstring: str | None = None,
    break_on_hyphens: bool = True,
) -> str:
    """Breaks lines that are wider than `width`; lines that are there stay apart.

    `wrapstring` joins the lines: the environment's end of line unless given.
    """
    from textwrap import TextWrapper

    if wrapstring is None:
        wrapstring = environment.newline_sequence
    wrapper = TextWrapper(
        width=width,
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=break_long_words,
        break_on_hyphens=break_on_hyphens,
    )
    return wrapstring.join([wrapstring.join(wrapper.wrap(line)) for line in s.splitlines()])


def do_wordcount(s: str) -> int:
    """How many words there are."""
    return len(_matcher(r"\w+").findall(soft_str(s)))


def do_format(value: str, *args: t.Any, **kwargs: t.Any) -> str:
    """`value % arguments`.

    >>> do_format("%s, %s!", "Hello", "World")
    'Hello, World!'
    """
    if args and kwargs:
        raise FilterArgumentError("can't handle positional and keyword arguments at the same time")
    return soft_str(value) % (kwargs or args)


def do_trim(value: str, chars: str | None = None) -> str:
    """Without whitespace, or those characters, at both ends."""
    return soft_str(value).strip(chars)


def do_striptags(value: "str | HasHTML") -> str:
    """Without tags and comments, each run of whitespace one blank."""
    if hasattr(value, "__html__"):
        value = value.__html__()
    return Markup(str(value)).striptags()


def do_mark_safe(value: str) -> Markup:
    """Markup: will not be escaped."""
    return Markup(value)


def do_mark_unsafe(value: str) -> str:
    """Text: will be escaped."""
    return str(value)


@pass_eval_context
def do_tojson(eval_ctx: "EvalContext", value: t.Any, indent: int | None = None) -> Markup:
    """JSON that may stand in HTML; see :func:`haiden.utils.htmlsafe_json_dumps`.

    The policies `json.dumps_function` and `json.dumps_kwargs` say who writes it, and how.
    """
    policies = eval_ctx.environment.policies
    kwargs = policies["json.dumps_kwargs"]
    if indent is not None:
        kwargs = {**kwargs, "indent": indent}
    return htmlsafe_json_dumps(value, dumps=policies["json.dumps_function"], **kwargs)


# Numbers


def do_int(value: t.Any, default: int = 0, base: int = 10) -> int:
    """An integer, or `default` for what is none; text is read in that base.

    >>> do_int("42"), do_int("4.2"), do_int("x", -1), do_int("0x1f", 0, 16)
    (42, 4, -1, 31)
    """
    try:
        return int(value, base) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        pass
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return default


def do_float(value: t.Any, default: float = 0.0) -> float:
    """A float, or `default` for what is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def do_round(value: float, precision: int = 0, method: 't.Literal["common", "ceil", "floor"]' = "common") -> float:
    """Rounds to that many digits: `common` is as Python does it, `ceil` is up, `floor` is down.

    >>> do_round(42.55), do_round(42.55, 1, "floor")
    (43.0, 42.5)
    """
    if method not in {"common", "ceil", "floor"}:
        raise FilterArgumentError("method must be common, ceil or floor")
    if method == "common":
        return round(value, precision)
    towards = math.ceil if method == "ceil" else math.floor
    scale = 10**precision
    return t.cast(float, towards(value * scale) / scale)


# Any value


def do_default(value: V, default_value: V = "", boolean: bool = False) -> V:  # type: ignore[assignment]
    """The default for a value that is undefined; for any false one, if `boolean`."""
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


@pass_environment
def do_attr(environment: "Environment", obj: t.Any, name: str) -> t.Any:
    """The attribute of that name, never the item."""
    from inspect import getattr_static

    # Asked first, because the environment would go on to the item.
    try:
        getattr_static(obj, name)
    except AttributeError:
        # It may still come from `__getattr__`.
        if not hasattr(obj, name):
            return environment.undefined(obj=obj, name=name)
    return environment.getattr(obj, name)


# Order and choice


def do_dictsort(
    value: t.Mapping[K, V],
    case_sensitive: bool = False,
    by: 't.Literal["key", "value"]' = "key",
    reverse: bool = False,
) -> list[tuple[K, V]]:
    """The pairs of a mapping in order of their keys, or of their values."""
    if by not in ("key", "value"):
        raise FilterArgumentError('You can only sort by either "key" or "value"')
    position = 0 if by == "key" else 1

    def sort_func(pair: tuple[t.Any, t.Any]) -> t.Any:
        return pair[position] if case_sensitive else ignore_case(pair[position])

    return sorted(value.items(), key=sort_func, reverse=reverse)


@pass_environment
def do_sort(
    environment: "Environment",
    value: "t.Iterable[V]",
    reverse: bool = False,
    case_sensitive: bool = False,
    attribute: str | int | None = None,
) -> list[V]:
    """The items in order: their own, or that of an attribute, or of several that commas separate."""
    key = make_multi_attrgetter(environment, attribute, None if case_sensitive else ignore_case)
    return sorted(value, key=key, reverse=reverse)


@pass_environment
def sync_do_unique(
    environment: "Environment",
    value: "t.Iterable[V]",
    case_sensitive: bool = False,
    attribute: str | int | None = None,
) -> t.Iterator[V]:
    """Each item the first time it comes; equal is what is equal by the attribute."""
    return _distinct(value, _key(environment, attribute, case_sensitive))


@_shown_as("sync_do_unique")
def _distinct(value: "t.Iterable[V]", key: Getter) -> t.Iterator[V]:
    seen = set()
    for item in value:
        found = key(item)
        if found not in seen:
            seen.add(found)
            yield item


@async_variant(sync_do_unique)
async def do_unique(
    environment: "Environment",
    value: "EitherIterable[V]",
    case_sensitive: bool = False,
    attribute: str | int | None = None,
) -> t.Iterator[V]:
    return sync_do_unique(environment, await auto_to_list(value), case_sensitive, attribute)


def _extreme(
    environment: "Environment", value: "t.Iterable[V]", func: "t.Callable[..., V]", key: Getter
) -> "V | Undefined":
    items = iter(value)
    try:
        first = next(items)
    except StopIteration:
        return environment.undefined("No aggregated item, sequence was empty.")
    return func(chain([first], items), key=key)


def _min_or_max(
    environment: "Environment",
    value: "t.Iterable[V]",
    func: "t.Callable[..., V]",
    case_sensitive: bool,
    attribute: str | int | None,
) -> "V | Undefined":
    return _extreme(environment, value, func, _key(environment, attribute, case_sensitive))


@pass_environment
def do_min(
    environment: "Environment",
    value: "t.Iterable[V]",
    case_sensitive: bool = False,
    attribute: str | int | None = None,
) -> "V | Undefined":
    """The smallest item, by an attribute if given."""
    return _min_or_max(environment, value, min, case_sensitive, attribute)


@pass_environment
def do_max(
    environment: "Environment",
    value: "t.Iterable[V]",
    case_sensitive: bool = False,
    attribute: str | int | None = None,
) -> "V | Undefined":
    """The largest item, by an attribute if given."""
    return _min_or_max(environment, value, max, case_sensitive, attribute)


@pass_environment
def sync_do_first(environment: "Environment", seq: "t.Iterable[V]") -> "V | Undefined":
    """The first item."""
    try:
        return next(iter(seq))
    except StopIteration:
        return environment.undefined("No first item, sequence was empty.")


@async_variant(sync_do_first)
async def do_first(environment: "Environment", seq: "EitherIterable[V]") -> "V | Undefined":
    try:
        return await auto_aiter(seq).__anext__()
    except StopAsyncIteration:
        return environment.undefined("No first item, sequence was empty.")


@pass_environment
def do_last(environment: "Environment", seq: "t.Reversible[V]") -> "V | Undefined":
    """The last item of a sequence; make a list of what can only be gone through."""
    try:
        return next(iter(reversed(seq)))
    except StopIteration:
        return environment.undefined("No last item, sequence was empty.")


@pass_context
def do_random(context: "Context", seq: "t.Sequence[V]") -> "V | Undefined":
    """Any one item."""
    import random

    try:
        return random.choice(seq)
    except IndexError:
        return context.environment.undefined("No random item, sequence was empty.")


def do_reverse(value: "str | t.Iterable[V]") -> "str | t.Iterable[V]":
    """Text, or items, from the end to the beginning."""
    if isinstance(value, str):
        return value[::-1]
    try:
        return reversed(value)  # type: ignore[call-overload, no-any-return]
    except TypeError:
        pass
    try:
        return list(value)[::-1]
    except TypeError as error:
        raise FilterArgumentError("argument must be iterable") from error


# Groups


def sync_do_slice(value: "t.Collection[V]", slices: int, fill_with: "V | None" = None) -> "t.Iterator[list[V]]":
    """The items in that many lists, the first ones longer by one where it does not come out even; `fill_with` evens.

    >>> list(sync_do_slice(range(5), 3, "-"))
    [[0, 1], [2, 3], [4, '-']]
    """
    items = list(value)
    size, longer = len(items) // slices, len(items) % slices
    start = 0
    for number in range(slices):
        end = start + size + (number < longer)
        part = items[start:end]
        if fill_with is not None and number >= longer:
            part.append(fill_with)
        yield part
        start = end


@async_variant(sync_do_slice)
async def do_slice(value: "EitherIterable[V]", slices: int, fill_with: t.Any = None) -> "t.Iterator[list[V]]":
    return sync_do_slice(await auto_to_list(value), slices, fill_with)


def do_batch(value: "t.Iterable[V]", linecount: int, fill_with: "V | None" = None) -> "t.Iterator[list[V]]":
    """The items in lists of `linecount`; `fill_with` completes the last one.

    >>> list(do_batch(range(5), 3, "-"))
    [[0, 1, 2], [3, 4, '-']]
    """
    batch: list[V] = []
    for item in value:
        if len(batch) == linecount:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        if fill_with is not None and len(batch) < linecount:
            batch += [fill_with] * (linecount - len(batch))
        yield batch


class _GroupTuple(t.NamedTuple):
    """A group: what its items have in common, and they. It prints as a plain tuple."""

    grouper: t.Any
    list: list[t.Any]

    def __repr__(self) -> str:
        return tuple.__repr__(self)

    def __str__(self) -> str:
        return tuple.__str__(self)


@pass_environment
def sync_do_groupby(
    environment: "Environment",
    value: "t.Iterable[V]",
    attribute: str | int,
    default: t.Any = None,
    case_sensitive: bool = False,
) -> list[_GroupTuple]:
    """The items grouped by an attribute, in its order: pairs `(grouper, list)`.

    Items without the attribute count as having `default`. A group's `grouper` is in the case of its first item.
    """
    key = _key(environment, attribute, case_sensitive, default)
    groups = [_GroupTuple(common, list(items)) for common, items in groupby(sorted(value, key=key), key)]
    if case_sensitive:
        return groups
    exact = make_attrgetter(environment, attribute, default=default)
    return [_GroupTuple(exact(group.list[0]), group.list) for group in groups]


@async_variant(sync_do_groupby)
async def do_groupby(
    environment: "Environment",
    value: "EitherIterable[V]",
    attribute: str | int,
    default: t.Any = None,
    case_sensitive: bool = False,
) -> list[_GroupTuple]:
    return sync_do_groupby(environment, await auto_to_list(value), attribute, default, case_sensitive)


@pass_eval_context
def sync_do_join(
    eval_ctx: "EvalContext", value: t.Iterable[t.Any], d: str = "", attribute: str | int | None = None
) -> str:
    """The items, or an attribute of theirs, as one text with `d` in between."""
    if attribute is not None:
        value = map(make_attrgetter(eval_ctx.environment, attribute), value)
    if not eval_ctx.autoescape:
        return str(d).join(map(str, value))
    if hasattr(d, "__html__"):
        return soft_str(d).join(map(soft_str, value))
    # One item that is markup makes the whole markup.
    marked_up = False
    items = list(value)
    for index, item in enumerate(items):
        if hasattr(item, "__html__"):
            marked_up = True
        else:
            items[index] = str(item)
    return (escape(d) if marked_up else str(d)).join(items)


@async_variant(sync_do_join)
async def do_join(
    eval_ctx: "EvalContext", value: "EitherIterable[t.Any]", d: str = "", attribute: str | int | None = None
) -> str:
    return sync_do_join(eval_ctx, await auto_to_list(value), d, attribute)


@pass_environment
def sync_do_sum(
    environment: "Environment",
    iterable: "t.Iterable[V]",
    attribute: str | int | None = None,
    start: V = 0,  # type: ignore[assignment]
) -> V:
    """The sum of the items, or of an attribute of theirs, and `start`."""
    if attribute is not None:
        iterable = map(make_attrgetter(environment, attribute), iterable)
    return sum(iterable, start)  # type: ignore[no-any-return, call-overload]


@async_variant(sync_do_sum)
async def do_sum(
    environment: "Environment",
    iterable: "EitherIterable[V]",
    attribute: str | int | None = None,
    start: V = 0,  # type: ignore[assignment]
) -> V:
    total = start
    getter = None if attribute is None else make_attrgetter(environment, attribute)
    async for item in auto_aiter(iterable):
        total += item if getter is None else getter(item)  # type: ignore[operator]
    return total


def sync_do_list(value: "t.Iterable[V]") -> list[V]:
    """The items as a list; text as its characters."""
    return list(value)


@async_variant(sync_do_list)
async def do_list(value: "EitherIterable[V]") -> list[V]:
    return await auto_to_list(value)


# Filters and tests on each item


def prepare_map(context: "Context", args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> Getter:
    """What `map` does to an item: looks up an attribute, or applies a filter."""
    environment = context.environment
    if not args and "attribute" in kwargs:
        attribute = kwargs.pop("attribute")
        default = kwargs.pop("default", None)
        if kwargs:
            raise FilterArgumentError(f"Unexpected keyword argument {next(iter(kwargs))!r}")
        return make_attrgetter(environment, attribute, default=default)
    if not args:
        raise FilterArgumentError("map requires a filter argument")
    name, rest = args[0], args[1:]

    def func(item: t.Any) -> t.Any:
        return environment.call_filter(name, item, rest, kwargs, context=context)

    return func


@pass_context
def sync_do_map(context: "Context", value: t.Iterable[t.Any], *args: t.Any, **kwargs: t.Any) -> t.Iterable[t.Any]:
    """Each item through a filter, `map("upper")`, or an attribute of each, `map(attribute="name", default="?")`."""
    if value:
        func = prepare_map(context, args, kwargs)
        for item in value:
            yield func(item)


@_shown_as("sync_do_map")
def _mapped(value: t.Iterable[t.Any], func: Getter) -> t.Iterable[t.Any]:
    """`sync_do_map` for the machine, which knows what is to be done."""
    if value:
        for item in value:
            yield func(item)


@async_variant(sync_do_map)
async def do_map(
    context: "Context", value: "EitherIterable[t.Any]", *args: t.Any, **kwargs: t.Any
) -> t.AsyncIterable[t.Any]:
    if value:
        func = prepare_map(context, args, kwargs)
        async for item in auto_aiter(value):
            yield await auto_await(func(item))


def prepare_select_or_reject(
    context: "Context",
    args: tuple[t.Any, ...],
    kwargs: dict[str, t.Any],
    modfunc: Getter,
    lookup_attr: bool,
) -> Getter:
    """What `select` and its kin ask of an item: a test, or whether it is true, of the item or of an attribute."""
    environment = context.environment
    subject: Getter | None = None
    if lookup_attr:
        if not args:
            raise FilterArgumentError("Missing parameter for attribute name")
        subject = make_attrgetter(environment, args[0])
        args = args[1:]
    test: Getter = bool
    if args:
        name, rest = args[0], args[1:]

        def test(item: t.Any) -> t.Any:
            return environment.call_test(name, item, rest, kwargs, context)

    def decide(item: t.Any) -> t.Any:
        return modfunc(test(item if subject is None else subject(item)))

    return decide


def select_or_reject(
    context: "Context",
    value: "t.Iterable[V]",
    args: tuple[t.Any, ...],
    kwargs: dict[str, t.Any],
    modfunc: Getter,
    lookup_attr: bool,
) -> "t.Iterator[V]":
    """The items for which `modfunc` of the test's answer is true."""
    if value:
        decide = prepare_select_or_reject(context, args, kwargs, modfunc, lookup_attr)
        for item in value:
            if decide(item):
                yield item


@_shown_as("select_or_reject")
def _chosen(value: "t.Iterable[V]", decide: Getter) -> "t.Iterator[V]":
    """`select_or_reject` for the machine, which knows what is to be decided."""
    if value:
        for item in value:
            if decide(item):
                yield item


async def async_select_or_reject(
    context: "Context",
    value: "EitherIterable[V]",
    args: tuple[t.Any, ...],
    kwargs: dict[str, t.Any],
    modfunc: Getter,
    lookup_attr: bool,
) -> "t.AsyncIterator[V]":
    """As :func:`select_or_reject`, of either kind of iterable."""
    if value:
        decide = prepare_select_or_reject(context, args, kwargs, modfunc, lookup_attr)
        async for item in auto_aiter(value):
            if decide(item):
                yield item


def _yes(answer: t.Any) -> t.Any:
    return answer


def _no(answer: t.Any) -> bool:
    return not answer


@pass_context
def sync_do_select(context: "Context", value: "t.Iterable[V]", *args: t.Any, **kwargs: t.Any) -> "t.Iterator[V]":
    """The items that pass a test, `select("odd")`; that are true, if no test is named."""
    return select_or_reject(context, value, args, kwargs, _yes, False)


@async_variant(sync_do_select)
async def do_select(
    context: "Context", value: "EitherIterable[V]", *args: t.Any, **kwargs: t.Any
) -> "t.AsyncIterator[V]":
    return async_select_or_reject(context, value, args, kwargs, _yes, False)


@pass_context
def sync_do_reject(context: "Context", value: "t.Iterable[V]", *args: t.Any, **kwargs: t.Any) -> "t.Iterator[V]":
    """The items that fail a test; that are false, if no test is named."""
    return select_or_reject(context, value, args, kwargs, _no, False)


@async_variant(sync_do_reject)
async def do_reject(
    context: "Context", value: "EitherIterable[V]", *args: t.Any, **kwargs: t.Any
) -> "t.AsyncIterator[V]":
    return async_select_or_reject(context, value, args, kwargs, _no, False)


@pass_context
def sync_do_selectattr(context: "Context", value: "t.Iterable[V]", *args: t.Any, **kwargs: t.Any) -> "t.Iterator[V]":
    """The items with an attribute that passes a test, `selectattr("age", "ge", 18)`."""
    return select_or_reject(context, value, args, kwargs, _yes, True)


@async_variant(sync_do_selectattr)
async def do_selectattr(
    context: "Context", value: "EitherIterable[V]", *args: t.Any, **kwargs: t.Any
) -> "t.AsyncIterator[V]":
    return async_select_or_reject(context, value, args, kwargs, _yes, True)


@pass_context
def sync_do_rejectattr(context: "Context", value: "t.Iterable[V]", *args: t.Any, **kwargs: t.Any) -> "t.Iterator[V]":
    """The items with an attribute that fails a test."""
    return select_or_reject(context, value, args, kwargs, _no, True)


@async_variant(sync_do_rejectattr)
async def do_rejectattr(
    context: "Context", value: "EitherIterable[V]", *args: t.Any, **kwargs: t.Any
) -> "t.AsyncIterator[V]":
    return async_select_or_reject(context, value, args, kwargs, _no, True)


FILTERS: dict[str, t.Callable[..., t.Any]] = {
    "abs": abs,
    "attr": do_attr,
    "batch": do_batch,
    "capitalize": do_capitalize,
    "center": do_center,
    "count": len,
    "d": do_default,
    "default": do_default,
    "dictsort": do_dictsort,
    "e": escape,
    "escape": escape,
    "filesizeformat": do_filesizeformat,
    "first": do_first,
    "float": do_float,
    "forceescape": do_forceescape,
    "format": do_format,
    "groupby": do_groupby,
    "indent": do_indent,
    "int": do_int,
    "join": do_join,
    "last": do_last,
    "length": len,
    "list": do_list,
    "lower": do_lower,
    "items": do_items,
    "map": do_map,
    "min": do_min,
    "max": do_max,
    "pprint": do_pprint,
    "random": do_random,
    "reject": do_reject,
    "rejectattr": do_rejectattr,
    "replace": do_replace,
    "reverse": do_reverse,
    "round": do_round,
    "safe": do_mark_safe,
    "select": do_select,
    "selectattr": do_selectattr,
    "slice": do_slice,
    "sort": do_sort,
    "string": soft_str,
    "striptags": do_striptags,
    "sum": do_sum,
    "title": do_title,
    "trim": do_trim,
    "truncate": do_truncate,
    "unique": do_unique,
    "upper": do_upper,
    "urlencode": do_urlencode,
    "urlize": do_urlize,
    "wordcount": do_wordcount,
    "wordwrap": do_wordwrap,
    "xmlattr": do_xmlattr,
    "tojson": do_tojson,
}

_STOCK = dict(globals())
"""What the module was made with. Where a program puts something else in the place of a helper, filters are Python's."""


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
