//! Frames: what one activation of a function has, and what its end does.

use std::ops::Range;
use std::sync::Arc;

use crate::host::{BlockReference, Closure, Fault, Host};
use crate::program::{Entry, Program};
use crate::vm::Vm;
use crate::vm::slots::LoopSlot;

/// One activation of a function.
pub(crate) struct Frame<H: Host> {
    /// Place in [`Vm::programs`].
    pub(crate) program: usize,
    pub(crate) function: u32,
    /// The next instruction, counted from the start of the function.
    pub(crate) pc: usize,
    /// Where its registers, loops and captures start.
    pub(crate) registers: usize,
    pub(crate) loops: usize,
    pub(crate) captures: usize,
    pub(crate) context: H::Context,
    /// The cells it sees, its own block innermost.
    pub(crate) cells: Option<H::Cells>,
    /// The cells it was entered with.
    pub(crate) outer_cells: Option<H::Cells>,
    /// Which block it runs, for `super`.
    pub(crate) block: Option<Box<BlockReference<H>>>,
    /// How deep a recursive loop is, from 0.
    pub(crate) loop_depth: u32,
    /// The parent that `extends` has named.
    pub(crate) parent: Option<Arc<Program<H>>>,
    /// The body of a loop of a template that has a parent: it writes nothing.
    pub(crate) extended: bool,
    /// What it writes is part of something that is not complete before it is.
    pub(crate) buffered: bool,
    /// The locals that the next call shows to a function that asks for the context, counted from 1; 0 for none.
    pub(crate) shown: u32,
    pub(crate) finish: Finish<H>,
}

impl<H: Host> Frame<H> {
    /// Has the template that runs here named a parent?
    pub(crate) fn is_extended(&self) -> bool {
        self.extended || self.parent.is_some()
    }
}

/// What happens when a function is over.
pub(crate) enum Finish<H: Host> {
    /// The machine is done.
    Page,
    /// Nothing: what it wrote stays in the output.
    Nothing,
    /// What it wrote is one printed value.
    Joined { mark: H::Mark, markup: bool },
    /// What it wrote becomes a value, which is printed.
    Printed { mark: H::Mark, markup: bool, escape: bool },
    /// What it wrote becomes the value of a register of the frame below.
    Register { mark: H::Mark, register: u16, markup: bool },
    /// What it wrote becomes the machine's result.
    Value { mark: H::Mark, markup: bool },
    /// What it wrote becomes the value of a register of the frame below, or text of it if that is to be escaped.
    Module { mark: H::Mark, register: u16, cache: bool },
}

impl<H: Host> Vm<H> {
    /// The place of a program in the machine's table.
    #[inline(always)]
    pub(super) fn place(&mut self, program: &Arc<Program<H>>) -> usize {
        if let Some(frame) = self.frames.last()
            && Arc::ptr_eq(&self.programs[frame.program], program)
        {
            return frame.program;
        }
        if self.programs.get(self.entered).is_some_and(|known| Arc::ptr_eq(known, program)) {
            return self.entered;
        }
        self.place_anew(program)
    }

    #[inline(never)]
    fn place_anew(&mut self, program: &Arc<Program<H>>) -> usize {
        let found = self.programs.iter().position(|known| Arc::ptr_eq(known, program));
        self.entered = found.unwrap_or_else(|| {
            self.programs.push(program.clone());
            self.programs.len() - 1
        });
        self.entered
    }

    /// Pushes a frame whose registers are all missing.
    pub(crate) fn push(
        &mut self,
        host: &mut H,
        program: &Arc<Program<H>>,
        function: u32,
        context: H::Context,
        cells: Option<H::Cells>,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        let place = self.place(program);
        self.push_at(host, place, function, context, cells, finish)
    }

    /// As [`Vm::push`], of the program at `place` of the machine's table.
    #[inline(never)]
    pub(super) fn push_at(
        &mut self,
        host: &mut H,
        place: usize,
        function: u32,
        context: H::Context,
        cells: Option<H::Cells>,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        if self.frames.len() >= self.limits.depth {
            return Vm::fault(host, Fault::TooDeep);
        }
        let entry = self.programs[place].entry(function);
        self.push_entered(place, function, (entry, 0), (context, cells), 0..0, finish);
        Ok(())
    }

    /// As [`Vm::push_at`], of a function whose entry is known, where there is room for one more frame. The first registers
    /// are copies of those of the machine in a range that lies below.
    #[inline(always)]
    pub(super) fn push_entered(
        &mut self,
        place: usize,
        function: u32,
        (entry, pc): (Entry, usize),
        (context, cells): (H::Context, Option<H::Cells>),
        arguments: Range<usize>,
        finish: Finish<H>,
    ) {
        let buffered =
            entry.buffered || !matches!(finish, Finish::Nothing | Finish::Page) || self.is_buffered();
        let (registers, loops) = (self.registers.len(), self.loops.len());
        let end = registers + usize::from(entry.registers);
        self.registers.reserve(usize::from(entry.registers));
        for argument in arguments {
            let argument = self.registers[argument].clone();
            self.registers.push(argument);
        }
        self.registers.resize_with(end, H::missing);
        if entry.loops > 0 {
            self.loops.resize_with(loops + usize::from(entry.loops), || LoopSlot::Idle);
        }
        self.frames.push(Frame {
            program: place,
            function,
            pc,
            registers,
            loops,
            captures: self.captures.len(),
            context,
            outer_cells: cells.clone(),
            cells,
            block: None,
            loop_depth: 0,
            parent: None,
            extended: false,
            shown: 0,
            buffered,
            finish,
        });
    }

