//! The verbs of [`Host`], each a few lines over [`PyHost`]'s own functions.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haiden_runtime::append::Short;
use haiden_runtime::loops::LoopState;
use haiden_runtime::{
    Arguments, BinaryOp, BlockReference, Called, Callee, Chain, Closure, CompareOp, Export, Fault, Host,
    Program, TraceFrame, UnaryOp, Undefined,
};

use crate::attr_cache::{Name, Site, namespace_attributes};
use crate::contexts;
use crate::filters::{self, Filter, Function};
use crate::guard::Guard;
use crate::host::{Extra, PyHost};
use crate::iterate::Iter;
use crate::link::Linked;
use crate::machine;
use crate::objects::{self, Class, Raised, Result};
use crate::output::Output;
use crate::outside;
use crate::register::{Obj, Register, View};
use crate::scope::{CellBlock, Context};
use crate::templates;
use crate::tests::Test;
use crate::wanted::Wanted;

/// How long a render that calls no Python code keeps the interpreter from other threads: longer than these wait before they ask
/// for it.
const TURN: Duration = Duration::from_millis(10);

impl Host for PyHost {
    type Register = Register;
    type Output = Output;
    type Error = Raised;
    type Iterator = Iter;
    type Cells = Rc<CellBlock>;
    type Context = Context;
    type Constant = Linked;
    type Name = Name;
    type Site = Site;
    /// Whether short roads may be taken.
    type SiteKind = bool;
    type Filter = Filter;
    type Test = Test;
    type Extra = Extra;
    type Entry = ();
    type Mark = usize;

    // ---- registers --------------------------------------------------------------------------------------------------

    #[inline(always)]
    fn missing() -> Register {
        Register::MISSING
    }
    #[inline(always)]
    fn is_missing(register: &Register) -> bool {
        register.is_missing()
    }
    #[inline(always)]
    fn none(&mut self) -> Register {
        Register::NONE
    }
    fn is_none(&self, value: &Register) -> bool {
        matches!(value.view(), View::None)
            || value.as_object().is_some_and(|object| object.is(&objects::none()))
    }
    #[inline(always)]
    fn boolean(&mut self, value: bool) -> Register {
        Register::boolean(value)
    }
    #[inline(always)]
    fn integer(&mut self, value: i64) -> Register {
        Register::integer(value)
    }
    #[inline(always)]
    fn int(register: &Register) -> Option<i64> {
        if let Some(value) = register.small() {
            return Some(value);
        }
        objects::int_value(register.as_object()?)
    }
    #[inline(always)]
    fn bool(register: &Register) -> Option<bool> {
        register.as_bool()
    }

    // ---- programs and output ----------------------------------------------------------------------------------------

