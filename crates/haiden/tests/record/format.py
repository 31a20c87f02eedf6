"""Record tests/data/python/{format,percent,strformat}.json: run from the crate's directory with CPython 3.11."""

import math

from common import Recorder

R = Recorder("format")
rnd = R.random
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 0.1, 0.25, 0.125, 1e-5, 1e-4, 9.9999e-5, 123456.0, 1234567.0, 999999.5, 9999995.0, 1e15, 1e16, 1e17,
          1e22, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 1234.5678, -1234567.891, 0.045, 1e100, 12345678901234.5, -0.0001, -0.4]
INTS = [0, 1, -1, 7, -42, 255, 1000, 12345, -1234567, 65, 97, 0xE9, 0x1F600, 0x110000, 2**31, 2**63, -(2**63), 2**64, 10**30, -(10**40), 10**310]
TEXTS = ["", "a", "abc", "h\u00e9llo", "\U0001f600x", "it's", 'say "hi"', "a\nb", "\x00\xad", "hello world"]


def spec():
    parts = []
    if rnd.random() < 0.35:
        parts.append(rnd.choice(["", "", "*", "0", " ", "\u00e9", "\U0001f600", "x", "<", "{"]) + rnd.choice("<>^="))
    if rnd.random() < 0.3:
        parts.append(rnd.choice("+- "))
    if rnd.random() < 0.06:
        parts.append("z")
    if rnd.random() < 0.15:
        parts.append("#")
    if rnd.random() < 0.25:
        parts.append("0")
    if rnd.random() < 0.5:
        parts.append(rnd.choice(["0", "1", "3", "5", "6", "7", "8", "9", "10", "11", "12", "13", "20", "25", "\u0661\u0662", "007"]))
    if rnd.random() < 0.25:
        parts.append(rnd.choice([",", "_", ",_", "_,"]) if rnd.random() < 0.1 else rnd.choice(",_"))
    if rnd.random() < 0.35:
        parts.append("." + rnd.choice(["0", "1", "2", "3", "6", "10", "17", "30", "", "\u0663"]))
    if rnd.random() < 0.8:
        parts.append(rnd.choice("bcdoxXneEfFgG%s") if rnd.random() < 0.93 else rnd.choice(["r", "y", "\u00e9", "dd", " ", "\n", "\x7f", "ff", "q'", "\u2028x"]))
    return "".join(parts)


FIXED = ["", "d", "f", ".2f", ",", "_", "e", "g", "%", "x", "#x", "08.3f", "+.1e", ",.2f", "#o", "_b", "_x", "#_X", "n", "s", ".0f", "#.0f", "#.0e", "#g", "#", "#.3", ".3", ".0", "10", "010", "<10", "^11", "=10", "*^9",
         "9999999999999999999999", ".99999999999f", ".400f", ".1200f", ".1200e", ".800g", "#.800g", ",d", ",s", ",n", ",c", ",x", "_c", "_s", ",\u00e9", "z", "z.1f", "zs", "z.0%", "015,", "=15,", "016_b", "c", "+c", "#c", "5c", "05c", ".2d", "0=+15,d"]
for text in FIXED:
    for value in [1, -1234567, 0, True, False, 97, 10**20, 1.5, -1234567.891, 0.0, -0.0, 1e20, math.nan, -math.inf, 0.04, -0.04, "abc", "h\u00e9"]:
        kind = {int: "format_int", bool: "format_bool", float: "format_float", str: "format_str"}[type(value)]
        R.case(kind, format, value, text)
for _ in range(7000):
    R.case("format_float", format, rnd.choice(FLOATS) if rnd.random() < 0.5 else rnd.choice([1, -1]) * rnd.random() * 10 ** rnd.randrange(-8, 20), spec())
for _ in range(5000):
    R.case("format_int", format, rnd.choice(INTS) if rnd.random() < 0.6 else rnd.randrange(-(10 ** rnd.randrange(1, 25)), 10**12), spec())
