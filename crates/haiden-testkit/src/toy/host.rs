//! The toy's verbs.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use haiden_runtime::{
    Arguments, BinaryOp, BlockReference, Called, Callee, Chain, Closure, CompareOp, Export, Fault, Host,
    LoopState, Program, TraceFrame, UnaryOp, Undefined,
};

use crate::toy::value::{all_equal, escape};
use crate::toy::{Toy, ToyError, ToyFunction, chain_of};

type Result<T> = std::result::Result<T, ToyError>;

/// Cells and the block around them.
#[derive(Clone)]
pub struct ToyCells {
    cells: Rc<RefCell<Vec<Toy>>>,
    parent: Option<Rc<ToyCells>>,
}

/// A context of the toy.
#[derive(Clone)]
pub struct ToyContext(Rc<ContextData>);

struct ContextData {
    variables: RefCell<Vec<(Rc<str>, Toy)>>,
    exported: RefCell<Vec<Rc<str>>>,
    chain: RefCell<Arc<Chain<ToyHost>>>,
    autoescape: Cell<bool>,
}

impl ToyContext {
    /// A context of `program` with these variables.
    pub fn new(program: &Arc<Program<ToyHost>>, variables: Vec<(String, Toy)>) -> ToyContext {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value)).collect();
        ToyContext::with(chain_of(program), variables, false)
    }

    fn with(chain: Arc<Chain<ToyHost>>, variables: Vec<(Rc<str>, Toy)>, autoescape: bool) -> ToyContext {
        ToyContext(Rc::new(ContextData {
            variables: RefCell::new(variables),
            exported: RefCell::default(),
            chain: RefCell::new(chain),
            autoescape: Cell::new(autoescape),
        }))
    }

    /// Switches autoescape before the render starts.
    pub fn set_autoescape(&self, on: bool) {
        self.0.autoescape.set(on);
    }

    fn get(&self, name: &str) -> Option<Toy> {
        let variables = self.0.variables.borrow();
        variables.iter().rev().find(|(known, _)| **known == *name).map(|(_, value)| value.clone())
    }
}

/// The toy host: its templates, and whether the present verb was asked before.
#[derive(Default)]
pub struct ToyHost {
    templates: BTreeMap<String, Arc<Program<ToyHost>>>,
    modules: Vec<(u64, Toy)>,
    /// Autoescape of contexts for included templates.
    pub autoescape: bool,
    asked: bool,
    /// Where the last error was: lines, innermost first.
    pub trace: Vec<TraceFrame>,
}

impl ToyHost {
    /// Adds a template under its name.
    pub fn add_template(&mut self, name: &str, program: Arc<Program<ToyHost>>) {
        self.templates.insert(name.to_owned(), program);
    }

    /// Every verb that may suspend does: the first call asks, the second answers.
    fn ask(&mut self) -> Result<()> {
        self.asked = !self.asked;
        if self.asked { Err(ToyError::Suspended) } else { Ok(()) }
    }

    fn undefined_used(value: &Toy) -> Result<()> {
        match value {
            Toy::Undefined(why) => Err(ToyError::Message(why.to_string())),
            Toy::Missing => Err("a variable is not set".into()),
            Toy::Unsupported(what) => Err(ToyError::Unsupported(what)),
            _ => Ok(()),
        }
    }

    fn find(&self, name: &Toy) -> Result<Option<Arc<Program<ToyHost>>>> {
        match name {
            Toy::Str(name, _) => Ok(self.templates.get(&**name).cloned()),
            Toy::List(_) | Toy::Tuple(_) => {
                for name in name.items().unwrap_or_default() {
                    if let Some(program) = self.find(&name)? {
                        return Ok(Some(program));
                    }
                }
                Ok(None)
            }
            Toy::Undefined(why) => Err(ToyError::Message(why.to_string())),
            _ => Err(ToyError::Unsupported("a template's name that is no text")),
        }
    }

