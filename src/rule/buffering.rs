//! Modern event streams tell proxies not to hold them back.
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#receiving-messages>

use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "buffering",
    title: "Event streams come with the header X-Accel-Buffering: no",
    why: "A proxy that buffers holds back what the server sends: the user sees nothing until all of \
        it is there.",
    requirements: &["http/x-accel-buffering"],
    faults: &["buffered"],
    applies: |revision, transport| revision.era() == Era::Modern && transport == Transport::Http,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    // A server of both eras may open a legacy stream on GET.
    for stream in streams(session)
        .values()
        .filter(|stream| stream.is_event_stream() && stream.method == "POST")
    {
        let Some(head) = stream.head else { continue };
        sight.observe();
        let header = stream.header("x-accel-buffering");
        if !header.is_some_and(|value| value.trim().eq_ignore_ascii_case("no")) {
            let message = "an event stream does not forbid buffering";
            let actual = header.unwrap_or("no X-Accel-Buffering");
            sight.violation(
                "http/x-accel-buffering",
                &[stream.request, head],
                message,
                "X-Accel-Buffering: no",
                actual,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn headers() {
        let sse = ("content-type", "text/event-stream");
        let opened = |headers: &[_]| modern_http().http("POST", &[]).head(200, headers);
        passes(&RULE, &opened(&[sse, ("x-accel-buffering", "no")]));
        finds(&RULE, &opened(&[sse]), &["http/x-accel-buffering"]);
        finds(
            &RULE,
            &opened(&[sse, ("x-accel-buffering", "yes")]),
            &["http/x-accel-buffering"],
        );
        sees_nothing(&RULE, &opened(&[("content-type", "application/json")]));
    }
}
