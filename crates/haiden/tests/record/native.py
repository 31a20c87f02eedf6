"""Record tests/data/native/*.json from Jinja2 3.1.6: run from the crate's directory with CPython 3.11.

A file is {"context": {..}, "cases": [[template, kind of undefined, autoescape, output] or
[template, kind, autoescape, null, exception class, message], ..]}. Each template is what one expression does to values that
come from the context (an arena) or from the template itself (the heap).
"""

import itertools
import json
import random
import sys

import jinja2

assert jinja2.__version__ == "3.1.6" and sys.version_info[:2] == (3, 11)

CONTEXT = {
    "i": 7, "zero": 0, "neg": -3, "big": 12345678901234567890, "f": 2.5, "nf": -0.5, "t": True, "n": None,
    "s": "ab<c>", "e": "", "w": "Straße ☃ x", "l": [3, 1, 2], "le": [], "lm": [1, "a", [2, None]], "d": {"a": 1, "b": [1, 2]},
    "de": {}, "d9": {f"k{k}": k for k in range(12)}, "dd": {"items": 1, "x y": {"z": "<z>"}},
    "users": [{"name": "Ann", "age": 3}, {"name": "bob", "age": 1}],
}
KINDS = {
    "Default": jinja2.Undefined, "Chainable": jinja2.ChainableUndefined,
    "Debug": jinja2.DebugUndefined, "Strict": jinja2.StrictUndefined,
}
ENVIRONMENTS = {
    (kind, escape): jinja2.Environment(undefined=KINDS[kind], autoescape=escape, loader=jinja2.DictLoader({})) for kind in KINDS for escape in (False, True)
}


def run(template, kind, escape):
    environment = ENVIRONMENTS[kind, escape]
    try:
        return [environment.from_string(template).render(json.loads(json.dumps(CONTEXT)))]
    except Exception as error:
        return [None, type(error).__name__, str(error)]


def stable(outcome):
    """Addresses of objects and the names of Python's generated functions cannot be compared."""
    texts = [part.lower() for part in outcome if isinstance(part, str)]
    return not any("t 0x" in text or "l_0_" in text or "bound method" in text or "slot wrapper" in text for text in texts)


class Group:
    def __init__(self, name):
        self.name, self.cases, self.random = name, [], random.Random(name)

    def case(self, template, kind="Default", escape=False):
        outcome = run(template, kind, escape)
        if stable(outcome):
            self.cases.append([template, kind, escape, *outcome])

    def save(self):
        with open(f"tests/data/native/{self.name}.json", "w") as file:
            lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in self.cases)
            context = json.dumps(CONTEXT, ensure_ascii=False)
            file.write(f'{{"context": {context},\n"cases": [\n{lines}\n]}}\n')
        print(self.name, len(self.cases))


