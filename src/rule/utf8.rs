//! Messages are UTF-8.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports>

use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::evidence::cut;
use crate::transcript::What;

pub(super) const RULE: Rule = Rule {
    name: "utf-8",
    title: "Messages are encoded in UTF-8",
    why: "A client that decodes strictly ends at the first wrong byte; another one shows wrong \
        letters.",
    requirements: &["messages/utf-8"],
    faults: &["invalid-utf8-sent"],
    applies: |_, _| true,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    let streams = streams(session);
    for (index, entry) in session.entries.iter().enumerate() {
        let What::Received { raw, .. } = &entry.what else {
            continue;
        };
        // An error page of a proxy is no message.
        let is_page = |media: String| media != "application/json" && media != "text/event-stream";
        if streams
            .get(&entry.stream)
            .is_some_and(|stream| stream.media_type().is_none_or(is_page))
        {
            continue;
        }
        sight.observe();
        if let Err(error) = std::str::from_utf8(&raw.0) {
            let shown = cut(&String::from_utf8_lossy(&raw.0), 200);
            let message = "a message is not UTF-8";
            let expected = format!("UTF-8; byte {} is not", error.valid_up_to());
            sight.violation("messages/utf-8", &[index], message, expected, shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn encodings() {
        passes(&RULE, &legacy().line("{\"id\":\"é\"}"));
        finds(
            &RULE,
            &legacy().line(b"{\"id\":\"\xE9\"}"),
            &["messages/utf-8"],
        );
        sees_nothing(&RULE, &legacy().hostile(b"\xE9"));
        let page = |media| {
            legacy_http()
                .http("POST", &[])
                .head(500, &[("content-type", media)])
                .line(b"\xE9")
        };
        sees_nothing(&RULE, &page("text/html"));
        finds(&RULE, &page("application/json"), &["messages/utf-8"]);
    }
}
