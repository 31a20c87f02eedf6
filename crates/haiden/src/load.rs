//! How a template gets ready: out of memory, out of a sealed bundle, or from its source by way of a cache or the compiler.
//!
//! In: a name. Out: a program. Invariant: threads that need one template at once load it once; a thread never waits for one
//! that waits for it, and a loader that panics fails its own thread only.

use std::sync::Arc;

use crate::bundle::unusable;
use crate::environment::{Inner, Loaded};
use crate::error::Error;
use crate::loader::Source;
use crate::template_cache::CacheSize;

impl Inner {
    /// The template of this name, from memory or loaded now.
    pub(crate) fn load(&self, name: &str) -> Result<Loaded, Error> {
        if let Some(loaded) = self.in_memory(name) {
            return Ok(loaded);
        }
        let name: Arc<str> = Arc::from(name);
        if self.templates.size() == CacheSize::Nothing {
            return self.load_anew(&name);
        }
        // Who asks after everything was dropped does not share a load that began before.
        let generation = self.templates.generation();
        self.flights.run(&(generation, name.clone()), || {
            // Another flight may have ended since this thread looked.
            if let Some(loaded) = self.templates.peek(&name, |loaded| self.is_fresh(loaded)) {
                return Ok(loaded);
            }
            let loaded = self.load_anew(&name)?;
            self.templates.insert(name.clone(), loaded.clone(), generation);
            Ok(loaded)
        })
    }

    /// The template of this name, if it is in memory and may be used.
    pub(crate) fn in_memory(&self, name: &str) -> Option<Loaded> {
        if self.templates.size() == CacheSize::Nothing {
            return None;
        }
        self.templates.get(name, |loaded| self.is_fresh(loaded))
    }

    /// May it be used without loading it anew?
    pub(crate) fn is_fresh(&self, loaded: &Loaded) -> bool {
        !self.settings.auto_reload || loaded.up_to_date.as_ref().is_none_or(|up_to_date| up_to_date())
    }

    /// The template of this name, from the sealed bundle or from its source.
    fn load_anew(&self, name: &Arc<str>) -> Result<Loaded, Error> {
        let sealed = if self.settings.sources.contains_key(&**name) { None } else { self.sealed_image(name) };
        let rejection = match sealed {
            Some(Ok(image)) => {
                let program = self.link(image, Some(name), &Arc::default(), None)?;
                return Ok(Loaded { program, up_to_date: None });
            }
            Some(Err(rejection)) => Some(rejection),
            None => None,
        };
        let source = self.source(name).map_err(|error| match rejection {
            Some(rejection) => unusable(name, rejection),
            None => error,
        })?;
        self.loaded(name, source)
    }

    /// The template of a source.
    pub(crate) fn loaded(&self, name: &Arc<str>, source: Source) -> Result<Loaded, Error> {
        let filename = source.filename.clone();
        let image = self.image(name, &source)?;
        let program = self.link(image, Some(name), &source.text.into(), filename)?;
        Ok(Loaded { program, up_to_date: source.up_to_date })
    }
}
