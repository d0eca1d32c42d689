//! The `mcp-conform` binary: the command line, and nothing else.

use std::process::ExitCode;

/// Messages are many small values: with it the reference server needs a tenth less for a call.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    mcp_conform::cli::main(std::env::args_os())
}
