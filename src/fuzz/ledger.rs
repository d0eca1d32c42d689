//! What was found in one place, and whether something that looks wrong is worth a hunt.
//!
//! One cause shows in very many inputs. What is known without a hunt is counted, and so is most of what looks as something
//! that a hunt brought nothing new of: the more often it did not, the rarer are the hunts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;

use super::input::Input;
use super::oracle::{Oracle, Suspicion};
use super::{Certainty, Found, shrink};
use crate::verdict::Finding;

/// So many findings are told that violate the same; more is counted.
const MAX_EACH: usize = 24;
/// Of sequences with more inputs that end a server one is told: nobody can see what in them does it.
const MAX_TOLD_APART: usize = 3;
/// So many times as long as hunts took for more of what was hunted before, no further one begins: most of the time goes
/// into new inputs.
const SHARE: u32 = 3;
/// So long hunts may take whatever else was done.
const FREE: Duration = Duration::from_secs(5);
/// After so many hunts in a row that brought nothing new, the pauses grow no more.
const MAX_DOUBLINGS: u32 = 16;

/// What two findings have in common that are one.
type Key = (Oracle, String, String, u64);

/// What was found, and what was hunted.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// What was found, in order.
    pub(super) found: Vec<Found>,
    /// The position of each.
    known: HashMap<Key, usize>,
    /// What came of hunts, by what had raised them.
    looks: HashMap<Key, Look>,
    /// What was hunted at all.
    hunted: HashSet<(Oracle, String)>,
    /// How long hunts took for more of what was hunted before.
    spent: Duration,
}

/// What came of the hunts for what looks the same.
#[derive(Debug, Default)]
struct Look {
    /// What was found last.
    position: Option<usize>,
    /// So many hunts in a row brought nothing new.
    fruitless: u32,
    /// So often it is only counted.
    pause: u64,
}

impl Ledger {
    /// Whether something is worth a hunt, so long after the beginning. If not, it is counted.
    pub(super) fn is_worth_a_hunt(
        &mut self,
        what: &Suspicion,
        blamed: Option<&Input>,
        elapsed: Duration,
    ) -> bool {
        if let Some(known) = self.known_at_sight(what, blamed) {
            self.found[known].seen += 1;
            return false;
        }
        let alike = self.alike(what).map(|(position, _)| position).next();
        let look = self.looks.entry(look(what, blamed)).or_default();
        let known = look.position.or(alike);
        let is_paused = look.pause > 0;
        look.pause = look.pause.saturating_sub(1);
        let is_hunted_enough = self.hunted.contains(&violated(what))
            && (self.spent > FREE.max(elapsed / SHARE) || self.alike(what).count() >= MAX_EACH);
        if let Some(known) = known.filter(|_| is_paused || is_hunted_enough) {
            self.found[known].seen += 1;
        }
        !is_paused && !is_hunted_enough
    }

    /// What is known that violates the same.
    pub(super) fn alike(&self, what: &Suspicion) -> impl Iterator<Item = (usize, &Found)> {
        let violated = violated(what);
        self.found.iter().enumerate().filter(move |(_, found)| {
            (found.oracle, &found.finding.requirement) == (violated.0, &violated.1)
        })
    }

    /// A hunt is over that took so long: it came to this finding, or to none.
    pub(super) fn hunted(
        &mut self,
        what: &Suspicion,
        blamed: Option<&Input>,
        took: Duration,
        (position, is_new): (Option<usize>, bool),
    ) {
        if !self.hunted.insert(violated(what)) {
            self.spent += took;
        }
        let look = self.looks.entry(look(what, blamed)).or_default();
        look.position = position.or(look.position);
        look.fruitless = match is_new {
            true => 0,
            false => (look.fruitless + 1).min(MAX_DOUBLINGS),
        };
        look.pause = (1 << look.fruitless) - 1;
    }

    /// Adds what was found, or counts it if it is known. Its position, and whether it is new.
    pub(super) fn add(&mut self, found: Found) -> (usize, bool) {
        let key = match found.certainty {
            // Of those one is enough.
            Certainty::Once => (found.oracle, String::new(), String::new(), 0),
            _ => {
                let subject = found.subject.as_deref();
                key(found.oracle, &found.finding, subject, &found.shrunk)
            }
        };
        if let Some(known) = self.known.get(&key) {
            self.found[*known].seen += 1;
            return (*known, false);
        }
        let position = self.found.len();
        self.found.push(found);
        self.known.insert(key, position);
        (position, true)
    }

    /// What is known that these inputs, made as small as can be, would be one with.
    pub(super) fn known(&self, what: &Suspicion, smallest: &[Input]) -> Option<usize> {
        let subject = what.subject.as_deref();
        let key = key(what.oracle, &what.finding, subject, smallest);
        let known = self.known.get(&key).copied();
        known.or_else(|| self.part_of(what, smallest))
    }

