//! Bundles as bytes: round trips, every cut, every flipped byte, forged fields with a right digest.

use std::collections::BTreeMap;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use super::*;
use crate::ContentKey;

const NAMES: [&str; 4] = ["a.html", "größe/ß.txt", "page.html", "twin.html"];

fn key(source: &str) -> ContentKey {
    ContentKey::new([("source", source.as_bytes())])
}

/// Three entries; the last two names share one.
fn builder(order: &[usize]) -> BundleBuilder {
    let mut builder = BundleBuilder::new().sealed(true);
    for &at in order {
        let source = NAMES[at.min(2)];
        builder.add(NAMES[at], key(source), "sum", format!("bytecode of {source}").as_bytes()).unwrap();
    }
    builder
}

fn sample() -> Vec<u8> {
    builder(&[0, 1, 2, 3]).to_bytes().unwrap()
}

/// All that can be asked of a bundle. An answer has to be one that was put in.
fn ask(bytes: &[u8]) -> Result<usize, CacheErrorKind> {
    let bundle = Bundle::from_bytes(bytes).map_err(|error| error.kind())?;
    let mut answered = 0;
    for name in bundle.names().map(str::to_owned).collect::<Vec<_>>() {
        let range = bundle.template_range(&name);
        assert_eq!(range.map(|found| found.map(|range| &bundle.bytes()[range])), bundle.template(&name));
        if let Some(Ok(bytecode)) = bundle.template(&name) {
            assert!(bytecode.starts_with(b"bytecode of "), "{name}");
            answered += 1;
        }
    }
    for source in &NAMES[..3] {
        let mut bucket = Bucket::new("", "").with_content_key(key(source));
        bundle.lookup(&mut bucket).unwrap();
        let expected = format!("bytecode of {source}");
        assert!(bucket.bytecode().is_none_or(|code| code[..] == *expected.as_bytes()));
        answered += usize::from(bucket.bytecode().is_some());
    }
    for entry in bundle.entries().unwrap().flatten() {
        assert!(entry.bytecode.starts_with(b"bytecode of "));
    }
    Ok(answered)
}

#[test]
fn what_was_added_is_found() {
    let bundle = Bundle::from_bytes(sample()).unwrap();
    assert_eq!(bundle.names().collect::<Vec<_>>(), NAMES);
    assert_eq!(bundle.template("größe/ß.txt"), Some(Ok("bytecode of größe/ß.txt".as_bytes())));
    assert_eq!(bundle.template("twin.html"), Some(Ok(&b"bytecode of page.html"[..])));
    for absent in ["", "a", "a.html0", "zzz", "b.html"] {
        assert_eq!(bundle.template(absent), None, "{absent}");
    }
    let figures = bundle.statistics();
    assert_eq!((figures.hits, figures.misses, figures.size, figures.max_size), (2, 5, Some(3), Some(3)));
    bundle.reject(Rejection::Options);
    assert_eq!(bundle.statistics().rejections.get(Rejection::Options), 1);

    let entries: Vec<_> = bundle.entries().unwrap().map(Result::unwrap).collect();
    assert!(entries.is_sorted_by(|a, b| a.key < b.key));
    assert_eq!((entries[0].checksum.as_str(), entries[0].created_at), ("sum", None));
    assert_eq!(ask(&sample()), Ok(7));
}

#[test]
fn a_bundle_takes_nothing() {
    let bundle = Bundle::from_bytes(sample()).unwrap();
    let mut bucket = Bucket::new("key", "sum");
    assert_eq!(bundle.dump_bytecode(&bucket).unwrap_err().kind(), CacheErrorKind::EmptyBucket);
    bucket.set_bytecode(&b"code"[..]);
    assert_eq!(bundle.dump_bytecode(&bucket).unwrap_err().kind(), CacheErrorKind::ReadOnly);
    bundle.set_bucket(&bucket).unwrap();
    assert_eq!((bundle.statistics().skipped_writes, bundle.clear().unwrap()), (1, crate::Cleared::default()));
}

#[test]
fn the_order_of_adding_does_not_show() {
    for order in [[3, 2, 1, 0], [2, 0, 3, 1]] {
        assert_eq!(builder(&order).to_bytes().unwrap(), sample());
    }
}

#[test]
fn an_unsealed_bundle_answers_by_content_key_alone() {
    let bundle = Bundle::from_bytes(builder(&[0]).sealed(false).to_bytes().unwrap()).unwrap();
    assert_eq!((bundle.is_sealed(), bundle.template("a.html")), (false, None));
    let mut bucket = Bucket::new("", "").with_content_key(key("a.html"));
    bundle.lookup(&mut bucket).unwrap();
    assert_eq!((bundle.statistics().hits, bundle.statistics().misses), (1, 0));
}

