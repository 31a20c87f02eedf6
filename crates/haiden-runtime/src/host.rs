//! The Host trait: what the virtual machine asks of the world of values it runs over.
//!
//! The machine never looks inside a value: it moves registers, and for everything else calls a verb of its host. The
//! host says what a value is, how a register holds it, and what the output is. Three hosts exist: native values, live
//! Python objects, and a toy that suspends at every verb and serves as the executable documentation of this trait.
//!
//! Each verb's doc says, where it is not plain: Jinja's rule; what the machine guarantees; what the host owes.
//!
//! # Promises that hold for every verb
//! * A register may be *missing* (a variable that is not set; also what a hostile image may pass anywhere): a verb
//!   that needs a value treats it as an undefined one. No verb panics on any register.
//! * A verb may *suspend*: return an error for which [`Host::is_suspension`] is true, having done nothing. The machine
//!   stops; when it is resumed it calls the same verb with the same arguments again. Verbs that only make something out
//!   of what they are given (contexts, macros, undefined values, captured text, constants, expanded arguments) do not
//!   suspend; their docs say *makes*.
//! * Verbs that run template code (a macro called back by a filter) do so through `crate::vm::Vm::call` on a machine of
//!   their own.

use std::sync::Arc;

use haiden_bytecode::Constant;

use crate::append::Short;
pub use crate::faults::{Fault, Undefined};
use crate::loops::LoopState;
pub use crate::operators::{BinaryOp, CompareOp, UnaryOp};
use crate::program::{Chain, Program, Shape};

/// A world of values.
pub trait Host: Sized {
    /// One register. `Clone` duplicates the reference, never the value.
    type Register: Clone + 'static;
    /// Where a page is written.
    type Output;
    /// What a verb fails with.
    type Error;
    /// An iterator in progress.
    type Iterator: 'static;
    /// A block of cells (variables that macros share with the frame that defines them) and its parent.
    type Cells: Clone + 'static;
    /// A template context: where free names are looked up and top-level variables are published.
    type Context: Clone + 'static;
    /// What a constant was linked to.
    type Constant;
    /// What a name was linked to: for context variables, parameters and exports.
    type Name;
    /// What an attribute site was linked to: a name and what the host remembers about it.
    type Site;
    /// What all sites of a program have in common.
    type SiteKind: Copy;
    /// What a filter was linked to.
    type Filter;
    /// What a test was linked to.
    type Test;
    /// What the host keeps with a program: its globals, its environment, its source for error messages.
    type Extra;
    /// What [`Host::enter`] returned for the program that runs.
    type Entry: Copy + 'static;
    /// A mark in the output.
    type Mark: 'static;

    // ---- registers: cheap, infallible, inlined into the loop ----------------------------------------------------

    /// The missing register.
    fn missing() -> Self::Register;
    /// Is the register missing?
    fn is_missing(register: &Self::Register) -> bool;
    /// The `None` register.
    fn none(&mut self) -> Self::Register;
    /// Is it `None`?
    fn is_none(&self, value: &Self::Register) -> bool;
    /// A boolean.
    fn boolean(&mut self, value: bool) -> Self::Register;
    /// An integer.
    fn integer(&mut self, value: i64) -> Self::Register;
    /// The integer in a register, if it is exactly an integer (no boolean, no subclass) and cheap to read. `None` only
    /// sends the machine the slow way.
    fn int(register: &Self::Register) -> Option<i64>;
    /// The boolean in a register, if it is exactly one. `None` only sends the machine the slow way.
    fn bool(register: &Self::Register) -> Option<bool>;

    // ---- programs -----------------------------------------------------------------------------------------------

    /// The machine starts to run (or returns to) a program; the result is handed to [`Host::constant`].
    fn enter(&mut self, program: &Arc<Program<Self>>) -> Self::Entry;
    /// Makes a constant's register. Lists and dicts are new objects each time.
    fn constant(
        &mut self,
        entry: Self::Entry,
        constant: &Self::Constant,
    ) -> Result<Self::Register, Self::Error>;

    // ---- output ---------------------------------------------------------------------------------------------------

