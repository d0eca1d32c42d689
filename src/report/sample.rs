//! A report with one outcome of each kind, for the tests of the reporters.

use serde_json::{Value, json};

use crate::catalog::Catalog;
use crate::event::{Latency, REPORT_FORMAT, RunReport, Summary, Tool};
use crate::profile::{Offer, Profile};
use crate::revision::Revision::{self, V2025_06_18, V2025_11_25};
use crate::target::TargetInfo;
use crate::transport::Transport::{self, Http, Stdio};
use crate::verdict::{Direction, EntryRef, Finding, Level, TrialReport, Verdict};

/// The cases and requirements that the report is about.
pub fn catalog() -> Catalog {
    let requirement = |id: &str, text: &str, level: &str| {
        let requirement = json!({ "id": id, "text": text, "party": "server", "transport": "any",
            "levels": { "2025-06-18": level, "2025-11-25": level } });
        (id.to_owned(), serde_json::from_value(requirement).unwrap())
    };
    let case = |id: &str, title: &str, requirement: &str| {
        let case = json!({ "id": id, "title": title, "requirements": [requirement], "steps": [{ "alive": true }] });
        serde_json::from_value(case).unwrap()
    };
    let mut catalog = Catalog::default();
    catalog.requirements.extend([
        requirement(
            "tools/unknown-tool",
            "A call of an unknown tool is answered with an error",
            "MUST server/tools#e",
        ),
        requirement(
            "tools/name-characters",
            "Tool names are short and plain",
            "SHOULD server/tools#tool-names",
        ),
        requirement(
            "robust/survives",
            "The server answers after bad input",
            "ROBUST basic",
        ),
    ]);
    catalog.hash.push_str("00112233445566778899aabbccddeeff");
    for case in [
        case(
            "tools/call-unknown-tool",
            "Calling an unknown tool is an error",
            "tools/unknown-tool",
        ),
        case("tools/list", "Tools are listed", "tools/list-answered"),
        case(
            "robust/deep-nesting",
            "Deep nesting does not end the server",
            "robust/survives",
        ),
    ] {
        catalog.push(case);
    }
    catalog
}

/// The report.
pub fn report() -> RunReport {
    let mut trials = Vec::new();
    for transport in [Stdio, Http] {
        for revision in [V2025_06_18, V2025_11_25] {
            trials.push(trial("tools/list", revision, transport, vec![]));
            trials.push(trial(
                "rule/tool-names",
                revision,
                transport,
                vec![warning(revision, transport)],
            ));
        }
        trials.push(trial(
            "tools/call-unknown-tool",
            V2025_11_25,
            transport,
            vec![failure(transport)],
        ));
    }
    trials.push(trial(
        "robust/deep-nesting",
        V2025_11_25,
        Stdio,
        vec![collapse()],
    ));
    trials.push(unjudged(
        "tools/subscribe",
        Http,
        Verdict::NotApplicable,
        "the server does not declare resources.subscribe",
    ));
    trials.push(unjudged(
        "tools/progress",
        Stdio,
        Verdict::NotObserved,
        "no \u{1b}[1mprogress\u{1b}[0m was sent",
    ));
    trials.push(unjudged(
        "transport/headers",
        Http,
        Verdict::Broken,
        "connection refused\nstderr: no port",
    ));
    TrialReport::sort(&mut trials);
    let mut summary = Summary::of(&trials);
    summary.latency = vec![
        Latency {
            transport: Stdio,
            count: 1_234,
            p50_us: 85,
            p99_us: 410,
        },
        Latency {
            transport: Http,
            count: 999,
            p50_us: 190,
            p99_us: 12_345,
        },
    ];
    summary.duration_ms = 2_345.6;
    summary.starts = 7;
    RunReport {
        format: REPORT_FORMAT.to_owned(),
        tool: Tool {
            name: "mcp-conform".into(),
            version: "0.1.0".into(),
            catalog: catalog().hash,
        },
        target: TargetInfo {
            kind: "stdio".into(),
            command: Some(vec!["./server".into(), "--name".into(), "two words".into()]),
            url: None,
            replicas: Vec::new(),
        },
        profile: profile(),
        summary,
        trials,
        fuzzing: None,
    }
}

