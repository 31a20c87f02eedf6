//! The global function `lipsum`: text that means nothing.

use super::host::{BuiltinHost, ErrorClass};
use super::spec::{Spec, bind};
use super::table::find_global;
use crate::host::Arguments;

/// The words: a passage of Cicero's as printers have mangled it.
const WORDS: &str = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore \
    et dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo \
    consequat duis aute irure in reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur excepteur sint \
    occaecat cupidatat non proident sunt culpa qui officia deserunt mollit anim id est laborum";

/// The most words that `lipsum` makes.
const MOST_WORDS: i64 = 1 << 24;

/// How much text a word makes, for the host's limits.
const WORD_BYTES: i64 = 8;

/// `lipsum(n=5, html=true, min=20, max=100)`.
///
/// # Errors
/// `TypeError` if the arguments do not fit; `ValueError` if `max` is not above `min`; `OverflowError` for more text than
/// anybody wants, or what the host's limits say.
#[expect(clippy::missing_panics_doc, reason = "the table has the name; a test counts its rows")]
pub fn lipsum<H: BuiltinHost>(host: &mut H, arguments: Arguments<'_, H>) -> Result<H::Register, H::Error> {
    let spec: &Spec = find_global("lipsum").expect("it is declared");
    let bound = bind(host, spec, arguments)?;
    let count = bound.index(host, 0, 5)?.max(0);
    // Without paragraphs nothing is asked about their lengths; with them, before how they look.
    let (least, limit) =
        if count > 0 { (bound.index(host, 2, 20)?, bound.index(host, 3, 100)?) } else { (20, 100) };
    if limit <= least {
        let width = i128::from(limit) - i128::from(least);
        let message = format!("empty range for randrange() ({least}, {limit}, {width})");
        return Err(host.error(ErrorClass::Value, message));
    }
    let words = count.saturating_mul(limit.max(1));
    host.reserve(usize::try_from(words.saturating_mul(WORD_BYTES)).unwrap_or(usize::MAX))?;
    if words > MOST_WORDS || limit.saturating_sub(least) > MOST_WORDS {
        return Err(host.error(ErrorClass::Overflow, "lipsum would make too many words".to_owned()));
    }
    let html = bound.flag(host, 1, true)?;
    let mut out = String::new();
    let vocabulary: Vec<&str> = WORDS.split_whitespace().collect();
    for number in 0..count {
        out.push_str(match (number, html) {
            (0, true) => "<p>",
            (0, false) => "",
            (_, true) => "</p>\n<p>",
            (_, false) => "\n\n",
        });
        let width = usize::try_from(limit - least).unwrap_or(1);
        let drawn = least + i64::try_from(host.random_below(width)).unwrap_or(0);
        let words = usize::try_from(drawn).unwrap_or(0);
        paragraph(&mut out, &vocabulary, words, |below| host.random_below(below));
    }
    out.push_str(if html && count > 0 { "</p>" } else { "" });
    host.new_text(&out, html)
}

/// Writes sentences of altogether so many words: a comma every few words, a full stop every dozen or so and at the end,
/// no word twice in a row.
fn paragraph(
    out: &mut String,
    vocabulary: &[&str],
    words: usize,
    mut random_below: impl FnMut(usize) -> usize,
) {
    let mut last = vocabulary.len();
    let mut capital = true;
    let (mut to_comma, mut to_stop) = (4 + random_below(5), 11 + random_below(10));
    for place in 0..words {
        let mut word = random_below(vocabulary.len()) % vocabulary.len();
        if word == last {
            word = (word + 1) % vocabulary.len();
        }
        last = word;
        let (first, rest) = vocabulary[word].split_at(1);
        out.push_str(if place == 0 { "" } else { " " });
        out.push_str(&if capital { first.to_ascii_uppercase() } else { first.to_owned() });
        out.push_str(rest);
        (to_comma, to_stop) = (to_comma - 1, to_stop - 1);
        capital = to_stop == 0;
        if !capital && to_comma > 0 {
            continue;
        }
        to_comma = 4 + random_below(5);
        if place + 1 < words {
            out.push(if capital { '.' } else { ',' });
        }
        if capital {
            to_stop = 11 + random_below(10);
        }
    }
    out.push('.');
}

#[cfg(test)]
mod tests {
    use super::{WORDS, paragraph};

    fn check(words: usize) {
        let vocabulary: Vec<&str> = WORDS.split_whitespace().collect();
        let mut state = words as u64 + 1;
        let mut out = String::new();
        paragraph(&mut out, &vocabulary, words, |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        });
        assert!(out.ends_with('.') && !out.contains(",.") && !out.contains(".."), "{out}");
        assert_eq!(out.split_whitespace().count(), words.max(1), "{out}");
        for sentence in out.split_terminator('.').filter(|sentence| !sentence.is_empty()) {
            let first = sentence.trim_start().chars().next();
            assert!(first.is_some_and(char::is_uppercase), "{out}");
        }
        let plain: Vec<String> =
            out.split_whitespace().map(|word| word.trim_matches(['.', ',']).to_lowercase()).collect();
        assert!(plain.windows(2).all(|pair| pair[0] != pair[1]), "{out}");
    }

    #[test]
    fn paragraphs() {
        for words in 0..200 {
            check(words);
        }
    }
}
