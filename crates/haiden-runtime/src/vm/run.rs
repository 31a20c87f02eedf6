//! The dispatch loop: one `match` arm per instruction.
//!
//! A word is loaded once, its operands are shifts of it. The loop is generic over the host and monomorphised; it never
//! asks which host it serves. Every register access goes through the frame's [`Window`]; its promise is the verifier's:
//! each operand of an image lies in its function's window.
//!
//! When a verb fails, `pc` has been saved by then, one past the instruction, so that an error finds its line; a
//! suspension sets it back by one, so that the instruction runs again.
#![expect(
    unsafe_code,
    reason = "register windows: every access spends the promise of `Window`, as its module says"
)]

use haiden_bytecode::image::{AUTOESCAPE, FunctionKind};
use haiden_bytecode::ops::{self, code};
use haiden_bytecode::{LoopField, loop_flags};

use crate::host::{
    Arguments, BinaryOp, Called, Callee, Closure, CompareOp, Export, Fault, Host, UnaryOp, Undefined,
};
use crate::loops::LoopState;
use crate::vm::frames::{Finish, Popped};
use crate::vm::{LoopSlot, Pending, Vm};
use crate::window::{self, Window};

/// What the loop does next.
enum Next {
    /// The frame on top has changed.
    Frame,
    /// The machine is done.
    Done,
}

