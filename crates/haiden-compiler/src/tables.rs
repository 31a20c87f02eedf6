//! Tables that a compile needs and leaves behind, kept for the thread's next compile.
//!
//! A small template's compile would otherwise spend a tenth of its time on asking for them and giving them back. In: a
//! stage finds its tables empty but with room. Out: the pipeline keeps them when the image is done. Invariants: a kept
//! table is empty, so nothing of one template reaches another; what a large template made large is not kept.

use std::cell::Cell;

use haiden_syntax::Workspace;
use haiden_syntax::ast::{At, CompareOp, Symbol};

use crate::build::{FreeOf, State};
use crate::ir::{Asked, Expr, ExprId, Free};
use crate::resolve::{Frame, Function, Seen, Variable, VariableId};

/// What a table may hold to be kept, in entries.
const KEEP: usize = 4096;

/// Declares the tables with what empties each of them.
macro_rules! tables {
    ($($name:ident: $item:ty,)*) => {
        /// The tables of one compile.
        #[derive(Default)]
        pub(crate) struct Tables {
            $(pub(crate) $name: Vec<$item>,)*
            /// Expressions; none is in here, so they live as long as one likes.
            exprs: Vec<Expr<'static>>,
            /// Text that waits to be written.
            pub(crate) pending: String,
            pub(crate) workspace: Workspace,
        }

        impl Tables {
            fn clear(&mut self) {
                $(clear(&mut self.$name);)*
                clear(&mut self.exprs);
                self.pending.clear();
                if self.pending.capacity() > KEEP * 16 {
                    self.pending = String::new();
                }
                self.workspace.clear(KEEP);
            }
        }
    };
}

tables! {
    frames: Frame,
    functions: Function,
    variables: Variable,
    captured: bool,
    seen: (u32, Seen),
    ats: At,
    marked: u32,
    asked: Asked,
    lists: ExprId,
    keywords: Symbol,
    operators: CompareOp,
    states: State,
    log: VariableId,
    counts: u32,
    scratch: ExprId,
    free_of: FreeOf,
    marks: u32,
    lines: u32,
    names: u32,
    free: (u16, bool),
    resolved: u32,
    root_free: Free,
}

fn clear<T>(table: &mut Vec<T>) {
    table.clear();
    if table.capacity() > KEEP {
        *table = Vec::new();
    }
}

thread_local! {
    static KEPT: Cell<Option<Box<Tables>>> = const { Cell::new(None) };
}

impl Tables {
    /// The tables that the last compile of this thread left, or new ones.
    pub(crate) fn take() -> Box<Tables> {
        KEPT.try_with(Cell::take).ok().flatten().unwrap_or_default()
    }

    /// Keeps the tables for the next compile.
    pub(crate) fn keep(mut self: Box<Tables>) {
        self.clear();
        // While a thread ends there is nobody to keep them for.
        let _ = KEPT.try_with(|kept| kept.set(Some(self)));
    }

    /// The table of expressions.
    pub(crate) fn take_exprs<'a>(&mut self) -> Vec<Expr<'a>> {
        relabel(std::mem::take(&mut self.exprs))
    }

    /// Takes the table of expressions back.
    pub(crate) fn give_exprs(&mut self, exprs: Vec<Expr<'_>>) {
        self.exprs = relabel(exprs);
    }
}

/// The same memory, emptied, for expressions of another lifetime.
fn relabel<'b>(mut exprs: Vec<Expr<'_>>) -> Vec<Expr<'b>> {
    exprs.clear();
    exprs.into_iter().map(|_| Expr::None).collect()
}

/// Makes `table` so many equal entries.
pub(crate) fn fill<T: Clone>(table: &mut Vec<T>, len: usize, value: T) {
    table.clear();
    table.resize(len, value);
}
