//! What verbs do that call something, in any render: the calls themselves.

use haiden_runtime::{Arguments, Called, Callee, Host};

use crate::error::Error;
use crate::value::function::CallArguments;
use crate::value::heap::HeapObject;
use crate::value::host::link::NativeTest;
use crate::value::host::{Name, NativeFilter, NativeHost};
use crate::value::word::Word;

type Result<T> = std::result::Result<T, Error>;

impl NativeHost {
    /// Calls a value that is no macro.
    #[inline]
    pub(super) fn apply_call(&mut self, callee: Word, arguments: Arguments<'_, NativeHost>) -> Result<Word> {
        if self.sandboxed {
            self.refuse_unsafe_call(callee)?;
        }
        self.call_value(callee, arguments)
    }

    /// Calls a method.
    #[inline]
    pub(super) fn method_result(
        &mut self,
        context: u32,
        receiver: Word,
        site: &Name,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<Called<NativeHost>> {
        let object = self.present(receiver);
        if let Word::Object(index) = object
            && let HeapObject::Module { members, .. } = &self.heap.objects[index as usize]
            && let Some(&(_, callee)) = members.iter().find(|(known, _)| *known == *site.text())
            && !matches!(self.callee(&callee), Callee::Foreign)
        {
            return Ok(Called::Enter(callee));
        }
        if !self.sandboxed && NativeHost::has_method(object, site.text()) {
            self.calling = context;
            let result = if arguments.shape.is_plain() {
                self.call_member(object, site.text(), arguments.values, &[])
            } else {
                let expanded = self.expand(arguments)?;
                self.call_member(object, site.text(), &expanded.positional, &expanded.keywords)
            };
            return result.map(Called::Value);
        }
        let callee = self.attr(&receiver, site)?;
        if matches!(self.callee(&callee), Callee::Foreign) {
            self.calling = context;
            self.apply_call(callee, arguments).map(Called::Value)
        } else {
            Ok(Called::Enter(callee))
        }
    }

    /// Applies a filter.
    #[inline]
    pub(super) fn apply_filter(
        &mut self,
        context: u32,
        filter: &NativeFilter,
        value: Word,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<Word> {
        match filter {
            NativeFilter::Builtin(builtin) => self.builtin_filter(builtin, context, value, arguments),
            NativeFilter::User(function) => {
                self.calling = context;
                if arguments.shape.is_plain() && arguments.values.is_empty() {
                    return function.invoke(self, CallArguments { positional: &[value], keywords: &[] });
                }
                self.call_user(function, value, arguments)
            }
        }
    }

    /// Applies a test.
    #[inline]
    pub(super) fn apply_test(
        &mut self,
        context: u32,
        test: &NativeTest,
        value: Word,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<bool> {
        match test {
            NativeTest::Builtin(builtin) => builtin.call(self, &context, &value, arguments),
            NativeTest::User(function) => {
                self.calling = context;
                let result = self.call_user(function, value, arguments)?;
                self.is_true(result)
            }
        }
    }
}
