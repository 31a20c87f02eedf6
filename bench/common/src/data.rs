//! The data of every workload, as an application would hold them: plain structs.
//!
//! Out: [`Data::of`]. Invariant: escaped texts contain of all special characters only `<`, `>` and
//! `&`, because the engines differ in what they do with quotes, `/`, `=` and backquotes.

use serde::Serialize;

use crate::case::Workload;
use crate::generated::{self, Generated};
use crate::random::Random;

const PLAIN: [&str; 16] = [
    "garden", "lamp", "walnut", "kettle", "blue", "folding", "chair", "linen", "brass", "small", "window",
    "winter", "quiet", "copper", "round", "table",
];
const SPICED: [&str; 16] = [
    "garden",
    "lamp & shade",
    "walnut",
    "<b>new<b>",
    "blue",
    "folding",
    "chair",
    "a < b",
    "brass",
    "small",
    "x > y",
    "winter",
    "quiet",
    "salt & pepper",
    "round",
    "table",
];
const HOSTILE: [&str; 12] = [
    "plain words",
    "<script>",
    "a && b",
    "several words without anything",
    "x < y",
    "some more of them",
    "tom &amp; jerry",
    "between the lines",
    "R&D",
    "nothing to see",
    "<i>tag<i>",
    "a longer stretch of text in which nothing has to be replaced",
];

/// The context of one workload.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Data {
    /// See [`Workload::Table`].
    Table(Table),
    /// See [`Workload::Tiny`].
    Tiny(Tiny),
    /// See [`Workload::Shop`].
    Shop(Shop),
    /// See [`Workload::Escape`].
    Escape(Escape),
    /// See [`Workload::Logic`].
    Logic(Logic),
    /// See [`Workload::Inherit`].
    Inherit(Inherit),
    /// See [`generated`].
    Generated(Generated),
}

impl Data {
    /// Makes the data of `workload`.
    pub fn of(workload: Workload) -> Self {
        match workload {
            Workload::Table => Self::Table(table()),
            Workload::Tiny => Self::Tiny(tiny()),
            Workload::Shop => Self::Shop(shop()),
            Workload::Escape => Self::Escape(escape()),
            Workload::Logic => Self::Logic(Logic { turns: 10_000 }),
            Workload::Inherit => Self::Inherit(inherit()),
            Workload::Html1k | Workload::Html10k | Workload::Html100k => Self::Generated(generated::data()),
        }
    }
}

/// Context of `table`.
#[derive(Debug, Serialize)]
pub struct Table {
    /// 1000 rows of 10 cells.
    pub table: Vec<Vec<i64>>,
}

/// Context of `tiny`.
#[derive(Debug, Serialize)]
pub struct Tiny {
    /// Page title.
    pub title: String,
    /// Who reads it.
    pub user: User,
}

/// The reader of the tiny page.
#[derive(Debug, Serialize)]
pub struct User {
    /// Shown name, with something to escape.
    pub name: String,
    /// Address of the profile.
    pub home: String,
    /// Unread messages.
    pub unread: i64,
}

/// Context of `shop`.
#[derive(Debug, Serialize)]
pub struct Shop {
    /// Who sells.
    pub shop: Seller,
    /// What is listed.
    pub category: String,
    /// The listing.
    pub products: Vec<Product>,
}

/// The shop itself.
#[derive(Debug, Serialize)]
pub struct Seller {
    /// Shown name.
    pub name: String,
    /// Line under the name.
    pub slogan: String,
    /// Year in the footer.
    pub year: i64,
    /// Navigation.
    pub menu: Vec<MenuEntry>,
}

/// A navigation link.
#[derive(Debug, Serialize)]
pub struct MenuEntry {
    /// Address.
    pub href: String,
    /// Text.
    pub label: String,
}

/// One listed product.
#[derive(Debug, Serialize)]
pub struct Product {
    /// Number in the catalogue.
    pub id: i64,
    /// Shown name.
    pub name: String,
    /// Maker, if known; absent from the context otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Longer than what is shown of it.
    pub description: String,
    /// Price before the saving.
    pub price: f64,
    /// What is taken off; 0 for none.
    pub saving: f64,
    /// Pieces left.
    pub stock: i64,
    /// Whether it is new.
    pub fresh: bool,
    /// Key words.
    pub tags: Vec<String>,
    /// Sizes.
    pub variants: Vec<Variant>,
}

