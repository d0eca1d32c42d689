//! Credentials: none, somebody else's, forged, or in a place where they must not be. Tokens stay with the driver, which
//! knows them by the names of their owners.
//!
//! What is served without a token, too, may ignore it: so each input asks for the same without one.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::conversation::opening;
use super::vocabulary::Callers;
use super::{Generator, Vocabulary};
use crate::drive::{LEFT_OUT, PATH_WITH_TOKEN, SESSION, Shot};
use crate::revision::{Era, legacy, modern};
use crate::target::{FORGED, IN_QUERY};
use crate::transport::HttpRequest;

pub(super) const GENERATOR: Generator = Generator {
    name: "credentials",
    weight: 8,
    applies: |words| words.callers.is_some(),
    make,
};

const AUTHORIZATION: &str = "Authorization";
/// What a request has that belongs to a session.
const OF_SESSION: [&str; 2] = ["Mcp-Session-Id", "MCP-Protocol-Version"];
/// The same, and what says who sends it.
const OUTSIDE: [&str; 3] = [AUTHORIZATION, OF_SESSION[0], OF_SESSION[1]];

/// What is no bearer token, whoever reads it.
const ODD: [&str; 10] = [
    "",
    "Bearer",
    "Bearer ",
    "bearer  =",
    "Bearer a b",
    "Bearer a, Bearer b",
    "Basic Og==",
    "Digest username=\"a\"",
    "Bearer \u{e9}",
    "%00",
];

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    let Some(callers) = &words.callers else {
        return Input::default();
    };
    let is_legacy = words.revision.era() == Era::Legacy;
    let others: Vec<&str> = (callers.identities.iter())
        .map(String::as_str)
        .filter(|name| *name != IN_QUERY)
        .collect();
    let can_query = callers.identities.iter().any(|name| name == IN_QUERY);
    match (dice.below(8), dice.pick(&others).copied()) {
        (0, _) if is_legacy => session_alone(words),
        (1, _) if can_query => in_query(words),
        (0..=2, _) => odd(words, dice),
        (_, Some("no-scope")) => without_scope(words, callers),
        // Whoever is known may open sessions, which would be left open.
        (_, Some(name)) if is_legacy && is_stranger(name) && dice.one_in(2) => {
            opened_by(words, name)
        }
        (_, Some(name)) => other("other caller", &some_request(words, dice), name),
        (_, None) => odd(words, dice),
    }
}

/// Whether nobody may let this caller in.
fn is_stranger(name: &str) -> bool {
    ["expired", "other-audience"].contains(&name) || FORGED.contains(&name)
}

/// A session is opened: in that of somebody else there would be another reason to be refused.
fn opened_by(words: &Vocabulary, name: &str) -> Input {
    let opening = opening(words.revision, words.revision.as_str());
    let theirs = message(
        &second(opening.clone()),
        left_out(&OF_SESSION),
        Some(name.to_owned()),
    );
    together("opened by another", [without(&opening, &OUTSIDE), theirs])
}

/// The id of a session in the place of a token, where none can be opened without one.
fn session_alone(words: &Vocabulary) -> Input {
    let opening = opening(words.revision, words.revision.as_str());
    let bare = ["Mcp-Session-Id", "MCP-Protocol-Version", AUTHORIZATION];
    together(
        "session without token",
        [
            without(&opening, &bare),
            without(&second(words.alive()), &[AUTHORIZATION]),
        ],
    )
}

/// A header that holds no bearer token.
fn odd(words: &Vocabulary, dice: &mut Dice) -> Input {
    let headers = Map::from_iter([(AUTHORIZATION.to_owned(), json!(dice.word(&ODD)))]);
    together(
        "odd token",
        [message(&some_request(words, dice), headers, None)],
    )
}

/// A token in the URL.
fn in_query(words: &Vocabulary) -> Input {
    let with_path = |request: Value, path: Option<&str>| {
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            (
                "Accept".to_owned(),
                "application/json, text/event-stream".to_owned(),
            ),
            (AUTHORIZATION.to_owned(), LEFT_OUT.to_owned()),
        ];
        headers.extend(match words.revision.era() {
            Era::Legacy => legacy::headers(words.revision, Some(SESSION)),
            Era::Modern => modern::headers(words.revision, &request, &words.tools),
        });
        Shot::Http(HttpRequest {
            replica: 0,
            method: "POST".to_owned(),
            path: path.map(str::to_owned),
            headers,
            body: Bytes::from(request.to_string()),
        })
    };
    let (one, other) = (words.alive(), second(words.alive()));
    together(
        "token in the query",
        [
            with_path(one, None),
            with_path(other, Some(PATH_WITH_TOKEN)),
        ],
    )
}

/// The call whose scope one caller lacks.
fn without_scope(words: &Vocabulary, callers: &Callers) -> Input {
    match &callers.call {
        Some((name, arguments)) => {
            let params = json!({ "name": name, "arguments": arguments });
            other(
                "without scope",
                &words.request("tools/call", params),
                "no-scope",
            )
        }
        None => other("without scope", &words.alive(), "no-scope"),
    }
}

/// Somebody else asks for what is not given to nobody.
fn other(keyword: &'static str, request: &Value, name: &str) -> Input {
    let theirs = message(&second(request.clone()), Map::new(), Some(name.to_owned()));
    together(keyword, [without(request, &[AUTHORIZATION]), theirs])
}

/// The plainest request, or a list.
fn some_request(words: &Vocabulary, dice: &mut Dice) -> Value {
    let lists = [
        (!words.tools.is_empty(), "tools/list"),
        (!words.prompts.is_empty(), "prompts/list"),
        (!words.resources.is_empty(), "resources/list"),
    ];
    match dice.pick(&lists) {
        Some((true, method)) if dice.one_in(2) => words.request(method, json!({})),
        _ => words.alive(),
    }
}

fn second(mut request: Value) -> Value {
    request["id"] = id(1);
    request
}

fn without(request: &Value, headers: &[&str]) -> Shot {
    message(request, left_out(headers), None)
}

fn left_out(headers: &[&str]) -> Map<String, Value> {
    headers
        .iter()
        .map(|name| ((*name).to_owned(), Value::Null))
        .collect()
}

fn message(request: &Value, headers: Map<String, Value>, identity: Option<String>) -> Shot {
    Shot::Message {
        bytes: request.to_string().into(),
        split: None,
        headers,
        identity,
    }
}

fn together<const N: usize>(keyword: &'static str, shots: [Shot; N]) -> Input {
    Input {
        keyword,
        shots: shots.into(),
        ..Input::default()
    }
}
