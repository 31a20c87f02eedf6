//! Draws the times as bars on a logarithmic scale, one cluster for each size.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 370.0;
const COLOURS: [&str; 9] =
    ["#d94801", "#9ecae1", "#6baed6", "#74c476", "#238b45", "#4292c6", "#807dba", "#54278f", "#08306b"];

/// The plot; `rows[size][way]` is in nanoseconds.
pub(crate) fn svg(sizes: &[usize], ways: &[&str], rows: &[Vec<f64>]) -> String {
    let all = || rows.iter().flatten().copied();
    let low = all().fold(f64::INFINITY, f64::min).log10().floor();
    let high = all().fold(0.0, f64::max).log10().ceil().max(low + 1.0);
    let height = |time: f64| (time.log10() - low) / (high - low) * (BOTTOM - TOP);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let mut draw = |line: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{line}");
    };
    for exponent in low as i32..=high as i32 {
        let y = BOTTOM - height(10_f64.powi(exponent));
        draw(format_args!(
            "<path d=\"M{LEFT} {y:.1}H{}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text>",
            WIDTH - 10.0,
            LEFT - 6.0,
            y + 4.0,
            label(exponent)
        ));
    }
    let cluster = (WIDTH - LEFT - 10.0) / sizes.len() as f64;
    let bar = cluster / (ways.len() as f64 + 1.0);
    for (index, (size, row)) in sizes.iter().zip(rows).enumerate() {
        let start = LEFT + cluster * index as f64 + bar / 2.0;
        for (way, &time) in row.iter().enumerate() {
            let (x, tall) = (start + bar * way as f64, height(time));
            draw(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" text-anchor=\"middle\">{}</text>",
                x + (bar - 3.0) / 2.0,
                BOTTOM - tall - 4.0,
                short(time)
            ));
            draw(format_args!(
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"{}\"><title>{}: \
                 {time:.0} ns</title></rect>",
                BOTTOM - tall,
                bar - 3.0,
                COLOURS[way % COLOURS.len()],
                ways[way]
            ));
        }
        let middle = LEFT + cluster * (index as f64 + 0.5);
        draw(format_args!(
            "<text x=\"{middle:.1}\" y=\"{}\" text-anchor=\"middle\">{size} KB template</text>",
            BOTTOM + 20.0
        ));
    }
    let (mut x, mut y) = (LEFT, 6.0);
    for (index, way) in ways.iter().enumerate() {
        // About the width of the text; the font is the reader's.
        let wide = 34.0 + 6.4 * way.chars().count() as f64;
        if x + wide > WIDTH {
            (x, y) = (LEFT, y + 18.0);
        }
        let colour = COLOURS[index % COLOURS.len()];
        draw(format_args!(
            "<rect x=\"{x:.0}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{colour}\"/><text x=\"{:.0}\" \
             y=\"{}\">{way}</text>",
            x + 16.0,
            y + 10.0
        ));
        x += wide;
    }
    text.push_str("</svg>\n");
    text
}

/// A time in as many digits as fit above a bar.
fn short(time: f64) -> String {
    let micros = time / 1e3;
    match micros {
        ..10.0 => format!("{micros:.1}"),
        _ => format!("{micros:.0}"),
    }
}

fn label(exponent: i32) -> String {
    let unit = match exponent {
        ..3 => "ns",
        3..6 => "µs",
        _ => "ms",
    };
    format!("{} {unit}", 10_i32.pow(exponent.rem_euclid(3).unsigned_abs()))
}
