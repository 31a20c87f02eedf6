"""Loaders: where an environment's templates come from.

A loader's one duty is `get_source`; subclass :class:`BaseLoader` for sources of your own. `load` compiles what it gave,
by way of the environment's bytecode cache.
"""

import os
import posixpath
import sys
import typing as t
from collections import abc
from types import ModuleType

from . import _native
from .exceptions import TemplateNotFound
from .utils import internalcode

if t.TYPE_CHECKING:
    from .bccache import BytecodeCache
    from .environment import Environment, Template

UpToDate = t.Callable[[], bool]
StrPath: t.TypeAlias = "str | os.PathLike[str]"


def split_template_path(template: str) -> list[str]:
    """The parts of a template's name; one that leads up, or that the system would split, is not found.

    >>> split_template_path("mail/./welcome.txt")
    ['mail', 'welcome.txt']
    """
    parts = []
    for part in template.split("/"):
        if os.path.sep in part or (os.path.altsep and os.path.altsep in part) or part == os.path.pardir:
            raise TemplateNotFound(template)
        if part and part != os.path.curdir:
            parts.append(part)
    return parts


def _paths(path: "StrPath | t.Sequence[StrPath]") -> list[str]:
    """One path or several, as a list."""
    several = [path] if isinstance(path, str) or not isinstance(path, abc.Iterable) else path
    return [os.fspath(each) for each in several]


class BaseLoader:
    """The base of all loaders.

    .. code-block:: python

        class Sources(BaseLoader):
            def get_source(self, environment, template):
                if template not in sources:
                    raise TemplateNotFound(template)
                return sources[template], None, lambda: True
    """

    #: False for a loader that has compiled templates only.
    has_source_access = True

    def get_source(self, environment: "Environment", template: str) -> "tuple[str, str | None, UpToDate | None]":
        """A template's source, its file (`None` if it has none), and what tells whether the source is the latest.

        Raises :exc:`TemplateNotFound` where there is no such template. Without the third, it is always the latest.
        """
        if not self.has_source_access:
            raise RuntimeError(f"{type(self).__name__} cannot provide access to the source")
        raise TemplateNotFound(template)

    def list_templates(self) -> list[str]:
        """The names of all templates, in order; `TypeError` where that cannot be told."""
        raise TypeError("this loader cannot iterate over all templates")

    @internalcode
    def load(
        self, environment: "Environment", name: str, globals: "t.MutableMapping[str, t.Any] | None" = None
    ) -> "Template":
        """The template of that name, compiled, or from the bytecode cache. `Environment.get_template` calls this."""
        if globals is None:
            globals = {}
        cache = environment.bytecode_cache
        if cache is not None and (found := _native.load_stock(self, environment, cache, name)) is not None:
            kept, text, path, check = found
            if text is not None:
                kept = cache._compile(environment, name, path, text)
            else:
                cache._hits += 1
            return environment.template_class.from_code(environment, kept, globals, check)
        source, filename, uptodate = self.get_source(environment, name)
        if filename is not None and not isinstance(filename, str):
            filename = os.fsdecode(filename)
        if cache is None:
            code = environment.compile(source, name, filename)
        else:
            bucket = cache.get_bucket(environment, name, filename, source)
            code = bucket.code
            if type(code) is _native.Code and code.is_claimed:
                # A bucket that the cache has made itself does not know of which template it is.
                known = name if isinstance(name, str) else None
                code = code.proven(environment._machine_settings(), source, known, filename)
            if code is None:
                code = bucket.code = environment.compile(source, name, filename)
                cache.set_bucket(bucket)
        template = environment.template_class.from_code(environment, code, globals, uptodate)
        if not isinstance(name, str):
            # The machine knows names that are texts.
            template.name = name
        return template


