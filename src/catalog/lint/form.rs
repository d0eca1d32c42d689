//! Whether a file has the form that its JSON Schema describes: the one that editors use as well.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Located, twice};
use crate::catalog::Problem;
use crate::catalog::load::{Kind, SourceFile};
use crate::catalog::select::{did_you_mean, near};

/// Messages quote the value they are about; a whole case would drown the rest.
const MAX_MESSAGE: usize = 240;

static CASES: LazyLock<Result<Validator, String>> = LazyLock::new(|| {
    compile(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/cases/case.schema.json"
    )))
});
static REQUIREMENTS: LazyLock<Result<Validator, String>> = LazyLock::new(|| {
    compile(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/cases/requirement.schema.json"
    )))
});

fn compile(text: &str) -> Result<Validator, String> {
    let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    jsonschema::draft202012::new(&schema).map_err(|error| error.to_string())
}

/// The items of a file, or everything that is wrong with its form.
pub(super) fn items<T: DeserializeOwned>(
    file: &SourceFile,
) -> Result<Vec<Located<'_, T>>, Vec<Problem>> {
    let document: Value = file.parse().map_err(|problem| vec![problem])?;
    let problem = |pointer: String, message: String| Problem {
        file: file.name.clone(),
        pointer,
        message,
    };
    let validator = match file.kind {
        Kind::Cases => &CASES,
        Kind::Requirements => &REQUIREMENTS,
    };
    let mut problems: Vec<Problem> = match &**validator {
        Err(message) => vec![problem(
            String::new(),
            format!("its JSON Schema is broken: {message}"),
        )],
        Ok(validator) => validator
            .iter_errors(&document)
            .map(|error| problem(error.instance_path().to_string(), message(&error)))
            .collect(),
    };
    problems.extend(twice::problems(file));
    if !problems.is_empty() {
        return Err(problems);
    }
    let Value::Array(list) = document else {
        return Err(vec![problem(
            String::new(),
            "a file of the catalog is an array".to_owned(),
        )]);
    };
    let mut items = Vec::new();
    let mut problems = Vec::new();
    for (index, value) in list.into_iter().enumerate() {
        match serde_json::from_value(value) {
            Ok(item) => items.push(Located { file, index, item }),
            Err(error) => problems.push(problem(format!("/{index}"), error.to_string())),
        }
    }
    if problems.is_empty() {
        Ok(items)
    } else {
        Err(problems)
    }
}

/// What is wrong. A name that is none of a list is met with all of the list: the right one may be the last.
fn message(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::PropertyNames { error } => message(error),
        ValidationErrorKind::Enum { options } => {
            let options: Vec<&str> = options
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let written = error.instance();
            let near = near(
                written.as_str().unwrap_or_default(),
                options.iter().copied(),
            );
            let written = bounded(&written.to_string());
            format!(
                "{written} is none of {}{}",
                options.join(", "),
                did_you_mean(&near)
            )
        }
        _ => bounded(&error.to_string()),
    }
}

fn bounded(message: &str) -> String {
    if message.chars().count() <= MAX_MESSAGE {
        return message.to_owned();
    }
    // The end says what is wrong; the beginning quotes the value.
    let half = MAX_MESSAGE / 2;
    let start: String = message.chars().take(half).collect();
    let tail = message.chars().count() - half;
    let end: String = message.chars().skip(tail).collect();
    format!("{start} … {end}")
}
