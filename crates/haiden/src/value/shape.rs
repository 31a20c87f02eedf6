//! Numbers of shapes, which attribute sites remember.
//!
//! Structs with the same fields have the same number in all arenas of the process, so a site knows them in the next
//! render. The table of such numbers only grows, and is bounded: shapes of maps, whose keys may come from outside, get
//! numbers of their own.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use hashbrown::HashMap;

use crate::value::arena::Arena;
use crate::value::word::Word;

/// The most shapes of structs that are remembered; optional fields make many of one struct.
const MOST: usize = 4096;

type Table = HashMap<Box<str>, u64>;

static ALL: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

thread_local! {
    /// What this thread knows of [`ALL`], and room for the fields' names.
    static KNOWN: RefCell<(Table, String)> = RefCell::default();
}

/// A number that no shape has.
pub(crate) fn new_shape_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The number of the shape of a struct with these fields, unless there are too many such.
pub(crate) fn struct_shape(arena: &Arena, keys: &[Word]) -> Option<u64> {
    KNOWN.with_borrow_mut(|(known, names)| {
        names.clear();
        for key in keys {
            let Word::Str(text) = *key else { return None };
            let name = arena.str(text);
            // What ends a name must not be in one.
            if name.contains('\0') {
                return None;
            }
            names.push_str(name);
            names.push('\0');
        }
        if let Some(&id) = known.get(&**names) {
            return Some(id);
        }
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let id = match all.get(&**names) {
            Some(&id) => id,
            None if all.len() >= MOST => return None,
            None => {
                let id = new_shape_id();
                all.insert(names.as_str().into(), id);
                id
            }
        };
        known.insert(names.as_str().into(), id);
        Some(id)
    })
}
