//! Where the metadata of a protected resource can be found.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#protected-resource-metadata-discovery-requirements>
//!
//! The challenge may name it, or it is at one of two well-known URIs: with the path of the endpoint, or at the root.

use serde_json::Value;

use super::stream::{Stream, streams};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Revision;
use crate::transcript::What;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "resource-metadata",
    title: "The metadata of a protected resource is where clients look for it",
    why: "A client that finds no metadata does not know where its user is to sign in.",
    requirements: &["authorization/metadata-found"],
    faults: &["metadata-unreachable"],
    applies: |revision, transport| {
        revision >= Revision::V2025_11_25 && transport == Transport::Http
    },
    check,
};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

fn check(session: &Session<'_>, sight: &mut Sight) {
    let streams = streams(session);
    let answered = || streams.values().filter(|stream| stream.head.is_some());
    let challenges: Vec<_> = answered().filter(|stream| stream.status == 401).collect();
    let looked: Vec<_> = answered()
        .filter(|stream| is_lookup(session, stream))
        .collect();
    let named = |stream: &&Stream<'_>| {
        let challenge = stream.header("www-authenticate").unwrap_or_default();
        challenge.to_ascii_lowercase().contains("resource_metadata")
    };
    if challenges.iter().any(named) || looked.iter().any(|stream| is_metadata(session, stream)) {
        return sight.observe();
    }
    // Both places must have been looked at; of an endpoint at the root they are one.
    if let (Some(challenge), true) = (challenges.first(), looked.len() >= 2) {
        let heads = looked
            .iter()
            .chain([challenge])
            .filter_map(|stream| stream.head);
        sight.violation(
            "authorization/metadata-found",
            &heads.collect::<Vec<_>>(),
            "the metadata of the resource is nowhere to be found",
            "resource_metadata in the challenge, or metadata at a well-known URI",
            "neither",
        );
    }
}

fn is_lookup(session: &Session<'_>, stream: &Stream<'_>) -> bool {
    matches!(&session.entries[stream.request].what,
        What::HttpRequest { method, path: Some(path), .. } if method == "GET" && path.starts_with(WELL_KNOWN))
}

fn is_metadata(session: &Session<'_>, stream: &Stream<'_>) -> bool {
    let mut content = stream.content.iter();
    let has_servers = |json: &Value| json.get("authorization_servers").is_some();
    stream.status == 200
        && content.any(|entry| {
            let json = session.entries[*entry].json();
            json.is_some_and(has_servers)
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use serde_json::json;

    fn looked(script: Script, path: &str, status: u16, found: Value) -> Script {
        script.get(path).head(status, &[]).gets(found)
    }

    #[test]
    fn one_place_is_enough() {
        let refused = |challenge| {
            let headers = [("www-authenticate", challenge)];
            modern_http().http("POST", &[]).head(401, &headers)
        };
        let root = |script, status, found| looked(script, WELL_KNOWN, status, found);
        let below =
            |script, status, found| looked(script, &format!("{WELL_KNOWN}/mcp"), status, found);
        let metadata =
            || json!({ "resource": "https://x", "authorization_servers": ["https://y"] });
        let nowhere = root(below(refused("Bearer"), 404, json!({})), 404, json!({}));
        finds(&RULE, &nowhere, &["authorization/metadata-found"]);
        // Whatever answers any path with 200 has no metadata there.
        let anything = root(below(refused("Bearer"), 200, json!({})), 200, json!([]));
        finds(&RULE, &anything, &["authorization/metadata-found"]);
        passes(
            &RULE,
            &root(below(refused("Bearer"), 404, json!({})), 200, metadata()),
        );
        passes(
            &RULE,
            &root(below(refused("Bearer"), 200, metadata()), 404, json!({})),
        );
        passes(&RULE, &refused("Bearer Resource_Metadata=\"https://x\""));
        sees_nothing(&RULE, &below(refused("Bearer"), 404, json!({})));
        sees_nothing(
            &RULE,
            &root(below(modern_http(), 404, json!({})), 404, json!({})),
        );
    }
}
