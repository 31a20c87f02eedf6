#!/usr/bin/env python3
"""Write a site of 300 templates and its data into a folder: the same files on every machine, on every run.

    generate.py FOLDER              FOLDER/templates/, FOLDER/data.json
    generate.py FOLDER --expected   FOLDER/expected/ too: the pages as Jinja2 3.1.6 renders them

In `parts/`: what pages are made of, one file a part; `$word1`, `$sentence2`, `$small1` … stand for words and numbers of
each page's own, the same name for the same one within a part. In `shared/`: base layout, macros and includes as they are.

Invariant: nothing here depends on Python's version, on time or on a hash; numbers come from `Dice`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

HERE = Path(__file__).resolve().parent
ORACLE = "3.1.6"
TEMPLATES = 300
SECTIONS = "birds bogs bridges caves ferries harbours islands lighthouses mills orchards springs trails".split()
KINDS = "page.html page.html page.html page.html page.html page.html page.xml page.txt".split()
WORDS = (
    "amber brook cedar drift elder fern gravel heath ivy juniper kelp lichen meadow nettle otter pebble quarry reed "
    "sedge thistle umber vale willow yarrow zephyr bright hollow narrow quiet steep Straße crème fjörður naïve Łódź "
    "πηγή гора 山道 川 🦉 R&D <wild> \"north\" it's"
).split()


class Dice:
    """A generator of numbers: xorshift, 64 bits."""

    def __init__(self, seed: int) -> None:
        self.state = (seed * 0x9E3779B97F4A7C15 + 1) % 2**64

    def below(self, limit: int) -> int:
        """Give a number from 0 to below the limit."""
        state = self.state
        state ^= state << 13 & 2**64 - 1
        state ^= state >> 7
        state ^= state << 17 & 2**64 - 1
        self.state = state
        return (state >> 11) % limit

    def between(self, low: int, high: int) -> int:
        """Give a number from low to high."""
        return low + self.below(high - low + 1)

    def pick(self, choices: list[str]) -> str:
        """Give one of several."""
        return choices[self.below(len(choices))]

    def words(self, count: int) -> str:
        """Give several words in a row."""
        return " ".join(self.pick(WORDS) for _ in range(count))

    def sentence(self) -> str:
        """Give a sentence of 6 to 14 words."""
        return f"The {self.words(self.between(5, 13))}."


class Placeholders(Mapping[str, str]):
    """What stands in place of `$word1` and its like: made when it is first asked for, then kept."""

    def __init__(self, dice: Dice, **fixed: str) -> None:
        self.dice, self.values = dice, dict(fixed)

    def __getitem__(self, name: str) -> str:
        """Give the text of a placeholder."""
        if name not in self.values:
            self.values[name] = self.make(name.rstrip("0123456789"))
        return self.values[name]

    def make(self, kind: str) -> str:
        """Make a text of a kind. Words in code must not end the string they stand in: they are plain."""
        dice = self.dice
        match kind:
            case "word":
                return dice.pick(WORDS[:30])
            case "sentence":
                return dice.sentence()
            case "paragraph":
                return " ".join(dice.sentence() for _ in range(dice.between(2, 7)))
            case "small":
                return str(dice.between(2, 6))
            case "number":
                return str(dice.between(10, 99_999))
            case "decimal":
                return f"{dice.between(1, 9_999) / 100:.2f}"
        raise KeyError(kind)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names that were asked for."""
        return iter(self.values)

    def __len__(self) -> int:
        """Count them."""
        return len(self.values)


