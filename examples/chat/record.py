#!/usr/bin/env python3
"""Record what Jinja2 3.1.6 makes of this chat, with the settings that `transformers` uses: expected.json.

    record.py           write expected.json anew
    record.py --check   write nothing; exit with 1 when it differs

A case is a context that differs from context.json in some keys, and the page or the message of the error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = Path(__file__).resolve().parent
ORACLE = "3.1.6"
CHANGES: list[dict[str, object]] = [
    {},
    {"add_generation_prompt": False, "tools": []},
    {"tools": None, "max_turns": 2},
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho", "thoughts": "why?\n"}]},
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "system", "content": "late"}]},
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "narrator", "content": "Once"}]},
    {"messages": [{"role": "user", "content": [{"type": "smell"}]}]},
    {"messages": []},
]


class Generation(jinja2.ext.Extension):
    """The tag `generation`: its body."""

    tags = {"generation"}

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        """Parse the tag."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller: jinja2.runtime.Macro) -> str:
        return caller()


def to_json(value: object, **options: object) -> str:
    """Write a value as JSON."""
    return json.dumps(value, **{"ensure_ascii": False, **options})


def refuse(message: str) -> None:
    """Raise an error."""
    raise jinja2.TemplateError(message)


def environment() -> jinja2.Environment:
    """Make the environment."""
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = to_json
    made.globals["raise_exception"] = refuse
    made.globals["strftime_now"] = lambda format: format.replace("%d %B %Y", "25 November 2026")
    return made


def record() -> str:
    """Render all cases."""
    template = environment().from_string((HERE / "template.jinja").read_text(encoding="utf-8"))
    context = json.loads((HERE / "context.json").read_text(encoding="utf-8"))
    cases = []
    for change in CHANGES:
        try:
            outcome = {"page": template.render({**context, **change})}
        except jinja2.TemplateError as error:
            outcome = {"error": error.message}
        cases.append({"change": change, **outcome})
    return json.dumps(cases, ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    """Write or check the record."""
    if jinja2.__version__ != ORACLE:
        print(f"record.py: needs Jinja2 {ORACLE}, found {jinja2.__version__}", file=sys.stderr)
        return 2
    path, found = HERE / "expected.json", record()
    if "--check" in sys.argv[1:]:
        same = path.read_text(encoding="utf-8") == found
        print("as recorded" if same else "differs: expected.json")
        return 0 if same else 1
    path.write_text(found, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
