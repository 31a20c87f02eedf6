"""A Sphinx build: the page layout of a theme, with autosummary, an index, a search page, the i18n extension."""

import pathlib
import sys

from sphinx.application import Sphinx

CONF = """
project = "Haystack"
author = "somebody"
release = "1.2"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.viewcode", "sphinx.ext.todo"]
autosummary_generate = True
templates_path = ["templates"]
html_theme = "alabaster"
html_static_path = []
html_last_updated_fmt = ""
html_additional_pages = {"extra": "extra.html"}
html_context = {"mark": "<&>"}
language = "LANGUAGE"
"""

PAGES = {
    "index": """
Haystack
========

.. toctree::
   :maxdepth: 2

   guide
   api

.. only:: html and not latex

   For the web.

.. autosummary::
   :toctree: generated

   textwrap
""",
    "guide": """
Guide
=====

.. index:: single: needle

Needles are found. See :py:func:`textwrap.wrap`.

.. code-block:: python

   print("{{ not a template }}")

Section two
-----------

.. note:: A <note> & more.
""",
    "api": """
API
===

.. automodule:: textwrap
   :members:
""",
}

TEMPLATES = {
    "extra.html": """{%- extends "layout.html" %}
{% set title = _('Extra') %}
{% block body %}<h1>{{ title }} {{ mark }} {{ pathto('guide') }}</h1>{% endblock %}
""",
    "layout.html": """{% extends "!layout.html" %}
{% block footer %}{{ super() }}<p>{% trans project=project|e %}Built for {{ project }}{% endtrans %}</p>{% endblock %}
""",
}


def build(target: pathlib.Path, language: str) -> None:
    source = target / "source"
    (source / "templates").mkdir(parents=True)
    (source / "conf.py").write_text(CONF.replace("LANGUAGE", language))
    for name, text in PAGES.items():
        (source / f"{name}.rst").write_text(text)
    for name, text in TEMPLATES.items():
        (source / "templates" / name).write_text(text)
    out = target / "html"
    Sphinx(source, source, out, target / ".doctrees", "html", status=None, freshenv=True).build(True)


if __name__ == "__main__":
    for language in ("en", "de"):
        build(pathlib.Path(sys.argv[1]) / language, language)
