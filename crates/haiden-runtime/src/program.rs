//! Link: an image becomes a program of one host.
//!
//! In: an [`Image`] and the host's [`Linker`]. Out: a [`Program`], in which constants are host values, names are
//! interned, filters and tests are bound. `run` then looks nothing up that it could have had before. An image holds no
//! template name; it is bound here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use haiden_bytecode::image::{CATCH_CALLER, CATCH_KWARGS, CATCH_VARARGS};
use haiden_bytecode::ops::{self, code};
use haiden_bytecode::{Function, FunctionKind, Image};

use crate::host::{Host, Linker};
use crate::sites::Sites;
use crate::window::Strings;

/// A call shape with its names linked.
pub struct Shape<H: Host> {
    /// How many positional arguments.
    pub positional: usize,
    /// The names of the keyword arguments.
    pub keywords: Box<[Keyword<H>]>,
    /// A `*args` value follows.
    pub star: bool,
    /// A `**kwargs` value follows.
    pub star_star: bool,
}

/// The name of a keyword argument.
pub struct Keyword<H: Host> {
    /// As text; those of one name share it.
    pub text: Arc<str>,
    /// As the host's name.
    pub name: H::Name,
}

impl<H: Host> Shape<H> {
    /// `n` positional arguments and nothing else.
    pub fn positional(n: usize) -> Shape<H> {
        Shape { positional: n, keywords: Box::new([]), star: false, star_star: false }
    }
    /// Are all arguments positional?
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.keywords.is_empty() && !self.star && !self.star_star
    }
    /// How many registers the arguments take.
    #[inline]
    pub fn registers(&self) -> usize {
        self.positional + self.keywords.len() + usize::from(self.star) + usize::from(self.star_star)
    }
}

/// For each string of an image whether it is ASCII.
fn ascii_strings(image: &Image) -> Box<[bool]> {
    let mut ascii = vec![true; image.string_count()];
    let (bytes, ends) = (image.text().as_bytes(), image.string_ends().raw());
    let (mut place, mut string) = (0, 0);
    while let Some(other) = bytes.get(place..).and_then(first_other) {
        place += other;
        // The first that ends behind it; then on from there.
        while u32::from_le_bytes(ends[string + 1]) as usize <= place {
            string += 1;
        }
        ascii[string] = false;
        place = u32::from_le_bytes(ends[string + 1]) as usize;
    }
    ascii.into_boxed_slice()
}

/// Where the first byte is that is no ASCII character.
fn first_other(bytes: &[u8]) -> Option<usize> {
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let mut start = 0;
    let (blocks, _) = bytes.as_chunks::<32>();
    start += 32 * blocks.iter().position(|block| !block.is_ascii()).unwrap_or(blocks.len());
    let (words, rest) = bytes[start..].as_chunks::<8>();
    for word in words {
        let others = u64::from_le_bytes(*word) & TOPS;
        if others != 0 {
            return Some(start + others.trailing_zeros() as usize / 8);
        }
        start += 8;
    }
    rest.iter().position(|byte| !byte.is_ascii()).map(|place| start + place)
}

/// What is to be known of a function when it is entered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) registers: u16,
    pub(crate) loops: u8,
    /// What it writes is part of something that is not complete before it is.
    pub(crate) buffered: bool,
    /// How many positional arguments it takes as they are, with nothing to bind; `None` if it is no macro or wants more.
    pub(crate) positional: Option<u16>,
    /// How many instructions at its start do nothing if so many parameters are given.
    pub(crate) checks: u16,
}

impl Entry {
    fn of(image: &Image, function: &Function) -> Entry {
        let (start, end) = (function.code.0 as usize, function.code.1 as usize);
        let checks = image.code().run(start..end).iter().enumerate().take_while(|&(place, word)| {
            word as u8 == code::CheckParameter && usize::from(ops::a(word)) == place
        });
        let is_macro = matches!(function.kind, FunctionKind::Macro | FunctionKind::CallBlock);
        let is_plain = is_macro && function.flags & (CATCH_VARARGS | CATCH_KWARGS | CATCH_CALLER) == 0;
        Entry {
            registers: function.registers,
            loops: function.loops,
            buffered: is_macro || function.kind == FunctionKind::Loop,
            positional: u16::try_from(image.parameters(function).len()).ok().filter(|_| is_plain),
            checks: checks.count() as u16,
        }
    }
}

