"""The blocks of a context, as programs that render one block read and change them: the same texts as with Jinja2."""

import jinja2
import pytest

import haiden

SOURCES = {
    "base": "B{% block a %}base a {{ x }}{% endblock %}{% block c %}base c{% endblock %}",
    "middle": "{% extends 'base' %}{% block a %}middle <{{ super() }}>{% endblock %}",
    "page": "{% extends 'middle' %}{% block a %}page <{{ super() }}>{{ self.c() }}{% endblock %}",
}


def text(parts):
    return "".join(parts)


def after_the_root(page, base, context):
    text(page.root_render_func(context))
    blocks = context.blocks
    shown = sorted((name, len(functions)) for name, functions in blocks.items())
    return shown, [text(function(context)) for name in sorted(blocks) for function in blocks[name]]


def a_block_alone(page, base, context):
    return text(base.blocks["a"](context))


def a_parent_put_behind(page, base, context):
    context.blocks["a"].append(base.blocks["a"])
    context.blocks["c"] = [base.blocks["c"]]
    return text(context.blocks["a"][0](context))


def a_block_put_in_front(page, base, context):
    context = base.new_context({"x": 1})
    context.blocks["a"].insert(0, page.blocks["a"])
    return text(base.root_render_func(context))


def a_block_under_another_name(page, base, context):
    context = base.new_context({"x": 1})
    context.blocks["a"] = [base.blocks["c"]]
    return text(base.root_render_func(context))


def a_derived_context(page, base, context):
    text(page.root_render_func(context))
    derived = context.derived({"x": "derived"})
    return text(derived.blocks["a"][0](derived))


@pytest.mark.parametrize(
    "deed",
    [after_the_root, a_block_alone, a_parent_put_behind, a_block_put_in_front, a_block_under_another_name, a_derived_context],
)
def test_blocks(deed):
    def outcome(package):
        environment = package.Environment(loader=package.DictLoader(SOURCES))
        page, base = environment.get_template("page"), environment.get_template("base")
        return deed(page, base, page.new_context({"x": 1}))

    assert outcome(haiden) == outcome(jinja2)


def test_a_super_that_is_not_there():
    def outcome(package):
        environment = package.Environment(loader=package.DictLoader(SOURCES))
        page = environment.get_template("page")
        with pytest.raises(package.UndefinedError) as caught:
            text(page.blocks["a"](page.new_context()))
        return str(caught.value)

    assert outcome(haiden) == outcome(jinja2)