for _ in range(500):
    R.case("format_bool", format, rnd.choice([True, False]), spec())
for _ in range(2500):
    R.case("format_str", format, rnd.choice(TEXTS), spec())
for value in FLOATS + [rnd.random() * 10 ** rnd.randrange(-10, 25) for _ in range(150)]:
    for code in "eEfFgG":
        for precision in ("", ".0", ".1", ".3", ".10", ".20"):
            for alt in ("", "#"):
                if rnd.random() < 0.3:
                    R.case("format_float", format, value, alt + precision + code)
R.case("format_int", format, 10**5000, "d")
R.case("format_int", format, 10**5000, "x")
R.case("format_int", format, 10**5000, "f")
R.case("format_int", format, 2**70, "c")
R.save()

R = Recorder("percent")
rnd = R.random


def percent(template, values):
    return template % (tuple(values) if isinstance(values, list) else values)


def value():
    return rnd.choice([rnd.choice(INTS), rnd.choice(FLOATS), rnd.choice(TEXTS), rnd.choice([True, False, None, "a", 65, 3.7, -5])])


def conversion():
    flags = "".join(rnd.choice("-+ #0") for _ in range(rnd.choice([0, 0, 0, 1, 1, 2, 3])))
    width = rnd.choice(["", "", "", "1", "5", "8", "12", "*", "05"])
    precision = rnd.choice(["", "", "", ".", ".0", ".2", ".3", ".10", ".*"])
    modifier = rnd.choice([""] * 12 + ["l", "h", "L", "ll"])
    code = rnd.choice("diouxXeEfFgGcrsa%") if rnd.random() < 0.95 else rnd.choice(["y", "\u00e9", "\n", "", "b", "n", "\x7f", " "])
    return "%" + flags + width + precision + modifier + code


FIXED = [("", []), ("%", []), ("a%", [1]), ("%s", []), ("%s", [1, 2]), ("a", [1]), ("a", {}), ("a", {"a": 1}), ("a", 1), ("%%", []), ("%%", [1]), ("%5%", []), ("%s", {"a": 1}), ("%(a)s", {"a": 1}), ("%(a)s %(a)d", {"a": 1}),
         ("%(b)s", {"a": 1}), ("%(a)s", [1]), ("%(a)s", 1), ("%(a", {"a": 1}), ("%(a(b)c)s", {"a(b)c": 2}), ("%()s", {"": 3}), ("%(a)s %s", {"a": 1}), ("%s %(a)s", {"a": 1}), ("%s %s", {"a": 1}), ("%(a)", {"a": 1}), ("%(a)%", {"a": 1}), ("%(a)%x", {"a": 1}), ("%(a)*d", {"a": 1}),
         ("%(a)5.1f|", {"a": 2.25}), ("%y", [1]), ("\u00e9%y", [1]), ("%\u00e9", [1]), ("%d", ["a"]), ("%x", [1.5]), ("%x", ["a"]), ("%d", [None]), ("%f", ["a"]), ("%f", [None]), ("%c", ["ab"]), ("%c", [""]), ("%c", [1.5]), ("%c", [-1]), ("%c", [0x110000]), ("%c", [2**80]), ("%*d", ["a", 1]), ("%*d", [5]),
         ("%*d", [2**70, 1]), ("%.*d", [2**40, 1]), ("%.*d", [-3, 1]), ("%*d|", [-5, 1]), ("%99999999999999999999d", [1]), ("%.99999999999999999999d", [1]), ("%.2147483648s", [1]), ("%d", [10**4300]), ("%x", [10**4300]), ("%f", [10**400]), ("%d", [math.inf]), ("%d", [math.nan]), ("%i %u", [3.99, -3.99]), ("%s", 5), ("%s", "x"), ("%s %s", "x"), ("%s", None),
         ("%d%%", 50), ("%-5%|", []), ("%l", [1]), ("%ls", [1]), ("%lls", [1]), ("% ", [1]), ("%(", {}), ("%(a)s%", {"a": 1}), ("%.", [1]), ("%5", [1]), ("%*", [1]), ("%s%y", [1]), ("%s%s%(a)s", [1]), ("%(a)s", "x"), ("%(a)d", {"a": "x"}), ("x", "y"), ("%r %a", ["\u00e9\n", "\u00e9\U0001f600"]), ("%.2a", ["\u00e9"]), ("%5c|%-5c|%05c|%.0c", ["a", "b", "c", "d"]), ("%+s|% d|%+d", ["a", 1, 1])]
