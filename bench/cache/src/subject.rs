//! The ways to a template that is ready: the only file that knows haiden.
//!
//! Every way is `Environment::get_template` with the environment's own cache off, so that each call is a first one; only
//! the last way has it on. All but the sealed bundle read the source from its file, as they do in life.

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bench_common::clock;
use bench_common::generated::Generated;
use haiden::cache::testkit::Server;
use haiden::cache::{
    Bucket, Bundle, BytecodeCache, CacheError, FileSystemBytecodeCache, Frame, MemcachedBytecodeCache,
    MemoryBytecodeCache, RedisBytecodeCache, SqliteBytecodeCache,
};
use haiden::loader::{FileSystemLoader, Loader};
use haiden::{CacheSize, Environment};

/// What is first in the tables: what the others are measured by.
pub(crate) const COMPILE: &str = "compile";

/// A server must not be given up while the machine is busy with something else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// One way.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// A server has a part in it: the processor time of this thread would not be all.
    pub(crate) waits: bool,
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

/// A cache in a server, and how the server is asked for an entry.
pub(crate) struct Asked {
    pub(crate) name: &'static str,
    pub(crate) cache: Arc<dyn BytecodeCache>,
    pub(crate) address: SocketAddr,
    /// What the cache says to look a bucket up.
    pub(crate) question: Box<dyn Fn(&Bucket<'_>) -> Result<String, CacheError>>,
}

/// How many bytes come behind the first line of a server's answer, by that line: `VA 12 ...` or `$12`.
pub(crate) fn announced(line: &[u8]) -> Option<usize> {
    let line = str::from_utf8(line).ok()?.trim_end();
    let length = line.strip_prefix("VA ").or_else(|| line.strip_prefix('$'))?;
    length.split(' ').next()?.parse().ok()
}

/// A cache and what it is called.
pub(crate) type Named = (&'static str, Arc<dyn BytecodeCache>);

/// The servers that are here.
pub(crate) struct Servers {
    pub(crate) memcached: Option<Server>,
    pub(crate) redis: Option<Server>,
}

impl Servers {
    pub(crate) fn start() -> Servers {
        Servers { memcached: Server::memcached(&["--memory-limit=512"]), redis: Server::redis(&[]) }
    }

    /// Caches in them.
    pub(crate) fn caches(&self) -> Result<Vec<Named>, String> {
        Ok(self.asked()?.into_iter().map(|asked| (asked.name, asked.cache)).collect())
    }

    /// Caches in them, with their questions.
    pub(crate) fn asked(&self) -> Result<Vec<Asked>, String> {
        let mut caches = Vec::new();
        if let Some(server) = &self.memcached {
            let builder = MemcachedBytecodeCache::builder(server.url("memcached"));
            let cache =
                builder.connect_timeout(PATIENCE).operation_timeout(PATIENCE).unauthenticated().connect();
            let cache = Arc::new(cache.map_err(|error| error.to_string())?);
            let asks = Arc::clone(&cache);
            caches.push(Asked {
                name: "Memcached",
                cache,
                address: server.address(),
                question: Box::new(move |bucket| Ok(format!("mg {} v k\r\n", asks.item_key(bucket)?))),
            });
        }
        if let Some(server) = &self.redis {
            let builder = RedisBytecodeCache::builder(server.url("redis"));
            let cache =
                builder.connect_timeout(PATIENCE).operation_timeout(PATIENCE).unauthenticated().connect();
            let cache = Arc::new(cache.map_err(|error| error.to_string())?);
            let asks = Arc::clone(&cache);
            let question = move |bucket: &Bucket<'_>| {
                let key = asks.key_of(bucket);
                Ok(format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len()))
            };
            caches.push(Asked {
                name: "Redis",
                cache,
                address: server.address(),
                question: Box::new(question),
            });
        }
        Ok(caches)
    }
}

