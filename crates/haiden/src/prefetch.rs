//! Loading many templates at once: a page with its parents and includes, or a whole site.
//!
//! In: names. Out: templates in memory. Invariant: a bytecode cache is asked once for each level of dependencies, however
//! many templates there are; what cannot be loaded is left for the render to complain about.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use haiden_bytecode::Image;
use haiden_cache::{Bucket, BytecodeCache};

use crate::bytecode::{Identity, cache_error, cached_image, loaded_image, record_hit};
use crate::environment::{Environment, Inner, Loaded};
use crate::error::Error;
use crate::loader::Source;
use crate::template_cache::CacheSize;

/// A template on its way, with its source.
struct Pending {
    name: String,
    source: Source,
    identity: Identity,
}

impl Environment {
    /// Loads templates into memory, and with them what they extend, include and import by a constant name. Where the
    /// bytecode cache is far away this costs one round trip for each level of that, instead of one for each template.
    ///
    /// Returns how many templates are ready that were not before. What is missing or wrong among the dependencies is left for
    /// the render, which may never need it. Nothing happens with a [cache size](Self::set_cache_size) of zero.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("layout.html", "{% block body %}{% endblock %}")?;
    /// environment.add_template("page.html", "{% extends 'layout.html' %}")?;
    /// assert_eq!(environment.prefetch(["page.html"])?, 2);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// One of the named templates does not exist, or cannot be read or compiled.
    pub fn prefetch<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<usize, Error> {
        if self.inner.templates.size() == CacheSize::Nothing {
            return Ok(0);
        }
        let mut seen = BTreeSet::new();
        let mut level: Vec<String> =
            names.into_iter().map(str::to_owned).filter(|name| seen.insert(name.clone())).collect();
        let (mut ready, mut named) = (0, true);
        while !level.is_empty() {
            let mut next = BTreeSet::new();
            for outcome in self.inner.prefetch_level(level)? {
                match outcome {
                    Ok((fresh, dependencies)) => {
                        ready += usize::from(fresh);
                        next.extend(dependencies);
                    }
                    Err(error) if named => return Err(error),
                    Err(_) => {}
                }
            }
            level = next.into_iter().filter(|name| seen.insert(name.clone())).collect();
            named = false;
        }
        Ok(ready)
    }
}

/// Whether a template was loaded just now, and what it needs.
type Outcome = Result<(bool, Vec<String>), Error>;

impl Inner {
    fn prefetch_level(&self, names: Vec<String>) -> Result<Vec<Outcome>, Error> {
        let (mut outcomes, mut pending) = (Vec::new(), Vec::new());
        let generation = self.templates.generation();
        for name in names {
            if let Some(loaded) = self.in_memory(&name) {
                outcomes.push(Ok((false, dependencies(loaded.program.image()))));
            } else if self.settings.bytecode_cache.is_none() || self.is_sealed(&name) {
                outcomes.push(self.load(&name).map(|loaded| (true, dependencies(loaded.program.image()))));
            } else {
                match self.source(&name) {
                    Ok(source) => {
                        let identity = self.identity(&source.text, Some(&name));
                        pending.push(Pending { name, source, identity });
                    }
                    Err(error) => outcomes.push(Err(error)),
                }
            }
        }
        let images = self.look_up(&pending)?;
        for (template, image) in pending.into_iter().zip(images) {
            let Pending { name, source, .. } = template;
            outcomes.push(image.and_then(|image| self.keep(&name, source, image, generation)));
        }
        Ok(outcomes)
    }

    /// The images of these templates: from the bundle, in one round trip from the cache, or compiled.
    fn look_up(&self, pending: &[Pending]) -> Result<Vec<Result<Image, Error>>, Error> {
        let Some(cache) = self.settings.bytecode_cache.as_deref() else { return Ok(Vec::new()) };
        let mut images = Vec::with_capacity(pending.len());
        let mut buckets = Vec::new();
        for Pending { name, source, identity } in pending {
            let bundle = self.settings.bundle.as_deref();
            let bundled = bundle.map(|bundle| cached_image(bundle, name, source, identity)).transpose()?;
            let image = bundled.and_then(|(_, image)| image);
            if image.is_none() {
                buckets.push(empty_bucket(cache, name, source, identity));
            }
            images.push(image);
        }
        let started = Instant::now();
        cache.lookup_many(&mut buckets.iter_mut().collect::<Vec<_>>()).map_err(cache_error)?;
        let share = started.elapsed() / u32::try_from(buckets.len()).unwrap_or(u32::MAX).max(1);
        let mut buckets = buckets.into_iter();
        let mut image = |(template, image): (&Pending, Option<Image>)| {
            if let Some(image) = image {
                return Ok(image);
            }
            let Pending { name, source, identity } = template;
            let mut bucket = buckets.next().unwrap_or_else(|| empty_bucket(cache, name, source, identity));
            let started = Instant::now();
            match loaded_image(cache, &mut bucket, identity) {
                Some(image) => {
                    record_hit(cache, source.text.len(), share + started.elapsed());
                    Ok(image)
                }
                None => self.compile_into(cache, &mut bucket, name, source, identity),
            }
        };
        Ok(pending.iter().zip(images).map(&mut image).collect())
    }

    fn keep(&self, name: &str, source: Source, image: Image, generation: u64) -> Outcome {
        let needs = dependencies(&image);
        let name: Arc<str> = name.into();
        let program = self.link(image, Some(&name), &source.text.into(), source.filename)?;
        self.templates.insert(name, Loaded { program, up_to_date: source.up_to_date }, generation);
        Ok((true, needs))
    }
}

fn empty_bucket<'a>(
    cache: &'a dyn BytecodeCache,
    name: &'a str,
    source: &'a Source,
    identity: &Identity,
) -> Bucket<'a> {
    let filename = source.filename.as_deref().and_then(Path::to_str);
    cache.empty_bucket(name, filename, &source.text, identity.content_key())
}

/// The names of templates that an image names by constants.
fn dependencies(image: &Image) -> Vec<String> {
    image.dependencies().iter().map(|dependency| image.string(dependency.name).to_owned()).collect()
}
