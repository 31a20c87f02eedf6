"""Makes a case small that still shows what it shows.

In: a case, and a function that says whether a smaller one is as good. Out: the smallest found. Invariant: no step makes it larger.
"""

import re
import typing as t

Case = dict[str, t.Any]
Good = t.Callable[[Case], bool]

# A tag, or data in between; inside a tag: words, strings, single signs.
PARTS = re.compile(r"(\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\})", re.DOTALL)
WORDS = re.compile(r"\w+|'[^']*'|\"[^\"]*\"|\s+|.", re.DOTALL)
# Attempts at most; a case is a second or two then.
ATTEMPTS = 1500


class Shrinker:
    """One attempt after another."""

    def __init__(self, case: Case, good: Good) -> None:
        self.case = case
        self.good = good
        self.left = ATTEMPTS

    def attempt(self, **changed: t.Any) -> bool:
        """Keeps the change if the case is still good."""
        if self.left <= 0:
            return False
        self.left -= 1
        smaller = {**self.case, **changed}
        if not self.good(smaller):
            return False
        self.case = smaller
        return True

    def without(self, field: str) -> bool:
        """Drops entries of a mapping, one by one."""
        dropped = False
        for name in list(self.case.get(field, {})):
            # Without it, Jinja2 fails on the set-up of the case.
            if name == "extensions" and "setup" in self.case:
                continue
            rest = {key: value for key, value in self.case[field].items() if key != name}
            dropped |= self.attempt(**{field: rest})
        return dropped

    def parts(self, text: str, put: t.Callable[[str], bool], split: re.Pattern[str]) -> bool:
        """Drops runs of parts of a text: long ones first."""
        parts = [part for part in re.split(PARTS, text) if part] if split is PARTS else split.findall(text)
        size, smaller = max(len(parts) // 2, 1), False
        while size:
            at = 0
            while at < len(parts):
                rest = parts[:at] + parts[at + size :]
                if put("".join(rest)):
                    parts, smaller = rest, True
                else:
                    at += 1 if size < 4 else size // 2
            size //= 2
        return smaller

    def texts(self, split: re.Pattern[str]) -> bool:
        """Makes the templates smaller."""
        smaller = self.parts(self.case["template"], lambda text: self.attempt(template=text), split)
        for name in list(self.case["templates"]):

            def put(text: str, name: str = name) -> bool:
                return self.attempt(templates={**self.case["templates"], name: text})

            smaller |= self.parts(self.case["templates"][name], put, split)
        return smaller


def shrink(case: Case, good: Good) -> Case:
    """The smallest case found that is as good."""
    shrinker = Shrinker(case, good)
    shrinker.texts(PARTS)
    for field in ("setup", "policies", "environment"):
        rest = {name: value for name, value in shrinker.case.items() if name != field}
        if rest != shrinker.case and good(rest):
            shrinker.case = rest
    for field in ("options", "typed_context", "templates"):
        shrinker.without(field)
    while shrinker.left > 0:
        if not (shrinker.texts(PARTS) | shrinker.texts(WORDS)):
            break
    return shrinker.case
