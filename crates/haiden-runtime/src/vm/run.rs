//! The dispatch loop: one `match` arm per instruction.
//!
//! A word is loaded once, its operands are shifts of it. The loop is generic over the host and monomorphised; it never
//! asks which host it serves. Every register access goes through the frame's [`Window`]; its promise is the verifier's:
//! each operand of an image lies in its function's window.
//!
//! What is rare or heavy by itself is in [`super::rare`]: an arm that is not here costs the others no registers.
//!
//! When a verb fails, `pc` has been saved by then, one past the instruction, so that an error finds its line; a
//! suspension sets it back by one, so that the instruction runs again.
#![expect(
    unsafe_code,
    reason = "register windows: every access spends the promise of `Window`, as its module says"
)]

use haiden_bytecode::ops::{self, Op, code};
use haiden_bytecode::{Image, loop_flags};

use crate::host::{Arguments, BinaryOp, CompareOp, Fault, Host, Undefined};
use crate::loops::Looked;
use crate::program::Program;
use crate::vm::Vm;
use crate::vm::frames::Popped;
use crate::vm::rare::{Flow, Here};
use crate::vm::slots::LoopSlot;
use crate::window::{self, Cursor, Strings, Text, Window};

/// The program whose frame is on top.
struct Running<'p, H: Host> {
    /// Its place in the machine's table.
    place: usize,
    program: &'p Program<H>,
    entry: H::Entry,
    image: &'p Image,
    strings: Strings<'p>,
    sites: &'p [H::Site],
}

