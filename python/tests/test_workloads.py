"""Whole pages, byte for byte Jinja2's."""

import random

BASE = """<!DOCTYPE html><title>{% block title %}{{ shop.name }}{% endblock %}</title>
<ul>{% for entry in shop.menu %}<li{% if loop.first %} class="first"{% elif loop.last %} class="last"{% endif %}>
<a href="{{ entry.href }}">{{ entry.label|upper }}</a></li>{% endfor %}</ul>
{% block content %}nothing{% endblock %}{% block footer %}<p>{{ shop.name }} {{ shop.year }}</p>{% endblock %}"""
LAYOUT = """{% extends "base" %}{% block content %}<h2>{{ category }}</h2>{% block section %}{% endblock %}{% endblock %}
{% block footer %}{{ super() }}<p>Terms & conditions</p>{% endblock %}"""
MACROS = """{% macro card(product, number) %}<article id="p{{ product.id }}"{% if product.fresh %} class="new"{% endif %}>
{{ number }}. {{ product.name }} {{ product.brand|default("no brand")|upper }} {{ product.text|truncate(length=40) }}
{% if product.saving > 0 %}{{ product.price|money }} {{ (product.price - product.saving)|money }}{% else %}{{ product.price }}
{%- endif %} {{ product.tags|join(", ") }}{% for v in product.variants %}{{ loop.index }}:{{ v.label }}{% if loop.last %}.
{%- endif %}{% endfor %}</article>{% endmacro %}"""
PAGE = """{% extends "layout" %}{% from "macros" import card %}
{% block title %}{{ category }} - {{ super() }}{% endblock %}{% block section %}<p>{{ products|length }}</p>
{%- for product in products %}{{ card(product, loop.index) }}{% include "stock" %}{% if not loop.last %}<hr>{% endif %}
{%- endfor %}{% endblock %}"""
STOCK = "{% if product.stock == 0 %}none{% elif product.stock < 4 %}{{ product.stock }} left{% else %}in stock{% endif %}"
SHOP = {"page": PAGE, "layout": LAYOUT, "base": BASE, "macros": MACROS, "stock": STOCK}


class Record:
    """A plain object."""

    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


class Product(Record):
    """Another class with the same names."""


def shop(accent):
    pick = random.Random(7)
    words = ["walnut", "salt & pepper", "<b>new</b>", "lamp", 'said "no"', "it's", "table" + accent]

    def text(n):
        return " ".join(pick.choice(words) for _ in range(n))

    def product(n):
        made = Product(
            id=n,
            name=text(2),
            text=text(pick.randrange(1, 30)),
            price=pick.randrange(1, 300000) / 100,
            saving=pick.choice([0, 2.5]),
            stock=pick.randrange(6),
            fresh=bool(n % 3),
            tags=[text(1) for _ in range(n % 4)],
            variants=[{"label": text(1)} for _ in range(n % 3)],
        )
        if n % 5:
            made.brand = text(1)
        return made

    menu = [Record(href="/a?b=1&c=2", label="one" + accent), Record(href="/b", label="two"), {"href": 1, "label": "x"}]
    return {
        "shop": Record(name="Tom & Co" + accent, year=2026, menu=menu),
        "category": "chairs" + accent,
        "products": [product(n) for n in range(40)],
    }


def test_listing(pages):
    listing = pages(SHOP)
    for accent in ["", "é", "€", "\U0001f600"]:
        context = shop(accent)
        page = listing.check(**context)
        assert len(page) > 5000
        assert listing.check(**context) == page
    listing.check(**shop(""))


def test_table(pages):
    table = pages("<table>{% for row in table %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}")
    table.check(table=[[r * c * 7919 - 50000 for c in range(10)] for r in range(100)])
    table.check(table=[{c: c * r for c in range(10)} for r in range(10)])
    table.check(table=[{c: c * r for c in range(10)}.values() for r in range(10)])
    table.check(table=[(0, -1, 9, 10, 99, 100, 999, 10**9, 10**10, 2**31, 2**32, 2**62, 2**63, -(2**63), 10**30, True)])


def test_tiny(pages):
    pages("Hello {{ name }}! {% if user.admin %}<b>{{ user.name }}</b>{% endif %}").check(
        name="<World>", user=Record(admin=True, name="A & B")
    )


def test_escape_heavy(pages):
    page = pages("{% for text in texts %}{{ text }}|{{ text|e }}|{{ text|safe }}{% endfor %}")
    pick = random.Random(3)
    for alphabet in ["ab&<>'\" ", "ab&é\xff ", "a&€<", "a&\U0001f600<'"]:
        page.check(texts=["".join(pick.choice(alphabet) for _ in range(n)) for n in range(100)])


