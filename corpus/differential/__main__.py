"""Renders random templates with haiden and with Jinja2 3.1.6, and compares.

In: `cargo xtask differential` gives the arguments; `native` answers through a program that reads cases on its standard input,
`python` is the package in this process. Out: each difference, made small, as a case; how often each accepted difference of
`accepted` was met; what the templates used, of everything there is (with `--mutate` nothing: those are of the corpus). Invariant: fails on a
difference and on anything unused.
"""

import argparse
import collections
import json
import random
import subprocess
import sys
import time
import types
import typing as t

import jinja2
import jinja2.filters
import jinja2.tests

import generate
from accepted import ACCEPTED
from mutate import Mutants
from outcome import Case, Outcome, outcome
from shrink import shrink

# Below so many cases something may be unused by chance.
COVERING = 20_000
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or", "not", "unary -", "unary +", "if else", "chain", "slice", "% format"]  # fmt: skip
GLOBALS = ["range", "dict", "cycler", "joiner", "namespace", "super"]
# Errors whose words are Jinja2's own.
OWN_WORDS = {"UndefinedError", "TemplateSyntaxError", "TemplateAssertionError", "TemplateNotFound", "TemplatesNotFound", "TemplateRuntimeError", "FilterArgumentError", "SecurityError"}  # fmt: skip


