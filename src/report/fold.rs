//! The same thing seen at several revisions and transports is one thing to read.

use crate::revision::Revision;
use crate::transport::Transport;
use crate::verdict::{Finding, Level, TrialReport};

/// Where something was seen.
pub type Place = (Revision, Transport);

/// Trials of one case with the same outcome.
#[derive(Debug)]
pub struct Block<'a> {
    /// Where they ran, in order.
    pub places: Vec<Place>,
    /// The one shown: at the newest revision.
    pub shown: &'a TrialReport,
}

/// Folds trials of the same case with the same verdict, reason, requirements and messages.
pub fn blocks<'a>(trials: impl IntoIterator<Item = &'a TrialReport>) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block<'a>> = Vec::new();
    for trial in trials {
        match blocks.iter_mut().find(|block| is_same(block.shown, trial)) {
            Some(block) => {
                block.places.push((trial.revision, trial.transport));
                if trial.revision > block.shown.revision {
                    block.shown = trial;
                }
            }
            None => blocks.push(Block {
                places: vec![(trial.revision, trial.transport)],
                shown: trial,
            }),
        }
    }
    for block in &mut blocks {
        block.places.sort();
    }
    blocks
}

fn is_same(one: &TrialReport, other: &TrialReport) -> bool {
    let same_finding = |(one, other): (&Finding, &Finding)| {
        one.requirement == other.requirement
            && one.level == other.level
            && one.message == other.message
    };
    one.case == other.case
        && one.verdict == other.verdict
        && one.reason == other.reason
        && one.findings.len() == other.findings.len()
        && one.findings.iter().zip(&other.findings).all(same_finding)
}

/// Findings by what they say but for the input: fuzzing sees the same in inputs of several shapes.
pub fn sayings<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Vec<&'a Finding>> {
    let says_the_same = |one: &Finding, other: &Finding| {
        other.fuzzed.is_some()
            && one.requirement == other.requirement
            && one.message == other.message
            && one.actual == other.actual
    };
    let mut sayings: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let mut known = sayings.iter_mut();
        match known.find(|same| says_the_same(same[0], finding)) {
            Some(same) => same.push(finding),
            None => sayings.push(vec![finding]),
        }
    }
    sayings
}

/// Warnings about one requirement.
#[derive(Debug)]
pub struct Group<'a> {
    /// Its id.
    pub requirement: &'a str,
    /// The level of all of them.
    pub level: Level,
    /// What was seen.
    pub seen: Vec<Seen<'a>>,
}

/// One warning, with the trials that gave it.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The case or rule.
    pub case: &'a str,
    /// The finding of the newest revision.
    pub finding: &'a Finding,
    /// Where it was seen.
    pub places: Vec<Place>,
}

/// Groups the warnings of trials by requirement and level: one that fails may have some as well.
pub fn groups<'a>(trials: impl IntoIterator<Item = &'a TrialReport>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for block in blocks(trials) {
        let warnings = block.shown.findings.iter();
        for finding in warnings.filter(|finding| !finding.level.fails()) {
            let seen = Seen {
                case: &block.shown.case,
                finding,
                places: block.places.clone(),
            };
            let (requirement, level) = (finding.requirement.as_str(), finding.level);
            match groups
                .iter_mut()
                .find(|group| group.requirement == requirement && group.level == level)
            {
                Some(group) => group.seen.push(seen),
                None => groups.push(Group {
                    requirement,
                    level,
                    seen: vec![seen],
                }),
            }
        }
    }
    groups.sort_by(|a, b| (a.level, a.requirement).cmp(&(b.level, b.requirement)));
    groups
}

/// `2025-06-18+stdio, 2025-11-25+http`.
pub fn places(places: &[Place]) -> String {
    let names: Vec<String> = places
        .iter()
        .map(|(revision, transport)| format!("{revision}+{transport}"))
        .collect();
    names.join(", ")
}