/// A program: an image linked for one environment of one host.
pub struct Program<H: Host> {
    image: Arc<Image>,
    name: Option<Arc<str>>,
    extra: H::Extra,
    /// Which of its strings are ASCII, unless all of them are.
    ascii: Option<Box<[bool]>>,
    pub(crate) constants: Box<[Option<H::Constant>]>,
    pub(crate) names: Box<[H::Name]>,
    sites: Sites<H>,
    pub(crate) filters: Box<[Option<H::Filter>]>,
    pub(crate) tests: Box<[Option<H::Test>]>,
    pub(crate) shapes: Box<[Shape<H>]>,
    entries: Box<[Entry]>,
    /// Its own blocks; most templates are never asked for them.
    blocks: OnceLock<Arc<BlockTable>>,
    id: u64,
    size: AtomicUsize,
}

impl<H: Host> Program<H> {
    /// The image.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }
    /// The template's name; `None` for one made from a text.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }
    /// What the host keeps with the program.
    pub fn extra(&self) -> &H::Extra {
        &self.extra
    }
    /// Function `index`.
    pub fn function(&self, index: u32) -> &Function {
        &self.image.functions()[index as usize]
    }
    /// What is to be known of function `index` when it is entered.
    #[inline(always)]
    pub(crate) fn entry(&self, index: u32) -> Entry {
        self.entries[index as usize]
    }
    /// The attribute sites. They are made when they are asked for first.
    #[inline]
    pub(crate) fn sites(&self) -> &[H::Site] {
        self.sites.get(&self.image, &self.names)
    }
    /// The strings of its image.
    #[inline(always)]
    pub(crate) fn strings<'a>(&'a self, image: &'a Image) -> Strings<'a> {
        Strings::new(image, self.ascii.as_deref())
    }
    /// The name of function `index`, if it has one.
    pub fn function_name(&self, index: u32) -> Option<&str> {
        let name = self.function(index).name;
        (name != u32::MAX).then(|| self.image.name(name))
    }
    /// The name of parameter `index` of a function.
    pub fn parameter_names(&self, function: u32) -> impl ExactSizeIterator<Item = &str> {
        self.image.parameters(self.function(function)).iter().map(|name| self.image.name(name))
    }
    /// The name `index` as the host linked it.
    pub fn linked_name(&self, index: u32) -> &H::Name {
        &self.names[index as usize]
    }
    /// The filters that the program is linked to.
    pub fn linked_filters(&self) -> impl Iterator<Item = &H::Filter> {
        self.filters.iter().flatten()
    }
    /// The tests that the program is linked to.
    pub fn linked_tests(&self) -> impl Iterator<Item = &H::Test> {
        self.tests.iter().flatten()
    }
    /// How large the last page was, in bytes: how much room the next one will need.
    pub fn size_hint(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }
    /// Notes how large a page was.
    pub fn remember_size(&self, bytes: usize) {
        self.size.store(bytes, Ordering::Relaxed);
    }
    /// A number that no other program of this process has.
    pub fn id(&self) -> u64 {
        self.id
    }
}

/// The reason why an image cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkError {
    /// The filter or test that the environment does not have.
    pub name: String,
    /// Is it a filter (or a test)?
    pub is_filter: bool,
    /// Where it is used first.
    pub line: u32,
    /// The column there; 0 if unknown.
    pub column: u32,
}

impl std::fmt::Display for LinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "No {} named '{}'.", if self.is_filter { "filter" } else { "test" }, self.name)
    }
}
impl std::error::Error for LinkError {}

