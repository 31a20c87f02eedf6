"""A template as Python source: what `Environment.compile(raw=True)` shows, and what code generators build on.

Templates run on the machine, from bytecode that is compiled natively; nothing here takes part in that. In: a tree. Out:
a listing that does the same in Python. It is for people and tools to read, and `haiden.meta` finds a template's free
variables on the way. It is run in one case only: where an environment's `code_generator_class` is a class of the user's
that writes something else (`haiden.statistics()` counts such renders apart).
"""

import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

from markupsafe import escape

from . import _listing, nodes
from ._expressions import PASSED, ExpressionWriter, operators, optimizeconst
from ._frames import (
    CompilerExit,
    DependencyFinderVisitor,
    Frame,
    MacroRef,
    UndeclaredNameVisitor,
    VisitorExit,
    find_undeclared,
    has_safe_repr,
)
from .idtracking import VAR_LOAD_ALIAS, VAR_LOAD_PARAMETER, VAR_LOAD_RESOLVE, VAR_LOAD_UNDEFINED
from .nodes import EvalContext
from .optimizer import Optimizer
from .utils import _PassArg, concat

if t.TYPE_CHECKING:
    from .environment import Environment

__all__ = [
    "CodeGenerator",
    "CompilerExit",
    "DependencyFinderVisitor",
    "Frame",
    "MacroRef",
    "UndeclaredNameVisitor",
    "VisitorExit",
    "find_undeclared",
    "generate",
    "has_safe_repr",
    "operators",
    "optimizeconst",
]


def generate(
    node: nodes.Template,
    environment: "Environment",
    name: str | None,
    filename: str | None,
    stream: t.TextIO | None = None,
    defer_init: bool = False,
    optimized: bool = True,
) -> str | None:
    """The listing of a tree, or `None` if it goes to a stream."""
    if not isinstance(node, nodes.Template):
        raise TypeError("Can't compile non template nodes")
    cls = environment.code_generator_class
    generator = cls(environment, name, filename, stream, defer_init, optimized)
    generator.visit(node)
    if stream is not None:
        return None
    text: str = generator.stream.getvalue()
    return _listing.marked(text, node, environment, name, filename, cls)


