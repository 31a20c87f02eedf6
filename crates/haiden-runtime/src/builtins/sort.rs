//! A stable sort whose comparison may fail, as Python's `sorted` does it.
//!
//! Keys are compared with `<` only. For up to 64 items the comparisons are those that CPython makes, in its order (so
//! an exception names the same operands); beyond that, chunks sorted so are merged. An order that is inconsistent gives
//! some order, never a panic.

use super::host::BuiltinHost;
use crate::host::{CompareOp, Host};

/// How many items are sorted by insertion.
const CHUNK: usize = 64;

/// Sorts `keys`; returns the places that the items were at.
pub(super) fn sorted<H: BuiltinHost, K>(
    host: &mut H,
    keys: &[K],
    reverse: bool,
    mut less: impl FnMut(&mut H, &K, &K) -> Result<bool, H::Error>,
) -> Result<Vec<usize>, H::Error> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    if reverse {
        order.reverse();
    }
    let chunk = if keys.len() <= CHUNK { CHUNK } else { CHUNK / 2 };
    let mut less = |host: &mut H, a: usize, b: usize| less(host, &keys[a], &keys[b]);
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

type Less<'a, H> = &'a mut dyn FnMut(&mut H, usize, usize) -> Result<bool, <H as Host>::Error>;

/// A run that is sorted already, then binary insertion.
fn insertion<H: BuiltinHost>(host: &mut H, items: &mut [usize], less: Less<'_, H>) -> Result<(), H::Error> {
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

fn merge<H: BuiltinHost>(
    host: &mut H,
    mut left: &[usize],
    mut right: &[usize],
    into: &mut Vec<usize>,
    less: Less<'_, H>,
) -> Result<(), H::Error> {
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
