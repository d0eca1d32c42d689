//! The program, and what it said.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");

/// Brief: what is seen here is not how long things take.
const BRIEF: [&str; 6] = [
    "bench",
    "--duration=200ms",
    "--warmup=20ms",
    "--concurrency=1",
    "--report",
    "json",
];

/// The reference server over stdio, as a target.
pub const SERVER: [&str; 5] = [PROGRAM, "serve", "--stdio", "--log", "off"];

pub fn command(options: &[&str], target: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    // A later option of the same name would be refused.
    let overridden = |brief: &&&str| {
        let name = brief.split('=').next().unwrap();
        name.starts_with("--") && options.iter().any(|option| option.starts_with(name))
    };
    let skips_report = options.contains(&"--report");
    let brief = BRIEF.iter().filter(|word| !overridden(word));
    command
        .args(brief.filter(|word| !(skips_report && **word == "json")))
        .args(options);
    if !target.is_empty() {
        command.arg("--").args(target);
    }
    command.stdin(Stdio::null()).env_remove("CLICOLOR_FORCE");
    command
}

pub fn bench(options: &[&str], target: &[&str]) -> Output {
    command(options, target).output().unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it said, where that is JSON.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

/// The report of a run that ended with this code.
pub fn report(code: i32, options: &[&str], target: &[&str]) -> Value {
    let output = bench(options, target);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    json(&output)
}

pub fn results(report: &Value) -> &[Value] {
    report["results"].as_array().unwrap()
}

pub fn list<'a>(report: &'a Value, member: &str) -> &'a [Value] {
    report[member].as_array().map_or(&[], Vec::as_slice)
}
