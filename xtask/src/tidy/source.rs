//! Rust source without its comments and texts.
//!
//! In: a Rust file. Out: the same lines, with comments, strings and characters blanked.
//!
//! Invariant: line breaks stay, so line numbers hold; unclosed things run to the end and nothing panics.

/// Blanks comments, string and character literals.
pub(super) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = skipped_len(rest, code.chars().next_back());
        if skipped == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let (gone, kept) = rest.split_at(skipped);
            code.push(' ');
            code.extend(gone.chars().filter(|&c| c == '\n'));
            rest = kept;
        }
    }
    code
}

/// How many bytes at the start of `rest` are a comment or a literal.
fn skipped_len(rest: &str, before: Option<char>) -> usize {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_len(rest);
    }
    match rest.as_bytes()[0] {
        b'"' => quoted_len(rest),
        b'r' if !in_word => raw_len(rest),
        b'b' | b'c' if !in_word && rest[1..].starts_with('r') => match raw_len(&rest[1..]) {
            0 => 0,
            len => len + 1,
        },
        b'\'' => char_len(rest),
        _ => 0,
    }
}

/// Block comments nest.
fn block_comment_len(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    let bytes = rest.as_bytes();
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted_len(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#` and so on; a raw identifier is none.
fn raw_len(rest: &str) -> usize {
    let hashes = rest[1..].bytes().take_while(|&byte| byte == b'#').count();
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = 2 + hashes;
    rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len())
}

/// `'x'` or `'\…'`; a lifetime is none.
fn char_len(rest: &str) -> usize {
    if rest[1..].starts_with('\\') {
        return rest[2..].char_indices().skip(1).find(|&(_, c)| c == '\'').map_or(0, |(at, _)| at + 3);
    }
    let Some(inner) = rest[1..].chars().next() else { return 0 };
    if rest[1 + inner.len_utf8()..].starts_with('\'') { inner.len_utf8() + 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, code: &str) {
        assert_eq!(code_only(text), code);
    }

    #[test]
    fn comments_go_and_lines_stay() {
        check("a // b\nc", "a  \nc");
        check("a /* b /* c\n */ d */ e", "a  \n e");
        check("a /* never closed", "a  ");
    }

    #[test]
    fn texts_go() {
        check(r#"f("a\"b", 'c', '\'', '\\')"#, "f( ,  ,  ,  )");
        check("r#\"a \"b\" c\"# br\"x\" r\"y\"", "     ");
        check("\"never closed", " ");
    }

    #[test]
    fn lifetimes_and_raw_names_stay() {
        check("fn f<'a>(x: &'a str, r#in: u8, bar: u8)", "fn f<'a>(x: &'a str, r#in: u8, bar: u8)");
    }
}
