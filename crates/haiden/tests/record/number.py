"""Record tests/data/python/number.json: run from the crate's directory with CPython 3.11."""

import math
import struct

from common import Recorder

R = Recorder("number")
rnd = R.random
INTS = [0, 1, -1, 2, -2, 3, 5, 7, -7, 10, 255, 2**31, 2**32, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, 2**63,
        -(2**63), -(2**63) - 1, 2**64, 2**65 + 3, -(10**30), 10**22, 10**23, 3**100, 2**1023, 2**1024, -(2**1024) + 1,
        2**1024 - 2**970, 2**1024 - 2**970 - 1, 10**308, 10**309, 2**1100 + 1]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 1e-5, 1e-4, 9.999e-5, 1e15, 1e16, 1e17, 123456789012345680.0,
          1e22, 1e23, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 2.0**53,
          2.0**63, -(2.0**63), 2.0**64, 1e300, -1e300, 3.0, 7.0, -7.0, 1e-300, 2.675, 1.005, 0.3, 1e100]


def some_float():
    kind = rnd.randrange(5)
    if kind == 0:
        return struct.unpack(">d", struct.pack(">Q", rnd.getrandbits(64)))[0]
    if kind == 1:
        return rnd.randrange(-10**6, 10**6) / 10 ** rnd.randrange(0, 8)
    if kind == 2:
        return float(f"{rnd.choice(['', '-'])}{rnd.randrange(1, 10**rnd.randrange(1, 17))}e{rnd.randrange(-25, 25)}")
    if kind == 3:
        return rnd.choice(FLOATS)
    return float(rnd.randrange(-(2**60), 2**60)) / 2 ** rnd.randrange(0, 12)


def some_int():
    kind = rnd.randrange(4)
    if kind == 0:
        return rnd.choice(INTS)
    if kind == 1:
        return rnd.randrange(-100, 100)
    bits = rnd.choice([8, 31, 53, 54, 55, 62, 63, 64, 65, 100, 128, 600, 1030])
    return rnd.getrandbits(bits) * rnd.choice([1, -1])


def power(a, b):
    if isinstance(a, int) and isinstance(b, int) and b > 0 and abs(a) > 1 and a.bit_length() * b > 3000:
        raise RuntimeError("toolarge")
    try:
        value = a**b
    except OverflowError as error:
        raise RuntimeError("complex") if str(error) == "complex exponentiation" else error
    if isinstance(value, complex):
        raise RuntimeError("complex")
    return value


def finite_hash(value):
    return 0 if value != value else hash(value)


for f in FLOATS + [some_float() for _ in range(1500)]:
    R.case("repr_float", repr, f)
    R.case("hash", finite_hash, f)
    R.case("int_of_float", int, f)
    R.case("round_none", round, f)
for f in FLOATS:
    for digits in list(range(-25, 25)) + [-400, -309, -308, -307, 300, 307, 308, 322, 323, 324, 400]:
        R.case("round_float", round, f, digits)
for _ in range(3000):
    R.case("round_float", round, some_float(), rnd.randrange(-12, 15))
for a in (25, 35, 45, 15, 5, 50, 150, 250, 350, 45000, 55000, 1e22, 5e22, 5e20, 15e21, 25e21, 2.5e22, 4.5e22):
    for digits in range(-24, 0):
        R.case("round_float", round, float(a), digits)
        R.case("round_float", round, -float(a), digits)
        R.case("round_int", round, int(a), digits)
for n in INTS + [some_int() for _ in range(400)]:
    R.case("hash", hash, n)
    R.case("str_int", str, n)
    R.case("float_of_int", float, n)
    R.case("bit_length", int.bit_length, n)
    R.case("neg", lambda n: -n, n)
    R.case("abs", abs, n)
    for digits in [0, 1, -1, -2, -5, -18, -19, -20, -40, -350, -(10**9)]:
        if digits != -(10**9):
            R.case("round_int", round, n, digits)
for n in (10**4299, 10**4300 - 1, 10**4300, -(10**4299), -(10**4300), 2**14285, 2**20000):
    R.case("str_int", str, n)
OPS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "floor_div": lambda a, b: a // b,
    "modulo": lambda a, b: a % b,
    "divmod": divmod,
    "true_div": lambda a, b: a / b,
}
int_pairs = [(a, b) for a in INTS for b in INTS if max(abs(a), abs(b)) < 2**130 or rnd.random() < 0.06]
int_pairs += [(some_int(), some_int()) for _ in range(400)]
for a, b in int_pairs:
    for name, op in OPS.items():
        if name in ("add", "sub", "mul") and rnd.random() < 0.6:
            continue
        R.case(name, op, a, b)
