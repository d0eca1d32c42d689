//! Which tools may be called, and what for.

use serde_json::{Value, json};

use super::generate::{Allowed, Callable, Vocabulary};
use super::schema::Schema;
use crate::condition::allowed_call;
use crate::judge::refusal;
use crate::profile::{Offer, Profile};
use crate::revision::Era;
use crate::transport::Transport;

/// The tools of the official fixture that answer at once and ask for nothing.
pub(crate) const HARMLESS: [&str; 7] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_error_handling",
    "json_schema_2020_12_tool",
];

/// Those that ask the client for something.
const ASKING: [&str; 12] = [
    "test_elicitation",
    "test_sampling",
    "test_list_roots",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_missing_capability",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_tampered_state",
    "test_input_required_result_multiple_inputs",
];

/// Those that tell what they do while they do it, which takes them a moment.
const TALKATIVE: [&str; 2] = ["test_tool_with_logging", "test_tool_with_progress"];

/// That of which a task can be made, and how long it then takes: longer than it takes to cancel it.
const LASTING: &str = "slow_compute";
const SECONDS: f64 = 1.0;

/// What can be said to a server: its lists, and the tools that the user or the fixture allows.
pub(super) fn words(profile: &Profile, offer: &Offer) -> Vocabulary {
    let of_fixture = |names: &[&str], name: &str| profile.official_fixture && names.contains(&name);
    let is_read_only =
        |tool: &Value| tool.pointer("/annotations/readOnlyHint") == Some(&json!(true));
    let is_given = |tool: &Value, name: &str| {
        profile.calls.contains_key(name) || (profile.call_read_only && is_read_only(tool))
    };
    let tools = |wanted: &dyn Fn(&Value, &str) -> bool| -> Vec<Allowed> {
        let named = |tool| Some((tool, Value::get(tool, "name")?.as_str()?));
        let wanted = offer
            .tools
            .iter()
            .filter_map(named)
            .filter(|(tool, name)| wanted(tool, name));
        wanted
            .map(|(tool, name)| Allowed {
                name: name.to_owned(),
                schema: Schema::new(tool.get("inputSchema").cloned().unwrap_or(json!({}))),
                arguments: match profile.calls.get(name) {
                    None if name == LASTING => Some(json!({ "seconds": SECONDS })),
                    given => given.cloned(),
                },
            })
            .collect()
    };
    // In the modern era it is the server that says which calls become tasks.
    let may_last = |tool: &Value| {
        offer.revision.era() == Era::Modern
            || (offer
                .capabilities
                .pointer("/tasks/requests/tools/call")
                .is_some()
                && !refusal::refuses_tasks(tool))
    };
    let callable = Callable {
        plain: tools(&|tool, name| is_given(tool, name) || of_fixture(&HARMLESS, name)),
        asking: tools(&|tool, name| is_given(tool, name) || of_fixture(&ASKING, name)),
        lasting: tools(&|tool, name| {
            may_last(tool) && (is_given(tool, name) || of_fixture(&[LASTING], name))
        }),
    };
    let words = Vocabulary::new(offer, callable, profile.is_modern_only(offer.transport));
    let words = match profile.official_fixture {
        true => words.with_once(&TALKATIVE),
        false => words,
    };
    match profile.authorization && offer.transport == Transport::Http {
        true => words.with_callers(&profile.identities, allowed_call(profile, offer)),
        false => words,
    }
}
