//! What an image is known by: the options and the source that it was compiled from.
//!
//! The same digests as the `haiden` crate's for the same options, so that either reads what the other wrote.

use haiden_bytecode::{Expected, Header, OptionId, header_flags, source_digest};
use haiden_cache::ContentKey;
use haiden_compiler::{Options, SEMANTICS};
use pyo3::prelude::*;

use crate::settings::{self, Known, Settings};

/// The digests of an image.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    flags: u32,
    fingerprint: [u8; 32],
    source: [u8; 32],
}

impl Identity {
    /// The identity of what is compiled from `source` with these options.
    pub(crate) fn new(known: &Known, source: &str) -> Identity {
        let (options, fingerprint) = (&known.options, known.fingerprint);
        let mut flags = 0;
        flags |= if options.optimize { header_flags::OPTIMIZED } else { 0 };
        flags |= if options.autoescape { header_flags::AUTOESCAPE } else { 0 };
        Identity { flags, fingerprint, source: source_digest(source) }
    }

    /// The identity of what an environment compiles from `source`, and whether its pages are escaped. `None` where Python code has
    /// a hand in it: no digest says what that makes of a source.
    pub(crate) fn of_source(
        settings: &Settings,
        py: Python<'_>,
        source: &str,
        name: Option<&str>,
    ) -> PyResult<Option<(Identity, bool)>> {
        if !settings.compiles(py, source)? {
            return Ok(None);
        }
        let known = settings::options(settings, py, name)?;
        Ok(Some((Identity::new(&known, source), known.options.autoescape)))
    }

    /// The header of the image.
    pub(crate) fn header(&self) -> Header {
        Header { semantics: SEMANTICS, flags: self.flags, source: self.source, fingerprint: self.fingerprint }
    }

    /// The identity that an image's header tells.
    pub(crate) fn of_header(header: &Header) -> Identity {
        Identity { flags: header.flags, fingerprint: header.fingerprint, source: header.source }
    }

    /// The key of the image in a cache.
    pub(crate) fn content_key(&self) -> ContentKey {
        self.header().key_parts(|parts| ContentKey::new(parts))
    }

    /// What the image must be.
    pub(crate) fn expected(&self) -> Expected {
        Expected { semantics: SEMANTICS, fingerprint: self.fingerprint, source: Some(self.source) }
    }
}

/// The fingerprint of an environment with these options.
pub(crate) fn fingerprint(settings: &Settings, options: &Options) -> [u8; 32] {
    let mut print = options.fingerprint();
    if settings.native {
        print = print.flag(OptionId::NativeTypes, true);
    }
    if options.finalize {
        print = print.option(OptionId::FinalizeConst, &[2]);
    }
    if options.intercepted {
        // Each operator is asked about when it runs: which ones are intercepted is no part of the image.
        print = print.option(OptionId::InterceptedOperators, b"*\0");
    }
    print.finish()
}
