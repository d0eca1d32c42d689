use proptest::prelude::*;

use super::*;

/// How large a sequence is.
fn size(inputs: &[Input]) -> usize {
    inputs
        .iter()
        .flat_map(|input| &input.shots)
        .map(|shot| 1 + weight(shot))
        .sum()
}

fn weight(shot: &Shot) -> usize {
    match shot {
        Shot::Message {
            bytes,
            split,
            headers,
            ..
        } => bytes.len() + usize::from(split.is_some()) + headers.len(),
        Shot::Aborted(bytes) => bytes.len(),
        Shot::Http(request) => {
            request.body.len() + request.headers.len() + usize::from(request.path.is_some())
        }
    }
}

fn input(bytes: Vec<u8>) -> Input {
    Input::bytes("", bytes)
}

/// Shrinks as the hunt does, with a predicate in the place of a server.
fn smallest(mut inputs: Vec<Input>, breaks: impl Fn(&[Input]) -> bool) -> Vec<Input> {
    loop {
        let smaller = candidates(&inputs, "ping").find(|candidate| breaks(candidate));
        match smaller {
            Some(smaller) => inputs = smaller,
            None => return inputs,
        }
    }
}

fn text(inputs: &[Input]) -> String {
    let shots = inputs.iter().flat_map(|input| &input.shots);
    let bytes = shots.map(|shot| String::from_utf8_lossy(shot.bytes()).into_owned());
    bytes.collect::<Vec<_>>().join("|")
}

fn is_json(inputs: &[Input]) -> bool {
    serde_json::from_str::<Value>(&text(inputs)).is_ok()
}

proptest! {
    #[test]
    fn each_candidate_is_smaller(bytes in prop::collection::vec(any::<Vec<u8>>(), 1..5)) {
        let inputs: Vec<Input> = bytes.into_iter().map(input).collect();
        for candidate in candidates(&inputs, "ping") {
            prop_assert!(size(&candidate) < size(&inputs));
        }
    }

    #[test]
    fn what_breaks_still_breaks(texts in prop::collection::vec("[a-z]{0,30}", 1..6), at in 0..6_usize) {
        let mut texts = texts;
        let at = at % texts.len();
        texts[at].push('!');
        let inputs = texts.into_iter().map(|text| input(text.into_bytes())).collect();
        prop_assert_eq!(text(&smallest(inputs, |inputs| text(inputs).contains('!'))), "!");
    }
}

#[test]
fn what_is_wide_takes_little() {
    let members: Vec<String> = (0..20_000).map(|n| format!("\"k{n}\":1")).collect();
    let wide = input(format!("{{{}}}", members.join(",")).into_bytes());
    let breaks = |inputs: &[Input]| is_json(inputs) && text(inputs).contains("k777\"");
    assert_eq!(text(&smallest(vec![wide], breaks)), r#"{"k777":1}"#);
}

fn smallest_json(message: &str, breaks: impl Fn(&Value) -> bool) -> String {
    let breaks = |inputs: &[Input]| {
        serde_json::from_str(&text(inputs)).is_ok_and(|value: Value| breaks(&value))
    };
    text(&smallest(vec![input(message.into())], breaks))
}

#[test]
fn a_message_loses_what_does_not_matter() {
    let message = r#"{"jsonrpc":"2.0","id":"x1","method":"tools/call","params":{"name":"x","arguments":{"a":[1,2,null]}}}"#;
    assert_eq!(
        smallest_json(message, |value| value.to_string().contains("null")),
        r#"{"jsonrpc":"2.0","id":0,"method":"ping","params":{"arguments":{"a":[null]}}}"#
    );
    // Where the method matters, it stays; where it is made up, it is made shorter.
    let of = |method: &str| message.replace("tools/call", method);
    let asks = |name: &'static str| move |value: &Value| value["method"] == name;
    assert_eq!(
        smallest_json(message, asks("tools/call")),
        r#"{"jsonrpc":"2.0","id":0,"method":"tools/call"}"#
    );
    assert_eq!(
        smallest_json(&of("no/such/method"), |value| value["method"] != "ping"),
        r#"{"jsonrpc":"2.0","id":0,"method":""}"#
    );
}

#[test]
fn what_is_known_is_seen_in_what_is_larger() {
    let message = |method: &str, params: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
        vec![input(text.into_bytes())]
    };
    let known = message("ping", r#"{"_meta":null}"#);
    let projection = |inputs: &[Input]| projected(inputs, &known).map(|inputs| text(&inputs));
    let larger = message("tools/call", r#"{"name":"x","_meta":null}"#);
    assert_eq!(projection(&larger), Some(text(&known)));
    let otherwise = message("tools/call", r#"{"name":"x","_meta":"y"}"#);
    assert_eq!(
        projection(&otherwise),
        Some(text(&message("ping", r#"{"_meta":"y"}"#)))
    );
    // Where the part is missing, or is full, something else is behind it.
    assert_eq!(projection(&message("tools/call", r#"{"name":"x"}"#)), None);
    let full = message("tools/call", r#"{"_meta":{"a":1}}"#);
    assert!(projected(&full, &message("ping", r#"{"_meta":{}}"#)).is_none());
    let bytes = |bytes: &[u8]| vec![input(bytes.to_vec())];
    let known = bytes(b"\xff");
    assert!(projected(&bytes(b"{\xff}"), &known).is_some());
    assert!(projected(&bytes(b"{"), &known).is_none());
}

#[test]
fn only_what_json_rpc_does_not_know_becomes_something_else() {
    let all = |_: &Value| true;
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/x","params":{}}"#;
    assert_eq!(
        smallest_json(notification, all),
        r#"{"jsonrpc":"2.0","method":""}"#
    );
    let odd = r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#;
    assert_eq!(smallest_json(odd, all), "{}");
    assert_eq!(smallest_json("[[1,2],[3]]", all), "[]");
    // The spelling goes first, if it does not matter.
    assert_eq!(smallest_json("{ \"a\" : 1, \"a\": 2 }", all), "{}");
}
