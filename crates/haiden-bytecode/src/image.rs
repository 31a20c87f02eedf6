//! The data of an image: what the compiler hands to the virtual machine.
//!
//! In memory an [`Image`] is a set of flat tables that refer to each other by index. `assemble` makes one from the
//! compiler's code, `load` from bytes; both promise that every index is in range (see `verify`), so whoever holds an
//! `Image` may index without fear. It holds no template name and no file name: equal sources share an image.

use crate::lines;
use crate::name_list::NameList;
use crate::plain::{Numbers, Plain, Span, Words};
use crate::strings::{Names, Strings};

/// How a value becomes text (operand kind `Escape`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Escape {
    /// As it is.
    No = 0,
    /// Escaped for HTML unless it is markup.
    Html = 1,
    /// As the context's autoescape says when the instruction runs.
    Dynamic = 2,
}

/// Bits of `For`'s operand `w`.
pub mod loop_flags {
    /// The body reads `loop.previtem`: remember the item before.
    pub const PREVIOUS: u32 = 1;
    /// The loop is the body of a recursive loop function.
    pub const RECURSIVE: u32 = 2;
}

/// Bits of `Include`'s and `Import`'s operand `x`.
pub mod include_flags {
    /// A template that does not exist is no error.
    pub const IGNORE_MISSING: u8 = 1;
    /// The template sees the context and the locals.
    pub const WITH_CONTEXT: u8 = 2;
    /// The operand is a list of names of which the first that exists is meant; else it is decided by its value.
    pub const SELECT: u8 = 4;
    /// The operand is a name that stands in the source.
    pub const NAMED: u8 = 8;
}

/// What `LoopGet` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
#[expect(missing_docs, reason = "Jinja's own names")]
pub enum LoopField {
    Revindex = 0,
    Revindex0 = 1,
    Length = 2,
    Depth = 3,
    Depth0 = 4,
    Previtem = 5,
    Nextitem = 6,
}

impl LoopField {
    /// The field with this number.
    pub const fn from_code(code: u16) -> Option<LoopField> {
        Some(match code {
            0 => LoopField::Revindex,
            1 => LoopField::Revindex0,
            2 => LoopField::Length,
            3 => LoopField::Depth,
            4 => LoopField::Depth0,
            5 => LoopField::Previtem,
            6 => LoopField::Nextitem,
            _ => return None,
        })
    }
}

/// A constant. Containers name the constants that come before them: `Tuple` takes the `n` *values* that end just
/// before it (post-order), so a constant cannot contain itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A larger integer, as canonical decimal digits (string index).
    BigInt(u32),
    /// A float.
    Float(f64),
    /// A string (string index).
    Str(u32),
    /// A string that is safe markup (string index).
    Markup(u32),
    /// A tuple of the `n` values before it.
    Tuple(u32),
    /// A list of the `n` values before it; a new one each time it is loaded.
    List(u32),
    /// A dict of the `n` pairs (key, value) before it; a new one each time it is loaded.
    Dict(u32),
}

impl Constant {
    /// How many of the values before it a container takes (a dict: keys and values).
    pub const fn parts(&self) -> usize {
        match *self {
            Constant::Tuple(n) | Constant::List(n) => n as usize,
            Constant::Dict(n) => (n as usize).saturating_mul(2),
            _ => 0,
        }
    }
}

/// The most levels a constant may have; a number has one, `[[1]]` three. Deeper values are built at run time.
pub const MAX_CONSTANT_DEPTH: usize = 64;

/// The most digits of a large integer (Python's own limit for reading and printing one).
pub const MAX_BIG_INT_DIGITS: usize = 4300;

/// The most cells in one block of cells.
pub const MAX_CELLS: u32 = 1 << 16;

/// What a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FunctionKind {
    /// The template itself: function 0.
    Root = 0,
    /// A block.
    Block = 1,
    /// A macro. Registers 0.. hold its parameters, then `varargs`, `kwargs` and `caller` as far as it takes them.
    Macro = 2,
    /// The body of a `call` block: a macro without a name.
    CallBlock = 3,
    /// The body of a recursive loop. Register 0 holds the iterable.
    Loop = 4,
    /// The body of an overlay scope.
    Overlay = 5,
}

/// The function takes further positional arguments as `varargs`.
pub const CATCH_VARARGS: u8 = 1;
/// The function takes further keyword arguments as `kwargs`.
pub const CATCH_KWARGS: u8 = 2;
/// The function reads `caller` (which is not among its parameters).
pub const CATCH_CALLER: u8 = 4;
/// `caller` is one of its parameters.
pub const EXPLICIT_CALLER: u8 = 8;
/// The template was compiled with autoescape on where the function is defined.
pub const AUTOESCAPE: u8 = 16;
/// Whether it is on there is known only when the template runs; [`AUTOESCAPE`] says nothing then.
pub const VOLATILE: u8 = 32;

