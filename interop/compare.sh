#!/usr/bin/env bash
# Compares the speed and the memory of the reference server with minimal servers on rmcp, and writes
# reports/speed/comparison.json and .md:
#   interop/compare.sh [OPTION...]        options of the load generator: --rounds, --calls, --subscriptions, ...
# MCP_CONFORM_INTEROP  the scratch folder of install.sh; what is built goes there
# MCP_CONFORM_REPORTS  another folder for the report
# Exit codes: 0 all that is promised holds, 1 it does not, 3 it could not be measured. Needs cargo, and Linux for /proc.
# Leave the machine alone meanwhile: server and load share its processors.
set -euo pipefail

interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$interop")
scratch=${MCP_CONFORM_INTEROP:-$HOME/.cache/mcp-conform-interop}
reports=${MCP_CONFORM_REPORTS:-$root/reports/speed}
mkdir -p "$scratch" "$reports"

# build TARGET OPTION...: in release mode, as the lock file says.
build() {
  local target=$1
  shift
  CARGO_TARGET_DIR=$target cargo build --release --locked --quiet "$@"
}

ours=${CARGO_TARGET_DIR:-$root/target}
build "$ours" --manifest-path "$root/Cargo.toml" --package mcp-reference-server
build "$scratch/rmcp" --manifest-path "$interop/servers/rmcp/Cargo.toml" --bin interop-rmcp-minimal
build "$scratch/load" --manifest-path "$interop/load/Cargo.toml"

# Every subscription is a connection: as many files as the system allows.
ulimit -n "$(ulimit -Hn)"
exec "$scratch/load/release/load" \
  --ours "$ours/release/mcp-reference-server" \
  --rmcp "$scratch/rmcp/release/interop-rmcp-minimal" \
  --report "$reports/comparison" "$@"