    fn attribute(&mut self, object: &Toy, name: &str) -> Result<Toy> {
        let found = match object {
            Toy::Dict(_) if matches!(name, "items" | "get" | "keys" | "values") => {
                let method = ["items", "get", "keys", "values"].into_iter().find(|known| *known == name);
                return Ok(Toy::Function(method.unwrap_or("items"), Some(Rc::new(object.clone()))));
            }
            Toy::Dict(entries) => {
                let entries = entries.borrow();
                let key = Toy::text(name);
                entries.iter().find(|(known, _)| known.equals(&key)).map(|(_, value)| value.clone())
            }
            Toy::Namespace(entries) => {
                let entries = entries.borrow();
                entries.iter().find(|(known, _)| **known == *name).map(|(_, value)| value.clone())
            }
            Toy::Module(module) => {
                module.1.iter().find(|(known, _)| **known == *name).map(|(_, value)| value.clone())
            }
            Toy::Templates(context, chain) => match chain.find(name) {
                Some(block) => {
                    let (context, chain) = (context.clone(), chain.clone());
                    Some(Toy::Block(Rc::new(BlockReference { context, chain, block, depth: 0 })))
                }
                None => None,
            },
            Toy::Block(block) if name == "super" => {
                let next = BlockReference { depth: block.depth + 1, ..(**block).clone() };
                let exists = next.chain.definition(next.block, next.depth).is_some();
                exists.then(|| Toy::Block(Rc::new(next)))
            }
            Toy::Loop(state) => {
                let Some(mut taken) = state.borrow_mut().take() else {
                    return Err("the loop is in use".into());
                };
                let value = loop_member(&mut Quiet(self), &mut taken, name);
                *state.borrow_mut() = Some(taken);
                return value;
            }
            Toy::Undefined(_) | Toy::Missing | Toy::Unsupported(_) => {
                ToyHost::undefined_used(object)?;
                None
            }
            Toy::Int(_) | Toy::Bool(_) | Toy::None | Toy::List(_) | Toy::Tuple(_) | Toy::Str(..) => {
                return Err(ToyError::Unsupported("attributes of this value"));
            }
            _ => return Err(ToyError::Unsupported("attributes of this value")),
        };
        Ok(found.unwrap_or_else(|| Toy::Undefined(format!("no attribute '{name}'").into())))
    }

    fn invoke(callee: &Toy, arguments: &[Toy], keywords: &[(Rc<str>, Toy)]) -> Result<Toy> {
        let Toy::Function(name, receiver) = callee else {
            ToyHost::undefined_used(callee)?;
            return Err(ToyError::Unsupported("calling this value"));
        };
        let entries = match receiver.as_deref() {
            Some(Toy::Dict(entries)) => entries.borrow().clone(),
            _ => Vec::new(),
        };
        match (*name, arguments) {
            ("range", [Toy::Int(end)]) => Ok(Toy::list((0..*end).map(Toy::Int).collect())),
            ("range", [Toy::Int(start), Toy::Int(end)]) => {
                Ok(Toy::list((*start..*end).map(Toy::Int).collect()))
            }
            ("namespace", []) => Ok(Toy::Namespace(Rc::new(RefCell::new(keywords.to_vec())))),
            ("items", []) => Ok(Toy::list(
                entries.into_iter().map(|(key, value)| Toy::Tuple([key, value].into())).collect(),
            )),
            ("keys", []) => Ok(Toy::list(entries.into_iter().map(|(key, _)| key).collect())),
            ("values", []) => Ok(Toy::list(entries.into_iter().map(|(_, value)| value).collect())),
            ("get", [key, rest @ ..]) if rest.len() < 2 => {
                let found = entries.into_iter().find(|(known, _)| known.equals(key)).map(|(_, value)| value);
                Ok(found.or_else(|| rest.first().cloned()).unwrap_or(Toy::None))
            }
            _ => Err(ToyError::Unsupported("this call")),
        }
    }
}

/// A host whose verbs answer at once, for work inside one verb.
struct Quiet<'a>(&'a mut ToyHost);

