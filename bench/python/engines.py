"""The engines: each makes functions that render, compile or load, of the same sources and the same live objects.

An engine that cannot do something says so by returning `None`; a package that is not installed is an `ImportError`.
"""

import importlib
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TEMPLATES = HERE.parent / "templates" / "python"


def money(amount):
    """The user filter, the same in all engines: thousands separated and two decimals."""
    return f"${amount:,.2f}"


def complain(message):
    """What chat templates call when a conversation makes no sense."""
    raise ValueError(message)


class Engine:
    """An engine that can do nothing."""

    name = ""

    def renderer(self, task):
        """A function that renders the task's page."""

    def async_renderer(self, task):
        """A function that drives `render_async`, in which nothing is awaited."""

    def compiler(self, sources):
        """A function that compiles the sources."""

    def loader(self, task):
        """A function that gets the template out of the bytecode cache in a directory, and the template."""


class Jinja2(Engine):
    """The reference."""

    name = "Jinja2"
    package = "jinja2"

    def __init__(self):
        self.module = importlib.import_module(self.package)
        self.sandbox = importlib.import_module(f"{self.package}.sandbox")

    def environment(self, task, **options):
        if task.sandboxed:
            options.update(trim_blocks=True, lstrip_blocks=True)
            environment = self.sandbox.ImmutableSandboxedEnvironment(**options)
        else:
            environment = self.module.Environment(autoescape=True, **options)
        environment.filters["money"] = money
        environment.globals["raise_exception"] = complain
        return environment

    def template(self, task, **options):
        options.setdefault("loader", self.module.DictLoader(task.sources))
        return self.environment(task, **options).get_template(task.entry)

    def renderer(self, task):
        template = self.template(task)
        return lambda: template.render(task.context)

    def async_renderer(self, task):
        template = self.template(task, enable_async=True)

        def run():
            try:
                template.render_async(task.context).send(None)
            except StopIteration as result:
                return result.value
            raise RuntimeError("something was awaited")

        return run

    def compiler(self, sources):
        environment = self.module.Environment(autoescape=True)
        return lambda: [environment.from_string(source) for source in sources.values()]

    def loader(self, task):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="haiden-bench-"))
        for name, source in task.sources.items():
            (folder / name).write_text(source, encoding="utf-8", newline="")
        (folder / "cache").mkdir()
        loader = self.module.FileSystemLoader(str(folder))
        cache = self.module.FileSystemBytecodeCache(str(folder / "cache"))
        environment = self.environment(task, loader=loader, bytecode_cache=cache)
        environment.get_template(task.entry)

        def load():
            environment.cache.clear()
            return environment.get_template(task.entry)

        return load


class Jinja2Again(Jinja2):
    """The same once more: how far its ratio is from 1 is the error of the measurement."""

    name = "Jinja2 (control)"


class Haiden(Jinja2):
    """The package, as an application uses it; `path`: a file of the native module for the tree's Python half."""

    name = "haiden"
    package = "haiden"

    def __init__(self, path):
        if path is not None:
            sys.path.insert(0, str(HERE.parent.parent / "python"))
            loader = importlib.machinery.ExtensionFileLoader("haiden._native", str(path))
            spec = importlib.util.spec_from_file_location("haiden._native", path, loader=loader)
            module = importlib.util.module_from_spec(spec)
            sys.modules["haiden._native"] = module
            loader.exec_module(module)
        importlib.import_module("haiden._native")
        super().__init__()


class MiniJinja(Engine):
    """The published binding of minijinja; it converts values and calls back for attributes. It has no sandbox."""

    name = "minijinja"

    def __init__(self):
        self.minijinja = importlib.import_module("minijinja")

    def renderer(self, task):
        if task.sandboxed or task.for_jinja:
            return None
        environment = self.minijinja.Environment(
            templates=task.sources,
            filters={"money": money, "truncate": truncate},
            auto_escape_callback=lambda _name: True,
        )
        return lambda: environment.render_template(task.entry, **task.context)

    def compiler(self, sources):
        environment = self.minijinja.Environment()

        def compile_all():
            for name, source in sources.items():
                environment.add_template(name, source)

        return compile_all


def truncate(text, length):
    """minijinja's binding has no `truncate` with Jinja2's meaning."""
    if len(text) <= length + 5:
        return text
    return text[: length - 3].rsplit(" ", 1)[0] + "..."


class Mako(Engine):
    """Mako, where there is a template for it."""

    name = "Mako"

    def __init__(self):
        self.template = importlib.import_module("mako.template")

    def renderer(self, task):
        file = TEMPLATES / f"{task.name}.mako"
        if not file.exists():
            return None
        template = self.template.Template(file.read_text(), default_filters=["h"])
        return lambda: template.render(**task.context)


class Chameleon(Engine):
    """Chameleon, where there is a template for it."""

    name = "Chameleon"

    def __init__(self):
        self.chameleon = importlib.import_module("chameleon")

    def renderer(self, task):
        file = TEMPLATES / f"{task.name}.pt"
        if not file.exists():
            return None
        template = self.chameleon.PageTemplate(file.read_text().rstrip("\n"))
        return lambda: template.render(**task.context)


class ByHand(Engine):
    """Python functions, see `byhand.py`."""

    name = "Python by hand"

    def __init__(self):
        self.pages = importlib.import_module("byhand").PAGES

    def renderer(self, task):
        page = self.pages.get(task.name)
        if page is None:
            return None
        extra = {"money": money} if task.name.startswith("shop") else {}
        return lambda: page(**task.context, **extra)
