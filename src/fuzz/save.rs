//! Findings as cases: what was found today is a regression case tomorrow.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::input::Input;
use super::oracle::Oracle;
use super::{Certainty, Found, client};
use crate::catalog::Case;
use crate::catalog::case::{Action, Expectation, SessionKind, Tolerance};
use crate::condition::{self, IDENTITY};
use crate::drive::Shot;
use crate::profile::Profile;
use crate::revision::{Revision, RevisionRange};
use crate::transcript::{Header, StepRef, Transcript, What};
use crate::transport::Transport;
use crate::verdict::{Tries, trial_name};

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
    /// There is nothing to try.
    #[error("{0} holds no cases: there is nothing to try")]
    Empty(PathBuf),
    /// A case does more than fuzzing does, or waits between two messages.
    #[error("{path}: the case {case} has steps that no input has; play it with check --cases")]
    Steps {
        /// Which file.
        path: PathBuf,
        /// Which case.
        case: String,
    },
}

/// The id under which a finding is saved: the same for the same inputs, whatever made the program.
pub(super) fn case_id(found: &Found) -> String {
    let start = case_start(found.oracle);
    let steps = json!(Input::steps(&found.shrunk, |_, _| {})).to_string();
    // 32 bits tell a few hundred findings apart.
    let hash: String = Sha256::digest(steps)
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{start}{hash}")
}

/// What all its cases begin with.
fn case_start(oracle: Oracle) -> String {
    format!("fuzz/{}-", oracle.case().replace('/', "-"))
}

/// Whether a trial is of a case that was saved for what this says.
pub(super) fn is_saved_for(oracle: Oracle, trial: &str) -> bool {
    trial.starts_with(&case_start(oracle))
}

/// A saved input, and where it holds.
#[derive(Debug, Clone)]
pub struct Given {
    /// What is sent.
    pub input: Input,
    /// The id of its case.
    pub(super) case: Arc<str>,
    revisions: RevisionRange,
    transports: Option<Vec<Transport>>,
    needs: Vec<String>,
}

impl Given {
    /// Why it cannot be tried where it holds, if it cannot.
    pub(super) fn unmet(
        &self,
        profile: &Profile,
        revision: Revision,
        transport: Transport,
    ) -> Option<String> {
        condition::unmet(&self.needs, profile, revision, transport)
    }

    /// Whether it is for this revision over this transport.
    pub(super) fn holds(&self, revision: Revision, transport: Transport) -> bool {
        let transports = self.transports.as_ref();
        self.revisions.contains(revision)
            && transports.is_none_or(|transports| transports.contains(&transport))
    }

    /// Where it holds, in words.
    pub(super) fn places(&self) -> String {
        let over = self.transports.iter().flatten();
        let over: Vec<&str> = over.map(|transport| transport.as_str()).collect();
        match over.is_empty() {
            true => self.revisions.to_string(),
            false => format!("{} over {}", self.revisions, over.join(" or ")),
        }
    }
}

/// The inputs of the cases in a file.
///
/// # Errors
/// Where it cannot be read, or holds something else, or nothing.
pub fn read_cases(path: &Path) -> Result<Vec<Given>, ReplayError> {
    let text = std::fs::read_to_string(path).map_err(|source| ReplayError::Read {
        path: path.to_owned(),
        source,
    })?;
    let cases: Vec<Case> = serde_json::from_str(&text).map_err(|source| ReplayError::Parse {
        path: path.to_owned(),
        source,
    })?;
    if cases.is_empty() {
        return Err(ReplayError::Empty(path.to_owned()));
    }
    let given = |case: Case| {
        let input = Input::of_steps(&case.steps).ok_or_else(|| ReplayError::Steps {
            path: path.to_owned(),
            case: case.id.to_string(),
        })?;
        let unopened = case.session == SessionKind::Unopened;
        Ok(Given {
            needs: needs(std::slice::from_ref(&input)).into_iter().collect(),
            input: Input { unopened, ..input },
            case: case.id,
            revisions: case.revisions,
            transports: case.transports,
        })
    };
    cases.into_iter().map(given).collect()
}

/// Verifies that findings can be saved in a folder, and leaves nothing there.
///
/// # Errors
/// Where they cannot, with what the operating system says.
pub fn verify_folder(folder: &Path) -> std::io::Result<()> {
    let is_new = !folder.exists();
    std::fs::create_dir_all(folder)?;
    known_cases(folder)?;
    let probe = folder.join(".mcp-conform");
    std::fs::write(&probe, "")?;
    std::fs::remove_file(&probe)?;
    match is_new {
        true => std::fs::remove_dir(folder),
        false => Ok(()),
    }
}

