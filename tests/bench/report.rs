//! What a report has.

use serde_json::Value;

use crate::common::{SERVER, bench, list, report, results, stderr};

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn the_bundled_server_is_measured_over_both_transports() {
    let report = report(0, &["--payload=0,100", "--concurrency=1,4"], &[]);
    for result in results(&report) {
        let latency = &result["latency_us"];
        let quantiles =
            ["min", "p50", "p90", "p99", "p999", "max"].map(|name| number(&latency[name]));
        assert!(quantiles[0] > 0.0 && quantiles.is_sorted(), "{result}");
        assert!(
            number(&result["count"]) > 0.0 && result["errors"] == 0,
            "{result}"
        );
        assert!(number(&result["throughput_per_s"]) > 0.0, "{result}");
        let distribution = result["distribution"].as_array().unwrap().iter();
        let counted: f64 = distribution.map(|bucket| number(&bucket[1])).sum();
        assert_eq!(counted, number(&result["count"]), "{result}");
        let rounds = result["rounds"].as_array().unwrap().iter();
        let counted: f64 = rounds.map(|round| number(&round["count"])).sum();
        assert_eq!(counted, number(&result["count"]), "{result}");
    }
    for (target, transport) in [("bundled-stdio", "stdio"), ("bundled-http", "http")] {
        let of = |member: &str| {
            let all = list(&report, member).iter();
            all.filter(|one| one["target"] == target)
                .cloned()
                .collect::<Vec<_>>()
        };
        let calls: Vec<String> = of("results")
            .iter()
            .map(|r| r["call"].to_string())
            .collect();
        for call in [
            "server/discover",
            "tools/list",
            "prompts/list",
            "tools/call test_simple_text",
        ] {
            assert!(
                calls.contains(&format!("{call:?}")),
                "{target} {call}: {calls:?}"
            );
        }
        assert!(of("results").iter().all(|r| r["transport"] == transport));
        let tools = of("lists")
            .into_iter()
            .filter(|l| l["method"] == "tools/list");
        let items: Vec<u64> = tools.map(|l| l["items"].as_u64().unwrap()).collect();
        assert!(items.contains(&1000) && items.contains(&100), "{items:?}");
        assert_eq!(of("streams")[0]["events_per_call"], 101.0);
        assert_eq!(of("chains")[0]["calls"], 10);
        assert!(of("handshakes").is_empty(), "the newest revision has none");
    }
    assert_eq!(list(&report, "connections").len(), 1);
    assert!(number(&report["server"]["rss_bytes"]) > 1e6);
    assert!(number(&report["server"]["startup_ms"]) > 0.0);
    assert_eq!(
        report["targets"][1]["implementation"],
        "mcp-reference-server 0.1.0"
    );
    assert_eq!(report["partial"], Value::Null);
}

#[test]
fn a_legacy_session_has_a_handshake() {
    let report = report(
        0,
        &["--revision", "2025-06-18", "--fixture", "none"],
        &SERVER,
    );
    let handshakes = list(&report, "handshakes");
    assert_eq!(handshakes.len(), 1);
    assert_eq!(
        (&handshakes[0]["revision"], &handshakes[0]["errors"]),
        (&"2025-06-18".into(), &0.into())
    );
    assert!(
        results(&report)
            .iter()
            .any(|result| result["call"] == "ping")
    );
}

#[test]
fn people_and_pull_requests_get_tables() {
    for (kind, words) in [
        ("human", ["Calls\n", "p99.9", "tools/list"]),
        ("markdown", ["## Calls\n", "| p99.9 |", "| tools/list |"]),
        ("html", ["<!doctype html>", "<svg", "tools/list"]),
    ] {
        let output = bench(&["--fixture=none", "--report", kind], &SERVER);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        for word in words {
            assert!(text.contains(word), "{word} is not in\n{text}");
        }
    }
}
