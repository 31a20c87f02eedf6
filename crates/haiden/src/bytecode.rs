//! Where the engine meets the bytecode cache: keys, fingerprints, reasons.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haiden_bytecode::{Expected, Header, Image, OptionId, header_flags, source_digest};
use haiden_cache::{Bucket, BytecodeCache, CacheEntry, CacheError, ContentKey, Rejection, source_checksum};
use haiden_compiler::SEMANTICS;

use crate::environment::{Environment, Inner, Loaded};
use crate::error::{Error, ErrorKind};
use crate::loader::Source;
use crate::template::Template;
use crate::template_cache::Kept;

impl Environment {
    /// The image of a source as bytes, as a bytecode cache keeps it.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// let image = environment.compile_to_image(Some("a"), "A{{ n }}")?;
    /// // In this process or in another one, of the same version and with the same options.
    /// let template = environment.load_image(Some("a"), &image)?;
    /// assert_eq!(template.render(haiden::context! { n => 1 })?, "A1");
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the source.
    pub fn compile_to_image(&self, name: Option<&str>, source: &str) -> Result<Vec<u8>, Error> {
        let image = self.inner.compile(source, name)?;
        Ok(haiden_bytecode::to_bytes(&image, &self.inner.identity(source, name).header()))
    }

    /// The key under which a bytecode cache keeps the image of a template, and the size of its source.
    ///
    /// ```
    /// let mut environment = haiden::Environment::new();
    /// environment.add_template("a", "same")?;
    /// environment.add_template("b", "same")?;
    /// assert_eq!(environment.content_key("a")?, environment.content_key("b")?);
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such template, or it cannot be read.
    pub fn content_key(&self, name: &str) -> Result<(ContentKey, usize), Error> {
        let source = self.inner.source(name)?;
        Ok((self.inner.identity(&source.text, Some(name)).content_key(), source.text.len()))
    }

    /// A template of an image that [`Environment::compile_to_image`] made with the same options.
    ///
    /// ```
    /// let environment = haiden::Environment::new();
    /// let image = environment.compile_to_image(None, "{{ n }}!")?;
    /// assert_eq!(environment.load_image(None, &image)?.render(haiden::context! { n => 1 })?, "1!");
    /// assert!(environment.load_image(None, &image[1..]).is_err());
    /// # Ok::<(), haiden::Error>(())
    /// ```
    ///
    /// # Errors
    /// The bytes are no such image, or name a filter or test that this environment does not have.
    pub fn load_image(&self, name: Option<&str>, bytes: &[u8]) -> Result<Template, Error> {
        let expected = haiden_bytecode::Expected {
            semantics: SEMANTICS,
            fingerprint: self.inner.fingerprint(name),
            source: None,
        };
        let (_, image) = haiden_bytecode::load_expected(bytes, &expected).map_err(|rejection| {
            Error::new(ErrorKind::Bytecode, format!("the image is of no use: {rejection}"))
        })?;
        let program = self.inner.link(image, name.map(Arc::from).as_ref(), &Arc::default(), None)?;
        Ok(Template { inner: self.inner.clone(), program })
    }
}

/// What a source's image is known by: the digests that its header, its check and its key are made of. Each is computed
/// once a load; together they cost more than the rest of a hit in memory.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    optimize: bool,
    autoescape: bool,
    fingerprint: [u8; 32],
    source: [u8; 32],
}

impl Identity {
    /// The header of the image.
    pub(crate) fn header(&self) -> Header {
        let mut flags = 0;
        flags |= if self.optimize { header_flags::OPTIMIZED } else { 0 };
        flags |= if self.autoescape { header_flags::AUTOESCAPE } else { 0 };
        Header { semantics: SEMANTICS, flags, source: self.source, fingerprint: self.fingerprint }
    }

    /// What the image must be.
    pub(crate) fn expected(&self) -> Expected {
        Expected { semantics: SEMANTICS, fingerprint: self.fingerprint, source: Some(self.source) }
    }

