//! The verbs that call something, in a render that waits.

use haiden_runtime::{Arguments, Called, Host};

use crate::error::Error;
use crate::value::host::link::NativeTest;
use crate::value::host::{Name, NativeFilter, NativeHost, Output};
use crate::value::word::Word;

type Result<T> = std::result::Result<T, Error>;

impl NativeHost {
    /// As [`NativeHost::apply_filter`], in a render that waits.
    #[cold]
    pub(crate) fn filter_awaited(
        &mut self,
        context: u32,
        filter: &NativeFilter,
        value: Word,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<Word> {
        let value = self.settled(value)?;
        let NativeFilter::Builtin(builtin) = filter else {
            return self
                .awaited(arguments.values, |host| host.apply_filter(context, filter, value, arguments));
        };
        let settled = self.settled_values(arguments.values)?;
        let arguments = arguments.with(settled.as_deref());
        if self.runs().is_some() {
            return self.awaited(&[value], |host| host.apply_filter(context, filter, value, arguments));
        }
        if builtin.spec.name == "first"
            && let Word::Foreign { slot, index } = value
            && let Some(item) = self.next_of_sequence(slot, index)?
        {
            return Ok(item);
        }
        self.awaited(&[], |host| {
            host.run_again(value, |host| host.apply_filter(context, filter, value, arguments))
        })
    }

    /// As [`NativeHost::filter_awaited`]; the result is printed, which may have to wait once more.
    #[cold]
    pub(crate) fn emit_filter_awaited(
        &mut self,
        out: &mut Output,
        context: u32,
        filter: &NativeFilter,
        value: Word,
        arguments: Arguments<'_, NativeHost>,
        escape: bool,
    ) -> Result<()> {
        let filtered = self.waiting.as_mut().and_then(|waiting| waiting.filtered.take());
        let word = match filtered {
            Some(word) => word,
            None => self.filter_awaited(context, filter, value, arguments)?,
        };
        let outcome = self.emit(out, &word, escape);
        if let Some(waiting) = &mut self.waiting
            && outcome.as_ref().is_err_and(Error::is_suspension)
        {
            waiting.filtered = Some(word);
        }
        outcome
    }

    /// As [`NativeHost::apply_call`], in a render that waits.
    #[cold]
    pub(crate) fn call_awaited(
        &mut self,
        callee: Word,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<Word> {
        // Before anything is asked about it: a sandbox has to see what is called.
        let callee = self.settled(callee)?;
        let settled = self.settled_values(arguments.values)?;
        let arguments = arguments.with(settled.as_deref());
        self.awaited(arguments.values, |host| host.apply_call(callee, arguments))
    }

    /// As [`NativeHost::apply_test`], in a render that waits.
    #[cold]
    pub(crate) fn test_awaited(
        &mut self,
        context: u32,
        test: &NativeTest,
        value: Word,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<bool> {
        let value = self.settled(value)?;
        let NativeTest::User(function) = test else {
            let settled = self.settled_values(arguments.values)?;
            return self.apply_test(context, test, value, arguments.with(settled.as_deref()));
        };
        let word = self.awaited(arguments.values, |host| host.call_user(function, value, arguments))?;
        self.is_true(word)
    }

    /// As [`NativeHost::method_result`], in a render that waits.
    #[cold]
    pub(crate) fn method_awaited(
        &mut self,
        context: u32,
        receiver: Word,
        site: &Name,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<Called<NativeHost>> {
        let receiver = self.settled(receiver)?;
        let settled = self.settled_values(arguments.values)?;
        let arguments = arguments.with(settled.as_deref());
        let mut entered = None;
        let word = self.awaited(arguments.values, |host| {
            Ok(match host.method_result(context, receiver, site, arguments)? {
                Called::Value(word) => word,
                Called::Enter(callee) => {
                    entered = Some(callee);
                    Word::None
                }
            })
        })?;
        Ok(entered.map_or(Called::Value(word), Called::Enter))
    }
}
