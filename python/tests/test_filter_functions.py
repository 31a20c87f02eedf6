"""The functions behind filters and tests: called as extensions call them, they do what Jinja2's do."""

import asyncio
import importlib
import random

import pytest

FILTERS = r"""
do_forceescape('<a>'), do_forceescape(Markup('<a>&lt;')), do_forceescape(1), do_forceescape(html)
do_urlencode('a b/ä'), do_urlencode(1.5), do_urlencode({'a b': 'c/d', 'e': 1}), do_urlencode([('a', 'b'), (1, None)])
do_urlencode({}), do_urlencode(b'ab')
do_urlencode([1])
do_replace(plain, 'a<a', '<', '>'), do_replace(plain, Markup('<a>'), '<', '&'), do_replace(plain, 'aaa', 'a', 'b', 2)
do_replace(auto, 'a<a', '<', '>'), do_replace(auto, Markup('<a>'), '<', '&'), do_replace(auto, 'a<', 'a', Markup('<b>'))
do_replace(auto, 'a<', Markup('a'), 'b'), do_replace(auto, 11, 1, 2), do_replace(plain, 11, 1, 2, 1)
do_replace(plain, 'a', 'a', 'b', 'x')
do_upper('aß'), do_lower('AÖ'), do_upper(Markup('<a>')), do_lower(None)
do_capitalize('fOO bAR'), do_capitalize(Markup('a')), do_capitalize(12)
do_title("it's a fOO-bar (baz) [x] {y} <z>"), do_title(''), do_title(Markup('<b>x</b>')), do_title('a\tb\nc  d'), do_title(5)
list(do_items({'a': 1})), list(do_items(undefined))
list(do_items([1]))
do_items([1]).__class__.__name__
do_xmlattr(plain, {'a': 1, 'b': None, 'c': undefined, 'd': '<"'}), do_xmlattr(auto, {'a': Markup('<')}), do_xmlattr(plain, {})
do_xmlattr(plain, {'a': 1}, False), do_xmlattr(auto, {'a"': 1, 'b\xa0c': 2})
do_xmlattr(plain, {'a b': 1})
do_xmlattr(plain, {'a/b': None, 'c>': 1})
do_xmlattr(plain, {1: 1})
do_xmlattr(plain, [1])
do_dictsort({'b': 1, 'A': 2}), do_dictsort({'b': 'x', 'A': 'Y'}, False, 'value'), do_dictsort({'b': 1, 'A': 2}, True)
do_dictsort({'a': 1, 'b': 2}, reverse=True), do_dictsort({'b': 2, 'a': 2}, by='value')
do_dictsort({}, by='x')
do_dictsort({1: 1, 'a': 2})
do_dictsort([1])
do_sort(env, [3, 1, 2]), do_sort(env, ['b', 'A']), do_sort(env, ['b', 'A'], False, True), do_sort(env, 'bca', True)
do_sort(env, rows, attribute='n'), do_sort(env, rows, attribute='a.b'), do_sort(env, rows, attribute='n,a.b', reverse=True)
do_sort(env, [(1, 'b'), (0, 'c')], attribute=1), do_sort(env, [(1, 'b'), (1, 'a')], attribute='0,1')
do_sort(env, rows, attribute='nothing')
do_sort(env, [1, 'a'])
do_sort(env, 1)
list(sync_do_unique(env, ['b', 'B', 'a'])), list(sync_do_unique(env, ['b', 'B'], True)), list(sync_do_unique(env, rows, attribute='n'))
list(sync_do_unique(env, [[1]]))
sync_do_unique(env, 1).__class__.__name__
do_unique(env, iter('aab')).__class__.__name__, list(do_unique(env, 'aab'))
do_min(env, [2, 1]), do_max(env, ['b', 'C']), do_max(env, ['b', 'C'], True), do_min(env, rows, attribute='n')
do_min(env, []), do_max(env, iter(()))
do_min(env, [])._undefined_message
do_min(env, 1)
do_default(undefined), do_default(undefined, 1), do_default('', 1), do_default('', 1, True), do_default(default_value=1, value=undefined)
sync_do_join(plain, [1, 'a', Markup('<')], '<'), sync_do_join(auto, [1, '<'], '<'), sync_do_join(auto, ['<', Markup('<')], '<')
sync_do_join(auto, ['<', Markup('<')], Markup('<')), sync_do_join(auto, [1, None], 5), sync_do_join(plain, rows, ',', 'n')
sync_do_join(auto, [html, '<'], '-'), sync_do_join(auto, [], Markup('<')), sync_do_join(plain, 'abc')
sync_do_join(auto, [html, '<', Markup('<')], html), sync_do_join(auto, [html, '<'], Markup('<'))
auto.environment.from_string("{{ [html, '<', m]|join(html) }}|{{ [html, '<', m]|join(m) }}").render(html=html, m=Markup('<'))
auto.environment.from_string("{{ [m, '<']|join(u) }}").render(m=Markup('<'), u=ChainableUndefined())
sync_do_join(plain, 1)
do_join(plain, 'abc', '-'), do_center('a', 5), do_center('ab', 5), do_center(Markup('<'), 3), len(do_center('a'))
sync_do_first(env, 'abc'), sync_do_first(env, []), do_last(env, 'abc'), do_last(env, {}), do_first(env, iter([1]))
do_last(env, iter([1]))
sync_do_first(env, 1)
sync_do_first(env, [])._undefined_message, do_last(env, [])._undefined_message
do_random(ctx, 'abcdef'), do_random(ctx, [1]), do_random(ctx, [])
do_random(ctx, {'a': 1})
do_random(ctx, iter('a'))
[do_filesizeformat(v, b) for b in (0, 1) for v in (0, 1, 1.5, 999, 1000, 1023, 1024, 999999, 1e6, '12', 10**30, -5)]
do_filesizeformat('x')
do_pprint({'a': [1]})
do_urlize(plain, 'x http://a.com'), do_urlize(auto, 'x www.a.com <', 3, True, '_blank', 'x y')
do_urlize(plain, 'tel:1 a:2', extra_schemes=['tel:', 'a1:'])
do_urlize(plain, 'tel:1', extra_schemes=['tel'])
do_urlize(plain, 'x', rel='noopener nofollow a'), do_urlize(plain, 'www.a.com', rel='noopener  nofollow a')
do_indent('a\nb\n\nc'), do_indent('a\nb\n\nc\n', 2, True, True), do_indent('a\nb', '--'), do_indent(Markup('a\n<'), '<'), do_indent('')
do_indent('a\r\nb\x0bc', first=True), do_indent('\n\n', blank=True)
do_indent(1)
do_truncate(env, 'foo bar baz qux', 9), do_truncate(env, 'foo bar baz qux', 9, True), do_truncate(env, 'foo bar baz', 11)
do_truncate(env, 'foo bar baz qux', 9, False, '>', 0), do_truncate(env, 'foobarbaz qux quux', 9), do_truncate(env, Markup('a b c d e f'), 5, end='<', leeway=0)
do_truncate(env, 'x' * 300)
do_truncate(env, 'abc', 2)
do_truncate(env, 'abc', 5, leeway=-1)
do_truncate(env, 5, 5)
do_wordwrap(env, 'a bc def ghij klmno', 5), do_wordwrap(env, 'abcdefgh', 3, False), do_wordwrap(env, 'a-b-c d', 3, True, '<br>', False)
do_wordwrap(env, 'a\n\nb\tc  d', 3), do_wordwrap(env, ''), do_wordwrap(env, 'a b', 1, wrapstring='-')
do_wordwrap(env, 'ab', 0)
do_wordwrap(env, '', 0)
do_wordcount("it's a foo-bar ä 1"), do_wordcount(''), do_wordcount(12)
do_int('42'), do_int('4.9'), do_int('x'), do_int('x', 7), do_int('0x1F', 0, 16), do_int(' 5 '), do_int(None), do_int(4.9), do_int('1e3')
do_int('inf', 3), do_int('nan', 3), do_int('z', base=36), do_int([]), do_int('12', base=99)
do_int(float('inf'))
do_float('4.5'), do_float('x'), do_float('x', 1), do_float(None), do_float('nan'), do_float(3)
do_float(undefined)
do_format('%s-%d', 'a', 5), do_format('%(a)s', a=1), do_format('x'), do_format(Markup('<%s>'), '<'), do_format(5)
do_format('%s', 1, a=2)
do_format('%d', 'x')
do_trim('  a '), do_trim('xaxx', 'x'), do_trim(Markup(' < ')), do_trim(5)
do_striptags('<a>b</a>  <!-- c -->d &lt;'), do_striptags(Markup('<a>b')), do_striptags(html), do_striptags(5)
list(sync_do_slice(range(10), 3)), list(sync_do_slice(range(10), 3, 'x')), list(sync_do_slice([], 2)), list(sync_do_slice('ab', 3, None))
list(sync_do_slice([1], 0))
list(sync_do_slice([1], 1.0))
list(sync_do_slice([1], -1))
list(do_slice(plain, range(4), 2)), do_slice(plain, [], 1).__class__.__name__
list(do_batch(range(5), 2)), list(do_batch(range(5), 3, 'x')), list(do_batch([], 2, 'x')), list(do_batch(range(3), 0)), list(do_batch(range(4), 2, 1))
do_round(2.5), do_round(3.5), do_round(42.55, 1), do_round(42, 1), do_round(1.21, 1, 'ceil'), do_round(1.29, 1, 'floor'), do_round(1234, -2, 'ceil')
do_round(1, method='x')
do_round('x')
do_round('x', method='ceil')
sync_do_groupby(env, rows, 'n'), sync_do_groupby(env, ['b', 'B', 'a'], None), sync_do_groupby(env, ['B', 'b', 'a'], None, None, True)
str(sync_do_groupby(env, rows, 'n')[0]), sync_do_groupby(env, rows, 'n')[0].grouper, sync_do_groupby(env, rows, 'n')[0].list
sync_do_groupby(env, [{'x': 1}, {}], 'x', 0), do_groupby(env, rows, 'a.b')
sync_do_groupby(env, [{'x': 1}, {}], 'x')
sync_do_sum(env, [1, 2]), sync_do_sum(env, rows, 'k', 5), sync_do_sum(env, [[1], [2]], None, []), do_sum(env, [1])
sync_do_sum(env, ['a'])
do_list(plain, 'abc'), sync_do_list({'a': 1}), do_mark_safe('<'), do_mark_unsafe(Markup('<')), type(do_mark_unsafe(Markup('<'))).__name__
do_reverse('abc'), list(do_reverse([1, 2])), do_reverse({1: 2, 3: 4}).__class__.__name__, do_reverse(iter([1, 2])), do_reverse({5})
do_reverse(1)
do_attr(env, 'a', 'upper').__name__, do_attr(env, {'a': 1}, 'a'), do_attr(env, {'a': 1}, 'items').__class__.__name__, do_attr(env, rows[0], 'n')
do_attr(env, dynamic, 'anything'), do_attr(env, dynamic, 'nothing')
do_attr(env, {'a': 1}, 'a')._undefined_message
do_attr(env, 'a', 1)
list(sync_do_map(ctx, ['a'], 'upper')), list(sync_do_map(ctx, rows, attribute='n')), list(sync_do_map(ctx, rows, attribute='z', default='?'))
list(sync_do_map(ctx, ['a b'], 'replace', 'a', 'x')), list(sync_do_map(ctx, [])), list(do_map(ctx, ['1'], 'int'))
list(sync_do_map(ctx, ['a']))
list(sync_do_map(ctx, ['a'], attribute='x', y=1))
list(sync_do_map(ctx, ['a'], 'nothing'))
sync_do_map(ctx, 1).__class__.__name__
list(sync_do_select(ctx, range(4), 'odd')), list(sync_do_reject(ctx, range(4), 'odd')), list(sync_do_select(ctx, [0, 1, '', 'a']))
list(sync_do_reject(ctx, [0, 1])), list(sync_do_select(ctx, range(9), 'divisibleby', 3)), list(sync_do_select(ctx, [1, 2], '>', 1))
list(sync_do_selectattr(ctx, rows, 'n')), list(sync_do_selectattr(ctx, rows, 'k', 'gt', 1)), list(sync_do_rejectattr(ctx, rows, 'a.b', 'eq', 1))
list(sync_do_selectattr(ctx, rows)), 1
list(sync_do_select(ctx, [1], 'nothing'))
list(do_select(ctx, [1, 0])), list(do_reject(ctx, [1, 0])), list(do_selectattr(ctx, rows, 'n')), list(do_rejectattr(ctx, rows, 'n'))
list(sync_do_selectattr(ctx, [])), list(sync_do_select(ctx, None))
do_tojson(plain, {'b': '<', 'a': 1}), do_tojson(plain, [1], 2), do_tojson(auto, "'"), do_tojson(plain, [1], indent='-')
do_tojson(plain, {1, 2})
ignore_case('Ab'), ignore_case(1), ignore_case(Markup('A'))
make_attrgetter(env, 'a.b')({'a': {'b': 1}}), make_attrgetter(env, '0.1')([[1, 2]]), make_attrgetter(env, None)(5), make_attrgetter(env, 1)('ab')
make_attrgetter(env, 'a.b', default=7)({}), make_attrgetter(env, 'a', str)({'a': 1}), make_attrgetter(env, '')({'': 1})
make_multi_attrgetter(env, 'a,b.0')({'a': 1, 'b': [2]}), make_multi_attrgetter(env, None, str)(5), make_multi_attrgetter(env, 0)('ab')
run(do_unique(aenv, numbers(2))).__class__.__name__, run(do_first(aenv, numbers(2))), run(do_first(aenv, numbers(0)))
run(do_groupby(aenv, numbers(2), None)), run(do_join(aplain, numbers(3), '-')), run(do_list(aplain, numbers(2)))
run(do_sum(aenv, numbers(4))), list(run(do_slice(aplain, numbers(4), 2))), run(do_sum(aenv, rows, 'k', 1))
run(collect(do_map(actx, numbers(2), 'string'))), run(collect(do_map(actx, rows, attribute='n'))), run(collect(do_map(actx, [])))
run(collect(run(do_select(actx, numbers(4), 'odd')))), run(collect(run(do_reject(actx, numbers(4), 'odd'))))
run(collect(run(do_selectattr(actx, rows, 'n', 'eq', 'x')))), run(collect(run(do_rejectattr(actx, rows, 'n', 'eq', 'x'))))
sorted(FILTERS)
{name: getattr(f, 'jinja_pass_arg', None) for name, f in FILTERS.items()}
{name: getattr(f, 'jinja_async_variant', None) for name, f in FILTERS.items()}
{name: f.__name__ for name, f in FILTERS.items()}
{name: parameters(f) for name, f in FILTERS.items()}
""".strip().splitlines()

