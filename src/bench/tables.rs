//! The figures of a report in tables, for whoever lays them out.

use super::report::{BenchReport, BenchResult, Latency};
use super::sentences::says;
use super::table::{NONE, TARGET, TARGETS, Table};
use super::text::{bytes, figure, number, time};
use crate::revision::Revision;

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
        comparisons(report),
    ];
    let is_one = report.targets.len() <= 1;
    all.into_iter()
        .filter(|table| !table.rows.is_empty())
        .map(|table| {
            if is_one {
                table.without_target()
            } else {
                table
            }
        })
        .map(Table::without_blanks)
        .collect()
}

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| NONE.to_owned())
}

fn targets(report: &BenchReport) -> Table {
    let heads = [
        TARGET,
        "over",
        "revision",
        "server",
        "start to answer",
        "memory",
        "CPU a call",
    ];
    let mut table = Table::new(TARGETS, 4, &heads);
    table.rows.extend(report.targets.iter().map(|target| {
        let server = target.server.unwrap_or_default();
        vec![
            target.name.clone(),
            target.transport.to_string(),
            or_none(revisions(report, &target.name)),
            or_none(target.implementation.clone()),
            or_none(server.startup_ms.map(|ms| time(ms * 1e3))),
            or_none(server.rss_bytes.map(bytes)),
            or_none(server.cpu_us_per_call.map(time)),
        ]
    }));
    table
}

/// Those that were spoken, as far as something was measured.
fn revisions(report: &BenchReport, target: &str) -> Option<String> {
    let results = report.results.iter().map(|one| (&one.target, one.revision));
    let lists = report.lists.iter().map(|one| (&one.target, one.revision));
    let mut spoken: Vec<String> = results
        .chain(lists)
        .filter(|(name, _)| *name == target)
        .map(|(_, revision)| revision.to_string())
        .collect();
    spoken.sort();
    spoken.dedup();
    (!spoken.is_empty()).then(|| spoken.join(", "))
}

fn results(report: &BenchReport) -> Table {
    let heads = [
        "call",
        TARGET,
        "at a time",
        "payload bytes",
        "min",
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
            payload(result.payload),
        ];
        row.extend(latency);
        row.push(figure(result.throughput_per_s));
        row.push(errors(result));
        row
    }));
    table
}

/// The name of a target, with the revision where it was spoken to at several.
fn who(report: &BenchReport, target: &str, revision: Revision) -> String {
    let results = report.results.iter();
    let mine = results.filter(|result| result.target == target);
    let mut spoken = mine.map(|result| result.revision);
    match spoken.all(|other| other == revision) {
        true => target.to_owned(),
        false => format!("{target} {revision}"),
    }
}

fn latencies(result: &BenchResult) -> Vec<String> {
    let Latency {
        min,
        p50,
        p90,
        p99,
        p999,
        max,
    } = result.latency_us;
    let told = |us| match result.count {
        0 => NONE.to_owned(),
        _ => time(us),
    };
    [min, p50, p90, p99, p999, max].map(told).to_vec()
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
    let heads = ["call", TARGET, "calls", "p50", "p99", "from nothing p50"];
    let mut table = Table::new(
        "One call after the other, as an agent makes them; from nothing: with start or connection, handshake and list of tools",
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
    let heads = ["list", TARGET, "items", "pages", "size", "p50", "p99"];
    let mut table = Table::new("Whole lists", 2, &heads);
    let mut read: Vec<_> = report.lists.iter().filter(|list| list.count > 0).collect();
    let first = |method: &str| report.lists.iter().position(|list| list.method == method);
    read.sort_by_key(|list| first(&list.method));
    let read = read.into_iter();
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
        TARGET,
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
        TARGET,
        "connection",
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
        &[TARGET, "revision", "p50", "p99"],
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

fn comparisons(report: &BenchReport) -> Table {
    let heads = [
        "call",
        TARGET,
        "against",
        "says",
        "at a time",
        "payload bytes",
        "times as long",
        "95 % from",
        "to",
        "turns apart",
    ];
    let mut table = Table::new("Compared: how long the median call takes", 4, &heads);
    let compared = report.comparisons.iter();
    table.rows.extend(compared.map(|comparison| {
        vec![
            comparison.call.clone(),
            comparison.target.clone(),
            comparison.baseline.clone(),
            says(comparison).to_owned(),
            comparison.concurrency.to_string(),
            payload(comparison.payload),
            figure(comparison.ratio),
            figure(comparison.low),
            figure(comparison.high),
            format!("{} %", figure(100.0 * comparison.noise)),
        ]
    }));
    table
}

fn payload(bytes: usize) -> String {
    match bytes {
        0 => NONE.to_owned(),
        bytes => number(bytes as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::diagnose::testing::{http, result};

    #[test]
    fn who_was_spoken_to_at_several_revisions_is_told_apart() {
        let mut report = http([result(1, 0), result(1, 0)]);
        report.results[1].revision = Revision::V2026_07_28;
        let name = |report: &BenchReport| who(report, "a", Revision::V2025_11_25);
        assert_eq!(name(&report), "a 2025-11-25");
        report.results[1].target = "b".into();
        assert_eq!(name(&report), "a");
        assert_eq!(revisions(&report, "b").as_deref(), Some("2026-07-28"));
    }

    #[test]
    fn columns_that_say_nothing_are_left_out() {
        let mut report = http([result(1, 0).times(&[(100.0, 10)])]);
        let calls = |report: &BenchReport| {
            let all = tables(report);
            all.into_iter()
                .find(|table| table.title == "Calls")
                .unwrap()
        };
        let table = calls(&report);
        let heads = [
            "call",
            "at a time",
            "min",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "max",
            "per second",
        ];
        assert_eq!((table.words, &table.heads[..]), (1, &heads[..]));
        assert_eq!(table.rows[0].len(), heads.len());
        report.results[0].errors = 3;
        report.results[0].payload = 1_000;
        let mut other = report.targets[0].clone();
        other.name = "b".into();
        report.targets.push(other);
        let table = calls(&report);
        assert_eq!(
            table.heads[..4],
            ["call", "target", "at a time", "payload bytes"]
        );
        assert_eq!(table.heads.last(), Some(&"errors"));
        assert_eq!(table.rows[0][3], "1,000");
    }
}
