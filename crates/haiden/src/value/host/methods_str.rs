//! Methods of text that templates call. Markup stays markup, and escapes what is put into it, as MarkupSafe does.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::python::case;
use crate::python::text::find::{self, Bounds};
use crate::python::text::{classify, pad, replace, split, strip};
use crate::value::host::NativeHost;
use crate::value::word::{Str, Word};

use super::methods_dict::wrong_count;

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
pub(super) fn is_method(name: &str) -> bool {
    TO_TEXT.contains(&name) || TO_OTHER.contains(&name) || OF_MARKUP.contains(&name)
}

type Result<T> = std::result::Result<T, Error>;

impl NativeHost {
    /// An argument that must be text.
    fn text_argument(&self, word: Word, method: &str) -> Result<Str> {
        match word {
            Word::Str(text) => Ok(text),
            _ => {
                self.refuse_undefined(word)?;
                let name = self.type_name(word);
                Err(Error::new(ErrorKind::Type, format!("{method} argument must be str, not {name}")))
            }
        }
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

    fn simple(&mut self, text: Str, change: fn(&mut String, &str)) -> Result<Word> {
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

    /// `receiver.name(…)` of a text.
    pub(super) fn str_method(
        &mut self,
        text: Str,
        name: &str,
        args: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word> {
        match name {
            "format" => return self.format_method(text, args, keywords),
            "format_map" => {
                let [mapping] = args else { return Err(wrong_count("str", name, args.len())) };
                return self.format_map(text, *mapping);
            }
            "split" | "rsplit" | "splitlines" | "replace" | "expandtabs" | "encode" => {}
            _ if !keywords.is_empty() => {
                return Err(Error::new(ErrorKind::Type, format!("str.{name}() takes no keyword arguments")));
            }
            _ => {}
        }
        match (name, args) {
            ("upper", []) => self.simple(text, case::upper),
            ("lower", []) => self.simple(text, case::lower),
            ("capitalize", []) => self.simple(text, case::capitalize),
            ("title", []) => self.simple(text, case::title),
            ("swapcase", []) => self.simple(text, case::swapcase),
            ("casefold", []) => self.simple(text, case::casefold),
            ("strip" | "lstrip" | "rstrip", [] | [_]) => self.strip_method(text, name, args.first().copied()),
            ("removeprefix" | "removesuffix", [part]) => {
                let part = self.text_argument(*part, name)?;
                let (whole, part) = (self.str(text), self.str(part));
                let piece = if name == "removeprefix" {
                    strip::remove_prefix(whole, part)
                } else {
                    strip::remove_suffix(whole, part)
                };
                Ok(self.piece(text, piece))
            }
            ("split" | "rsplit", _) => self.split_method(text, name, args, keywords),
            ("splitlines", [] | [_]) => {
                let keep = args.first().copied().or_else(|| keyword(keywords, "keepends"));
                let keep = match keep {
                    Some(keep) => self.is_true(keep)?,
                    None => false,
                };
                let lines: Vec<&str> = split::lines(self.str(text), keep).collect();
                let lines = self.pieces(text, &lines);
                Ok(self.heap.list(lines))
            }
            ("partition" | "rpartition", [separator]) => {
                let separator = self.text_argument(*separator, name)?;
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
            ("replace", _) => self.replace_method(text, args, keywords),
            ("join", [items]) => self.join_method(text, *items),
            ("center" | "ljust" | "rjust", [width] | [width, _]) => {
                let width = self.whole(*width)?;
                let fill = match args.get(1) {
                    Some(&fill) => {
                        let fill = self.text_argument(fill, name)?;
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
                let wanted = self.text_argument(*wanted, name)?;
                let bounds = self.bounds(bounds)?;
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
            ("encode", _) => {
                let bytes: Vec<Word> = self.str(text).bytes().map(|byte| Word::Int(byte.into())).collect();
                Ok(self.heap.list(bytes))
            }
            ("striptags", []) => self.build_text(false, |host, out| {
                Ok(crate::python::filters::striptags::striptags(out, host.str(text))?)
            }),
            ("unescape", []) => self.build_text(false, |host, out| {
                Ok(crate::python::filters::striptags::unescape(out, host.str(text))?)
            }),
            (_, []) => self.classify_method(text, name),
            _ => Err(wrong_count("str", name, args.len())),
        }
    }

    fn classify_method(&self, text: Str, name: &str) -> Result<Word> {
        let whole = self.str(text);
        Ok(Word::Bool(match name {
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
            _ => return Err(wrong_count("str", name, 0)),
        }))
    }

    fn bounds(&self, bounds: &[Word]) -> Result<Bounds> {
        let bound = |place: usize| match bounds.get(place) {
            None | Some(Word::None) => Ok(None),
            Some(&word) => self.whole(word).map(Some),
        };
        Ok(Bounds { start: bound(0)?, end: bound(1)? })
    }

    fn strip_method(&mut self, text: Str, name: &str, chars: Option<Word>) -> Result<Word> {
        let chars = match chars {
            None | Some(Word::None) => None,
            Some(chars) => Some(self.text_argument(chars, name)?),
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
        if args.len() > 2 {
            return Err(wrong_count("str", name, args.len()));
        }
        let separator = match args.first().copied().or_else(|| keyword(keywords, "sep")) {
            None | Some(Word::None) => None,
            Some(separator) => Some(self.text_argument(separator, name)?),
        };
        let most = match args.get(1).copied().or_else(|| keyword(keywords, "maxsplit")) {
            Some(most) => self.whole(most)?,
            None => -1,
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

    fn replace_method(&mut self, text: Str, args: &[Word], keywords: &[(Arc<str>, Word)]) -> Result<Word> {
        let [old, new, rest @ ..] = args else { return Err(wrong_count("str", "replace", args.len())) };
        let old = self.text_argument(*old, "replace()")?;
        let new = self.text_argument(*new, "replace()")?;
        let (old, new) = (self.text_for(text, old)?, self.text_for(text, new)?);
        let count = match rest.first().copied().or_else(|| keyword(keywords, "count")) {
            Some(count) => self.whole(count)?,
            None => -1,
        };
        let limit = self.limits.size;
        self.build_text(text.markup, |host, out| {
            replace::replace(out, host.str(text), host.str(old), host.str(new), count, limit)?;
            Ok(())
        })
    }

    fn join_method(&mut self, text: Str, items: Word) -> Result<Word> {
        let items = self.items_of(items)?;
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
        let candidates = if let Word::Tuple { .. } = wanted { self.items_of(wanted)? } else { vec![wanted] };
        for candidate in candidates {
            let Word::Str(part) = candidate else {
                self.refuse_undefined(candidate)?;
                let message = format!(
                    "{name} first arg must be str or a tuple of str, not {}",
                    self.type_name(candidate)
                );
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

fn keyword(keywords: &[(Arc<str>, Word)], name: &str) -> Option<Word> {
    keywords.iter().find(|(known, _)| **known == *name).map(|(_, word)| *word)
}
