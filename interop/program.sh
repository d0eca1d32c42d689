# For scripts to source: sets mcp_conform to the program, $MCP_CONFORM or the one of this checkout, built in release mode.
checkout=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
if [ -z "${MCP_CONFORM:-}" ]; then
  cargo build --release --quiet --manifest-path "$checkout/Cargo.toml"
  MCP_CONFORM=${CARGO_TARGET_DIR:-$checkout/target}/release/mcp-conform
fi
mcp_conform=$(realpath "$MCP_CONFORM")
