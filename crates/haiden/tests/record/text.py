"""Record tests/data/python/text.json and chars.json: run from the crate's directory with CPython 3.11."""

import json

from common import Recorder

R = Recorder("text")
rnd = R.random
PREDICATES = "isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper".split()
MAPPINGS = "upper lower title capitalize swapcase casefold".split()

# Every code point: predicates as ranges, mappings as pairs.
chars = {}
scalars = [cp for cp in range(0x110000) if not 0xD800 <= cp < 0xE000]


def ranges(keep):
    found = []
    for cp in scalars:
        if keep(chr(cp)):
            if found and found[-1][1] == cp - 1:
                found[-1][1] = cp
            else:
                found.append([cp, cp])
    return found


for name in PREDICATES:
    chars[name] = ranges(getattr(str, name))
for name in MAPPINGS:
    method = getattr(str, name)
    chars[name] = [[cp, method(chr(cp))] for cp in scalars if method(chr(cp)) != chr(cp)]
with open("tests/data/python/chars.json", "w") as file:
    file.write("{\n" + ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in chars.items()) + "\n}\n")

ODD = ["", " ", "a", "A", "ab", "hello world", "Hello World", "HELLO", "it's a-b", "3rd place", "\u00e9", "\u00c9t\u00e9", "stra\u00dfe", "\ufb01le", "\u01c6", "\u01c5", "\u01c4a", "\u0130", "\u0131",
       "\u03a3", "\u0391\u03a3", "\u0391\u03a3\u0391", "a\u03a3", "a\u03a3'b", "a\u03a3'", "\u03a3a", "A.\u03a3.", "1\u03a3", "\u00ad\u03a3", "a\u00ad\u03a3\u00ad", "\u0391\u0345\u03a3", "\u1fbc", "\u0149x", "\u1e9e", "\u2167", "\u24b6", "\u00aa", "\u02b0a",
       "\u4e2d\u6587", "\U0001f600", "\U00010400\U00010428", "e\u0301a", "\u0661\u0662", "\u00b2", "\u00bd", "\u2003x\u00a0", "\x00", "\x1c", "\x1f a\x1d", "\x85", "\u2028", "a\u200bb", "\u180e", "_x", "x1", "1x", "\u00b7", "a\u00b7", "\u2118", "\ufeff",
       "\t\n", "a\tb\n\tc", "\r\n", "a\r\nb\rc\n\nd", "a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i", "--a", "+5", "-12", "+", "aaa", "ababab", "\ud55c\uae00", "\u0915\u094d", "'", '"', "'\"", "\\", "a\\b", "\x7f", "\xa0", "\xad", "\u0378", "\ue000", "\U000e0001", "\U0010ffff", "\ufffe", "\u3000"]
ALPHA = "aAbB zZ1_-.'\t\n\r\u00e9\u00c9\u00df\u03a3\u03c3\u03c2\u0130\u01c5\u0301\u2003\u00a0\x1c\u2028\U0001f600\u4e2d\u0661\u02b0"


def some(n=10, alphabet=ALPHA):
    return "".join(rnd.choice(alphabet) for _ in range(rnd.randrange(n)))


