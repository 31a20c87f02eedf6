//! Register windows: the machine's unchecked access to the registers of the running frame.
//!
//! One of the two modules of this crate that may say `unsafe`. The promise that every access spends: the running
//! frame's function has `registers` registers, the machine made the window from exactly that many, and the image's
//! verifier proved every register operand (and every run of registers an instruction names) to lie below that number.
#![expect(unsafe_code, reason = "the design's audited file for register windows")]

use std::ptr::NonNull;

/// A reference whose lifetime the caller answers for.
///
/// # Safety
/// What it refers to stays where it is for `'a`.
#[inline(always)]
pub(crate) unsafe fn outlive<'a, T>(value: &T) -> &'a T {
    // SAFETY: the caller's promise.
    unsafe { &*std::ptr::from_ref(value) }
}

/// A part of the image's text.
///
/// # Safety
/// `start..end` lies in `text`, on borders of characters.
#[inline(always)]
pub(crate) unsafe fn slice(text: &str, start: u32, end: u32) -> &str {
    let range = start as usize..end as usize;
    debug_assert!(text.get(range.clone()).is_some(), "text {range:?} of {}", text.len());
    // SAFETY: the caller's promise.
    unsafe { text.get_unchecked(range) }
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
