use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::drive::Shot;
use crate::judge::duty::{self, Duty};
use crate::profile::Offer;
use crate::revision::Revision;
use crate::transport::Transport;

/// Made once: the messages of a revision take a while.
static PLACES: LazyLock<Vec<Arc<Vocabulary>>> = LazyLock::new(|| {
    let revisions = [Revision::V2025_11_25, Revision::V2026_07_28];
    let places = revisions.map(|revision| {
        [Transport::Stdio, Transport::Http].map(|transport| Arc::new(new(revision, transport)))
    });
    places.into_iter().flatten().collect()
});

fn new(revision: Revision, transport: Transport) -> Vocabulary {
    let offer = Offer {
        tools: vec![json!({ "name": "secret" }), json!({ "name": "echo" })].into(),
        prompts: vec![json!({ "name": "listed", "arguments": [{ "name": "a" }] })].into(),
        resources: vec![json!({ "uri": "x://listed" })].into(),
        templates: vec![json!({ "uriTemplate": "x://{of}" })].into(),
        ..Offer::closed(revision, transport)
    };
    let schema = json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string" } } });
    let allowed = vec![Allowed {
        name: "echo".to_owned(),
        schema: super::super::schema::Schema::new(schema),
        arguments: None,
    }];
    let callable = Callable {
        asking: allowed.clone(),
        lasting: allowed.clone(),
        plain: allowed,
    };
    let words = Vocabulary::new(&offer, callable, false);
    match transport {
        Transport::Http => {
            let names = ["expired", "in-query", "no-scope", "other-caller"];
            words.with_callers(
                &names.map(str::to_owned),
                Some(("echo".to_owned(), json!({}))),
            )
        }
        _ => words,
    }
}

fn words(revision: Revision, transport: Transport) -> Arc<Vocabulary> {
    let is_it =
        |words: &&Arc<Vocabulary>| (words.revision, words.transport) == (revision, transport);
    PLACES.iter().find(is_it).unwrap().clone()
}

pub(super) fn places() -> impl Strategy<Value = Arc<Vocabulary>> {
    prop::sample::select(PLACES.clone())
}

pub(super) fn texts(input: &Input) -> Vec<&[u8]> {
    let bytes = input.shots.iter().map(|shot| &shot.bytes()[..]);
    bytes.collect()
}

#[test]
fn a_stranger_asks_for_the_stream() {
    let inputs = Inputs::new(words(Revision::V2025_11_25, Transport::Http), 1);
    let is_foreign = |shot: &Shot| match shot {
        Shot::Http(request) => {
            let mut headers = request.headers.iter();
            request.method == "GET" && headers.any(|(name, _)| name == "Origin")
        }
        _ => false,
    };
    let mut streams = (0..10_000).map(|index| inputs.nth(index));
    let found = streams.find(|input| input.keyword == "stream for a stranger");
    assert!(found.is_some_and(|input| input.shots.iter().all(is_foreign)));
}

