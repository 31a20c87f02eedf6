"""Record tests/data/undefined.json from Jinja2 3.1.6: run from the crate's directory.

A case is [type of undefined values, autoescape, template, outcome, log]. A type is a name of KINDS, "Logging" and one of
them, or a class from below. An outcome is [output] or [null, exception class, message]; a log is a list of "LEVEL:message".
"""

import json
import logging
import zlib

import jinja2

assert jinja2.__version__ == "3.1.6"


class Loud(jinja2.Undefined):
    """Has an answer to everything."""

    def __str__(self):
        return f"<{self._undefined_message}>"

    def __bool__(self):
        return True

    def __iter__(self):
        return iter(["a", "b"])

    def __len__(self):
        return 2

    def __getattr__(self, name):
        if name[:2] == "__":
            raise AttributeError(name)
        return f"attribute {name}"

    def __getitem__(self, key):
        return self

    def __call__(self, *args, **kwargs):
        return f"called with {len(args)} and {sorted(kwargs)}"


class Fussy(jinja2.Undefined):
    """Has its own error for what is overridable."""

    def _fail_with_undefined_error(self, *args, **kwargs):
        raise jinja2.TemplateRuntimeError(f"fussy: {self._undefined_message}")


class Html(jinja2.Undefined):
    """Is markup."""

    def __str__(self):
        return "<b>nothing</b>"

    def __html__(self):
        return str(self)


LOG = []


class Handler:
    """Stands in for a logger."""

    def warning(self, message, *args):
        LOG.append(f"WARNING:{message % args}")

    def error(self, message, *args):
        LOG.append(f"ERROR:{message % args}")


KINDS = {
    "Default": jinja2.Undefined,
    "Chainable": jinja2.ChainableUndefined,
    "Debug": jinja2.DebugUndefined,
    "Strict": jinja2.StrictUndefined,
}
TYPES = {**KINDS, "Loud": Loud, "Fussy": Fussy, "Html": Html}
TYPES |= {f"Logging {name}": jinja2.make_logging_undefined(Handler(), base) for name, base in TYPES.items()}

VALUES = ["d.x", "d['x']", "l[7]", "(1 if false)", "d.x.y", "x['y']"]
USES = """
{{ V }} {{ V ~ 'a' }} {{ V|upper }} {{ V|string }} {{ V|e }} {{ V|safe }} {{ '%s'|format(V) }} {{ V|list }} {{ V|join(',') }} {{ V|first }}
{{ V|length }} {{ V|default('D') }} {{ V|default('D',true) }} {{ V is defined }} {{ not V }} {{ V and 1 }} {{ V or 1 }} {{ 1 if V else 2 }}
{{ V == 1 }} {{ V == y }} {{ V != V }} {{ V in [1] }} {{ 1 in V }} {{ V < 1 }} {{ V + 1 }} {{ 1 + V }} {{ -V }} {{ V.a }} {{ V['a'] }}
{{ V.a.b }} {{ V() }} {{ V(1,k=2) }} {{ V.a() }} {{ V|int }} {{ V|float }} {{ V|abs }} {{ [V] }} {{ V is iterable }} {{ V is sequence }}
{{ V is mapping }} {{ V is callable }} {{ V is none }} {{ V|sort }} {{ V|unique|list }} {{ V|reverse|list }} {{ V|map('upper')|list }}
{{ V|attr('a') }} {{ V|sum }} {{ V|max }} {{ {V:1}|length }} {{ V|tojson }} {{ V|replace('a','b') }} {{ V|trim }} {{ [1,2]|join(V) }}
{{ V|items|list }} {{ V|dictsort }} {{ V|batch(2)|list }} {{ V|title }} {{ V|wordcount }} {{ V|urlencode }} {{ V|pprint }} {{ V[1:] }}
{% for a in V %}{{ a }}{% else %}none{% endfor %}
{% for a in V %}{{ loop.index }}{{ a }}{{ loop.length }}{% endfor %}
{% if V %}yes{% elif not V %}no{% endif %}
{% include V %}
{% extends V %}
{% include [V] %}
{% set a, b = V %}{{ a }}
{% import V as m %}
{% set z %}{{ V }}{% endset %}{{ z }}
{% with z = V %}{{ z }}{% endwith %}
{% macro m(p) %}{{ p }}|{{ p.a }}{% endmacro %}{{ m() }}
{% macro m(p) %}{{ p }}{% endmacro %}{{ m(V) }}
{{ super() }}
{{ self.nope() }}
{% block b %}{{ super() }}{% endblock %}
{% for a in [1] %}{{ loop.previtem }}{{ loop.nextitem }}{% endfor %}
{% call m() %}{% endcall %}
{{ V.__class__ is defined }}{{ V.__nope__ is defined }}
"""


def templates():
    """Give the templates."""
    for line in USES.strip().splitlines():
        parts = ["{{" + part for part in line.split("{{")[1:]] if line.startswith("{{ V") or " {{ " in line and "{%" not in line else [line]
        yield from (part.strip() for part in parts)


def hash_of(text):
    """Give a number that is the same on every run."""
    return zlib.crc32(text.encode())


def outcome(environment, template):
    """Render a template."""
    try:
        return [environment.from_string(template).render(d={"a": 1}, l=[1])]
    except Exception as error:
        return [None, type(error).__name__, str(error)]


def main():
    """Record everything."""
    cases = []
    for name, kind in TYPES.items():
        for escape in (False, True):
            environment = jinja2.Environment(undefined=kind, autoescape=escape, loader=jinja2.DictLoader({}))
            for use in templates():
                if escape and hash_of(name + use) % 4:
                    continue
                values = [VALUES[hash_of(name + use) % len(VALUES)], "x"] if "V" in use else [""]
                for value in values:
                    template = use.replace("V", value)
                    LOG.clear()
                    found = outcome(environment, template)
                    if not any("object at 0x" in str(part) for part in found):
                        cases.append([name, escape, template, found, list(LOG)])
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    with open("tests/data/undefined.json", "w", encoding="utf-8") as file:
        file.write(f"[\n{lines}\n]\n")
    print(len(cases))


if __name__ == "__main__":
    logging.disable()
    main()
