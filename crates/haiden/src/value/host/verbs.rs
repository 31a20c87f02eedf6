//! The verbs of [`Host`].

use std::sync::Arc;

use haiden_runtime::append::{self, Short};
use haiden_runtime::{
    Arguments, BinaryOp, BlockReference, Called, Callee, Chain, Closure, CompareOp, Export, Fault, Host,
    LoopState, Program, TraceFrame, UnaryOp, Undefined,
};

use crate::error::{Error, ErrorKind, Place};
use crate::undefined::Misuse;
use crate::value::heap::HeapObject;
use crate::value::host::context::Variables;
use crate::value::host::link::NativeTest;
use crate::value::host::printing::Mark;
use crate::value::host::{Extra, Name, NativeFilter, NativeHost, NativeIterator, Output};
use crate::value::object::Foreign;
use crate::value::value::{Repr, Value};
use crate::value::word::{HEAP, Str, Word};

type Result<T> = std::result::Result<T, Error>;

impl Host for NativeHost {
    type Register = Word;
    type Output = Output;
    type Error = Error;
    type Iterator = NativeIterator;
    type Cells = u32;
    type Context = u32;
    type Constant = Word;
    type Name = Name;
    type Site = Name;
    type SiteKind = ();
    type Filter = NativeFilter;
    type Test = NativeTest;
    type Extra = Extra;
    type Entry = u16;
    type Mark = Mark;

    #[inline(always)]
    fn missing() -> Word {
        Word::Missing
    }
    #[inline(always)]
    fn is_missing(register: &Word) -> bool {
        matches!(register, Word::Missing)
    }
    #[inline(always)]
    fn none(&mut self) -> Word {
        Word::None
    }
    fn is_none(&self, value: &Word) -> bool {
        matches!(self.present(*value), Word::None)
    }
    #[inline(always)]
    fn boolean(&mut self, value: bool) -> Word {
        Word::Bool(value)
    }
    #[inline(always)]
    fn integer(&mut self, value: i64) -> Word {
        Word::Int(value)
    }
    #[inline(always)]
    fn int(register: &Word) -> Option<i64> {
        if let Word::Int(value) = register { Some(*value) } else { None }
    }
    #[inline(always)]
    fn bool(register: &Word) -> Option<bool> {
        if let Word::Bool(value) = register { Some(*value) } else { None }
    }

    fn enter(&mut self, program: &Arc<Program<Self>>) -> u16 {
        let place = self.place_of_program(program);
        self.programs[place].slot
    }
    #[inline]
    fn constant(&mut self, entry: u16, constant: &Word) -> Result<Word> {
        Ok(self.load_constant(entry, *constant))
    }

    #[inline]
    fn write(&mut self, out: &mut Output, text: &str, _: bool) -> Result<()> {
        out.text.push_str(text);
        out.check()
    }
    #[inline(always)]
    fn write_short(&mut self, out: &mut Output, text: Short<'_>) -> Result<()> {
        append::push_short(&mut out.text, text);
        out.check()
    }
    #[inline]
    fn emit(&mut self, out: &mut Output, value: &Word, escape: bool) -> Result<()> {
        if self.plain_print {
            self.print(out, *value, escape)
        } else {
            self.print_specially(out, value, escape)
        }
    }
    #[inline(always)]
    fn emit_in(&mut self, out: &mut Output, context: Option<&u32>, value: &Word, escape: bool) -> Result<()> {
        if self.plain_print {
            return self.print(out, *value, escape);
        }
        if let Some(context) = context {
            self.calling = *context;
        }
        self.print_specially(out, value, escape)
    }
    fn emit_folded(
        &mut self,
        out: &mut Output,
        context: Option<&u32>,
        value: &Word,
        folded: bool,
        escape: bool,
    ) -> Result<()> {
        if let Some(context) = context {
            self.calling = *context;
        }
        if self.native_types {
            self.print_folded(out, value)
        } else {
            self.print_constant(out, value, folded, escape)
        }
    }
    fn emit_text(&mut self, out: &mut Output, value: &Word) -> Result<()> {
        if self.plain_print { self.print(out, *value, false) } else { self.print_text(out, value) }
    }
    #[inline(always)]
    fn writes_through(&self) -> bool {
        self.plain_print
    }
    fn mark(&mut self, out: &mut Output) -> Mark {
        Mark { text: out.text.len(), printed: out.printed.len() }
    }
    fn take_since(&mut self, out: &mut Output, mark: Mark, markup: bool) -> Result<Word> {
        if self.native_types {
            let value = self.joined(out, mark)?;
            return if markup { self.mark_safe(&value) } else { Ok(value) };
        }
        let start = self.heap.text.len();
        self.heap.text.push_str(out.text.get(mark.text..).unwrap_or_default());
        out.text.truncate(mark.text);
        self.text_since(start, markup)
    }
    fn join_since(&mut self, out: &mut Output, mark: Mark, _markup: bool) -> Result<()> {
        if self.native_types { self.rejoin(out, mark) } else { Ok(()) }
    }

