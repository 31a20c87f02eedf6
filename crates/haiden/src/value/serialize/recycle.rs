//! Arenas that are written again: the context of a render is freed when it ends, and the next one is much like it.
//!
//! Each thread keeps one arena, without its data: what stays is room, and the shapes of structs, whose keys are names in
//! the program. A writer that finds its struct's shape there writes no key and asks for no memory.

use std::cell::Cell;

use super::map::{Field, Recent};
use crate::value::arena::{Arena, Shape};
use crate::value::word::{HEAP, Str, Word};

/// The most room, in bytes, that a part of the arena keeps.
const MOST: usize = 1 << 18;

/// The most shapes that stay.
const MOST_SHAPES: usize = 64;

thread_local! {
    static SPARE: Cell<Option<Arena>> = const { Cell::new(None) };
}

/// What a writer knows of its arena.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Items of containers that are open.
    pub(super) stack: Vec<Word>,
    /// The shapes that the last dicts had, at each depth: the next one is likely to have one of them.
    pub(super) recent: Vec<Recent>,
    /// The fields of each shape that a struct has.
    pub(super) fields: Vec<Vec<Field>>,
    /// How much of the arena stays from render to render.
    base: Base,
}

/// The shapes that stay, and the text of their keys.
#[derive(Clone, Copy, Debug, Default)]
struct Base {
    text: usize,
    shapes: usize,
}

/// This thread's arena.
pub(super) fn take() -> Arena {
    // While a thread ends there is none.
    SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default()
}

/// Keeps an arena that no one uses any more, if a writer for a render made it.
pub(crate) fn recycle(mut arena: Arena) {
    let Some(mut memory) = arena.memory.take() else { return };
    if arena.shapes.len() > memory.base.shapes {
        keep_shapes(&mut arena, &mut memory);
    }
    arena.text.truncate(memory.base.text);
    arena.words.clear();
    arena.bigs.clear();
    arena.foreign.clear();
    memory.stack.clear();
    let room = [
        arena.text.capacity(),
        arena.words.capacity() * size_of::<Word>(),
        arena.bigs.capacity() * 32,
        arena.foreign.capacity() * 32,
        memory.stack.capacity() * size_of::<Word>(),
    ];
    if room.iter().any(|&room| room > MOST) {
        return;
    }
    arena.memory = Some(memory);
    let _ = SPARE.try_with(|spare| spare.set(Some(arena)));
}

/// Makes the shapes of structs stay, unless they are many: their keys become the arena's first text.
fn keep_shapes(arena: &mut Arena, memory: &mut Memory) {
    memory.fields.resize(arena.shapes.len(), Vec::new());
    let of_struct = |shape: &Shape, fields: &[Field]| {
        shape.keys.len() == fields.len() && shape.keys.iter().all(|key| matches!(key, Word::Str(_)))
    };
    let mut count = 0;
    let places = arena.shapes.iter().zip(&memory.fields).map(|(shape, fields)| {
        let kept = count < MOST_SHAPES && of_struct(shape, fields);
        count += usize::from(kept);
        kept.then(|| count as u32 - 1)
    });
    let places: Vec<Option<u32>> = places.collect();
    if count < places.len() {
        let (mut shapes, mut fields) = (places.iter(), places.iter());
        arena.shapes.retain(|_| shapes.next().is_some_and(Option::is_some));
        memory.fields.retain(|_| fields.next().is_some_and(Option::is_some));
        memory.recent.iter_mut().for_each(|recent| recent.rename(&places));
    }
    if count > memory.base.shapes {
        let mut text = String::new();
        for key in arena.shapes.iter_mut().flat_map(|shape| &mut shape.keys) {
            if let Word::Str(name) = *key {
                let start = text.len() as u32;
                text.push_str(&arena.text[name.start as usize..(name.start + name.len) as usize]);
                *key = Word::Str(Str { slot: HEAP, markup: false, start, len: name.len });
            }
        }
        memory.base = Base { text: text.len(), shapes: count };
        arena.text.clear();
        arena.text.push_str(&text);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::take;
    use crate::{Environment, context};

    #[derive(Serialize)]
    struct Page<'a> {
        name: &'a str,
        rows: Vec<Row<'a>>,
        more: BTreeMap<&'a str, i64>,
    }

    #[derive(Serialize)]
    struct Row<'a> {
        text: &'a str,
        name: &'a str,
    }

    fn page<'a>(name: &'a str, more: &'a str) -> Page<'a> {
        let rows = ["a", "b"].map(|text| Row { text, name });
        Page { name, rows: rows.into(), more: [(more, 1)].into() }
    }

    #[test]
    fn renders_after_each_other_have_their_own_data() {
        let environment = Environment::new();
        let template = "{{ name }}{% for row in rows %}{{ row.text }}{{ row.name }}{% endfor %}{{ more }}";
        let template = environment.template_from_str(template).expect("a template");
        for (name, more) in [("x", "k"), ("yy", "l"), ("", "name"), ("zzz", "k")] {
            let expected = format!("{name}a{name}b{name}{{'{more}': 1}}");
            assert_eq!(template.render(&page(name, more)).expect("a page"), expected);
            let other = environment.render_str("{{ a }}{{ name }}", context! { name, a => more });
            assert_eq!(other.expect("a page"), format!("{more}{name}"));
        }
    }

    #[test]
    fn what_stays_is_the_names_of_fields() {
        let environment = Environment::new();
        for _ in 0..3 {
            environment.render_str("{{ name }}", &page("secret", "key")).expect("a page");
        }
        let arena = take();
        assert_eq!(arena.text, "textnamenamerowsmore");
        assert!(arena.words.is_empty() && arena.shapes.len() == 2);
    }

    #[test]
    fn what_is_large_does_not_stay() {
        let large = "x".repeat(super::MOST + 1);
        Environment::new().render_str("{{ name }}", &page(&large, "key")).expect("a page");
        assert_eq!(take().text.capacity(), 0);
    }
}