float_pairs = [(a, b) for a in FLOATS for b in FLOATS] + [(some_float(), some_float()) for _ in range(500)]
for a, b in float_pairs:
    for name in ("floor_div", "modulo", "divmod", "true_div"):
        if rnd.random() < 0.4:
            continue
        R.case(name, OPS[name], a, b)
    R.case("power", power, a, b)
for _ in range(800):
    R.case("power", power, rnd.randrange(-20, 20) / 4, float(rnd.randrange(-12, 12)))
for a in INTS:
    for b in INTS:
        if b < 400:
            R.case("power", power, a, b)
for a in range(-12, 13):
    for b in range(-9, 80, 3):
        R.case("power", power, a, b)
for a in INTS + [some_int() for _ in range(40)]:
    for b in rnd.sample(FLOATS, 12) + [some_float() for _ in range(6)]:
        R.case("compare", lambda a, b: None if b != b else (a > b) - (a < b), a, b)
        if a.bit_length() < 1024:
            f = float(a)
            for near in (f, math.nextafter(f, math.inf), math.nextafter(f, -math.inf)):
                R.case("compare", lambda a, b: (a > b) - (a < b), a, near)
for _ in range(300):
    a = some_int()
    for b in (a + 1, a - 1, some_int()):
        R.case("compare", lambda a, b: (a > b) - (a < b), a, b)

MIXED = {**OPS, "power": power}
for _ in range(2500):
    a, b = rnd.choice([some_int, some_float])(), rnd.choice([some_int, some_float])()
    for name in ("add", "sub", "mul", "true_div", "floor_div", "modulo", "power"):
        if rnd.random() < 0.35 and type(a) is not type(b):
            R.case(f"mixed_{name}", MIXED[name], a, b)

WORDS = ["", " ", "0", "00", "007", "-0", "+1", "--1", "+-1", "1_000", "1__0", "_1", "1_", "0x1A", "0X1a", "0x", "0x_1", "0x__1",
         "0_1", "0b101", "0b2", "0o17", "0o8", "0b", "1e5", "1.0", " 12 ", "\t12\n", "\xa012\u2003", "\x1c5\x1f", "\u0661\u0662", "\uff11\uff12",
         "\u0966_\u0967", "a", "Z", "zz", "\xe9", "1 2", "- 1", "1\x00", "\x001", "9" * 18, "9" * 19, "9" * 40, "-" + "9" * 300, "9" * 4300,
         "9" * 4301, "1_" * 4300 + "1", "f" * 300, "0" * 4301, "-0x10", "+0b11", "0x-1", "x", "'", "\"'", "\n", "a" * 300, "\u0661" * 250 + "x",
         "inf", "nan", "-9223372036854775808", "9223372036854775808", "0_0", "00_1", "-00", "0_x1", "1_2_3", "0xg", "0B_1", "0O_7", "\U0001d7d8\U0001d7d9", "\u2167", "\xb2", "1\u0301", "\x855", "5\u200b"]
for text in WORDS:
    for base in [10, 0, 2, 8, 16, 36, 3]:
        R.case("parse_int", int, text, base)
for base in [1, -1, 37, 100, 2**40]:
    R.case("parse_int", lambda text, base: int(text, min(base, 2**31 - 1)), "1", base)
alphabet = "0011289_+-xXbBoOaAzZ .\t\u0663\u3000"
for _ in range(3000):
    text = "".join(rnd.choice(alphabet) for _ in range(rnd.randrange(1, 8)))
    R.case("parse_int", int, text, rnd.choice([10, 10, 0, 2, 8, 16, 36]))
FWORDS = WORDS + ["1.", ".5", ".", "1e", "1e+", "1e+5", "1E-5", "e5", "1.5.2", "infinity", "INF", "-Infinity", "+iNf", "infi", "NaN", "-nan", "nan(1)",
                  "1_0.0_1", "1_.0", "1._0", "1e1_0", "1e_1", "1_e1", "1e400", "-1e400", "1e-400", "0x1p3", "1d5", "1f", "1e99999999999999999999",
                  "0.1" + "0" * 500 + "1", "9007199254740993", "1" * 400, "179769313486231580793e289", "2.4703282292062327208e-324", "\u0661.\u0662", "\uff11e\uff12", "1,5", "1.5 ", "\u2003.5\x1d", "+.5e-3", "-.e1", "+", "-", "1e5 x", "in_f", "n_an"]
for text in FWORDS:
    R.case("parse_float", float, text)
alphabet = "0011289_+-.eE. \tinf\u0663"
for _ in range(3000):
    R.case("parse_float", float, "".join(rnd.choice(alphabet) for _ in range(rnd.randrange(1, 9))))
R.save()
