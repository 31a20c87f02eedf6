//! Assemble: the compiler's code becomes an image.
//!
//! In: a [`Code`], which the compiler's `lower` fills: one flat run of words for all functions and interned tables.
//! Out: an [`Image`]. Debug builds verify it as if it came from outside. Interning keeps the order of first use, so
//! equal code gives equal images.

use std::collections::HashMap;

use crate::format::encoded_len;
use crate::image::{
    Blob, BlockEntry, CallShape, Constant, Dependency, DependencyKind, Function, Image, Line, PADDING,
    Reference, ReferenceCall, Site,
};
use crate::lines;
use crate::ops::{Op, abc, aw};
use crate::plain::{Plain, Tables};
use crate::readers;
use crate::verify::verify;

/// A place in the source: line from 1, column from 1 in characters (0: unknown).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct At {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// A jump that is too far for its instruction: lower the function again with wide jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFar;

/// A table of the image has more entries than its index can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge(pub &'static str);

/// Code in the making.
#[derive(Debug, Default)]
pub struct Code {
    words: Vec<u64>,
    functions: Vec<Option<Function>>,
    parameters: Vec<u32>,
    constants: Vec<Constant>,
    text: String,
    ends: Ends,
    texts: Texts,
    names: Vec<u32>,
    sites: Vec<Site>,
    shapes: Vec<CallShape>,
    filters: Vec<Reference>,
    filter_calls: Vec<ReferenceCall>,
    tests: Vec<Reference>,
    test_calls: Vec<ReferenceCall>,
    blocks: Vec<BlockEntry>,
    locals: Vec<(u32, u32)>,
    local_entries: Vec<(u32, u16)>,
    dependencies: Vec<Dependency>,
    lines: Vec<Line>,
    function_start: u32,
    /// By number of positional arguments: the shape that has only those, + 1.
    plain_shapes: [u32; 8],
    shape_index: HashMap<CallShape, u32>,
    filter_index: References,
    test_index: References,
}

/// Where strings end, behind where the first one starts.
#[derive(Debug)]
struct Ends(Vec<u32>);

impl Ends {
    fn with_capacity(strings: usize) -> Ends {
        let mut ends = Vec::with_capacity(strings + 1);
        ends.push(0);
        Ends(ends)
    }
}

impl Default for Ends {
    fn default() -> Ends {
        Ends(vec![0])
    }
}

/// Template text that was seen lately, to find it again: pages repeat themselves.
///
/// By a hash of its ends the string that has it, + 1; a later text takes the place of an earlier one with the same hash. So it
/// takes the same time for any text but to compare it, and finds nearly all. A small template asks for no memory.
#[derive(Debug, Default)]
struct Texts {
    few: [u32; 16],
    many: Vec<u32>,
}

impl Texts {
    /// Room for so many texts.
    fn with_capacity(texts: usize) -> Texts {
        let mut room = Texts::default();
        if texts > room.few.len() {
            room.many = vec![0; texts.next_power_of_two().min(4096)];
        }
        room
    }

    /// The place for a text.
    fn place(&mut self, text: &str) -> &mut u32 {
        let bytes = text.as_bytes();
        let word = |end: Option<&[u8; 8]>| end.map_or(0, |end| u64::from_le_bytes(*end));
        let ends = match bytes.len() {
            8.. => word(bytes.first_chunk()) ^ word(bytes.last_chunk()).rotate_left(23),
            _ => bytes.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
        };
        let mixed = (ends ^ (bytes.len() as u64) << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let places = if self.many.is_empty() { &mut self.few[..] } else { &mut self.many[..] };
        let mask = places.len() - 1;
        &mut places[mixed as usize & mask]
    }
}

/// By name index: the reference that is soft, and the one that is hard, and the last call of each, all + 1.
type References = Vec<[u32; 4]>;

impl Code {
    /// Empty code.
    pub fn new() -> Code {
        Code::default()
    }

    /// Empty code with room for so many instructions and so many bytes of text.
    pub fn with_capacity(instructions: usize, text: usize) -> Code {
        Code {
            words: Vec::with_capacity(instructions),
            lines: Vec::with_capacity(instructions),
            ends: Ends::with_capacity(instructions),
            functions: Vec::with_capacity(1),
            names: Vec::with_capacity(instructions / 4),
            sites: Vec::with_capacity(instructions / 4),
            text: String::with_capacity(text + PADDING),
            texts: Texts::with_capacity(instructions / 2),
            ..Code::default()
        }
    }

