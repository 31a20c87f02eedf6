//! Prints what fails.
use haiden_testkit::conformance::*;
fn main() {
    let cases = corpus().unwrap();
    let which = std::env::args().nth(1).unwrap_or_default();
    let runner = match &*which { "toy" => Runner::Toy, "image" => Runner::NativeImage, "plain" => Runner::NativePlain, _ => Runner::Native };
    let tally = run(runner, &cases, &Ledger::new(), true);
    println!("{}", report(&[(runner, tally)], 2000));
}