#[test]
fn what_cannot_be_bundled() {
    let mut builder = builder(&[0]);
    let twice = builder.add("a.html", key("another"), "", b"code").unwrap_err();
    assert!(twice.to_string().contains("a.html"), "{twice}");
    assert_eq!(builder.add("b", key("b"), "", b"").unwrap_err().kind(), CacheErrorKind::EmptyBucket);
    assert_eq!(
        builder.add("b", key("b"), &"x".repeat(2000), b"c").unwrap_err().kind(),
        CacheErrorKind::TooLarge
    );
    assert_eq!(builder.len(), 1, "what failed is not half added");
    assert_eq!(builder.to_bytes().unwrap(), self::builder(&[0]).to_bytes().unwrap());
}

#[test]
fn an_empty_bundle_is_a_bundle() {
    let bundle = Bundle::from_bytes(BundleBuilder::new().sealed(true).to_bytes().unwrap()).unwrap();
    assert_eq!((bundle.names().count(), bundle.size(), bundle.template("a")), (0, Some(0), None));
}

#[test]
fn times_are_told_if_they_were_given() {
    let made = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let bytes = builder(&[0]).created_at(made).to_bytes();
    // The time counts for what is added after it.
    assert_eq!(bytes.unwrap(), builder(&[0]).to_bytes().unwrap());
    let mut builder = BundleBuilder::new().created_at(made);
    builder.add("a", key("a"), "", b"bytecode of a").unwrap();
    let bundle = Bundle::from_bytes(builder.to_bytes().unwrap()).unwrap();
    assert_eq!(bundle.entries().unwrap().next().unwrap().unwrap().created_at, Some(made));
}

#[test]
fn cut_off_at_every_length() {
    let bytes = sample();
    for length in 0..bytes.len() {
        let reason = Rejection::Truncated;
        assert_eq!(ask(&bytes[..length]), Err(CacheErrorKind::Rejected(reason)), "{length}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(ask(&longer), Err(CacheErrorKind::Rejected(Rejection::Trailing)));
}

/// A flipped byte in the index is an error; one in an entry is a miss of that entry, by each of its names and its key.
#[test]
fn every_byte_flipped() {
    let good = sample();
    let record = |at| format::record(&good, at).unwrap();
    let frames = record(0).span.start;
    let mut lost = BTreeMap::new();
    for at in 0..good.len() {
        for flip in [1, 0x80, 0xFF] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            match ask(&bytes) {
                Err(CacheErrorKind::Rejected(_)) if at < frames => {}
                Ok(answered) if at >= frames => {
                    let entry = (0..3).find(|&entry| record(entry).span.contains(&at)).unwrap();
                    let twins = record(entry).key == key("page.html");
                    assert_eq!(answered, if twins { 4 } else { 5 }, "byte {at} ^ {flip}");
                    *lost.entry(entry).or_insert(0) += 1;
                }
                other => panic!("byte {at} ^ {flip}: {other:?}"),
            }
        }
    }
    assert_eq!(lost.len(), 3);
}

/// The sample with one field overwritten and the digest of the index made right again.
fn forged(at: usize, field: &[u8]) -> Vec<u8> {
    let mut bytes = sample();
    let index_end = format::record(&bytes, 0).unwrap().span.start;
    bytes[at..at + field.len()].copy_from_slice(field);
    let digest = xxh3_128(&bytes[format::DIGESTED..index_end]);
    bytes[16..32].copy_from_slice(&digest.to_le_bytes());
    bytes
}

#[test]
fn forged_indexes() {
    use format::{ENTRY, HEADER};
    let names = HEADER + 3 * ENTRY;
    let text = names + 4 * format::NAME;
    let cases: &[(usize, &[u8], Rejection)] = &[
        (8, &[2, 0], Rejection::Version),
        (10, &[1], Rejection::Structure),
        (32, &[4, 0], Rejection::Structure),       // an unknown flag
        (32, &[2, 0], Rejection::Structure),       // a tag of no key
        (36, &[1, 0, 0, 0], Rejection::Structure), // a key id without a tag
        (40, &[255; 4], Rejection::Structure),     // more entries than bytes
        (44, &[255; 4], Rejection::Structure),     // more names than bytes
        (48, &[255; 4], Rejection::Structure),     // more text than bytes
        (56, &[255; 8], Rejection::Truncated),     // a length that is not there
        (56, &[0; 8], Rejection::Trailing),
        (HEADER, &[255; 32], Rejection::Structure), // keys that do not ascend
        (HEADER + 32, &[0; 8], Rejection::Structure), // an entry that lies in the header
        (HEADER + 32, &[255; 8], Rejection::Structure), // offset and length overflow
        (HEADER + 40, &[0; 8], Rejection::Structure), // an entry of no bytes
        (HEADER + 40, &[255; 8], Rejection::Structure),
        (names, &[255; 4], Rejection::Structure), // a name that ends behind the text
        (names + 8, &[0; 4], Rejection::Structure), // names that overlap
        (names + 4, &[3, 0, 0, 0], Rejection::Structure), // an entry that is not there
        (text, b"\xff", Rejection::Structure),    // a name that is no UTF-8
        (text, b"z", Rejection::Structure),       // names that do not ascend
    ];
    for (at, field, reason) in cases {
        let found = ask(&forged(*at, field));
        match found {
            // Counts that reach beyond the digested part are refused before or after the digest.
            Err(CacheErrorKind::Rejected(Rejection::Digest)) if (40..52).contains(at) => {}
            found => assert_eq!(found, Err(CacheErrorKind::Rejected(*reason)), "{field:?} at {at}"),
        }
    }
}

/// An index that leads to another template's entry is found out by the entry's own content key.
#[test]
fn swapped_entries_are_misses() {
    let bytes = sample();
    let (first, second) = (format::record(&bytes, 0).unwrap(), format::record(&bytes, 1).unwrap());
    let at = format::HEADER;
    let mut keys = second.key.as_bytes().to_vec();
    keys[31] ^= 1;
    let (low, high) = (first.key.as_bytes(), ContentKey::from_bytes(keys.try_into().unwrap()));
    assert!(first.key < high);
    let mut forged_bytes = forged(at, low);
    forged_bytes = {
        let mut bytes = forged_bytes;
        bytes[at + format::ENTRY..at + format::ENTRY + 32].copy_from_slice(high.as_bytes());
        let digest = xxh3_128(&bytes[format::DIGESTED..first.span.start]);
        bytes[16..32].copy_from_slice(&digest.to_le_bytes());
        bytes
    };
    let bundle = Bundle::from_bytes(forged_bytes).unwrap();
    let mut bucket = Bucket::new("", "").with_content_key(high);
    bundle.lookup(&mut bucket).unwrap();
    assert_eq!((bucket.bytecode(), bucket.rejection()), (None, Some(Rejection::Key)));
}

#[test]
fn noise_never_panics() {
    let good = sample();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let end = format::record(&good, 0).unwrap().span.start;
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=random(4) {
            let at = random(end);
            bytes[at] = random(256) as u8;
        }
        let digest = xxh3_128(&bytes[format::DIGESTED..end]);
        bytes[16..32].copy_from_slice(&digest.to_le_bytes());
        let _ = ask(&bytes);
    }
}