# A value: how it is written in the template, or its name in the context.
VALUES = [
    "none", "true", "0", "7", "-3", "100000000000000000000", "2.5", "-0.0", "1e300", "''", "'ab'", "'é☃<'", "('<b>'|safe)",
    "[]", "[1,2]", "[1,'a',[2]]", "()", "(1,)", "(1,2)", "{}", "{'a':1}", "{1:2,'b':none}", "range(3)", "nope", "nope2",
    "{'a':1}.items()", "{'a':1}.keys()", "namespace(a=1)", "i", "big", "f", "t", "n", "s", "e", "l", "le", "lm", "d", "de", "d9",
    "range", "slice", "[1,2]|reverse", "[1,2]|map('abs')",
]
BINARY = ["+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "~", "and", "or"]


def operators():
    group = Group("operators")
    for left, right in itertools.product(VALUES, VALUES):
        operators = BINARY if group.random.random() < 0.25 else group.random.sample(BINARY, 3)
        for operator in operators:
            if operator == "**" and ("1000000" in right or right in ("big", "1e300")):
                continue
            if operator in ("*",) and ("1000000" in left + right or "big" in (left, right)) and "'" in left + right + "[(":
                continue
            escape = group.random.random() < 0.3
            kind = group.random.choice(["Default"] * 6 + list(KINDS))
            group.case("{% set x = " + left + " %}{% set y = " + right + " %}{{ x " + operator + " y }}", kind, escape)
    for value in VALUES:
        for text in ("-x", "+x", "not x", "x", "x|string", "[x]", "(x,)", "{'k':x}", "x is defined", "x and 1", "1 if x else 2",
                     "x|length", "x|list", "x|first", "x|last", "x|join('-')", "x|bool" , "x|abs", "x|int", "x|float", "x|round",
                     "x()", "x(1)", "x.foo", "x['foo']", "x[0]", "x[-1]", "x[5]", "x[none]", "x[true]", "x[1.5]", "x[[]]", "x[x]",
                     "x[1:]", "x[::-1]", "x[:2]", "x['a':]", "x.foo.bar", "x|tojson", "x|escape", "x|upper", "x|sort", "x|unique|list",
                     "x|sum", "x|max", "x|reverse|list", "x|items|list", "x|dictsort", "x is iterable", "x is sequence", "x is mapping",
                     "x is number", "x is string", "x is callable", "x is sameas x", "x is none", "x in [x]", "x == x", "x|pprint",
                     "x|default('D')", "x|attr('a')", "x|replace('a','b')", "x|indent", "x|title", "x|wordcount", "x|batch(2)|list",
                     "x|slice(2)|list", "x|center(9)", "x|striptags", "x|xmlattr", "x|format(1)", "x|min",
                     "'%s' % x", "'%r' % x", "'%d' % x", "'%s %s' % x", "'%(a)s' % x", "'{} {!r}'.format(x, x)", "'{0.a}'.format(x)",
                     "'{0[a]}'.format(x)", "'{:>5}'.format(x)", "('<%s>'|safe) % x", "('<{}>'|safe).format(x)", "('<'|safe).join(x)",
                     "'-'.join(x)", "x.__class__.__name__", "x.__len__", "dict(x)", "dict(**x)", "range(x)", "namespace(x)", "[1,2,3][x]",
                     "{1:2}[x]", "'abc'[x]", "x is divisibleby 2", "x is odd", "x is lower", "x is in [1]", "x is eq 1", "x is ge 1", "x|e|string"):
            for kind in {"Default", group.random.choice(list(KINDS))}:
                group.case("{% set x = " + value + " %}{{ " + text + " }}", kind, group.random.random() < 0.3)
        for text in ("{% for a in x %}{{ a }},{{ loop.index }}/{{ loop.length }}{{ loop.last }}{{ loop.nextitem }};{% else %}E{% endfor %}",
                     "{% for a, b in x %}{{ a }}={{ b }};{% endfor %}", "{% set a, b = x %}{{ a }}{{ b }}", "{% if x %}Y{% else %}N{% endif %}",
                     "{% set x.a = 1 %}{{ x.a }}", "{% include x %}", "{% include x ignore missing %}", "{% extends x %}", 
                     "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(*x) }}", "{% macro m(a) %}{{ a }}{{ kwargs }}{% endmacro %}{{ m(**x) }}",
                     "{% filter upper %}{{ x }}{% endfilter %}", "{% for a in x recursive %}{{ a }}{% endfor %}"):
            for kind in {"Default", group.random.choice(list(KINDS))}:
                group.case("{% set x = " + value + " %}" + text, kind, group.random.random() < 0.3)
    group.save()


TEXTS = ["s", "w", "e", "'a,b,,c'", "' x  y '", "'Hello World'", "('<i>x</i> &amp; y'|safe)", "'1234'", "'line\\nnext\\r\\nlast'"]
ARGUMENTS = ["", "'a'", "','", "1", "2, 3", "'x', 1", "'a', 'b'", "'a', 'b', 1", "none", "['a','<b>']", "10", "10, '*'", "nope", "(('a','ab'))", "'<', '>'", "sep=','", "'b', -1"]
STR = """capitalize casefold center count encode endswith expandtabs find format index isalnum isalpha isascii isdecimal isdigit
isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix
replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill
striptags unescape nosuch""".split()
LIST = "append clear copy count extend index insert pop remove reverse sort nosuch".split()
DICT = "items keys values get copy pop popitem clear update setdefault fromkeys nosuch".split()
NUMBER = "bit_length bit_count conjugate is_integer as_integer_ratio real imag numerator denominator hex nosuch".split()
LIST_ARGUMENTS = ["", "1", "-1", "0, 'z'", "'a'", "[1,2]", "3, 1", "reverse=true", "99", "none", "nope", "'ab'", "1, 2, 3"]
DICT_ARGUMENTS = ["", "'a'", "'zz'", "'zz', 5", "{'q': 1}", "[('q', 2)]", "[(1,2,3)]", "q=1", "[]", "nope", "5", "'a', 1, 2"]


def methods():
    group = Group("methods")
    for text, name, arguments in itertools.product(TEXTS, STR, ARGUMENTS):
        if group.random.random() < 0.35:
            escape = group.random.random() < 0.3
            group.case("{% set x = " + text + " %}{{ x." + name + "(" + arguments + ") }}", "Default", escape)
    for value, name, arguments in itertools.product(["l", "le", "lm", "[5,1,5]", "(1,2,1)", "range(5)"], LIST, LIST_ARGUMENTS):
        group.case("{% set x = " + value + " %}{% set y = x %}{{ x." + name + "(" + arguments + ") }}|{{ y }}")
    for value, name, arguments in itertools.product(["d", "de", "d9", "{'a': 1}", "{1: 2}"], DICT, DICT_ARGUMENTS):
        group.case("{% set x = " + value + " %}{% set y = [x] %}{{ x." + name + "(" + arguments + ") }}|{{ y }}")
    for value, name in itertools.product(["i", "big", "f", "t", "zero", "(-5)", "1e300", "0.1"], NUMBER):
        group.case("{% set x = " + value + " %}{{ x." + name + " is defined }}|{{ x." + name + "() if x." + name + " is callable else x." + name + " }}")
    group.save()


MISC = r"""
{{ d.items() }}{{ d.keys() }}{{ d.values() }}
{{ dd.items }}|{{ dd['items'] }}|{{ dd.items() is defined }}
{{ dd['x y'].z }}|{{ dd['x y']['z']|e }}
{{ users|map(attribute='name')|list }}
{{ users|sort(attribute='age')|map(attribute='name')|join(',') }}
{% for u in users %}{{ loop.index }}{{ u.name }}{{ loop.cycle('a','b') }}{{ loop.changed(u.age) }}{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}
{% for k in d %}{{ k }}{% endfor %}
{% for k, v in d9|dictsort(reverse=true) %}{{ k }}{{ v }} {% endfor %}
{% set _ = l.append(9) %}{{ l }}|{{ l|length }}|{{ l[-1] }}
{% set m = l %}{% set _ = l.append(9) %}{% set _ = m.sort() %}{{ l }}{{ m }}
{% set _ = d.update({'c': 3}) %}{{ d }}|{{ d.c }}|{% for k in d %}{{ k }}{% endfor %}
{% set _ = d.b.append(3) %}{{ d }}{{ d.b }}
{% set _ = users[0].update(name='Zed') %}{{ users }}{% for u in users %}{{ u.name }}{% endfor %}
{% set _ = d9.pop('k3') %}{{ d9 }}{{ d9.k3 is defined }}{{ d9.k4 }}
{% set x = [] %}{% set _ = x.append(x) %}{{ x }}
{% set x = {} %}{% set _ = x.update(x=x) %}{{ x }}
{% set x = [1] %}{% for a in x %}{{ a }}{% if a < 4 %}{% set _ = x.append(a+1) %}{% endif %}{% endfor %}
{% for k in d %}{% set _ = d.pop(k) %}{% endfor %}
{% for k in {'a':1} %}{% set _ = d.update(zz=1) %}{{ k }}{% endfor %}{{ d.zz }}
{% for k in d %}{% set _ = d.update({k ~ k: 1}) %}{% endfor %}
{% set x = {'a':1,'b':2} %}{% for k in x %}{% set _ = x.update({k ~ k: 1}) %}{% endfor %}
{% set v = d.items() %}{% set _ = d.update(q=2) %}{{ v }}{{ v|length }}
{% set ns = namespace(a=1, b=[1]) %}{% set ns.a = 2 %}{% set ns.c = 3 %}{{ ns.a }}{{ ns.b }}{{ ns.c }}{{ ns['a'] }}{{ ns.zz is defined }}{{ ns }}
{% set ns = namespace({'x': 1}, y=2) %}{{ ns.x }}{{ ns.y }}{{ ns.nope }}
{% set c = cycler('a','b','c') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.pos }}{{ c.reset() }}{{ c.next() }}{{ c.items }}
{% set j = joiner() %}{{ j() }}a{{ j() }}b{{ j() }}{{ j.sep }}{{ j.used }}
{% set j = joiner('|', 2) %}
{% set j = joiner(sep='/') %}{{ j() }}{{ j() }}
{{ cycler() }}
{{ joiner(1)() }}
{% set g = [1,2,3]|map('string') %}{{ g|list }}{{ g|list }}{{ g is iterable }}{{ g is sequence }}{{ g is mapping }}
{% set g = [1,2,3]|select %}{% for x in g %}{{ x }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{% endfor %}{{ g|first }}
{{ ([1,2]|map('abs'))|length }}
{{ ([1,2]|map('abs'))|last }}
{{ ([1,2]|map('abs'))[0] }}
{{ ([1,2]|batch(1)) is sequence }}{{ [1,2]|batch(1)|list }}
{{ [1,2,3]|slice(2)|map('list')|list }}
{{ (range(10)|groupby('real')|first).grouper }}
{% for g, items in users|groupby('age') %}{{ g }}{{ items }}{% endfor %}{{ (users|groupby('age'))[0].list }}{{ users|groupby('age') }}
{{ range(10) }}{{ range(2, 10, 3) }}{{ range(5)[1] }}{{ range(5)[1:3] }}{{ range(5)|length }}{{ range(0) }}{{ 3 in range(5) }}{{ 2.0 in range(5) }}{{ 'a' in range(5) }}
{{ range(5)[::-1] }}{{ range(5)[10:] }}{{ range(10)[2:8:3] }}{{ range(3) == range(0,3) }}{{ range(0) == range(2,2) }}{{ range(5).start }}{{ range(5).index(3) }}{{ range(5).count(9) }}
{{ range(10, 0, -3)|list }}{{ range(10,0,-3)[1:] }}{{ range(10,0,-3)[-1] }}
{{ range(9223372036854775800, 9223372036854775807)|list }}{{ range(-9223372036854775808, 9223372036854775807)[5] }}
{{ range(1, 2, 0) }}
{{ range() }}
{{ range(1,2,3,4) }}
{{ range(1.5) }}
{{ range('a') }}
{{ range(stop=3) }}
{{ 1 == 1.0 == true }}{{ 1 < 2 < 3 }}{{ 1 < 2 > 3 }}{{ [1,2] < [1,3] }}{{ (1,'a') < (1,'b') }}{{ [1] == (1,) }}{{ {1:2} == {1.0: 2.0} }}{{ {'a':[1]} == d }}
{{ 9223372036854775807 + 1 }}{{ -9223372036854775808 - 1 }}{{ 3037000500 * 3037000500 }}{{ 2**100 }}{{ 7 // -2 }}{{ -7 % 3 }}{{ 7.5 // 2 }}{{ -7.5 % 2 }}{{ 2 ** -1 }}{{ 7 / 2 }}{{ 6 / 2 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1.0 / 0 }}
{{ 1.0 % 0 }}
{{ 0 ** -1 }}
{{ (-8) ** 0.5 }}
{{ 1e16 }}{{ 1e15 }}{{ 0.1 + 0.2 }}{{ 1e-5 }}{{ 0.0001 }}{{ 1e22 }}{{ 123456789.123 }}{{ -0.0 }}{{ 1e400 - 1e400 }}{{ 1e400 }}
{{ 'a' 'b' }}{{ 'a' ~ 1 ~ none ~ 2.0 ~ [1] }}{{ 'ab' * 3 }}{{ 3 * 'ab' }}{{ [1] * 2 }}{{ 'ab' * -1 }}{{ (1,) * 2 }}{{ 'a' * 1.5 }}
{{ w[0] }}{{ w[-1] }}{{ w[4] }}{{ w[2:6] }}{{ w[::-1] }}{{ w|length }}{{ w.upper() }}{{ w|upper }}{{ w|title }}{{ w|capitalize }}
{{ s[0:2] }}{{ s[10:] }}{{ s[-3:] }}{{ l[0] }}{{ l[-1] }}{{ l[7] }}{{ l['0'] }}{{ d['a'] }}{{ d[0] }}{{ d.nope }}
{{ l[7].x }}
{{ l['a'].x }}
{{ d.nope.x }}
{{ d['nope'].x }}
{{ d[1].x }}
{{ d[(1,2)].x }}
{{ d[[1]].x }}
{{ n.x.y }}
{{ s.x.y }}
{{ f.x.y }}
{{ t.x.y }}
{{ (1,2).x.y }}
{{ nope.x }}
{{ nope() }}
{{ nope + 1 }}
{{ nope|length }}{{ nope|list }}{{ nope|default(3) }}{{ nope|d }}{{ nope is defined }}{{ not nope }}{{ nope == nope2 }}{{ nope == none }}{{ nope ~ 'x' }}{{ [nope] }}{% for a in nope %}{% endfor %}
{{ d.a() }}
{{ s() }}
{{ none() }}
{{ d.get('a') }}{{ d.get('q') }}{{ d.get('q', 1) }}{{ d['get'] }}
{{ s.upper }}
{{ s.__class__ }}
{{ [1,2].__class__.__name__ }}{{ s.__class__.__name__ }}{{ none.__class__.__name__ }}{{ f.__class__.__name__ }}{{ d.__class__.__name__ }}
{{ [[1,2],[3]] }}{{ ['a"b', "a'b", 'a\nb', 'é\x00'] }}{{ {'a': none, 1: (1,)} }}{{ [1.0, true, none] }}{{ ('<b>'|safe,) }}{{ ['<b>'|escape] }}
{{ lm }}{{ d9 }}{{ dd }}{{ users }}
{{ 'a%sb' % 1 }}{{ '%d%%' % 5 }}{{ '%05.2f' % f }}{{ '%x' % 255 }}{{ '%s' % [1] }}{{ '%s-%s' % (1,2) }}{{ '%(a)s' % d }}{{ '%r' % s }}{{ '%c' % 'x' }}
{{ '%s %s' % 1 }}
{{ '%s' % (1,2) }}
{{ '%d' % 'a' }}
{{ '%(q)s' % d }}
{{ '%z' % 1 }}
{{ '{} {}'.format(1, 2) }}{{ '{0}{1}{0}'.format(1,2) }}{{ '{a}'.format(a=1) }}{{ '{:>5}|{:<5}|{:^5}'.format(1,2,3) }}{{ '{:,}'.format(1234567) }}{{ '{:.2f}'.format(f) }}{{ '{0[0]}'.format(l) }}{{ '{0.real}'.format(i) }}
{{ '{} {}'.format(1) }}
{{ '{a}'.format(1) }}
{{ '{0[9]}'.format(l) }}
{{ '{0[q]}'.format(d) }}
{{ '{0.q}'.format(d) }}
{{ '{:d}'.format('a') }}
{{ '{:q}'.format(1) }}
{{ '{:>5}'.format([1]) }}
{{ '{'.format(1) }}
{{ '<b>'|escape }}{{ '<b>'|e|e }}{{ '<b>'|forceescape }}{{ ('<b>'|safe)|escape }}{{ ('<b>'|safe) + '<i>' }}{{ '<i>' + ('<b>'|safe) }}{{ ('<b>'|safe) ~ '<i>' }}{{ ('<%s>'|safe) % '<' }}{{ ('<b>'|safe) * 2 }}{{ ('<b>'|safe)|upper }}{{ ('<b>'|safe).lower() }}{{ ('<a>'|safe).replace('a', '<') }}{{ ('<a>'|safe).split('a') }}{{ ('a'|safe).join(['<', '>'|safe]) }}{{ ('{}'|safe).format('<') }}{{ ('<b>'|safe)[0] }}{{ ('<b>'|safe)[0:2] }}{{ ('<b>'|safe) == '<b>' }}{{ ('a<b>c'|safe).partition('<') }}
{% macro m(a, b=2, *c) %}{% endmacro %}
{% macro m(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{{ caller is defined }}{% endmacro %}{{ m(1) }}{{ m(1, 3, 4, x=5) }}{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}{{ m }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}
{% macro m(a) %}{{ a.x }}{% endmacro %}{{ m() }}
{% macro m(a) %}[{{ a }}]{% endmacro %}{{ ['x','y']|map('upper')|map('lower')|list }}{{ m|string }}{{ m is callable }}{{ m() }}
{% macro m(x) %}<{{ x }}>{{ caller(x) }}{% endmacro %}{% call(y) m('<') %}{{ y }}{% endcall %}
{% for x in [1,[2,[3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}@{{ loop.depth }}{% endif %}{% endfor %}
{% for x in [1,2,3] if x != 2 %}{{ loop.index }}{{ loop.length }}{{ x }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{% endfor %}
{% for x in [1,2] %}{{ loop }}{% set y = loop %}{{ y.index }}{{ y.length }}{{ y.last }}{% endfor %}
{% for x in [] %}{% else %}empty{% endfor %}{% for a,b in [(1,2),[3,4],'xy'] %}{{ a }}{{ b }}{% endfor %}
{% for a,b in [(1,2,3)] %}{% endfor %}
{% for a,b in [(1,)] %}{% endfor %}
{% for a,b in [1] %}{% endfor %}
{% for a in 5 %}{% endfor %}
{% for a in none %}{% endfor %}
{{ [1,2,3].index(2) }}{{ [1].index(5) }}
{{ d|length }}{{ 5|length }}
{{ {'a': 1, 'a': 2} }}{{ {1: 'x', 1.0: 'y', true: 'z'} }}{{ {none: 1}[none] }}{{ {(1,2): 3}[(1,2)] }}{{ {'a':1}['b'] is defined }}
{{ {[1]: 2} }}
{{ {{}: 2} }}
{{ dict([(1,2),(3,4)], a=5) }}{{ dict({'x':1}) }}{{ dict() }}{{ dict([['a',1]]) }}{{ dict(['ab']) }}
{{ dict(5) }}
{{ dict([1]) }}
{{ dict(1, 2) }}
{{ d|tojson }}{{ '<a href="x">\'&'|tojson }}{{ [1.0, none, true, 'é']|tojson }}{{ {'b':1,'a':[1,2]}|tojson(indent=2) }}{{ big|tojson }}{{ {1:2,none:3}|tojson }}
{{ l|sort }}{{ ['b','A','c']|sort }}{{ ['b','A','c']|sort(case_sensitive=true) }}{{ [1,'a']|sort }}
{{ [none, 1]|sort }}
{{ [1,2,1,'a','A']|unique|list }}{{ [[1],[1]]|unique|list }}
{{ l|sum }}{{ ['a']|sum }}
{{ [[1],[2]]|sum(start=[]) }}{{ users|sum(attribute='age') }}{{ [0.1]*3 }}{{ ([0.1]*3)|sum }}
{{ 42|string|length }}{{ true|int }}{{ '0x1f'|int(base=16) }}{{ 'zz'|int(7) }}{{ '3.7'|int }}{{ 3.7|int }}{{ none|int }}{{ '1_0'|int }}{{ ' 5 '|float }}{{ 'nan'|float }}{{ [1]|int }}{{ big|int }}{{ '99999999999999999999'|int }}
{{ 2.5|round }}{{ 3.5|round }}{{ 2.675|round(2) }}{{ 1234.5|round(-2) }}{{ 2.4|round(method='ceil') }}{{ 2.6|round(0,'floor') }}{{ 5|round }}{{ big|round(-3) }}
{{ 'x' in 'xyz' }}{{ 1 in [1,2] }}{{ 'a' in d }}{{ [1] in [[1]] }}{{ 1.0 in l }}{{ none in [none] }}{{ 'k' in 'K' }}{{ '' in 'a' }}
{{ 1 in 'abc' }}
{{ 1 in 5 }}
{{ [] in d }}
{{ self }}{{ self.x is defined }}
{% block b %}{{ super() }}{% endblock %}
{% block b %}x{% endblock %}{{ self.b() }}{{ self.b }}{{ self['b']() }}{{ self.q is defined }}
{% set x %}<b>{{ s }}{% endset %}{{ x }}{{ x|length }}{{ x is escaped }}
{% set x | upper %}a{{ s }}{% endset %}{{ x }}
{% with a=1, b=a %}{{ a }}{{ b }}{% endwith %}
{% autoescape true %}{{ s }}{{ s|safe }}{{ ['<'] }}{% endautoescape %}{{ s }}
{{ 'abc'|list }}{{ d|list }}{{ (1,2)|list }}{{ 'ab'|reverse }}{{ [1,2]|reverse|list }}{{ 'a b'|wordcount }}{{ l|join }}{{ l|join(', ') }}{{ users|join(',', attribute='name') }}{{ ['<', '>'|safe]|join('&') }}
{{ l|first }}{{ l|last }}{{ []|first }}{{ []|last }}{{ 'abc'|first }}{{ d|first }}{{ d|last }}
{{ ([]|first).x }}
{{ ([]|last).x }}
{{ ([]|max).x }}
{{ l|max }}{{ l|min }}{{ ['b','A']|max }}{{ users|max(attribute='age') }}{{ []|max }}{{ d|max }}
{{ [1,'a']|max }}
{{ d|dictsort }}{{ {'b':1,'A':2}|dictsort }}{{ {'b':1,'A':2}|dictsort(true) }}{{ {'b':1,'A':2}|dictsort(by='value') }}{{ {'b':1,2:1}|dictsort }}
{{ d|dictsort(by='x') }}
{{ d|items|list }}{{ nope|items|list }}{{ 5|items }}
{{ d|xmlattr }}{{ {'a':none,'b':'<"','c':nope}|xmlattr }}{{ {'a b':1}|xmlattr }}
{{ s|attr('upper') is callable }}{{ d|attr('a') is defined }}{{ d|attr('items') is defined }}{{ i|attr('real') }}
{{ 'a'|center(5) }}|{{ 'x y z'|truncate(3) }}{{ 'hello world'|truncate(8, true) }}{{ 'hello'|truncate(3, true, '', 0) }}{{ 'a\nb'|indent }}{{ 'a\nb'|indent(2, true) }}{{ 'http://a.b x'|urlize }}{{ 'a b&c'|urlencode }}{{ {'a':'b c'}|urlencode }}{{ '<b>x</b>'|striptags }}{{ 1000000|filesizeformat }}{{ 1024|filesizeformat(true) }}
{{ l|nosuch }}
{{ l is nosuch }}
{{ lipsum(n=0) }}{{ lipsum is callable }}
""".strip().split("\n")


def misc():
    group = Group("misc")
    for template in MISC:
        for kind in KINDS:
            for escape in (False, True):
                group.case(template, kind, escape)
    for filter_ in sorted(jinja2.Environment().filters):
        for argument in ("", "(1)", "('a')", "(1, 2)", "(nope)", "(x=1)"):
            for value in ("l", "s", "i", "d", "nope", "users"):
                if filter_ != "random":
                    group.case("{{ " + value + "|" + filter_ + argument + " }}")
    for test in sorted(jinja2.Environment().tests):
        for argument in ("", "(1)", "('a')", "(1, 2)", "(x=1)"):
            for value in ("l", "s", "i", "d", "nope", "n"):
                group.case("{{ " + value + " is " + test + argument + " }}")
    group.save()


operators()
methods()
misc()
