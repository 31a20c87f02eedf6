//! What people read when something goes wrong: places, excerpts, chains, advice; and odd sources that go right.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use haiden::{Environment, Error, ErrorKind, Value, context};

fn environment(templates: &[(&str, &str)]) -> Environment {
    let mut environment = Environment::new();
    for (name, source) in templates {
        environment.add_template(name, source).unwrap_or_else(|error| panic!("{name}: {}", error.report()));
    }
    environment
}

/// What the template `a` of these fails with.
fn fails(templates: &[(&str, &str)]) -> Error {
    let template = environment(templates).get_template("a");
    template.and_then(|template| template.render(context! { x => 1, name => "n" })).expect_err("it fails")
}

// ---- functions of the user ---------------------------------------------------------------------------------------

fn with_functions() -> Environment {
    let mut environment = Environment::new();
    environment.add_filter("fails", |_: Value| -> Result<String, Error> {
        Err(Error::new(ErrorKind::Value, "not today").with_hint("try tomorrow".to_owned()))
    });
    environment.add_filter("panics", |value: String| -> String { panic!("cannot stand {value}") });
    environment.add_test("panicky", |_: Value| -> bool { panic!("static text") });
    environment.add_function("boom", || -> i64 { std::panic::panic_any(7) });
    environment.add_filter("double", |value: i64| value * 2);
    environment.add_filter("plus", |value: i64, other: Option<i64>| value + other.unwrap_or(1));
    environment
}

#[test]
fn functions_that_fail() {
    let environment = with_functions();
    for (source, kind, message) in [
        ("\n{{ 1 | fails }}", ErrorKind::Value, "not today"),
        ("\n{{ 'it' | panics }}", ErrorKind::Runtime, "panics panicked: cannot stand it"),
        ("\n{{ 1 is panicky }}", ErrorKind::Runtime, "panicky panicked: static text"),
        ("\n{{ boom() }}", ErrorKind::Runtime, "boom panicked: no message"),
        ("\n{{ ['a'] | map('panics') | list }}", ErrorKind::Runtime, "panics panicked: cannot stand a"),
        ("\n{{ [1] | select('panicky') | list }}", ErrorKind::Runtime, "panicky panicked: static text"),
        ("\n{{ 'x' | double }}", ErrorKind::Type, "double() argument 1 must be"),
        ("\n{{ 1 | double(2) }}", ErrorKind::Type, "double() takes 1 positional argument but 2 were given"),
        ("\n{{ 1 | double(by=2) }}", ErrorKind::Type, "unexpected keyword argument 'by'"),
        ("\n{{ 1 | plus(2, 3) }}", ErrorKind::Type, "plus() takes 2 positional arguments but 3 were given"),
        ("\n{{ boom(1) }}", ErrorKind::Type, "boom() takes 0 positional arguments but 1"),
    ] {
        let error = environment.render_str(source, context! {}).expect_err(source);
        assert_eq!((error.kind(), error.line()), (kind, Some(2)), "{source}: {}", error.report());
        assert!(error.message().contains(message), "{source}: {}", error.report());
    }
    let error = environment.render_str("{{ 1 | fails }}", context! {}).expect_err("it fails");
    assert_eq!(error.hint(), Some("try tomorrow"));
    assert_eq!(environment.render_str("{{ 1 | plus }}{{ 1 | plus(5) }}", context! {}).expect("fine"), "26");
}

