//! What is printed: text and constants as text, everything else by the instruction that does most at once.

use haiden_bytecode::{Escape, Op};

use super::{Lower, Result};
use crate::ir::{Expr, ExprId, Place};

impl Lower<'_, '_> {
    /// Writes a value. `folded`: how it is escaped if it is a constant.
    pub(super) fn emit(&mut self, id: ExprId, escape: Escape, folded: Escape) -> Result<()> {
        self.set_at(self.ir.place(id));
        if self.optimize
            && let Some(text) = self.constant_text(id, folded)
        {
            if self.finalize {
                // It is a value still, but the text's escaping holds for it.
                return self.emit_operand(id, folded);
            }
            self.hold_text(&text);
            return Ok(());
        }
        let top = self.top;
        let ir = self.ir;
        match ir.expr(id) {
            Expr::Attr { object, name } => self.emit_attr(id, *object, *name, escape)?,
            Expr::Call { callee, args } => {
                if let Expr::Attr { object, name } = ir.expr(*callee) {
                    let base = self.alloc()?;
                    self.method(id, (*object, *name), args, base, Some(escape))?;
                } else if matches!(ir.expr(*callee), Expr::Super) && args.values.len == 0 {
                    self.abc(Op::EmitSuper, escape as u8, 0, 0, 0);
                } else {
                    let base = self.alloc()?;
                    self.expr(*callee, base)?;
                    self.arguments(args)?;
                    self.show_locals(args)?;
                    let shape = self.shape(args);
                    self.set_at(ir.place(id));
                    self.aw(Op::EmitCall, escape as u8, base, shape);
                }
            }
            Expr::Filter { value, .. } => {
                let base = self.alloc()?;
                let call = self.filter_call(id, *value, base)?;
                self.aw(Op::EmitFilter, escape as u8, base, call);
            }
            // Jinja2 prints a constant container when it compiles, by the static flag, with or without its optimizer.
            _ if self.is_constant(id) => self.emit_operand(id, folded)?,
            _ => self.emit_operand(id, escape)?,
        }
        self.top = top;
        Ok(())
    }

    /// Writes a constant expression where printed values are more than text.
    pub(super) fn emit_folded(&mut self, id: ExprId, folded: Escape, escape: Escape) -> Result<()> {
        let top = self.top;
        let value = self.operand(id)?;
        self.set_at(self.ir.place(id));
        self.abc(Op::EmitFolded, folded as u8, value, 0, escape as u16);
        self.top = top;
        Ok(())
    }

    /// Writes what a filter made of a block: as it is.
    pub(super) fn emit_text(&mut self, id: ExprId) -> Result<()> {
        let top = self.top;
        let value = self.operand(id)?;
        self.set_at(self.ir.place(id));
        self.abc(Op::EmitText, 0, value, 0, 0);
        self.top = top;
        Ok(())
    }

    fn emit_attr(
        &mut self,
        id: ExprId,
        object: ExprId,
        name: haiden_syntax::ast::Symbol,
        escape: Escape,
    ) -> Result<()> {
        let name = self.name(name);
        let site = self.code.site(name);
        if let Ok(site) = u16::try_from(site) {
            let text = self.text_before(object, u16::MAX.into()).and_then(|text| u16::try_from(text).ok());
            let object = self.operand(object)?;
            self.set_at(self.ir.place(id));
            match text {
                Some(text) => self.abc(Op::TextEmitAttr, escape as u8, text, object, site),
                None => self.abc(Op::EmitAttr, escape as u8, 0, object, site),
            };
            return Ok(());
        }
        let object = self.operand(object)?;
        self.set_at(self.ir.place(id));
        let value = self.alloc()?;
        self.settle(object, value);
        self.aw(Op::GetAttrWide, 0, value, site);
        self.abc(Op::Emit, escape as u8, value, 0, 0);
        Ok(())
    }

    /// Text that was held back and the value in one instruction, where reading the value has no effect of its own.
    fn emit_operand(&mut self, id: ExprId, escape: Escape) -> Result<()> {
        let text = self.text_before(id, usize::MAX);
        let value = self.operand(id)?;
        self.set_at(self.ir.place(id));
        match text {
            Some(text) => self.aw(Op::TextEmit, escape as u8, value, text),
            None => self.abc(Op::Emit, escape as u8, value, 0, 0),
        };
        Ok(())
    }

    /// The string of the text that was held back, if the next instruction may write it: because reading the value before that
    /// has no effect of its own, and the string's number is no more than `most`.
    fn text_before(&mut self, value: ExprId, most: usize) -> Option<u32> {
        let quiet = match self.ir.expr(value) {
            Expr::Variable { place: Place::Local(_), check: false, .. }
            | Expr::LoopIndex(_)
            | Expr::LoopIndex0(_)
            | Expr::LoopFirst(_) => true,
            Expr::Free(number) => self.tables.free[*number as usize].1,
            _ => false,
        };
        if !quiet || self.tables.pending.is_empty() || !self.optimize || self.code.string_count() > most {
            return None;
        }
        let text = self.code.template_text(&self.tables.pending);
        self.tables.pending.clear();
        Some(text)
    }

    /// A literal, or a container of such. Its depth is limited as that of all expressions is.
    fn is_constant(&self, id: ExprId) -> bool {
        match self.ir.expr(id) {
            Expr::None | Expr::Bool(_) | Expr::Int(_) | Expr::Float(_) | Expr::Str(_) => true,
            Expr::Tuple(items) | Expr::List(items) | Expr::Dict(items) => {
                self.ir.list(*items).iter().all(|&item| self.is_constant(item))
            }
            _ => false,
        }
    }

    /// What printing a constant writes.
    fn constant_text(&self, id: ExprId, escape: Escape) -> Option<String> {
        match self.ir.expr(id) {
            Expr::Str(text) => match escape {
                Escape::No => Some(text.to_string()),
                Escape::Html => Some(escaped(text)),
                Escape::Dynamic => None,
            },
            Expr::Markup(text, _) => Some(text.to_string()),
            Expr::Int(value) => Some(value.to_string()),
            Expr::Bool(value) => Some(if *value { "True" } else { "False" }.to_owned()),
            Expr::None => Some("None".to_owned()),
            _ => None,
        }
    }
}

/// HTML's five characters as `MarkupSafe` writes them.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}
