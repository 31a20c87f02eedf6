//! The ways to a template that is ready: the only file that knows haiden.
//!
//! Every way is `Environment::get_template` with the environment's own cache off, so that each call is a first one; only
//! the last way has it on. All but the sealed bundle read the source from its file, as they do in life.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bench_common::generated::Generated;
use haiden::cache::{Bundle, BytecodeCache, FileSystemBytecodeCache, MemoryBytecodeCache};
use haiden::loader::{FileSystemLoader, Loader};
use haiden::{CacheSize, Environment};

/// What the ways are called, in the order of the table.
pub(crate) const WAYS: [&str; 6] =
    ["compile", "disk", "memory", "bundle, source-checked", "bundle, sealed", "template in memory"];

/// One way.
pub(crate) struct Way {
    environment: Environment,
    cache: Option<Arc<dyn BytecodeCache>>,
}

impl Way {
    /// The template, ready.
    pub(crate) fn get(&self, name: &str) -> Result<(), String> {
        black_box(self.environment.get_template(name).map_err(|error| error.to_string())?);
        Ok(())
    }

    /// A page of it.
    pub(crate) fn page(&self, name: &str, data: &Generated) -> Result<String, String> {
        let template = self.environment.get_template(name).map_err(|error| error.to_string())?;
        template.render(data).map_err(|error| error.to_string())
    }

    /// How often its cache was asked in vain, apart from when it was filled.
    pub(crate) fn misses(&self) -> u64 {
        let statistics = self.cache.as_deref().map(BytecodeCache::statistics).unwrap_or_default();
        statistics.misses - statistics.writes
    }
}

/// The ways to the templates in a folder, all of them warm.
pub(crate) fn ways(sources: &Path, scratch: &Path, names: &[String]) -> Result<[Way; WAYS.len()], String> {
    let text = |error: haiden::cache::CacheError| error.to_string();
    let directory = scratch.join("entries");
    std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let open = || FileSystemBytecodeCache::new(Some(&directory), "%s.cache").map_err(text);
    let memory: Arc<dyn BytecodeCache> = Arc::new(MemoryBytecodeCache::new(1000, 1 << 30));
    for cache in [Arc::new(open()?) as Arc<dyn BytecodeCache>, Arc::clone(&memory)] {
        let filling = environment(sources, Some(cache));
        names
            .iter()
            .try_for_each(|name| filling.get_template(name).map(drop))
            .map_err(|error| error.to_string())?;
    }
    let bundle = |sealed: bool| {
        let bytes = environment(sources, None).bundle(sealed).map_err(|error| error.to_string())?;
        let path = scratch.join(if sealed { "sealed.haiden" } else { "checked.haiden" });
        std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        Bundle::open(&path).map(Arc::new).map_err(text)
    };
    let disk: Arc<dyn BytecodeCache> = Arc::new(open()?);
    let checked: Arc<dyn BytecodeCache> = bundle(false)?;
    let cached = |cache: Arc<dyn BytecodeCache>| Way {
        environment: environment(sources, Some(Arc::clone(&cache))),
        cache: Some(cache),
    };
    let mut sealed = Environment::new();
    sealed.set_autoescape(true);
    sealed.set_cache_size(CacheSize::Nothing);
    let packed = bundle(true)?;
    sealed.set_bundle(Some(Arc::clone(&packed)));
    let mut kept = environment(sources, None);
    kept.set_cache_size(CacheSize::Unbounded);
    Ok([
        Way { environment: environment(sources, None), cache: None },
        cached(disk),
        cached(memory),
        cached(checked),
        Way { environment: sealed, cache: Some(packed) },
        Way { environment: kept, cache: None },
    ])
}

fn environment(sources: &Path, cache: Option<Arc<dyn BytecodeCache>>) -> Environment {
    let mut environment = Environment::new();
    environment.set_loader(FileSystemLoader::new(sources));
    environment.set_autoescape(true);
    environment.set_cache_size(CacheSize::Nothing);
    environment.set_bytecode_cache(cache);
    environment
}

/// What reading a source costs, alone.
pub(crate) fn read(loader: &FileSystemLoader, name: &str) -> Result<(), String> {
    black_box(loader.get_source(name).map_err(|error| error.to_string())?);
    Ok(())
}
