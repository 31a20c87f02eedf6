//! How many arguments the methods of Python's types take, and what CPython says when there are others.
//!
//! Only asked once a call has failed: the methods themselves match on their arguments.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::value::word::Word;

/// The ways in which CPython's methods take arguments, each with its own messages.
#[derive(Clone, Copy)]
enum Takes {
    None,
    One,
    /// Positional ones, from so many to so many.
    Range(usize, usize),
    /// The same, of methods that parse a tuple.
    Tuple(usize, usize),
    /// Positional or by these names.
    Named(usize, &'static [&'static str]),
}

use Takes::{Named, None as Nothing, One, Range, Tuple};

/// What methods of text and bytes take.
fn of_text(name: &str) -> Takes {
    match name {
        "join" | "partition" | "rpartition" | "removeprefix" | "removesuffix" | "zfill" | "translate"
        | "format_map" | "fromhex" => One,
        "center" | "ljust" | "rjust" => Range(1, 2),
        "strip" | "lstrip" | "rstrip" => Range(0, 1),
        "replace" => Range(2, 3),
        "count" | "find" | "index" | "rfind" | "rindex" | "startswith" | "endswith" => Tuple(1, 3),
        "expandtabs" => Named(1, &["tabsize"]),
        "splitlines" => Named(1, &["keepends"]),
        "split" | "rsplit" => Named(2, &["sep", "maxsplit"]),
        "encode" | "decode" => Named(2, &["encoding", "errors"]),
        "hex" => Named(2, &["sep", "bytes_per_sep"]),
        "maketrans" => Range(2, 2),
        _ => Nothing,
    }
}

/// What methods of other types take.
fn of_others(class: &str, name: &str) -> Takes {
    match (class, name) {
        ("list" | "tuple", "index") => Range(1, 3),
        ("int", "to_bytes") => Named(2, &["length", "byteorder", "signed"]),
        ("list", "insert") => Range(2, 2),
        ("list", "pop") | ("dict", "update") => Range(0, 1),
        ("dict", "get" | "pop" | "setdefault" | "fromkeys") => Range(1, 2),
        ("list", "append" | "remove" | "extend") | (_, "count" | "index") => One,
        _ => Nothing,
    }
}

/// The names of the parameters of markup's methods, which are Python's; a parameter with `=` may be left out.
pub(super) fn of_markup(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "join" => &["iterable"],
        "split" | "rsplit" => &["sep=", "maxsplit="],
        "splitlines" => &["keepends="],
        "replace" => &["old", "new", "count="],
        "center" | "ljust" | "rjust" => &["width", "fillchar="],
        "strip" | "lstrip" | "rstrip" => &["chars="],
        "translate" => &["table"],
        "expandtabs" => &["tabsize="],
        "zfill" => &["width"],
        "removeprefix" => &["prefix"],
        "removesuffix" => &["suffix"],
        "partition" | "rpartition" => &["sep"],
        "format_map" => &["mapping"],
        "capitalize" | "title" | "lower" | "upper" | "swapcase" | "casefold" | "unescape" | "striptags" => {
            &[]
        }
        _ => return None,
    })
}

fn error(message: String) -> Error {
    Error::new(ErrorKind::Type, message)
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The error for a call of `class.name` with `given` positional arguments and these keywords, which does not fit.
#[cold]
pub(super) fn wrong_call(class: &str, name: &str, given: usize, keywords: &[(Arc<str>, Word)]) -> Error {
    if class == "Markup"
        && let Some(parameters) = of_markup(name)
    {
        return wrong_markup_call(name, parameters, given, keywords);
    }
    let takes =
        if matches!(class, "str" | "Markup" | "bytes") { of_text(name) } else { of_others(class, name) };
    if let Some((keyword, _)) = keywords.first() {
        return error(match takes {
            Named(_, names) => {
                let unknown = keywords.iter().find(|(known, _)| !names.contains(&&**known));
                let keyword = unknown.map_or(keyword, |(name, _)| name);
                format!("'{keyword}' is an invalid keyword argument for {name}()")
            }
            Tuple(..) => format!("{name}() takes no keyword arguments"),
            _ => format!("{class}.{name}() takes no keyword arguments"),
        });
    }
    error(match takes {
        Nothing => format!("{class}.{name}() takes no arguments ({given} given)"),
        One => format!("{class}.{name}() takes exactly one argument ({given} given)"),
        Range(least, most) if least == most => {
            format!("{name} expected {least} argument{}, got {given}", plural(least))
        }
        Range(least, _) if given < least => {
            format!("{name} expected at least {least} argument{}, got {given}", plural(least))
        }
        Range(_, most) => format!("{name} expected at most {most} argument{}, got {given}", plural(most)),
        Tuple(least, _) if given < least => {
            format!("{name}() takes at least {least} argument{} ({given} given)", plural(least))
        }
        Tuple(_, most) | Named(most, _) => {
            format!("{name}() takes at most {most} argument{} ({given} given)", plural(most))
        }
    })
}

/// The error for a parameter that is given by its place, from 1, and by its name.
#[cold]
pub(super) fn given_twice(method: &str, name: &str, place: usize) -> Error {
    error(format!("argument for {method}() given by name ('{name}') and position ({place})"))
}

fn wrong_markup_call(name: &str, parameters: &[&str], given: usize, keywords: &[(Arc<str>, Word)]) -> Error {
    let by_name = matches!(name, "split" | "rsplit" | "splitlines" | "expandtabs" | "removesuffix");
    let known =
        |keyword: &str| by_name && parameters.iter().any(|known| known.trim_end_matches('=') == keyword);
    if let Some((keyword, _)) = keywords.iter().find(|(keyword, _)| !known(keyword)) {
        return error(format!("Markup.{name}() got an unexpected keyword argument '{keyword}'"));
    }
    let required: Vec<&str> = parameters.iter().filter(|name| !name.ends_with('=')).copied().collect();
    if given < required.len() {
        let missing: Vec<String> = required[given..].iter().map(|name| format!("'{name}'")).collect();
        let (count, s) = (missing.len(), plural(missing.len()));
        let missing = missing.join(" and ");
        return error(format!("Markup.{name}() missing {count} required positional argument{s}: {missing}"));
    }
    let most = parameters.len() + 1;
    let takes = if required.len() == parameters.len() {
        format!("{most} positional argument{}", plural(most))
    } else {
        format!("from {} to {most} positional arguments", required.len() + 1)
    };
    error(format!("Markup.{name}() takes {takes} but {} were given", given + 1))
}
