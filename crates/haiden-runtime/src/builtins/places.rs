//! Where a builtin is by its name: a table of hashes, made at compile time.
//!
//! In: declarations. Out: the number of the one that has a name, or an alias of it. A template names a dozen filters, so
//! linking looks for them more than for anything else.

use super::spec::Spec;

/// How many places a table has: more than twice as many as there are names, and a power of two.
const PLACES: usize = 256;
/// An empty place.
const EMPTY: u8 = u8::MAX;

/// The numbers of declarations, each at the place that a name's hash says, or at the next one that was free.
pub(super) struct Places([u8; PLACES]);

/// Of a name, which is not empty.
const fn hash(name: &[u8]) -> usize {
    let length = name.len();
    let (first, middle, last) = (name[0] as usize, name[length / 2] as usize, name[length - 1] as usize);
    length * 3 + first * 5 + middle * 17 + last * 41
}

impl Places {
    /// The table of these declarations, whose names are different.
    pub(super) const fn of(specs: &[Spec]) -> Places {
        let mut places = [EMPTY; PLACES];
        let (mut number, mut names) = (0, 0);
        while number < specs.len() {
            let spec = &specs[number];
            let mut name = 0;
            while name <= spec.aliases.len() {
                let text = if name == 0 { spec.name } else { spec.aliases[name - 1] };
                let mut place = hash(text.as_bytes()) % PLACES;
                while places[place] != EMPTY {
                    place = (place + 1) % PLACES;
                }
                places[place] = number as u8;
                (name, names) = (name + 1, names + 1);
            }
            number += 1;
        }
        assert!(specs.len() < EMPTY as usize && 2 * names < PLACES, "the table has room");
        Places(places)
    }

    /// The number of the declaration that has this name.
    pub(super) fn find(&self, specs: &[Spec], name: &str) -> Option<usize> {
        if name.is_empty() {
            return None;
        }
        let mut place = hash(name.as_bytes()) % PLACES;
        loop {
            let number = usize::from(self.0[place]);
            let spec = specs.get(number)?;
            if spec.name == name || spec.aliases.contains(&name) {
                return Some(number);
            }
            place = (place + 1) % PLACES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use crate::builtins::{FILTER_SPECS, TEST_SPECS};

    #[test]
    fn every_name_is_found_and_no_other() {
        for specs in [FILTER_SPECS, TEST_SPECS] {
            let places = Places::of(specs);
            for (number, spec) in specs.iter().enumerate() {
                spec.names().for_each(|name| assert_eq!(places.find(specs, name), Some(number), "{name}"));
            }
            for name in ["", "x", "uppe", "no such name", "ä"] {
                assert_eq!(places.find(specs, name), None, "{name}");
            }
        }
    }
}
