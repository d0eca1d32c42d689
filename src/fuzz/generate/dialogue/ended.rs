//! Legacy HTTP: a session is ended, and asked for something once more.

use bytes::Bytes;
use serde_json::Value;

use super::super::super::dice::Dice;
use super::super::super::input::Input;
use super::super::Vocabulary;
use super::{Kind, numbered};
use crate::drive::{SESSION, Shot};
use crate::revision::Era;
use crate::transport::{HttpRequest, Transport};

pub(super) const KIND: Kind = Kind {
    applies: |words| words.transport == Transport::Http && words.revision.era() == Era::Legacy,
    make: |words, dice| ended(words, &requests(words, dice)),
    classics: |words| vec![ended(words, &[words.alive()])],
};

fn requests(words: &Vocabulary, dice: &mut Dice) -> Vec<Value> {
    let message = words.message(dice);
    match dice.one_in(2) {
        true => vec![message],
        false => vec![message, numbered(words.alive(), 1)],
    }
}

fn ended(words: &Vocabulary, behind: &[Value]) -> Input {
    let headers = [
        ("Mcp-Session-Id", SESSION),
        ("MCP-Protocol-Version", words.revision.as_str()),
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let end = HttpRequest {
        replica: 0,
        method: "DELETE".to_owned(),
        path: None,
        headers: headers.map(own).to_vec(),
        body: Bytes::new(),
    };
    let mut input = Input::messages("session ended", behind);
    input.shots.insert(0, Shot::Http(end));
    input
}
