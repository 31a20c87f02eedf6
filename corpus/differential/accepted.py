"""Differences that are accepted, each with its reason; there may be 20 of them at most, and only fewer.

In: a case, what Jinja2 made of it, what haiden made of it. Out: whether a predicate explains the difference.
"""

import re
import typing as t
from collections import Counter

Explains = t.Callable[[dict[str, t.Any], dict[str, t.Any], dict[str, t.Any]], bool]

BOTH = ("native", "python")


# How long " at 0x7f0123456789" is, and how many words it has.
ADDRESS, WORDS = 18, 2


def _addresses(_: t.Any, expected: t.Any, found: t.Any) -> bool:
    """Objects show where they lie in memory, which filters may cut or turn round; native ones lie nowhere."""
    if " object " in str(expected) and str(expected).split() == str(found).split():
        # A filter made them equally wide; the places were taken out after that.
        return True
    turned = str(expected)[::-1], str(found)[::-1]
    return any(re.search(r"0x|\bat\b", theirs, re.IGNORECASE) and re.search(r"(object|function)\b", ours, re.IGNORECASE) for theirs, ours in ((str(expected), str(found)), turned))


def _addresses_taken_apart(_: t.Any, expected: t.Any, found: t.Any) -> bool:
    """The same, where a filter has put something between the characters: ours is theirs without some, the address among them."""
    page, ours = expected.get("page", ""), found.get("page", "")
    left = iter(page)
    missing: list[str] = []
    for sign in ours:
        for other in left:
            if other == sign:
                break
            missing.append(other)
        else:
            return False
    missing += left
    return bool(re.search(r"a.*t.*0.*x(.*[0-9a-f]){12}", "".join(missing), re.IGNORECASE | re.DOTALL))


def _measured_addresses(case: t.Any, expected: t.Any, found: t.Any) -> bool:
    """Such texts are longer with their places, each by as many characters and words: pages that differ only in what measured them."""
    page, ours = expected.get("page", ""), found.get("page", "")
    if re.sub(r"\d+", "0", page) != re.sub(r"\d+", "0", ours):
        return False
    sources = "".join([case["template"], *case["templates"].values()])
    steps = [step for step, measure in ((ADDRESS, r"\b(length|count|r?find|r?index)\b"), (WORDS, r"\bwordcount\b")) if re.search(measure, sources)]
    less = [int(one) - int(other) for one, other in zip(re.findall(r"\d+", page), re.findall(r"\d+", ours), strict=True)]
    return any(less) and all(any(more % step == 0 for step in steps) for more in less)


def _names_of_the_package(_: t.Any, expected: t.Any, found: t.Any) -> bool:
    """The text of an object names the package, in which a filter may have put something or turned it round: pages that differ
    only in the letters of the two names, and in addresses."""

    def letters(outcome: t.Any) -> Counter[str]:
        return Counter(re.sub(r"0x[0-9a-f]{6,}|[0-9a-f]{6,}x0", "", outcome.get("page", "").lower()))

    theirs, ours = letters(expected), letters(found)
    more, less = theirs - ours, ours - theirs
    times = more["2"]
    return times > 0 and more == Counter("jj2" * times) and less == Counter("hde" * times)


def _python_compiles(_: t.Any, expected: t.Any, found: t.Any) -> bool:
    """Jinja2 has no such error: Python refuses the source that it generates, later than all else, and names a line of that. Constants
    that are no finite numbers stand in it as names that nobody has defined."""
    nameless = expected.get("error") == "NameError" and expected["message"] in ("name 'inf' is not defined", "name 'nan' is not defined")
    return nameless or (found.get("error") == "SyntaxError" and "error" in expected)


def _types_of_literals(case: t.Any, expected: t.Any, found: t.Any) -> bool:
    """A page of native types that reads as a set, a complex number or `...` stays text: native values have no such types.
    Nor have they classes."""
    literal = re.match(r"value (\{|.*[0-9]j|Ellipsis|.*\bset\(\))", expected.get("page", ""))
    if re.match("'type object' has no attribute", found.get("message", "")):
        # `dict.x` is an alias of a generic type.
        return True
    return bool(case.get("environment") == "NativeEnvironment" and literal and "page" in found and not found["page"].startswith("value "))


def _assertion(_: t.Any, expected: t.Any, found: t.Any) -> bool:
    """Jinja2's compiler loses names in the filters of a `set` block, and stops on its own assertion; the function that it writes
    for a filter that may be unknown takes no keywords."""
    return bool(expected.get("error") == "AssertionError" or "<locals>.t_" in expected.get("message", ""))


def _changed_in_a_loop(_: t.Any, expected: t.Any, found: t.Any) -> bool:
    """Loops over native values go over what there was when they started, so nothing can change under them."""
    return bool(expected.get("error") == "RuntimeError" and "changed size" in expected["message"])


