//! The corpus on every host and path, on a stack as small as a worker thread's.

use std::thread;

use haiden_testkit::conformance::{Runner, corpus, ledger, report, run};

/// A stack in bytes that every case must do with.
const STACK: usize = 1 << 20;

#[track_caller]
fn check(runner: Runner) {
    let judge = move || {
        let cases = corpus().expect("the corpus can be read");
        let ledger = ledger(runner.host()).expect("the ledger can be read");
        assert!(cases.len() > 1000, "the corpus is there: {} cases", cases.len());
        run(runner, &cases, &ledger, true)
    };
    let tally =
        thread::Builder::new().stack_size(STACK).spawn(judge).expect("a thread").join().expect("no panic");
    assert!(tally.failures.is_empty(), "{}", report(&[(runner, tally)], 20));
}

#[test]
fn native() {
    check(Runner::Native);
}

#[test]
fn native_through_an_image() {
    check(Runner::NativeImage);
}

#[test]
fn native_without_the_optimizer() {
    check(Runner::NativePlain);
}

#[test]
fn native_that_awaits_everything() {
    check(Runner::NativeAwaiting);
}

#[test]
fn toy_that_suspends() {
    check(Runner::Toy);
}
