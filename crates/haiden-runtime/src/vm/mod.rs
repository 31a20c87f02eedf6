//! Run: a program and a context become output.
//!
//! In: a [`Program`] of one host and a context. Out: text in the host's output. The machine owns registers, frames and
//! loops, and nothing borrowed: host and output arrive at each [`Vm::resume`], so a machine can live in an object, a
//! stream or a future. `include`, `extends`, blocks, macros and recursive loops push frames; the machine never recurses
//! for them.
//!
//! Reading order: [`run`] is the dispatch loop and [`rare`] its rarer arms, [`frames`] what a frame is and what its end does, [`calls`] how
//! arguments reach a macro, [`templates`] how one template reaches another.

mod calls;
mod frames;
mod rare;
mod run;
mod slots;
mod templates;

use std::sync::Arc;

use haiden_bytecode::FunctionKind;

pub use calls::wrong_arguments;

use crate::host::{Closure, Fault, Host, TraceFrame};
use crate::program::Program;
use frames::{Finish, Frame};
use slots::LoopSlot;

/// What a machine may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many frames (includes, blocks, macro calls, recursive loops) may be open at once.
    pub depth: usize,
    /// How many loop turns, calls, blocks, includes and imports a render may take; `u64::MAX` for any number.
    pub fuel: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth: 500, fuel: u64::MAX }
    }
}

/// The positional arguments and the keyword arguments of a call from outside.
pub type Given<'a, H> = (&'a [<H as Host>::Register], &'a [(&'a str, <H as Host>::Register)]);

/// Where a machine stopped.
#[derive(Debug)]
pub enum Step<E> {
    /// The render is complete.
    Done,
    /// A part of the page is complete: [`Vm::resume_chunk`] goes on.
    Chunk,
    /// The host suspended: [`Vm::resume`] calls the same verb again.
    Await(E),
    /// The render failed.
    Err(E),
}

/// What a suspended instruction has left to do when it had done a part already.
enum Pending<H: Host> {
    Emit { value: H::Register, escape: bool },
}

/// A machine.
pub struct Vm<H: Host> {
    registers: Vec<H::Register>,
    frames: Vec<Frame<H>>,
    loops: Vec<LoopSlot<H>>,
    captures: Vec<H::Mark>,
    /// The programs of the frames, each once.
    programs: Vec<Arc<Program<H>>>,
    /// The place of the program that was entered last from another one.
    entered: usize,
    pending: Option<Pending<H>>,
    /// The text of a `TextEmit` or a `TextEmitAttr` has been written; its value comes next.
    text_is_out: bool,
    /// The result of the function that [`Vm::call`] runs.
    result: Option<H::Register>,
    limits: Limits,
    fuel: u64,
}

impl<H: Host> Default for Vm<H> {
    /// A machine that has nothing to do: see [`Vm::run_template`].
    fn default() -> Vm<H> {
        Vm::empty(Limits::default())
    }
}

impl<H: Host> Vm<H> {
    /// A machine that will render `program` in `context`.
    ///
    /// # Errors
    /// The host's error if the depth limit is 0.
    pub fn new(
        host: &mut H,
        program: &Arc<Program<H>>,
        context: H::Context,
        limits: Limits,
    ) -> Result<Vm<H>, H::Error> {
        let mut vm = Vm::empty(limits);
        vm.push_root(host, program, context, Finish::Page)?;
        Ok(vm)
    }

    /// A machine that will render one block of a chain.
    ///
    /// # Errors
    /// The host's error if there is no such block.
    pub fn of_block(
        host: &mut H,
        block: crate::host::BlockReference<H>,
        limits: Limits,
    ) -> Result<Vm<H>, H::Error> {
        let mut vm = Vm::empty(limits);
        vm.push_block(host, block, Finish::Page)?;
        Ok(vm)
    }

    /// A machine that will call a macro, as [`Vm::call`] does; [`Vm::result`] is what comes of it.
    ///
    /// # Errors
    /// The host's error if the arguments do not fit.
    pub fn of_call(
        host: &mut H,
        out: &mut H::Output,
        closure: &Closure<H>,
        (positional, keywords): Given<'_, H>,
        markup: bool,
        limits: Limits,
    ) -> Result<Vm<H>, H::Error> {
        let mut vm = Vm::empty(limits);
        let mark = host.mark(out);
        vm.push_macro(host, closure, positional, keywords, Finish::Value { mark, markup })?;
        Ok(vm)
    }

