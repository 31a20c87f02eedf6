//! Writes the first inputs of the fuzz targets: the corpus' templates, as sources, images and bundles; and what servers say.
//!
//! In: the folder of the corpus' cases, the folder to write to. Out: `load/`, `render/`, `bundle/` and `replies/` in it.
//! Invariant: a seed starts with the bytes that its target reads as options.

use std::error::Error;
use std::fs;
use std::path::Path;

use haiden::cache::BundleBuilder;
use haiden_fuzz::replies::{MEMCACHED, NO_PASSWORD, PREFIX, REDIS, filled};
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
    for target in ["load", "render", "bundle", "replies"] {
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
    for (number, replies) in conversations()?.iter().enumerate() {
        fs::write(out.join("replies").join(number.to_string()), replies)?;
    }
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

/// What servers answer who behave, and some who do not; behind the mode and two questions of the target `replies`.
fn conversations() -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut all = Vec::new();
    let plain = REDIS | NO_PASSWORD;
    let mut say = |mode: u8, questions: [u8; 2], parts: &[&[u8]]| {
        for pieces in 0..4 {
            all.push([&[mode | pieces << 2], &questions[..], &parts.concat()].concat());
        }
    };
    let (mut memcached, mut redis, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..3 {
        let bucket = filled(number);
        let (key, entry) = (bucket.content_key(), bucket.bytecode_to_string()?);
        let head = format!("VA {} k{PREFIX}00000000000000a1/{key}\r\n", entry.len());
        memcached.push([head.as_bytes(), &entry, b"\r\n"].concat());
        redis.push([format!("${}\r\n", entry.len()).as_bytes(), &entry, b"\r\n"].concat());
        names.push(format!("$66\r\n{PREFIX}{key}\r\n"));
    }
    let namespace = format!("VA 16 k{PREFIX}namespace\r\n00000000000000a1\r\n");
    let namespace = namespace.as_bytes();
    let (memcached_list, redis_list, names) = (memcached.concat(), redis.concat(), names.concat());
    let listed = [b"*2\r\n$1\r\n0\r\n*3\r\n", names.as_bytes()].concat();
    let many = [b"*3\r\n", &redis_list[..]].concat();

    say(MEMCACHED, [0, 0], &[namespace, &memcached[0], b"EN\r\n"]);
    say(MEMCACHED, [1, 1], &[namespace, &memcached_list, b"MN\r\nMN\r\n"]);
    say(MEMCACHED, [2, 3], &[b"EN\r\nHD\r\nHD\r\nHD\r\n"]);
    say(MEMCACHED, [2, 3], &[b"EN\r\nNS\r\n", namespace, b"SERVER_ERROR out of memory\r\n"]);
    say(MEMCACHED, [0, 2], &[namespace, b"VA 20000000000 kp/x\r\n", b"SERVER_ERROR object too large\r\n"]);
    say(REDIS, [0, 0], &[b"+OK\r\n+OK\r\n", &redis[0], b"$-1\r\n"]);
    say(plain, [1, 2], &[&many, b"+OK\r\n"]);
    say(plain, [3, 3], &[&listed, b":3\r\n*2\r\n$2\r\n17\r\n*0\r\n*2\r\n$1\r\n0\r\n*0\r\n"]);
    say(plain, [4, 5], &[b":3\r\n", &listed, &listed, &many]);
    say(plain, [0, 2], &[b"$20000000000\r\n-OOM command not allowed\r\n"]);
    say(REDIS, [0, 2], &[b"-NOAUTH Authentication required.\r\n+OK\r\n+OK\r\n-READONLY You can't write\r\n"]);
    Ok(all)
}