/// A function: a run of code with its frame's measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// What it is.
    pub kind: FunctionKind,
    /// Flags: [`CATCH_VARARGS`], [`CATCH_KWARGS`], [`CATCH_CALLER`], [`EXPLICIT_CALLER`], [`AUTOESCAPE`],
    /// [`VOLATILE`].
    pub flags: u8,
    /// Its name (name index), or `u32::MAX`.
    pub name: u32,
    /// How many registers its window has.
    pub registers: u16,
    /// How many loop slots its frame has.
    pub loops: u8,
    /// The names of its parameters: this run of [`Image::parameters`].
    pub parameters: (u32, u32),
    /// Its code: this run of [`Image::code`].
    pub code: (u32, u32),
    /// Where it is defined.
    pub line: u32,
}

/// How arguments lie in the registers after the callee: positional, keyword values, then `*args`, then `**kwargs`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallShape {
    /// How many positional arguments.
    pub positional: u16,
    /// The names of the keyword arguments (name indices).
    pub keywords: NameList,
    /// A `*args` value follows.
    pub star: bool,
    /// A `**kwargs` value follows.
    pub star_star: bool,
}

impl CallShape {
    /// How many registers the arguments take, without the callee.
    pub fn registers(&self) -> usize {
        usize::from(self.positional)
            + self.keywords.len()
            + usize::from(self.star)
            + usize::from(self.star_star)
    }
}

/// A filter or test by name. Each is looked up once, when the image is linked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Its name (name index).
    pub name: u32,
    /// Unknown at link: `true`, an error then, as Jinja's compile raises it; `false`, an error when it is run
    /// (the reference stands inside a conditional).
    pub hard: bool,
    /// How many filters and tests are named before it: Jinja tells of the first that is unknown. Of 31 bits.
    pub place: u32,
    /// Where it is used first.
    pub line: u32,
    /// The column there, counted from 1 in characters; 0 if unknown.
    pub column: u32,
}

/// An attribute site: a place where an attribute is read, or a method called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The attribute's name (name index).
    pub name: u32,
    /// 0, or who alone gets the value: from 1 on a filter (of [`Image::filters`]), and behind those a test (of [`Image::tests`]).
    pub reader: u32,
}

impl Site {
    /// As it lies in an image.
    pub(crate) fn word(self) -> u64 {
        u64::from(self.name) | u64::from(self.reader) << 32
    }
    #[inline]
    pub(crate) fn of_word(word: u64) -> Site {
        Site { name: word as u32, reader: (word >> 32) as u32 }
    }
}

/// A filter or test with the shape of its arguments (without the value itself).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReferenceCall {
    /// Which filter (index of [`Image::filters`]) or test (of [`Image::tests`]).
    pub reference: u32,
    /// The arguments after the value.
    pub shape: u32,
}

/// A block that this template defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockEntry {
    /// Its name (name index).
    pub name: u32,
    /// Its function.
    pub function: u32,
    /// It must be overridden.
    pub required: bool,
}

/// How a template is used by this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "Jinja's own names")]
pub enum DependencyKind {
    Extends = 0,
    Include = 1,
    Import = 2,
}

/// A template that this one names with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// How it is used.
    pub kind: DependencyKind,
    /// Its name (string index).
    pub name: u32,
}

/// From instruction `pc` on (counted over the whole code) the source is at this line and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The first instruction.
    pub pc: u32,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters; 0 if unknown.
    pub column: u32,
}

/// What lies behind an image's text in memory.
const ZEROS: &str = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// How many bytes lie behind an image's text in memory.
pub const PADDING: usize = ZEROS.len();

/// An image's text, with [`PADDING`] bytes behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blob {
    padded: String,
    ascii: bool,
}

impl Blob {
    pub(crate) fn new(mut text: String) -> Blob {
        text.push_str(ZEROS);
        Blob { ascii: text.is_ascii(), padded: text }
    }

    pub(crate) fn copied(text: &str) -> Blob {
        let mut copy = String::with_capacity(text.len() + PADDING);
        copy.push_str(text);
        Blob::new(copy)
    }
}

impl std::ops::Deref for Blob {
    type Target = str;
    fn deref(&self) -> &str {
        &self.padded[..self.padded.len() - PADDING]
    }
}

/// A compiled template. Every index in it is in range.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// The code of all functions; the names of parameters of all functions (name indices); where each string ends in the
    /// text, behind where the first one starts, so one more than there are strings; the string of each name; the attribute
    /// sites; the packed line table.
    pub(crate) plain: Plain,
    pub(crate) functions: Vec<Function>,
    pub(crate) constants: Vec<Constant>,
    /// All text, one blob.
    pub(crate) text: Blob,
    pub(crate) shapes: Vec<CallShape>,
    pub(crate) filters: Vec<Reference>,
    pub(crate) filter_calls: Vec<ReferenceCall>,
    pub(crate) tests: Vec<Reference>,
    pub(crate) test_calls: Vec<ReferenceCall>,
    pub(crate) blocks: Vec<BlockEntry>,
    /// Tables of local variables: runs of [`Image::local_entries`].
    pub(crate) locals: Vec<(u32, u32)>,
    /// (name index, register) of each local variable.
    pub(crate) local_entries: Vec<(u32, u16)>,
    pub(crate) dependencies: Vec<Dependency>,
}

