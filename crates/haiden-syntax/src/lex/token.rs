//! Tokens: their kinds, their names in Jinja2, and the words that mean something.

/// A token: what it is, where, and its extent in the normalised text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// Which word it is, if it is a name that some rule looks for.
    pub(crate) word: Word,
    pub(crate) line: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Token {
    /// What is current before the first token.
    pub(crate) const START: Self =
        Self { kind: TokenKind::Eof, word: Word::Other, line: 1, start: 0, end: 0 };

    pub(crate) fn is(&self, word: Word) -> bool {
        self.word == word
    }
}

/// Declares the kinds with Jinja2's type name and, where it differs, the description used in messages.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal $describe:literal;)*) => {
        /// The kinds of tokens.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum TokenKind {
            $($(#[$doc])* $kind,)*
        }

        impl TokenKind {
            /// Jinja2's name of the type, as the parser sees it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// How messages call it.
            pub const fn describe(self) -> &'static str {
                match self {
                    $(Self::$kind => $describe,)*
                }
            }
        }
    };
}

kinds! {
    /// `+`
    Add "add" "+";
    /// `=`
    Assign "assign" "=";
    /// `:`
    Colon "colon" ":";
    /// `,`
    Comma "comma" ",";
    /// `/`
    Div "div" "/";
    /// `.`
    Dot "dot" ".";
    /// `==`
    Eq "eq" "==";
    /// `//`
    FloorDiv "floordiv" "//";
    /// `>`
    Gt "gt" ">";
    /// `>=`
    GtEq "gteq" ">=";
    /// `{`
    LBrace "lbrace" "{";
    /// `[`
    LBracket "lbracket" "[";
    /// `(`
    LParen "lparen" "(";
    /// `<`
    Lt "lt" "<";
    /// `<=`
    LtEq "lteq" "<=";
    /// `%`
    Mod "mod" "%";
    /// `*`
    Mul "mul" "*";
    /// `!=`
    Ne "ne" "!=";
    /// `|`
    Pipe "pipe" "|";
    /// `**`
    Pow "pow" "**";
    /// `}`
    RBrace "rbrace" "}";
    /// `]`
    RBracket "rbracket" "]";
    /// `)`
    RParen "rparen" ")";
    /// `;`
    Semicolon "semicolon" ";";
    /// `-`
    Sub "sub" "-";
    /// `~`
    Tilde "tilde" "~";
    /// Blanks inside a tag.
    Whitespace "whitespace" "whitespace";
    /// `1.5`
    Float "float" "float";
    /// `15`
    Integer "integer" "integer";
    /// `x`
    Name "name" "name";
    /// `'x'`
    String "string" "string";
    /// `{%`
    BlockBegin "block_begin" "begin of statement block";
    /// `%}`
    BlockEnd "block_end" "end of statement block";
    /// `{{`
    VariableBegin "variable_begin" "begin of print statement";
    /// `}}`
    VariableEnd "variable_end" "end of print statement";
    /// `{% raw %}`
    RawBegin "raw_begin" "raw_begin";
    /// `{% endraw %}`
    RawEnd "raw_end" "raw_end";
    /// `{#`
    CommentBegin "comment_begin" "begin of comment";
    /// `#}`
    CommentEnd "comment_end" "end of comment";
    /// What a comment says.
    Comment "comment" "comment";
    /// The prefix of a line statement.
    LineStatementBegin "linestatement_begin" "begin of line statement";
    /// The end of its line.
    LineStatementEnd "linestatement_end" "end of line statement";
    /// The prefix of a line comment.
    LineCommentBegin "linecomment_begin" "linecomment_begin";
    /// The end of its line.
    LineCommentEnd "linecomment_end" "linecomment_end";
    /// What a line comment says.
    LineComment "linecomment" "comment";
    /// Text.
    Data "data" "template data / text";
    /// The end of the source.
    Eof "eof" "end of template";
}

impl TokenKind {
    /// The type name in `Environment.lex`, which does not tell operators apart.
    pub const fn raw_name(self) -> &'static str {
        if (self as u8) <= (Self::Tilde as u8) { "operator" } else { self.as_str() }
    }

    /// Whether the parser does not see it.
    pub(crate) const fn is_trivia(self) -> bool {
        matches!(
            self,
            Self::Whitespace
                | Self::RawBegin
                | Self::RawEnd
                | Self::CommentBegin
                | Self::Comment
                | Self::CommentEnd
                | Self::LineCommentBegin
                | Self::LineComment
                | Self::LineCommentEnd
        )
    }
}

/// Declares the words that some grammar rule looks for.
macro_rules! words {
    ($($word:ident $text:literal)*) => {
        /// A name that some grammar rule looks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Word {
            /// Any other name, or no name at all.
            Other,
            $($word,)*
        }

        impl Word {
            /// Which word a name is.
            #[inline]
            pub(crate) fn of(name: &[u8]) -> Self {
                $(const $word: &[u8] = $text.as_bytes();)*
                match name {
                    $($word => Self::$word,)*
                    _ => Self::Other,
                }
            }

            /// The word itself.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    Self::Other => "",
                    $(Self::$word => $text,)*
                }
            }
        }
    };
}

#[expect(non_upper_case_globals, reason = "the macro's constants are named after the variants")]
mod word {
    words! {
        And "and" Or "or" Not "not" In "in" Is "is" If "if" Else "else" Elif "elif"
        TrueLower "true" TrueUpper "True" FalseLower "false" FalseUpper "False" NoneLower "none" NoneUpper "None"
        For "for" Block "block" Extends "extends" Print "print" Macro "macro" Include "include" From "from"
        Import "import" Set "set" With "with" Autoescape "autoescape" Call "call" Filter "filter"
        EndFor "endfor" EndIf "endif" EndBlock "endblock" EndMacro "endmacro" EndSet "endset" EndWith "endwith"
        EndAutoescape "endautoescape" EndCall "endcall" EndFilter "endfilter"
        Recursive "recursive" Scoped "scoped" Required "required" Ignore "ignore" Missing "missing"
        Without "without" Context "context" As "as"
        Trans "trans" Pluralize "pluralize" EndTrans "endtrans" Trimmed "trimmed" NoTrimmed "notrimmed"
        Do "do" Break "break" Continue "continue" Debug "debug"
    }
}
pub(crate) use word::Word;
