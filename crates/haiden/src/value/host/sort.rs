//! Sorting values by Python's `<`, which may fail and may be inconsistent (NaN): some order then, never a panic.

use haiden_runtime::CompareOp;

use crate::error::Error;
use crate::value::host::NativeHost;
use crate::value::word::Word;

/// Up to so many items are sorted by binary insertion, with the comparisons that CPython makes.
const CHUNK: usize = 64;

impl NativeHost {
    /// `left < right`
    pub(super) fn is_less(&mut self, left: Word, right: Word) -> Result<bool, Error> {
        Ok(self.order(CompareOp::Lt, left, right)?.is_some_and(std::cmp::Ordering::is_lt))
    }

    /// The items in the order of `less`, stable.
    pub(super) fn sort_by_key<T: Copy>(
        &mut self,
        items: Vec<T>,
        less: &mut impl FnMut(&mut NativeHost, T, T) -> Result<bool, Error>,
    ) -> Result<Vec<T>, Error> {
        if items.len() > CHUNK {
            let right = items[items.len() / 2..].to_vec();
            let left = items[..items.len() / 2].to_vec();
            let (left, right) = (self.sort_by_key(left, less)?, self.sort_by_key(right, less)?);
            return self.merged(&left, &right, less);
        }
        let mut sorted: Vec<T> = Vec::with_capacity(items.len());
        for item in items {
            let (mut low, mut high) = (0, sorted.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                if less(self, item, sorted[middle])? {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            sorted.insert(low, item);
        }
        Ok(sorted)
    }

    fn merged<T: Copy>(
        &mut self,
        left: &[T],
        right: &[T],
        less: &mut impl FnMut(&mut NativeHost, T, T) -> Result<bool, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut merged = Vec::with_capacity(left.len() + right.len());
        let (mut first, mut second) = (0, 0);
        while first < left.len() && second < right.len() {
            if less(self, right[second], left[first])? {
                merged.push(right[second]);
                second += 1;
            } else {
                merged.push(left[first]);
                first += 1;
            }
        }
        merged.extend_from_slice(&left[first..]);
        merged.extend_from_slice(&right[second..]);
        Ok(merged)
    }
}