def test_logic(pages):
    page = pages(
        "{% for i in range(turns) %}{% set a = i * 7 + 3 %}{% set b = a % 11 %}{% if b == 0 %}x{% elif b > 6 and a % 5 == 2"
        " %}{{ b }}{% endif %}{{ a // 3 - b ** 2 }}{{ -a / 4 }}{% endfor %}"
    )
    page.check(turns=200)
    big = pages("{{ a + b }} {{ a * b }} {{ a - b }} {{ a // b }} {{ a % b }} {{ a < b }} {{ a == b }} {{ -a }}")
    limits = [0, 1, -1, 2**40, 2**53 + 1, 2**61, 2**62 - 1, 2**62, -(2**62), 2**63 - 1, 2**63, -(2**63), 2**64, 1.5, -0.0, True]
    for a in limits:
        for b in limits:
            if b:
                big.check(a=a, b=b)


def test_formatting(pages):
    page = pages("{% for x in numbers %}{{ '%.2f'|format(x) }} {{ '<%s %d>'|format(x, 3) }} {{ x }} {{ '%(a)s'|format(a=x) }}{% endfor %}")
    pick = random.Random(5)
    numbers = [0.0, -0.0, 0.005, 0.015, 2.675, 1e11, 1e22, 123456.785, float("nan"), float("inf"), -1.005, 0.125, 5e-324]
    page.check(numbers=numbers + [pick.uniform(-1e4, 1e4) for _ in range(200)] + [n / 200 for n in range(400)])


def test_inheritance(pages):
    sources = {
        "main": '{% extends "b" %}{% import "forms" as forms %}{% block x %}{{ super() }}5{{ forms.field(f) }}{% endblock %}',
        "b": '{% extends "c" %}{% block x %}[{{ super() }}]4{% endblock %}',
        "c": "<{% block x %}3{{ self.y() }}{% endblock %}{% block y %}y{{ v }}{% endblock %}>",
        "forms": "{% macro field(f) %}<input name='{{ f.name }}' value='{{ f.value }}'>{% endmacro %}",
    }
    pages(sources).check(f=Record(name="a&b", value=None), v="<v>")


def test_statements(pages):
    for source in [
        "{% for k, v in d.items() %}{{ loop.index }}{{ loop.revindex }}{{ k }}={{ v }}{{ loop.cycle('a', 'b') }}{% endfor %}",
        "{% for a, (b, c) in pairs %}{{ a }}{{ b }}{{ c }}{% else %}none{% endfor %}",
        "{% for x in d %}{{ x }}{{ loop.nextitem }}{{ loop.previtem }}{% endfor %}",
        "{% for x in n recursive %}{{ x.v }}{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}",
        "{% macro m(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{{ caller() if caller }}{% endmacro %}"
        "{{ m(1) }}{{ m(1, 2, 3, z=4) }}{% call m('<') %}<{{ d }}>{% endcall %}",
        "{% set ns = namespace(n=0) %}{% for x in d %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
        "{% set x %}<{{ d.a }}>{% endset %}{{ x }}{{ x ~ '<' }}{{ '<' ~ d.a }}{{ d['a'] }}{{ d['zz'] }}{{ l[1] }}{{ l[-1] }}{{ l[9] }}",
        "{{ l[1:] }}{{ l[::-1] }}{{ 'abc'[1] }}{{ 'abc'[-2:] }}",
        "{{ d.a is defined }}{{ zz is defined }}{{ none is none }}{{ 3 is odd }}{{ 4 is divisibleby 2 }}{{ 1 in l }}",
        "{{ 'a' if zz else 'b' }}{{ ('x' if zz) }}|{{ 1 < 2 < 3 }}{{ not zz }}{{ zz or 'or' }}{{ [1, 'a', 2.5, none, true] }}",
        "{{ dict(z=1, **d) }}{{ dict(**d) }}",
        "{% for x in gen() %}{{ loop.length }}{{ loop.last }}{{ x }}{% endfor %}",
        "{% for x in [3, 3, 1] %}{{ x }}{{ loop.changed(x) }}{{ loop.depth }}{% endfor %}",
    ]:
        pages(source).check(
            d={"a": "<1>", "b": 2},
            pairs=[(1, (2, "<"))],
            n=[{"v": 1, "c": [{"v": 2, "c": []}]}, {"v": 3, "c": []}],
            l=[1, 2, 3],
            gen=lambda: (n for n in range(3)),
        )
        pages(source, autoescape=False).check(d={"a": "<1>"}, pairs=[], n=[], l=["<"], gen=lambda: iter("ab"))


def test_image(pages):
    """An image in bytes renders as the program it was made of."""
    from haiden import Environment, Template, _native

    env = Environment(autoescape=True)
    env.filters["money"] = str
    code = env.compile(MACROS + "{{ card(p, 1) }}")
    again = _native.Code.from_bytes(code.to_bytes(), autoescape=True)
    context = {"p": shop("é")["products"][1]}
    first, second = (Template.from_code(env, found, env.globals).render(context) for found in (code, again))
    assert first == second
