//! What of a hit in a server is the network's: looking entries up, one by one and a hundred at once, beside a bare TCP
//! ping-pong that carries as many bytes, and beside the same question put to the same server with nothing done to the answer.
//!
//! Templates have no part in it: a cache moves bytes. The clock is the wall's, since all of them wait for somebody. All take
//! turns within each round, and a ratio is the median of the ratios of the rounds. The digest of an entry, which is the price of
//! a check and not of a server, is timed apart. Everybody stays where he is, once all on one processor and once those who ask
//! on one and those who answer on another: where the two ends of a connection are moved about, a turn takes once 15 µs and
//! once 60, and ratios say nothing.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use haiden::cache::{Bucket, BytecodeCache as _, CacheError, ContentKey};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use xxhash_rust::xxh3::xxh3_128;

use crate::subject::{self, Asked, Servers};
use crate::{digits, quartiles};

/// Kilobytes of an entry.
const SIZES: [usize; 4] = [1, 4, 16, 64];
/// Entries of a size.
const ENTRIES: usize = 100;
/// How many of them are looked up before another one has its turn.
const STRETCH: usize = 10;
/// As many bytes as a request for an entry has, about.
const REQUEST: usize = 100;
/// How many bytes are read at once where many come.
const READ: usize = 128 << 10;
/// What an entry has beside its bytecode.
const FRAME: usize = 96;

/// What is timed in each round: the ping-pong and the digests; of each server the question alone, look-ups, all questions at
/// once and all look-ups at once.
const ALL: usize = 2;
const EACH: usize = 4;

/// Nanoseconds an entry by what was timed, one of each round.
type Samples = Vec<Vec<f64>>;

/// Who is on which processor.
#[derive(Clone, Copy)]
struct Layout {
    /// Who asks: this thread.
    client: usize,
    /// Who answers.
    server: usize,
}

impl Layout {
    /// All on one processor; and, if there are two, each on his own.
    fn all() -> std::io::Result<Vec<(&'static str, Layout)>> {
        let here = sched_getaffinity(None)?;
        let mut free = (0..CpuSet::MAX_CPU).filter(|&processor| here.is_set(processor));
        let client = free.next().unwrap_or_default();
        let mut layouts = vec![("on one processor", Layout { client, server: client })];
        layouts.extend(free.next().map(|server| ("on two", Layout { client, server })));
        Ok(layouts)
    }

    /// Keeps this thread, and those and the servers that it starts from now on, where servers are.
    fn serve(self) -> std::io::Result<()> {
        stay(self.server)
    }

    /// Keeps this thread where it asks.
    fn ask(self) -> std::io::Result<()> {
        stay(self.client)
    }
}

fn stay(processor: usize) -> std::io::Result<()> {
    let mut here = CpuSet::new();
    here.set(processor);
    Ok(sched_setaffinity(None, &here)?)
}

/// The table: for each layout and size the ping-pong, and each server's times. The thread stays where it is then.
pub(crate) fn table(rounds: usize) -> Result<String, String> {
    let complain = |error: std::io::Error| format!("cannot stay on one processor: {error}");
    let sizes: Vec<String> = SIZES.iter().map(|size| format!("{size} KB")).collect();
    let mut text = format!("| | {} |\n|---|{}", sizes.join(" | "), "---:|".repeat(SIZES.len()));
    for (number, (name, layout)) in Layout::all().map_err(complain)?.into_iter().enumerate() {
        layout.serve().map_err(complain)?;
        let servers = Servers::start();
        let caches = servers.asked()?;
        let mut columns: Vec<Samples> = Vec::with_capacity(SIZES.len());
        for kilobytes in SIZES {
            columns
                .push(measure(&caches, layout, kilobytes << 10, rounds).map_err(|error| error.to_string())?);
        }
        let _ = write!(text, "\n| *{name}:* |{}", " |".repeat(SIZES.len()));
        rows(&mut text, &caches, &columns, number == 0);
    }
    Ok(text)
}

/// The rows of a layout.
fn rows(text: &mut String, caches: &[Asked], columns: &[Samples], with_digest: bool) {
    let mut add = |name: &str, cell: &dyn Fn(&Samples) -> String| {
        let cells: Vec<String> = columns.iter().map(cell).collect();
        let _ = write!(text, "\n| {name} | {} |", cells.join(" | "));
    };
    if with_digest {
        add("the digest of an entry", &|samples| micros(&samples[1]));
    }
    add("bare TCP ping-pong", &|samples| micros(&samples[0]));
    for (turn, Asked { name, .. }) in caches.iter().enumerate() {
        let first = ALL + EACH * turn;
        let against = |samples: &Samples, of: usize| {
            format!("{}, {}", micros(&samples[of]), ratio(&samples[of], &samples[0]))
        };
        add(&format!("{name}, the question alone"), &|samples| against(samples, first));
        add(&format!("**{name}, a look-up**"), &|samples| against(samples, first + 1));
        let at_once = |samples: &Samples, one: usize, all: usize| {
            format!("{}, {}", micros(&samples[all]), ratio(&samples[one], &samples[all]))
        };
        add(&format!("{name}, {ENTRIES} questions alone at once, each (times faster)"), &|samples| {
            at_once(samples, first, first + 2)
        });
        add(&format!("**{name}, {ENTRIES} look-ups at once, each (times faster)**"), &|samples| {
            at_once(samples, first + 1, first + 3)
        });
    }
}

