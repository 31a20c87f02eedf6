//! `#[derive(Object)]`: a struct's fields become attributes of an object.
//!
//! In: a struct. Out: `impl haiden::Object`. What a block of `#[methods]` adds is asked for by names that the trait
//! `haiden::__private::NoMethods` answers where there is no such block: an inherent function wins over a trait's. The block of
//! a generic struct may ask more of its types than the struct does, and then would not be seen: so there the struct says
//! that there is one.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, Generics, Index, Member, Result, Type, parse_quote};

use crate::options::{FieldOptions, StructOptions};

/// A field that templates see.
struct Attribute<'a> {
    name: String,
    member: Member,
    options: FieldOptions,
    field: &'a Field,
}

/// The implementation.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(data) => return Err(no_struct(data.enum_token.span())),
        Data::Union(data) => return Err(no_struct(data.union_token.span())),
    };
    let options = StructOptions::of(&input.attrs)?;
    let attributes = attributes(fields)?;
    let generics = bounded(input, &attributes);
    let (implementation, _, condition) = generics.split_for_impl();
    let (_, arguments, _) = input.generics.split_for_impl();
    let ident = &input.ident;
    let type_name = options.name.map_or_else(|| ident.to_string(), |name| name.value());
    let access = if matches!(fields, Fields::Unnamed(_)) { items(&attributes) } else { TokenStream::new() };
    let (names, arms) = if matches!(fields, Fields::Unnamed(_)) {
        (Vec::new(), Vec::new())
    } else {
        let arm = |attribute: &Attribute<'_>| {
            let (name, value) = (&attribute.name, value_of(attribute));
            quote!(#name => ::std::option::Option::Some(#value),)
        };
        let names: Vec<&String> = attributes.iter().map(|attribute| &attribute.name).collect();
        (names, attributes.iter().map(arm).collect())
    };
    let text = match (options.display, options.debug) {
        (true, _) => Some(quote!(::std::string::ToString::to_string(self))),
        (_, true) => Some(quote!(::std::format!("{self:?}"))),
        _ => None,
    };
    let to_text = text.map(|text| quote!(fn to_text(&self) -> ::std::string::String { #text }));
    // What a struct has that has no methods; where it says that it has some, they must be there.
    let without = if options.methods {
        TokenStream::new()
    } else {
        // Where a block wins the import is unused; the lint is silent about what macros of other crates write.
        quote!(
            use ::haiden::__private::NoMethods as _;
        )
    };
    let says = options.methods.then(|| {
        let (implementation, _, condition) = input.generics.split_for_impl();
        quote!(impl #implementation ::haiden::__private::SaysMethods for #ident #arguments #condition {})
    });
    let methods = methods(&without);
    Ok(quote! {
        #[automatically_derived]
        impl #implementation ::haiden::Object for #ident #arguments #condition {
            fn type_name(&self) -> &str {
                #type_name
            }
            fn get_attr(&self, name: &str) -> ::std::option::Option<::haiden::Value> {
                #without
                match name {
                    #(#arms)*
                    _ => self.__haiden_get(name),
                }
            }
            fn attributes(&self) -> ::std::vec::Vec<&str> {
                #without
                let mut names: ::std::vec::Vec<&str> = ::std::vec![#(#names),*];
                names.extend_from_slice(Self::__haiden_getters());
                names
            }
            #access
            #to_text
            #methods
        }
        #says
    })
}

/// What is the same for all structs: their methods.
fn methods(without: &TokenStream) -> TokenStream {
    quote! {
        fn has_method(&self, name: &str) -> bool {
            #without
            Self::__haiden_methods().contains(&name)
        }
        fn is_safe_to_call(&self, method: ::std::option::Option<&str>) -> bool {
            #without
            !Self::__haiden_forbidden().contains(&method.unwrap_or("()"))
        }
        fn is_callable(&self) -> bool {
            #without
            Self::__haiden_is_callable()
        }
        fn call(
            &self,
            positional: &[::haiden::Value],
            keywords: ::haiden::Keywords<'_>,
        ) -> ::std::result::Result<::haiden::Value, ::haiden::Error> {
            #without
            ::haiden::__private::call_alone(self, ::std::option::Option::None, positional, keywords, |call| {
                self.__haiden_call_itself(call)
            })
        }
        fn call_method(
            &self,
            name: &str,
            positional: &[::haiden::Value],
            keywords: ::haiden::Keywords<'_>,
        ) -> ::std::result::Result<::haiden::Value, ::haiden::Error> {
            #without
            let method = ::std::option::Option::Some(name);
            ::haiden::__private::call_alone(self, method, positional, keywords, |call| self.__haiden_call(name, call))
        }
        fn call_typed(
            &self,
            method: ::std::option::Option<&str>,
            call: &mut ::haiden::__private::TypedCall<'_>,
        ) -> bool {
            #without
            match method {
                ::std::option::Option::Some(name) => self.__haiden_call(name, call),
                ::std::option::Option::None => self.__haiden_call_itself(call),
            }
        }
    }
}

#[cold]
fn no_struct(span: proc_macro2::Span) -> Error {
    Error::new(span, "only a struct can be made an object; write `impl haiden::Object` for anything else")
}

/// The fields that are not skipped.
fn attributes(fields: &Fields) -> Result<Vec<Attribute<'_>>> {
    let mut found: Vec<Attribute<'_>> = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        let options = FieldOptions::of(&field.attrs)?;
        if options.skip {
            continue;
        }
        let member = match &field.ident {
            Some(ident) => Member::Named(ident.clone()),
            None => Member::Unnamed(Index::from(place)),
        };
        if let (None, Some(name)) = (&field.ident, &options.rename) {
            return Err(Error::new(name.span(), "a field without a name is an item: it cannot be renamed"));
        }
        let own = field.ident.as_ref().map(|ident| ident.to_string().trim_start_matches("r#").to_owned());
        let name = options.rename.as_ref().map(syn::LitStr::value).or(own).unwrap_or_default();
        if field.ident.is_some() && found.iter().any(|known| known.name == name) {
            let span = options.rename.as_ref().map_or_else(|| field.span(), syn::LitStr::span);
            return Err(Error::new(span, format!("there is an attribute `{name}` already")));
        }
        found.push(Attribute { name, member, options, field });
    }
    Ok(found)
}

/// The expression of what a field gives. Errors of types point to the field's type.
fn value_of(attribute: &Attribute<'_>) -> TokenStream {
    let Attribute { member, options, field, .. } = attribute;
    let span = field.ty.span();
    if let Some(with) = &options.with {
        return quote_spanned!(span=> ::haiden::ToValue::to_value(&#with(&self.#member)));
    }
    if options.serialize {
        return quote_spanned!(span=> ::haiden::__private::serialized(&self.#member));
    }
    if options.safe {
        return quote_spanned! {span=>
            ::haiden::Value::from_safe_string(::std::convert::AsRef::<str>::as_ref(&self.#member))
        };
    }
    quote_spanned!(span=> ::haiden::ToValue::to_value(&self.#member))
}

/// `object[0]` of a tuple struct, and its length.
fn items(attributes: &[Attribute<'_>]) -> TokenStream {
    let values: Vec<TokenStream> = attributes.iter().map(value_of).collect();
    let places = 0..values.len() as i64;
    let count = values.len();
    quote! {
        fn get_item(&self, key: &::haiden::Value) -> ::std::option::Option<::haiden::Value> {
            match key.as_i64()? {
                #(#places => ::std::option::Option::Some(#values),)*
                _ => ::std::option::Option::None,
            }
        }
        fn length(&self) -> ::std::option::Option<usize> {
            ::std::option::Option::Some(#count)
        }
        fn iterate(&self) -> ::std::option::Option<::std::vec::Vec<::haiden::Value>> {
            ::std::option::Option::Some(::std::vec![#(#values),*])
        }
    }
}

/// The struct's generics, with what the implementation needs of their types.
fn bounded(input: &DeriveInput, attributes: &[Attribute<'_>]) -> Generics {
    let mut generics = input.generics.clone();
    if input.generics.type_params().next().is_none() {
        return generics;
    }
    let (_, arguments, _) = input.generics.split_for_impl();
    let ident = &input.ident;
    let condition = generics.make_where_clause();
    condition
        .predicates
        .push(parse_quote!(#ident #arguments: ::std::fmt::Debug + ::std::marker::Send + ::std::marker::Sync + 'static));
    for Attribute { options, field, .. } in attributes {
        let ty: &Type = &field.ty;
        if !options.serialize && !options.safe && options.with.is_none() {
            condition.predicates.push(parse_quote!(#ty: ::haiden::ToValue));
        }
    }
    generics
}