#[test]
fn wrong_calls() {
    for (source, class, message) in [
        ("{{ 1 / 0 }}", "ZeroDivisionError", "division by zero"),
        ("{{ 1 // 0 }}", "ZeroDivisionError", ""),
        ("{{ 1 % 0 }}", "ZeroDivisionError", ""),
        ("{{ 1.5 // 0 }}", "ZeroDivisionError", ""),
        ("{{ 0 ** -1 }}", "ZeroDivisionError", ""),
        ("{{ 'a' | upper(1) }}", "TypeError", ""),
        ("{{ 'a' | replace }}", "TypeError", "missing"),
        ("{{ 'a' | replace('a') }}", "TypeError", "missing"),
        ("{{ 1 | round(1, 'common', 3) }}", "TypeError", ""),
        ("{{ 1 | round(foo=1) }}", "TypeError", "foo"),
        ("{{ 1 | round(method='sideways') }}", "FilterArgumentError", "ceil"),
        ("{{ range() }}", "TypeError", ""),
        ("{{ range(1, 2, 0) | list }}", "ValueError", "zero"),
        ("{{ 'a'.upper(1) }}", "TypeError", ""),
        ("{{ 1() }}", "TypeError", "not callable"),
        ("{{ x.y.z }}", "UndefinedError", "has no attribute 'y'"),
        ("{{ y() }}", "UndefinedError", "'y' is undefined"),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "TypeError", "takes not more than 1 argument"),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}", "TypeError", "takes no keyword argument 'b'"),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}", "TypeError", ""),
        ("{% for a, b in [(1, 2, 3)] %}{% endfor %}", "ValueError", "unpack"),
        ("{% for a, b in [1] %}{% endfor %}", "TypeError", "unpack"),
        ("{% for a in 1 %}{% endfor %}", "TypeError", "not iterable"),
        ("{{ 'a' + 1 }}", "TypeError", ""),
        ("{{ 'a' < 1 }}", "TypeError", "not supported"),
        ("{{ [1, 'a'] | sort }}", "TypeError", "not supported"),
        ("{{ {[]: 1} }}", "TypeError", "unhashable"),
        ("{% include [] %}", "TemplatesNotFound", ""),
        ("{% include 1 %}", "TypeError", ""),
    ] {
        let error = fails(&[("a", &format!("\n\n{source}"))]);
        assert_eq!((error.kind().class(), error.line()), (class, Some(3)), "{source}: {}", error.report());
        assert!(error.message().contains(message), "{source}: {}", error.report());
    }
}

// ---- reports -----------------------------------------------------------------------------------------------------

#[test]
fn a_report_has_the_place_the_line_and_a_caret() {
    let error = fails(&[("a", "one\n  two {{ 1 // (x - 1) }} three\nfour")]);
    assert_eq!((error.template(), error.line()), (Some("a"), Some(2)));
    let column = error.column().expect("a column");
    let report = error.report();
    let lines: Vec<&str> = report.lines().collect();
    assert!(lines[0].starts_with("ZeroDivisionError: "), "{report}");
    assert_eq!(lines[1].trim(), format!("--> a:2:{column}"), "{report}");
    assert_eq!(lines[3].trim(), "2 |   two {{ 1 // (x - 1) }} three", "{report}");
    let text = lines[3].find("  two").expect("the line is shown");
    assert_eq!(lines[4].find('^'), Some(text + column as usize - 1), "{report}");
    assert!((10..=20).contains(&column), "{report}");
    assert!(error.to_string().ends_with("(a, line 2)"), "{error}");
}

#[test]
fn a_caret_is_below_its_character_in_any_script() {
    let error = fails(&[("a", "äöü日本 {{ y.z }}")]);
    let report = error.report();
    let lines: Vec<&str> = report.lines().collect();
    let before = |line: &str, what: char| line.chars().position(|c| c == what).expect("it is there");
    let (y, caret) = (before(lines[3], 'y'), before(lines[4], '^'));
    assert!((y..=y + 2).contains(&caret), "{report}");
    let long = format!("{}{{{{ y.z }}}}{}", "-".repeat(5000), "+".repeat(5000));
    let report = fails(&[("a", &long)]).report();
    assert!(report.lines().all(|line| line.chars().count() < 130) && report.contains("y.z"), "{report}");
}

