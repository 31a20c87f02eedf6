"""Records what Jinja2 3.1.6 makes of cases: ``python corpus/record.py FILE.json...``.

Each file is a list of cases (``docs/conformance.md``) with ``name``, ``template``, and ``context``, ``options`` and
``templates`` where they are needed. ``expected`` or ``error``, ``error_message`` and ``error_lineno`` are written anew.
Cases with ``environment``, ``setup``, ``policies`` or ``artifact`` are left as they are.
"""

import copy
import json
import pathlib
import sys

import jinja2
from environments import environment, line_of

KEPT = ("environment", "setup", "policies", "artifact", "renders", "expected_type")
OUTCOME = ("expected", "error", "error_message", "error_lineno")


def outcome(case):
    """The fields that Jinja2 decides."""
    # Templates may change it; the record keeps what they were given.
    context = copy.deepcopy(case.get("context", {}))
    try:
        return {"expected": environment(jinja2, case).from_string(case["template"]).render(context)}
    except Exception as error:  # noqa: BLE001 - whatever it raises is what we record
        found = {"error": type(error).__name__, "error_message": str(error)}
        if isinstance(error, jinja2.TemplateSyntaxError):
            found["error_message"] = error.message
        if (line := line_of(error)) is not None:
            found["error_lineno"] = line
        return found


def record(path):
    """Records a file in place."""
    cases = json.loads(path.read_text(encoding="utf-8"))
    for case in cases:
        if any(field in case for field in KEPT):
            continue
        for field in OUTCOME:
            case.pop(field, None)
        case.update(outcome(case))
    path.write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main():
    if jinja2.__version__ != "3.1.6":
        sys.exit(f"Jinja2 3.1.6 is the reference; this is {jinja2.__version__}")
    if not sys.argv[1:]:
        sys.exit(__doc__)
    for path in map(pathlib.Path, sys.argv[1:]):
        record(path)


if __name__ == "__main__":
    main()