    /// A machine that will call a block, as [`Vm::call_block`] does; [`Vm::result`] is what comes of it.
    ///
    /// # Errors
    /// The host's error if there is no such block.
    pub fn of_block_call(
        host: &mut H,
        out: &mut H::Output,
        block: crate::host::BlockReference<H>,
        limits: Limits,
    ) -> Result<Vm<H>, H::Error> {
        let mut vm = Vm::empty(limits);
        let mark = host.mark(out);
        let markup = host.autoescape(&block.context);
        vm.push_block(host, block, Finish::Value { mark, markup })?;
        Ok(vm)
    }

    /// The result of a call that is complete.
    pub fn result(&mut self) -> Option<H::Register> {
        self.result.take()
    }

    fn empty(limits: Limits) -> Vm<H> {
        Vm {
            registers: Vec::new(),
            frames: Vec::new(),
            loops: Vec::new(),
            captures: Vec::new(),
            programs: Vec::new(),
            entered: 0,
            pending: None,
            text_is_out: false,
            result: None,
            limits,
            fuel: limits.fuel,
        }
    }

    /// Renders `program` in `context` to the end.
    ///
    /// # Errors
    /// The host's error, located; also its suspension, which this function cannot wait for.
    pub fn render(
        host: &mut H,
        out: &mut H::Output,
        program: &Arc<Program<H>>,
        context: H::Context,
        limits: Limits,
    ) -> Result<(), H::Error> {
        Vm::empty(limits).run_template(host, out, program, context, limits)
    }

    /// As [`Vm::render`], on a machine that is new or was cleared.
    ///
    /// # Errors
    /// As [`Vm::render`].
    pub fn run_template(
        &mut self,
        host: &mut H,
        out: &mut H::Output,
        program: &Arc<Program<H>>,
        context: H::Context,
        limits: Limits,
    ) -> Result<(), H::Error> {
        (self.limits, self.fuel) = (limits, limits.fuel);
        self.push_root(host, program, context, Finish::Page)?;
        match self.resume(host, out) {
            Step::Done | Step::Chunk => Ok(()),
            Step::Await(error) | Step::Err(error) => Err(error),
        }
    }

    /// A machine that has nothing to do.
    pub fn idle() -> Vm<H> {
        Vm::empty(Limits::default())
    }

    /// Forgets everything but the room for it, of which each vector keeps at most so many bytes.
    pub fn clear(&mut self, most: usize) {
        fn clear<T>(items: &mut Vec<T>, most: usize) {
            items.clear();
            if items.capacity() * size_of::<T>() > most {
                *items = Vec::new();
            }
        }
        clear(&mut self.registers, most);
        clear(&mut self.frames, most);
        clear(&mut self.loops, most);
        clear(&mut self.captures, most);
        clear(&mut self.programs, most);
        self.pending = None;
        self.result = None;
    }

    /// Renders one block of `chain` in `context` to the end.
    ///
    /// # Errors
    /// As [`Vm::render`].
    pub fn render_block(
        host: &mut H,
        out: &mut H::Output,
        block: crate::host::BlockReference<H>,
        limits: Limits,
    ) -> Result<(), H::Error> {
        let mut vm = Vm::empty(limits);
        vm.push_block(host, block, Finish::Page)?;
        match vm.resume(host, out) {
            Step::Done | Step::Chunk => Ok(()),
            Step::Await(error) | Step::Err(error) => Err(error),
        }
    }

    /// Calls a macro from outside a machine: what a host does when a filter or a function calls back.
    ///
    /// `positional` and `keywords` are its arguments; `markup` says whether the caller wants markup.
    ///
    /// # Errors
    /// As [`Vm::render`].
    pub fn call(
        host: &mut H,
        out: &mut H::Output,
        closure: &Closure<H>,
        positional: &[H::Register],
        keywords: &[(&str, H::Register)],
        markup: bool,
        limits: Limits,
    ) -> Result<H::Register, H::Error> {
        let mut vm = Vm::of_call(host, out, closure, (positional, keywords), markup, limits)?;
        match vm.resume(host, out) {
            Step::Done | Step::Chunk => Ok(vm.result.take().unwrap_or_else(H::missing)),
            Step::Await(error) | Step::Err(error) => Err(error),
        }
    }

    /// Calls a block from outside a machine, as [`Vm::call`].
    ///
    /// # Errors
    /// As [`Vm::render`].
    pub fn call_block(
        host: &mut H,
        out: &mut H::Output,
        block: crate::host::BlockReference<H>,
        limits: Limits,
    ) -> Result<H::Register, H::Error> {
        let mut vm = Vm::of_block_call(host, out, block, limits)?;
        match vm.resume(host, out) {
            Step::Done | Step::Chunk => Ok(vm.result.take().unwrap_or_else(H::missing)),
            Step::Await(error) | Step::Err(error) => Err(error),
        }
    }

