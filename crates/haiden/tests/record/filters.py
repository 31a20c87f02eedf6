"""Record tests/data/python/filters.json from Jinja2 3.1.6: run from the crate's directory with CPython 3.11."""

import html
import json
import math

import jinja2
from common import Recorder
from jinja2 import filters, utils
from markupsafe import Markup, escape

assert jinja2.__version__ == "3.1.6"
R = Recorder("filters")
rnd = R.random
ENV = jinja2.Environment()


def some(alphabet, n):
    return "".join(rnd.choice(alphabet) for _ in range(rnd.randrange(n)))


TEXTS = ["", " ", "hello wORLD", "it's a-b (c) [d] {e} <f> g", "a\tb\nc", "\u00e9a 1a _b", "foo.bar/baz", "a\u03a3 \u03a3a -\u03a3", "\ufb01x \u01c6y", "\u00dfa", "foo bar baz qux", "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9 x", "a\n\nb", "a\nb\n", "a\r\nb", "a\r", "\n", "\r", "\r\n", "a\n  \nb", "a\x0bb\x1c", "\u2028", "a_b c\u0301d \u0661\u0662 \u4e2d\u6587,x"]
LINES = "ab \n\n\r\x0b\u2028\u00e9"
for s in TEXTS + [some("aAbB -({[<\t\u00e9\u00c9\u00df\u03a3\ufb01\u01c61_'.\u2003", 12) for _ in range(600)]:
    R.case("title", filters.do_title, s)
    R.case("wordcount", filters.do_wordcount, s)
for s in TEXTS + [some(LINES, 12) for _ in range(500)]:
    for indention in ("    ", "> ", ""):
        R.case("indent", filters.do_indent, s, indention, rnd.random() < 0.5, rnd.random() < 0.5)
for s in TEXTS + [some("ab  \u00e9\U0001f600", 25) for _ in range(500)]:
    for _ in range(4):
        R.case("truncate", lambda *a: filters.do_truncate(ENV, *a), s, rnd.choice([0, 1, 3, 5, 8, 9, 12, 20, 255]), rnd.random() < 0.5, rnd.choice(["...", "", "\u2026", "!", "<more>"]), rnd.choice([0, 0, 5, 2, -1]))
for value in [0.0, 1.0, -1.0, 1.5, 999.0, 999.9, 1000.0, 1023.0, 1024.0, 1500000.0, 999999.0, 999949.0, 999950.0, 1e24, 1e27, 1e30, 1e22, 1e21, -5000.0, math.inf, -math.inf, math.nan, 2.0**80, 2.0**90, 1e300, 1.7e308, 5e-324, 1e26, 9.9999e26, math.nextafter(1e24, 0), math.nextafter(1e27, math.inf)] + [rnd.random() * 10 ** rnd.randrange(0, 30) for _ in range(400)]:
    for binary in (False, True):
        R.case("filesizeformat", filters.do_filesizeformat, value, binary)


def xmlattr_key(key):
    ENV.from_string("{{ d|xmlattr }}").render(d={key: 1})
    return True


def some_number():
    kind = rnd.randrange(4)
    if kind == 0:
        return rnd.choice([0, 5, -7, 1234, 10**20, 42.55, 2.5, -2.5, 1.005, 2.675, 1e20, -0.0, 1e300, 10**400, math.inf, math.nan])
    return rnd.choice([rnd.randrange(-(10**6), 10**6), rnd.randrange(-(10**6), 10**6) / 10 ** rnd.randrange(6)])


for _ in range(2000):
    R.case("round", filters.do_round, some_number(), rnd.choice([0, 0, 1, 2, 3, 5, -1, -2, -3, 20, 400, -400]), rnd.choice(["common", "ceil", "floor"]))
for text in ["", "42", "42.23", "-3.9", "1e3", "1e400", "nan", "inf", "0x1A", "0b11", "077", "ff", "0o17", " 7 ", "1_0", "1_0.5", "\u0661\u0662", "\u0661.5", "abc", "1e2.5", "9" * 4301, "z"]:
    for base in (10, 16, 8, 2, 0, 36, 1, 99):
        R.case("int_of_text", lambda text, base: filters.do_int(text, None, base), text, base)
for value in [0.0, 1.9, -1.9, 1e300, math.inf, -math.inf, math.nan, 1e18, 1e19]:
    R.case("int_of_float", lambda value: filters.do_int(value, None), value)
