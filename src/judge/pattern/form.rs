//! Matchers of strings: does the text have the form that a format asks for?

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::{Captures, Regex, RegexBuilder};
use serde_json::Value;

use super::check::PatternError;
use super::describe::{plain, quote};
use super::{Matching, Mismatch, Outcome, template};

/// The compiled size that a regular expression may have, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// Applies a test to a string.
fn text(what: &str, actual: Option<&Value>, test: impl FnOnce(&str) -> bool) -> Outcome {
    match actual {
        Some(Value::String(text)) if test(text) => Ok(()),
        other => Err(Mismatch::expected(what, other)),
    }
}

pub(super) fn regex(_: Matching<'_>, source: &Value, actual: Option<&Value>) -> Outcome {
    let source = source.as_str().unwrap_or_default();
    let regex = compiled(source).map_err(Mismatch::undecided)?;
    text(
        &format!("a string like {}", plain(source)),
        actual,
        |text| regex.is_match(text),
    )
}

pub(super) fn check_regex(source: &Value, _: usize) -> Result<(), PatternError> {
    let source = source
        .as_str()
        .ok_or_else(|| PatternError::new("needs a string"))?;
    compiled(source).map(|_| ()).map_err(PatternError::new)
}

/// Patterns come from the catalog, never from a server, so this holds a few dozen.
static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Regex>>>> = LazyLock::new(Mutex::default);

fn compiled(source: &str) -> Result<Arc<Regex>, String> {
    let mut cache = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = cache.get(source) {
        return Ok(Arc::clone(regex));
    }
    let regex = RegexBuilder::new(source)
        .size_limit(REGEX_SIZE)
        .build()
        .map(Arc::new)
        .map_err(|error| format!("no regular expression: {}", plain(&error.to_string())))?;
    cache.insert(source.to_owned(), Arc::clone(&regex));
    Ok(regex)
}

/// The standard alphabet, without line breaks (RFC 4648, sections 3.1 and 4). MCP names no RFC, so missing padding and
/// non-zero trailing bits pass; the alphabet for URLs is another encoding and does not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn base64(_: Matching<'_>, _: &Value, actual: Option<&Value>) -> Outcome {
    text("a string in Base64", actual, |text| {
        BASE64.decode(text).is_ok()
    })
}

/// With a scheme, as RFC 3986 has it; any scheme. A relative reference is no URI, and neither is an IRI.
pub(super) fn uri(_: Matching<'_>, _: &Value, actual: Option<&Value>) -> Outcome {
    text("a URI with a scheme", actual, |text| {
        fluent_uri::Uri::parse(text).is_ok()
    })
}

pub(super) fn uri_template(_: Matching<'_>, _: &Value, actual: Option<&Value>) -> Outcome {
    text("a URI template", actual, template::is_uri_template)
}

/// A type, a subtype and parameters; a range such as `image/*` is no media type.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1>, <https://www.rfc-editor.org/rfc/rfc6838#section-4.2>
pub(super) fn media_type(_: Matching<'_>, _: &Value, actual: Option<&Value>) -> Outcome {
    const MEDIA_TYPE: &str = concat!(
        r"^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}",
        r"(?:[ \t]*;[ \t]*(?:[A-Za-z0-9!#$%&'*+.^_`|~-]+=",
        r#"(?:[A-Za-z0-9!#$%&'*+.^_`|~-]+|"(?:[^"\\\x00-\x08\x0A-\x1F\x7F]|\\[^\x00-\x08\x0A-\x1F\x7F])*"))?)*[ \t]*$"#,
    );
    let regex = compiled(MEDIA_TYPE).map_err(Mismatch::undecided)?;
    text("a media type", actual, |text| regex.is_match(text))
}

/// A date and a time of day as ISO 8601 writes them, in the extended or the basic format. The offset may be missing: RFC
/// 3339 asks for it, ISO 8601, which is what MCP names, does not.
pub(super) fn date_time(_: Matching<'_>, _: &Value, actual: Option<&Value>) -> Outcome {
    text("a date with a time (ISO 8601)", actual, is_date_time)
}

/// The extended and the basic format; the groups of both are year, month, day, hour, minute, second, and the offset.
const DATE_TIMES: [&str; 2] = [
    concat!(
        r"^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?)?",
        r"(?:[Zz]|[+-]([0-9]{2})(?::?([0-9]{2}))?)?$",
    ),
    concat!(
        r"^([0-9]{4})([0-9]{2})([0-9]{2})[Tt]([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:[.,][0-9]+)?)?)?",
        r"(?:[Zz]|[+-]([0-9]{2})(?::?([0-9]{2}))?)?$",
    ),
];

fn is_date_time(text: &str) -> bool {
    let formats = DATE_TIMES.iter().filter_map(|format| compiled(format).ok());
    formats.into_iter().any(|format| {
        format
            .captures(text)
            .is_some_and(|captures| is_moment(&captures))
    })
}

fn is_moment(captures: &Captures<'_>) -> bool {
    let part = |i: usize| {
        captures
            .get(i)
            .and_then(|digits| digits.as_str().parse::<u32>().ok())
            .unwrap_or(0)
    };
    let (hour, minute, second) = (part(4), part(5), part(6));
    let midnight = hour == 24 && minute == 0 && second == 0;
    // A second of 60 is a leap second.
    (1..=days(part(1), part(2))).contains(&part(3))
        && (hour < 24 || midnight)
        && minute < 60
        && second <= 60
        && part(7) < 24
        && part(8) < 60
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 0,
    }
}

/// The path of a mismatch ends at the string; where in its JSON it is, the message says.
pub(super) fn json(matching: Matching<'_>, pattern: &Value, actual: Option<&Value>) -> Outcome {
    let Some(Value::String(text)) = actual else {
        return Err(Mismatch::expected("a string with JSON", actual));
    };
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Mismatch::new(format!("expected JSON, got {} ({error})", quote(text))))?;
    matching
        .pattern(pattern, Some(&value))
        .map_err(|mismatch| Mismatch {
            message: format!("in the JSON of the string: {mismatch}"),
            undecided: mismatch.undecided,
            path: String::new(),
        })
}
