//! Print: an image as text for people.
//!
//! In: a verified [`Image`], or bytes. Out: text for `haiden dump` and for recorded tests. Stable: the same image gives
//! the same text, indices are shown with what they mean.

use std::fmt::Write as _;

use crate::format::{DIRECTORY_ENTRY, FORMAT_VERSION, HEADER_LEN, Header, Maxima, Section, header_flags};
use crate::image::{
    AUTOESCAPE, CATCH_CALLER, CATCH_KWARGS, CATCH_VARARGS, Constant, EXPLICIT_CALLER, Function, FunctionKind,
    Image, LoopField, VOLATILE,
};
use crate::load::load;
use crate::ops::{self, Field, INSTRUCTION_SET_HASH, Kind, Op};
use crate::plain::Words;
use crate::rejection::Rejection;

/// What bytes contain: header, sections, then the code.
///
/// # Errors
/// The [`Rejection`] if they are no image.
pub fn describe(bytes: &[u8]) -> Result<String, Rejection> {
    let (header, image) = load(bytes)?;
    let mut out = String::new();
    describe_header(&mut out, &header, &image, bytes.len());
    out.push('\n');
    out.push_str(&disassemble(&image));
    Ok(out)
}

fn describe_header(out: &mut String, header: &Header, image: &Image, total: usize) {
    let maxima = Maxima::of(image);
    let flags = [(header_flags::OPTIMIZED, "optimized"), (header_flags::AUTOESCAPE, "autoescape")];
    line(out, format_args!("format           {FORMAT_VERSION}"));
    line(out, format_args!("instruction set  {INSTRUCTION_SET_HASH:016x}"));
    line(out, format_args!("semantics        {}", header.semantics));
    line(out, format_args!("flags            {}", set_flags(header.flags, &flags).join(" ")));
    line(out, format_args!("length           {total}"));
    line(out, format_args!("source           {}", hex(&header.source)));
    line(out, format_args!("fingerprint      {}", hex(&header.fingerprint)));
    line(
        out,
        format_args!(
            "maxima           registers {}, loops {}, constant depth {}, cells {}",
            maxima.registers, maxima.loops, maxima.constant_depth, maxima.cells
        ),
    );
    line(out, format_args!("\n{:<14} {:>8} {:>8} {:>8}", "section", "offset", "bytes", "entries"));
    line(out, format_args!("{:<14} {:>8} {:>8}", "header", 0, HEADER_LEN - Section::COUNT * DIRECTORY_ENTRY));
    let mut offset = HEADER_LEN;
    for section in Section::ALL {
        let entries = section.entries(image);
        let bytes = entries * section.entry_size();
        line(out, format_args!("{:<14} {offset:>8} {bytes:>8} {entries:>8}", section.name()));
        offset += bytes;
    }
}

/// The tables and the code of an image.
pub fn disassemble(image: &Image) -> String {
    let mut printer = Printer { image, constants: constant_texts(image), out: String::new() };
    printer.tables();
    for (index, function) in image.functions.iter().enumerate() {
        printer.function(index, function);
    }
    printer.out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes all text");
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a string takes all text");
        out
    })
}

