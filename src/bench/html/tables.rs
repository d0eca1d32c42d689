//! The same as text: what each target comes to, and every figure.

use crate::bench::report::{
    BenchReport, BenchResult, BenchTarget, Latency, Outcome, ServerFigures,
};

/// A target in brief.
pub struct Card {
    /// Its name.
    pub name: String,
    /// What it says that it is.
    pub implementation: String,
    /// What it is, and how much.
    pub figures: Vec<(&'static str, String)>,
}

/// Figures of one kind.
pub struct Table {
    /// Their kind.
    pub title: &'static str,
    /// What the columns are.
    pub head: Vec<&'static str>,
    /// So many columns are words; the others are figures.
    pub words: usize,
    /// The figures.
    pub rows: Vec<Vec<String>>,
}

/// A time, three digits and a unit.
pub fn time(us: f64) -> String {
    match us {
        ..1e3 => format!("{} µs", digits(us)),
        ..1e6 => format!("{} ms", digits(us / 1e3)),
        _ => format!("{} s", digits(us / 1e6)),
    }
}

/// A number of bytes.
pub fn bytes(count: f64) -> String {
    match count {
        ..1e3 => format!("{count:.0} B"),
        ..1e6 => format!("{} kB", digits(count / 1e3)),
        _ => format!("{} MB", digits(count / 1e6)),
    }
}

/// Three digits that say something.
fn digits(value: f64) -> String {
    let text = match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
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
    figures.extend(best.map(|best| ("most calls/s", format!("{best:.0}"))));
    let server = target.server.unwrap_or_default();
    figures.extend(needs(&server));
    let errors: u64 = results().map(|result| result.errors).sum();
    if errors > 0 {
        figures.push(("errors", errors.to_string()));
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
    let memory = server.rss_bytes.map(|size| ("memory", bytes(size as f64)));
    [startup, cpu, memory].into_iter().flatten().collect()
}

/// The figures of each kind that were measured.
pub fn tables(report: &BenchReport) -> Vec<Table> {
    let mut tables = vec![
        results(report),
        comparisons(report),
        chains(report),
        streams(report),
        lists(report),
        connections(report),
        handshakes(report),
    ];
    tables.retain(|table| !table.rows.is_empty());
    tables
}

const QUANTILES: [&str; 6] = ["min", "p50", "p90", "p99", "p99.9", "max"];

fn quantiles(latency: &Latency) -> [String; 6] {
    let Latency {
        min,
        p50,
        p90,
        p99,
        p999,
        max,
    } = *latency;
    [min, p50, p90, p99, p999, max].map(time)
}

/// Words and figures, then the quantiles of a latency.
fn row(words: &[&str], figures: &[String], latency: &Latency) -> Vec<String> {
    let words = words.iter().map(|word| (*word).to_owned());
    words
        .chain(figures.iter().cloned())
        .chain(quantiles(latency))
        .collect()
}

fn head(columns: &[&'static str]) -> Vec<&'static str> {
    [columns, &QUANTILES].concat()
}

fn results(report: &BenchReport) -> Table {
    let one = |result: &BenchResult| {
        let figures = [
            result.concurrency.to_string(),
            bytes(result.payload as f64),
            result.count.to_string(),
            result.errors.to_string(),
            format!("{:.0}", result.throughput_per_s),
        ];
        let words = [&result.target, result.revision.as_str(), &result.call];
        row(&words, &figures, &result.latency_us)
    };
    Table {
        title: "Calls",
        head: head(&[
            "target",
            "revision",
            "call",
            "at once",
            "payload",
            "answers",
            "errors",
            "per second",
        ]),
        words: 3,
        rows: report.results.iter().map(one).collect(),
    }
}

fn comparisons(report: &BenchReport) -> Table {
    let rows = report.comparisons.iter().map(|compared| {
        let outcome = match compared.outcome {
            Outcome::Faster => "faster",
            Outcome::Slower => "slower",
            Outcome::Same => "the same",
            Outcome::TooNoisy => "the machine was too noisy to tell",
        };
        vec![
            compared.target.clone(),
            compared.baseline.clone(),
            compared.call.clone(),
            outcome.to_owned(),
            compared.concurrency.to_string(),
            bytes(compared.payload as f64),
            format!("{:.2}", compared.ratio),
            format!("{:.2} to {:.2}", compared.low, compared.high),
        ]
    });
    Table {
        title: "Comparisons of medians",
        head: vec![
            "target",
            "against",
            "call",
            "it is",
            "at once",
            "payload",
            "times",
            "with 95 % confidence",
        ],
        words: 4,
        rows: rows.collect(),
    }
}

fn chains(report: &BenchReport) -> Table {
    let rows = report.chains.iter().map(|chain| {
        let cold = chain.cold_us.map_or(String::new(), |cold| time(cold.p50));
        let figures = [chain.calls.to_string(), cold];
        let words = [&chain.target, chain.revision.as_str(), &chain.call];
        row(&words, &figures, &chain.latency_us)
    });
    Table {
        title: "Calls one after the other, as an agent makes them",
        head: head(&["target", "revision", "call", "calls", "p50 with all before"]),
        words: 3,
        rows: rows.collect(),
    }
}

fn streams(report: &BenchReport) -> Table {
    let rows = report.streams.iter().map(|stream| {
        let figures = [
            format!("{:.1}", stream.events_per_call),
            format!("{:.0}", stream.events_per_s),
            time(stream.first_us.p50),
        ];
        let words = [&stream.target, stream.revision.as_str(), &stream.call];
        row(&words, &figures, &stream.last_us)
    });
    Table {
        title: "Answers in pieces: time to the last",
        head: head(&[
            "target",
            "revision",
            "call",
            "messages",
            "per second",
            "p50 to the first",
        ]),
        words: 3,
        rows: rows.collect(),
    }
}

fn lists(report: &BenchReport) -> Table {
    let rows = report.lists.iter().map(|list| {
        let figures = [list.items, list.pages].map(|count| count.to_string());
        let figures = [&figures[..], &[bytes(list.bytes as f64)]].concat();
        let words = [&list.target, list.revision.as_str(), &list.method];
        row(&words, &figures, &list.latency_us)
    });
    Table {
        title: "Whole lists",
        head: head(&["target", "revision", "list", "items", "pages", "size"]),
        words: 3,
        rows: rows.collect(),
    }
}

fn connections(report: &BenchReport) -> Table {
    let rows = report.connections.iter().map(|cost| {
        let tls = cost.tls_us.map_or(String::new(), |tls| time(tls.p50));
        let kept = if cost.closed_by_server { "no" } else { "yes" };
        vec![
            cost.target.clone(),
            kept.to_owned(),
            time(cost.tcp_us.p50),
            tls,
            time(cost.cold_call_us.p50),
            time(cost.kept_call_us.p50),
        ]
    });
    Table {
        title: "Connections, medians",
        head: vec![
            "target",
            "kept alive",
            "TCP",
            "TLS",
            "call on a new one",
            "call on a kept one",
        ],
        words: 2,
        rows: rows.collect(),
    }
}

fn handshakes(report: &BenchReport) -> Table {
    let rows = report.handshakes.iter().map(|shake| {
        let words = [&shake.target, shake.revision.as_str()];
        row(&words, &[], &shake.latency_us)
    });
    Table {
        title: "The legacy handshake",
        head: head(&["target", "revision"]),
        words: 2,
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        let times = [0.5, 10.0, 61.234, 1_000.0, 43_909.0, 2_500_000.0].map(time);
        assert_eq!(
            times,
            ["0.5 µs", "10 µs", "61.2 µs", "1 ms", "43.9 ms", "2.5 s"]
        );
        let sizes = [0.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 8_151_040.0].map(bytes);
        assert_eq!(
            sizes,
            ["0 B", "100 B", "1 kB", "10 kB", "100 kB", "8.15 MB"]
        );
    }
}
