//! The line table: where in the source each instruction comes from, packed.
//!
//! In: places in ascending order of their instructions. Out: the words of the table, and the places again. Nobody needs
//! them before an error has to say where it happened, so a table stays packed, and is walked from its start then. A place
//! has one encoding: a word if it fits, else four. `docs/image-format.md` draws them.

use crate::format::Section;
use crate::image::Line;
use crate::plain::Numbers;
use crate::rejection::Fault;

/// Instructions since the place before; 0 in a word says that the place is in the three words behind it.
const ADVANCE: u32 = 6;
/// Lines since the place before, plus [`BACK`].
const LINES: u32 = 10;
/// How many lines a word may go back.
const BACK: u32 = 256;
const MOST_ADVANCE: u32 = (1 << ADVANCE) - 1;
const MOST_LINES: u32 = (1 << LINES) - 1;
const MOST_COLUMN: u32 = u16::MAX as u32;

/// The place before the first: so the first one advances by one instruction at least.
const START: Line = Line { pc: u32::MAX, line: 0, column: 0 };

/// A place in a word, if it fits into one behind `last`.
fn word(last: Line, line: Line) -> Option<u32> {
    let advance = line.pc.wrapping_sub(last.pc);
    let lines = line.line.wrapping_sub(last.line).wrapping_add(BACK);
    let fits = (1..=MOST_ADVANCE).contains(&advance) && lines <= MOST_LINES && line.column <= MOST_COLUMN;
    fits.then_some(advance | lines << ADVANCE | line.column << (ADVANCE + LINES))
}

/// The table of these places, which ascend.
pub(crate) fn packed(places: &[Line]) -> Vec<u32> {
    let mut words = Vec::with_capacity(places.len());
    let mut last = START;
    for &line in places {
        match word(last, line) {
            Some(word) => words.push(word),
            None => words.extend([0, line.pc, line.line, line.column]),
        }
        last = line;
    }
    words
}

/// The places of a table, in order.
pub(crate) fn places(words: Numbers<'_>) -> impl Iterator<Item = Line> {
    let (mut words, mut last) = (words.iter(), START);
    std::iter::from_fn(move || {
        let word = words.next()?;
        last = if word == 0 {
            Line { pc: words.next()?, line: words.next()?, column: words.next()? }
        } else {
            Line {
                pc: last.pc.wrapping_add(word & MOST_ADVANCE),
                line: last.line.wrapping_add(word >> ADVANCE & MOST_LINES).wrapping_sub(BACK),
                column: word >> (ADVANCE + LINES),
            }
        };
        Some(last)
    })
}

/// Places ascend, are of instructions there are, and are written as they have to be.
pub(crate) fn check(words: Numbers<'_>, instructions: usize) -> Result<(), Fault> {
    let (mut end, mut each_advances) = (0_u64, true);
    // A number is enough for the sum of so many advances.
    for some in words.raw().chunks(1 << 16) {
        let mut sum = 0;
        for word in some {
            let advance = u32::from_le_bytes(*word) & MOST_ADVANCE;
            sum += advance;
            each_advances &= advance != 0;
        }
        end += u64::from(sum);
    }
    if each_advances && end <= instructions as u64 {
        return Ok(());
    }
    walk(words, instructions)
}

