//! Figures as people read them: three digits and a unit.

use crate::report::count::thousands;

/// A time in microseconds.
pub fn time(us: f64) -> String {
    const STEPS: [(&str, f64); 3] = [("µs", 1e3), ("ms", 1e3), ("s", f64::INFINITY)];
    in_steps(us, &STEPS)
}

/// A number of bytes.
pub fn bytes(count: u64) -> String {
    const STEPS: [(&str, f64); 4] = [
        ("B", 1024.0),
        ("KiB", 1024.0),
        ("MiB", 1024.0),
        ("GiB", f64::INFINITY),
    ];
    match count {
        ..1024 => format!("{count} B"),
        _ => in_steps(count as f64, &STEPS),
    }
}

/// A value in the first unit of which there are not too many; each has so many of the one before.
fn in_steps(mut value: f64, steps: &[(&str, f64)]) -> String {
    let mut name = "";
    for (unit, many) in steps {
        name = unit;
        if rounded(value) < *many {
            break;
        }
        value /= many;
    }
    format!("{} {name}", figure(value))
}

/// A number that was counted, with a comma between thousands.
pub fn number(value: f64) -> String {
    thousands(value.round() as u64)
}

/// What is called, and how: `ping, 8 at a time, 100 bytes`.
pub fn load(call: &str, concurrency: usize, payload: usize) -> String {
    let load = format!("{call}, {} at a time", number(concurrency as f64));
    match payload {
        0 => load,
        bytes => format!("{load}, {} bytes", number(bytes as f64)),
    }
}

/// A figure that was measured or computed: three digits say all that there is to know.
pub fn figure(value: f64) -> String {
    match rounded(value) {
        value if value >= 100.0 => number(value),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 || value <= 0.0 => format!("{value:.2}"),
        value => {
            let digits = 2 - value.log10().floor() as i32;
            format!("{value:.*}", digits.clamp(0, 9) as usize)
        }
    }
}

/// The nearest number with three digits that are not zero.
fn rounded(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10f64.powi(value.log10().floor() as i32 - 2);
    (value / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        let times = [
            0.1234, 1.234, 12.34, 123.4, 999.7, 1234.0, 45_678.0, 2e6, 0.0,
        ]
        .map(time);
        assert_eq!(
            times,
            [
                "0.123 µs",
                "1.23 µs",
                "12.3 µs",
                "123 µs",
                "1.00 ms",
                "1.23 ms",
                "45.7 ms",
                "2.00 s",
                "0.00 µs"
            ]
        );
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(5 << 20), "5.00 MiB");
        assert_eq!(bytes((1 << 20) - 1), "1,020 KiB");
        assert_eq!(number(1234567.0), "1,234,567");
        assert_eq!(number(12.0), "12");
        let figures = [1_234_567.0, 12_345.0, 9.999, 99.97, 0.009_876, 1.005].map(figure);
        assert_eq!(
            figures,
            ["1,230,000", "12,300", "10.0", "100", "0.00988", "1.00"]
        );
    }
}
