//! What is printed where it is not only text: values pass through `finalize`, or are kept as they are.
//!
//! In: values that templates print. Out: the page's text, and in an environment of native types where each value lies in
//! it: a page (or a captured part of one) that is nothing but one value is that value, any other is its text, read as a
//! Python literal if it is one. Invariant: `printed` is ordered by place and lies behind what was taken before.

use haiden_runtime::builtins::BuiltinHost as _;

use crate::error::{Error, ErrorKind};
use crate::python::literal::{Literal, literal};
use crate::python::number::{Int, Number};
use crate::value::function::CallArguments;
use crate::value::heap::HeapObject;
use crate::value::host::filters::group_member;
use crate::value::host::{NativeHost, Output};
use crate::value::value::Value;
use crate::value::word::Word;

/// A value that was printed, and where its text lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printed {
    start: usize,
    end: usize,
    value: Word,
}

/// A place in an output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    pub(super) text: usize,
    pub(super) printed: usize,
}

impl NativeHost {
    /// Prints a value in an environment that has a `finalize`, or keeps values.
    #[cold]
    pub(super) fn print_specially(
        &mut self,
        out: &mut Output,
        word: &Word,
        escape: bool,
    ) -> Result<(), Error> {
        self.print_as(out, word, escape, false)
    }

    /// Prints a constant expression where values are kept: Jinja writes it into its source as text, if it can.
    #[cold]
    pub(super) fn print_folded(&mut self, out: &mut Output, word: &Word) -> Result<(), Error> {
        let as_text = self.has_source(*word);
        self.print_as(out, word, false, as_text)
    }

    /// Prints a constant expression where values go through a function: it gets the escaped constant, as from Jinja's compiler, and
    /// what it returns is not escaped; if it fails, it gets the constant as it is, as when the template runs.
    #[cold]
    pub(super) fn print_constant(
        &mut self,
        out: &mut Output,
        word: &Word,
        folded: bool,
        escape: bool,
    ) -> Result<(), Error> {
        let constant = if folded { self.escape(word)? } else { *word };
        match self.finalized(constant) {
            Ok(finalized) => self.print_once(out, finalized, false, false),
            // A render that can wait runs this once more when it has waited, and cannot tell two calls apart.
            Err(error) if self.waiting.is_some() => Err(error),
            Err(_) => self.print_as(out, word, escape, false),
        }
    }

    /// Prints what a filter made of a block: that is not finalized.
    #[cold]
    pub(super) fn print_text(&mut self, out: &mut Output, word: &Word) -> Result<(), Error> {
        let word = self.settled(*word)?;
        self.print_finalized(out, word, false, false)
    }

    fn print_as(&mut self, out: &mut Output, word: &Word, escape: bool, as_text: bool) -> Result<(), Error> {
        let word = self.finalized(*word)?;
        self.print_once(out, word, escape, as_text)
    }

    /// Prints what `finalize` made of a value. It is not asked again if the host suspends here.
    fn print_once(&mut self, out: &mut Output, word: Word, escape: bool, as_text: bool) -> Result<(), Error> {
        let outcome = self.print_finalized(out, word, escape, as_text);
        if outcome.as_ref().is_err_and(Error::is_suspension) {
            self.keep_finalized(word);
        }
        outcome
    }

    fn print_finalized(
        &mut self,
        out: &mut Output,
        word: Word,
        escape: bool,
        as_text: bool,
    ) -> Result<(), Error> {
        let (text, printed) = (out.text.len(), out.printed.len());
        let outcome = if self.native_types {
            self.print_value(out, word, as_text)
        } else {
            self.print(out, word, escape)
        };
        if outcome.as_ref().is_err_and(Error::is_suspension) {
            out.text.truncate(text);
            out.printed.truncate(printed);
        }
        outcome
    }

    /// What `finalize` makes of a value that is to be printed.
    fn finalized(&mut self, word: Word) -> Result<Word, Error> {
        if let Some(word) = self.finalized_before() {
            return Ok(word);
        }
        let word = self.settled(word)?;
        let Some(finalize) = self.templates().finalize().cloned() else { return Ok(word) };
        self.awaited(&[], |host| finalize.invoke(host, CallArguments { positional: &[word], keywords: &[] }))
    }

