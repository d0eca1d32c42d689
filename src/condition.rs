//! The conditions of cases (`needs`) and requirements (`when`): words about the server under test.
//!
//! They are listed in cases/README.md.

use serde_json::Value;

use crate::profile::{Offer, Profile};
use crate::revision::{Era, Revision};
use crate::target::FORGED;
use crate::transport::Transport;

/// The extension that stands for the capability `tasks`.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Words that are not capabilities.
const WORDS: [&str; 14] = [
    "a-tool",
    "a-resource",
    "a-template",
    "a-prompt",
    "a-call",
    "modern-only",
    "legacy-too",
    "session-id",
    "get-stream",
    "channel",
    "own-process",
    "authorization",
    "replicas",
    "completions",
];
/// The prefix of words that name credentials which the user gave.
pub const IDENTITY: &str = "identity:";
/// The prefixes of words that name something of the official fixture.
const FIXTURE: [&str; 3] = ["tool:", "resource:", "prompt:"];
/// The capabilities that a server can declare, first part of the path only.
const CAPABILITIES: [&str; 8] = [
    "tools",
    "resources",
    "prompts",
    "completions",
    "logging",
    "tasks",
    "extensions",
    "experimental",
];

/// Whether a word is a condition at all.
pub fn is_known(word: &str) -> bool {
    let word = word.strip_prefix('!').unwrap_or(word);
    WORDS.contains(&word)
        || word.starts_with(IDENTITY)
        || FIXTURE.iter().any(|prefix| word.starts_with(prefix))
        || CAPABILITIES.contains(&word.split('.').next().unwrap_or(word))
}

/// The first condition that does not hold, as a reason; none if all hold.
pub fn unmet(
    words: &[String],
    profile: &Profile,
    revision: Revision,
    transport: Transport,
) -> Option<String> {
    let offer = profile.offer(revision, transport)?;
    words
        .iter()
        .find_map(|word| unmet_word(word, profile, offer))
}

fn unmet_word(word: &str, profile: &Profile, offer: &Offer) -> Option<String> {
    match word.strip_prefix('!') {
        Some(word) => match holds(word, profile, offer) {
            true => Some(format!("it has {word}")),
            false => None,
        },
        None if holds(word, profile, offer) => None,
        None => Some(reason(word, profile)),
    }
}

fn holds(word: &str, profile: &Profile, offer: &Offer) -> bool {
    match word {
        "a-tool" => !offer.tools.is_empty(),
        "a-resource" => !offer.resources.is_empty(),
        "a-template" => !offer.templates.is_empty(),
        "a-prompt" => simple_prompt(offer).is_some(),
        "a-call" => allowed_call(profile, offer).is_some(),
        "modern-only" => profile.is_modern_only(offer.transport),
        "legacy-too" => profile.speaks(Era::Legacy, offer.transport),
        "session-id" => offer.session_id,
        "get-stream" => offer.get_stream,
        "channel" => offer.get_stream || offer.transport != Transport::Http,
        "own-process" => profile.own_process,
        "authorization" => profile.authorization,
        "replicas" => profile.replicas > 0,
        "tasks" => declares(&offer.capabilities, word) || has_tasks_extension(&offer.capabilities),
        "completions" => offer.completes || declares(&offer.capabilities, "completions"),
        _ => match word.split_once(':') {
            Some(("identity", name)) => profile.identities.iter().any(|given| given == name),
            Some((kind, name)) => profile.official_fixture && lists(offer, kind, name),
            None => declares(&offer.capabilities, word),
        },
    }
}