    #[inline(always)]
    fn enter(&mut self, program: &Arc<Program<PyHost>>) {
        self.enter_settings(&program.extra().settings);
    }
    #[inline(always)]
    fn constant(&mut self, (): (), constant: &Linked) -> Result<Register> {
        match constant {
            Linked::Value(value) => Ok(value.clone()),
            other => other.make(self),
        }
    }
    #[inline(always)]
    fn write(&mut self, out: &mut Output, text: &str, ascii: bool) -> Result<()> {
        if !self.plain_print {
            return self.write_specially(out, text, ascii);
        }
        out.push(text, ascii);
        Ok(())
    }
    #[inline(always)]
    fn write_short(&mut self, out: &mut Output, text: Short<'_>) -> Result<()> {
        if !self.plain_print {
            return self.write_specially(out, text.text(), true);
        }
        out.push_short(text);
        Ok(())
    }
    #[inline(always)]
    fn emit(&mut self, out: &mut Output, value: &Register, escape: bool) -> Result<()> {
        self.emit_in(out, None, value, escape)
    }
    #[inline(always)]
    fn emit_in(
        &mut self,
        out: &mut Output,
        context: Option<&Context>,
        value: &Register,
        escape: bool,
    ) -> Result<()> {
        if !self.plain_print {
            return self.print_specially(out, context, value, escape);
        }
        self.print(out, value, escape)
    }
    fn emit_folded(
        &mut self,
        out: &mut Output,
        context: Option<&Context>,
        value: &Register,
        folded: bool,
        escape: bool,
    ) -> Result<()> {
        self.print_constant(out, context, value, folded, escape)
    }
    fn emit_text(&mut self, out: &mut Output, value: &Register) -> Result<()> {
        self.print_text(out, value)
    }
    #[inline(always)]
    fn writes_through(&self) -> bool {
        self.plain_print
    }
    #[inline(always)]
    fn emit_attr_fast(&mut self, out: &mut Output, object: &Register, site: &Site, escape: bool) -> bool {
        let is_plain = self.plain_print && self.attr_by_site && !self.is_async;
        match object.as_object() {
            Some(object) if is_plain => site.print_at_hand(out, object, escape),
            _ => false,
        }
    }
    fn mark(&mut self, out: &mut Output) -> usize {
        out.len()
    }
    fn take_since(&mut self, out: &mut Output, mark: usize, markup: bool) -> Result<Register> {
        if let Some(parts) = &mut out.parts {
            let parts = parts.split_off(mark.min(parts.len()));
            let joined = self.joined(parts)?;
            return if markup {
                self.mark_safe(&Register::object(joined))
            } else {
                Ok(Register::object(joined))
            };
        }
        let text = out.take_since(mark)?;
        self.finish_text(text, markup)
    }
    fn take_body(&mut self, out: &mut Output, mark: usize) -> Result<Register> {
        let Some(parts) = &mut out.parts else { return self.take_since(out, mark, false) };
        // Values are made text when somebody prints the module.
        let parts = parts.split_off(mark.min(parts.len()));
        objects::list(parts.into_iter().map(Ok)).map(Register::object)
    }
    fn join_since(&mut self, out: &mut Output, mark: usize, markup: bool) -> Result<()> {
        if out.parts.is_some() {
            let value = self.take_since(out, mark, markup)?;
            let value = self.object(&value)?;
            out.parts.get_or_insert_default().push(value);
        }
        Ok(())
    }

    // ---- context ----------------------------------------------------------------------------------------------------

    #[inline]
    fn lookup(&mut self, context: &Context, name: &Name) -> Result<Option<Register>> {
        self.find(context, name)
    }
    fn export(&mut self, context: &Context, name: &Name, value: &Register, how: Export) -> Result<()> {
        context.set_variable(self, &name.object, value.clone())?;
        if let Some(seen) = context.object.get() {
            let exported = objects::get_attr(&seen.object, &self.types.exported_vars.object)?;
            return match how {
                Export::Private => Ok(()),
                Export::Public => objects::set_add(&exported, &name.object),
                Export::Imported => objects::set_discard(&exported, &name.object),
            };
        }
        let mut exported = context.exported.borrow_mut();
        match how {
            Export::Private => {}
            Export::Public => {
                if !exported.iter().any(|known| known.is(&name.object)) {
                    exported.push(name.object.clone());
                }
            }
            Export::Imported => exported.retain(|known| !known.is(&name.object)),
        }
        Ok(())
    }
    fn new_context(
        &mut self,
        program: &Arc<Program<PyHost>>,
        parent: Option<&Context>,
        locals: &[(&Name, Register)],
    ) -> Result<Context> {
        if let Some(parent) = parent {
            return contexts::inherited(self, program, parent, locals);
        }
        // Its module may be kept, so what it makes is no part of this render.
        let base = match self.more_globals(program)? {
            Some(more) => more,
            None => objects::dict()?,
        };
        if !program.extra().settings().plain_context {
            let all = objects::dict()?;
            for dict in program.extra().globals.dicts().chain([&base]) {
                objects::dict_update(&all, dict)?;
            }
            return self.context_by_class(program, all, &[]);
        }
        Ok(contexts::root(program, base))
    }
    fn derive_context(&mut self, context: &Context, locals: &[(&Name, Register)]) -> Result<Context> {
        contexts::derived(self, context, locals)
    }
    fn overlay_context(
        &mut self,
        context: &Context,
        locals: &[(&Name, Register)],
        variables: &Register,
    ) -> Result<Context> {
        contexts::overlaid(self, context, locals, variables)
    }
    fn outside(&mut self, program: &Arc<Program<PyHost>>, path: &str) -> Result<Register> {
        outside::find(program, path).map(Register::object)
    }
    fn context_object(&mut self, context: &Context) -> Result<Register> {
        self.context_of(context).map(Register::object)
    }
    fn chain(&mut self, context: &Context) -> Arc<Chain<PyHost>> {
        context.chain()
    }
    fn set_chain(&mut self, context: &Context, chain: Arc<Chain<PyHost>>) {
        if context.object.get().is_some()
            && let Some(parent) = chain.programs().last()
        {
            // The machine goes by the chain; a `blocks` that Python code has broken is its own affair.
            let _ = self.add_blocks(context, parent).map_err(Raised::clear);
        }
        context.set_chain(chain);
    }
    #[inline(always)]
    fn autoescape(&mut self, context: &Context) -> bool {
        context.autoescape.get()
    }
    fn set_autoescape(&mut self, context: &Context, on: bool) {
        self.switch_autoescape(context, on);
    }

