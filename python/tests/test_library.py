"""The modules that do no rendering: one expression, evaluated with haiden's and with Jinja2's, comes to the same."""

import asyncio
import copy
import importlib
import inspect
import pickle
import random

import jinja2
import pytest

MODULES = "utils exceptions async_utils filters tests loaders _identifier constants".split()

UTILS = r"""
utils.missing
pickle.loads(pickle.dumps(utils.missing)) is utils.missing
utils.concat(['a', 'b'])
utils.object_type_repr(None)
utils.object_type_repr(...)
utils.object_type_repr(1)
utils.object_type_repr(utils.Joiner())
utils.object_type_repr(Exception)
utils.pformat({'b': [1, 2], 'a': {}})
utils.import_string('os')
utils.import_string('os.path') is __import__('os').path
utils.import_string('os.path.join') is __import__('os').path.join
utils.import_string('os.path:join') is __import__('os').path.join
utils.import_string('os.')
utils.import_string('os:')
utils.import_string(':x')
utils.import_string('')
utils.import_string('no_such_module')
utils.import_string('no_such_module', silent=True)
utils.import_string('os.nothing')
utils.import_string('os.nothing', silent=True)
utils.import_string('os:nothing', True)
utils.open_if_exists('/no/such/file')
utils.open_if_exists('/')
utils.open_if_exists(__file__).readline()
utils.open_if_exists(__file__, 'r').mode
utils.consume(iter('abc'))
utils.is_undefined(1)
utils.url_quote('a b/ä?&=')
utils.url_quote('a b/ä?&=', for_qs=True)
utils.url_quote('ä', 'latin-1')
utils.url_quote(b'a \xff/')
utils.url_quote(1.5)
utils.url_quote(__import__('enum').Enum('Fruit', {'FIG': 'a fig'}, type=str).FIG)
utils.select_autoescape()('a.html')
utils.select_autoescape()('A.HTML')
utils.select_autoescape()('a.txt')
utils.select_autoescape()('a.html.j2')
utils.select_autoescape()(None)
utils.select_autoescape(default_for_string=False)(None)
utils.select_autoescape(['.J2', 'x'], default=True)('a.j2')
utils.select_autoescape(disabled_extensions=['txt'], default=True)('a.txt')
utils.select_autoescape(disabled_extensions=['txt'], default=True)('a')
utils.select_autoescape(enabled_extensions=['txt'], disabled_extensions=['txt'])('a.txt')
utils.select_autoescape(default='x')('a')
utils.htmlsafe_json_dumps('<a href=\'x\' class="y">&</a>')
utils.htmlsafe_json_dumps({'b': 1, 'a': [None, True, 1.5]}, indent=2, sort_keys=True)
utils.htmlsafe_json_dumps([1], dumps=lambda obj, **kw: f'<{obj}>{kw}', x=1)
utils.htmlsafe_json_dumps({1})
[c.next() for c in [utils.Cycler(1, 2)] for _ in range(3)]
[next(c) for c in [utils.Cycler(1, 2)] for _ in range(3)]
utils.Cycler()
(lambda c: (c.next(), c.current, c.pos, c.items, c.reset(), c.current))(utils.Cycler('a', 'b', 'c'))
[j() for j in [utils.Joiner()] for _ in range(3)]
[j() for j in [utils.Joiner('-')] for _ in range(3)]
utils.Joiner('-').sep, utils.Joiner().used
utils.Namespace(a=1, self=2)
utils.Namespace({'a': 1}, b=2).a
utils.Namespace([('a', 1)])
utils.Namespace().a
utils.Namespace().__class__.__name__
utils.Namespace().__dict__
utils.Namespace(1)
(lambda n: (n.__setitem__('x', 1), n.x))(utils.Namespace())
utils.generate_lorem_ipsum(0)
utils.generate_lorem_ipsum(0, html=False)
utils.generate_lorem_ipsum(1, min=5, max=5)
utils.generate_lorem_ipsum(2).count('<p>')
type(utils.generate_lorem_ipsum(1)).__name__
type(utils.generate_lorem_ipsum(1, html=False)).__name__
utils.pass_context(lambda: 0).jinja_pass_arg
utils.pass_eval_context(lambda: 0).jinja_pass_arg
utils.pass_environment(lambda: 0).jinja_pass_arg
utils._PassArg.from_obj(utils.pass_environment(lambda: 0))
utils._PassArg.from_obj(1)
utils.internalcode(f).__code__ in utils.internal_code
utils.urlize(1)
""".strip().splitlines()

