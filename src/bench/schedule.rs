//! What is measured in which order, and how long that takes.

use std::time::Duration;

use super::calls::Call;
use super::options::Options;
use super::subject::Subject;

/// What is being done, and how far that is. Times are expected, and no more than that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is measured now.
    pub doing: String,
    /// What was done before takes so long.
    pub done: Duration,
    /// All of it takes so long.
    pub of: Duration,
}

/// What will be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// So many results, each for the time that was asked for.
    pub results: u32,
    /// How long all of it takes, if calls take little time.
    pub time: Duration,
}

/// What is to be expected of these targets.
pub fn expected(options: &Options, subjects: &[Subject], catalogs: &[Subject]) -> Expected {
    let calls = subjects
        .iter()
        .map(|subject| subject.calls(&options.payloads).len());
    let results = calls.sum::<usize>() * options.concurrency.len();
    let results = u32::try_from(results).unwrap_or(u32::MAX);
    let beside = u32::try_from(subjects.len() + catalogs.len()).unwrap_or(u32::MAX);
    let of_results = of_result(options).saturating_mul(results);
    Expected {
        results,
        time: of_results.saturating_add(of_rest(options).saturating_mul(beside)),
    }
}

/// How long one result of one target takes.
pub(super) fn of_result(options: &Options) -> Duration {
    options.warmup + options.duration
}

/// How long all takes, more or less, that is measured of one target beside its calls: each thing no longer than half the time
/// of a result, and most of them much less.
pub(super) fn of_rest(options: &Options) -> Duration {
    options.duration / 2
}

/// The calls to measure, whoever offers them: what results are known by.
pub(super) fn names(subjects: &[Subject], payloads: &[usize]) -> Vec<(String, usize)> {
    let mut names = Vec::new();
    for call in subjects.iter().flat_map(|subject| subject.calls(payloads)) {
        let name = (kind(&call).to_owned(), call.payload);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What both eras have under different names stands for the same.
pub(super) fn kind(call: &Call) -> &str {
    match call.template.name.as_str() {
        "ping" | "server/discover" => "ping",
        name => name,
    }
}
