//! What is wrong with the content of a request.

use serde_json::Value;

use super::check::{Check, check, or_a_version, or_contents, or_failure, or_no_values};
use super::{Answered, MADE_UP, methods, refuses_tasks};
use crate::judge::pattern;
use crate::message::items;
use crate::probe::MAX_ITEMS;
use crate::revision::{Era, Revision, modern};
use crate::transport::Transport;

const LISTS: &[&str] = &[
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
];
pub(super) const CALL: &[&str] = &["tools/call"];
const GET: &[&str] = &["prompts/get"];
const READ: &[&str] = &["resources/read"];
const COMPLETE: &[&str] = &["completion/complete"];

/// The first that applies counts.
pub(super) static CHECKS: &[Check] = &[
    check(&[], "meta/required-fields", lacks_meta),
    check(&[], "meta/field-types", has_mistyped_meta),
    check(&[], "versioning/unsupported-version", names_no_version),
    check(&[], "logging/invalid-level", logs_at_no_level),
    check(CALL, "tools/validate-inputs", calls_nothing).or(or_failure),
    check(CALL, "tools/name-case-sensitive", calls_another_case).or(or_failure),
    check(CALL, "tools/validate-inputs", calls_no_tool).or(or_failure),
    check(CALL, "tools/validate-inputs", calls_with_wrong_arguments).or(or_failure),
    check(CALL, "tasks/tool-required", calls_without_task),
    check(CALL, "tasks/tool-forbidden", calls_as_task),
    check(READ, "resources/validate-uris", names_no_uri),
    check(
        &["resources/subscribe"],
        "resources/validate-uris",
        names_no_uri,
    ),
    check(READ, "resources/no-empty-contents", reads_nothing).or(or_contents),
    check(READ, "resources/not-found", reads_nothing).or(or_contents),
    check(READ, "resources/not-found", reads_what_is_made_up).tolerated(),
    check(GET, "prompts/validate-inputs", gets_no_prompt),
    check(GET, "prompts/validate-arguments", gets_with_wrong_arguments),
    check(GET, "prompts/missing-arguments", gets_without_arguments),
    check(COMPLETE, "completion/validate-inputs", completes_malformed),
    check(
        COMPLETE,
        "completion/validate-inputs",
        completes_unknown_argument,
    )
    .or(or_no_values),
    check(COMPLETE, "completion/unknown-prompt", |answered| {
        completes_unknown_prompt(answered) && suggests(answered)
    })
    .or(or_no_values),
    check(
        COMPLETE,
        "completion/unknown-prompt",
        completes_unknown_prompt,
    )
    .tolerated(),
    check(LISTS, "pagination/invalid-cursor", has_cursor),
    check(&["tasks/list"], "tasks/list-cursor", has_cursor),
    check(
        &["logging/setLevel"],
        "logging/invalid-level",
        sets_no_level,
    ),
    check(
        &["initialize"],
        "initialization/invalid-params",
        opens_without_version,
    ),
    check(
        &["initialize"],
        "versioning/alternative",
        agrees_to_no_version,
    )
    .or(or_a_version),
    check(
        &["initialize"],
        "versioning/initialize-refused",
        |answered| answered.is_modern(),
    ),
];

impl Answered<'_> {
    pub(super) fn param(&self, pointer: &str) -> Option<&Value> {
        self.request.get("params")?.pointer(pointer)
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.param(pointer)?.as_str()
    }

    pub(super) fn is_modern(&self) -> bool {
        self.revision.era() == Era::Modern
    }

    /// Whether the result says that the tool failed, or asks for more.
    pub(super) fn is_declined(&self) -> bool {
        self.result.get("isError") == Some(&Value::Bool(true))
            || self
                .result
                .get("resultType")
                .is_some_and(|kind| kind == "input_required")
    }

    /// Whether the result is a task, of which it is not known yet what comes.
    fn begins_task(&self) -> bool {
        self.result.get("task").is_some_and(Value::is_object) || self.result["resultType"] == "task"
    }

    pub(super) fn meta(&self, key: &str) -> Option<&Value> {
        self.param("/_meta")?.get(key)
    }
}

/// Over stdio a request that names no version may be one of the other era, where the server speaks that as well.
fn lacks_meta(answered: &Answered<'_>) -> bool {
    let lacks = |key| answered.meta(key).is_none();
    let is_meant = answered.modern_only || answered.offer.transport == Transport::Http;
    let method = answered.request["method"].as_str().unwrap_or_default();
    let revisions = methods().get(method);
    let is_ours = revisions.is_some_and(|revisions| revisions.contains(&answered.revision));
    let is_wrong = match lacks(modern::VERSION_KEY) {
        true => is_meant,
        false => lacks(modern::CLIENT_KEY),
    };
    answered.is_modern() && is_ours && is_wrong
}

