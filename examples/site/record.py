#!/usr/bin/env python3
"""Render this site with Jinja2 3.1.6 and record the pages in expected/.

    record.py           write expected/ anew
    record.py --check   write nothing; exit with 1 when expected/ differs

The recorded pages are what every other renderer of this site is judged by. They are never edited by hand.
Rules shared with `haiden render DIR`: a file or folder whose name begins with `_` is a partial and no page; the top-level
keys of all data files are the variables, a later file wins; autoescape follows the extension (html, htm, xml).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import jinja2

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE / "templates"
EXPECTED = HERE / "expected"
DATA = [HERE / "data" / "products.json", HERE / "data" / "site.toml"]
ORACLE = "3.1.6"


def load_data() -> dict[str, object]:
    """Merge the data files into one context."""
    context: dict[str, object] = {}
    for path in DATA:
        text = path.read_text(encoding="utf-8")
        context.update(json.loads(text) if path.suffix == ".json" else tomllib.loads(text))
    return context


def page_names() -> list[str]:
    """Name every template that is a page, sorted."""
    names = (path.relative_to(TEMPLATES) for path in TEMPLATES.rglob("*") if path.is_file())
    return sorted(name.as_posix() for name in names if not any(part.startswith("_") for part in name.parts))


def render_site() -> dict[str, bytes]:
    """Render all pages: page name to its bytes."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(),
    )
    context = load_data()
    return {name: environment.get_template(name).render(context).encode() for name in page_names()}


def recorded() -> dict[str, bytes]:
    """Read what expected/ holds."""
    files = (path for path in EXPECTED.rglob("*") if path.is_file())
    return {path.relative_to(EXPECTED).as_posix(): path.read_bytes() for path in files}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    arguments = parser.parse_args()
    if jinja2.__version__ != ORACLE:
        print(f"record.py: needs Jinja2 {ORACLE}, found {jinja2.__version__}", file=sys.stderr)
        return 2

    pages, old = render_site(), recorded()
    changed = sorted(name for name in pages.keys() | old.keys() if pages.get(name) != old.get(name))
    if not arguments.check:
        for name in old.keys() - pages.keys():
            (EXPECTED / name).unlink()
        for name, content in pages.items():
            path = EXPECTED / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for name in changed:
        print(f"{'differs' if arguments.check else 'recorded'}: {name}")
    print(f"{len(pages)} pages, {len(changed)} {'differ' if arguments.check else 'changed'}")
    return 1 if arguments.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
