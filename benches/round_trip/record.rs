//! Everything in turns, round by round, so that whatever else the machine does hits all of them.

use std::time::{Duration, Instant};

use mcp_conform::bench::samples::Samples;
use mcp_conform::transport::Transport;
use serde_json::{Value, json};

use crate::calls::Requests;
use crate::common;
use crate::peer::{Kind, Peer};
use crate::placement::{PROCESSORS, Placement};
use crate::{Load, calls::Call};

/// How often everybody is started: two processes of one program may differ by a tenth for as long as they live.
const STARTS: usize = 7;
/// How many rounds there are with each.
const ROUNDS: usize = 3;
/// How long the calls of one turn take, about.
const TURN: Duration = Duration::from_millis(40);

/// Measures all loads and writes reports/round-trip.json.
pub fn record() {
    let loads: Vec<Value> = Load::all().into_iter().map(measured).collect();
    let record = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "command": "cargo bench --bench round_trip -- record",
        "processors": *PROCESSORS,
        "processor": common::processor(),
        "starts": STARTS,
        "rounds": STARTS * ROUNDS,
        "measuring": measuring(),
        "targets": targets(&loads),
        "loads": loads,
    });
    common::save("round-trip.json", &record);
}

/// What it costs `bench` to look at the clock and to record: what is added to each call.
fn measuring() -> Value {
    const CALLS: u32 = 1_000_000;
    let mut samples = Samples::new();
    let begun = Instant::now();
    for _ in 0..CALLS {
        let asked = std::hint::black_box(Instant::now());
        samples.record(asked.elapsed(), 100);
    }
    let ns = begun.elapsed().as_nanos() as f64 / f64::from(CALLS);
    assert_eq!(samples.count(), u64::from(CALLS));
    json!({ "ns_per_call": rounded(ns), "at_most": 1000, "kept": ns <= 1000.0 })
}

fn measured(load: Load) -> Value {
    let kinds = load.kinds().iter();
    let mut results: Vec<Measured> = kinds.map(|kind| Measured::of(*kind)).collect();
    for start in 0..STARTS {
        let kinds = load.kinds().iter();
        let mut contenders: Vec<Contender> =
            kinds.map(|kind| Contender::start(*kind, load)).collect();
        for round in 0..ROUNDS {
            // Everyone begins as often as the others.
            for turn in 0..contenders.len() {
                let next = (start + round + turn) % contenders.len();
                results[next].us_per_call.push(contenders[next].turn());
            }
        }
    }
    let (ours, floors) = results.split_first().unwrap();
    let floors: Vec<Value> = floors.iter().map(|floor| ours.against(floor)).collect();
    let row = json!({
        "placement": load.placement.as_str(),
        "transport": load.transport,
        "era": load.call.era(),
        "payload": load.call.payload,
        "concurrency": load.concurrency,
        "request_bytes": Requests::new(load.call, "").len(),
        "us_per_call": rounded(median(ours.us_per_call.clone())),
        "floors": floors,
    });
    println!("{row}");
    row
}

fn targets(loads: &[Value]) -> Vec<Value> {
    let transports = [Transport::Stdio, Transport::Http].into_iter();
    transports
        .flat_map(|transport| {
            let placements = Placement::all().iter();
            placements.map(move |placement| target(transport, *placement, loads))
        })
        .collect()
}

/// What was promised of a call with 100 bytes, in both eras, and what was measured.
fn target(transport: Transport, placement: Placement, loads: &[Value]) -> Value {
    let (floor, at_most) = match transport {
        Transport::Stdio => (Kind::Pipe, 1.5),
        Transport::Http | Transport::Sse => (Kind::Hyper, 1.3),
    };
    let of = |modern| {
        let era = Call {
            payload: 100,
            modern,
        }
        .era();
        let row = loads.iter().find(|row| {
            row["transport"] == json!(transport)
                && row["placement"] == placement.as_str()
                && row["era"] == era
                && row["payload"] == 100
                && row["concurrency"] == 1
        });
        let floors = row.unwrap()["floors"].as_array().unwrap();
        let floor = floors.iter().find(|row| row["floor"] == floor.as_str());
        floor.unwrap()["ratio"].as_f64().unwrap()
    };
    let (legacy, modern) = (of(false), of(true));
    json!({
        "what": format!("{transport}, 100 bytes of payload, one call at a time"),
        "placement": placement.as_str(),
        "floor": floor.as_str(),
        "at_most": at_most,
        "legacy": legacy,
        "modern": modern,
        "kept": legacy <= at_most && modern <= at_most,
    })
}

/// Somebody who is called.
struct Contender {
    peer: Peer,
    calls: u64,
}

impl Contender {
    /// Starts and warms up, which says how many calls make a turn.
    fn start(kind: Kind, load: Load) -> Contender {
        let mut peer = Peer::start(kind, load);
        let warm = 20 * load.concurrency as u64;
        peer.calls(warm);
        let each = peer.calls(warm).div_f64(warm as f64);
        let calls = (TURN.as_secs_f64() / each.as_secs_f64()) as u64;
        let calls = calls.max(warm);
        Contender { peer, calls }
    }

    /// The time of a call, in microseconds.
    fn turn(&mut self) -> f64 {
        let time = self.peer.calls(self.calls);
        time.as_secs_f64() * 1e6 / self.calls as f64
    }
}

/// What was measured of a kind, a figure a round.
struct Measured {
    kind: Kind,
    us_per_call: Vec<f64>,
}

impl Measured {
    fn of(kind: Kind) -> Measured {
        Measured {
            kind,
            us_per_call: Vec::new(),
        }
    }

    /// The median of what the rounds say: how many times the time of the floor ours is.
    fn against(&self, floor: &Measured) -> Value {
        let pairs = self.us_per_call.iter().zip(&floor.us_per_call);
        let ratios: Vec<f64> = pairs.map(|(ours, floor)| ours / floor).collect();
        json!({
            "floor": floor.kind.as_str(),
            "us_per_call": rounded(median(floor.us_per_call.clone())),
            "ratio": rounded(median(ratios)),
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
