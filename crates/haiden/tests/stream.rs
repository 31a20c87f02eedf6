//! Pages in parts: lazily, with errors at their place and limits over the whole page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use haiden::{Environment, ErrorKind, RenderLimits, context};

#[test]
fn nothing_beyond_the_part_taken_is_evaluated() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let mut environment = Environment::new();
    environment.add_function("tick", move || counter.fetch_add(1, Ordering::Relaxed) + 1);
    let template =
        environment.template_from_str("{{ tick() }}{{ tick() }}{{ 1 // 0 }}never").expect("a template");
    let mut stream = template.stream(context! {}).expect("a stream");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    assert_eq!(stream.next().expect("a part").expect("text"), "1");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(stream.next().expect("a part").expect("text"), "2");
    assert_eq!(stream.next().expect("an error").expect_err("fails").kind(), ErrorKind::ZeroDivision);
    assert!(stream.next().is_none());
}

#[test]
fn the_limit_of_output_is_that_of_the_page() {
    let mut environment = Environment::new();
    environment.set_limits(RenderLimits { output: 10, ..RenderLimits::default() });
    let template =
        environment.template_from_str("{% for i in range(99) %}{{ i }},{% endfor %}").expect("a template");
    let mut page = String::new();
    let error = template.stream(context! {}).expect("a stream").find_map(|part| match part {
        Ok(part) => {
            page.push_str(&part);
            None
        }
        Err(error) => Some(error),
    });
    let error = error.expect("the limit");
    assert_eq!((error.kind(), page.len()), (ErrorKind::Limit, 10), "{}", error.message());
    assert_eq!(error.message(), "the output is larger than the limit of 10 bytes");
}
