//! The outputs are those of Jinja2 3.1.6 on CPython 3.11.

use super::{Characters, Rules, apply, filesizeformat, wordcount};
use crate::builtins::TextOp;

/// What the standard library knows, which is enough here.
struct Std;

impl Characters for Std {
    fn is_word(&self, character: char) -> bool {
        character.is_alphanumeric()
    }
    fn is_space(&self, character: char) -> bool {
        character.is_whitespace()
    }
    fn is_decimal(&self, character: char) -> bool {
        character.is_numeric()
    }
    fn push_upper(&self, out: &mut String, character: char) {
        out.extend(character.to_uppercase());
    }
    fn push_lower(&self, out: &mut String, text: &str) {
        out.push_str(&text.to_lowercase());
    }
}

#[track_caller]
fn check(op: TextOp<'_>, text: &str, expected: &str) {
    let rules = Rules { urlize_rel: Some("noopener"), limit: 1000 };
    let result = apply(op, text, &Std, rules).unwrap_or_else(|error| error.message);
    assert_eq!(result, expected, "{op:?} of {text:?}");
}

#[test]
fn titles() {
    let check = |text, expected| check(TextOp::Title, text, expected);
    check("", "");
    check("hello wORLD", "Hello World");
    check("it's a-b (c) [d] {e} <f> g", "It's A-B (C) [D] {E} <F> G");
    check("a\tb\nc", "A\tB\nC");
    check("éa 1a _b ßA", "Éa 1a _b SSa");
    check("foo.bar/baz", "Foo.bar/baz");
    check(" -x", " -X");
}

#[test]
fn tags() {
    let check = |text, expected| check(TextOp::StripTags, text, expected);
    check("<p>a</p> \n <b>b</b>&amp;&lt;i&gt;", "a b&<i>");
    check("a < b > c", "a c");
    check("<!-- x --><p", "<p");
    check("&nbsp;x&copy;", "\u{a0}x©");
    check("<!--a<!--b-->c-->d", "c-->d");
    check("<!-->x-->y", "y");
    check("a<!-- <b>c", "a<!-- <b>c");
    check("a<<!-- b -->c>", "ac>");
    check("&#x41;&#66;&#x80;&#0;&#9999999999;&#x110000;", "AB€���");
    check("&notit; &ampx &bogus; &", "¬it; &x &bogus; &");
    check("<<b>>", ">");
}

#[test]
fn quotes() {
    let check = |for_query, text, expected| check(TextOp::Quote { for_query }, text, expected);
    check(false, "a b&c/d?é=", "a%20b%26c/d%3F%C3%A9%3D");
    check(true, "a b&c/d?é=", "a+b%26c%2Fd%3F%C3%A9%3D");
    check(false, "~-_.!*()", "~-_.%21%2A%28%29");
    check(true, "~-_.!*()", "~-_.%21%2A%28%29");
    check(false, "", "");
    check(true, "", "");
}

#[test]
fn wrapping() {
    let check = |text, width, break_long_words, break_on_hyphens, expected| {
        let op = TextOp::WordWrap { width, break_long_words, wrapstring: "\n", break_on_hyphens };
        check(op, text, expected);
    };
    check("the quick brown fox", 10, true, true, "the quick\nbrown fox");
    check("aaaaaaaaaaaa", 5, true, true, "aaaaa\naaaaa\naa");
    check("aaaaaaaaaaaa b", 5, false, true, "aaaaaaaaaaaa\nb");
    check("a\n\nb c", 3, true, true, "a\n\nb c");
    check("a-b-c-d", 3, true, true, "a-\nb-\nc-d");
    check("ab-cd-ef gh--ij", 4, true, true, "ab-\ncd-\nef\ngh--\nij");
    check("a-b-c-d", 3, true, false, "a-b\n-c-\nd");
    check("  lead  x", 4, true, true, "lead\nx");
    check("éé éé-éé", 5, true, true, "éé\néé-éé");
    check("a\r\nb\u{2028}c", 5, true, true, "a\nb\nc");
    check("well-known, --option=x and -- dash", 9, true, true, "well-\nknown, --\noption=x\nand --\ndash");
    check("", 0, true, true, "");
    check("x", 0, true, true, "invalid width 0 (must be > 0)");
}

