//! What is drawn: distributions by transport, and latency and throughput against what was varied.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::chart::{self, Axis, Line, Stroke};
use crate::bench::report::{BenchReport, BenchResult};
use crate::bench::text;
use crate::transport::Transport;

/// One of them.
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// How it is read.
    pub note: &'static str,
    /// The drawing.
    pub svg: String,
    /// The names of the lines.
    pub legend: Vec<Entry>,
}

/// The name of a line, with the number of its color.
pub struct Entry {
    /// Whose line it is.
    pub name: String,
    /// The place of its color.
    pub color: usize,
}

/// All for which there is something to draw. What can be compared has the same scale, whatever the transport.
pub fn plots(report: &BenchReport) -> Result<Vec<Plot>, String> {
    let mut plots = Vec::new();
    let simplest = report
        .targets
        .iter()
        .filter_map(|target| simplest(report, &target.name));
    let times = simplest.flat_map(|result| result.distribution.iter().map(|bucket| bucket.0));
    let y = Axis::logarithmic(times, tick);
    for transport in Transport::ALL {
        plots.extend(distribution(report, transport, &y)?);
    }
    for (varied, measured) in [
        (&CONCURRENCY, &LATENCY),
        (&CONCURRENCY, &THROUGHPUT),
        (&PAYLOAD, &LATENCY),
    ] {
        let all = Transport::ALL.map(|transport| series(report, transport, varied));
        let shown = all
            .iter()
            .flatten()
            .flat_map(|series| series.steps.iter().copied());
        let y = Axis::logarithmic(shown.flat_map(|result| measured.all(result)), measured.show);
        for (transport, series) in Transport::ALL.into_iter().zip(&all) {
            plots.extend(against(transport, series, varied, measured, &y)?);
        }
    }
    Ok(plots)
}

/// The targets that are reached that way; their places are those of their colors.
fn targets(report: &BenchReport, transport: Transport) -> Vec<&str> {
    let targets = report.targets.iter();
    targets
        .filter(|target| target.transport == transport)
        .map(|target| target.name.as_str())
        .collect()
}

fn results<'a>(report: &'a BenchReport, target: &str) -> impl Iterator<Item = &'a BenchResult> {
    report
        .results
        .iter()
        .filter(move |result| result.target == target && result.count > 0)
}

fn title(transport: Transport) -> &'static str {
    match transport {
        Transport::Stdio => "stdio",
        Transport::Http => "HTTP",
        Transport::Sse => "HTTP+SSE",
    }
}

/// What is measured where nothing is varied.
fn simplest<'a>(report: &'a BenchReport, target: &str) -> Option<&'a BenchResult> {
    results(report, target).min_by_key(|result| (result.concurrency, result.payload))
}

/// How many of ten, hundred, thousand calls took no longer than what.
fn distribution(
    report: &BenchReport,
    transport: Transport,
    y: &Axis,
) -> Result<Option<Plot>, String> {
    let drawn: Vec<_> = targets(report, transport)
        .into_iter()
        .enumerate()
        .filter_map(|(color, target)| Some((color, target, quantiles(simplest(report, target)?))))
        .collect();
    let last = drawn.iter().filter_map(|(_, _, points)| points.last());
    let most = last.map(|point| point.0).fold(1.0, f64::max);
    let names = [
        "0",
        "90 %",
        "99 %",
        "99.9 %",
        "99.99 %",
        "99.999 %",
        "99.9999 %",
    ];
    let ticks = (0u32..).map(f64::from).zip(names.map(String::from));
    let x = Axis {
        range: 0.0..most,
        ticks: ticks.filter(|tick| tick.0 <= most).collect(),
    };
    let lines = drawn
        .iter()
        .map(|(color, _, points)| line(*color, points, Stroke::Plain));
    let names = drawn.iter().map(|(color, target, _)| (*color, *target));
    let note = "So many of all calls took no longer than that. The simplest call, as few at a time as were measured.";
    let title = format!("Distribution, {}", title(transport));
    plot(title, note, &x, y, lines.collect(), names)
}

/// Points of the line: 0 for none, 1 for 90 %, 2 for 99 % and so on, and the time.
fn quantiles(result: &BenchResult) -> Vec<(f64, f64)> {
    let all: u64 = result.distribution.iter().map(|bucket| bucket.1).sum();
    let mut below = 0;
    let mut points = Vec::new();
    for bucket in &result.distribution {
        points.push((-((all - below) as f64 / all as f64).log10(), bucket.0));
        below += bucket.1;
    }
    // The slowest call stands for one in so many.
    points.extend(
        result
            .distribution
            .last()
            .map(|bucket| ((all as f64).log10(), bucket.0)),
    );
    points
}

/// What was varied.
struct Varied {
    name: &'static str,
    of: fn(&BenchResult) -> usize,
    /// What stays what it is.
    other: fn(&BenchResult) -> usize,
    show: fn(usize) -> String,
}