    /// Template text, as it is. `ascii`: it has only ASCII characters.
    fn write(&mut self, out: &mut Self::Output, text: &str, ascii: bool) -> Result<(), Self::Error>;
    /// As [`Host::write`], of a short text, which is ASCII: a host may copy it as a block of one size.
    #[inline(always)]
    fn write_short(&mut self, out: &mut Self::Output, text: Short<'_>) -> Result<(), Self::Error> {
        self.write(out, text.text(), true)
    }
    /// A value as text: `str(value)`, escaped for HTML if `escape` and it is not markup.
    fn emit(
        &mut self,
        out: &mut Self::Output,
        value: &Self::Register,
        escape: bool,
    ) -> Result<(), Self::Error>;
    /// As [`Host::emit`], in a context: what a host needs that passes values through functions first.
    #[inline(always)]
    fn emit_in(
        &mut self,
        out: &mut Self::Output,
        context: Option<&Self::Context>,
        value: &Self::Register,
        escape: bool,
    ) -> Result<(), Self::Error> {
        let _ = context;
        self.emit(out, value, escape)
    }
    /// As [`Host::attr`] and [`Host::emit_in`], if both are cheap and can neither fail nor suspend; `false` if not, and nothing
    /// is written.
    #[inline(always)]
    fn emit_attr_fast(
        &mut self,
        out: &mut Self::Output,
        object: &Self::Register,
        site: &Self::Site,
        escape: bool,
    ) -> bool {
        let _ = (out, object, site, escape);
        false
    }
    /// As [`Host::emit_in`], of a constant expression: what values go through gets what `folded` makes of it, and pages that are
    /// values have it as text if it could stand in a source. `escape`: if that is only known when it runs.
    fn emit_folded(
        &mut self,
        out: &mut Self::Output,
        context: Option<&Self::Context>,
        value: &Self::Register,
        folded: bool,
        escape: bool,
    ) -> Result<(), Self::Error> {
        let _ = folded;
        self.emit_in(out, context, value, escape)
    }
    /// Writes a value that is text already, as it is.
    fn emit_text(&mut self, out: &mut Self::Output, value: &Self::Register) -> Result<(), Self::Error> {
        self.emit(out, value, false)
    }
    /// May what a printed macro or `super()` writes go straight to the output? Not if printed values are more than text.
    #[inline(always)]
    fn writes_through(&self) -> bool {
        true
    }
    /// Where the output is now.
    fn mark(&mut self, out: &mut Self::Output) -> Self::Mark;
    /// Makes a string (or markup) of what was written since `mark`, taking it out of the output.
    fn take_since(
        &mut self,
        out: &mut Self::Output,
        mark: Self::Mark,
        markup: bool,
    ) -> Result<Self::Register, Self::Error>;
    /// Takes what was written since `mark` out of the output, for a module: a string, or what the host makes one of.
    fn take_body(&mut self, out: &mut Self::Output, mark: Self::Mark) -> Result<Self::Register, Self::Error> {
        self.take_since(out, mark, false)
    }
    /// What was written since `mark` is one printed value, as the outermost turn of a recursive loop is; called only where
    /// nothing [`writes_through`](Host::writes_through). Where printed values are only text there is nothing to do.
    fn join_since(
        &mut self,
        out: &mut Self::Output,
        mark: Self::Mark,
        markup: bool,
    ) -> Result<(), Self::Error> {
        let _ = (out, mark, markup);
        Ok(())
    }

    // ---- context --------------------------------------------------------------------------------------------------

