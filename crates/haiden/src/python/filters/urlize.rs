//! `urlize`: links in text.
//!
//! In: text that is already escaped, and options. Out: markup, appended. Invariant: what counts as a link is
//! what Jinja2's patterns match, case and script included; time is linear in each word but for brackets.

use crate::python::error::{Error, Result};
use crate::python::repr::write_repr;
use crate::python::text::index::{len, substring};
use crate::python::unicode;

/// How to link.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options<'a> {
    /// Shown addresses are cut to this length.
    pub(crate) trim_url_limit: Option<i64>,
    /// The attribute `rel`, as [`rel`] makes it.
    pub(crate) rel: Option<&'a str>,
    /// The attribute `target`.
    pub(crate) target: Option<&'a str>,
    /// More beginnings that make a link; each has passed [`check_scheme`].
    pub(crate) extra_schemes: &'a [&'a str],
}

/// The attribute `rel`: what the caller, `nofollow` and the policy say, sorted, each once.
pub(crate) fn rel(given: Option<&str>, nofollow: bool, policy: Option<&str>) -> Option<String> {
    let words = |text: Option<&'_ str>| -> Vec<String> {
        text.unwrap_or("")
            .split(unicode::is_space)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let mut parts = words(given);
    parts.extend(words(policy));
    if nofollow {
        parts.push("nofollow".to_owned());
    }
    parts.sort_unstable();
    parts.dedup();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Refuse what Jinja2 refuses as a scheme (`FilterArgumentError`, given here as a `ValueError`).
pub(crate) fn check_scheme(scheme: &str) -> Result<()> {
    let name =
        scheme.split_once(':').filter(|(_, rest)| matches!(*rest, "" | "/" | "//")).map(|(name, _)| name);
    let is_part = |c: char| matches!(c, '.' | '+' | '-') || unicode::is_word(c);
    if name.is_some_and(|name| len(name) >= 2 && name.chars().all(is_part)) {
        return Ok(());
    }
    let mut text = String::new();
    write_repr(&mut text, scheme);
    text.push_str(" is not a valid URI scheme prefix.");
    Err(Error::Value(text.into()))
}

/// Append `text|urlize(…)`.
pub(crate) fn urlize(out: &mut String, escaped: &str, options: Options<'_>) {
    let mut attributes = String::new();
    for (name, value) in [("rel", options.rel), ("target", options.target)] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            attributes.push(' ');
            attributes.push_str(name);
            attributes.push_str("=\"");
            escape(&mut attributes, value);
            attributes.push('"');
        }
    }
    let mut rest = escaped;
    while let Some(first) = rest.chars().next() {
        let space = unicode::is_space(first);
        let end = rest.find(|c| unicode::is_space(c) != space).unwrap_or(rest.len());
        if space {
            out.push_str(&rest[..end]);
        } else {
            write_word(out, &rest[..end], &attributes, options);
        }
        rest = &rest[end..];
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

/// Split a word in leading brackets, what may be an address, and punctuation behind it.
fn split_word(word: &str) -> (&str, &str, &str) {
    let mut middle = word;
    while let Some(rest) = middle.strip_prefix(['(', '<']).or_else(|| middle.strip_prefix("&lt;")) {
        middle = rest;
    }
    let (head, after) = word.split_at(word.len() - middle.len());
    let mut middle = after;
    while let Some(rest) = middle.strip_suffix([')', '>', '.', ',']).or_else(|| middle.strip_suffix("&gt;")) {
        middle = rest;
    }
    let mut end = middle.len();
    // An address may need the closing brackets it opened.
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
        let opened = after[..end].matches(open).count();
        if opened <= after[..end].matches(close).count() {
            continue;
        }
        for _ in 0..opened {
            let Some(at) = after[end..].find(close) else { break };
            end += at + close.len();
        }
    }
    (head, &after[..end], &after[end..])
}

fn write_word(out: &mut String, word: &str, attributes: &str, options: Options<'_>) {
    let (head, middle, tail) = split_word(word);
    out.push_str(head);
    if is_http(middle) {
        let has_scheme = middle.starts_with("https://") || middle.starts_with("http://");
        let shown = match options.trim_url_limit {
            Some(limit) if len(middle) as i64 > limit => (substring(middle, None, Some(limit)), "..."),
            _ => (middle, ""),
        };
        let scheme = if has_scheme { "" } else { "https://" };
        push_all(out, &["<a href=\"", scheme, middle, "\"", attributes, ">", shown.0, shown.1, "</a>"]);
    } else if let Some(address) = middle.strip_prefix("mailto:").filter(|address| is_email(address)) {
        push_all(out, &["<a href=\"", middle, "\">", address, "</a>"]);
    } else if !middle.starts_with("www.")
        && !middle.starts_with('@')
        && !middle.contains(':')
        && is_email(middle)
    {
        push_all(out, &["<a href=\"mailto:", middle, "\">", middle, "</a>"]);
    } else if options.extra_schemes.iter().any(|scheme| middle != *scheme && middle.starts_with(scheme)) {
        push_all(out, &["<a href=\"", middle, "\"", attributes, ">", middle, "</a>"]);
    } else {
        out.push_str(middle);
    }
    out.push_str(tail);
}

