//! What a saved transcript of fuzzing says: the same function on the same entries as when it was found.

use super::oracle::{Oracle, Suspicion, suspicions};
use crate::catalog::Catalog;
use crate::conversation::Conversation;
use crate::drive::Wait;
use crate::judge::Session;
use crate::judge::evidence;
use crate::transcript::{Transcript, What};
use crate::verdict::{Finding, TrialReport, Verdict};

/// The verdicts of what fuzzing looks for beside the rules; none if it is not a session of the fuzzer, or its case is in
/// the catalog and says more.
pub fn judged(transcript: &Transcript, catalog: &Catalog) -> Vec<TrialReport> {
    let Transcript { header, entries } = transcript;
    let is_ours = |name: &str| {
        let case = name.split('@').next().unwrap_or_default();
        case.starts_with("fuzz/") && catalog.case(case).is_none()
    };
    let mut trials = entries.iter().filter_map(|entry| match &entry.what {
        What::Trial { name } => Some(name),
        _ => None,
    });
    let Some(trial) = trials.position(|name| is_ours(name)) else {
        return Vec::new();
    };
    let conversation = Conversation::of(header.revision, header.transport, entries);
    let session = Session {
        header,
        entries,
        conversation: &conversation,
        catalog,
    };
    let mut exchanges = conversation.exchanges.iter();
    let from = exchanges.position(|exchange| exchange.trial == Some(trial));
    let (mut wrong, _) = suspicions(&session, Wait::Done, from.unwrap_or_default());
    // Nobody has to answer before the session is open.
    wrong.retain(|what| from != Some(0) || what.oracle != Oracle::Answered);
    // What a process holds is in no transcript.
    let oracles = Oracle::OWN
        .into_iter()
        .filter(|oracle| *oracle != Oracle::Bounded);
    oracles.map(|oracle| of(&session, oracle, &wrong)).collect()
}

fn of(session: &Session<'_>, oracle: Oracle, wrong: &[Suspicion]) -> TrialReport {
    let mine = wrong.iter().filter(|what| what.oracle == oracle);
    let mut findings: Vec<Finding> = mine.map(|what| what.finding.clone()).collect();
    evidence::sort(&mut findings);
    TrialReport {
        case: oracle.case().into(),
        revision: session.header.revision,
        transport: session.header.transport,
        verdict: Verdict::of(&findings),
        duration_ms: 0.0,
        reason: None,
        findings,
    }
}