    /// What is known that has these inputs in it, though they have another shape: what they do, it does by them. Else
    /// they would have been made smaller still, and so would it.
    fn part_of(&self, what: &Suspicion, smallest: &[Input]) -> Option<usize> {
        let mut alike = self.alike(what).filter(|_| counts_shapes(what.oracle));
        let known = alike.find(|(_, found)| shrink::is_part(smallest, &found.shrunk));
        known.map(|(position, _)| position)
    }

    /// Counts something known once more.
    pub(super) fn count(&mut self, position: usize) {
        self.found[position].seen += 1;
    }

    /// What does not depend on how the input is made smaller.
    fn known_at_sight(&self, what: &Suspicion, blamed: Option<&Input>) -> Option<usize> {
        let depends = match what.oracle {
            Oracle::Rule(_) | Oracle::NoInternals => false,
            Oracle::RefusesInvalid => blamed.is_none(),
            _ => true,
        };
        match depends {
            true => None,
            false => self.known.get(&look(what, blamed)).copied(),
        }
    }
}

/// Whether findings of it are told apart by the shape of what does it.
fn counts_shapes(oracle: Oracle) -> bool {
    !matches!(
        oracle,
        Oracle::Rule(_) | Oracle::RefusesInvalid | Oracle::NoInternals
    )
}

fn violated(what: &Suspicion) -> (Oracle, String) {
    (what.oracle, what.finding.requirement.clone())
}

/// What something looks like before it is looked into.
fn look(what: &Suspicion, blamed: Option<&Input>) -> Key {
    let inputs = blamed.map(std::slice::from_ref).unwrap_or_default();
    let subject = what.subject.as_deref();
    key(what.oracle, &what.finding, subject, inputs)
}

/// Of what ends a session the shape of the input counts, of what is answered wrongly what it is about: one cause shows in
/// inputs of many shapes.
fn key(oracle: Oracle, finding: &Finding, subject: Option<&str>, inputs: &[Input]) -> Key {
    let fold = |of: fn(&Input) -> u64| {
        let kinds: BTreeSet<u64> = inputs.iter().map(of).collect();
        kinds.into_iter().fold(0, |sum, kind| sum ^ kind)
    };
    let (message, shape) = match oracle {
        Oracle::Rule(_) => (finding.message.clone(), 0),
        Oracle::RefusesInvalid => (subject.unwrap_or_default().to_owned(), 0),
        Oracle::NoInternals => (wording(finding), 0),
        // A process may end in several ways at the same input. What is in a long sequence is not what ends it.
        _ if oracle.is_fatal() && inputs.len() > MAX_TOLD_APART => (String::new(), 0),
        _ if oracle.is_fatal() => (String::new(), fold(Input::shape)),
        _ => (finding.message.clone(), fold(Input::shape)),
    };
    (oracle, finding.requirement.clone(), message, shape)
}

/// So many characters of what an error says are compared.
const WORDING: usize = 24;

