//! One trial for each kind of hostility.

use insta::assert_snapshot;
use libtest_mimic::Trial;

use crate::listener::{self, listen};
use crate::program::{Said, check, nothing_is_left, role};

/// Every trial.
pub fn all() -> Vec<Trial> {
    let table: [(&str, fn()); 36] = [
        ("stdio/command-not-found", command_not_found),
        ("stdio/exits-at-once", exits_at_once),
        ("stdio/never-answers", || opening_fails("never-answers")),
        ("stdio/answers-garbage", || opening_fails("answers-garbage")),
        ("stdio/answers-another-protocol", || {
            opening_fails("answers-another-protocol")
        }),
        ("stdio/endless-line", endless_line),
        ("stdio/closes-its-output", || {
            opening_fails("closes-its-output")
        }),
        (
            "stdio/what-cannot-be-played-names-the-root",
            blocked_by_the_root,
        ),
        ("stdio/dies-in-the-middle", dies_in_the_middle),
        ("stdio/ignores-its-end", || still_judged("ignores-its-end")),
        ("stdio/leaves-a-child", || still_judged("leaves-a-child")),
        ("stdio/floods-stderr", || still_judged("floods-stderr")),
        ("stdio/floods-stdout", floods_stdout),
        ("stdio/floods-stderr-silently", || {
            opening_fails("floods-stderr-silently")
        }),
        ("http/started-exits-at-once", started_exits_at_once),
        ("http/refuses-connections", || {
            unreachable("refuses-connections", "http", listener::nobody())
        }),
        ("http/not-found", || {
            unreachable("not-found", "http", listen(listener::not_found))
        }),
        ("http/redirect", || {
            unreachable("redirect", "http", listen(listener::redirect))
        }),
        ("http/unauthorized", || {
            unreachable("unauthorized", "http", listen(listener::unauthorized))
        }),
        ("http/internal-error", || {
            unreachable("internal-error", "http", listen(listener::internal_error))
        }),
        ("http/another-protocol", || {
            unreachable(
                "another-protocol",
                "http",
                listen(listener::another_protocol),
            )
        }),
        ("http/plain-where-tls-is-asked", || {
            unreachable("plain-where-tls", "https", listen(listener::bad_request))
        }),
        ("http/closes-at-once", || {
            unreachable("closes-at-once", "http", listen(listener::close))
        }),
        ("http/web-page", || {
            no_opening_over_http("web-page", listen(listener::web_page))
        }),
        ("http/never-answers", || {
            no_opening_over_http("http-never-answers", listen(listener::never_answer))
        }),
        ("http/endless-stream", || {
            no_opening_over_http("endless-stream", listen(listener::endless_stream))
        }),
        ("http/endless-events", || {
            floods("robust/answers-in-time", listen(listener::endless_events))
        }),
        ("http/endless-event", || {
            no_opening_over_http("endless-event", listen(listener::endless_event))
        }),
        ("sse/no-endpoint", || {
            no_opening_over_http("sse-no-endpoint", listen(listener::sse_no_endpoint))
        }),
        ("sse/endpoint-garbage", || {
            no_opening_over_http(
                "sse-endpoint-garbage",
                listen(listener::sse_endpoint_garbage),
            )
        }),
        ("sse/closes-at-once", || {
            no_opening_over_http("sse-closes-at-once", listen(listener::sse_closes_at_once))
        }),
        ("sse/refuses-posts", || {
            no_opening_over_http("sse-refuses-posts", listen(listener::sse_refuses_posts))
        }),
        ("sse/endless-event", || {
            floods("sse/endpoint-event", listen(listener::sse_endless_event))
        }),
        ("sse/tells-secret", sse_tells_secret),
        ("sse/endpoint-elsewhere", || {
            let address = listen(listener::sse_endpoint_elsewhere);
            unreachable("sse-endpoint-elsewhere", "http", address)
        }),
        ("sse/endless-page", || {
            unreachable(
                "sse-endless-page",
                "http",
                listen(listener::sse_endless_page),
            )
        }),
    ];
    table
        .into_iter()
        .map(|(name, test)| trial(name, test))
        .collect()
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// An error in one paragraph, exit code 3 and no report.
fn is_an_error(said: &Said) {
    assert_eq!(said.code, Some(3), "{}{}", said.stdout, said.stderr);
    assert_eq!(said.stdout, "");
    assert!(
        said.stderr.starts_with("error: ") && !said.stderr.trim_end().contains("\n\n"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.len() < 1_500, "{}", said.stderr);
}

/// One finding from which all follows, and exit code 1.
fn is_a_root_finding(said: &Said) {
    assert_eq!(said.code, Some(1), "{}{}", said.stdout, said.stderr);
    assert_eq!(said.stderr, "");
    assert_eq!(
        said.stdout.matches("FAIL rule/opening").count(),
        1,
        "{}",
        said.stdout
    );
}

fn command_not_found() {
    let said = check(&[], &["--".to_owned(), "/no/such/server".to_owned()]);
    is_an_error(&said);
    assert_snapshot!("command-not-found", said.shown(None));
}

fn exits_at_once() {
    let (folder, target) = role("exits-at-once");
    let said = check(&[], &target);
    is_an_error(&said);
    nothing_is_left(folder.path());
    assert_eq!(
        said.stderr,
        "error: the server ended with exit code 7 before it answered anything; the end of its stderr:\n  \
         | reading settings\n  | no database at 127.0.0.1:5432, giving up\n"
    );
}

fn opening_fails(name: &str) {
    let (folder, target) = role(name);
    let said = check(&["--case", "rule/opening"], &target);
    is_a_root_finding(&said);
    nothing_is_left(folder.path());
    assert_snapshot!(name, said.shown(Some(folder.path())));
}

fn endless_line() {
    let (folder, target) = role("endless-line");
    let said = check(&["--case", "rule/opening"], &target);
    is_a_root_finding(&said);
    nothing_is_left(folder.path());
    assert!(said.stdout.contains("without a newline"), "{}", said.stdout);
}

/// The same server with all cases: one failure, and the rest blocked by it.
fn blocked_by_the_root() {
    let (folder, target) = role("never-answers");
    let said = check(
        &[
            "--case",
            "ping/*",
            "--case",
            "tools/*",
            "--case",
            "rule/opening",
            "--report",
            "json",
        ],
        &target,
    );
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let trials = report["trials"].as_array().unwrap();
    let failed: Vec<&str> = trials
        .iter()
        .filter(|t| t["verdict"] == "fail")
        .filter_map(|t| t["case"].as_str())
        .collect();
    assert!(
        !failed.is_empty() && failed.iter().all(|case| *case == "rule/opening"),
        "{failed:?}"
    );
    let blocked = trials.iter().filter(|trial| {
        trial["reason"]
            .as_str()
            .is_some_and(|r| r.starts_with("blocked by rule/opening@"))
    });
    assert!(blocked.count() > 0);
    nothing_is_left(folder.path());
}

fn dies_in_the_middle() {
    let (folder, target) = role("dies-in-the-middle");
    let said = check(
        &["--case", "tools/call-unknown-tool", "--case", "ping/*"],
        &target,
    );
    assert_eq!(said.code, Some(1), "{}{}", said.stdout, said.stderr);
    nothing_is_left(folder.path());
    assert_snapshot!("dies-in-the-middle", said.shown(Some(folder.path())));
}

/// Not nice, but forbidden by nothing: the verdict is that of a server without this habit, and nothing is left of it.
fn still_judged(name: &str) {
    let (folder, target) = role(name);
    let said = check(
        &[
            "--case",
            "ping/*",
            "--case",
            "tools/call-unknown-tool",
            "--report",
            "json",
        ],
        &target,
    );
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (Some(0), ""),
        "{}",
        said.stdout
    );
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(report["summary"]["pass"].as_u64().unwrap() > 0);
    nothing_is_left(folder.path());
}

/// Answers come, buried in notifications: how that is judged is open, but it ends, in bounded memory.
fn floods_stdout() {
    let (folder, target) = role("floods-stdout");
    let said = check(&["--case", "ping/*"], &target);
    assert!(
        matches!(said.code, Some(0 | 1)),
        "{:?} {}",
        said.code,
        said.stderr
    );
    nothing_is_left(folder.path());
}

fn started_exits_at_once() {
    let (folder, target) = role("exits-at-once");
    let url = ["--url".to_owned(), "http://127.0.0.1:{port}/mcp".to_owned()];
    let said = check(&[], &[url.to_vec(), target].concat());
    is_an_error(&said);
    nothing_is_left(folder.path());
    assert_snapshot!("started-exits-at-once", said.shown(Some(folder.path())));
}

fn url(scheme: &str, address: &str) -> [String; 2] {
    ["--url".to_owned(), format!("{scheme}://{address}/mcp")]
}

fn unreachable(name: &str, scheme: &str, address: String) {
    let said = check(&[], &url(scheme, &address));
    is_an_error(&said);
    assert_snapshot!(name, said.shown(None));
}

fn no_opening_over_http(name: &str, address: String) {
    let said = check(&["--case", "rule/opening"], &url("http", &address));
    is_a_root_finding(&said);
    assert_snapshot!(name, said.shown(None));
}

/// Whether the limit or the time comes first depends on the machine.
fn floods(requirement: &str, address: String) {
    let said = check(&["--case", "rule/opening"], &url("http", &address));
    is_a_root_finding(&said);
    assert!(said.stdout.contains(requirement), "{}", said.stdout);
}

/// The server is followed to the address with the secret, which nobody reads anywhere.
fn sse_tells_secret() {
    let folder = tempfile::tempdir().unwrap();
    let transcripts = folder.path().display().to_string();
    let options = [
        "--header",
        "X-Key: s3cr3t-key",
        "--save-transcripts",
        &transcripts,
    ];
    let target = url("http", &listen(listener::sse_tells_secret));
    let said = check(
        &[&options[..], &["--case", "rule/opening"]].concat(),
        &target,
    );
    is_a_root_finding(&said);
    assert!(
        said.stdout.contains("initialize is not answered in time"),
        "{}",
        said.stdout
    );
    let mut kept = said.stdout;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        kept += &std::fs::read_to_string(file.unwrap().path()).unwrap();
    }
    assert!(
        kept.contains("/messages?key=[redacted]") && !kept.contains("s3cr3t"),
        "{kept}"
    );
}