impl Image {
    /// The code of all functions.
    #[inline]
    pub fn code(&self) -> Words<'_> {
        self.plain.code()
    }
    /// The bytes in which code and ends of strings lie, and where: for who need not look again whether they do.
    #[inline(always)]
    pub fn spans(&self) -> (&[u8], Span, Span) {
        (&self.plain.bytes, self.plain.code, self.plain.ends)
    }
    /// The functions; 0 is the root.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }
    /// The names of a function's parameters (name indices).
    pub fn parameters(&self, function: &Function) -> Numbers<'_> {
        self.plain.parameters().run(function.parameters.0 as usize..function.parameters.1 as usize)
    }
    /// The constants in post-order.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }
    /// All text.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// All text and [`PADDING`] bytes behind it: who copies in blocks may copy the last of it so too.
    pub fn padded_text(&self) -> &str {
        &self.text.padded
    }
    /// Is all text ASCII?
    pub fn text_is_ascii(&self) -> bool {
        self.text.ascii
    }
    /// How many entries all tables have together, bytes of text included.
    pub(crate) fn entry_count(&self) -> usize {
        let keywords: usize = self.shapes.iter().map(|shape| shape.keywords.len()).sum();
        let plain = self.plain.bytes.len();
        let code = plain + self.functions.len();
        let values = self.constants.len() + self.text.len();
        let names = self.locals.len() + self.local_entries.len();
        let calls = self.shapes.len() + keywords + self.filter_calls.len() + self.test_calls.len();
        let templates = self.blocks.len() + self.dependencies.len();
        code + values + names + calls + templates + self.filters.len() + self.tests.len()
    }
    /// How many strings there are.
    pub fn string_count(&self) -> usize {
        self.plain.ends().len() - 1
    }
    /// Where strings end in [`Image::text`], behind where the first one starts: string `index` lies between the two entries
    /// from `index` on.
    #[inline]
    pub fn string_ends(&self) -> Numbers<'_> {
        self.plain.ends()
    }
    /// Where string `index` lies in [`Image::text`].
    pub fn string_range(&self, index: u32) -> (u32, u32) {
        let ends = self.plain.ends();
        (ends.at(index as usize), ends.at(index as usize + 1))
    }
    /// All strings.
    pub fn strings(&self) -> Strings<'_> {
        Strings::new(&self.text.padded, self.plain.ends())
    }
    /// String `index`.
    pub fn string(&self, index: u32) -> &str {
        self.strings().at(index)
    }
    /// How many names there are.
    pub fn name_count(&self) -> usize {
        self.plain.names().len()
    }
    /// All names.
    pub fn names(&self) -> Names<'_> {
        Names::new(self.strings(), self.plain.names())
    }
    /// Name `index`.
    pub fn name(&self, index: u32) -> &str {
        self.string(self.plain.names().at(index as usize))
    }
    /// The attribute sites.
    #[inline]
    pub fn sites(&self) -> impl ExactSizeIterator<Item = Site> + Clone {
        self.plain.sites().iter().map(Site::of_word)
    }
    /// Attribute site `index`.
    pub fn site(&self, index: u32) -> Site {
        Site::of_word(self.plain.sites().at(index as usize))
    }
    /// The call shapes.
    pub fn shapes(&self) -> &[CallShape] {
        &self.shapes
    }
    /// The filters that are used.
    pub fn filters(&self) -> &[Reference] {
        &self.filters
    }
    /// The filter calls.
    pub fn filter_calls(&self) -> &[ReferenceCall] {
        &self.filter_calls
    }
    /// The tests that are used.
    pub fn tests(&self) -> &[Reference] {
        &self.tests
    }
    /// The test calls.
    pub fn test_calls(&self) -> &[ReferenceCall] {
        &self.test_calls
    }
    /// The blocks that are defined.
    pub fn blocks(&self) -> &[BlockEntry] {
        &self.blocks
    }
    /// How many tables of local variables there are.
    pub fn locals_count(&self) -> usize {
        self.locals.len()
    }
    /// Table `index` of local variables: (name index, register).
    pub fn locals(&self, index: u32) -> &[(u32, u16)] {
        let (start, end) = self.locals[index as usize];
        &self.local_entries[start as usize..end as usize]
    }
    /// The templates that are named with a constant.
    pub fn dependencies(&self) -> &[Dependency] {
        &self.dependencies
    }
    /// The line table, ordered by `pc`. It is unpacked on the way.
    pub fn lines(&self) -> impl Iterator<Item = Line> {
        lines::places(self.plain.lines())
    }
    /// Line and column of instruction `pc` (counted over the whole code); (0, 0) if unknown. Walks through the table.
    pub fn line_at(&self, pc: u32) -> (u32, u32) {
        let before = self.lines().take_while(|line| line.pc <= pc);
        before.last().map_or((0, 0), |line| (line.line, line.column))
    }
}
