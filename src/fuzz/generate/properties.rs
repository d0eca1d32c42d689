//! What each generator promises of its inputs, besides what holds for all.

use proptest::prelude::*;
use serde_json::Value;

use super::tests::{places, texts};
use super::vocabulary::NO_SUCH_TOOL;
use super::*;
use crate::condition::TASKS_EXTENSION;
use crate::drive::{LEFT_OUT, Shot, repeats};
use crate::judge::duty::{Duty, due};
use crate::revision::{Era, Revision};
use crate::wire;

/// Some inputs of a generator.
fn some(name: &str, words: &Arc<Vocabulary>, seed: [u8; 32]) -> Vec<Input> {
    let generator = GENERATORS.iter().find(|generator| generator.name == name);
    let strategy = generator.unwrap().strategy(words);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let made = (0..60).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let numbered = made.zip(0..).map(|(input, index)| input.numbered(index));
    numbered.collect()
}

fn json(input: &Input) -> Option<Value> {
    serde_json::from_slice(texts(input)[0]).ok()
}

proptest! {
    #![proptest_config(Config::with_cases(24))]

    #[test]
    fn bytes_are_what_their_keyword_says(words in places(), seed: [u8; 32]) {
        for input in some("bytes", &words, seed) {
            let bytes = texts(&input)[0];
            let lines = bytes.split(|byte| *byte == b'\n').count();
            match input.keyword {
                "invalid UTF-8" => prop_assert!(std::str::from_utf8(bytes).is_err()),
                "truncated" => prop_assert!(json(&input).is_none()),
                "merged writes" => prop_assert_eq!(lines, 2),
                "empty" => prop_assert!(bytes.trim_ascii().is_empty()),
                "split writes" => {
                    let Shot::Message { split, .. } = &input.shots[0] else { panic!("no message") };
                    prop_assert!(split.is_some_and(|at| 0 < at && at < bytes.len()));
                }
                _ => prop_assert_eq!(lines, 1, "{}", input.keyword),
            }
        }
    }

    #[test]
    fn json_is_one_line_that_need_not_be_answered_with_a_result(words in places(), seed: [u8; 32]) {
        for input in some("json", &words, seed) {
            let bytes = texts(&input)[0];
            prop_assert!(!bytes.contains(&b'\n'));
            if ["any JSON", "very wide"].contains(&input.keyword) {
                prop_assert!(json(&input).is_some());
            }
            if input.keyword == "duplicate name" {
                prop_assert_eq!(due(bytes, words.revision, words.transport).duty, Duty::May);
            }
        }
    }

    #[test]
    fn json_rpc_is_json_that_is_wrong_in_one_way(words in places(), seed: [u8; 32]) {
        for input in some("json-rpc", &words, seed) {
            let message = json(&input);
            prop_assert!(message.is_some());
            let message = message.unwrap_or_default();
            match input.keyword {
                "batch" => prop_assert!(message.is_array()),
                "response to nothing" => prop_assert!(message.get("method").is_none()),
                _ => prop_assert!(message["method"].is_string() && message["jsonrpc"] == "2.0"),
            }
        }
    }

    #[test]
    fn mcp_that_is_valid_validates(words in places(), seed: [u8; 32]) {
        let schemas = wire::schemas(words.revision).unwrap();
        for input in some("mcp", &words, seed) {
            let message = json(&input).unwrap();
            if ["valid", "reordered", "white space"].contains(&input.keyword) && input.method.is_some() {
                prop_assert!(schemas.client_message(&message, None).is_empty(), "{message}");
            }
        }
    }

    /// What is asked for by its name has one thing wrong, and no task is begun where a tool says that it could be.
    #[test]
    fn what_is_listed_is_asked_for_wrongly(words in places(), seed: [u8; 32]) {
        for input in some("listed", &words, seed) {
            let message = json(&input).unwrap();
            prop_assert!(message["params"].is_object());
            prop_assert_eq!(message["method"].as_str(), input.method.as_deref());
            prop_assert!(message["params"]["task"].is_null() || words.revision == Revision::V2025_11_25);
        }
    }

    #[test]
    fn arguments_are_of_a_tool_that_may_be_called(words in places(), seed: [u8; 32]) {
        for input in some("arguments", &words, seed) {
            let message = json(&input).unwrap();
            let name = message["params"]["name"].as_str().unwrap().to_lowercase();
            prop_assert_eq!(name, "echo");
            let is_text = message["params"]["arguments"]["text"].is_string();
            match input.keyword {
                "valid" => prop_assert!(is_text),
                "required" | "type" => prop_assert!(!is_text),
                _ => {}
            }
        }
    }

    #[test]
    fn requests_of_a_conversation_have_ids_of_their_own(words in places(), seed: [u8; 32]) {
        for input in ["conversation", "dialogue"].into_iter().flat_map(|name| some(name, &words, seed)) {
            let sent = texts(&input).into_iter().filter(|text| !text.is_empty());
            let messages = sent.map(|text| serde_json::from_slice::<Value>(text).unwrap());
            let asked = messages.filter(|message| message.get("id").is_some());
            let mut ids: Vec<String> = asked.map(|message| message["id"].to_string()).collect();
            let count = ids.len();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), count, "{}", input.keyword);
        }
    }

    /// Each message can be sent, what it repeats can have been said before it, and replies are replies.
    #[test]
    fn a_dialogue_can_be_held(words in places(), seed: [u8; 32]) {
        for input in some("dialogue", &words, seed) {
            prop_assert!(!repeats(texts(&input)[0]), "{}", input.keyword);
            for text in texts(&input).into_iter().filter(|text| !text.is_empty()) {
                let message: Value = serde_json::from_slice(text).unwrap();
                prop_assert!(message["method"].is_string());
                let name = &message["params"]["name"];
                prop_assert!(message["method"] != "tools/call" || *name == "echo" || *name == NO_SUCH_TOOL, "{message}");
            }
            for reply in input.replies.values() {
                prop_assert!(reply["result"].is_object() != reply["error"]["code"].is_i64(), "{reply}");
            }
            prop_assert_eq!(input.ends_session(), input.keyword == "session ended");
            prop_assert_eq!(input.ends_session() || !input.replies.is_empty(), input.is_alone());
        }
    }

    /// Nothing is left to go on behind an input: a client that knows tasks cancels what may have become one.
    #[test]
    fn a_task_that_is_begun_is_cancelled(words in places(), seed: [u8; 32]) {
        for input in some("dialogue", &words, seed) {
            let messages: Vec<Value> = texts(&input).into_iter().filter_map(|text| serde_json::from_slice(text).ok()).collect();
            let knows = |message: &Value| words.revision.era() == Era::Legacy || message.to_string().contains(TASKS_EXTENSION);
            let begins = |message: &Value| message["params"]["name"] == "echo" && (message["params"]["task"].is_object() || message.to_string().contains(TASKS_EXTENSION));
            let cancels = |message: &Value| message["method"] == "tasks/cancel" && knows(message);
            prop_assert!(!messages.iter().any(begins) || messages.iter().any(cancels), "{messages:?}");
        }
    }

    #[test]
    fn what_goes_over_http_has_headers_that_can_be_sent(seed: [u8; 32], words in places()) {
        for input in some("http", &words, seed) {
            for shot in &input.shots {
                let Shot::Http(request) = shot else { continue };
                prop_assert!(request.method.chars().all(|letter| letter.is_ascii_alphabetic()));
                for (name, value) in &request.headers {
                    prop_assert!(!name.is_empty() && !value.chars().any(char::is_control), "{name}: {value}");
                }
            }
        }
    }

    /// Whoever asks in the place of us, nobody asks for the same; and no session ends.
    #[test]
    fn what_others_ask_for_is_asked_for_without_a_token(words in places(), seed: [u8; 32]) {
        prop_assume!(words.callers.is_some());
        for input in some("credentials", &words, seed) {
            let asked = |shot: &Shot| {
                let message: Value = serde_json::from_slice(shot.bytes()).unwrap();
                (message["method"].clone(), message["params"]["name"].clone())
            };
            match (&input.shots[..], input.keyword) {
                ([one], "odd token") => prop_assert_eq!(token(one), Some("odd")),
                ([one, other], "session without token") => {
                    prop_assert_eq!((token(one), token(other)), (Some("none"), Some("none")));
                    prop_assert_eq!(&asked(one).0, "initialize");
                }
                ([one, other], _) => {
                    prop_assert_eq!(token(one), Some("none"));
                    prop_assert_eq!(asked(one), asked(other));
                    prop_assert_eq!(input.callers().count(), 1);
                }
                _ => prop_assert!(false, "{}", input.keyword),
            }
        }
    }
}

/// What is in the place of our token; nothing where that is sent.
fn token(shot: &Shot) -> Option<&'static str> {
    match shot {
        Shot::Message { headers, .. } => match headers.get("Authorization")? {
            Value::Null => Some("none"),
            _ => Some("odd"),
        },
        Shot::Http(request) => {
            let left_out = ("Authorization".to_owned(), LEFT_OUT.to_owned());
            let is_posted = request.method == "POST" && request.headers.contains(&left_out);
            is_posted.then_some("none")
        }
        Shot::Aborted(_) => None,
    }
}