    /// The key of the image: everything that has a say in it.
    pub(crate) fn content_key(&self) -> ContentKey {
        self.header().key_parts(|parts| ContentKey::new(parts))
    }
}

impl Inner {
    /// The identity of a source's image.
    pub(crate) fn identity(&self, source: &str, name: Option<&str>) -> Identity {
        Identity {
            optimize: self.settings.options.optimize,
            autoescape: self.settings.autoescape.for_name(name),
            fingerprint: self.fingerprint(name),
            source: source_digest(source),
        }
    }

    /// Which options a template of this name is compiled with. There are two answers, with autoescape and without, unless an
    /// extension sees the names.
    pub(crate) fn fingerprint(&self, name: Option<&str>) -> [u8; 32] {
        if self.settings.extensions.sees_names() {
            return self.compute_fingerprint(name);
        }
        let autoescape = self.settings.autoescape.for_name(name);
        *self.fingerprints[usize::from(autoescape)].get_or_init(|| self.compute_fingerprint(name))
    }

    fn compute_fingerprint(&self, name: Option<&str>) -> [u8; 32] {
        let mut print = self.options(name).fingerprint();
        if self.settings.native_types {
            print = print.flag(OptionId::NativeTypes, true);
        }
        if self.settings.finalize.is_some() {
            print = print.option(OptionId::FinalizeConst, &[1]);
        }
        if let Some(sandbox) = &self.settings.sandbox {
            let operators = sandbox.intercepted.iter().flat_map(|operator| [operator, "\0"]);
            print = print
                .flag(OptionId::Sandboxed, true)
                .option(OptionId::InterceptedOperators, operators.collect::<String>().as_bytes());
        }
        if let Some(name) = name.filter(|_| self.settings.extensions.sees_names()) {
            print = print.option(OptionId::TemplateName, name.as_bytes());
        }
        print.finish()
    }

    /// The image of a source, from the bundle or the bytecode cache if one has it.
    pub(crate) fn image(&self, name: &str, source: &Source) -> Result<Image, Error> {
        let (bundle, cache) = (&self.settings.bundle, &self.settings.bytecode_cache);
        if bundle.is_none() && cache.is_none() {
            return self.compile(&source.text, Some(name));
        }
        let identity = self.identity(&source.text, Some(name));
        if let Some(bundle) = bundle
            && let (_, Some(image)) = cached_image(&**bundle, name, source, &identity)?
        {
            return Ok(image);
        }
        let Some(cache) = cache else { return self.compile(&source.text, Some(name)) };
        let (mut bucket, image) = cached_image(&**cache, name, source, &identity)?;
        if let Some(image) = image {
            return Ok(image);
        }
        self.compile_into(&**cache, &mut bucket, name, source, &identity)
    }

    /// A template in memory as listings show it.
    pub(crate) fn entry(&self, kept: &Kept<Loaded>) -> CacheEntry {
        let program = &kept.value.program;
        let name = Some(&*kept.name);
        let source = &program.extra().source;
        let sealed = self.settings.bundle.as_ref().filter(|_| source.is_empty());
        // One that came without its source is in the bundle as it is.
        let entry = sealed.and_then(|bundle| bundle.entry(&kept.name)?.ok());
        let mut entry = entry.unwrap_or_else(|| {
            let bytes = haiden_bytecode::to_bytes(program.image(), &self.identity(source, name).header());
            CacheEntry::new("", source_checksum(source), bytes)
        });
        entry.key = kept.name.to_string();
        entry.created_at = Some(kept.created_at);
        entry.accessed_at = Some(kept.accessed_at);
        entry
    }

