//! askama under measurement: the templates are compiled into this binary.

use std::process::ExitCode;

use askama::Template;
use bench_common::data::{Escape, Inherit, Logic, Shop, Table, Tiny};
use bench_common::{Case, Data, Engine, Job, Mode};

/// The user filters; askama's own `truncate` cannot be replaced, hence the other name.
mod filters {
    #![expect(
        unreachable_pub,
        clippy::inline_always,
        clippy::trivially_copy_pass_by_ref,
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the attribute makes items of them that look so"
    )]

    use bench_common::filters as bodies;

    #[askama::filter_fn]
    pub(crate) fn money(amount: &f64, _: &dyn askama::Values) -> askama::Result<String> {
        Ok(bodies::money(*amount))
    }

    #[askama::filter_fn]
    pub(crate) fn shorten(text: &str, _: &dyn askama::Values, length: usize) -> askama::Result<String> {
        Ok(bodies::truncate(text, length))
    }
}

macro_rules! page {
    ($name:ident, $path:literal, $data:ty) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> {
            data: &'a $data,
        }
    };
}

page!(TablePage, "table.html", Table);
page!(TinyPage, "tiny.html", Tiny);
page!(ShopPage, "shop.html", Shop);
page!(EscapePage, "escape.html", Escape);
page!(LogicPage, "logic.html", Logic);
page!(InheritPage, "inherit.html", Inherit);

struct Askama;

impl Engine for Askama {
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Struct]
    }

    fn prepare(&self, case: Case) -> Result<Job, String> {
        let data = Data::of(case.workload);
        Job::rendering(move || {
            let page = match &data {
                Data::Table(data) => TablePage { data }.render(),
                Data::Tiny(data) => TinyPage { data }.render(),
                Data::Shop(data) => ShopPage { data }.render(),
                Data::Escape(data) => EscapePage { data }.render(),
                Data::Logic(data) => LogicPage { data }.render(),
                Data::Inherit(data) => InheritPage { data }.render(),
                Data::Generated(_) => return Err("askama compiles with the program".to_owned()),
            };
            page.map_err(|error| error.to_string())
        })
    }
}

fn main() -> ExitCode {
    bench_common::driver::main(&Askama)
}
