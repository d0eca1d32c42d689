//! What the harness does with messages, apart from waiting for them: framing, event streams, wire schemas, judging,
//! planning. `cargo bench --bench parts`
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on fails"
)]

use std::process::{Command, Stdio};
use std::sync::LazyLock;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mcp_conform::catalog::{Catalog, Selection};
use mcp_conform::judge;
use mcp_conform::plan::plan;
use mcp_conform::revision::Revision;
use mcp_conform::transcript::{Entry, Transcript};
use mcp_conform::transport::{Lines, SseParser};
use mcp_conform::wire;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");
/// How many messages are framed at once, so that one is not lost in what measuring costs.
const MESSAGES: u64 = 1_000;

fn answer(id: u64, payload: usize) -> Value {
    let text = "x".repeat(payload);
    let result = json!({ "content": [{ "type": "text", "text": text }], "isError": false });
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn answers(before: &str, after: &str) -> Vec<u8> {
    let one = |id| format!("{before}{}{after}", answer(id, 100));
    (0..MESSAGES).map(one).collect::<String>().into_bytes()
}

fn framing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("framing");
    group.throughput(Throughput::Elements(MESSAGES));
    let lines = answers("", "\n");
    group.bench_function("lines", |bencher| {
        bencher.iter(|| {
            let mut lines = Lines::new(lines.as_slice());
            while let Some(line) = lines.next_line().unwrap() {
                std::hint::black_box(line);
            }
        });
    });
    let events = answers("event: message\nid: 1\ndata: ", "\n\n");
    group.bench_function("events", |bencher| {
        bencher.iter(|| {
            let pieces = events.chunks(1_400);
            let mut parser = SseParser::default();
            let count: usize = pieces.map(|piece| parser.feed(piece).len()).sum();
            assert_eq!(count as u64, MESSAGES);
        });
    });
    group.finish();
}

fn schemas(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire-schema");
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let mut message = answer(1, 100);
        message["result"]["resultType"] = json!("complete");
        let schemas = wire::schemas(revision).unwrap();
        assert!(
            schemas
                .server_message(&message, Some("tools/call"))
                .is_empty()
        );
        group.bench_function(revision.as_str(), |bencher| {
            bencher.iter(|| schemas.server_message(&message, Some("tools/call")));
        });
    }
    group.finish();
}

/// The sessions of a whole run over stdio, as they were recorded.
static RECORDED: LazyLock<Vec<Transcript>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(PROGRAM)
        .args(["check", "--report", "json", "--save-transcripts"])
        .arg(folder.path())
        .args(["--", PROGRAM, "serve", "--stdio", "--log", "off"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(run.status.success());
    let files = std::fs::read_dir(folder.path()).unwrap();
    files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .map(|text| Transcript::read(&text).unwrap())
        .collect()
});

fn judging(criterion: &mut Criterion) {
    let catalog = Catalog::builtin().unwrap();
    let mut group = criterion.benchmark_group("judging");
    group.sample_size(10);
    let trials = judge::replay(&RECORDED, &catalog).unwrap().len();
    group.throughput(Throughput::Elements(trials as u64));
    group.bench_function("all-sessions-of-a-run", |bencher| {
        // What was parsed is kept in the entries: each time they are as they were read.
        let fresh = || {
            let mut sessions = RECORDED.clone();
            let entries = sessions.iter_mut().flat_map(|session| &mut session.entries);
            entries.for_each(Entry::forget_json);
            sessions
        };
        bencher.iter_batched(
            fresh,
            |sessions| judge::replay(&sessions, &catalog).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn planning(criterion: &mut Criterion) {
    let catalog = Catalog::builtin().unwrap();
    let profile = &RECORDED.first().unwrap().header.profile;
    let everything = Selection::new(&[]).unwrap();
    let mut group = criterion.benchmark_group("planning");
    let trials = plan(&catalog, profile, &everything).trials();
    group.throughput(Throughput::Elements(trials as u64));
    group.bench_function("the-catalog", |bencher| {
        bencher.iter(|| plan(&catalog, profile, &everything));
    });
    group.bench_function("reading-the-catalog", |bencher| {
        bencher.iter(|| Catalog::builtin().unwrap());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots();
    targets = framing, schemas, judging, planning
}
criterion_main!(benches);
