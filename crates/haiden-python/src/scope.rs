//! What a render makes and might keep: contexts, cells, and the count of the Python objects that refer to them.
//!
//! A macro refers to the context that defines it, and the context to the macro: a ring that Rust's counts never free. So
//! each render has a [`Scope`]. Contexts and cells that a Python object of ours closes over are listed in it. When the
//! render ends, [`Scope::finish`] looks whether every such object is referred to from these contexts and cells only; then
//! it empties them, and all is freed at once. If one escaped (the application kept a macro), the scope becomes a Python
//! object that each of them holds and shows to CPython's garbage collector.
#![expect(unsafe_code, reason = "reference counts of the scope's own objects")]

use std::cell::{Cell, OnceCell, RefCell};
use std::ptr::NonNull;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use haiden_runtime::{Chain, Program};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::budget::Budget;
use crate::host::PyHost;
use crate::objects;
use crate::register::{Attached, Obj, Register};
use crate::settings;

/// A template context.
pub(crate) type Context = Rc<ContextData>;

/// What a context holds.
pub(crate) struct ContextData {
    pub(crate) scope: Rc<Scope>,
    /// What the template was rendered with: an exact dict.
    pub(crate) base: Obj,
    pub(crate) globals: Globals,
    /// What the template has published and what was handed in on top of `base`, by interned name.
    pub(crate) variables: RefCell<Vec<(Obj, Register)>>,
    /// How many of them were handed in.
    pub(crate) inherited: usize,
    /// The names that the template's module has.
    pub(crate) exported: RefCell<Vec<Obj>>,
    pub(crate) autoescape: Cell<bool>,
    /// The `Context` that Python code sees, once it has asked for one. From then on the variables are in it.
    pub(crate) object: OnceCell<ContextObject>,
    /// The `EvalContext`, likewise.
    pub(crate) eval_context: RefCell<Option<Obj>>,
    /// The template that the context is of.
    pub(crate) program: Held,
    /// Its chain, once something asked: an included template seldom has blocks.
    chain: RefCell<Option<HeldChain>>,
    listed: Cell<bool>,
}

impl ContextData {
    pub(crate) fn new(
        scope: Rc<Scope>,
        (base, globals): (Obj, Globals),
        variables: Vec<(Obj, Register)>,
        program: &Arc<Program<PyHost>>,
    ) -> Context {
        Rc::new(ContextData {
            scope,
            base,
            globals,
            inherited: variables.len(),
            variables: RefCell::new(variables),
            exported: RefCell::default(),
            autoescape: Cell::new(program.extra().autoescape),
            object: OnceCell::new(),
            eval_context: RefCell::default(),
            program: Held::new(program, 1),
            chain: RefCell::default(),
            listed: Cell::new(false),
        })
    }

    /// The templates that share the context.
    pub(crate) fn chain(&self) -> Arc<Chain<PyHost>> {
        let mut known = self.chain.borrow_mut();
        known.get_or_insert_with(|| HeldChain::new(Chain::of(&self.program))).chain.clone()
    }

    /// The templates that share the context, if there are more than its own.
    pub(crate) fn chain_made(&self) -> Option<Arc<Chain<PyHost>>> {
        self.chain.borrow().as_ref().map(|held| held.chain.clone())
    }

    /// The template has a parent now.
    pub(crate) fn set_chain(&self, chain: Arc<Chain<PyHost>>) {
        *self.chain.borrow_mut() = Some(HeldChain::new(chain));
    }

    /// A variable that was published or handed in.
    #[inline]
    pub(crate) fn variable(&self, name: &Obj) -> Option<Register> {
        let variables = self.variables.borrow();
        variables.iter().rev().find(|(known, _)| known.is(name)).map(|(_, value)| value.clone())
    }

    /// Publishes a variable. Only a context that Python has seen can fail.
    pub(crate) fn set_variable(&self, host: &PyHost, name: &Obj, value: Register) -> objects::Result<()> {
        if let Some(object) = self.object.get() {
            return objects::dict_set(&object.vars, name, &host.object(&value)?);
        }
        let mut variables = self.variables.borrow_mut();
        // What was handed in stays what it was, under it: the `Context` has it apart.
        let known = variables.iter_mut().skip(self.inherited).find(|(known, _)| known.is(name));
        let old = if let Some((_, place)) = known {
            Some(std::mem::replace(place, value))
        } else {
            variables.push((name.clone(), value));
            None
        };
        // What is dropped may run Python code, which may come back here.
        drop(variables);
        drop(old);
        Ok(())
    }
}

