"""Loops with a filter take an item when it is needed, as Jinja2's do: what they took by when, and endless iterators."""

import itertools

import jinja2
import pytest

import haiden

LEAVE = "{% if n > 6 %}{% break %}{% endif %}"
TEMPLATES = [
    f"{{% for n in numbers() if odd(n) %}}{{{{ n }}}}{{{{ log|join('.') }}}} {LEAVE}{{% endfor %}}",
    f"{{% for n in numbers() if odd(n) %}}{{{{ n }}}}{{{{ loop.index }}}}{{{{ log|join('.') }}}} {LEAVE}{{% endfor %}}",
    f"{{% for n in numbers() if odd(n) %}}{{{{ n }}}}{{{{ loop.last }}}}{{{{ log|join('.') }}}} {LEAVE}{{% endfor %}}",
    f"{{% for n in numbers() if odd(n) %}}{{{{ log|join('.') }}}} {{{{ loop.nextitem }}}}{{{{ log|join('.') }}}} {LEAVE}{{% endfor %}}",
    f"{{% for n in numbers() if odd(n) %}}{{{{ loop.previtem }}}}{{{{ log|join('.') }}}} {LEAVE}{{% endfor %}}",
    f"{{% for n in numbers() if odd(n) %}}{{% if loop.last is false %}}{{{{ log|join('.') }}}}{{% endif %}}{LEAVE}{{% endfor %}}",
    "{% for n in few() if odd(n) %}{{ n }}{{ loop.length }}{{ loop.revindex }}{{ log|join('.') }} {% else %}none{% endfor %}",
    "{% for n in few() if odd(n) %}{{ loop.nextitem }}{{ loop.revindex0 }}{{ log|join('.') }} {% endfor %}{{ log|join('.') }}",
    "{% for a, b in pairs() if odd(a) %}{{ a }}{{ b }}{{ loop.previtem }}{{ loop.nextitem }}{{ log|join('.') }} {% endfor %}",
    "{% for n in few() if odd(n) recursive %}{{ n }}{{ loop.last }}{% if n == 1 %}[{{ loop(few()) }}]{% endif %}{{ log|join('.') }} {% endfor %}",
]


def outcome(package: object, template: str) -> tuple[str, list[object]]:
    """The page, and what was taken and asked in which order."""
    log: list[object] = []

    def taken(numbers):
        for number in numbers:
            log.append(number)
            yield number

    def odd(number):
        log.append(f"odd{number}")
        return number % 2

    env = package.Environment(extensions=["jinja2.ext.loopcontrols"])
    page = env.from_string(template).render(
        numbers=lambda: taken(itertools.count()),
        few=lambda: taken([2, 3, 4, 5]),
        pairs=lambda: (iter([number, -number]) for number in taken(range(5))),
        odd=odd,
        log=log,
    )
    return page, log


@pytest.mark.parametrize("template", TEMPLATES)
def test_filtered_loops_take_what_is_needed(template):
    assert outcome(haiden, template) == outcome(jinja2, template)


def test_a_filter_that_fails_later_fails_behind_what_came_before():
    template = "{% for n in [1, 2, 0] if 1 // n == 1 or n %}{{ n }}{{ loop.nextitem }} {% endfor %}"
    for package in (jinja2, haiden):
        parts = package.Environment().from_string(template).generate()
        assert [next(parts), next(parts), next(parts)] == ["1", "2", " "]
        assert next(parts) == "2"
        with pytest.raises(ZeroDivisionError):
            next(parts)
