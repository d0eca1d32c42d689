//! Numbers of things, as people read them.

/// With a comma between thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of what this noun says: `1 trial`, `2,665 trials`.
pub fn counted(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", thousands(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_one_is_no_plural() {
        let numbers = [0, 12, 999, 1_000, 1_234_567].map(thousands);
        assert_eq!(numbers, ["0", "12", "999", "1,000", "1,234,567"]);
        let trials = [0, 1, 2_665].map(|number: usize| counted(number, "trial"));
        assert_eq!(trials, ["0 trials", "1 trial", "2,665 trials"]);
    }
}