    // ---- cells ------------------------------------------------------------------------------------------------------

    fn new_cells(&mut self, parent: Option<&Rc<CellBlock>>, count: usize) -> Rc<CellBlock> {
        CellBlock::new(parent, count)
    }
    fn cell(&mut self, cells: &Rc<CellBlock>, hops: usize, index: usize) -> Register {
        let block = cells.outwards(hops);
        block.and_then(|block| block.cells.borrow().get(index).cloned()).unwrap_or(Register::MISSING)
    }
    fn set_cell(&mut self, cells: &Rc<CellBlock>, hops: usize, index: usize, value: Register) {
        if let Some(block) = cells.outwards(hops) {
            let old = block.cells.borrow_mut().get_mut(index).map(|place| std::mem::replace(place, value));
            drop(old);
        }
    }

    // ---- values -----------------------------------------------------------------------------------------------------

    fn undefined(&mut self, why: Undefined<'_>) -> Result<Register> {
        self.explain(why).map(Register::object)
    }
    #[inline]
    fn truth(&mut self, value: &Register) -> Result<bool> {
        match value.view() {
            View::Object(object) => objects::truth(object),
            View::Int(value) => Ok(value != 0),
            View::Bool(value) => Ok(value),
            View::None | View::Missing => Ok(false),
        }
    }
    #[inline]
    fn site(fast: bool, name: &Name, may_be_missing: bool) -> Site {
        let mut site = Site::new(name, fast);
        site.may_be_missing = may_be_missing;
        site
    }
    #[inline(always)]
    fn attr(&mut self, object: &Register, site: &Site) -> Result<Register> {
        if self.attr_by_site
            && let Some(object) = object.as_object()
            && let Some(value) = site.at_hand(object)
            && (!self.is_async || self.is_over(&value))
        {
            return Ok(Register::object(value));
        }
        self.attr_in_reach(object, site)
    }
    #[inline]
    fn check_object(&mut self, object: &Register, site: &Site) -> Result<()> {
        // What has an attribute at hand has members: to find out takes less than to look whether it is undefined.
        let has_it = self.attr_by_site && object.as_object().is_some_and(|object| site.is_at_hand(object));
        if !has_it && self.is_undefined(object) { self.attr(object, site).map(drop) } else { Ok(()) }
    }
    fn item(&mut self, object: &Register, key: &Register) -> Result<Register> {
        if self.is_async {
            return self.awaited(|host| host.get_item(&host.object(object)?, key));
        }
        match object.as_object() {
            Some(object) => self.get_item(object, key),
            None => self.get_item(&self.object(object)?, key),
        }
    }
    fn folds(&mut self, filter: &Name) -> Result<bool> {
        let table = &self.settings().filters;
        let found = if objects::is_dict(table) {
            objects::dict_get(table, &filter.object, filter.hash)?
        } else {
            None
        };
        found.map_or(Ok(true), |found| Ok(Wanted::of(&found)? != Wanted::Context))
    }
    fn item_slice(&mut self, object: &Register, slice: &Register) -> Result<Register> {
        objects::get_item(&self.object(object)?, &self.object(slice)?).map(Register::object)
    }
    fn check_namespace(&mut self, object: &Register) -> Result<()> {
        match object.as_object() {
            Some(object) if objects::is_instance_of(object, &self.types.namespace) => Ok(()),
            _ => Err(self.fault(Fault::NotANamespace)),
        }
    }
    fn set_attr(&mut self, object: &Register, site: &Site, value: &Register) -> Result<()> {
        if let Some(object) = object.as_object()
            && self.fast
            && let Some(attributes) = namespace_attributes(object)?
        {
            return objects::dict_set(&attributes, &site.name, &self.object(value)?);
        }
        let object = self.object(object)?;
        // Set blocks change what is no namespace, too: Jinja2 has no rule for that. Templates that may change nothing must
        // not do so this way either.
        let immutable = self.settings().guard == Some(Guard::Immutable);
        if immutable && !objects::is_instance_of(&object, &self.types.namespace) {
            return Err(self.fault(Fault::NotANamespace));
        }
        objects::set_item(&object, &site.name, &self.object(value)?)
    }
    fn slice(&mut self, parts: &[Register; 3]) -> Result<Register> {
        let [start, stop, step] = parts;
        objects::slice(&self.object(start)?, &self.object(stop)?, &self.object(step)?).map(Register::object)
    }
    fn binary(&mut self, op: BinaryOp, left: &Register, right: &Register) -> Result<Register> {
        self.operate(op, left, right)
    }
    fn intercepted_binary(
        &mut self,
        context: &Context,
        op: BinaryOp,
        left: &Register,
        right: &Register,
    ) -> Result<Register> {
        self.operate_by_hook(context, op, left, right)
    }
    fn intercepted_unary(&mut self, context: &Context, op: UnaryOp, value: &Register) -> Result<Register> {
        self.operate_on_one_by_hook(context, op, value)
    }
    fn compare(&mut self, op: CompareOp, left: &Register, right: &Register) -> Result<Register> {
        self.order(op, left, right)
    }
    fn compare_truth(&mut self, op: CompareOp, left: &Register, right: &Register) -> Result<bool> {
        if let Some(holds) = self.texts_are_equal(op, left, right)? {
            return Ok(holds);
        }
        let result = self.order(op, left, right)?;
        self.truth(&result)
    }
    fn unary(&mut self, op: UnaryOp, value: &Register) -> Result<Register> {
        let value = self.object(value)?;
        match op {
            UnaryOp::Neg => objects::negative(&value),
            UnaryOp::Pos => objects::positive(&value),
        }
        .map(Register::object)
    }
    fn concat(&mut self, values: &[Register], markup: bool) -> Result<Register> {
        if markup && !values.iter().all(PyHost::is_plain_text) {
            return self.markup_join(values);
        }
        self.build(false, |host, out| values.iter().try_for_each(|value| host.print(out, value, false)))
    }
    fn mark_safe(&mut self, value: &Register) -> Result<Register> {
        let object = self.object(value)?;
        if objects::is_str(&object) {
            return self.finish_text(object, true);
        }
        objects::call(&self.types.markup, &[object], None).map(Register::object)
    }
    fn list(&mut self, values: &[Register]) -> Result<Register> {
        objects::list(values.iter().map(|value| self.object(value))).map(Register::object)
    }
    fn tuple(&mut self, values: &[Register]) -> Result<Register> {
        objects::tuple(values.iter().map(|value| self.object(value))).map(Register::object)
    }
    fn dict(&mut self, pairs: &[Register]) -> Result<Register> {
        let dict = Register::object(objects::dict()?);
        self.extend_dict(&dict, pairs)?;
        Ok(dict)
    }
    fn extend_list(&mut self, list: &Register, values: &[Register]) -> Result<()> {
        let list = self.object(list)?;
        values.iter().try_for_each(|value| objects::list_append(&list, &self.object(value)?))
    }
    fn extend_dict(&mut self, dict: &Register, pairs: &[Register]) -> Result<()> {
        let dict = self.object(dict)?;
        pairs
            .chunks_exact(2)
            .try_for_each(|pair| objects::dict_set(&dict, &self.object(&pair[0])?, &self.object(&pair[1])?))
    }
    fn list_to_tuple(&mut self, list: &Register) -> Result<Register> {
        objects::tuple_of(&self.object(list)?).map(Register::object)
    }
    fn unpack(&mut self, value: &Register, into: &mut [Register]) -> Result<()> {
        let object = self.object(value)?;
        if self.fast && objects::is_tuple(&object) && objects::tuple_len(&object) == into.len() {
            for (index, place) in into.iter_mut().enumerate() {
                *place = objects::tuple_item(&object, index).map_or(Register::MISSING, Register::object);
            }
            return Ok(());
        }
        unpack_slowly(&object, into)
    }

