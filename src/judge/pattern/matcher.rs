//! The table of matchers: a new one is a function, a check of its argument, and a line here.

use serde_json::Value;

use super::check::{self, PatternError};
use super::{Matching, Outcome, collection, form, logic, schema};

/// A matcher by its name.
pub(super) struct Matcher {
    /// As it is written, with its `$`.
    pub name: &'static str,
    /// Applies it: the argument, then the value.
    pub matches: fn(Matching<'_>, &Value, Option<&Value>) -> Outcome,
    /// Whether the argument makes sense; at this depth.
    pub check: fn(&Value, usize) -> Result<(), PatternError>,
}

const fn matcher(
    name: &'static str,
    matches: fn(Matching<'_>, &Value, Option<&Value>) -> Outcome,
    check: fn(&Value, usize) -> Result<(), PatternError>,
) -> Matcher {
    Matcher {
        name,
        matches,
        check,
    }
}

/// Every matcher.
pub(super) const TABLE: &[Matcher] = &[
    matcher("$any", logic::any, check::is_true),
    matcher("$absent", logic::absent, check::is_true),
    matcher("$literal", logic::literal, check::anything),
    matcher("$in", logic::one_of, check::operands),
    matcher("$type", logic::has_type, check::types),
    matcher("$any-of", logic::any_of, check::patterns),
    matcher("$all-of", logic::all_of, check::patterns),
    matcher("$not", logic::not, check::pattern),
    matcher("$by-revision", logic::by_revision, check::by_revision),
    matcher("$var", logic::var, check::name),
    matcher("$each", collection::each, check::pattern),
    matcher("$some", collection::some, check::pattern),
    matcher("$unique", collection::unique, check::pointer),
    matcher("$increasing", collection::increasing, check::pointer),
    matcher("$length", collection::length, check::length),
    matcher("$range", collection::range, check::range),
    matcher("$regex", form::regex, form::check_regex),
    matcher("$base64", form::base64, check::is_true),
    matcher("$uri", form::uri, check::is_true),
    matcher("$uri-template", form::uri_template, check::is_true),
    matcher("$media-type", form::media_type, check::is_true),
    matcher("$date-time", form::date_time, check::is_true),
    matcher("$json", form::json, check::pattern),
    matcher("$valid-schema", schema::valid_schema, check::is_true),
    matcher("$conforms", schema::conforms, schema::check_conforms),
];

/// The matcher of this name.
pub(super) fn find(name: &str) -> Option<&'static Matcher> {
    TABLE.iter().find(|matcher| matcher.name == name)
}
