//! What an image must be keyed on, besides its source: the version of what the compiler means, and its options.
//!
//! In: [`Options`]. Out: the options every host has, as `docs/image-format.md` lists them; a host adds its own and
//! finishes. It stands here once, so that the hosts cannot drift apart and read each other's images wrongly.

use haiden_bytecode::fingerprint::extension_flags;
use haiden_bytecode::{Fingerprint, OptionId};
use haiden_syntax::Extensions;

use crate::options::Options;

/// The version of the compiler's semantics: raised whenever the same source compiles to something else.
pub const SEMANTICS: u32 = 16;

impl Options {
    /// The part of an environment's fingerprint that these options are.
    pub fn fingerprint(&self) -> Fingerprint {
        let syntax = &self.syntax;
        let extensions = |flag| syntax.extensions.contains(flag);
        let mut flags = 0_u32;
        for (extension, flag) in [
            (Extensions::I18N, extension_flags::I18N),
            (Extensions::DO, extension_flags::DO),
            (Extensions::LOOP_CONTROLS, extension_flags::LOOP_CONTROLS),
            (Extensions::DEBUG, extension_flags::DEBUG),
        ] {
            flags |= if extensions(extension) { flag } else { 0 };
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
            .flag(OptionId::Autoescape, self.autoescape)
            .option(OptionId::Extensions, &flags.to_le_bytes())
            .flag(OptionId::Optimized, self.optimize)
            .flag(OptionId::NewstyleGettext, extensions(Extensions::NEWSTYLE_GETTEXT))
            .flag(OptionId::I18nTrimmed, extensions(Extensions::I18N_TRIMMED));
        let custom = syntax.custom_tags.fingerprint();
        if !custom.is_empty() {
            print = print.option(OptionId::UserExtensions, custom);
        }
        if !self.filters.is_empty() {
            let filters =
                self.filters.iter().map(|(name, folds)| format!("{name}{}", if *folds { "=" } else { "!" }));
            print = print.option(OptionId::OtherFilters, filters.collect::<String>().as_bytes());
        }
        if let Some(prefix) = &syntax.line_statement_prefix {
            print = print.option(OptionId::LineStatementPrefix, prefix.as_bytes());
        }
        if let Some(prefix) = &syntax.line_comment_prefix {
            print = print.option(OptionId::LineCommentPrefix, prefix.as_bytes());
        }
        print
    }
}