fn set_flags<T: Copy + Into<u32>>(flags: T, names: &[(T, &'static str)]) -> Vec<&'static str> {
    names.iter().filter(|(bit, _)| flags.into() & (*bit).into() != 0).map(|(_, name)| *name).collect()
}

/// The most bytes shown of a text or of an operand: what is printed stays in proportion to the image.
const SHOWN: usize = 400;

/// A text cut to what is shown, with a note of how much is missing.
fn shorten(mut text: String) -> String {
    let all = text.len();
    if all > SHOWN {
        text.truncate(text.floor_char_boundary(SHOWN));
        let missing = all - text.len();
        write!(text, "… {missing} bytes more").expect("a string takes all text");
    }
    text
}

/// A string in quotes, cut to what is shown.
fn quote(text: &str) -> String {
    let shown = text.floor_char_boundary(SHOWN);
    if shown == text.len() {
        return format!("{text:?}");
    }
    format!("{:?}… {} bytes more", &text[..shown], text.len() - shown)
}

/// Each constant as text, containers with what is in them.
fn constant_texts(image: &Image) -> Vec<String> {
    let mut texts: Vec<String> = Vec::with_capacity(image.constants.len());
    let mut roots: Vec<usize> = Vec::new();
    for (index, constant) in image.constants.iter().enumerate() {
        let parts = roots.split_off(roots.len() - constant.parts());
        let values: Vec<&str> = parts.iter().map(|&part| texts[part].as_str()).collect();
        let text = match *constant {
            Constant::None => "none".to_owned(),
            Constant::Bool(value) => value.to_string(),
            Constant::Int(value) => value.to_string(),
            Constant::BigInt(string) => shorten(image.string(string).to_owned()),
            Constant::Float(value) => format!("{value:?}"),
            Constant::Str(string) => quote(image.string(string)),
            Constant::Markup(string) => format!("markup {}", quote(image.string(string))),
            Constant::Tuple(1) => format!("({},)", values[0]),
            Constant::Tuple(_) => format!("({})", values.join(", ")),
            Constant::List(_) => format!("[{}]", values.join(", ")),
            Constant::Dict(_) => {
                let pairs: Vec<String> = values.chunks(2).map(|pair| pair.join(": ")).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        };
        texts.push(if constant.parts() == 0 { text } else { shorten(text) });
        roots.push(index);
    }
    texts
}

struct Printer<'a> {
    image: &'a Image,
    constants: Vec<String>,
    out: String,
}

impl Printer<'_> {
    /// What no instruction shows.
    fn tables(&mut self) {
        let image = self.image;
        for block in &image.blocks {
            let required = if block.required { " required" } else { "" };
            let name = image.name(block.name);
            line(&mut self.out, format_args!("block {name}: function {}{required}", block.function));
        }
        for dependency in &image.dependencies {
            let kind = format!("{:?}", dependency.kind).to_lowercase();
            line(&mut self.out, format_args!("{kind} {}", quote(image.string(dependency.name))));
        }
        for (kind, references) in [("filter", &image.filters), ("test", &image.tests)] {
            for reference in references {
                let soft = if reference.hard { "" } else { " (soft)" };
                let (name, at) = (image.name(reference.name), (reference.line, reference.column));
                line(&mut self.out, format_args!("{kind} {name}{soft} at {}:{}", at.0, at.1));
            }
        }
    }

    fn function(&mut self, index: usize, function: &Function) {
        let image = self.image;
        let flags = [
            (CATCH_VARARGS, "varargs"),
            (CATCH_KWARGS, "kwargs"),
            (CATCH_CALLER, "caller"),
            (EXPLICIT_CALLER, "explicit-caller"),
            (AUTOESCAPE, "autoescape"),
            (VOLATILE, "volatile"),
        ];
        let kind = match function.kind {
            FunctionKind::Root => "root",
            FunctionKind::Block => "block",
            FunctionKind::Macro => "macro",
            FunctionKind::CallBlock => "call block",
            FunctionKind::Loop => "loop",
            FunctionKind::Overlay => "overlay",
        };
        let name = if function.name == u32::MAX { "" } else { image.name(function.name) };
        let parameters: Vec<&str> = image.parameters(function).iter().map(|name| image.name(name)).collect();
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        let separator = if name.is_empty() { "" } else { " " };
        line(
            &mut self.out,
            format_args!(
                "function {index}: {kind}{separator}{name}({}), line {}, registers {}, loops {} {}",
                parameters.join(", "),
                function.line,
                function.registers,
                function.loops,
                set_flags(function.flags, &flags).join(" "),
            ),
        );
        self.code(function);
    }

    fn code(&mut self, function: &Function) {
        let image = self.image;
        let (start, end) = function.code;
        let code = image.code().run(start as usize..end as usize);
        let targets = targets(code);
        let mut lines = image.lines().skip_while(|line| line.pc < start).peekable();
        for (at, word) in code.iter().enumerate() {
            let Some(op) = Op::from_code(word as u8) else { continue };
            let label = if targets[at] { ">" } else { " " };
            let operands: Vec<String> = op
                .info()
                .operands
                .iter()
                .map(|&(field, kind)| self.operand(op, word, at, (field, kind)))
                .collect();
            let mut place = String::new();
            if let Some(entry) = lines.next_if(|line| line.pc == start + at as u32) {
                place = format!("{}:{}", entry.line, entry.column);
            }
            let name = op.info().name;
            line(
                &mut self.out,
                format_args!("{place:>8} {label}{at:>5}  {name:<16} {}", operands.join(", ")),
            );
        }
    }

    fn operand(&self, op: Op, word: u64, at: usize, (field, kind): (Field, Kind)) -> String {
        let image = self.image;
        let value = field.of(word);
        match kind {
            Kind::Out | Kind::In | Kind::InOut | Kind::First => format!("r{value}"),
            Kind::Count => format!("#{value}"),
            Kind::Text => quote(image.string(value)),
            Kind::Const => self.constants[value as usize].clone(),
            Kind::Name => image.name(value).to_owned(),
            Kind::Site => format!(".{}", image.name(image.site(value).name)),
            Kind::Shape => self.shape(value),
            Kind::Filter => {
                let call = image.filter_calls[value as usize];
                let name = image.name(image.filters[call.reference as usize].name);
                format!("{name}{}", self.shape(call.shape))
            }
            Kind::Test => {
                let call = image.test_calls[value as usize];
                let name = image.name(image.tests[call.reference as usize].name);
                format!("{name}{}", self.shape(call.shape))
            }
            Kind::Function => format!("function {value}"),
            Kind::LocalsOrNone if value == u32::from(u16::MAX) => "no locals".to_owned(),
            Kind::Locals | Kind::LocalsOrNone => self.locals(value),
            Kind::Target => format!("-> {value}"),
            Kind::Near => format!("-> {}", near(word, at)),
            Kind::Loop => format!("loop {value}"),
            Kind::Escape => ["no", "html", "dynamic"][value as usize].to_owned(),
            Kind::Imm => immediate(op, field, value),
        }
    }

    fn shape(&self, index: u32) -> String {
        let shape = &self.image.shapes[index as usize];
        let mut parts = vec!["_".to_owned(); usize::from(shape.positional)];
        parts.extend(shape.keywords.iter().map(|&name| format!("{}=", self.image.name(name))));
        parts.extend(shape.star.then(|| "*".to_owned()));
        parts.extend(shape.star_star.then(|| "**".to_owned()));
        shorten(format!("({})", parts.join(", ")))
    }

    fn locals(&self, table: u32) -> String {
        let entries = self.image.locals(table).iter();
        let entries: Vec<String> =
            entries.map(|&(name, register)| format!("{}: r{register}", self.image.name(name))).collect();
        shorten(format!("{{{}}}", entries.join(", ")))
    }
}

/// A number as its instruction means it.
fn immediate(op: Op, field: Field, value: u32) -> String {
    match (op, field) {
        (Op::LoadInt, _) => (value as i32).to_string(),
        (Op::LoopGet, Field::B) => match LoopField::from_code(value as u16) {
            Some(field) => format!("{field:?}").to_lowercase(),
            None => value.to_string(),
        },
        _ if op.info().name.ends_with("Int") => (value as u16 as i16).to_string(),
        _ => value.to_string(),
    }
}

/// Where a near jump at `at` goes.
fn near(word: u64, at: usize) -> i64 {
    at as i64 + 1 + i64::from(ops::c(word) as i16)
}

/// Which instructions are jumped to.
fn targets(code: Words<'_>) -> Vec<bool> {
    let mut targets = vec![false; code.len()];
    for (at, word) in code.iter().enumerate() {
        let operands = Op::from_code(word as u8).map_or(&[][..], |op| op.info().operands);
        for (field, kind) in operands {
            let target = match kind {
                Kind::Target => i64::from(field.of(word)),
                Kind::Near => near(word, at),
                _ => continue,
            };
            if let Some(target) = usize::try_from(target).ok().and_then(|target| targets.get_mut(target)) {
                *target = true;
            }
        }
    }
    targets
}
