//! The reader of transcripts, and from there the judge, all rules and all reports: what `judge` does with a file.

use std::sync::LazyLock;

use mcp_conform::catalog::Catalog;
use mcp_conform::judge;
use mcp_conform::run::{self, Fixture, Options};
use mcp_conform::target::{Endpoint, TargetInfo};
use mcp_conform::transcript::{Entry, Header, Transcript};
use mcp_conform::transport::Transport;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::json::{Change, any_json, apply, change};
use crate::reports;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::builtin().unwrap());
/// The lines of transcripts at all revisions and over all transports.
static RECORDED: LazyLock<Vec<Vec<String>>> = LazyLock::new(record);

/// Cases that show much in few messages.
const CASES: [&str; 11] = [
    "cancellation/running-call",
    "elicitation/user-declines",
    "http/notification-unknown",
    "malformed/not-json",
    "mrtr/asks-in-rounds",
    "ping/several-at-once",
    "progress/string-token",
    "sse/reconnection",
    "subscriptions/notified-of-tools",
    "tools/list",
    "rule/*",
];

/// Plays a few cases against a server that does some things wrong.
fn record() -> Vec<Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_mcp-conform");
    let flags = [
        "--fault",
        "tool-name-spaces",
        "--fault",
        "progress-stalls",
        "--fault",
        "meta-key-malformed",
    ];
    let options = Options {
        endpoints: Transport::ALL
            .map(|transport| Endpoint::reference(program, transport, &flags))
            .to_vec(),
        target: TargetInfo::default(),
        catalog: Catalog::builtin().unwrap().into(),
        revisions: None,
        select: CASES.map(str::to_owned).to_vec(),
        fixture: Fixture::Auto,
        jobs: 2,
        timeout: std::time::Duration::from_secs(10),
        calls: Vec::new(),
        call_read_only: false,
        save_transcripts: Some(dir.path().to_owned()),
        arguments: ["mcp-conform", "check"].map(str::to_owned).to_vec(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(run::run(options, &mut |_| {})).unwrap();
    assert!(report.summary.pass > 0 && report.summary.fail > 0);
    let files = std::fs::read_dir(dir.path()).unwrap();
    let text = |file: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(file.unwrap().path()).unwrap()
    };
    let lines = |text: String| text.lines().map(str::to_owned).collect();
    files.map(text).map(lines).collect()
}

/// Reads, writes and judges a text; where it is no transcript, that is an error.
fn judge_and_write(text: &str) {
    let Ok(mut transcript) = Transcript::read(text) else {
        return;
    };
    let mut written = Vec::new();
    transcript.write(&mut written).unwrap();
    let read = Transcript::read(str::from_utf8(&written).unwrap()).unwrap();
    assert_eq!(read, transcript);
    // Another catalog is refused, and nothing would be judged.
    transcript.header.catalog.clone_from(&CATALOG.hash);
    if let Ok(trials) = judge::replay(std::slice::from_ref(&transcript), &CATALOG) {
        reports::write(&transcript, trials);
    }
}

/// What may become of one line.
#[derive(Debug, Clone)]
enum Edit {
    /// Anything of the entry.
    Entry(Vec<(Index, Change)>),
    /// Anything of the message that it carries.
    Message(Vec<(Index, Change)>),
    /// Other bytes of the message.
    Bytes(Index, Vec<u8>),
    Remove,
    Repeat,
    SwapWith(Index),
}

fn edit() -> impl Strategy<Value = (Index, Edit)> {
    let changes = || prop::collection::vec(change(), 1..3);
    let what = prop_oneof![
        4 => changes().prop_map(Edit::Entry),
        6 => changes().prop_map(Edit::Message),
        1 => (any::<Index>(), any::<Vec<u8>>()).prop_map(|(at, bytes)| Edit::Bytes(at, bytes)),
        1 => Just(Edit::Remove),
        1 => Just(Edit::Repeat),
        1 => any::<Index>().prop_map(Edit::SwapWith),
    ];
    (any::<Index>(), what)
}

