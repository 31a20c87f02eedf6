//! What stands in `#[haiden(…)]`.
//!
//! In: the attributes of a struct, field or method. Out: what they say; an error at the option that is unknown, double, or
//! means nothing beside another.

use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, ExprPath, LitStr, Result};

/// Options of a struct.
#[derive(Default)]
pub(crate) struct StructOptions {
    /// What messages call it.
    pub(crate) name: Option<LitStr>,
    /// It prints as its `Display` says.
    pub(crate) display: bool,
    /// It prints as its `Debug` says.
    pub(crate) debug: bool,
    /// There is a block of methods.
    pub(crate) methods: bool,
}

/// Options of a field.
#[derive(Default)]
pub(crate) struct FieldOptions {
    pub(crate) rename: Option<LitStr>,
    pub(crate) skip: bool,
    /// It is given through serde.
    pub(crate) serialize: bool,
    /// It is text that needs no escaping.
    pub(crate) safe: bool,
    /// The function that makes what is given.
    pub(crate) with: Option<ExprPath>,
}

/// Options of a method.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that is there or not")]
pub(crate) struct MethodOptions {
    pub(crate) rename: Option<LitStr>,
    pub(crate) skip: bool,
    /// It is an attribute.
    pub(crate) getter: bool,
    /// Templates in a sandbox may not call it.
    pub(crate) forbidden: bool,
    /// It is the call of the object itself.
    pub(crate) call: bool,
}

/// Is it ours?
pub(crate) fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("haiden")
}

fn each(
    attributes: &[Attribute],
    mut take: impl FnMut(&ParseNestedMeta<'_>, &str) -> Result<bool>,
    known: &str,
) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| is_ours(attribute)) {
        attribute.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            if take(&meta, &name)? {
                return Ok(());
            }
            Err(meta.error(format!("unknown option: there are {known}")))
        })?;
    }
    Ok(())
}

fn flag(meta: &ParseNestedMeta<'_>, place: &mut bool) -> Result<bool> {
    if std::mem::replace(place, true) {
        return Err(meta.error("this option is here twice"));
    }
    Ok(true)
}

fn value<T: syn::parse::Parse>(meta: &ParseNestedMeta<'_>, place: &mut Option<T>) -> Result<bool> {
    if place.replace(meta.value()?.parse()?).is_some() {
        return Err(meta.error("this option is here twice"));
    }
    Ok(true)
}

impl StructOptions {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<StructOptions> {
        let mut options = StructOptions::default();
        let take = |meta: &ParseNestedMeta<'_>, name: &str| match name {
            "name" => value(meta, &mut options.name),
            "display" if options.debug => Err(meta.error("only one of `display` and `debug`")),
            "display" => flag(meta, &mut options.display),
            "debug" if options.display => Err(meta.error("only one of `display` and `debug`")),
            "debug" => flag(meta, &mut options.debug),
            "methods" => flag(meta, &mut options.methods),
            _ => Ok(false),
        };
        each(attributes, take, "`name = \"…\"`, `display`, `debug` and `methods`")?;
        Ok(options)
    }
}

impl FieldOptions {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<FieldOptions> {
        let mut options = FieldOptions::default();
        let take = |meta: &ParseNestedMeta<'_>, name: &str| match name {
            "rename" => value(meta, &mut options.rename),
            "skip" => flag(meta, &mut options.skip),
            "serialize" => flag(meta, &mut options.serialize),
            "safe" => flag(meta, &mut options.safe),
            "with" => value(meta, &mut options.with),
            _ => Ok(false),
        };
        each(attributes, take, "`rename = \"…\"`, `skip`, `serialize`, `safe` and `with = function`")?;
        let ways = [options.skip, options.serialize, options.safe, options.with.is_some()];
        if ways.into_iter().filter(|&way| way).count() > 1 {
            let message = "only one of `skip`, `serialize`, `safe` and `with` can say how the field is given";
            return Err(Error::new(span_of(attributes), message));
        }
        if options.skip && options.rename.is_some() {
            return Err(Error::new(span_of(attributes), "a field that is skipped has no name"));
        }
        Ok(options)
    }
}

impl MethodOptions {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<MethodOptions> {
        let mut options = MethodOptions::default();
        let take = |meta: &ParseNestedMeta<'_>, name: &str| match name {
            "rename" => value(meta, &mut options.rename),
            "skip" => flag(meta, &mut options.skip),
            "getter" => flag(meta, &mut options.getter),
            "forbidden" => flag(meta, &mut options.forbidden),
            "call" => flag(meta, &mut options.call),
            _ => Ok(false),
        };
        each(attributes, take, "`rename = \"…\"`, `skip`, `getter`, `call` and `forbidden`")?;
        if options.skip && (options.rename.is_some() || options.getter || options.forbidden || options.call) {
            return Err(Error::new(span_of(attributes), "a method that is skipped has no other options"));
        }
        if options.call && (options.getter || options.rename.is_some()) {
            return Err(Error::new(span_of(attributes), "the call of the object has no name of its own"));
        }
        if options.getter && options.forbidden {
            return Err(Error::new(
                span_of(attributes),
                "a getter is read, not called: it cannot be forbidden",
            ));
        }
        Ok(options)
    }
}

fn span_of(attributes: &[Attribute]) -> proc_macro2::Span {
    let ours = attributes.iter().find(|attribute| is_ours(attribute));
    ours.map_or_else(proc_macro2::Span::call_site, Spanned::span)
}