    /// The variable `name`: what the template has published, else what it was rendered with, else its globals.
    fn lookup(
        &mut self,
        context: &Self::Context,
        name: &Self::Name,
    ) -> Result<Option<Self::Register>, Self::Error>;
    /// Publishes a top-level variable.
    fn export(
        &mut self,
        context: &Self::Context,
        name: &Self::Name,
        value: &Self::Register,
        how: Export,
    ) -> Result<(), Self::Error>;
    /// Makes a context for `program`: for `include` and `import … with context`, the variables of `parent` with `locals` on
    /// top; for a plain import (no parent), globals only.
    fn new_context(
        &mut self,
        program: &Arc<Program<Self>>,
        parent: Option<&Self::Context>,
        locals: &[(&Self::Name, Self::Register)],
    ) -> Result<Self::Context, Self::Error>;
    /// Makes the same template's context with `locals` on top, for a scoped block; it shares the chain.
    fn derive_context(
        &mut self,
        context: &Self::Context,
        locals: &[(&Self::Name, Self::Register)],
    ) -> Result<Self::Context, Self::Error>;
    /// Makes the same template's context with `locals` and, on top of them, the items of the mapping `variables`.
    ///
    /// Only trees that extensions make ask for it; a host without extensions of its users' need not know how.
    fn overlay_context(
        &mut self,
        context: &Self::Context,
        locals: &[(&Self::Name, Self::Register)],
        variables: &Self::Register,
    ) -> Result<Self::Context, Self::Error> {
        let _ = (context, locals, variables);
        Err(self.fault(Fault::BadImage("an overlay scope, which this host does not have")))
    }
    /// What a path names outside of the template: `environment:NAME`, `extension:IDENTIFIER:NAME`, `import:NAME`, or
    /// `object:NUMBER` of the tree. As for [`Host::overlay_context`].
    fn outside(&mut self, program: &Arc<Program<Self>>, path: &str) -> Result<Self::Register, Self::Error> {
        let _ = (program, path);
        Err(self.fault(Fault::BadImage("something of an environment that this host does not have")))
    }
    /// Makes a value of the context itself.
    fn context_object(&mut self, context: &Self::Context) -> Result<Self::Register, Self::Error>;
    /// The templates that share the context and their blocks. A new context starts with [`Chain::of`] its program.
    fn chain(&mut self, context: &Self::Context) -> Arc<Chain<Self>>;
    /// Replaces the context's chain (its template has a parent now).
    fn set_chain(&mut self, context: &Self::Context, chain: Arc<Chain<Self>>);
    /// Is autoescape on in this context right now?
    fn autoescape(&mut self, context: &Self::Context) -> bool;
    /// Switches autoescape.
    fn set_autoescape(&mut self, context: &Self::Context, on: bool);

    // ---- cells ----------------------------------------------------------------------------------------------------

    /// A block of `count` missing cells inside `parent`.
    fn new_cells(&mut self, parent: Option<&Self::Cells>, count: usize) -> Self::Cells;
    /// Cell `index` of the block `hops` steps outwards; missing if there is none.
    fn cell(&mut self, cells: &Self::Cells, hops: usize, index: usize) -> Self::Register;
    /// Sets cell `index` of the block `hops` steps outwards; no effect if there is none.
    fn set_cell(&mut self, cells: &Self::Cells, hops: usize, index: usize, value: Self::Register);

    // ---- values ---------------------------------------------------------------------------------------------------

