//! Judging: a pure function from a transcript to verdicts. No I/O, no clock.

pub mod duty;
pub mod evidence;
pub mod pattern;
pub mod refusal;
pub mod trial;
pub mod view;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::catalog::select::SelectError;
use crate::catalog::{Catalog, Selection};
use crate::conversation::Conversation;
use crate::revision::Revision;
use crate::rule::{self, RuleOutcome};
use crate::transcript::{Entry, Header, Transcript, What};
use crate::transport::Transport;
use crate::verdict::TrialReport;

/// A session as the judge and the rules see it.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// What judging needs to know beside the entries.
    pub header: &'a Header,
    /// What happened, in order.
    pub entries: &'a [Entry],
    /// The same as exchanges.
    pub conversation: &'a Conversation,
    /// The requirements.
    pub catalog: &'a Catalog,
}

impl Session<'_> {
    /// The head of the HTTP request on whose stream this entry is. It stands before the body, or there is none.
    pub fn http_head(&self, entry: usize) -> Option<usize> {
        let entries = self.entries.get(..=entry)?;
        let stream = entries.last()?.stream;
        let is_head = |entry: &Entry| {
            entry.stream == stream && matches!(entry.what, What::HttpRequest { .. })
        };
        entries.iter().rposition(is_head)
    }

    /// What the server declared at this revision over this transport.
    pub fn capabilities(&self) -> &Value {
        let Header {
            profile,
            revision,
            transport,
            ..
        } = self.header;
        profile
            .offer(*revision, *transport)
            .map_or(&Value::Null, |offer| &offer.capabilities)
    }
}

/// What one session says.
#[derive(Debug, Default)]
pub struct Judged {
    /// The trials played in it, those excepted of which another session gives the verdict.
    pub trials: Vec<TrialReport>,
    /// What each rule saw.
    pub rules: Vec<RuleOutcome>,
    /// The round trips of its cheapest requests, in microseconds.
    pub round_trips: Vec<u64>,
}

/// Judges one session.
pub fn session(transcript: &Transcript, catalog: &Catalog) -> Judged {
    let Transcript { header, entries } = transcript;
    let conversation = Conversation::of(header.revision, header.transport, entries);
    recorded(transcript, &conversation, catalog)
}

/// Judges one session whose exchanges are known already, because the driver took them in one by one.
pub fn recorded(transcript: &Transcript, conversation: &Conversation, catalog: &Catalog) -> Judged {
    let Transcript { header, entries } = transcript;
    let session = Session {
        header,
        entries,
        conversation,
        catalog,
    };
    let trials = conversation
        .trials
        .iter()
        .enumerate()
        .filter(|(_, span)| !header.superseded.contains(&span.name))
        .filter_map(|(index, span)| trial::judge(&session, index, span))
        .collect();
    Judged {
        trials,
        rules: rule::apply(&session),
        round_trips: round_trips(&session),
    }
}

/// The round trips of plain liveness requests: sent alone, answered at once by any server.
fn round_trips(session: &Session<'_>) -> Vec<u64> {
    let method = session.header.revision.era().alive_method();
    session
        .conversation
        .exchanges
        .iter()
        .filter(|exchange| exchange.method.as_deref() == Some(method) && exchange.is_request())
        .filter_map(|exchange| {
            let sent = session.entries[exchange.sent].at_us;
            Some(session.entries[exchange.answer?].at_us.saturating_sub(sent))
        })
        .collect()
}

/// Turns what the rules saw in all sessions of one revision and transport into trials of their own.
#[derive(Debug, Default)]
pub struct RuleLedger(BTreeMap<(Revision, Transport, &'static str), RuleOutcome>);

impl RuleLedger {
    /// Adds what one session says.
    pub fn add(&mut self, revision: Revision, transport: Transport, outcomes: Vec<RuleOutcome>) {
        for outcome in outcomes {
            match self.0.entry((revision, transport, outcome.rule)) {
                std::collections::btree_map::Entry::Vacant(vacant) => drop(vacant.insert(outcome)),
                std::collections::btree_map::Entry::Occupied(mut known) => {
                    known.get_mut().merge(outcome)
                }
            }
        }
    }

    /// The trials of the rules.
    pub fn trials(self) -> impl Iterator<Item = TrialReport> {
        self.0
            .into_iter()
            .map(|((revision, transport, rule), outcome)| TrialReport {
                case: format!("rule/{rule}").into(),
                revision,
                transport,
                verdict: outcome.verdict(),
                duration_ms: 0.0,
                reason: outcome.reason(),
                findings: outcome.findings,
            })
    }
}

/// Why saved transcripts cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The selection in the header is none.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The verdicts would not be those of the run.
    #[error(
        "the transcript of session {session} was recorded with the catalog {recorded}, and this program has {ours}: \
         judge it with the version that recorded it (and the same --cases), or record it again"
    )]
    OtherCatalog {
        /// The session.
        session: String,
        /// The hash in the transcript.
        recorded: String,
        /// The hash of our catalog.
        ours: String,
    },
}

/// The verdicts of saved sessions, sorted by name: the same that the run gave.
///
/// # Errors
/// Where a transcript was recorded with another catalog.
pub fn replay(
    transcripts: &[Transcript],
    catalog: &Catalog,
) -> Result<Vec<TrialReport>, JudgeError> {
    let mut ledger = RuleLedger::default();
    let mut trials = Vec::new();
    for transcript in transcripts {
        let header = &transcript.header;
        if header.catalog != catalog.hash {
            return Err(JudgeError::OtherCatalog {
                session: header.session.clone(),
                recorded: header.catalog.clone(),
                ours: catalog.hash.clone(),
            });
        }
        let judged = session(transcript, catalog);
        ledger.add(header.revision, header.transport, judged.rules);
        trials.extend(judged.trials);
    }
    // All sessions of a run have its selection.
    let select = transcripts
        .first()
        .map(|transcript| &transcript.header.select[..]);
    let selection = Selection::new(select.unwrap_or_default())?;
    trials.extend(
        ledger
            .trials()
            .filter(|trial| selection.matches(&trial.case, &trial.name())),
    );
    TrialReport::sort(&mut trials);
    Ok(trials)
}