/// The letters of what an error says, but for those that may come from the input: what is quoted, and words that were sent.
fn wording(finding: &Finding) -> String {
    let text = finding
        .actual
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let sent = finding.entries.first();
    let sent = sent.map_or("", |entry| entry.excerpt.as_str());
    let unquoted = text.split(['"', '\'', '`']).step_by(2);
    let words = unquoted.flat_map(str::split_whitespace);
    let plain: String = words.filter(|word| !sent.contains(word)).collect();
    let letters = plain.chars().filter(|c| c.is_alphabetic());
    let letters: String = letters.take(WORDING).collect();
    format!("{}: {letters}", finding.message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::revision::Revision;
    use crate::transport::Transport;

    fn found(what: &Suspicion, shrunk: Input) -> Found {
        Found {
            oracle: what.oracle,
            finding: what.finding.clone(),
            input: Vec::new(),
            shrunk: vec![shrunk],
            seen: 1,
            blamed: None,
            subject: what.subject.clone(),
            certainty: Certainty::Repeated,
            tries: None,
            entries: Vec::new(),
            saved: None,
            transcript: None,
            revision: Revision::V2025_11_25,
            transport: Transport::Stdio,
        }
    }

    fn request(method: &str) -> Input {
        Input::json("x", &json!({ "jsonrpc": "2.0", "id": 1, "method": method }))
    }

    const LONG: Duration = Duration::from_secs(1_000);

    #[test]
    fn the_more_often_a_hunt_brings_nothing_new_the_rarer_are_hunts() {
        let mut ledger = Ledger::default();
        let what = Suspicion::sample(Oracle::Answered, Value::Null);
        let input = request("tools/list");
        let mut hunts = 0;
        for _ in 0..1_000 {
            if ledger.is_worth_a_hunt(&what, Some(&input), LONG) {
                hunts += 1;
                let outcome = ledger.add(found(&what, request("ping")));
                let outcome = (Some(outcome.0), outcome.1);
                ledger.hunted(&what, Some(&input), Duration::ZERO, outcome);
            }
        }
        assert_eq!((hunts, ledger.found.len()), (10, 1));
        assert_eq!(ledger.found[0].seen, 1_000, "all are counted");
        // What looks otherwise is hunted nevertheless.
        assert!(ledger.is_worth_a_hunt(&what, Some(&request("ping")), LONG));
    }

    #[test]
    fn hunts_for_more_of_the_same_take_a_third_of_the_time() {
        let mut ledger = Ledger::default();
        let what = Suspicion::sample(Oracle::Survives, Value::Null);
        let other = Suspicion {
            oracle: Oracle::Answered,
            ..what.clone()
        };
        for method in ["first", "second"] {
            let input = request(method);
            assert!(ledger.is_worth_a_hunt(&what, Some(&input), LONG));
            let (position, is_new) = ledger.add(found(&what, input.clone()));
            let took = Duration::from_secs(30);
            ledger.hunted(&what, Some(&input), took, (Some(position), is_new));
        }
        let third = request("third");
        let early = Duration::from_secs(89);
        assert!(!ledger.is_worth_a_hunt(&what, Some(&third), early));
        assert_eq!(ledger.found[0].seen, 2, "it is counted");
        assert!(ledger.is_worth_a_hunt(&what, Some(&third), 2 * early));
        assert!(
            ledger.is_worth_a_hunt(&other, Some(&third), early),
            "what was never hunted is"
        );
    }

    #[test]
    fn a_part_of_what_is_known_is_known() {
        let message = |value: Value| vec![Input::json("x", &value)];
        let call = |params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": params });
        let known = call(json!({ "_meta": null }));
        let what = Suspicion::sample(Oracle::Survives, Value::Null);
        let mut ledger = Ledger::default();
        ledger.add(found(&what, Input::json("x", &known)));
        let is_known = |value: Value| ledger.known(&what, &message(value)).is_some();
        assert!(is_known(json!({ "params": { "_meta": null } })));
        assert!(!is_known(json!({ "params": { "_meta": [] } })));
        assert!(!is_known(json!({ "params": { "name": null } })));
        assert!(!is_known(json!({ "params": null })));
        assert!(
            !is_known(json!({ "params": {} })),
            "what has nothing is part of nothing"
        );
        assert!(!is_known(json!({ "a": 1, "params": { "_meta": null } })));
        // What is missing may be what does it, or another method.
        assert!(!is_known(json!({ "id": 1 })));
        assert!(!is_known(
            json!({ "id": null, "params": { "_meta": null } })
        ));
        assert!(!is_known(
            json!({ "method": "x", "params": { "_meta": null } })
        ));
        let other = Suspicion::sample(Oracle::Answered, Value::Null);
        let part = message(json!({ "params": { "_meta": null } }));
        assert_eq!(ledger.known(&other, &part), None);
    }

    #[test]
    fn what_is_known_at_sight_is_counted() {
        let mut ledger = Ledger::default();
        let said = |text: &str| json!({ "code": -32603, "message": text });
        let what = Suspicion::sample(Oracle::NoInternals, said("cannot read \"a\" at 17"));
        assert!(ledger.is_worth_a_hunt(&what, None, LONG));
        ledger.add(found(&what, request("ping")));
        let again = Suspicion::sample(Oracle::NoInternals, said("cannot read \"b\" at 4"));
        assert!(!ledger.is_worth_a_hunt(&again, None, LONG));
        assert_eq!(ledger.found[0].seen, 2);
        let other = Suspicion::sample(Oracle::NoInternals, said("no such table"));
        assert!(ledger.is_worth_a_hunt(&other, None, LONG));
        // How many brackets there are says nothing.
        let list = |path: &str| {
            let text = format!("[ {{ \"path\": {path}, \"code\": 1 }} ]");
            Suspicion::sample(Oracle::NoInternals, said(&text))
        };
        ledger.add(found(&list("[ \"params\", \"uri\" ]"), request("ping")));
        assert!(!ledger.is_worth_a_hunt(&list("[]"), None, LONG));
        // What is about another kind of request is another defect, whatever else was sent with it.
        let accepted = |subject: &str| Suspicion {
            subject: Some(subject.to_owned()),
            ..Suspicion::sample(Oracle::RefusesInvalid, Value::Null)
        };
        ledger.add(found(&accepted("list"), request("tools/list")));
        let mut worth = |subject, method| {
            ledger.is_worth_a_hunt(&accepted(subject), Some(&request(method)), LONG)
        };
        assert!(!worth("list", "prompts/list"));
        assert!(!worth("list", "tools/call"), "its list is to blame");
        assert!(worth("call", "tools/call"));
    }
}
