//! An in-process peer for tests: a function from what we write to what comes back.

use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Happened, Incoming, Link, Outgoing};

/// Connects to a peer that answers each line with lines, at once and in order, and ends when its input ends.
pub fn connect(mut peer: impl FnMut(&[u8]) -> Vec<Bytes> + Send + 'static) -> Link {
    let (tx, mut orders) = mpsc::unbounded_channel();
    let (events, rx) = mpsc::channel(1024);
    tokio::spawn(async move {
        while let Some(order) = orders.recv().await {
            let happened = match order {
                Outgoing::Write { seq, bytes, .. } => {
                    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
                    let answers = peer(line).into_iter().map(Happened::Line);
                    std::iter::once(Happened::Written { seq })
                        .chain(answers)
                        .collect()
                }
                Outgoing::EndInput => vec![
                    Happened::End,
                    Happened::Exit {
                        code: Some(0),
                        signal: None,
                    },
                ],
                Outgoing::Hold(_) | Outgoing::Exchange { .. } | Outgoing::Abandon(_) => Vec::new(),
            };
            for what in happened {
                if events
                    .send(Incoming {
                        at: Instant::now(),
                        stream: 0,
                        what,
                    })
                    .await
                    .is_err()
                {
                    return;
                }
            }
        }
    });
    Link { tx, rx }
}
