//! Python's methods of `str`, by topic.
//!
//! Positions and lengths are code points, as in Python; slices of the text are returned where nothing new
//! is made, else the result is appended to the caller's text.

pub(crate) mod classify;
pub(crate) mod find;
pub(crate) mod index;
pub(crate) mod pad;
pub(crate) mod replace;
pub(crate) mod split;
pub(crate) mod strip;
