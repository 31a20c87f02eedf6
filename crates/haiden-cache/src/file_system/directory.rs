//! The cache's directory: opened and judged once, used by descriptor.
//!
//! In: a path from the user, or none. Out: an open [`Directory`] whose files are read, listed and removed without its
//! path ever being looked up again. Invariant: what is judged is what was opened (`fstat` on the descriptor), and
//! nothing that already existed has its mode changed.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{self, AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW};
use rustix::io::Errno;

use crate::{CacheError, CacheErrorKind, Rejection};

const UNSAFE: &str = "Cannot determine safe temp directory. You need to explicitly provide one.";

#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
    others_can_write: bool,
    is_link: bool,
}

/// What stands at an entry's place.
pub(crate) enum Found {
    Nothing,
    Refused(Rejection),
    Entry(Stored),
}

/// A stored entry's bytes, with the file they came from.
pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    file: OwnedFd,
    pub(crate) modified: SystemTime,
}

impl Directory {
    /// The directory a user named. It is created (0700, its parents are not) unless it is only to be read; one that
    /// exists is taken as it is.
    pub(crate) fn open_named(path: &Path, create: bool) -> Result<Self, CacheError> {
        let doing = || format!("cache directory {}", path.display());
        let mut why_not_made = None;
        if create {
            match fs::mkdir(path, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                // A read-only file system may say so before it says that the directory exists.
                Err(error @ (Errno::ROFS | Errno::ACCESS)) => why_not_made = Some(error),
                Err(error @ Errno::NOENT) => {
                    let doing = format!("{}: the directory that it is to be made in does not exist", doing());
                    return Err(CacheError::io(doing, error));
                }
                Err(error) => return Err(CacheError::io(doing(), error)),
            }
        }
        // For the statistics alone; what is used is what was opened.
        let link = fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
        let is_link = link.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd =
            fs::openat(CWD, path, flags, Mode::empty()).map_err(|error| match (error, why_not_made) {
                (Errno::NOENT, Some(why)) => CacheError::io(doing(), why),
                _ => CacheError::io(doing(), error),
            })?;
        let stat = fs::fstat(&fd).map_err(|error| CacheError::io(doing(), error))?;
        let me = rustix::process::geteuid().as_raw();
        let foreign = stat.st_uid != me && stat.st_uid != 0;
        let others_can_write =
            foreign || Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH);
        Ok(Self { fd, path: path.to_owned(), others_can_write, is_link })
    }

    /// This user's own directory under `root`, created 0700 unless it is only to be read. Anything there that is not exactly that
    /// is refused.
    pub(crate) fn open_private(root: &Path, create: bool) -> Result<Self, CacheError> {
        let me = rustix::process::geteuid().as_raw();
        let path = root.join(format!("_haiden-cache-{me}"));
        let refuse = |why: String| {
            let detail = format!("{}: {why}", path.display());
            Err(CacheError::new(CacheErrorKind::UnsafeDirectory, UNSAFE).with_source(detail))
        };
        match if create { fs::mkdir(&path, Mode::RWXU) } else { Ok(()) } {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return refuse(io::Error::from(error).to_string()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = fs::openat(CWD, &path, flags, Mode::empty()).and_then(|fd| Ok((fs::fstat(&fd)?, fd)));
        let (stat, fd) = match opened {
            Ok(opened) => opened,
            Err(Errno::LOOP | Errno::NOTDIR) => return refuse("is not a directory".to_owned()),
            Err(error @ Errno::NOENT) if !create => {
                return Err(CacheError::io(format!("cache directory {}", path.display()), error));
            }
            Err(error) => return refuse(io::Error::from(error).to_string()),
        };
        let mode = stat.st_mode & 0o7777;
        if stat.st_uid != me {
            return refuse(format!("belongs to user {}", stat.st_uid));
        }
        if mode != 0o700 {
            return refuse(format!("has mode {mode:04o}, not 0700"));
        }
        Ok(Self { fd, path, others_can_write: false, is_link: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn others_can_write(&self) -> bool {
        self.others_can_write
    }

    pub(crate) fn is_link(&self) -> bool {
        self.is_link
    }

    /// An error of an operation on one of the directory's files.
    pub(crate) fn error(&self, doing: &str, name: &str, error: impl Into<io::Error>) -> CacheError {
        CacheError::io(format!("cannot {doing} {}", self.path.join(name).display()), error)
    }

    /// Reads a regular file of at most `max` bytes. `O_NONBLOCK`: a FIFO at its place is refused, not waited for.
    pub(crate) fn read(&self, name: &str, max: usize) -> Result<Found, CacheError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            // A link; a socket; a device nobody serves.
            Err(Errno::LOOP | Errno::MLINK | Errno::NXIO | Errno::NODEV) => {
                return Ok(Found::Refused(Rejection::NotAFile));
            }
            Err(Errno::ACCESS | Errno::PERM) => return Ok(Found::Refused(Rejection::Unreadable)),
            Err(error) => return Err(self.error("open", name, error)),
        };
        let failed = |error: Errno| self.error("read", name, error);
        let stat = fs::fstat(&file).map_err(failed)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(Found::Refused(Rejection::NotAFile));
        }
        let Some(size) = usize::try_from(stat.st_size).ok().filter(|&size| size <= max) else {
            return Ok(Found::Refused(Rejection::Oversize));
        };
        let bytes = read_all(&file, size).map_err(failed)?;
        Ok(Found::Entry(Stored { bytes, file, modified: modified(&stat) }))
    }

    /// The names of all files, in no order.
    pub(crate) fn names(&self) -> Result<impl Iterator<Item = Result<Vec<u8>, CacheError>> + '_, CacheError> {
        let failed = |error: Errno| CacheError::io(format!("cannot list {}", self.path.display()), error);
        let listing = Dir::read_from(&self.fd).map_err(failed)?;
        Ok(listing.map(move |entry| entry.map(|entry| entry.file_name().to_bytes().to_vec()).map_err(failed)))
    }

    /// Removes a file; one that is gone already is removed.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, CacheError> {
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.error("remove", name, error)),
        }
    }

    /// When a file was last written or marked as used.
    pub(crate) fn modified(&self, name: &str) -> Option<SystemTime> {
        self.status(name).map(|(modified, _)| modified)
    }

    /// When a file was last written or marked as used, and its size.
    pub(crate) fn status(&self, name: &str) -> Option<(SystemTime, u64)> {
        let stat = fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some((modified(&stat), u64::try_from(stat.st_size).unwrap_or(0)))
    }
}

