//! What came out, as JSON and as a table, and whether it is what we promise.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::server::HttpServer;
use crate::subscriptions::Cost;
use crate::{Failure, Played, histogram};

/// A plateau: what waits for a delayed acknowledgement takes 40 ms.
const PLATEAU_NS: u64 = 35_000_000;
/// What a subscription may cost.
const SUBSCRIPTION_KIB: f64 = 32.0;

/// One server under one load.
pub struct Contender {
    name: String,
    times: Histogram<u64>,
    seconds: f64,
    /// The medians of the rounds, in nanoseconds.
    medians: Vec<u64>,
}

impl Contender {
    /// A server that has not had its turn yet.
    pub fn new(name: &str) -> Result<Self, Failure> {
        Ok(Self {
            name: name.into(),
            times: histogram()?,
            seconds: 0.0,
            medians: Vec::new(),
        })
    }

    /// Adds a turn.
    pub fn add(&mut self, played: &Played) -> Result<(), Failure> {
        self.times.add(&played.times)?;
        self.seconds += played.seconds;
        self.medians.push(played.times.value_at_quantile(0.5));
        Ok(())
    }

    fn at(&self, quantile: f64) -> f64 {
        self.times.value_at_quantile(quantile) as f64 / 1000.0
    }

    fn plateau(&self) -> u64 {
        self.times.count_between(PLATEAU_NS, u64::MAX)
    }

    fn to_value(&self) -> Value {
        let tenths = |us: f64| (us * 10.0).round() / 10.0;
        let medians = self.medians.iter().map(|ns| tenths(*ns as f64 / 1000.0));
        json!({
            "server": self.name,
            "calls": self.times.len(),
            "p50_us": tenths(self.at(0.5)),
            "p90_us": tenths(self.at(0.9)),
            "p99_us": tenths(self.at(0.99)),
            "max_us": tenths(self.at(1.0)),
            "calls_per_second": (self.times.len() as f64 / self.seconds).round(),
            "over_35_ms": self.plateau(),
            "p50_us_of_each_round": medians.collect::<Vec<_>>(),
        })
    }
}

/// All servers under the same load.
pub struct Load {
    /// `http` or `stdio`.
    pub transport: &'static str,
    /// How many calls were made at a time.
    pub connections: usize,
    /// Ours comes first, then the one it is compared with.
    pub contenders: Vec<Contender>,
}

impl Load {
    /// A load over HTTP.
    pub fn http(connections: usize, servers: &[HttpServer]) -> Result<Self, Failure> {
        let contenders = servers.iter().map(|server| Contender::new(&server.name));
        Ok(Self {
            transport: "http",
            connections,
            contenders: contenders.collect::<Result<_, _>>()?,
        })
    }

    fn name(&self) -> String {
        match self.connections {
            1 => format!("{}, one call at a time", self.transport),
            many => format!("{}, {many} connections", self.transport),
        }
    }

    /// The largest ratio of medians that we promise.
    fn promise(&self) -> f64 {
        match (self.transport, self.connections) {
            ("stdio", _) => 0.8,
            (_, 1) => 0.9,
            _ => 0.6,
        }
    }
}

/// Something we promise, and whether it holds.
struct Promise {
    what: String,
    measured: f64,
    at_most: f64,
}

impl Promise {
    fn is_kept(&self) -> bool {
        self.measured <= self.at_most
    }
}

/// Everything that was measured.
#[derive(Default)]
pub struct Report {
    rounds: usize,
    /// In the order in which they were played.
    pub loads: Vec<Load>,
    /// Server, transport and bytes.
    resident: Vec<(String, &'static str, u64)>,
    /// What subscriptions cost, if that was measured.
    pub subscriptions: Option<Cost>,
}

impl Report {
    /// An empty report on that many rounds.
    pub fn new(rounds: usize) -> Self {
        Self {
            rounds,
            ..Self::default()
        }
    }

    /// Adds what a server keeps in memory after its loads, in bytes.
    pub fn resident(&mut self, server: &str, transport: &'static str, bytes: u64) {
        self.resident.push((server.into(), transport, bytes));
    }

    /// Whether all that we promise holds.
    pub fn is_kept(&self) -> bool {
        self.promises().iter().all(Promise::is_kept)
    }

