//! What each target comes to, in brief.

use crate::bench::report::{BenchReport, BenchTarget, ServerFigures};
use crate::bench::text::{bytes, figure, number, time};

/// A target in brief.
pub struct Card {
    /// Its name.
    pub name: String,
    /// What it says that it is.
    pub implementation: String,
    /// What it is, and how much.
    pub figures: Vec<(&'static str, String)>,
}

/// One card for each target.
pub fn cards(report: &BenchReport) -> Vec<Card> {
    report
        .targets
        .iter()
        .map(|target| card(report, target))
        .collect()
}

fn card(report: &BenchReport, target: &BenchTarget) -> Card {
    let results = || {
        let results = report.results.iter();
        results.filter(|result| result.target == target.name && result.count > 0)
    };
    let mut figures = Vec::new();
    let simplest = results().min_by_key(|result| (result.concurrency, result.payload));
    if let Some(result) = simplest {
        figures.push(("median", time(result.latency_us.p50)));
        figures.push(("99 % within", time(result.latency_us.p99)));
    }
    let best = results()
        .map(|result| result.throughput_per_s)
        .reduce(f64::max);
    figures.extend(best.map(|best| ("most calls/s", figure(best))));
    let server = target.server.unwrap_or_default();
    figures.extend(needs(&server));
    let errors: u64 = results().map(|result| result.errors).sum();
    if errors > 0 {
        figures.push(("errors", number(errors as f64)));
    }
    let implementation = target.implementation.clone().unwrap_or_default();
    Card {
        name: target.name.clone(),
        implementation,
        figures,
    }
}

fn needs(server: &ServerFigures) -> Vec<(&'static str, String)> {
    let startup = server
        .startup_ms
        .map(|ms| ("first answer after", time(ms * 1e3)));
    let cpu = server
        .cpu_us_per_call
        .map(|us| ("processor time per call", time(us)));
    let memory = server.rss_bytes.map(|size| ("memory", bytes(size)));
    [startup, cpu, memory].into_iter().flatten().collect()
}
