//! Whatever the source, there is a tree or an error: no panic, no stack overflow.

use haiden_syntax::{Extensions, Syntax, lex_raw, parse};

const TEMPLATES: &[&str] = &[
    "{% extends 'a' %}{% block b scoped %}{{ super() }}{% endblock b %}",
    "{% for a, (b, c) in x if a recursive %}{{ loop(a) }}{% else %}-{% endfor %}",
    "{% if a %}{% elif b and not c %}{% else %}{% endif %}{# comment #}",
    "{% macro m(a, b='x') %}{{ a ~ b ~ caller() }}{% endmacro %}{% call(x) m(1, *y, **z) %}{% endcall %}",
    "{% from 'm' import a as b, c with context %}{% import 'n' as n without context %}",
    "{% set ns.a, b = 1, {'k': [1, 2.5e3, 0x1F, 'a\\x41\\N{BULLET}']} %}{% set t | upper %}x{% endset %}",
    "{% with a = 1, b = a[1:2:3] %}{{ a.b.0['c'](d)|e|f(g=1) is not h(i) }}{% endwith %}",
    "{% filter upper|lower %}{% autoescape true %}{% raw -%} {{ x }} {%- endraw %}{% endautoescape %}{% endfilter %}",
    "{% trans 'ctx' n=f(), a=b %}{{ n }} one 100%{% pluralize n %}{{ a }}{% endtrans %}{% do x.append(1) %}",
    "{{ -1 ** 2 // 3 % 4 if a < b <= c not in d else none }}\r\n{%- include ['a', b] ignore missing -%}\n",
    "\u{feff}{{ \u{e9}t\u{e9} }}\0{{ '\u{1f600}' }}",
];

const PIECES: &[&str] = &[
    "{%", "%}", "{{", "}}", "{#", "#}", "-", "+", "'", "\"", "\\", "(", ")", "[", "]", "|", "\n", "in", "if",
    "1", "\u{e9}",
];

fn syntaxes() -> Vec<Syntax> {
    let all = Extensions::I18N.with(Extensions::DO).with(Extensions::LOOP_CONTROLS).with(Extensions::DEBUG);
    let lines = Syntax {
        line_statement_prefix: Some("#".into()),
        line_comment_prefix: Some("##".into()),
        trim_blocks: true,
        lstrip_blocks: true,
        extensions: all,
        ..Syntax::default()
    };
    let newlines = Syntax { newline_sequence: "\r\n".into(), extensions: all, ..Syntax::default() };
    vec![Syntax::default(), lines, newlines]
}

fn check(source: &str) {
    for syntax in &syntaxes() {
        let _ = lex_raw(source, syntax).map(|tokens| tokens.dump());
        match parse(source, syntax) {
            Ok(ast) => {
                ast.to_repr();
            }
            Err(error) => {
                assert!(error.offset() as usize <= source.len(), "{source:?}: {error:?}");
                assert!(source.is_char_boundary(error.offset() as usize), "{source:?}: {error:?}");
            }
        }
    }
}

#[test]
fn every_prefix_is_read_or_refused() {
    for template in TEMPLATES {
        for (end, _) in template.char_indices() {
            check(&template[..end]);
        }
    }
}

#[test]
fn mutated_templates_are_read_or_refused() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..4000 {
        let mut chars: Vec<char> = TEMPLATES[random(TEMPLATES.len())].chars().collect();
        for _ in 0..=random(4) {
            let at = random(chars.len());
            match random(3) {
                0 => drop(chars.remove(at)),
                1 => drop(chars.splice(at..at, PIECES[random(PIECES.len())].chars())),
                _ => chars[at] = PIECES[random(PIECES.len())].chars().next().unwrap_or('x'),
            }
            if chars.is_empty() {
                break;
            }
        }
        check(&chars.into_iter().collect::<String>());
    }
}

/// Runs on a stack that is much smaller than a main thread's.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(work).expect("a thread");
    thread.join().expect("it neither panics nor overflows");
}

#[test]
fn deep_nesting_is_an_error_not_an_overflow() {
    on_a_small_stack(|| {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{1:", "}"),
            ("-", ""),
            ("not ", ""),
            ("a if b else ", ""),
            ("a[", "]"),
            ("f(", ")"),
            ("a|f(", ")"),
            ("a is t(", ")"),
            ("a or b and not c == d + e ~ f * g ** (", ")"),
        ] {
            let source = format!("{{{{ {}1{} }}}}", open.repeat(10_000), close.repeat(10_000));
            let error = parse(&source, &Syntax::default()).expect_err(open);
            assert!(error.message().contains("nested too deeply"), "{open}: {error}");
        }
        for chain in ["+a", ".a", "|a", "[0]", "()", " and a", " ** a"] {
            let source = format!("{{{{ a{} }}}}", chain.repeat(10_000));
            let error = parse(&source, &Syntax::default()).expect_err(chain);
            assert!(error.message().contains("nested too deeply"), "{chain}: {error}");
        }
        for tag in ["{% if a %}", "{% if a %}{% elif b %}", "{% for a in b %}", "{% call f() %}"] {
            let error = parse(&tag.repeat(10_000), &Syntax::default()).expect_err(tag);
            assert!(error.message().contains("nested too deeply"), "{tag}: {error}");
        }
        // What is just below the limits is fine, and is dropped on this stack as well.
        let nested = format!("{{{{ {}1{} }}}}", "(".repeat(90), ")".repeat(90));
        assert!(parse(&nested, &Syntax::default()).is_ok());
        let operands = format!("{{{{ {}1{} }}}}", "(a+".repeat(70), ")".repeat(70));
        assert!(parse(&operands, &Syntax::default()).is_ok());
        let chain = format!("{{{{ a{} }}}}", "+a".repeat(490));
        assert!(parse(&chain, &Syntax::default()).is_ok());
    });
}

#[test]
fn long_is_not_deep() {
    on_a_small_stack(|| {
        let elifs = format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}x".repeat(10_000));
        assert!(parse(&elifs, &Syntax::default()).is_ok());
        let flat = format!("{{{{ a{}{} }}}}", "~a".repeat(5000), "<a".repeat(5000));
        assert!(parse(&flat, &Syntax::default()).is_ok());
        let spread = format!("{{{{ {}{} }}}}", "(a)+".repeat(490), "1");
        assert!(parse(&spread, &Syntax::default()).is_ok());
        let lines = format!("{}{{{{ ) }}}}", "\n".repeat(70_000));
        let error = parse(&lines, &Syntax::default()).expect_err("a bracket that opens nowhere");
        assert_eq!(error.line(), 70_001);
    });
}