/// A context as Python sees it.
pub(crate) struct ContextObject {
    pub(crate) object: Obj,
    /// Its `vars`, an exact dict.
    pub(crate) vars: Obj,
    /// Its `parent`, if that is an exact dict and names are looked up as `Context` does.
    pub(crate) parent: Option<Obj>,
}

/// A template's globals.
#[derive(Clone)]
pub(crate) struct Globals {
    /// Its own, an exact dict; `None` if it has none.
    pub(crate) own: Option<Obj>,
    /// The environment's, an exact dict.
    pub(crate) shared: Option<Obj>,
}

impl Globals {
    /// No globals at all.
    pub(crate) const NONE: Globals = Globals { own: None, shared: None };

    /// The dicts, the one that others hide first.
    pub(crate) fn dicts(&self) -> impl Iterator<Item = &Obj> {
        self.shared.iter().chain(&self.own)
    }
}

/// A program that a Python object of ours holds, together with the template that owns it.
///
/// Who holds a program so, shows the template to the garbage collector, and the template shows what is in the program, if
/// nobody holds it in another way.
pub(crate) struct Held {
    program: Arc<Program<PyHost>>,
    owner: Option<Obj>,
    /// How many times it is held: this one, and those that the object has besides.
    times: usize,
}

impl Held {
    fn new(program: &Arc<Program<PyHost>>, times: usize) -> Held {
        let extra = program.extra();
        extra.held.set(extra.held.get() + times);
        Held { program: program.clone(), owner: extra.owner(), times }
    }
}

/// A chain that a context holds, and the programs in it, if the context was the first to hold it.
struct HeldChain {
    chain: Arc<Chain<PyHost>>,
    programs: Vec<Held>,
}

impl HeldChain {
    fn new(chain: Arc<Chain<PyHost>>) -> HeldChain {
        // Each is held by the chain and by the entry made here.
        let first = Arc::strong_count(&chain) == 1;
        let programs = if first { chain.programs() } else { &[] };
        let programs = programs.iter().map(|program| Held::new(program, 2)).collect();
        HeldChain { chain, programs }
    }
}

impl std::ops::Deref for Held {
    type Target = Arc<Program<PyHost>>;
    fn deref(&self) -> &Arc<Program<PyHost>> {
        &self.program
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let held = &self.program.extra().held;
        held.set(held.get() - self.times);
    }
}

/// A block of cells.
pub(crate) struct CellBlock {
    pub(crate) parent: Option<Rc<CellBlock>>,
    pub(crate) cells: RefCell<Vec<Register>>,
    listed: Cell<bool>,
}

impl CellBlock {
    pub(crate) fn new(parent: Option<&Rc<CellBlock>>, count: usize) -> Rc<CellBlock> {
        let cells = RefCell::new(vec![Register::MISSING; count]);
        Rc::new(CellBlock { parent: parent.cloned(), cells, listed: Cell::new(false) })
    }

    /// The block `hops` steps outwards.
    pub(crate) fn outwards(&self, hops: usize) -> Option<&CellBlock> {
        let mut block = self;
        for _ in 0..hops {
            block = block.parent.as_deref()?;
        }
        Some(block)
    }
}

/// What a render shares with the objects that it makes.
pub(crate) struct Scope {
    /// The environment's settings.
    pub(crate) settings: Obj,
    /// What is left of the limits, if there are any.
    pub(crate) budget: Option<Rc<Budget>>,
    contexts: RefCell<Vec<Weak<ContextData>>>,
    cells: RefCell<Vec<Weak<CellBlock>>>,
    /// `Context`s of classes of one's own that templates run with which were included or imported: nothing else that the
    /// garbage collector sees may hold them while they run.
    kept: RefCell<Vec<(Obj, Weak<ContextData>)>>,
    /// How many machines run here: what they hold is on no stack that the garbage collector sees.
    running: Cell<usize>,
    /// How many Python objects of ours close over something that is listed here.
    members: Cell<usize>,
    /// The scope as a Python object, once something escaped; each member owns one reference to it.
    object: Cell<Option<NonNull<ffi::PyObject>>>,
}

