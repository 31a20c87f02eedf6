"""Names that a module of Jinja2's has only because it imports them: there are programs that look for them there.

In: a module of haiden's and a name. Out: the object, from where it lives. Nothing is imported before somebody asks. The
modules import this one by its full name: Python may ask them while they are being given another one (`as_jinja2`).
"""

import importlib

_NAMES = {
    "async_utils": "inspect",
    "bccache": "errno fnmatch marshal pickle sys tempfile sha1=hashlib CodeType=types",
    "compiler": (
        "update_wrapper=functools chain=itertools is_python_keyword=keyword:iskeyword Markup=markupsafe"
        " TemplateAssertionError=.exceptions Symbols=.idtracking NodeVisitor=.visitor"
    ),
    "environment": (
        "typing CodeType=types nodes=.nodes: CodeGenerator=.compiler generate=.compiler get_lexer=.lexer Lexer=.lexer"
        " TokenStream=.lexer EvalContext=.nodes Parser=.parser"
    ),
    "ext": "concat=.utils",
    "filters": "random re typing getattr_static=inspect",
    "loaders": "importlib weakref zipimport sha1=hashlib import_module=importlib",
    "meta": "Frame=.compiler",
    "nativetypes": "literal_eval=ast parse=ast nodes=.nodes: Frame=.compiler",
    "parser": "typing",
    "runtime": (
        "functools chain=itertools auto_aiter=.async_utils auto_await=.async_utils EvalContext=.nodes"
        " pass_eval_context=.utils Macro=._generated TemplateReference=._generated"
    ),
    "tests": "Number=numbers",
    "utils": "json re choice=random randrange=random quote_from_bytes=urllib.parse",
}


def find(module: str, wanted: str) -> object:
    """The object of this name.

    :raises AttributeError: The module of Jinja2's has no such name, either.
    """
    for entry in _NAMES.get(module.rpartition(".")[2], "").split():
        # `name`: the module of this name; `name=home`: the same name there; `name=home:other`: another one; or itself.
        name, _, home = entry.partition("=")
        if name == wanted:
            home, is_other, other = (home or f"{name}:").partition(":")
            found: object = importlib.import_module(home, __package__)
            return getattr(found, other or name) if not is_other or other else found
    raise AttributeError(f"module {module!r} has no attribute {wanted!r}")
