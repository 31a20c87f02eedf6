"""The short way of the stock loader and caches: nobody can tell it from the long one, and whoever overrides is asked."""

import os

import pytest
from markupsafe import Markup

from haiden import DictLoader, Environment, FileSystemBytecodeCache, FileSystemLoader, TemplateNotFound, _native, cache
from haiden.exceptions import UndefinedError


def of_jinja2(folder):
    return FileSystemBytecodeCache(str(folder))


def of_ours(folder):
    return cache.FileSystemBytecodeCache(folder)


CACHES = [of_jinja2, of_ours]
SOURCES = {
    "plain.html": b"Hello {{ name }}!",
    "crlf.html": b"one\r\ntwo\rthree\n{{ name }}",
    "wide.html": "é {{ name }} 漢字".encode(),
    "sub/deep.html": b"{# deep #}{{ name|upper }}",
    "empty.html": b"",
}


@pytest.fixture
def templates(tmp_path):
    folder = tmp_path / "templates"
    for name, source in SOURCES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source)
    (tmp_path / "entries").mkdir()
    return folder


def takes_short_way(environment, name):
    return _native.load_stock(environment.loader, environment, environment.bytecode_cache, name) is not None


def environments(folder, kept, loader=FileSystemLoader):
    """New ones, each with a cache over the same entries."""
    while True:
        yield Environment(loader=loader(folder), bytecode_cache=kept(folder.parent / "entries"), autoescape=True)


@pytest.mark.parametrize("kept", CACHES)
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("spell", [str, lambda folder: f"{folder}/", lambda folder: f"{folder}/../{folder.name}/."])
def test_same_as_the_long_way(templates, kept, name, spell):
    long = Environment(loader=FileSystemLoader(spell(templates)), autoescape=True).get_template(name)
    for turn, environment in zip(range(3), environments(templates, kept, lambda folder: FileSystemLoader(spell(folder)))):
        template = environment.get_template(name)
        assert (template.filename, template.render(name="<x>")) == (long.filename, long.render(name="<x>"))
        statistics = environment.bytecode_cache.statistics()
        assert (statistics.hits, statistics.misses) == ((0, 1) if turn == 0 else (1, 0))
        assert template.is_up_to_date and takes_short_way(environment, name)
        os.utime(template.filename, (1, turn))
        assert not template.is_up_to_date


@pytest.mark.parametrize("kept", CACHES)
def test_names_that_lead_nowhere(templates, kept):
    for environment, name in zip(environments(templates, kept), ["no.html", "sub", "../entries", "plain.html/", "a\0b"]):
        if name == "plain.html/":
            assert environment.get_template(name).render(name=1) == "Hello 1!"
            continue
        with pytest.raises((TemplateNotFound, ValueError)):
            environment.get_template(name)


def test_names_that_are_none(templates):
    environment = next(environments(templates, of_ours))
    with pytest.raises(UndefinedError, match="'page' is undefined"):
        environment.from_string("{% include page %}").render()
    assert environment.from_string("{% include name %}").render(name=Markup("plain.html")) == "Hello plain.html!"


@pytest.mark.parametrize("kept", CACHES)
def test_what_is_damaged_is_a_miss(templates, kept):
    made = environments(templates, kept)
    next(made).get_template("plain.html")
    (entry,) = (templates.parent / "entries").iterdir()
    whole = entry.read_bytes()
    for length in (0, 5, 40, len(whole) - 1):
        entry.write_bytes(whole[:length])
        environment = next(made)
        assert environment.get_template("plain.html").render(name=1) == "Hello 1!"
        assert environment.bytecode_cache.statistics().misses == 1
        assert entry.read_bytes()[:6] == whole[:6]


class Shouting(FileSystemLoader):
    def get_source(self, environment, template):
        source, *rest = super().get_source(environment, template)
        return source.upper(), *rest


def shout_in_class(monkeypatch, environment):
    stock = FileSystemLoader.get_source

    def get_source(self, environment, template):
        source, *rest = stock(self, environment, template)
        return source.upper(), *rest

    monkeypatch.setattr(FileSystemLoader, "get_source", get_source)


def shout_in_instance(monkeypatch, environment):
    stock = environment.loader.get_source

    def get_source(environment, template):
        source, *rest = stock(environment, template)
        return source.upper(), *rest

    monkeypatch.setattr(environment.loader, "get_source", get_source)


@pytest.mark.parametrize("kept", CACHES)
@pytest.mark.parametrize("shout", [shout_in_class, shout_in_instance])
def test_a_source_of_ones_own(templates, kept, shout, monkeypatch):
    environment = next(environments(templates, kept))
    assert takes_short_way(environment, "plain.html")
    shout(monkeypatch, environment)
    assert environment.get_template("plain.html").render(NAME=1) == "HELLO 1!"
    assert not takes_short_way(environment, "plain.html")
    monkeypatch.undo()
    assert takes_short_way(environment, "plain.html")
    subclassed = next(environments(templates, kept, Shouting))
    assert subclassed.get_template("plain.html").render(NAME=1) == "HELLO 1!"


@pytest.mark.parametrize("kept", CACHES)
@pytest.mark.parametrize("where", ["class", "instance", "subclass"])
@pytest.mark.parametrize("method", ["get_bucket", "load_bytecode", "get_cache_key"])
def test_a_cache_of_ones_own(templates, kept, where, method, monkeypatch):
    asked = []
    environment = next(environments(templates, kept))
    own = environment.bytecode_cache
    stock = getattr(own, method) if where == "instance" else getattr(type(own), method)

    def spy(*arguments):
        asked.append(method)
        return stock(*arguments)

    if where == "subclass":
        own.__class__ = type("Own", (type(own),), {method: spy})
    else:
        monkeypatch.setattr(own if where == "instance" else type(own), method, spy)
    assert environment.get_template("plain.html").render(name=1) == "Hello 1!"
    assert asked


def test_other_encodings_and_loaders(templates):
    (templates / "latin.html").write_bytes("é{{ name }}".encode("latin-1"))
    latin = next(environments(templates, of_ours, lambda folder: FileSystemLoader(folder, encoding="latin-1")))
    assert latin.get_template("latin.html").render(name=1) == "é1" and not takes_short_way(latin, "latin.html")
    utf8 = next(environments(templates, of_ours))
    with pytest.raises(UnicodeDecodeError):
        utf8.get_template("latin.html")
    of_dict = next(environments(templates, of_ours, lambda folder: DictLoader({"a": "b"})))
    assert of_dict.get_template("a").render() == "b" and not takes_short_way(of_dict, "a")


def test_the_first_directory_wins(templates):
    other = templates.parent / "other"
    (other / "sub").mkdir(parents=True)
    (other / "sub" / "deep.html").write_text("other")
    (other / "plain.html").mkdir()
    for name, expected in [("sub/deep.html", "other"), ("plain.html", "Hello 1!")]:
        loader = FileSystemLoader([other, templates])
        environment = Environment(loader=loader, bytecode_cache=cache.MemoryBytecodeCache())
        assert takes_short_way(environment, name)
        assert environment.get_template(name).render(name=1) == expected
