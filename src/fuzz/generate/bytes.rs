//! Bytes that are no message: no JSON, half a message, two of them, in another encoding or framing.

use bytes::Bytes;

use super::super::dice::Dice;
use super::super::input::Input;
use super::{Generator, Vocabulary};
use crate::drive::Shot;

pub(super) const GENERATOR: Generator = Generator {
    name: "bytes",
    weight: 20,
    applies: |_| true,
    make,
};

/// A kind of bytes, and what makes them.
type Kind = (&'static str, fn(&Vocabulary, &mut Dice) -> Vec<u8>);

const KINDS: [Kind; 11] = [
    ("not JSON", |_, dice| noise(dice)),
    ("truncated", truncated),
    ("spliced", spliced),
    ("bytes changed", changed),
    ("invalid UTF-8", |words, dice| {
        inserted(words, dice, &INVALID)
    }),
    ("control characters", |words, dice| {
        inserted(words, dice, &CONTROL)
    }),
    ("byte-order mark", marked),
    ("other newlines", |words, dice| {
        inserted(words, dice, &NEWLINES)
    }),
    ("other white space", |words, dice| {
        inserted(words, dice, &SPACES)
    }),
    ("merged writes", merged),
    ("empty", |_, dice| vec![b' '; dice.below(3)]),
];

/// Bytes that UTF-8 does not have: too short, too long, surrogates, beyond Unicode.
const INVALID: [&[u8]; 7] = [
    b"\xff",
    b"\xc3(",
    b"\xed\xa0\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xc0\xaf",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
];
const CONTROL: [&[u8]; 7] = [
    b"\0", b"\x01", b"\x08", b"\x1b[2J", b"\x7f", b"\x1a", b"\x04",
];
const NEWLINES: [&[u8]; 6] = [
    b"\r",
    b"\r\r",
    b"\x0b",
    b"\x0c",
    "\u{2028}".as_bytes(),
    "\u{85}".as_bytes(),
];
const SPACES: [&[u8]; 4] = [b" ", b"\t", "\u{a0}".as_bytes(), "\u{200b}".as_bytes()];
const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
/// What is no JSON, and not even close.
const NOISE: [&str; 10] = [
    "hello",
    "{",
    "}",
    "[",
    "{]",
    "nul",
    "{'method':'ping'}",
    "<?xml version=\"1.0\"?>",
    "Content-Length: 10",
    "GET / HTTP/1.1",
];
/// Lines of this many bytes come now and then.
const LONG: usize = 256 << 10;

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    if dice.one_in(2000) {
        return Input::bytes("very long line", vec![b'a'; dice.between(LONG, 4 * LONG)]);
    }
    if !words.is_http() && dice.one_in(12) {
        return split(words, dice);
    }
    match dice.pick(&KINDS) {
        Some((keyword, kind)) => Input::bytes(keyword, without_newlines(words, kind(words, dice))),
        None => Input::bytes("empty", ""),
    }
}

/// A newline would make two lines of it, which only merged writes mean to.
fn without_newlines(_: &Vocabulary, bytes: Vec<u8>) -> Bytes {
    bytes.into()
}

fn text(words: &Vocabulary, dice: &mut Dice) -> Vec<u8> {
    words.message(dice).to_string().into_bytes()
}

fn noise(dice: &mut Dice) -> Vec<u8> {
    match dice.one_in(2) {
        true => dice.word(&NOISE).as_bytes().to_vec(),
        false => (0..dice.between(1, 40))
            .map(|_| dice.byte())
            .filter(|byte| *byte != b'\n')
            .collect(),
    }
}

fn truncated(words: &Vocabulary, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text(words, dice);
    bytes.truncate(dice.between(1, bytes.len().saturating_sub(1)));
    bytes
}

fn spliced(words: &Vocabulary, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = truncated(words, dice);
    let other = text(words, dice);
    bytes.extend_from_slice(&other[dice.below(other.len())..]);
    bytes
}

fn changed(words: &Vocabulary, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text(words, dice);
    for _ in 0..dice.between(1, 3) {
        let at = dice.below(bytes.len());
        bytes[at] = match dice.byte() {
            b'\n' => b' ',
            byte => byte,
        };
    }
    bytes
}

fn inserted(words: &Vocabulary, dice: &mut Dice, what: &[&[u8]]) -> Vec<u8> {
    let mut bytes = text(words, dice);
    let at = match dice.below(4) {
        0 => 0,
        1 => bytes.len(),
        _ => dice.below(bytes.len()),
    };
    if let Some(what) = dice.pick(what) {
        bytes.splice(at..at, what.iter().copied());
    }
    bytes
}

fn marked(words: &Vocabulary, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = dice
        .pick(&MARKS)
        .map_or_else(Vec::new, |mark| mark.to_vec());
    bytes.extend(text(words, dice));
    bytes
}

/// Two messages in one write: over stdio two lines, over HTTP a body that is not one message.
fn merged(words: &Vocabulary, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = words
        .request("ping-not-there", serde_json::json!({}))
        .to_string();
    bytes.push('\n');
    let mut second = words.message(dice);
    if second.get("id").is_some() {
        second["id"] = super::super::input::id(1);
    }
    bytes.push_str(&second.to_string());
    bytes.into_bytes()
}

/// A valid message in two writes.
fn split(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut input = Input::json("split writes", &words.message(dice));
    if let Some(Shot::Message { bytes, split, .. }) = input.shots.first_mut() {
        *split = Some(dice.between(1, bytes.len().saturating_sub(1)));
    }
    input
}
