"""What templates, extensions and applications share: marks for functions, helpers of templates, the cache of templates.

The names are `jinja2.utils`'. The larger parts live in files of their own and come in when they are asked for.
"""

import enum
import functools
import os
import typing as t
from _thread import allocate_lock as Lock  # That of `threading`, without the module.
from collections import abc, deque
from types import CodeType

import markupsafe

if t.TYPE_CHECKING:
    import typing_extensions as te

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


class _MissingType:
    """The type of `missing`."""

    def __repr__(self) -> str:
        return "missing"

    def __reduce__(self) -> str:
        return "missing"


missing: t.Any = _MissingType()
"""Stands for "no value"; it is what it is unpickled to."""

internal_code: set[CodeType] = set()
"""Code whose frames tracebacks leave out."""

concat = "".join


class _PassArg(enum.Enum):
    """What a function wants before its other arguments."""

    context = enum.auto()
    eval_context = enum.auto()
    environment = enum.auto()

    @classmethod
    def from_obj(cls, obj: t.Any) -> "_PassArg | None":
        """The mark of a function, if it has one."""
        mark: _PassArg | None = getattr(obj, "jinja_pass_arg", None)
        return mark


def pass_context(f: F) -> F:
    """The function wants the :class:`~haiden.runtime.Context` first. For functions, filters, tests and `finalize`."""
    f.jinja_pass_arg = _PassArg.context  # type: ignore[attr-defined]
    return f


def pass_eval_context(f: F) -> F:
    """The function wants the :class:`~haiden.nodes.EvalContext` first: whether text is escaped, and the environment."""
    f.jinja_pass_arg = _PassArg.eval_context  # type: ignore[attr-defined]
    return f


def pass_environment(f: F) -> F:
    """The function wants the :class:`~haiden.Environment` first."""
    f.jinja_pass_arg = _PassArg.environment  # type: ignore[attr-defined]
    return f


def internalcode(f: F) -> F:
    """Tracebacks of templates leave out the function's frames."""
    internal_code.add(f.__code__)
    return f


def is_undefined(obj: t.Any) -> bool:
    """Whether a value is undefined: what a filter asks that has an answer of its own for missing values."""
    from .runtime import Undefined

    return isinstance(obj, Undefined)


def consume(iterable: t.Iterable[t.Any]) -> None:
    """Goes through an iterable to its end.

    >>> numbers = iter(range(3))
    >>> consume(numbers)
    >>> list(numbers)
    []
    """
    deque(iterable, maxlen=0)


def clear_caches() -> None:
    """Forgets the lexers and the environments that `Template` made."""
    from .environment import get_spontaneous_environment
    from .lexer import _lexer_cache

    get_spontaneous_environment.cache_clear()
    _lexer_cache.clear()


def import_string(import_name: str, silent: bool = False) -> t.Any:
    """The object that a dotted name means; a colon may stand before what is inside the module.

    With `silent`, `None` for what cannot be imported.

    >>> import_string("os.path:join") is import_string("os.path.join")
    True
    """
    module, mark, name = import_name.partition(":") if ":" in import_name else import_name.rpartition(".")
    try:
        if not mark:
            return __import__(import_name)
        return getattr(__import__(module, None, None, [name]), name)
    except (ImportError, AttributeError):
        if not silent:
            raise
        return None


def open_if_exists(filename: str, mode: str = "rb") -> t.IO[t.Any] | None:
    """The open file, or `None` where there is none of that name."""
    return open(filename, mode) if os.path.isfile(filename) else None


def object_type_repr(obj: t.Any) -> str:
    """A value's type, for messages.

    >>> object_type_repr([]), object_type_repr(None)
    ('list object', 'None')
    """
    if obj is None or obj is Ellipsis:
        return "None" if obj is None else "Ellipsis"
    cls = type(obj)
    name = cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
    return f"{name} object"


def pformat(obj: t.Any) -> str:
    """A value as :func:`pprint.pformat` shows it."""
    from pprint import pformat

    return pformat(obj)


def urlize(
    text: str,
    trim_url_limit: int | None = None,
    rel: str | None = None,
    target: str | None = None,
    extra_schemes: t.Iterable[str] | None = None,
) -> str:
    """Escaped text with its addresses as links.

    Links are words that begin with `http://`, `https://`, `www.` or `mailto:`, that are a name in one of the oldest
    top-level domains, or the address of a mailbox; brackets around a word and full stops and commas behind it stay
    outside the link.

    :param trim_url_limit: The most characters of an address to show.
    :param rel: The links' attribute `rel`.
    :param target: The links' attribute `target`.
    :param extra_schemes: More beginnings that make a word a link.

    >>> urlize("see www.example.com.")
    'see <a href="https://www.example.com">www.example.com</a>.'
    """
    from ._urlize import urlize

    return urlize(text, trim_url_limit, rel, target, extra_schemes)


