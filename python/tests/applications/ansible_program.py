"""Ansible's templating: its lazy containers, native values, own tests, filters and look-ups, files with overrides."""

import pathlib
import sys

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

VARIABLES = {
    "name": "web <1>",
    "greeting": trust_as_template("hello {{ name }}"),
    "nested": {"a": [1, 2, {"b": trust_as_template("{{ greeting|upper }}")}], "none": None},
    "hosts": [{"name": "a", "ip": "10.0.0.1", "up": True}, {"name": "b", "ip": "10.0.0.20", "up": False}],
    "number": "12",
    "loop_of_names": trust_as_template("{{ loop_of_names }}"),
}

SOURCES = """{{ greeting }}
{{ nested }}
{{ nested.a[2].b }} and {{ nested['none'] }}
{{ hosts|map(attribute='name')|list }}
{{ hosts|selectattr('up')|map(attribute='ip')|join(',') }}
{{ hosts|rejectattr('up')|list|length + 1 }}
{{ number|int + 1 }}
{{ '%05d'|format(number|int) }}
{{ hosts|to_json }}
{{ hosts|to_nice_yaml }}
{{ {'b': 1, 'a': [1, 2]}|combine({'c': 3})|dict2items }}
{{ 'x.tar.gz'|splitext }}
{{ 'hello'|regex_replace('l+', 'L') }}
{{ 'hello'|hash('sha1') }} {{ 'x'|b64encode }}
{{ [3, 1, 2]|sort|first }} {{ [1, [2, [3]]]|flatten }}
{{ nothing|default('no') }}
{{ nothing }}
{{ nothing.x|default('none') }}
{{ hosts[9].x }}
{{ 'a' is match('a') }} {{ '/etc' is directory }} {{ '1.2' is version('1.10', '<') }}
{{ lookup('vars', 'name') }} {{ query('sequence', 'start=1 end=3') }}
{{ lookup('items', [1, 2]) }}
{{ [1, 2]|zip(['a', 'b'])|list }} {{ true|ternary('y', 'n') }}
{% for host in hosts %}{{ loop.index }}={{ host.name }} {% endfor %}
{% if hosts %}{{ hosts[0].ip|mandatory }}{% endif %}
{{ undef('gone') }}
{{ nothing|mandatory }}
{{ 1 / 0 }}
{{ loop_of_names }}
{% if %}
{{ 'x'|no_such_filter }}
{{ ''.__class__.__mro__ }}
""".splitlines()

FILE = """#jinja2: trim_blocks: True, variable_start_string: '[[', variable_end_string: ']]'
{% for host in hosts %}
server [[ host.name ]] [[ host.ip ]];
{% endfor %}
{{ as it is }}
{% macro m(x) %}<[[ x ]]>{% endmacro %}
[[ m(name) ]]
"""


def outcome(templar: Templar, source: str) -> str:
    try:
        value = templar.template(trust_as_template(source))
    except Exception as error:
        # What exactly was too deep is the interpreter's to say.
        return f"{type(error).__name__}: {error}".replace(" while calling a Python object", "")
    return f"{type(value).__name__}: {value!r}"


def main(target: pathlib.Path) -> None:
    templar = Templar(loader=DataLoader(), variables=VARIABLES)
    lines = [f"{source}\n    {outcome(templar, source)}" for source in [*SOURCES, FILE]]
    (target / "values.txt").write_text("\n".join(lines))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