impl<H: Host> Vm<H> {
    /// Runs until the machine is done or a verb fails (or suspends).
    ///
    /// With `CHUNKED` it also stops, and returns `false`, when a part of the page is complete: what Jinja yields at once.
    pub(super) fn run<const CHUNKED: bool>(
        &mut self,
        host: &mut H,
        out: &mut H::Output,
    ) -> Result<bool, H::Error> {
        let outcome = self.run_frames::<CHUNKED>(host, out);
        if let Err(error) = &outcome
            && H::is_suspension(error)
            && self.pending.is_none()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.pc = frame.pc.saturating_sub(1);
        }
        outcome
    }

    /// The program at `place` of the machine's table.
    #[inline(always)]
    fn running<'p>(&self, host: &mut H, place: usize) -> Running<'p, H> {
        // SAFETY: programs are only ever added while the machine lives, and each is kept behind its own pointer.
        let program: &'p Program<H> = unsafe { window::outlive(&*self.programs[place]) };
        let entry = host.enter(&self.programs[place]);
        let image = &**program.image();
        Running { place, program, entry, image, strings: program.strings(image), sites: program.sites() }
    }

    /// Runs frames until the machine is done.
    #[expect(clippy::cognitive_complexity, reason = "one arm per instruction; the table is the structure")]
    fn run_frames<const CHUNKED: bool>(
        &mut self,
        host: &mut H,
        out: &mut H::Output,
    ) -> Result<bool, H::Error> {
        let Some(frame) = self.frames.last() else { return Ok(true) };
        let mut running = self.running(host, frame.program);
        'frame: loop {
            let Some(frame) = self.frames.last() else { return Ok(true) };
            let (function, pc) = (frame.function, frame.pc);
            let (first_loop, first_register) = (frame.loops, frame.registers);
            if frame.program != running.place {
                running = self.running(host, frame.program);
            }
            let Running { place, program, entry, image, strings, sites } = running;
            let function = program.function(function);
            let words = window::code(image).run(function.code.0 as usize..function.code.1 as usize);
            let mut at = Cursor::new(words, pc);
            let loops = Window::new(&mut self.loops[first_loop..]);
            let registers = Window::new(&mut self.registers[first_register..]);

            // ---- what the arms are made of ----------------------------------------------------------------------
            macro_rules! save {
                () => {
                    if let Some(frame) = self.frames.last_mut() {
                        frame.pc = at.place();
                    }
                };
            }
            macro_rules! check {
                ($result:expr) => {
                    match $result {
                        Ok(value) => value,
                        Err(error) => {
                            save!();
                            return Err(error);
                        }
                    }
                };
            }
            macro_rules! fault {
                ($fault:expr) => {{
                    let fault = $fault;
                    save!();
                    return Vm::fault(host, fault);
                }};
            }
            // A part of the page is complete, unless it is a part of something that is not.
            macro_rules! chunk {
                () => {
                    if CHUNKED && !self.is_buffered() {
                        save!();
                        return Ok(false);
                    }
                };
            }
            macro_rules! rare {
                ($word:expr) => {{
                    save!();
                    let here = Here { program, image, place, registers: registers.again() };
                    match self.run_rare(host, out, here, $word)? {
                        Flow::Next => {
                            if matches!(
                                $word as u8,
                                code::EmitCall | code::EmitSuper | code::EmitFolded | code::EmitText
                            ) {
                                chunk!();
                            }
                        }
                        Flow::Frame => continue 'frame,
                        Flow::Done => return Ok(true),
                    }
                }};
            }
            // Jumps to where the word says.
            macro_rules! jump {
                ($word:expr) => {{
                    let target = ops::w($word) as usize;
                    if at.is_behind(target) {
                        back_edge!(target);
                    } else {
                        at.jump(target);
                    }
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
            macro_rules! loop_slot {
                ($slot:expr) => {
                    // SAFETY: an operand of this function's code; see the module's documentation.
                    unsafe { loops.get(u16::from($slot)) }
                };
            }
            macro_rules! loop_slot_mut {
                ($slot:expr) => {
                    // SAFETY: an operand of this function's code; nothing else refers to the window.
                    unsafe { loops.get_mut(u16::from($slot)) }
                };
            }
            macro_rules! run {
                ($first:expr, $count:expr) => {
                    // SAFETY: a run of registers that the table names for this instruction.
                    unsafe { registers.run($first, $count) }
                };
            }
            // A filter or a test as it is linked, and the arguments behind its value.
            macro_rules! linked {
                ($register:expr, $word:expr, $calls:ident, $table:ident, $fault:ident) => {{
                    let call = image.$calls()[ops::w($word) as usize];
                    let shape = &program.shapes[call.shape as usize];
                    let Some(linked) = &program.$table[call.reference as usize] else {
                        let name = image.$table()[call.reference as usize].name;
                        fault!(Fault::$fault(image.name(name)))
                    };
                    (linked, Arguments { values: run!($register + 1, shape.registers()), shape })
                }};
            }
            macro_rules! frame {
                () => {
                    match self.frames.last_mut() {
                        Some(frame) => frame,
                        None => return Ok(true),
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
            macro_rules! write_text {
                ($index:expr) => {{
                    // SAFETY: the operand of an instruction that names a string, which the verifier proved to be one.
                    match unsafe { strings.get($index) } {
                        Text::Short(text) => check!(host.write_short(out, text)),
                        Text::Other(text, ascii) => check!(host.write(out, text, ascii)),
                    }
                }};
            }
            // The text of this instruction is a part of the page; its value comes when it runs again.
            macro_rules! text_is_out {
                () => {{
                    self.text_is_out = true;
                    if let Some(frame) = self.frames.last_mut() {
                        frame.pc = at.place() - 1;
                    }
                    return Ok(false);
                }};
            }
            macro_rules! emit {
                ($value:expr, $escape:expr) => {{
                    let escape = $escape;
                    let value = $value;
                    let context = self.frames.last().map(|frame| &frame.context);
                    if let Err(error) = host.emit_in(out, context, &value, escape) {
                        save!();
                        return self.emit_later(error, value, escape);
                    }
                    chunk!();
                }};
            }
            macro_rules! emit_attr {
                ($word:expr) => {{
                    let site = &sites[usize::from(ops::c($word))];
                    let (object, escape) = (get!(ops::b($word)), escaping!(ops::x($word)));
                    if host.emit_attr_fast(out, object, site, escape) {
                        chunk!();
                    } else {
                        match host.attr(object, site) {
                            Ok(value) => emit!(value, escape),
                            Err(error) => {
                                save!();
                                // An instruction that has suspended runs again.
                                self.text_is_out =
                                    ($word as u8) == code::TextEmitAttr && H::is_suspension(&error);
                                return Err(error);
                            }
                        }
                    }
                }};
            }
            macro_rules! back_edge {
                ($target:expr) => {{
                    if self.fuel == 0 {
                        self.fuel = check!(host.refuel()).max(1);
                    }
                    self.fuel -= 1;
                    at.jump($target);
                }};
            }
            macro_rules! arithmetic {
                ($word:expr, $op:ident, |$l:ident, $r:ident| $fast:expr) => {{
                    let word = $word;
                    let (left, right) = (get!(ops::b(word)), get!(ops::c(word)));
                    let fast = match (H::int(left), H::int(right)) {
                        (Some($l), Some($r)) => $fast,
                        _ => None,
                    };
                    let value = match fast {
                        Some(value) => host.integer(value),
                        None => check!(host.binary(BinaryOp::$op, left, right)),
                    };
                    set!(ops::a(word), value);
                }};
            }
            macro_rules! arithmetic_int {
                ($word:expr, $op:ident, |$l:ident, $r:ident| $fast:expr) => {{
                    let word = $word;
                    let left = get!(ops::b(word));
                    let $r = i64::from(ops::c(word) as i16);
                    let fast = match H::int(left) {
                        Some($l) => $fast,
                        None => None,
                    };
                    let value = match fast {
                        Some(value) => host.integer(value),
                        None => {
                            let right = host.integer($r);
                            check!(host.binary(BinaryOp::$op, left, &right))
                        }
                    };
                    set!(ops::a(word), value);
                }};
            }
            macro_rules! compare {
                ($word:expr, $op:ident, $fast:tt) => {{
                    let word = $word;
                    let (left, right) = (get!(ops::b(word)), get!(ops::c(word)));
                    let value = match (H::int(left), H::int(right)) {
                        (Some(left), Some(right)) => host.boolean(left $fast right),
                        _ => check!(host.compare(CompareOp::$op, left, right)),
                    };
                    set!(ops::a(word), value);
                }};
            }
            macro_rules! jump_unless {
                ($word:expr, $op:ident, $fast:tt) => {{
                    let word = $word;
                    let (left, right) = (get!(ops::a(word)), get!(ops::b(word)));
                    let holds = match (H::int(left), H::int(right)) {
                        (Some(left), Some(right)) => left $fast right,
                        _ => check!(host.compare_truth(CompareOp::$op, left, right)),
                    };
                    if !holds {
                        at.skip(ops::c(word) as i16);
                    }
                }};
            }
            macro_rules! jump_unless_int {
                ($word:expr, $op:ident, $fast:tt) => {{
                    let word = $word;
                    let left = get!(ops::a(word));
                    let right = i64::from(ops::b(word) as i16);
                    let holds = match H::int(left) {
                        Some(left) => left $fast right,
                        None => {
                            let right = host.integer(right);
                            check!(host.compare_truth(CompareOp::$op, left, &right))
                        }
                    };
                    if !holds {
                        at.skip(ops::c(word) as i16);
                    }
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
            loop {
                // SAFETY: the verifier proved that every jump of the function ends inside it and that its last
                // instruction is never followed by a next one.
                let word = unsafe { at.next() };
                // SAFETY: the verifier proved that it is an instruction's number.
                let op = unsafe { window::op(word) };
                match op {
                    // ---- output ---------------------------------------------------------------------------------
                    Op::Text => {
                        write_text!(ops::w(word));
                        chunk!();
                    }
                    Op::Emit => {
                        let escape = escaping!(ops::x(word));
                        let context = self.frames.last().map(|frame| &frame.context);
                        check!(host.emit_in(out, context, get!(ops::a(word)), escape));
                        chunk!();
                    }
                    Op::TextEmit => {
                        if !(CHUNKED && std::mem::take(&mut self.text_is_out)) {
                            write_text!(ops::w(word));
                            if CHUNKED && !self.is_buffered() {
                                text_is_out!();
                            }
                        }
                        let escape = escaping!(ops::x(word));
                        let value = get!(ops::a(word));
                        let context = self.frames.last().map(|frame| &frame.context);
                        if let Err(error) = host.emit_in(out, context, value, escape) {
                            save!();
                            return self.emit_later(error, value.clone(), escape);
                        }
                        chunk!();
                    }
                    Op::EmitAttr => emit_attr!(word),
                    Op::TextEmitAttr => {
                        if self.text_is_out {
                            self.text_is_out = false;
                        } else {
                            write_text!(ops::a(word).into());
                            if CHUNKED && !self.is_buffered() {
                                text_is_out!();
                            }
                        }
                        emit_attr!(word);
                    }

                    // ---- moves and constants --------------------------------------------------------------------
                    Op::Move => set!(ops::a(word), get!(ops::b(word)).clone()),
                    Op::LoadConst => {
                        let Some(constant) = &program.constants[ops::w(word) as usize] else {
                            fault!(Fault::BadImage("a constant that is part of another"))
                        };
                        set!(ops::a(word), check!(host.constant(entry, constant)));
                    }
                    Op::LoadInt => set!(ops::a(word), host.integer(i64::from(ops::w(word) as i32))),
                    Op::LoadBool => set!(ops::a(word), host.boolean(ops::x(word) == 1)),

                    // ---- names ----------------------------------------------------------------------------------
                    Op::Resolve => {
                        let name = &program.names[ops::w(word) as usize];
                        let value = check!(host.lookup(&frame!().context, name));
                        set!(ops::a(word), value.unwrap_or_else(H::missing));
                    }
                    Op::ResolveName => {
                        let name = &program.names[ops::w(word) as usize];
                        let value = match check!(host.lookup(&frame!().context, name)) {
                            Some(value) => value,
                            None => check!(host.undefined(Undefined::Name(image.name(ops::w(word))))),
                        };
                        set!(ops::a(word), value);
                    }
                    Op::Check => {
                        if H::is_missing(get!(ops::a(word))) {
                            let name = image.name(ops::w(word));
                            set!(ops::a(word), check!(host.undefined(Undefined::Name(name))));
                        }
                    }
                    Op::CheckParameter => {
                        if H::is_missing(get!(ops::a(word))) {
                            let name = image.name(ops::w(word));
                            set!(ops::a(word), check!(host.undefined(Undefined::Parameter(name))));
                        }
                    }

                    // ---- attributes and items -------------------------------------------------------------------
                    Op::GetAttr => {
                        let site = &sites[usize::from(ops::c(word))];
                        set!(ops::a(word), check!(host.attr(get!(ops::b(word)), site)));
                    }
                    Op::CheckObject => {
                        let site = &sites[usize::from(ops::c(word))];
                        check!(host.check_object(get!(ops::a(word)), site));
                    }
                    Op::GetItem => {
                        set!(ops::a(word), check!(host.item(get!(ops::b(word)), get!(ops::c(word)))));
                    }
                    Op::GetSlice => {
                        set!(ops::a(word), check!(host.item_slice(get!(ops::b(word)), get!(ops::c(word)))));
                    }
                    Op::GetItemInt => {
                        let key = host.integer(i64::from(ops::c(word) as i16));
                        set!(ops::a(word), check!(host.item(get!(ops::b(word)), &key)));
                    }

                    // ---- operators ------------------------------------------------------------------------------
                    Op::Add => arithmetic!(word, Add, |l, r| l.checked_add(r)),
                    Op::Sub => arithmetic!(word, Sub, |l, r| l.checked_sub(r)),
                    Op::Mul => arithmetic!(word, Mul, |l, r| l.checked_mul(r)),
                    Op::FloorDiv => arithmetic!(word, FloorDiv, |l, r| floor_div(l, r)),
                    Op::Mod => arithmetic!(word, Mod, |l, r| modulo(l, r)),
                    Op::AddInt => arithmetic_int!(word, Add, |l, r| l.checked_add(r)),
                    Op::SubInt => arithmetic_int!(word, Sub, |l, r| l.checked_sub(r)),
                    Op::MulInt => arithmetic_int!(word, Mul, |l, r| l.checked_mul(r)),
                    Op::FloorDivInt => arithmetic_int!(word, FloorDiv, |l, r| floor_div(l, r)),
                    Op::ModInt => arithmetic_int!(word, Mod, |l, r| modulo(l, r)),
                    Op::Not => {
                        let value = !truth!(get!(ops::b(word)));
                        set!(ops::a(word), host.boolean(value));
                    }
                    Op::Eq => compare!(word, Eq, ==),
                    Op::Ne => compare!(word, Ne, !=),
                    Op::Lt => compare!(word, Lt, <),
                    Op::Le => compare!(word, Le, <=),
                    Op::Gt => compare!(word, Gt, >),
                    Op::Ge => compare!(word, Ge, >=),

                    // ---- jumps ----------------------------------------------------------------------------------
                    Op::Jump => {
                        jump!(word);
                    }
                    Op::JumpIf => {
                        if truth!(get!(ops::a(word))) {
                            jump!(word);
                        }
                    }
                    Op::JumpUnless => {
                        if !truth!(get!(ops::a(word))) {
                            jump!(word);
                        }
                    }
                    Op::JumpIfGiven => {
                        if !H::is_missing(get!(ops::a(word))) {
                            jump!(word);
                        }
                    }
                    Op::JumpIfExtended => {
                        if frame!().is_extended() {
                            jump!(word);
                        }
                    }
                    Op::JumpUnlessEq => jump_unless!(word, Eq, ==),
                    Op::JumpUnlessNe => jump_unless!(word, Ne, !=),
                    Op::JumpUnlessLt => jump_unless!(word, Lt, <),
                    Op::JumpUnlessLe => jump_unless!(word, Le, <=),
                    Op::JumpUnlessGt => jump_unless!(word, Gt, >),
                    Op::JumpUnlessGe => jump_unless!(word, Ge, >=),
                    Op::JumpUnlessEqInt => jump_unless_int!(word, Eq, ==),
                    Op::JumpUnlessNeInt => jump_unless_int!(word, Ne, !=),
                    Op::JumpUnlessLtInt => jump_unless_int!(word, Lt, <),
                    Op::JumpUnlessLeInt => jump_unless_int!(word, Le, <=),
                    Op::JumpUnlessGtInt => jump_unless_int!(word, Gt, >),
                    Op::JumpUnlessGeInt => jump_unless_int!(word, Ge, >=),

                    // ---- loops ----------------------------------------------------------------------------------
                    Op::For => {
                        let flags = ops::w(word);
                        let is_recursive = flags & loop_flags::RECURSIVE != 0;
                        let depth = if is_recursive { frame!().loop_depth } else { 0 };
                        // SAFETY: an operand of this function's code; nothing else refers to the window.
                        let slot = unsafe { loops.get_mut(u16::from(ops::x(word))) };
                        check!(slot.start(
                            host,
                            get!(ops::a(word)),
                            depth,
                            flags & loop_flags::PREVIOUS != 0
                        ));
                    }
                    // SAFETY: as above.
                    Op::EndFor => unsafe { loops.get_mut(u16::from(ops::x(word))) }.end(),
                    Op::Next => {
                        // SAFETY: operands of this function's code; nothing else refers to the windows.
                        let (into, slot) = unsafe {
                            (registers.get_mut(ops::a(word)), loops.get_mut(u16::from(ops::x(word))))
                        };
                        let fast = match slot {
                            LoopSlot::Own(state) => state.next_fast(host, into),
                            _ => None,
                        };
                        let any = match fast {
                            Some(any) => any,
                            None => check!(slot.next_slow(host, into)),
                        };
                        if any {
                            back_edge!(ops::w(word) as usize);
                        }
                    }
                    Op::NextPair => {
                        // SAFETY: operands of this function's code; nothing else refers to the windows.
                        let (into, slot) = unsafe {
                            (registers.run_mut(ops::a(word), 2), loops.get_mut(u16::from(ops::x(word))))
                        };
                        if check!(slot.next_pair(host, into)) {
                            back_edge!(ops::w(word) as usize);
                        }
                    }
                    Op::LookAhead => {
                        if let LoopSlot::Own(state) = loop_slot_mut!(ops::x(word))
                            && state.looks(at.place(), ops::a(word) == 1)
                        {
                            jump!(word);
                        }
                    }
                    Op::Pull => {
                        let LoopSlot::Own(state) = loop_slot_mut!(ops::x(word)) else {
                            fault!(Fault::BadImage("a filter of a loop that is in use"))
                        };
                        if let Some(item) = check!(state.pull(host)) {
                            set!(ops::a(word), item);
                            back_edge!(ops::w(word) as usize);
                        }
                    }
                    Op::Looked => {
                        let LoopSlot::Own(state) = loop_slot_mut!(ops::x(word)) else {
                            fault!(Fault::BadImage("a filter of a loop that is in use"))
                        };
                        match state.looked(host, get!(ops::a(word))) {
                            Looked::More => back_edge!(ops::w(word) as usize),
                            // Every instruction of the function may be jumped to; its code alone is in reach.
                            Looked::Back(place) if place < words.len() => back_edge!(place),
                            _ => fault!(Fault::BadImage("the end of a filter that did not start")),
                        }
                    }
                    Op::LoopIndex => match loop_slot!(ops::x(word)) {
                        LoopSlot::Own(state) => {
                            set!(ops::a(word), host.integer(state.index0() as i64 + 1));
                        }
                        _ => rare!(word),
                    },
                    Op::LoopFirst => match loop_slot!(ops::x(word)) {
                        LoopSlot::Own(state) => set!(ops::a(word), host.boolean(state.index0() == 0)),
                        _ => rare!(word),
                    },

                    Op::LoopLast => match loop_slot!(ops::x(word)) {
                        LoopSlot::Own(state) => match state.is_last_fast(host) {
                            Some(last) => set!(ops::a(word), host.boolean(last)),
                            None => rare!(word),
                        },
                        _ => rare!(word),
                    },

                    // ---- calls ----------------------------------------------------------------------------------
                    Op::Filter => {
                        let register = ops::a(word);
                        let (filter, arguments) = linked!(register, word, filter_calls, filters, NoFilter);
                        let value = check!(host.filter(&frame!().context, filter, get!(register), arguments));
                        set!(register, value);
                    }
                    Op::EmitFilter => {
                        let register = ops::a(word);
                        let (filter, arguments) = linked!(register, word, filter_calls, filters, NoFilter);
                        let escape = escaping!(ops::x(word));
                        let context = &frame!().context;
                        check!(host.emit_filter(out, context, filter, get!(register), arguments, escape));
                        chunk!();
                    }
                    Op::Test => {
                        let register = ops::a(word);
                        let (test, arguments) = linked!(register, word, test_calls, tests, NoTest);
                        let (context, value) = (&frame!().context, get!(register));
                        if ops::x(word) == 1 {
                            let holds = check!(host.test(context, test, value, arguments));
                            set!(register, host.boolean(!holds));
                        } else {
                            set!(register, check!(host.test_value(context, test, value, arguments)));
                        }
                    }

                    Op::EmitCallMethod => {
                        save!();
                        if self.emit_call_method(host, out, program, word)? {
                            continue 'frame;
                        }
                        chunk!();
                    }
                    Op::Return => {
                        save!();
                        let ends_part = CHUNKED && self.ends_part();
                        match self.leave(host, out)? {
                            Popped::Machine => return Ok(true),
                            Popped::Frame if ends_part && !self.is_buffered() => return Ok(false),
                            Popped::Frame => continue 'frame,
                        }
                    }

                    // ---- all others -----------------------------------------------------------------------------
                    Op::EmitFolded
                    | Op::EmitText
                    | Op::BeginCapture
                    | Op::EndCapture
                    | Op::LoadNone
                    | Op::LoadMissing
                    | Op::LoadUndefined
                    | Op::Export
                    | Op::LoadContext
                    | Op::LoadOutside
                    | Op::MakeCells
                    | Op::LoadCell
                    | Op::StoreCell
                    | Op::GetAttrWide
                    | Op::MakeSlice
                    | Op::Folds
                    | Op::SetAttr
                    | Op::CheckNamespace
                    | Op::MakeList
                    | Op::MakeTuple
                    | Op::MakeDict
                    | Op::ExtendList
                    | Op::ExtendDict
                    | Op::ListToTuple
                    | Op::Unpack
                    | Op::Div
                    | Op::Pow
                    | Op::Neg
                    | Op::Pos
                    | Op::InterceptBinary
                    | Op::InterceptUnary
                    | Op::Concat
                    | Op::In
                    | Op::NotIn
                    | Op::MarkSafe
                    | Op::Skip
                    | Op::LoopIndex0
                    | Op::LoopGet
                    | Op::LoopCycle
                    | Op::LoopChanged
                    | Op::LoopObject
                    | Op::EnterLoop
                    | Op::Recurse
                    | Op::EnterOverlay
                    | Op::ShowLocals
                    | Op::Call
                    | Op::EmitCall
                    | Op::CallMethod
                    | Op::MakeMacro
                    | Op::CallBlock
                    | Op::LoadSuper
                    | Op::EmitSuper
                    | Op::LoadSelf
                    | Op::Extends
                    | Op::Include
                    | Op::Import
                    | Op::ImportName
                    | Op::SetAutoescape
                    | Op::RestoreAutoescape => rare!(word),
                }
            }
        }
    }
}

/// Python's `//` where it cannot overflow and is not by zero.
#[inline]
fn floor_div(left: i64, right: i64) -> Option<i64> {
    let quotient = left.checked_div(right)?;
    Some(if (left % right != 0) && ((left < 0) != (right < 0)) { quotient - 1 } else { quotient })
}

/// Python's `%` where it is not by zero.
#[inline]
fn modulo(left: i64, right: i64) -> Option<i64> {
    let rest = left.checked_rem(right)?;
    Some(if rest != 0 && ((rest < 0) != (right < 0)) { rest + right } else { rest })
}