    // ---- iteration --------------------------------------------------------------------------------------------------

    #[inline(never)]
    fn iterate(&mut self, value: &Register) -> Result<Iter> {
        if self.is_async {
            return self.iterate_awaited(value);
        }
        match value.as_object() {
            Some(object) => Iter::new(object, self.fast),
            None => Iter::new(&self.object(value)?, self.fast),
        }
    }
    fn next(&mut self, iterator: &mut Iter) -> Result<Option<Register>> {
        match iterator {
            Iter::Awaited { iterator, .. } => self.next_awaited(iterator),
            iterator => iterator.next(),
        }
    }
    #[inline(always)]
    fn next_fast(&mut self, iterator: &mut Iter, into: &mut Register) -> Option<bool> {
        iterator.next_fast(into)
    }
    #[inline]
    fn next_pair(&mut self, iterator: &mut Iter) -> Result<Option<(Register, Register)>> {
        if let Some(pair) = iterator.next_pair() {
            return pair;
        }
        let Some(item) = self.next(iterator)? else { return Ok(None) };
        let mut pair = [Register::MISSING, Register::MISSING];
        self.unpack(&item, &mut pair)?;
        let [first, second] = pair;
        Ok(Some((first, second)))
    }
    #[inline]
    fn remaining(&mut self, iterator: &Iter) -> Option<usize> {
        iterator.remaining()
    }
    fn length_of(&mut self, iterator: &Iter) -> Result<Option<usize>> {
        iterator.length()
    }
    fn iterate_over(&mut self, values: Vec<Register>) -> Iter {
        Iter::Values(values.into_iter())
    }
    fn equal(&mut self, left: &[Register], right: &[Register]) -> Result<bool> {
        for (left, right) in left.iter().zip(right) {
            if !objects::equal(&self.object(left)?, &self.object(right)?)? {
                return Ok(false);
            }
        }
        Ok(left.len() == right.len())
    }

