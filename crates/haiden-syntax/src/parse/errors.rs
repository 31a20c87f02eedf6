//! What is said about tokens and tags that do not fit: Jinja2's words, and a hint where one may help.

use crate::error::SyntaxError;
use crate::lex::token::{Token, TokenKind};
use crate::options::Extensions;
use crate::parse::ends::Ends;
use crate::parse::{Parser, error_at};
use crate::repr::push_str_repr;

/// The tags that begin a statement, and the extension each needs.
const TAGS: &[(&str, Option<Extensions>)] = &[
    ("for", None),
    ("if", None),
    ("block", None),
    ("extends", None),
    ("print", None),
    ("macro", None),
    ("include", None),
    ("from", None),
    ("import", None),
    ("set", None),
    ("with", None),
    ("autoescape", None),
    ("call", None),
    ("filter", None),
    ("raw", None),
    ("do", Some(Extensions::DO)),
    ("break", Some(Extensions::LOOP_CONTROLS)),
    ("continue", Some(Extensions::LOOP_CONTROLS)),
    ("debug", Some(Extensions::DEBUG)),
    ("trans", Some(Extensions::I18N)),
];

impl Parser<'_, '_> {
    /// How messages call a token: a name by itself, everything else by its kind.
    pub(super) fn describe(&self, token: Token) -> String {
        match token.kind {
            TokenKind::Name => self.text(token).to_owned(),
            kind => kind.describe().to_owned(),
        }
    }

    /// The current token is not what was expected.
    #[cold]
    pub(super) fn unexpected(&self, expected: &str) -> SyntaxError {
        let expected = repr(expected);
        if self.at_kind(TokenKind::Eof) {
            return self.error(format!("unexpected end of template, expected {expected}."));
        }
        let got = repr(&self.describe(self.current));
        let error = self.error(format!("expected token {expected}, got {got}"));
        if self.at_kind(TokenKind::Assign) {
            return error
                .with_hint(Some("`==` compares; `=` gives a value to a name, in `{% set %}`".to_owned()));
        }
        error
    }

    /// The tag is none that could stand here.
    #[cold]
    pub(super) fn unknown_tag(&self, tag: Token) -> SyntaxError {
        let name = self.text(tag);
        let mut message = format!("Encountered unknown tag {}.", repr(name));
        let known = self.ends.iter().any(|&ends| self.end_names(ends).contains(&name));
        self.add_expected(&mut message, &self.ends, known);
        error_at(message, tag).with_hint(self.tag_hint(name))
    }

    /// The source ends before a tag that closes `ends`.
    #[cold]
    pub(super) fn end_of_template(&self, ends: Ends) -> SyntaxError {
        let mut message = "Unexpected end of template.".to_owned();
        let mut stack = self.ends.clone();
        stack.push(ends);
        self.add_expected(&mut message, &stack, false);
        self.error(message)
    }

    fn add_expected(&self, message: &mut String, stack: &[Ends], nesting_mistake: bool) {
        if let Some(&ends) = stack.last() {
            let looking: Vec<String> = self.end_names(ends).into_iter().map(repr).collect();
            let looking = looking.join(" or ");
            message.push_str(if nesting_mistake {
                " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for "
            } else {
                " Jinja was looking for the following tags: "
            });
            message.push_str(&looking);
            message.push('.');
        }
        if let Some(&tag) = self.tags.last() {
            message.push_str(" The innermost block that needs to be closed is ");
            push_str_repr(message, self.text(tag));
            message.push('.');
        }
    }

    /// What the author of an unknown tag may have meant.
    fn tag_hint(&self, name: &str) -> Option<String> {
        if let Some((_, Some(extension))) = TAGS.iter().find(|(tag, _)| *tag == name)
            && !self.syntax.extensions.contains(*extension)
        {
            let extension = match name {
                "break" | "continue" => "loopcontrols",
                "trans" => "i18n",
                own => own,
            };
            return Some(format!(
                "the tag `{name}` needs the extension `{extension}`, which is not switched on"
            ));
        }
        match name {
            "elseif" | "elsif" => return Some("write `elif`".to_owned()),
            "end" | "endraw" | "endtrans" => return None,
            _ => {}
        }
        let ends = self.ends.last().map(|&ends| self.end_names(ends)).unwrap_or_default().into_iter();
        let custom = self.syntax.custom_tags.tags();
        let enabled =
            TAGS.iter().filter(|(_, needs)| needs.is_none_or(|e| self.syntax.extensions.contains(e)));
        let near = ends
            .chain(enabled.map(|(tag, _)| *tag))
            .chain(custom.iter().map(String::as_str))
            .map(|tag| (distance(name, tag), tag))
            .filter(|&(distance, tag)| distance > 0 && distance <= 2 && distance < tag.len())
            .min();
        near.map(|(_, tag)| format!("did you mean `{tag}`?"))
    }
}

pub(super) fn repr(text: &str) -> String {
    let mut out = String::new();
    push_str_repr(&mut out, text);
    out
}

/// How many letters are to be added, dropped, changed or swapped (restricted Damerau–Levenshtein distance; names longer
/// than 24 letters are far from everything).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left.len() > 24 || right.len() > 24 {
        return usize::MAX;
    }
    let width = right.len() + 1;
    let mut rows: Vec<usize> = (0..(left.len() + 1) * width)
        .map(|cell| {
            if cell < width {
                cell
            } else if cell % width == 0 {
                cell / width
            } else {
                0
            }
        })
        .collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let change = usize::from(left[i - 1] != right[j - 1]);
            let mut best = (rows[(i - 1) * width + j] + 1)
                .min(rows[i * width + j - 1] + 1)
                .min(rows[(i - 1) * width + j - 1] + change);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[(i - 2) * width + j - 2] + 1);
            }
            rows[i * width + j] = best;
        }
    }
    rows[left.len() * width + right.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances() {
        for (left, right, expected) in
            [("for", "for", 0), ("fro", "for", 1), ("endfor", "endfro", 1), ("", "if", 2)]
        {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }
}
