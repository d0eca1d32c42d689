//! What `bench` says of servers that have it: each habit is seen, and not seen where it is not.
#![cfg(unix)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod server;

use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde_json::Value;

use server::{Habit, start};

/// The ids of what is said of the first target.
fn said_of(habit: Habit, options: &[&str]) -> Vec<String> {
    diagnosed("target", &start(habit), options)
}

fn diagnosed(target: &str, url: &str, options: &[&str]) -> Vec<String> {
    said(target, &report(url, options))
}

fn report(url: &str, options: &[&str]) -> Value {
    // What is measured side by side disturbs each other.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock();
    let output = Command::new(env!("CARGO_BIN_EXE_mcp-conform"))
        .args([
            "bench", "--url", url, "--report", "json", "--warmup", "50ms",
        ])
        .args(options)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{stderr}"));
    // Shown if the test fails.
    for result in report["results"].as_array().into_iter().flatten() {
        let (latency, rate) = (&result["latency_us"], &result["throughput_per_s"]);
        let (call, many, count) = (&result["call"], &result["concurrency"], &result["count"]);
        println!("{call}, {many} at once: {count} calls, {rate}/s, {latency}");
    }
    report
}

fn said(target: &str, report: &Value) -> Vec<String> {
    let diagnoses = report["diagnoses"].as_array().cloned().unwrap_or_default();
    for diagnosis in &diagnoses {
        let evidence = diagnosis["evidence"].as_array().unwrap();
        assert!(!evidence.is_empty(), "{diagnosis}");
    }
    let ours = diagnoses.iter().filter(|found| found["target"] == target);
    ours.map(|found| found["id"].as_str().unwrap().to_owned())
        .collect()
}

/// One call at a time, for a moment.
const BRIEFLY: [&str; 4] = ["--duration", "400ms", "--concurrency", "1"];
const ECHO: [&str; 2] = ["--call", r#"echo={"text":"{payload}"}"#];

fn brief<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [BRIEFLY.as_slice(), more].concat()
}

macro_rules! assert_said {
    ($said:expr, $id:literal) => {
        let said = $said;
        assert!(said.iter().any(|id| id == $id), "{said:?}");
    };
    ($said:expr, not $id:literal) => {
        let said = $said;
        assert!(said.iter().all(|id| id != $id), "{said:?}");
    };
}

#[test]
fn nagle_meets_delayed_acknowledgement() {
    assert_said!(
        said_of(Habit::TwoWrites, &brief(&ECHO)),
        "delayed-acknowledgement"
    );
    let slow = [
        "--duration",
        "1500ms",
        "--concurrency",
        "1",
        ECHO[0],
        ECHO[1],
    ];
    assert_said!(said_of(Habit::Slow, &slow), not "delayed-acknowledgement");
}

#[test]
fn a_connection_for_each_call() {
    assert_said!(said_of(Habit::Closes, &brief(&ECHO)), "connection-per-call");
    assert_said!(said_of(Habit::None, &brief(&ECHO)), not "connection-per-call");
}

#[test]
fn one_call_at_a_time() {
    let many = [
        "--duration",
        "600ms",
        "--concurrency",
        "1,8",
        ECHO[0],
        ECHO[1],
    ];
    let report = report(&start(Habit::OneAtATime), &many);
    // Of a machine that is full nothing is said: whoever is not ours may be what fills it.
    let results = report["results"].as_array().unwrap();
    let full = results.iter().any(|result| {
        result["concurrency"] == 8
            && result["machine_busy"]
                .as_f64()
                .is_some_and(|busy| busy >= 0.85)
    });
    let told = said("target", &report);
    assert_eq!(
        told.contains(&"one-at-a-time".to_owned()),
        !full,
        "{told:?}"
    );
    assert_said!(said_of(Habit::Sleeps, &many), not "one-at-a-time");
}

#[test]
fn events_that_come_in_the_end() {
    let options = brief(&["--call", "test_tool_with_progress={}"]);
    assert_said!(said_of(Habit::HoldsBack, &options), "events-held-back");
    assert_said!(said_of(Habit::Tells, &options), "events-come-early");
}

#[test]
#[ignore = "where the machine has other work all calls differ, and nothing can be said"]
fn pauses_now_and_then() {
    let options = ["--duration", "6s", "--concurrency", "1", ECHO[0], ECHO[1]];
    assert_said!(said_of(Habit::Pauses, &options), "rare-long-calls");
}

#[test]
fn growth_with_the_payload() {
    let sizes = [
        "--duration",
        "2s",
        "--concurrency",
        "1",
        "--payload",
        "100,10k,100k",
    ];
    let options = [sizes.as_slice(), &ECHO].concat();
    assert_said!(
        said_of(Habit::ReadsAgain, &options),
        "payload-more-than-proportional"
    );
    let once = said_of(Habit::ReadsOnce, &options);
    assert!(once.contains(&"payload".to_owned()), "{once:?}");
}

#[test]
fn growth_with_the_catalog() {
    assert_said!(said_of(Habit::Fetches(200), &brief(&ECHO)), "list-items");
    let few = format!("few={}", start(Habit::SearchesAll(40)));
    let options = brief(&["--and", &few, ECHO[0], ECHO[1]]);
    assert_said!(
        said_of(Habit::SearchesAll(800), &options),
        "list-more-than-proportional"
    );
}