impl Quiet<'_> {
    /// Runs a verb, answering what it asks.
    fn answer<T>(&mut self, mut verb: impl FnMut(&mut ToyHost) -> Result<T>) -> Result<T> {
        loop {
            match verb(self.0) {
                Err(ToyError::Suspended) => {}
                outcome => return outcome,
            }
        }
    }
}

fn loop_member(host: &mut Quiet<'_>, state: &mut LoopState<ToyHost>, name: &str) -> Result<Toy> {
    use haiden_bytecode::LoopField;
    let field = match name {
        "index" => return Ok(Toy::Int(state.index0() as i64 + 1)),
        "index0" => return Ok(Toy::Int(state.index0() as i64)),
        "first" => return Ok(Toy::Bool(state.index0() == 0)),
        "last" => return host.answer(|host| state.is_last(host)).map(Toy::Bool),
        "revindex" => LoopField::Revindex,
        "revindex0" => LoopField::Revindex0,
        "length" => LoopField::Length,
        "depth" => LoopField::Depth,
        "depth0" => LoopField::Depth0,
        "previtem" => LoopField::Previtem,
        "nextitem" => LoopField::Nextitem,
        _ => return Err(ToyError::Unsupported("this member of a loop value")),
    };
    host.answer(|host| state.get(host, field))
}

impl Host for ToyHost {
    type Register = Toy;
    type Output = String;
    type Error = ToyError;
    type Iterator = std::collections::VecDeque<Toy>;
    type Cells = ToyCells;
    type Context = ToyContext;
    type Constant = Toy;
    type Name = Rc<str>;
    type Site = Rc<str>;
    type SiteKind = ();
    type Filter = ToyFunction;
    type Test = ToyFunction;
    type Extra = ();
    type Entry = ();
    type Mark = usize;

    fn missing() -> Toy {
        Toy::Missing
    }
    fn is_missing(register: &Toy) -> bool {
        matches!(register, Toy::Missing)
    }
    fn none(&mut self) -> Toy {
        Toy::None
    }
    fn is_none(&self, value: &Toy) -> bool {
        matches!(value, Toy::None)
    }
    fn boolean(&mut self, value: bool) -> Toy {
        Toy::Bool(value)
    }
    fn integer(&mut self, value: i64) -> Toy {
        Toy::Int(value)
    }
    fn int(register: &Toy) -> Option<i64> {
        if let Toy::Int(value) = register { Some(*value) } else { None }
    }
    fn bool(register: &Toy) -> Option<bool> {
        if let Toy::Bool(value) = register { Some(*value) } else { None }
    }

    fn enter(&mut self, _: &Arc<Program<Self>>) {}
    fn constant(&mut self, (): (), constant: &Toy) -> Result<Toy> {
        Ok(match constant {
            Toy::List(items) => Toy::list(items.borrow().clone()),
            Toy::Dict(entries) => Toy::Dict(Rc::new(RefCell::new(entries.borrow().clone()))),
            Toy::Unsupported(what) => return Err(ToyError::Unsupported(what)),
            other => other.clone(),
        })
    }

    fn write(&mut self, out: &mut String, text: &str, _: bool) -> Result<()> {
        out.push_str(text);
        Ok(())
    }
    fn emit(&mut self, out: &mut String, value: &Toy, escaping: bool) -> Result<()> {
        self.ask()?;
        if escaping && !value.is_markup() {
            let mut text = String::new();
            value.show(&mut text)?;
            escape(out, &text);
            return Ok(());
        }
        value.show(out)
    }
    fn mark(&mut self, out: &mut String) -> usize {
        out.len()
    }
    fn take_since(&mut self, out: &mut String, mark: usize, markup: bool) -> Result<Toy> {
        Ok(Toy::Str(out.split_off(mark.min(out.len())).into(), markup))
    }