proptest! {
    #![proptest_config(Config::with_cases(24))]

    #[test]
    fn a_seed_gives_the_same_inputs_always(words in places(), seed: u64, index in 0..1_000_000_u64) {
        let one = Inputs::new(words.clone(), seed).nth(index);
        let other = Inputs::new(words, seed).nth(index);
        prop_assert_eq!(one.shots, other.shots);
        prop_assert!(!one.generator.is_empty());
    }

    #[test]
    fn no_other_tool_is_ever_called(words in places(), seed: u64) {
        let inputs = Inputs::new(words, seed);
        for index in 0..100 {
            let input = inputs.nth(index);
            for text in texts(&input) {
                let text = String::from_utf8_lossy(text);
                prop_assert!(!text.contains("secret"), "{text}");
            }
        }
    }

    #[test]
    fn header_values_can_be_sent(seed: u64) {
        let inputs = Inputs::new(words(Revision::V2025_11_25, Transport::Http), seed);
        for index in 0..100 {
            for shot in inputs.nth(index).shots {
                if let Shot::Http(request) = shot {
                    for (_, value) in request.headers {
                        prop_assert!(!value.chars().any(char::is_control), "{value}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_method_has_valid_messages() {
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let words = words(revision, Transport::Stdio);
        let methods: BTreeSet<&str> = words
            .messages
            .iter()
            .filter_map(|(_, message)| message["method"].as_str())
            .collect();
        for method in [
            "tools/list",
            "tools/call",
            "resources/read",
            "prompts/get",
            "completion/complete",
        ] {
            assert!(methods.contains(method), "{revision}: {methods:?}");
        }
        for left_out in ["initialize", "subscriptions/listen"] {
            assert!(!methods.contains(left_out));
        }
    }
}

#[test]
fn each_generator_makes_what_its_name_says() {
    let words = words(Revision::V2025_11_25, Transport::Http);
    for generator in GENERATORS {
        let mut runner = TestRunner::deterministic();
        let strategy = generator.strategy(&words);
        let mut keywords = BTreeSet::new();
        for _ in 0..400 {
            let input = strategy.new_tree(&mut runner).unwrap().current();
            assert!(!input.shots.is_empty(), "{}", generator.name);
            keywords.insert(input.keyword);
        }
        assert!(keywords.len() > 2, "{}: {keywords:?}", generator.name);
    }
}

#[test]
fn no_tool_that_makes_tasks_is_called_as_one() {
    let tools = ["optional", "required"];
    let tool = |support| json!({ "name": support, "execution": { "taskSupport": support } });
    let offer = Offer {
        tools: tools.map(tool).to_vec().into(),
        ..Offer::closed(Revision::V2025_11_25, Transport::Stdio)
    };
    let allowed = tools.map(|name| Allowed {
        name: name.to_owned(),
        schema: super::super::schema::Schema::new(json!({})),
        arguments: None,
    });
    let callable = Callable {
        plain: allowed.to_vec(),
        ..Callable::default()
    };
    let inputs = Inputs::new(Arc::new(Vocabulary::new(&offer, callable, false)), 1);
    let mut calls = 0;
    for index in 0..4_000 {
        let input = inputs.nth(index);
        let message: Value = serde_json::from_slice(texts(&input)[0]).unwrap_or_default();
        let name = message["params"]["name"].as_str().unwrap_or_default();
        if message["method"] == "tools/call" && tools.contains(&name) {
            calls += 1;
            assert!(!message["params"]["task"].is_object(), "{message}");
        }
    }
    assert!(calls > 20, "{calls}");
}

#[test]
fn what_is_valid_must_be_answered() {
    let words = words(Revision::V2025_11_25, Transport::Stdio);
    for (_, message) in &words.messages {
        let message = Input::json("", message).numbered(1);
        let due = duty::due(texts(&message)[0], words.revision, words.transport);
        let is_request = serde_json::from_slice::<Value>(texts(&message)[0])
            .unwrap()
            .get("id")
            .is_some();
        assert_eq!(
            due.duty,
            if is_request {
                Duty::Must
            } else {
                Duty::MustNot
            }
        );
    }
}

#[test]
fn the_classics_come_first() {
    let words = words(Revision::V2026_07_28, Transport::Stdio);
    let inputs = Inputs::new(words.clone(), 7);
    let count = classics(&words).len();
    assert!(count < 100);
    assert!((0..count as u64).all(|index| inputs.nth(index).generator == "classics"));
    assert_ne!(inputs.nth(count as u64).generator, "classics");
}

#[test]
fn what_takes_a_moment_is_called_once() {
    let tools = ["echo", "slow", "secret"].map(|name| json!({ "name": name }));
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let offer = Offer {
            tools: tools.to_vec().into(),
            ..Offer::closed(revision, Transport::Stdio)
        };
        let words =
            Vocabulary::new(&offer, Callable::default(), false).with_once(&["slow", "no-such"]);
        let inputs = Inputs::new(Arc::new(words), 1);
        let calls = |index: &u64| {
            let input = inputs.nth(*index);
            let message: Value = serde_json::from_slice(texts(&input)[0]).unwrap_or_default();
            let meta = &message["params"]["_meta"];
            let is_told = !meta["progressToken"].is_null() && !meta["progressToken"].is_object();
            assert!(message["params"]["name"] != "secret");
            message["params"]["name"] == "slow" && is_told
        };
        let called: Vec<u64> = (0..2_000).filter(calls).collect();
        assert_eq!(called.len(), 1, "{called:?}");
        assert_eq!(inputs.nth(called[0]).generator, "classics");
    }
}
