//! Methods of text that templates call. Markup stays markup, and escapes what is put into it, as MarkupSafe does.

use std::sync::Arc;

use haiden_runtime::builtins::text as algorithms;

use crate::error::{Error, ErrorKind};
use crate::python::case;
use crate::python::characters::Unicode14;
use crate::python::codec;
use crate::python::text::find::{self, Bounds};
use crate::python::text::{classify, pad, replace, split, strip};
use crate::value::host::NativeHost;
use crate::value::word::{Str, Word};

use super::arity::wrong_call;

/// Methods that give text, and so markup for markup.
const TO_TEXT: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "expandtabs",
    "format",
    "format_map",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "removeprefix",
    "removesuffix",
    "replace",
    "rjust",
    "rstrip",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];
/// Methods that give something else.
const TO_OTHER: &[&str] = &[
    "count",
    "encode",
    "endswith",
    "find",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "partition",
    "rfind",
    "rindex",
    "rpartition",
    "rsplit",
    "split",
    "splitlines",
    "startswith",
];
/// Methods that only markup has.
const OF_MARKUP: &[&str] = &["striptags", "unescape"];

/// Is this a method of text?
pub(super) fn is_method(name: &str, of_markup: bool) -> bool {
    TO_TEXT.contains(&name) || TO_OTHER.contains(&name) || of_markup && OF_MARKUP.contains(&name)
}

/// The methods of text, or of markup.
pub(super) fn method_names(of_markup: bool) -> impl Iterator<Item = &'static str> {
    let more: &[&str] = if of_markup { OF_MARKUP } else { &[] };
    TO_TEXT.iter().chain(TO_OTHER).chain(more).copied()
}

type Result<T> = std::result::Result<T, Error>;

impl NativeHost {
    /// An argument that must be text; `message` is what CPython says before the type that it got.
    fn text_argument(&self, word: Word, message: &str) -> Result<Str> {
        if let Word::Str(text) = word {
            return Ok(text);
        }
        let name = match word {
            // The newer way of parsing arguments says it so.
            Word::None if message.contains("argument") => "None",
            _ => self.type_name(word),
        };
        Err(Error::new(ErrorKind::Type, format!("{message}, not {name}")))
    }

    /// A text that goes into markup is escaped.
    fn text_for(&mut self, receiver: Str, text: Str) -> Result<Str> {
        if !receiver.markup || text.markup {
            return Ok(text);
        }
        match self.build_text(true, |host, out| host.show_escaped(out, Word::Str(text)))? {
            Word::Str(text) => Ok(text),
            _ => Ok(text),
        }
    }

    /// A method of text without arguments that filters call often.
    pub(super) fn text_method(name: &str) -> Option<fn(&mut String, &str)> {
        Some(match name {
            "upper" => case::upper,
            "lower" => case::lower,
            "capitalize" => case::capitalize,
            _ => return None,
        })
    }

    pub(super) fn simple(&mut self, text: Str, change: fn(&mut String, &str)) -> Result<Word> {
        self.build_text(text.markup, |host, out| {
            change(out, host.str(text));
            Ok(())
        })
    }

    /// A piece of a text, without a copy.
    fn piece(&self, whole: Str, piece: &str) -> Word {
        let offset = piece.as_ptr() as usize - self.str(whole).as_ptr() as usize;
        Word::Str(Str { start: whole.start + offset as u32, len: piece.len() as u32, ..whole })
    }

    fn pieces(&self, whole: Str, pieces: &[&str]) -> Vec<Word> {
        pieces.iter().map(|piece| self.piece(whole, piece)).collect()
    }

    /// The error for a call with other arguments than the method takes.
    #[cold]
    fn wrong_text_call(&self, text: Str, name: &str, args: &[Word], keywords: &[(Arc<str>, Word)]) -> Error {
        wrong_call(self.type_name(Word::Str(text)), name, args.len(), keywords)
    }