#[test]
fn a_report_has_the_chain() {
    let error = fails(&[
        ("a", "\n{% extends 'base' %}{% block body %}\n{% include 'part' %}{% endblock %}"),
        ("base", "\n\n\n{% block body %}{% endblock %}"),
        ("part", "{% import 'macros' as m %}\n\n\n\n{{ m.outer() }}"),
        (
            "macros",
            "{% macro outer() %}\n{{ inner() }}{% endmacro %}{% macro inner() %}\n{{ y.z }}{% endmacro %}",
        ),
    ]);
    let places: Vec<(Option<&str>, u32)> =
        error.trace().iter().map(|place| (place.template.as_deref(), place.line)).collect();
    assert_eq!(
        places,
        [
            (Some("macros"), 3),
            (Some("macros"), 2),
            (Some("part"), 5),
            (Some("a"), 3),
            (Some("base"), 4),
            (Some("a"), 2)
        ],
        "{}",
        error.report()
    );
    let report = error.report();
    for part in ["macro 'inner'", "macro 'outer'", "block 'body'", "called from part:5"] {
        assert!(report.contains(part), "no {part} in {report}");
    }
}

#[test]
fn did_you_mean() {
    for (source, hint) in [
        ("{{ x | uper }}", "upper"),
        ("{{ x | lenght }}", "length"),
        ("{{ x is defind }}", "defined"),
        ("{{ nmae.y }}", "name"),
        ("{{ rnage(3) }}", "range"),
        ("{% include 'pratial' %}", "partial"),
        ("{% extends 'pratial' %}", "partial"),
        ("{% from 'pratial' import m %}", "partial"),
        ("{% fro i in x %}{% endfor %}", "for"),
    ] {
        let environment = environment(&[("partial", "")]);
        let outcome = environment
            .template_from_str(source)
            .and_then(|template| template.render(context! { x => 1, name => "n" }));
        let error = outcome.expect_err(source);
        let advice = error.hint().unwrap_or_default();
        assert!(advice.contains(&format!("`{hint}`")), "{source}: {}", error.report());
        assert!(error.report().ends_with(&format!("help: {advice}")), "{source}: {}", error.report());
    }
    let error = Environment::new().render_str("{{ x | zzzzzzzzzz }}", context! {}).expect_err("no filter");
    assert_eq!(error.hint(), None);
    let mut environment = Environment::new();
    environment.add_filter("moneyfmt", |value: i64| value);
    let error = environment.render_str("{{ 1 | monyfmt }}", context! {}).expect_err("no filter");
    assert!(error.report().contains("`moneyfmt`"), "{}", error.report());
}

// ---- odd and large sources ---------------------------------------------------------------------------------------

#[test]
fn an_error_on_the_last_of_many_lines() {
    for last in ["{{ y.z }}", "{{ 1 + }}", "{{ 1 | uper }}"] {
        let source = format!("{}{last}", "line {{ x }}\n".repeat(70_000));
        let outcome = Environment::new()
            .template_from_named_str(Some("many"), &source)
            .and_then(|template| template.render(context! { x => 1 }));
        let error = outcome.map(|page| page.len()).expect_err(last);
        assert_eq!((error.template(), error.line()), (Some("many"), Some(70_001)), "{}", error.report());
        assert!(error.report().contains(last), "{}", error.report());
    }
}

#[test]
fn ten_thousand_elifs() {
    let mut source = "{% if x == 0 %}0".to_owned();
    for n in 1..=10_000 {
        write!(source, "{{% elif x == {n} %}}{n}").expect("writing to a string");
    }
    source.push_str("{% else %}none{% endif %}");
    let template = Environment::new().template_from_str(&source).expect("it is long, not deep");
    for (x, page) in [(0, "0"), (1, "1"), (10_000, "10000"), (10_001, "none")] {
        assert_eq!(template.render(context! { x }).expect("a page"), page);
    }
}