class Native:
    """The program that renders on native values."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.start()

    def start(self) -> None:
        """Starts it; again, if it has crashed."""
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def __call__(self, case: Case) -> Outcome:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(case) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            status = self.process.wait()
            self.start()
            return {"error": f"crash, status {status}", "message": "", "line": None}
        found: Outcome = json.loads(answer)
        return found


def difference(expected: Outcome, found: Outcome) -> str | None:
    """In what two outcomes differ; `None` if in nothing."""
    if "error" not in expected or "error" not in found:
        return None if expected == found else "outcome"
    if expected["error"] != found["error"]:
        return "class"
    if None not in (expected["line"], found["line"]) and expected["line"] != found["line"]:
        return "line"
    return "message" if expected["error"] in OWN_WORDS and expected["message"] != found["message"] else None


class Run:
    """A run of one host."""

    def __init__(self, host: str, engine: t.Callable[[Case], Outcome]) -> None:
        self.host = host
        self.engine = engine
        self.hits: collections.Counter[str] = collections.Counter()
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.differences = 0

    def fitting(self, case: Case) -> Case:
        """The case as this host takes it: native values know nothing of `enable_async`, which shows in what generators look like."""
        if self.host == "python" or "enable_async" not in case["options"]:
            return case
        return {**case, "options": {name: value for name, value in case["options"].items() if name != "enable_async"}}

    def explained(self, case: Case, expected: Outcome, found: Outcome) -> str | None:
        """The name of the accepted difference that this is."""
        for name, hosts, explains in ACCEPTED:
            if self.host in hosts and explains(case, expected, found):
                return name
        return None

    def unexplained(self, case: Case) -> tuple[str, Outcome, Outcome] | None:
        """What differs in a case for no accepted reason."""
        expected = outcome(jinja2, case)
        if expected.get("error") == "too long":
            return None
        found = self.engine(case)
        what = difference(expected, found)
        self.outcomes[expected.get("error", "a page")] += 1
        if what is None:
            return None
        name = self.explained(case, expected, found)
        if name is not None:
            self.hits[name] += 1
            return None
        return what, expected, found

    def judge(self, seed: int, case: Case) -> None:
        """Compares a case; a difference is made small and shown."""
        first = self.unexplained(case)
        if first is None:
            return
        self.differences += 1
        kept = self.outcomes.copy(), self.hits.copy()

        def same(smaller: Case) -> bool:
            again = self.unexplained(smaller)
            return again is not None and (again[0], again[1].get("error"), again[2].get("error")) == (first[0], first[1].get("error"), first[2].get("error"))

        small = shrink(case, same)
        _, expected, found = self.unexplained(small) or first
        self.outcomes, self.hits = kept
        print(f"--- {self.host}, seed {seed}: {first[0]}\n{json.dumps(small, ensure_ascii=False)}\n    jinja2: {expected}\n    haiden: {found}", flush=True)


def everything() -> dict[str, list[str]]:
    """All that templates should use."""
    bodies = [name for name in generate.STATEMENTS if name not in generate.LEAVES]
    return {
        "filter": sorted(jinja2.filters.FILTERS),
        "test": sorted(jinja2.tests.TESTS),
        "operator": OPERATORS,
        "global": GLOBALS,
        "statement": [*generate.STATEMENTS, "extends"],
        "environment": ["SandboxedEnvironment", "ImmutableSandboxedEnvironment", "NativeEnvironment"],
        "pair": [f"{outer}/{inner}" for outer in bodies if outer != "recursive" for inner in generate.STATEMENTS if not impossible(outer, inner)],
    }


def impossible(outer: str, inner: str) -> bool:
    """Can this statement not stand in that one? Blocks stand in no macro, block or call; loops end only loops."""
    return (inner == "block" and outer in ("block", "macro")) or (inner in ("break", "continue") and outer == "macro")


def coverage(seen: collections.Counter[tuple[str, str]]) -> list[str]:
    """Prints what was used; returns what was not."""
    unused = []
    for kind, names in everything().items():
        counts = {name: seen[kind, name] for name in names}
        unused += [f"{kind} {name}" for name, count in counts.items() if not count]
        least = sorted(counts.items(), key=lambda entry: entry[1])[:4]
        rarest = ", ".join(f"{name} {count}" for name, count in least)
        print(f"{kind:<12} {len(names) - sum(not count for count in counts.values()):>4} of {len(names):<4} used; rarest: {rarest}")
    triples = sum(1 for kind, _ in seen if kind == "triple")
    options = sum(1 for kind, _ in seen if kind == "option")
    print(f"{'triple':<12} {triples:>4} combinations of three statements inside one another\n{'option':<12} {options:>4} settings")
    return unused


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="differential", description=__doc__)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--cases", type=int, default=None)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--host", choices=["native", "python", "both"], default="native")
    parser.add_argument("--mutate", action="store_true", help="templates of the corpus with mistakes in them")
    parser.add_argument("--native", metavar="PROGRAM")
    parser.add_argument("--most", type=int, default=20, help="differences to show before it stops")
    return parser.parse_args()


def runs(given: argparse.Namespace) -> list[Run]:
    """A run for each host."""
    made = []
    if given.host in ("native", "both"):
        made.append(Run("native", Native([given.native])))
    if given.host in ("python", "both"):
        package: types.ModuleType = __import__("haiden")
        made.append(Run("python", lambda case: outcome(package, case)))
    return made


def main() -> int:
    """Runs; returns the status."""
    given = arguments()
    seed = random.randrange(2**32) if given.seed is None else given.seed
    most = given.cases or (None if given.seconds else 1000)
    end = time.monotonic() + given.seconds if given.seconds else float("inf")
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    hosts = runs(given)
    mutants = Mutants() if given.mutate else None
    done = 0
    while time.monotonic() < end and (most is None or done < most) and sum(run.differences for run in hosts) < given.most:
        number = seed * 1_000_003 + done
        case = mutants.write(number) if mutants else generate.write(number, seen)
        for run in hosts:
            run.judge(number, run.fitting(case))
        done += 1
    unused = [] if mutants else coverage(seen)
    for run in hosts:
        kinds = ", ".join(f"{name} {count}" for name, count in run.outcomes.most_common())
        print(f"{run.host}: {done} cases (seed {seed}), {run.differences} differences\n  outcomes: {kinds}\n  accepted: {dict(run.hits)}")
    if unused and done >= COVERING:
        print(f"never used: {', '.join(unused)}")
        return 1
    return 1 if any(run.differences for run in hosts) else 0


if __name__ == "__main__":
    sys.exit(main())