/// As [`check`], word by word: there is a place of four words, or something is wrong.
#[cold]
fn walk(words: Numbers<'_>, instructions: usize) -> Result<(), Fault> {
    let (mut last, mut at) = (START, 0);
    let number = |place: usize| words.raw().get(place).map(|word| u32::from_le_bytes(*word));
    while let Some(first) = number(at) {
        let fault = |what| Err(Fault::new(Section::Lines.name(), at, what));
        let (line, count) = if first == 0 {
            let (Some(pc), Some(line), Some(column)) = (number(at + 1), number(at + 2), number(at + 3))
            else {
                return fault("a part of a place");
            };
            (Line { pc, line, column }, 4)
        } else if first & MOST_ADVANCE == 0 {
            return fault("a place that does not advance");
        } else {
            // Beyond all instructions it may be too large for a number: `pc` is compared below.
            let pc = u64::from(last.pc.wrapping_add(1)) + u64::from(first & MOST_ADVANCE) - 1;
            let lines = first >> ADVANCE & MOST_LINES;
            let line = last.line.wrapping_add(lines).wrapping_sub(BACK);
            let pc = u32::try_from(pc).unwrap_or(u32::MAX);
            (Line { pc, line, column: first >> (ADVANCE + LINES) }, 1)
        };
        if count == 4 && line.pc < last.pc.wrapping_add(1) {
            return fault("not in ascending order");
        }
        if count == 4 && word(last, line).is_some() {
            return fault("a place in more words than it needs");
        }
        if line.pc as usize >= instructions {
            return fault("no such instruction");
        }
        (last, at) = (line, at + count);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pc: u32, line: u32, column: u32) -> Line {
        Line { pc, line, column }
    }

    fn bytes(words: &[u32]) -> Vec<[u8; 4]> {
        words.iter().map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn places_come_back_in_as_many_words_as_they_need() {
        let cases: &[(&[Line], usize)] = &[
            (&[], 0),
            (&[line(0, 1, 1)], 1),
            (&[line(0, 1, 1), line(1, 1, 0), line(3, 768, 65_535)], 3),
            (&[line(62, 767, 1), line(125, 511, 1)], 2),
            (&[line(63, 1, 1)], 4),
            (&[line(0, 768, 1)], 4),
            (&[line(0, 300, 1), line(1, 43, 1)], 5),
            (&[line(0, 300, 1), line(1, 44, 1)], 2),
            (&[line(0, 1, 65_536), line(1, 1, 1)], 5),
            (&[line(5, u32::MAX, u32::MAX), line(6, u32::MAX, 7)], 5),
            (&[line(0, 1, 1), line(u32::MAX - 1, 1, 1)], 5),
        ];
        for (places, words) in cases {
            let table = bytes(&packed(places));
            let table = Numbers::new(&table);
            assert_eq!(super::places(table).collect::<Vec<_>>(), *places);
            assert_eq!(table.len(), *words, "{places:?}");
            let end = places.last().map_or(0, |last| last.pc as usize + 1);
            assert_eq!(check(table, end), Ok(()), "{places:?}");
            if end > 0 {
                assert!(check(table, end - 1).is_err(), "{places:?}");
            }
        }
    }

    #[test]
    fn what_is_written_otherwise_is_a_fault() {
        let packed = word(START, line(0, 1, 1)).unwrap();
        let cases: &[(&[u32], &str)] = &[
            (&[0], "a part of a place"),
            (&[packed, 0, 1, 1], "a part of a place"),
            (&[0, 0, 1, 1], "a place in more words than it needs"),
            (&[packed & !MOST_ADVANCE], "a place that does not advance"),
            (&[packed, 0, 0, 9999, 1], "not in ascending order"),
            (&[packed, 0, 100, 9999, 1], "no such instruction"),
            (&[0, u32::MAX, 9999, 1], "no such instruction"),
            (&[packed; 101], "no such instruction"),
            (&[0, 99, 9999, 1, packed], "no such instruction"),
        ];
        for (words, fault) in cases {
            let found = check(Numbers::new(&bytes(words)), 100);
            assert!(
                found.as_ref().is_err_and(|found| found.to_string().contains(fault)),
                "{words:?}: {found:?}"
            );
        }
    }

    /// The short way to say yes says what the long one does.
    #[test]
    fn both_checks_agree() {
        let mut seed = 1_u64;
        for _ in 0..20_000 {
            let words = (0..4).map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 40) as u32 % 96
            });
            let words: Vec<u32> = words.collect();
            let table = bytes(&words);
            let table = Numbers::new(&table);
            let (short, long) = (check(table, 120), walk(table, 120));
            assert_eq!(short, long, "{words:?}");
            if short.is_ok() {
                let places: Vec<_> = places(table).collect();
                assert!(places.is_sorted_by(|a, b| a.pc < b.pc) && places.iter().all(|place| place.pc < 120));
                assert_eq!(packed(&places), words);
            }
        }
    }
}
