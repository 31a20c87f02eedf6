//! The fingerprint's test vectors, which `docs/image-format.md` shows for other languages.

use std::fmt::Write as _;

use haiden_bytecode::fingerprint::extension_flags;
use haiden_bytecode::{Fingerprint, OptionId};

/// Jinja2's defaults, with autoescape off.
fn defaults() -> Fingerprint {
    Fingerprint::builder()
        .option(OptionId::BlockStart, b"{%")
        .option(OptionId::BlockEnd, b"%}")
        .option(OptionId::VariableStart, b"{{")
        .option(OptionId::VariableEnd, b"}}")
        .option(OptionId::CommentStart, b"{#")
        .option(OptionId::CommentEnd, b"#}")
        .flag(OptionId::TrimBlocks, false)
        .flag(OptionId::LstripBlocks, false)
        .option(OptionId::NewlineSequence, b"\n")
        .flag(OptionId::KeepTrailingNewline, false)
        .flag(OptionId::Autoescape, false)
        .option(OptionId::Extensions, &0_u32.to_le_bytes())
        .flag(OptionId::Optimized, true)
        .flag(OptionId::Sandboxed, false)
        .flag(OptionId::NativeTypes, false)
        .option(OptionId::FinalizeConst, &[0])
        .flag(OptionId::NewstyleGettext, false)
        .flag(OptionId::I18nTrimmed, false)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a string takes all text");
        out
    })
}

#[test]
fn the_page_has_the_vectors() {
    let page = include_str!("../../../docs/image-format.md");
    let check = |name: &str, fingerprint: &Fingerprint| {
        let row =
            format!("| {name} | `{}` | `{}` |", hex(&fingerprint.canonical()), hex(&fingerprint.finish()));
        assert!(page.contains(&row), "docs/image-format.md lacks this row:\n{row}");
    };
    check("nothing", &Fingerprint::builder());
    check("`trim_blocks`", &Fingerprint::builder().flag(OptionId::TrimBlocks, true));
    check(
        "`line_statement_prefix` `#`, `newline_sequence` CR LF",
        &Fingerprint::builder()
            .option(OptionId::NewlineSequence, b"\r\n")
            .option(OptionId::LineStatementPrefix, b"#"),
    );
    check("Jinja2's defaults", &defaults());
    let extensions = extension_flags::I18N | extension_flags::LOOP_CONTROLS;
    check(
        "the same, `autoescape`, i18n and loopcontrols",
        &defaults().flag(OptionId::Autoescape, true).option(OptionId::Extensions, &extensions.to_le_bytes()),
    );
}

#[test]
fn order_does_not_count_and_the_last_value_does() {
    let a = Fingerprint::builder().flag(OptionId::Optimized, true).option(OptionId::BlockStart, b"<%");
    let b = Fingerprint::builder().option(OptionId::BlockStart, b"<%").flag(OptionId::Optimized, true);
    assert_eq!(a.finish(), b.finish());
    let again = a.clone().flag(OptionId::Optimized, false).flag(OptionId::Optimized, true);
    assert_eq!(again.finish(), a.finish());
    assert_ne!(a.clone().flag(OptionId::Optimized, false).finish(), a.finish());
    // The length keeps neighbours apart.
    let long = Fingerprint::builder().option(OptionId::BlockStart, b"<%<");
    assert_ne!(long.finish(), Fingerprint::builder().option(OptionId::BlockStart, b"<%").finish());
}
