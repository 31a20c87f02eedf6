#!/usr/bin/env python3
"""Render the chat templates that public packages bring along, here and with Jinja2 3.1.6, and compare every byte.

    compare.py [--packages NAME ...] [--directory FOLDER] [--rust PROGRAM] [--show N]

The packages are downloaded with pip into FOLDER (.cache/chat) unless they are there; none of it is kept in this
repository. Whatever looks like a chat template is taken: files that end in .jinja, .jinja2 or .j2, and texts in Python
and JSON files. Each is rendered with chats of many kinds, with the settings that `transformers` uses. Needs
`jinja2==3.1.6`; the package `haiden` is compared if it can be imported, the crate by its example `chat` (cargo builds
it unless PROGRAM is given).
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["trl", "axolotl", "unsloth", "mlx-lm", "llamafactory", "transformers"]
SUFFIXES = (".jinja", ".jinja2", ".j2")
Outcome = dict[str, Any]

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a town & its <surroundings>",
        "parameters": {
            "type": "object",
            "properties": {
                "town": {"type": "string", "description": "Which town"},
                "days": {"type": "integer", "enum": [1, 3, 7]},
                "units": {"type": ["string", "null"], "default": None},
            },
            "required": ["town"],
        },
    },
}


def call(arguments: object) -> dict[str, Any]:
    """Make a message that calls a tool."""
    function = {"name": "get_weather", "arguments": arguments}
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "call00001", "type": "function", "function": function}],
    }


USER: dict[str, Any] = {"role": "user", "content": "Hi, what's 1 < 2 & 'ä'?\n"}
SYSTEM: dict[str, Any] = {"role": "system", "content": ' You are "kind". '}
ANSWER: dict[str, Any] = {"role": "assistant", "content": "True.  "}
RESULT: dict[str, Any] = {
    "role": "tool",
    "tool_call_id": "call00001",
    "name": "get_weather",
    "content": '{"sun": true}',
}
PARTS: dict[str, Any] = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]}
THOUGHT: dict[str, Any] = {"role": "assistant", "reasoning_content": "Well…", "content": "<think>\nHm\n</think>\n\nYes"}
CHATS: list[list[dict[str, Any]]] = [
    [USER],
    [SYSTEM, USER],
    [SYSTEM, USER, ANSWER, USER],
    [USER, ANSWER],
    [USER, THOUGHT, USER],
    [SYSTEM, USER, call({"town": "Bärn", "days": 3}), RESULT],
    [USER, call('{"town": "Bern"}'), RESULT, ANSWER, USER],
    [SYSTEM, PARTS],
    [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
    [{"role": "developer", "content": "Be brief."}, USER],
    [USER, USER],
    [ANSWER, USER],
    [{"role": "user", "content": None}],
    [],
]


def contexts() -> Iterator[dict[str, Any]]:
    """Make chats of many kinds."""
    for messages, tools, prompt in product(CHATS, (None, [TOOL]), (False, True)):
        context = {"messages": messages, "tools": tools, "add_generation_prompt": prompt}
        yield {**context, "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    yield {
        "messages": [SYSTEM, USER],
        "add_generation_prompt": True,
        "enable_thinking": False,
        "documents": [{"title": "T", "text": "x"}],
    }
    yield {
        "messages": [USER],
        "add_generation_prompt": True,
        "enable_thinking": True,
        "date_string": "26 Jul 2024",
        "bos_token": "<s>",
    }


def is_template(text: str) -> bool:
    """Tell whether a text looks like a chat template."""
    return "messages" in text and ("{%" in text or "{{" in text) and len(text) > 40


def texts_of_python(source: str) -> Iterator[str]:
    """Take the texts of a Python file; what is joined by `+` or stands side by side is one."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return

    def whole(node: ast.AST) -> str | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = whole(node.left), whole(node.right)
            return None if left is None or right is None else left + right
        return None

    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        text = whole(node)
        if text is None:
            pending.extend(ast.iter_child_nodes(node))
        else:
            yield text


def texts_of_json(value: object) -> Iterator[str]:
    """Take the texts of JSON data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_of_json(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of_json(item)


def texts_of_file(name: str, text: str) -> Iterator[str]:
    """Take what may be templates out of a file."""
    if name.endswith(SUFFIXES):
        yield text
    elif name.endswith(".py"):
        yield from texts_of_python(text)
    elif name.endswith(".json"):
        try:
            yield from texts_of_json(json.loads(text))
        except ValueError:
            return


def files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Read the files of a wheel or a source archive."""
    wanted = (*SUFFIXES, ".py", ".json")
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for info in wheel.infolist():
                if info.filename.endswith(wanted) and info.file_size < 4 << 20:
                    yield info.filename, wheel.read(info)
        return
    with tarfile.open(archive) as source:
        for member in source:
            content = source.extractfile(member) if member.isfile() else None
            if content is not None and member.name.endswith(wanted) and member.size < 4 << 20:
                yield member.name, content.read()