impl<H: Host> Vm<H> {
    /// Runs until the machine is done or a verb fails (or suspends).
    pub(super) fn run(&mut self, host: &mut H, out: &mut H::Output) -> Result<(), H::Error> {
        loop {
            match self.run_frame(host, out) {
                Ok(Next::Frame) => {}
                Ok(Next::Done) => return Ok(()),
                Err(error) => {
                    if H::is_suspension(&error)
                        && self.pending.is_none()
                        && let Some(frame) = self.frames.last_mut()
                    {
                        frame.pc = frame.pc.saturating_sub(1);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Runs frames of one program until another program's frame is on top.
    #[expect(clippy::cognitive_complexity, reason = "one arm per instruction; the table is the structure")]
    fn run_frame(&mut self, host: &mut H, out: &mut H::Output) -> Result<Next, H::Error> {
        let Some(frame) = self.frames.last() else { return Ok(Next::Done) };
        let place = frame.program;
        // SAFETY: programs are only ever added while the machine lives, and each is kept behind its own pointer.
        let program = unsafe { window::outlive(&*self.programs[place]) };
        let entry = host.enter(&self.programs[place]);
        let image = &**program.image();
        let all_text: &str = image.text();
        'frame: loop {
            let Some(frame) = self.frames.last_mut() else { return Ok(Next::Done) };
            if frame.program != place {
                return Ok(Next::Frame);
            }
            let function = program.function(frame.function);
            let words = &image.code()[function.code.0 as usize..function.code.1 as usize];
            let mut pc = frame.pc;
            let loops = frame.loops;
            let registers = Window::new(&mut self.registers[frame.registers..]);

            // ---- what the arms are made of ----------------------------------------------------------------------
            macro_rules! save {
                () => {
                    if let Some(frame) = self.frames.last_mut() {
                        frame.pc = pc;
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
                        None => return Ok(Next::Done),
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
                    let text = program.texts[$index as usize];
                    // SAFETY: link took the range from the image, whose verifier proved that it lies in its text, on
                    // borders of characters.
                    let slice = unsafe { window::slice(all_text, text.start, text.end) };
                    check!(host.write_part(out, slice, all_text, text.ascii));
                }};
            }
            macro_rules! emit {
                ($value:expr, $escape:expr) => {{
                    let escape = $escape;
                    let value = $value;
                    if let Err(error) = host.emit(out, &value, escape) {
                        save!();
                        if H::is_suspension(&error) {
                            self.pending = Some(Pending::Emit { value, escape });
                        }
                        return Err(error);
                    }
                }};
            }
            macro_rules! back_edge {
                ($target:expr) => {{
                    if self.fuel == 0 {
                        fault!(Fault::OutOfFuel);
                    }
                    self.fuel -= 1;
                    pc = $target;
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
                        pc = pc.wrapping_add_signed(isize::from(ops::c(word) as i16));
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
                        pc = pc.wrapping_add_signed(isize::from(ops::c(word) as i16));
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
                    save!();
                    $result?;
                    continue 'frame;
                }};
            }
            // Enters a callee of the machine; its output goes to `$finish`.
            macro_rules! enter {
                ($callee:expr, $arguments:expr, $finish:expr) => {{
                    if self.fuel == 0 {
                        fault!(Fault::OutOfFuel);
                    }
                    self.fuel -= 1;
                    save!();
                    let arguments = $arguments;
                    let finish = $finish;
                    self.enter(host, $callee, arguments.values, arguments.shape, finish)?;
                    continue 'frame;
                }};
            }

            loop {
                debug_assert!(pc < words.len(), "instruction {pc} of {}", words.len());
                // SAFETY: the verifier proved that every jump of the function ends inside it and that its last
                // instruction is never followed by a next one.
                let word = unsafe { *words.get_unchecked(pc) };
                pc += 1;
                match word as u8 {
                    // ---- output ---------------------------------------------------------------------------------
                    code::Text => {
                        write_text!(ops::w(word));
                    }
                    code::Emit => {
                        let escape = escaping!(ops::x(word));
                        check!(host.emit(out, get!(ops::a(word)), escape));
                    }
                    code::TextEmit => {
                        write_text!(ops::w(word));
                        let escape = escaping!(ops::x(word));
                        let value = get!(ops::a(word));
                        if let Err(error) = host.emit(out, value, escape) {
                            if H::is_suspension(&error) {
                                self.pending = Some(Pending::Emit { value: value.clone(), escape });
                            }
                            save!();
                            return Err(error);
                        }
                    }
                    code::EmitAttr => {
                        let site = &program.sites[usize::from(ops::c(word))];
                        let value = check!(host.attr(get!(ops::b(word)), site));
                        emit!(value, escaping!(ops::x(word)));
                    }
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
                    code::Move => set!(ops::a(word), get!(ops::b(word)).clone()),
                    code::LoadConst => {
                        let Some(constant) = &program.constants[ops::w(word) as usize] else {
                            fault!(Fault::BadImage("a constant that is part of another"))
                        };
                        set!(ops::a(word), check!(host.constant(entry, constant)));
                    }
                    code::LoadInt => set!(ops::a(word), host.integer(i64::from(ops::w(word) as i32))),
                    code::LoadNone => set!(ops::a(word), host.none()),
                    code::LoadBool => set!(ops::a(word), host.boolean(ops::x(word) == 1)),
                    code::LoadMissing => set!(ops::a(word), H::missing()),
                    code::LoadUndefined => {
                        let hint = image.string(ops::w(word));
                        set!(ops::a(word), check!(host.undefined(Undefined::Hint(hint))));
                    }

                    // ---- names ----------------------------------------------------------------------------------
                    code::Resolve => {
                        let name = &program.names[ops::w(word) as usize];
                        let value = check!(host.lookup(&frame!().context, name));
                        set!(ops::a(word), value.unwrap_or_else(H::missing));
                    }
                    code::ResolveName => {
                        let name = &program.names[ops::w(word) as usize];
                        let value = match check!(host.lookup(&frame!().context, name)) {
                            Some(value) => value,
                            None => check!(host.undefined(Undefined::Name(image.name(ops::w(word))))),
                        };
                        set!(ops::a(word), value);
                    }
                    code::Check => {
                        if H::is_missing(get!(ops::a(word))) {
                            let name = image.name(ops::w(word));
                            set!(ops::a(word), check!(host.undefined(Undefined::Name(name))));
                        }
                    }
                    code::CheckParameter => {
                        if H::is_missing(get!(ops::a(word))) {
                            let name = image.name(ops::w(word));
                            set!(ops::a(word), check!(host.undefined(Undefined::Parameter(name))));
                        }
                    }
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
                        let context = frame!().context.clone();
                        set!(ops::a(word), check!(host.context_object(&context)));
                    }

                    // ---- cells ----------------------------------------------------------------------------------
                    code::MakeCells => {
                        let cells = host.new_cells(frame!().cells.as_ref(), ops::w(word) as usize);
                        frame!().cells = Some(cells);
                    }
                    code::LoadCell => {
                        let value = match &frame!().cells {
                            Some(cells) => {
                                host.cell(cells, usize::from(ops::x(word)), usize::from(ops::c(word)))
                            }
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
                    code::GetAttr => {
                        let site = &program.sites[usize::from(ops::c(word))];
                        set!(ops::a(word), check!(host.attr(get!(ops::b(word)), site)));
                    }
                    code::GetAttrWide => {
                        let site = &program.sites[ops::w(word) as usize];
                        set!(ops::a(word), check!(host.attr(get!(ops::a(word)), site)));
                    }
                    code::GetItem => {
                        set!(ops::a(word), check!(host.item(get!(ops::b(word)), get!(ops::c(word)))));
                    }
                    code::GetItemInt => {
                        let key = host.integer(i64::from(ops::c(word) as i16));
                        set!(ops::a(word), check!(host.item(get!(ops::b(word)), &key)));
                    }
                    code::MakeSlice => {
                        let parts = run!(ops::b(word), 3);
                        let parts = [parts[0].clone(), parts[1].clone(), parts[2].clone()];
                        set!(ops::a(word), check!(host.slice(&parts)));
                    }
                    code::SetAttr => {
                        let site = &program.sites[usize::from(ops::c(word))];
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
                    code::Add => arithmetic!(word, Add, |l, r| l.checked_add(r)),
                    code::Sub => arithmetic!(word, Sub, |l, r| l.checked_sub(r)),
                    code::Mul => arithmetic!(word, Mul, |l, r| l.checked_mul(r)),
                    code::Div => {
                        let value =
                            check!(host.binary(BinaryOp::Div, get!(ops::b(word)), get!(ops::c(word))));
                        set!(ops::a(word), value);
                    }
                    code::FloorDiv => arithmetic!(word, FloorDiv, |l, r| floor_div(l, r)),
                    code::Mod => arithmetic!(word, Mod, |l, r| modulo(l, r)),
                    code::Pow => {
                        let value =
                            check!(host.binary(BinaryOp::Pow, get!(ops::b(word)), get!(ops::c(word))));
                        set!(ops::a(word), value);
                    }
                    code::AddInt => arithmetic_int!(word, Add, |l, r| l.checked_add(r)),
                    code::SubInt => arithmetic_int!(word, Sub, |l, r| l.checked_sub(r)),
                    code::MulInt => arithmetic_int!(word, Mul, |l, r| l.checked_mul(r)),
                    code::FloorDivInt => arithmetic_int!(word, FloorDiv, |l, r| floor_div(l, r)),
                    code::ModInt => arithmetic_int!(word, Mod, |l, r| modulo(l, r)),
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
                    code::Not => {
                        let value = !truth!(get!(ops::b(word)));
                        set!(ops::a(word), host.boolean(value));
                    }
                    code::Concat => {
                        let markup = escaping!(ops::x(word));
                        let values = run!(ops::b(word), usize::from(ops::c(word)));
                        set!(ops::a(word), check!(host.concat(values, markup)));
                    }
                    code::Eq => compare!(word, Eq, ==),
                    code::Ne => compare!(word, Ne, !=),
                    code::Lt => compare!(word, Lt, <),
                    code::Le => compare!(word, Le, <=),
                    code::Gt => compare!(word, Gt, >),
                    code::Ge => compare!(word, Ge, >=),
                    code::In => {
                        let value =
                            check!(host.compare(CompareOp::In, get!(ops::b(word)), get!(ops::c(word))));
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

                    // ---- jumps ----------------------------------------------------------------------------------
                    code::Jump => {
                        let target = ops::w(word) as usize;
                        if target < pc {
                            back_edge!(target);
                        } else {
                            pc = target;
                        }
                    }
                    code::JumpIf => {
                        if truth!(get!(ops::a(word))) {
                            let target = ops::w(word) as usize;
                            if target < pc {
                                back_edge!(target);
                            } else {
                                pc = target;
                            }
                        }
                    }
                    code::JumpUnless => {
                        if !truth!(get!(ops::a(word))) {
                            let target = ops::w(word) as usize;
                            if target < pc {
                                back_edge!(target);
                            } else {
                                pc = target;
                            }
                        }
                    }
                    code::JumpIfGiven => {
                        if !H::is_missing(get!(ops::a(word))) {
                            let target = ops::w(word) as usize;
                            if target < pc {
                                back_edge!(target);
                            } else {
                                pc = target;
                            }
                        }
                    }
                    code::JumpIfExtended => {
                        if frame!().is_extended() {
                            let target = ops::w(word) as usize;
                            if target < pc {
                                back_edge!(target);
                            } else {
                                pc = target;
                            }
                        }
                    }
                    code::JumpUnlessEq => jump_unless!(word, Eq, ==),
                    code::JumpUnlessNe => jump_unless!(word, Ne, !=),
                    code::JumpUnlessLt => jump_unless!(word, Lt, <),
                    code::JumpUnlessLe => jump_unless!(word, Le, <=),
                    code::JumpUnlessGt => jump_unless!(word, Gt, >),
                    code::JumpUnlessGe => jump_unless!(word, Ge, >=),
                    code::JumpUnlessEqInt => jump_unless_int!(word, Eq, ==),
                    code::JumpUnlessNeInt => jump_unless_int!(word, Ne, !=),
                    code::JumpUnlessLtInt => jump_unless_int!(word, Lt, <),
                    code::JumpUnlessLeInt => jump_unless_int!(word, Le, <=),
                    code::JumpUnlessGtInt => jump_unless_int!(word, Gt, >),
                    code::JumpUnlessGeInt => jump_unless_int!(word, Ge, >=),

                    // ---- loops ----------------------------------------------------------------------------------
                    code::For => {
                        let iterator = check!(host.iterate(get!(ops::a(word))));
                        let flags = ops::w(word);
                        let depth = if flags & loop_flags::RECURSIVE != 0 { frame!().loop_depth } else { 0 };
                        let state = LoopState::new(iterator, depth, flags & loop_flags::PREVIOUS != 0);
                        self.loops[loops + usize::from(ops::x(word))] = LoopSlot::Own(state);
                    }
                    code::Next => {
                        let item = match &mut self.loops[loops + usize::from(ops::x(word))] {
                            LoopSlot::Own(state) => check!(state.next(host)),
                            LoopSlot::Idle => None,
                            LoopSlot::Shared(_) => {
                                let result = with_loop!(ops::x(word), |state| state.next(host));
                                check!(result)
                            }
                        };
                        if let Some(item) = item {
                            set!(ops::a(word), item);
                            back_edge!(ops::w(word) as usize);
                        }
                    }
                    code::NextPair => {
                        let pair = match &mut self.loops[loops + usize::from(ops::x(word))] {
                            LoopSlot::Own(state) => check!(state.next_pair(host)),
                            LoopSlot::Idle => None,
                            LoopSlot::Shared(_) => {
                                let result = with_loop!(ops::x(word), |state| state.next_pair(host));
                                check!(result)
                            }
                        };
                        if let Some((first, second)) = pair {
                            set!(ops::a(word), first);
                            set!(ops::a(word) + 1, second);
                            back_edge!(ops::w(word) as usize);
                        }
                    }
                    code::Skip => with_loop!(ops::x(word), |state| state.skip()),
                    code::EndFor => self.loops[loops + usize::from(ops::x(word))] = LoopSlot::Idle,
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
                                if program.function(frame.function).kind == FunctionKind::Loop
                                    && ops::x(word) == 0
                                {
                                    state.set_recursion(Closure {
                                        program: self.programs[place].clone(),
                                        function: frame.function,
                                        cells: frame.outer_cells.clone(),
                                        context: frame.context.clone(),
                                    });
                                }
                                check!(host.share_loop(state))
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
                        switch!(self.push_loop(host, &closure, 0, iterable, Finish::Nothing));
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
                        let markup = program.function(closure.function).flags & AUTOESCAPE != 0;
                        let finish =
                            Finish::Register { mark: host.mark(out), register: ops::a(word), markup };
                        switch!(self.push_loop(host, &closure, depth, iterable, finish));
                    }

                    // ---- calls ----------------------------------------------------------------------------------
                    code::Call => {
                        let register = ops::a(word);
                        let shape = &program.shapes[ops::w(word) as usize];
                        let callee = get!(register);
                        let arguments = Arguments { values: run!(register + 1, shape.registers()), shape };
                        if matches!(host.callee(callee), Callee::Foreign) {
                            let value = check!(host.call(&frame!().context, callee, arguments));
                            set!(register, value);
                        } else {
                            let (callee, values) = (callee.clone(), arguments.values.to_vec());
                            let arguments = Arguments { values: &values, shape };
                            let markup = host.autoescape(&frame!().context);
                            enter!(
                                &callee,
                                arguments,
                                Finish::Register { mark: host.mark(out), register, markup }
                            );
                        }
                    }
                    code::EmitCall => {
                        let register = ops::a(word);
                        let shape = &program.shapes[ops::w(word) as usize];
                        let callee = get!(register);
                        let arguments = Arguments { values: run!(register + 1, shape.registers()), shape };
                        if matches!(host.callee(callee), Callee::Foreign) {
                            let value = check!(host.call(&frame!().context, callee, arguments));
                            emit!(value, escaping!(ops::x(word)));
                        } else {
                            let (callee, values) = (callee.clone(), arguments.values.to_vec());
                            let arguments = Arguments { values: &values, shape };
                            let escape = escaping!(ops::x(word));
                            if escape && !host.autoescape(&frame!().context) {
                                // The result is no markup here: it is captured, then emitted escaped.
                                let value =
                                    self.call_to_value(host, out, &callee, arguments.values, shape, pc)?;
                                emit!(value, true);
                            } else {
                                enter!(&callee, arguments, Finish::Nothing);
                            }
                        }
                    }
                    code::CallMethod => {
                        let register = ops::a(word);
                        let shape = &program.shapes[usize::from(ops::c(word))];
                        let site = &program.sites[usize::from(ops::b(word))];
                        let receiver = get!(register);
                        let arguments = Arguments { values: run!(register + 1, shape.registers()), shape };
                        match check!(host.call_method(&frame!().context, receiver, site, arguments)) {
                            Called::Value(value) => set!(register, value),
                            Called::Enter(callee) => {
                                let values = arguments.values.to_vec();
                                let arguments = Arguments { values: &values, shape };
                                let markup = host.autoescape(&frame!().context);
                                let mark = host.mark(out);
                                enter!(&callee, arguments, Finish::Register { mark, register, markup });
                            }
                        }
                    }
                    code::Filter => {
                        let register = ops::a(word);
                        let (filter, arguments) = linked!(register, word, filter_calls, filters, NoFilter);
                        let value = check!(host.filter(&frame!().context, filter, get!(register), arguments));
                        set!(register, value);
                    }
                    code::EmitFilter => {
                        let register = ops::a(word);
                        let (filter, arguments) = linked!(register, word, filter_calls, filters, NoFilter);
                        let escape = escaping!(ops::x(word));
                        let context = &frame!().context;
                        check!(host.emit_filter(out, context, filter, get!(register), arguments, escape));
                    }
                    code::Test => {
                        let register = ops::a(word);
                        let (test, arguments) = linked!(register, word, test_calls, tests, NoTest);
                        let holds = check!(host.test(&frame!().context, test, get!(register), arguments));
                        set!(register, host.boolean(holds != (ops::x(word) == 1)));
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
                    code::Return => {
                        save!();
                        if self.continue_with_parent(host)? {
                            continue 'frame;
                        }
                        return match self.pop(host, out)? {
                            Popped::Machine => Ok(Next::Done),
                            Popped::Frame => continue 'frame,
                        };
                    }

                    // ---- blocks and templates -------------------------------------------------------------------
                    code::CallBlock => {
                        let locals = (ops::a(word) != u16::MAX).then_some(u32::from(ops::a(word)));
                        switch!(self.enter_block(host, program, ops::w(word), locals));
                    }
                    code::LoadSuper => {
                        let value = self.super_value(host);
                        set!(ops::a(word), check!(value));
                    }
                    code::EmitSuper => {
                        if let Some(block) = self.super_block() {
                            let escape = escaping!(ops::x(word));
                            if escape && !host.autoescape(&block.context) {
                                save!();
                                let value = Vm::call_block(host, out, block, self.limits_left())?;
                                emit!(value, true);
                            } else {
                                switch!(self.push_block(host, block, Finish::Nothing));
                            }
                        } else {
                            // Calling the undefined `super` raises its message.
                            let undefined = check!(self.super_value(host));
                            let shape = crate::program::Shape::positional(0);
                            let arguments = Arguments { values: &[], shape: &shape };
                            let value = check!(host.call(&frame!().context, &undefined, arguments));
                            emit!(value, escaping!(ops::x(word)));
                        }
                    }
                    code::LoadSelf => {
                        let context = frame!().context.clone();
                        set!(ops::a(word), check!(host.make_self(&context)));
                    }
                    code::Extends => {
                        let name = get!(ops::a(word)).clone();
                        let result = self.extend(host, &name);
                        check!(result);
                    }
                    code::Include => {
                        let names = get!(ops::a(word)).clone();
                        save!();
                        if self.include(host, program, &names, ops::x(word), ops::w(word))? {
                            continue 'frame;
                        }
                    }
                    code::Import => {
                        let name = get!(ops::a(word)).clone();
                        save!();
                        let place = (ops::a(word), ops::x(word), ops::w(word));
                        match self.import(host, out, program, place, &name)? {
                            Some(module) => set!(ops::a(word), module),
                            None => continue 'frame,
                        }
                    }
                    code::ImportName => {
                        let module = get!(ops::a(word)).clone();
                        let (line, _) = image.line_at(function.code.0 + pc as u32 - 1);
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
            }
        }
    }

    /// Enters what `callee` is; its output goes to `finish`.
    fn enter(
        &mut self,
        host: &mut H,
        callee: &H::Register,
        values: &[H::Register],
        shape: &crate::program::Shape<H>,
        finish: Finish<H>,
    ) -> Result<(), H::Error> {
        match host.callee(callee) {
            Callee::Macro(closure) => {
                let closure = closure.clone();
                self.push_call(host, &closure, Arguments { values, shape }, finish)
            }
            Callee::Block(block) => {
                let block = block.clone();
                self.push_block(host, block, finish)
            }
            Callee::Loop => {
                let recursion = host.take_loop(callee).map(|state| {
                    let recursion = (state.recursion().cloned(), state.depth0());
                    host.put_loop(callee, state);
                    recursion
                });
                match (recursion, values) {
                    (Some((Some(closure), depth)), [iterable]) => {
                        self.push_loop(host, &closure, depth + 1, iterable.clone(), finish)
                    }
                    _ => Vm::fault(host, Fault::NotRecursive),
                }
            }
            Callee::Foreign => Vm::fault(host, Fault::BadImage("a call of something foreign")),
        }
    }

    /// Calls one of the machine's own callables to its end, on a machine of its own.
    fn call_to_value(
        &mut self,
        host: &mut H,
        out: &mut H::Output,
        callee: &H::Register,
        values: &[H::Register],
        shape: &crate::program::Shape<H>,
        pc: usize,
    ) -> Result<H::Register, H::Error> {
        if let Some(frame) = self.frames.last_mut() {
            frame.pc = pc;
        }
        let mut vm = Vm::empty(self.limits_left());
        let mark = host.mark(out);
        vm.enter(host, callee, values, shape, Finish::Value { mark, markup: false })?;
        match vm.resume(host, out) {
            super::Step::Done => Ok(vm.result.take().unwrap_or_else(H::missing)),
            super::Step::Await(error) | super::Step::Err(error) => Err(error),
        }
    }

    /// The limits of a machine that runs inside this one.
    fn limits_left(&self) -> super::Limits {
        super::Limits { depth: self.limits.depth.saturating_sub(self.frames.len()), fuel: self.fuel }
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