WORDS = r"""
plain
http://example.com
https://example.com/a?b=c&d=e#f
HTTP://EXAMPLE.COM
www.example.com
www.example
http://www.example.xn--p1ai
example.org
example.de
a-b.example.com:8080/x
http://127.0.0.1:80/
http://[2001:db8::1]/
ftp://example.com
(http://example.com)
<http://example.com>
http://en.wikipedia.org/wiki/A_(b)
(see http://en.wikipedia.org/wiki/A_(b)).
((www.a.com))).
<http://a.com/<x>>.
http://example.com,
http://example.com).,
me@example.com
mailto:me@example.com
mailto:me
(me@example.com)
@a@b.com
me@www.a.com:x
www.me@example.com
me@example.com?cc=x
a&b@example.com
http://example.com/"><script>
&lt;http://example.com&gt;
http://a.com
a.com http://b.com  me@c.org
tel:123
x:y
javascript:alert(1)
ftp:
http://example.com/averyveryverylongpath/averyveryverylongpath
....
""".strip().splitlines()

OPTIONS = [
    "",
    "trim_url_limit=10",
    "rel='a\"b', target='_blank'",
    "extra_schemes=['tel:', 'ftp:', 'ftp://', '<a ']",
]

EXCEPTIONS = r"""
exceptions.TemplateError()
exceptions.TemplateError().message
exceptions.TemplateError('x').message
str(exceptions.TemplateError()), exceptions.TemplateError('x').args
exceptions.TemplateNotFound('a.html').args
(lambda e: (str(e), e.name, e.message, e.templates))(exceptions.TemplateNotFound('a.html'))
(lambda e: (str(e), e.name, e.message, e.templates))(exceptions.TemplateNotFound('a.html', 'gone'))
(lambda e: (str(e), e.name, e.message, e.templates))(exceptions.TemplateNotFound(None))
(lambda e: (str(e), e.name, e.message, e.templates))(exceptions.TemplatesNotFound())
(lambda e: (str(e), e.name, e.message, e.templates))(exceptions.TemplatesNotFound(['a', 'b']))
(lambda e: (str(e), e.name, e.message, e.templates))(exceptions.TemplatesNotFound(('a', None), 'gone'))
[c.__name__ for c in exceptions.TemplatesNotFound.__mro__]
[c.__name__ for c in exceptions.TemplateAssertionError.__mro__]
[c.__name__ for c in exceptions.SecurityError.__mro__]
[c.__name__ for c in exceptions.FilterArgumentError.__mro__]
[c.__name__ for c in exceptions.UndefinedError.__mro__]
vars(exceptions.TemplateSyntaxError('m', 3, 'n', 'f'))
str(exceptions.TemplateSyntaxError('m', 3))
str(exceptions.TemplateSyntaxError('m', 3, 'n'))
str(exceptions.TemplateSyntaxError('m', 3, 'n', 'f'))
str(changed(exceptions.TemplateSyntaxError('m', 2), source='a\n  b \nc'))
str(changed(exceptions.TemplateSyntaxError('m', 0), source='a\n  b \nc'))
str(changed(exceptions.TemplateSyntaxError('m', 4), source='a\n  b \nc'))
str(changed(exceptions.TemplateSyntaxError('m', 1), source=''))
str(changed(exceptions.TemplateSyntaxError('m', 2), translated=True))
pickled(exceptions.TemplateSyntaxError('m', 3, 'n', 'f'))
pickled(exceptions.TemplateAssertionError('m', 3))
pickled(exceptions.TemplateNotFound('a'))
pickled(exceptions.UndefinedError('a'))
copy.copy(exceptions.TemplateSyntaxError('m', 3)).lineno
""".strip().splitlines()

CACHE = r"""
cache
cache.capacity, len(cache), list(cache), list(reversed(cache))
cache.keys(), cache.values(), cache.items()
cache['a'], cache.keys()
cache['b'], cache.keys()
cache['nothing']
cache.get('nothing'), cache.get('nothing', 1), cache.get('a'), cache.keys()
cache.setdefault('a', 5), cache.setdefault('z', 5), cache.items()
'a' in cache, 'b' in cache
cache.__setitem__('z', 1), cache.items()
cache.__setitem__('a', 7), cache.items()
cache.__delitem__('a'), cache.items()
cache.__delitem__('nothing')
cache.clear(), cache.items()
cache.copy().items(), copy.copy(cache).items()
cache.copy() is cache, type(cache.copy()).__name__
[pickle.loads(pickle.dumps(cache, p)).items() for p in range(pickle.HIGHEST_PROTOCOL + 1)]
pickle.loads(pickle.dumps(cache)).capacity
cache._mapping == cache.copy()._mapping, cache._queue == cache.copy()._queue, list(cache._queue)
cache[[]]
cache.__getnewargs__(), sorted(cache.__getstate__())
isinstance(cache, __import__('collections.abc').abc.MutableMapping)
utils.LRUCache(0).__setitem__(1, 1)
(lambda c: (c.__setitem__(1, 1), c.__setitem__(2, 2), c.items()))(utils.LRUCache(-1))
""".strip().splitlines()