const CONCURRENCY: Varied = Varied {
    name: "concurrency",
    of: |result| result.concurrency,
    other: |result| result.payload,
    show: |callers| callers.to_string(),
};
const PAYLOAD: Varied = Varied {
    name: "payload",
    of: |result| result.payload,
    other: |result| result.concurrency,
    show: |size| format!("{} B", short(size as f64)),
};

/// What was measured.
struct Measured {
    name: &'static str,
    note: &'static str,
    of: fn(&BenchResult) -> f64,
    /// A pale line beside it.
    beside: Option<fn(&BenchResult) -> f64>,
    show: fn(f64) -> String,
}

const LATENCY: Measured = Measured {
    name: "Latency",
    note: "The strong line is the median; above the pale one is one call in a hundred.",
    of: |result| result.latency_us.p50,
    beside: Some(|result| result.latency_us.p99),
    show: tick,
};
const THROUGHPUT: Measured = Measured {
    name: "Throughput",
    note: "Answers in a second, of all callers together.",
    of: |result| result.throughput_per_s,
    beside: None,
    show: |rate| format!("{}/s", short(rate)),
};

/// A round number.
fn short(number: f64) -> String {
    match number {
        ..1e3 => format!("{number:.0}"),
        ..1e6 => format!("{}k", number / 1e3),
        _ => format!("{}M", number / 1e6),
    }
}

/// A round time: no digits that say nothing.
fn tick(us: f64) -> String {
    let text = text::time(us);
    match text.split_once(' ') {
        Some((digits, unit)) if digits.contains('.') => {
            let digits = digits.trim_end_matches('0').trim_end_matches('.');
            format!("{digits} {unit}")
        }
        _ => text,
    }
}

impl Measured {
    fn all(&self, result: &BenchResult) -> impl Iterator<Item = f64> + use<> {
        let beside = self.beside.map(|of| of(result));
        std::iter::once((self.of)(result)).chain(beside)
    }
}

/// What is drawn of a target.
struct Series<'a> {
    target: &'a str,
    color: usize,
    steps: Vec<&'a BenchResult>,
}

fn series<'a>(report: &'a BenchReport, transport: Transport, varied: &Varied) -> Vec<Series<'a>> {
    let targets = targets(report, transport).into_iter().enumerate();
    let series = targets.map(|(color, target)| Series {
        target,
        color,
        steps: steps(report, target, varied),
    });
    series.filter(|series| series.steps.len() > 1).collect()
}

/// The results of one call in which only one thing varies: the longest such series, then the simplest.
fn steps<'a>(report: &'a BenchReport, target: &str, varied: &Varied) -> Vec<&'a BenchResult> {
    let mut all: Vec<_> = results(report, target).collect();
    let rest =
        |result: &BenchResult| (result.call.clone(), result.revision, (varied.other)(result));
    all.sort_by_key(|result| (rest(result), (varied.of)(result)));
    let series = all.chunk_by(|a, b| rest(a) == rest(b));
    let longest = series.min_by_key(|series| (Reverse(series.len()), (varied.other)(series[0])));
    longest.unwrap_or_default().to_vec()
}

fn against(
    transport: Transport,
    series: &[Series<'_>],
    varied: &Varied,
    measured: &Measured,
    y: &Axis,
) -> Result<Option<Plot>, String> {
    let all = series.iter().flat_map(|series| &series.steps);
    let places: BTreeSet<usize> = all.map(|result| (varied.of)(result)).collect();
    let x = Axis::of_names(places.iter().map(|place| (varied.show)(*place)));
    let place = |result: &BenchResult| places.range(..(varied.of)(result)).count() as f64;
    let mut lines = Vec::new();
    for series in series {
        let points = |of: fn(&BenchResult) -> f64| -> Vec<(f64, f64)> {
            let steps = series.steps.iter();
            steps.map(|result| (place(result), of(result))).collect()
        };
        let beside = measured
            .beside
            .map(|of| line(series.color, &points(of), Stroke::Pale));
        lines.extend(beside);
        lines.push(line(series.color, &points(measured.of), Stroke::Marked));
    }
    let title = format!(
        "{} against {}, {}",
        measured.name,
        varied.name,
        title(transport)
    );
    let names = series.iter().map(|series| (series.color, series.target));
    plot(title, measured.note, &x, y, lines, names)
}

fn line(color: usize, points: &[(f64, f64)], stroke: Stroke) -> Line {
    let points = points.iter().map(|(x, y)| (*x, y.max(1e-3).log10()));
    Line {
        points: points.collect(),
        color,
        stroke,
    }
}

fn plot<'a>(
    title: String,
    note: &'static str,
    x: &Axis,
    y: &Axis,
    lines: Vec<Line>,
    legend: impl Iterator<Item = (usize, &'a str)>,
) -> Result<Option<Plot>, String> {
    if lines.is_empty() {
        return Ok(None);
    }
    let legend = legend.map(|(color, name)| Entry {
        name: name.to_owned(),
        color: color % chart::COLORS.len(),
    });
    Ok(Some(Plot {
        svg: chart::draw(x, y, &lines)?,
        title,
        note,
        legend: legend.collect(),
    }))
}
