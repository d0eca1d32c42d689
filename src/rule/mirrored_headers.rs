//! No two arguments of a tool are mirrored in the same header.
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/tools#x-mcp-header>

use std::collections::HashSet;

use serde_json::Value;

use super::look::modern_answers;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::evidence::cut;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "mirrored-headers",
    title: "No two arguments of a tool are mirrored in the same header",
    why: "A gateway that reads the header cannot know which of the two arguments it has.",
    requirements: &["tools/x-mcp-header-valid"],
    faults: &["header-annotation-repeated"],
    applies: |revision, _| revision.era() == Era::Modern,
    check,
};

/// Deeper properties are not looked at.
const MAX_DEPTH: usize = 32;

fn check(session: &Session<'_>, sight: &mut Sight) {
    for answer in modern_answers(session).filter(|answer| answer.method() == "tools/list") {
        let tools = answer
            .result()
            .and_then(|result| result["tools"].as_array());
        for tool in tools.into_iter().flatten() {
            let mut names = Vec::new();
            collect(&tool["inputSchema"], MAX_DEPTH, &mut names);
            if names.is_empty() {
                continue;
            }
            sight.observe();
            let mut known = HashSet::new();
            // The names of headers have no case.
            let repeated = names
                .iter()
                .find(|name| !known.insert(name.to_ascii_lowercase()));
            if let Some(name) = repeated {
                sight.violation(
                    "tools/x-mcp-header-valid",
                    &answer.entries(),
                    "a tool mirrors two arguments in the same header",
                    "an x-mcp-header of its own for each argument, whatever the case",
                    cut(name, 200),
                );
            }
        }
    }
}

/// The annotations of what is reachable through properties alone.
fn collect<'a>(schema: &'a Value, depth: usize, names: &mut Vec<&'a str>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for property in properties.into_iter().flat_map(|all| all.values()) {
        names.extend(property.get("x-mcp-header").and_then(Value::as_str));
        if depth > 0 {
            collect(property, depth - 1, names);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn names_are_unique_at_every_depth_and_without_case() {
        let lists = |properties: Value| {
            let schema = json!({ "type": "object", "properties": properties });
            modern().asks(1, "tools/list", json!({})).result(
                1,
                json!({ "tools": [{ "name": "a", "inputSchema": schema }] }),
            )
        };
        let mirrored = |name: &str| json!({ "type": "string", "x-mcp-header": name });
        passes(
            &RULE,
            &lists(json!({ "a": mirrored("A"), "b": { "properties": { "a": mirrored("B") } } })),
        );
        for twice in [
            json!({ "a": mirrored("Place"), "b": mirrored("place") }),
            json!({ "a": mirrored("A"), "b": { "properties": { "a": mirrored("A") } } }),
        ] {
            finds(&RULE, &lists(twice), &["tools/x-mcp-header-valid"]);
        }
        sees_nothing(&RULE, &lists(json!({ "a": { "type": "string" } })));
    }
}