fn edited(lines: &mut Vec<String>, (place, edit): &(Index, Edit)) {
    if lines.len() < 2 {
        return;
    }
    // The first is the header.
    let at = 1 + place.index(lines.len() - 1);
    let parsed = serde_json::from_str::<Value>(&lines[at]);
    match (edit, parsed) {
        (Edit::Entry(changes), Ok(mut entry)) => {
            changes.iter().for_each(|change| apply(&mut entry, change));
            // One line that is no entry would hide the rest from the judge.
            if serde_json::from_value::<Entry>(entry.clone()).is_ok() {
                lines[at] = entry.to_string();
            }
        }
        (Edit::Message(changes), Ok(mut entry)) => {
            let raw = entry["raw"]
                .as_str()
                .and_then(|raw| serde_json::from_str::<Value>(raw).ok());
            if let Some(mut message) = raw {
                changes
                    .iter()
                    .for_each(|change| apply(&mut message, change));
                entry["raw"] = message.to_string().into();
                lines[at] = entry.to_string();
            }
        }
        (Edit::Bytes(place, bytes), Ok(mut entry)) => {
            if let Some(raw) = entry["raw"].as_str() {
                let mut raw = raw.as_bytes().to_vec();
                let from = place.index(raw.len() + 1);
                raw.splice(from.., bytes.iter().copied());
                let raw = mcp_conform::transcript::Raw(raw.into());
                entry["raw"] = serde_json::to_value(raw).unwrap();
                lines[at] = entry.to_string();
            }
        }
        (Edit::Remove, _) => drop(lines.remove(at)),
        (Edit::Repeat, _) => lines.insert(at, lines[at].clone()),
        (Edit::SwapWith(other), _) => {
            let other = 1 + other.index(lines.len() - 1);
            lines.swap(at, other);
        }
        _ => {}
    }
}

#[test]
fn what_was_recorded_is_read_as_it_was_written() {
    assert!(RECORDED.len() >= 8, "several sessions");
    for lines in RECORDED.iter() {
        let text = lines.join("\n") + "\n";
        let mut written = Vec::new();
        Transcript::read(&text)
            .unwrap()
            .write(&mut written)
            .unwrap();
        assert_eq!(str::from_utf8(&written).unwrap(), text);
        judge_and_write(&text);
    }
}

proptest! {
    // Each is judged by all rules.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 8, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text: String) {
        judge_and_write(&text);
    }

    #[test]
    fn any_lines(which: Index, lines in prop::collection::vec(any_json(), 0..6)) {
        let header = which.get(&RECORDED)[0].clone();
        let lines = lines.iter().map(Value::to_string);
        let text: Vec<String> = std::iter::once(header).chain(lines).collect();
        judge_and_write(&text.join("\n"));
    }

    #[test]
    fn changed_transcripts(which: Index, edits in prop::collection::vec(edit(), 1..12)) {
        let mut lines = which.get(&RECORDED).clone();
        edits.iter().for_each(|edit| edited(&mut lines, edit));
        judge_and_write(&lines.join("\n"));
    }

    /// Parsers recurse, and the stack is small.
    #[test]
    fn any_depth(which: Index, at: Index, depth in 1usize..100_000, is_object: bool) {
        let mut lines = which.get(&RECORDED).clone();
        let (open, close) = if is_object { (r#"{"id":"#, "}") } else { ("[", "]") };
        let raw = format!(r#"{{"jsonrpc":"2.0","id":{}1{}}}"#, open.repeat(depth), close.repeat(depth));
        let at = 1 + at.index(lines.len() - 1);
        let kind = if depth % 2 == 0 { "sent" } else { "received" };
        lines[at] = json!({ "at_us": 1, "kind": kind, "raw": raw }).to_string();
        judge_and_write(&lines.join("\n"));
    }

    /// Times and streams that no clock and no connection gives.
    #[test]
    fn any_times(which: Index, times in prop::collection::vec(any::<(Index, u64, u32)>(), 1..8)) {
        let mut lines = which.get(&RECORDED).clone();
        for (at, time, stream) in times {
            let at = 1 + at.index(lines.len() - 1);
            let mut entry: Value = serde_json::from_str(&lines[at]).unwrap();
            entry["at_us"] = time.into();
            entry["stream"] = json!(stream % 40);
            lines[at] = entry.to_string();
        }
        judge_and_write(&lines.join("\n"));
    }

    #[test]
    fn any_bytes_of_a_message(bytes: Vec<u8>) {
        let raw = mcp_conform::transcript::Raw(bytes.into());
        let what = mcp_conform::transcript::What::Received { raw, event: None };
        let entry = Entry::new(1, 0, what);
        let written = serde_json::to_string(&entry).unwrap();
        prop_assert!(!written.contains('\n'));
        prop_assert_eq!(serde_json::from_str::<Entry>(&written).unwrap(), entry);
    }

    #[test]
    fn any_header(value in any_json(), changes in prop::collection::vec(change(), 1..4), which: Index) {
        let _ = serde_json::from_value::<Header>(value);
        let lines = which.get(&RECORDED);
        let mut header: Value = serde_json::from_str(&lines[0]).unwrap();
        changes.iter().for_each(|change| apply(&mut header, change));
        let text: Vec<String> = std::iter::once(header.to_string()).chain(lines[1..].iter().cloned()).collect();
        judge_and_write(&text.join("\n"));
    }
}
