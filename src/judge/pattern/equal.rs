//! When JSON values are the same: as JSON says, so that 1 and 1.0 are equal and the order of members does not matter.

use std::cmp::Ordering;
use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Whether two values are the same.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            compare(left, right) == Some(Ordering::Equal)
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|other| equal(value, other)))
        }
        (left, right) => left == right,
    }
}

/// The order of two numbers. Integers beyond 2^53 are not rounded.
pub fn compare(left: &Number, right: &Number) -> Option<Ordering> {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// The number as an integer, if it is one: 1.0 is.
pub fn integer(number: &Number) -> Option<i128> {
    if let Some(signed) = number.as_i64() {
        return Some(signed.into());
    }
    if let Some(unsigned) = number.as_u64() {
        return Some(unsigned.into());
    }
    let float = number.as_f64()?;
    // Beyond this the cast would saturate, and equality of the floats themselves is exact.
    (float.fract() == 0.0 && float.abs() < 1e30).then_some(float as i128)
}

/// A text that two values share exactly if they are equal: the key under which a set holds a value.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Number(number) => match integer(number) {
            Some(integer) => write!(text, "{integer}"),
            None => write!(text, "{number}"),
        },
        Value::Array(elements) => {
            text.push('[');
            for element in elements {
                write_canonical(element, text);
                text.push(',');
            }
            write!(text, "]")
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (name, value) in members {
                let _ = write!(text, "{}:", Value::from(name.as_str()));
                write_canonical(value, text);
                text.push(',');
            }
            write!(text, "}}")
        }
        scalar => write!(text, "{scalar}"),
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equality_is_that_of_json() {
        let same = [
            (json!(1), json!(1.0)),
            (json!(-0.0), json!(0)),
            (json!({"a": 1, "b": [2.0]}), json!({"b": [2], "a": 1})),
            (json!(1e300), json!(1e300)),
            (json!(u64::MAX), json!(u64::MAX)),
        ];
        for (left, right) in same {
            assert!(equal(&left, &right), "{left} {right}");
            assert_eq!(canonical(&left), canonical(&right));
        }
        let different = [
            (json!(1), json!("1")),
            (
                json!(9_007_199_254_740_993_u64),
                json!(9_007_199_254_740_992.0),
            ),
            (json!([1]), json!([1, 1])),
            (json!({"a": 1}), json!({"a": 1, "b": 1})),
            (json!(null), json!(false)),
            (json!(["a,", "b"]), json!(["a", ",b"])),
        ];
        for (left, right) in different {
            assert!(!equal(&left, &right), "{left} {right}");
            assert_ne!(canonical(&left), canonical(&right));
        }
    }
}
