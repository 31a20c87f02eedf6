//! Prints how fast templates are read: `cargo run --release -p haiden-syntax --example parse_speed`.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use haiden_syntax::{Syntax, lex, parse};

/// One row of the page: mostly markup, with the tags a listing has.
const ROW: &str = r#"    <li class="item {% if loop.first %}first{% elif loop.last %}last{% else %}middle{% endif %}">
      <a href="{{ url_for('item', id=item.id) }}" title="{{ item.title|e }}">{{ item.title|truncate(30) }}</a>
      {# the price, if there is one #}
      {%- if item.price is defined and item.price > 0 %}
      <span class="price">{{ "%.2f"|format(item.price * (1 + vat)) }} {{ currency }}</span>
      {%- endif %}
      <p>Some words that are printed as they stand, as on most pages of the world.</p>
      {% for tag in item.tags %}<span class="tag">{{ tag.name }}</span>{% if not loop.last %}, {% endif %}{% endfor %}
    </li>
"#;

fn template(size: usize) -> String {
    let mut text = "{% extends 'layout.html' %}\n{% block content %}\n<ul>\n".to_owned();
    while text.len() < size {
        text.push_str(ROW);
    }
    text.push_str("</ul>\n{% endblock %}\n");
    text
}

/// The best of a few rounds, in megabytes a second.
fn measure(name: &str, source: &str, work: impl Fn(&str)) {
    let turns = 20_000_000 / source.len();
    let best = (0..7)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..turns {
                work(black_box(source));
            }
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    let nanoseconds = best / turns as f64 * 1e9;
    let speed = source.len() as f64 * 1000.0 / nanoseconds;
    println!("{name:<6} {:>6} bytes  {:>9.0} ns  {speed:>6.0} MB/s", source.len(), nanoseconds);
}

fn main() {
    let syntax = Syntax::default();
    let small = "Hello {{ name }}!";
    for source in [small.to_owned(), template(1000), template(10_000), template(100_000)] {
        measure("lex", &source, |source| drop(black_box(lex(source, &syntax))));
        measure("parse", &source, |source| drop(black_box(parse(source, &syntax))));
    }
}