fn has_mistyped_meta(answered: &Answered<'_>) -> bool {
    let version = answered.meta(modern::VERSION_KEY);
    let client = answered.meta(modern::CLIENT_KEY);
    answered.is_modern()
        && (version.is_some_and(|version| !version.is_string())
            || client.is_some_and(|client| !client.is_object()))
}

fn names_no_version(answered: &Answered<'_>) -> bool {
    let version = answered.meta(modern::VERSION_KEY).and_then(Value::as_str);
    answered.is_modern() && version.is_some_and(|version| !is_version(version))
}

pub(super) fn is_version(text: &str) -> bool {
    Revision::ALL
        .iter()
        .any(|revision| revision.as_str() == text)
}

const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

fn is_level(level: &Value) -> bool {
    level.as_str().is_some_and(|level| LEVELS.contains(&level))
}

fn logs_at_no_level(answered: &Answered<'_>) -> bool {
    let level = answered.meta("io.modelcontextprotocol/logLevel");
    answered.is_modern() && level.is_some_and(|level| level.is_string() && !is_level(level))
}

fn sets_no_level(answered: &Answered<'_>) -> bool {
    !answered.param("/level").is_some_and(is_level)
}

fn calls_nothing(answered: &Answered<'_>) -> bool {
    answered.text("/name").is_none() && !answered.is_declined()
}

/// The item of a list with this name; `None` where the list may have been cut.
fn named<'a>(list: &'a [Value], name: &str) -> Option<Option<&'a Value>> {
    let is_it = |item: &&Value| item.get("name").and_then(Value::as_str) == Some(name);
    (list.len() < MAX_ITEMS).then(|| list.iter().find(is_it))
}

fn calls_no_tool(answered: &Answered<'_>) -> bool {
    let tool = answered
        .text("/name")
        .and_then(|name| named(&answered.offer.tools, name));
    matches!(tool, Some(None)) && !answered.is_declined()
}

fn calls_another_case(answered: &Answered<'_>) -> bool {
    let (Some(name), false) = (answered.text("/name"), answered.is_declined()) else {
        return false;
    };
    let listed = answered
        .offer
        .tools
        .iter()
        .filter_map(|tool| tool.get("name")?.as_str());
    let mut alike = listed
        .filter(|listed| listed.eq_ignore_ascii_case(name))
        .peekable();
    alike.peek().is_some() && alike.all(|listed| listed != name)
}

fn calls_with_wrong_arguments(answered: &Answered<'_>) -> bool {
    let tool = answered
        .text("/name")
        .and_then(|name| named(&answered.offer.tools, name));
    // A task may fail when it comes to them.
    let is_open = answered.is_declined() || answered.begins_task();
    let (Some(Some(tool)), false) = (tool, is_open) else {
        return false;
    };
    let arguments = answered
        .param("/arguments")
        .filter(|arguments| !arguments.is_null());
    let none = Value::Object(serde_json::Map::new());
    let schema = tool.get("inputSchema").map(open);
    schema.is_some_and(|schema| pattern::refuses(&schema, arguments.unwrap_or(&none)))
}

/// A schema without its refusals of members that it does not know: libraries write them into every schema, and what is
/// dropped unread does no harm.
fn open(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let closes =
                |name: &str| ["additionalProperties", "unevaluatedProperties"].contains(&name);
            let kept = members
                .iter()
                .filter(|(name, value)| !(closes(name) && **value == Value::Bool(false)));
            Value::Object(
                kept.map(|(name, value)| (name.clone(), open(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(open).collect(),
        other => other.clone(),
    }
}

/// The tool that is called, where tasks can be made of calls.
fn tool_for_tasks<'a>(answered: &Answered<'a>) -> Option<&'a Value> {
    let tasks = answered
        .offer
        .capabilities
        .pointer("/tasks/requests/tools/call");
    let are_made = answered.revision == Revision::V2025_11_25 && tasks.is_some();
    let name = answered.text("/name").filter(|_| are_made)?;
    named(&answered.offer.tools, name).flatten()
}

fn calls_without_task(answered: &Answered<'_>) -> bool {
    let task = answered.param("/task").filter(|task| !task.is_null());
    let demands = |tool: &Value| tool["execution"]["taskSupport"] == "required";
    task.is_none() && tool_for_tasks(answered).is_some_and(demands)
}

fn calls_as_task(answered: &Answered<'_>) -> bool {
    let task = answered.param("/task").filter(|task| task.is_object());
    task.is_some() && tool_for_tasks(answered).is_some_and(refuses_tasks)
}

fn names_no_uri(answered: &Answered<'_>) -> bool {
    let Some(uri) = answered.text("/uri") else {
        return true;
    };
    // A scheme, and nothing that no URI has: what is not ASCII many readers take.
    let has_scheme = uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
    });
    !has_scheme && !is_listed(answered, uri)
}