def generate_lorem_ipsum(n: int = 5, html: bool = True, min: int = 20, max: int = 100) -> str:
    """Text that means nothing: `n` paragraphs of at least `min` and less than `max` words, as HTML or not."""
    from random import choice, randrange

    from .constants import LOREM_IPSUM_WORDS

    words = LOREM_IPSUM_WORDS.split()

    def paragraph() -> str:
        parts: list[str] = []
        comma = stop = 0
        previous = None
        opening = True
        for index in range(randrange(min, max)):
            word = choice(words)
            while word == previous:
                word = choice(words)
            previous = word
            if opening:
                word = word.capitalize()
                opening = False
            if index - randrange(3, 8) > comma:
                comma = index
                stop += 2
                word += ","
            if index - randrange(10, 20) > stop:
                comma = stop = index
                word += "."
                opening = True
            parts.append(word)
        text = " ".join(parts)
        if text.endswith("."):
            return text
        return text.removesuffix(",") + "."

    paragraphs = [paragraph() for _ in range(n)]
    if not html:
        return "\n\n".join(paragraphs)
    return markupsafe.Markup("\n".join(f"<p>{markupsafe.escape(text)}</p>" for text in paragraphs))


def url_quote(obj: t.Any, charset: str = "utf-8", for_qs: bool = False) -> str:
    """Text or bytes for use in an address; `for_qs` is the rule of query strings: `/` quoted, a blank is `+`.

    >>> url_quote("a/b c"), url_quote("a/b c", for_qs=True)
    ('a/b%20c', 'a%2Fb+c')
    """
    from urllib.parse import quote_from_bytes

    # Text is what its characters are, whatever a subclass prints as: so with members of enumerations.
    text = obj if isinstance(obj, (bytes, str)) else str(obj)
    data = text if isinstance(text, bytes) else text.encode(charset)
    if for_qs:
        return quote_from_bytes(data, b"").replace("%20", "+")
    return quote_from_bytes(data, b"/")


@abc.MutableMapping.register
class LRUCache:
    """A mapping of at most `capacity` entries; the one that was not used for longest makes room.

    >>> cache = LRUCache(2)
    >>> cache["a"], cache["b"] = 1, 2
    >>> cache["a"]
    1
    >>> cache["c"] = 3
    >>> cache.keys()
    ['c', 'a']
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        # In order of use, the latest last.
        self._mapping: dict[t.Any, t.Any] = {}
        self._postinit()

    def _postinit(self) -> None:
        self._wlock = Lock()

    @property
    def _queue(self) -> "deque[t.Any]":
        """The keys in order of use."""
        return deque(self._mapping)

    def __getstate__(self) -> t.Mapping[str, t.Any]:
        return {"capacity": self.capacity, "_mapping": self._mapping, "_queue": self._queue}

    def __setstate__(self, d: t.Mapping[str, t.Any]) -> None:
        state = dict(d)
        queue = state.pop("_queue", state["_mapping"])
        state["_mapping"] = {key: state["_mapping"][key] for key in queue}
        self.__dict__.update(state)
        self._postinit()

    def __getnewargs__(self) -> tuple[t.Any, ...]:
        return (self.capacity,)

    def copy(self) -> "te.Self":
        """A cache with the same entries."""
        copy = self.__class__(self.capacity)
        with self._wlock:
            copy._mapping.update(self._mapping)
        return copy

    def get(self, key: t.Any, default: t.Any = None) -> t.Any:
        """The key's value, which counts as use, or the default."""
        # An exception costs more than to look twice, and templates that are loaded are not there yet.
        if key not in self:
            return default
        try:
            return self[key]
        except KeyError:
            return default

    def setdefault(self, key: t.Any, default: t.Any = None) -> t.Any:
        """The key's value, which is set to the default if there is none."""
        try:
            return self[key]
        except KeyError:
            self[key] = default
            return default

    def clear(self) -> None:
        """Forgets everything."""
        with self._wlock:
            self._mapping.clear()

    def __contains__(self, key: t.Any) -> bool:
        return key in self._mapping

    def __len__(self) -> int:
        return len(self._mapping)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._mapping!r}>"

    def __getitem__(self, key: t.Any) -> t.Any:
        """The key's value; it becomes the latest."""
        mapping = self._mapping
        with self._wlock:
            value = mapping.pop(key)
            mapping[key] = value
            return value

    def __setitem__(self, key: t.Any, value: t.Any) -> None:
        """Sets the key's value; it becomes the latest."""
        mapping = self._mapping
        with self._wlock:
            if key in mapping:
                del mapping[key]
            elif len(mapping) == self.capacity:
                if not mapping:
                    raise IndexError("pop from an empty deque")
                del mapping[next(iter(mapping))]
            mapping[key] = value

    def __delitem__(self, key: t.Any) -> None:
        with self._wlock:
            del self._mapping[key]

    def items(self) -> t.Iterable[tuple[t.Any, t.Any]]:
        """The entries, the latest first."""
        with self._wlock:
            return list(reversed(self._mapping.items()))

    def values(self) -> t.Iterable[t.Any]:
        """The values, the latest first."""
        return [value for _, value in self.items()]

    def keys(self) -> t.Iterable[t.Any]:
        """The keys, the latest first."""
        return list(self)

    def __iter__(self) -> t.Iterator[t.Any]:
        with self._wlock:
            return iter(tuple(self._mapping)[::-1])

    def __reversed__(self) -> t.Iterator[t.Any]:
        """The keys, the oldest first."""
        with self._wlock:
            return iter(tuple(self._mapping))

    __copy__ = copy