def strings(n, size=10):
    return ODD + [some(size) for _ in range(n)] + ["".join(chr(rnd.choice(scalars)) for _ in range(rnd.randrange(1, 5))) for _ in range(n // 4)]


for name in PREDICATES + MAPPINGS:
    for s in strings(250):
        R.case(name, getattr(str, name), s)
for s in strings(700):
    R.case("repr", repr, s)
    R.case("ascii", ascii, s)
    R.case("len", len, s)
    R.case("reverse", lambda s: s[::-1], s)
for cp in scalars[:400]:
    R.case("repr", repr, chr(cp))
    R.case("ascii", ascii, chr(cp) + "x")
for b in [b"", b"a", b"'", b'"', b"'\"", bytes(range(256)), b"\\\n\t\r\x00"] + [bytes(rnd.randrange(256) for _ in range(rnd.randrange(12))) for _ in range(100)]:
    R.case("bytes_repr", repr, b)

BOUND = [None, None, 0, 1, 2, 3, 5, 7, -1, -2, -3, -8, 100, -100, 2**63 - 1, -(2**63)]
for _ in range(2500):
    s = rnd.choice(ODD) if rnd.random() < 0.3 else some(12, "aab\u00e9\U0001f600")
    sub = rnd.choice(["", "a", "aa", "ab", "b", "\u00e9", "\U0001f600", "a\u00e9", "ba", some(3, "aab\u00e9")])
    bounds = [rnd.choice(BOUND), rnd.choice(BOUND)]
    for name in rnd.sample(["find", "rfind", "index", "rindex", "count", "startswith", "endswith"], 3):
        R.case(name, getattr(str, name), s, sub, *bounds)
    R.case("contains", lambda s, sub: sub in s, s, sub)
for s in ["", "a", "abcdefg", "a\u00e9\U0001f600b\u4e2d"]:
    for i in range(-9, 9):
        R.case("item", lambda s, i: s[i], s, i)
    for start in BOUND[1:]:
        for stop in BOUND[1:]:
            for step in [None, 1, 2, 3, -1, -2, -5, 0, 2**63 - 1, -(2**63)]:
                if rnd.random() < 0.5:
                    R.case("slice", lambda s, a, b, c: s[a:b:c], s, start, stop, step)
                if rnd.random() < 0.25:
                    R.case("slice_indices", lambda n, a, b, c: slice(a, b, c).indices(n), len(s), start, stop, step)
for _ in range(1500):
    s = rnd.choice(ODD) if rnd.random() < 0.2 else some(14, "aab  ,,\t\n\u00e9\u2003\x1c")
    sep = rnd.choice([None, None, ",", " ", "a", "aa", "ab", ",,", "\u00e9", "", "\u2003"])
    n = rnd.choice([-1, -1, 0, 1, 2, 3, 100, -5])
    R.case("split", str.split, s, sep, n)
    R.case("rsplit", str.rsplit, s, sep, n)
    if sep is not None:
        R.case("partition", str.partition, s, sep)
        R.case("rpartition", str.rpartition, s, sep)
for s in strings(500, 14):
    for keep in (False, True):
        R.case("splitlines", str.splitlines, s, keep)
    R.case("split", str.split, s, None, -1)
    for name in ("strip", "lstrip", "rstrip"):
        R.case(name, getattr(str, name), s, rnd.choice([None, None, "", "a", "aA ", "\u00e9a", "-.", " \t"]))
for _ in range(700):
    s = some(9, "aab\u00e9")
    fix = rnd.choice(["", "a", "ab", "\u00e9", s[:2], s[-2:]])
    R.case("removeprefix", str.removeprefix, s, fix)
    R.case("removesuffix", str.removesuffix, s, fix)
    R.case("replace", str.replace, s, rnd.choice(["", "a", "aa", "ab", "\u00e9", "x"]), rnd.choice(["", "b", "aa", "\u00e9\u00e9", "xyz"]), rnd.choice([-1, -1, 0, 1, 2, 3, 99, -7]))
for s in strings(120, 8):
    for width in (-1, 0, 1, 2, 5, 6, 7, 12):
        fill = rnd.choice(" *\u00e9\U0001f600")
        for name in ("center", "ljust", "rjust"):
            R.case(name, getattr(str, name), s, width, fill)
        R.case("zfill", str.zfill, s, width)
    for size in (8, 4, 1, 0, -1, 3):
        R.case("expandtabs", str.expandtabs, s, size)
    R.case("repeat", lambda s, n: s * n, s, rnd.choice([-1, 0, 1, 2, 5]))
for fill in ("", "ab", "\u00e9\u00e9"):
    R.case("center", str.center, "a", 5, fill)
R.save()
