"""What the native module needs of Python: the undefined value, namespaces and the default globals."""

from .exceptions import UndefinedError


class _Missing:
    """Stands for "no object"."""

    def __repr__(self):
        return "missing"


missing = _Missing()


def _described(value):
    """The kind of a value, for messages."""
    if value is None:
        return "None"
    if value is Ellipsis:
        return "Ellipsis"
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{name} object"


class Undefined:
    """A value that is not there: it prints as nothing, is false, has no items; all else is an error."""

    __slots__ = ("_undefined_hint", "_undefined_obj", "_undefined_name", "_undefined_exception")

    def __init__(self, hint=None, obj=missing, name=None, exc=UndefinedError):
        self._undefined_hint = hint
        self._undefined_obj = obj
        self._undefined_name = name
        self._undefined_exception = exc

    @property
    def _undefined_message(self):
        hint, obj, name = self._undefined_hint, self._undefined_obj, self._undefined_name
        if hint:
            return hint
        if obj is missing:
            return f"{name!r} is undefined"
        if isinstance(name, str):
            return f"{_described(obj)!r} has no attribute {name!r}"
        return f"{_described(obj)} has no element {name!r}"

    def _fail_with_undefined_error(self, *args, **kwargs):
        raise self._undefined_exception(self._undefined_message)

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        self._fail_with_undefined_error()

    def __eq__(self, other):
        return type(self) is type(other)

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return id(type(self))

    def __str__(self):
        return ""

    def __repr__(self):
        return "Undefined"

    def __len__(self):
        return 0

    def __iter__(self):
        return iter(())

    def __bool__(self):
        return False


for _name in (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow pos neg call getitem"
    " lt le gt ge int float complex"
).split():
    setattr(Undefined, f"__{_name}__", Undefined._fail_with_undefined_error)


class Namespace:
    """A value whose attributes a template may set."""

    def __init__(*args, **kwargs):
        self, args = args[0], args[1:]
        self.__dict__.update(dict(*args, **kwargs))

    def __setitem__(self, name, value):
        self.__dict__[name] = value

    def __repr__(self):
        return f"<Namespace {self.__dict__!r}>"


class Cycler:
    """Goes round through its items."""

    def __init__(self, *items):
        if not items:
            raise RuntimeError("at least one item has to be provided")
        self.items = items
        self.pos = 0

    def reset(self):
        self.pos = 0

    @property
    def current(self):
        return self.items[self.pos]

    def next(self):
        current = self.current
        self.pos = (self.pos + 1) % len(self.items)
        return current

    __next__ = next


class Joiner:
    """Nothing the first time, then the separator."""

    def __init__(self, sep=", "):
        self.sep = sep
        self.used = False

    def __call__(self):
        if self.used:
            return self.sep
        self.used = True
        return ""


DEFAULT_GLOBALS = {"range": range, "dict": dict, "cycler": Cycler, "joiner": Joiner, "namespace": Namespace}
