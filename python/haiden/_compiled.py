"""Templates as Python modules: what `Environment.compile_templates` writes and `ModuleLoader` imports.

A module holds a template's image, which the machine verifies and runs, and below it, as comments, the listing of the
template for people to read.
"""

import os
import typing as t
from base64 import b85decode, b85encode

from . import _native
from .exceptions import TemplateSyntaxError

if t.TYPE_CHECKING:
    from .environment import Environment


def code(image: str, name: str | None, autoescape: bool) -> _native.Code:
    """The code in a module."""
    return _native.Code.from_bytes(b85decode(image), name, None, autoescape, True)


def _module(environment: "Environment", source: str, name: str, filename: str | None) -> str:
    """The text of a template's module."""
    compiled = environment.compile(source, name, filename)
    listing: str = environment.compile(source, name, filename, raw=True, defer_init=True)
    if not isinstance(compiled, _native.Code):
        # Some other code generator's: its text is the code.
        return listing
    image = b85encode(compiled.to_bytes()).decode("ascii")
    shown = "\n".join(f"# {line}".rstrip() for line in listing.splitlines())
    return (
        "from haiden._compiled import code as _code\n\n"
        f"name = {name!r}\n"
        f"__haiden_code__ = _code({image!r}, name, {compiled.autoescape!r})\n\n"
        f"# What it does, in Python's words:\n{shown}\n"
    )


def write_templates(
    environment: "Environment",
    target: "str | os.PathLike[str]",
    names: list[str],
    zip: str | None,
    log: t.Callable[[str], None],
    ignore_errors: bool,
) -> None:
    """Compiles templates into a folder (`zip` is `None`) or an archive."""
    from contextlib import ExitStack

    from .loaders import ModuleLoader

    with ExitStack() as stack:
        if zip is not None:
            from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

            archive = stack.enter_context(
                ZipFile(target, "w", {"deflated": ZIP_DEFLATED, "stored": ZIP_STORED}[zip])
            )
            log(f"Compiling into Zip archive {target!r}")

            def write(filename: str, text: str) -> None:
                entry = ZipInfo(filename)
                entry.external_attr = 0o755 << 16
                entry.compress_type = archive.compression
                archive.writestr(entry, text)
        else:
            os.makedirs(target, exist_ok=True)
            log(f"Compiling into folder {target!r}")

            def write(filename: str, text: str) -> None:
                with open(os.path.join(target, filename), "wb") as file:
                    file.write(text.encode("utf-8"))

        loader = environment.loader
        assert loader is not None, "No loader configured."
        for name in names:
            source, filename, _ = loader.get_source(environment, name)
            try:
                text = _module(environment, source, name, filename)
            except TemplateSyntaxError as error:
                if not ignore_errors:
                    raise
                log(f'Could not compile "{name}": {error}')
                continue
            filename = ModuleLoader.get_module_filename(name)
            write(filename, text)
            log(f'Compiled "{name}" as {filename}')
    log("Finished compiling templates")


def write_bundle(
    environment: "Environment",
    target: "str | os.PathLike[str]",
    names: list[str],
    log: t.Callable[[str], None],
    ignore_errors: bool,
) -> None:
    """Compiles templates into a sealed bundle."""
    from . import cache

    assert environment.loader is not None, "No loader configured."
    log(f"Compiling into bundle {target!r}")
    compiled = []
    for name in names:
        source, filename, _ = environment.loader.get_source(environment, name)
        try:
            compiled.append((name, environment.compile(source, name, filename), source))
        except TemplateSyntaxError as error:
            if not ignore_errors:
                raise
            log(f'Could not compile "{name}": {error}')
            continue
        log(f'Compiled "{name}"')
    cache.write_codes(target, compiled, sealed=True)
    log("Finished compiling templates")