    /// `receiver.name(…)` of a text.
    pub(super) fn str_method(
        &mut self,
        text: Str,
        name: &str,
        args: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word> {
        let allowed: &[&str] = match name {
            "format" => return self.format_method(text, args, keywords),
            "split" | "rsplit" => &["sep", "maxsplit"],
            "splitlines" => &["keepends"],
            "expandtabs" => &["tabsize"],
            "encode" => &["encoding", "errors"],
            _ => &[],
        };
        if keywords.iter().any(|(keyword, _)| !allowed.contains(&&**keyword)) {
            return Err(self.wrong_text_call(text, name, args, keywords));
        }
        if let Some(twice) = allowed.iter().take(args.len()).find(|name| keyword(keywords, name).is_some()) {
            let message = format!("{name}() got multiple values for argument '{twice}'");
            return Err(Error::new(ErrorKind::Type, message));
        }
        match (name, args) {
            ("format_map", [mapping]) => self.format_map(text, *mapping),
            ("translate", [table]) => self.translate_method(text, *table),
            ("upper", []) => self.simple(text, case::upper),
            ("lower", []) => self.simple(text, case::lower),
            ("capitalize", []) => self.simple(text, case::capitalize),
            ("title", []) => self.simple(text, case::title),
            ("swapcase", []) => self.simple(text, case::swapcase),
            ("casefold", []) => self.simple(text, case::casefold),
            ("strip" | "lstrip" | "rstrip", [] | [_]) => self.strip_method(text, name, args.first().copied()),
            ("removeprefix" | "removesuffix", [part]) => {
                let part = self.text_argument(*part, &format!("{name}() argument must be str"))?;
                let (whole, part) = (self.str(text), self.str(part));
                let piece = if name == "removeprefix" {
                    strip::remove_prefix(whole, part)
                } else {
                    strip::remove_suffix(whole, part)
                };
                Ok(self.piece(text, piece))
            }
            ("split" | "rsplit", [] | [_] | [_, _]) => self.split_method(text, name, args, keywords),
            ("splitlines", [] | [_]) => {
                let keep = args.first().copied().or_else(|| keyword(keywords, "keepends"));
                let keep = match keep {
                    Some(keep) => self.whole(keep)? != 0,
                    None => false,
                };
                let lines: Vec<&str> = split::lines(self.str(text), keep).collect();
                let lines = self.pieces(text, &lines);
                Ok(self.heap.list(lines))
            }
            ("partition" | "rpartition", [separator]) => {
                let separator = self.text_argument(*separator, "must be str")?;
                let (whole, part) = (self.str(text), self.str(separator));
                let (a, b, c) = if name == "partition" {
                    split::partition(whole, part)?
                } else {
                    split::rpartition(whole, part)?
                };
                let (a, b, c) = (a.to_owned(), b.to_owned(), c.to_owned());
                let parts = [
                    self.new_text(&a, text.markup)?,
                    self.new_text(&b, text.markup)?,
                    self.new_text(&c, text.markup)?,
                ];
                self.new_tuple(&parts)
            }
            ("replace", [_, _] | [_, _, _]) => self.replace_method(text, args),
            ("join", [items]) => self.join_method(text, *items),
            ("center" | "ljust" | "rjust", [width] | [width, _]) => {
                let width = self.whole(*width)?;
                let fill = match args.get(1) {
                    Some(&fill) => {
                        let fill = match fill {
                            Word::Str(fill) => self.text_for(text, fill)?,
                            _ if text.markup => match self.escaped(fill)? {
                                Word::Str(fill) => fill,
                                _ => text,
                            },
                            _ => {
                                self.text_argument(fill, "The fill character must be a unicode character")?
                            }
                        };
                        pad::fill_char(self.str(fill))?
                    }
                    None => ' ',
                };
                let limit = self.limits.size;
                let pad = match name {
                    "center" => pad::center,
                    "ljust" => pad::ljust,
                    _ => pad::rjust,
                };
                self.build_text(text.markup, |host, out| Ok(pad(out, host.str(text), width, fill, limit)?))
            }
            ("zfill", [width]) => {
                let (width, limit) = (self.whole(*width)?, self.limits.size);
                self.build_text(text.markup, |host, out| Ok(pad::zfill(out, host.str(text), width, limit)?))
            }
            ("expandtabs", [] | [_]) => {
                let size = args.first().copied().or_else(|| keyword(keywords, "tabsize"));
                let size = size.map_or(Ok(8), |size| self.whole(size))?;
                let limit = self.limits.size;
                self.build_text(text.markup, |host, out| {
                    Ok(pad::expandtabs(out, host.str(text), size, limit)?)
                })
            }
            ("startswith" | "endswith", [wanted, bounds @ ..]) if bounds.len() < 3 => {
                self.affix_method(text, name, *wanted, bounds)
            }
            ("count" | "find" | "rfind" | "index" | "rindex", [wanted, bounds @ ..]) if bounds.len() < 3 => {
                let bounds = self.bounds(bounds)?;
                let wanted = self.text_argument(*wanted, "must be str")?;
                let (whole, wanted) = (self.str(text), self.str(wanted));
                let place = |found: Option<usize>| found.map_or(-1, |place| place as i64);
                Ok(Word::Int(match name {
                    "count" => find::count(whole, wanted, bounds) as i64,
                    "find" => place(find::find(whole, wanted, bounds)),
                    "rfind" => place(find::rfind(whole, wanted, bounds)),
                    "index" => find::index(whole, wanted, bounds)? as i64,
                    _ => find::rindex(whole, wanted, bounds)? as i64,
                }))
            }
            ("encode", [] | [_] | [_, _]) => {
                let named = |place: usize, name| args.get(place).copied().or_else(|| keyword(keywords, name));
                let all = [named(0, "encoding"), named(1, "errors")];
                let encoding = self.codec_argument("encode", "encoding", &all, 0)?;
                let errors = self.codec_argument("encode", "errors", &all, 1)?;
                let (encoding, errors) = (encoding.as_deref(), errors.as_deref());
                let bytes =
                    codec::encode(self.str(text), encoding.unwrap_or("utf-8"), errors.unwrap_or("strict"))?;
                self.new_bytes(bytes)
            }
            ("striptags", []) => self
                .build_text(false, |host, out| Ok(algorithms::striptags(out, host.str(text), &Unicode14)?)),
            ("unescape", []) => {
                self.build_text(false, |host, out| Ok(algorithms::unescape(out, host.str(text))?))
            }
            (_, []) => match self.classify(text, name) {
                Some(yes) => Ok(Word::Bool(yes)),
                None => Err(self.wrong_text_call(text, name, args, keywords)),
            },
            _ => Err(self.wrong_text_call(text, name, args, keywords)),
        }
    }

    fn classify(&self, text: Str, name: &str) -> Option<bool> {
        let whole = self.str(text);
        Some(match name {
            "isalnum" => classify::is_alnum(whole),
            "isalpha" => classify::is_alpha(whole),
            "isascii" => whole.is_ascii(),
            "isdecimal" => classify::is_decimal(whole),
            "isdigit" => classify::is_digit(whole),
            "isidentifier" => classify::is_identifier(whole),
            "islower" => classify::is_lower(whole),
            "isnumeric" => classify::is_numeric(whole),
            "isprintable" => classify::is_printable(whole),
            "isspace" => classify::is_space(whole),
            "istitle" => classify::is_title(whole),
            "isupper" => classify::is_upper(whole),
            _ => return None,
        })
    }

    pub(super) fn bounds(&self, bounds: &[Word]) -> Result<Bounds> {
        let bound = |place: usize| match bounds.get(place) {
            None | Some(Word::None) => Ok(None),
            Some(&word) => self.slice_bound(word).map(Some),
        };
        Ok(Bounds { start: bound(0)?, end: bound(1)? })
    }

    fn strip_method(&mut self, text: Str, name: &str, chars: Option<Word>) -> Result<Word> {
        let chars = match chars {
            None | Some(Word::None) => None,
            Some(Word::Str(chars)) => Some(chars),
            Some(_) => return Err(Error::new(ErrorKind::Type, format!("{name} arg must be None or str"))),
        };
        let whole = self.str(text);
        let chars = chars.map(|chars| self.str(chars));
        let piece = match name {
            "strip" => strip::strip(whole, chars),
            "lstrip" => strip::lstrip(whole, chars),
            _ => strip::rstrip(whole, chars),
        };
        Ok(self.piece(text, piece))
    }

    fn split_method(
        &mut self,
        text: Str,
        name: &str,
        args: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word> {
        let most = match args.get(1).copied().or_else(|| keyword(keywords, "maxsplit")) {
            Some(most) => self.whole(most)?,
            None => -1,
        };
        let separator = match args.first().copied().or_else(|| keyword(keywords, "sep")) {
            None | Some(Word::None) => None,
            Some(separator) => Some(self.text_argument(separator, "must be str or None")?),
        };
        let separator = separator.map(|separator| self.str(separator));
        let whole = self.str(text);
        let pieces = if name == "split" {
            split::split(whole, separator, most)?
        } else {
            split::rsplit(whole, separator, most)?
        };
        let pieces = self.pieces(text, &pieces);
        Ok(self.heap.list(pieces))
    }

    fn replace_method(&mut self, text: Str, args: &[Word]) -> Result<Word> {
        let [old, new, rest @ ..] = args else {
            return Err(self.wrong_text_call(text, "replace", args, &[]));
        };
        // Markup escapes what it puts in, whatever it is.
        let new = if text.markup { self.escaped(*new)? } else { *new };
        let old = self.text_argument(*old, "replace() argument 1 must be str")?;
        let new = self.text_argument(new, "replace() argument 2 must be str")?;
        let count = match rest.first() {
            Some(&count) => self.whole(count)?,
            None => -1,
        };
        let limit = self.limits.size;
        self.build_text(text.markup, |host, out| {
            replace::replace(out, host.str(text), host.str(old), host.str(new), count, limit)?;
            Ok(())
        })
    }

    /// `escape(value)`
    fn escaped(&mut self, word: Word) -> Result<Word> {
        match word {
            Word::Str(Str { markup: true, .. }) => Ok(word),
            _ => self.build_text(true, |host, out| host.show_escaped(out, word)),
        }
    }

    /// `text.translate(table)`: a code point's entry is another one, a text, or `None` for nothing.
    fn translate_method(&mut self, text: Str, table: Word) -> Result<Word> {
        let whole = self.str(text).to_owned();
        self.build_text(text.markup, |host, out| {
            for c in whole.chars() {
                let entry = match host.subscript(table, Word::Int(i64::from(u32::from(c)))) {
                    Ok(entry) => entry,
                    Err(error) if matches!(error.kind(), ErrorKind::Key | ErrorKind::Index) => {
                        out.push(c);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                match entry {
                    Word::None => {}
                    Word::Str(entry) => out.push_str(host.str(entry)),
                    other => {
                        let Some(code) = host.index_key(other) else {
                            let message = "character mapping must return integer, None or str";
                            return Err(Error::new(ErrorKind::Type, message));
                        };
                        let found = u32::try_from(code).ok().and_then(char::from_u32);
                        out.push(found.ok_or_else(|| {
                            Error::new(ErrorKind::Value, "character mapping must be in range(0x110000)")
                        })?);
                    }
                }
            }
            Ok(())
        })
    }

    fn join_method(&mut self, text: Str, items: Word) -> Result<Word> {
        let items = if text.markup {
            self.items_of(items)?
        } else {
            self.items_or(items, |_| "can only join an iterable".to_owned())?
        };
        self.build_text(text.markup, |host, out| {
            for (index, &item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(host.str(text));
                }
                match item {
                    Word::Str(_) if text.markup => host.show_escaped(out, item)?,
                    Word::Str(part) => out.push_str(host.str(part)),
                    _ if text.markup => host.show_escaped(out, item)?,
                    _ => {
                        let name = host.type_name(item);
                        let message = format!("sequence item {index}: expected str instance, {name} found");
                        return Err(Error::new(ErrorKind::Type, message));
                    }
                }
                if out.len() > host.limits.size {
                    return Err(host.too_many());
                }
            }
            Ok(())
        })
    }

    fn affix_method(&mut self, text: Str, name: &str, wanted: Word, bounds: &[Word]) -> Result<Word> {
        let bounds = self.bounds(bounds)?;
        let in_tuple = matches!(wanted, Word::Tuple { .. });
        let candidates = if in_tuple { self.items_of(wanted)? } else { vec![wanted] };
        for candidate in candidates {
            let Word::Str(part) = candidate else {
                let class = self.type_name(candidate);
                let message = if in_tuple {
                    format!("tuple for {name} must only contain str, not {class}")
                } else {
                    format!("{name} first arg must be str or a tuple of str, not {class}")
                };
                return Err(Error::new(ErrorKind::Type, message));
            };
            let (whole, part) = (self.str(text), self.str(part));
            let fits = if name == "startswith" {
                find::starts_with(whole, part, bounds)
            } else {
                find::ends_with(whole, part, bounds)
            };
            if fits {
                return Ok(Word::Bool(true));
            }
        }
        Ok(Word::Bool(false))
    }
}

pub(super) fn keyword(keywords: &[(Arc<str>, Word)], name: &str) -> Option<Word> {
    keywords.iter().find(|(known, _)| **known == *name).map(|(_, word)| *word)
}
