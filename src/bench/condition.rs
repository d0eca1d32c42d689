//! `--fail-if`: a limit that figures must keep, such as `p99 > 5ms`.

use std::fmt;
use std::str::FromStr;

use super::report::{BenchReport, BenchResult, Comparison, Latency, Outcome};
use super::{sentences, text};

/// What makes a benchmark fail.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    metric: Metric,
    comparison: Comparing,
    /// In the unit of the metric: microseconds, calls a second, bytes, or none.
    limit: f64,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Min,
    P50,
    P90,
    P99,
    P999,
    Max,
    Throughput,
    Errors,
    ErrorShare,
    Rss,
    Cpu,
    Startup,
    Ratio,
}

/// What a number behind the sign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Time,
    Rate,
    Count,
    Bytes,
    Factor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparing {
    Above,
    AtLeast,
    Below,
    AtMost,
}

const METRICS: [(&str, Metric); 14] = [
    ("min", Metric::Min),
    ("p50", Metric::P50),
    ("p90", Metric::P90),
    ("p99", Metric::P99),
    ("p999", Metric::P999),
    ("p99.9", Metric::P999),
    ("max", Metric::Max),
    ("throughput", Metric::Throughput),
    ("errors", Metric::Errors),
    ("rss", Metric::Rss),
    ("cpu", Metric::Cpu),
    ("startup", Metric::Startup),
    ("ratio", Metric::Ratio),
    ("error-share", Metric::ErrorShare),
];

/// The longer signs first, because they begin like the others.
const SIGNS: [(&str, Comparing); 4] = [
    (">=", Comparing::AtLeast),
    ("<=", Comparing::AtMost),
    (">", Comparing::Above),
    ("<", Comparing::Below),
];

const TIMES: [(&str, f64); 6] = [
    ("ns", 1e-3),
    ("us", 1.0),
    ("µs", 1.0),
    ("ms", 1e3),
    ("s", 1e6),
    ("m", 60e6),
];
const RATES: [(&str, f64); 2] = [("/s", 1.0), ("", 1.0)];
const BYTES: [(&str, f64); 7] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("KiB", 1024.0),
    ("MB", 1e6),
    ("MiB", 1024.0 * 1024.0),
    ("GB", 1e9),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
];
const PLAIN: [(&str, f64); 1] = [("", 1.0)];

impl Metric {
    fn unit(self) -> Unit {
        match self {
            Metric::Throughput => Unit::Rate,
            Metric::Errors => Unit::Count,
            Metric::Rss => Unit::Bytes,
            Metric::Ratio => Unit::Factor,
            Metric::ErrorShare => Unit::Factor,
            _ => Unit::Time,
        }
    }
}

