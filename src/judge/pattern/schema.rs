//! Matchers that need JSON Schema. Nothing is ever fetched: the validators are built offline.

use std::sync::OnceLock;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Value, json};

use super::check::PatternError;
use super::describe::plain;
use super::{Matching, Mismatch, Outcome, cost, directive};

/// How often a pattern of a server's schema may step back.
const BACKTRACK: usize = 50_000;

/// A version of JSON Schema, with a validator of its schemas that is built when the first one comes: each takes a megabyte.
///
/// Formats are not asserted: in the newer drafts they are annotations, and the older ones leave it to the validator.
struct Dialect {
    uri: &'static str,
    validator: OnceLock<Option<Validator>>,
}

/// The first is that of a schema that names none: <https://modelcontextprotocol.io/specification/2025-11-25/basic#schema-dialect>
static DIALECTS: [Dialect; 5] = [
    Dialect::at("https://json-schema.org/draft/2020-12/schema"),
    Dialect::at("https://json-schema.org/draft/2019-09/schema"),
    Dialect::at("http://json-schema.org/draft-07/schema"),
    Dialect::at("http://json-schema.org/draft-06/schema"),
    Dialect::at("http://json-schema.org/draft-04/schema"),
];

impl Dialect {
    const fn at(uri: &'static str) -> Self {
        let validator = OnceLock::new();
        Self { uri, validator }
    }

    /// The schemes are often confused, and nobody means another dialect by it.
    fn named(uri: &str) -> Option<&'static Self> {
        let wanted = without_scheme(uri.trim_end_matches('#'));
        let mut dialects = DIALECTS.iter();
        dialects.find(|dialect| without_scheme(dialect.uri) == wanted)
    }

    fn validator(&self) -> Option<&Validator> {
        let meta = || build(&json!({ "$schema": self.uri, "$ref": self.uri })).ok();
        self.validator.get_or_init(meta).as_ref()
    }
}

fn build(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .offline()
        .should_validate_formats(false)
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK))
        .build(schema)
        .map_err(|error| plain(&error.masked().to_string()))
}

fn without_scheme(uri: &str) -> &str {
    uri.split_once("://").map_or(uri, |(_, rest)| rest)
}

/// A schema in a dialect that we do not know passes: it cannot be judged.
pub(super) fn valid_schema(_: Matching<'_>, _: &Value, actual: Option<&Value>) -> Outcome {
    let Some(schema @ (Value::Object(_) | Value::Bool(_))) = actual else {
        return Err(Mismatch::expected("a JSON Schema", actual));
    };
    let dialect = match schema.get("$schema") {
        None => DIALECTS.first(),
        Some(Value::String(uri)) => Dialect::named(uri),
        Some(other) => return Err(Mismatch::expected("a URI", Some(other)).under("$schema")),
    };
    let Some((dialect, validator)) = dialect.and_then(|known| Some((known, known.validator()?)))
    else {
        return Ok(());
    };
    if validator.is_valid(schema) {
        return Ok(());
    }
    let what = format!("no valid schema of {}", dialect.uri);
    Err(first_error(validator, schema, &what))
}

/// Formats are not asserted. A schema that cannot be used without fetching, or in reasonable time, decides nothing.
pub(super) fn conforms(matching: Matching<'_>, schema: &Value, actual: Option<&Value>) -> Outcome {
    let schema = matching.operand(schema)?;
    let Some(actual) = actual else {
        return Err(Mismatch::expected("what the schema accepts", None));
    };
    if !cost::is_bearable(&schema, actual) {
        return Err(Mismatch::undecided(
            "the schema refers to itself too often to be judged",
        ));
    }
    let validator = build(&schema)
        .map_err(|error| Mismatch::undecided(format!("the schema cannot be used: {error}")))?;
    if validator.is_valid(actual) {
        return Ok(());
    }
    // Collecting errors takes exponential time and memory where a hostile schema refers to itself in many ways.
    if cost::has_reference(&schema) {
        return Err(Mismatch::new("the schema does not accept it"));
    }
    Err(first_error(
        &validator,
        actual,
        "the schema does not accept it",
    ))
}

/// Whether a schema does not accept a value, as far as that can be said without fetching and in reasonable time.
pub fn refuses(schema: &Value, value: &Value) -> bool {
    cost::is_bearable(schema, value)
        && build(schema).is_ok_and(|validator| !validator.is_valid(value))
}

fn first_error(validator: &Validator, value: &Value, what: &str) -> Mismatch {
    match validator.validate(value) {
        Ok(()) => Mismatch::new(what),
        Err(error) => Mismatch {
            path: error.instance_path().as_str().to_owned(),
            ..Mismatch::new(format!("{what}: {}", plain(&error.masked().to_string())))
        },
    }
}

pub(super) fn check_conforms(schema: &Value, _: usize) -> Result<(), PatternError> {
    match directive(schema) {
        Some(("$var", name)) => super::check::name(name, 0).map_err(|error| error.under("$var")),
        Some(("$literal", schema)) => build(schema)
            .map(|_| ())
            .map_err(|e| PatternError::new(e).under("$literal")),
        _ => build(schema).map(|_| ()).map_err(PatternError::new),
    }
}
