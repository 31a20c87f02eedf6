//! What the fuzz targets share: an environment whose limits keep every render short, and a context with a bit of everything.
//!
//! In: options as bits, a template or an image. Out: what a render says. Invariant: a render ends soon, whatever it renders,
//! and is the same each time unless it draws lots.

pub mod replies;

use std::collections::BTreeMap;
use std::sync::Mutex;

use haiden::cache::Bundle;
use haiden::{
    AutoEscape, Environment, Extensions, GettextStyle, Limits, NullTranslations, RenderLimits, Sandbox,
    Syntax, Template, UndefinedKind,
};
use serde_json::{Value as Json, json};

/// The templates that an input can name: its own source stands under [`OWN`].
const LIBRARY: [(&str, &str); 3] = [
    ("base", "<{% block title %}base{% endblock %}|{% block body scoped %}{{ self.title() }}{% endblock %}>"),
    (
        "lib",
        "{% macro m(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{{ caller and caller(1) }}{% endmacro %}{% set v = 1 %}",
    ),
    ("part", "{{ x }}{{ loop }}{% set x = 3 %}"),
];

/// The name of the input's own template.
pub const OWN: &str = "own";

/// An environment with the options that these bits choose. Its clones share what is costly to make.
pub fn environment(bits: u16) -> Environment {
    static KNOWN: Mutex<BTreeMap<u16, Environment>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().expect("a panic ends the process");
    known.entry(bits & OPTIONS).or_insert_with_key(|bits| made(*bits)).clone()
}

/// The bits that choose something.
const OPTIONS: u16 = (1 << 13) - 1;

fn made(bits: u16) -> Environment {
    let on = |bit: u16| bits >> bit & 1 == 1;
    let mut environment = Environment::new();
    let mut syntax = Syntax {
        trim_blocks: on(0),
        lstrip_blocks: on(1),
        keep_trailing_newline: on(2),
        extensions: Extensions::I18N
            .with(Extensions::DO)
            .with(Extensions::LOOP_CONTROLS)
            .with(Extensions::DEBUG),
        ..Syntax::default()
    };
    if on(3) {
        syntax.line_statement_prefix = Some("%".into());
        syntax.line_comment_prefix = Some("##".into());
    }
    if on(4) {
        (syntax.variable_start_string, syntax.variable_end_string) = ("{%=".into(), "%}".into());
    }
    environment.set_syntax(syntax).expect("these delimiters are allowed");
    let undefined =
        [UndefinedKind::Default, UndefinedKind::Strict, UndefinedKind::Chainable, UndefinedKind::Debug];
    environment.set_undefined(undefined[usize::from(bits >> 5 & 3)]);
    environment.set_autoescape(if on(7) { AutoEscape::On } else { AutoEscape::Off });
    environment.set_native_types(on(8));
    environment.set_optimized(!on(9));
    if on(10) {
        environment.set_sandbox(Some(if on(11) { Sandbox::immutable() } else { Sandbox::new() }));
    }
    environment
        .install_translations(NullTranslations, if on(12) { GettextStyle::New } else { GettextStyle::Old });
    environment.set_limits(RenderLimits {
        machine: Limits { depth: 60, fuel: 2_000 },
        output: 1 << 16,
        size: 2_000,
        heap: 1 << 22,
    });
    for (name, source) in LIBRARY {
        environment.add_template(name, source).expect("the library compiles");
    }
    environment
}

/// Variables of every kind.
pub fn variables() -> Json {
    json!({
        "x": 1,
        "big": "9".repeat(30),
        "f": 2.5,
        "s": "a <b> & \u{e4}\u{1f600}",
        "none": null,
        "items": [3, 1, 2],
        "users": [{"name": "Ann", "age": 3}, {"name": "bob", "age": null}],
        "d": {"a": 1, "b": ["x", "y"]},
        "yes": true,
    })
}

/// The page, or the class and text of its error.
pub fn page(template: Result<Template, haiden::Error>) -> Result<String, String> {
    let page = template.and_then(|template| template.render(&variables()));
    page.map_err(|error| {
        std::hint::black_box(error.report().len());
        error.to_string()
    })
}

/// Renders every template of a bundle that can be read.
pub fn pages(bundle: Bundle) {
    let names: Vec<String> = bundle.names().map(str::to_owned).collect();
    let mut environment = environment(0);
    environment.set_bundle(Some(std::sync::Arc::new(bundle)));
    for name in names.iter().take(8) {
        let _page = page(environment.get_template(name));
    }
}