impl Scope {
    pub(crate) fn new(settings: Obj) -> Rc<Scope> {
        let budget = Budget::begin(settings::of(&settings).limits);
        Rc::new(Scope {
            settings,
            budget,
            contexts: RefCell::default(),
            cells: RefCell::default(),
            kept: RefCell::default(),
            running: Cell::new(0),
            members: Cell::new(0),
            object: Cell::new(None),
        })
    }

    /// Keeps a `Context` for as long as something runs with it.
    pub(crate) fn keep(&self, object: Obj, context: &Context) {
        let mut kept = self.kept.borrow_mut();
        let mut over = Vec::new();
        if kept.len() == kept.capacity() {
            // The object's own handle holds the data; a template that runs does, too.
            over.extend(kept.extract_if(.., |(_, context)| context.strong_count() < 2));
        }
        kept.push((object, Rc::downgrade(context)));
        drop(kept);
        // Dropped last, as that may run code which looks here.
        drop(over);
    }

    /// Nothing runs any more.
    pub(crate) fn let_go(&self) {
        let kept = self.kept.take();
        drop(kept);
    }

    /// The render is over.
    pub(crate) fn finish(self: &Rc<Scope>) {
        self.let_go();
        if self.members.get() == 0 || self.object.get().is_some() {
            return;
        }
        // What Python has seen of a context, it may have kept: the collector knows.
        let seen = |context: &Context| context.object.get().is_some();
        if self.contexts.borrow().iter().filter_map(Weak::upgrade).any(|context| seen(&context))
            || self.has_escaped()
        {
            self.become_object();
        } else {
            self.clear();
        }
    }

    /// Is a member referred to from elsewhere than from what is listed?
    fn has_escaped(&self) -> bool {
        let mut inside: Vec<(*mut ffi::PyObject, ffi::Py_ssize_t)> = Vec::new();
        self.each_register(|register| {
            if let Some(object) = register.as_object()
                && crate::machine::is_member_of(object, self)
            {
                match inside.iter_mut().find(|(known, _)| *known == object.as_ptr()) {
                    Some((_, count)) => *count += 1,
                    None => inside.push((object.as_ptr(), 1)),
                }
            }
        });
        // SAFETY: the registers hold these objects.
        let held = |object: *mut ffi::PyObject| unsafe { ffi::Py_REFCNT(object) };
        inside.len() != self.members.get() || inside.iter().any(|&(object, count)| held(object) != count)
    }

    fn each_register(&self, mut look: impl FnMut(&Register)) {
        for context in self.contexts.borrow().iter().filter_map(Weak::upgrade) {
            context.variables.borrow().iter().for_each(|(_, value)| look(value));
        }
        for block in self.cells.borrow().iter().filter_map(Weak::upgrade) {
            block.cells.borrow().iter().for_each(&mut look);
        }
    }

    /// Shows all that is listed to the collector; nothing while a machine runs, so that it stays.
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        if self.running.get() > 0 {
            return Ok(());
        }
        let mut result = Ok(());
        let mut show = |object: &Obj| {
            if result.is_ok() {
                result = visit_object(object.as_ptr(), visit);
            }
        };
        show(&self.settings);
        if let Ok(kept) = self.kept.try_borrow() {
            kept.iter().for_each(|(object, _)| show(object));
        }
        self.each_register(|register| {
            if let Some(object) = register.as_object() {
                show(object);
            }
        });
        for context in self.contexts.borrow().iter().filter_map(Weak::upgrade) {
            show(&context.base);
            context.program.owner.iter().for_each(&mut show);
            if let Ok(Some(held)) = context.chain.try_borrow().as_deref() {
                held.programs.iter().filter_map(|program| program.owner.as_ref()).for_each(&mut show);
            }
            context.globals.dicts().for_each(&mut show);
            if let Some(seen) = context.object.get() {
                show(&seen.object);
                show(&seen.vars);
                seen.parent.iter().for_each(&mut show);
            }
            if let Ok(eval_context) = context.eval_context.try_borrow() {
                eval_context.iter().for_each(&mut show);
            }
        }
        result
    }

    /// From now on the collector is shown what is listed, for as long as a Python object holds something of it.
    pub(crate) fn expose(self: &Rc<Scope>) {
        if self.object.get().is_none() && self.members.get() > 0 {
            self.become_object();
        }
    }

    /// Empties what is listed.
    fn clear(&self) {
        // Everything is taken out first: dropping it may run code that looks here.
        let contexts: Vec<_> = self.contexts.borrow().iter().filter_map(Weak::upgrade).collect();
        let cells: Vec<_> = self.cells.borrow().iter().filter_map(Weak::upgrade).collect();
        let variables: Vec<_> = contexts.iter().map(|context| context.variables.take()).collect();
        let values: Vec<_> =
            cells.iter().map(|block| std::mem::take(&mut *block.cells.borrow_mut())).collect();
        drop((variables, values));
    }

    fn become_object(self: &Rc<Scope>) {
        let py = objects::token();
        // Without memory for it, what escaped stays uncollected.
        let Ok(object) = Bound::new(py, ScopeObject(Attached::new(py, self.clone()))) else { return };
        let object = Obj::of(&object);
        for _ in 1..self.members.get() {
            std::mem::forget(object.clone());
        }
        self.object.set(NonNull::new(object.into_ptr()));
    }
}

