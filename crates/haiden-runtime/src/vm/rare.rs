//! The rarer instructions: what the dispatch loop hands on, so that its own code stays small enough for registers.
//!
//! One `match` arm per instruction, as in [`super::run`]; which of the two an instruction is in is a matter of speed only.
//! The frame's `pc` has been saved, one past the instruction, before any of them runs.
#![expect(
    unsafe_code,
    reason = "register windows: every access spends the promise of `Window`, as its module says"
)]

use haiden_bytecode::LoopField;
use haiden_bytecode::image::{AUTOESCAPE, FunctionKind, Image, VOLATILE};
use haiden_bytecode::ops::{self, code};

use crate::host::{
    Arguments, BinaryOp, Called, Callee, Closure, CompareOp, Export, Fault, Host, UnaryOp, Undefined,
};
use crate::program::Program;
use crate::vm::Vm;
use crate::vm::frames::Finish;
use crate::vm::slots::LoopSlot;
use crate::vm::templates::position;
use crate::window::Window;

/// What the dispatch loop does after a rare instruction.
pub(super) enum Flow {
    /// The next instruction.
    Next,
    /// The frame on top has changed.
    Frame,
    /// The machine is done.
    Done,
}

/// Where an instruction runs.
pub(super) struct Here<'p, H: Host> {
    pub(super) program: &'p Program<H>,
    pub(super) image: &'p Image,
    /// The program's place in the machine's table.
    pub(super) place: usize,
    pub(super) registers: Window<H::Register>,
}

