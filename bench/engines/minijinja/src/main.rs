//! minijinja under measurement; the packages `minijinja` and `minijinja-fast` differ in features.

use std::hint::black_box;
use std::process::ExitCode;

use bench_common::templates::{Dialect, TemplateSet};
use bench_common::{Case, Data, Engine, Job, Mode, filters};
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, Value};

struct MiniJinja;

/// The environment with the filters, without templates; it lives as long as the process.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.add_filter("money", filters::money);
    environment.add_filter("truncate", |text: &str, options: Kwargs| -> Result<String, Error> {
        let length: usize = options.get("length")?;
        options.assert_all_used()?;
        Ok(filters::truncate(text, length))
    });
    environment
}

fn prepare(case: Case) -> Result<Job, Error> {
    let set: &'static TemplateSet = Box::leak(Box::new(TemplateSet::of(Dialect::Jinja, case.workload)));
    let mut environment = environment();
    for (name, source) in &set.sources {
        environment.add_template(name, source)?;
    }
    let environment: &'static Environment<'static> = Box::leak(Box::new(environment));
    let data: &'static Data = Box::leak(Box::new(Data::of(case.workload)));
    let template = environment.get_template(set.entry)?;
    let prepared = Value::from(Serde(data));
    let job = match case.mode {
        Mode::Compile => {
            let page = template.render(&prepared)?;
            return Ok(Job::other(page, move || {
                for (name, source) in &set.sources {
                    let compiled = environment.template_from_named_str(name, source);
                    black_box(compiled.map_err(|error| error.to_string())?);
                }
                Ok(())
            }));
        }
        Mode::Serialize => {
            Job::rendering(move || template.render(Serde(data)).map_err(|error| error.to_string()))
        }
        _ => Job::rendering(move || template.render(&prepared).map_err(|error| error.to_string())),
    };
    job.map_err(|message| Error::new(minijinja::ErrorKind::InvalidOperation, message))
}

impl Engine for MiniJinja {
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Prepared, Mode::Serialize, Mode::Compile]
    }

    fn prepare(&self, case: Case) -> Result<Job, String> {
        prepare(case).map_err(|error| format!("{error:#}"))
    }
}

fn main() -> ExitCode {
    bench_common::driver::main(&MiniJinja)
}
