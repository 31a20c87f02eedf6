//! Prints the intermediate form: a function a paragraph, a statement a line.

use std::fmt;

use super::{Ir, Stmt, StmtKind};

impl fmt::Display for Ir<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, function) in self.functions.iter().enumerate() {
            let name = function.name.map_or("", |name| self.text(name));
            writeln!(
                f,
                "function {index} {:?} {name} locals {} loops {} cells {}",
                function.kind, function.locals, function.loops, function.cells
            )?;
            body(f, &function.body, 1)?;
        }
        writeln!(f, "expressions")?;
        for (index, expr) in self.exprs.iter().enumerate() {
            writeln!(f, "  e{index} {expr:?}")?;
        }
        Ok(())
    }
}

fn body(f: &mut fmt::Formatter<'_>, stmts: &[Stmt<'_>], depth: usize) -> fmt::Result {
    for stmt in stmts {
        let indent = "  ".repeat(depth);
        match &stmt.kind {
            StmtKind::If { arms, otherwise } => {
                for (test, arm) in arms {
                    writeln!(f, "{indent}{}: if e{}", stmt.at.line, test.0)?;
                    body(f, arm, depth + 1)?;
                }
                writeln!(f, "{indent}else")?;
                body(f, otherwise, depth + 1)?;
            }
            StmtKind::For(node) => {
                let iter = node.iter.map_or_else(|| "register 0".to_owned(), |iter| format!("e{}", iter.0));
                writeln!(f, "{indent}{}: for slot {} {:?} in {iter}", stmt.at.line, node.slot, node.target)?;
                body(f, &node.body, depth + 1)?;
                if !node.otherwise.is_empty() {
                    writeln!(f, "{indent}else")?;
                    body(f, &node.otherwise, depth + 1)?;
                }
            }
            StmtKind::Unextended(inner) => {
                writeln!(f, "{indent}{}: unless extended", stmt.at.line)?;
                body(f, inner, depth + 1)?;
            }
            StmtKind::Capture { body: inner, then } => {
                writeln!(f, "{indent}{}: capture", stmt.at.line)?;
                body(f, inner, depth + 1)?;
                body(f, std::slice::from_ref(then), depth)?;
            }
            StmtKind::Autoescape { value, body: inner } => {
                writeln!(f, "{indent}{}: autoescape e{}", stmt.at.line, value.0)?;
                body(f, inner, depth + 1)?;
            }
            other => writeln!(f, "{indent}{}: {other:?}", stmt.at.line)?,
        }
    }
    Ok(())
}
