//! Templates: how one template reaches another: `extends`, `include`, `import`, blocks.

use haiden_bytecode::include_flags::WITH_CONTEXT;
use haiden_bytecode::ops::{self, Kind, code};
use haiden_bytecode::{Op, Words};

use crate::builtins::text::quoted;
use crate::host::{BlockReference, Fault, Host, Undefined};
use crate::program::Program;
use crate::vm::Vm;
use crate::vm::frames::{Finish, Frame};

/// Values of a frame's local variables, by name.
type Locals<'a, H> = Vec<(&'a <H as Host>::Name, <H as Host>::Register)>;

/// The table of locals that an instruction shows to what it calls: its own operand, or that of the instruction before it.
fn shown_at(code: Words<'_>, pc: usize) -> Option<u32> {
    const NONE: u32 = 0xFFFF;
    let word = (pc < code.len()).then(|| code.at(pc))?;
    let op = Op::from_code(word as u8)?;
    let own = op.info().operands.iter().find(|(_, kind)| matches!(kind, Kind::Locals | Kind::LocalsOrNone));
    if let Some((field, kind)) = own {
        return Some(field.of(word)).filter(|&index| *kind == Kind::Locals || index != NONE);
    }
    let before = code.at(pc.checked_sub(1)?);
    let calls = matches!(op, Op::Call | Op::EmitCall);
    (calls && before as u8 == code::ShowLocals).then(|| ops::w(before))
}