class FileSystemLoader(BaseLoader):
    """Templates in a directory, or in the first of several that has them.

    :param searchpath: The directories.
    :param encoding: The files' encoding.
    :param followlinks: Whether `list_templates` goes into directories that are links.
    """

    def __init__(
        self, searchpath: "StrPath | t.Sequence[StrPath]", encoding: str = "utf-8", followlinks: bool = False
    ) -> None:
        self.searchpath = _paths(searchpath)
        self.encoding = encoding
        self.followlinks = followlinks

    def get_source(self, environment: "Environment", template: str) -> "tuple[str, str, UpToDate]":
        parts = split_template_path(template)
        utf8 = self.encoding in ("utf-8", "utf8")
        for directory in self.searchpath:
            # The parts hold no other separator.
            filename = posixpath.join(directory, *parts)
            if utf8 and (found := _native.read_source(filename)) is not None:
                source, modified = found
                break
            if os.path.isfile(filename):
                with open(filename, encoding=self.encoding) as file:
                    source = file.read()
                modified = os.path.getmtime(filename)
                break
        else:
            paths = "path" if len(self.searchpath) == 1 else "paths"
            places = ", ".join(map(repr, self.searchpath))
            raise TemplateNotFound(template, f"{template!r} not found in search {paths}: {places}")
        return source, os.path.normpath(filename), _native.FileCheck(filename, modified)

    def list_templates(self) -> list[str]:
        found = set()
        for searchpath in self.searchpath:
            for directory, _, filenames in os.walk(searchpath, followlinks=self.followlinks):
                for filename in filenames:
                    path = os.path.join(directory, filename)[len(searchpath) :].strip(os.path.sep)
                    found.add(path.replace(os.path.sep, "/").removeprefix("./"))
        return sorted(found)


_file_system_source = FileSystemLoader.get_source


def _is_stock(loader: type[BaseLoader], cache: "type[BytecodeCache]") -> bool:
    """Whether the machine may do by itself what these classes do to find a template's code."""
    from .bccache import BytecodeCache, _looking_up, _stock

    plain = issubclass(loader, FileSystemLoader) and loader.get_source is _file_system_source
    return plain and issubclass(cache, BytecodeCache) and _looking_up(cache) in _stock


class PackageLoader(BaseLoader):
    """Templates in a directory of a Python package, which may be in a zip file.

    :param package_name: The package's import name.
    :param package_path: The directory in the package.
    :param encoding: The files' encoding.
    """

    def __init__(self, package_name: str, package_path: str = "templates", encoding: str = "utf-8") -> None:
        import zipimport
        from importlib import import_module
        from importlib.util import find_spec

        package_path = os.path.normpath(package_path).rstrip(os.path.sep)
        package_path = package_path.removeprefix(os.path.curdir + os.path.sep)
        if package_path == os.path.curdir:
            package_path = ""
        self.package_path = package_path
        self.package_name = package_name
        self.encoding = encoding
        # A namespace package's parts are known once it is imported.
        import_module(package_name)
        spec = find_spec(package_name)
        assert spec is not None, "An import spec was not found for the package."
        loader = spec.loader
        assert loader is not None, "A loader was not found for the package."
        self._loader = loader
        self._archive: str | None = None
        if isinstance(loader, zipimport.zipimporter):
            self._archive = loader.archive
            package = next(iter(spec.submodule_search_locations))  # type: ignore[arg-type]
            self._template_root = os.path.join(package, package_path).rstrip(os.path.sep)
            return
        roots = list(spec.submodule_search_locations or ())
        if not roots and spec.origin is not None:
            # One module: its directory holds the templates.
            roots = [os.path.dirname(spec.origin)]
        if not roots:
            raise ValueError(f"The {package_name!r} package was not installed in a way that PackageLoader understands.")
        directories = (os.path.join(root, package_path) for root in roots)
        root = next(filter(os.path.isdir, directories), None)
        if root is None:
            raise ValueError(
                f"PackageLoader could not find a {package_path!r} directory in the {package_name!r} package."
            )
        self._template_root = root

    def get_source(self, environment: "Environment", template: str) -> "tuple[str, str, UpToDate | None]":
        path = os.path.normpath(posixpath.join(self._template_root, *split_template_path(template)))
        if self._archive is not None:
            try:
                data = self._loader.get_data(path)  # type: ignore[attr-defined]
            except OSError as error:
                raise TemplateNotFound(template) from error
            return data.decode(self.encoding), path, None
        if not os.path.isfile(path):
            raise TemplateNotFound(template)
        with open(path, "rb") as file:
            data = file.read()
        mtime = os.path.getmtime(path)

        def up_to_date() -> bool:
            return os.path.isfile(path) and os.path.getmtime(path) == mtime

        return data.decode(self.encoding), path, up_to_date

    def list_templates(self) -> list[str]:
        root = self._template_root
        if self._archive is None:
            names = (
                os.path.join(directory[len(root) :].lstrip(os.path.sep), filename)
                for directory, _, filenames in os.walk(root)
                for filename in filenames
            )
        else:
            prefix = root[len(self._archive) :].lstrip(os.path.sep) + os.path.sep
            names = (
                name[len(prefix) :]
                for name in _get_zipimporter_files(self._loader)
                if name.startswith(prefix) and not name.endswith(os.path.sep)
            )
        return sorted(name.replace(os.path.sep, "/") for name in names)


