//! What a saved transcript of fuzzing says: the same function on the same entries as when it was found.

use std::collections::BTreeMap;

use super::oracle::{Oracle, Suspicion, suspicions};
use crate::catalog::Catalog;
use crate::conversation::Conversation;
use crate::drive::Wait;
use crate::judge::Session;
use crate::judge::evidence;
use crate::revision::Revision;
use crate::transcript::{Header, Transcript, What};
use crate::transport::Transport;
use crate::verdict::{Finding, TrialReport, Verdict};

/// The verdicts of what fuzzing looks for beside the rules, one for each oracle in each place: it fails if something is
/// wrong in any of these transcripts, and each finding names its own. Those that are no sessions of the fuzzer, or whose
/// case is in the catalog and says more, are left out.
pub fn judged(transcripts: &[Transcript], catalog: &Catalog) -> Vec<TrialReport> {
    let mut places: BTreeMap<(Revision, Transport), Vec<Suspicion>> = BTreeMap::new();
    for transcript in transcripts {
        let Header {
            revision,
            transport,
            ..
        } = transcript.header;
        if let Some(wrong) = wrong(transcript, catalog) {
            places
                .entry((revision, transport))
                .or_default()
                .extend(wrong);
        }
    }
    // What a process holds is in no transcript.
    let oracles = || {
        let oracles = Oracle::OWN.into_iter();
        oracles.filter(|oracle| *oracle != Oracle::Bounded)
    };
    let trials = places
        .iter()
        .flat_map(|(place, wrong)| oracles().map(|oracle| trial(*place, oracle, wrong)));
    trials.collect()
}

/// What is wrong in a session of the fuzzer; none if it is not one.
fn wrong(transcript: &Transcript, catalog: &Catalog) -> Option<Vec<Suspicion>> {
    let Transcript { header, entries } = transcript;
    let is_ours = |name: &str| {
        let case = name.split('@').next().unwrap_or_default();
        case.starts_with("fuzz/") && catalog.case(case).is_none()
    };
    let mut trials = entries.iter().filter_map(|entry| match &entry.what {
        What::Trial { name } => Some(name),
        _ => None,
    });
    let trial = trials.position(|name| is_ours(name))?;
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
    Some(wrong)
}

fn trial(
    (revision, transport): (Revision, Transport),
    oracle: Oracle,
    wrong: &[Suspicion],
) -> TrialReport {
    let mine = wrong.iter().filter(|what| what.oracle == oracle);
    let mut findings: Vec<Finding> = mine.map(|what| what.finding.clone()).collect();
    evidence::sort(&mut findings);
    TrialReport {
        case: oracle.case().into(),
        revision,
        transport,
        verdict: Verdict::of(&findings),
        duration_ms: 0.0,
        reason: None,
        findings,
    }
}
