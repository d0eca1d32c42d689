//! The reference server as a program of its own.

use std::process::ExitCode;

use clap::Parser;
use mcp_reference_server::{Options, run};

/// A Model Context Protocol server that is correct by default and faulty on demand
#[derive(Parser)]
#[command(name = "mcp-reference-server", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    match run(Cli::parse().options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
