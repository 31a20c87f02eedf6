//! The examples of `docs/builtins.md` say what happens.

use haiden::{Environment, context};
use haiden_runtime::builtins::{FILTER_SPECS, GLOBAL_SPECS, TEST_SPECS};

#[test]
fn examples_hold() {
    let environment = Environment::new();
    let mut count = 0;
    for spec in FILTER_SPECS.iter().chain(TEST_SPECS).chain(GLOBAL_SPECS) {
        for example in spec.examples() {
            let page = environment.render_str(example.template, context! {}).expect(spec.name);
            assert_eq!(page, example.output, "{}: {}", spec.name, example.template);
            count += 1;
        }
    }
    assert!(count > 90, "{count} examples");
}
