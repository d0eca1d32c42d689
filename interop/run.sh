#!/usr/bin/env bash
# Checks every server of servers.json and saves one JSON and one human report for each:
#   interop/run.sh [NAME...]        only the servers of these names
# MCP_CONFORM_INTEROP  the scratch folder of install.sh
# MCP_CONFORM_REPORTS  the folder for the reports; reports/interop if it is not given
# MCP_CONFORM          the harness; built in release mode if it is not given
# Findings (exit code 1 of the harness) are what we came for. Anything worse fails this script.
set -euo pipefail

interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$interop")
reports=${MCP_CONFORM_REPORTS:-$root/reports/interop}
scratch=${MCP_CONFORM_INTEROP:-$HOME/.cache/mcp-conform-interop}

. "$interop/program.sh"

"$interop/install.sh" "$scratch"
mkdir -p "$reports"
reports=$(cd "$reports" && pwd)
cd "$scratch" # so that the commands in the reports are relative, and the same on every machine

list() { # one line a server: name, transport, command, and over HTTP the URL; separated by tabs
  python3 -c '
import json, sys
for server in json.load(open(sys.argv[1])):
    print(*(server.get(key, "") for key in ("name", "transport", "command", "url")), sep="\t")
' "$interop/servers.json"
}

# check NAME TRANSPORT COMMAND URL: runs the harness; succeeds if it came to a verdict, and wrote it down.
check() {
  local report=$reports/$1-$2 target=() command code=0
  read -ra command <<<"${3//\{scratch\}/.}"
  [ -z "$4" ] || target=(--url "$4")
  rm -f "$report.json" "$report.txt"
  "$mcp_conform" check ${target[@]+"${target[@]}"} \
    --report "json=$report.json" --report "human=$report.txt" \
    -- "${command[@]}" </dev/null || code=$?
  [ -s "$report.json" ] && [ -s "$report.txt" ] || { echo "$1 $2: no report" >&2; return 1; }
  case $code in
    0) echo "$1 $2: no failures" ;;
    1) echo "$1 $2: findings, see $report.txt" ;;
    *) echo "$1 $2: not checked, exit code $code" >&2; return 1 ;;
  esac
}

failed=0
while IFS=$'\t' read -r name transport command url; do
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  check "$name" "$transport" "$command" "$url" || failed=1
done < <(list)
exit "$failed"