#[test]
fn many_texts_and_names() {
    let mut source = String::new();
    let mut page = String::new();
    for n in 0..100_000 {
        writeln!(source, "{{{{ 'text {n}' ~ x }}}}").expect("writing to a string");
        writeln!(page, "text {n}!").expect("writing to a string");
    }
    page.pop();
    let rendered = Environment::new().render_str(&source, context! { x => "!" }).map_err(|e| e.report());
    assert!(rendered == Ok(page), "100,000 texts: {:?}", rendered.map(|page| page.len()));

    let (mut source, mut page) = (String::new(), String::new());
    for n in 0..70_000 {
        writeln!(source, "{{{{ name{n} }}}}").expect("writing to a string");
        writeln!(page, "{n}").expect("writing to a string");
    }
    page.pop();
    let data: Value = (0..70_000).map(|n| (format!("name{n}"), Value::from(n))).collect();
    let rendered = Environment::new().render_str(&source, &data).map_err(|error| error.report());
    assert!(rendered == Ok(page), "70,000 names: {:?}", rendered.map(|page| page.len()));

    let mut source = String::new();
    for n in 0..70_000 {
        writeln!(source, "{{% set v{n} = {n} %}}").expect("writing to a string");
    }
    source.push_str("{{ v0 }} {{ v65535 }} {{ v65536 }} {{ v69999 }}");
    match Environment::new().render_str(&source, context! {}) {
        Ok(page) => assert_eq!(page.trim_start(), "0 65535 65536 69999"),
        Err(error) => assert!(error.line().is_some(), "a limit is said with a place: {}", error.report()),
    }
}

#[test]
fn odd_characters() {
    let environment = Environment::new();
    for (source, page) in [
        ("a\0b{{ '\0' }}{{ x }}", "a\0b\u{0}1"),
        ("\u{feff}a{{ x }}", "\u{feff}a1"),
        ("a\r\nb\r{{ x }}\r\n", "a\nb\n1"),
        ("{{\r\n x \r\n}}\r\n\r\n", "1\n"),
        ("{# \0 \r\n #}{{ '\u{1f600}' }}", "\u{1f600}"),
        ("\u{2028}{{ x }}\u{85}", "\u{2028}1\u{85}"),
        ("", ""),
        ("\n", ""),
    ] {
        let rendered = environment.render_str(source, context! { x => 1 });
        assert_eq!(rendered.map_err(|error| error.report()), Ok(page.to_owned()), "{source:?}");
    }
    let error = environment.render_str("a\r\nb\rc\n\0{{ y.z }}", context! {}).expect_err("it is undefined");
    assert_eq!(error.line(), Some(4), "{}", error.report());
}

#[test]
fn deep_nesting_is_an_error_or_right() {
    let run = |source: String| {
        let thread = std::thread::Builder::new().stack_size(1 << 20);
        let run = move || Environment::new().render_str(&source, context! { x => 1 }).map(|page| page.len());
        thread.spawn(run).expect("a thread").join().expect("no panic")
    };
    let n = 10_000;
    for (open, middle, close) in [
        ("(", "x", ")"),
        ("[", "x", "]"),
        ("{1:", "x", "}"),
        ("not ", "x", ""),
        ("-", "x", ""),
        ("x + (", "x", ")"),
        ("x if x else ", "x", ""),
        ("x[", "x", "]"),
        ("x(", "x", ")"),
        ("", "x", " + 1"),
        ("", "x", " | abs"),
        ("", "x", ".a"),
        ("", "x", " ~ 1"),
        ("", "x", " ** 1"),
        ("", "x", " and 1"),
        ("", "1", " < 2"),
        ("", "x", " is defined"),
    ] {
        let _ = run(format!("{{{{ {}{middle}{} }}}}", open.repeat(n), close.repeat(n)));
    }
    for (open, close) in [
        ("{% if x %}", "{% endif %}"),
        ("{% for i in [1] %}", "{% endfor %}"),
        ("{% with %}", "{% endwith %}"),
        ("{% filter upper %}", "{% endfilter %}"),
        ("{% macro m() %}", "{% endmacro %}"),
        ("{% set a %}", "{% endset %}"),
        ("{% autoescape true %}", "{% endautoescape %}"),
        ("{% call x() %}", "{% endcall %}"),
    ] {
        let _ = run(format!("{}{}", open.repeat(n), close.repeat(n)));
        let _ = run(open.repeat(n));
        run(format!("{}{}", open.repeat(50), close.repeat(50)))
            .map_or_else(|error| assert_ne!(error.kind(), ErrorKind::Recursion, "{open}"), |_| ());
    }
}