/// The cases that a folder has already.
fn known_cases(folder: &Path) -> std::io::Result<Vec<Value>> {
    match std::fs::read(folder.join(FILE)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Adds what was found to the cases that a folder has already, with the transcript of each beside them.
pub(super) fn save(folder: &Path, header: &Header, found: &mut [Found]) -> std::io::Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let mut cases = known_cases(folder)?;
    for case in found.iter().filter(|found| is_case(found)).map(case) {
        if !cases.iter().any(|known| known["id"] == case["id"]) {
            cases.push(case);
        }
    }
    let mut text = serde_json::to_string_pretty(&cases)?;
    text.push('\n');
    std::fs::write(folder.join(FILE), text)?;
    for found in found {
        found.saved = is_case(found).then(|| case_id(found));
        found.transcript = write_transcript(folder, header, found)?;
    }
    Ok(())
}

/// Whether a case can say what was found: what a process holds is in no answer.
fn is_case(found: &Found) -> bool {
    found.oracle != Oracle::Bounded
}

/// The name of the session in which something was seen, and of its transcript.
pub(super) fn session_name(found: &Found) -> String {
    let id = case_id(found);
    id.strip_prefix("fuzz/").unwrap_or(&id).to_owned()
}

/// Writes what crossed the wire, with the saved case for its trial; where it is.
fn write_transcript(
    folder: &Path,
    header: &Header,
    found: &mut Found,
) -> std::io::Result<Option<PathBuf>> {
    // Written once, and then no longer kept.
    let mut entries = std::mem::take(&mut found.entries);
    if entries.is_empty() {
        return Ok(None);
    }
    let trial = trial_name(&case_id(found), found.revision, found.transport);
    for entry in &mut entries {
        if let What::Trial { name } = &mut entry.what {
            name.clone_from(&trial);
        }
    }
    let session = session_name(found);
    let path = folder.join(format!("{session}.jsonl"));
    let header = Header {
        session,
        command_line: Arc::new(check_line(folder, &header.command_line)),
        ..header.clone()
    };
    let file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    Transcript { header, entries }.write(file)?;
    Ok(Some(path))
}

/// The command line that checks what is saved, for that which fuzzed.
pub(super) fn check_line(folder: &Path, fuzzed: &[String]) -> Vec<String> {
    let folder = folder.display().to_string();
    let check = ["check", "--cases", &folder].map(str::to_owned);
    let program = fuzzed.iter().take(1).cloned();
    let rest = fuzzed.iter().skip(2).cloned();
    program.chain(check).chain(rest).collect()
}

fn case(found: &Found) -> Value {
    let steps = Input::steps(&found.shrunk, |at, step| {
        // Nothing is said of what is cancelled at once.
        if !matches!(step.action, Action::Start { .. } | Action::Cancel { .. }) {
            expect(found, at, &mut step.expect);
        }
    });
    let mut steps = json!(steps);
    // A session that is known no longer is answered as well: by an error.
    if found.oracle == Oracle::Survives
        && !found.finding.actual.is_null()
        && let Some(steps) = steps.as_array_mut()
    {
        steps.push(served(found.revision));
    }
    let mut case = json!({
        "id": case_id(found),
        "title": format!("Found by fuzzing: {}", found.finding.message),
        "requirements": [found.finding.requirement],
        "revisions": found.revision,
        "transports": [found.transport],
        "client": client(found.revision),
        "session": match found.shrunk.iter().any(|input| input.unopened) {
            true => "unopened",
            false => "fresh",
        },
        "why": why(found),
        "steps": steps,
    });
    let needs = needs(&found.shrunk);
    if !needs.is_empty() {
        case["needs"] = json!(needs);
    }
    case
}

/// Why it is a case, and what it proves that it passes.
fn why(found: &Found) -> String {
    match (found.certainty, found.tries) {
        (Certainty::Repeated, None) => {
            "It was found by fuzzing, and should not come back".to_owned()
        }
        (Certainty::Repeated, Some(Tries { hits, of })) => {
            format!("Fuzzing saw it in {hits} of {of} tries: that it passes once proves little")
        }
        _ => "Fuzzing saw it, but not again: that it passes proves little".to_owned(),
    }
}

/// A step that is served in a session that the server knows.
fn served(revision: Revision) -> Value {
    let method = revision.era().alive_method();
    json!({ "request": method, "expect": { "result": { "$any": true } } })
}

/// The credentials that inputs need beside ours, as conditions of a case.
fn needs(inputs: &[Input]) -> BTreeSet<String> {
    let callers = inputs.iter().flat_map(Input::callers);
    callers.map(|name| format!("{IDENTITY}{name}")).collect()
}

/// What is expected of a message.
fn expect(found: &Found, at: StepRef, expect: &mut Expectation) {
    let finding = &found.finding;
    let is_blamed = found.blamed.is_none_or(|blamed| blamed == at);
    let tolerated = |answer| Tolerance {
        answer: Some(answer),
        why: finding.message.clone(),
        ..Tolerance::default()
    };
    match found.oracle {
        Oracle::RefusesInvalid if is_blamed => {
            expect.answer = Some(unless_silent(&finding.expected));
            if !finding.level.fails() {
                expect.tolerate = vec![tolerated(json!({ "result": { "$any": true } }))];
            }
            // What headers say is refused by the status alone, where there is nothing to answer.
            if ["http/", "headers/"]
                .iter()
                .any(|area| finding.requirement.starts_with(area))
            {
                expect.status = Some(json!({ "$range": { "min": 400 } }));
            }
        }
        Oracle::NoInternals if is_blamed => {
            let fine = json!({ "$any-of": [{ "result": { "$any": true } }, finding.expected] });
            expect.answer = Some(unless_silent(&fine));
            expect.tolerate = vec![tolerated(json!({ "error": { "$any": true } }))];
        }
        Oracle::Answered if is_blamed => {
            expect.requirement = Some(finding.requirement.clone());
        }
        // Whether it is answered is another question, where it need not be.
        _ if Input::are_several(&found.shrunk)
            || is_odd_on_http(&found.shrunk[usize::from(at.0)]) =>
        {
            expect.answer = Some(unless_silent(&json!({ "$any": true })));
        }
        _ => {}
    }
}

fn unless_silent(expected: &Value) -> Value {
    json!({ "$any-of": [{ "$absent": true }, expected] })
}

/// Whether an HTTP status may be all that comes of it.
fn is_odd_on_http(input: &Input) -> bool {
    input.shots.iter().any(|shot| match shot {
        Shot::Message {
            headers, identity, ..
        } => !headers.is_empty() || identity.is_some(),
        Shot::Http(_) | Shot::Aborted(_) => true,
    })
}
