//! The source of an icon is a URL or a data URI, and its sizes are what they should be.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#icons>,
//! <https://modelcontextprotocol.io/specification/2025-11-25/schema#icon>

use serde_json::Value;

use super::look::received;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::evidence::cut;
use crate::revision::Revision;

pub(super) const RULE: Rule = Rule {
    name: "icons",
    title: "The source of an icon is an http or https URL, or a data URI in Base64, and its sizes are like 48x48 or any",
    why: "A client loads the icon from there. Any other source it must refuse, and wrong sizes look \
        wrong.",
    requirements: &["meta/icon-source", "meta/icon-sizes"],
    faults: &["icon-unsafe", "icon-size-unclear"],
    applies: |revision, _| revision >= Revision::V2025_11_25,
    check,
};

/// Where things with icons are in a result.
const LISTS: [&str; 4] = ["tools", "prompts", "resources", "resourceTemplates"];

fn check(session: &Session<'_>, sight: &mut Sight) {
    for received in received(session) {
        let Some(result) = received.message.get("result") else {
            continue;
        };
        let listed = LISTS
            .iter()
            .filter_map(|list| result.get(list)?.as_array())
            .flatten();
        let server = [
            result.get("serverInfo"),
            result.pointer("/_meta/io.modelcontextprotocol~1serverInfo"),
        ];
        let owners = listed.chain(server.into_iter().flatten());
        for icon in owners
            .filter_map(|owner| owner.get("icons")?.as_array())
            .flatten()
        {
            sight.observe();
            let source = icon.get("src").and_then(Value::as_str).unwrap_or_default();
            if !is_safe(source) {
                let message = "the source of an icon is neither an http or https URL nor a data URI in Base64";
                let expected = "https://..., http://... or data:...;base64,...";
                sight.violation(
                    "meta/icon-source",
                    &[received.entry],
                    message,
                    expected,
                    cut(source, 200),
                );
            }
            sizes(icon, received.entry, sight);
        }
    }
}

fn sizes(icon: &Value, entry: usize, sight: &mut Sight) {
    let sizes = icon.get("sizes").and_then(Value::as_array);
    let mut sizes = sizes.into_iter().flatten().filter_map(Value::as_str);
    if let Some(size) = sizes.find(|size| !is_size(size)) {
        sight.violation(
            "meta/icon-sizes",
            &[entry],
            "a size of an icon is neither width x height nor any",
            "48x48, or any",
            cut(size, 200),
        );
    }
}

/// HTML, where the format comes from, is as tolerant about case.
fn is_size(size: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let lower = size.to_ascii_lowercase();
    let sides = lower.split_once('x');
    lower == "any" || sides.is_some_and(|(width, height)| is_number(width) && is_number(height))
}

fn is_safe(source: &str) -> bool {
    let lower = source
        .get(..source.len().min(256))
        .unwrap_or(source)
        .to_ascii_lowercase();
    let is_url = lower.starts_with("https://") || lower.starts_with("http://");
    let head = lower
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(','));
    is_url || head.is_some_and(|(head, _)| head.trim_end().ends_with(";base64"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn sources() {
        let icon = |source: &str| {
            legacy().result(1, json!({ "tools": [{ "icons": [{ "src": source }] }] }))
        };
        for source in [
            "https://a.b/c.png",
            "HTTP://a/b",
            "data:image/png;base64,AAAA",
        ] {
            passes(&RULE, &icon(source));
        }
        for source in [
            "file:///etc/passwd",
            "javascript:1",
            "icon.png",
            "data:image/svg+xml,%3Csvg",
            "",
        ] {
            finds(&RULE, &icon(source), &["meta/icon-source"]);
        }
        sees_nothing(
            &RULE,
            &legacy().result(1, json!({ "tools": [{ "name": "a" }] })),
        );
    }

    #[test]
    fn how_large() {
        let icon = |sizes: Value| {
            let icon = json!({ "src": "https://a.b/c.png", "sizes": sizes });
            legacy().result(1, json!({ "tools": [{ "icons": [icon] }] }))
        };
        passes(&RULE, &icon(json!(["48x48", "any", "96X96", "ANY"])));
        // What is no array of strings is the wire schema's.
        passes(&RULE, &icon(json!("48x48")));
        for size in ["48", "48 x 48", "48x", "large", ""] {
            finds(&RULE, &icon(json!(["16x16", size])), &["meta/icon-sizes"]);
        }
    }
}
