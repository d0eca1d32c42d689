//! Figures as people read them: three digits and a unit.

/// A time in microseconds.
pub fn time(us: f64) -> String {
    match us {
        us if us < 1e3 => format!("{} µs", digits(us)),
        us if us < 1e6 => format!("{} ms", digits(us / 1e3)),
        us => format!("{} s", digits(us / 1e6)),
    }
}

/// A number of bytes.
pub fn bytes(count: u64) -> String {
    const STEPS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = count as f64;
    let mut unit = STEPS[0];
    for step in &STEPS[1..] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = step;
    }
    format!("{} {unit}", digits(value))
}

/// A number, with a comma between thousands.
pub fn number(value: f64) -> String {
    let plain = format!("{value:.0}");
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits that mean something, or all in front of the point.
fn digits(value: f64) -> String {
    match value {
        value if value >= 99.95 => format!("{value:.0}"),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        let times = [1.234, 12.34, 123.4, 1234.0, 45_678.0, 2e6].map(time);
        assert_eq!(
            times,
            [
                "1.23 µs", "12.3 µs", "123 µs", "1.23 ms", "45.7 ms", "2.00 s"
            ]
        );
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(5 << 20), "5.00 MiB");
        assert_eq!(number(1234567.0), "1,234,567");
        assert_eq!(number(12.0), "12");
    }
}
