//! Macros of the crate `haiden`, which exports them: `#[derive(Object)]` and `#[methods]`.
//!
//! In: a struct, or a block of its methods. Out: an implementation of `haiden::Object`, or what that asks for; or errors at
//! the tokens that are wrong. The documentation is in `haiden`.
#![forbid(unsafe_code)]

mod methods;
mod object;
mod options;

use proc_macro::TokenStream;
use syn::{DeriveInput, ItemImpl, parse_macro_input};

/// Makes a struct an object of templates: see `haiden::Object`.
#[proc_macro_derive(Object, attributes(haiden))]
pub fn derive_object(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    object::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes the methods of a block those of an object: see `haiden::methods`.
#[proc_macro_attribute]
pub fn methods(arguments: TokenStream, block: TokenStream) -> TokenStream {
    let mut block = parse_macro_input!(block as ItemImpl);
    methods::expand(&arguments.into(), &mut block).unwrap_or_else(syn::Error::into_compile_error).into()
}

#[cfg(test)]
mod tests {
    use super::{methods, object};

    /// What the macro of `source` says is wrong with it.
    fn error_of(source: &str) -> String {
        let outcome = if source.contains("impl") {
            let mut block = syn::parse_str(source).expect("a block");
            methods::expand(&proc_macro2::TokenStream::new(), &mut block)
        } else {
            object::expand(&syn::parse_str(source).expect("a type"))
        };
        outcome.err().map_or_else(|| panic!("{source} is right"), |error| error.to_string())
    }

    #[track_caller]
    fn check(source: &str, message: &str) {
        let error = error_of(source);
        assert!(error.contains(message), "{source}: {error}");
    }

    #[test]
    fn wrong_structs_are_told() {
        check("enum E { A }", "only a struct can be made an object");
        check("union U { a: u8 }", "only a struct can be made an object");
        check(
            "struct S { #[haiden(renamed = \"b\")] a: u8 }",
            "unknown option: there are `rename = \"…\"`, `skip`",
        );
        check(
            "#[haiden(rename = \"T\")] struct S;",
            "unknown option: there are `name = \"…\"`, `display`, `debug` and `methods`",
        );
        check("#[haiden(debug, display)] struct S;", "only one of `display` and `debug`");
        check("struct S { #[haiden(skip, skip)] a: u8 }", "this option is here twice");
        check("struct S { #[haiden(rename = 1)] a: u8 }", "expected string literal");
        check("struct S { #[haiden(skip, rename = \"b\")] a: u8 }", "a field that is skipped has no name");
        check("struct S { #[haiden(safe, serialize)] a: u8 }", "only one of");
        check("struct S { a: u8, #[haiden(rename = \"a\")] b: u8 }", "there is an attribute `a` already");
        check("struct S(#[haiden(rename = \"a\")] u8);", "it cannot be renamed");
    }

    #[test]
    fn wrong_methods_are_told() {
        check("impl Display for S {}", "not for a trait's");
        check("impl S { fn f(&mut self) {} }", "a method takes `&self`");
        check("impl S { fn f(self) {} }", "a method takes `&self`");
        check("impl S { fn f(self: Arc<Self>) {} }", "a method takes `&self`");
        check("impl S { async fn f(&self) {} }", "not asynchronous");
        check("impl S { fn f<T>(&self, t: T) {} }", "not generic");
        check("impl S { fn f(&self, t: impl Display) {} }", "not generic");
        check("impl S { #[haiden(getter)] fn f(&self, n: u8) -> u8 { n } }", "a getter has no arguments");
        check("impl S { #[haiden(getter)] fn new() -> S { S } }", "takes no `&self`");
        check("impl S { #[haiden(get)] fn f(&self) {} }", "unknown option");
        check("impl S { #[haiden(skip, getter)] fn f(&self) {} }", "has no other options");
        check("impl S { #[haiden(getter, forbidden)] fn f(&self) -> u8 { 1 } }", "cannot be forbidden");
        check(
            "impl S { fn f(&self) {} #[haiden(rename = \"f\")] fn g(&self) {} }",
            "there is a method `f` already",
        );
        check("impl S { #[haiden(call, getter)] fn f(&self) {} }", "has no name of its own");
        check(
            "impl S { #[haiden(call)] fn f(&self) {} #[haiden(call)] fn g(&self) {} }",
            "a call of the object already",
        );
        let many = "a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8";
        check(&format!("impl S {{ fn f(&self, {many}) {{}} }}"), "at most 8 arguments");
    }
}
