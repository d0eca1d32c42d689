//! Targets in turns, saved reports, and limits.

use crate::common::{PROGRAM, SERVER, bench, list, report, results, stderr};

#[test]
fn targets_take_turns_and_are_compared() {
    let same = format!("again='{PROGRAM}' serve --stdio --log off");
    let report = report(0, &["--fixture=none", "--and", &same], &SERVER);
    let names: Vec<&str> = results(&report)
        .iter()
        .map(|r| r["target"].as_str().unwrap())
        .collect();
    assert_eq!(names[..4], ["target", "again", "target", "again"]);
    let comparisons = list(&report, "comparisons");
    assert_eq!(2 * comparisons.len(), results(&report).len());
    for comparison in comparisons {
        assert_eq!(
            (&comparison["target"], &comparison["baseline"]),
            (&"again".into(), &"target".into())
        );
        let [low, high] = ["low", "high"].map(|name| comparison[name].as_f64().unwrap());
        assert!(0.0 < low && low <= high, "{comparison}");
    }
}

#[test]
fn an_http_server_can_be_started_to_be_compared_with() {
    let web = format!(
        "web=http://127.0.0.1:{{port}}/mcp '{PROGRAM}' serve --http 127.0.0.1:{{port}} --log off"
    );
    let report = report(0, &["--fixture=none", "--and", &web], &SERVER);
    let web = &list(&report, "targets")[1];
    assert_eq!(
        (&web["name"], &web["transport"]),
        (&"web".into(), &"http".into())
    );
    // What is known of processes that are ours.
    assert!(web["server"]["rss_bytes"].is_u64(), "{web}");
}

#[test]
fn a_saved_report_is_compared_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.json").display().to_string();
    report(0, &["--fixture=none", "--save", &path], &SERVER);
    let again = report(0, &["--fixture=none", "--compare", &path], &SERVER);
    let comparisons = list(&again, "comparisons");
    assert_eq!(comparisons.len(), results(&again).len());
    assert!(
        comparisons
            .iter()
            .all(|c| c["saved"] == true && c["baseline"] == path.as_str())
    );

    let other = bench(
        &["--fixture=none", "--concurrency=3", "--compare", &path],
        &SERVER,
    );
    assert_eq!(other.status.code(), Some(3));
    assert!(
        stderr(&other).contains("can be compared"),
        "{}",
        stderr(&other)
    );
}

#[test]
fn a_limit_that_nothing_can_break_is_refused() {
    let nobody = ["--url", "http://127.0.0.1:9/mcp"];
    for (condition, remedy) in [("rss > 1B", "behind --"), ("ratio > 1.1", "--and")] {
        let options = [&nobody[..], &["--fail-if", condition]].concat();
        let output = bench(&options, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(remedy), "{}", stderr(&output));
    }
}

#[test]
fn a_limit_decides_the_exit_code() {
    let base = ["--fixture=none", "--revision=2025-11-25"];
    let with = |condition: &str| {
        let output = bench(&[&base[..], &["--fail-if", condition]].concat(), &SERVER);
        (output.status.code(), stderr(&output))
    };
    let (code, told) = with("p50 > 1ns");
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("--fail-if 'p50 > 1ns': target: ping, 1 at a time"),
        "{told}"
    );
    // So little time is used that it cannot be told.
    let idle = ["--rate=10/s", "--fail-if", "cpu > 1s"];
    let output = bench(&[&base[..], &idle].concat(), &SERVER);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("measured nowhere"), "{told}");
    for held in [
        "p99 > 10m",
        "errors > 0",
        "throughput < 0.001/s",
        "rss > 100GiB",
    ] {
        let (code, told) = with(held);
        assert_eq!(code, Some(0), "{held}: {told}");
    }
}
