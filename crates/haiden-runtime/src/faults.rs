//! What a machine asks its host to say: why a value is undefined, and what went wrong in the machine itself.

/// Why a value is undefined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undefined<'a> {
    /// A variable of this name is not set.
    Name(&'a str),
    /// A macro parameter was not given.
    Parameter(&'a str),
    /// This message says why.
    Hint(&'a str),
    /// The inline `if` at this position was false and has no `else`.
    NoElse(&'a str),
    /// There is no outer definition of this block.
    NoParentBlock(&'a str),
    /// The macro was not called by a `call` block.
    NoCaller,
    /// Template `template`, imported at `position`, has no export of this name.
    NoExport {
        /// The template.
        template: &'a str,
        /// Where the import stands: `line 3 in 'page.html'`.
        position: &'a str,
        /// The name.
        name: &'a str,
    },
    /// `loop.previtem` of the first item.
    NoPreviousItem,
    /// `loop.nextitem` of the last item.
    NoNextItem,
}

/// What went wrong in the machine itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<'a> {
    /// A filter that the environment does not have was run (it stood in a conditional).
    NoFilter(&'a str),
    /// A test that the environment does not have was run.
    NoTest(&'a str),
    /// `namespace.name = value` on something that is no namespace.
    NotANamespace,
    /// A macro was called with too many positional arguments.
    TooManyArguments {
        /// The macro's name; `None` for a `call` block's body.
        name: Option<&'a str>,
        /// How many it takes.
        takes: usize,
    },
    /// A macro was called with a keyword argument that it does not take.
    UnexpectedKeyword {
        /// The macro's name.
        name: Option<&'a str>,
        /// The argument's name.
        keyword: &'a str,
    },
    /// A macro was called with two values for one argument.
    DuplicateArgument {
        /// The macro's name.
        name: Option<&'a str>,
        /// The argument's name.
        argument: &'a str,
    },
    /// A call gives a keyword argument twice: by its name, and in `**`.
    KeywordTwice(&'a str),
    /// A macro that takes no `caller` was called by a `call` block.
    UnexpectedCaller {
        /// The macro's name.
        name: Option<&'a str>,
    },
    /// A second `extends` ran.
    ExtendedTwice,
    /// A required block was not overridden.
    RequiredBlock(&'a str),
    /// A block or a loop was called with other arguments than it takes; Python's words for that.
    WrongArguments(&'a str),
    /// A loop that is not recursive was called.
    NotRecursive,
    /// `loop.cycle()` without values.
    EmptyCycle,
    /// Calls, includes, blocks and loops are nested too deeply.
    TooDeep,
    /// The output is larger than the limit, in bytes.
    OutputLimit(u64),
    /// The budget of work is used up.
    OutOfFuel,
    /// The image does something no compiler writes.
    BadImage(&'static str),
}
