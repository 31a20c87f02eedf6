//! The only file that knows haiden's API.
//!
//! `truncate`, `upper`, `join`, `default`, `length` are haiden's own; `money` has the shared body.

use std::collections::HashMap;
use std::hint::black_box;

use bench_common::templates::{Dialect, TemplateSet};
use bench_common::{Case, Data, Engine, Job, Mode, filters};
use haiden::loader::DictLoader;
use haiden::{Environment, Value};

/// The engine.
pub(crate) struct Haiden;

fn environment(set: &TemplateSet) -> Environment {
    let sources: HashMap<String, String> =
        set.sources.iter().map(|(name, source)| ((*name).to_owned(), source.clone())).collect();
    let mut environment = Environment::new();
    environment.set_loader(DictLoader::new(sources));
    environment.set_autoescape(true);
    environment.add_filter("money", |amount: f64| -> String { filters::money(amount) });
    environment
}

/// What `Mode::Compile` times: every template of the set, from text to ready, nothing cached.
fn compile(environment: &Environment, set: &TemplateSet) -> Result<(), haiden::Error> {
    for (name, source) in &set.sources {
        black_box(environment.template_from_named_str(Some(name), source)?);
    }
    Ok(())
}

/// What `Mode::Load` needs: the images of the set, made ahead.
fn images(environment: &Environment, set: &TemplateSet) -> Result<Vec<Vec<u8>>, haiden::Error> {
    set.sources.iter().map(|(name, source)| environment.compile_to_image(Some(name), source)).collect()
}

/// What `Mode::Load` times: verify and link, nothing cached.
fn load(environment: &Environment, images: &[Vec<u8>]) -> Result<(), haiden::Error> {
    for image in images {
        black_box(environment.load_image(None, image)?);
    }
    Ok(())
}

fn prepare(case: Case) -> Result<Job, haiden::Error> {
    let set: &'static TemplateSet = Box::leak(Box::new(TemplateSet::of(Dialect::Jinja, case.workload)));
    let data: &'static Data = Box::leak(Box::new(Data::of(case.workload)));
    let environment: &'static Environment = Box::leak(Box::new(environment(set)));
    let template = environment.get_template(set.entry)?;
    let prepared = Value::from_serialize(data)?;
    let page = template.render(&prepared)?;
    Ok(match case.mode {
        Mode::Compile => {
            Job::other(page, move || compile(environment, set).map_err(|error| error.to_string()))
        }
        Mode::Load => {
            let images = images(environment, set)?;
            Job::other(page, move || load(environment, &images).map_err(|error| error.to_string()))
        }
        Mode::Serialize => Job::other(template.render(data)?, move || {
            black_box(template.render(data).map_err(|error| error.to_string())?);
            Ok(())
        }),
        _ => Job::other(page, move || {
            black_box(template.render(&prepared).map_err(|error| error.to_string())?);
            Ok(())
        }),
    })
}

impl Engine for Haiden {
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Prepared, Mode::Serialize, Mode::Compile, Mode::Load]
    }

    fn prepare(&self, case: Case) -> Result<Job, String> {
        prepare(case).map_err(|error| error.to_string())
    }
}