    /// Could the value stand in Python's source? What consists of numbers, text, lists, tuples and dicts only.
    fn has_source(&self, word: Word) -> bool {
        let mut left = vec![word];
        while let Some(word) = left.pop() {
            match self.present(word) {
                Word::None
                | Word::Bool(_)
                | Word::Int(_)
                | Word::Big { .. }
                | Word::Float(_)
                | Word::Str(_) => {}
                Word::Object(index)
                    if matches!(self.heap.objects[index as usize], HeapObject::Range { .. }) => {}
                // A group of `groupby` is a class of its own.
                Word::Tuple { .. } if group_member(self, word, "list").is_some() => return false,
                Word::Tuple { slot, start, len } | Word::Items { slot, start, len } => {
                    left.extend_from_slice(self.run(slot, start, len));
                }
                Word::List(index) => left.extend_from_slice(&self.heap.lists[index as usize]),
                word @ (Word::Map { .. } | Word::Dict(_)) => {
                    let (keys, values) = self.entries(word);
                    left.extend(keys.into_iter().chain(values));
                }
                _ => return false,
            }
        }
        true
    }

    /// Prints a value as what it is, or as its text. Nothing is escaped here, and an undefined value that stands alone is no
    /// error.
    fn print_value(&mut self, out: &mut Output, word: Word, as_text: bool) -> Result<(), Error> {
        let start = out.text.len();
        match self.show(&mut out.text, word) {
            Err(error) if error.is_suspension() => return Err(error),
            Err(error) if !matches!(word, Word::Undefined(_) | Word::Missing) => return Err(error),
            _ => {}
        }
        let value = if as_text { self.new_text(&out.text[start..], false)? } else { word };
        out.printed.push(Printed { start, end: out.text.len(), value });
        out.check()
    }

    /// Makes one printed value of what was printed since `mark`.
    pub(super) fn rejoin(&mut self, out: &mut Output, mark: Mark) -> Result<(), Error> {
        let value = self.joined(out, mark)?;
        self.print_value(out, value, false)
    }

    /// Takes what was printed since `mark` out of the output, as one value.
    pub(crate) fn joined(&mut self, out: &mut Output, mark: Mark) -> Result<Word, Error> {
        let printed = out.printed.split_off(mark.printed.min(out.printed.len()));
        let text = out.text.split_off(mark.text.min(out.text.len()));
        if printed.is_empty() && text.is_empty() {
            return Ok(Word::None);
        }
        let alone = match printed[..] {
            [Printed { start, end, value }] if start == mark.text && end - start == text.len() => Some(value),
            _ => None,
        };
        match alone {
            Some(value) if !matches!(value, Word::Str(_)) => return Ok(value),
            Some(_) => {}
            None => {
                for Printed { value, .. } in &printed {
                    if let Word::Undefined(_) | Word::Missing = value {
                        self.undefined_text(*value)?;
                    }
                }
            }
        }
        let literal = literal(&text)
            .map_err(|name| Error::new(ErrorKind::Type, format!("unhashable type: '{name}'")))?;
        match (literal, alone) {
            (Some(value), _) => self.word_of(&value),
            (None, Some(value)) => Ok(value),
            (None, None) => self.new_text(&text, false),
        }
    }

    fn word_of(&mut self, value: &Literal) -> Result<Word, Error> {
        Ok(match value {
            // What holds a set counts as no literal.
            Literal::None | Literal::Set(_) => Word::None,
            Literal::Bool(value) => Word::Bool(*value),
            Literal::Int(value) => self.new_number(Number::Int(Int::from(value.clone()))),
            Literal::Float(value) => Word::Float(*value),
            Literal::Str(text) => self.new_text(text, false)?,
            Literal::Bytes(bytes) => self.new_bytes(bytes.clone())?,
            Literal::List(items) => {
                let items = self.words_of(items)?;
                self.heap.list(items)
            }
            Literal::Tuple(items) => {
                let items = self.words_of(items)?;
                self.new_tuple(&items)?
            }
            Literal::Dict(entries) => {
                let dict = self.dict_of(Vec::new(), Vec::new());
                for (key, value) in entries {
                    let (key, value) = (self.word_of(key)?, self.word_of(value)?);
                    self.dict_set(dict, key, value)?;
                }
                dict
            }
        })
    }

    fn words_of(&mut self, items: &[Literal]) -> Result<Vec<Word>, Error> {
        items.iter().map(|item| self.word_of(item)).collect()
    }

    /// The page as one value.
    pub(crate) fn page_value(&mut self, mut out: Output) -> Result<Value, Error> {
        if !self.native_types {
            return Ok(Value::from(out.text));
        }
        let word = self.joined(&mut out, Mark::default())?;
        self.value(word)
    }
}
