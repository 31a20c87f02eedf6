"""Write src/python/filters/entities.rs from html.entities: run from the crate's directory with CPython 3.11."""

from html.entities import html5

HEAD = '''//! The named character references of HTML 5, as `html.unescape` knows them.
//!
//! Written by `tests/record/entity_table.py`. Invariant: sorted by name; the names have no `&`, and a `;`
//! where the reference needs one.

/// Name and text.
#[rustfmt::skip]
pub(super) static ENTITIES: &[(&str, &str)] = &[
'''


def literal(text):
    return '"' + "".join(c if " " < c <= "~" and c not in '"\\' else f"\\u{{{ord(c):x}}}" for c in text) + '"'


out, line = [HEAD], "   "
for name in sorted(html5):
    item = f" ({literal(name)}, {literal(html5[name])}),"
    if len(line) + len(item) > 180:
        out.append(line + "\n")
        line = "   "
    line += item
out.append(line + "\n];\n")
open("src/python/filters/entities.rs", "w").write("".join(out))
