//! A stable sort whose comparison may fail, as Python's `sorted` does it.
//!
//! Keys are compared with `<` only. For up to 64 items the comparisons are those that CPython makes, in its order (so
//! an exception names the same operands); beyond that, chunks sorted so are merged. An order that is inconsistent gives
//! some order, never a panic.

use super::host::BuiltinHost;
use crate::host::CompareOp;

/// How many items are sorted by insertion.
const CHUNK: usize = 64;

/// Sorts `keys` by `less`, stable; returns the places that the items were at. `reverse`: as `sorted(reverse=True)`.
///
/// # Errors
/// What the first comparison that fails fails with.
pub fn sorted<C, K, E>(
    host: &mut C,
    keys: &[K],
    reverse: bool,
    mut less: impl FnMut(&mut C, &K, &K) -> Result<bool, E>,
) -> Result<Vec<usize>, E> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    if reverse {
        order.reverse();
    }
    let chunk = if keys.len() <= CHUNK { CHUNK } else { CHUNK / 2 };
    let mut less = |host: &mut C, a: usize, b: usize| less(host, &keys[a], &keys[b]);
    for part in order.chunks_mut(chunk) {
        insertion(host, part, &mut less)?;
    }
    let mut width = chunk;
    let mut merged = Vec::with_capacity(if width < order.len() { order.len() } else { 0 });
    while width < order.len() {
        merged.clear();
        for pair in order.chunks(2 * width) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(host, left, right, &mut merged, &mut less)?;
        }
        std::mem::swap(&mut order, &mut merged);
        width *= 2;
    }
    if reverse {
        order.reverse();
    }
    Ok(order)
}

/// `left < right`.
pub(super) fn less<H: BuiltinHost>(
    host: &mut H,
    left: &H::Register,
    right: &H::Register,
) -> Result<bool, H::Error> {
    if let (Some(left), Some(right)) = (H::int(left), H::int(right)) {
        return Ok(left < right);
    }
    if let (Some(left), Some(right)) = (host.text(left), host.text(right)) {
        return Ok(left < right);
    }
    host.compare_truth(CompareOp::Lt, left, right)
}

/// `left < right` of two lists of the same length: the first difference decides.
pub(super) fn less_lists<H: BuiltinHost>(
    host: &mut H,
    left: &[H::Register],
    right: &[H::Register],
) -> Result<bool, H::Error> {
    for (left, right) in left.iter().zip(right) {
        if !same(host, left, right)? {
            return less(host, left, right);
        }
    }
    Ok(false)
}

/// Identical or equal, as containers compare their items.
pub(super) fn same<H: BuiltinHost>(
    host: &mut H,
    left: &H::Register,
    right: &H::Register,
) -> Result<bool, H::Error> {
    if let (Some(left), Some(right)) = (H::int(left), H::int(right)) {
        return Ok(left == right);
    }
    if let (Some(left), Some(right)) = (host.text(left), host.text(right)) {
        return Ok(left == right);
    }
    Ok(host.is_identical(left, right) || host.compare_truth(CompareOp::Eq, left, right)?)
}

type Less<'a, C, E> = &'a mut dyn FnMut(&mut C, usize, usize) -> Result<bool, E>;

/// A run that is sorted already, then binary insertion.
fn insertion<C, E>(host: &mut C, items: &mut [usize], less: Less<'_, C, E>) -> Result<(), E> {
    if items.len() < 2 {
        return Ok(());
    }
    let descending = less(host, items[1], items[0])?;
    let mut run = 2;
    while run < items.len() && less(host, items[run], items[run - 1])? == descending {
        run += 1;
    }
    if descending {
        items[..run].reverse();
    }
    for start in run..items.len() {
        let pivot = items[start];
        let (mut low, mut high) = (0, start);
        while low < high {
            let middle = low + (high - low) / 2;
            if less(host, pivot, items[middle])? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        items[low..=start].rotate_right(1);
    }
    Ok(())
}

fn merge<C, E>(
    host: &mut C,
    mut left: &[usize],
    mut right: &[usize],
    into: &mut Vec<usize>,
    less: Less<'_, C, E>,
) -> Result<(), E> {
    while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
        if less(host, *second, *first)? {
            into.push(*second);
            right = right_rest;
        } else {
            into.push(*first);
            left = left_rest;
        }
    }
    into.extend_from_slice(left);
    into.extend_from_slice(right);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::sorted;

    /// Keys `(key, place)` are compared by key only.
    fn check_stable(count: u32, modulus: u32) {
        let keys: Vec<(u32, u32)> =
            (0..count).map(|n| (n.wrapping_mul(2_654_435_761) % modulus, n)).collect();
        for reverse in [false, true] {
            let order =
                sorted(&mut (), &keys, reverse, |(), a, b| Ok::<_, ()>(a.0 < b.0)).expect("never fails");
            let mut expected: Vec<usize> = (0..keys.len()).collect();
            expected.sort_by(|&a, &b| {
                let order = keys[a].0.cmp(&keys[b].0);
                if reverse { order.reverse() } else { order }
            });
            assert_eq!(order, expected, "{count} items, {modulus} keys, reverse {reverse}");
        }
    }

    #[test]
    fn stable_at_all_sizes() {
        for count in (0..70).chain([127, 128, 129, 1000]) {
            for modulus in [1, 2, 7, 100_000] {
                check_stable(count, modulus);
            }
        }
    }

    #[test]
    fn an_inconsistent_order_ends() {
        let keys: Vec<u32> = (0..500).collect();
        let mut flip = 0_u32;
        let order = sorted(&mut flip, &keys, false, |flip, _, _| {
            *flip = flip.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Ok::<_, ()>(*flip >> 31 == 1)
        });
        let mut order = order.expect("never fails");
        order.sort_unstable();
        assert_eq!(order, (0..500).collect::<Vec<usize>>());
    }

    #[test]
    fn the_first_comparison_is_pythons() {
        let keys = ["a", "b", "c"];
        let failed = sorted(&mut (), &keys, false, |(), a, b| Err::<bool, _>((*a, *b)));
        assert_eq!(failed, Err(("b", "a")));
        let reversed = sorted(&mut (), &keys, true, |(), a, b| Err::<bool, _>((*a, *b)));
        assert_eq!(reversed, Err(("b", "c")));
    }
}
