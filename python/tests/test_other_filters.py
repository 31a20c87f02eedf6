"""Filters of an environment's own in the place of stock ones that the compiler knows: constants through them are Jinja2's."""

import jinja2
import pytest
from markupsafe import Markup

import haiden
from haiden.cache import MemoryBytecodeCache

SOURCES = [
    "{{ 'x'|upper or y }}{{ 'x'|upper and y }}",
    "{{ 1 if 'x'|lower else 2 }}{{ 'x'|d or y }}{{ 'x'|default('z') or y }}",
    "{{ ''|default('a', true) or y }}{{ -1|abs or y }}{{ (2|abs - 3) ~ '<b>' }}",
    "{{ 'a'|upper ~ '<' }}{{ 'x'|safe ~ '<' ~ y }}{{ 'x'|e ~ '<' }}",
    "{{ ['a']|map('title')|join or y }}{{ [1]|random ~ '<' }}",
    "{{ 'x'|mine ~ '<' }}{{ ('a' ~ 'x'|mine) ~ '<' }}{{ 'a' ~ ['x'|mine]|join ~ '<' }}{{ 'x'|mine ~ 'x'|other ~ '<' }}",
    "{{ {'a': 'x'|mine}['a'] ~ '<' }}{{ ('x'|mine if 1 else 'b') ~ '<' }}{{ 'x'|default('x'|mine) ~ '<' }}",
    "{% autoescape flag %}{{ 'x'|mine ~ '<' }}{% endautoescape %}{% if 'x'|mine ~ '<' %}{{ 'a' ~ ('<'|mine ~ '<')|upper }}{% endif %}",
    "{% autoescape flag %}{{ 'x'|upper or '<' }}{{ 'x'|upper ~ '<' }}{% endautoescape %}",
]
NAMES = ["abs", "d", "default", "e", "lower", "map", "random", "safe", "upper"]
RETURNED = ["", 0, None, Markup("<m>"), "<t>"]


def page(package, source, names, returned, wants=None, **options):
    env = package.Environment(**options)
    for name in names:
        function = lambda *arguments, **keywords: returned  # noqa: E731
        env.filters[name] = getattr(package, wants)(function) if wants else function
    env.filters["mine"] = getattr(package, wants)(lambda first, text: Markup("<m>")) if wants else lambda text: Markup("<m>")
    env.filters["other"] = lambda text: Markup("<o>")
    try:
        return env.from_string(source).render(y=2, flag=options.get("autoescape"))
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("wants", [None, "pass_context", "pass_eval_context", "pass_environment"])
@pytest.mark.parametrize("autoescape", [False, True])
def test_constants_through_other_filters(autoescape, wants):
    for source in SOURCES:
        for returned in RETURNED:
            arguments = (source, NAMES, returned, wants)
            ours = page(haiden, *arguments, autoescape=autoescape)
            assert ours == page(jinja2, *arguments, autoescape=autoescape), arguments


def test_environments_that_share_a_cache():
    cache = MemoryBytecodeCache()
    loader = haiden.DictLoader({"a": "{{ 'x'|upper or 'none' }}"})
    for returned, expected in [(None, "X"), ("", "none"), ("y", "y"), (None, "X")]:
        env = haiden.Environment(loader=loader, bytecode_cache=cache)
        if returned is not None:
            env.filters["upper"] = lambda text, returned=returned: returned
        assert env.get_template("a").render() == expected


def test_a_filter_that_is_put_there_later():
    env = haiden.Environment()
    assert env.from_string("{{ 'x'|upper or 'none' }}").render() == "X"
    env.filters["upper"] = lambda text: ""
    assert env.from_string("{{ 'x'|upper or 'none' }}").render() == "none"
    env.filters["upper"] = haiden.filters.FILTERS["upper"]
    assert env.from_string("{{ 'x'|upper or 'none' }}").render() == "X"


@pytest.mark.parametrize("table, source", [("filters", "{{ x|upper }}"), ("tests", "{{ x is string }}")])
def test_none_is_no_function(table, source):
    for package in (jinja2, haiden):
        env = package.Environment()
        getattr(env, table)["upper" if table == "filters" else "string"] = None
        with pytest.raises(package.TemplateAssertionError, match="No (filter|test) named"):
            env.from_string(source)


POORER = [
    "{{ x is mine }}",
    "a{{ x|mine }}",
    "{% if x %}{{ x|mine }}{% else %}b{% endif %}",
    "{% block b %}{{ x|mine }}{% endblock %}",
    "{% macro m() %}{{ x|mine }}{% endmacro %}a{% if x %}{{ m() }}{% endif %}",
    "{% for i in x %}{{ i|mine }}{% endfor %}",
    "{{ f() }}{{ x|mine }}",
    "{{ [x]|map('mine')|list }}",
    "{% filter mine %}a{% endfilter %}",
]


def richer_and_poorer(package, **options):
    richer, poorer = package.Environment(**options), package.Environment(**options)
    richer.filters["mine"] = richer.tests["mine"] = lambda value: value
    return richer, poorer


