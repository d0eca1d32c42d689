#!/usr/bin/env bash
# Runs the official conformance suite against our reference server: every server scenario, with no baseline.
#   interop/official.sh
# MCP_CONFORM_INTEROP  the scratch folder of install.sh; results go to official-results in it
# MCP_CONFORM          the harness, which brings the server; built in release mode if it is not given
# Fails if a scenario fails, warns, is skipped, checks nothing or does not run: see official.py.
set -euo pipefail

interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=${MCP_CONFORM_INTEROP:-$HOME/.cache/mcp-conform-interop}

. "$interop/program.sh"

"$interop/install.sh" "$scratch" node official
scratch=$(cd "$scratch" && pwd)
results=$scratch/official-results
rm -rf "$results"
mkdir -p "$results"

suite() {
  "$scratch/node/node_modules/node/bin/node" \
    "$scratch/official/node_modules/@modelcontextprotocol/conformance/dist/index.js" "$@"
}

# The server takes a free port and says on stderr which. It ends with this script.
"$mcp_conform" serve --http 127.0.0.1:0 </dev/null 2>"$results/server.log" &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
url=
for _ in {1..100}; do
  url=$(sed -n 's/^listening on //p' "$results/server.log")
  [ -z "$url" ] || break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
[ -n "$url" ] || { echo "the server did not start:" >&2; cat "$results/server.log" >&2; exit 1; }

failed=0
# run NAME COUNT [OPTION VALUE]: what the suite selects by that option, or all it has, which is COUNT scenarios. The
# suite's own exit code says less than its results: it forgives whatever is not scored.
run() {
  local name=$1 count=$2 of=$results/${1// /-}
  shift 2
  mkdir "$of"
  suite list --server "$@" >"$of/list.txt"
  [ "${1:-}" = --requirements ] || set -- --suite all "$@"
  suite server --url "$url" --output-dir "$of" "$@" >"$of/output.txt" 2>&1 || true
  python3 "$interop/official.py" "$name" "$count" "$of/list.txt" "$of" || failed=1
}

run "requirements 2025-11-25" 33 --requirements 2025-11-25
run "requirements 2026-07-28" 50 --requirements 2026-07-28
run "all of 2025-03-26" 1 --spec-version 2025-03-26
run "all of 2025-06-18" 27 --spec-version 2025-06-18
run "all of 2025-11-25" 33 --spec-version 2025-11-25
run "all of 2026-07-28" 40 --spec-version 2026-07-28
run "all" 65 # each scenario at one revision that has it, and those of extensions

kill -0 "$server" 2>/dev/null || { echo "the server did not survive:" >&2; cat "$results/server.log" >&2; failed=1; }
[ "$failed" -eq 0 ] || echo "the suite's own output: $results/*/output.txt" >&2
exit "$failed"