    fn lookup(&mut self, context: &ToyContext, name: &Rc<str>) -> Result<Option<Toy>> {
        self.ask()?;
        Ok(context.get(name).or_else(|| match &**name {
            "range" => Some(Toy::Function("range", None)),
            "namespace" => Some(Toy::Function("namespace", None)),
            "dict" | "cycler" | "joiner" | "lipsum" => Some(Toy::Unsupported("this global function")),
            _ => None,
        }))
    }
    fn export(&mut self, context: &ToyContext, name: &Rc<str>, value: &Toy, how: Export) -> Result<()> {
        self.ask()?;
        context.0.variables.borrow_mut().push((name.clone(), value.clone()));
        let mut exported = context.0.exported.borrow_mut();
        exported.retain(|known| known != name);
        if how == Export::Public {
            exported.push(name.clone());
        }
        Ok(())
    }
    fn new_context(
        &mut self,
        program: &Arc<Program<Self>>,
        parent: Option<&ToyContext>,
        locals: &[(&Rc<str>, Toy)],
    ) -> Result<ToyContext> {
        let mut variables = parent.map(|parent| parent.0.variables.borrow().clone()).unwrap_or_default();
        variables.extend(locals.iter().map(|(name, value)| ((*name).clone(), value.clone())));
        Ok(ToyContext::with(Chain::of(program), variables, self.autoescape))
    }
    fn derive_context(&mut self, context: &ToyContext, locals: &[(&Rc<str>, Toy)]) -> Result<ToyContext> {
        let mut variables = context.0.variables.borrow().clone();
        variables.extend(locals.iter().map(|(name, value)| ((*name).clone(), value.clone())));
        let chain = context.0.chain.borrow().clone();
        Ok(ToyContext::with(chain, variables, context.0.autoescape.get()))
    }
    fn context_object(&mut self, _: &ToyContext) -> Result<Toy> {
        Err(ToyError::Unsupported("the context as a value"))
    }
    fn chain(&mut self, context: &ToyContext) -> Arc<Chain<Self>> {
        context.0.chain.borrow().clone()
    }
    fn set_chain(&mut self, context: &ToyContext, chain: Arc<Chain<Self>>) {
        *context.0.chain.borrow_mut() = chain;
    }
    fn autoescape(&mut self, context: &ToyContext) -> bool {
        context.0.autoescape.get()
    }
    fn set_autoescape(&mut self, context: &ToyContext, on: bool) {
        context.0.autoescape.set(on);
    }

    fn new_cells(&mut self, parent: Option<&ToyCells>, count: usize) -> ToyCells {
        ToyCells {
            cells: Rc::new(RefCell::new(vec![Toy::Missing; count])),
            parent: parent.map(|parent| Rc::new(parent.clone())),
        }
    }
    fn cell(&mut self, cells: &ToyCells, hops: usize, index: usize) -> Toy {
        match block(cells, hops) {
            Some(block) => block.cells.borrow().get(index).cloned().unwrap_or(Toy::Missing),
            None => Toy::Missing,
        }
    }
    fn set_cell(&mut self, cells: &ToyCells, hops: usize, index: usize, value: Toy) {
        if let Some(block) = block(cells, hops)
            && let Some(cell) = block.cells.borrow_mut().get_mut(index)
        {
            *cell = value;
        }
    }