    #[inline]
    fn lookup(&mut self, context: &u32, name: &Name) -> Result<Option<Word>> {
        Ok(self.find_variable(*context, name))
    }
    fn export(&mut self, context: &u32, name: &Name, value: &Word, how: Export) -> Result<()> {
        self.publish(*context, name, *value, how);
        Ok(())
    }
    fn new_context(
        &mut self,
        program: &Arc<Program<Self>>,
        parent: Option<&u32>,
        locals: &[(&Name, Word)],
    ) -> Result<u32> {
        let (variables, base) = match parent {
            Some(&parent) => self.inherit(parent, locals),
            None => (Variables::default(), Word::None),
        };
        Ok(self.add_context(program, variables, base))
    }
    fn derive_context(&mut self, context: &u32, locals: &[(&Name, Word)]) -> Result<u32> {
        Ok(self.derive(*context, locals))
    }
    fn context_object(&mut self, context: &u32) -> Result<Word> {
        Ok(self.heap.object(HeapObject::Context(*context)))
    }
    fn chain(&mut self, context: &u32) -> Arc<Chain<Self>> {
        self.chain_of(*context)
    }
    fn set_chain(&mut self, context: &u32, chain: Arc<Chain<Self>>) {
        self.context_mut(*context).chain = Some(chain);
    }
    #[inline]
    fn autoescape(&mut self, context: &u32) -> bool {
        self.context(*context).autoescape
    }
    fn set_autoescape(&mut self, context: &u32, on: bool) {
        self.context_mut(*context).autoescape = on;
    }

    fn new_cells(&mut self, parent: Option<&u32>, count: usize) -> u32 {
        self.cells.push((parent.copied(), vec![Word::Missing; count]));
        (self.cells.len() - 1) as u32
    }
    #[inline]
    fn cell(&mut self, cells: &u32, hops: usize, index: usize) -> Word {
        let mut block = *cells as usize;
        for _ in 0..hops {
            match self.cells[block].0 {
                Some(parent) => block = parent as usize,
                None => return Word::Missing,
            }
        }
        self.cells[block].1.get(index).copied().unwrap_or(Word::Missing)
    }
    fn set_cell(&mut self, cells: &u32, hops: usize, index: usize, value: Word) {
        let mut block = *cells as usize;
        for _ in 0..hops {
            match self.cells[block].0 {
                Some(parent) => block = parent as usize,
                None => return,
            }
        }
        if let Some(cell) = self.cells[block].1.get_mut(index) {
            *cell = value;
        }
    }