def _get_zipimporter_files(z: t.Any) -> t.Iterable[str]:
    """The names in an importer's archive, which it has no public way to tell."""
    try:
        if sys.version_info >= (3, 13):
            return t.cast("t.Iterable[str]", z._get_files())
        return t.cast("t.Iterable[str]", z._files)
    except AttributeError as error:
        raise TypeError("This zip import does not have the required metadata to list templates.") from error


class DictLoader(BaseLoader):
    """Templates in a mapping from names to sources.

    >>> from haiden import Environment
    >>> loader = DictLoader({"page": "Hello {{ name }}!"})
    >>> Environment(loader=loader).get_template("page").render(name="John")
    'Hello John!'
    """

    def __init__(self, mapping: t.Mapping[str, str]) -> None:
        self.mapping = mapping

    def get_source(self, environment: "Environment", template: str) -> "tuple[str, None, UpToDate]":
        if template not in self.mapping:
            raise TemplateNotFound(template)
        source = self.mapping[template]
        return source, None, _native.SourceCheck(self, template, source)

    def list_templates(self) -> list[str]:
        return sorted(self.mapping)


class FunctionLoader(BaseLoader):
    """Templates from a function of their name.

    It returns the source, or what `get_source` returns, or `None` where there is no such template.
    """

    def __init__(self, load_func: "t.Callable[[str], str | tuple[str, str | None, UpToDate | None] | None]") -> None:
        self.load_func = load_func

    def get_source(self, environment: "Environment", template: str) -> "tuple[str, str | None, UpToDate | None]":
        found = self.load_func(template)
        if found is None:
            raise TemplateNotFound(template)
        return (found, None, None) if isinstance(found, str) else found


class PrefixLoader(BaseLoader):
    """Several loaders, each for the names with a prefix: `app1/index.html` is `index.html` of the loader `app1`."""

    def __init__(self, mapping: t.Mapping[str, BaseLoader], delimiter: str = "/") -> None:
        self.mapping = mapping
        self.delimiter = delimiter

    def get_loader(self, template: str) -> tuple[BaseLoader, str]:
        """The loader of a template, and the template's name there."""
        try:
            prefix, name = template.split(self.delimiter, 1)
            return self.mapping[prefix], name
        except (ValueError, KeyError) as error:
            raise TemplateNotFound(template) from error

    def get_source(self, environment: "Environment", template: str) -> "tuple[str, str | None, UpToDate | None]":
        loader, name = self.get_loader(template)
        try:
            return loader.get_source(environment, name)
        except TemplateNotFound as error:
            # It was asked for by its full name.
            raise TemplateNotFound(template) from error

    @internalcode
    def load(
        self, environment: "Environment", name: str, globals: "t.MutableMapping[str, t.Any] | None" = None
    ) -> "Template":
        loader, local_name = self.get_loader(name)
        try:
            return loader.load(environment, local_name, globals)
        except TemplateNotFound as error:
            raise TemplateNotFound(name) from error

    def list_templates(self) -> list[str]:
        return [
            f"{prefix}{self.delimiter}{name}"
            for prefix, loader in self.mapping.items()
            for name in loader.list_templates()
        ]


