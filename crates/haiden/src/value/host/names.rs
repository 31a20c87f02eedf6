//! Names of variables and attributes, as programs are linked to them.
//!
//! In: a name. Out: its text, shared, and what is known of it wherever it stands. Most templates speak of the same things: the
//! process keeps names that it has met, up to a number, and whoever speaks of one counts no references: a program has a name at
//! each place where one is read. Names beyond that number, and long ones, are counted.

use std::cell::Cell;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use hashbrown::HashMap;

use super::methods_dict::is_method;
use crate::value::word::Global;

/// The most names that the process keeps.
const MOST: usize = 4096;
/// Names longer than this, in bytes, are not kept.
const LONG: usize = 40;

/// A name, and what is known of it.
#[derive(Debug)]
pub(crate) struct Known {
    text: Arc<str>,
    /// It names a method of dicts, which wins over an item.
    is_dict_method: bool,
    global: Option<Global>,
}

impl Known {
    fn new(text: &str) -> Known {
        let is_dict_method = is_method(text) || text.starts_with("__");
        Known { text: text.into(), is_dict_method, global: Global::named(text) }
    }
    /// The name's text.
    #[inline]
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }
    /// Does it name a method of dicts?
    pub(crate) fn is_dict_method(&self) -> bool {
        self.is_dict_method
    }
    /// The global function of this name.
    pub(crate) fn global(&self) -> Option<Global> {
        self.global
    }
}

/// A name that is kept, or counted. It is returned in registers.
#[derive(Clone, Debug)]
pub(crate) enum Shared {
    Kept(&'static Known),
    Counted(Arc<Known>),
}

impl std::ops::Deref for Shared {
    type Target = Known;
    #[inline]
    fn deref(&self) -> &Known {
        match self {
            Shared::Kept(known) => known,
            Shared::Counted(known) => known,
        }
    }
}

static KEPT: LazyLock<Mutex<HashMap<&'static str, &'static Known>>> = LazyLock::new(Mutex::default);

/// How many pairs of names are at hand.
const PAIRS: usize = 256;

/// Names that were met last, two at each place that a hash says. Empty until the first is.
#[derive(Default)]
struct AtHand(Vec<[Option<&'static Known>; 2]>);

thread_local! {
    /// Those of this thread, unless somebody has taken them for a while.
    static AT_HAND: Cell<AtHand> = const { Cell::new(AtHand(Vec::new())) };
}

/// A thread's names, for who asks for many. Whoever asks meanwhile begins anew.
pub(crate) struct Taken(AtHand);

impl Drop for Taken {
    fn drop(&mut self) {
        let names = std::mem::take(&mut self.0);
        let _ = AT_HAND.try_with(|own| own.set(names)); // else the thread ends
    }
}

impl Taken {
    pub(crate) fn new() -> Taken {
        Taken(AT_HAND.try_with(Cell::take).unwrap_or_default())
    }

    /// A name with this hash.
    #[inline]
    pub(crate) fn name(&mut self, text: &str, hash: u64) -> Shared {
        let known = if text.len() <= LONG { self.known(text, hash) } else { None };
        known.map_or_else(|| Shared::Counted(Arc::new(Known::new(text))), Shared::Kept)
    }

    #[inline]
    fn known(&mut self, text: &str, hash: u64) -> Option<&'static Known> {
        let AtHand(pairs) = &mut self.0;
        if pairs.is_empty() {
            pairs.resize(PAIRS, [None, None]);
        }
        let pair = &mut pairs[hash as usize % PAIRS];
        if let Some(known) = pair.iter().flatten().find(|known| *known.text == *text) {
            return Some(known);
        }
        let known = kept(text)?;
        pair[1] = pair[0].replace(known);
        Some(known)
    }
}

impl Shared {
    /// A name with this hash.
    #[inline(never)]
    pub(crate) fn of(text: &str, hash: u64) -> Shared {
        Taken::new().name(text, hash)
    }
}

/// A name that is kept, if it is one, or there is room.
#[cold]
fn kept(text: &str) -> Option<&'static Known> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(text) {
        return Some(known);
    }
    if kept.len() >= MOST {
        return None;
    }
    let known: &'static Known = Box::leak(Box::new(Known::new(text)));
    kept.insert(&known.text, known);
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Shared {
        Shared::of(text, crate::value::arena::hash_text(text))
    }

    /// Names are what they were made of, kept or not, and one that is kept is there once in all threads.
    #[test]
    fn names_are_kept_up_to_a_number() {
        let shared = |known: &Shared| matches!(known, Shared::Kept(_));
        let first = of("first");
        assert!(shared(&first) && !first.is_dict_method() && of("items").is_dict_method());
        let other = std::thread::spawn(|| of("first")).join().expect("it does not panic");
        assert!(Arc::ptr_eq(first.text(), other.text()));
        // Who asks while another has taken the thread's names gets the same ones.
        let hash = crate::value::arena::hash_text("first");
        let mut taken = Taken::new();
        let (outer, inner) = (taken.name("first", hash), Taken::new().name("first", hash));
        drop(taken);
        for again in [outer, inner, of("first")] {
            assert!(Arc::ptr_eq(first.text(), again.text()));
        }
        assert!(!shared(&of(&"long".repeat(LONG))));
        for number in 0..2 * MOST {
            let name = format!("name{number}");
            assert_eq!(**of(&name).text(), *name);
        }
        assert!(KEPT.lock().expect("nobody panicked").len() <= MOST);
        assert!(!shared(&of("one too many")) && **of("one too many").text() == *"one too many");
    }
}
