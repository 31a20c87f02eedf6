//! `#[methods]`: the methods of a block become those of an object.
//!
//! In: `impl Type { … }`. Out: the block as it is, and another one with what `#[derive(Object)]` asks for: names, and a
//! function that calls each with arguments of its types.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, ImplItem, ImplItemFn, ItemImpl, ReceiverKind, Result, Type};

use crate::options::{MethodOptions, is_ours};

/// How many arguments a method can have.
const MOST: usize = 8;

/// A method that templates see.
struct Method<'a> {
    name: String,
    options: MethodOptions,
    function: &'a ImplItemFn,
    types: Vec<&'a Type>,
}

/// What the call of the object itself goes by, among names of methods.
const CALL: &str = "()";

impl Method<'_> {
    /// The name, or what the call of the object itself goes by.
    fn key(&self) -> &str {
        if self.options.call { CALL } else { &self.name }
    }
}

/// The block and its companion.
pub(crate) fn expand(arguments: &TokenStream, block: &mut ItemImpl) -> Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new(arguments.span(), "#[methods] has no options; methods have, in #[haiden(…)]"));
    }
    if let Some((path, _)) = &block.trait_ {
        return Err(Error::new(path.span(), "#[methods] is for a type's own methods, not for a trait's"));
    }
    let companion = companion(block)?;
    for item in &mut block.items {
        if let ImplItem::Fn(function) = item {
            function.attrs.retain(|attribute| !is_ours(attribute));
        }
    }
    Ok(quote!(#block #companion))
}

fn companion(block: &ItemImpl) -> Result<TokenStream> {
    let mut methods: Vec<Method<'_>> = Vec::new();
    for item in &block.items {
        let ImplItem::Fn(function) = item else { continue };
        if let Some(method) = method(function)? {
            let same = |known: &&Method<'_>| known.key() == method.key();
            if methods.iter().any(|known| same(&known)) {
                let message = match method.key() {
                    CALL => "there is a call of the object already".to_owned(),
                    name => format!("there is a method `{name}` already"),
                };
                return Err(Error::new(function.sig.ident.span(), message));
            }
            methods.push(method);
        }
    }
    let itself = run(methods.iter().find(|method| method.options.call));
    let (getters, others): (Vec<&Method<'_>>, Vec<_>) =
        methods.iter().partition(|method| method.options.getter);
    let called: Vec<&Method<'_>> = others.iter().copied().filter(|method| !method.options.call).collect();
    let getter_names = getters.iter().map(|method| &method.name);
    let called_names = called.iter().map(|method| &method.name);
    let forbidden_names = others.iter().filter(|method| method.options.forbidden).map(|method| method.key());
    let gets = getters.iter().map(|method| get(method));
    let calls = called.iter().map(|method| call(method));
    let body = if called.is_empty() {
        quote! {
            let _ = (name, call);
            false
        }
    } else {
        quote! {
            match name {
                #(#calls)*
                _ => return false,
            }
            true
        }
    };
    let ItemImpl { generics, self_ty, .. } = block;
    let says = generics
        .type_params()
        .next()
        .map(|_| quote_spanned!(self_ty.span()=> ::haiden::__private::says_methods::<Self>();));
    let (implementation, _, condition) = generics.split_for_impl();
    Ok(quote! {
        #[doc(hidden)]
        #[automatically_derived]
        impl #implementation #self_ty #condition {
            fn __haiden_getters() -> &'static [&'static str] {
                &[#(#getter_names),*]
            }
            fn __haiden_methods() -> &'static [&'static str] {
                #says
                &[#(#called_names),*]
            }
            fn __haiden_forbidden() -> &'static [&'static str] {
                &[#(#forbidden_names),*]
            }
            #itself
            fn __haiden_get(&self, name: &str) -> ::std::option::Option<::haiden::Value> {
                match name {
                    #(#gets)*
                    _ => ::std::option::Option::None,
                }
            }
            fn __haiden_call(&self, name: &str, call: &mut ::haiden::__private::TypedCall<'_>) -> bool {
                #body
            }
        }
    })
}

/// What a function of the block is, if templates see it.
fn method(function: &ImplItemFn) -> Result<Option<Method<'_>>> {
    let options = MethodOptions::of(&function.attrs)?;
    let signature = &function.sig;
    let Some(receiver) = signature.receiver() else {
        if let Some(attribute) = function.attrs.iter().find(|&attribute| is_ours(attribute)) {
            return Err(no_method(attribute));
        }
        return Ok(None);
    };
    if options.skip {
        return Ok(None);
    }
    if !matches!(receiver.kind, ReceiverKind::Reference(_, _, None)) {
        let message = "templates share their objects: a method takes `&self`, or is skipped: #[haiden(skip)]";
        return Err(Error::new(receiver.span(), message));
    }
    if let Some(token) = &signature.asyncness {
        return Err(Error::new(token.span(), "a method of an object is not asynchronous"));
    }
    if let Some(parameter) =
        signature.generics.params.iter().find(|one| !matches!(one, syn::GenericParam::Lifetime(_)))
    {
        return Err(Error::new(
            parameter.span(),
            "a method of an object is not generic: templates have no types",
        ));
    }
    let arguments = signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(&*argument.ty),
        FnArg::Receiver(_) => None,
    });
    let types: Vec<&Type> = arguments.collect();
    check_types(&options, &types)?;
    let own = signature.ident.to_string();
    let name =
        options.rename.as_ref().map_or_else(|| own.trim_start_matches("r#").to_owned(), syn::LitStr::value);
    Ok(Some(Method { name, options, function, types }))
}