    /// Makes an undefined value of the environment's kind.
    fn undefined(&mut self, why: Undefined<'_>) -> Result<Self::Register, Self::Error>;
    /// Is the value true?
    fn truth(&mut self, value: &Self::Register) -> Result<bool, Self::Error>;
    /// An attribute site that reads `name`. `read`: nobody gets its value but a filter or test to which that makes a difference, see
    /// [`Linker::reads`].
    fn site(kind: Self::SiteKind, name: &Self::Name, read: bool) -> Self::Site;
    /// `object.name`: the attribute, else the item, else undefined.
    fn attr(&mut self, object: &Self::Register, site: &Self::Site) -> Result<Self::Register, Self::Error>;
    /// What [`Host::attr`] raises for an undefined object; nothing for any other.
    fn check_object(&mut self, object: &Self::Register, site: &Self::Site) -> Result<(), Self::Error>;
    /// `object[key]`: the item, else (for a string key) the attribute, else undefined.
    fn item(&mut self, object: &Self::Register, key: &Self::Register) -> Result<Self::Register, Self::Error>;
    /// Does Jinja2 call the filter of this name on a constant while it compiles? Not if it takes the context.
    fn folds(&mut self, filter: &Self::Name) -> Result<bool, Self::Error> {
        let _ = filter;
        Ok(true)
    }
    /// `object[slice]`, where the slice stands in the source.
    fn item_slice(
        &mut self,
        object: &Self::Register,
        slice: &Self::Register,
    ) -> Result<Self::Register, Self::Error> {
        self.item(object, slice)
    }
    /// [`Fault::NotANamespace`] if it is none.
    fn check_namespace(&mut self, object: &Self::Register) -> Result<(), Self::Error>;
    /// `namespace.name = value`. Set blocks do so to other objects too: `object['name'] = value`, for whatever can do that.
    fn set_attr(
        &mut self,
        object: &Self::Register,
        site: &Self::Site,
        value: &Self::Register,
    ) -> Result<(), Self::Error>;
    /// `slice(start, stop, step)`.
    fn slice(&mut self, parts: &[Self::Register; 3]) -> Result<Self::Register, Self::Error>;
    /// `left op right`.
    fn binary(
        &mut self,
        op: BinaryOp,
        left: &Self::Register,
        right: &Self::Register,
    ) -> Result<Self::Register, Self::Error>;
    /// `-value`, `+value`.
    fn unary(&mut self, op: UnaryOp, value: &Self::Register) -> Result<Self::Register, Self::Error>;
    /// `left op right` in a template whose operators the environment intercepts. The machine computes nothing by itself then.
    fn intercepted_binary(
        &mut self,
        context: &Self::Context,
        op: BinaryOp,
        left: &Self::Register,
        right: &Self::Register,
    ) -> Result<Self::Register, Self::Error> {
        let _ = context;
        self.binary(op, left, right)
    }
    /// `-value`, `+value` in such a template.
    fn intercepted_unary(
        &mut self,
        context: &Self::Context,
        op: UnaryOp,
        value: &Self::Register,
    ) -> Result<Self::Register, Self::Error> {
        let _ = context;
        self.unary(op, value)
    }
    /// `left op right`.
    fn compare(
        &mut self,
        op: CompareOp,
        left: &Self::Register,
        right: &Self::Register,
    ) -> Result<Self::Register, Self::Error>;
    /// The truth of `left op right`.
    fn compare_truth(
        &mut self,
        op: CompareOp,
        left: &Self::Register,
        right: &Self::Register,
    ) -> Result<bool, Self::Error> {
        let result = self.compare(op, left, right)?;
        self.truth(&result)
    }
    /// The values as text, joined; with `markup`, each escaped unless it is markup, and the result is markup if any was.
    fn concat(&mut self, values: &[Self::Register], markup: bool) -> Result<Self::Register, Self::Error>;
    /// The value, marked safe.
    fn mark_safe(&mut self, value: &Self::Register) -> Result<Self::Register, Self::Error>;
    /// A new list.
    fn list(&mut self, values: &[Self::Register]) -> Result<Self::Register, Self::Error>;
    /// Makes a new tuple.
    fn tuple(&mut self, values: &[Self::Register]) -> Result<Self::Register, Self::Error>;
    /// A new dict of keys and values in turn; a later key wins but keeps the first place.
    fn dict(&mut self, pairs: &[Self::Register]) -> Result<Self::Register, Self::Error>;
    /// Appends to a list that [`Host::list`] made just before.
    fn extend_list(&mut self, list: &Self::Register, values: &[Self::Register]) -> Result<(), Self::Error>;
    /// Adds to a dict that [`Host::dict`] made just before.
    fn extend_dict(&mut self, dict: &Self::Register, pairs: &[Self::Register]) -> Result<(), Self::Error>;
    /// The tuple of a list that [`Host::list`] made just before.
    fn list_to_tuple(&mut self, list: &Self::Register) -> Result<Self::Register, Self::Error>;
    /// Exactly `into.len()` items of a value; else Python's `ValueError`.
    fn unpack(&mut self, value: &Self::Register, into: &mut [Self::Register]) -> Result<(), Self::Error>;

    // ---- iteration ------------------------------------------------------------------------------------------------

    /// Starts to iterate.
    fn iterate(&mut self, value: &Self::Register) -> Result<Self::Iterator, Self::Error>;
    /// The next item.
    fn next(&mut self, iterator: &mut Self::Iterator) -> Result<Option<Self::Register>, Self::Error>;
    /// The next item, into a register, if that is cheap and cannot fail: is there one? `None` only sends the machine the
    /// slow way, through [`Host::next`].
    #[inline(always)]
    fn next_fast(&mut self, _: &mut Self::Iterator, _: &mut Self::Register) -> Option<bool> {
        None
    }
    /// The next item, unpacked to two.
    fn next_pair(&mut self, iterator: &mut Self::Iterator) -> Result<Option<Pair<Self>>, Self::Error> {
        let Some(item) = self.next(iterator)? else { return Ok(None) };
        let mut pair = [Self::missing(), Self::missing()];
        self.unpack(&item, &mut pair)?;
        let [first, second] = pair;
        Ok(Some((first, second)))
    }
    /// How many items are left, where that is known without taking them.
    fn remaining(&mut self, iterator: &Self::Iterator) -> Option<usize>;
    /// How many items there are in all by what is iterated over, if it says so itself. Asked where `remaining` is not known.
    fn length_of(&mut self, iterator: &Self::Iterator) -> Result<Option<usize>, Self::Error> {
        let _ = iterator;
        Ok(None)
    }
    /// An iterator over values that were taken before.
    fn iterate_over(&mut self, values: Vec<Self::Register>) -> Self::Iterator;
    /// Are two values equal (for `loop.changed`)?
    fn equal(&mut self, left: &[Self::Register], right: &[Self::Register]) -> Result<bool, Self::Error>;

    // ---- calls ----------------------------------------------------------------------------------------------------

    /// Is the value something that the machine itself runs?
    fn callee<'a>(&'a self, value: &'a Self::Register) -> Callee<'a, Self>;
    /// Does a foreign callee ask for the context it is called in, so that it is to see what loops and blocks have set?
    fn asks_for_context(&mut self, callee: &Self::Register) -> Result<bool, Self::Error> {
        let _ = callee;
        Ok(false)
    }
    /// Calls a value that is [`Callee::Foreign`].
    fn call(
        &mut self,
        context: &Self::Context,
        callee: &Self::Register,
        arguments: Arguments<'_, Self>,
    ) -> Result<Self::Register, Self::Error>;
    /// `receiver.name(…)`, as [`Host::attr`] then [`Host::call`]; the machine runs the attribute if it is not foreign.
    fn call_method(
        &mut self,
        context: &Self::Context,
        receiver: &Self::Register,
        site: &Self::Site,
        arguments: Arguments<'_, Self>,
    ) -> Result<Called<Self>, Self::Error> {
        let callee = self.attr(receiver, site)?;
        if matches!(self.callee(&callee), Callee::Foreign) {
            self.call(context, &callee, arguments).map(Called::Value)
        } else {
            Ok(Called::Enter(callee))
        }
    }
    /// Applies a filter.
    fn filter(
        &mut self,
        context: &Self::Context,
        filter: &Self::Filter,
        value: &Self::Register,
        arguments: Arguments<'_, Self>,
    ) -> Result<Self::Register, Self::Error>;
    /// Applies a filter and writes the result, as [`Host::filter`] then [`Host::emit`].
    fn emit_filter(
        &mut self,
        out: &mut Self::Output,
        context: &Self::Context,
        filter: &Self::Filter,
        value: &Self::Register,
        arguments: Arguments<'_, Self>,
        escape: bool,
    ) -> Result<(), Self::Error> {
        let result = self.filter(context, filter, value, arguments)?;
        self.emit(out, &result, escape)
    }
    /// Applies a test.
    fn test(
        &mut self,
        context: &Self::Context,
        test: &Self::Test,
        value: &Self::Register,
        arguments: Arguments<'_, Self>,
    ) -> Result<bool, Self::Error>;
    /// As [`Host::test`], with the answer as the test gives it: one of a user need not be a boolean.
    fn test_value(
        &mut self,
        context: &Self::Context,
        test: &Self::Test,
        value: &Self::Register,
        arguments: Arguments<'_, Self>,
    ) -> Result<Self::Register, Self::Error> {
        let holds = self.test(context, test, value, arguments)?;
        Ok(self.boolean(holds))
    }
    /// Makes the items of a `*args` value.
    fn star(&mut self, value: &Self::Register) -> Result<Vec<Self::Register>, Self::Error>;
    /// Makes the items of a `**kwargs` value.
    fn star_star(&mut self, value: &Self::Register) -> Result<Vec<(String, Self::Register)>, Self::Error>;
    /// Makes a dict with text keys: a macro's `kwargs`.
    fn keywords(&mut self, pairs: &[(&str, Self::Register)]) -> Result<Self::Register, Self::Error>;

    // ---- objects of the machine -----------------------------------------------------------------------------------

    /// Makes a value of a macro.
    fn make_macro(&mut self, closure: Closure<Self>) -> Result<Self::Register, Self::Error>;
    /// Makes a value of a block: `super`, `self.name`.
    fn make_block(&mut self, block: BlockReference<Self>) -> Result<Self::Register, Self::Error>;
    /// Makes `self`: the blocks by name.
    fn make_self(&mut self, context: &Self::Context) -> Result<Self::Register, Self::Error>;
    /// Takes over the state of a loop and makes it a value: `loop`.
    fn share_loop(&mut self, state: Box<LoopState<Self>>) -> Result<Self::Register, Self::Error>;
    /// Takes the state out of a loop value; the machine puts it back with [`Host::put_loop`] after a moment.
    fn take_loop(&mut self, value: &Self::Register) -> Option<Box<LoopState<Self>>>;
    /// Puts the state back.
    fn put_loop(&mut self, value: &Self::Register, state: Box<LoopState<Self>>);

    // ---- templates ------------------------------------------------------------------------------------------------

    /// The template that `name` names (a text, or a template object), for `extends`.
    fn template(
        &mut self,
        name: &Self::Register,
        from: &Arc<Program<Self>>,
    ) -> Result<Arc<Program<Self>>, Self::Error>;
    /// The template for `import`: what `template` finds, unless a host has more to do for a module.
    fn imported_template(
        &mut self,
        name: &Self::Register,
        from: &Arc<Program<Self>>,
    ) -> Result<Arc<Program<Self>>, Self::Error> {
        self.template(name, from)
    }
    /// The template for `include`: a name, a template object, or a list of them of which the first that exists is meant.
    /// `None` if none exists and that is no error. `flags`: the bits of [`include_flags`](haiden_bytecode::include_flags).
    fn select_template(
        &mut self,
        names: &Self::Register,
        from: &Arc<Program<Self>>,
        flags: u8,
    ) -> Result<Option<Arc<Program<Self>>>, Self::Error>;
    /// The module of a template that was imported without context before.
    fn cached_module(&mut self, program: &Arc<Program<Self>>) -> Option<Self::Register>;
    /// Makes the module of a template that ran in `context` and wrote `body`. `cache`: it was imported without context.
    fn make_module(
        &mut self,
        program: &Arc<Program<Self>>,
        context: &Self::Context,
        body: Self::Register,
        cache: bool,
    ) -> Result<Self::Register, Self::Error>;
    /// What a module exports under `name` (makes nothing, but does not suspend either).
    fn module_member(
        &mut self,
        module: &Self::Register,
        name: &Self::Name,
    ) -> Result<Option<Self::Register>, Self::Error>;

    /// The name of the template that a module is of.
    fn module_name(&mut self, module: &Self::Register) -> Option<String>;

    // ---- errors -----------------------------------------------------------------------------------------------------

    /// The error for something that went wrong in the machine itself.
    fn fault(&mut self, fault: Fault<'_>) -> Self::Error;
    /// The fuel is used up: more of it (a host that only wants to look up from time to time gives it by the slice), or the
    /// error that ends the render.
    fn refuel(&mut self) -> Result<u64, Self::Error> {
        Err(self.fault(Fault::OutOfFuel))
    }
    /// Is this no error but a request to stop and come back?
    fn is_suspension(_error: &Self::Error) -> bool {
        false
    }
    /// What an error's trace calls a program: its name, or its file's.
    fn place(program: &Program<Self>) -> Option<Arc<str>> {
        program.name().cloned()
    }
    /// What a frame of the trace that is being made sees: its context, and the locals that its instruction names. Asked for each
    /// frame in the trace's order, before [`locate`](Self::locate): for hosts whose debuggers show variables.
    fn witness(&mut self, context: &Self::Context, locals: &[(&Self::Name, Self::Register)]) {
        let _ = (context, locals);
    }
    /// Attaches the place to an error: innermost frame first. Called once, when the machine gives up.
    fn locate(&mut self, error: Self::Error, trace: &[TraceFrame]) -> Self::Error;
}

/// Two registers.
pub type Pair<H> = (<H as Host>::Register, <H as Host>::Register);

/// How [`Host::export`] publishes a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// In the context only (its name starts with an underline).
    Private,
    /// In the context, and as a member of the template's module.
    Public,
    /// In the context, and no longer as a member of the module (imported names).
    Imported,
}

/// The arguments of a call: positional values, then keyword values, then `*args` and `**kwargs` as `shape` says.
pub struct Arguments<'a, H: Host> {
    /// The values.
    pub values: &'a [H::Register],
    /// What they are.
    pub shape: &'a Shape<H>,
}

