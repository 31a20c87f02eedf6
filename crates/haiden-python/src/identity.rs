//! What an image is known by: the options and the source that it was compiled from.
//!
//! The same digests as the `haiden` crate's for the same options, so that either reads what the other wrote.

use haiden_bytecode::fingerprint::extension_flags;
use haiden_bytecode::{Expected, Fingerprint, Header, OptionId, header_flags, source_digest};
use haiden_compiler::Options;
use haiden_syntax::Extensions;

use crate::settings::Settings;

/// The version of the compiler's semantics, as the `haiden` crate counts it.
const SEMANTICS: u32 = 1;

/// The digests of an image.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    flags: u32,
    fingerprint: [u8; 32],
    source: [u8; 32],
}

impl Identity {
    /// The identity of what is compiled from `source` with these options.
    pub(crate) fn new(settings: &Settings, options: &Options, source: &str) -> Identity {
        let mut flags = 0;
        flags |= if options.optimize { header_flags::OPTIMIZED } else { 0 };
        flags |= if options.autoescape { header_flags::AUTOESCAPE } else { 0 };
        Identity { flags, fingerprint: fingerprint(settings, options), source: source_digest(source) }
    }

    /// The header of the image.
    pub(crate) fn header(&self) -> Header {
        Header { semantics: SEMANTICS, flags: self.flags, source: self.source, fingerprint: self.fingerprint }
    }

    /// What the image must be.
    pub(crate) fn expected(&self) -> Expected {
        Expected { semantics: SEMANTICS, fingerprint: self.fingerprint, source: Some(self.source) }
    }
}

fn fingerprint(settings: &Settings, options: &Options) -> [u8; 32] {
    let syntax = &options.syntax;
    let mut flags = 0_u32;
    for (extension, flag) in [
        (Extensions::I18N, extension_flags::I18N),
        (Extensions::DO, extension_flags::DO),
        (Extensions::LOOP_CONTROLS, extension_flags::LOOP_CONTROLS),
        (Extensions::DEBUG, extension_flags::DEBUG),
    ] {
        flags |= if syntax.extensions.contains(extension) { flag } else { 0 };
    }
    let mut print = Fingerprint::builder()
        .option(OptionId::BlockStart, syntax.block_start_string.as_bytes())
        .option(OptionId::BlockEnd, syntax.block_end_string.as_bytes())
        .option(OptionId::VariableStart, syntax.variable_start_string.as_bytes())
        .option(OptionId::VariableEnd, syntax.variable_end_string.as_bytes())
        .option(OptionId::CommentStart, syntax.comment_start_string.as_bytes())
        .option(OptionId::CommentEnd, syntax.comment_end_string.as_bytes())
        .flag(OptionId::TrimBlocks, syntax.trim_blocks)
        .flag(OptionId::LstripBlocks, syntax.lstrip_blocks)
        .option(OptionId::NewlineSequence, syntax.newline_sequence.as_bytes())
        .flag(OptionId::KeepTrailingNewline, syntax.keep_trailing_newline)
        .flag(OptionId::Autoescape, options.autoescape)
        .option(OptionId::Extensions, &flags.to_le_bytes())
        .flag(OptionId::Optimized, options.optimize)
        .flag(OptionId::NewstyleGettext, syntax.extensions.contains(Extensions::NEWSTYLE_GETTEXT))
        .flag(OptionId::I18nTrimmed, syntax.extensions.contains(Extensions::I18N_TRIMMED));
    if let Some(prefix) = &syntax.line_statement_prefix {
        print = print.option(OptionId::LineStatementPrefix, prefix.as_bytes());
    }
    if let Some(prefix) = &syntax.line_comment_prefix {
        print = print.option(OptionId::LineCommentPrefix, prefix.as_bytes());
    }
    if settings.native {
        print = print.flag(OptionId::NativeTypes, true);
    }
    if options.finalize {
        print = print.option(OptionId::FinalizeConst, &[2]);
    }
    if options.intercepted {
        // Each operator is asked about when it runs: which ones are intercepted is no part of the image.
        print = print.option(OptionId::InterceptedOperators, b"*\0");
    }
    print.finish()
}