/// A size of a product.
#[derive(Debug, Serialize)]
pub struct Variant {
    /// Order number.
    pub sku: String,
    /// Shown name.
    pub label: String,
}

/// Context of `escape`.
#[derive(Debug, Serialize)]
pub struct Escape {
    /// About 100 KB in all.
    pub comments: Vec<Comment>,
}

/// A visitor's comment.
#[derive(Debug, Serialize)]
pub struct Comment {
    /// Who wrote it.
    pub author: String,
    /// What.
    pub text: String,
}

/// Context of `logic`.
#[derive(Debug, Serialize)]
pub struct Logic {
    /// Turns of the loop.
    pub turns: i64,
}

/// Context of `inherit`.
#[derive(Debug, Serialize)]
pub struct Inherit {
    /// Shown in the head.
    pub site: String,
    /// Shown above the form.
    pub heading: String,
    /// 100 fields, two macro calls each.
    pub fields: Vec<Field>,
}

/// A form field.
#[derive(Debug, Serialize)]
pub struct Field {
    /// Name in the form.
    pub name: String,
    /// Label.
    pub title: String,
    /// Content.
    pub value: String,
    /// Whether it must be filled in.
    pub required: bool,
}

fn table() -> Table {
    let mut random = Random::new(1);
    let row = |random: &mut Random| (0..10).map(|_| random.below(100_000) as i64).collect();
    Table { table: (0..1000).map(|_| row(&mut random)).collect() }
}

fn tiny() -> Tiny {
    let user = User { name: "Ada & Grace <both>".to_owned(), home: "profile-17".to_owned(), unread: 3 };
    Tiny { title: "Messages & more".to_owned(), user }
}

fn shop() -> Shop {
    let labels = ["home", "new & shiny", "lamps", "chairs", "tables", "garden", "sale", "contact"];
    let entry = |label: &&str| MenuEntry {
        href: format!("page-{}.html", label.split(' ').next().unwrap_or_default()),
        label: (*label).to_owned(),
    };
    let seller = Seller {
        name: "Lamps & Linen".to_owned(),
        slogan: "Things for <every> room".to_owned(),
        year: 2026,
        menu: labels.iter().map(entry).collect(),
    };
    let mut random = Random::new(3);
    let products = (0..50).map(|index| product(&mut random, index)).collect();
    Shop { shop: seller, category: "Lamps & chairs".to_owned(), products }
}

fn product(random: &mut Random, index: i64) -> Product {
    let sizes = ["small", "medium", "large", "extra large", "<custom>"];
    let count = 1 + random.below(3);
    let variant = |(number, label): (usize, &&str)| Variant {
        sku: format!("{:05}-{number}", 400 + index * 7),
        label: (*label).to_owned(),
    };
    let brand = (random.below(3) > 0).then(|| random.words(&SPICED, 1));
    let tags = 1 + random.below(4);
    let price = (500 + random.below(200_000)) as f64 / 100.0;
    Product {
        id: 1000 + index,
        name: random.words(&SPICED, 3),
        brand,
        description: random.words(&SPICED, 32),
        price,
        saving: if random.below(4) == 0 { (price * 10.0).floor() / 100.0 } else { 0.0 },
        stock: random.below(12) as i64,
        fresh: random.below(5) == 0,
        tags: (0..tags).map(|_| random.words(&PLAIN, 1)).collect(),
        variants: sizes.iter().skip(random.below(3)).take(count).enumerate().map(variant).collect(),
    }
}

fn escape() -> Escape {
    let mut random = Random::new(4);
    let comment =
        |random: &mut Random| Comment { author: random.words(&SPICED, 2), text: random.words(&HOSTILE, 32) };
    Escape { comments: (0..150).map(|_| comment(&mut random)).collect() }
}

fn inherit() -> Inherit {
    let mut random = Random::new(6);
    let field = |index: usize| Field {
        name: format!("field_{index}"),
        title: random.words(&SPICED, 2),
        value: random.words(&PLAIN, 2),
        required: index.is_multiple_of(3),
    };
    let fields = (0..100).map(field).collect();
    Inherit { site: "Forms & more".to_owned(), heading: "Please fill in".to_owned(), fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_texts_hold_only_what_all_engines_escape_alike() {
        for words in [&PLAIN[..], &SPICED[..], &HOSTILE[..]] {
            assert!(words.iter().all(|word| !word.contains(['"', '\'', '/', '=', '`'])));
        }
    }
}
