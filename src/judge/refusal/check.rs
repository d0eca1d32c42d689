//! A reason to refuse a request, and what it leaves to answer.

use serde_json::{Value, json};

use super::Answered;
use crate::revision::Revision;

/// One reason to refuse a request.
pub(super) struct Check {
    /// The methods that it is about; all if there are none.
    pub(super) methods: &'static [&'static str],
    /// The requirement that says so.
    pub(super) requirement: &'static str,
    /// Whether the request is one that the requirement means, and the result one that it rules out.
    pub(super) is_wrong: fn(&Answered<'_>) -> bool,
    /// A pattern of what may come instead.
    pub(super) expected: fn() -> Value,
    /// Whether the cases tolerate the result: it is told as a warning.
    pub(super) tolerated: bool,
}

pub(super) const fn check(
    methods: &'static [&'static str],
    requirement: &'static str,
    is_wrong: fn(&Answered<'_>) -> bool,
) -> Check {
    Check {
        methods,
        requirement,
        is_wrong,
        expected: error,
        tolerated: false,
    }
}

impl Check {
    pub(super) const fn or(self, expected: fn() -> Value) -> Check {
        Check { expected, ..self }
    }

    pub(super) const fn tolerated(self) -> Check {
        Check {
            tolerated: true,
            ..self
        }
    }
}

/// Nothing but an error.
pub(super) fn error() -> Value {
    json!({ "error": {} })
}

fn error_or(result: &Value) -> Value {
    json!({ "$any-of": [error(), { "result": result }] })
}

pub(super) fn or_failure() -> Value {
    error_or(&json!({ "isError": true }))
}

pub(super) fn or_not_done() -> Value {
    json!({ "$any-of": [or_failure(), { "result": { "resultType": "input_required" } }] })
}

pub(super) fn or_no_values() -> Value {
    error_or(&json!({ "completion": { "values": { "$length": { "max": 0 } } } }))
}

pub(super) fn or_contents() -> Value {
    error_or(&json!({ "contents": { "$length": { "min": 1 } } }))
}

pub(super) fn or_a_version() -> Value {
    error_or(&json!({ "protocolVersion": { "$in": Revision::ALL.map(Revision::as_str) } }))
}