fn micros(samples: &[f64]) -> String {
    format!("{} µs", digits(quartiles(samples.to_vec())[1] / 1e3))
}

/// The median of the ratios of the rounds, and between which the half of them lies.
fn ratio(of: &[f64], to: &[f64]) -> String {
    let [low, median, high] = quartiles(of.iter().zip(to).map(|(of, to)| of / to).collect());
    format!("{}x ({}–{})", digits(median), digits(low), digits(high))
}

/// Times entries of this size.
fn measure(caches: &[Asked], layout: Layout, bytes: usize, rounds: usize) -> Result<Samples, CacheError> {
    layout.serve()?;
    let mut ping_pong = PingPong::start(bytes + FRAME)?;
    layout.ask()?;
    let mut buckets: Vec<Bucket<'static>> = (0..ENTRIES).map(|index| entry(bytes, index)).collect();
    let mut bare = Vec::with_capacity(caches.len());
    for Asked { cache, question, address, .. } in caches {
        buckets.iter().try_for_each(|bucket| cache.set_bucket(bucket))?;
        let questions: Result<Vec<String>, CacheError> = buckets.iter().map(question).collect();
        bare.push(Bare::ask(*address, questions?, bytes)?);
    }
    let mut samples: Samples = vec![Vec::with_capacity(rounds); ALL + EACH * caches.len()];
    for round in 0..=rounds {
        let mut spent = vec![0.0; samples.len()];
        let mut time = |turn: usize, work: &mut dyn FnMut() -> Result<(), CacheError>| {
            let start = Instant::now();
            work()?;
            spent[turn] += start.elapsed().as_nanos() as f64 / ENTRIES as f64;
            Ok::<_, CacheError>(())
        };
        for stretch in (0..ENTRIES).step_by(STRETCH).map(|start| start..start + STRETCH) {
            time(0, &mut || Ok(stretch.clone().try_for_each(|_| ping_pong.turn())?))?;
            time(1, &mut || {
                for bucket in &buckets[stretch.clone()] {
                    black_box(bucket.bytecode().map(|bytes| xxh3_128(bytes)));
                }
                Ok(())
            })?;
            for ((turn, Asked { cache, .. }), bare) in caches.iter().enumerate().zip(&mut bare) {
                let turn = ALL + EACH * turn;
                time(turn, &mut || Ok(stretch.clone().try_for_each(|at| bare.turn(at))?))?;
                let some = &mut buckets[stretch.clone()];
                time(turn + 1, &mut || some.iter_mut().try_for_each(|bucket| cache.lookup(bucket)))?;
                assert!(some.iter().all(|bucket| bucket.bytecode().is_some()), "all entries are there");
            }
        }
        for ((turn, Asked { cache, .. }), bare) in caches.iter().enumerate().zip(&mut bare) {
            time(ALL + EACH * turn + 2, &mut || Ok(bare.all()?))?;
            let mut all: Vec<&mut Bucket<'_>> = buckets.iter_mut().collect();
            time(ALL + EACH * turn + 3, &mut || cache.lookup_many(&mut all))?;
            assert!(buckets.iter().all(|bucket| bucket.bytecode().is_some()), "all entries are there");
            black_box(&buckets);
        }
        if round > 0 {
            samples.iter_mut().zip(spent).for_each(|(samples, spent)| samples.push(spent));
        }
    }
    Ok(samples)
}

/// An entry like no other one.
fn entry(bytes: usize, index: usize) -> Bucket<'static> {
    let number = index.to_le_bytes();
    let key = ContentKey::new([("size", &bytes.to_le_bytes()[..]), ("index", &number)]);
    let mut bucket = Bucket::new(format!("{bytes}/{index}"), "").with_content_key(key);
    bucket.set_bytecode(number.iter().copied().cycle().take(bytes).collect::<Vec<u8>>());
    bucket
}

/// Somebody who puts the questions of a cache to its server, and does nothing with the answers.
struct Bare {
    stream: TcpStream,
    questions: Vec<String>,
    answer: Vec<u8>,
}

impl Bare {
    /// All entries are of one size, and so are all answers.
    fn ask(address: SocketAddr, questions: Vec<String>, bytes: usize) -> std::io::Result<Bare> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(questions[0].as_bytes())?;
        // A line, then what it announces.
        let mut answer = vec![0; bytes + 16 * REQUEST];
        let mut read = 0;
        loop {
            read += stream.read(&mut answer[read..])?;
            let head = answer[..read].iter().position(|&byte| byte == b'\n').map(|at| at + 1);
            let announced =
                head.and_then(|head| subject::announced(&answer[..head]).map(|length| head + length + 2));
            if let Some(whole) = announced.filter(|&whole| read >= whole) {
                answer.truncate(whole);
                return Ok(Bare { stream, questions, answer });
            }
        }
    }

    /// All questions in one go.
    fn all(&mut self) -> std::io::Result<()> {
        self.stream.write_all(self.questions.concat().as_bytes())?;
        let mut left = self.questions.len() * self.answer.len();
        let mut some = vec![0; READ];
        while left > 0 {
            let wanted = left.min(READ);
            match self.stream.read(&mut some[..wanted])? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                read => left -= read,
            }
        }
        Ok(())
    }

    fn turn(&mut self, at: usize) -> std::io::Result<()> {
        self.stream.write_all(self.questions[at].as_bytes())?;
        self.stream.read_exact(&mut self.answer)
    }
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
