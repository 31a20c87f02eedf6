//! Register windows: the machine's unchecked access to the registers, the strings and the code of the running frame.
//!
//! One of the audited modules of this crate that may say `unsafe`. The promise that every access spends: the running
//! frame's function has `registers` registers, the machine made the window from exactly that many, and the image's
//! verifier proved every register operand (and every run of registers an instruction names) to lie below that number.
#![expect(unsafe_code, reason = "the design's audited file for register windows")]

use std::ptr::NonNull;

use haiden_bytecode::image::PADDING;
use haiden_bytecode::ops::Op;
use haiden_bytecode::{Image, Span, Words};

use crate::append::{BLOCK, Short};

/// A reference whose lifetime the caller answers for.
///
/// # Safety
/// What it refers to stays where it is for `'a`.
#[inline(always)]
pub(crate) unsafe fn outlive<'a, T>(value: &T) -> &'a T {
    // SAFETY: the caller's promise.
    unsafe { &*std::ptr::from_ref(value) }
}

/// The code of an image.
#[inline(always)]
pub(crate) fn code(image: &Image) -> Words<'_> {
    let (bytes, code, _) = image.spans();
    // SAFETY: an image's tables lie in its bytes.
    Words::new(unsafe { entries(bytes, code) })
}

/// The entries of one of an image's plain tables.
///
/// # Safety
/// The table lies in these bytes.
#[inline(always)]
unsafe fn entries<const N: usize>(bytes: &[u8], span: Span) -> &[[u8; N]] {
    debug_assert!(span.start + N * span.count <= bytes.len(), "{span:?} of {} bytes", bytes.len());
    // SAFETY: the caller's promise; bytes need no alignment.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().add(span.start).cast(), span.count) }
}

/// The instruction of a word.
///
/// # Safety
/// The word's lowest byte is an instruction's number.
#[inline(always)]
pub(crate) unsafe fn op(word: u64) -> Op {
    debug_assert!(Op::from_code(word as u8).is_some(), "instruction {word:x}");
    // SAFETY: `Op` has the representation of its number, which the caller promises to be one.
    unsafe { std::mem::transmute::<u8, Op>(word as u8) }
}

/// The registers of the running frame.
///
/// Valid until the vector it was made from is touched in any other way; the machine makes a new one whenever it
/// switches frames, and touches the vector at no other time.
pub(crate) struct Window<R> {
    first: NonNull<R>,
    len: usize,
}

impl<R> Window<R> {
    /// The window over `registers`.
    pub(crate) fn new(registers: &mut [R]) -> Window<R> {
        let len = registers.len();
        Window { first: NonNull::from(registers).cast(), len }
    }

    /// # Safety
    /// `index` is a register operand of the running function, and the vector has not been touched.
    #[inline(always)]
    pub(crate) unsafe fn get(&self, index: u16) -> &R {
        debug_assert!(usize::from(index) < self.len, "register {index} of {}", self.len);
        // SAFETY: the caller's promise; the verifier proved the operand to be below `len`.
        unsafe { self.first.add(usize::from(index)).as_ref() }
    }

    /// The same window once more, for a part of the running instruction's work.
    #[inline(always)]
    pub(crate) fn again(&self) -> Window<R> {
        Window { first: self.first, len: self.len }
    }

    /// # Safety
    /// As [`Window::get`]; no other reference from this window is alive.
    #[inline(always)]
    #[expect(
        clippy::mut_from_ref,
        reason = "the window is a cursor, not an owner; the caller promises exclusiveness"
    )]
    pub(crate) unsafe fn get_mut(&self, index: u16) -> &mut R {
        debug_assert!(usize::from(index) < self.len, "register {index} of {}", self.len);
        // SAFETY: the caller's promise; the verifier proved the operand to be below `len`.
        unsafe { self.first.add(usize::from(index)).as_mut() }
    }

    /// # Safety
    /// As [`Window::get`]; no reference from this window is alive.
    #[inline(always)]
    pub(crate) unsafe fn set(&self, index: u16, value: R) {
        debug_assert!(usize::from(index) < self.len, "register {index} of {}", self.len);
        // SAFETY: the caller's promise; the verifier proved the operand to be below `len`.
        unsafe { *self.first.add(usize::from(index)).as_mut() = value };
    }

    /// # Safety
    /// `first..first + count` is a run of registers that the table names for the running instruction, and the vector
    /// has not been touched.
    #[inline(always)]
    pub(crate) unsafe fn run(&self, first: u16, count: usize) -> &[R] {
        debug_assert!(usize::from(first) + count <= self.len, "registers {first}+{count} of {}", self.len);
        // SAFETY: the caller's promise; the verifier proved the whole run to be below `len`.
        unsafe { std::slice::from_raw_parts(self.first.add(usize::from(first)).as_ptr(), count) }
    }

    /// # Safety
    /// As [`Window::run`]; no other reference from this window is alive.
    #[inline(always)]
    #[expect(
        clippy::mut_from_ref,
        reason = "the window is a cursor, not an owner; the caller promises exclusiveness"
    )]
    pub(crate) unsafe fn run_mut(&self, first: u16, count: usize) -> &mut [R] {
        debug_assert!(usize::from(first) + count <= self.len, "registers {first}+{count} of {}", self.len);
        // SAFETY: the caller's promise; the verifier proved the whole run to be below `len`.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(usize::from(first)).as_ptr(), count) }
    }
}

