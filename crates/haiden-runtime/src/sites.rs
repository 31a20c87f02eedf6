//! Linking attribute sites: each with the filter or test that alone gets its value, if that makes a difference to the host.
//!
//! In: an image, its names and references as they are linked. Out: the host's sites, in their order. Who alone gets the value of
//! a site, the image says; where a foreign image is wrong about it, a value is missing that was undefined.

use haiden_bytecode::Image;

use crate::host::{Host, LinkedReader, Linker};

/// The attribute sites, each with the filter or test that alone gets its value.
pub(crate) fn link_sites<H: Host>(
    image: &Image,
    names: &[H::Name],
    filters: &[Option<H::Filter>],
    tests: &[Option<H::Test>],
    linker: &mut impl Linker<H>,
) -> Box<[H::Site]> {
    // There are many of them, and each is made where it will be.
    let mut sites: Box<[H::Site]> =
        image.sites().map(|site| linker.site(&names[site.name as usize])).collect();
    if sites.is_empty() {
        return sites;
    }
    let filters = filters.iter().map(|filter| filter.as_ref().map(LinkedReader::Filter));
    let tests = tests.iter().map(|test| test.as_ref().map(LinkedReader::Test));
    let readers =
        || filters.clone().chain(tests.clone()).map(|reader| reader.filter(|reader| linker.reads(reader)));
    if readers().all(|reader| reader.is_none()) {
        return sites;
    }
    // By number, as sites tell of them: 0 is none.
    let readers: Vec<_> = std::iter::once(None).chain(readers()).collect();
    for (site, linked) in image.sites().zip(&mut sites) {
        if let Some(reader) = &readers[site.reader as usize] {
            linker.read_by(linked, reader);
        }
    }
    sites
}