    // ---- tables ----------------------------------------------------------------------------------------------

    /// Adds a string; equal strings are not looked for.
    pub fn string(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.0.push(self.text.len() as u32);
        (self.ends.0.len() - 2) as u32
    }

    /// The string of a piece of template text: one that is there, if it was seen lately, or else a new one.
    pub fn template_text(&mut self, text: &str) -> u32 {
        let next = self.ends.0.len() as u32;
        let place = self.texts.place(text);
        if let Some(string) = place.checked_sub(1) {
            let ends = &self.ends.0[string as usize..];
            if self.text.as_bytes()[ends[0] as usize..ends[1] as usize] == *text.as_bytes() {
                return string;
            }
        }
        *place = next;
        self.string(text)
    }

    /// How many strings there are.
    pub fn string_count(&self) -> usize {
        self.ends.0.len() - 1
    }

    /// Adds a name; equal names are not looked for, since the compiler knows its names by number.
    pub fn name(&mut self, name: &str) -> u32 {
        let string = self.string(name);
        self.names.push(string);
        (self.names.len() - 1) as u32
    }

    /// A new attribute site for a name.
    pub fn site(&mut self, name: u32) -> u32 {
        self.sites.push(Site { name, reader: 0 });
        (self.sites.len() - 1) as u32
    }

    /// Adds a constant. The parts of a container must have been added, in order, just before it.
    pub fn constant(&mut self, constant: Constant) -> u32 {
        self.constants.push(constant);
        (self.constants.len() - 1) as u32
    }

    /// The index of a call shape; equal shapes give the same index.
    pub fn shape(&mut self, shape: CallShape) -> u32 {
        let plain = shape.keywords.is_empty() && !shape.star && !shape.star_star;
        if let Some(slot) = self.plain_shapes.get_mut(usize::from(shape.positional)).filter(|_| plain) {
            if *slot == 0 {
                self.shapes.push(shape);
                *slot = self.shapes.len() as u32;
            }
            return *slot - 1;
        }
        if let Some(&index) = self.shape_index.get(&shape) {
            return index;
        }
        let index = self.shapes.len() as u32;
        self.shapes.push(shape.clone());
        self.shape_index.insert(shape, index);
        index
    }

    /// Names a filter or a test before it is called: unknown ones are told of in the order in which they are named.
    pub fn refer(&mut self, is_filter: bool, name: u32, hard: bool, at: At) {
        self.reference(is_filter, name, hard, at);
    }

    fn reference(&mut self, is_filter: bool, name: u32, hard: bool, at: At) -> u32 {
        let place = (self.filters.len() + self.tests.len()) as u32;
        let (table, index) = if is_filter {
            (&mut self.filters, &mut self.filter_index)
        } else {
            (&mut self.tests, &mut self.test_index)
        };
        if index.len() <= name as usize {
            index.resize(name as usize + 1, [0; 4]);
        }
        let slot = &mut index[name as usize][usize::from(hard)];
        if *slot == 0 {
            table.push(Reference { name, hard, place, line: at.line, column: at.column });
            *slot = table.len() as u32;
        }
        *slot - 1
    }

    /// A call of filter `name` (name index) with further arguments as `shape` says.
    pub fn filter_call(&mut self, name: u32, hard: bool, at: At, shape: u32) -> u32 {
        let reference = self.reference(true, name, hard, at);
        call(
            &mut self.filter_calls,
            last_call(&mut self.filter_index, name, hard),
            ReferenceCall { reference, shape },
        )
    }

    /// A call of test `name` (name index) with further arguments as `shape` says.
    pub fn test_call(&mut self, name: u32, hard: bool, at: At, shape: u32) -> u32 {
        let reference = self.reference(false, name, hard, at);
        call(
            &mut self.test_calls,
            last_call(&mut self.test_index, name, hard),
            ReferenceCall { reference, shape },
        )
    }

    /// A table of local variables: (name index, register).
    pub fn locals(&mut self, entries: &[(u32, u16)]) -> u32 {
        let start = self.local_entries.len() as u32;
        self.local_entries.extend_from_slice(entries);
        self.locals.push((start, self.local_entries.len() as u32));
        (self.locals.len() - 1) as u32
    }