def read(folder: str) -> dict[str, str]:
    """Read all files of a folder beside this one: their names below it, sorted, and their texts."""
    files = sorted(path for path in (HERE / folder).rglob("*") if path.is_file())
    return {path.relative_to(HERE / folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def make_entry(dice: Dice, section: str, number: int) -> dict[str, object]:
    """Make the data of one page."""
    facts = {dice.pick(WORDS[:20]): dice.between(1, 5_000) / 4 for _ in range(dice.between(2, 6))}
    facts["height"] = dice.between(1, 2_000)
    return {
        "slug": f"{number:02}",
        "title": dice.words(3).title(),
        "summary": dice.sentence(),
        "text": "\n\n".join(" ".join(dice.sentence() for _ in range(3)) for _ in range(2)),
        "score": dice.between(0, 1_000) / 100,
        "visits": dice.below(10**9),
        "open": dice.below(3) > 0,
        "guide": None if dice.below(4) == 0 else {"name": dice.words(2), "mail": f"{dice.pick(WORDS[:30])}@example.org"},
        "tags": [dice.pick(WORDS) for _ in range(dice.between(0, 5))],
        "facts": facts,
        "months": [dice.between(-20, 400) for _ in range(12)],
        "near": make_tree(dice, 3),
        "rows": [
            {"name": dice.words(2), "kind": dice.pick(WORDS[:6]), "count": dice.below(50), "price": dice.below(99_99) / 100}
            for _ in range(dice.between(4, 16))
        ],
        "url": f"https://example.org/{section}/{number:02}",
    }


def make_tree(dice: Dice, depth: int) -> list[dict[str, object]]:
    """Make a tree of names."""
    width = dice.between(0, 3) if depth else 0
    return [{"name": dice.words(1), "children": make_tree(dice, depth - 1)} for _ in range(width)]


def make_page(dice: Dice, parts: dict[str, str], section: str, number: int, kind: str) -> str:
    """Make a page: its frame, and parts in an order of its own."""
    names = [name for name in parts if name.startswith("part-")]
    chosen = [names.pop(dice.below(len(names))) for _ in range(dice.between(4, 16))]
    body = "".join(Template(parts[name]).substitute(Placeholders(dice)) for name in chosen)
    fixed = {"section": section, "number": str(number), "body": body}
    return Template(parts[kind]).substitute(Placeholders(dice, **fixed))


def make_site(count: int, seed: int) -> tuple[dict[str, str], dict[str, object]]:
    """Make everything: names and sources of templates, and the data."""
    templates = {name: source.replace("\r\n", "\n") for name, source in read("shared").items()}
    parts, dice, data = read("parts"), Dice(seed), {}
    for section in SECTIONS:
        layout = Placeholders(dice, section=section)
        templates[f"_layouts/{section}.html"] = Template(parts["layout.html"]).substitute(layout)
        templates[f"{section}/index.html"] = Template(parts["index.html"]).substitute(layout)
        data[section] = {"name": section, "title": section.title(), "entries": []}
    number = 0
    while len(templates) < count:
        section = SECTIONS[number % len(SECTIONS)]
        entries = data[section]["entries"]
        kind = KINDS[dice.below(len(KINDS))]
        name = f"{section}/{len(entries):02}{Path(kind).suffix}"
        templates[name] = make_page(dice, parts, section, len(entries), kind)
        entries.append(make_entry(dice, section, len(entries)))
        number += 1
    site = {"title": "Almanac of the Narrow Coast", "url": "https://example.org", "year": 2026, "menu": SECTIONS}
    return templates, {"site": site, "sections": data}


def write(path: Path, text: str) -> None:
    """Write a file and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def render(folder: Path, data: dict[str, object]) -> dict[str, str]:
    """Render all pages with Jinja2; a name that begins with `_` is a partial, autoescape follows the extension."""
    import jinja2

    if jinja2.__version__ != ORACLE:
        raise SystemExit(f"generate.py: needs Jinja2 {ORACLE}, found {jinja2.__version__}")
    loader = jinja2.FileSystemLoader(folder)
    environment = jinja2.Environment(loader=loader, autoescape=jinja2.select_autoescape(), cache_size=-1)
    pages = [name for name in environment.list_templates() if not name.startswith("_")]
    return {name: environment.get_template(name).render(data) for name in pages}


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write; its templates/ and expected/ are replaced")
    parser.add_argument("--count", type=int, default=TEMPLATES, help="how many templates [default: %(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="another number, another site [default: %(default)s]")
    parser.add_argument("--expected", action="store_true", help="write the pages that Jinja2 makes, too")
    arguments = parser.parse_args()

    folder = arguments.folder
    templates, data = make_site(arguments.count, arguments.seed)
    for old in ("templates", "expected"):
        shutil.rmtree(folder / old, ignore_errors=True)
    for name, source in templates.items():
        write(folder / "templates" / name, source)
    write(folder / "data.json", json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    pages = render(folder / "templates", data) if arguments.expected else {}
    for name, page in pages.items():
        write(folder / "expected" / name, page)
    size = sum(len(source.encode()) for source in templates.values())
    print(f"{len(templates)} templates, {size / 1000:.0f} kB; {len(pages)} pages", file=sys.stderr)


if __name__ == "__main__":
    main()
