//! Medians, means, and numbers as people read them.

/// The middle value; of an even number of values the lower one of the middle two.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// The geometric mean; nothing for no values.
pub(crate) fn geometric_mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (sum / values.len() as f64).exp())
}

/// Three significant digits and a unit.
pub(crate) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{} ns", digits(nanoseconds)),
        ..1e6 => format!("{} µs", digits(nanoseconds / 1e3)),
        _ => format!("{} ms", digits(nanoseconds / 1e6)),
    }
}

/// Three significant digits and k or M.
pub(crate) fn count(instructions: f64) -> String {
    match instructions {
        ..1e3 => digits(instructions),
        ..1e6 => format!("{} k", digits(instructions / 1e3)),
        _ => format!("{} M", digits(instructions / 1e6)),
    }
}

/// Three significant digits.
pub(crate) fn digits(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles_and_means() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!(median(&[]).is_nan());
        assert!((geometric_mean(&[2.0, 8.0]).expect("two values") - 4.0).abs() < 1e-9);
        assert_eq!(geometric_mean(&[]), None);
    }

    #[test]
    fn three_digits() {
        for (value, text) in [(74.2, "74.2 ns"), (1_530.0, "1.53 µs"), (4_290_000.0, "4.29 ms")] {
            assert_eq!(time(value), text);
        }
        assert_eq!(count(16_340_000.0), "16.3 M");
    }
}
