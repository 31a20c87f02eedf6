//! Twenty workers, what they lose, and the table of it.
//!
//! In: a cache, and what harms it meanwhile. Out: a line of figures. Invariant: every page was right, or this panics.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haiden::cache::{BytecodeCache, CacheStatistics, Counters};
use haiden::{Environment, context};

pub(crate) type Cache = Arc<dyn BytecodeCache>;

pub(crate) const WORKERS: u64 = 20;
/// How many templates a page is made of.
pub(crate) const PARTS: u64 = 4;
pub(crate) const LOOKUPS: u64 = WORKERS * PARTS;
/// The default, where a fault is to be waited for.
pub(crate) const DEADLINE: Duration = Duration::from_millis(100);
/// Where nothing is to be waited for, so that a busy machine is not taken for an ill server.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);
/// What a fault may cost all workers together, on a busy machine; the table says what it did cost.
const BOUND: Duration = Duration::from_secs(15);

/// The page's templates. `base` is longer than the smallest limit that a server can have.
pub(crate) fn sources() -> [(&'static str, String); PARTS as usize] {
    let base = "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}";
    let page = "{% extends 'base' %}{% from 'macros' import link %}{% block title %}{{ title }}{% endblock %}
                {% block body %}{% for item in items %}{% include 'row' %}{% endfor %}{% endblock %}";
    [
        ("base", format!("{base}{}", "<!-- as long as it takes -->".repeat(100))),
        (
            "macros",
            "{% macro link(item) %}<a href='{{ item.url }}'>{{ item.name|upper }}</a>{% endmacro %}"
                .to_owned(),
        ),
        ("row", "<li>{{ link(item) }}{{ ', ' if item.name != 'c' }}</li>".to_owned()),
        ("page", page.to_owned()),
    ]
}

/// A worker that has just started renders the page.
pub(crate) fn render(cache: Option<&Cache>) -> String {
    let mut environment = Environment::new();
    for (name, source) in sources() {
        environment.add_template(name, &source).unwrap();
    }
    environment.set_bytecode_cache(cache.cloned());
    let item = |name| BTreeMap::from([("name", name), ("url", "/x")]);
    let items: Vec<_> = ["a & b", "größe", "c"].into_iter().map(item).collect();
    environment.get_template("page").unwrap().render(context! { title => "T", items => items }).unwrap()
}

/// What one fault did.
#[derive(Debug)]
pub(crate) struct Figures {
    told: [u64; 5],
    lost: Duration,
    slowest: Duration,
}

impl Figures {
    pub(crate) fn new(told: &CacheStatistics, lost: Duration, slowest: Duration) -> Self {
        let counts =
            [told.hits, told.misses, told.load_failures, told.dump_failures, told.rejections.total()];
        Self { told: counts, lost, slowest }
    }

    /// Twenty workers meet a store; `before` is called with each worker's number, and does the harm.
    #[track_caller]
    pub(crate) fn of(
        what: &str,
        cache: &Cache,
        mut before: impl FnMut(u64),
        told: impl Fn(&CacheStatistics) -> bool,
    ) -> Self {
        // The store is not asked: one that is ill would be left alone before the first worker comes.
        let since = cache.counters().map_or_else(|| cache.statistics(), Counters::snapshot);
        let expected = render(None);
        let (mut with, mut without, mut slowest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for worker in 0..WORKERS {
            before(worker);
            let start = Instant::now();
            let page = render(Some(cache));
            let spent = start.elapsed();
            (with, slowest) = (with + spent, slowest.max(spent));
            assert_eq!(page, expected, "{what}, worker {worker}");
            let start = Instant::now();
            render(None);
            without += start.elapsed();
        }
        let mut figures = cache.statistics();
        figures.hits -= since.hits;
        figures.misses -= since.misses;
        assert_eq!(figures.hits + figures.misses, LOOKUPS, "{what}");
        assert!(told(&figures), "{what}: the statistics do not tell:\n{figures}");
        let lost = with.saturating_sub(without);
        assert!(lost < BOUND, "{what}: {lost:?} lost");
        Self::new(&figures, lost, slowest)
    }

    /// As one process says it to another one.
    pub(crate) fn to_line(&self) -> String {
        let times = [self.lost, self.slowest].map(|time| time.as_nanos().to_string());
        self.told.iter().map(u64::to_string).chain(times).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let numbers: Vec<u64> = line.split(' ').map_while(|word| word.parse().ok()).collect();
        let [hits, misses, load, dump, rejected, lost, slowest] = numbers[..] else { return None };
        let told = [hits, misses, load, dump, rejected];
        Some(Self { told, lost: Duration::from_nanos(lost), slowest: Duration::from_nanos(slowest) })
    }
}

/// All faults: the store, the fault, and its figures, or why there are none.
#[derive(Default)]
pub(crate) struct Table(Vec<(&'static str, &'static str, Result<Figures, &'static str>)>);

impl Table {
    /// As [`Figures::of`], for a line of the table.
    #[track_caller]
    pub(crate) fn check(
        &mut self,
        store: &'static str,
        fault: &'static str,
        cache: &Cache,
        before: impl FnMut(u64),
        told: impl Fn(&CacheStatistics) -> bool,
    ) {
        let figures = Figures::of(&format!("{store}, {fault}"), cache, before, told);
        self.add(store, fault, figures);
    }

    pub(crate) fn add(&mut self, store: &'static str, fault: &'static str, figures: Figures) {
        self.0.push((store, fault, Ok(figures)));
    }

    pub(crate) fn not_tested(&mut self, store: &'static str, fault: &'static str, why: &'static str) {
        self.0.push((store, fault, Err(why)));
    }

    /// One line a fault. Past the test harness, which shows the output of failures only.
    pub(crate) fn print(&self) {
        let mut text = format!("\n{WORKERS} cold workers, {LOOKUPS} lookups; every page was right.\n");
        text += "store        fault                          hits  misses  load failed  dump failed  rejected  \
                 time lost  slowest page\n";
        for (store, fault, figures) in &self.0 {
            let told = match figures {
                Err(why) => format!("NOT TESTED: {why}"),
                Ok(Figures { told: [hits, misses, load, dump, rejected], lost, slowest }) => {
                    let [lost, slowest] = [lost, slowest].map(|time| time.as_secs_f64() * 1e3);
                    format!(
                        "{hits:>4}  {misses:>6}  {load:>11}  {dump:>11}  {rejected:>8}  {lost:>6.1} ms  {slowest:>9.1} ms"
                    )
                }
            };
            text.extend([format!("{store:<12} {fault:<30} "), told, "\n".to_owned()]);
        }
        std::io::stdout().write_all(text.as_bytes()).unwrap();
    }
}

/// Does some harm before one worker.
pub(crate) fn at(turn: u64, mut harm: impl FnMut()) -> impl FnMut(u64) {
    move |worker| {
        if worker == turn {
            harm();
        }
    }
}

pub(crate) fn nothing(_: u64) {}

/// Every entry was rejected once, and written anew.
pub(crate) fn once(figures: &CacheStatistics) -> bool {
    figures.rejections.total() == PARTS && figures.hits == LOOKUPS - 2 * PARTS
}

/// Nothing was noticed.
pub(crate) fn unharmed(figures: &CacheStatistics) -> bool {
    figures.load_failures == 0 && figures.rejections.total() == 0
}