/// The ways to the templates in a folder, all of them warm.
pub(crate) fn ways(
    sources: &Path,
    scratch: &Path,
    names: &[String],
    servers: &Servers,
) -> Result<Vec<Way>, String> {
    let text = |error: haiden::cache::CacheError| error.to_string();
    let directory = scratch.join("entries");
    std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let memory: Arc<dyn BytecodeCache> = Arc::new(MemoryBytecodeCache::new(1000, 1 << 30));
    let disk = FileSystemBytecodeCache::new(Some(&directory), "%s.cache").map_err(text)?;
    let sqlite = SqliteBytecodeCache::builder(scratch.join("cache.db")).open().map_err(text)?;
    let mut ways =
        vec![Way { name: COMPILE, waits: false, environment: environment(sources, None), cache: None }];
    let mut add = |name, waits, cache: Arc<dyn BytecodeCache>| {
        let environment = environment(sources, Some(Arc::clone(&cache)));
        ways.push(Way { name, waits, environment, cache: Some(cache) });
    };
    add("disk", false, Arc::new(disk));
    add("SQLite", false, Arc::new(sqlite));
    for (name, cache) in servers.caches()? {
        add(name, true, cache);
    }
    add("memory", false, memory);
    add("bundle, source-checked", false, Arc::new(bundle(sources, scratch, false)?));
    let packed = Arc::new(bundle(sources, scratch, true)?);
    ways.push(Way {
        name: "bundle, sealed",
        waits: false,
        environment: serving(&packed),
        cache: Some(packed),
    });
    let mut kept = environment(sources, None);
    kept.set_cache_size(CacheSize::Unbounded);
    ways.push(Way { name: "template in memory", waits: false, environment: kept, cache: None });
    for way in &ways {
        names.iter().try_for_each(|name| way.get(name))?;
    }
    Ok(ways)
}

/// The templates of a folder in a bundle.
fn bundle(sources: &Path, scratch: &Path, sealed: bool) -> Result<Bundle, String> {
    let bytes = environment(sources, None).bundle(sealed).map_err(|error| error.to_string())?;
    let path = scratch.join(if sealed { "sealed.haiden" } else { "checked.haiden" });
    std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Bundle::open(&path).map_err(|error| error.to_string())
}

/// An environment of a sealed bundle, without sources.
fn serving(bundle: &Arc<Bundle>) -> Environment {
    let mut environment = Environment::new();
    environment.set_autoescape(true);
    environment.set_cache_size(CacheSize::Nothing);
    environment.set_bundle(Some(Arc::clone(bundle)));
    environment
}

fn environment(sources: &Path, cache: Option<Arc<dyn BytecodeCache>>) -> Environment {
    let mut environment = Environment::new();
    environment.set_loader(FileSystemLoader::new(sources));
    environment.set_autoescape(true);
    environment.set_cache_size(CacheSize::Nothing);
    environment.set_bytecode_cache(cache);
    environment
}

/// A site out of a sealed bundle, for who measures something else beside it: what gets all its templates once, out of a
/// bundle that was opened just before, and how long that took.
pub(crate) fn site(sources: &Path, scratch: &Path) -> Result<impl Fn() -> Result<u64, String>, String> {
    let names: Vec<String> = bundle(sources, scratch, true)?.names().map(str::to_owned).collect();
    let path = scratch.join("sealed.haiden");
    Ok(move || {
        let bundle = Arc::new(Bundle::open(&path).map_err(|error| error.to_string())?);
        let mut environment = serving(&bundle);
        environment.set_cache_size(CacheSize::default());
        let start = clock::thread_nanoseconds();
        let get = |name: &String| environment.get_template(name).map(|template| drop(black_box(template)));
        names.iter().try_for_each(get).map_err(|error| error.to_string())?;
        Ok(clock::thread_nanoseconds() - start)
    })
}

/// The bytes of the entries in a directory.
pub(crate) fn entries(directory: &Path) -> Result<Vec<Vec<u8>>, String> {
    let complain = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut entries = Vec::new();
    for file in std::fs::read_dir(directory).map_err(complain)? {
        entries.push(std::fs::read(file.map_err(complain)?.path()).map_err(complain)?);
    }
    Ok(entries)
}

/// The digest of an entry, which finds damage.
pub(crate) fn digest_entry(bytes: &[u8]) -> Result<(), String> {
    black_box(Frame::parse(bytes, bytes.len()).map_err(|reason| reason.to_string())?);
    Ok(())
}

/// The digest of a source, by which its entry is found.
pub(crate) fn digest_source(source: &str) {
    black_box(haiden_bytecode::source_digest(source));
}

/// What reading a source costs, alone.
pub(crate) fn read(loader: &FileSystemLoader, name: &str) -> Result<(), String> {
    black_box(loader.get_source(name).map_err(|error| error.to_string())?);
    Ok(())
}
