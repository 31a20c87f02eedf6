//! The template sets, embedded: one dialect per family of engines.
//!
//! In: dialect and workload. Out: named sources, parents first. Invariant: the line feed that ends
//! a file is not part of the template (Jinja2 drops it, others keep it).

use crate::case::Workload;
use crate::generated;

/// A family of engines that reads the same sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Jinja2's syntax, for haiden and minijinja (and Jinja2 itself).
    Jinja,
    /// Tera's: components for macros, named arguments only.
    Tera,
}

/// The sources of one workload.
#[derive(Debug)]
pub struct TemplateSet {
    /// Name of the template that is rendered.
    pub entry: &'static str,
    /// Names and sources, parents first.
    pub sources: Vec<(&'static str, String)>,
}

impl TemplateSet {
    /// The set of `workload` in `dialect`.
    pub fn of(dialect: Dialect, workload: Workload) -> Self {
        let (entry, files) = match workload {
            Workload::Html1k => return Self::generated(1 << 10),
            Workload::Html10k => return Self::generated(10 << 10),
            Workload::Html100k => return Self::generated(100 << 10),
            _ if dialect == Dialect::Jinja => jinja(workload),
            _ => tera(workload),
        };
        let strip = |text: &str| text.strip_suffix('\n').unwrap_or(text).to_owned();
        Self { entry, sources: files.iter().map(|&(name, text)| (name, strip(text))).collect() }
    }

    /// Bytes of all sources.
    pub fn size(&self) -> usize {
        self.sources.iter().map(|(_, text)| text.len()).sum()
    }

    fn generated(size: usize) -> Self {
        Self { entry: "generated.html", sources: vec![("generated.html", generated::template(size))] }
    }
}

type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($dialect:literal: $($name:literal),+) => {
        &[$(($name, include_str!(concat!("../../templates/", $dialect, "/", $name)))),+]
    };
}

fn jinja(workload: Workload) -> (&'static str, Files) {
    match workload {
        Workload::Table => ("table.html", files!("jinja": "table.html")),
        Workload::Tiny => ("tiny.html", files!("jinja": "tiny.html")),
        Workload::Escape => ("escape.html", files!("jinja": "escape.html")),
        Workload::Logic => ("logic.html", files!("jinja": "logic.html")),
        Workload::Inherit => (
            "inherit.html",
            files!("jinja": "level1.html", "level2.html", "level3.html", "level4.html",
                   "inherit_forms.html", "inherit.html"),
        ),
        _ => (
            "shop.html",
            files!("jinja": "shop_base.html", "shop_layout.html", "shop_macros.html", "shop_stock.html",
                   "shop.html"),
        ),
    }
}

fn tera(workload: Workload) -> (&'static str, Files) {
    match workload {
        Workload::Table => ("table.html", files!("tera": "table.html")),
        Workload::Tiny => ("tiny.html", files!("tera": "tiny.html")),
        Workload::Escape => ("escape.html", files!("tera": "escape.html")),
        Workload::Logic => ("logic.html", files!("tera": "logic.html")),
        Workload::Inherit => (
            "inherit.html",
            files!("tera": "level1.html", "level2.html", "level3.html", "level4.html",
                   "inherit_forms.html", "inherit.html"),
        ),
        _ => (
            "shop.html",
            files!("tera": "shop_base.html", "shop_layout.html", "shop_macros.html", "shop_stock.html",
                   "shop.html"),
        ),
    }
}