    fn promises(&self) -> Vec<Promise> {
        let mut promises = Vec::new();
        let mut promise = |what: String, measured: f64, at_most: f64| {
            promises.push(Promise {
                what,
                measured,
                at_most,
            });
        };
        for load in &self.loads {
            let [ours, theirs, ..] = &load.contenders[..] else {
                continue;
            };
            let ratio = |quantile| ours.at(quantile) / theirs.at(quantile);
            let name = load.name();
            promise(format!("{name}: p50, ratio"), ratio(0.5), load.promise());
            if load.transport == "http" {
                promise(format!("{name}: p99, ratio"), ratio(0.99), 1.0);
                promise(
                    format!("{name}: calls over 35 ms"),
                    ours.plateau() as f64,
                    0.0,
                );
            }
        }
        for transport in ["http", "stdio"] {
            let mut bytes = self.resident.iter().filter(|(_, of, _)| *of == transport);
            if let (Some(ours), Some(theirs)) = (bytes.next(), bytes.next()) {
                let ratio = ours.2 as f64 / theirs.2 as f64;
                promise(format!("{transport}: resident memory, ratio"), ratio, 1.0);
            }
        }
        if let Some(cost) = &self.subscriptions {
            let what = "KiB for each open subscription".into();
            promise(what, cost.each as f64 / 1024.0, SUBSCRIPTION_KIB);
        }
        promises
    }

    /// Writes PATH.json and PATH.md, and the latter to standard output.
    pub fn tell(&self, path: Option<&Path>) -> Result<(), Failure> {
        let table = self.to_markdown()?;
        print!("{table}");
        if let Some(path) = path {
            fs::write(
                path.with_extension("json"),
                format!("{:#}\n", self.to_value()),
            )?;
            fs::write(path.with_extension("md"), table)?;
        }
        Ok(())
    }

    fn to_value(&self) -> Value {
        let load = |load: &Load| {
            let contenders = load.contenders.iter().map(Contender::to_value);
            json!({
                "transport": load.transport,
                "connections": load.connections,
                "servers": contenders.collect::<Vec<_>>(),
            })
        };
        let resident = self.resident.iter().map(|(server, transport, bytes)| {
            json!({"server": server, "transport": transport, "bytes": bytes})
        });
        let promises = self.promises();
        let promises = promises.iter().map(|promise| {
            json!({
                "what": promise.what,
                "measured": (promise.measured * 1000.0).round() / 1000.0,
                "at_most": promise.at_most,
                "kept": promise.is_kept(),
            })
        });
        json!({
            "machine": machine(),
            "rounds": self.rounds,
            "loads": self.loads.iter().map(load).collect::<Vec<_>>(),
            "resident_after_load": resident.collect::<Vec<_>>(),
            "subscriptions": self.subscriptions,
            "promises": promises.collect::<Vec<_>>(),
        })
    }

    fn to_markdown(&self) -> Result<String, Failure> {
        let mut text = String::new();
        writeln!(
            text,
            "Measured on {}, in {} rounds.\n",
            machine(),
            self.rounds
        )?;
        writeln!(
            text,
            "| load | server | calls | p50 | p99 | max | calls/s | over 35 ms |"
        )?;
        writeln!(text, "| --- | --- | --: | --: | --: | --: | --: | --: |")?;
        for load in &self.loads {
            for server in &load.contenders {
                let (name, calls) = (load.name(), server.times.len());
                let [p50, p99, max] = [0.5, 0.99, 1.0].map(|quantile| server.at(quantile));
                let rate = calls as f64 / server.seconds;
                let (server, slow) = (&server.name, server.plateau());
                writeln!(
                    text,
                    "| {name} | {server} | {calls} | {p50:.0} us | {p99:.0} us | {max:.0} us | {rate:.0} | {slow} |"
                )?;
            }
        }
        writeln!(
            text,
            "\n| resident memory after the load | KiB |\n| --- | --: |"
        )?;
        for (server, transport, bytes) in &self.resident {
            writeln!(text, "| {server}, {transport} | {} |", bytes / 1024)?;
        }
        if let Some(cost) = &self.subscriptions {
            let (count, [before, open, told]) = (
                cost.subscriptions,
                [cost.before, cost.open, cost.told].map(|bytes| bytes / 1024),
            );
            writeln!(text, "| mcp-reference-server, new | {before} |")?;
            writeln!(text, "| with {count} open subscriptions | {open} |")?;
            writeln!(text, "| after all of them were told of a change | {told} |")?;
        }
        writeln!(
            text,
            "\n| ours against rmcp | measured | at most | |\n| --- | --: | --: | --- |"
        )?;
        for promise in self.promises() {
            let kept = if promise.is_kept() { "kept" } else { "MISSED" };
            let (what, measured, at_most) = (&promise.what, promise.measured, promise.at_most);
            writeln!(text, "| {what} | {measured:.2} | {at_most} | {kept} |")?;
        }
        Ok(text)
    }
}

/// What it was measured on.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model
        .and_then(|line| line.split_once(": "))
        .map(|(_, model)| model);
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{} ({processors} processors)",
        model.unwrap_or("an unknown processor")
    )
}
