//! `serve`: the reference server, embedded.

use clap::Args;

use super::Failure;

/// Run the bundled reference server.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    options: mcp_reference_server::Options,
}

impl Serve {
    pub(super) fn run(self) -> Result<u8, Failure> {
        match mcp_reference_server::run(self.options) {
            Ok(()) => Ok(0),
            Err(error) => Err(Failure {
                message: error.to_string(),
                code: error.exit_code(),
            }),
        }
    }
}
