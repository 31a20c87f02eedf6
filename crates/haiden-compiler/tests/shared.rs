//! What a template says twice, its image has once: pieces of text, and calls of filters and tests.

use haiden_bytecode::Image;
use haiden_compiler::{Options, compile};

fn image(source: &str) -> Image {
    compile(source, &Options::default()).expect("the template is right")
}

/// The pieces of text of an image: its strings but for names and constants.
fn texts(image: &Image) -> Vec<&str> {
    let names: Vec<_> = image.names().iter().collect();
    let strings = (0..image.string_count() as u32).map(|index| image.string(index));
    strings.filter(|string| !names.contains(string)).collect()
}

#[test]
fn text() {
    let cells = image("<td>{{ a }}</td><td>{{ b }}</td><td>{{ c }}</td>");
    assert_eq!(texts(&cells), ["<td>", "</td><td>", "</td>"]);
    let short = image("{{ a }} {{ b }} {{ c }} , {{ d }} ");
    assert_eq!(texts(&short), [" ", " , "]);
}

#[test]
fn text_with_the_same_ends() {
    let (first, second) = ("0123456789-ABCDEFGH", "0123456789+ABCDEFGH");
    let image = image(&format!("{first}{{{{ a }}}}{second}{{{{ b }}}}{first}{{{{ c }}}}{first}"));
    // One takes the other's place, and is found where it comes again.
    assert_eq!(texts(&image), [first, second, first]);
}

#[test]
fn more_text_than_is_remembered() {
    let pieces: Vec<_> = (0..10_000).map(|number| format!("piece {}.", number % 9_000)).collect();
    let image = image(&pieces.join("{{ x.y }}"));
    let found = texts(&image);
    assert!(found.len() >= 9_000, "all are there: {}", found.len());
    assert!(pieces.iter().all(|piece| found.contains(&&**piece)));
}

#[test]
fn calls() {
    let image =
        image("{{ a|upper }}{{ b|default(1) }}{{ c|upper }}{{ d|default(x=1) }}{{ e is odd }}{{ f is odd }}");
    assert_eq!(image.filter_calls().len(), 3, "upper, and default with an argument and with a keyword");
    assert_eq!(image.test_calls().len(), 1);
}
