//! Output: text and printed values, and what becomes of them in a template with a parent.

use std::borrow::Cow;

use haiden_bytecode::Escape;
use haiden_syntax::ast::{self, At, Output};

use super::{Builder, Result};
use crate::ir::{Expr, Stmt, StmtKind};

impl<'a, 's> Builder<'_, 'a, 's> {
    pub(super) fn output(&mut self, node: &'a Output<'s>, out: &mut Vec<Stmt<'a>>) -> Result<()> {
        if self.frame.check_output && self.known_extends {
            return Ok(());
        }
        // Before the first `extends` there is no parent yet.
        if self.frame.check_output && self.extends > 0 {
            let mut inner = Vec::new();
            self.write_all(&node.nodes, &mut inner)?;
            out.push(Stmt { at: node.at, kind: StmtKind::Unextended(inner) });
            return Ok(());
        }
        self.write_all(&node.nodes, out)
    }

    fn write_all(&mut self, nodes: &'a [ast::Expr<'s>], out: &mut Vec<Stmt<'a>>) -> Result<()> {
        out.reserve(nodes.len());
        for node in nodes {
            match node {
                ast::Expr::TemplateData(text) => {
                    let data = self.scopes.ast.texts.get(text.data);
                    if self.eval.volatile {
                        self.mark_line(text.at);
                        // Whether it is markup is not known yet: Jinja2 makes a value of it, which `finalize` gets.
                        if self.options.finalize {
                            let plain = self.push(text.at, Expr::Str(Cow::Borrowed(data)));
                            let value = self.push(text.at, Expr::MarkSafe(plain, Escape::Dynamic));
                            let kind = StmtKind::Emit {
                                value,
                                escape: Escape::Dynamic,
                                folded: Escape::Dynamic,
                                constant: false,
                            };
                            out.push(Stmt { at: self.marked(text.at), kind });
                            continue;
                        }
                    }
                    Self::text(text.at, data, out);
                }
                node => {
                    if !matches!(node, ast::Expr::Const(_)) {
                        self.mark_line(node.at());
                    }
                    let value = self.expr(node)?;
                    let folded = self.eval.folded();
                    let constant = self.options.finalize && self.is_constant(node);
                    let is_static = !constant && self.eval.volatile && self.is_constant(node);
                    let escape = if is_static { folded } else { self.eval.escape() };
                    out.push(Stmt {
                        at: self.marked(node.at()),
                        kind: StmtKind::Emit { value, escape, folded, constant },
                    });
                }
            }
        }
        Ok(())
    }

    fn text(at: At, text: &'a str, out: &mut Vec<Stmt<'a>>) {
        if !text.is_empty() {
            out.push(Stmt { at, kind: StmtKind::Text(text) });
        }
    }
}