def _order_of_undefined(case: t.Any, expected: t.Any, found: t.Any) -> bool:
    """Native types: Jinja2 makes text of a page's values while it runs, so a strict undefined value may fail before or after
    what comes behind it."""
    return case.get("environment") == "NativeEnvironment" and expected.get("error") == "UndefinedError" and "error" in found


def _object_as_page(_: t.Any, expected: t.Any, found: t.Any) -> bool:
    """Macros, `self` and other objects end with their render: a page of native types that is one is its text, of a namespace
    its dict, of a generator or another iterator its items; an undefined part of a value is none."""
    page, ours = expected.get("page", ""), found.get("page", "")
    if page.startswith(("value <Namespace", "value dict_", "value range(")):
        return bool(ours.startswith(("value {", "value [")))
    if page.startswith("value ") and "<generator object" in page:
        return True
    if re.match(r"value <(reversed|\w*iterator) object", page):
        return bool(ours.startswith("value ["))
    is_object = page == f"value {ours}" and page.startswith("value <")
    return bool(is_object or "Undefined" in page and page.startswith("value ") and re.sub(r"\w*Undefined", "None", page) == ours)


def _changed_after_it_was_printed(case: t.Any, expected: t.Any, __: t.Any) -> bool:
    """Native types: Jinja2 makes text of the page's first two values when it has a third one, of what they have become."""
    sources = "".join([case["template"], *case["templates"].values()])
    changes = re.search(r"update|append|reverse\(", sources) or "<LoopContext" in expected.get("page", "")
    return case.get("environment") == "NativeEnvironment" and bool(changes)


def _changed_in_a_called_block(case: t.Any, expected: t.Any, found: t.Any) -> bool:
    """The same, of a block that is called (`super()`, `self.name()`): its parts are joined when it is over; those of pages and of
    macros are text when they are in Jinja2, too."""
    sources = "".join([case["template"], *case["templates"].values()])
    return _changed_after_it_was_printed(case, expected, found) and bool(re.search(r"super|self", sources))


def _folded_line(case: t.Any, expected: t.Any, found: t.Any) -> bool:
    """Jinja2 marks no line for what it folds to text, filters of constants included; errors in what marks none either (the
    values of `with`, `autoescape` and `trans`) are said to be in the line marked before."""
    sources = "".join([case["template"], *case["templates"].values()])
    unmarked = re.search(r"with|autoescape|trans", sources)
    same = expected.get("error", "") == found.get("error") and expected["message"] == found["message"]
    return bool(same and unmarked and expected["line"] and found["line"] and expected["line"] < found["line"])


def _member_of_a_constant(case: t.Any, expected: t.Any, found: t.Any) -> bool:
    """What a constant does not have: Jinja2's compiler makes `{{ 2[:] }}` undefined, which is a TypeError as part of what is no
    constant; and a strict undefined member of a constant (`{{ ''.x ~ 1 }}`) fails before the page starts: in a list of templates to
    include it is one that is not there."""
    if re.search("is not subscriptable|unhashable type: 'slice'|slice indices must be", found.get("message", "")):
        return True
    if case["options"].get("undefined") != "StrictUndefined" or expected.get("message") == found.get("message"):
        return False
    member = "has no (attribute|element)"
    is_early = expected.get("error") == "UndefinedError" and re.search(member, expected["message"])
    return bool(is_early or expected.get("error") == "TemplatesNotFound" and re.search(member, found.get("message", "")))


def _limited(_: t.Any, __: t.Any, found: t.Any) -> bool:
    """Native renders bound what `*` may make, which Python does not."""
    return bool(found.get("error") == "MemoryError" and found["message"] == "the result is larger than the limit allows")


ACCEPTED: list[tuple[str, tuple[str, ...], Explains]] = [
    ("the address of an object", BOTH, _addresses),
    ("the characters of an address", ("native",), _addresses_taken_apart),
    ("the length of an address", ("native",), _measured_addresses),
    ("the package's name, filtered", ("python",), _names_of_the_package),
    ("a limit of native renders", ("native",), _limited),
    ("Python's own error about generated source", BOTH, _python_compiles),
    ("a dict that changes under its loop", ("native",), _changed_in_a_loop),
    ("when a strict undefined value fails", BOTH, _order_of_undefined),
    ("an object as the page", ("native",), _object_as_page),
    ("a value that changes after it was printed", ("native",), _changed_after_it_was_printed),
    ("a value that changes after a called block printed it", ("python",), _changed_in_a_called_block),
    ("a type that only Python has", ("native",), _types_of_literals),
    ("a line that is not marked, behind folded text", BOTH, _folded_line),
    ("what a constant does not have", BOTH, _member_of_a_constant),
    ("an assertion of Jinja2's compiler", BOTH, _assertion),
]