    // ---- calls ------------------------------------------------------------------------------------------------------

    #[inline(always)]
    fn callee<'a>(&'a self, value: &'a Register) -> Callee<'a, PyHost> {
        let Some(object) = value.as_object() else { return Callee::Foreign };
        if self.calls_by_hook && !machine::is_loop(self.types, object) {
            // An overridden `call` sees the calls of macros too.
            return Callee::Foreign;
        }
        if let Some(closure) = machine::as_macro(self.types, object) {
            return Callee::Macro(closure);
        }
        if let Some(block) = machine::as_block(self.types, object) {
            return Callee::Block(block);
        }
        if machine::is_loop(self.types, object) { Callee::Loop } else { Callee::Foreign }
    }
    fn asks_for_context(&mut self, callee: &Register) -> Result<bool> {
        let Some(callee) = callee.as_object() else { return Ok(false) };
        Ok(Wanted::of_callee(callee)?.0 == Wanted::Context)
    }
    fn call(
        &mut self,
        context: &Context,
        callee: &Register,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Register> {
        let callee = self.object(callee)?;
        if self.is_async {
            return self.awaited(|host| host.call_foreign(context, &callee, arguments).map(Register::object));
        }
        self.call_foreign(context, &callee, arguments).map(Register::object)
    }
    fn call_method(
        &mut self,
        context: &Context,
        receiver: &Register,
        site: &Site,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Called<PyHost>> {
        if self.is_async {
            return self.call_method_awaited(context, receiver, site, arguments);
        }
        let callee = self.attr(receiver, site)?;
        if matches!(self.callee(&callee), Callee::Foreign) {
            self.call(context, &callee, arguments).map(Called::Value)
        } else {
            Ok(Called::Enter(callee))
        }
    }
    fn filter(
        &mut self,
        context: &Context,
        filter: &Filter,
        value: &Register,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Register> {
        if self.is_async {
            return self.awaited(|host| host.filter_now(context, filter, value, arguments));
        }
        self.filter_now(context, filter, value, arguments)
    }
    #[inline(never)]
    fn emit_filter(
        &mut self,
        out: &mut Output,
        context: &Context,
        filter: &Filter,
        value: &Register,
        arguments: Arguments<'_, PyHost>,
        escape: bool,
    ) -> Result<()> {
        if let Filter::Function(Function { native: Some(native), .. }) = filter
            && self.fast
            && self.plain_print
            && filters::emit(self, out, *native, value, arguments, escape)?
        {
            return Ok(());
        }
        let result = self.filter(context, filter, value, arguments)?;
        self.emit_in(out, Some(context), &result, escape)
    }
    fn test(
        &mut self,
        context: &Context,
        test: &Test,
        value: &Register,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<bool> {
        let answer = self.test_value(context, test, value, arguments)?;
        self.truth(&answer)
    }
    fn test_value(
        &mut self,
        context: &Context,
        test: &Test,
        value: &Register,
        arguments: Arguments<'_, PyHost>,
    ) -> Result<Register> {
        if self.is_async {
            return self.awaited(|host| host.test_now(context, test, value, arguments));
        }
        self.test_now(context, test, value, arguments)
    }
    fn star(&mut self, value: &Register) -> Result<Vec<Register>> {
        // Not `iterate`: what is asynchronous cannot be spread.
        let items = objects::list_to_spread(&self.object(value)?)?;
        Ok((0..).map_while(|index| objects::list_item(&items, index)).map(Register::object).collect())
    }
    fn star_star(&mut self, value: &Register) -> Result<Vec<(String, Register)>> {
        self.keywords_of(value)
    }
    fn keywords(&mut self, pairs: &[(&str, Register)]) -> Result<Register> {
        let dict = objects::dict()?;
        for (name, value) in pairs {
            objects::dict_set(&dict, &objects::intern(name)?, &self.object(value)?)?;
        }
        Ok(Register::object(dict))
    }

    // ---- objects of the machine -------------------------------------------------------------------------------------

    fn make_macro(&mut self, closure: Closure<PyHost>) -> Result<Register> {
        machine::make_macro(closure)
    }
    fn make_block(&mut self, block: BlockReference<PyHost>) -> Result<Register> {
        machine::make_block(block)
    }
    fn make_self(&mut self, context: &Context) -> Result<Register> {
        machine::make_self(context)
    }
    fn share_loop(&mut self, state: Box<LoopState<PyHost>>) -> Result<Register> {
        machine::share_loop(state, &self.scope)
    }
    fn take_loop(&mut self, value: &Register) -> Option<Box<LoopState<PyHost>>> {
        machine::take_loop(value.as_object()?)
    }
    fn put_loop(&mut self, value: &Register, state: Box<LoopState<PyHost>>) {
        if let Some(object) = value.as_object() {
            machine::put_loop(object, state);
        }
    }

    // ---- templates --------------------------------------------------------------------------------------------------

    fn template(&mut self, name: &Register, from: &Arc<Program<PyHost>>) -> Result<Arc<Program<PyHost>>> {
        templates::get(self, name, from)
    }
    fn imported_template(
        &mut self,
        name: &Register,
        from: &Arc<Program<PyHost>>,
    ) -> Result<Arc<Program<PyHost>>> {
        templates::import(self, name, from)
    }
    fn select_template(
        &mut self,
        names: &Register,
        from: &Arc<Program<PyHost>>,
        flags: u8,
    ) -> Result<Option<Arc<Program<PyHost>>>> {
        templates::select(self, names, from, flags)
    }
    fn cached_module(&mut self, program: &Arc<Program<PyHost>>) -> Option<Register> {
        let owner = program.extra().owner()?;
        match self.more_globals(program) {
            Ok(None) => {}
            Ok(Some(_)) => return None,
            Err(raised) => {
                raised.clear();
                return None;
            }
        }
        let known = objects::get_attr(&owner, &self.types.module.object).map_err(Raised::clear).ok()?;
        (!known.is(&objects::none())).then(|| Register::object(known))
    }
    fn make_module(
        &mut self,
        program: &Arc<Program<PyHost>>,
        context: &Context,
        body: Register,
        cache: bool,
    ) -> Result<Register> {
        let exports = objects::dict()?;
        let names = match context.object.get() {
            None => context.exported.borrow().clone(),
            Some(seen) => {
                let exported = objects::call_method(&seen.object, &self.types.get_exported.object, &[])?;
                objects::dict_update(&exports, &exported)?;
                Vec::new()
            }
        };
        for name in &names {
            if let Some(value) = context.variable(name) {
                objects::dict_set(&exports, name, &self.object(&value)?)?;
            }
        }
        let name = program.name().map_or_else(|| Ok(objects::none()), |name| objects::text(name))?;
        let module = objects::call(&self.types.make_module, &[name, self.object(&body)?, exports], None)?;
        if cache
            && self.more_globals(program)?.is_none()
            && let Some(owner) = program.extra().owner()
        {
            objects::set_attr(&owner, &self.types.module.object, &module)?;
        }
        if cache {
            context.scope.finish();
        }
        Ok(Register::object(module))
    }
    fn module_member(&mut self, module: &Register, name: &Name) -> Result<Option<Register>> {
        let module = self.object(module)?;
        objects::lookup_attr(&module, &name.object).map(|value| value.map(Register::object))
    }
    fn module_name(&mut self, module: &Register) -> Option<String> {
        let module = self.object(module).map_err(Raised::clear).ok()?;
        let name =
            objects::lookup_attr(&module, &self.types.dunder_name.object).map_err(Raised::clear).ok()??;
        objects::utf8(&name).map_err(Raised::clear).ok().map(str::to_owned)
    }

    // ---- errors -----------------------------------------------------------------------------------------------------

    fn is_suspension(error: &Raised) -> bool {
        crate::waiting::is_suspension(error)
    }

    fn fault(&mut self, fault: Fault<'_>) -> Raised {
        crate::errors::fault(self, fault)
    }
    /// Looks at signals, and lets other threads have the interpreter, as it does itself between its instructions.
    #[cold]
    fn refuel(&mut self) -> Result<u64> {
        let slice = match &self.scope.budget {
            None => PyHost::SLICE,
            Some(budget) if budget.spend(self)? => 1,
            Some(_) => return Ok(1),
        };
        let py = objects::token();
        py.check_signals().map_err(|error| Raised::from_error(py, error))?;
        // Not at each look: who waits asks for its turn when nobody has let the interpreter go for a while (5 ms unless set
        // otherwise), and only then it gets it, however long it takes to wake.
        if self.let_go.get_or_insert_with(Instant::now).elapsed() >= TURN {
            py.detach(|| ());
            self.let_go = Some(Instant::now());
        }
        Ok(slice)
    }
    fn place(program: &Program<PyHost>) -> Option<Arc<str>> {
        program.extra().filename.clone()
    }
    fn witness(&mut self, context: &Context, locals: &[(&Name, Register)]) {
        if self.witnessed.len() < crate::errors::MAX_FRAMES {
            let locals = locals.iter().map(|(name, value)| (name.object.clone(), value.clone()));
            self.witnessed.push((context.clone(), locals.collect()));
        }
    }
    fn locate(&mut self, error: Raised, trace: &[TraceFrame]) -> Raised {
        crate::errors::locate(self, error, trace)
    }
}

fn unpack_slowly(object: &Obj, into: &mut [Register]) -> Result<()> {
    let iterator = objects::iter_to_unpack(object)?;
    let wanted = into.len();
    for (got, place) in into.iter_mut().enumerate() {
        let Some(item) = objects::iter_next(&iterator)? else {
            let message = format!("not enough values to unpack (expected {wanted}, got {got})");
            return objects::raise(&Class::Value.object(), &message);
        };
        *place = Register::object(item);
    }
    if objects::iter_next(&iterator)?.is_some() {
        // Since 3.14 CPython says how many there are where that is known and more (a dict may have changed meanwhile).
        let counted = cfg!(Py_3_14)
            && (objects::is_list(object) || objects::is_tuple(object) || objects::is_dict(object));
        let all = if counted { Some(objects::length(object)?).filter(|&all| all > wanted) } else { None };
        let got = all.map(|all| format!(", got {all}")).unwrap_or_default();
        let message = format!("too many values to unpack (expected {wanted}{got})");
        return objects::raise(&Class::Value.object(), &message);
    }
    Ok(())
}