#[test]
fn wrong_arguments_are_told_where_the_call_is() {
    for call in ["{{ m(1) }}", "{{ m(a=1) }}", "{% call m() %}{% endcall %}"] {
        let source = format!("{{% macro m() %}}\n{{% endmacro %}}\n\n{call}");
        let error = haiden::Environment::new().render_str(&source, haiden::context! {}).expect_err(call);
        assert_eq!((error.line(), error.trace().len()), (Some(4), 1), "{call}");
    }
}

#[test]
fn advice_is_searched_for_when_it_is_asked_for() {
    use haiden::loader::{LoadError, Loader, Source};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    struct Counting(Arc<AtomicUsize>);
    impl Loader for Counting {
        fn get_source(&self, _: &str) -> Result<Source, LoadError> {
            Err(LoadError::NotFound(None))
        }
        fn list_templates(&self) -> Result<Vec<String>, LoadError> {
            self.0.fetch_add(1, SeqCst);
            Ok(vec!["page.html".to_owned(), "deep.html".to_owned()])
        }
    }
    let lists = Arc::new(AtomicUsize::new(0));
    let mut environment = Environment::new();
    environment.set_loader(Counting(lists.clone()));
    let page = environment.render_str("{% include ['a', 'b'] ignore missing %}", context! {});
    assert_eq!((page.expect("a page").as_str(), lists.load(SeqCst)), ("", 0));
    let error = environment.get_template("pgae.html").expect_err("there is none");
    assert_eq!((error.to_string().as_str(), lists.load(SeqCst)), ("TemplateNotFound: pgae.html", 0));
    assert_eq!((error.hint(), error.hint()), (Some("did you mean `page.html`?"), error.hint()));
    assert_eq!(lists.load(SeqCst), 1);
    assert_eq!(
        environment.get_template("nope.html").err().and_then(|error| error.hint().map(str::to_owned)),
        None
    );
}

/// A search path that is not there says so under Jinja2's message.
#[test]
fn a_folder_that_is_missing() {
    use haiden::loader::FileSystemLoader;
    let file = std::env::current_exe().expect("the test's own file");
    let here = std::env::current_dir().expect("a directory");
    for (folder, advice) in [
        ("/no/such/folder".to_owned(), "there is no folder /no/such/folder".to_owned()),
        ("no/such".to_owned(), format!("there is no folder no/such in {}", here.display())),
        (file.display().to_string(), format!("{} is no folder", file.display())),
    ] {
        let mut environment = Environment::new();
        environment.set_loader(FileSystemLoader::new(&folder));
        let error = environment.get_template("page.html").expect_err("there is none");
        assert_eq!(error.message(), format!("'page.html' not found in search path: '{folder}'"));
        assert_eq!(error.hint(), Some(&*advice));
        assert!(error.report().ends_with(&format!("help: {advice}")), "{}", error.report());
    }
}

#[test]
fn what_a_new_user_does_wrong() {
    let hint = |source: &str| {
        let error = with_functions().render_str(source, context! { s => "abc" }).expect_err(source);
        error.hint().map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(hint("{{ s.uper() }}"), "did you mean `upper`?");
    assert_eq!(
        hint("{{ 1|plus(by=2) }}"),
        "its arguments have no names: it takes such by a parameter of type `KeywordArguments`"
    );
    assert_eq!(
        hint("{% for a in [1] %}{% break %}{% endfor %}"),
        "the tag `break` needs the extension `loopcontrols`, which is not switched on"
    );
    let report = fails(&[("a", "{% include 'a' %}")]).report();
    assert_eq!(report.lines().count(), 6, "{report}");
    assert!(report.ends_with("\n  called from a:1:4, 39 times"), "{report}");
}
