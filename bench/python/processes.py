"""Whole processes: what `import` costs, and the way from the start of the interpreter to the first page.

The clock is the processor time of the process, user and system; what the bare interpreter takes is subtracted.
"""

import os
import statistics
import sys

PAGE = """
from {0} import Environment, DictLoader, FileSystemBytecodeCache
cache = FileSystemBytecodeCache({1!r})
sources = {{
    "layout": "<title>{{% block title %}}{{{{ site }}}}{{% endblock %}}</title>{{% block body %}}{{% endblock %}}",
    "page": "{{% extends 'layout' %}}{{% block body %}}<ul>{{% for item in items %}}<li>{{{{ loop.index }}}}: "
            "{{{{ item.name|upper }}}}, {{{{ item.price }}}}</li>{{% endfor %}}</ul>{{% endblock %}}",
}}
environment = Environment(loader=DictLoader(sources), autoescape=True, bytecode_cache=cache)
items = [{{"name": "a < b", "price": n}} for n in range(50)]
page = environment.get_template("page").render(site="A site", items=items)
assert page.count("A &lt; B") == 50
"""


def spent(code, path):
    """Nanoseconds of processor time of a process that runs this code."""
    environment = {**os.environ, "PYTHONPATH": path} if path else dict(os.environ)
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", code], environment)
    _, status, usage = os.wait4(process, 0)
    if status != 0:
        sys.exit(f"error: a process failed:\n{code}")
    return (usage.ru_utime + usage.ru_stime) * 1e9


def measure(packages, folder, rounds, path=None):
    """For each package the times over the bare interpreter, and Jinja2's divided by them: import, first page."""
    results = {}
    for title, template in (("import", "import {0}"), ("first page", PAGE)):
        codes = [template.format(package, f"{folder}/{package}") for package in packages]
        for package, code in zip(packages, codes):
            os.makedirs(f"{folder}/{package}", exist_ok=True)
            spent(code, path)
        samples = [[] for _ in codes]
        for _ in range(rounds):
            bare = spent("pass", path)
            for own, code in zip(samples, codes):
                own.append(max(1.0, spent(code, path) - bare))
        medians = [statistics.median(own) for own in samples]
        results[title] = {package: (median, medians[0] / median) for package, median in zip(packages, medians)}
    return results
