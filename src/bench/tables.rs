//! The figures of a report in tables, for whoever lays them out.

use super::report::{BenchReport, BenchResult, Latency};
use super::text::{bytes, figure, number, time};
use crate::revision::Revision;

/// A table: the columns behind the first `words` are numbers.
#[derive(Debug)]
pub struct Table {
    /// What it is about.
    pub title: &'static str,
    /// The names of its columns.
    pub heads: Vec<&'static str>,
    /// So many columns hold words.
    pub words: usize,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    fn new(title: &'static str, words: usize, heads: &[&'static str]) -> Table {
        Table {
            title,
            heads: heads.to_vec(),
            words,
            rows: Vec::new(),
        }
    }
}

/// All tables that have something in them.
pub fn tables(report: &BenchReport) -> Vec<Table> {
    let all = [
        targets(report),
        results(report),
        chains(report),
        lists(report),
        streams(report),
        connections(report),
        handshakes(report),
    ];
    all.into_iter()
        .filter(|table| !table.rows.is_empty())
        .collect()
}

const NONE: &str = "-";

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| NONE.to_owned())
}

fn targets(report: &BenchReport) -> Table {
    let heads = [
        "target",
        "over",
        "server",
        "first answer",
        "memory",
        "CPU a call",
    ];
    let mut table = Table::new("Targets", 3, &heads);
    table.rows.extend(report.targets.iter().map(|target| {
        let server = target.server.unwrap_or_default();
        vec![
            target.name.clone(),
            target.transport.to_string(),
            or_none(target.implementation.clone()),
            or_none(server.startup_ms.map(|ms| time(ms * 1e3))),
            or_none(server.rss_bytes.map(bytes)),
            or_none(server.cpu_us_per_call.map(time)),
        ]
    }));
    table
}

fn results(report: &BenchReport) -> Table {
    let heads = [
        "call",
        "target",
        "at a time",
        "payload",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "per second",
        "errors",
    ];
    let mut table = Table::new("Calls", 2, &heads);
    table.rows.extend(report.results.iter().map(|result| {
        let latency = latencies(result);
        let mut row = vec![
            result.call.clone(),
            who(report, &result.target, result.revision),
            result.concurrency.to_string(),
            match result.payload {
                0 => NONE.to_owned(),
                payload => number(payload as f64),
            },
        ];
        row.extend(latency);
        row.push(figure(result.throughput_per_s));
        row.push(errors(result));
        row
    }));
    table
}

/// The name of a target, with the revision where several were spoken.
fn who(report: &BenchReport, target: &str, revision: Revision) -> String {
    let mut spoken = report.results.iter().map(|result| result.revision);
    match spoken.all(|other| other == revision) {
        true => target.to_owned(),
        false => format!("{target} {revision}"),
    }
}

fn latencies(result: &BenchResult) -> Vec<String> {
    let Latency {
        p50,
        p90,
        p99,
        p999,
        max,
        ..
    } = result.latency_us;
    let told = |us| match result.count {
        0 => NONE.to_owned(),
        _ => time(us),
    };
    [p50, p90, p99, p999, max].map(told).to_vec()
}

fn errors(result: &BenchResult) -> String {
    let mut text = match result.errors {
        0 => NONE.to_owned(),
        errors => number(errors as f64),
    };
    if result.partial {
        text.push_str(" (partial)");
    }
    text
}

fn chains(report: &BenchReport) -> Table {
    let heads = ["call", "target", "calls", "p50", "p99", "with all before"];
    let mut table = Table::new(
        "One call after the other, as an agent makes them",
        2,
        &heads,
    );
    let ok = report.chains.iter().filter(|chain| chain.count > 0);
    table.rows.extend(ok.map(|chain| {
        vec![
            chain.call.clone(),
            who(report, &chain.target, chain.revision),
            chain.calls.to_string(),
            time(chain.latency_us.p50),
            time(chain.latency_us.p99),
            or_none(chain.cold_us.map(|cold| time(cold.p50))),
        ]
    }));
    table
}

fn lists(report: &BenchReport) -> Table {
    let heads = ["list", "target", "items", "pages", "size", "p50", "p99"];
    let mut table = Table::new("Whole lists", 2, &heads);
    let read = report.lists.iter().filter(|list| list.count > 0);
    table.rows.extend(read.map(|list| {
        vec![
            list.method.clone(),
            who(report, &list.target, list.revision),
            number(list.items as f64),
            number(list.pages as f64),
            bytes(list.bytes),
            time(list.latency_us.p50),
            time(list.latency_us.p99),
        ]
    }));
    table
}

fn streams(report: &BenchReport) -> Table {
    let heads = [
        "call",
        "target",
        "messages",
        "first p50",
        "last p50",
        "per second",
    ];
    let mut table = Table::new("Answers in pieces", 2, &heads);
    let told = report.streams.iter().filter(|stream| stream.count > 0);
    table.rows.extend(told.map(|stream| {
        vec![
            stream.call.clone(),
            who(report, &stream.target, stream.revision),
            figure(stream.events_per_call),
            time(stream.first_us.p50),
            time(stream.last_us.p50),
            figure(stream.events_per_s),
        ]
    }));
    table
}

fn connections(report: &BenchReport) -> Table {
    let heads = [
        "target",
        "",
        "TCP p50",
        "TLS p50",
        "a call on a new one",
        "on a kept one",
    ];
    let mut table = Table::new("Connections", 2, &heads);
    let made = report.connections.iter().filter(|made| made.count > 0);
    table.rows.extend(made.map(|made| {
        let closed = match made.closed_by_server {
            true => "closed after each answer",
            false => "kept",
        };
        vec![
            made.target.clone(),
            closed.to_owned(),
            time(made.tcp_us.p50),
            or_none(made.tls_us.map(|tls| time(tls.p50))),
            time(made.cold_call_us.p50),
            time(made.kept_call_us.p50),
        ]
    }));
    table
}

fn handshakes(report: &BenchReport) -> Table {
    let mut table = Table::new(
        "Handshake of a session",
        2,
        &["target", "revision", "p50", "p99"],
    );
    let made = report.handshakes.iter().filter(|made| made.count > 0);
    table.rows.extend(made.map(|made| {
        vec![
            made.target.clone(),
            made.revision.to_string(),
            time(made.latency_us.p50),
            time(made.latency_us.p99),
        ]
    }));
    table
}