for key in ["", "a", "a b", "a\tb", "a/b", "a>b", "a=b", "a\u00a0b", "a\x0bb", "a\x1cb", "\u00e9 'x'", "data-x", "<", "\n"]:
    R.case("xmlattr_key", xmlattr_key, key)

TAGS = ["<", ">", "<!--", "-->", "--", "-", "!", "<b>", "</b>", " ", "\n", "a", "x y", "&amp;", "&lt;", "&nbsp;", "<!-", "<!-->", "<!--->", "\u00a0", "\u00e9", "&copy"]
for _ in range(2500):
    R.case("striptags", lambda s: str(Markup(s).striptags()), "".join(rnd.choice(TAGS) for _ in range(rnd.randrange(1, 10))))
REFS = ["&", "#", ";", "&amp;", "&amp", "&lt", "&notit;", "&notin;", "&notinx", "&copy;", "&copyx;", "&eacute", "&Eacute;", "&#65;", "&#65", "&#x41;", "&#X41", "&#0;", "&#13;", "&#128;", "&#x9f;", "&#x81", "&#xd800;", "&#x110000;", "&#99999999999999999999;", "&#xfffe;", "&#x1ffff;", "&#11;", "&#127;", "&#x10ffff;", "&#xfdd0", "&#x;", "&#;", "&#-1;", "&x", "&xyz;", "&bne;", "&NotEqualTilde;", "&ngE;", "&fjlig;", "&CounterClockwiseContourIntegral;", "&CounterClockwiseContourIntegrall;", "&\u00e9;", "& ", "&\t", "&<", "&&amp;", "a", "1", "x", " ", "&amp\u00e9", "&g", "&gt;t", "&" + "a" * 40 + ";", "&lt" + "b" * 40, "&#8364;", "&#xA0;", "&#1;", "&#12;", "&#9;", "&#10;", "&#\u0661;", "&#31;", "&#xE000;", "&\x0b;", "&ampamp;"]
for ref in REFS + ["&#" + "9" * 4300 + ";", "&#" + "9" * 4301 + ";", "&#x" + "f" * 5000 + ";", "&#" + "0" * 4290 + "65"]:
    R.case("unescape", html.unescape, ref)
for _ in range(2500):
    R.case("unescape", html.unescape, "".join(rnd.choice(REFS) for _ in range(rnd.randrange(1, 6))))
from html.entities import html5
for name in sorted(html5):
    if rnd.random() < 0.3:
        R.case("unescape", html.unescape, "&" + name + "x")

WRAP = ["the quick brown fox jumps", "aaaaaaaaaaaa", "aaaaaaaaaaaa b", "a\n\nb c", "a-b-c-d", "aa-bb-cc-dd", "Hello there -- you goof-ball, use the -b option!", "x--y", "x---y", "a--", "--a", "-a-b", "e-mail co-op re-enter", "well-known", "  lead", "trail  ", "a\tb", "x\u00a0y", "\u00a0\u00a0 a", "aaa-bbb\u00a0-ccc", "\u00e9\u00e9-\u00e9\u00e9-\u00e9\u00e9", "1-2-3-4", "a1-b2", "ab-1", "_a-_b", "----------", "a----------b", "\u4e2d\u6587-\u5b57\u5b57", "foo-\u0661bar", "a-b", "ab-c", "a-bc", "ab-cd", "a-b-", "a.--b", "'--x", "", " ", "   \n  ", "a\x0bb", "a\x1cb c", "aaa  bbb", "U.S.A--x", "word-", "-word", "an-e-mail-address here-and there"]
for s in WRAP + [some("aab  --\t\u00e9\u00a01_.\n", 25) for _ in range(1200)] + [some("ab-- ", 18) for _ in range(800)]:
    for width in rnd.sample([1, 2, 3, 4, 5, 6, 8, 10, 15, 79, 0, -3], 3):
        R.case("wordwrap", lambda s, width, long, by, hyphens: filters.do_wordwrap(ENV, s, width, long, by, hyphens), s, width, rnd.random() < 0.6, rnd.choice(["\n", "<br>"]), rnd.random() < 0.65)


def urlize(text, trim, rel, target, schemes):
    return utils.urlize(Markup(text), trim, rel, target, schemes)


