//! What a server says, known beforehand: for fuzzing, which wants neither sockets nor time in what it repeats.
//!
//! In: bytes. Out: them, in pieces of one size, and then the end; another connection goes on where the last one stopped.
//! Invariant: nothing is said twice, and what is sent to it is forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The replies of a server.
#[derive(Debug, Clone)]
pub struct Replies {
    bytes: Arc<[u8]>,
    /// Where the rest begins.
    at: Arc<AtomicUsize>,
    piece: usize,
}

impl Replies {
    /// These bytes, of which at most `piece` arrive at once.
    pub fn new(bytes: &[u8], piece: usize) -> Self {
        Self { bytes: bytes.into(), at: Arc::default(), piece: piece.max(1) }
    }

    /// The next piece.
    pub(super) fn read(&self, into: &mut [u8]) -> usize {
        let at = self.at.load(Relaxed);
        let length = self.piece.min(into.len()).min(self.bytes.len() - at);
        into[..length].copy_from_slice(&self.bytes[at..at + length]);
        self.at.store(at + length, Relaxed);
        length
    }
}

impl PartialEq for Replies {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.at, &other.at)
    }
}

impl Eq for Replies {}
