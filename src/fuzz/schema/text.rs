//! Strings: of a format, of a pattern, of a length.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use super::flat::Keywords;
use crate::fuzz::dice::Dice;

/// A bound that is larger than this is not tried out.
pub(super) const MAX_LENGTH: usize = 4096;

/// Words with what strings get wrong in programs: quotes, escapes, other scripts, nothing at all.
const WORDS: [&str; 14] = [
    "",
    "a",
    "hello",
    "two words",
    "Grüße",
    "日本語",
    "\u{1f600}",
    "e\u{301}",
    "\"quoted\"",
    "back\\slash",
    "line\nbreak",
    "../../etc/passwd",
    "%00%2e",
    "{}",
];

/// A string that these keywords accept, as far as they can be met.
pub(super) fn string(keywords: &Keywords<'_>, dice: &mut Dice) -> String {
    let text = |keyword: &str| keywords.get(keyword).and_then(Value::as_str);
    if let Some(sample) = text("format").and_then(|format| formatted(format, dice)) {
        return sample;
    }
    let min = length(keywords, "minLength").unwrap_or(0);
    let max = length(keywords, "maxLength").unwrap_or(usize::MAX);
    if let Some(sample) = text("pattern").and_then(|pattern| matching(pattern, min, max, dice)) {
        return sample;
    }
    let mut text: String = dice.word(&WORDS).chars().take(max).collect();
    while text.chars().count() < min.min(MAX_LENGTH) {
        text.push(char::from(b'a' + dice.byte() % 26));
    }
    text
}

pub(super) fn length(keywords: &Keywords<'_>, keyword: &str) -> Option<usize> {
    let length = keywords.get(keyword)?.as_f64()?;
    // Saturates, which is as good.
    Some(length as usize)
}

/// A string of a format that JSON Schema names; none of a format that is not known here.
fn formatted(format: &str, dice: &mut Dice) -> Option<String> {
    let n = dice.below(90) + 10;
    Some(match format {
        "date-time" => format!("20{n}-02-28T23:59:{:02}Z", n % 60),
        "date" => format!("20{n}-12-31"),
        "time" => format!("12:{:02}:00Z", n % 60),
        "duration" => format!("P{n}D"),
        "email" | "idn-email" => format!("user{n}@example.com"),
        "hostname" | "idn-hostname" => format!("host{n}.example.com"),
        "ipv4" => format!("192.0.2.{n}"),
        "ipv6" => format!("2001:db8::{n}"),
        "uri" | "iri" => format!("https://example.com/{n}"),
        "uri-reference" | "iri-reference" => format!("/path/{n}?q"),
        "uri-template" => format!("test://{n}/{{id}}"),
        "uuid" => format!("00000000-0000-4000-8000-0000000000{n}"),
        "json-pointer" => format!("/a/{n}"),
        "relative-json-pointer" => format!("{n}/a"),
        "regex" => format!("^a{{{n}}}$"),
        "byte" => "aGVsbG8=".to_owned(),
        _ => return None,
    })
}

/// A string in which the pattern is found: the pattern need not cover it, but here it does.
fn matching(pattern: &str, min: usize, max: usize, dice: &mut Dice) -> Option<String> {
    let whole = pattern.trim_start_matches('^').trim_end_matches('$');
    let strategy = proptest::string::string_regex(whole).ok()?;
    let mut runner = TestRunner::new_with_rng(Config::default(), dice.fork());
    (0..8)
        .filter_map(|_| strategy.new_tree(&mut runner).ok())
        .map(|tree| tree.current())
        .find(|text| (min..=max).contains(&text.chars().count()))
}
