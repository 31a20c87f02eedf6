"""A render that calls no Python code can be interrupted, and does not keep other threads from running."""

import signal
import threading
import time

import pytest
from conftest import environment

TEMPLATES = {
    "loops": "{% for i in l %}{% for j in l %}{% set x = i + j %}{% endfor %}{% endfor %}",
    "output": "{% for i in l %}{% for j in l %}{{ '' }}{% endfor %}{% endfor %}",
    "macros": "{% macro m(a, b=2) %}{% endmacro %}{% for i in l %}{% for j in l %}{{ m(1) }}{% endfor %}{% endfor %}",
    "recursion": "{% for i in l recursive %}{% for j in x %}{{ j }}{{ loop.index }}{% endfor %}{{ loop([]) }}{% endfor %}",
}
ENDLESS = range(1 << 40)


class Interrupted(BaseException):
    pass


def interrupt(*_):
    raise Interrupted


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("fast", [True, False])
def test_signals(name, fast):
    template = environment(fast).from_string(TEMPLATES[name])
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupted):
            template.render(l=ENDLESS, x=[])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert environment(fast).from_string("{{ a }}").render(a=1) == "1"


def test_threads():
    """A render that waits for what another thread does, without calling anything."""
    state = {"over": False}

    def end():
        for _ in range(20):
            time.sleep(0.001)
        state["over"] = True

    source = "{% for i in l %}{% if d.over %}{{ 1 // 0 }}{% endif %}{% endfor %}"
    template = environment(True).from_string(source)
    other = threading.Thread(target=end)
    other.start()
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 20)
        with pytest.raises(ZeroDivisionError):
            template.render(l=ENDLESS, d=state)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        other.join()
