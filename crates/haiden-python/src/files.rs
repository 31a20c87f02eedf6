//! Files, read whole: sources of templates and entries of caches.
//!
//! Whatever is out of the ordinary (no file, no UTF-8, an error) is left to Python's own functions, which go there once more
//! and raise what they raise. The interpreter is not held while the system works.
#![expect(unsafe_code, reason = "ASCII is UTF-8")]

use std::borrow::Cow;
use std::cell::Cell;
use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::PyString;

/// The largest file that is read in one piece.
const LARGEST: u64 = 1 << 28;

/// How much room a thread keeps for the next file.
const KEPT: usize = 1 << 20;

/// What was found at a path.
pub(crate) enum Read {
    /// No file.
    Nothing,
    /// Something that Python should see for itself.
    Odd,
    /// A regular file, last changed at this time (as Python's `st_mtime`).
    Whole(f64),
}

thread_local! {
    /// Room that no file needs: it is had without asking the allocator, and need not be cleared first.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends room for a file's contents.
pub(crate) fn with_buffer<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = SPARE.take();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEPT {
        SPARE.set(buffer);
    }
    result
}

/// Reads a file, if it is a regular one.
///
/// It is opened without waiting, so that a pipe is found to be one.
#[cfg(unix)]
pub(crate) fn read_regular(path: &Path, contents: &mut Vec<u8>) -> Read {
    use rustix::buffer::spare_capacity;
    use rustix::fs::{FileType, Mode, OFlags};
    use rustix::io::Errno;

    contents.clear();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR) => return Read::Nothing,
        Err(_) => return Read::Odd,
    };
    let Ok(about) = rustix::fs::fstat(&file) else { return Read::Odd };
    let size = about.st_size as u64;
    if FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
        return Read::Nothing;
    }
    if size > LARGEST {
        return Read::Odd;
    }
    contents.reserve(size as usize + 1);
    loop {
        match rustix::io::read(&file, spare_capacity(contents)) {
            Ok(0) => break,
            // A read that leaves room was the last one.
            Ok(_) if contents.len() < contents.capacity() => break,
            Ok(_) if contents.len() as u64 > LARGEST => return Read::Odd,
            Ok(_) => contents.reserve(contents.len()),
            Err(Errno::INTR) => {}
            Err(_) => return Read::Odd,
        }
    }
    Read::Whole(about.st_mtime as f64 + 1e-9 * about.st_mtime_nsec as f64)
}

/// Reads a file, if it is a regular one.
#[cfg(not(unix))]
pub(crate) fn read_regular(path: &Path, contents: &mut Vec<u8>) -> Read {
    use std::io::Read as _;

    contents.clear();
    // Asked before it is opened: to open a pipe might take for ever.
    let Ok(about) = std::fs::metadata(path) else { return Read::Odd };
    let Some(modified) = crate::fresh::time_of(&about).filter(|_| about.is_file() && about.len() <= LARGEST)
    else {
        return Read::Odd;
    };
    match std::fs::File::open(path).and_then(|mut file| file.read_to_end(contents)) {
        Ok(_) => Read::Whole(modified),
        Err(_) => Read::Odd,
    }
}

/// Contents in UTF-8, their line breaks as Python's text files give them.
pub(crate) fn text(contents: &[u8]) -> Option<Cow<'_, str>> {
    let text = if contents.is_ascii() {
        // SAFETY: every ASCII text is one in UTF-8.
        unsafe { std::str::from_utf8_unchecked(contents) }
    } else {
        std::str::from_utf8(contents).ok()?
    };
    if memchr::memchr(b'\r', contents).is_none() {
        return Some(Cow::Borrowed(text));
    }
    Some(Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")))
}

/// A source in UTF-8, its line breaks as Python's text files give them, and the file's time.
#[pyfunction]
pub(crate) fn read_source<'py>(
    py: Python<'py>,
    path: &Bound<'py, PyAny>,
) -> Option<(Bound<'py, PyString>, f64)> {
    // No file has a name that cannot be encoded.
    let path: PathBuf = path.extract().ok()?;
    let (text, modified) = py.detach(|| {
        with_buffer(|contents| match read_regular(&path, contents) {
            Read::Whole(modified) => Some((text(contents)?.into_owned(), modified)),
            Read::Nothing | Read::Odd => None,
        })
    })?;
    Some((PyString::new(py, &text), modified))
}
