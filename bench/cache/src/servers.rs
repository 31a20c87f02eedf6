//! What of a hit in a server is the network's: looking entries up, one by one and a hundred at once, beside a bare TCP
//! ping-pong that carries as many bytes.
//!
//! Templates have no part in it: a cache moves bytes. The clock is the wall's, since all of them wait for somebody.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

use haiden::cache::{Bucket, BytecodeCache as _, CacheError, ContentKey};

use crate::subject::{Named, Servers};
use crate::{digits, median};

/// Kilobytes of an entry.
const SIZES: [usize; 4] = [1, 4, 16, 64];
/// Entries of a size.
const ENTRIES: usize = 100;
/// As many bytes as a request for an entry has, about.
const REQUEST: usize = 100;
/// What an entry has beside its bytecode.
const FRAME: usize = 96;

/// A cache, and what it took at each size, one by one and at once, in nanoseconds an entry.
struct Row {
    name: &'static str,
    times: Vec<(f64, f64)>,
}

/// The table: for each size the ping-pong, and each server's times.
pub(crate) fn table(servers: &Servers, rounds: usize) -> Result<String, String> {
    let caches = servers.caches()?;
    let mut pings = Vec::with_capacity(SIZES.len());
    let mut rows: Vec<Row> = caches.iter().map(|(name, _)| Row { name, times: Vec::new() }).collect();
    for kilobytes in SIZES {
        let (ping, times) = measure(&caches, kilobytes << 10, rounds).map_err(|error| error.to_string())?;
        pings.push(ping);
        for (row, time) in rows.iter_mut().zip(times) {
            row.times.push(time);
        }
    }
    let sizes: Vec<String> = SIZES.iter().map(|size| format!("{size} KB")).collect();
    let mut text = format!("| | {} |\n|---|{}", sizes.join(" | "), "---:|".repeat(SIZES.len()));
    let mut add = |name: String, cells: Vec<String>| {
        let _ = write!(text, "\n| {name} | {} |", cells.join(" | "));
    };
    let micros = |time: f64| format!("{} µs", digits(time / 1e3));
    add("bare TCP ping-pong".to_owned(), pings.iter().map(|&ping| micros(ping)).collect());
    for Row { name, times } in rows {
        let against =
            |(&(each, _), ping): (&(f64, f64), &f64)| format!("{} ({}x)", micros(each), digits(each / ping));
        add(
            format!("{name}, one by one (times the ping-pong)"),
            times.iter().zip(&pings).map(against).collect(),
        );
        let faster = |&(each, share): &(f64, f64)| format!("{} ({}x)", micros(share), digits(each / share));
        add(format!("{name}, {ENTRIES} at once (times faster)"), times.iter().map(faster).collect());
    }
    Ok(text)
}

/// Median nanoseconds an entry of this size: of the ping-pong; of each cache, one by one and at once.
fn measure(caches: &[Named], bytes: usize, rounds: usize) -> Result<(f64, Vec<(f64, f64)>), CacheError> {
    let mut buckets: Vec<Bucket<'static>> = (0..ENTRIES).map(|index| entry(bytes, index)).collect();
    for (_, cache) in caches {
        buckets.iter().try_for_each(|bucket| cache.set_bucket(bucket))?;
    }
    let mut ping_pong = PingPong::start(bytes + FRAME)?;
    let mut pings = Vec::with_capacity(rounds);
    let mut samples: Vec<[Vec<f64>; 2]> = caches.iter().map(|_| Default::default()).collect();
    for round in 0..=rounds {
        let time = |into: &mut Vec<f64>, work: &mut dyn FnMut() -> Result<(), CacheError>| {
            let start = Instant::now();
            work()?;
            if round > 0 {
                into.push(start.elapsed().as_nanos() as f64 / ENTRIES as f64);
            }
            Ok::<_, CacheError>(())
        };
        time(&mut pings, &mut || Ok((0..ENTRIES).try_for_each(|_| ping_pong.turn())?))?;
        for ((_, cache), [each, at_once]) in caches.iter().zip(&mut samples) {
            time(each, &mut || buckets.iter_mut().try_for_each(|bucket| cache.lookup(bucket)))?;
            time(at_once, &mut || cache.lookup_many(&mut buckets.iter_mut().collect::<Vec<_>>()))?;
            assert!(buckets.iter().all(|bucket| bucket.bytecode().is_some()), "all entries are there");
            black_box(&buckets);
        }
    }
    let medians = samples.into_iter().map(|[each, at_once]| (median(each), median(at_once)));
    Ok((median(pings), medians.collect()))
}

/// An entry like no other one.
fn entry(bytes: usize, index: usize) -> Bucket<'static> {
    let number = index.to_le_bytes();
    let key = ContentKey::new([("size", &bytes.to_le_bytes()[..]), ("index", &number)]);
    let mut bucket = Bucket::new(format!("{bytes}/{index}"), "").with_content_key(key);
    bucket.set_bytecode(number.iter().copied().cycle().take(bytes).collect::<Vec<u8>>());
    bucket
}

/// Somebody who answers each request with as many bytes as an entry has.
struct PingPong {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl PingPong {
    fn start(bytes: usize) -> std::io::Result<PingPong> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let stream = TcpStream::connect(listener.local_addr()?)?;
        stream.set_nodelay(true)?;
        // It ends when the other side closes the connection.
        std::thread::spawn(move || -> std::io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            let (mut request, answer) = ([0; REQUEST], vec![1; bytes]);
            loop {
                stream.read_exact(&mut request)?;
                stream.write_all(&answer)?;
            }
        });
        Ok(PingPong { stream, answer: vec![0; bytes] })
    }

    fn turn(&mut self) -> std::io::Result<()> {
        self.stream.write_all(&[0; REQUEST])?;
        self.stream.read_exact(&mut self.answer)
    }
}
