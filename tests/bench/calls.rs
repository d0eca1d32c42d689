//! What is called, how large it is, and how fast it is asked for.

use std::fs;

use serde_json::Value;

use crate::common::{PROGRAM, SERVER, bench, list, report, results, stderr};

/// A server that writes down what it is sent.
fn recording(folder: &tempfile::TempDir) -> (Vec<String>, String) {
    let log = folder.path().join("sent").display().to_string();
    let script = format!("tee -a '{log}' | '{PROGRAM}' serve --stdio --log off");
    (["sh", "-c", &script].map(str::to_owned).to_vec(), log)
}

/// The tools that were called by their real names.
fn called(options: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (target, log) = recording(&folder);
    let target: Vec<&str> = target.iter().map(String::as_str).collect();
    report(0, options, &target);
    let sent = fs::read_to_string(log).unwrap();
    let messages = sent
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls = messages.filter(|message| message["method"] == "tools/call");
    let mut names: Vec<String> = calls
        .map(|call| call["params"]["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn no_tool_is_called_that_was_not_allowed() {
    assert_eq!(called(&["--fixture=none"]), Vec::<String>::new());
    assert_eq!(called(&[]), ["test_simple_text", "test_tool_with_progress"]);
    assert_eq!(called(&["--call", r#"add={"a": 1, "b": 2}"#]), ["add"]);
}

#[test]
fn a_payload_takes_its_place() {
    let call = r#"json_schema_2020_12_tool={"name": "{payload}", "email": "a@example.org"}"#;
    for transport in ["stdio", "http"] {
        let http = [
            PROGRAM,
            "serve",
            "--log",
            "off",
            "--http",
            "127.0.0.1:{port}",
        ];
        let mut options = vec!["--payload=0,100,100k", "--concurrency=1,32", "--call", call];
        let target = match transport {
            "stdio" => &SERVER[..],
            _ => {
                options.extend(["--url", "http://127.0.0.1:{port}/mcp"]);
                &http
            }
        };
        let report = report(0, &options, target);
        let sizes: Vec<[u64; 3]> = results(&report)
            .iter()
            .map(|r| {
                ["payload", "request_bytes", "answer_bytes"].map(|name| r[name].as_u64().unwrap())
            })
            .collect();
        assert_eq!(sizes.len(), 6);
        for [payload, request, answer] in sizes {
            assert!(request >= payload && answer >= payload, "{transport}");
            assert!(request < payload + 1000, "{transport}: {request}");
        }
        assert!(
            results(&report).iter().all(|result| result["errors"] == 0),
            "{report}"
        );
    }
}

/// One caller, a call that takes 50 ms, and twenty of them due in the first 100 ms: who counts from when a call was sent
/// sees 50 ms; who counts from when it was due sees what its user would, up to 900 ms.
#[test]
fn a_stall_is_not_hidden_with_a_rate() {
    for transport in ["stdio", "http"] {
        let mut options = vec![
            "--duration=1s",
            "--warmup=0s",
            "--rate=200/s",
            "--call",
            r#"wait={"milliseconds": 50}"#,
        ];
        let http = [
            PROGRAM,
            "serve",
            "--log",
            "off",
            "--http",
            "127.0.0.1:{port}",
        ];
        let target = match transport {
            "stdio" => &SERVER[..],
            _ => {
                options.extend(["--url", "http://127.0.0.1:{port}/mcp"]);
                &http
            }
        };
        let report = report(0, &options, target);
        let result = &results(&report)[0];
        let latency = |name: &str| result["latency_us"][name].as_f64().unwrap();
        assert!(latency("max") >= 900_000.0, "{transport}: {result}");
        assert!(latency("p50") >= 400_000.0, "{transport}: {result}");
        assert_eq!(result["rate_per_s"], 200.0);
    }
}

#[test]
fn a_rate_is_kept() {
    let options = ["--duration=500ms", "--rate=100/s", "--fixture=none"];
    let report = report(0, &options, &SERVER);
    for result in results(&report) {
        let made = result["count"].as_u64().unwrap() + result["unsent"].as_u64().unwrap_or(0);
        assert!((45..=60).contains(&made), "50 are due: {result}");
    }
}

/// Ten times as many calls are due as can be made: those that cannot are counted, and nobody waits for them.
#[test]
fn a_rate_that_is_too_high_ends_in_time() {
    let options = [
        "--duration=500ms",
        "--warmup=50ms",
        "--rate=1000/s",
        "--call",
        r#"wait={"milliseconds": 10}"#,
    ];
    let report = report(0, &options, &SERVER);
    let result = &results(&report)[0];
    let [count, unsent] = ["count", "unsent"].map(|name| result[name].as_u64().unwrap());
    assert!(
        (490..=510).contains(&(count + unsent)),
        "500 are due: {result}"
    );
    assert!(count <= 55, "{result}");
    // The timeout of a call is ten seconds, and a turn must not wait for that.
    assert!(result["seconds"].as_f64().unwrap() < 5.0, "{result}");

    let human = [&options[..], &["--report", "human"]].concat();
    let told = String::from_utf8(bench(&human, &SERVER).stdout).unwrap();
    assert!(told.contains("calls that were due were not made"), "{told}");
}

#[test]
fn a_payload_without_a_place_is_refused() {
    for (options, place) in [
        (
            &["--call", "test_simple_text={}"][..],
            "into the arguments of --call",
        ),
        (&["--fixture=none"], "without --call"),
    ] {
        let output = bench(&[options, &["--payload=100"]].concat(), &SERVER);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let told = stderr(&output);
        assert!(
            told.contains("--payload 100 has no place") && told.contains(place),
            "{told}"
        );
    }
}

#[test]
fn a_server_far_away_costs_a_chain_ten_times() {
    let options = [
        "--network-delay=10ms",
        "--fixture=none",
        "--url",
        "http://127.0.0.1:{port}/mcp",
    ];
    let http = [
        PROGRAM,
        "serve",
        "--log",
        "off",
        "--http",
        "127.0.0.1:{port}",
    ];
    let report = report(0, &options, &http);
    let chain = &list(&report, "chains")[0];
    assert!(
        chain["latency_us"]["min"].as_f64().unwrap() >= 200_000.0,
        "{chain}"
    );
    assert_eq!(report["settings"]["network_delay_ms"], 10.0);
    // Connecting crosses the network as well, in each direction, and then the call does.
    let connecting = &list(&report, "connections")[0];
    for (figure, least) in [
        ("tcp_us", 20_000.0),
        ("cold_call_us", 40_000.0),
        ("kept_call_us", 20_000.0),
    ] {
        assert!(
            connecting[figure]["min"].as_f64().unwrap() >= least,
            "{connecting}"
        );
    }
}

/// Answers take longer than a turn, and there are callers enough: all that is due is made, and nobody says that it was not.
#[test]
fn answers_that_take_long_are_no_calls_that_were_not_made() {
    let options = [
        "--duration=4s",
        "--warmup=0s",
        "--rate=10/s",
        "--concurrency=50",
        "--call",
        r#"wait={"milliseconds": 1200}"#,
    ];
    let report = report(0, &options, &SERVER);
    let result = &results(&report)[0];
    assert_eq!(result.get("unsent"), None, "{result}");
    let per_second = result["throughput_per_s"].as_f64().unwrap();
    assert!((9.0..=11.0).contains(&per_second), "{result}");
}

#[test]
fn one_call_is_made_however_little_time_there_is() {
    let options = [
        "--duration=1ns",
        "--warmup=0s",
        "--call",
        "test_simple_text={}",
    ];
    let report = report(0, &options, &SERVER);
    assert_eq!(results(&report)[0]["count"], 1);
}

#[test]
fn a_tool_is_called_in_one_way() {
    let calls = ["--call", "wait={}", "--call", r#"wait={"milliseconds": 1}"#];
    let output = bench(&calls, &SERVER);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--call wait is there twice"));
}
