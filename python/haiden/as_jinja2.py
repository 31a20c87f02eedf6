"""haiden under Jinja2's name: `import jinja2` and every `jinja2.…` resolve to it.

From Python, before anything imports Jinja2::

    import haiden
    haiden.install_as_jinja2()

From a shell, for a program as it is: `python -m haiden.as_jinja2 SCRIPT …` or `python -m haiden.as_jinja2 -m MODULE …`.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import runpy
import sys
import typing as t
from types import ModuleType

_ALIAS = "jinja2"


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `jinja2` and what is in it: haiden's modules themselves, under both names."""

    def find_spec(
        self, fullname: str, path: t.Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _ALIAS and not fullname.startswith(f"{_ALIAS}."):
            return None
        real = f"haiden{fullname[len(_ALIAS) :]}"
        found = importlib.util.find_spec(real)
        if found is None:
            return None
        package = found.submodule_search_locations is not None
        return importlib.machinery.ModuleSpec(fullname, self, origin=found.origin, is_package=package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(f"haiden{spec.name[len(_ALIAS) :]}")
        # The import system is about to write the alias into it.
        self._kept = module, {name: module.__dict__.get(name) for name in _OWN}
        return module

    def exec_module(self, module: ModuleType) -> None:
        kept, own = self._kept
        if kept is module:
            module.__dict__.update(own)


_OWN = ("__name__", "__package__", "__spec__", "__loader__", "__path__")


def holders() -> list[str]:
    """The modules that hold something of the real Jinja2."""
    found = []
    for name, module in sorted(sys.modules.items()):
        if name == _ALIAS or name.startswith(f"{_ALIAS}.") or name.startswith("haiden"):
            continue
        values = list(getattr(module, "__dict__", {}).values())
        if any(_is_real(value) for value in values):
            found.append(name)
    return found


def _is_real(value: t.Any) -> bool:
    try:
        home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    except Exception:
        return False
    return isinstance(home, str) and (home == _ALIAS or home.startswith(f"{_ALIAS}."))


def install_as_jinja2() -> None:
    """Makes `import jinja2`, and the import of everything in it, mean haiden, in this process from now on.

    Exceptions say that they are `jinja2.exceptions`' then, as programs that look expect.

    :raises RuntimeError: The real Jinja2 has been imported already; the message names the modules that hold it.
    """
    import haiden

    present = sys.modules.get(_ALIAS)
    if present is haiden:
        return
    if present is not None:
        who = ", ".join(holders()) or "no module that is still loaded"
        raise RuntimeError(f"jinja2 is imported already, and haiden cannot take its place; it is held by: {who}")
    sys.meta_path.insert(0, _Finder())
    importlib.import_module(_ALIAS)
    from . import exceptions

    for value in vars(exceptions).values():
        if isinstance(value, type) and value.__module__ == exceptions.__name__:
            value.__module__ = f"{_ALIAS}.exceptions"


def main(arguments: list[str]) -> None:
    """Runs a script or a module under the alias."""
    if not arguments or arguments[0] in ("-h", "--help") or arguments == ["-m"]:
        print("usage: python -m haiden.as_jinja2 SCRIPT [ARGUMENT…]")
        print("       python -m haiden.as_jinja2 -m MODULE [ARGUMENT…]")
        return
    import haiden.as_jinja2

    haiden.as_jinja2.install_as_jinja2()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path[0] = str(__import__("pathlib").Path(arguments[0]).resolve().parent)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