class CodeGenerator(ExpressionWriter):
    """Writes a template as Python source."""

    def __init__(
        self,
        environment: "Environment",
        name: str | None,
        filename: str | None,
        stream: t.TextIO | None = None,
        defer_init: bool = False,
        optimized: bool = True,
    ) -> None:
        self.environment = environment
        self.name = name
        self.filename = filename
        self.stream: t.Any = StringIO() if stream is None else stream
        self.created_block_context = False
        self.defer_init = defer_init
        self.optimizer = Optimizer(environment) if optimized else None
        self.import_aliases: dict[str, str] = {}
        self.blocks: dict[str, nodes.Block] = {}
        self.extends_so_far = 0
        # An `extends` that always runs has passed.
        self.has_known_extends = False
        self.filters: dict[str, str] = {}
        self.tests: dict[str, str] = {}
        # Pairs of lines: the template's, and the listing's.
        self.debug_info: list[tuple[int, int]] = []
        self.code_lineno = 1
        self._write_debug_info: int | None = None
        self._new_lines = 0
        self._last_line = 0
        self._first_write = True
        self._last_identifier = 0
        self._indentation = 0
        self._assign_stack: list[set[str]] = []
        self._param_def_block: list[set[str]] = []
        self._context_reference_stack = ["context"]

    @property
    def optimized(self) -> bool:
        """Whether constants are folded."""
        return self.optimizer is not None

    # ---- text --------------------------------------------------------------------------------------------------

    def temporary_identifier(self) -> str:
        """A name that nothing else has."""
        self._last_identifier += 1
        return f"t_{self._last_identifier}"

    def indent(self) -> None:
        """Later lines stand further in."""
        self._indentation += 1

    def outdent(self, step: int = 1) -> None:
        """Later lines stand further out."""
        self._indentation -= step

    @contextmanager
    def _indented(self, line: str, node: nodes.Node | None = None) -> Iterator[None]:
        """Writes a line; what is written in between stands further in."""
        self.writeline(line, node)
        self.indent()
        yield
        self.outdent()

    def write(self, x: str) -> None:
        """Writes a text, after the lines that are due."""
        if self._new_lines:
            if not self._first_write:
                self.stream.write("\n" * self._new_lines)
                self.code_lineno += self._new_lines
                if self._write_debug_info is not None:
                    self.debug_info.append((self._write_debug_info, self.code_lineno))
                    self._write_debug_info = None
            self._first_write = False
            self._new_lines = 0
            self.stream.write("    " * self._indentation)
        self.stream.write(x)

    def writeline(self, x: str, node: nodes.Node | None = None, extra: int = 0) -> None:
        """Begins a line with a text; the line comes from a node."""
        self.newline(node, extra)
        self.write(x)

    def newline(self, node: nodes.Node | None = None, extra: int = 0) -> None:
        """What is written next begins a line."""
        self._new_lines = max(self._new_lines, 1 + extra)
        if node is not None and node.lineno != self._last_line:
            self._write_debug_info = self._last_line = node.lineno

    # ---- output ------------------------------------------------------------------------------------------------

    def buffer(self, frame: Frame) -> None:
        """From here on the frame's output is captured."""
        frame.buffer = self.temporary_identifier()
        self.writeline(f"{frame.buffer} = []")

    def return_buffer_contents(self, frame: Frame, force_unescaped: bool = False) -> None:
        """Returns what was captured."""
        captured = f"concat({frame.buffer})"
        if force_unescaped or not (frame.eval_ctx.volatile or frame.eval_ctx.autoescape):
            self.writeline(f"return {captured}")
        elif frame.eval_ctx.volatile:
            self.writeline(f"return Markup({captured}) if context.eval_ctx.autoescape else {captured}")
        else:
            self.writeline(f"return Markup({captured})")

    def start_write(self, frame: Frame, node: nodes.Node | None = None) -> None:
        """Begins to write output."""
        self.writeline("yield " if frame.buffer is None else f"{frame.buffer}.append(", node)

    def end_write(self, frame: Frame) -> None:
        """Ends what `start_write` began."""
        if frame.buffer is not None:
            self.write(")")

    def simple_write(self, s: str, frame: Frame, node: nodes.Node | None = None) -> None:
        """Writes the value of an expression of Python."""
        self.start_write(frame, node)
        self.write(s)
        self.end_write(frame)

    def blockvisit(self, nodes: t.Iterable[nodes.Node], frame: Frame) -> None:
        """Writes a body."""
        try:
            self.writeline("pass")
            for node in nodes:
                self.visit(node, frame)
        except CompilerExit:
            pass

    # ---- functions and their frames ----------------------------------------------------------------------------

    def choose_async(self, async_value: str = "async ", sync_value: str = "") -> str:
        """One of two texts: for an environment that waits, or for one that does not."""
        return async_value if self.environment.is_async else sync_value

    def func(self, name: str) -> str:
        """How a function begins."""
        return f"{self.choose_async()}def {name}"

    def pull_dependencies(self, nodes: t.Iterable[nodes.Node]) -> None:
        """Binds all filters and tests. One that is not there raises where it is called."""
        visitor = DependencyFinderVisitor()
        for node in nodes:
            visitor.visit(node)
        for targets, names, kind in (
            (self.filters, visitor.filters, "filters"),
            (self.tests, visitor.tests, "tests"),
        ):
            for name in sorted(names):
                target = targets.get(name) or targets.setdefault(name, self.temporary_identifier())
                with self._indented("try:"):
                    self.writeline(f"{target} = environment.{kind}[{name!r}]")
                with self._indented("except KeyError:"):
                    self.writeline("@internalcode")
                    message = f"No {kind[:-1]} named {name!r} found."
                    self.writeline(f"def {target}(*unused): raise TemplateRuntimeError({message!r})")

    def enter_frame(self, frame: Frame) -> None:
        """Binds a frame's variables as they start."""
        missing = []
        for target, (action, param) in frame.symbols.loads.items():
            if action == VAR_LOAD_RESOLVE:
                self.writeline(f"{target} = {self.get_resolve_func()}({param!r})")
            elif action == VAR_LOAD_ALIAS:
                self.writeline(f"{target} = {param}")
            elif action == VAR_LOAD_UNDEFINED:
                missing.append(target)
            elif action != VAR_LOAD_PARAMETER:
                raise NotImplementedError("unknown load instruction")
        self._set_missing(missing)

    def leave_frame(self, frame: Frame, with_python_scope: bool = False) -> None:
        """Forgets a frame's variables, unless they end with a function."""
        if not with_python_scope:
            self._set_missing(frame.symbols.loads)

    def _set_missing(self, targets: t.Iterable[str]) -> None:
        assignments = "".join(f"{target} = " for target in targets)
        if assignments:
            self.writeline(f"{assignments}missing")

    def write_commons(self) -> None:
        """What all functions begin with."""
        self.writeline("resolve = context.resolve_or_missing")
        self.writeline("undefined = environment.undefined")
        self.writeline("concat = environment.concat")
        # An inline `if` without `else` is always of the standard kind.
        self.writeline("cond_expr_undefined = Undefined")
        self.writeline("if 0: yield None")

    def macro_body(self, node: nodes.Macro | nodes.CallBlock, frame: Frame) -> tuple[Frame, MacroRef]:
        """The function of a macro or a call block."""
        frame = frame.inner()
        frame.symbols.analyze_node(node)
        macro_ref = MacroRef(node)
        names = [arg.name for arg in node.args]
        args = [frame.symbols.ref(name) for name in names]
        mentioned = find_undeclared(node.body, ("caller", "kwargs", "varargs"))
        if "caller" in mentioned:
            macro_ref.accesses_caller = True
            if "caller" not in names:
                args.append(frame.symbols.declare_parameter("caller"))
            elif len(names) - 1 - names[::-1].index("caller") < len(names) - len(node.defaults):
                self.fail(
                    'When defining macros or call blocks the special "caller" argument must be omitted or be given a'
                    " default.",
                    node.lineno,
                )
        for special in ("kwargs", "varargs"):
            if special in mentioned and special not in names:
                args.append(frame.symbols.declare_parameter(special))
                setattr(macro_ref, f"accesses_{special}", True)

        # Nobody knows yet where its output goes.
        frame.require_output_check = False
        frame.symbols.analyze_node(node)
        with self._indented(f"{self.func('macro')}({', '.join(args)}):", node):
            self.buffer(frame)
            self.enter_frame(frame)
            self._macro_parameters(node, frame)
            self.blockvisit(node.body, frame)
            self.return_buffer_contents(frame, force_unescaped=True)
            self.leave_frame(frame, with_python_scope=True)
        return frame, macro_ref

    def _macro_parameters(self, node: nodes.Macro | nodes.CallBlock, frame: Frame) -> None:
        """What parameters are if they were not given."""
        self.push_parameter_definitions(frame)
        required = len(node.args) - len(node.defaults)
        for index, arg in enumerate(node.args):
            ref = frame.symbols.ref(arg.name)
            with self._indented(f"if {ref} is missing:"):
                if index < required:
                    message = f"parameter {arg.name!r} was not provided"
                    self.writeline(f"{ref} = undefined({message!r}, name={arg.name!r})")
                else:
                    self.writeline(f"{ref} = ")
                    self.visit(node.defaults[index - required], frame)
                self.mark_parameter_stored(ref)
        self.pop_parameter_definitions()

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        """The macro object around the function."""
        node = macro_ref.node
        names = tuple(arg.name for arg in node.args)
        special = (macro_ref.accesses_kwargs, macro_ref.accesses_varargs, macro_ref.accesses_caller)
        self.write(
            f"Macro(environment, macro, {getattr(node, 'name', None)!r}, {names!r},"
            f" {', '.join(map(repr, special))}, context.eval_ctx.autoescape)"
        )

    # ---- what is bound at the top level, in loops and in blocks ------------------------------------------------

    def push_assign_tracking(self) -> None:
        """From here on names that are bound are collected."""
        self._assign_stack.append(set())

    def pop_assign_tracking(self, frame: Frame) -> None:
        """Tells the context what was bound."""
        bound = sorted(self._assign_stack.pop())
        if not bound or not (frame.block_frame or frame.loop_frame or frame.toplevel):
            return
        refs = {name: frame.symbols.ref(name) for name in bound}
        if frame.loop_frame:
            self._update("_loop_vars", refs)
        elif frame.block_frame:
            self._update("_block_vars", refs)
        else:
            self._update("context.vars", refs)
            self._exported("add", "update", [name for name in bound if name[:1] != "_"])

    def _update(self, target: str, refs: dict[str, str]) -> None:
        items = [f"{name!r}: {ref}" for name, ref in refs.items()]
        if len(refs) == 1:
            name, ref = next(iter(refs.items()))
            self.writeline(f"{target}[{name!r}] = {ref}")
        elif items:
            self.writeline(f"{target}.update({{{', '.join(items)}}})")

    def _exported(self, one: str, several: str, names: list[str]) -> None:
        if len(names) == 1:
            self.writeline(f"context.exported_vars.{one}({names[0]!r})")
        elif names:
            self.writeline(f"context.exported_vars.{several}({tuple(names)!r})")

    # ---- the whole ---------------------------------------------------------------------------------------------

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        assert frame is None, "no root frame allowed"
        from .runtime import async_exported, exported

        eval_ctx = EvalContext(self.environment, self.name)
        names = sorted(exported + async_exported if self.environment.is_async else exported)
        self.writeline(f"from haiden.runtime import {', '.join(names)}")
        # The machine's own take no Python functions.
        self.writeline("from haiden._generated import Macro, TemplateReference")
        have_extends = node.find(nodes.Extends) is not None
        for block in node.find_all(nodes.Block):
            if block.name in self.blocks:
                self.fail(f"block {block.name!r} defined twice", block.lineno)
            self.blocks[block.name] = block
        for imported in node.find_all(nodes.ImportedName):
            self._import(imported.importname)
        self.writeline(f"name = {self.name!r}")

        environment = "" if self.defer_init else ", environment=environment"
        self.writeline(f"{self.func('root')}(context, missing=missing{environment}):", extra=1)
        self.indent()
        self._root(node, eval_ctx, have_extends)
        self.outdent()
        for block in self.blocks.values():
            head = f"{self.func(f'block_{block.name}')}(context, missing=missing{environment}):"
            self.writeline(head, block, 1)
            self.indent()
            self._block_function(block, eval_ctx)
            self.outdent()
        functions = ", ".join(f"{name!r}: block_{name}" for name in self.blocks)
        self.writeline(f"blocks = {{{functions}}}", extra=1)
        pairs = "&".join(f"{line}={ours}" for line, ours in self.debug_info)
        self.writeline(f"debug_info = {pairs!r}")

    def _import(self, name: str) -> None:
        if name in self.import_aliases:
            return
        alias = self.import_aliases[name] = self.temporary_identifier()
        module, dot, member = name.rpartition(".")
        self.writeline(f"from {module} import {member} as {alias}" if dot else f"import {name} as {alias}")

    def _root(self, node: nodes.Template, eval_ctx: EvalContext, have_extends: bool) -> None:
        self.write_commons()
        frame = Frame(eval_ctx)
        if "self" in find_undeclared(node.body, ("self",)):
            self.writeline(f"{frame.symbols.declare_parameter('self')} = TemplateReference(context)")
        frame.symbols.analyze_node(node)
        frame.toplevel = frame.rootlevel = True
        frame.require_output_check = have_extends and not self.has_known_extends
        if have_extends:
            self.writeline("parent_template = None")
        self.enter_frame(frame)
        self.pull_dependencies(node.body)
        self.blockvisit(node.body, frame)
        self.leave_frame(frame, with_python_scope=True)
        if have_extends:
            with self._indented("if parent_template is not None:"):
                self._events("parent_template.root_render_func(context)")

    def _block_function(self, block: nodes.Block, eval_ctx: EvalContext) -> None:
        self.write_commons()
        # A block sees nothing of the frame that it stands in.
        frame = Frame(eval_ctx)
        frame.block_frame = True
        mentioned = find_undeclared(block.body, ("self", "super"))
        if "self" in mentioned:
            self.writeline(f"{frame.symbols.declare_parameter('self')} = TemplateReference(context)")
        if "super" in mentioned:
            target = frame.symbols.declare_parameter("super")
            self.writeline(f"{target} = context.super({block.name!r}, block_{block.name})")
        frame.symbols.analyze_node(block)
        frame.block = block.name
        self.writeline("_block_vars = {}")
        self.enter_frame(frame)
        self.pull_dependencies(block.body)
        self.blockvisit(block.body, frame)
        self.leave_frame(frame, with_python_scope=True)

    def _events(self, generator: str, frame: Frame | None = None, node: nodes.Node | None = None) -> None:
        """Writes what another function writes; without a frame, as the template's own output."""
        if not self.environment.is_async and (frame is None or frame.buffer is None):
            self.writeline(f"yield from {generator}", node)
        else:
            self._loop_over_events(generator, frame, node)

    def _loop_over_events(self, generator: str, frame: Frame | None, node: nodes.Node | None = None) -> None:
        self.writeline(f"gen = {generator}", node)
        with self._indented("try:"), self._indented(f"{self.choose_async()}for event in gen:", node):
            if frame is None:
                self.writeline("yield event")
            else:
                self.simple_write("event", frame)
        self.writeline(f"finally: {self.choose_async('await gen.aclose()', 'gen.close()')}")

    # ---- other templates ---------------------------------------------------------------------------------------

    def visit_Block(self, node: nodes.Block, frame: Frame) -> None:
        if frame.toplevel and self.has_known_extends:
            return
        guarded = frame.toplevel and self.extends_so_far > 0
        if guarded:
            self.writeline("if parent_template is None:")
            self.indent()
        if node.required:
            message = f"Required block {node.name!r} not found"
            with self._indented(f"if len(context.blocks[{node.name!r}]) <= 1:", node):
                self.writeline(f"raise TemplateRuntimeError({message!r})", node)
        context = self.derive_context(frame) if node.scoped else self.get_context_ref()
        self._events(f"context.blocks[{node.name!r}][0]({context})", frame, node)
        if guarded:
            self.outdent()

    def visit_Extends(self, node: nodes.Extends, frame: Frame) -> None:
        if not frame.toplevel:
            self.fail("cannot use extend from a non top-level scope", node.lineno)
        if self.extends_so_far > 0:
            fails = 'raise TemplateRuntimeError("extended multiple times")'
            if self.has_known_extends:
                self.writeline(fails)
                raise CompilerExit()
            self.writeline(f"if parent_template is not None: {fails}")
        self.writeline("parent_template = environment.get_template(", node)
        self.writes(node.template, f", {self.name!r})", frame=frame)
        with self._indented("for name, parent_block in parent_template.blocks.items():"):
            self.writeline("context.blocks.setdefault(name, []).append(parent_block)")
        self.has_known_extends = self.has_known_extends or frame.rootlevel
        self.extends_so_far += 1

    def visit_Include(self, node: nodes.Include, frame: Frame) -> None:
        template = node.template
        finder = "get_or_select_template"
        if isinstance(template, (nodes.Tuple, nodes.List)):
            finder = "select_template"
        elif isinstance(template, nodes.Const) and isinstance(template.value, str):
            finder = "get_template"
        elif isinstance(template, nodes.Const) and isinstance(template.value, (tuple, list)):
            finder = "select_template"
        if node.ignore_missing:
            self.writeline("try:")
            self.indent()
        self.writeline(f"template = environment.{finder}(", node)
        self.writes(template, f", {self.name!r})", frame=frame)
        if node.ignore_missing:
            self.outdent()
            self.writeline("except TemplateNotFound: pass")
            self.writeline("else:")
            self.indent()
        if node.with_context:
            variables = f"template.new_context(context.get_all(), True, {self.dump_local_context(frame)})"
            self._loop_over_events(f"template.root_render_func({variables})", frame)
        elif frame.buffer is None and not self.environment.is_async:
            self.writeline("yield from template._get_default_module()._body_stream")
        else:
            module = self.choose_async("(await template._get_default_module_async())", "template._get_default_module()")
            with self._indented(f"for event in {module}._body_stream:"):
                self.simple_write("event", frame)
        if node.ignore_missing:
            self.outdent()

    def _import_common(self, node: nodes.Import | nodes.FromImport, frame: Frame) -> None:
        awaited, suffix = self.choose_async("await "), self.choose_async("_async")
        self.writes(f"{awaited}environment.get_template(", node.template, f", {self.name!r}).", frame=frame)
        if node.with_context:
            self.write(f"make_module{suffix}(context.get_all(), True, {self.dump_local_context(frame)})")
        else:
            self.write(f"_get_default_module{suffix}(context)")

    def visit_Import(self, node: nodes.Import, frame: Frame) -> None:
        target = node.target
        self.writeline(f"{frame.symbols.ref(target)} = ", node)
        if frame.toplevel:
            self.write(f"context.vars[{target!r}] = ")
        self._import_common(node, frame)
        if frame.toplevel and not target.startswith("_"):
            self._exported("discard", "difference_update", [target])

    def visit_FromImport(self, node: nodes.FromImport, frame: Frame) -> None:
        self.writeline("included_template = ", node)
        self._import_common(node, frame)
        refs: dict[str, str] = {}
        for entry in node.names:
            name, alias = entry if isinstance(entry, tuple) else (entry, entry)
            ref = refs[alias] = frame.symbols.ref(alias)
            self.writeline(f"{ref} = getattr(included_template, {name!r}, missing)")
            before, after = "the template ", f" (imported on {self.position(node)}) does not export the requested name"
            message = f"{before!r} + repr(included_template.__name__) + {f'{after} {name!r}'!r}"
            self.writeline(f"if {ref} is missing: {ref} = undefined({message}, name={name!r})")
        if frame.toplevel:
            self._update("context.vars", refs)
            self._exported("discard", "difference_update", [name for name in refs if name[:1] != "_"])

    # ---- control -----------------------------------------------------------------------------------------------

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        loop_frame, test_frame, else_frame = frame.inner(), frame.inner(), frame.inner()
        loop_frame.loop_frame = True
        extended = (
            node.recursive
            or "loop" in find_undeclared(node.iter_child_nodes(only=("body",)), ("loop",))
            or any(block.scoped for block in node.find_all(nodes.Block))
        )
        loop_ref = loop_frame.symbols.declare_parameter("loop") if extended else None
        loop_frame.symbols.analyze_node(node, for_branch="body")
        if node.else_:
            else_frame.symbols.analyze_node(node, for_branch="else")
        test = None
        if node.test:
            test_frame.symbols.analyze_node(node, for_branch="test")
            test = self._loop_test(node, test_frame, loop_frame)
        if node.recursive:
            self.writeline(f"{self.func('loop')}(reciter, loop_render_func, depth=0):", node)
            self.indent()
            self.buffer(loop_frame)
            else_frame.buffer = loop_frame.buffer
        if loop_ref is not None:
            self.writeline(f"{loop_ref} = missing")
        for name in node.find_all(nodes.Name):
            if name.ctx == "store" and name.name == "loop":
                self.fail("Can't assign to special loop variable in for-loop target", name.lineno)

        indicator = self.temporary_identifier() if node.else_ else None
        if indicator is not None:
            self.writeline(f"{indicator} = 1")
        self._loop_head(node, frame, loop_frame, loop_ref, test)
        self.indent()
        self.enter_frame(loop_frame)
        self.writeline("_loop_vars = {}")
        self.blockvisit(node.body, loop_frame)
        if indicator is not None:
            self.writeline(f"{indicator} = 0")
        self.outdent()
        self.leave_frame(loop_frame, with_python_scope=node.recursive and not node.else_)
        if indicator is not None:
            with self._indented(f"if {indicator}:"):
                self.enter_frame(else_frame)
                self.blockvisit(node.else_, else_frame)
                self.leave_frame(else_frame)
        if node.recursive:
            self.return_buffer_contents(loop_frame)
            self.outdent()
            self.start_write(frame, node)
            self.write(f"{self.choose_async('await ')}loop(")
            self._items(node.iter, frame, self.environment.is_async)
            self.write(", loop)")
            self.end_write(frame)
        if self._assign_stack:
            self._assign_stack[-1].difference_update(loop_frame.symbols.stores)

    def _items(self, node: nodes.Node, frame: Frame, awaited: bool) -> None:
        self.writes("auto_aiter(" if awaited else "", node, ")" if awaited else "", frame=frame)

    def _loop_test(self, node: nodes.For, frame: Frame, loop_frame: Frame) -> str:
        """The function that filters a loop's items; its name."""
        assert node.test is not None
        function = self.temporary_identifier()
        with self._indented(f"{self.func(function)}(items):", node.test):
            self.enter_frame(frame)
            self.writeline(self.choose_async("async for ", "for "))
            self.writes(node.target, " in ", frame=loop_frame)
            self.write(self.choose_async("auto_aiter(items):", "items:"))
            self.indent()
            self.writeline("if ", node.test)
            self.writes(node.test, ":", frame=frame)
            self.indent()
            self.writeline("yield ")
            self.visit(node.target, loop_frame)
            self.outdent(2)
            self.leave_frame(frame, with_python_scope=True)
        return function

    def _loop_head(
        self, node: nodes.For, frame: Frame, loop_frame: Frame, loop_ref: str | None, test: str | None
    ) -> None:
        self.writeline(self.choose_async("async for ", "for "), node)
        self.visit(node.target, loop_frame)
        if loop_ref is not None:
            self.write(f", {loop_ref} in {self.choose_async('Async')}LoopContext(")
        else:
            self.write(" in ")
        self.write("" if test is None else f"{test}(")
        if node.recursive:
            self.write("reciter")
        else:
            self._items(node.iter, frame, self.environment.is_async and loop_ref is None)
        self.write("" if test is None else ")")
        if node.recursive:
            self.write(", undefined, loop_render_func, depth):")
        else:
            self.write(":" if loop_ref is None else ", undefined):")

    def visit_If(self, node: nodes.If, frame: Frame) -> None:
        soft = frame.soft()
        for word, arm in (("if", node), *(("elif", arm) for arm in node.elif_)):
            self.writeline(f"{word} ", arm)
            self.writes(arm.test, ":", frame=soft)
            self.indent()
            self.blockvisit(arm.body, soft)
            self.outdent()
        if node.else_:
            with self._indented("else:"):
                self.blockvisit(node.else_, soft)

    def visit_Continue(self, node: nodes.Continue, frame: Frame) -> None:
        self.writeline("continue", node)

    def visit_Break(self, node: nodes.Break, frame: Frame) -> None:
        self.writeline("break", node)

    # ---- macros and scopes -------------------------------------------------------------------------------------

    def visit_Macro(self, node: nodes.Macro, frame: Frame) -> None:
        macro_frame, macro_ref = self.macro_body(node, frame)
        target = f"{frame.symbols.ref(node.name)} = "
        if frame.toplevel:
            if not node.name.startswith("_"):
                self._exported("add", "update", [node.name])
            target = f"context.vars[{node.name!r}] = {target}"
        self.writeline(target)
        self.macro_def(macro_ref, macro_frame)

    def visit_CallBlock(self, node: nodes.CallBlock, frame: Frame) -> None:
        call_frame, macro_ref = self.macro_body(node, frame)
        self.writeline("caller = ")
        self.macro_def(macro_ref, call_frame)
        self.start_write(frame, node)
        self.visit_Call(node.call, frame, forward_caller=True)
        self.end_write(frame)

    @contextmanager
    def _scope(self, node: nodes.Node, scope: Frame) -> Iterator[Frame]:
        """The inside of a node that opens a frame."""
        scope.symbols.analyze_node(node)
        self.enter_frame(scope)
        yield scope
        self.leave_frame(scope)

    def visit_FilterBlock(self, node: nodes.FilterBlock, frame: Frame) -> None:
        with self._scope(node, frame.inner()) as scope:
            self.buffer(scope)
            self.blockvisit(node.body, scope)
            self.start_write(frame, node)
            self.visit_Filter(node.filter, scope)
            self.end_write(frame)

    def visit_With(self, node: nodes.With, frame: Frame) -> None:
        with self._scope(node, frame.inner()) as scope:
            for target, value in zip(node.targets, node.values, strict=False):
                self.newline()
                self.visit(target, scope)
                self.writes(" = ", value, frame=frame)
            self.blockvisit(node.body, scope)

    def visit_Scope(self, node: nodes.Scope, frame: Frame) -> None:
        with self._scope(node, frame.inner()) as scope:
            self.blockvisit(node.body, scope)

    def visit_OverlayScope(self, node: nodes.OverlayScope, frame: Frame) -> None:
        context = self.temporary_identifier()
        self.writeline(f"{context} = {self.derive_context(frame)}")
        self.writeline(f"{context}.vars = ")
        self.visit(node.context, frame)
        self.push_context_reference(context)
        with self._scope(node, frame.inner(isolated=True)) as scope:
            self.blockvisit(node.body, scope)
        self.pop_context_reference()

    def visit_EvalContextModifier(self, node: nodes.EvalContextModifier, frame: Frame) -> None:
        for option in node.options:
            self.writeline(f"context.eval_ctx.{option.key} = ")
            self.visit(option.value, frame)
            try:
                setattr(frame.eval_ctx, option.key, option.value.as_const(frame.eval_ctx))
            except nodes.Impossible:
                frame.eval_ctx.volatile = True

    def visit_ScopedEvalContextModifier(self, node: nodes.ScopedEvalContextModifier, frame: Frame) -> None:
        before, saved = self.temporary_identifier(), frame.eval_ctx.save()
        self.writeline(f"{before} = context.eval_ctx.save()")
        self.visit_EvalContextModifier(node, frame)
        for child in node.body:
            self.visit(child, frame)
        frame.eval_ctx.revert(saved)
        self.writeline(f"context.eval_ctx.revert({before})")

    # ---- assignments and output --------------------------------------------------------------------------------

    def visit_ExprStmt(self, node: nodes.ExprStmt, frame: Frame) -> None:
        self.newline(node)
        self.visit(node.node, frame)

    def visit_Assign(self, node: nodes.Assign, frame: Frame) -> None:
        self.push_assign_tracking()
        for name in dict.fromkeys(target.name for target in node.find_all(nodes.NSRef)):
            with self._indented(f"if not isinstance({frame.symbols.ref(name)}, Namespace):"):
                self.writeline('raise TemplateRuntimeError("cannot assign attribute on non-namespace object")')
        self.newline(node)
        self.writes(node.target, " = ", node.node, frame=frame)
        self.pop_assign_tracking(frame)

    def visit_AssignBlock(self, node: nodes.AssignBlock, frame: Frame) -> None:
        self.push_assign_tracking()
        scope = frame.inner()
        # It is captured, whether or not the template has a parent.
        scope.require_output_check = False
        scope.symbols.analyze_node(node)
        self.enter_frame(scope)
        self.buffer(scope)
        self.blockvisit(node.body, scope)
        self.newline(node)
        self.writes(node.target, " = (Markup if context.eval_ctx.autoescape else identity)(", frame=frame)
        if node.filter is not None:
            self.visit_Filter(node.filter, scope)
        else:
            self.write(f"concat({scope.buffer})")
        self.write(")")
        self.pop_assign_tracking(frame)
        self.leave_frame(scope)

    class _FinalizeInfo(t.NamedTuple):
        """What printed values go through: a function for constants, and how the source of a call of it begins."""

        const: t.Callable[..., t.Any] | None
        src: str | None

    _finalize: "_FinalizeInfo | None" = None

    @staticmethod
    def _default_finalize(value: t.Any) -> t.Any:
        """What constants go through last."""
        return str(value)

    def _make_finalize(self) -> _FinalizeInfo:
        """What printed values go through in this environment."""
        if self._finalize is None:
            default, finalize = self._default_finalize, self.environment.finalize
            if finalize is None:
                self._finalize = self._FinalizeInfo(default, None)
                return self._finalize
            wanted = _PassArg.from_obj(finalize)
            const: t.Callable[..., t.Any] | None = None
            if wanted is None:
                const = lambda value: default(finalize(value))  # noqa: E731
            elif wanted is _PassArg.environment:
                const = lambda value: default(finalize(self.environment, value))  # noqa: E731
            passed = "" if wanted is None else f"{PASSED[wanted]}, "
            self._finalize = self._FinalizeInfo(const, f"environment.finalize({passed}")
        return self._finalize

    def _output_const_repr(self, group: t.Iterable[t.Any]) -> str:
        """The source of neighbouring constants."""
        return repr(concat(group))

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: _FinalizeInfo) -> t.Any:
        """What a printed constant comes to; raises anything if it is none."""
        value = node.as_const(frame.eval_ctx)
        if frame.eval_ctx.autoescape:
            value = escape(value)
        if isinstance(node, nodes.TemplateData):
            return str(value)
        assert finalize.const is not None
        return finalize.const(value)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: _FinalizeInfo) -> None:
        """The source before a printed value."""
        how = "escape" if frame.eval_ctx.autoescape else "str"
        if frame.eval_ctx.volatile:
            how = "(escape if context.eval_ctx.autoescape else str)"
        self.write(f"{how}({finalize.src or ''}")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: _FinalizeInfo) -> None:
        """The source behind a printed value."""
        self.write(")" if finalize.src is None else "))")

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        if frame.require_output_check:
            if self.has_known_extends:
                return
            self.writeline("if parent_template is None:")
            self.indent()
        finalize = self._make_finalize()
        # What a subclass makes of `start_write` and `simple_write` is not meant for printed values.
        begin, end = ("yield ", "") if frame.buffer is None else (f"{frame.buffer}.append(", ")")
        for part in self._output_parts(node, frame, finalize):
            if isinstance(part, list):
                self.writeline(f"{begin}{self._output_const_repr(part)}{end}")
                continue
            self.writeline(begin, part)
            self._output_child_pre(part, frame, finalize)
            self.visit(part, frame)
            self._output_child_post(part, frame, finalize)
            self.write(end)
        if frame.require_output_check:
            self.outdent()

    def _output_parts(
        self, node: nodes.Output, frame: Frame, finalize: _FinalizeInfo
    ) -> list[list[t.Any] | nodes.Expr]:
        """What is printed: lists of neighbouring constants, and nodes."""
        parts: list[list[t.Any] | nodes.Expr] = []
        for child in node.nodes:
            try:
                if finalize.const is None and not isinstance(child, nodes.TemplateData):
                    raise nodes.Impossible()
                value = self._output_child_to_const(child, frame, finalize)
            except Exception:
                # What fails now fails again when the template runs, where it can be told.
                parts.append(child)
                continue
            last = parts[-1] if parts else None
            if isinstance(last, list):
                last.append(value)
            else:
                parts.append([value])
        return parts


if not t.TYPE_CHECKING:

    def __getattr__(name: str) -> t.Any:
        from haiden._elsewhere import find

        return find(__name__, name)
