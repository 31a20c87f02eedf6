//! Attribute sites of a program: each with what the host remembers there.
//!
//! In: an image, its names and references as they are linked. Out: the host's sites, in their order, made when the program runs
//! for the first time: there are many of them, and many a template is loaded long before it runs. Of each is known whether it
//! alone is read by a filter or test to which that makes a difference: the image says who reads it, the host for whom it does.
//! Where a foreign image is wrong about it, a value is missing that was undefined.

use std::sync::OnceLock;

use haiden_bytecode::Image;

use crate::host::{Host, LinkedReader, Linker};

/// The sites of a program.
pub(crate) struct Sites<H: Host> {
    linked: OnceLock<Box<[H::Site]>>,
    kind: H::SiteKind,
    /// By number, as the image's sites tell of them, for which readers it makes a difference; empty if for none. The first is no
    /// reader.
    readers: Box<[bool]>,
}

impl<H: Host> Sites<H> {
    /// Those of a program with these filters and tests.
    pub(crate) fn new(
        filters: &[Option<H::Filter>],
        tests: &[Option<H::Test>],
        linker: &mut impl Linker<H>,
    ) -> Sites<H> {
        let filters = filters.iter().map(|filter| filter.as_ref().map(LinkedReader::Filter));
        let tests = tests.iter().map(|test| test.as_ref().map(LinkedReader::Test));
        let readers = || {
            let readers = filters.clone().chain(tests.clone());
            readers.map(|reader| reader.is_some_and(|reader| linker.reads(&reader)))
        };
        let readers = if readers().any(|reads| reads) {
            std::iter::once(false).chain(readers()).collect()
        } else {
            Box::default()
        };
        Sites { linked: OnceLock::new(), kind: linker.site_kind(), readers }
    }

    /// The sites, of which these are the image and its names.
    #[inline]
    pub(crate) fn get(&self, image: &Image, names: &[H::Name]) -> &[H::Site] {
        self.linked.get_or_init(|| self.link(image, names))
    }

    #[cold]
    fn link(&self, image: &Image, names: &[H::Name]) -> Box<[H::Site]> {
        let reads = |reader: u32| self.readers.get(reader as usize).copied().unwrap_or_default();
        image.sites().map(|site| H::site(self.kind, &names[site.name as usize], reads(site.reader))).collect()
    }
}
