//! Every harmful fault of the reference server is found from 20 seeds within 10,000 inputs.
//! `cargo bench --bench fuzz_proof` also writes reports/fuzz-proof.json; `cargo bench --bench fuzz_proof -- 3 dies-on deaf`
//! tries three seeds of the faults with such words in their names, and writes nothing.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on fails"
)]

mod common;
#[path = "../tests/fuzz/proof.rs"]
mod proof;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_reference_server::{Fault, Harm};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");
/// How many seeds each fault is looked for from, unless a number is given.
const SEEDS: u64 = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` only wants to know that it can be built.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let number = arguments.iter().find_map(|argument| argument.parse().ok());
    let is_word =
        |argument: &&String| !argument.starts_with('-') && argument.parse::<u64>().is_err();
    let words: Vec<&String> = arguments.iter().filter(is_word).collect();
    let seeds = number.unwrap_or(SEEDS);
    let wanted = |fault: &Fault| {
        let mut words = words.iter();
        words.len() == 0 || words.any(|word| fault.name.contains(word.as_str()))
    };
    let table: Vec<(&Fault, Harm)> = proof::harmful()
        .filter(|(fault, _)| wanted(fault))
        .collect();
    let rows = rows(&table, seeds);
    let missed = rows
        .iter()
        .filter(|row| row["found"].as_u64().is_some_and(|found| found < seeds));
    let missed = missed.count();
    println!("{} faults, {missed} not found each time", rows.len());
    println!("peak: {:?} KiB", common::peak_rss(std::process::id()));
    if number.is_none() && words.is_empty() {
        let record = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "command": "cargo bench --bench fuzz_proof",
            "seeds": seeds,
            "inputs_at_most": proof::INPUTS,
            // Of all searches that went on at the same time, together.
            "harness_peak_rss_kib": common::peak_rss(std::process::id()),
            "faults": rows,
        });
        common::save("fuzz-proof.json", &record);
    }
    match missed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Several at a time: most of the time goes into waiting for what does not come.
fn rows(table: &[(&Fault, Harm)], seeds: u64) -> Vec<Value> {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(vec![Value::Null; table.len()]);
    std::thread::scope(|scope| {
        for _ in 0..8 * common::processors() {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((fault, harm)) = table.get(index) else {
                        return;
                    };
                    let row = row(fault, *harm, seeds);
                    println!("{row}");
                    rows.lock().unwrap()[index] = row;
                }
            });
        }
    });
    rows.into_inner().unwrap()
}

fn row(fault: &Fault, harm: Harm, seeds: u64) -> Value {
    let harm_word = format!("{harm:?}").to_lowercase();
    let began = std::time::Instant::now();
    let setting = proof::setting(fault);
    let mut inputs = Vec::new();
    let mut cited = Vec::new();
    let mut others = Vec::new();
    for seed in 1..=seeds {
        let folder = tempfile::tempdir().unwrap();
        let search = proof::search(PROGRAM, fault, seed, folder.path());
        match search.is_hit(harm) {
            true => inputs.push(search.inputs),
            false => {
                others.push(json!({ "seed": seed, "inputs": search.inputs, "cited": search.cited }))
            }
        }
        cited.extend(search.cited);
    }
    inputs.sort_unstable();
    cited.sort();
    cited.dedup();
    let mut row = json!({
        "fault": fault.name,
        "harm": harm_word,
        "place": format!("{}+{}", setting.revision, setting.transport),
        "found": inputs.len(),
        "median_inputs": inputs.get(inputs.len() / 2),
        "most_inputs": inputs.last(),
        "seconds": began.elapsed().as_secs(),
        "cited": cited,
    });
    if !others.is_empty() {
        row["missed"] = json!(others);
    }
    row
}
