"""Attribute sites stay right when classes and instances change under them."""

import collections
import dataclasses

import pytest


class Namespace:
    pass


def check(program, value, expected):
    assert program.render({"o": value}) == expected


@pytest.fixture
def x(compile):
    return compile("{{ o.x }}", autoescape=True)


def test_class_and_instance_change(x):
    class A:
        def __init__(self, value):
            self.x = value

    a, b = A("1"), A("<2>")
    for _ in range(3):
        check(x, a, "1")
        check(x, b, "&lt;2&gt;")
    a.__dict__  # noqa: B018 - the values move into a dictionary
    check(x, a, "1")
    a.__dict__["x"] = "3"
    check(x, a, "3")
    A.x = property(lambda self: "property")
    for value in (a, b, b):
        check(x, value, "property")
    A.x.__init__(lambda self: "another")
    check(x, a, "another")
    del A.x
    check(x, a, "3")
    check(x, b, "&lt;2&gt;")
    del b.x
    check(x, b, "")
    A.x = "class"
    check(x, b, "class")
    check(x, a, "3")
    del A.x
    A.__getattr__ = lambda self, name: "dynamic"
    check(x, b, "dynamic")
    check(x, a, "3")
    A.__getattribute__ = lambda self, name: "all"
    check(x, a, "all")
    del A.__getattribute__, A.__getattr__
    check(x, a, "3")
    check(x, b, "")
    A.__getitem__ = lambda self, key: "item"
    check(x, b, "item")
    check(x, a, "3")
    b.__dict__ = {"x": "new dictionary"}
    check(x, b, "new dictionary")


def test_dictionaries_of_instances_change(x):
    """A site remembers what the dictionary of an instance had; it must see each change, and not mix instances up."""

    class A:
        pass

    a, b = A(), A()
    for value in (a, b):
        value.__dict__["x"] = f"{id(value)}"
    for _ in range(3):
        check(x, a, f"{id(a)}")
        check(x, a, f"{id(a)}")
        check(x, b, f"{id(b)}")
    a.x = "by assignment"
    check(x, a, "by assignment")
    a.y = "something else"
    check(x, a, "by assignment")
    vars(a).update(x="by update")
    check(x, a, "by update")
    del a.x
    check(x, a, "")
    check(x, a, "")
    a.x = "again"
    check(x, a, "again")
    a.__dict__ = {"x": "new"}
    check(x, a, "new")
    a.__dict__ = b.__dict__
    check(x, a, f"{id(b)}")
    b.x = "shared"
    check(x, a, "shared")
    a.__dict__.clear()
    check(x, b, "")
    for number in range(100):
        value = A()
        value.__dict__["x"] = number
        check(x, value, str(number))


@pytest.mark.parametrize("own", [False, True], ids=["values", "dictionary"])
def test_assignments_that_the_interpreter_has_made_fast(x, own):
    """Instructions that are specialised for a class store into instances in ways of their own."""

    class A:
        def __init__(self):
            self.w, self.x = 0, ""

    def put(target, value):
        target.x = value

    def drop(target):
        del target.x

    values = [A() for _ in range(3)]
    if own:
        for value in values:
            value.__dict__ = {"w": 0, "x": ""}
    for number in range(300):
        value = values[number % 7 % 3]
        put(value, number)
        check(x, value, str(number))
        check(x, value, str(number))
        if number % 50 == 49:
            drop(value)
            check(x, value, "")


def test_base_class_changes(x):
    class Base:
        pass

    class Derived(Base):
        def __init__(self):
            self.x = 1

    value = Derived()
    check(x, value, "1")
    check(x, value, "1")
    Base.x = property(lambda self: "base")
    check(x, value, "base")
    del Base.x
    check(x, value, "1")
    value.__class__ = type("Other", (), {"x": property(lambda self: "other")})
    check(x, value, "other")


def test_many_attributes_and_orders(x):
    class Wide:
        pass

    for first in (True, False):
        value = Wide()
        if first:
            value.x = "first"
        for n in range(50):
            setattr(value, f"a{n}", n)
        value.x = "last"
        check(x, value, "last")
        check(x, value, "last")
    check(x, Wide(), "")


def test_slots_before_attributes(x):
    class Slots:
        __slots__ = ("a", "b")

    class Both(Slots):
        pass

    value, slots = Both(), Both()
    value.a, value.b, value.x = "slot a", "slot b", "own"
    slots.a, slots.b = "slot a", "slot b"
    for _ in range(3):
        check(x, value, "own")
        check(x, slots, "")
    value.x = "changed"
    check(x, value, "changed")
    del value.x
    check(x, value, "")


def test_kinds_of_objects(x):
    class Slots:
        __slots__ = ("x",)

    class Dict(dict):
        pass

    class DictWithAttribute(dict):
        x = "attribute"

    class Meta(type):
        x = "meta"

    @dataclasses.dataclass
    class Data:
        x: int

    @dataclasses.dataclass(slots=True)
    class SlottedData:
        x: int

    slots, empty = Slots(), Slots()
    slots.x = "slot"
    named = collections.namedtuple("named", "x")("named")
    instance = Namespace()
    instance.x = instance
    for _ in range(3):
        check(x, slots, "slot")
        check(x, empty, "")
        check(x, {"x": 7}, "7")
        check(x, {}, "")
        check(x, Dict(x=8), "8")
        check(x, DictWithAttribute(x=8), "attribute")
        check(x, Meta("Class", (), {}), "meta")
        check(x, Data(1), "1")
        check(x, SlottedData(2), "2")
        check(x, named, "named")
        for value in (3, 2.5, None, True, "text", [1], (), object()):
            check(x, value, "")


def test_attribute_before_item(compile):
    program = compile("{{ o.items is callable }}{{ o['items'] }}")
    assert program.render({"o": {"items": 5}}) == "True5"


def test_exceptions_in_properties(x):
    class Fails:
        @property
        def x(self):
            raise ValueError("boom")

    class Hides:
        @property
        def x(self):
            raise AttributeError("hidden")

        def __getitem__(self, key):
            return "item"

    class Nothing:
        @property
        def x(self):
            raise AttributeError("hidden")

    class FailsAtItem:
        def __getitem__(self, key):
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ValueError, match="boom"):
            x.render({"o": Fails()})
        check(x, Hides(), "item")
        check(x, Nothing(), "")
        with pytest.raises(ZeroDivisionError):
            x.render({"o": FailsAtItem()})


def test_property_that_deletes_itself(x):
    class Suicidal:
        @property
        def x(self):
            del Suicidal.x
            return "gone"

    value = Suicidal()
    check(x, value, "gone")
    check(x, value, "")


def test_interned_and_other_keys(x):
    name = "".join(["x"])
    check(x, {name: 1}, "1")
    instance = Namespace()
    instance.__dict__["".join(["x", ""])] = 2
    check(x, instance, "2")
