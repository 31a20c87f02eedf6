//! Arithmetic, concatenation and repetition, by Python's rules; markup stays markup by MarkupSafe's.

use haiden_runtime::{BinaryOp, UnaryOp};

use crate::asynchronous::Deferred;
use crate::error::{Error, ErrorKind};
use crate::python::number::Number;
use crate::value::host::NativeHost;
use crate::value::host::text::escape_into;
use crate::value::object::{Foreign, Object, guarded};
use crate::value::word::{Str, Word};

/// How large an integer may become, in bits.
const MAX_BITS: u64 = 1 << 24;

fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Mod => "%",
        BinaryOp::Pow => "** or pow()",
    }
}

impl NativeHost {
    pub(super) fn arithmetic(&mut self, op: BinaryOp, left: Word, right: Word) -> Result<Word, Error> {
        if let (Word::Float(left), Word::Float(right)) = (left, right) {
            match op {
                BinaryOp::Add => return Ok(Word::Float(left + right)),
                BinaryOp::Sub => return Ok(Word::Float(left - right)),
                BinaryOp::Mul => return Ok(Word::Float(left * right)),
                _ => {}
            }
        }
        if let (Some(left), Some(right)) = (self.number(left), self.number(right)) {
            let number = match op {
                BinaryOp::Add => left.add(&right),
                BinaryOp::Sub => left.sub(&right),
                BinaryOp::Mul => left.mul(&right, MAX_BITS),
                BinaryOp::Div => left.true_div(&right),
                BinaryOp::FloorDiv => left.floor_div(&right),
                BinaryOp::Mod => left.modulo(&right),
                BinaryOp::Pow => left.power(&right, MAX_BITS),
            }?;
            let word = self.new_number(number);
            if let Word::Big { .. } = word {
                self.room_for(0)?;
            }
            return Ok(word);
        }
        if let Some((left, right)) = self.settled_pair(left, right)? {
            return self.arithmetic(op, left, right);
        }
        let (left, right) = (self.present(left), self.present(right));
        if let (BinaryOp::Mod, Word::Str(template)) = (op, left) {
            // `%` on text formats, whatever the right side is.
            return self.percent(template, right);
        }
        if op == BinaryOp::Mod && self.bytes(left).is_some() {
            return self.percent_of_bytes(left, right);
        }
        self.refuse_undefined(left)?;
        if let (BinaryOp::Mul, Word::Str(Str { markup: true, .. })) = (op, left) {
            return self.multiply(left, right);
        }
        if let (BinaryOp::Add, Word::Str(Str { markup: true, .. }), Word::Undefined(_)) = (op, left, right)
            && self.undefined_is_markup(right)?
        {
            return self.join_texts(&[left, right], true);
        }
        self.refuse_undefined(right)?;
        match op {
            BinaryOp::Add => self.add(left, right),
            BinaryOp::Mul => self.multiply(left, right),
            _ => Err(self.unsupported(op, left, right)),
        }
    }

    #[cold]
    fn unsupported(&self, op: BinaryOp, left: Word, right: Word) -> Error {
        let (sign, left, right) = (sign(op), self.type_name(left), self.type_name(right));
        Error::new(ErrorKind::Type, format!("unsupported operand type(s) for {sign}: '{left}' and '{right}'"))
    }

    fn add(&mut self, left: Word, right: Word) -> Result<Word, Error> {
        match (left, right) {
            (Word::Str(left), Word::Str(right)) => self.add_text(left, right),
            (Word::Str(text), _) | (_, Word::Str(text)) if text.markup && self.has_html(left, right)? => {
                self.join_texts(&[left, right], true)
            }
            (Word::Items { .. } | Word::List(_), Word::Items { .. } | Word::List(_)) => {
                let mut items = self.items_of(left)?;
                items.extend(self.items_of(right)?);
                Ok(self.heap.list(items))
            }
            (Word::Tuple { .. }, Word::Tuple { .. }) => {
                let mut items = self.items_of(left)?;
                items.extend(self.items_of(right)?);
                self.new_tuple(&items)
            }
            (Word::Object(_), Word::Object(_))
                if self.bytes(left).is_some() && self.bytes(right).is_some() =>
            {
                let both = [self.bytes(left), self.bytes(right)].map(Option::unwrap_or_default);
                let whole = both.concat();
                if whole.len() > self.limits.size {
                    return Err(self.too_many());
                }
                self.new_bytes(whole)
            }
            (Word::Str(text), _) if !text.markup => {
                let name = self.type_name(right);
                Err(Error::new(ErrorKind::Type, format!("can only concatenate str (not \"{name}\") to str")))
            }
            (Word::Items { .. } | Word::List(_), _) => {
                let name = self.type_name(right);
                Err(Error::new(
                    ErrorKind::Type,
                    format!("can only concatenate list (not \"{name}\") to list"),
                ))
            }
            (Word::Tuple { .. }, _) => {
                let name = self.type_name(right);
                Err(Error::new(
                    ErrorKind::Type,
                    format!("can only concatenate tuple (not \"{name}\") to tuple"),
                ))
            }
            _ => Err(self.unsupported(BinaryOp::Add, left, right)),
        }
    }

    /// Has a value that is no text markup of its own?
    fn has_html(&mut self, left: Word, right: Word) -> Result<bool, Error> {
        let other = if let Word::Str(_) = left { right } else { left };
        Ok(self.html_of(other)?.is_some())
    }

