//! What changes the evaluation context, and overlay scopes: mostly what only extensions make.

use haiden_bytecode::FunctionKind;
use haiden_syntax::ast::{self, Keyword};

use super::{Builder, Eval, Frame, Result};
use crate::ir::{ExprId, Stmt, StmtKind};

impl<'a, 's> Builder<'_, 'a, 's> {
    /// `{% autoescape %}`: options for a body.
    pub(super) fn autoescape(
        &mut self,
        node: &'a ast::ScopedEvalContextModifier<'s>,
    ) -> Result<StmtKind<'a>> {
        let before = self.eval;
        let mut value = None;
        for option in &node.options {
            value = Some(self.option("ScopedEvalContextModifier", option)?);
        }
        let mut body = Vec::new();
        self.body(&node.body, &mut body)?;
        self.eval = before;
        match value {
            Some(value) => Ok(StmtKind::Autoescape { value, body }),
            None => Self::unsupported("ScopedEvalContextModifier", node.at),
        }
    }

    /// Options from here on.
    pub(super) fn modify(
        &mut self,
        node: &'a ast::EvalContextModifier<'s>,
        out: &mut Vec<Stmt<'a>>,
    ) -> Result<()> {
        for option in &node.options {
            let value = self.option("EvalContextModifier", option)?;
            out.push(Stmt { at: self.marked(node.at), kind: StmtKind::SetAutoescape(value) });
        }
        Ok(())
    }

    /// The value of `autoescape`, which is known from here on if it is a constant.
    fn option(&mut self, node: &str, option: &'a Keyword<'s>) -> Result<ExprId> {
        if !self.is(option.key, "autoescape") {
            return Self::unsupported(node, option.at);
        }
        self.eval = match self.known_truth(&option.value) {
            Some(autoescape) => Eval { autoescape, later: false, ..self.eval },
            None if self.is_constant(&option.value) => Eval { later: true, ..self.eval },
            None => Eval { volatile: true, ..self.eval },
        };
        self.ir.volatile |= self.eval.volatile;
        self.expr(&option.value)
    }

    /// A scope whose variables are a mapping's: a function of its own, since it sees no other variables.
    pub(super) fn overlay(&mut self, node: &'a ast::OverlayScope<'s>) -> Result<StmtKind<'a>> {
        let variables = self.expr(&node.context)?;
        let locals = self.locals(node.at);
        let frame = self.child();
        let function = self.reserve();
        let inner = Frame { check_output: false, ..self.inner_frame(frame) };
        let outer = self.begin_function(frame, inner);
        let mut body = Vec::new();
        let entered = self.enter(frame, false, &mut body);
        self.body(&node.body, &mut body)?;
        self.leave(&entered, &mut body);
        self.finish_plain_function(FunctionKind::Overlay, function, node.at, body);
        self.end_function(outer);
        Ok(StmtKind::Overlay { variables, locals, function })
    }
}
