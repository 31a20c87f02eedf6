//! Page-like templates of a wanted size, in the syntax that all dynamic engines share.
//!
//! In: a number of bytes. Out: exactly that many bytes of template: about three quarters text,
//! the rest outputs, conditions, loops, assignments and filters without arguments.

use std::fmt::Write;

use serde::Serialize;

use crate::random::Random;

const WORDS: [&str; 12] =
    ["the", "shop", "opens", "every", "morning", "with", "fresh", "bread", "and", "quiet", "music", "inside"];

/// Context of the generated templates.
#[derive(Debug, Serialize)]
pub struct Generated {
    /// Shown in every section.
    pub title: String,
    /// Shown name.
    pub name: String,
    /// Compared with the number of the section.
    pub count: i64,
    /// Two items.
    pub items: Vec<Item>,
}

/// An item of the lists.
#[derive(Debug, Serialize)]
pub struct Item {
    /// Shown name.
    pub name: String,
    /// Whole price.
    pub price: i64,
}

/// The data for all sizes.
pub fn data() -> Generated {
    let item = |name: &str, price| Item { name: name.to_owned(), price };
    Generated {
        title: "Bread & butter".to_owned(),
        name: "<Anna>".to_owned(),
        count: 17,
        items: vec![item("rye", 4), item("salt & seeds", 6)],
    }
}

/// A template of exactly `size` bytes.
pub fn template(size: usize) -> String {
    let mut random = Random::new(size as u64);
    let mut source = String::with_capacity(size);
    for number in 0.. {
        let section = section(&mut random, number);
        if source.len() + section.len() > size {
            break;
        }
        source.push_str(&section);
    }
    while source.len() < size {
        source.push('-');
    }
    source
}

/// One section, about 700 bytes, with five to ten tags.
fn section(random: &mut Random, number: usize) -> String {
    let mut text = String::new();
    let mut prose = |count: usize| random.words(&WORDS, count);
    let result = write!(
        text,
        "<section id=\"s{number}\" class=\"block\">\n  <h2>{{{{ title }}}} {number}</h2>\n  <p>{} \
         <em>{{{{ name|upper }}}}</em> {}</p>\n  {{% if count > {number} and name %}}\n  <p \
         class=\"note\">{}</p>\n  {{% else %}}\n  <p>{}</p>\n  {{% endif %}}\n  <ul>\n  {{% for item in \
         items %}}\n    <li class=\"item\"><b>{{{{ loop.index }}}}</b> {{{{ item.name }}}}: {{{{ item.price \
         * 3 + {number} }}}}</li>\n  {{% endfor %}}\n  </ul>\n  {{% set total = count * 2 + {number} %}}\n  \
         <p>{} {{{{ total }}}}</p>\n</section>\n",
        prose(16),
        prose(12),
        prose(10),
        prose(10),
        prose(8),
    );
    result.expect("writing to a String cannot fail");
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_exact() {
        for size in [1 << 10, 10 << 10, 100 << 10] {
            assert_eq!(super::template(size).len(), size);
        }
    }
}
