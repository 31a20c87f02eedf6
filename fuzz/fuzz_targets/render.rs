//! Any text is a template: it renders or fails, with the same outcome fresh, through an image, and in chunks.
//!
//! In: two bytes of options, then the source. Out: nothing; a panic is a find, and so is a difference.
#![no_main]

use haiden_fuzz::{OWN, environment, page, variables};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((bits, source)) = input.split_first_chunk() else { return };
    let Ok(source) = str::from_utf8(source) else { return };
    let mut environment = environment(u16::from_le_bytes(*bits));
    let _syntax = environment.add_template(OWN, source);
    std::hint::black_box(
        (environment.undeclared_variables(source), environment.referenced_templates(source)).1.is_ok(),
    );

    let fresh = page(environment.template_from_named_str(Some(OWN), source));
    let drawn = ["random", "lipsum"].iter().any(|lot| source.contains(lot));
    let Ok(image) = environment.compile_to_image(Some(OWN), source) else { return };
    let loaded = page(environment.load_image(Some(OWN), &image));
    assert!(drawn || fresh == loaded, "fresh {fresh:?}, through an image {loaded:?}");

    let streamed = environment.get_template(OWN).and_then(|template| template.stream(&variables()));
    let streamed: Result<String, _> = streamed.and_then(Iterator::collect);
    if let (false, Ok(fresh), Ok(streamed)) = (drawn, fresh, streamed) {
        assert_eq!(fresh, streamed, "in chunks");
    }
});