#[test]
fn links() {
    let check = |text, trim_url_limit, rel, nofollow, target, schemes: &[&str], expected| {
        let extra_schemes: Vec<String> = schemes.iter().map(|&scheme| scheme.to_owned()).collect();
        let extra_schemes = &extra_schemes;
        check(TextOp::Urlize { trim_url_limit, rel, nofollow, target, extra_schemes }, text, expected);
    };
    check(
        "www.example.com example.org foo@bar.com mailto:x@y.zz",
        None,
        None,
        false,
        None,
        &[],
        "<a href=\"https://www.example.com\" rel=\"noopener\">www.example.com</a> <a href=\"https://example.org\" rel=\"noopener\">example.org</a> <a href=\"mailto:foo@bar.com\">foo@bar.com</a> <a href=\"mailto:x@y.zz\">x@y.zz</a>",
    );
    check(
        "(http://a.com/x_(y)).",
        None,
        None,
        true,
        None,
        &[],
        "(<a href=\"http://a.com/x_(y)\" rel=\"nofollow noopener\">http://a.com/x_(y)</a>).",
    );
    check(
        "http://very-long-url.example.com/path",
        Some(10),
        None,
        false,
        None,
        &[],
        "<a href=\"http://very-long-url.example.com/path\" rel=\"noopener\">http://ver...</a>",
    );
    check(
        "http://abc.com",
        Some(-2),
        None,
        false,
        None,
        &[],
        "<a href=\"http://abc.com\" rel=\"noopener\">http://abc.c...</a>",
    );
    check(
        "http://a.com x.io a.b.org:80/?q",
        None,
        Some("x y"),
        false,
        Some("_blank"),
        &[],
        "<a href=\"http://a.com\" rel=\"noopener x y\" target=\"_blank\">http://a.com</a> x.io a.b.org:80/?q",
    );
    check(
        "tel:123 ftp:abc tel:",
        None,
        None,
        false,
        None,
        &["tel:", "ftp:"],
        "<a href=\"tel:123\" rel=\"noopener\">tel:123</a> <a href=\"ftp:abc\" rel=\"noopener\">ftp:abc</a> tel:",
    );
    check(
        "https://[::1]/x http://1.2.3.4:8080 http://1.2.3 @a@b.c",
        None,
        None,
        false,
        None,
        &[],
        "<a href=\"https://[::1]/x\" rel=\"noopener\">https://[::1]/x</a> <a href=\"http://1.2.3.4:8080\" rel=\"noopener\">http://1.2.3.4:8080</a> http://1.2.3 @a@b.c",
    );
    check(
        "HTTP://É.COM www.xn--abc",
        None,
        None,
        false,
        None,
        &[],
        "<a href=\"https://HTTP://É.COM\" rel=\"noopener\">HTTP://É.COM</a> <a href=\"https://www.xn--abc\" rel=\"noopener\">www.xn--abc</a>",
    );
    check("", None, None, false, None, &["x"], "'x' is not a valid URI scheme prefix.");
}

#[test]
fn quoted_schemes() {
    let check = |text, expected| assert_eq!(super::quoted(text), expected);
    check("a", "'a'");
    check("it's", "\"it's\"");
    check("'\"\\\n\u{1}é", "'\\'\"\\\\\\n\\x01é'");
}

#[test]
fn sizes() {
    let check = |value, binary, expected: &str| {
        let mut out = String::new();
        let result = filesizeformat(&mut out, value, binary);
        assert_eq!(result.err().map_or(out, |error| error.message), expected, "{value}, {binary}");
    };
    check(0.0, false, "0 Bytes");
    check(0.0, true, "0 Bytes");
    check(1.0, false, "1 Byte");
    check(1.0, true, "1 Byte");
    check(-0.5, false, "0 Bytes");
    check(-0.5, true, "0 Bytes");
    check(1.5, false, "1 Bytes");
    check(1.5, true, "1 Bytes");
    check(999.9, false, "999 Bytes");
    check(999.9, true, "999 Bytes");
    check(1000.0, false, "1.0 kB");
    check(1000.0, true, "1000 Bytes");
    check(1023.0, false, "1.0 kB");
    check(1023.0, true, "1023 Bytes");
    check(1024.0, false, "1.0 kB");
    check(1024.0, true, "1.0 KiB");
    check(1_500_000.0, false, "1.5 MB");
    check(1_500_000.0, true, "1.4 MiB");
    check(999_949.0, false, "999.9 kB");
    check(999_949.0, true, "976.5 KiB");
    check(1e24, false, "1000.0 ZB");
    check(1e24, true, "847.0 ZiB");
    check(1e27, false, "1000.0 YB");
    check(1e27, true, "827.2 YiB");
    check(1e30, false, "1000000.0 YB");
    check(1e30, true, "827180.6 YiB");
    check(-5000.0, false, "-5000 Bytes");
    check(-5000.0, true, "-5000 Bytes");
    check(f64::INFINITY, false, "inf YB");
    check(f64::INFINITY, true, "inf YiB");
    check(f64::NEG_INFINITY, false, "cannot convert float infinity to integer");
    check(f64::NEG_INFINITY, true, "cannot convert float infinity to integer");
    check(f64::NAN, false, "nan YB");
    check(f64::NAN, true, "nan YiB");
    check(
        1e300,
        false,
        "999999999999999929065985077113647184161737396527299728918221484261998998431805045015355882561227083155474615188770224107393363445219598313166454392463014445014728107377484646804238281703363508693674065431485187857190091380020735839470243162305319587149880588271350432374194176.0 YB",
    );
    check(
        1e300,
        true,
        "827180612553027718302328441919816863610818025050884301807838847607365467016656442532162236440060794387719977869278463063668820869754760248415266134882060597459003173482498151431816402033967348803942868039527395112885944616988627829684760191709516637683202394009680142831452160.0 YiB",
    );
}

#[test]
fn words() {
    let check = |text, expected| assert_eq!(wordcount(text, &Std), expected, "{text:?}");
    check("", 0);
    check("a b, c", 3);
    check("it's", 2);
    check("é-é _x", 3);
}
