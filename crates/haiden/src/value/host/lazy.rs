//! Filters that are generators in Jinja2. Here they work at once; what they fail with waits until the items before are taken.

use haiden_runtime::Arguments;
use haiden_runtime::builtins::BuiltinFilter;

use crate::error::{Error, ErrorKind};
use crate::value::heap::HeapObject;
use crate::value::host::NativeHost;
use crate::value::word::Word;

type Result<T> = std::result::Result<T, Error>;

/// Filters that are generators in Jinja2: what they fail with comes when their items are taken.
const LAZY: &[&str] =
    &["batch", "items", "map", "reject", "rejectattr", "select", "selectattr", "slice", "unique"];

/// Is it the error of a limit? Such are never put off.
pub(super) fn is_limit(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Limit | ErrorKind::Memory | ErrorKind::Recursion)
}

impl NativeHost {
    /// Applies a builtin filter.
    #[inline]
    pub(super) fn builtin_filter(
        &mut self,
        builtin: &BuiltinFilter<NativeHost>,
        context: u32,
        value: Word,
        arguments: Arguments<'_, NativeHost>,
    ) -> Result<Word> {
        match builtin.call(self, &context, &value, arguments) {
            Err(error) if LAZY.contains(&builtin.spec.name) && !error.is_suspension() => {
                let starred = arguments.shape.star || arguments.shape.star_star;
                if starred && self.expand(arguments).is_err() {
                    // What stands behind a star is no matter of the filter.
                    return Err(error);
                }
                self.fail_later(builtin, error)
            }
            outcome => outcome,
        }
    }

    /// A generator whose first item is an error. Arguments that do not fit, and limits, are errors at once.
    #[cold]
    fn fail_later(&mut self, builtin: &BuiltinFilter<NativeHost>, error: Error) -> Result<Word> {
        let name = builtin.spec.python;
        let generator = match builtin.spec.name {
            "select" | "reject" | "selectattr" | "rejectattr" => "select_or_reject",
            _ => name,
        };
        if is_limit(&error) || error.message().starts_with(&format!("{name}()")) {
            return Err(error);
        }
        Ok(self.heap.object(HeapObject::Generator {
            name: generator,
            items: Vec::new(),
            at: 0,
            error: Some(error),
        }))
    }
}