    /// Declares a block.
    pub fn block(&mut self, entry: BlockEntry) {
        self.blocks.push(entry);
    }

    /// Notes that the template names another one with a constant.
    pub fn dependency(&mut self, kind: DependencyKind, name: &str) {
        let name = self.string(name);
        self.dependencies.push(Dependency { kind, name });
    }

    // ---- functions -------------------------------------------------------------------------------------------

    /// The index of a function whose code will follow. The first one is the root.
    pub fn reserve_function(&mut self) -> u32 {
        self.functions.push(None);
        (self.functions.len() - 1) as u32
    }

    /// Starts the code of a function; returns a mark for [`Code::restart_function`].
    pub fn start_function(&mut self) -> u32 {
        self.function_start = self.words.len() as u32;
        self.function_start
    }

    /// Drops what was emitted since [`Code::start_function`] (tables keep what was added).
    pub fn restart_function(&mut self) {
        self.words.truncate(self.function_start as usize);
        let start = self.function_start;
        self.lines.truncate(self.lines.partition_point(|line| line.pc < start));
    }

    /// Ends the code of function `index`. `code` and `parameters` of `function` are filled in here.
    pub fn finish_function(&mut self, index: u32, mut function: Function, parameters: &[u32]) {
        let start = self.parameters.len() as u32;
        self.parameters.extend_from_slice(parameters);
        function.parameters = (start, self.parameters.len() as u32);
        function.code = (self.function_start, self.words.len() as u32);
        self.functions[index as usize] = Some(function);
    }

    // ---- instructions ----------------------------------------------------------------------------------------

    /// Where the next instruction will be, counted from the start of the function: a jump target.
    pub fn here(&self) -> u32 {
        self.words.len() as u32 - self.function_start
    }

    /// Appends an instruction with operands x, a, b, c; returns its place.
    pub fn abc(&mut self, at: At, op: Op, x: u8, a: u16, b: u16, c: u16) -> u32 {
        self.push(at, abc(op, x, a, b, c))
    }

    /// Appends an instruction with operands x, a, w; returns its place.
    pub fn aw(&mut self, at: At, op: Op, x: u8, a: u16, w: u32) -> u32 {
        self.push(at, aw(op, x, a, w))
    }

    fn push(&mut self, at: At, word: u64) -> u32 {
        let pc = self.words.len() as u32;
        if self.lines.last().is_none_or(|last| {
            (last.line, last.column) != (at.line, at.column) || last.pc < self.function_start
        }) {
            self.lines.push(Line { pc, line: at.line, column: at.column });
        }
        self.words.push(word);
        pc - self.function_start
    }

    /// Replaces the places of all instructions, in their order. So a compiler may put down offsets as columns and count
    /// characters once, at the end.
    pub fn place_lines(&mut self, mut place: impl FnMut(At) -> At) {
        for entry in &mut self.lines {
            let at = place(At { line: entry.line, column: entry.column });
            (entry.line, entry.column) = (at.line, at.column);
        }
    }

    /// Sets the `w` target of the instruction at `place`.
    pub fn patch(&mut self, place: u32, target: u32) {
        let word = &mut self.words[(self.function_start + place) as usize];
        *word = (*word & 0xFFFF_FFFF) | u64::from(target) << 32;
    }

    /// Sets the `c` distance of the fused jump at `place`.
    pub fn patch_near(&mut self, place: u32, target: u32) -> Result<(), TooFar> {
        let distance = i64::from(target) - i64::from(place) - 1;
        let distance = i16::try_from(distance).map_err(|_| TooFar)?;
        let word = &mut self.words[(self.function_start + place) as usize];
        *word = (*word & 0x0000_FFFF_FFFF_FFFF) | u64::from(distance as u16) << 48;
        Ok(())
    }

    /// The word at `place`, for peepholes.
    pub fn word(&self, place: u32) -> u64 {
        self.words[(self.function_start + place) as usize]
    }