/// An image becomes a program.
///
/// # Errors
/// [`LinkError`] for the first filter or test (in source order) that is unknown where Jinja's compile would say so, unless the linker
/// forgives that.
pub fn link<H: Host>(
    image: Arc<Image>,
    name: Option<Arc<str>>,
    extra: H::Extra,
    linker: &mut impl Linker<H>,
) -> Result<Program<H>, LinkError> {
    let texts = image.names();
    let filters: Box<[_]> = image.filters().iter().map(|f| linker.filter(texts.at(f.name))).collect();
    let tests: Box<[_]> = image.tests().iter().map(|t| linker.test(texts.at(t.name))).collect();
    if !linker.forgives() {
        unknown_reference(&image, &filters, &tests)?;
    }
    let ascii = (!image.text_is_ascii()).then(|| ascii_strings(&image));
    let names: Box<[_]> = texts.iter().map(|name| linker.name(name)).collect();
    let sites = Sites::new(&filters, &tests, linker);
    let shapes = link_shapes(&image, &names, linker);
    let constants = link_constants(&image, linker);
    let entries = image.functions().iter().map(|function| Entry::of(&image, function)).collect();
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    Ok(Program {
        image,
        name,
        extra,
        ascii,
        constants,
        names,
        sites,
        filters,
        tests,
        shapes,
        entries,
        blocks: OnceLock::new(),
        id,
        size: AtomicUsize::new(0),
    })
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn unknown_reference<F, T>(
    image: &Image,
    filters: &[Option<F>],
    tests: &[Option<T>],
) -> Result<(), LinkError> {
    // Both tables have their names in the order in which Jinja2 meets them.
    let filter = image.filters().iter().zip(filters).find(|(r, bound)| r.hard && bound.is_none());
    let test = image.tests().iter().zip(tests).find(|(r, bound)| r.hard && bound.is_none());
    let first = filter.map(|(r, _)| (r, true)).into_iter().chain(test.map(|(r, _)| (r, false)));
    match first.min_by_key(|(r, _)| r.place) {
        None => Ok(()),
        Some((r, is_filter)) => {
            Err(LinkError { name: image.name(r.name).to_owned(), is_filter, line: r.line, column: r.column })
        }
    }
}

/// Call shapes. A name that many of them have is copied once.
fn link_shapes<H: Host>(image: &Image, names: &[H::Name], linker: &mut impl Linker<H>) -> Box<[Shape<H>]> {
    let texts = image.names();
    // By name; made with the first keyword.
    let mut known: Vec<Option<Arc<str>>> = Vec::new();
    let mut keyword = |index: u32| {
        let (text, linked) = (texts.at(index), &names[index as usize]);
        if known.is_empty() {
            known.resize(names.len(), None);
        }
        Keyword {
            text: known[index as usize].get_or_insert_with(|| linker.text(text, linked)).clone(),
            name: linker.another_name(text, linked),
        }
    };
    let shapes = image.shapes().iter().map(|shape| Shape {
        positional: usize::from(shape.positional),
        keywords: shape.keywords.iter().map(|&index| keyword(index)).collect(),
        star: shape.star,
        star_star: shape.star_star,
    });
    shapes.collect()
}

/// Constants in post-order: a container takes the values that lie before it, so only roots stay in the table.
fn link_constants<H: Host>(image: &Image, linker: &mut impl Linker<H>) -> Box<[Option<H::Constant>]> {
    let strings = image.strings();
    let mut linked: Vec<Option<H::Constant>> = Vec::with_capacity(image.constants().len());
    let mut taken = Vec::new();
    for constant in image.constants() {
        let (mut parts, mut at) = (constant.parts(), linked.len());
        while parts > 0 && at > 0 {
            at -= 1;
            if let Some(part) = linked[at].take() {
                taken.push(part);
                parts -= 1;
            }
        }
        taken.reverse();
        linked.push(Some(linker.constant(strings, constant, &taken)));
        taken.clear();
    }
    linked.into_boxed_slice()
}

/// The templates that share a context (the one that is rendered, its parent, …) and their blocks.
///
/// Immutable: `extends` makes a new chain.
pub struct Chain<H: Host> {
    programs: Vec<Arc<Program<H>>>,
    table: Arc<BlockTable>,
}

impl<H: Host> Chain<H> {
    /// The chain of one template.
    pub fn of(program: &Arc<Program<H>>) -> Arc<Chain<H>> {
        let table = program.blocks.get_or_init(|| Arc::new(BlockTable::of(&program.image)));
        Arc::new(Chain { programs: vec![program.clone()], table: table.clone() })
    }

    /// This chain with `parent` behind.
    pub fn extended(&self, parent: &Arc<Program<H>>) -> Arc<Chain<H>> {
        let mut programs = Vec::with_capacity(self.programs.len() + 1);
        programs.extend_from_slice(&self.programs);
        programs.push(parent.clone());
        let table = self.table.extended(parent.id, self.programs.len() as u32, &parent.image);
        Arc::new(Chain { programs, table })
    }

    /// The chain of a template where somebody else says which templates define a block: for each name these, the most
    /// derived first, each with the name of the block there. What a template does not define is left out.
    pub fn of_definitions<'a>(
        program: &Arc<Program<H>>,
        blocks: impl IntoIterator<Item = (&'a str, Vec<(Arc<Program<H>>, &'a str)>)>,
    ) -> Arc<Chain<H>> {
        let mut programs = vec![program.clone()];
        let mut table = BlockTable::default();
        for (name, definitions) in blocks {
            let mut found = Vec::with_capacity(definitions.len());
            for (program, block) in definitions {
                let Some(&block) =
                    program.image.blocks().iter().find(|known| program.image.name(known.name) == block)
                else {
                    continue;
                };
                let place = programs.iter().position(|known| known.id == program.id).unwrap_or_else(|| {
                    programs.push(program);
                    programs.len() - 1
                });
                found.push(BlockDefinition {
                    program: place as u32,
                    function: block.function,
                    required: block.required,
                });
            }
            if !found.is_empty() {
                table.names.insert(name.into(), table.blocks.len());
                table.blocks.push(found);
            }
        }
        Arc::new(Chain { programs, table: Arc::new(table) })
    }

    /// How many templates there are.
    pub fn depth(&self) -> usize {
        self.programs.len()
    }

    /// The templates, the most derived first.
    pub fn programs(&self) -> &[Arc<Program<H>>] {
        &self.programs
    }

    /// The number of the block with this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.table.names.get(name).copied()
    }

    /// The names of all blocks, in the order of their first definition.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.table.names.iter().map(|(name, &index)| (index, &**name)).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// The name of block `block`.
    pub fn name(&self, block: usize) -> Option<&str> {
        let definition = self.table.blocks.get(block)?.first()?;
        self.programs[definition.program as usize].function_name(definition.function)
    }

    /// At which depth a template defines a block.
    pub fn depth_in(&self, block: usize, program: &Program<H>) -> Option<usize> {
        let definitions = self.table.blocks.get(block)?;
        definitions.iter().position(|definition| self.programs[definition.program as usize].id == program.id)
    }

    /// Definition `depth` of a block; 0 is the most derived.
    pub fn definition(&self, block: usize, depth: usize) -> Option<(&Arc<Program<H>>, BlockDefinition)> {
        let definition = *self.table.blocks.get(block)?.get(depth)?;
        Some((&self.programs[definition.program as usize], definition))
    }
}