TESTS = r"""
sorted(TESTS)
{name: f.__name__ for name, f in TESTS.items()}
{name: parameters(f) for name, f in TESTS.items() if name.isalpha()}
[(name, [verdict(f, v) for v in values]) for name, f in TESTS.items() if name not in ('filter', 'test')]
[(name, [verdict(f, v, w) for v in values for w in values]) for name, f in TESTS.items() if name not in ('filter', 'test')]
[test_filter(env, n) for n in ('upper', 'nothing')], [test_test(env, n) for n in ('odd', 'nothing')]
test_filter(env, [])
""".strip().splitlines()


class Html:
    def __html__(self):
        return "<i>&amp;</i>"

    def __str__(self):
        return "html"


class Dynamic:
    """Attributes that come from `__getattr__`."""

    def __getattr__(self, name):
        if name == "nothing":
            raise AttributeError(name)
        return f"<{name}>"

    def __repr__(self):
        return "Dynamic"


class Row:
    def __init__(self, n, k):
        self.n, self.k, self.a = n, k, {"b": k % 2}

    def __repr__(self):
        return f"Row({self.n!r}, {self.k!r})"


async def numbers(count):
    for number in range(count):
        yield number


async def collect(items):
    return [item async for item in items]


def parameters(function):
    """Names and defaults."""
    import inspect

    try:
        signature = inspect.signature(function)
    except ValueError:
        return None
    return [(p.name, str(p.kind), str(p.default)) for p in signature.parameters.values()]