    /// Text and text; if one is markup, the other is escaped.
    fn add_text(&mut self, left: Str, right: Str) -> Result<Word, Error> {
        let markup = left.markup || right.markup;
        if left.len as usize + right.len as usize > self.limits.size {
            return Err(self.too_many());
        }
        self.build_text(markup, |host, out| {
            for part in [left, right] {
                if markup {
                    host.show_escaped(out, Word::Str(part))?;
                } else {
                    out.push_str(host.str(part));
                }
            }
            Ok(())
        })
    }

    fn multiply(&mut self, left: Word, right: Word) -> Result<Word, Error> {
        let is_sequence = |word: Word| {
            matches!(word, Word::Str(_) | Word::Items { .. } | Word::List(_) | Word::Tuple { .. })
                || self.bytes(word).is_some()
        };
        // Markup is asked first, since it is the subclass.
        let markup_right =
            matches!((left, right), (Word::Str(left), Word::Str(right)) if right.markup && !left.markup);
        let (sequence, times) =
            if is_sequence(left) && !markup_right { (left, right) } else { (right, left) };
        if !is_sequence(sequence) {
            return Err(self.unsupported(BinaryOp::Mul, left, right));
        }
        if let Word::Big { .. } = times {
            let message = "cannot fit 'int' into an index-sized integer";
            return Err(Error::new(ErrorKind::Overflow, message));
        }
        let Some(times) = self.integer_of(times) else {
            if matches!(sequence, Word::Str(text) if text.markup) {
                return self.whole(times).map(Word::Int);
            }
            let name = self.type_name(times);
            return Err(Error::new(
                ErrorKind::Type,
                format!("can't multiply sequence by non-int of type '{name}'"),
            ));
        };
        if let Word::Str(text) = sequence {
            if i64::from(text.len).saturating_mul(times) == i64::MAX {
                return Err(Error::new(ErrorKind::Overflow, "repeated string is too long"));
            }
            let limit = self.limits.size;
            return self.build_text(text.markup, |host, out| {
                crate::python::text::pad::repeat(out, host.str(text), times, limit)?;
                Ok(())
            });
        }
        let times = usize::try_from(times).unwrap_or(0);
        if let Some(bytes) = self.bytes(sequence) {
            if bytes.len().saturating_mul(times) > self.limits.size {
                return Err(self.too_many());
            }
            let bytes = bytes.repeat(times);
            return self.new_bytes(bytes);
        }
        let items = self.items_of(sequence)?;
        if items.len().saturating_mul(times) > self.limits.size {
            return Err(self.too_many());
        }
        self.room_for(items.len() * times)?;
        let items = items.repeat(times);
        if matches!(sequence, Word::Tuple { .. }) {
            self.new_tuple(&items)
        } else {
            Ok(self.heap.list(items))
        }
    }

    pub(super) fn signed(&mut self, op: UnaryOp, word: Word) -> Result<Word, Error> {
        let word = self.present_settled(word)?;
        self.refuse_undefined(word)?;
        match (self.number(word), op) {
            (Some(number), UnaryOp::Neg) => Ok(self.new_number(number.neg())),
            (Some(Number::Float(value)), UnaryOp::Pos) => Ok(Word::Float(value)),
            (Some(number), UnaryOp::Pos) => Ok(self.new_number(number)),
            (None, _) => {
                let sign = if op == UnaryOp::Neg { "-" } else { "+" };
                let name = self.type_name(word);
                Err(Error::new(ErrorKind::Type, format!("bad operand type for unary {sign}: '{name}'")))
            }
        }
    }

    /// `a ~ b ~ …`
    pub(super) fn join_texts(&mut self, words: &[Word], markup: bool) -> Result<Word, Error> {
        let mut any_markup = false;
        if markup {
            for &word in words {
                any_markup |= matches!(word, Word::Str(text) if text.markup);
            }
        }
        self.build_text(any_markup, |host, out| {
            for &word in words {
                // What is no text is one by now, whatever markup it has.
                match word {
                    Word::Str(_) if any_markup => host.show_escaped(out, word)?,
                    _ if any_markup => {
                        let mut text = String::new();
                        host.show(&mut text, word)?;
                        escape_into(out, &text);
                    }
                    _ => host.show(out, word)?,
                }
                if out.len() > host.limits.size {
                    return Err(host.too_many());
                }
            }
            Ok(())
        })
    }

    /// Is the value true?
    pub(crate) fn is_true(&mut self, word: Word) -> Result<bool, Error> {
        Ok(match self.present(word) {
            Word::Bool(value) => value,
            Word::None => false,
            word @ (Word::Missing | Word::Undefined(_)) => self.undefined_truth(word)?,
            Word::Int(value) => value != 0,
            Word::Float(value) => value != 0.0,
            Word::Str(text) => text.len > 0,
            Word::Big { .. } | Word::Global(_) => true,
            Word::Items { .. } | Word::Tuple { .. } | Word::List(_) | Word::Map { .. } | Word::Dict(_) => {
                self.length_of(word)? > 0
            }
            Word::Object(index) => match &self.heap.objects[index as usize] {
                crate::value::heap::HeapObject::Range { .. }
                | crate::value::heap::HeapObject::Bytes(_)
                | crate::value::heap::HeapObject::View { .. } => self.length_of(word)? > 0,
                _ => true,
            },
            Word::Foreign { slot, index } => match self.foreign(slot, index) {
                Foreign::Object(object) => guarded(object, "is_true", Object::is_true)?,
                Foreign::Function(_) | Foreign::Deferred(Deferred::Sequence(_)) => true,
                Foreign::Deferred(Deferred::Future(_)) => {
                    let word = self.settled(word)?;
                    return self.is_true(word);
                }
            },
        })
    }
}
