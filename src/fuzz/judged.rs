//! What a saved transcript of fuzzing says: the same function on the same entries as when it was found.

use std::collections::{BTreeMap, HashSet};

use super::oracle::{Oracle, Suspicion, suspicions};
use super::save::is_saved_for;
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
    let mut places: BTreeMap<(Revision, Transport), Vec<Seen>> = BTreeMap::new();
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
    places.values_mut().for_each(tell_once);
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

/// Something wrong, and whether it is what its transcript was saved for.
struct Seen {
    is_own: bool,
    what: Suspicion,
}

/// What a transcript shows beside what it was saved for is told if no other is about that; what one shows many times,
/// once.
fn tell_once(wrong: &mut Vec<Seen>) {
    wrong.sort_by_key(|seen| !seen.is_own);
    let (mut known, mut own) = (HashSet::new(), HashSet::new());
    wrong.retain(|Seen { is_own, what }| {
        let violated = (what.oracle, what.finding.requirement.clone());
        let is_new = known.insert(violated.clone());
        let transcript = what.finding.entries.first();
        let transcript = transcript.map(|entry| entry.transcript.clone());
        match is_own {
            true => own.insert((violated, transcript)),
            false => is_new,
        }
    });
}

/// What is wrong in a session of the fuzzer; none if it is not one.
fn wrong(transcript: &Transcript, catalog: &Catalog) -> Option<Vec<Seen>> {
    let Transcript { header, entries } = transcript;
    let is_ours = |name: &str| {
        let case = name.split('@').next().unwrap_or_default();
        case.starts_with("fuzz/") && catalog.case(case).is_none()
    };
    let trials = entries.iter().filter_map(|entry| match &entry.what {
        What::Trial { name } => Some(name),
        _ => None,
    });
    let (trial, name) = trials.enumerate().find(|(_, name)| is_ours(name))?;
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
    let is_own = |oracle| is_saved_for(oracle, name);
    let seen = wrong.into_iter().map(|what| Seen {
        is_own: is_own(what.oracle),
        what,
    });
    Some(seen.collect())
}

fn trial(
    (revision, transport): (Revision, Transport),
    oracle: Oracle,
    wrong: &[Seen],
) -> TrialReport {
    let mine = wrong.iter().filter(|seen| seen.what.oracle == oracle);
    let mut findings: Vec<Finding> = mine.map(|seen| seen.what.finding.clone()).collect();
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::verdict::{Direction, EntryRef};

    #[test]
    fn what_many_transcripts_show_is_told_of_those_that_are_about_it() {
        let seen = |is_own: bool, oracle: Oracle, transcript: &str| {
            let entry = EntryRef {
                transcript: transcript.to_owned(),
                entry: 0,
                direction: Direction::Sent,
                excerpt: String::new(),
            };
            let mut what = Suspicion::sample(oracle, Value::Null);
            what.finding.entries = vec![entry];
            Seen { is_own, what }
        };
        let told = |mut wrong: Vec<Seen>| {
            tell_once(&mut wrong);
            let transcripts = wrong
                .iter()
                .map(|seen| &seen.what.finding.entries[0].transcript);
            transcripts.cloned().collect::<Vec<_>>()
        };
        let shows = Oracle::NoInternals;
        let beside = || seen(false, shows, "survives-1");
        // Each transcript says once what it was saved for; others say nothing then.
        let wrong = vec![
            beside(),
            seen(true, shows, "shows-1"),
            seen(true, shows, "shows-1"),
            seen(true, shows, "shows-2"),
        ];
        assert_eq!(told(wrong), ["shows-1", "shows-2"]);
        let wrong = vec![
            beside(),
            seen(false, shows, "survives-2"),
            seen(false, Oracle::Answered, "survives-2"),
        ];
        assert_eq!(told(wrong), ["survives-1", "survives-2"]);
        assert!(is_saved_for(
            shows,
            "fuzz/fuzz-shows-no-internals-12ab@2025-11-25+stdio"
        ));
        assert!(!is_saved_for(
            shows,
            "fuzz/fuzz-survives-12ab@2025-11-25+stdio"
        ));
    }
}
