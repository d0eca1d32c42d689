//! Findings as cases: what was found today is a regression case tomorrow.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Found;
use super::input::Input;
use super::oracle::Oracle;
use crate::catalog::Case;
use crate::catalog::case::SessionKind;

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

/// The id under which a finding is saved.
pub(super) fn case_id(found: &Found) -> String {
    let name = found.oracle.case().replace('/', "-");
    let mut hasher = DefaultHasher::new();
    for input in &found.shrunk {
        json!(input.steps()).to_string().hash(&mut hasher);
    }
    // 32 bits tell a few hundred findings apart.
    format!("fuzz/{name}-{:08x}", hasher.finish() & 0xffff_ffff)
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
    let mut steps = Input::all_steps(&found.shrunk);
    if found.oracle == Oracle::RefusesInvalid {
        for step in steps.as_array_mut().into_iter().flatten() {
            step["expect"] = json!({ "$any-of": [{ "$absent": true }, found.finding.expected] });
            // What headers say is refused by the status alone, where there is nothing to answer.
            if ["http/", "headers/"]
                .iter()
                .any(|area| found.finding.requirement.starts_with(area))
            {
                step["expect_status"] = json!({ "$range": { "min": 400 } });
            }
        }
    }
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