/// The strings of the running program's image.
#[derive(Clone, Copy)]
pub(crate) struct Strings<'a> {
    image: &'a Image,
    /// All text, with what lies behind.
    text: &'a str,
    /// Where strings end, behind where the first one starts.
    ends: NonNull<[u8; 4]>,
    /// Which of them are ASCII, unless all are.
    ascii: Option<&'a [bool]>,
}

/// A string, as a page takes it.
pub(crate) enum Text<'a> {
    /// Short and ASCII.
    Short(Short<'a>),
    /// Any other, and whether it is ASCII.
    Other(&'a str, bool),
}

// So that a block lies in an image's padded text from the start of any string on.
const _: () = assert!(PADDING >= BLOCK);

impl<'a> Strings<'a> {
    /// The strings of `image`; `ascii` tells of each whether it is ASCII, or is `None` if all are.
    #[inline(always)]
    pub(crate) fn new(image: &'a Image, ascii: Option<&'a [bool]>) -> Strings<'a> {
        let (bytes, _, ends) = image.spans();
        // SAFETY: an image's tables lie in its bytes.
        let ends = unsafe { entries::<4>(bytes, ends) };
        Strings { image, text: image.padded_text(), ends: NonNull::from(ends).cast(), ascii }
    }

    /// String `index`.
    ///
    /// # Safety
    /// `index` is an operand that names a string.
    #[inline(always)]
    pub(crate) unsafe fn get(&self, index: u32) -> Text<'a> {
        let place = index as usize;
        debug_assert!(place < self.image.string_count(), "string {index} of {}", self.image.string_count());
        // SAFETY: the verifier proved the operand to be below the number of strings, of which there is one end each
        // behind the first start.
        let ends = unsafe { self.ends.add(place).cast::<[[u8; 4]; 2]>().read() };
        let [start, end] = ends.map(u32::from_le_bytes);
        let ascii = self.ascii.is_none_or(|ascii| ascii[place]);
        if ascii && (end - start) as usize <= BLOCK {
            // SAFETY: it is ASCII and short, and behind a text there are as many bytes as a block has.
            return Text::Short(unsafe { Short::new(self.text, start, end) });
        }
        let range = start as usize..end as usize;
        debug_assert!(self.text.get(range.clone()).is_some(), "text {range:?} of {}", self.text.len());
        // SAFETY: the verifier proved that each string lies in the text, on borders of characters.
        Text::Other(unsafe { self.text.get_unchecked(range) }, ascii)
    }
}

/// Where the running frame is in its function's code.
pub(crate) struct Cursor<'a> {
    words: &'a [[u8; 8]],
    /// The next instruction.
    at: *const [u8; 8],
}

impl<'a> Cursor<'a> {
    /// The cursor at instruction `place` of `words`.
    #[inline(always)]
    pub(crate) fn new(words: Words<'a>, place: usize) -> Cursor<'a> {
        let words = words.raw();
        Cursor { words, at: words.as_ptr().wrapping_add(place) }
    }

    /// The next instruction, and a step forward.
    ///
    /// # Safety
    /// There is one: every jump of the function ends inside it, and its last instruction is never followed by a next.
    #[inline(always)]
    pub(crate) unsafe fn next(&mut self) -> u64 {
        debug_assert!(self.words.as_ptr_range().contains(&self.at), "instruction {}", self.place());
        // SAFETY: the caller's promise.
        let word = unsafe { *self.at };
        self.at = self.at.wrapping_add(1);
        u64::from_le_bytes(word)
    }

    /// The place of the next instruction.
    #[inline(always)]
    pub(crate) fn place(&self) -> usize {
        (self.at.addr() - self.words.as_ptr().addr()) / size_of::<u64>()
    }

    /// Goes to instruction `target`.
    #[inline(always)]
    pub(crate) fn jump(&mut self, target: usize) {
        self.at = self.words.as_ptr().wrapping_add(target);
    }

    /// Is instruction `target` before the next one?
    #[inline(always)]
    pub(crate) fn is_behind(&self, target: usize) -> bool {
        self.words.as_ptr().wrapping_add(target) < self.at
    }

    /// Steps over so many instructions.
    #[inline(always)]
    pub(crate) fn skip(&mut self, count: i16) {
        self.at = self.at.wrapping_offset(isize::from(count));
    }
}
