//! Why what was reached is no MCP server, in a sentence.

use crate::host;
use crate::transcript::{Entry, What};
use crate::transport::Transport;

/// The last lines that were written to stderr.
pub(super) fn stderr_of(entries: &[Entry]) -> Vec<String> {
    let lines = entries.iter().filter_map(|entry| match &entry.what {
        What::Stderr { text } => Some(text.clone()),
        _ => None,
    });
    let lines: Vec<String> = lines.collect();
    lines[lines.len().saturating_sub(20)..].to_vec()
}

/// Why what was reached is no server at all; none if it talked.
pub(super) fn no_server(
    entries: &[Entry],
    stderr: &[String],
    transport: Transport,
) -> Option<String> {
    // The first of these says it: what follows a response, say, was at least an HTTP server's.
    let telling = entries.iter().find(|entry| match entry.what {
        What::Exit { .. } | What::HttpResponse { .. } => true,
        What::Broken { .. } => entry.stream != 0 || transport == Transport::Sse,
        _ => false,
    })?;
    match &telling.what {
        What::Exit { code, signal } => {
            let how = match (code, signal) {
                (Some(code), _) => format!("with exit code {code}"),
                (_, Some(signal)) => format!("by signal {signal}"),
                _ => "without saying how".to_owned(),
            };
            Some(format!(
                "the server ended {how} before it answered anything{}",
                host::last_words(stderr)
            ))
        }
        What::HttpResponse { status, headers } => http_refusal(*status, headers, transport),
        What::Broken { message } => Some(format!("no HTTP response: {message}")),
        _ => None,
    }
}

fn http_refusal(status: u16, headers: &[(String, String)], transport: Transport) -> Option<String> {
    let header = |wanted: &str| {
        headers
            .iter()
            .find(|(name, _)| name == wanted)
            .map_or("", |(_, value)| value.as_str())
    };
    match status {
        300..=399 => Some(format!(
            "the URL redirects (HTTP {status}) to {:?}; redirects are not followed: give the address of the MCP endpoint itself",
            header("location")
        )),
        401 | 403 => Some(format!(
            "the server refuses us (HTTP {status}, WWW-Authenticate: {:?}); pass credentials with --header 'Authorization: Bearer ...'",
            header("www-authenticate")
        )),
        404 | 405 => Some(format!(
            "there is no MCP endpoint at this URL (HTTP {status}), nor the event stream of HTTP+SSE; is the path right?"
        )),
        400..=599 if transport == Transport::Sse => Some(format!(
            "there is no event stream of HTTP+SSE at this URL: GET is answered with HTTP {status}"
        )),
        400..=599 if !header("content-type").starts_with("application/json") => Some(format!(
            "the server answered initialize with HTTP {status} and no JSON-RPC message"
        )),
        _ => None,
    }
}
