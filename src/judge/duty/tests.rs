use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::judge::pattern::properties::any_json;

const OLD: Revision = Revision::V2024_11_05;
const BATCH: Revision = Revision::V2025_03_26;
const LAST: Revision = Revision::V2025_11_25;
const MODERN: Revision = Revision::V2026_07_28;

#[test]
fn each_rule() {
    use Duty::{May, Must, MustNot};
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let note = r#"{"jsonrpc":"2.0","method":"x"}"#;
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let large = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#,
        "x".repeat(SANE_SIZE)
    );
    let table: Vec<(Revision, String, Duty, Value, bool)> = [
        (LAST, ping, Must, json!([1]), true),
        (MODERN, ping, Must, json!([1]), true),
        (
            LAST,
            " {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"x\",\"params\":{}}\r",
            Must,
            json!(["a"]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[]}"#,
            May,
            json!([1, null]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":null}"#,
            May,
            json!([1, null]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":"y"}"#,
            May,
            json!([1, null]),
            false,
        ),
        (LAST, note, MustNot, json!([]), false),
        (
            LAST,
            r#"{"jsonrpc":"2.0","method":"x","params":5}"#,
            May,
            json!([]),
            false,
        ),
        (LAST, r#"{"method":"x"}"#, May, json!([]), false),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            MustNot,
            json!([]),
            false,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":""}}"#,
            MustNot,
            json!([]),
            false,
        ),
        (
            MODERN,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            May,
            json!([1, null]),
            false,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            May,
            json!([1, null]),
            false,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#,
            May,
            json!([1, null]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#,
            May,
            json!([]),
            false,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#,
            May,
            json!([1.5, null]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"x"}"#,
            May,
            json!([9_007_199_254_740_993_i64, null]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":true,"method":"x"}"#,
            May,
            json!([true, null]),
            false,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":[1],"method":"x"}"#,
            May,
            json!([[1], null]),
            false,
        ),
        (
            LAST,
            r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#,
            May,
            json!([1, null]),
            true,
        ),
        (
            LAST,
            r#"{"id":1,"method":"x"}"#,
            May,
            json!([1, null]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":2}"#,
            May,
            json!([1, null]),
            false,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1}"#,
            May,
            json!([1, null]),
            false,
        ),
        (LAST, "{}", May, json!([]), false),
        (LAST, "5", May, json!([]), false),
        (LAST, "", May, json!([]), false),
        (LAST, "nonsense", May, json!([]), false),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":"x""#,
            May,
            json!([null, 1]),
            false,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":"x"}}"#,
            May,
            json!([null, 1]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
            May,
            json!([null, 1]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":"x"}{"jsonrpc":"2.0","id":2,"method":"x"}"#,
            May,
            json!([null, 1, 2]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"\u0069d":2,"method":"x"}"#,
            May,
            json!([2, null, 1]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":1,"a":2}}"#,
            May,
            json!([1, null]),
            true,
        ),
        (
            LAST,
            r#"{"jsonrpc":"2.0","method":"x","method":"y"}"#,
            May,
            json!([]),
            false,
        ),
        (
            LAST,
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}",
            May,
            json!([1, null]),
            true,
        ),
        (LAST, &deep, May, json!([null, 1]), true),
        (LAST, &large, May, json!([1, null]), true),
        (BATCH, "[]", May, json!([]), false),
        (BATCH, "[1]", May, json!([]), false),
        (
            BATCH,
            &format!("[{ping},{note}]"),
            Must,
            json!([1, null]),
            true,
        ),
        (BATCH, &format!("[{note}]"), MustNot, json!([]), false),
        (BATCH, &format!("[{ping},5]"), May, json!([1, null]), true),
        (OLD, &format!("[{ping}]"), May, json!([1, null]), true),
        (LAST, &format!("[{note}]"), May, json!([]), false),
    ]
    .into_iter()
    .map(|(revision, text, duty, ids, valid)| (revision, text.to_owned(), duty, ids, valid))
    .collect();
    for (revision, text, duty, ids, valid) in table {
        let shown: String = text.chars().take(100).collect();
        for transport in Transport::ALL {
            let due = due(text.as_bytes(), revision, transport);
            assert_eq!(
                (due.duty, json!(due.ids), due.valid),
                (duty, ids.clone(), valid),
                "{shown} {transport}"
            );
        }
    }
}

#[test]
fn a_large_id_may_come_back_rounded_whatever_else_is_wrong() {
    let ids: [(&str, u64); 3] = [
        ("9007199254740993", 9_007_199_254_740_992),
        // As JavaScript writes it.
        ("9223372036854775807", 9_223_372_036_854_776_000),
        ("9223372036854775807", 9_223_372_036_854_775_808),
    ];
    for (sent, rounded) in ids {
        for rest in [
            r#""jsonrpc":"2.0","method":"x""#,
            r#""method":"x","result":{}"#,
            r#""a":1,"a":2"#,
        ] {
            let due = due(
                format!(r#"{{"id":{sent},{rest}}}"#).as_bytes(),
                LAST,
                Transport::Http,
            );
            assert!(due.accepts(Some(&json!(rounded))), "{sent} {rest}");
            assert!(!due.accepts(Some(&json!(rounded - 4096))));
            assert!(!due.accepts(Some(&json!(rounded.to_string()))));
        }
    }
    // What every reader has exactly is not rounded.
    let plain = due(
        br#"{"jsonrpc":"2.0","id":9007199254740991,"method":"x"}"#,
        LAST,
        Transport::Http,
    );
    assert!(!plain.accepts(Some(&json!(9_007_199_254_740_992_u64))));
}

#[test]
fn lines_are_messages_on_stdio_only() {
    let two = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"x\"}\n";
    let stdio = due(two, LAST, Transport::Stdio);
    assert_eq!(
        (stdio.duty, stdio.ids),
        (Duty::Must, vec![json!(1), json!(2)])
    );
    for transport in [Transport::Http, Transport::Sse] {
        assert_eq!(due(two, LAST, transport).duty, Duty::May);
    }

    let spread = b"{\"jsonrpc\":\"2.0\",\n\"id\":1,\n\"method\":\"x\"}";
    assert_eq!(due(spread, LAST, Transport::Stdio).duty, Duty::May);
    assert_eq!(due(spread, LAST, Transport::Http).duty, Duty::Must);
}

#[test]
fn a_carriage_return_may_end_a_line() {
    let duty = |text: &str, transport| due(text.as_bytes(), LAST, transport).duty;
    let within = "{\"jsonrpc\":\"2.0\",\"id\":1,\r\"method\":\"x\"}\n";
    assert_eq!(duty(within, Transport::Stdio), Duty::May);
    assert_eq!(duty(within, Transport::Http), Duty::Must);
    let at_its_end = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}\r\n";
    assert_eq!(duty(at_its_end, Transport::Stdio), Duty::Must);
}

#[test]
fn invalid_utf8_may_be_repaired() {
    let due = due(
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}",
        LAST,
        Transport::Stdio,
    );
    assert_eq!(
        due,
        Due {
            duty: Duty::May,
            ids: vec![json!(1), Value::Null],
            valid: true
        }
    );
    assert!(due.accepts(None) && due.accepts(Some(&json!(1.0))) && !due.accepts(Some(&json!("1"))));
}

proptest! {
    #[test]
    fn total_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for revision in Revision::ALL {
            let _ = due(&bytes, revision, Transport::Stdio);
        }
    }

    #[test]
    fn what_was_read_before_makes_no_difference(value in any_json(), cut in 0..100_usize, mark: bool, line: bool) {
        let text = value.to_string();
        let mut bytes = if mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        bytes.extend_from_slice(&text.as_bytes()[..text.len() - cut.min(text.len())]);
        if line {
            bytes.extend_from_slice(b"\n{}");
        }
        let read: Option<Value> = serde_json::from_slice(&bytes).ok();
        for (revision, transport) in [(Revision::V2025_03_26, Transport::Stdio), (Revision::V2026_07_28, Transport::Http)] {
            prop_assert_eq!(
                due_of(&bytes, read.as_ref(), revision, transport),
                due(&bytes, revision, transport)
            );
        }
    }

    #[test]
    fn total_on_what_is_nearly_json(value in any_json(), cut in any::<usize>(), put in any::<u8>()) {
        let mut bytes = value.to_string().into_bytes();
        let at = cut % bytes.len();
        bytes[at] = put;
        let _ = due(&bytes, LAST, Transport::Stdio);
        bytes.truncate(at);
        let _ = due(&bytes, BATCH, Transport::Http);
    }

    #[test]
    fn what_may_be_answered_knows_an_id_or_none(value in any_json()) {
        for revision in Revision::ALL {
            let due = due(value.to_string().as_bytes(), revision, Transport::Http);
            prop_assert!(due.duty != Duty::May || due.accepts(None));
            prop_assert!(due.duty != Duty::MustNot || !due.valid);
        }
    }

    #[test]
    fn a_request_must_be_answered_however_it_is_written(id in "[a-z\"\\\\é]{0,5}", method in ".{0,9}", space in "[ \t\r]{0,3}") {
        let text = format!("{space}{{{space}\"method\":{},\"id\":{space}{},\"jsonrpc\":\"2.0\"}}{space}", json!(method), json!(id));
        let expected = Due { duty: Duty::Must, ids: vec![json!(id)], valid: true };
        prop_assert_eq!(&due(text.as_bytes(), LAST, Transport::Http), &expected);
        let line = text.replace('\r', " ");
        prop_assert_eq!(&due(line.as_bytes(), LAST, Transport::Stdio), &expected);
    }
}