fn keys(letter: &str) -> KeyRing {
    KeyRing::new(letter.repeat(40)).unwrap()
}

fn signed() -> Vec<u8> {
    let mut builder = BundleBuilder::new().sealed(true).signed_by(keys("a"));
    for name in &NAMES[..3] {
        builder.add(name, key(name), "sum", format!("bytecode of {name}").as_bytes()).unwrap();
    }
    builder.to_bytes().unwrap()
}

#[test]
fn a_signed_bundle_needs_one_of_its_keys() {
    let opens = |bytes: Vec<u8>, ring: KeyRing| {
        let bundle = Bundle::from_bytes_signed(bytes, ring).map_err(|error| error.kind())?;
        Ok(bundle.template("a.html").is_some_and(|found| found.is_ok()))
    };
    let answers = |ring| opens(signed(), ring);
    let refused = Err(CacheErrorKind::Rejected(Rejection::Authentication));
    assert_eq!(answers(keys("a")), Ok(true));
    assert_eq!(answers(keys("b").with("a".repeat(40)).unwrap()), Ok(true), "all keys of a ring check");
    assert_eq!(answers(keys("b")), refused);
    assert_eq!(opens(sample(), keys("a")), refused);
    // Who has no keys asks for no tags.
    assert_eq!(ask(&signed()), Ok(6));
    assert_eq!(signed(), signed(), "the same bytes each time");
}

/// Somebody without the key makes every digest right. He gets nothing but misses and refusals.
#[test]
fn forging_a_signed_bundle() {
    let good = signed();
    let end = format::record(&good, 0).unwrap().span.start - format::TAG;
    let index = |mut bytes: Vec<u8>| {
        let digest = xxh3_128(&bytes[format::DIGESTED..end]);
        bytes[16..32].copy_from_slice(&digest.to_le_bytes());
        bytes
    };
    for at in format::DIGESTED..end {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert!(Bundle::from_bytes_signed(index(bytes), keys("a")).is_err(), "byte {at}");
    }
    for at in end..end + format::TAG {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert!(Bundle::from_bytes_signed(bytes, keys("a")).is_err(), "byte {at} of the tag");
    }
    // An entry of another key in the place of the right one: the same index, another tag.
    let entry = format::record(&good, 0).unwrap().span;
    let frame = Frame::parse(&good[entry.clone()], 1 << 20).unwrap();
    let forged = Frame { bytecode: &frame.bytecode.to_ascii_uppercase(), ..frame };
    let forged = forged.encode_signed(&keys("b")).unwrap();
    assert_eq!(forged.len(), entry.len());
    let content_key = frame.content_key;
    let mut bytes = good.clone();
    bytes[entry].copy_from_slice(&forged);
    let bundle = Bundle::from_bytes_signed(bytes, keys("a")).unwrap();
    let mut bucket = Bucket::new("", "").with_content_key(content_key);
    bundle.lookup(&mut bucket).unwrap();
    assert_eq!((bucket.bytecode(), bucket.rejection()), (None, Some(Rejection::Authentication)));
    let found = bundle.names().filter(|name| bundle.template(name).is_some_and(|found| found.is_err()));
    assert_eq!(found.count(), 1);
}