    /// Compiles a source, and keeps its image in the cache.
    pub(crate) fn compile_into(
        &self,
        cache: &dyn BytecodeCache,
        bucket: &mut Bucket<'_>,
        name: &str,
        source: &Source,
        identity: &Identity,
    ) -> Result<Image, Error> {
        let started = Instant::now();
        let image = self.compile(&source.text, Some(name))?;
        cache.observe_compile(source.text.len(), started.elapsed());
        bucket.set_bytecode(haiden_bytecode::to_bytes(&image, &identity.header()));
        cache.set_bucket(bucket).map_err(cache_error)?;
        Ok(image)
    }
}

/// The bucket of a source, and its image if the cache has one that can be used.
pub(crate) fn cached_image<'a>(
    cache: &'a dyn BytecodeCache,
    name: &'a str,
    source: &'a Source,
    identity: &Identity,
) -> Result<(Bucket<'a>, Option<Image>), Error> {
    let started = Instant::now();
    let filename = source.filename.as_deref().and_then(Path::to_str);
    let mut bucket =
        cache.get_bucket(name, filename, &source.text, identity.content_key()).map_err(cache_error)?;
    let image = loaded_image(cache, &mut bucket, identity);
    if image.is_some() {
        record_hit(cache, source.text.len(), started.elapsed());
    }
    Ok((bucket, image))
}

/// The image in a bucket that was looked up, if it can be used; else the hit becomes a miss.
pub(crate) fn loaded_image(
    cache: &dyn BytecodeCache,
    bucket: &mut Bucket<'_>,
    identity: &Identity,
) -> Option<Image> {
    let bytes = bucket.bytecode()?;
    match haiden_bytecode::load_shared(bytes, 0..bytes.len(), &identity.expected()) {
        Ok((_, image)) => Some(image),
        Err(rejection) => {
            cache.reject_bucket(bucket, reason(&rejection));
            None
        }
    }
}

/// Whether bytes are an image that this version can run: the check that every hit goes through.
///
/// ```
/// let environment = haiden::Environment::new();
/// let mut image = environment.compile_to_image(None, "Hello {{ name }}!")?;
/// assert!(haiden::check_image(&image).is_ok());
/// image[100] ^= 1;
/// assert!(haiden::check_image(&image).is_err());
/// # Ok::<(), haiden::Error>(())
/// ```
///
/// # Errors
/// Why they are not.
pub fn check_image(bytes: &[u8]) -> Result<(), Rejection> {
    haiden_bytecode::load(bytes).map(drop).map_err(|rejection| reason(&rejection))
}

/// An image as text: its header, its sections, its instructions.
///
/// ```
/// let image = haiden::Environment::new().compile_to_image(None, "Hello {{ name }}!")?;
/// let text = haiden::describe_image(&image).unwrap();
/// assert!(text.contains("Hello "), "{text}");
/// # Ok::<(), haiden::Error>(())
/// ```
///
/// # Errors
/// Why the bytes are no image that this version can run.
pub fn describe_image(bytes: &[u8]) -> Result<String, Rejection> {
    haiden_bytecode::describe(bytes).map_err(|rejection| reason(&rejection))
}

/// Why an image was rejected, in the cache's words.
pub(crate) fn reason(rejection: &haiden_bytecode::Rejection) -> Rejection {
    use haiden_bytecode::Rejection as Image;
    match rejection {
        Image::Magic => Rejection::Magic,
        Image::Version(_) => Rejection::Version,
        Image::InstructionSet | Image::Semantics => Rejection::InstructionSet,
        Image::Options => Rejection::Options,
        Image::Source => Rejection::Source,
        Image::Digest => Rejection::Digest,
        Image::Truncated => Rejection::Truncated,
        Image::Structure(_) => Rejection::Structure,
    }
}

/// Notes what a hit has saved, for a source of so many bytes.
pub(crate) fn record_hit(cache: &dyn BytecodeCache, source_bytes: usize, loading: Duration) {
    if let Some(counters) = cache.counters() {
        counters.record_hit(source_bytes, loading);
    }
}

#[cold]
pub(crate) fn cache_error(error: CacheError) -> Error {
    Error::new(ErrorKind::Bytecode, error.to_string()).with_source(error)
}