for template, values in FIXED:
    R.case("percent", percent, template, values)
for _ in range(9000):
    count = rnd.randrange(1, 4)
    parts = [conversion() for _ in range(count)]
    values = []
    for part in parts:
        values += [rnd.choice([3, 7, -4, 0, True])] * part.count("*")
        if part[-1:] != "%":
            values.append(value() if rnd.random() < 0.6 or part[-1] in "rsay" else rnd.choice(INTS[:16]) if part[-1] in "diouxXc" else rnd.choice(FLOATS))
    if rnd.random() < 0.04:
        values = values[:-1]
    R.case("percent", percent, rnd.choice(["", "x", "\u00e9 "]).join(parts) + rnd.choice(["", " end", "\U0001f600"]), values)
R.save()

R = Recorder("strformat")
rnd = R.random
ARGS = ["zero", 1, 2.5, ["i0", "i1"], {"k": "v", "1": "one", "a b": 5}]
KW = {"a": "A", "n": 12, "w": 7, "x y": 1, "l": [1, [2, 3]], "d": {"e": {"f": 9}}, "s": ">", "": "never"}


def fmt(template):
    return template.format(*ARGS, **KW)


PIECES = ["{}", "{0}", "{1}", "{a}", "{n}", "{n:5}", "{n:>{w}}", "{0!r}", "{a!s:*^9}", "{3[0]}", "{3[1]!r:>8}", "{4[k]}", "{4[a b]}", "{l[1][0]}", "{d[e][f]}", "{2:.3f}", "{:{}}", "{{", "}}", "x", "\u00e9", "{n:0{w}d}", "{n:{w}.{w}}", "{4[1]}",
          "{", "}", "{!r}", "{a!x}", "{a!}", "{a!", "{a!r", "{a!rx}", "{a!\u00e9}", "{a:", "{a", "{a[", "{a[}", "{a[0", "{l[]}", "{l[0]x}", "{l.}", "{l..a}", "{9}", "{99999999999999999999}", "{l[99999999999999999999]}", "{a b}", "{x y}", "{ a}", "{a:{w:{w}}}", "{a:{w:{w:{w}}}}", "{a:{", "{a:}}", "{a:{}}", "{{}", "{}}", "{a{b}", "{a:{{}}}",
          "{n!r:d}", "{n:{s}{w}}", "{l[0]:03}", "{l[1]}", "{d}", "{.a}", "{[0]}", "{0[0]}", "{a[0]}", "{-1}", "{+1}", "{\u0661}", "{01}", "{l[01]}", "{l[-1]}", "{q}", "{d[q]}", "{l[5]}", "{:}", "{:>5}", "{!s:}", "{a:\n}", "{a!r:}", "{n:q}", "{:d}", "{a[!]}", "{4[:]}", "{4[}]}", "{4[{]}"]
for piece in PIECES:
    R.case("strformat", fmt, piece)
    R.case("strformat", fmt, "ab" + piece + "cd")
for a in PIECES:
    for b in PIECES:
        R.case("strformat", fmt, a + b)
alphabet = "{}{}{}[].:!rs0a1 n>5"
for _ in range(5000):
    R.case("strformat", fmt, "".join(rnd.choice(alphabet) for _ in range(rnd.randrange(1, 10))))
# Attributes of Python's own objects, and what list and dict say of a specification, are the value model's.
R.lines = [line for line in R.lines if not any(word in line for word in ("has no attribute", "__format__", "built-in", "indices must", "list index", "string index", "not subscriptable"))]
R.save()
