//! The bundled reference server, checked in process.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mcp_conform::catalog::Catalog;
use mcp_conform::event::RunReport;
use mcp_conform::matrix::tokens;
use mcp_conform::revision::Revision;
use mcp_conform::run::{self, Fixture, Options, RunError};
use mcp_conform::target::{Endpoint, TargetInfo};
use mcp_conform::transport::Transport;
use tokio::runtime::Runtime;

/// Its program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");
/// What cases need that apply only to servers that want a token.
pub const AUTHORIZATION: &str = "authorization";
/// How the reference server wants one.
pub const WITH_TOKENS: [&str; 2] = [
    "--auth",
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/matrix/auth.toml"),
];
/// How several processes of it are started: with a key that they share.
pub const REPLICATED: [&str; 2] = ["--state-key", "conformance-tests"];

/// Where the reference server is reached, which is started with these flags.
pub fn endpoint(transport: Transport, flags: &[&str]) -> Endpoint {
    let mut endpoint = Endpoint::reference(PROGRAM, transport, flags);
    if let Endpoint::Http(http) = &mut endpoint {
        if flags.starts_with(&WITH_TOKENS) {
            http.headers = vec![tokens::ours().unwrap()];
            http.identities = tokens::identities().unwrap();
        }
        if flags.starts_with(&REPLICATED) {
            http.replicas = vec![http.url.clone()];
        }
    }
    endpoint
}

/// What is checked, and how; the rest is usual.
pub struct Check {
    pub endpoints: Vec<Endpoint>,
    pub revisions: Option<Vec<Revision>>,
    pub select: Vec<String>,
    pub timeout: Duration,
}

/// Runs a check to its end.
pub fn check(catalog: &Arc<Catalog>, check: Check) -> Result<RunReport, RunError> {
    let options = Options {
        endpoints: check.endpoints,
        target: TargetInfo::default(),
        catalog: catalog.clone(),
        revisions: check.revisions,
        select: check.select,
        fixture: Fixture::Auto,
        jobs: 4,
        timeout: check.timeout,
        calls: Vec::new(),
        call_read_only: false,
        save_transcripts: None,
        arguments: ["mcp-conform", "check"].map(str::to_owned).to_vec(),
    };
    wait(run::run(options, &mut |_| {}))
}

/// Waits for something that is done by what all tests share.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::new().unwrap());
    runtime.block_on(future)
}