fn profile() -> Profile {
    let offer = |revision, transport| {
        let offer = json!({ "revision": revision, "transport": transport, "capabilities": { "tools": {} } });
        serde_json::from_value::<Offer>(offer).unwrap()
    };
    Profile {
        server: Some(json!({ "name": "evil\u{1b}]0;PWNED\u{7}", "version": "1.0" })),
        offers: vec![
            offer(V2025_06_18, Stdio),
            offer(V2025_11_25, Stdio),
            offer(V2025_11_25, Http),
        ],
        own_process: true,
        ..Profile::default()
    }
}

fn trial(
    case: &str,
    revision: Revision,
    transport: Transport,
    findings: Vec<Finding>,
) -> TrialReport {
    TrialReport {
        case: case.into(),
        revision,
        transport,
        verdict: Verdict::of(&findings),
        duration_ms: 1.5,
        reason: None,
        findings,
    }
}

fn unjudged(case: &str, transport: Transport, verdict: Verdict, reason: &str) -> TrialReport {
    let reason = Some(reason.to_owned());
    TrialReport {
        verdict,
        reason,
        ..trial(case, V2025_11_25, transport, vec![])
    }
}

fn entry(session: &str, entry: usize, direction: Direction, excerpt: &str) -> EntryRef {
    EntryRef {
        transcript: session.to_owned(),
        entry,
        direction,
        excerpt: excerpt.to_owned(),
    }
}

fn finding(
    requirement: &str,
    level: Level,
    message: &str,
    expected: Value,
    actual: Value,
) -> Finding {
    Finding {
        requirement: requirement.to_owned(),
        level,
        spec:
            "https://modelcontextprotocol.io/specification/2025-11-25/server/tools#error-handling"
                .to_owned(),
        message: message.to_owned(),
        expected,
        actual,
        entries: vec![],
        reproduce: String::new(),
        hint: None,
        fuzzed: None,
    }
}

fn failure(transport: Transport) -> Finding {
    let session = format!("2025-11-25+{transport}-1");
    let actual = json!({ "jsonrpc": "2.0", "id": 7, "result": { "content": [{ "type": "text", "text": "\u{202e}gnp" }] } });
    Finding {
        entries: vec![
            entry(
                &session,
                12,
                Direction::Sent,
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/call"}"#,
            ),
            entry(
                &session,
                13,
                Direction::Received,
                r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
            ),
        ],
        reproduce:
            "mcp-conform check --case tools/call-unknown-tool --revision 2025-11-25 -- ./server"
                .into(),
        hint: Some("some SDKs report it as a failed run".into()),
        fuzzed: None,
        ..finding(
            "tools/unknown-tool",
            Level::Must,
            "the answer is a result: expected a member \"error\"",
            json!({ "result": { "$absent": true }, "error": { "code": -32602 } }),
            actual,
        )
    }
}

fn warning(revision: Revision, transport: Transport) -> Finding {
    Finding {
        entries: vec![entry(
            &format!("{revision}+{transport}-1"),
            4,
            Direction::Received,
            "{}",
        )],
        reproduce: format!(
            "mcp-conform check --case rule/tool-names --revision {revision} -- ./server"
        ),
        ..finding(
            "tools/name-characters",
            Level::Should,
            "the tool name \"a b\" holds a space",
            json!("letters, digits, _, - and ."),
            json!("a b"),
        )
    }
}

fn collapse() -> Finding {
    Finding {
        entries: vec![entry(
            "2025-11-25+stdio-2",
            3,
            Direction::Sent,
            &"[".repeat(1_000),
        )],
        reproduce: "mcp-conform check --case robust/deep-nesting --revision 2025-11-25 -- ./server"
            .into(),
        ..finding(
            "robust/survives",
            Level::Robust,
            "the server ended by signal 11",
            json!("an answer to the next valid request"),
            Value::Null,
        )
    }
}