class ChoiceLoader(BaseLoader):
    """Several loaders, asked one after the other: the first that has a template wins."""

    def __init__(self, loaders: t.Sequence[BaseLoader]) -> None:
        self.loaders = loaders

    def get_source(self, environment: "Environment", template: str) -> "tuple[str, str | None, UpToDate | None]":
        for loader in self.loaders:
            try:
                return loader.get_source(environment, template)
            except TemplateNotFound:
                continue
        raise TemplateNotFound(template)

    @internalcode
    def load(
        self, environment: "Environment", name: str, globals: "t.MutableMapping[str, t.Any] | None" = None
    ) -> "Template":
        for loader in self.loaders:
            try:
                return loader.load(environment, name, globals)
            except TemplateNotFound:
                continue
        raise TemplateNotFound(name)

    def list_templates(self) -> list[str]:
        return sorted({name for loader in self.loaders for name in loader.list_templates()})


def _is_bundle(path: str) -> bool:
    """Does the file begin as bundles do?"""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(len(_native.BUNDLE_MAGIC)) == _native.BUNDLE_MAGIC


def _bundle_loader(path: str) -> BaseLoader:
    from .cache import BundleLoader

    return BundleLoader(path)


class _TemplateModule(ModuleType):
    """A package that a loader makes up; unlike `ModuleType` itself, it can be referred to weakly."""


class ModuleLoader(BaseLoader):
    """Templates that `Environment.compile_templates` compiled: to Python modules, or into a sealed bundle.

    :param path: The directory, zip file or bundle, or several, that it wrote.
    """

    has_source_access = False

    def __init__(self, path: "StrPath | t.Sequence[StrPath]") -> None:
        from weakref import proxy

        package_name = f"_jinja2_module_templates_{id(self):x}"
        package = _TemplateModule(package_name)
        paths = _paths(path)
        self._bundles = [_bundle_loader(each) for each in paths if _is_bundle(each)]
        package.__path__ = [each for each in paths if not _is_bundle(each)] if self._bundles else paths
        # Imports find the package as long as the loader lives.
        sys.modules[package_name] = t.cast(ModuleType, proxy(package, lambda _: sys.modules.pop(package_name, None)))
        self.module = package
        self.package_name = package_name

    @staticmethod
    def get_template_key(name: str) -> str:
        """The name of a template's module."""
        from hashlib import sha1

        return "tmpl_" + sha1(name.encode("utf-8")).hexdigest()

    @staticmethod
    def get_module_filename(name: str) -> str:
        """The file of a template's module."""
        return ModuleLoader.get_template_key(name) + ".py"

    @internalcode
    def load(
        self, environment: "Environment", name: str, globals: "t.MutableMapping[str, t.Any] | None" = None
    ) -> "Template":
        for bundle in self._bundles:
            try:
                return bundle.load(environment, name, globals)
            except TemplateNotFound:
                continue
        key = f"{self.package_name}.{self.get_template_key(name)}"
        module = getattr(self.module, key, None)
        if module is None:
            try:
                module = __import__(key, None, None, ["root"])
            except ImportError as error:
                raise TemplateNotFound(name) from error
            # The package keeps it; `sys.modules` would for ever.
            sys.modules.pop(key, None)
        if globals is None:
            globals = {}
        return environment.template_class.from_module_dict(environment, module.__dict__, globals)


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