fn is_listed(answered: &Answered<'_>, uri: &str) -> bool {
    let listed = |list: &[Value], member: &str| {
        list.iter()
            .any(|item| item.get(member).and_then(Value::as_str) == Some(uri))
    };
    answered.offer.resources.len() >= MAX_ITEMS
        || listed(&answered.offer.resources, "uri")
        || listed(&answered.offer.templates, "uriTemplate")
}

/// A URI that is not listed may stand for something, but not for nothing.
fn reads_nothing(answered: &Answered<'_>) -> bool {
    let uri = answered.text("/uri");
    let is_empty = items(answered.result, "contents").next().is_none();
    is_empty && uri.is_some_and(|uri| !is_listed(answered, uri))
}

/// No server knows the scheme: whoever has this has everything.
fn reads_what_is_made_up(answered: &Answered<'_>) -> bool {
    let uri = answered.text("/uri");
    let templates = &answered.offer.templates;
    let mut uris = templates
        .iter()
        .filter_map(|item| item["uriTemplate"].as_str());
    let is_any = uris.any(|uri| uri.starts_with('{'));
    uri.is_some_and(|uri| uri.starts_with(MADE_UP)) && !is_any && templates.len() < MAX_ITEMS
}

fn gets_no_prompt(answered: &Answered<'_>) -> bool {
    match answered.text("/name") {
        Some(name) => matches!(named(&answered.offer.prompts, name), Some(None)),
        None => true,
    }
}

fn gets_with_wrong_arguments(answered: &Answered<'_>) -> bool {
    match answered.param("/arguments") {
        None | Some(Value::Null) => false,
        Some(Value::Object(arguments)) => arguments.values().any(|argument| !argument.is_string()),
        Some(_) => true,
    }
}

fn gets_without_arguments(answered: &Answered<'_>) -> bool {
    let prompt = answered
        .text("/name")
        .and_then(|name| named(&answered.offer.prompts, name));
    let Some(Some(prompt)) = prompt else {
        return false;
    };
    let required = items(prompt, "arguments")
        .filter(|argument| argument.get("required") == Some(&Value::Bool(true)));
    let given = answered.param("/arguments");
    let is_missing = |argument: &Value| {
        let name = argument.get("name").and_then(Value::as_str);
        name.is_some_and(|name| given.and_then(|given| given.get(name)).is_none())
    };
    required.into_iter().any(is_missing)
}

fn completes_malformed(answered: &Answered<'_>) -> bool {
    let reference = match answered.text("/ref/type") {
        Some("ref/prompt") => answered.text("/ref/name"),
        Some("ref/resource") => answered.text("/ref/uri"),
        _ => None,
    };
    let argument = [
        answered.text("/argument/name"),
        answered.text("/argument/value"),
    ];
    reference.is_none() || argument.contains(&None)
}

/// Whether anything is suggested: nothing can be suggested for anything.
fn suggests(answered: &Answered<'_>) -> bool {
    let completion = answered.result.get("completion").unwrap_or(&Value::Null);
    items(completion, "values").next().is_some()
}

fn completes_unknown_prompt(answered: &Answered<'_>) -> bool {
    let name = answered
        .text("/ref/name")
        .filter(|_| answered.text("/ref/type") == Some("ref/prompt"));
    let prompt = name.and_then(|name| named(&answered.offer.prompts, name));
    matches!(prompt, Some(None))
}

fn completes_unknown_argument(answered: &Answered<'_>) -> bool {
    let name = answered
        .text("/ref/name")
        .filter(|_| answered.text("/ref/type") == Some("ref/prompt"));
    let prompt = name.and_then(|name| named(&answered.offer.prompts, name));
    let Some(Some(prompt)) = prompt else {
        return false;
    };
    let wanted = answered.param("/argument/name");
    let is_known = items(prompt, "arguments").any(|argument| argument.get("name") == wanted);
    !is_known && suggests(answered)
}

/// No cursor that is sent was ever given. An empty one many take for none.
fn has_cursor(answered: &Answered<'_>) -> bool {
    match answered.param("/cursor") {
        None | Some(Value::Null) => false,
        Some(Value::String(cursor)) => !cursor.is_empty(),
        Some(_) => true,
    }
}

fn opens_without_version(answered: &Answered<'_>) -> bool {
    !answered.is_modern() && answered.text("/protocolVersion").is_none()
}

fn agrees_to_no_version(answered: &Answered<'_>) -> bool {
    let asked = answered.text("/protocolVersion");
    let agreed = answered
        .result
        .get("protocolVersion")
        .and_then(Value::as_str);
    asked == agreed && asked.is_some_and(|asked| !is_version(asked))
}