/// The blocks of a chain of templates: for each name its definitions, most derived first.
///
/// It names templates by their place in the chain, so it keeps none alive. It remembers the first table that it was
/// extended to: rendering the same page again makes none.
#[derive(Debug, Default)]
pub struct BlockTable {
    names: HashMap<Box<str>, usize>,
    blocks: Vec<Vec<BlockDefinition>>,
    next: OnceLock<(u64, Arc<BlockTable>)>,
}

/// One template's definition of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockDefinition {
    /// The template's place in the chain.
    pub program: u32,
    /// The function.
    pub function: u32,
    /// It must be overridden.
    pub required: bool,
}

impl BlockTable {
    fn of(image: &Image) -> BlockTable {
        let mut table = BlockTable::default();
        table.add(image, 0);
        table
    }

    fn add(&mut self, image: &Image, program: u32) {
        for block in image.blocks() {
            let next = self.blocks.len();
            let index = *self.names.entry(image.name(block.name).into()).or_insert(next);
            if index == next {
                self.blocks.push(Vec::new());
            }
            self.blocks[index].push(BlockDefinition {
                program,
                function: block.function,
                required: block.required,
            });
        }
    }

    fn extended(self: &Arc<Self>, parent: u64, place: u32, image: &Image) -> Arc<BlockTable> {
        if let Some((id, table)) = self.next.get()
            && *id == parent
        {
            return table.clone();
        }
        let mut table =
            BlockTable { names: self.names.clone(), blocks: self.blocks.clone(), next: OnceLock::new() };
        table.add(image, place);
        let table = Arc::new(table);
        // Another thread may have been first, or the template has another parent now: both are fine.
        let _ = self.next.set((parent, table.clone()));
        table
    }
}
