//! One ping to the reference server, as the harness sends it: over stdio and over HTTP. Beside it the floor: the same
//! bytes over the same pipes, with nothing of the harness in between.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on fails"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use mcp_conform::drive::{Session, Spec};
use mcp_conform::host::Host;
use mcp_conform::redact::Redactor;
use mcp_conform::revision::Revision;
use mcp_conform::target::Endpoint;
use mcp_conform::transport::Transport;
use serde_json::json;
use tokio::runtime::Runtime;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");
/// A session remembers everything: it is renewed before that costs anything.
const PER_SESSION: u64 = 500;

fn over(transport: Transport) -> Endpoint {
    Endpoint::reference(PROGRAM, transport, &[])
}

async fn open(host: &Arc<Host>) -> Session {
    let spec = Spec {
        host: host.clone(),
        revision: Revision::V2025_11_25,
        client: json!({}),
        timeout: Duration::from_secs(10),
        redactor: Redactor::default(),
        vars: Arc::default(),
        tools: Arc::default(),
    };
    let mut session = Session::connect(spec).await.unwrap();
    assert!(session.open().await);
    session
}

/// The time of so many pings, without that of opening sessions.
async fn pings(host: &Arc<Host>, count: u64) -> Duration {
    let mut total = Duration::ZERO;
    let mut left = count;
    while left > 0 {
        let mut session = open(host).await;
        let some = left.min(PER_SESSION);
        let started = Instant::now();
        for _ in 0..some {
            let sent = session.ask("ping", None).await;
            assert!(session.answer_to(sent).is_some());
        }
        total += started.elapsed();
        session.close().await;
        left -= some;
    }
    total
}

/// A child, its input, and its output by lines.
struct Bare(Child);

impl Bare {
    fn start() -> Bare {
        let mut command = Command::new(PROGRAM);
        command
            .args(["serve", "--stdio", "--log", "off"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Bare(command.spawn().unwrap())
    }

    fn pings(&mut self, count: u64) -> Duration {
        let mut input = self.0.stdin.take().unwrap();
        let mut output = BufReader::new(self.0.stdout.take().unwrap());
        let mut line = String::new();
        let started = Instant::now();
        for id in 0..count {
            writeln!(input, r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#).unwrap();
            line.clear();
            output.read_line(&mut line).unwrap();
            assert!(line.contains("result"), "{line}");
        }
        let elapsed = started.elapsed();
        drop(input);
        self.0.wait().unwrap();
        elapsed
    }
}

fn round_trip(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("round_trip");
    for transport in [Transport::Stdio, Transport::Http] {
        let endpoint = over(transport);
        let host = Arc::new(Host::new(endpoint));
        group.bench_function(transport.as_str(), |bencher| {
            bencher.iter_custom(|count| runtime.block_on(pings(&host, count)));
        });
        runtime.block_on(host.stop());
    }
    group.bench_function("stdio-floor", |bencher| {
        bencher.iter_custom(|count| Bare::start().pings(count))
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    targets = round_trip
}
criterion_main!(benches);
