//! Methods of bytes, which `'…'.encode()` and `int.to_bytes` make.
//!
//! They are those of text, for text in which each byte is one character (Latin-1) and only ASCII has letters, digits and
//! white space; so they are done on such a text. Invariant: what becomes bytes has characters up to U+00FF only.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::python::bytes::{self, SPACES, is_space, latin};
use crate::python::codec;
use crate::python::text::find::{self, Bounds};
use crate::python::text::{pad, replace, split, strip};
use crate::value::heap::HeapObject;
use crate::value::host::NativeHost;
use crate::value::word::Word;

use super::arity::wrong_call;
use super::methods_str::keyword;

const METHODS: &[&str] = &[
    "capitalize",
    "center",
    "count",
    "decode",
    "endswith",
    "expandtabs",
    "find",
    "fromhex",
    "hex",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdigit",
    "islower",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

/// Is this a method of bytes?
pub(super) fn is_method(name: &str) -> bool {
    METHODS.contains(&name)
}

type Result<T> = std::result::Result<T, Error>;

fn type_error(message: String) -> Error {
    Error::new(ErrorKind::Type, message)
}

impl NativeHost {
    /// The bytes that a value is.
    pub(super) fn bytes(&self, word: Word) -> Option<&[u8]> {
        let Word::Object(index) = word else { return None };
        match &self.heap.objects[index as usize] {
            HeapObject::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// New bytes.
    pub(super) fn new_bytes(&mut self, bytes: Vec<u8>) -> Result<Word> {
        let size = bytes.len() / size_of::<Word>();
        self.room_for(size)?;
        self.heap.held += size;
        Ok(self.heap.object(HeapObject::Bytes(bytes)))
    }

    /// Is it bytes that were outside of the render?
    pub(super) fn is_bytes_outside(&self, word: Word) -> bool {
        matches!(word, Word::Foreign { slot, index } if self.foreign(slot, index).bytes().is_some())
    }

    /// Bytes that were outside become an object of the heap, on which templates can do all that they do on bytes.
    pub(super) fn bytes_from_outside(&mut self, word: Word) -> Result<Word> {
        let Word::Foreign { slot, index } = word else { return Ok(word) };
        match self.foreign(slot, index).bytes().map(<[u8]>::to_vec) {
            Some(bytes) => self.new_bytes(bytes),
            None => Ok(word),
        }
    }

    fn bytes_of_latin(&mut self, text: &str) -> Result<Word> {
        self.new_bytes(text.chars().map(|c| c as u8).collect())
    }

    fn all_of_latin(&mut self, texts: &[&str]) -> Result<Vec<Word>> {
        texts.iter().map(|text| self.bytes_of_latin(text)).collect()
    }

    /// An argument that must be bytes.
    fn bytes_argument(&self, word: Word) -> Result<String> {
        self.bytes(word).map(latin).ok_or_else(|| {
            type_error(format!("a bytes-like object is required, not '{}'", self.type_name(word)))
        })
    }

    /// What is looked for in bytes: bytes, or the number of one byte.
    fn wanted_bytes(&self, word: Word) -> Result<String> {
        if let Some(bytes) = self.bytes(word) {
            return Ok(latin(bytes));
        }
        let Some(number) = self.index_key(word) else {
            let name = self.type_name(word);
            return Err(type_error(format!("argument should be integer or bytes-like object, not '{name}'")));
        };
        let byte = u8::try_from(number)
            .map_err(|_| Error::new(ErrorKind::Value, "byte must be in range(0, 256)"))?;
        Ok(char::from(byte).to_string())
    }

    /// The text of bytes that may be a number.
    pub(super) fn digits(&mut self, word: Word) -> Result<Option<Word>> {
        let Some(bytes) = self.bytes(word) else { return Ok(None) };
        let text = if bytes.is_ascii() { latin(bytes) } else { String::new() };
        self.new_text(&text, false).map(Some)
    }

    /// `bytes % right`, of which native values know what makes numbers: fields of text and of single bytes are no such.
    pub(super) fn percent_of_bytes(&mut self, bytes: Word, right: Word) -> Result<Word> {
        let whole = self.bytes(bytes).map(latin).unwrap_or_default();
        let of_text = |field: &str| {
            field
                .trim_start_matches(|c| "#0- +.*123456789".contains(c))
                .starts_with(['s', 'b', 'a', 'r', 'c', '('])
        };
        if self.bytes(right).is_some() || whole.split('%').skip(1).any(of_text) {
            let name = self.type_name(right);
            return Err(type_error(format!("unsupported operand type(s) for %: 'bytes' and '{name}'")));
        }
        let Word::Str(template) = self.new_text(&whole, false)? else { return Ok(bytes) };
        let Word::Str(text) = self.percent(template, right)? else { return Ok(bytes) };
        let text = self.str(text).to_owned();
        self.bytes_of_latin(&text)
    }

    /// `item in bytes`
    pub(super) fn in_bytes(&self, item: Word, bytes: Word) -> Result<bool> {
        let whole = self.bytes(bytes).map(latin).unwrap_or_default();
        if self.bytes(item).is_none() && self.index_key(item).is_none() {
            let name = self.type_name(item);
            return Err(type_error(format!("a bytes-like object is required, not '{name}'")));
        }
        Ok(find::contains(&whole, &self.wanted_bytes(item)?))
    }

    /// `receiver.name(…)` of bytes.
    pub(super) fn bytes_method(
        &mut self,
        receiver: Word,
        name: &str,
        args: &[Word],
        keywords: &[(Arc<str>, Word)],
    ) -> Result<Word> {
        let named: &[&str] = match name {
            "decode" => &["encoding", "errors"],
            "hex" => &["sep", "bytes_per_sep"],
            "split" | "rsplit" => &["sep", "maxsplit"],
            "splitlines" => &["keepends"],
            "expandtabs" => &["tabsize"],
            "translate" => &["", "delete"],
            _ => &[],
        };
        if keywords.iter().any(|(keyword, _)| !named.contains(&&**keyword)) {
            return Err(wrong_call("bytes", name, args.len(), keywords));
        }
        if let Some(twice) = named.iter().take(args.len()).find(|name| keyword(keywords, name).is_some()) {
            return Err(type_error(format!("{name}() got multiple values for argument '{twice}'")));
        }
        // Arguments by place or by name.
        let mut all: Vec<Option<Word>> = args.iter().copied().map(Some).collect();
        if !keywords.is_empty() {
            all.resize(named.len().max(args.len()), None);
            for (place, name) in named.iter().enumerate().skip(args.len()) {
                all[place] = keyword(keywords, name);
            }
        }
        let whole = self.bytes(receiver).map(latin).unwrap_or_default();
        match (name, &*all) {
            ("decode", [] | [_] | [_, _]) => {
                let encoding = self.codec_argument("decode", "encoding", &all, 0)?;
                let errors = self.codec_argument("decode", "errors", &all, 1)?;
                let bytes = self.bytes(receiver).unwrap_or_default();
                let text = codec::decode(
                    bytes,
                    encoding.as_deref().unwrap_or("utf-8"),
                    errors.as_deref().unwrap_or("strict"),
                )?;
                self.new_text(&text, false)
            }
            ("hex", [] | [_] | [_, _]) => self.hex_of_bytes(receiver, &all),
            ("split" | "rsplit", [] | [_] | [_, _]) => self.split_bytes(&whole, name, &all),
            ("splitlines", [] | [_]) => {
                let keep = self.optional_whole(&all, 0, 0)? != 0;
                let lines: Vec<&str> = split::lines_at(&whole, keep, |c| matches!(c, '\n' | '\r')).collect();
                let lines = self.all_of_latin(&lines)?;
                Ok(self.heap.list(lines))
            }
            ("expandtabs", [] | [_]) => {
                let (size, limit) = (self.optional_whole(&all, 0, 8)?, self.limits.size);
                let mut out = String::new();
                pad::expandtabs(&mut out, &whole, size, limit)?;
                self.bytes_of_latin(&out)
            }
            ("translate", [Some(table)] | [Some(table), _]) => {
                let delete = all.get(1).copied().flatten();
                self.translate_bytes(receiver, *table, delete)
            }
            ("count" | "find" | "rfind" | "index" | "rindex", _) if (1..4).contains(&args.len()) => {
                self.find_in_bytes(&whole, name, args)
            }
            ("startswith" | "endswith", _) if (1..4).contains(&args.len()) => {
                self.affix_of_bytes(&whole, name, args)
            }
            ("center" | "ljust" | "rjust" | "zfill", _) => self.pad_bytes(&whole, name, args),
            (_, []) => match bytes::same_length(&whole, name) {
                Some(changed) => self.bytes_of_latin(&changed),
                None if name.starts_with("is") => Ok(Word::Bool(bytes::classified(&whole, name))),
                None => self.piece_of_bytes(&whole, name, args),
            },
            _ => self.piece_of_bytes(&whole, name, args),
        }
    }

    /// The name of an encoding or an error handler.
    pub(super) fn codec_argument(
        &self,
        method: &str,
        name: &str,
        args: &[Option<Word>],
        place: usize,
    ) -> Result<Option<String>> {
        match args.get(place).copied().flatten() {
            None => Ok(None),
            Some(Word::Str(text)) => Ok(Some(self.str(text).to_owned())),
            Some(other) => {
                let class = if let Word::None = other { "None" } else { self.type_name(other) };
                Err(type_error(format!("{method}() argument '{name}' must be str, not {class}")))
            }
        }
    }

    fn optional_whole(&self, args: &[Option<Word>], place: usize, default: i64) -> Result<i64> {
        args.get(place).copied().flatten().map_or(Ok(default), |word| self.whole(word))
    }

    /// `bytes.hex(sep, bytes_per_sep)`: groups are counted from the end, with a negative number from the start.
    fn hex_of_bytes(&mut self, receiver: Word, args: &[Option<Word>]) -> Result<Word> {
        let separator = match args.first().copied().flatten() {
            None => None,
            Some(word) => {
                let text = match word {
                    Word::Str(text) => self.str(text).to_owned(),
                    other => self
                        .bytes(other)
                        .map(latin)
                        .ok_or_else(|| type_error("sep must be str or bytes.".to_owned()))?,
                };
                match text.as_bytes() {
                    [byte] => Some(char::from(*byte)),
                    _ if text.chars().count() == 1 => {
                        return Err(Error::new(ErrorKind::Value, "sep must be ASCII."));
                    }
                    _ => return Err(Error::new(ErrorKind::Value, "sep must be length 1.")),
                }
            }
        };
        let group = self.optional_whole(args, 1, 1)?;
        let text = bytes::hex(self.bytes(receiver).unwrap_or_default(), separator, group);
        self.new_text(&text, false)
    }

    fn split_bytes(&mut self, whole: &str, name: &str, args: &[Option<Word>]) -> Result<Word> {
        let most = self.optional_whole(args, 1, -1)?;
        let separator = match args.first().copied().flatten() {
            None | Some(Word::None) => None,
            Some(separator) => Some(self.bytes_argument(separator)?),
        };
        let most_pieces = usize::try_from(most).unwrap_or(usize::MAX);
        let pieces = match (&separator, name) {
            (None, "split") => split::split_spaces(whole, most_pieces, is_space),
            (None, _) => split::rsplit_spaces(whole, most_pieces, is_space).into_iter().rev().collect(),
            (separator, "split") => split::split(whole, separator.as_deref(), most)?,
            (separator, _) => split::rsplit(whole, separator.as_deref(), most)?,
        };
        let pieces = self.all_of_latin(&pieces)?;
        Ok(self.heap.list(pieces))
    }

    /// `bytes.translate(table, delete=b'')`
    fn translate_bytes(&mut self, receiver: Word, table: Word, delete: Option<Word>) -> Result<Word> {
        let table = match table {
            Word::None => None,
            table => Some(self.bytes_argument(table)?),
        };
        let table: Option<Vec<char>> = table.map(|table| table.chars().collect());
        if table.as_ref().is_some_and(|table| table.len() != 256) {
            return Err(Error::new(ErrorKind::Value, "translation table must be 256 characters long"));
        }
        let delete = delete.map(|delete| self.bytes_argument(delete)).transpose()?.unwrap_or_default();
        let kept = self.bytes(receiver).unwrap_or_default().iter().copied();
        let kept = kept.filter(|&byte| !delete.contains(char::from(byte)));
        let changed = kept.map(|byte| table.as_ref().map_or(byte, |table| table[usize::from(byte)] as u8));
        let changed = changed.collect();
        self.new_bytes(changed)
    }

    fn find_in_bytes(&self, whole: &str, name: &str, args: &[Word]) -> Result<Word> {
        let bounds = self.bounds(&args[1..])?;
        let wanted = self.wanted_bytes(args[0])?;
        if name == "count" {
            return Ok(Word::Int(find::count(whole, &wanted, bounds) as i64));
        }
        let find = if matches!(name, "find" | "index") { find::find } else { find::rfind };
        match find(whole, &wanted, bounds) {
            Some(place) => Ok(Word::Int(place as i64)),
            None if name.ends_with("find") => Ok(Word::Int(-1)),
            None => Err(Error::new(ErrorKind::Value, "subsection not found")),
        }
    }

    fn affix_of_bytes(&mut self, whole: &str, name: &str, args: &[Word]) -> Result<Word> {
        let bounds: Bounds = self.bounds(&args[1..])?;
        let in_tuple = matches!(args[0], Word::Tuple { .. });
        let candidates = if in_tuple { self.items_of(args[0])? } else { vec![args[0]] };
        for candidate in candidates {
            let Some(part) = self.bytes(candidate).map(latin) else {
                let class = self.type_name(candidate);
                return Err(type_error(if in_tuple {
                    format!("a bytes-like object is required, not '{class}'")
                } else {
                    format!("{name} first arg must be bytes or a tuple of bytes, not {class}")
                }));
            };
            let fits = if name == "startswith" {
                find::starts_with(whole, &part, bounds)
            } else {
                find::ends_with(whole, &part, bounds)
            };
            if fits {
                return Ok(Word::Bool(true));
            }
        }
        Ok(Word::Bool(false))
    }

    fn pad_bytes(&mut self, whole: &str, name: &str, args: &[Word]) -> Result<Word> {
        let (width, fill) = match (name, args) {
            (_, [width]) => (self.whole(*width)?, ' '),
            ("center" | "ljust" | "rjust", [width, fill]) => {
                let width = self.whole(*width)?;
                match self.bytes(*fill) {
                    Some([fill]) => (width, char::from(*fill)),
                    _ => {
                        let class = self.type_name(*fill);
                        return Err(type_error(format!(
                            "{name}() argument 2 must be a byte string of length 1, not {class}"
                        )));
                    }
                }
            }
            _ => return Err(wrong_call("bytes", name, args.len(), &[])),
        };
        // A character here may be two bytes long, a byte is one.
        let limit = self.limits.size.saturating_mul(2);
        let mut out = String::new();
        match name {
            "center" => pad::center(&mut out, whole, width, fill, limit)?,
            "ljust" => pad::ljust(&mut out, whole, width, fill, limit)?,
            "rjust" => pad::rjust(&mut out, whole, width, fill, limit)?,
            _ => pad::zfill(&mut out, whole, width, limit)?,
        }
        self.bytes_of_latin(&out)
    }

    /// Methods that cut, put together, or make bytes out of others.
    fn piece_of_bytes(&mut self, whole: &str, name: &str, args: &[Word]) -> Result<Word> {
        match (name, args) {
            ("strip" | "lstrip" | "rstrip", [] | [_]) => {
                let chars = match args.first() {
                    None | Some(Word::None) => SPACES.to_owned(),
                    Some(&chars) => self.bytes_argument(chars)?,
                };
                let strip = match name {
                    "strip" => strip::strip,
                    "lstrip" => strip::lstrip,
                    _ => strip::rstrip,
                };
                self.bytes_of_latin(strip(whole, Some(&chars)))
            }
            ("removeprefix" | "removesuffix", [part]) => {
                let part = self.bytes_argument(*part)?;
                let remove = if name == "removeprefix" { strip::remove_prefix } else { strip::remove_suffix };
                self.bytes_of_latin(remove(whole, &part))
            }
            ("partition" | "rpartition", [separator]) => {
                let separator = self.bytes_argument(*separator)?;
                let partition = if name == "partition" { split::partition } else { split::rpartition };
                let (before, separator, after) = partition(whole, &separator)?;
                let parts = self.all_of_latin(&[before, separator, after])?;
                self.new_tuple(&parts)
            }
            ("replace", [old, new] | [old, new, _]) => {
                let (old, new) = (self.bytes_argument(*old)?, self.bytes_argument(*new)?);
                let count = args.get(2).map_or(Ok(-1), |count| self.whole(*count))?;
                let mut out = String::new();
                replace::replace(&mut out, whole, &old, &new, count, self.limits.size.saturating_mul(2))?;
                self.bytes_of_latin(&out)
            }
            ("join", [items]) => self.join_bytes(whole, *items),
            ("fromhex", [Word::Str(text)]) => {
                let text = self.str(*text).to_owned();
                self.new_bytes(bytes::from_hex(&text)?)
            }
            ("maketrans", [from, to]) => {
                let (from, to) = (self.bytes_argument(*from)?, self.bytes_argument(*to)?);
                if from.chars().count() != to.chars().count() {
                    let message = "maketrans arguments must have same length";
                    return Err(Error::new(ErrorKind::Value, message));
                }
                let mut table: Vec<u8> = (0..=u8::MAX).collect();
                for (from, to) in from.chars().zip(to.chars()) {
                    table[from as usize] = to as u8;
                }
                self.new_bytes(table)
            }
            _ => Err(wrong_call("bytes", name, args.len(), &[])),
        }
    }

    fn join_bytes(&mut self, separator: &str, items: Word) -> Result<Word> {
        let items = self.items_or(items, |_| "can only join an iterable".to_owned())?;
        let mut out = String::new();
        for (place, &item) in items.iter().enumerate() {
            let Some(bytes) = self.bytes(item) else {
                let class = self.type_name(item);
                let message = format!("sequence item {place}: expected a bytes-like object, {class} found");
                return Err(type_error(message));
            };
            out.push_str(if place > 0 { separator } else { "" });
            out.extend(bytes.iter().map(|&byte| char::from(byte)));
            if out.len() > self.limits.size.saturating_mul(2) {
                return Err(self.too_many());
            }
        }
        self.bytes_of_latin(&out)
    }
}