PARTS = ["http://", "https://", "HTTP://", "Https://", "www.", "WWW.", "mailto:", "ftp:", "tel:", "example", "ex-ample", "a", "b1", ".", "com", "org", "Info", "xn--p1ai", "xn--a", "localhost", "127.0.0.1", "1.2.3.4.5", "1.2.3.1234", "[::1]", "[1:2:3:4:5:6:7:8]", "[fe80::1%25]", "[:]", "[1::]", "[12345::]", ":80", ":123456", ":", "/", "/p?q=1#f", "?x", "#y", "@", "foo@bar.com", "@a@b", "(", ")", "&lt;", "&gt;", "<", ">", ",", ".", "\n", " ", "!", "%", "_", "-", "\u00e9", "\u017f", "\u0131nfo", "\u212a", "\u0130", "\u0661", "..", "&amp;", "x"]
LINKS = ["www.example.com example.org foo@bar.com mailto:x@y.zz", "http://very-long-url.example.com/path", "tel:123 ftp:abc tel:", "(http://a.com/(b))", "(see www.a.com).", "&lt;http://a.com&gt;", "http://a.com/(x", "((http://a.com/(b)))", "http\u017f://a.com", "http://a.\u212aom", "foo.\u0131nfo", "foo.\u0130nfo", "foo.inf\u00f6", "http://\u0661.2.3.4", "a@b", "a@b.c", "a@b@c.d", "@a@b.c", "mailto:a@b.c,", "mailto:", "a b@c.d e", "x@-a.b", "x@a-.b", "x@a..b", "http://a_b.com", "http://%41.com", "http://a..com", "http://.com", "http://x", "http://xy", "http://x1", "www.", "www.x", "www.xy", "www.com", "a.com", "ab.com", "ab.COM:80/x", "ab.com:", "ab.com:x", "ab.com:1/", "ab.com:123456", "www.ab.com?", "ab.c.com", "ab.com.", "http://[::1]:80/x", "http://[::1", "http://[::1]x", "http://[1:2:3:4:5:6:7:8:9]", "http://[\u0661::]", "http://[12345::1]", "http://[::12345]"]
for text in LINKS:
    R.case("urlize", urlize, text, None, None, None, [])
    R.case("urlize", urlize, text, 10, "nofollow", "_blank", ["tel:", "ftp:"])
for _ in range(6000):
    text = "".join(rnd.choice(PARTS) for _ in range(rnd.randrange(1, 8)))
    R.case("urlize", urlize, text, rnd.choice([None, None, None, 10, 0, -2]), rnd.choice([None, None, "noopener", "", 'x"y']), rnd.choice([None, None, "_blank", "", "<"]), rnd.choice([[], [], ["tel:", "ftp:"]]))


def urlize_rel(given, nofollow, policy):
    env = jinja2.Environment()
    env.policies["urlize.rel"] = policy
    out = env.from_string("{{ 'www.a.com'|urlize(rel=rel, nofollow=nofollow) }}").render(rel=given, nofollow=nofollow)
    return html.unescape(out.split('rel="')[1].split('"')[0]) if "rel=" in out else None


for given in (None, "", "a", "b a", "noopener a  a", "\u00e9\u2003z"):
    for nofollow in (False, True):
        for policy in (None, "", "noopener", "x noopener"):
            R.case("urlize_rel", urlize_rel, given, nofollow, policy)


def scheme(text):
    try:
        ENV.from_string("{{ ''|urlize(extra_schemes=[s]) }}").render(s=text)
    except jinja2.exceptions.FilterArgumentError as error:
        raise ValueError(str(error)) from None
    return True


for text in ["", "a", "a:", "ab:", "ab:/", "ab://", "ab:///", "ab", "a b:", "a+b:", "a.-:", "\u00e9\u00e9:", "ab:\n", "ab:x", "ab::", "_1:", "ab:/ "]:
    R.case("urlize_scheme", scheme, text)

for text in TEXTS + ["<script>alert('x')&\"", "\x00\x1f\x7f\u0080", "\U0001f600", "\u2028\\/\b\f"] + [some("ab<>&'\"\\\n\t\r\x08\x0c\x00\x1f\x7f\u00e9\u2028\U0001f600/", 12) for _ in range(400)]:
    R.case("json_string", json.dumps, text)
    R.case("json_html_string", lambda text: str(utils.htmlsafe_json_dumps(text)), text)
    R.case("quote", utils.url_quote, text)
    R.case("quote_query", lambda text: utils.url_quote(text, for_qs=True), text)
for text in ["a b&c/d?\u00e9=", "~-_.!*()", "+%", "".join(map(chr, range(256)))]:
    R.case("quote", utils.url_quote, text)
    R.case("quote_query", lambda text: utils.url_quote(text, for_qs=True), text)
for value in [0.0, -0.0, 1.5, 1e16, 1e-7, math.inf, -math.inf, math.nan]:
    R.case("json_float", json.dumps, value)
R.save()
