"""The recorded cases through the package: `python run_corpus.py [--cases FILE.json …]`.

In: cases that Jinja2 3.1.6 was recorded with (`docs/conformance.md`); without arguments all of `corpus/render/`. Each runs as
it is, through `generate`, and from an image. Out: passed and total. Known failures stand in `corpus/ledger.toml` under
`[python]`; a line there whose case passes, or that names no case, is an error.
"""

import argparse
import copy
import functools
import importlib
import json
import pathlib
import sys
import typing as t

import haiden
from haiden import bccache

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib  # type: ignore[no-redef]

ROOT = pathlib.Path(__file__).parents[2]
sys.path.append(str(ROOT / "corpus"))
environments = importlib.import_module("environments")
environment: t.Callable[..., t.Any] = functools.partial(environments.environment, haiden)
# Their words are CPython's, and change from version to version.
OWN_WORDS = {"TypeError", "ValueError", "ZeroDivisionError", "OverflowError", "KeyError", "IndexError", "RecursionError", "SyntaxError"}
# What Python itself does otherwise than the version that the cases were recorded with: slices can be hashed, and `sorted`
# takes anything for `reverse`; `to_bytes` has no default.
OTHERWISE = {"access/16", "found/self_by_slice", "found/sort_reverse_is_an_integer"} if sys.version_info >= (3, 12) else set()
if sys.version_info >= (3, 12):
    # `sort` with an undefined direction.
    OTHERWISE |= {f"undef_arg/{kind}/26" for kind in ("StrictUndefined", "Undefined", "ChainableUndefined", "DebugUndefined")}
OTHERWISE |= {"found/bytes_methods_10"} if sys.version_info < (3, 11) else set()
# `string.Formatter` numbers fields with attributes, too.
OTHERWISE |= {"found/fields_of_markup_02", "found/fields_of_markup_04"} if sys.version_info >= (3, 14) else set()
Case = dict[str, t.Any]


class Memory(bccache.BytecodeCache):
    """Keeps images in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: bccache.Bucket) -> None:
        bucket.bytecode_from_string(self.kept.get(bucket.key))  # type: ignore[arg-type]

    def dump_bytecode(self, bucket: bccache.Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


def template(case: Case, mode: str) -> t.Any:
    """The template of a case."""
    if mode != "image":
        env = environment(case)
        return env.get_template(case["entry"]) if "entry" in case else env.from_string(case["template"])
    # A name decides about escaping where a function is asked, so such cases stay as they are.
    if "entry" not in case and isinstance(case.get("options", {}).get("autoescape"), dict):
        return environment(case).from_string(case["template"])
    cache, entry = Memory(), case.get("entry", "/main")
    for _ in range(2):
        env = environment(case, bytecode_cache=cache)
        env.loader.mapping = {"/main": case["template"], **case.get("templates", {})}
        found = env.get_template(entry)
    if "entry" not in case:
        found.name = None
    return found


def outcome(case: Case, mode: str) -> Case:
    """What a case makes, in the fields of its record."""
    try:
        page = template(case, mode)
        # Templates may change it.
        context = copy.deepcopy(case.get("context", {}))
        if mode == "chunks":
            chunks = list(page.generate(context))
            return {"expected": page.environment.concat(chunks), "chunks": chunks}
        for _ in range(case.get("renders", 1)):
            text = page.render(context)
    except Exception as error:  # noqa: BLE001 - whatever it raises is compared
        message = error.message if isinstance(error, haiden.TemplateSyntaxError) else str(error)
        # The name of our class, and the name that only the template out of an image has.
        message = message.replace("haiden.", "jinja2.").replace(" in '/main'", "")
        return {"error": type(error).__name__, "error_message": message, "error_lineno": environments.line_of(error)}
    if mode == "image" and isinstance(text, str):
        # As above: `self` shows the name.
        text = text.replace("<TemplateReference '/main'>", "<TemplateReference None>")
    return {"expected": text}


def difference(case: Case, found: Case, mode: str) -> str | None:
    """What differs from the record; `None` if nothing does."""
    if "error" in case:
        wanted = {"error": case["error"]}
        if case["error"] not in OWN_WORDS:
            wanted["error_message"] = case["error_message"]
        if "error_lineno" in case and mode != "image":
            wanted["error_lineno"] = case["error_lineno"]
        same = all(found.get(field) == value for field, value in wanted.items())
        return None if same else f"{wanted} wanted, {found} found"
    if "error" in found:
        return f"{found['error']}: {found['error_message']}"
    if "expected_repr" in case:
        value = found["expected"]
        same = (repr(value), type(value).__name__) == (case["expected_repr"], case["expected_type"])
        return None if same else f"{case['expected_repr']} wanted, {value!r} found"
    if found["expected"] != case["expected"]:
        return f"{case['expected']!r} wanted, {found['expected']!r} found"
    if mode == "chunks" and found["chunks"] != case.get("expected_chunks", found["chunks"]):
        return f"chunks {case['expected_chunks']} wanted, {found['chunks']} found"
    return None


def modes(case: Case) -> list[str]:
    """In which ways a case is run."""
    found = ["plain", "image"]
    if "environment" not in case and not case.get("options", {}).get("enable_async") and "renders" not in case:
        found.append("chunks")
    return found


def run(cases: list[Case], ledger: dict[str, str], whole: bool, quiet: bool = False) -> int:
    """Runs cases, prints, and returns how many failed that should not have."""
    passed = wrong = 0
    unseen = dict(ledger)
    cases = [case for case in cases if case["name"] not in OTHERWISE]
    for case in cases:
        why = unseen.pop(case["name"], None)
        found = {mode: difference(case, outcome(case, mode), mode) for mode in modes(case)}
        failed = {mode: what for mode, what in found.items() if what is not None}
        passed += not failed
        if failed and why is None:
            wrong += 1
            for mode, what in failed.items() if not quiet else ():
                print(f"{case['name']} ({mode}): {what}\n    {case['template']!r}")
        elif why is not None and not failed:
            wrong += 1
            print(f"{case['name']}: passes now; strike its line in the ledger ({why})")
    for name in unseen if whole else ():
        wrong += 1
        print(f"{name}: stands in the ledger but is no case")
    print(f"{passed} of {len(cases)} passed, {len(cases) - passed - wrong} known failures, {wrong} wrong")
    return wrong


def main() -> int:
    """Runs what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", type=pathlib.Path, default=[], metavar="FILE.json")
    arguments = parser.parse_args()
    files = arguments.cases or sorted((ROOT / "corpus/render").glob("*.json"))
    cases = [case for file in files for case in json.loads(file.read_text(encoding="utf-8"))]
    ledger = tomllib.loads((ROOT / "corpus/ledger.toml").read_text(encoding="utf-8")).get("python", {})
    return min(1, run(cases, ledger, whole=not arguments.cases))


if __name__ == "__main__":
    sys.exit(main())
