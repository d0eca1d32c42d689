//! The numbers on the command line.

use std::num::NonZeroUsize;

/// No list of numbers needs more.
const MAX_CALLERS: usize = 10_000;
/// The largest payload: servers may refuse larger messages.
const MAX_PAYLOAD: usize = 8 << 20;

/// How many calls are open at a time.
pub(super) fn callers(text: &str) -> Result<usize, String> {
    match text.trim().parse::<NonZeroUsize>() {
        Ok(number) if number.get() <= MAX_CALLERS => Ok(number.get()),
        _ => Err(format!(
            "write numbers from 1 to {MAX_CALLERS} with commas between them, as in 1,8,32"
        )),
    }
}

/// How many calls are due in a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix("/s").unwrap_or(text.trim());
    match number.parse::<f64>() {
        Ok(rate) if (0.001..=1e7).contains(&rate) => Ok(rate),
        _ => Err("write a number of calls per second, as in 100/s".to_owned()),
    }
}

/// How many bytes a payload has.
pub(super) fn payload(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let (digits, unit) = match text.to_ascii_lowercase().strip_suffix(['k', 'm']) {
        Some(digits) if text.ends_with(['k', 'K']) => (digits.to_owned(), 1_000),
        Some(digits) => (digits.to_owned(), 1_000_000),
        None => (text.to_owned(), 1),
    };
    match digits
        .parse::<usize>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
    {
        Some(bytes) if bytes <= MAX_PAYLOAD => Ok(bytes),
        _ => Err(format!(
            "write numbers of bytes up to {MAX_PAYLOAD} with commas between them, as in 0,100,10k"
        )),
    }
}

/// Each number once, in the order in which they were given.
pub(super) fn distinct(numbers: &[usize]) -> Vec<usize> {
    let mut seen = Vec::new();
    for number in numbers {
        if !seen.contains(number) {
            seen.push(*number);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_or_refused_with_an_example() {
        assert_eq!(payload("100k"), Ok(100_000));
        assert_eq!(payload("1M"), Ok(1_000_000));
        assert_eq!(payload("0"), Ok(0));
        assert_eq!(rate("2.5/s"), Ok(2.5));
        assert_eq!(rate("100"), Ok(100.0));
        for wrong in ["", "x", "-1", "9G", "99999999999999999999k"] {
            assert!(payload(wrong).unwrap_err().contains("0,100,10k"), "{wrong}");
        }
        for wrong in ["0/s", "fast", "nan", "1/m"] {
            assert!(rate(wrong).unwrap_err().contains("100/s"), "{wrong}");
        }
        assert!(callers("0").unwrap_err().contains("1,8,32"));
        assert_eq!(distinct(&[1, 8, 1]), [1, 8]);
    }
}
