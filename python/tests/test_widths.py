"""Pages of characters of any width: as Python joins and escapes them."""

import random

import pytest
from markupsafe import escape

# A character of each width, and what escaping does with it.
ALPHABETS = {
    "ascii": "ab <>&\"'",
    "latin1": "äé ß<&ÿ",
    "two": "€–漢字 <&\ud800\uffff",
    "four": "🎉𝒳 <&\U0010ffff",
    "mixed": "aä€🎉<>&'",
}


def text(random, alphabet, length):
    return "".join(random.choice(ALPHABETS[alphabet]) for _ in range(length))


def values_of(random, alphabets, count, longest):
    return [text(random, random.choice(alphabets), random.randrange(longest)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(40))
def test_random_pages(compile, seed):
    """From pages with one wide character to pages of nothing else."""
    rng = random.Random(seed)
    alphabets = rng.choice([["ascii"], ["ascii"] * 20 + ["two"], ["ascii", "latin1", "four"], list(ALPHABETS), ["two"]])
    values = values_of(rng, alphabets, rng.choice([1, 5, 300]), rng.choice([3, 70, 700]))
    between = text(rng, rng.choice(alphabets), 3).translate({ord("<"): "", 0xD800: ""})
    for autoescape in (True, False):
        program = compile("{% for v in o %}{{ v }}" + between + "{{ loop.index }}{% endfor %}", autoescape=autoescape)
        shown = [str(escape(v)) if autoescape else v for v in values]
        page = program.render({"o": values})
        assert page == "".join(f"{v}{between}{n}" for n, v in enumerate(shown, 1))
        # It is as narrow as it can be, as all of Python's strings are.
        assert page.isascii() == all(ord(c) < 128 for c in page)
        assert hash(page) == hash("".join(list(page)))


@pytest.mark.parametrize("seed", range(20))
def test_parts_that_are_taken_out_of_a_page(compile, seed):
    """Captured text, in which wide characters come and from which they go again."""
    rng = random.Random(seed)
    alphabets = rng.choice([["ascii", "two"], ["ascii"] * 5 + ["four"], ["latin1", "two"], ["mixed"]])
    source = (
        "{% macro m(v) %}[{{ v }}]{% endmacro %}"
        "{% for v in o %}{% set a %}{{ v }}{% set b %}<{{ v }}>{% endset %}{{ b|length }}{% endset %}"
        "{{ v }}{{ a }}{{ m(v)|length }}{{ m(v) }}{% endfor %}"
    )
    program = compile(source)
    values = values_of(rng, alphabets, 50, 40)
    expected = "".join(f"{v}{v}{len(v) + 2}{len(v) + 2}[{v}]" for v in values)
    assert program.render({"o": values}) == expected
