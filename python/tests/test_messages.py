"""Messages for translators: what `babel_extract` and its kin find is what Jinja2's find."""

import io

import jinja2.ext
import pytest

import haiden.ext

FUNCTIONS = ("_", "gettext", "ngettext")
SOURCES = [
    ("{{ _('a') }}\n{# TR: hello #}{{ _('b') }}\n{# TR: before #}\n{{ gettext('c') }}\n{# other #}{{ _('d') }}", {}),
    ("{{ _('a') }}{% if %}", {}),
    ("{{ _('a') }}{% if %}", {"silent": "false"}),
    ("<% trans %>a<% endtrans %>{{ x }}", {"block_start_string": "<%", "block_end_string": "%>"}),
    ("## TR: x\n% trans\nfoo\n% endtrans\n", {"line_statement_prefix": "%", "line_comment_prefix": "##"}),
    ("{% trans %} a\n b {% endtrans %}", {"trimmed": "true"}),
    ("{% trans %} a\n b %{% endtrans %}", {"newstyle_gettext": "on", "trim_blocks": "1", "lstrip_blocks": "yes"}),
    ("{% do _('x') %}", {"extensions": "jinja2.ext.do, jinja2.ext.loopcontrols"}),
    ("{% do _('x') %}{% for a in b %}{% break %}{% endfor %}", {"extensions": "jinja2.ext.do,jinja2.ext.LoopControlExtension"}),
    ("{% do _('x') %}", {"extensions": "jinja2.ext.nothing"}),
    ("{% trans n=1 %}a{{ n }}{% pluralize %}b{% endtrans %}{{ ngettext('d', 'e', n) }}{{ _(f) }}{{ _('x' 'y') }}{{ _(b=1) }}", {}),
]


def outcome(package, source, options):
    try:
        return list(package.ext.babel_extract(io.BytesIO(source.encode()), FUNCTIONS, ["TR:"], options))
    except Exception as error:
        return type(error).__name__, str(error).replace("haiden", "jinja2")


@pytest.mark.parametrize(("source", "options"), SOURCES)
def test_extraction(source, options):
    assert outcome(haiden, source, dict(options)) == outcome(jinja2, source, dict(options))