impl Unit {
    fn names(self) -> &'static [(&'static str, f64)] {
        match self {
            Unit::Time => &TIMES,
            Unit::Rate => &RATES,
            Unit::Bytes => &BYTES,
            Unit::Count | Unit::Factor => &PLAIN,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Unit::Time => "5ms (ns, us, ms, s or m)",
            Unit::Rate => "1000/s",
            Unit::Count => "0, or a share: 1%",
            Unit::Bytes => "200MiB (B, kB, KiB, MB, MiB, GB or GiB)",
            Unit::Factor => "1.1",
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Condition, String> {
        let at = text
            .find(['<', '>', '='])
            .ok_or("there is no <, <=, > or >= in it: write it like 'p99 > 5ms'")?;
        let (name, rest) = text.split_at(at);
        let known = METRICS.iter().find(|(known, _)| *known == name.trim());
        let (_, metric) = known.ok_or_else(|| {
            let names: Vec<&str> = METRICS.iter().map(|(name, _)| *name).collect();
            format!(
                "{:?} in front of the sign is nothing that is measured: write one of {}",
                name.trim(),
                names.join(", ")
            )
        })?;
        let sign = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
        let (sign, comparison) = sign.ok_or_else(|| {
            format!("{rest:?} begins with no <, <=, > or >=: equality is never exact")
        })?;
        let (metric, limit) = limit(*metric, rest[sign.len()..].trim())?;
        Ok(Condition {
            metric,
            comparison: *comparison,
            limit,
            text: text.trim().to_owned(),
        })
    }
}

/// Reads a number with its unit.
fn limit(metric: Metric, text: &str) -> Result<(Metric, f64), String> {
    let unit = metric.unit();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, name) = text.split_at(end);
    let wrong = |what: &str| {
        let example = unit.example();
        format!("{text:?} behind the sign {what}: write it like {example}")
    };
    let number: f64 = number.parse().map_err(|_| wrong("begins with no number"))?;
    let name = name.trim();
    if metric == Metric::Errors && name == "%" {
        return Ok((Metric::ErrorShare, number / 100.0));
    }
    let known = unit.names().iter().find(|(known, _)| *known == name);
    match known {
        Some((_, factor)) => Ok((metric, number * factor)),
        None if name.is_empty() => Err(wrong("has no unit")),
        None => Err(wrong("has a unit that does not fit")),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What must be measured for a condition to say something, beside calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A server's process that is ours.
    Process,
    /// Another target, or a saved report.
    Comparison,
}

impl Condition {
    /// What it cannot do without.
    pub fn needs(&self) -> Option<Needs> {
        match self.metric {
            Metric::Rss | Metric::Cpu | Metric::Startup => Some(Needs::Process),
            Metric::Ratio => Some(Needs::Comparison),
            _ => None,
        }
    }

    /// Whether it says how many errors there may be.
    pub fn limits_errors(&self) -> bool {
        matches!(self.metric, Metric::Errors | Metric::ErrorShare)
    }

    /// Where it holds, each with the figure. None if the figure was measured nowhere.
    pub fn holds(&self, report: &BenchReport) -> Option<Vec<String>> {
        let figures = match self.metric {
            Metric::Startup | Metric::Rss => self.of_targets(report),
            Metric::Ratio => of_comparisons(report),
            _ => self.of_results(report),
        };
        let met = figures.iter().filter(|(_, figure)| self.is_met(*figure));
        let met = met.map(|(place, figure)| format!("{place}: {}", shown(self.metric, *figure)));
        (!figures.is_empty()).then(|| met.collect())
    }

    fn is_met(&self, figure: f64) -> bool {
        match self.comparison {
            Comparing::Above => figure > self.limit,
            Comparing::AtLeast => figure >= self.limit,
            Comparing::Below => figure < self.limit,
            Comparing::AtMost => figure <= self.limit,
        }
    }

    fn of_results(&self, report: &BenchReport) -> Vec<(String, f64)> {
        let figures = report.results.iter().filter_map(|result| {
            let figure = self.figure(result)?;
            Some((sentences::place(result), figure))
        });
        figures.collect()
    }

    /// A latency without any result is none.
    fn figure(&self, result: &BenchResult) -> Option<f64> {
        let latency = |of: fn(&Latency) -> f64| (result.count > 0).then(|| of(&result.latency_us));
        match self.metric {
            Metric::Min => latency(|latency| latency.min),
            Metric::P50 => latency(|latency| latency.p50),
            Metric::P90 => latency(|latency| latency.p90),
            Metric::P99 => latency(|latency| latency.p99),
            Metric::P999 => latency(|latency| latency.p999),
            Metric::Max => latency(|latency| latency.max),
            Metric::Throughput => Some(result.throughput_per_s),
            Metric::Errors => Some(result.errors as f64),
            Metric::ErrorShare => {
                let all = result.errors + result.count;
                (all > 0).then(|| result.errors as f64 / all as f64)
            }
            Metric::Cpu => result.server?.cpu_us_per_call,
            Metric::Rss | Metric::Startup | Metric::Ratio => None,
        }
    }

    fn of_targets(&self, report: &BenchReport) -> Vec<(String, f64)> {
        let figures = report.targets.iter().filter_map(|target| {
            let server = target.server?;
            let figure = match self.metric {
                Metric::Startup => server.startup_ms? * 1e3,
                _ => server.rss_bytes? as f64,
            };
            Some((target.name.clone(), figure))
        });
        figures.collect()
    }
}

/// What the machine did not allow to tell is no figure.
fn of_comparisons(report: &BenchReport) -> Vec<(String, f64)> {
    let comparisons = report.comparisons.iter();
    let told = comparisons.filter(|comparison| comparison.outcome != Outcome::TooNoisy);
    told.map(|comparison| {
        let Comparison {
            target, baseline, ..
        } = comparison;
        let place = format!("{target} against {baseline}: {}", comparison.load());
        (place, comparison.ratio)
    })
    .collect()
}

fn shown(metric: Metric, value: f64) -> String {
    match metric.unit() {
        _ if metric == Metric::ErrorShare => format!("{} %", text::figure(value * 100.0)),
        Unit::Time => text::time(value),
        Unit::Rate => format!("{}/s", text::figure(value)),
        Unit::Bytes => text::bytes(value as u64),
        Unit::Count => text::number(value),
        Unit::Factor => text::figure(value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bench::diagnose::testing::{http, result};

    fn parse(text: &str) -> Result<(Metric, Comparing, f64), String> {
        let condition = text.parse::<Condition>()?;
        Ok((condition.metric, condition.comparison, condition.limit))
    }

    #[test]
    fn what_can_be_said() {
        let table = [
            ("p99 > 5ms", (Metric::P99, Comparing::Above, 5e3)),
            ("p99.9>=1.5s", (Metric::P999, Comparing::AtLeast, 1.5e6)),
            (
                "throughput < 1000/s",
                (Metric::Throughput, Comparing::Below, 1e3),
            ),
            ("errors > 0", (Metric::Errors, Comparing::Above, 0.0)),
            ("errors > 1%", (Metric::ErrorShare, Comparing::Above, 0.01)),
            (
                "rss > 200 MiB",
                (Metric::Rss, Comparing::Above, 200.0 * 1048576.0),
            ),
            ("ratio > 1.1", (Metric::Ratio, Comparing::Above, 1.1)),
            ("startup<=300ms", (Metric::Startup, Comparing::AtMost, 3e5)),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_with_a_remedy() {
        let table = [
            ("p99", "no <, <=, > or >="),
            ("p98 > 5ms", "\"p98\" in front of the sign"),
            ("p99 = 5ms", "equality is never exact"),
            ("p99 > fast", "begins with no number"),
            ("p99 > 5", "has no unit"),
            ("p99 > 5MiB", "5ms (ns, us, ms, s or m)"),
            ("rss > 5ms", "200MiB"),
            ("ratio > 1.1ms", "does not fit"),
        ];
        for (text, expected) in table {
            let message = parse(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn what_was_not_measured_keeps_no_limit() {
        let mut report = http([result(1, 0).times(&[(100.0, 10)])]);
        let holds = |text: &str, report: &BenchReport| {
            let condition: Condition = text.parse().unwrap();
            condition.holds(report)
        };
        assert_eq!(holds("rss > 1B", &report), None);
        assert_eq!(holds("ratio > 0.1", &report), None);
        assert_eq!(holds("p99 > 1s", &report), Some(vec![]));
        assert_eq!(holds("p99 > 1ns", &report).unwrap().len(), 1);
        report.results[0].errors = 10;
        let told = holds("errors > 1%", &report).unwrap();
        assert_eq!(told, ["a: ping, 1 at a time: 50.0 %"]);
        report.results[0].count = 0;
        assert_eq!(holds("p99 > 1ns", &report), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = parse(&text);
        }

        #[test]
        fn one_sign_is_the_other_turned_round(limit in 0u32..1000, figure in 0u32..1000) {
            let is_met = |sign: &str| {
                let condition: Condition = format!("max {sign} {limit}us").parse().unwrap();
                condition.is_met(f64::from(figure))
            };
            prop_assert_eq!(is_met(">"), !is_met("<="));
            prop_assert_eq!(is_met("<"), !is_met(">="));
            prop_assert_eq!(is_met(">"), figure > limit);
        }
    }
}