fn push_all(out: &mut String, parts: &[&str]) {
    out.extend(parts.iter().copied());
}

/// A code point as a pattern without case sees it: the letters that Python folds onto ASCII ones, too.
fn fold(c: char) -> char {
    match c {
        'ſ' => 's',
        'ı' | 'İ' => 'i',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    }
}

/// What follows `prefix` (lower case), whatever the case.
fn strip_folded<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let mut chars = text.chars();
    for wanted in prefix.chars() {
        if fold(chars.next()?) != wanted {
            return None;
        }
    }
    Some(chars.as_str())
}

/// Whether a word is an address of the web.
fn is_http(text: &str) -> bool {
    let after_scheme = strip_folded(text, "https://").or_else(|| strip_folded(text, "http://"));
    if let Some(rest) = after_scheme {
        if let Some(inner) = rest.strip_prefix('[') {
            return inner.split_once(']').is_some_and(|(host, rest)| is_ipv6(host) && is_port_and_path(rest));
        }
        let (host, rest) = split_host(rest);
        return (is_domain(host) || is_ipv4(host)) && is_port_and_path(rest);
    }
    let (host, rest) = split_host(text);
    let known = strip_folded(host, "www.").is_some_and(is_domain) || is_basic_domain(host);
    known && is_port_and_path(rest)
}

fn split_host(text: &str) -> (&str, &str) {
    text.split_at(text.find([':', '/', '?', '#']).unwrap_or(text.len()))
}

fn is_port_and_path(text: &str) -> bool {
    let Some(after_colon) = text.strip_prefix(':') else {
        return text.is_empty() || text.starts_with(['/', '?', '#']);
    };
    let path = after_colon.trim_start_matches(|c| unicode::decimal(c).is_some());
    let digits = len(&after_colon[..after_colon.len() - path.len()]);
    (1..=5).contains(&digits) && (path.is_empty() || path.starts_with(['/', '?', '#']))
}

fn is_label(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '%' | '-') || unicode::is_word(c))
}

/// Labels and a top level domain, of letters or of `xn--`.
fn is_domain(host: &str) -> bool {
    let (labels, top) = host.rsplit_once('.').map_or((None, host), |(labels, top)| (Some(labels), top));
    let size = len(top);
    let letters = (2..=63).contains(&size) && top.chars().all(|c| fold(c).is_ascii_lowercase());
    let idna =
        |rest: &str| (2..=59).contains(&len(rest)) && rest.chars().all(|c| c == '%' || unicode::is_word(c));
    (letters || strip_folded(top, "xn--").is_some_and(idna))
        && labels.is_none_or(|labels| labels.split('.').all(|label| !label.is_empty() && is_label(label)))
}

/// Labels and one of the old top level domains.
fn is_basic_domain(host: &str) -> bool {
    const TOPS: [&str; 8] = ["com", "net", "int", "edu", "gov", "org", "info", "mil"];
    let Some((labels, top)) = host.rsplit_once('.') else { return false };
    TOPS.iter().any(|known| strip_folded(top, known) == Some(""))
        && labels.split('.').all(|label| (2..=63).contains(&len(label)) && is_label(label))
}

fn is_ipv4(host: &str) -> bool {
    let is_part =
        |part: &str| (1..=3).contains(&len(part)) && part.chars().all(|c| unicode::decimal(c).is_some());
    host.split('.').count() == 4 && host.split('.').all(is_part)
}

/// Two groups that end in a colon, then one to six that may.
fn is_ipv6(host: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_hexdigit() || unicode::decimal(c).is_some();
    let skip_group =
        |text: &str| -> usize { text.chars().take(4).take_while(|&c| is_digit(c)).map(char::len_utf8).sum() };
    let mut rest = host;
    for group in 0..8 {
        rest = &rest[skip_group(rest)..];
        match rest.strip_prefix(':') {
            Some(after) => rest = after,
            None if group < 2 => return false,
            None => {}
        }
    }
    rest.is_empty()
}

/// Whether a word is an address of mail.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let Some((labels, top)) = host.rsplit_once('.') else { return false };
    let is_host = |c: char| matches!(c, '.' | '-') || unicode::is_word(c);
    !name.is_empty()
        && labels.starts_with(unicode::is_word)
        && labels.chars().all(is_host)
        && !top.is_empty()
        && top.chars().all(unicode::is_word)
}
