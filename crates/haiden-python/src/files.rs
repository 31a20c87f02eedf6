//! Files, read whole: sources of templates and entries of caches.
//!
//! Whatever is out of the ordinary (no file, no UTF-8, an error) is `None`: Python's own functions go there once more, and
//! raise what they raise. The interpreter is not held while the system works.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::fresh;

/// The largest source that is read in one piece.
const LARGEST: u64 = 1 << 28;

/// The contents of a file that was opened; `size` is what they are expected to be, or less.
fn contents(mut file: fs::File, size: usize) -> io::Result<Vec<u8>> {
    let mut contents = vec![0; size + 1];
    let filled = file.read(&mut contents)?;
    contents.truncate(filled);
    // A read that leaves room was the last one.
    if filled > size {
        file.read_to_end(&mut contents)?;
    }
    Ok(contents)
}

/// The contents of an entry of a cache.
pub(crate) fn read_entry(path: &Path) -> io::Result<Vec<u8>> {
    contents(fs::File::open(path)?, 0x3FFF)
}

/// A source and its file's time.
fn read(path: &Path) -> io::Result<Option<(Vec<u8>, f64)>> {
    // Asked before it is opened: to open a pipe might take for ever.
    let about = fs::metadata(path)?;
    let (size, Some(modified)) = (about.len(), fresh::time_of(&about)) else { return Ok(None) };
    if !about.is_file() || size > LARGEST {
        return Ok(None);
    }
    Ok(Some((contents(fs::File::open(path)?, size as usize)?, modified)))
}

/// A source in UTF-8, its line breaks as Python's text files give them, and the file's time.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "what Python hands in is converted")]
pub(crate) fn read_source(py: Python<'_>, path: PathBuf) -> Option<(Bound<'_, PyString>, f64)> {
    let (text, modified) = py.detach(|| {
        let (contents, modified) = read(&path).ok()??;
        let mut text = String::from_utf8(contents).ok()?;
        if text.as_bytes().contains(&b'\r') {
            text = text.replace("\r\n", "\n").replace('\r', "\n");
        }
        Some((text, modified))
    })?;
    Some((PyString::new(py, &text), modified))
}
