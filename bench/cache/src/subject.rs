//! What is cached: the only file that knows an engine.
//!
//! To wire haiden in, add `subject/haiden.rs` with the same items and choose it by the feature.

use std::collections::HashMap;
use std::hint::black_box;

use minijinja::Environment;

/// Whether the figures are about the stand-in.
pub(crate) const STAND_IN: bool = true;
/// What the table says it is about.
pub(crate) const NAME: &str = "stand-in (minijinja's compiler; an image is its source, a load sums it up)";

/// The engine with whatever it keeps in memory.
pub(crate) struct Subject {
    environment: Environment<'static>,
    kept: HashMap<String, usize>,
}

impl Subject {
    /// Nothing cached yet.
    pub(crate) fn new() -> Self {
        Self { environment: Environment::new(), kept: HashMap::new() }
    }

    /// From source text to a template that is ready, without any cache.
    pub(crate) fn compile(&self, name: &str, source: &str) -> Result<(), String> {
        let compiled = self.environment.template_from_named_str(name, source);
        black_box(compiled.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// The bytes that a cache stores.
    pub(crate) fn image(&self, name: &str, source: &str) -> Result<Vec<u8>, String> {
        self.compile(name, source)?;
        Ok(source.as_bytes().to_vec())
    }

    /// From an image to a template that is ready: verify and link.
    pub(crate) fn load(&self, image: &[u8]) -> Result<(), String> {
        let sum = image.iter().fold(0, |sum: u64, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        if black_box(sum) == 0 || self.kept.is_empty() { Err("an empty image".to_owned()) } else { Ok(()) }
    }

    /// Puts a template into the cache in memory.
    pub(crate) fn keep(&mut self, name: &str, source: &str) -> Result<(), String> {
        self.compile(name, source)?;
        self.kept.insert(name.to_owned(), source.len());
        Ok(())
    }

    /// A hit in memory.
    pub(crate) fn recall(&self, name: &str) -> Result<(), String> {
        black_box(self.kept.get(name).ok_or("not kept")?);
        Ok(())
    }
}
