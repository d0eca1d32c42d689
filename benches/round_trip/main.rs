//! What a call to the reference server costs, beside floors that cost nothing but the way: a bare echo over pipes to a
//! child, a bare echo over loopback TCP, and a minimal hyper server that is asked by the same client. Both ends on one processor,
//! and each on its own.
//!
//!     cargo bench --bench round_trip              criterion; then everything in turns, into reports/round-trip.json
//!     cargo bench --bench round_trip -- PATTERN   criterion only
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on fails"
)]

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod floor;
mod http;
mod peer;
mod pipe;
mod placement;
mod record;

use std::time::Duration;

use criterion::Criterion;
use mcp_conform::transport::Transport;

use calls::Call;
use peer::{Kind, Peer};
use placement::Placement;

/// How many bytes of payload the call carries; 0 is a call without arguments.
const PAYLOADS: [usize; 5] = [0, 100, 1_000, 10_000, 100_000];
/// How many calls are under way at once.
const CONCURRENCY: [usize; 3] = [1, 8, 32];

/// One thing to measure, whoever answers.
#[derive(Debug, Clone, Copy)]
struct Load {
    transport: Transport,
    call: Call,
    concurrency: usize,
    placement: Placement,
}

impl Load {
    fn all() -> Vec<Load> {
        let placements = Placement::all().iter();
        placements
            .flat_map(|placement| Load::at(*placement))
            .collect()
    }

    /// Every payload with one call at a time, then every concurrency with the smallest payload that is one.
    fn at(placement: Placement) -> Vec<Load> {
        let mut loads = Vec::new();
        for transport in [Transport::Stdio, Transport::Http] {
            for modern in [false, true] {
                let load = |payload, concurrency| Load {
                    transport,
                    call: Call { payload, modern },
                    concurrency,
                    placement,
                };
                loads.extend(PAYLOADS.map(|payload| load(payload, 1)));
                loads.extend(CONCURRENCY[1..].iter().map(|many| load(100, *many)));
            }
        }
        loads
    }

    fn kinds(self) -> &'static [Kind] {
        match (self.transport, self.concurrency) {
            (Transport::Stdio, _) => &[Kind::Reference, Kind::Pipe],
            (_, 1) => &[Kind::Reference, Kind::Hyper, Kind::Tcp],
            _ => &[Kind::Reference, Kind::Hyper],
        }
    }

    fn name(self) -> String {
        let Load {
            transport,
            call,
            concurrency,
            placement,
        } = self;
        let (era, placement) = (call.era(), placement.as_str());
        let payload = call.payload;
        format!("{transport}/{era}/{payload}-bytes/{concurrency}/{placement}")
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["pipe-echo"] => floor::pipe_echo(),
        ["tcp-echo"] => floor::tcp_echo(),
        ["hyper-echo"] => floor::hyper_echo(),
        ["record", "--bench"] => record::record(),
        ["--bench"] => {
            criterion();
            record::record();
        }
        // `cargo test --benches` only wants to know that it can be built.
        words if words.contains(&"--bench") => criterion(),
        _ => {}
    }
}

fn criterion() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(10)
        .configure_from_args();
    for load in Load::all() {
        let mut group = criterion.benchmark_group(load.name());
        for kind in load.kinds() {
            group.bench_function(kind.as_str(), |bencher| {
                let mut peer = Peer::start(*kind, load);
                bencher.iter_custom(|count| peer.calls(count));
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