/// A machine runs in a scope.
pub(crate) struct Running(Rc<Scope>);

impl Running {
    pub(crate) fn new(scope: &Rc<Scope>) -> Running {
        scope.running.set(scope.running.get() + 1);
        Running(scope.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
    }
}

/// A Python object's place in its scope.
pub(crate) struct Member {
    scope: Rc<Scope>,
    /// The program that the object holds itself.
    program: Option<Held>,
}

impl Member {
    /// An object that closes over `context` and `cells` is about to be made.
    pub(crate) fn new(context: &Context, cells: Option<&Rc<CellBlock>>) -> Member {
        let scope = context.scope.clone();
        if !context.listed.replace(true) {
            scope.contexts.borrow_mut().push(Rc::downgrade(context));
        }
        let mut block = cells;
        while let Some(next) = block
            && !next.listed.replace(true)
        {
            let mut cells = scope.cells.borrow_mut();
            if cells.len() == cells.capacity() {
                cells.retain(|block| block.strong_count() > 0);
            }
            cells.push(Rc::downgrade(next));
            block = next.parent.as_ref();
        }
        scope.members.set(scope.members.get() + 1);
        if let Some(object) = scope.object.get() {
            // SAFETY: the members before this one hold the object.
            std::mem::forget(unsafe { Obj::from_borrowed(object.as_ptr()) });
        }
        Member { scope, program: None }
    }

    /// The object holds this program, once.
    pub(crate) fn holding(mut self, program: &Arc<Program<PyHost>>) -> Member {
        self.program = Some(Held::new(program, 2));
        self
    }

    /// Is this its scope?
    pub(crate) fn is_of(&self, scope: &Scope) -> bool {
        std::ptr::eq(&raw const *self.scope, scope)
    }

    /// Shows the scope to the garbage collector.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(owner) = self.program.as_ref().and_then(|program| program.owner.as_ref()) {
            visit_object(owner.as_ptr(), visit)?;
        }
        match self.scope.object.get() {
            Some(object) => visit_object(object.as_ptr(), visit),
            None => Ok(()),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let left = self.scope.members.get() - 1;
        self.scope.members.set(left);
        if let Some(object) = self.scope.object.get() {
            if left == 0 {
                self.scope.object.set(None);
            }
            // SAFETY: each member owns one reference, this one too.
            drop(unsafe { Obj::from_owned(object.as_ptr()) });
        }
    }
}

/// Shows an object that the visited one owns a reference to.
pub(crate) fn visit_object(object: *mut ffi::PyObject, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
    let pointer = NonNull::new(object);
    // SAFETY: `Py` is transparent over a pointer that is not null; the reference is used for the visit only.
    let object = pointer.as_ref().map(|object| unsafe { &*std::ptr::from_ref(object).cast::<Py<PyAny>>() });
    visit.call(object)
}

/// A scope from which something escaped.
#[pyclass(frozen, module = "haiden._native")]
struct ScopeObject(Attached<Rc<Scope>>);

#[pymethods]
impl ScopeObject {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.peek().traverse(&visit)
    }

    fn __clear__(&self) {
        self.0.peek().clear();
    }
}