def select_autoescape(
    enabled_extensions: t.Collection[str] = ("html", "htm", "xml"),
    disabled_extensions: t.Collection[str] = (),
    default_for_string: bool = True,
    default: bool = False,
) -> t.Callable[[str | None], bool]:
    """An `autoescape` for environments that decides by the end of a template's name, whatever its case.

    :param enabled_extensions: Ends of names that are escaped.
    :param disabled_extensions: Ends of names that are not.
    :param default_for_string: What holds for templates without a name.
    :param default: What holds for all others.

    >>> escaped = select_autoescape()
    >>> escaped("PAGE.HTML"), escaped("page.txt"), escaped(None)
    (True, False, True)
    """

    def ends(extensions: t.Collection[str]) -> tuple[str, ...]:
        return tuple("." + extension.lstrip(".").lower() for extension in extensions)

    enabled, disabled = ends(enabled_extensions), ends(disabled_extensions)

    def autoescape(template_name: str | None) -> bool:
        if template_name is None:
            return default_for_string
        name = template_name.lower()
        if name.endswith(enabled):
            return True
        return False if name.endswith(disabled) else default

    return autoescape


_HTMLSAFE = tuple((char, f"\\u{ord(char):04x}") for char in "<>&'")


@functools.cache
def _json() -> t.Any:
    import json

    return json


def htmlsafe_json_dumps(obj: t.Any, dumps: t.Callable[..., str] | None = None, **kwargs: t.Any) -> markupsafe.Markup:
    r"""JSON that may stand in HTML: in a script, and in an attribute in single quotes.

    >>> print(htmlsafe_json_dumps("</script>"))
    "\u003c/script\u003e"

    :param dumps: Writes the JSON; :func:`json.dumps` unless given.
    :param kwargs: Arguments for `dumps`.
    """
    text = (_json().dumps if dumps is None else dumps)(obj, **kwargs)
    for char, escaped in _HTMLSAFE:
        text = text.replace(char, escaped)
    return markupsafe.Markup(text)


class Cycler:
    """Goes round through its items; `cycler` in templates.

    >>> row = Cycler("odd", "even")
    >>> row.next(), row.next(), row.current
    ('odd', 'even', 'odd')
    """

    def __init__(self, *items: t.Any) -> None:
        if not items:
            raise RuntimeError("at least one item has to be provided")
        self.items = items
        self.pos = 0

    def reset(self) -> None:
        """Back to the first item."""
        self.pos = 0

    @property
    def current(self) -> t.Any:
        """The item that comes next."""
        return self.items[self.pos]

    def next(self) -> t.Any:
        """The current item; goes one on."""
        item = self.current
        self.pos = (self.pos + 1) % len(self.items)
        return item

    __next__ = next


class Joiner:
    """Nothing the first time, then the separator; `joiner` in templates."""

    def __init__(self, sep: str = ", ") -> None:
        self.sep = sep
        self.used = False

    def __call__(self) -> str:
        if self.used:
            return self.sep
        self.used = True
        return ""


class Namespace:
    """A value whose attributes a template may set; `namespace` in templates.

    >>> space = Namespace({"a": 1}, b=2)
    >>> space["c"] = 3
    >>> space.a, space.b, space.c
    (1, 2, 3)
    """

    # `self` is positional, so that an attribute may have its name.
    def __init__(*args: t.Any, **kwargs: t.Any) -> None:
        self, args = args[0], args[1:]
        self.__attrs = dict(*args, **kwargs)

    def __getattribute__(self, name: str) -> t.Any:
        # The class is asked for where a value might be awaitable.
        if name == "_Namespace__attrs" or name == "__class__":
            return object.__getattribute__(self, name)
        try:
            return self.__attrs[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setitem__(self, name: str, value: t.Any) -> None:
        self.__attrs[name] = value

    def __repr__(self) -> str:
        return f"<Namespace {self.__attrs!r}>"


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
