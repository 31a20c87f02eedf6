//! The instruction table: the one declaration of the instruction set.
//!
//! Everything that knows about instructions is a product of `for_each_op`: the numbering ([`Op`], [`code`]), the
//! verifier, the printer, `docs/bytecode.md` and [`INSTRUCTION_SET_HASH`], which versions the image format by itself.
//! To add an instruction, add a row here and an arm in `haiden-runtime/src/vm/run.rs` or `rare.rs`; see
//! `docs/recipes/add-an-instruction.md`.
//!
//! An instruction is one little-endian `u64`:
//!
//! ```text
//! bits 0..8   op     bits 8..16  x     bits 16..32  a     bits 32..48  b     bits 48..64  c
//!                                                         bits 32..64  w  (b and c as one operand)
//! ```
//!
//! Registers are numbered from the start of the frame's window; every register starts as *missing*. A row reads
//! `Name { field: Kind, .. } flow, span;`. `span` says which further registers the instruction touches beyond those
//! its operands name directly.

/// Calls `$product!` with every row of the instruction table.
#[macro_export]
macro_rules! for_each_op {
    ($product:path) => {
        $product! {
            // ---- output -------------------------------------------------------------------------------------
            /// Write template text `w`.
            Text { w: Text } Next, Span::NONE;
            /// Write the value of `a` as text, escaped as `x` says.
            Emit { x: Escape, a: In } Next, Span::NONE;
            /// Write template text `w`, then the value of `a`, escaped as `x` says.
            TextEmit { x: Escape, a: In, w: Text } Next, Span::NONE;
            /// Write `b.site(c)` as text, escaped as `x` says.
            EmitAttr { x: Escape, b: In, c: Site } Next, Span::NONE;
            /// Write template text `a`, then `b.site(c)` as text, escaped as `x` says.
            TextEmitAttr { x: Escape, a: Text, b: In, c: Site } Next, Span::NONE;
            /// Write the value of `a`, a constant expression. Where there is a `finalize`, it gets what `x` makes of the constant,
            /// and what it returns is written as it is; if it cannot do that before it runs, `c` is how that is escaped. Where
            /// pages are values: as the text that Jinja writes into its source, if it can write it.
            EmitFolded { x: Escape, a: In, c: Escape } Next, Span::NONE;
            /// Write the value of `a`, a text, as it is.
            EmitText { a: In } Next, Span::NONE;
            /// Start capturing output.
            BeginCapture {} Next, Span::NONE;
            /// `a ← the output captured since the matching BeginCapture`, marked safe as `x` says.
            EndCapture { x: Escape, a: Out } Next, Span::NONE;

            // ---- moves and constants ------------------------------------------------------------------------
            /// `a ← b`.
            Move { a: Out, b: In } Next, Span::NONE;
            /// `a ← constant w`. A list or dict constant is a new object each time.
            LoadConst { a: Out, w: Const } Next, Span::NONE;
            /// `a ← the integer w` (a signed 32-bit number).
            LoadInt { a: Out, w: Imm } Next, Span::NONE;
            /// `a ← none`.
            LoadNone { a: Out } Next, Span::NONE;
            /// `a ← true` if `x` is 1, else `false`.
            LoadBool { x: Imm, a: Out } Next, Span::NONE;
            /// `a ← missing`: the variable is not set.
            LoadMissing { a: Out } Next, Span::NONE;
            /// `a ← the undefined value of an inline condition` on line `w` that has no `else`.
            LoadUndefined { a: Out, w: Imm } Next, Span::NONE;

            // ---- names --------------------------------------------------------------------------------------
            /// `a ← the context's value of name w`, or missing.
            Resolve { a: Out, w: Name } Next, Span::NONE;
            /// `a ← the context's value of name w`, or the undefined value of that name.
            ResolveName { a: Out, w: Name } Next, Span::NONE;
            /// If `a` is missing, `a ← the undefined value of name w`.
            Check { a: InOut, w: Name } Next, Span::NONE;
            /// If `a` is missing, `a ← the undefined value of a macro parameter w that was not given`.
            CheckParameter { a: InOut, w: Name } Next, Span::NONE;
            /// Publish `a` as the context's variable `w`. `x`: 0 context only, 1 also exported, 2 context and no longer exported.
            Export { x: Imm, a: In, w: Name } Next, Span::NONE;
            /// `a ← a new object for the context` (extensions that ask for it; `x` 1: derived, with locals `w`).
            LoadContext { x: Imm, a: Out, w: Locals } Next, Span::NONE;
            /// `a ← what the host knows by text w`: an attribute of the environment or of an extension, something imported, an
            /// object of the tree (extensions make these).
            LoadOutside { a: Out, w: Text } Next, Span::NONE;

            // ---- cells: variables that inner functions (macros, call blocks, recursive loops) share ---------------
            /// Enter a new block of `w` cells, all missing, whose parent is the frame's present block.
            MakeCells { w: Imm } Next, Span::NONE;
            /// `a ← cell c of the block x steps outwards`.
            LoadCell { x: Imm, a: Out, c: Imm } Next, Span::NONE;
            /// `cell c of the block x steps outwards ← a`.
            StoreCell { x: Imm, a: In, c: Imm } Next, Span::NONE;

            // ---- attributes and items -----------------------------------------------------------------------
            /// `a ← b.site(c)`: attribute, then item, then undefined.
            GetAttr { a: Out, b: In, c: Site } Next, Span::NONE;
            /// `a ← a.site(w)`: as `GetAttr`, for templates with more than 65,536 sites.
            GetAttrWide { a: InOut, w: Site } Next, Span::NONE;
            /// An error if `a` is undefined and has no members: what `a.site(c)` raises before a call's arguments are evaluated.
            CheckObject { a: In, c: Site } Next, Span::NONE;
            /// `a ← b[c]`: item, then attribute, then undefined.
            GetItem { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← whether Jinja calls the filter of the name w on a constant while it compiles`.
            Folds { a: Out, w: Name } Next, Span::NONE;
            /// `a ← b[c]`, where `c` is a slice that stands in the source.
            GetSlice { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b[c]` with the signed 16-bit integer `c`.
            GetItemInt { a: Out, b: In, c: Imm } Next, Span::NONE;
            /// `a ← slice(b, b+1, b+2)`; a missing part is none.
            MakeSlice { a: Out, b: In } Next, Span::fixed(Field::B, 3);
            /// `namespace a . site(c) ← b`; an error if `a` is no namespace.
            SetAttr { a: In, b: In, c: Site } Next, Span::NONE;
            /// An error if `a` is no namespace.
            CheckNamespace { a: In } Next, Span::NONE;

            // ---- containers ---------------------------------------------------------------------------------
            /// `a ← [b, b+1, …]` of `c` values.
            MakeList { a: Out, b: First, c: Count } Next, Span::list(Field::B, Field::C, 1);
            /// `a ← (b, b+1, …)` of `c` values.
            MakeTuple { a: Out, b: First, c: Count } Next, Span::list(Field::B, Field::C, 1);
            /// `a ← {b: b+1, …}` of `c` pairs.
            MakeDict { a: Out, b: First, c: Count } Next, Span::list(Field::B, Field::C, 2);
            /// Append `c` values from `b` to the new list `a`.
            ExtendList { a: InOut, b: First, c: Count } Next, Span::list(Field::B, Field::C, 1);
            /// Add `c` pairs from `b` to the new dict `a`.
            ExtendDict { a: InOut, b: First, c: Count } Next, Span::list(Field::B, Field::C, 2);
            /// `a ← tuple(a)` of the new list `a`.
            ListToTuple { a: InOut } Next, Span::NONE;
            /// `a, a+1, … ← the c items of b`; an error if it has more or fewer.
            Unpack { a: First, b: In, c: Count } Next, Span::list(Field::A, Field::C, 1);

            // ---- operators ----------------------------------------------------------------------------------
            /// `a ← b + c`.
            Add { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b - c`.
            Sub { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b * c`.
            Mul { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b / c`.
            Div { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b // c`.
            FloorDiv { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b % c`.
            Mod { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b ** c`.
            Pow { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b + c` with the signed 16-bit integer `c`.
            AddInt { a: Out, b: In, c: Imm } Next, Span::NONE;
            /// `a ← b - c` with the signed 16-bit integer `c`.
            SubInt { a: Out, b: In, c: Imm } Next, Span::NONE;
            /// `a ← b * c` with the signed 16-bit integer `c`.
            MulInt { a: Out, b: In, c: Imm } Next, Span::NONE;
            /// `a ← b // c` with the signed 16-bit integer `c`.
            FloorDivInt { a: Out, b: In, c: Imm } Next, Span::NONE;
            /// `a ← b % c` with the signed 16-bit integer `c`.
            ModInt { a: Out, b: In, c: Imm } Next, Span::NONE;
            /// `a ← -b`.
            Neg { a: Out, b: In } Next, Span::NONE;
            /// `a ← +b`.
            Pos { a: Out, b: In } Next, Span::NONE;
            /// `a ← b op c` as the environment has it, which intercepts operators; `x` says which one, in the order above.
            InterceptBinary { x: Imm, a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← op b` as the environment has it: `-b` (`x` 0) or `+b` (1).
            InterceptUnary { x: Imm, a: Out, b: In } Next, Span::NONE;
            /// `a ← not b`.
            Not { a: Out, b: In } Next, Span::NONE;
            /// `a ← b ~ b+1 ~ …` of `c` values; `x`: join as text (0), as markup (1), as the context says (2).
            Concat { x: Escape, a: Out, b: First, c: Count } Next, Span::list(Field::B, Field::C, 1);
            /// `a ← b == c`.
            Eq { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b != c`.
            Ne { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b < c`.
            Lt { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b <= c`.
            Le { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b > c`.
            Gt { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b >= c`.
            Ge { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b in c`.
            In { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← b not in c`.
            NotIn { a: Out, b: In, c: In } Next, Span::NONE;
            /// `a ← a`, marked safe as `x` says.
            MarkSafe { x: Escape, a: InOut } Next, Span::NONE;

            // ---- jumps --------------------------------------------------------------------------------------
            /// Continue at `w`.
            Jump { w: Target } Jump, Span::NONE;
            /// Continue at `w` if `a` is true.
            JumpIf { a: In, w: Target } Branch, Span::NONE;
            /// Continue at `w` if `a` is false.
            JumpUnless { a: In, w: Target } Branch, Span::NONE;
            /// Continue at `w` if `a` is not missing.
            JumpIfGiven { a: In, w: Target } Branch, Span::NONE;
            /// Continue at `w` if this template has a parent by now.
            JumpIfExtended { w: Target } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a == b`.
            JumpUnlessEq { a: In, b: In, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a != b`.
            JumpUnlessNe { a: In, b: In, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a < b`.
            JumpUnlessLt { a: In, b: In, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a <= b`.
            JumpUnlessLe { a: In, b: In, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a > b`.
            JumpUnlessGt { a: In, b: In, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a >= b`.
            JumpUnlessGe { a: In, b: In, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a ==` the signed 16-bit integer `b`.
            JumpUnlessEqInt { a: In, b: Imm, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a !=` the signed 16-bit integer `b`.
            JumpUnlessNeInt { a: In, b: Imm, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a <` the signed 16-bit integer `b`.
            JumpUnlessLtInt { a: In, b: Imm, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a <=` the signed 16-bit integer `b`.
            JumpUnlessLeInt { a: In, b: Imm, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a >` the signed 16-bit integer `b`.
            JumpUnlessGtInt { a: In, b: Imm, c: Near } Branch, Span::NONE;
            /// Continue `c` instructions further unless `a >=` the signed 16-bit integer `b`.
            JumpUnlessGeInt { a: In, b: Imm, c: Near } Branch, Span::NONE;

            // ---- loops --------------------------------------------------------------------------------------
            /// Start loop `x` over the items of `a`. `w`: bits of [`loop_flags`](crate::loop_flags).
            For { x: Loop, a: In, w: Imm } Next, Span::NONE;
            /// If loop `x` has another item, `a ← it` and continue at `w`.
            Next { x: Loop, a: Out, w: Target } Branch, Span::NONE;
            /// If loop `x` has another item, unpack it to `a` and `a+1` and continue at `w`.
            NextPair { x: Loop, a: Out, w: Target } Branch, Span::fixed(Field::A, 2);
            /// Take the present item of loop `x` back out of its counts (its filter said no).
            Skip { x: Loop } Next, Span::NONE;
            /// Look ahead in filtered loop `x`, unless it has: for its next item (`a` 0), or for all of them (`a` 1). The filter is at
            /// `w`; it ends with `Looked`, which comes back here.
            LookAhead { x: Loop, a: Imm, w: Target } Branch, Span::NONE;
            /// If loop `x` has another item before its filter, `a ← it` and continue at `w`.
            Pull { x: Loop, a: Out, w: Target } Branch, Span::NONE;
            /// The filter of loop `x` has found item `a`, or no more if `a` is missing. Continue behind the `LookAhead`; at `w`, the
            /// filter, if that looks for all items.
            Looked { x: Loop, a: In, w: Target } Jump, Span::NONE;
            /// Loop `x` is over: drop its state.
            EndFor { x: Loop } Next, Span::NONE;
            /// `a ← loop.index`.
            LoopIndex { x: Loop, a: Out } Next, Span::NONE;
            /// `a ← loop.index0`.
            LoopIndex0 { x: Loop, a: Out } Next, Span::NONE;
            /// `a ← loop.first`.
            LoopFirst { x: Loop, a: Out } Next, Span::NONE;
            /// `a ← loop.last`.
            LoopLast { x: Loop, a: Out } Next, Span::NONE;
            /// `a ← loop.<field b>`, `b` a [`LoopField`](crate::LoopField).
            LoopGet { x: Loop, a: Out, b: Imm } Next, Span::NONE;
            /// `a ← loop.cycle(b, b+1, …)` of `c` values.
            LoopCycle { x: Loop, a: Out, b: First, c: Count } Next, Span::list(Field::B, Field::C, 1);
            /// `a ← loop.changed(b, b+1, …)` of `c` values.
            LoopChanged { x: Loop, a: Out, b: First, c: Count } Next, Span::list(Field::B, Field::C, 1);
            /// `a ← the loop object of loop x`, which shares the loop's state from now on.
            LoopObject { x: Loop, a: Out } Next, Span::NONE;
            /// Run the recursive loop function `w` over `a`, writing to the output.
            EnterLoop { a: In, w: Function } Next, Span::NONE;
            /// `a ← loop(a)`: run this recursive loop function again, one level deeper, over `a`.
            Recurse { a: InOut } Next, Span::NONE;
            /// Run function `c`, the body of an overlay scope, in a context derived with locals `b`, whose variables are those of
            /// mapping `a` (extensions make it).
            EnterOverlay { a: In, b: Locals, c: Function } Next, Span::NONE;

            // ---- calls --------------------------------------------------------------------------------------
            /// The next `Call` or `EmitCall` shows the locals `w` to a function that asks for the context.
            ShowLocals { w: Locals } Next, Span::NONE;
            /// `a ← a(a+1, …)` with the arguments that shape `w` describes.
            Call { a: InOut, w: Shape } Next, Span::call(Field::A, Field::W);
            /// Write `a(a+1, …)` as text, escaped as `x` says.
            EmitCall { x: Escape, a: In, w: Shape } Next, Span::call(Field::A, Field::W);
            /// `a ← a.site(b)(a+1, …)` with the arguments that shape `c` describes.
            CallMethod { a: InOut, b: Site, c: Shape } Next, Span::call(Field::A, Field::C);
            /// Write `a.site(b)(a+1, …)` as text, escaped as `x` says.
            EmitCallMethod { x: Escape, a: In, b: Site, c: Shape } Next, Span::call(Field::A, Field::C);
            /// `a ← filter(a, a+1, …)`, `w` a filter call.
            Filter { a: InOut, w: Filter } Next, Span::filter(Field::A, Field::W);
            /// Write `filter(a, a+1, …)` as text, escaped as `x` says.
            EmitFilter { x: Escape, a: In, w: Filter } Next, Span::filter(Field::A, Field::W);
            /// `a ← test(a, a+1, …)`, `w` a test call. The result is a boolean; `x` 1 negates it.
            Test { x: Imm, a: InOut, w: Test } Next, Span::test(Field::A, Field::W);
            /// `a ← the macro that function w defines here`.
            MakeMacro { a: Out, w: Function } Next, Span::NONE;
            /// The function is over.
            Return {} End, Span::NONE;

            // ---- blocks and templates -------------------------------------------------------------------------
            /// Write block `w` as the most derived template defines it; with locals `a` if it is scoped (0xFFFF: it is not).
            CallBlock { a: LocalsOrNone, w: Name } Next, Span::NONE;
            /// `a ← super`, the next outer definition of the block that is running.
            LoadSuper { a: Out } Next, Span::NONE;
            /// Write `super()`, escaped as `x` says.
            EmitSuper { x: Escape } Next, Span::NONE;
            /// `a ← self`, the template's blocks by name.
            LoadSelf { a: Out } Next, Span::NONE;
            /// The parent of this template is the template that `a` names.
            Extends { a: In } Next, Span::NONE;
            /// Render the template that `a` names (or the first that exists of a list of names) here.
            /// `x`: bits of [`include_flags`](crate::include_flags); `w`: the locals it sees.
            Include { x: Imm, a: In, w: Locals } Next, Span::NONE;
            /// `a ← the module of the template that a names`. `x` and `w` as for `Include`.
            Import { x: Imm, a: InOut, w: Locals } Next, Span::NONE;
            /// `a ← the export w of module a`, or an undefined value that says it has none.
            ImportName { a: InOut, w: Name } Next, Span::NONE;

            // ---- autoescape ---------------------------------------------------------------------------------
            /// `a ← the context's autoescape`, then set it to the truth of `b`.
            SetAutoescape { a: Out, b: In } Next, Span::NONE;
            /// Set the context's autoescape back to `a`.
            RestoreAutoescape { a: In } Next, Span::NONE;
        }
    };
}

/// Where an operand sits in the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Bits 8..16.
    X,
    /// Bits 16..32.
    A,
    /// Bits 32..48.
    B,
    /// Bits 48..64.
    C,
    /// Bits 32..64.
    W,
}

impl Field {
    /// The value of this field in `word`.
    #[inline]
    pub fn of(self, word: u64) -> u32 {
        // Looked up: the verifier would have to guess which branch to take.
        const PLACES: [(u32, u32); 5] = [(8, 0xFF), (16, 0xFFFF), (32, 0xFFFF), (48, 0xFFFF), (32, u32::MAX)];
        let (shift, mask) = PLACES[self as usize];
        (word >> shift) as u32 & mask
    }
}

/// What an operand is, hence what range it must be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A register that is written.
    Out,
    /// A register that is read.
    In,
    /// A register that is read, then written.
    InOut,
    /// The first of several registers; how many the row's span says.
    First,
    /// A number of registers, or of pairs of them.
    Count,
    /// A string of the image, written or shown as it is.
    Text,
    /// A constant that is loadable as a whole.
    Const,
    /// A name of the image.
    Name,
    /// An attribute site: a name and room for what the host remembers about it.
    Site,
    /// A call shape.
    Shape,
    /// A filter call.
    Filter,
    /// A test call.
    Test,
    /// A function of the image.
    Function,
    /// A table of local variables.
    Locals,
    /// A table of local variables, or 0xFFFF for none.
    LocalsOrNone,
    /// An instruction of the same function, counted from its start.
    Target,
    /// A signed distance to an instruction of the same function, counted from the next instruction.
    Near,
    /// A loop slot of the function.
    Loop,
    /// How a value becomes text: an [`Escape`](crate::Escape).
    Escape,
    /// A number, whatever it is.
    Imm,
}

/// Where control goes after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next instruction.
    Next,
    /// To the target.
    Jump,
    /// To the target or to the next instruction.
    Branch,
    /// Out of the function.
    End,
}

/// How many registers, from which one, an instruction touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// A fixed number.
    Fixed(u16),
    /// Field times a number.
    Field(Field, u16),
    /// The callee and the arguments of the call shape in the field.
    Call(Field),
    /// The value and the arguments of the filter call in the field.
    Filter(Field),
    /// The value and the arguments of the test call in the field.
    Test(Field),
}

/// A run of registers that an instruction touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The operand that holds the first register.
    pub first: Field,
    /// How many.
    pub count: Count,
}

impl Span {
    /// No registers beyond the operands.
    pub const NONE: Option<Span> = None;

    /// `n` registers from `first`.
    pub const fn fixed(first: Field, n: u16) -> Option<Span> {
        Some(Span { first, count: Count::Fixed(n) })
    }
    /// `count * times` registers from `first`.
    pub const fn list(first: Field, count: Field, times: u16) -> Option<Span> {
        Some(Span { first, count: Count::Field(count, times) })
    }
    /// Callee and arguments from `first`.
    pub const fn call(first: Field, shape: Field) -> Option<Span> {
        Some(Span { first, count: Count::Call(shape) })
    }
    /// Value and arguments of a filter from `first`.
    pub const fn filter(first: Field, call: Field) -> Option<Span> {
        Some(Span { first, count: Count::Filter(call) })
    }
    /// Value and arguments of a test from `first`.
    pub const fn test(first: Field, call: Field) -> Option<Span> {
        Some(Span { first, count: Count::Test(call) })
    }
}

/// What the table says about one instruction.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The instruction's name.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub doc: &'static [&'static str],
    /// Its operands.
    pub operands: &'static [(Field, Kind)],
    /// Where control goes.
    pub flow: Flow,
    /// Further registers.
    pub span: Option<Span>,
}

macro_rules! field {
    (x) => {
        Field::X
    };
    (a) => {
        Field::A
    };
    (b) => {
        Field::B
    };
    (c) => {
        Field::C
    };
    (w) => {
        Field::W
    };
}

macro_rules! declare {
    ($( $(#[doc = $doc:literal])* $Op:ident { $($field:ident : $Kind:ident),* } $Flow:ident, $span:expr; )*) => {
        /// An instruction's number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Op { $( $(#[doc = $doc])* $Op, )* }

        /// The numbers of the instructions as constants, for `match`.
        #[expect(non_upper_case_globals, missing_docs, reason = "the table's names; documented on `Op`")]
        pub mod code { $( pub const $Op: u8 = super::Op::$Op as u8; )* }

        /// The table, by number.
        pub const OPS: &[OpInfo] = &[ $( OpInfo {
            name: stringify!($Op),
            doc: &[$($doc),*],
            operands: &[$( (field!($field), Kind::$Kind) ),*],
            flow: Flow::$Flow,
            span: $span,
        } ),* ];

        /// A hash of the whole table (names, operands, flow, order): images made for another table are not for us.
        pub const INSTRUCTION_SET_HASH: u64 = fnv1a(concat!(
            $( stringify!($Op), "{", $( stringify!($field), ":", stringify!($Kind), "," ,)* "}",
               stringify!($Flow), stringify!($span), ";" ),*
        ));

        impl Op {
            /// The instruction with number `code`.
            pub const fn from_code(code: u8) -> Option<Op> {
                $( if code == Op::$Op as u8 { return Some(Op::$Op); } )*
                None
            }
        }
    };
}
for_each_op!(declare);

impl Op {
    /// What the table says about this instruction.
    pub const fn info(self) -> &'static OpInfo {
        &OPS[self as usize]
    }
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>).
const fn fnv1a(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}

/// The word of an instruction with operands x, a, b, c.
#[inline]
pub const fn abc(op: Op, x: u8, a: u16, b: u16, c: u16) -> u64 {
    op as u64 | (x as u64) << 8 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48
}

/// The word of an instruction with operands x, a, w.
#[inline]
pub const fn aw(op: Op, x: u8, a: u16, w: u32) -> u64 {
    op as u64 | (x as u64) << 8 | (a as u64) << 16 | (w as u64) << 32
}

/// Operand x.
#[inline(always)]
pub const fn x(word: u64) -> u8 {
    (word >> 8) as u8
}
/// Operand a.
#[inline(always)]
pub const fn a(word: u64) -> u16 {
    (word >> 16) as u16
}
/// Operand b.
#[inline(always)]
pub const fn b(word: u64) -> u16 {
    (word >> 32) as u16
}
/// Operand c.
#[inline(always)]
pub const fn c(word: u64) -> u16 {
    (word >> 48) as u16
}
/// Operand w.
#[inline(always)]
pub const fn w(word: u64) -> u32 {
    (word >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_table_agree() {
        for (number, info) in OPS.iter().enumerate() {
            let op = Op::from_code(number as u8).expect("the table is dense");
            assert_eq!(format!("{op:?}"), info.name);
        }
        assert!(Op::from_code(OPS.len() as u8).is_none());
    }

    #[test]
    fn fields_come_back() {
        let word = abc(Op::Add, 7, 1, 2, 0xFFFF);
        assert_eq!((word as u8, x(word), a(word), b(word), c(word)), (code::Add, 7, 1, 2, 0xFFFF));
        assert_eq!(w(aw(Op::Jump, 0, 0, 70_001)), 70_001);
        let fields = [Field::X, Field::A, Field::B, Field::C, Field::W].map(|field| field.of(word));
        assert_eq!(fields, [7, 1, 2, 0xFFFF, w(word)]);
    }
}
