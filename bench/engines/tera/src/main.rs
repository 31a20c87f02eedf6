//! Tera under measurement; the packages `tera` and `tera-fast` differ in features.

use std::fmt::Write;
use std::hint::black_box;
use std::process::ExitCode;

use bench_common::templates::{Dialect, TemplateSet};
use bench_common::{Case, Data, Engine, Job, Mode, filters};
use tera::{Context, Kwargs, State, Tera, TeraResult};

struct TeraEngine;

fn money(amount: f64, _: Kwargs, _: &State<'_>) -> String {
    filters::money(amount)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of a filter")]
fn truncate(text: &str, options: Kwargs, _: &State<'_>) -> TeraResult<String> {
    Ok(filters::truncate(text, options.must_get::<usize>("length")?))
}

/// The error with all its causes: Tera's own text names only the outermost.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn explain(error: tera::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    text
}

fn engine() -> Tera {
    let mut tera = Tera::new();
    tera.register_filter("money", money);
    tera.register_filter("truncate", truncate);
    tera
}

impl Engine for TeraEngine {
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Prepared, Mode::Serialize, Mode::Compile]
    }

    fn prepare(&self, case: Case) -> Result<Job, String> {
        let set: &'static TemplateSet = Box::leak(Box::new(TemplateSet::of(Dialect::Tera, case.workload)));
        let data: &'static Data = Box::leak(Box::new(Data::of(case.workload)));
        let sources = || set.sources.iter().map(|(name, source)| (*name, source.as_str()));
        let mut tera = engine();
        tera.add_raw_templates(sources()).map_err(explain)?;
        let prepared = Context::from_serialize(data).map_err(explain)?;
        match case.mode {
            Mode::Compile => {
                let page = tera.render(set.entry, &prepared).map_err(explain)?;
                Ok(Job::other(page, move || {
                    // Adding replaces the templates of the same names and links anew.
                    tera.add_raw_templates(sources()).map_err(explain)?;
                    black_box(&tera);
                    Ok(())
                }))
            }
            Mode::Serialize => Job::rendering(move || {
                let context = Context::from_serialize(data).map_err(explain)?;
                tera.render(set.entry, &context).map_err(explain)
            }),
            _ => Job::rendering(move || tera.render(set.entry, &prepared).map_err(explain)),
        }
    }
}

fn main() -> ExitCode {
    bench_common::driver::main(&TeraEngine)
}