impl Stored {
    /// Notes that the entry was used now. The modification time serves as the time of last use (when the entry was
    /// made stands inside it); whoever may not set it, does not.
    pub(crate) fn touch(&self) {
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let _ = fs::futimens(&self.file, &Timestamps { last_access: now, last_modification: now });
    }
}

/// The file's bytes; one more than `size`, if it grew since.
fn read_all(file: &OwnedFd, size: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::with_capacity(size + 1);
    while bytes.len() < bytes.capacity() {
        match rustix::io::read(file, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        if bytes.len() == size {
            break; // a regular file: its end
        }
    }
    bytes.truncate(size + 1);
    Ok(bytes)
}

fn modified(stat: &Stat) -> SystemTime {
    let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or(0).min(999_999_999);
    UNIX_EPOCH.checked_add(Duration::new(seconds, nanos)).unwrap_or(UNIX_EPOCH)
}

/// Creates a file that did not exist, readable and writable by this user only, whatever the umask.
pub(crate) fn create_new(directory: &Directory, name: &str) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::openat(directory.fd(), name, flags, Mode::RUSR | Mode::WUSR)?;
    let result = fs::fchmod(&file, Mode::RUSR | Mode::WUSR);
    // File systems without modes refuse; there the umask had no effect either.
    match result {
        Ok(()) | Err(Errno::PERM | Errno::NOTSUP | Errno::INVAL | Errno::NOSYS) => Ok(File::from(file)),
        Err(error) => {
            let _ = fs::unlinkat(directory.fd(), name, AtFlags::empty());
            Err(error)
        }
    }
}
