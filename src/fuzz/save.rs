//! Findings as cases: what was found today is a regression case tomorrow.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Found;
use super::input::Input;
use super::oracle::Oracle;
use crate::catalog::Case;
use crate::catalog::case::SessionKind;
use crate::drive::Shot;

/// The file in the folder of findings: the area `fuzz`.
const FILE: &str = "fuzz.json";

/// Why a file of findings cannot be played again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds no cases.
    #[error("{path}: {source}")]
    Parse {
        /// Which.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// A case does more than fuzzing does.
    #[error(
        "{path}: the case {case} has steps other than bytes and http; play it with check --cases"
    )]
    Steps {
        /// Which file.
        path: PathBuf,
        /// Which case.
        case: String,
    },
}

/// The id under which a finding is saved: the same for the same inputs, whatever made the program.
pub(super) fn case_id(found: &Found) -> String {
    let name = found.oracle.case().replace('/', "-");
    let steps = Input::all_steps(&found.shrunk).to_string();
    // 32 bits tell a few hundred findings apart.
    let hash: String = Sha256::digest(steps)
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("fuzz/{name}-{hash}")
}

/// The inputs of the cases in a file.
///
/// # Errors
/// Where it cannot be read, or holds something else.
pub fn read_cases(path: &Path) -> Result<Vec<Input>, ReplayError> {
    let text = std::fs::read_to_string(path).map_err(|source| ReplayError::Read {
        path: path.to_owned(),
        source,
    })?;
    let cases: Vec<Case> = serde_json::from_str(&text).map_err(|source| ReplayError::Parse {
        path: path.to_owned(),
        source,
    })?;
    let input = |case: Case| {
        let input = Input::of_steps(&case.steps).ok_or_else(|| ReplayError::Steps {
            path: path.to_owned(),
            case: case.id.to_string(),
        })?;
        let unopened = case.session == SessionKind::Unopened;
        Ok(Input { unopened, ..input })
    };
    cases.into_iter().map(input).collect()
}

/// Adds what was found to the cases that a folder has already.
pub(super) fn save(folder: &Path, found: &[Found]) -> std::io::Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let path = folder.join(FILE);
    let mut cases: Vec<Value> = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    for case in found.iter().map(case) {
        if !cases.iter().any(|known| known["id"] == case["id"]) {
            cases.push(case);
        }
    }
    let mut text = serde_json::to_string_pretty(&cases)?;
    text.push('\n');
    std::fs::write(path, text)
}

fn case(found: &Found) -> Value {
    let steps: Vec<Value> = (found.shrunk.iter().enumerate())
        .flat_map(|(number, input)| {
            let is_blamed = found.blamed.is_none_or(|blamed| blamed == number);
            let expected = expected(found, input, is_blamed);
            let steps = input.steps().into_iter().map(|step| json!(step));
            steps.map(move |step| with(step, &expected))
        })
        .collect();
    json!({
        "id": case_id(found),
        "title": format!("Found by fuzzing: {}", found.finding.message),
        "requirements": [found.finding.requirement],
        "revisions": found.revision,
        "transports": [found.transport],
        "session": match found.shrunk.iter().any(|input| input.unopened) {
            true => "unopened",
            false => "fresh",
        },
        "why": "It was found by fuzzing, and should not come back",
        "steps": steps,
    })
}

/// What the steps of an input expect: members of a step.
fn expected(found: &Found, input: &Input, is_blamed: bool) -> Value {
    let finding = &found.finding;
    match found.oracle {
        Oracle::RefusesInvalid if is_blamed => {
            let mut expected = json!({ "expect": unless_silent(&finding.expected) });
            // What headers say is refused by the status alone, where there is nothing to answer.
            if ["http/", "headers/"]
                .iter()
                .any(|area| finding.requirement.starts_with(area))
            {
                expected["expect_status"] = json!({ "$range": { "min": 400 } });
            }
            expected
        }
        Oracle::NoInternals if is_blamed => json!({
            "expect": unless_silent(&json!({
                "$any-of": [{ "result": { "$any": true } }, finding.expected],
            })),
            "tolerate": [{ "answer": { "error": { "$any": true } }, "why": finding.message }],
        }),
        Oracle::Answered if is_blamed => json!({}),
        // Whether it is answered is another question, where it need not be.
        _ if found.shrunk.len() > 1 || is_odd_on_http(input) => {
            json!({ "expect": unless_silent(&json!({ "$any": true })) })
        }
        _ => json!({}),
    }
}

fn unless_silent(expected: &Value) -> Value {
    json!({ "$any-of": [{ "$absent": true }, expected] })
}

/// Whether an HTTP status may be all that comes of it.
fn is_odd_on_http(input: &Input) -> bool {
    input.shots.iter().any(|shot| match shot {
        Shot::Message { headers, .. } => !headers.is_empty(),
        Shot::Http(_) | Shot::Aborted(_) => true,
    })
}

/// A step with more members.
fn with(mut step: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        step[name] = value.clone();
    }
    step
}