LOADERS = r"""
loaders.split_template_path('a/b/./c//d')
loaders.split_template_path('/a/')
loaders.split_template_path('')
loaders.split_template_path('a/../b')
loaders.split_template_path('a/..b')
loaders.BaseLoader().get_source(None, 'a')
loaders.BaseLoader().list_templates()
loaders.DictLoader({'b': '1', 'a': '2'}).list_templates()
loaders.DictLoader({'b': '1'}).get_source(None, 'b')[:2]
loaders.DictLoader({'b': '1'}).get_source(None, 'b')[2]()
loaders.DictLoader({'b': '1'}).get_source(None, 'c')
loaders.FunctionLoader(lambda name: name * 2).get_source(None, 'c')
loaders.FunctionLoader(lambda name: None).get_source(None, 'c')
loaders.FunctionLoader(lambda name: (1, 2, 3)).get_source(None, 'c')
loaders.FunctionLoader(lambda name: None).list_templates()
loaders.PrefixLoader({'p': loaders.DictLoader({'a': 'x', 'c/d': 'y'})}).list_templates()
loaders.PrefixLoader({'p': loaders.DictLoader({'a': 'x', 'c/d': 'y'})}).get_source(None, 'p/c/d')[0]
loaders.PrefixLoader({'p': loaders.DictLoader({'a': 'x'})}, '::').get_source(None, 'p::a')[0]
loaders.PrefixLoader({'p': loaders.DictLoader({'a': 'x'})}).get_source(None, 'p/b')
loaders.PrefixLoader({'p': loaders.DictLoader({'a': 'x'})}).get_source(None, 'p')
loaders.PrefixLoader({'p': loaders.DictLoader({'a': 'x'})}).get_source(None, 'q/a')
loaders.ChoiceLoader([loaders.DictLoader({'a': '1'}), loaders.DictLoader({'a': '2', 'b': '3'})]).list_templates()
loaders.ChoiceLoader([loaders.DictLoader({'a': '1'}), loaders.DictLoader({'a': '2'})]).get_source(None, 'a')[0]
loaders.ChoiceLoader([]).get_source(None, 'a')
loaders.FileSystemLoader('/no/such/directory').get_source(None, 'a')
loaders.FileSystemLoader(['/no', __import__('pathlib').Path('/such')]).get_source(None, 'a/b')
loaders.FileSystemLoader('/no/such/directory').list_templates()
loaders.FileSystemLoader(tree).list_templates()
loaders.FileSystemLoader(tree).get_source(None, 'one.txt')[0]
loaders.FileSystemLoader(tree).get_source(None, 'sub/./two.txt')[1]
loaders.FileSystemLoader(str(tree) + '/./').get_source(None, 'sub/two.txt')[:2]
loaders.FileSystemLoader(str(tree) + '/.').list_templates()
loaders.FileSystemLoader([tree, tree / 'sub']).list_templates()
loaders.FileSystemLoader(tree).get_source(None, 'one.txt')[2]()
loaders.FileSystemLoader(tree, encoding='ascii').get_source(None, 'umlaut.txt')
loaders.FileSystemLoader(tree, encoding='latin-1').get_source(None, 'umlaut.txt')[0]
loaders.FileSystemLoader(tree).get_source(None, 'sub')
loaders.FileSystemLoader(tree).get_source(None, '../x')
loaders.FileSystemLoader(tree).searchpath == [str(tree)], loaders.FileSystemLoader(tree).followlinks
loaders.PackageLoader('email', '.').list_templates()[:3]
loaders.PackageLoader('email', './mime/').get_source(None, 'base.py')[0][:40]
loaders.PackageLoader('email', 'mime').get_source(None, 'nothing')
loaders.PackageLoader('email', 'mime').get_source(None, 'base.py')[2]()
loaders.PackageLoader('email', 'nothing')
loaders.PackageLoader('no_such_package')
vars(loaders.PackageLoader('email', './mime/'))['package_path']
loaders.PackageLoader('zipped').list_templates()
loaders.PackageLoader('zipped').get_source(None, 'sub/b.txt')[0::2]
loaders.PackageLoader('zipped').get_source(None, 'c.txt')
loaders.ModuleLoader.get_template_key('a/b')
loaders.ModuleLoader.get_module_filename('a/b')
loaders.ModuleLoader(tree).has_source_access
loaders.ModuleLoader(tree).get_source(None, 'a')
loaders.ModuleLoader(tree).load(None, 'a')
""".strip().splitlines()