fn reason(word: &str, profile: &Profile) -> String {
    match word {
        "a-tool" => "it lists no tool".to_owned(),
        "a-resource" => "it lists no resource".to_owned(),
        "a-template" => "it lists no resource template".to_owned(),
        "a-prompt" => "it lists no prompt without required arguments".to_owned(),
        "a-call" => "no call of a tool is allowed (see --call, --call-read-only)".to_owned(),
        "modern-only" => match profile.legacy_tried.is_empty() {
            true => "no legacy revision was asked for (see --revision)".to_owned(),
            false => "it speaks legacy revisions too".to_owned(),
        },
        "legacy-too" => "it speaks modern revisions only".to_owned(),
        "session-id" => "it issues no session id".to_owned(),
        "get-stream" => "it opens no stream on GET".to_owned(),
        "channel" => "it says nothing outside of requests: it opens no stream on GET".to_owned(),
        "own-process" => "the process is not ours".to_owned(),
        "authorization" => "no credentials were given (see --header)".to_owned(),
        "replicas" => "it is reached at one URL only (see --replica)".to_owned(),
        _ => match word.split_once(':') {
            Some(("identity", name)) if FORGED.contains(&name) => {
                "no bearer token was given to make another of (see --header)".to_owned()
            }
            Some(("identity", name)) => {
                format!("no credentials of that kind were given (see --identity {name}='K: V')")
            }
            Some(_) if !profile.official_fixture => "the official fixture is not in use".to_owned(),
            Some((kind, name)) => format!("it lists no {kind} {name} of the official fixture"),
            None => format!("it does not declare {word}"),
        },
    }
}

/// From 2026-07-28 on, tasks are an extension.
fn has_tasks_extension(capabilities: &Value) -> bool {
    let extensions = capabilities.get("extensions");
    extensions.is_some_and(|extensions| extensions.get(TASKS_EXTENSION).is_some())
}

/// Whether a capability is declared, by its dotted path. `false` and null do not declare it.
fn declares(capabilities: &Value, path: &str) -> bool {
    let found = path
        .split('.')
        .try_fold(capabilities, |value, part| value.get(part));
    found.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
}

fn lists(offer: &Offer, kind: &str, name: &str) -> bool {
    let named = |items: &[Value], key: &str| {
        items
            .iter()
            .any(|item| item.get(key).and_then(Value::as_str) == Some(name))
    };
    match kind {
        "tool" => named(&offer.tools, "name"),
        "prompt" => named(&offer.prompts, "name"),
        _ => named(&offer.resources, "uri") || named(&offer.templates, "uriTemplate"),
    }
}

/// The first prompt that can be had without arguments.
pub fn simple_prompt(offer: &Offer) -> Option<&str> {
    let requires = |prompt: &Value| {
        prompt
            .get("arguments")
            .and_then(Value::as_array)
            .is_some_and(|arguments| {
                arguments
                    .iter()
                    .any(|argument| argument.get("required") == Some(&Value::Bool(true)))
            })
    };
    offer
        .prompts
        .iter()
        .find(|prompt| !requires(prompt))
        .and_then(|prompt| prompt.get("name")?.as_str())
}

/// A call that may be made: one that the user named, a tool annotated as read-only that needs no arguments, or a
/// harmless one of the official fixture.
pub fn allowed_call(profile: &Profile, offer: &Offer) -> Option<(String, Value)> {
    let nothing = || Value::Object(serde_json::Map::new());
    let name_of = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
    let named = offer
        .tools
        .iter()
        .filter_map(name_of)
        .find(|name| profile.calls.contains_key(name));
    if let Some(name) = named {
        let arguments = profile.calls.get(&name).cloned().unwrap_or_else(nothing);
        return Some((name, arguments));
    }
    if profile.official_fixture && lists(offer, "tool", "test_simple_text") {
        return Some(("test_simple_text".to_owned(), nothing()));
    }
    let read_only = |tool: &&Value| {
        let needs_nothing = tool
            .pointer("/inputSchema/required")
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty);
        tool.pointer("/annotations/readOnlyHint") == Some(&Value::Bool(true)) && needs_nothing
    };
    let tool = offer
        .tools
        .iter()
        .filter(|_| profile.call_read_only)
        .find(read_only)?;
    Some((name_of(tool)?, nothing()))
}