    /// Runs a template for its exports: what `Template.module` and cached imports are made of.
    ///
    /// # Errors
    /// As [`Vm::render`].
    pub fn module(
        host: &mut H,
        out: &mut H::Output,
        program: &Arc<Program<H>>,
        context: H::Context,
        limits: Limits,
    ) -> Result<H::Register, H::Error> {
        let mut vm = Vm::empty(limits);
        let mark = host.mark(out);
        let module_context = context.clone();
        vm.push_root(host, program, context, Finish::Value { mark, markup: false })?;
        match vm.resume(host, out) {
            Step::Done | Step::Chunk => {
                let body = vm.result.take().unwrap_or_else(H::missing);
                host.make_module(program, &module_context, body, false)
            }
            Step::Await(error) | Step::Err(error) => Err(error),
        }
    }

    /// How much of [`Limits::fuel`] is left.
    pub fn fuel(&self) -> u64 {
        self.fuel
    }

    /// From now on it has no more than this left of its fuel.
    pub fn limit_fuel(&mut self, most: u64) {
        self.fuel = self.fuel.min(most);
    }

    /// Runs until the render is complete, fails, or the host suspends.
    pub fn resume(&mut self, host: &mut H, out: &mut H::Output) -> Step<H::Error> {
        self.resume_as::<false>(host, out)
    }

    /// Runs until a part of the page is complete: a text, a value, a macro's result; nothing beyond it is evaluated.
    pub fn resume_chunk(&mut self, host: &mut H, out: &mut H::Output) -> Step<H::Error> {
        self.resume_as::<true>(host, out)
    }

    fn resume_as<const CHUNKED: bool>(&mut self, host: &mut H, out: &mut H::Output) -> Step<H::Error> {
        let outcome = match self.pending.take() {
            Some(Pending::Emit { value, escape }) => match host.emit(out, &value, escape) {
                Ok(()) if CHUNKED && !self.is_buffered() => Ok(false),
                Ok(()) => self.run::<CHUNKED>(host, out),
                Err(error) => {
                    if H::is_suspension(&error) {
                        self.pending = Some(Pending::Emit { value, escape });
                    }
                    Err(error)
                }
            },
            None => self.run::<CHUNKED>(host, out),
        };
        match outcome {
            Ok(true) => Step::Done,
            Ok(false) => Step::Chunk,
            Err(error) if H::is_suspension(&error) => Step::Await(error),
            Err(error) => {
                let trace = self.trace(host);
                Step::Err(host.locate(error, &trace))
            }
        }
    }

    /// The frames, innermost first; a root stands for the roots of the templates that extend its template, too.
    fn trace(&self, host: &mut H) -> Vec<TraceFrame> {
        let mut trace = Vec::with_capacity(self.frames.len());
        for (index, frame) in self.frames.iter().enumerate().rev() {
            let program = &self.programs[frame.program];
            let function = program.function(frame.function);
            let pc = function.code.0 + (frame.pc as u32).saturating_sub(1);
            trace.push(Vm::trace_frame(program, frame.function, pc));
            host.witness(&frame.context, &self.witnessed(program, frame, pc));
            if function.kind != FunctionKind::Root {
                continue;
            }
            // A module's root stays below that of its parent.
            let below = index.checked_sub(1).map(|below| &self.programs[self.frames[below].program]);
            let chain = host.chain(&frame.context);
            let place = chain.programs().iter().position(|known| Arc::ptr_eq(known, program)).unwrap_or(0);
            for child in chain.programs()[..place].iter().rev() {
                if below.is_some_and(|below| Arc::ptr_eq(below, child)) {
                    break;
                }
                // It was at its end when its parent took its place.
                trace.push(Vm::trace_frame(child, 0, child.function(0).code.1.saturating_sub(1)));
                host.witness(&frame.context, &[]);
            }
        }
        trace
    }

    fn trace_frame(program: &Program<H>, function: u32, pc: u32) -> TraceFrame {
        let (line, column) = program.image().line_at(pc);
        TraceFrame {
            template: H::place(program),
            line,
            column,
            function: program.function(function).kind,
            name: program.function_name(function).map(Arc::from),
        }
    }

    fn fault<T>(host: &mut H, fault: Fault<'_>) -> Result<T, H::Error> {
        Err(host.fault(fault))
    }
}