impl<'a, H: Host> Arguments<'a, H> {
    /// The same arguments with other values in their places, if there are some.
    #[must_use]
    pub fn with(self, values: Option<&'a [H::Register]>) -> Arguments<'a, H> {
        Arguments { values: values.unwrap_or(self.values), shape: self.shape }
    }
}

impl<H: Host> Clone for Arguments<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<H: Host> Copy for Arguments<'_, H> {}

/// What came of a method call.
pub enum Called<H: Host> {
    /// The result.
    Value(H::Register),
    /// The method is this value, which the machine is to run (see [`Host::callee`]).
    Enter(H::Register),
}

/// What the machine finds in a value that is called.
pub enum Callee<'a, H: Host> {
    /// A macro.
    Macro(&'a Closure<H>),
    /// A block: `super`, `self.name`.
    Block(&'a BlockReference<H>),
    /// A loop value: calling it runs the loop's body again.
    Loop,
    /// Something that [`Host::call`] calls.
    Foreign,
}

/// A function of a template together with what it sees from outside: what a macro is.
pub struct Closure<H: Host> {
    /// The template.
    pub program: Arc<Program<H>>,
    /// The function.
    pub function: u32,
    /// The cells that enclose it.
    pub cells: Option<H::Cells>,
    /// The context of the template that defines it.
    pub context: H::Context,
}

impl<H: Host> Clone for Closure<H> {
    fn clone(&self) -> Self {
        Closure {
            program: self.program.clone(),
            function: self.function,
            cells: self.cells.clone(),
            context: self.context.clone(),
        }
    }
}

impl<H: Host> Closure<H> {
    /// The macro's name; `None` for the body of a `call` block.
    pub fn name(&self) -> Option<&str> {
        self.program.function_name(self.function)
    }
}

/// A definition of a block in a context's chain.
pub struct BlockReference<H: Host> {
    /// The context that it runs in.
    pub context: H::Context,
    /// The chain it was found in.
    pub chain: Arc<Chain<H>>,
    /// Which block of the chain.
    pub block: usize,
    /// Which definition of it: 0 is the most derived.
    pub depth: usize,
}

impl<H: Host> Clone for BlockReference<H> {
    fn clone(&self) -> Self {
        BlockReference {
            context: self.context.clone(),
            chain: self.chain.clone(),
            block: self.block,
            depth: self.depth,
        }
    }
}

/// One frame of an error's trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFrame {
    /// The template's name; `None` for one made from a text.
    pub template: Option<Arc<str>>,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
    /// The column, from 1, in characters; 0 if unknown.
    pub column: u32,
    /// What runs there: the kind of function and its name.
    pub function: haiden_bytecode::FunctionKind,
    /// The function's name.
    pub name: Option<Arc<str>>,
}

/// What alone gets the value of an attribute site.
pub enum LinkedReader<'a, H: Host> {
    /// A filter with one argument: `x.y|default(z)`.
    Filter(&'a H::Filter),
    /// A test without arguments: `x.y is defined`.
    Test(&'a H::Test),
}

/// What [`crate::program::link`] asks of an environment: the constant parts of a program.
pub trait Linker<H: Host> {
    /// A scalar constant, which may be one of an image's strings, or the container of `parts`.
    fn constant(
        &mut self,
        strings: haiden_bytecode::Strings<'_>,
        constant: &Constant,
        parts: &[H::Constant],
    ) -> H::Constant;
    /// A name.
    fn name(&mut self, name: &str) -> H::Name;
    /// The text of a name that was linked before, for who keeps it: a host that has it shared need not copy it.
    fn text(&mut self, name: &str, linked: &H::Name) -> Arc<str> {
        let _ = linked;
        name.into()
    }
    /// A name that was linked before, for another place.
    fn another_name(&mut self, name: &str, linked: &H::Name) -> H::Name {
        let _ = linked;
        self.name(name)
    }
    /// Is a filter or test that is unknown an error when it is called, and not before? So it is when a template is linked again.
    fn forgives(&self) -> bool {
        false
    }
    /// What the program's attribute sites have in common.
    fn site_kind(&self) -> H::SiteKind;
    /// Does this filter or test make a difference to a site of which it alone gets the value?
    fn reads(&self, reader: &LinkedReader<'_, H>) -> bool {
        let _ = reader;
        false
    }
    /// The filter of this name, if there is one.
    fn filter(&mut self, name: &str) -> Option<H::Filter>;
    /// The test of this name, if there is one.
    fn test(&mut self, name: &str) -> Option<H::Test>;
}
