"""A Flask application: layouts, macros, forms, filters, flashes, streams, errors. Writes its responses."""

import pathlib
import sys

import flask
from flask import Flask, flash, render_template, render_template_string, stream_template

TEMPLATES = {
    "layout.html": """<!doctype html>
<title>{% block title %}Shop{% endblock %}</title>
<nav>{% for name, label in [('index', 'Home'), ('cart', 'Cart')] -%}
  <a href="{{ url_for(name) }}"{% if request.endpoint == name %} class="on"{% endif %}>{{ label }}</a>
{%- endfor %}</nav>
{% with messages = get_flashed_messages(with_categories=true) %}
  {% for category, message in messages %}<p class="{{ category }}">{{ message }}</p>{% endfor %}
{% endwith %}
{% block body required %}{% endblock %}
<footer>{{ config.SHOP }} {{ year }} {{ session.get('user', 'nobody') }} {{ g.n }}</footer>
""",
    "macros.html": """{% macro field(name, type='text', value='') -%}
  <input name="{{ name }}" type="{{ type }}" value="{{ value }}"{{ {'id': name, 'hidden': none}|xmlattr }}>
{%- endmacro %}
{% macro box(title) %}<section><h2>{{ title }}</h2>{{ caller() }}</section>{% endmacro %}
""",
    "index.html": """{% extends "layout.html" %}
{% import "macros.html" as m %}
{% block title %}{{ super() }} | {{ products|length }} things{% endblock %}
{% block body %}
  {% call m.box("Offers & more") %}
    {% for p in products|sort(attribute='price') %}
      {{ loop.index }}. {{ p.name }}: {{ p.price|money }} {{ p.name in cheap }} {{ p.tags|join(', ') }}
      {% include ["missing.html", "tag.html"] %}
    {% else %}nothing{% endfor %}
  {% endcall %}
  {{ products|map(attribute='name')|list|tojson }}
  {{ "{:>8}".format("x") }} {{ "%.2f"|format(1.5) }}
{% endblock %}
""",
    "tag.html": "<i>{{ p.name|upper|truncate(5, true, '') }}</i>",
    "cart.html": """{% extends "layout.html" %}{% from "macros.html" import field with context %}
{% block body %}<form>{{ field('q', value=request.args.q) }}{{ field('n', 'number', 3) }}</form>
{{ url_for('static', filename='a b.css', v=1) }} {{ request.args|dictsort }}{% endblock %}""",
    "plain.txt": "No escape: {{ value }} {{ value|e }}\n",
    "bad.html": "{% if %}",
    "fails.html": "a\n{{ none.x.y }}",
}


class Product:
    def __init__(self, name, price, tags):
        self.name, self.price, self.tags = name, price, tags


PRODUCTS = [Product("Tea & <b>", 4.5, ["hot"]), Product("Ärmel", 30, []), Product("Cup", 12, ["a", "'b'"])]


def make_app(folder: pathlib.Path) -> Flask:
    for name, source in TEMPLATES.items():
        (folder / name).write_text(source)
    app = Flask("shop", template_folder=str(folder))
    app.secret_key = "x"
    app.config["SHOP"] = "Corner <shop>"
    app.jinja_env.globals["cheap"] = ["Cup"]

    @app.template_filter()
    def money(value):
        return flask.Markup(f"<b>{value:.2f}</b>") if hasattr(flask, "Markup") else f"<{value:.2f}>"

    @app.template_test("dear")
    def dear(value):
        return value > 10

    @app.context_processor
    def more():
        return {"year": 2024}

    @app.before_request
    def count():
        flask.g.n = 7

    @app.get("/")
    def index():
        flash("Welcome <you>", "info")
        return render_template("index.html", products=PRODUCTS)

    @app.get("/cart")
    def cart():
        return render_template("cart.html")

    @app.get("/text")
    def text():
        return render_template("plain.txt", value="<&>")

    @app.get("/string")
    def string():
        return render_template_string("{{ x }} {{ 20 is dear }} {{ x|safe }} {% filter upper %}{{ x }}{% endfilter %}", x="<x>")

    @app.get("/stream")
    def stream():
        return stream_template("index.html", products=PRODUCTS[:2])

    @app.get("/macro")
    def macro():
        return flask.get_template_attribute("macros.html", "field")("k", value="<")

    @app.get("/none")
    def none():
        return render_template(["no.html", "none.html"])

    @app.get("/<kind>.fail")
    def fail(kind):
        return render_template(f"{kind}.html")

    @app.errorhandler(Exception)
    def error(error):
        lines = [f"{type(error).__name__}: {error}", str(getattr(error, "lineno", "")), str(getattr(error, "name", ""))]
        tb = error.__traceback__
        while tb is not None:
            code = tb.tb_frame.f_code
            if str(folder) in code.co_filename:
                lines.append(f"{pathlib.Path(code.co_filename).name}:{tb.tb_lineno} {code.co_name}")
            tb = tb.tb_next
        return "\n".join(lines).replace(str(folder), "templates"), 500

    return app


def main(target: pathlib.Path) -> None:
    folder = target / "templates"
    folder.mkdir()
    client = make_app(folder).test_client()
    for path in (
        "/",
        "/cart?q=%3Ca%3E&b=1",
        "/text",
        "/string",
        "/stream",
        "/macro",
        "/none",
        "/bad.fail",
        "/fails.fail",
    ):
        response = client.get(path)
        name = path.strip("/").replace("/", "_").split("?")[0] or "index"
        (target / f"{name}.response").write_text(f"{response.status}\n{response.get_data(as_text=True)}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
