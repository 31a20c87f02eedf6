"""Write src/python/unicode14.bin: what CPython 3.11 (Unicode 14) knows about each code point.

Run with CPython 3.11 from the crate's directory: python3 tests/record/unicode_table.py
The layout is described in src/python/unicode.rs.
"""

import struct
import sys

assert sys.version_info[:2] == (3, 11), "the tables are those of CPython 3.11"

NAMES = "ALPHA DECIMAL DIGIT NUMERIC SPACE LOWER UPPER TITLE PRINTABLE XID_START XID_CONTINUE CASED CASE_IGNORABLE".split()
BIT = {name: 1 << i for i, name in enumerate(NAMES)}
LONG = {"upper": 1 << 16, "lower": 1 << 17, "title": 1 << 18, "casefold": 1 << 19}
SHIFT = 7

extended = []
extended_index = {}
records = []
record_index = {}


def describe(c):
    flags = 0
    upper = c.isupper()
    if c.isalpha():
        flags |= BIT["ALPHA"]
    if c.isdecimal():
        flags |= BIT["DECIMAL"]
    if c.isdigit():
        flags |= BIT["DIGIT"]
    if c.isnumeric():
        flags |= BIT["NUMERIC"]
    if c.isspace():
        flags |= BIT["SPACE"]
    if c.islower():
        flags |= BIT["LOWER"]
    if upper:
        flags |= BIT["UPPER"]
    if c.istitle() and not upper:
        flags |= BIT["TITLE"]
    if c.isprintable():
        flags |= BIT["PRINTABLE"]
    if c.isidentifier():
        flags |= BIT["XID_START"]
    if ("a" + c).isidentifier():
        flags |= BIT["XID_CONTINUE"]
    if (c + "a").title()[-1] == "a":
        flags |= BIT["CASED"]
    if ("A" + c + "\u03a3").lower()[-1] == "\u03c2" and ("1" + c + "\u03a3").lower()[-1] == "\u03c3":
        flags |= BIT["CASE_IGNORABLE"]
    values = []
    for name, bit in LONG.items():
        mapped = getattr(c, name)()
        if len(mapped) == 1:
            values.append(ord(mapped) - ord(c))
        else:
            flags |= bit
            if mapped not in extended_index:
                extended_index[mapped] = len(extended)
                extended.append(mapped)
            values.append(extended_index[mapped])
    decimal = int(c) if c.isdecimal() else 255
    return (flags, decimal, *values)


def record_of(c):
    key = describe(c)
    if key not in record_index:
        record_index[key] = len(records)
        records.append(key)
    return record_index[key]


points = [record_of(chr(cp)) if not 0xD800 <= cp < 0xE000 else record_of("\ue000") for cp in range(0x110000)]
blocks, block_index, stage1 = [], {}, []
for at in range(0, 0x110000, 1 << SHIFT):
    block = tuple(points[at : at + (1 << SHIFT)])
    if block not in block_index:
        block_index[block] = len(blocks)
        blocks.append(block)
    stage1.append(block_index[block])

out = bytearray()
out += struct.pack("<4I", len(stage1), len(blocks) << SHIFT, len(records), len(extended))
for n in stage1:
    out += struct.pack("<H", n)
for block in blocks:
    out += struct.pack(f"<{len(block)}H", *block)
for flags, decimal, *values in records:
    out += struct.pack("<II4i", flags, decimal, *values)
for text in extended:
    out += struct.pack("<3I", *(list(map(ord, text)) + [0] * (3 - len(text))))
open("src/python/unicode14.bin", "wb").write(out)
print(len(out), "bytes", len(stage1), len(blocks), len(records), len(extended))