def verdict(function, *values):
    try:
        return function(*values)
    except Exception as error:
        return type(error).__name__, str(error)


def scope(package):
    """What the expressions may name."""
    import inspect

    import markupsafe

    names = {}
    for module in ("filters", "tests"):
        names.update(vars(importlib.import_module(f"{package}.{module}")))
    top = importlib.import_module(package)
    nodes = importlib.import_module(f"{package}.nodes")
    for prefix, environment in (("", top.Environment()), ("a", top.Environment(enable_async=True))):
        names[f"{prefix}env"] = environment
        names[f"{prefix}ctx"] = environment.from_string("").new_context()
        names[f"{prefix}plain"] = nodes.EvalContext(environment)
    names["auto"] = nodes.EvalContext(top.Environment(autoescape=True))
    names["undefined"] = names["env"].undefined(name="undefined")
    names["ChainableUndefined"] = top.ChainableUndefined
    names["rows"] = [Row("x", 2), Row("y", 1), Row("X", 3)]
    names["values"] = [0, 1, 2, -1, True, False, None, 1.0, 2.5, "", "a", "A", "aB", [], [1], (), {}, {"a": 1}, {1}]
    names["values"] += [range(3), markupsafe.Markup("a"), len, Html, 1j, names["undefined"]]
    names.update(html=Html(), dynamic=Dynamic(), Markup=markupsafe.Markup, inspect=inspect, parameters=parameters)
    names.update(run=asyncio.run, numbers=numbers, collect=collect, verdict=verdict)
    return names


def outcome(package, expression):
    random.seed(1)
    try:
        value = eval(expression, scope(package))
    except Exception as error:
        return f"{type(error).__name__}: {error}".replace("haiden", "jinja2")
    return f"{value!r}".replace("haiden", "jinja2")


@pytest.mark.parametrize("expression", FILTERS)
def test_filter(expression):
    assert outcome("haiden", expression) == outcome("jinja2", expression)


@pytest.mark.parametrize("expression", TESTS)
def test_test(expression):
    assert outcome("haiden", expression) == outcome("jinja2", expression)