    fn outside(&mut self, _: &Arc<Program<Self>>, path: &str) -> Result<Word> {
        let method = path.strip_prefix("extension:").and_then(|path| path.rsplit_once(':'));
        let Some((identifier, name)) = method else {
            return Err(
                self.fault(Fault::BadImage("something of an environment that this host does not have"))
            );
        };
        let Some(function) = self.templates().extension_method(identifier, name) else {
            return Err(Error::new(ErrorKind::Runtime, format!("there is no extension '{identifier}'")));
        };
        self.import(&Value(Repr::Foreign(Foreign::Function(function))))
    }
    fn undefined(&mut self, why: Undefined<'_>) -> Result<Word> {
        let reason = super::faults::reason(why);
        Ok(self.heap.undefined(reason))
    }
    #[inline]
    fn truth(&mut self, value: &Word) -> Result<bool> {
        self.is_true(*value)
    }
    #[inline]
    fn site((): (), name: &Name, _read: bool) -> Name {
        name.again()
    }
    #[inline]
    fn attr(&mut self, object: &Word, site: &Name) -> Result<Word> {
        self.attribute(*object, site)
    }
    #[inline]
    fn check_object(&mut self, object: &Word, site: &Name) -> Result<()> {
        match object {
            Word::Undefined(_) | Word::Missing => self.attribute(*object, site).map(drop),
            _ => Ok(()),
        }
    }
    fn item(&mut self, object: &Word, key: &Word) -> Result<Word> {
        self.item_of(*object, *key)
    }
    fn check_namespace(&mut self, object: &Word) -> Result<()> {
        match *object {
            Word::Object(index) if matches!(self.heap.objects[index as usize], HeapObject::Namespace(_)) => {
                Ok(())
            }
            _ => Err(self.fault(Fault::NotANamespace)),
        }
    }
    fn set_attr(&mut self, object: &Word, site: &Name, value: &Word) -> Result<()> {
        self.set_member(*object, site, *value)
    }
    fn slice(&mut self, parts: &[Word; 3]) -> Result<Word> {
        let mut parts = parts.map(|part| if let Word::Missing = part { Word::None } else { part });
        if self.waiting.is_some() {
            for part in &mut parts {
                *part = self.settled(*part)?;
            }
        }
        Ok(self.heap.object(HeapObject::Slice(parts)))
    }
    fn binary(&mut self, op: BinaryOp, left: &Word, right: &Word) -> Result<Word> {
        self.arithmetic(op, *left, *right)
    }
    fn unary(&mut self, op: UnaryOp, value: &Word) -> Result<Word> {
        self.signed(op, *value)
    }
    fn intercepted_binary(&mut self, _: &u32, op: BinaryOp, left: &Word, right: &Word) -> Result<Word> {
        self.ask_binary(op, *left, *right)
    }
    fn intercepted_unary(&mut self, _: &u32, op: UnaryOp, value: &Word) -> Result<Word> {
        self.ask_unary(op, *value)
    }
    fn compare(&mut self, op: CompareOp, left: &Word, right: &Word) -> Result<Word> {
        self.compare_truth(op, left, right).map(Word::Bool)
    }
    fn compare_truth(&mut self, op: CompareOp, left: &Word, right: &Word) -> Result<bool> {
        Ok(match op {
            CompareOp::Eq => self.is_equal(*left, *right)?,
            CompareOp::Ne => !self.is_equal(*left, *right)?,
            CompareOp::In => self.is_in(*left, *right)?,
            CompareOp::NotIn => !self.is_in(*left, *right)?,
            CompareOp::Lt => self.order(op, *left, *right)?.is_some_and(std::cmp::Ordering::is_lt),
            CompareOp::Le => self.order(op, *left, *right)?.is_some_and(std::cmp::Ordering::is_le),
            CompareOp::Gt => self.order(op, *left, *right)?.is_some_and(std::cmp::Ordering::is_gt),
            CompareOp::Ge => self.order(op, *left, *right)?.is_some_and(std::cmp::Ordering::is_ge),
        })
    }
    fn concat(&mut self, values: &[Word], markup: bool) -> Result<Word> {
        if self.waiting.is_some()
            && let Some(values) = self.settled_values(values)?
        {
            return self.join_texts(&values, markup);
        }
        self.join_texts(values, markup)
    }
    fn mark_safe(&mut self, value: &Word) -> Result<Word> {
        match *value {
            Word::Str(text) => Ok(Word::Str(Str { markup: true, ..text })),
            word => match self.html_of(word)? {
                Some(html) => self.new_text(&html, true),
                None => self.build_text(true, |host, out| host.show(out, word)),
            },
        }
    }
    fn list(&mut self, values: &[Word]) -> Result<Word> {
        Ok(self.heap.list(values.to_vec()))
    }
    fn tuple(&mut self, values: &[Word]) -> Result<Word> {
        self.new_tuple(values)
    }
    fn dict(&mut self, pairs: &[Word]) -> Result<Word> {
        let dict = self.dict_of(Vec::with_capacity(pairs.len() / 2), Vec::with_capacity(pairs.len() / 2));
        self.extend_dict(&dict, pairs)?;
        Ok(dict)
    }
    fn extend_list(&mut self, list: &Word, values: &[Word]) -> Result<()> {
        if let Word::List(list) = list {
            self.heap.lists[*list as usize].extend_from_slice(values);
        }
        Ok(())
    }
    fn extend_dict(&mut self, dict: &Word, pairs: &[Word]) -> Result<()> {
        for pair in pairs.chunks_exact(2) {
            self.dict_set(*dict, pair[0], pair[1])?;
        }
        Ok(())
    }
    fn list_to_tuple(&mut self, list: &Word) -> Result<Word> {
        let items = self.items_of(*list)?;
        self.new_tuple(&items)
    }
    fn unpack(&mut self, value: &Word, into: &mut [Word]) -> Result<()> {
        self.unpack_into(*value, into)
    }

