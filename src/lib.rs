//! mcp-conform.
