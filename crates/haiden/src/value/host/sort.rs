//! Sorting words by Python's `<`; the algorithm is the builtins'.

use haiden_runtime::CompareOp;
use haiden_runtime::builtins::sorted;

use crate::error::Error;
use crate::value::host::NativeHost;
use crate::value::word::Word;

impl NativeHost {
    /// The items in the order of their keys, stable, as `sorted(items, key=key, reverse=reverse)`.
    pub(super) fn sorted_by_key<T: Copy>(
        &mut self,
        items: &[T],
        reverse: bool,
        key: impl Fn(&T) -> Word,
    ) -> Result<Vec<T>, Error> {
        let places = sorted(self, items, reverse, |host, left, right| {
            Ok::<_, Error>(
                host.order(CompareOp::Lt, key(left), key(right))?.is_some_and(std::cmp::Ordering::is_lt),
            )
        })?;
        Ok(places.into_iter().map(|place| items[place]).collect())
    }
}
