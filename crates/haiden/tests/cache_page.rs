//! The Rust code of `docs/cache.md` is what runs here, line by line.

use std::error::Error;
use std::sync::Arc;

use haiden::Environment;
use haiden::cache::{
    Authenticated, Bundle, BytecodeCache, Failures, KeyRing, MemoryBytecodeCache, Tier, TieredBytecodeCache,
};
#[cfg(unix)]
use haiden::cache::{DEFAULT_PATTERN, FileSystemBytecodeCache};

type Result = std::result::Result<(), Box<dyn Error>>;

fn bundle() -> Result {
    let mut site = Environment::new();
    site.add_template("page", "{{ 1 + 1 }}")?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("site.haiden");
    std::fs::write(&path, site.bundle(true)?)?;
    let name = path.to_str().expect("a path in UTF-8");
    let mut environment = Environment::new();
    environment.set_bundle(Some(Arc::new(Bundle::open(name)?)));
    assert_eq!(environment.get_template("page")?.render(&())?, "2");
    Ok(())
}

#[cfg(unix)]
fn tiers() -> Result {
    let keys = KeyRing::new("0123456789abcdef0123456789abcdef")?;
    let shared = Authenticated::new(MemoryBytecodeCache::new(10, 1 << 20), keys);
    let cache = TieredBytecodeCache::new([
        Tier::new("memory", MemoryBytecodeCache::new(1000, 64 << 20)),
        Tier::new("disk", FileSystemBytecodeCache::new(None, DEFAULT_PATTERN)?),
        Tier::new("shared", shared).failures(Failures::Warn),
    ]);
    assert_eq!(cache.statistics().tiers.len(), 3);
    Ok(())
}

#[test]
fn the_code_of_the_page_runs() -> Result {
    bundle()?;
    #[cfg(unix)]
    tiers()?;
    Ok(())
}

#[test]
fn the_code_of_the_page_is_here() {
    let (page, here) = (include_str!("../../../docs/cache.md"), include_str!("cache_page.rs"));
    let here: Vec<_> = here.lines().map(str::trim).collect();
    let blocks = page.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut lines = 0;
    for line in blocks.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()) {
        // The test's bundle lies in a folder of its own.
        let line = line.replace("\"site.haiden\"", "name");
        assert!(here.contains(&&*line), "{line}");
        lines += 1;
    }
    assert!(lines > 5);
}
