//! What the text filters ask about characters beyond ASCII, answered by the tables of Python 3.11's Unicode.

use haiden_runtime::builtins::text::Characters;

use super::case;
use super::unicode::{self, Mapping};

/// Unicode 14, as Python 3.11 has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unicode14;

impl Characters for Unicode14 {
    fn is_word(&self, character: char) -> bool {
        unicode::is_word(character)
    }
    fn is_space(&self, character: char) -> bool {
        unicode::is_space(character)
    }
    fn is_decimal(&self, character: char) -> bool {
        unicode::decimal(character).is_some()
    }
    fn push_upper(&self, out: &mut String, character: char) {
        unicode::map_into(out, character, Mapping::Upper);
    }
    fn push_lower(&self, out: &mut String, text: &str) {
        case::lower(out, text);
    }
}