    fn undefined(&mut self, why: Undefined<'_>) -> Result<Toy> {
        let message = match why {
            Undefined::Name(name) => format!("'{name}' is undefined"),
            Undefined::Parameter(name) => format!("parameter '{name}' was not provided"),
            Undefined::Hint(hint) => hint.to_owned(),
            Undefined::NoElse(position) => {
                format!(
                    "the inline if-expression on {position} evaluated to false and no else section was defined."
                )
            }
            Undefined::NoParentBlock(name) => format!("there is no parent block called '{name}'."),
            Undefined::NoCaller => "No caller defined".to_owned(),
            Undefined::NoExport { template, position, name } => format!(
                "the template '{template}' (imported on {position}) does not export the requested name '{name}'"
            ),
            Undefined::NoPreviousItem => "there is no previous item".to_owned(),
            Undefined::NoNextItem => "there is no next item".to_owned(),
        };
        Ok(Toy::Undefined(message.into()))
    }
    fn truth(&mut self, value: &Toy) -> Result<bool> {
        self.ask()?;
        value.truth()
    }
    fn site((): (), name: &Rc<str>, _read: bool) -> Rc<str> {
        name.clone()
    }
    fn attr(&mut self, object: &Toy, site: &Rc<str>) -> Result<Toy> {
        self.ask()?;
        self.attribute(object, site)
    }
    fn check_object(&mut self, object: &Toy, _site: &Rc<str>) -> Result<()> {
        ToyHost::undefined_used(object)
    }
    fn item(&mut self, object: &Toy, key: &Toy) -> Result<Toy> {
        self.ask()?;
        let place = |length: usize, index: i64| {
            usize::try_from(if index < 0 { index + length as i64 } else { index })
        };
        let found = match (object, key) {
            (Toy::List(items), Toy::Int(index)) => {
                let items = items.borrow();
                place(items.len(), *index).ok().and_then(|place| items.get(place).cloned())
            }
            (Toy::Tuple(items), Toy::Int(index)) => {
                place(items.len(), *index).ok().and_then(|place| items.get(place).cloned())
            }
            (Toy::Dict(entries), _) => {
                let entries = entries.borrow();
                entries.iter().find(|(known, _)| known.equals(key)).map(|(_, value)| value.clone())
            }
            (Toy::Undefined(_) | Toy::Missing, _) => {
                ToyHost::undefined_used(object)?;
                None
            }
            _ => return Err(ToyError::Unsupported("items of this value")),
        };
        found.map_or_else(|| Err(ToyError::Unsupported("an item that does not exist")), Ok)
    }
    fn check_namespace(&mut self, object: &Toy) -> Result<()> {
        self.ask()?;
        let Toy::Namespace(_) = object else { return Err(self.fault(Fault::NotANamespace)) };
        Ok(())
    }
    fn set_attr(&mut self, object: &Toy, site: &Rc<str>, value: &Toy) -> Result<()> {
        self.ask()?;
        let Toy::Namespace(entries) = object else {
            return Err(ToyError::Unsupported("a set block of what is no namespace"));
        };
        let mut entries = entries.borrow_mut();
        match entries.iter_mut().find(|(known, _)| known == site) {
            Some((_, old)) => *old = value.clone(),
            None => entries.push((site.clone(), value.clone())),
        }
        Ok(())
    }
    fn slice(&mut self, _: &[Toy; 3]) -> Result<Toy> {
        Err(ToyError::Unsupported("slices"))
    }
    fn binary(&mut self, op: BinaryOp, left: &Toy, right: &Toy) -> Result<Toy> {
        self.ask()?;
        ToyHost::undefined_used(left)?;
        ToyHost::undefined_used(right)?;
        let too_large = || ToyError::Unsupported("integers of more than 64 bits");
        match (op, left.number(), right.number()) {
            (BinaryOp::Add, Some(left), Some(right)) => {
                left.checked_add(right).map(Toy::Int).ok_or_else(too_large)
            }
            (BinaryOp::Sub, Some(left), Some(right)) => {
                left.checked_sub(right).map(Toy::Int).ok_or_else(too_large)
            }
            (BinaryOp::Mul, Some(left), Some(right)) => {
                left.checked_mul(right).map(Toy::Int).ok_or_else(too_large)
            }
            (BinaryOp::FloorDiv | BinaryOp::Mod | BinaryOp::Div, Some(_), Some(0)) => {
                Err("division by zero".into())
            }
            (BinaryOp::Add, None, None) => match (left, right) {
                (Toy::Str(left, false), Toy::Str(right, false)) => Ok(Toy::text(&format!("{left}{right}"))),
                (Toy::List(left), Toy::List(right)) => {
                    Ok(Toy::list([left.borrow().clone(), right.borrow().clone()].concat()))
                }
                _ => Err(ToyError::Unsupported("adding these values")),
            },
            _ => Err(ToyError::Unsupported("this arithmetic")),
        }
    }
    fn unary(&mut self, op: UnaryOp, value: &Toy) -> Result<Toy> {
        self.ask()?;
        ToyHost::undefined_used(value)?;
        let number = value.number().ok_or(ToyError::Unsupported("signs of anything but integers"))?;
        Ok(Toy::Int(if op == UnaryOp::Neg { number.wrapping_neg() } else { number }))
    }
    fn compare(&mut self, op: CompareOp, left: &Toy, right: &Toy) -> Result<Toy> {
        self.compare_truth(op, left, right).map(Toy::Bool)
    }
    fn compare_truth(&mut self, op: CompareOp, left: &Toy, right: &Toy) -> Result<bool> {
        self.ask()?;
        match op {
            CompareOp::Eq => return Ok(left.equals(right)),
            CompareOp::Ne => return Ok(!left.equals(right)),
            CompareOp::In | CompareOp::NotIn => {
                let has = match (left, right) {
                    (Toy::Str(part, _), Toy::Str(text, _)) => text.contains(&**part),
                    _ => right
                        .items()
                        .ok_or(ToyError::Unsupported("looking into this value"))?
                        .iter()
                        .any(|item| item.equals(left)),
                };
                return Ok(has == (op == CompareOp::In));
            }
            _ => {}
        }
        ToyHost::undefined_used(left)?;
        ToyHost::undefined_used(right)?;
        let order = match (left, right) {
            (Toy::Str(left, _), Toy::Str(right, _)) => left.cmp(right),
            _ => match (left.number(), right.number()) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => return Err(ToyError::Unsupported("ordering these values")),
            },
        };
        Ok(match op {
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Gt => order.is_gt(),
            _ => order.is_ge(),
        })
    }
    fn concat(&mut self, values: &[Toy], markup: bool) -> Result<Toy> {
        self.ask()?;
        let markup = markup && values.iter().any(Toy::is_markup);
        let mut text = String::new();
        for value in values {
            if markup && !value.is_markup() {
                let mut plain = String::new();
                value.show(&mut plain)?;
                escape(&mut text, &plain);
            } else {
                value.show(&mut text)?;
            }
        }
        Ok(Toy::Str(text.into(), markup))
    }
    fn mark_safe(&mut self, value: &Toy) -> Result<Toy> {
        self.ask()?;
        match value {
            Toy::Str(text, _) => Ok(Toy::Str(text.clone(), true)),
            _ => Err(ToyError::Unsupported("marking this value safe")),
        }
    }
    fn list(&mut self, values: &[Toy]) -> Result<Toy> {
        Ok(Toy::list(values.to_vec()))
    }
    fn tuple(&mut self, values: &[Toy]) -> Result<Toy> {
        Ok(Toy::Tuple(values.into()))
    }
    fn dict(&mut self, pairs: &[Toy]) -> Result<Toy> {
        Ok(Toy::dict(pairs))
    }
    fn extend_list(&mut self, list: &Toy, values: &[Toy]) -> Result<()> {
        if let Toy::List(items) = list {
            items.borrow_mut().extend_from_slice(values);
        }
        Ok(())
    }
    fn extend_dict(&mut self, dict: &Toy, pairs: &[Toy]) -> Result<()> {
        dict.extend_dict(pairs);
        Ok(())
    }
    fn list_to_tuple(&mut self, list: &Toy) -> Result<Toy> {
        Ok(Toy::Tuple(list.items().unwrap_or_default().into()))
    }
    fn unpack(&mut self, value: &Toy, into: &mut [Toy]) -> Result<()> {
        self.ask()?;
        let items = value.items().ok_or(ToyError::Unsupported("unpacking this value"))?;
        if items.len() != into.len() {
            return Err("too many or not enough values to unpack".into());
        }
        into.clone_from_slice(&items);
        Ok(())
    }

    fn iterate(&mut self, value: &Toy) -> Result<Self::Iterator> {
        self.ask()?;
        if let Toy::Unsupported(what) = value {
            return Err(ToyError::Unsupported(what));
        }
        Ok(value.items().ok_or("this value is not iterable")?.into())
    }
    fn next(&mut self, iterator: &mut Self::Iterator) -> Result<Option<Toy>> {
        self.ask()?;
        Ok(iterator.pop_front())
    }
    fn next_pair(&mut self, iterator: &mut Self::Iterator) -> Result<Option<(Toy, Toy)>> {
        self.ask()?;
        let Some(item) = iterator.pop_front() else { return Ok(None) };
        match item.items().ok_or("this value is not iterable")?.as_slice() {
            [first, second] => Ok(Some((first.clone(), second.clone()))),
            _ => Err("too many or not enough values to unpack".into()),
        }
    }
    fn remaining(&mut self, _: &Self::Iterator) -> Option<usize> {
        None
    }
    fn iterate_over(&mut self, values: Vec<Toy>) -> Self::Iterator {
        values.into()
    }
    fn equal(&mut self, left: &[Toy], right: &[Toy]) -> Result<bool> {
        self.ask()?;
        Ok(all_equal(left, right))
    }

    fn callee<'a>(&'a self, value: &'a Toy) -> Callee<'a, Self> {
        match value {
            Toy::Macro(closure) => Callee::Macro(closure),
            Toy::Block(block) => Callee::Block(block),
            Toy::Loop(_) => Callee::Loop,
            _ => Callee::Foreign,
        }
    }
    fn call(&mut self, _: &ToyContext, callee: &Toy, arguments: Arguments<'_, Self>) -> Result<Toy> {
        self.ask()?;
        let shape = arguments.shape;
        if shape.star || shape.star_star {
            return Err(ToyError::Unsupported("expanded arguments"));
        }
        let (positional, named) = arguments.values.split_at(shape.positional);
        let keywords: Vec<_> =
            shape.keywords.iter().map(|keyword| keyword.name.clone()).zip(named.iter().cloned()).collect();
        ToyHost::invoke(callee, positional, &keywords)
    }
    fn call_method(
        &mut self,
        context: &ToyContext,
        receiver: &Toy,
        site: &Rc<str>,
        arguments: Arguments<'_, Self>,
    ) -> Result<Called<Self>> {
        self.ask()?;
        let callee = self.attribute(receiver, site)?;
        if !matches!(self.callee(&callee), Callee::Foreign) {
            return Ok(Called::Enter(callee));
        }
        let result = Quiet(self).answer(|host| host.call(context, &callee, arguments))?;
        Ok(Called::Value(result))
    }
    fn filter(
        &mut self,
        _: &ToyContext,
        filter: &ToyFunction,
        value: &Toy,
        arguments: Arguments<'_, Self>,
    ) -> Result<Toy> {
        self.ask()?;
        if !arguments.shape.is_plain() {
            return Err(ToyError::Unsupported("named arguments of filters"));
        }
        filter(value, arguments.values)
    }
    fn emit_filter(
        &mut self,
        out: &mut String,
        context: &ToyContext,
        filter: &ToyFunction,
        value: &Toy,
        arguments: Arguments<'_, Self>,
        escaping: bool,
    ) -> Result<()> {
        self.ask()?;
        let mut quiet = Quiet(self);
        let result = quiet.answer(|host| host.filter(context, filter, value, arguments))?;
        quiet.answer(|host| host.emit(out, &result, escaping))
    }
    fn test(
        &mut self,
        _: &ToyContext,
        test: &ToyFunction,
        value: &Toy,
        arguments: Arguments<'_, Self>,
    ) -> Result<bool> {
        self.ask()?;
        if !arguments.shape.is_plain() {
            return Err(ToyError::Unsupported("named arguments of tests"));
        }
        test(value, arguments.values)?.truth()
    }
    fn star(&mut self, value: &Toy) -> Result<Vec<Toy>> {
        value.items().ok_or_else(|| "this value is not iterable".into())
    }
    fn star_star(&mut self, value: &Toy) -> Result<Vec<(String, Toy)>> {
        let Toy::Dict(entries) = value else { return Err("this value is no mapping".into()) };
        let entries = entries.borrow();
        let named = entries.iter().map(|(key, value)| match key {
            Toy::Str(name, _) => Ok((name.to_string(), value.clone())),
            _ => Err("keywords must be strings".into()),
        });
        named.collect()
    }
    fn keywords(&mut self, pairs: &[(&str, Toy)]) -> Result<Toy> {
        let flat: Vec<Toy> =
            pairs.iter().flat_map(|(name, value)| [Toy::text(name), value.clone()]).collect();
        Ok(Toy::dict(&flat))
    }

    fn make_macro(&mut self, closure: Closure<Self>) -> Result<Toy> {
        Ok(Toy::Macro(Rc::new(closure)))
    }
    fn make_block(&mut self, block: BlockReference<Self>) -> Result<Toy> {
        Ok(Toy::Block(Rc::new(block)))
    }
    fn make_self(&mut self, context: &ToyContext) -> Result<Toy> {
        Ok(Toy::Templates(context.clone(), context.0.chain.borrow().clone()))
    }
    fn share_loop(&mut self, state: Box<LoopState<Self>>) -> Result<Toy> {
        Ok(Toy::Loop(Rc::new(RefCell::new(Some(state)))))
    }
    fn take_loop(&mut self, value: &Toy) -> Option<Box<LoopState<Self>>> {
        if let Toy::Loop(state) = value { state.borrow_mut().take() } else { None }
    }
    fn put_loop(&mut self, value: &Toy, state: Box<LoopState<Self>>) {
        if let Toy::Loop(place) = value {
            *place.borrow_mut() = Some(state);
        }
    }

    fn template(&mut self, name: &Toy, _: &Arc<Program<Self>>) -> Result<Arc<Program<Self>>> {
        self.ask()?;
        self.find(name)?.ok_or_else(|| "there is no such template".into())
    }
    fn select_template(
        &mut self,
        names: &Toy,
        _: &Arc<Program<Self>>,
        flags: u8,
    ) -> Result<Option<Arc<Program<Self>>>> {
        self.ask()?;
        match self.find(names)? {
            None if flags & haiden_bytecode::include_flags::IGNORE_MISSING != 0 => Ok(None),
            None => Err("there is no such template".into()),
            found => Ok(found),
        }
    }
    fn cached_module(&mut self, program: &Arc<Program<Self>>) -> Option<Toy> {
        self.modules.iter().find(|(id, _)| *id == program.id()).map(|(_, module)| module.clone())
    }
    fn make_module(
        &mut self,
        program: &Arc<Program<Self>>,
        context: &ToyContext,
        body: Toy,
        cache: bool,
    ) -> Result<Toy> {
        let exported = context.0.exported.borrow();
        let members = exported.iter().filter_map(|name| Some((name.clone(), context.get(name)?))).collect();
        let module = Toy::Module(Rc::new((program.name().map(ToString::to_string), members, body)));
        if cache {
            self.modules.push((program.id(), module.clone()));
        }
        Ok(module)
    }
    fn module_member(&mut self, module: &Toy, name: &Rc<str>) -> Result<Option<Toy>> {
        let Toy::Module(module) = module else { return Ok(None) };
        Ok(module.1.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }
    fn module_name(&mut self, module: &Toy) -> Option<String> {
        if let Toy::Module(module) = module { module.0.clone() } else { None }
    }

    fn fault(&mut self, fault: Fault<'_>) -> ToyError {
        ToyError::Message(format!("{fault:?}"))
    }
    fn is_suspension(error: &ToyError) -> bool {
        *error == ToyError::Suspended
    }
    fn locate(&mut self, error: ToyError, trace: &[TraceFrame]) -> ToyError {
        self.trace = trace.to_vec();
        error
    }
}

fn block(cells: &ToyCells, hops: usize) -> Option<&ToyCells> {
    let mut block = cells;
    for _ in 0..hops {
        block = block.parent.as_deref()?;
    }
    Some(block)
}
