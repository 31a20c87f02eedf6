//! Any bytes as what a Memcached or Redis server answers: each question ends, with this key's bytecode or with an error.
//!
//! In: a byte that names the server and how its answers arrive, a byte for each of two questions, then the answers. Out:
//! nothing; a panic is a find, and so is what takes long or much memory: an answer may announce any length.
#![no_main]

use haiden::cache::BytecodeCache;
use haiden_fuzz::replies::{MAX_ENTRY, bucket, cache, filled};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&[mode, first, second], answers)) = input.split_first_chunk() else { return };
    let cache = cache(mode, answers);
    for question in [first, second] {
        ask(&*cache, question);
    }
    std::hint::black_box(cache.counters().map(|counters| format!("{counters:?}").len()));
});

fn ask(cache: &dyn BytecodeCache, question: u8) {
    match question % 6 {
        0 => {
            let mut asked = bucket(0);
            let _answer = cache.load_bytecode(&mut asked);
            assert!(asked.bytecode().is_none_or(|code| code.len() <= MAX_ENTRY));
        }
        1 => {
            let mut buckets: Vec<_> = (0..3).map(bucket).collect();
            let _answer = cache.load_many(&mut buckets.iter_mut().collect::<Vec<_>>());
        }
        2 => drop(cache.dump_bytecode(&filled(0))),
        3 => drop(cache.clear()),
        4 => drop(cache.size()),
        _ => drop(cache.entries().map(|entries| entries.take(100).count())),
    }
}
