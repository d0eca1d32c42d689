//! The server that is part of this program, as a target.

use super::subject::Named;
use crate::target::{Endpoint, TargetInfo};
use crate::transport::Transport;

const TRANSPORTS: [Transport; 2] = [Transport::Stdio, Transport::Http];
/// How many tools it is given, to see what long lists cost.
const SIZES: [&str; 2] = ["100", "1000"];

/// It, over both transports.
pub fn bundled(program: &str) -> Vec<Named> {
    TRANSPORTS
        .map(|transport| named(program, transport, &[]))
        .to_vec()
}

/// It, with more tools.
pub fn large_catalogs(program: &str) -> Vec<Named> {
    let with = |transport| SIZES.map(|size| named(program, transport, &["--tools", size]));
    TRANSPORTS.into_iter().flat_map(with).collect()
}

fn named(program: &str, transport: Transport, flags: &[&str]) -> Named {
    Named {
        name: format!("bundled-{transport}"),
        endpoint: Endpoint::reference(program, transport, flags),
        info: TargetInfo {
            kind: "bundled".to_owned(),
            ..TargetInfo::default()
        },
    }
}