def templates(folder: Path) -> dict[str, str]:
    """Find the templates of all packages: each once, by where it was found."""
    found: dict[str, str] = {}
    for archive in sorted(folder.iterdir()):
        if not archive.name.endswith((".whl", ".tar.gz")):
            continue
        for name, content in files(archive):
            text = content.decode("utf-8", errors="replace").replace("\r\n", "\n")
            for place, template in enumerate(filter(is_template, texts_of_file(name, text))):
                found.setdefault(template, f"{archive.name.split('-')[0]}:{name}#{place}")
    return {name: template for template, name in found.items()}


def download(packages: list[str], folder: Path) -> None:
    """Bring the packages that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    present = {path.name.split("-")[0].lower().replace("_", "-") for path in folder.iterdir()}
    for package in packages:
        if package.lower() not in present:
            command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*command, "--only-binary", ":all:", "-d", str(folder), package], check=False)


def environment(engine: ModuleType) -> Any:
    """Make the environment of `transformers` with this engine: `jinja2`, or `haiden` in its place."""
    ext, sandbox, exceptions = (
        importlib.import_module(f"{engine.__name__}.{part}") for part in ("ext", "sandbox", "exceptions")
    )
    nodes = importlib.import_module(f"{engine.__name__}.nodes")

    class Generation(ext.Extension):  # type: ignore[misc, name-defined]
        """The tag `generation`: its body."""

        tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            """Parse the tag."""
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

        def _body(self, caller: Callable[[], str]) -> str:
            return caller()

    def to_json(
        value: object, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
    ) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def refuse(message: str) -> None:
        raise exceptions.TemplateError(message)

    def now(form: str) -> str:
        for directive, value in (("%Y", "2026"), ("%B", "November"), ("%b", "Nov"), ("%m", "11"), ("%d", "25")):
            form = form.replace(directive, value)
        return form

    made = sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, ext.loopcontrols]
    )
    made.filters["tojson"] = to_json
    made.globals["raise_exception"] = refuse
    made.globals["strftime_now"] = now
    return made


def outcome(make: Callable[..., str], *arguments: object) -> Outcome:
    """Render, or say what it fails with: Jinja2's errors by their message, Python's by their class."""
    try:
        return {"page": make(*arguments)}
    except Exception as error:
        is_own = type(error).__module__.split(".")[0] in ("jinja2", "haiden")
        return {"error": str(getattr(error, "message", error)) if is_own else type(error).__name__}


def by_python(engine: ModuleType, sources: list[str]) -> list[Outcome]:
    """Render all of it with a Python package."""
    made = environment(engine)

    def render(source: str, context: dict[str, Any]) -> str:
        if source not in compiled:
            compiled[source] = made.from_string(source)
        return str(compiled[source].render(context))

    compiled: dict[str, Any] = {}
    return [outcome(render, source, context) for source in sources for context in contexts()]


def by_rust(program: Path, sources: list[str]) -> list[Outcome]:
    """Render all of it with the crate."""
    lines = [json.dumps({"template": source, "contexts": list(contexts())}) for source in sources]
    done = subprocess.run([program, "--batch"], input="\n".join(lines), capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(name: str, found: list[Outcome], expected: list[Outcome], names: list[str], show: int) -> bool:
    """Tell what differs."""
    count = len(list(contexts()))
    differing: dict[str, list[int]] = {}
    for place, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        if ours != theirs:
            differing.setdefault(names[place // count], []).append(place)
    print(f"{name}: {len(names) - len(differing)} of {len(names)} templates agree, in {len(found)} renders")
    for template, places in list(differing.items())[:show]:
        print(f"  {template}: {len(places)} renders differ; {found[places[0]]!r:.300} is {expected[places[0]]!r:.300}")
    return not differing


def main() -> int:
    """Compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packages", nargs="*", default=PACKAGES)
    parser.add_argument("--directory", type=Path, default=ROOT / ".cache" / "chat")
    parser.add_argument("--rust", type=Path)
    parser.add_argument("--show", type=int, default=10)
    options = parser.parse_args()
    jinja2 = importlib.import_module("jinja2")
    download(options.packages, options.directory)
    found = templates(options.directory)
    names, sources = list(found), list(found.values())
    expected = by_python(jinja2, sources)
    pages = sum("page" in outcome for outcome in expected)
    print(f"{len(names)} templates, {len(expected)} renders, {pages} of them pages and the others errors")
    program = options.rust
    if program is None:
        subprocess.run(["cargo", "build", "-q", "--release", "-p", "haiden", "--example", "chat"], cwd=ROOT, check=True)
        program = ROOT / "target" / "release" / "examples" / "chat"
    agree = compare("crate", by_rust(program, sources), expected, names, options.show)
    try:
        package = importlib.import_module("haiden.sandbox") and importlib.import_module("haiden")
    except ImportError:
        print("package: not installed, not compared")
    else:
        agree = compare("package", by_python(package, sources), expected, names, options.show) and agree
    return 0 if agree and names else 1


if __name__ == "__main__":
    sys.exit(main())