@pytest.mark.parametrize("variables", [{"x": []}, {"x": [1]}])
@pytest.mark.parametrize("source", POORER)
def test_code_in_an_environment_with_fewer_functions(source, variables, tmp_path):
    """What one environment has compiled fails in another one where it calls what is not there."""

    def fail():
        raise ValueError("called before the filter")

    def pages(package):
        loader = package.DictLoader({"page": source})
        richer, poorer = richer_and_poorer(package, loader=loader)
        code = richer.compile(source)
        target = tmp_path / package.__name__
        richer.compile_templates(target, zip=None)
        compiled = package.ModuleLoader(target)
        makers = [
            lambda: package.Template.from_code(richer, code, richer.globals),
            lambda: package.Template.from_code(poorer, code, poorer.globals),
            lambda: compiled.load(poorer, "page"),
        ]
        for make in makers:
            try:
                yield make().render(variables, f=fail)
            except Exception as error:
                yield type(error).__name__, str(error)

    assert list(pages(haiden)) == list(pages(jinja2))


@pytest.mark.parametrize("source", ["{{ x|mine }}", "{{ x is mine }}"])
def test_an_entry_of_a_cache_is_judged_as_its_source_is(source):
    richer, poorer = richer_and_poorer(
        haiden, loader=haiden.DictLoader({"page": source}), bytecode_cache=MemoryBytecodeCache()
    )
    poorer.bytecode_cache = richer.bytecode_cache
    assert richer.get_template("page").render(x=True) == "True"
    with pytest.raises(haiden.TemplateAssertionError, match="No (filter|test) named 'mine'"):
        poorer.get_template("page")


PATCHES = {
    "urlize": "{{ u|urlize }}",
    "htmlsafe_json_dumps": "{{ d|tojson }}",
    "url_quote": "{{ x|urlencode }}",
    "ignore_case": "{{ ['b', 'A']|sort }}{{ ['b', 'A']|unique|list }}",
    "make_attrgetter": "{{ [d]|map(attribute='a')|list }}",
    "_min_or_max": "{{ l|max }}",
    "prepare_map": "{{ l|map('string')|list }}",
    "prepare_select_or_reject": "{{ l|select|list }}",
}


@pytest.mark.parametrize("helper", PATCHES)
def test_helpers_that_a_program_replaces(helper, monkeypatch):
    def page(package):
        try:
            template = package.Environment(autoescape=True).from_string(PATCHES[helper])
            return template.render(x="<x>", l=[3, 1, 2], d={"a": 1}, u="http://a.b")
        except Exception as error:
            return type(error).__name__, str(error)

    before = page(haiden)
    assert before == page(jinja2)
    for package in (haiden, jinja2):
        monkeypatch.setattr(package.filters, helper, lambda *arguments, **keywords: "<patched>")
    assert page(haiden) == page(jinja2) != before
    monkeypatch.undo()
    assert page(haiden) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.__setitem__("mine", repr),
        lambda table: table.update(mine=repr),
        lambda table: table.__ior__({"mine": repr}),
        lambda table: table.pop("mine"),
        lambda table: (table.pop("mine"), table.setdefault("mine", repr)),
        lambda table: [table.popitem() for _ in range(1)],
        lambda table: table.clear(),
        lambda table: (dict(table), table.copy(), table.get("mine")),
    ],
)
@pytest.mark.parametrize("kind", ["filters", "tests"])
def test_tables_that_change_between_renders(kind, change):
    def pages(package):
        env = package.Environment()
        getattr(env, kind)["mine"] = str
        template = env.from_string("{{ y|mine }}" if kind == "filters" else "{{ y is mine }}")
        for _ in range(3):
            for _ in range(2):
                try:
                    yield template.render(y="1")
                except Exception as error:
                    yield type(error).__name__, str(error)
            change(getattr(env, kind))
            getattr(env, kind).setdefault("mine", len)

    assert list(pages(haiden)) == list(pages(jinja2))


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize(
    "source",
    [
        "a{{ y|mine }}",
        "{% if flag %}{{ y|mine }}{% endif %}ok",
        "{{ y is own }}",
        "{% for i in [1] if y is own %}{% endfor %}",
        "{% macro m() %}{{ n|mine }}{% endmacro %}{% if flag %}{{ m() }}{% endif %}",
        "{% filter mine %}a{{ y }}{% endfilter %}",
    ],
)
def test_filters_and_tests_that_are_gone_after_compiling(source, flag):
    def page(package):
        env = package.Environment()
        env.filters["mine"] = str
        env.tests["own"] = bool
        template = env.from_string(source)
        template.render(y=1, flag=True)
        del env.filters["mine"], env.tests["own"]
        try:
            return template.render(y=1, flag=flag)
        except Exception as error:
            return type(error).__name__, str(error)

    assert page(haiden) == page(jinja2)


def test_a_filter_that_compiles_a_template_when_it_is_looked_at():
    env = haiden.Environment()
    env.from_string("a").render()

    class Curious:
        asked = False

        def __call__(self, value):
            return f"!{value}"

        def __getattr__(self, name):
            if not self.asked:
                self.asked = True
                assert env.from_string("{{ 'x'|upper or y }}").render() == "!x"
            raise AttributeError(name)

    env.filters["upper"] = Curious()
    assert env.from_string("{{ 'x'|upper or y }}").render() == "!x"
