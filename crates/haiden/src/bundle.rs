//! Bundles: a site's bytecode in one file, made from an environment and used by one.
//!
//! In: the names of templates, or an open [`Bundle`]. Out: the bundle's bytes, or images. Invariant: an image out of a
//! bundle was compiled with this environment's options and, unless the bundle is sealed, from the loader's source.

use std::sync::Arc;
use std::time::Instant;

use haiden_bytecode::{Expected, Image};
use haiden_cache::{Bundle, BundleBuilder, Rejection, source_checksum};
use haiden_compiler::SEMANTICS;

use crate::bytecode::{cache_error, reason, record_hit};
use crate::environment::{Environment, Inner};
use crate::error::{Error, ErrorKind};
use crate::loader::Source;

impl Environment {
    /// Takes templates from a bundle; `None` for none.
    ///
    /// A **sealed** bundle answers by name: its templates need no source and no loader, are never looked at again, and
    /// win over the loader's (not over those of [`add_template`](Self::add_template)). Any bundle is asked for the
    /// bytecode of a source before the [bytecode cache](Self::set_bytecode_cache) is. An entry that is damaged or was
    /// compiled with other options is a miss.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use haiden::cache::Bundle;
    /// use haiden::{Environment, context};
    ///
    /// let mut build = Environment::new();
    /// build.add_template("hello.txt", "Hello {{ name }}!")?;
    /// let bytes = build.bundle(true)?; // or `Bundle::open("site.haiden")`
    ///
    /// let mut serve = Environment::new();
    /// serve.set_bundle(Some(Arc::new(Bundle::from_bytes(bytes)?)));
    /// assert_eq!(serve.get_template("hello.txt")?.render(context! { name => "you" })?, "Hello you!");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_bundle(&mut self, bundle: Option<Arc<Bundle>>) {
        self.change(|settings| settings.bundle = bundle);
    }

    /// A bundle of all templates that [`list_templates`](Self::list_templates) lists, as the bytes of its file. The same
    /// templates and options give the same bytes. A template that could not be used is an error.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "A")?;
    /// let bytes = environment.bundle(true)?;
    /// let mut served = haiden::Environment::new();
    /// served.set_bundle(Some(Arc::new(haiden::cache::Bundle::from_bytes(bytes)?)));
    /// assert_eq!(served.get_template("a")?.render(haiden::context! {})?, "A");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The templates cannot be listed; one cannot be read or compiled, or names a filter or test that does not exist.
    pub fn bundle(&self, sealed: bool) -> Result<Vec<u8>, Error> {
        let mut builder = BundleBuilder::new().sealed(sealed);
        for name in self.list_templates()? {
            let (image, source) = self.inner.bundle_source(&mut builder, &name)?;
            self.inner.link(image, Some(&name.into()), &source.text.into(), source.filename)?;
        }
        builder.to_bytes().map_err(cache_error)
    }

    /// Compiles one template from its source and adds it to a bundle. Filters and tests are looked up when it is loaded
    /// from there, in the environment that loads it.
    ///
    /// ```
    /// use haiden::cache::{Bundle, BundleBuilder};
    ///
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "A")?;
    /// environment.add_template("b", "B")?;
    /// let mut builder = BundleBuilder::new();
    /// environment.add_to_bundle(&mut builder, "a")?;
    /// let bundle = Bundle::from_bytes(builder.to_bytes()?)?;
    /// assert!(bundle.names().eq(["a"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There is no such template, or it cannot be read or compiled.
    pub fn add_to_bundle(&self, builder: &mut BundleBuilder, name: &str) -> Result<(), Error> {
        self.inner.bundle_source(builder, name).map(drop)
    }
}

impl Inner {
    fn bundle_source(&self, builder: &mut BundleBuilder, name: &str) -> Result<(Image, Source), Error> {
        let source = self.source(name)?;
        let image = self.compile(&source.text, Some(name))?;
        let identity = self.identity(&source.text, Some(name));
        let bytes = haiden_bytecode::to_bytes(&image, &identity.header());
        builder
            .add(name, identity.content_key(), &source_checksum(&source.text), &bytes)
            .map_err(cache_error)?;
        Ok((image, source))
    }

    /// The image of a template of the sealed bundle. `Err` tells why the one that is there cannot be used.
    pub(crate) fn sealed_image(&self, name: &str) -> Option<Result<Image, Rejection>> {
        let bundle = self.settings.bundle.as_ref()?;
        let started = Instant::now();
        let range = match bundle.template_range(name)? {
            Ok(range) => range,
            Err(rejection) => return Some(Err(rejection)),
        };
        let expected =
            Expected { semantics: SEMANTICS, fingerprint: self.fingerprint(Some(name)), source: None };
        Some(match haiden_bytecode::load_shared(bundle.bytes(), range, &expected) {
            Ok((_, image)) => {
                record_hit(&**bundle, image.text().len(), started.elapsed());
                Ok(image)
            }
            Err(rejection) => {
                let rejection = reason(&rejection);
                bundle.reject(rejection);
                Err(rejection)
            }
        })
    }

    /// Whether the template of this name comes from the sealed bundle.
    pub(crate) fn is_sealed(&self, name: &str) -> bool {
        !self.settings.sources.contains_key(name) && self.sealed_names().any(|sealed| sealed == name)
    }

    /// Names of templates that need no loader.
    pub(crate) fn sealed_names(&self) -> impl Iterator<Item = &str> {
        sealed_names(self.settings.bundle.as_deref())
    }
}

/// Names of the templates of a bundle, if it is sealed.
pub(crate) fn sealed_names(bundle: Option<&Bundle>) -> impl Iterator<Item = &str> {
    bundle.into_iter().filter(|bundle| bundle.is_sealed()).flat_map(Bundle::names)
}

/// The error of a template whose only copy is an entry that cannot be used.
#[cold]
pub(crate) fn unusable(name: &str, rejection: Rejection) -> Error {
    let message = format!("{name:?} is in the bundle, but cannot be used: {rejection}");
    let hint = match rejection {
        Rejection::Options => "the bundle was compiled with other options of the environment",
        Rejection::InstructionSet | Rejection::Version => {
            "the bundle was compiled by another version: compile it anew"
        }
        _ => "the file is damaged: compile it anew",
    };
    Error::new(ErrorKind::Bytecode, message).with_hint(Some(hint.to_owned()))
}
