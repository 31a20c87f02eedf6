//! Servers that are none: silent, slow, lying.

use std::time::Duration;

use haiden::cache::testkit::{Answer, FakeServer};
use haiden::cache::{Bucket, CacheStatistics};

use crate::servers::Kind;
use crate::table::{DEADLINE, LOOKUPS, PATIENT, Table, nothing};

fn failed(figures: &CacheStatistics) -> bool {
    figures.load_failures == LOOKUPS && figures.hits == 0
}

fn rejected(figures: &CacheStatistics) -> bool {
    figures.rejections.total() == LOOKUPS && figures.hits == 0
}

/// One fault: what the server answers to a question.
fn check(
    table: &mut Table,
    kind: &Kind,
    fault: &'static str,
    deadline: Duration,
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) {
    let value = kind.value;
    let server = FakeServer::start(move |question| {
        let question = String::from_utf8_lossy(question);
        if question.starts_with("mg ") && question.contains("namespace") {
            return Answer::Bytes(value(&question, 16, b"00000000000000aa"));
        }
        answer(&question)
    });
    let told = if fault == "another key's value" { rejected } else { failed };
    table.check(kind.store, fault, &(kind.open)(&server.url(kind.scheme), deadline), nothing, told);
    // Between contacts lie pauses. A server whose answers are sound is asked each time, over one connection.
    assert!(server.connections() <= 8, "{fault}: {}", server.connections());
}

pub(crate) fn liars(table: &mut Table, kind: &Kind) {
    let value = kind.value;
    let promise = move |question: &str, length: u64| {
        let mut bytes = value(question, length, b"x");
        bytes.truncate(bytes.len() - 2);
        Answer::Bytes(bytes)
    };
    check(table, kind, "silent", DEADLINE, |_| Answer::Silence);
    check(table, kind, "drips bytes", DEADLINE, move |question| {
        Answer::Drip(value(question, 100_000, &vec![0; 100_000]), Duration::from_millis(5))
    });
    check(table, kind, "garbage", PATIENT, |_| Answer::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
    check(table, kind, "announces 20 GB", PATIENT, move |question| promise(question, 20_000_000_000));
    check(table, kind, "half a value", DEADLINE, move |question| promise(question, 100_000));
    check(table, kind, "hangs up", PATIENT, |_| Answer::Last(Vec::new()));
    let mut other = Bucket::new("another", "template");
    other.set_bytecode(&b"its bytecode"[..]);
    let other = other.bytecode_to_string().unwrap();
    check(table, kind, "another key's value", PATIENT, move |question| match question {
        set if set.starts_with("ms ") => Answer::Bytes(b"HD\r\n".to_vec()),
        set if set.contains("\r\nSET\r\n") => Answer::Bytes(b"+OK\r\n".to_vec()),
        get => Answer::Bytes(value(get, other.len() as u64, &other)),
    });
}
