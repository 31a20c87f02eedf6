//! Places: offsets become columns.
//!
//! In: places as the tree has them. Out: lines with columns in characters, for the line table. Invariant: places of one
//! line are counted on from each other, so that a page in one line costs its length and not its square.

use haiden_bytecode::At;
use haiden_syntax::ast::At as Place;

/// A source, and how far its columns are counted.
pub(super) struct Places<'i> {
    /// Offsets at which lines start.
    pub(super) lines: Vec<u32>,
    source: &'i [u8],
    /// Whether each character is one byte.
    ascii: bool,
    /// The last place asked for: its line, its offset, and the characters before it in the line.
    counted: (usize, usize, usize),
}

impl<'i> Places<'i> {
    /// The places of a source; `lines` is an empty table.
    pub(super) fn new(source: &'i str, mut lines: Vec<u32>) -> Self {
        lines.push(0);
        lines.extend(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at as u32 + 1));
        Self { lines, source: source.as_bytes(), ascii: source.is_ascii(), counted: (0, 0, 0) }
    }

    /// A place with its column, or with none where that would mislead: the caret's line may be another than Jinja2's.
    pub(super) fn count(&mut self, at: Place) -> At {
        let (line, offset) = (at.line as usize, at.offset as usize);
        let start = |index: usize| self.lines.get(index).map_or(usize::MAX, |&start| start as usize);
        let inside = line > 0 && start(line - 1) <= offset && offset < start(line);
        // A tree that was made elsewhere has no source.
        let inside = inside && !self.source.is_empty();
        let column = if inside { self.characters_before(line, offset) as u32 + 1 } else { 0 };
        At { line: at.line, column }
    }

    fn characters_before(&mut self, line: usize, offset: usize) -> usize {
        let start = self.lines[line - 1] as usize;
        if self.ascii {
            return offset - start;
        }
        if self.counted.0 != line {
            self.counted = (line, start, 0);
        }
        let (_, from, known) = self.counted;
        let between = self.source.get(from.min(offset)..from.max(offset)).unwrap_or_default();
        let between = between.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        let count = if offset >= from { known + between } else { known.saturating_sub(between) };
        self.counted = (line, offset, count);
        count
    }
}

/// A place as it is put down until its column is counted.
pub(super) fn uncounted(at: Place) -> At {
    At { line: at.line, column: at.offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_of_their_line_in_any_order() {
        let source = "a\näöü x\n\nlast";
        let mut places = Places::new(source, Vec::new());
        let mut check = |line, offset, column| {
            assert_eq!(places.count(Place { line, offset }), At { line, column }, "{line}:{offset}");
        };
        check(1, 0, 1);
        check(2, 9, 5);
        check(2, 4, 2);
        check(2, 8, 4);
        check(4, 12, 1);
        check(3, 11, 1);
        // The caret's line is another one, or there is none.
        check(2, 13, 0);
        check(9, 2, 0);
        check(0, 0, 0);
    }
}
