//! Servers that are not there, refuse, or die: an error that says so, and what was measured until then.

use std::time::Duration;

use crate::common::{PROGRAM, SERVER, bench, command, json, list, results, stderr};

#[test]
fn nobody_is_there() {
    for (options, target, expected) in [
        (
            &["--url", "http://127.0.0.1:9/mcp"][..],
            &[][..],
            "cannot connect to 127.0.0.1:9",
        ),
        (&[], &["/no/such/program"], "cannot start"),
        (&[], &["sh", "-c", "echo no key >&2; exit 7"], "no key"),
        (&["--and", "b=/no/such/program"], &SERVER, "b: cannot start"),
    ] {
        let output = bench(options, target);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn a_tool_is_not_there() {
    let output = bench(&["--call", "no_such_tool={}"], &SERVER);
    assert_eq!(output.status.code(), Some(3));
    let told = stderr(&output);
    assert!(
        told.contains("no tool \"no_such_tool\"") && told.contains("test_simple_text"),
        "{told}"
    );
}

#[test]
fn a_call_that_fails_is_not_measured_and_the_others_are() {
    let calls = [
        "--call",
        "test_error_handling={}",
        "--call",
        "test_simple_text={}",
    ];
    let output = bench(&calls, &SERVER);
    assert_eq!(output.status.code(), Some(3));
    let report = json(&output);
    let measured: Vec<&str> = results(&report)
        .iter()
        .map(|r| r["call"].as_str().unwrap())
        .collect();
    assert_eq!(measured, ["tools/call test_simple_text"]);
    let partial = report["partial"].as_str().unwrap();
    assert!(
        partial.contains("tools/call test_error_handling fails") && partial.contains("isError"),
        "{partial}"
    );
    assert!(
        stderr(&output).contains("test_error_handling"),
        "{}",
        stderr(&output)
    );
}

/// So many lines are let through to a server; then its input ends, and so does the server.
#[test]
fn a_server_that_dies_leaves_what_was_measured() {
    let script = format!("sed -u 2500q | '{PROGRAM}' serve --stdio --log off");
    let target = ["sh", "-c", &script];
    let options = ["--call", "test_simple_text={}", "--duration=60s"];
    let output = bench(&options, &target);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let report = json(&output);
    let result = &results(&report)[0];
    assert_eq!(result["partial"], true, "{result}");
    assert!(result["count"].as_u64().unwrap() > 1000, "{result}");
    assert_eq!(result["errors_by_kind"]["server gone"], 1, "{result}");
    let told = stderr(&output);
    for place in [
        "target: 10 times tools/call test_simple_text, one after the other: the server ended",
        "target: tools/call test_simple_text, 1 at a time: the server ended",
    ] {
        assert!(told.contains(place), "{told}");
    }
    // What was read and called before the end is there.
    assert_eq!(list(&report, "lists").len(), 3);
    let chain = &list(&report, "chains")[0];
    assert!(chain["count"].as_u64().unwrap() > 10, "{chain}");
}

/// A server that listens and is ours: who died, and what it had to say, is known.
#[test]
fn an_http_server_that_dies_is_told() {
    let target = [
        PROGRAM,
        "serve",
        "--log=off",
        "--fault=dies-on-nul",
        "--http",
        "127.0.0.1:{port}",
    ];
    let options = [
        "--url",
        "http://127.0.0.1:{port}/mcp",
        "--call",
        r#"echo={"text": "\u0000"}"#,
    ];
    let output = bench(&options, &target);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("tools/call echo"), "{told}");
    assert!(told.contains("target: the server ended; "), "{told}");
    let refused = told.matches("refused").count();
    assert!(refused <= 1, "it is asked nothing more: {told}");
}

#[test]
fn a_server_that_never_answers_a_call_times_out() {
    let options = [
        // Enough for the lists, on a machine that has other things to do.
        "--timeout=2s",
        "--call",
        r#"wait={"milliseconds": 60000}"#,
    ];
    let output = bench(&options, &SERVER);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("timeout"), "{}", stderr(&output));
}

/// Ctrl-C: what was measured is told, and no process is left.
#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_was_measured() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let folder = tempfile::tempdir().unwrap();
    let known_by = folder.path().display().to_string();
    let target = [&SERVER[..], &["--state-key", &known_by]].concat();
    let mut command = command(
        &[
            "--call",
            "test_simple_text={}",
            "--duration=2s",
            "--concurrency=1,2,3,4,5,6,7,8",
        ],
        &target,
    );
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(10));
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let report = json(&output);
    assert_eq!(report["partial"], "interrupted");
    assert!(!results(&report).is_empty(), "{report}");
    // What was killed is there until it is reaped.
    std::thread::sleep(Duration::from_millis(300));
    let left = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&known_by)
        });
    assert_eq!(left.count(), 0);
}
