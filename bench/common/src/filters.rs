//! Bodies of the filters that an engine lacks or spells otherwise: the same Rust in all of them.

/// An amount with thousands separated and two decimals: `$1,234.50`.
pub fn money(amount: f64) -> String {
    let cents = (amount * 100.0).round() as u64;
    let whole = (cents / 100).to_string();
    let mut text = String::with_capacity(whole.len() + 8);
    text.push('$');
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push('.');
    text.push(char::from(b'0' + (cents / 10 % 10) as u8));
    text.push(char::from(b'0' + (cents % 10) as u8));
    text
}

/// Jinja2's `truncate` with its defaults: at a space, five characters of leeway, three dots.
pub fn truncate(text: &str, length: usize) -> String {
    const LEEWAY: usize = 5;
    const END: &str = "...";
    if text.len() <= length + LEEWAY || text.chars().count() <= length + LEEWAY {
        return text.to_owned();
    }
    let keep = length.saturating_sub(END.len());
    let cut = text.char_indices().nth(keep).map_or(text.len(), |(at, _)| at);
    let head = &text[..cut];
    let head = head.rfind(' ').map_or(head, |space| &head[..space]);
    let mut shortened = String::with_capacity(head.len() + END.len());
    shortened.push_str(head);
    shortened.push_str(END);
    shortened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (amount, text) in
            [(0.0, "$0.00"), (7.5, "$7.50"), (999.99, "$999.99"), (1_234_567.05, "$1,234,567.05")]
        {
            assert_eq!(money(amount), text);
        }
    }

    #[test]
    fn shortened_texts() {
        // Recorded from Jinja2 3.1.6.
        for (text, length, expected) in [
            ("short", 10, "short"),
            ("within the leeway", 12, "within the leeway"),
            ("one two three four five", 12, "one two..."),
            ("abcdefghijklmnopqrstuvwxyz", 10, "abcdefg..."),
            ("größer als der Platz hier", 12, "größer..."),
        ] {
            assert_eq!(truncate(text, length), expected, "{text}");
        }
    }
}