impl<H: Host> Vm<H> {
    /// What an error's trace tells of the locals of a frame that is at instruction `pc`: a macro's parameters, and those
    /// that the instruction shows to what it calls.
    pub(super) fn witnessed<'p>(&self, program: &'p Program<H>, frame: &Frame<H>, pc: u32) -> Locals<'p, H> {
        let registers = &self.registers[frame.registers..];
        let parameters = program.image().parameters(program.function(frame.function)).iter().zip(registers);
        let mut locals: Locals<'p, H> = parameters
            .filter(|(_, value)| !H::is_missing(value))
            .map(|(name, value)| (program.linked_name(name), value.clone()))
            .collect();
        if let Some(index) = shown_at(program.image().code(), pc as usize) {
            locals.extend(self.locals_of(program, frame, index));
        }
        locals
    }

    /// The locals of table `index` that are set.
    fn locals<'p>(&self, program: &'p Program<H>, index: u32) -> Locals<'p, H> {
        self.frames.last().map_or_else(Vec::new, |frame| self.locals_of(program, frame, index))
    }

    fn locals_of<'p>(&self, program: &'p Program<H>, frame: &Frame<H>, index: u32) -> Locals<'p, H> {
        let registers = &self.registers[frame.registers..];
        let entries = program.image().locals(index).iter();
        let set = entries.filter(|&&(_, register)| !H::is_missing(&registers[usize::from(register)]));
        set.map(|&(name, register)| (program.linked_name(name), registers[usize::from(register)].clone()))
            .collect()
    }

    /// The context with locals that a call shows to a function that asks for it; `None` if it does not.
    pub(crate) fn context_shown(
        &self,
        host: &mut H,
        program: &Program<H>,
        shown: u32,
        callee: &H::Register,
    ) -> Result<Option<H::Context>, H::Error> {
        let (Some(index), Some(frame)) = (shown.checked_sub(1), self.frames.last()) else { return Ok(None) };
        if !host.asks_for_context(callee)? {
            return Ok(None);
        }
        let locals = self.locals(program, index);
        host.derive_context(&frame.context, &locals).map(Some)
    }

    /// The running frame's context with the locals of table `index` on top.
    pub(crate) fn derived(
        &self,
        host: &mut H,
        program: &Program<H>,
        index: u32,
    ) -> Result<H::Context, H::Error> {
        let Some(frame) = self.frames.last() else {
            return Vm::fault(host, Fault::BadImage("a context without a frame"));
        };
        let locals = self.locals(program, index);
        host.derive_context(&frame.context, &locals)
    }

    /// Pushes the body of an overlay scope.
    pub(crate) fn enter_overlay(
        &mut self,
        host: &mut H,
        program: &Program<H>,
        (locals, function): (u32, u32),
        variables: &H::Register,
    ) -> Result<(), H::Error> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        let (place, block) = (frame.program, frame.block.clone());
        let locals = self.locals(program, locals);
        let context = host.overlay_context(&frame.context, &locals, variables)?;
        drop(locals);
        self.push_at(host, place, function, context, None, Finish::Nothing)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.block = block;
        }
        Ok(())
    }

    /// `extends`: the running template gets a parent.
    pub(crate) fn extend(&mut self, host: &mut H, name: &H::Register) -> Result<(), H::Error> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        if frame.parent.is_some() {
            return Vm::fault(host, Fault::ExtendedTwice);
        }
        let parent = host.template(name, &self.programs[frame.program])?;
        let chain = host.chain(&frame.context);
        if chain.depth() >= self.limits.depth {
            return Vm::fault(host, Fault::TooDeep);
        }
        host.set_chain(&frame.context, chain.extended(&parent));
        frame.parent = Some(parent);
        Ok(())
    }

    /// The root of a template is over: continues with its parent's, if it has one.
    pub(crate) fn continue_with_parent(&mut self, host: &mut H) -> Result<bool, H::Error> {
        let Some(frame) = self.frames.last_mut() else { return Ok(false) };
        let Some(parent) = frame.parent.take() else { return Ok(false) };
        // The parent's frame takes the place of the child's, and with it what happens at the end.
        let (context, base) = (frame.context.clone(), frame.registers);
        let (loops, captures) = (frame.loops, frame.captures);
        let finish = std::mem::replace(&mut frame.finish, Finish::Nothing);
        let module = match finish {
            // A module belongs to the template that was imported, not to its parent.
            Finish::Module { .. } => Some(frame.program),
            _ => None,
        };
        if module.is_some() {
            frame.finish = finish;
            frame.pc = frame.pc.saturating_sub(1);
            self.push_root(host, &parent, context, Finish::Nothing)?;
            return Ok(true);
        }
        self.frames.pop();
        self.registers.truncate(base);
        self.loops.truncate(loops);
        self.captures.truncate(captures);
        self.push_root(host, &parent, context, finish)?;
        Ok(true)
    }

    /// Pushes the most derived definition of a block of the running template.
    pub(crate) fn enter_block(
        &mut self,
        host: &mut H,
        program: &Program<H>,
        name: u32,
        locals: Option<u32>,
    ) -> Result<(), H::Error> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        let context = frame.context.clone();
        let chain = host.chain(&context);
        let Some(block) = chain.find(program.image().name(name)) else {
            return Vm::fault(host, Fault::BadImage("a block that is not defined"));
        };
        // Jinja2 asks only how many definitions there are: one that is required itself can stand in for another.
        if chain.definition(block, 1).is_none()
            && chain.definition(block, 0).is_some_and(|(_, definition)| definition.required)
        {
            return Vm::fault(host, Fault::RequiredBlock(program.image().name(name)));
        }
        let context = match locals {
            None => context,
            Some(index) => {
                let locals = self.locals(program, index);
                host.derive_context(&context, &locals)?
            }
        };
        self.push_block(host, BlockReference { context, chain, block, depth: 0 }, Finish::Nothing)
    }

    /// The next outer definition of the running block.
    pub(crate) fn super_block(&self) -> Option<BlockReference<H>> {
        let block = self.frames.last()?.block.as_ref()?;
        block.chain.definition(block.block, block.depth + 1)?;
        Some(BlockReference { depth: block.depth + 1, ..(**block).clone() })
    }

    /// `super` as a value.
    pub(crate) fn super_value(&self, host: &mut H) -> Result<H::Register, H::Error> {
        if let Some(block) = self.super_block() {
            return host.make_block(block);
        }
        let name =
            self.frames.last().and_then(|frame| self.programs[frame.program].function_name(frame.function));
        host.undefined(Undefined::NoParentBlock(name.unwrap_or_default()))
    }

    /// `include`: pushes the other template's root, unless it is missing and that is no error.
    pub(crate) fn include(
        &mut self,
        host: &mut H,
        program: &Program<H>,
        names: &H::Register,
        flags: u8,
        locals: u32,
    ) -> Result<bool, H::Error> {
        let Some(frame) = self.frames.last() else { return Ok(false) };
        let from = &self.programs[frame.program];
        let Some(template) = host.select_template(names, from, flags)? else {
            return Ok(false);
        };
        let context = if flags & WITH_CONTEXT != 0 {
            let locals = self.locals(program, locals);
            host.new_context(&template, Some(&frame.context), &locals)?
        } else {
            host.new_context(&template, None, &[])?
        };
        self.push_root(host, &template, context, Finish::Nothing)?;
        Ok(true)
    }

    /// `import`: the module at once if it is cached, else pushes the other template's root.
    pub(crate) fn import(
        &mut self,
        host: &mut H,
        out: &mut H::Output,
        program: &Program<H>,
        (register, flags, locals): (u16, u8, u32),
        name: &H::Register,
    ) -> Result<Option<H::Register>, H::Error> {
        let Some(frame) = self.frames.last() else { return Ok(None) };
        let from = self.programs[frame.program].clone();
        let template = host.imported_template(name, &from)?;
        let cache = flags & WITH_CONTEXT == 0;
        if cache && let Some(module) = host.cached_module(&template) {
            return Ok(Some(module));
        }
        let context = if cache {
            host.new_context(&template, None, &[])?
        } else {
            let locals = self.locals(program, locals);
            host.new_context(&template, Some(&frame.context), &locals)?
        };
        let mark = host.mark(out);
        self.push_root(host, &template, context, Finish::Module { mark, register, cache })?;
        Ok(None)
    }

    /// A member of a module, or an undefined value that says it has none.
    pub(crate) fn import_name(
        host: &mut H,
        program: &Program<H>,
        module: &H::Register,
        name: u32,
        line: u32,
    ) -> Result<H::Register, H::Error> {
        if let Some(value) = host.module_member(module, program.linked_name(name))? {
            return Ok(value);
        }
        let template = host.module_name(module).unwrap_or_default();
        let (position, name) = (position(program, line), program.image().name(name));
        host.undefined(Undefined::NoExport { template: &template, position: &position, name })
    }
}

/// A line of a template, for messages; a template without a name has lines only.
pub(super) fn position<H: Host>(program: &Program<H>, line: u32) -> String {
    let line = if line == 0 { "None".to_owned() } else { line.to_string() };
    match program.name() {
        Some(name) => format!("line {line} in {}", quoted(name)),
        None => format!("line {line}"),
    }
}