    /// Is what is written now part of something that is not complete yet: a capture, a macro's text?
    pub(crate) fn is_buffered(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.buffered || self.captures.len() > frame.captures)
    }

    /// Is what the running frame has written a part of the page when it is over?
    pub(crate) fn ends_part(&self) -> bool {
        self.frames.last().is_some_and(|frame| {
            frame.buffered
                && matches!(frame.finish, Finish::Nothing | Finish::Joined { .. } | Finish::Printed { .. })
        })
    }

    /// Pushes a template's root.
    pub(crate) fn push_root(
        &mut self,
        host: &mut H,
        program: &Arc<Program<H>>,
        context: H::Context,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        self.push(host, program, 0, context, None, finish)
    }

    /// Pushes a definition of a block.
    pub(crate) fn push_block(
        &mut self,
        host: &mut H,
        block: BlockReference<H>,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        let chain = block.chain.clone();
        let Some((program, definition)) = chain.definition(block.block, block.depth) else {
            return Vm::fault(host, Fault::BadImage("no such block"));
        };
        self.push(host, program, definition.function, block.context.clone(), None, finish)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.block = Some(Box::new(block));
        }
        Ok(())
    }

    /// Pushes the body of a recursive loop over `iterable`.
    pub(crate) fn push_loop(
        &mut self,
        host: &mut H,
        closure: &Closure<H>,
        depth: u32,
        iterable: H::Register,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        let extended = self.frames.last().is_some_and(Frame::is_extended);
        self.push(
            host,
            &closure.program,
            closure.function,
            closure.context.clone(),
            closure.cells.clone(),
            finish,
        )?;
        let frame = self.frames.last_mut().expect("pushed just now");
        frame.loop_depth = depth;
        frame.extended = extended;
        let first = frame.registers;
        if let Some(register) = self.registers.get_mut(first) {
            *register = iterable;
        }
        Ok(())
    }

    /// Ends the running frame; its effects on the frame below are done here.
    pub(crate) fn pop(&mut self, host: &mut H, out: &mut H::Output) -> Result<Popped, H::Error> {
        let Some(frame) = self.frames.last() else { return Ok(Popped::Machine) };
        self.registers.truncate(frame.registers);
        self.loops.truncate(frame.loops);
        self.captures.truncate(frame.captures);
        if let Finish::Nothing = frame.finish {
            self.frames.truncate(self.frames.len() - 1);
            return Ok(Popped::Frame);
        }
        let Some(frame) = self.frames.pop() else { return Ok(Popped::Machine) };
        match frame.finish {
            Finish::Page => return Ok(Popped::Machine),
            Finish::Nothing => {}
            Finish::Joined { mark, markup } => host.join_since(out, mark, markup)?,
            Finish::Printed { mark, markup, escape } => {
                let value = host.take_since(out, mark, markup)?;
                self.emit(host, out, value, escape)?;
            }
            Finish::Value { mark, markup } => {
                self.result = Some(host.take_since(out, mark, markup)?);
                return Ok(Popped::Machine);
            }
            Finish::Register { mark, register, markup } => {
                let value = host.take_since(out, mark, markup)?;
                self.set_in_frame(register, value);
            }
            Finish::Module { mark, register, cache } => {
                let body = host.take_body(out, mark)?;
                let program = self.programs[frame.program].clone();
                let module = host.make_module(&program, &frame.context, body, cache)?;
                self.set_in_frame(register, module);
            }
        }
        Ok(Popped::Frame)
    }

    /// The function on top is over: its template's parent goes on in its place, or it is popped.
    #[inline(never)]
    pub(crate) fn leave(&mut self, host: &mut H, out: &mut H::Output) -> Result<Popped, H::Error> {
        if self.frames.last().is_some_and(|frame| frame.parent.is_some())
            && self.continue_with_parent(host)?
        {
            return Ok(Popped::Frame);
        }
        self.pop(host, out)
    }

    /// Sets a register of the frame that is on top now.
    fn set_in_frame(&mut self, register: u16, value: H::Register) {
        if let Some(frame) = self.frames.last()
            && let Some(place) = self.registers.get_mut(frame.registers + usize::from(register))
        {
            *place = value;
        }
    }
}

/// What [`Vm::pop`] left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Popped {
    /// A frame that continues.
    Frame,
    /// Nothing: the machine is done.
    Machine,
}
