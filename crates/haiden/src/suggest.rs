//! "Did you mean": the name that is nearest to a wrong one.

/// The nearest of `names`, if one is near enough: at most a third of its letters differ.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (wrong.chars().count() / 3).clamp(1, 3);
    let near = names.into_iter().filter(|name| *name != wrong);
    let measured = near.map(|name| (distance(wrong, name), name));
    measured.filter(|(distance, _)| *distance <= allowed).min().map(|(_, name)| name)
}

/// Letters to add, drop, change or swap (restricted Damerau–Levenshtein distance); long names are far from everything.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left.len() > 40 || right.len() > 40 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let mut best = (last[j + 1] + 1).min(row[j] + 1).min(last[j] + usize::from(l != r));
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found_and_far_ones_not() {
        let names = ["upper", "lower", "length", "default"];
        assert_eq!(nearest("uper", names), Some("upper"));
        assert_eq!(nearest("lenght", names), Some("length"));
        assert_eq!(nearest("xyz", names), None);
        assert_eq!(nearest("upper", names), None);
    }
}
