//! Measuring for an hour takes no more memory than measuring for a second: ten times as many calls need as much.
//!
//! Counted with an allocator that counts, in a program of its own: nothing else runs beside it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use mcp_conform::bench::lane::{Lane, Reach};
use mcp_conform::bench::message::Template;
use mcp_conform::bench::pace::{Load, Patience};
use mcp_conform::bench::samples::Samples;
use mcp_conform::host::Host;
use mcp_conform::revision::Revision;
use mcp_conform::target::{CommandLine, Endpoint};
use mcp_conform::transport::Transport;
use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");
const CALLS: u64 = 1_000;
/// What threads of the standard library and of the runtime may need now and then.
const SLACK: usize = 16 << 10;

/// What was held in the end, and the most that was held meanwhile, beyond what was held before.
fn held(lane: &mut Lane, calls: u64) -> (usize, usize) {
    let stop = AtomicBool::new(false);
    let load = Load {
        concurrency: 8,
        duration: Duration::from_secs(600),
        calls,
        rate: None,
        late: Duration::ZERO,
        timeout: Duration::from_secs(60),
        stop: &stop,
    };
    let ping = Template::new(Revision::V2025_11_25, "ping", None, &Arc::default());
    let before = COUNTED.current_usage();
    COUNTED.reset_peak_usage();
    let mut samples = Samples::new();
    lane.run(&ping, load, &mut samples).unwrap();
    assert_eq!((samples.count(), samples.failed()), (calls, 0));
    let held = COUNTED.current_usage().saturating_sub(before);
    (held, COUNTED.peak_usage().saturating_sub(before))
}

fn assert_constant(reach: &Reach) {
    let stop = AtomicBool::new(false);
    let patience = Patience {
        timeout: Duration::from_secs(60),
        stop: &stop,
    };
    let mut lane = Lane::open(reach, Revision::V2025_11_25, patience).unwrap();
    // Buffers find their size.
    held(&mut lane, CALLS);
    let (few_held, few_peak) = held(&mut lane, CALLS);
    let (many_held, many_peak) = held(&mut lane, 10 * CALLS);
    let more = |many: usize, few: usize| many.saturating_sub(few);
    assert!(
        more(many_held, few_held) <= SLACK,
        "{few_held}, then {many_held} bytes"
    );
    assert!(
        more(many_peak, few_peak) <= SLACK,
        "{few_peak}, then {many_peak} bytes at most"
    );
    // If calls were kept, that would be seen: an id and a time are 16 bytes at least.
    assert!(SLACK < 9 * 16 * CALLS as usize, "the slack would hide it");
    lane.close(patience);
}

#[test]
fn ten_times_as_many_calls_need_the_same_memory() {
    assert_constant(&Reach::Stdio(CommandLine {
        words: [PROGRAM, "serve", "--stdio", "--log", "off"]
            .map(str::to_owned)
            .to_vec(),
        ..CommandLine::default()
    }));
    let host = Host::new(Endpoint::reference(PROGRAM, Transport::Http, &[]));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let connected = runtime.block_on(host.connect()).unwrap();
    assert_constant(&Reach::Http(connected.address.unwrap(), Vec::new()));
    runtime.block_on(host.stop());
}
