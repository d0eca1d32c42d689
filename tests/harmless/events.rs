//! Event streams, written differently.

use mcp_conform::transport::SseEvent;

use crate::content::{self, differently};
use crate::difference::{Difference, Differences};

/// An event as text. `count` tells how many came before it on its stream.
pub fn write(played: &Differences, event: &SseEvent, count: usize) -> String {
    let data = event
        .data
        .as_ref()
        .map(|data| match event.names_endpoint() {
            true => data.clone(),
            false => differently(played, data),
        });
    let dressed = played.has(Difference::EventDress);
    let mut lines = Vec::new();
    if dressed {
        lines.extend([": a comment", "x-unknown: field", "unknown", ":"].map(str::to_owned));
        lines.push(format!("retry: {}", 10 + count));
    }
    lines.extend(event.event.as_ref().map(|name| format!("event: {name}")));
    lines.extend(event.id.as_ref().map(|id| format!("id: {id}")));
    if !dressed {
        lines.extend(event.retry.as_ref().map(|retry| format!("retry: {retry}")));
    }
    if let Some(data) = data {
        let several = dressed.then(|| content::in_lines(&data)).flatten();
        let colon = if dressed { "data:" } else { "data: " };
        lines.extend(
            several
                .unwrap_or(data)
                .split('\n')
                .map(|line| format!("{colon}{line}")),
        );
    }
    let end = match count % 3 {
        _ if played.has(Difference::CrLf) => "\r\n",
        1 if dressed => "\r\n",
        2 if dressed => "\r",
        _ => "\n",
    };
    let mut text = lines.join(end) + end + end;
    if dressed {
        // An event without data is none.
        text.push_str(&format!(": still here{end}{end}"));
    }
    text
}

/// A notification that nobody knows.
pub fn unknown() -> SseEvent {
    SseEvent {
        data: Some(content::UNKNOWN.to_owned()),
        ..SseEvent::default()
    }
}
