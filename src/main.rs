//! The `mcp-conform` binary: the command line, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    mcp_conform::cli::main(std::env::args_os())
}
