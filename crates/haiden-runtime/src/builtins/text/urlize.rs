//! `urlize`: links in text.
//!
//! In: text that is already escaped, and links. Out: markup, appended. Invariant: what counts as a link is
//! what Jinja2's patterns match, case and script included; time is linear in each word but for brackets.

use super::{Characters, byte_of, is_decimal, is_space, is_word, len};
use crate::escape::escape_into;

/// How to link.
#[derive(Clone, Copy, Debug, Default)]
pub struct Links<'a> {
    /// Shown addresses are cut to this length.
    pub trim_url_limit: Option<i64>,
    /// The attribute `rel`, as [`rel`] makes it.
    pub rel: Option<&'a str>,
    /// The attribute `target`.
    pub target: Option<&'a str>,
    /// More beginnings that make a link; each has passed `check_scheme`.
    pub extra_schemes: &'a [String],
}

/// The attribute `rel`: what the caller, `nofollow` and the policy say, sorted, each once.
pub fn rel(
    given: Option<&str>,
    nofollow: bool,
    policy: Option<&str>,
    characters: &impl Characters,
) -> Option<String> {
    let words = |text: Option<&'_ str>| -> Vec<String> {
        text.unwrap_or("")
            .split(|c| is_space(characters, c))
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

/// Is this the beginning of an address, such as `tel:` or `ssh://`?
pub fn is_scheme(scheme: &str, characters: &impl Characters) -> bool {
    let name =
        scheme.split_once(':').filter(|(_, rest)| matches!(*rest, "" | "/" | "//")).map(|(name, _)| name);
    let is_part = |c: char| matches!(c, '.' | '+' | '-') || is_word(characters, c);
    name.is_some_and(|name| len(name) >= 2 && name.chars().all(is_part))
}

/// Appends `text|urlize(…)`.
pub fn urlize(out: &mut String, escaped: &str, links: Links<'_>, characters: &impl Characters) {
    let mut attributes = String::new();
    for (name, value) in [("rel", links.rel), ("target", links.target)] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            attributes.push(' ');
            attributes.push_str(name);
            attributes.push_str("=\"");
            escape_into(&mut attributes, value);
            attributes.push('"');
        }
    }
    let mut rest = escaped;
    while let Some(first) = rest.chars().next() {
        let space = is_space(characters, first);
        let end = rest.find(|c| is_space(characters, c) != space).unwrap_or(rest.len());
        if space {
            out.push_str(&rest[..end]);
        } else {
            write_word(out, &rest[..end], &attributes, links, characters);
        }
        rest = &rest[end..];
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

fn write_word(
    out: &mut String,
    word: &str,
    attributes: &str,
    links: Links<'_>,
    characters: &impl Characters,
) {
    let (head, middle, tail) = split_word(word);
    out.push_str(head);
    if is_http(middle, characters) {
        let has_scheme = middle.starts_with("https://") || middle.starts_with("http://");
        let shown = match links.trim_url_limit {
            Some(limit) if len(middle) as i64 > limit => (cut(middle, limit), "..."),
            _ => (middle, ""),
        };
        let scheme = if has_scheme { "" } else { "https://" };
        push_all(out, &["<a href=\"", scheme, middle, "\"", attributes, ">", shown.0, shown.1, "</a>"]);
    } else if let Some(address) =
        middle.strip_prefix("mailto:").filter(|address| is_email(address, characters))
    {
        push_all(out, &["<a href=\"", middle, "\">", address, "</a>"]);
    } else if !middle.starts_with("www.")
        && !middle.starts_with('@')
        && !middle.contains(':')
        && is_email(middle, characters)
    {
        push_all(out, &["<a href=\"mailto:", middle, "\">", middle, "</a>"]);
    } else if links
        .extra_schemes
        .iter()
        .any(|scheme| middle != scheme.as_str() && middle.starts_with(scheme.as_str()))
    {
        push_all(out, &["<a href=\"", middle, "\"", attributes, ">", middle, "</a>"]);
    } else {
        out.push_str(middle);
    }
    out.push_str(tail);
}

fn push_all(out: &mut String, parts: &[&str]) {
    out.extend(parts.iter().copied());
}

/// `text[:limit]`.
fn cut(text: &str, limit: i64) -> &str {
    let limit = usize::try_from(limit).unwrap_or_else(|_| {
        len(text).saturating_sub(usize::try_from(limit.unsigned_abs()).unwrap_or(usize::MAX))
    });
    &text[..byte_of(text, limit)]
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
fn is_http(text: &str, characters: &impl Characters) -> bool {
    let after_scheme = strip_folded(text, "https://").or_else(|| strip_folded(text, "http://"));
    if let Some(rest) = after_scheme {
        if let Some(inner) = rest.strip_prefix('[') {
            return inner
                .split_once(']')
                .is_some_and(|(host, rest)| is_ipv6(host, characters) && is_port_and_path(rest, characters));
        }
        let (host, rest) = split_host(rest);
        return (is_domain(host, characters) || is_ipv4(host, characters))
            && is_port_and_path(rest, characters);
    }
    let (host, rest) = split_host(text);
    let known = strip_folded(host, "www.").is_some_and(|host| is_domain(host, characters))
        || is_basic_domain(host, characters);
    known && is_port_and_path(rest, characters)
}

fn split_host(text: &str) -> (&str, &str) {
    text.split_at(text.find([':', '/', '?', '#']).unwrap_or(text.len()))
}

fn is_port_and_path(text: &str, characters: &impl Characters) -> bool {
    let Some(after_colon) = text.strip_prefix(':') else {
        return text.is_empty() || text.starts_with(['/', '?', '#']);
    };
    let path = after_colon.trim_start_matches(|c| is_decimal(characters, c));
    let digits = len(&after_colon[..after_colon.len() - path.len()]);
    (1..=5).contains(&digits) && (path.is_empty() || path.starts_with(['/', '?', '#']))
}

fn is_label(text: &str, characters: &impl Characters) -> bool {
    text.chars().all(|c| matches!(c, '%' | '-') || is_word(characters, c))
}

/// Labels and a top level domain, of letters or of `xn--`.
fn is_domain(host: &str, characters: &impl Characters) -> bool {
    let (labels, top) = host.rsplit_once('.').map_or((None, host), |(labels, top)| (Some(labels), top));
    let size = len(top);
    let letters = (2..=63).contains(&size) && top.chars().all(|c| fold(c).is_ascii_lowercase());
    let idna = |rest: &str| {
        (2..=59).contains(&len(rest)) && rest.chars().all(|c| c == '%' || is_word(characters, c))
    };
    (letters || strip_folded(top, "xn--").is_some_and(idna))
        && labels.is_none_or(|labels| {
            labels.split('.').all(|label| !label.is_empty() && is_label(label, characters))
        })
}

/// Labels and one of the old top level domains.
fn is_basic_domain(host: &str, characters: &impl Characters) -> bool {
    const TOPS: [&str; 8] = ["com", "net", "int", "edu", "gov", "org", "info", "mil"];
    let Some((labels, top)) = host.rsplit_once('.') else { return false };
    TOPS.iter().any(|known| strip_folded(top, known) == Some(""))
        && labels.split('.').all(|label| (2..=63).contains(&len(label)) && is_label(label, characters))
}

fn is_ipv4(host: &str, characters: &impl Characters) -> bool {
    let is_part =
        |part: &str| (1..=3).contains(&len(part)) && part.chars().all(|c| is_decimal(characters, c));
    host.split('.').count() == 4 && host.split('.').all(is_part)
}

/// Two groups that end in a colon, then one to six that may.
fn is_ipv6(host: &str, characters: &impl Characters) -> bool {
    let is_digit = |c: char| c.is_ascii_hexdigit() || is_decimal(characters, c);
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
fn is_email(text: &str, characters: &impl Characters) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let Some((labels, top)) = host.rsplit_once('.') else { return false };
    let is_host = |c: char| matches!(c, '.' | '-') || is_word(characters, c);
    !name.is_empty()
        && labels.starts_with(|c| is_word(characters, c))
        && labels.chars().all(is_host)
        && !top.is_empty()
        && top.chars().all(|c| is_word(characters, c))
}