    fn iterate(&mut self, value: &Word) -> Result<NativeIterator> {
        self.start_iteration(*value)
    }
    fn next(&mut self, iterator: &mut NativeIterator) -> Result<Option<Word>> {
        self.next_item(iterator)
    }
    #[inline(always)]
    fn next_fast(&mut self, iterator: &mut NativeIterator, into: &mut Word) -> Option<bool> {
        self.next_at_hand(iterator, into)
    }
    #[inline]
    fn next_pair(&mut self, iterator: &mut NativeIterator) -> Result<Option<(Word, Word)>> {
        self.next_two(iterator)
    }
    fn remaining(&mut self, iterator: &NativeIterator) -> Option<usize> {
        self.items_left(iterator)
    }
    fn iterate_over(&mut self, values: Vec<Word>) -> NativeIterator {
        NativeHost::iterator_over(values)
    }
    fn equal(&mut self, left: &[Word], right: &[Word]) -> Result<bool> {
        if left.len() != right.len() {
            return Ok(false);
        }
        for (&left, &right) in left.iter().zip(right) {
            if !self.is_equal(left, right)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    #[inline]
    fn callee<'a>(&'a self, value: &'a Word) -> Callee<'a, Self> {
        let Word::Object(index) = value else { return Callee::Foreign };
        match &self.heap.objects[*index as usize] {
            HeapObject::Macro(closure) => Callee::Macro(closure),
            HeapObject::Block(block) => Callee::Block(block),
            HeapObject::Loop(_) => Callee::Loop,
            _ => Callee::Foreign,
        }
    }
    fn call(&mut self, context: &u32, callee: &Word, arguments: Arguments<'_, Self>) -> Result<Word> {
        self.calling = *context;
        if self.waiting.is_some() {
            return self.call_awaited(*callee, arguments);
        }
        self.apply_call(*callee, arguments)
    }
    fn call_method(
        &mut self,
        context: &u32,
        receiver: &Word,
        site: &Name,
        arguments: Arguments<'_, Self>,
    ) -> Result<Called<Self>> {
        if self.waiting.is_some() {
            return self.method_awaited(*context, *receiver, site, arguments);
        }
        self.method_result(*context, *receiver, site, arguments)
    }
    #[inline]
    fn filter(
        &mut self,
        context: &u32,
        filter: &NativeFilter,
        value: &Word,
        arguments: Arguments<'_, Self>,
    ) -> Result<Word> {
        if self.waiting.is_some() {
            return self.filter_awaited(*context, filter, *value, arguments);
        }
        self.apply_filter(*context, filter, *value, arguments)
    }
    #[inline]
    fn emit_filter(
        &mut self,
        out: &mut Output,
        context: &u32,
        filter: &NativeFilter,
        value: &Word,
        arguments: Arguments<'_, Self>,
        escape: bool,
    ) -> Result<()> {
        if self.waiting.is_some() {
            return self.emit_filter_awaited(out, *context, filter, *value, arguments, escape);
        }
        let result = self.apply_filter(*context, filter, *value, arguments)?;
        self.emit(out, &result, escape)
    }
    fn test(
        &mut self,
        context: &u32,
        test: &NativeTest,
        value: &Word,
        arguments: Arguments<'_, Self>,
    ) -> Result<bool> {
        if self.waiting.is_some() {
            return self.test_awaited(*context, test, *value, arguments);
        }
        self.apply_test(*context, test, *value, arguments)
    }
    fn star(&mut self, value: &Word) -> Result<Vec<Word>> {
        self.expand_star(*value)
    }
    fn star_star(&mut self, value: &Word) -> Result<Vec<(String, Word)>> {
        self.expand_star_star(*value)
    }
    fn keywords(&mut self, pairs: &[(&str, Word)]) -> Result<Word> {
        let dict = self.dict_of(Vec::new(), Vec::new());
        for (name, value) in pairs {
            let key = self.new_text(name, false)?;
            self.dict_set(dict, key, *value)?;
        }
        Ok(dict)
    }

    fn make_macro(&mut self, closure: Closure<Self>) -> Result<Word> {
        Ok(self.heap.object(HeapObject::Macro(closure)))
    }
    fn make_block(&mut self, block: BlockReference<Self>) -> Result<Word> {
        Ok(self.heap.object(HeapObject::Block(block)))
    }
    fn make_self(&mut self, context: &u32) -> Result<Word> {
        let chain = self.chain_of(*context);
        Ok(self.heap.object(HeapObject::Templates { context: *context, chain }))
    }
    fn share_loop(&mut self, state: Box<LoopState<Self>>) -> Result<Word> {
        Ok(self.heap.object(HeapObject::Loop(Some(state))))
    }
    fn take_loop(&mut self, value: &Word) -> Option<Box<LoopState<Self>>> {
        let Word::Object(index) = value else { return None };
        match &mut self.heap.objects[*index as usize] {
            HeapObject::Loop(state) => state.take(),
            _ => None,
        }
    }
    fn put_loop(&mut self, value: &Word, state: Box<LoopState<Self>>) {
        if let Word::Object(index) = value
            && let HeapObject::Loop(place) = &mut self.heap.objects[*index as usize]
        {
            *place = Some(state);
        }
    }

    fn template(&mut self, name: &Word, _: &Arc<Program<Self>>) -> Result<Arc<Program<Self>>> {
        match self.present_settled(*name)? {
            Word::Str(text) if self.waiting.is_some() => {
                let name = self.str(text).to_owned();
                self.template_awaited(&name)
            }
            Word::Str(text) => self.templates().program(self.str(text)),
            Word::Undefined(_) | Word::Missing => {
                self.check_equality(*name)?;
                Err(self.misuse(*name, Misuse::Template))
            }
            word @ (Word::Items { .. } | Word::List(_) | Word::Map { .. } | Word::Dict(_)) => {
                let message = format!("unhashable type: '{}'", self.type_name(word));
                Err(Error::new(ErrorKind::Type, message))
            }
            word => {
                if let Some(template) = self.loaded_template(word) {
                    return Ok(template);
                }
                let mut shown = String::new();
                self.show(&mut shown, word)?;
                Err(Error::new(ErrorKind::TemplateNotFound, shown))
            }
        }
    }
    fn imported_template(&mut self, name: &Word, from: &Arc<Program<Self>>) -> Result<Arc<Program<Self>>> {
        // Names that were found before are known; a list names no template here.
        match *name {
            Word::Str(_) => match self.select_template(name, from, 0)? {
                Some(program) => Ok(program),
                None => self.template(name, from),
            },
            _ => self.template(name, from),
        }
    }
    fn select_template(
        &mut self,
        names: &Word,
        from: &Arc<Program<Self>>,
        flags: u8,
    ) -> Result<Option<Arc<Program<Self>>>> {
        if let Word::Str(text) = *names
            && let Some((_, program)) = self.selected.iter().find(|(known, _)| *known == text)
        {
            return Ok(Some(program.clone()));
        }
        let word = self.present_settled(*names)?;
        let missing = |error: &Error| {
            matches!(error.kind(), ErrorKind::TemplateNotFound | ErrorKind::TemplatesNotFound)
                && error.trace().is_empty()
        };
        let outcome = match word {
            Word::Str(_) | Word::Undefined(_) | Word::Missing => self.template(&word, from),
            Word::Foreign { .. } if self.loaded_template(word).is_some() => self.template(&word, from),
            _ => self.again_if_it_suspends(&[word], |host| host.first_of(word, from, missing)),
        };
        match outcome {
            Ok(program) => {
                if let Word::Str(text) = word
                    && text.slot != HEAP
                {
                    self.selected.push((text, program.clone()));
                }
                Ok(Some(program))
            }
            Err(error) if flags & haiden_bytecode::include_flags::IGNORE_MISSING != 0 && missing(&error) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
    fn cached_module(&mut self, program: &Arc<Program<Self>>) -> Option<Word> {
        self.modules.iter().find(|(id, _)| *id == program.id()).map(|(_, module)| *module)
    }
    fn make_module(
        &mut self,
        program: &Arc<Program<Self>>,
        context: &u32,
        body: Word,
        cache: bool,
    ) -> Result<Word> {
        let members = self.exports(*context);
        let body = match body {
            Word::Str(text) => Word::Str(Str { markup: false, ..text }),
            other => other,
        };
        let module = self.heap.object(HeapObject::Module { name: program.name().cloned(), members, body });
        if cache {
            self.modules.push((program.id(), module));
        }
        Ok(module)
    }
    fn module_member(&mut self, module: &Word, name: &Name) -> Result<Option<Word>> {
        let Word::Object(index) = module else { return Ok(None) };
        match &self.heap.objects[*index as usize] {
            HeapObject::Module { members, .. } => {
                Ok(members.iter().find(|(known, _)| **known == **name.text()).map(|(_, word)| *word))
            }
            _ => Ok(None),
        }
    }
    fn module_name(&mut self, module: &Word) -> Option<String> {
        let Word::Object(index) = module else { return None };
        match &self.heap.objects[*index as usize] {
            HeapObject::Module { name, .. } => name.as_deref().map(str::to_owned),
            _ => None,
        }
    }

    fn is_suspension(error: &Error) -> bool {
        error.is_suspension()
    }
    fn fault(&mut self, fault: Fault<'_>) -> Error {
        super::faults::error(fault)
    }
    fn locate(&mut self, error: Error, trace: &[TraceFrame]) -> Error {
        let places: Vec<Place> = trace.iter().take(40).map(|frame| self.place_of_frame(frame)).collect();
        if error.trace().is_empty() { error.at(|| places) } else { error.called_from(places) }
    }
}

impl NativeHost {
    /// A value as text.
    #[inline(always)]
    pub(super) fn print(&mut self, out: &mut Output, value: Word, escape: bool) -> Result<()> {
        match value {
            Word::Int(value) => match u32::try_from(value) {
                Ok(value) => append::push_int(&mut out.text, value),
                Err(_) => out.text.push_str(itoa::Buffer::new().format(value)),
            },
            Word::Str(text) if escape && !text.markup => {
                haiden_runtime::escape::escape_into(&mut out.text, self.str(text));
            }
            Word::Str(text) => append::push(&mut out.text, self.str(text)),
            word if escape => self.show_escaped(&mut out.text, word)?,
            word => self.show(&mut out.text, word)?,
        }
        out.check()
    }
}