impl<H: Host> Vm<H> {
    /// Runs one instruction that the dispatch loop has no arm for.
    #[inline(never)]
    pub(super) fn run_rare(
        &mut self,
        host: &mut H,
        out: &mut H::Output,
        here: Here<'_, H>,
        word: u64,
    ) -> Result<Flow, H::Error> {
        let Here { program, image, place, registers } = here;
        let Some(loops) = self.frames.last().map(|frame| frame.loops) else { return Ok(Flow::Done) };

        // ---- what the arms are made of --------------------------------------------------------------------------
        macro_rules! check {
            ($result:expr) => {
                $result?
            };
        }
        macro_rules! fault {
            ($fault:expr) => {{
                let fault = $fault;
                return Vm::fault(host, fault);
            }};
        }
        macro_rules! get {
            ($index:expr) => {
                // SAFETY: an operand of this function's code; see the module's documentation.
                unsafe { registers.get($index) }
            };
        }
        macro_rules! set {
            ($index:expr, $value:expr) => {{
                let value = $value;
                // SAFETY: an operand of this function's code, and the value above borrows nothing of the window.
                unsafe { registers.set($index, value) }
            }};
        }
        macro_rules! run {
            ($first:expr, $count:expr) => {
                // SAFETY: a run of registers that the table names for this instruction.
                unsafe { registers.run($first, $count) }
            };
        }
        macro_rules! frame {
            () => {
                match self.frames.last_mut() {
                    Some(frame) => frame,
                    None => return Ok(Flow::Done),
                }
            };
        }
        // Does this operand ask for escaping right now?
        macro_rules! escaping {
            ($escape:expr) => {
                match $escape {
                    0 => false,
                    1 => true,
                    _ => host.autoescape(&frame!().context),
                }
            };
        }
        macro_rules! emit {
            ($value:expr, $escape:expr) => {{
                let escape = $escape;
                let value = $value;
                self.emit(host, out, value, escape)?;
            }};
        }
        macro_rules! truth {
            ($value:expr) => {{
                let value = $value;
                match H::bool(value) {
                    Some(value) => value,
                    None => check!(host.truth(value)),
                }
            }};
        }
        // Runs `$body` on the state of loop `$slot`, wherever it lives.
        macro_rules! with_loop {
            ($slot:expr, |$state:ident| $body:expr) => {{
                match &mut self.loops[loops + usize::from($slot)] {
                    LoopSlot::Own($state) => $body,
                    LoopSlot::Shared(value) => {
                        let value = value.clone();
                        match host.take_loop(&value) {
                            None => fault!(Fault::BadImage("a loop that is in use")),
                            Some(mut taken) => {
                                let $state = &mut taken;
                                let result = $body;
                                host.put_loop(&value, taken);
                                result
                            }
                        }
                    }
                    LoopSlot::Idle => fault!(Fault::BadImage("a loop that has not started")),
                }
            }};
        }
        macro_rules! switch {
            ($result:expr) => {{
                $result?;
                return Ok(Flow::Frame);
            }};
        }
        // Pays for entering something that the template may enter again and again.
        macro_rules! burn {
            () => {{
                if self.fuel == 0 {
                    self.fuel = host.refuel()?.max(1);
                }
                self.fuel -= 1;
            }};
        }
        // Enters a callee of the machine with the arguments behind `$register`; its output goes to `$finish`.
        macro_rules! enter {
            ($callee:expr, $register:expr, $shape:expr, $finish:expr) => {{
                burn!();
                let finish = $finish;
                self.enter(host, $callee, $register + 1, $shape, finish)?;
                return Ok(Flow::Frame);
            }};
        }
        // Enters a callee whose output stays where it is written.
        macro_rules! enter_and_emit {
            ($callee:expr, $register:expr, $shape:expr) => {{
                let escape = escaping!(ops::x(word));
                let through = host.writes_through() && (!escape || host.autoescape(&frame!().context));
                if !through {
                    enter!($callee, $register, $shape, self.printed(host, out, escape));
                }
                enter!($callee, $register, $shape, Finish::Nothing);
            }};
        }

        match word as u8 {
            // ---- output ---------------------------------------------------------------------------------
            code::EmitFolded => {
                let (folded, escape) = (escaping!(ops::x(word)), escaping!(ops::c(word)));
                let context = self.frames.last().map(|frame| &frame.context);
                check!(host.emit_folded(out, context, get!(ops::a(word)), folded, escape));
            }
            code::EmitText => check!(host.emit_text(out, get!(ops::a(word)))),
            code::BeginCapture => {
                let mark = host.mark(out);
                self.captures.push(mark);
            }
            code::EndCapture => {
                let markup = escaping!(ops::x(word));
                if self.captures.len() <= frame!().captures {
                    fault!(Fault::BadImage("the end of a capture that has no start"));
                }
                let Some(mark) = self.captures.pop() else {
                    fault!(Fault::BadImage("the end of a capture that has no start"))
                };
                set!(ops::a(word), check!(host.take_since(out, mark, markup)));
            }

            // ---- moves and constants --------------------------------------------------------------------
            code::LoadNone => set!(ops::a(word), host.none()),
            code::LoadMissing => set!(ops::a(word), H::missing()),
            code::LoadUndefined => {
                let position = position(program, ops::w(word));
                set!(ops::a(word), check!(host.undefined(Undefined::NoElse(&position))));
            }

            // ---- names ----------------------------------------------------------------------------------
            code::Export => {
                let how = match ops::x(word) {
                    0 => Export::Private,
                    1 => Export::Public,
                    _ => Export::Imported,
                };
                let name = &program.names[ops::w(word) as usize];
                check!(host.export(&frame!().context, name, get!(ops::a(word)), how));
            }
            code::LoadContext => {
                let context = match ops::x(word) {
                    0 => frame!().context.clone(),
                    _ => self.derived(host, program, ops::w(word))?,
                };
                set!(ops::a(word), check!(host.context_object(&context)));
            }
            code::LoadOutside => {
                let value = host.outside(&self.programs[place], image.string(ops::w(word)));
                set!(ops::a(word), check!(value));
            }

            // ---- cells ----------------------------------------------------------------------------------
            code::MakeCells => {
                let cells = host.new_cells(frame!().cells.as_ref(), ops::w(word) as usize);
                frame!().cells = Some(cells);
            }
            code::LoadCell => {
                let value = match &frame!().cells {
                    Some(cells) => host.cell(cells, usize::from(ops::x(word)), usize::from(ops::c(word))),
                    None => H::missing(),
                };
                set!(ops::a(word), value);
            }
            code::StoreCell => {
                if let Some(cells) = &frame!().cells {
                    let value = get!(ops::a(word)).clone();
                    host.set_cell(cells, usize::from(ops::x(word)), usize::from(ops::c(word)), value);
                }
            }

            // ---- attributes and items -------------------------------------------------------------------
            code::GetAttrWide => {
                let site = &program.sites()[ops::w(word) as usize];
                set!(ops::a(word), check!(host.attr(get!(ops::a(word)), site)));
            }
            code::MakeSlice => {
                let parts = run!(ops::b(word), 3);
                let parts = [parts[0].clone(), parts[1].clone(), parts[2].clone()];
                set!(ops::a(word), check!(host.slice(&parts)));
            }
            code::Folds => {
                let folds = check!(host.folds(&program.names[ops::w(word) as usize]));
                set!(ops::a(word), host.boolean(folds));
            }
            code::CheckNamespace => {
                check!(host.check_namespace(get!(ops::a(word))));
            }
            code::SetAttr => {
                let site = &program.sites()[usize::from(ops::c(word))];
                check!(host.set_attr(get!(ops::a(word)), site, get!(ops::b(word))));
            }

            // ---- containers -----------------------------------------------------------------------------
            code::MakeList => {
                let values = run!(ops::b(word), usize::from(ops::c(word)));
                set!(ops::a(word), check!(host.list(values)));
            }
            code::MakeTuple => {
                let values = run!(ops::b(word), usize::from(ops::c(word)));
                set!(ops::a(word), check!(host.tuple(values)));
            }
            code::MakeDict => {
                let pairs = run!(ops::b(word), usize::from(ops::c(word)) * 2);
                set!(ops::a(word), check!(host.dict(pairs)));
            }
            code::ExtendList => {
                let values = run!(ops::b(word), usize::from(ops::c(word)));
                check!(host.extend_list(get!(ops::a(word)), values));
            }
            code::ExtendDict => {
                let pairs = run!(ops::b(word), usize::from(ops::c(word)) * 2);
                check!(host.extend_dict(get!(ops::a(word)), pairs));
            }
            code::ListToTuple => {
                let value = get!(ops::a(word)).clone();
                set!(ops::a(word), check!(host.list_to_tuple(&value)));
            }
            code::Unpack => {
                let value = get!(ops::b(word)).clone();
                // SAFETY: a run that the table names; `value` is a copy, nothing else is borrowed.
                let into = unsafe { registers.run_mut(ops::a(word), usize::from(ops::c(word))) };
                check!(host.unpack(&value, into));
            }

            // ---- operators ------------------------------------------------------------------------------
            code::Div => {
                let value = check!(host.binary(BinaryOp::Div, get!(ops::b(word)), get!(ops::c(word))));
                set!(ops::a(word), value);
            }
            code::Pow => {
                let value = check!(host.binary(BinaryOp::Pow, get!(ops::b(word)), get!(ops::c(word))));
                set!(ops::a(word), value);
            }
            code::Neg => {
                set!(ops::a(word), check!(host.unary(UnaryOp::Neg, get!(ops::b(word)))));
            }
            code::Pos => {
                set!(ops::a(word), check!(host.unary(UnaryOp::Pos, get!(ops::b(word)))));
            }
            code::InterceptBinary => {
                let op = BinaryOp::of_number(ops::x(word));
                let (left, right) = (get!(ops::b(word)), get!(ops::c(word)));
                let context = frame!().context.clone();
                set!(ops::a(word), check!(host.intercepted_binary(&context, op, left, right)));
            }
            code::InterceptUnary => {
                let op = if ops::x(word) == 0 { UnaryOp::Neg } else { UnaryOp::Pos };
                let context = frame!().context.clone();
                set!(ops::a(word), check!(host.intercepted_unary(&context, op, get!(ops::b(word)))));
            }
            code::Concat => {
                let markup = escaping!(ops::x(word));
                let values = run!(ops::b(word), usize::from(ops::c(word)));
                set!(ops::a(word), check!(host.concat(values, markup)));
            }
            code::In => {
                let value = check!(host.compare(CompareOp::In, get!(ops::b(word)), get!(ops::c(word))));
                set!(ops::a(word), value);
            }
            code::NotIn => {
                let (left, right) = (get!(ops::b(word)), get!(ops::c(word)));
                set!(ops::a(word), check!(host.compare(CompareOp::NotIn, left, right)));
            }
            code::MarkSafe => {
                if escaping!(ops::x(word)) {
                    set!(ops::a(word), check!(host.mark_safe(get!(ops::a(word)))));
                }
            }

            // ---- loops ----------------------------------------------------------------------------------
            code::Skip => with_loop!(ops::x(word), |state| state.skip()),
            code::LoopIndex => {
                let index = with_loop!(ops::x(word), |state| state.index0());
                set!(ops::a(word), host.integer(index as i64 + 1));
            }
            code::LoopIndex0 => {
                let index = with_loop!(ops::x(word), |state| state.index0());
                set!(ops::a(word), host.integer(index as i64));
            }
            code::LoopFirst => {
                let index = with_loop!(ops::x(word), |state| state.index0());
                set!(ops::a(word), host.boolean(index == 0));
            }
            code::LoopLast => {
                let last = with_loop!(ops::x(word), |state| state.is_last(host));
                let last = check!(last);
                set!(ops::a(word), host.boolean(last));
            }
            code::LoopGet => {
                let Some(field) = LoopField::from_code(ops::b(word)) else {
                    fault!(Fault::BadImage("a loop field that does not exist"))
                };
                let value = with_loop!(ops::x(word), |state| state.get(host, field));
                set!(ops::a(word), check!(value));
            }
            code::LoopCycle => {
                let values = run!(ops::b(word), usize::from(ops::c(word)));
                if values.is_empty() {
                    fault!(Fault::EmptyCycle);
                }
                let index = with_loop!(ops::x(word), |state| state.index0());
                set!(ops::a(word), values[index % values.len()].clone());
            }
            code::LoopChanged => {
                let values = run!(ops::b(word), usize::from(ops::c(word)));
                let changed = with_loop!(ops::x(word), |state| state.changed(host, values));
                let changed = check!(changed);
                set!(ops::a(word), host.boolean(changed));
            }
            code::LoopObject => {
                let slot = loops + usize::from(ops::x(word));
                let value = match std::mem::replace(&mut self.loops[slot], LoopSlot::Idle) {
                    LoopSlot::Shared(value) => value,
                    LoopSlot::Own(mut state) => {
                        state.prepare_to_share();
                        let frame = frame!();
                        if program.function(frame.function).kind == FunctionKind::Loop && ops::x(word) == 0 {
                            state.set_recursion(Closure {
                                program: self.programs[place].clone(),
                                function: frame.function,
                                cells: frame.outer_cells.clone(),
                                context: frame.context.clone(),
                            });
                        }
                        check!(host.share_loop(Box::new(state)))
                    }
                    LoopSlot::Idle => fault!(Fault::BadImage("a loop that has not started")),
                };
                self.loops[slot] = LoopSlot::Shared(value.clone());
                set!(ops::a(word), value);
            }
            code::EnterLoop => {
                let frame = frame!();
                let closure = Closure {
                    program: self.programs[place].clone(),
                    function: ops::w(word),
                    cells: frame.cells.clone(),
                    context: frame.context.clone(),
                };
                let iterable = get!(ops::a(word)).clone();
                let finish = if host.writes_through() {
                    Finish::Nothing
                } else {
                    let markup = marks(host, program.function(closure.function).flags, &closure.context);
                    Finish::Joined { mark: host.mark(out), markup }
                };
                switch!(self.push_loop(host, &closure, 0, iterable, finish));
            }
            code::Recurse => {
                let frame = frame!();
                if program.function(frame.function).kind != FunctionKind::Loop {
                    fault!(Fault::NotRecursive);
                }
                let closure = Closure {
                    program: self.programs[place].clone(),
                    function: frame.function,
                    cells: frame.outer_cells.clone(),
                    context: frame.context.clone(),
                };
                let depth = frame.loop_depth + 1;
                let iterable = get!(ops::a(word)).clone();
                let markup = marks(host, program.function(closure.function).flags, &closure.context);
                let finish = Finish::Register { mark: host.mark(out), register: ops::a(word), markup };
                switch!(self.push_loop(host, &closure, depth, iterable, finish));
            }

            // ---- calls ----------------------------------------------------------------------------------
            code::ShowLocals => frame!().shown = ops::w(word) + 1,
            code::Call => {
                let register = ops::a(word);
                let shape = &program.shapes[ops::w(word) as usize];
                let callee = get!(register);
                if matches!(host.callee(callee), Callee::Foreign) {
                    let arguments = Arguments { values: run!(register + 1, shape.registers()), shape };
                    let shown = std::mem::take(&mut frame!().shown);
                    let shown = self.context_shown(host, program, shown, callee)?;
                    let context = shown.as_ref().unwrap_or(&frame!().context);
                    let value = check!(host.call(context, callee, arguments));
                    set!(register, value);
                } else {
                    let markup = host.autoescape(&frame!().context);
                    let finish = Finish::Register { mark: host.mark(out), register, markup };
                    enter!(callee, register, shape, finish);
                }
            }
            code::EmitCall => {
                let register = ops::a(word);
                let shape = &program.shapes[ops::w(word) as usize];
                let callee = get!(register);
                if matches!(host.callee(callee), Callee::Foreign) {
                    let arguments = Arguments { values: run!(register + 1, shape.registers()), shape };
                    let shown = std::mem::take(&mut frame!().shown);
                    let shown = self.context_shown(host, program, shown, callee)?;
                    let context = shown.as_ref().unwrap_or(&frame!().context);
                    let value = check!(host.call(context, callee, arguments));
                    emit!(value, escaping!(ops::x(word)));
                } else {
                    enter_and_emit!(callee, register, shape);
                }
            }
            code::CallMethod => {
                let register = ops::a(word);
                let shape = &program.shapes[usize::from(ops::c(word))];
                let site = &program.sites()[usize::from(ops::b(word))];
                let arguments = Arguments { values: run!(register + 1, shape.registers()), shape };
                match check!(host.call_method(&frame!().context, get!(register), site, arguments)) {
                    Called::Value(value) => set!(register, value),
                    Called::Enter(callee) => {
                        let markup = host.autoescape(&frame!().context);
                        let finish = Finish::Register { mark: host.mark(out), register, markup };
                        enter!(&callee, register, shape, finish);
                    }
                }
            }
            code::MakeMacro => {
                let frame = frame!();
                let closure = Closure {
                    program: self.programs[place].clone(),
                    function: ops::w(word),
                    cells: frame.cells.clone(),
                    context: frame.context.clone(),
                };
                set!(ops::a(word), check!(host.make_macro(closure)));
            }
            // ---- blocks and templates -------------------------------------------------------------------
            code::CallBlock => {
                burn!();
                let locals = (ops::a(word) != u16::MAX).then_some(u32::from(ops::a(word)));
                switch!(self.enter_block(host, program, ops::w(word), locals));
            }
            code::EnterOverlay => {
                let variables = get!(ops::a(word)).clone();
                let (locals, function) = (u32::from(ops::b(word)), u32::from(ops::c(word)));
                switch!(self.enter_overlay(host, program, (locals, function), &variables));
            }
            code::LoadSuper => {
                let value = self.super_value(host);
                set!(ops::a(word), check!(value));
            }
            code::EmitSuper => {
                if let Some(block) = self.super_block() {
                    burn!();
                    let escape = escaping!(ops::x(word));
                    if !host.writes_through() || (escape && !host.autoescape(&block.context)) {
                        let (mark, markup) = (host.mark(out), host.autoescape(&block.context));
                        self.push_block(host, block, Finish::Printed { mark, markup, escape })?;
                    } else {
                        self.push_block(host, block, Finish::Nothing)?;
                        frame!().buffered = true;
                    }
                    return Ok(Flow::Frame);
                }
                // Calling the undefined `super` raises its message.
                let undefined = check!(self.super_value(host));
                let shape = crate::program::Shape::positional(0);
                let arguments = Arguments { values: &[], shape: &shape };
                let value = check!(host.call(&frame!().context, &undefined, arguments));
                emit!(value, escaping!(ops::x(word)));
            }
            code::LoadSelf => {
                let context = frame!().context.clone();
                set!(ops::a(word), check!(host.make_self(&context)));
            }
            code::Extends => {
                burn!();
                let name = get!(ops::a(word)).clone();
                let result = self.extend(host, &name);
                check!(result);
            }
            code::Include => {
                burn!();
                let names = get!(ops::a(word)).clone();
                if self.include(host, program, &names, ops::x(word), ops::w(word))? {
                    return Ok(Flow::Frame);
                }
            }
            code::Import => {
                burn!();
                let name = get!(ops::a(word)).clone();
                let place = (ops::a(word), ops::x(word), ops::w(word));
                match self.import(host, out, program, place, &name)? {
                    Some(module) => set!(ops::a(word), module),
                    None => return Ok(Flow::Frame),
                }
            }
            code::ImportName => {
                let module = get!(ops::a(word)).clone();
                let frame = frame!();
                let at = program.function(frame.function).code.0 + frame.pc as u32 - 1;
                let (line, _) = image.line_at(at);
                let value = Vm::import_name(host, program, &module, ops::w(word), line);
                set!(ops::a(word), check!(value));
            }

            // ---- autoescape -----------------------------------------------------------------------------
            code::SetAutoescape => {
                let on = truth!(get!(ops::b(word)));
                let context = frame!().context.clone();
                let before = host.autoescape(&context);
                host.set_autoescape(&context, on);
                set!(ops::a(word), host.boolean(before));
            }
            code::RestoreAutoescape => {
                let on = truth!(get!(ops::a(word)));
                host.set_autoescape(&frame!().context, on);
            }
            _ => fault!(Fault::BadImage("an instruction that does not exist")),
        }
        Ok(Flow::Next)
    }
}

/// Is what a recursive loop wrote markup? As the compiler knew it, if it did.
fn marks<H: Host>(host: &mut H, flags: u8, context: &H::Context) -> bool {
    if flags & VOLATILE == 0 { flags & AUTOESCAPE != 0 } else { host.autoescape(context) }
}