ASYNC = r"""
run(async_utils.auto_await(1))
run(async_utils.auto_await(async_utils.auto_await('x')))
run(async_utils.auto_to_list('abc'))
run(async_utils.auto_to_list(numbers(3)))
run(async_utils.auto_to_list(1))
type(async_utils.auto_aiter([])).__name__
filters.do_map.jinja_async_variant
filters.do_map.__name__, filters.do_map.__qualname__, filters.do_map.__module__
filters.do_map.__wrapped__ is filters.sync_do_map
filters.do_list.jinja_pass_arg, filters.do_sum.jinja_pass_arg, filters.do_join.jinja_pass_arg
""".strip().splitlines()


def f():
    """A function without defaults."""


def changed(obj, **attributes):
    vars(obj).update(attributes)
    return obj


def pickled(obj):
    again = pickle.loads(pickle.dumps(obj))
    return type(again).__name__, str(again), vars(again)


async def numbers(count):
    for number in range(count):
        yield number


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A directory of templates, and a package with some in a zip file on the path."""
    import sys
    import zipfile

    root = tmp_path_factory.mktemp("tree")
    (root / "sub").mkdir()
    (root / "one.txt").write_bytes(b"1\r\n2\n")
    (root / "sub" / "two.txt").write_text("2")
    (root / "umlaut.txt").write_text("ä")
    archive = tmp_path_factory.mktemp("zip") / "pack.zip"
    with zipfile.ZipFile(archive, "w") as pack:
        pack.writestr("zipped/__init__.py", "")
        pack.writestr("zipped/templates/", "")
        pack.writestr("zipped/templates/a.txt", "A")
        pack.writestr("zipped/templates/sub/b.txt", "B")
    sys.path.insert(0, str(archive))
    yield root
    sys.path.remove(str(archive))


def outcome(package, expression, **names):
    """What an expression comes to, as text: a value and its type, or an exception."""
    scope = {name: importlib.import_module(f"{package}.{name}") for name in MODULES}
    scope.update(
        names, copy=copy, pickle=pickle, run=asyncio.run, numbers=numbers, changed=changed, pickled=pickled, f=f
    )
    scope["__file__"] = __file__
    cache = scope["cache"] = scope["utils"].LRUCache(3)
    cache["a"], cache["b"], cache["c"] = 1, 2, 3
    random.seed(1)
    try:
        value = eval(expression, scope)
    except Exception as error:
        return f"{type(error).__name__}: {error}".replace("haiden", "jinja2")
    return f"{type(value).__name__}: {value!r}".replace("haiden", "jinja2")


def check(expression, **names):
    assert outcome("haiden", expression, **names) == outcome("jinja2", expression, **names)


@pytest.mark.parametrize("expression", [*UTILS, *EXCEPTIONS, *CACHE, *ASYNC])
def test_expression(expression):
    check(expression)


@pytest.mark.parametrize("expression", LOADERS)
def test_loader(expression, tree):
    check(expression, tree=tree)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("text", [*WORDS, " ".join(WORDS)])
def test_urlize(text, options):
    check(f"utils.urlize(text, {options})", text=text)


@pytest.mark.parametrize("name", [*MODULES, "defaults", "debug"])
def test_names_that_jinja_has(name):
    """Every public name that a module of Jinja2 defines is here."""
    theirs = vars(importlib.import_module(f"jinja2.{name}"))
    ours = importlib.import_module(f"haiden.{name}")

    def defined(value):
        return not inspect.ismodule(value) and str(getattr(value, "__module__", "jinja2")).startswith("jinja2")

    names = {key for key, value in theirs.items() if not key.startswith("_") and defined(value)}
    assert not {key for key in names if not hasattr(ours, key)}


def test_identifiers():
    """Every character that may be part of a name is one here."""
    from haiden import _identifier

    characters = [chr(code) for code in range(0x110000)]
    theirs = jinja2._identifier.pattern
    assert [c for c in characters if _identifier.pattern.fullmatch(c)] == [c for c in characters if theirs.fullmatch(c)]