fn check_types(options: &MethodOptions, types: &[&Type]) -> Result<()> {
    if let Some(ty) = types.iter().find(|ty| matches!(ty, Type::ImplTrait(_))) {
        return Err(Error::new(ty.span(), "a method of an object is not generic: templates have no types"));
    }
    if let (true, Some(first)) = (options.getter, types.first()) {
        return Err(Error::new(first.span(), "a getter has no arguments"));
    }
    match types.get(MOST) {
        Some(ty) => Err(Error::new(ty.span(), format!("a method of an object has at most {MOST} arguments"))),
        None => Ok(()),
    }
}

#[cold]
fn no_method(attribute: &Attribute) -> Error {
    Error::new(attribute.span(), "only methods are seen by templates, and this function takes no `&self`")
}

/// The arm that reads a getter.
fn get(method: &Method<'_>) -> TokenStream {
    let (name, ident) = (&method.name, &method.function.sig.ident);
    let span = method.function.sig.output.span();
    let value = quote_spanned!(span=> ::haiden::ToValue::to_value(&self.#ident()));
    quote!(#name => ::std::option::Option::Some(#value),)
}

/// The arm that calls a method.
fn call(method: &Method<'_>) -> TokenStream {
    let (name, run) = (&method.name, runs(method));
    quote!(#name => #run,)
}

/// The function that calls the object itself.
fn run(method: Option<&Method<'_>>) -> TokenStream {
    let is_callable = method.is_some();
    let run = method.map_or_else(|| quote!(let _ = call), runs);
    quote! {
        fn __haiden_is_callable() -> bool {
            #is_callable
        }
        fn __haiden_call_itself(&self, call: &mut ::haiden::__private::TypedCall<'_>) -> bool {
            #run;
            #is_callable
        }
    }
}

/// The expression that calls a method. Errors of its types point to its name.
fn runs(method: &Method<'_>) -> TokenStream {
    let (name, ident, types) = (&method.name, &method.function.sig.ident, &method.types);
    let arguments: Vec<_> = (0..types.len()).map(|place| format_ident!("argument_{place}")).collect();
    quote_spanned! {ident.span()=>
        call.run(#name, &|#(#arguments: #types),*| self.#ident(#(#arguments),*))
    }
}