    /// Replaces the word at `place`, for peepholes.
    pub fn set_word(&mut self, place: u32, word: u64) {
        self.words[(self.function_start + place) as usize] = word;
    }
}

/// Where the last call of a filter or test is noted, which is known.
fn last_call(index: &mut References, name: u32, hard: bool) -> &mut u32 {
    &mut index[name as usize][2 + usize::from(hard)]
}

/// The index of a call: that of the last one of the same filter or test, if it is the same.
fn call(calls: &mut Vec<ReferenceCall>, last: &mut u32, call: ReferenceCall) -> u32 {
    if let Some(known) = last.checked_sub(1)
        && calls[known as usize] == call
    {
        return known;
    }
    calls.push(call);
    *last = calls.len() as u32;
    *last - 1
}

/// Code becomes an image. Functions may be finished in any order; in the image they lie by index.
///
/// # Errors
/// [`TooLarge`] if the image would be larger than its 32-bit indices can name.
///
/// # Panics
/// If a reserved function was never finished, and in debug builds if the image does not verify: bugs of the compiler.
pub fn assemble(code: Code) -> Result<Image, TooLarge> {
    if u32::try_from(code.text.len()).is_err() {
        return Err(TooLarge("the template's text is larger than 4 GiB"));
    }
    if u32::try_from(code.words.len()).is_err() {
        return Err(TooLarge("the template's code is larger than 2^32 instructions"));
    }
    let mut functions: Vec<Function> =
        code.functions.into_iter().map(|f| f.expect("every reserved function is finished")).collect();
    let mut ordered = Ordered { words: code.words, parameters: code.parameters, lines: code.lines };
    ordered.by(&mut functions);
    let calls = readers::Calls {
        shapes: &code.shapes,
        of_filters: &code.filter_calls,
        of_tests: &code.test_calls,
        filters: code.filters.len() as u32,
    };
    let mut sites = code.sites;
    readers::note(&ordered.words, calls, &mut sites);
    let tables = Tables {
        code: &ordered.words,
        parameters: &ordered.parameters,
        ends: &code.ends.0,
        names: &code.names,
        sites: &sites,
        lines: &lines::packed(&ordered.lines),
    };
    let image = Image {
        plain: Plain::own(&tables),
        functions,
        constants: code.constants,
        text: Blob::new(code.text),
        shapes: code.shapes,
        filters: code.filters,
        filter_calls: code.filter_calls,
        tests: code.tests,
        test_calls: code.test_calls,
        blocks: code.blocks,
        locals: code.locals,
        local_entries: code.local_entries,
        dependencies: code.dependencies,
    };
    if image.entry_count() > SURELY_SMALL && u32::try_from(encoded_len(&image)).is_err() {
        return Err(TooLarge("the template's image is larger than 4 GiB"));
    }
    if cfg!(debug_assertions)
        && let Err(fault) = verify(&image)
    {
        panic!("the compiler made a broken image: {fault}");
    }
    Ok(image)
}

/// So many entries take less than 4 GiB, since the longest takes less than 64 bytes.
const SURELY_SMALL: usize = 1 << 26;

/// What lies in the order of the functions.
struct Ordered {
    words: Vec<u64>,
    parameters: Vec<u32>,
    lines: Vec<Line>,
}

impl Ordered {
    /// Puts code, parameters and lines into the order of their functions, if they are not. Jumps count from the start of
    /// their function, so they stay as they are.
    fn by(&mut self, functions: &mut [Function]) {
        let code_order = functions.iter().map(|f| f.code.0);
        let parameter_order = functions.iter().map(|f| f.parameters.0);
        if code_order.is_sorted() && parameter_order.is_sorted() {
            return;
        }
        let mut words = Vec::with_capacity(self.words.len());
        let mut parameters = Vec::with_capacity(self.parameters.len());
        let mut lines = Vec::with_capacity(self.lines.len());
        for function in functions {
            let (start, end) = function.code;
            let moved = words.len() as u32;
            let own = self.lines.partition_point(|line| line.pc < start)
                ..self.lines.partition_point(|line| line.pc < end);
            lines.extend(self.lines[own].iter().map(|line| Line { pc: line.pc - start + moved, ..*line }));
            words.extend_from_slice(&self.words[start as usize..end as usize]);
            function.code = (moved, words.len() as u32);
            let (start, end) = function.parameters;
            let moved = parameters.len() as u32;
            parameters.extend_from_slice(&self.parameters[start as usize..end as usize]);
            function.parameters = (moved, parameters.len() as u32);
        }
        *self = Ordered { words, parameters, lines };
    }
}
