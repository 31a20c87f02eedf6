//! Markdown: the instruction set as a page of the documentation.
//!
//! In: the table [`OPS`]. Out: `docs/bytecode.md`. Depends on nothing else, so the page is stale only if the table
//! changed.

use std::fmt::Write as _;

use crate::ops::{Count, Field, INSTRUCTION_SET_HASH, OPS, OpInfo};

/// `docs/bytecode.md`: the instruction set.
pub fn markdown() -> String {
    let mut out =
        String::from("<!-- Written by `cargo xtask codegen`; do not edit. -->\n\n# The instruction set\n\n");
    out.push_str(
        "Written from the table in `crates/haiden-bytecode/src/ops.rs`; generated, do not edit: change the table and run \
         `cargo xtask codegen`.\n\nAn instruction is one little-endian `u64`: operation in bits 0..8, operand `x` in 8..16, \
         `a` in 16..32, `b` in 32..48, `c` in 48..64; `w` is bits 32..64 as one operand. Registers count from the start of \
         the function's window. `from` and `count` registers: a run that the instruction touches beyond its operands.\n\n",
    );
    writeln!(out, "Instruction set hash: `{INSTRUCTION_SET_HASH:016x}`. {} instructions.\n", OPS.len())
        .expect("a string takes all text");
    out.push_str("| number | name | operands | flow | registers | meaning |\n|--:|---|---|---|---|---|\n");
    for (number, info) in OPS.iter().enumerate() {
        let flow = format!("{:?}", info.flow).to_lowercase();
        let doc = info.doc.iter().map(|doc| doc.trim()).collect::<Vec<_>>().join(" ");
        let doc = without_links(&doc).replace('|', "\\|");
        let (operands, span) = (operand_cell(info), span_cell(info));
        writeln!(out, "| {number} | `{}` | {operands} | {flow} | {span} | {doc} |", info.name)
            .expect("a string takes all text");
    }
    out
}

/// Text without the targets of its links to Rust items: the name alone is left, in backquotes.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`](") else { break };
        let Some((_, after)) = after.split_once(')') else { break };
        out.extend([before, "`", name, "`"]);
        rest = after;
    }
    out + rest
}

fn operand_cell(info: &OpInfo) -> String {
    let operands = info.operands.iter().map(|(field, kind)| format!("`{}: {kind:?}`", field_name(*field)));
    operands.collect::<Vec<_>>().join(" ")
}

fn field_name(field: Field) -> &'static str {
    ["x", "a", "b", "c", "w"][field as usize]
}

fn span_cell(info: &OpInfo) -> String {
    let Some(span) = info.span else { return String::new() };
    let count = match span.count {
        Count::Fixed(n) => n.to_string(),
        Count::Field(field, 1) => format!("`{}`", field_name(field)),
        Count::Field(field, times) => format!("{times} × `{}`", field_name(field)),
        Count::Call(field) => format!("1 + those of shape `{}`", field_name(field)),
        Count::Filter(field) | Count::Test(field) => {
            format!("1 + those of call `{}`", field_name(field))
        }
    };
    format!("from `{}`: {count}", field_name(span.first))
}
