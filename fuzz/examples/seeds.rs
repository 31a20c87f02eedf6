//! Writes the first inputs of the fuzz targets: the corpus' templates, as sources, images and bundles.
//!
//! In: the folder of the corpus' cases, the folder to write to. Out: `load/`, `render/` and `bundle/` in it. Invariant: a seed
//! starts with the bytes that its target reads as options.

use std::error::Error;
use std::fs;
use std::path::Path;

use haiden::cache::BundleBuilder;
use haiden_fuzz::{OWN, environment};
use serde_json::Value as Json;

/// The mode of the target `load` that runs what it accepts.
const RUN: u8 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(cases), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: seeds CASES OUT".into());
    };
    let out = Path::new(&out);
    for target in ["load", "render", "bundle"] {
        fs::create_dir_all(out.join(target))?;
    }
    let mut number = 0;
    for file in fs::read_dir(cases)? {
        let cases: Vec<Json> = serde_json::from_str(&fs::read_to_string(file?.path())?)?;
        for case in &cases {
            for source in sources(case) {
                write(out, number, source)?;
                number += 1;
            }
        }
    }
    println!("{number} templates");
    Ok(())
}

/// The sources that a case names.
fn sources(case: &Json) -> impl Iterator<Item = &str> {
    let others = case["templates"].as_object().into_iter().flat_map(|templates| templates.values());
    others.chain([&case["template"]]).filter_map(Json::as_str).filter(|source| source.len() < 2_000)
}

fn write(out: &Path, number: u32, source: &str) -> Result<(), Box<dyn Error>> {
    let name = number.to_string();
    let plain = [&[0, 0], source.as_bytes()].concat();
    fs::write(out.join("render").join(&name), plain)?;
    let mut environment = environment(0);
    let Ok(image) = environment.compile_to_image(Some(OWN), source) else { return Ok(()) };
    fs::write(out.join("load").join(&name), [&[RUN][..], &image].concat())?;
    environment.add_template(OWN, source)?;
    let mut builder = BundleBuilder::new().sealed(true);
    environment.add_to_bundle(&mut builder, OWN)?;
    environment.add_to_bundle(&mut builder, "part")?;
    fs::write(out.join("bundle").join(&name), builder.to_bytes()?)?;
    Ok(())
}
