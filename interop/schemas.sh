#!/usr/bin/env bash
# Compares our schemas of the wire with the published ones:
#   interop/schemas.sh [FOLDER]    FOLDER has REVISION/schema.json, and examples/ beside it where there are some
# Without FOLDER, or $MCP_CONFORM_PUBLISHED instead, it fetches the public repository at a fixed commit into the scratch folder ($MCP_CONFORM_INTEROP, else
# ~/.cache/mcp-conform-interop). Where that cannot be reached, it says so and nothing is compared (exit code 0).
set -euo pipefail

repository=https://github.com/modelcontextprotocol/modelcontextprotocol
commit=b0f60ba5409db7a6582440a7b473cc0398890f15
folder=${1:-${MCP_CONFORM_PUBLISHED:-}}

# fetch TARGET: the folder schema/ of that commit, and nothing else.
fetch() {
  git init --quiet "$1" &&
    git -C "$1" sparse-checkout set schema &&
    GIT_TERMINAL_PROMPT=0 timeout 120 \
      git -C "$1" fetch --quiet --depth 1 --filter=blob:none "$repository" "$commit" &&
    GIT_TERMINAL_PROMPT=0 timeout 120 \
      git -C "$1" -c "remote.origin.url=$repository" -c remote.origin.promisor=true checkout --quiet "$commit"
}

if [ -z "$folder" ]; then
  target=${MCP_CONFORM_INTEROP:-$HOME/.cache/mcp-conform-interop}/specification-$commit
  folder=$target/schema
  if [ ! -d "$folder" ]; then
    rm -rf "$target"
    mkdir -p "$target"
    if ! fetch "$target"; then
      rm -rf "$target"
      echo "schemas: SKIPPED, $repository cannot be reached; interop/schemas.sh FOLDER takes a copy of its folder schema" >&2
      exit 0
    fi
  fi
fi

folder=$(cd "$folder" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
MCP_CONFORM_SCHEMAS=$folder cargo test --quiet --test wire -- --ignored --exact --nocapture \
  published::published_schemas_say_the_same
