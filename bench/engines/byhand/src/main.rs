//! The pages written by hand: what a Rust programmer who wants speed would write.
//!
//! Whole stretches of text are copied, integers are written by itoa, escaping looks for the next
//! special character, and the page is allocated once at the size of the last one.

mod escape;
mod pages;

use std::process::ExitCode;

use bench_common::{Case, Data, Engine, Job, Mode};

struct ByHand;

impl Engine for ByHand {
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Struct]
    }

    fn prepare(&self, case: Case) -> Result<Job, String> {
        let data = Data::of(case.workload);
        let mut size = 0;
        Job::rendering(move || {
            let mut page = String::with_capacity(size);
            match &data {
                Data::Table(table) => pages::table(&mut page, table),
                Data::Tiny(tiny) => pages::tiny(&mut page, tiny),
                Data::Shop(shop) => pages::shop(&mut page, shop),
                Data::Escape(escape) => pages::escape(&mut page, escape),
                Data::Logic(logic) => pages::logic(&mut page, logic),
                Data::Inherit(inherit) => pages::inherit(&mut page, inherit),
                Data::Generated(_) => return Err("generated pages are not written by hand".to_owned()),
            }
            size = page.len();
            Ok(page)
        })
    }
}

fn main() -> ExitCode {
    bench_common::driver::main(&ByHand)
}
