//! The `mcp-conform` binary.
fn main() {}
