//! A list of name indices, which needs no memory of its own where it is short.
//!
//! In: numbers. Out: the same, as a slice. Invariant: equal lists are equal and have one hash, however they lie.

use std::{fmt, ops};

/// Name indices. A few lie in place: most calls have no keyword argument, or one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NameList(Names);

/// Which of the two it is follows from their number.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Names {
    Few(u8, [u32; FEW]),
    Many(Box<[u32]>),
}

/// How many fit into what a longer list takes, too.
const FEW: usize = 4;

impl FromIterator<u32> for NameList {
    fn from_iter<I: IntoIterator<Item = u32>>(names: I) -> NameList {
        let mut names = names.into_iter();
        let (mut few, mut count) = ([0; FEW], 0);
        while let Some(name) = names.next() {
            if usize::from(count) == FEW {
                return NameList(Names::Many(few.into_iter().chain([name]).chain(names).collect()));
            }
            few[usize::from(count)] = name;
            count += 1;
        }
        NameList(Names::Few(count, few))
    }
}

impl ops::Deref for NameList {
    type Target = [u32];
    fn deref(&self) -> &[u32] {
        match &self.0 {
            Names::Few(count, few) => &few[..usize::from(*count)],
            Names::Many(many) => many,
        }
    }
}

impl fmt::Debug for NameList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self[..].fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, NameList};

    #[test]
    fn lists_are_what_they_were_made_of() {
        for length in 0..3 * FEW as u32 {
            let list: NameList = (0..length).collect();
            assert!(list.iter().copied().eq(0..length));
            assert_eq!(list, (0..length).collect());
            assert_ne!(list, (0..=length).collect());
        }
    }
}
