//! What makes an entry useless: another engine, another format, another version of the template in the same place.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use haiden::Environment;
use haiden::cache::{Bucket, BytecodeCache, CacheError, Counters, Rejection};
use haiden::loader::DictLoader;

/// A store as Jinja2's documentation shows them: under `bucket.key`, whatever is written there.
#[derive(Default)]
struct ByName {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    counters: Counters,
}

impl BytecodeCache for ByName {
    fn load_bytecode(&self, bucket: &mut Bucket<'_>) -> Result<(), CacheError> {
        if let Some(bytes) = self.entries.lock().unwrap().get(bucket.key()) {
            bucket.bytecode_from_string(bytes);
        }
        Ok(())
    }
    fn dump_bytecode(&self, bucket: &Bucket<'_>) -> Result<(), CacheError> {
        self.entries.lock().unwrap().insert(bucket.key().to_owned(), bucket.bytecode_to_string()?);
        Ok(())
    }
    fn counters(&self) -> Option<&Counters> {
        Some(&self.counters)
    }
}

fn render(cache: &Arc<ByName>, source: &str) -> String {
    let mut environment = Environment::new();
    environment.set_loader(DictLoader::new([("page", source.to_owned())]));
    environment.set_bytecode_cache(Some(cache.clone()));
    environment.get_template("page").unwrap().render(&()).unwrap()
}

/// Two versions have one place in such a store: they take turns, and neither is ever served for the other.
#[test]
fn versions_take_turns_in_a_store_that_goes_by_names() {
    let cache = Arc::new(ByName::default());
    for worker in 0..20 {
        let version = format!("version {}", worker % 2);
        assert_eq!(render(&cache, &version), version);
    }
    let figures = cache.statistics();
    assert_eq!((figures.hits, figures.misses, figures.rejections.get(Rejection::Key)), (0, 20, 19));
    // Once all workers have the new version, it is a hit for all.
    for _ in 0..5 {
        assert_eq!(render(&cache, "version 1"), "version 1");
    }
    assert_eq!(cache.statistics().hits, 5);
}

/// Bytecode of another engine, whole and under the right key: as if an older haiden had had the same keys.
#[test]
fn bytecode_of_another_engine_is_a_miss() {
    // Where an image says what it was made by and for (`docs/image-format.md`).
    for (what, at, reason) in [
        ("magic", 0, Rejection::Magic),
        ("format", 8, Rejection::Version),
        ("compiler", 12, Rejection::InstructionSet),
        ("instruction set", 16, Rejection::InstructionSet),
        ("source", 32, Rejection::Source),
        ("options", 64, Rejection::Options),
    ] {
        let cache = Arc::new(ByName::default());
        assert_eq!(render(&cache, "{{ 1 + 1 }}"), "2");
        let old = cache.entries.lock().unwrap().values().next().unwrap().clone();
        let frame = haiden::cache::Frame::parse(&old, 1 << 20).unwrap();
        let mut image = frame.bytecode.to_vec();
        image[at] ^= 1;
        let mut bucket = Bucket::new("page", frame.checksum).with_content_key(frame.content_key);
        bucket.set_bytecode(image);
        let forged = bucket.bytecode_to_string().unwrap();
        for entry in cache.entries.lock().unwrap().values_mut() {
            entry.clone_from(&forged);
        }
        assert_eq!(render(&cache, "{{ 1 + 1 }}"), "2", "{what}");
        let figures = cache.statistics();
        assert_eq!(
            (figures.hits, figures.misses, figures.rejections.get(reason)),
            (0, 2, 1),
            "{what}: {figures}"
        );
        assert_eq!(render(&cache, "{{ 1 + 1 }}"), "2", "{what}");
        assert_eq!(cache.statistics().hits, 1, "{what}: it was written anew");
    }
}
