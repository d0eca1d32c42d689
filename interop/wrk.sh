#!/usr/bin/env bash
# Compares the load that `mcp-conform bench` makes with that of wrk (Debian's package wrk, one thread): the same call to the
# same server, in turns, with 1 and with 32 connections. Writes reports/wrk.json.
#   interop/wrk.sh [ROUNDS [SECONDS]]   7 rounds of 3 seconds each if nothing else is said
# MCP_CONFORM          the program; built in release mode if it is not given
# MCP_CONFORM_REPORTS  another folder for the report
# Exit codes: 0 ours makes at least 0.9 of the calls that wrk makes, 1 it does not, 3 it could not be measured.
set -euo pipefail

interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$interop")
reports=${MCP_CONFORM_REPORTS:-$root/reports}
rounds=${1:-7}
seconds=${2:-3}
command -v wrk >/dev/null || { echo "there is no wrk: apt-get install wrk" >&2; exit 3; }
. "$interop/program.sh"
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT

"$mcp_conform" serve --http 127.0.0.1:0 --log off 2>"$work/listening" &
server=$!
for _ in $(seq 100); do
  url=$(sed -n 's/^listening on //p' "$work/listening")
  [ -z "$url" ] || break
  sleep 0.05
done
[ -n "$url" ] || { echo "the server does not listen" >&2; exit 3; }

# The same bytes as bench sends, but for the id, which stays the same.
version=$("$mcp_conform" --version | cut -d' ' -f2)
client='{"name":"mcp-conform","version":"'$version'"}'
meta='{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":'$client
meta+=',"io.modelcontextprotocol/clientCapabilities":{}}'
export BODY='{"jsonrpc":"2.0","id":12345,"method":"tools/call","params":{"name":"test_simple_text","arguments":{},"_meta":'$meta'}}'

for round in $(seq "$rounds"); do
  for connections in 1 32; do
    "$mcp_conform" bench --url "$url" --revision 2026-07-28 --call 'test_simple_text={}' --concurrency "$connections" \
      --duration "${seconds}s" --warmup 300ms --report "json=$work/ours-$connections-$round.json"
    wrk --threads 1 --connections "$connections" --duration "${seconds}s" --script "$interop/wrk.lua" "$url" \
      >"$work/wrk-$connections-$round.txt"
  done
done

python3 - "$work" "$reports/wrk.json" "$rounds" "$seconds" <<'END'
import json, os, statistics, subprocess, sys

work, path, rounds, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
body = len(os.environ["BODY"])

def ours(connections, turn):
    report = json.load(open(f"{work}/ours-{connections}-{turn}.json"))
    (result,) = report["results"]
    if result["errors"] or result["request_bytes"] != body:
        sys.exit(f"not the same calls: {result['errors']} errors, {result['request_bytes']} bytes, not {body}")
    return report, result["throughput_per_s"]

def theirs(connections, turn):
    lines = open(f"{work}/wrk-{connections}-{turn}.txt").read().splitlines()
    (line,) = (line for line in lines if line.startswith("counted "))
    requests, microseconds, wrong = map(int, line.split()[1:])
    if wrong:
        sys.exit(f"wrk saw {wrong} errors")
    return requests * 1e6 / microseconds

loads = []
for connections in (1, 32):
    turns = range(1, rounds + 1)
    measured = [(ours(connections, turn)[1], theirs(connections, turn)) for turn in turns]
    ratio = statistics.median(a / b for a, b in measured)
    loads.append({
        "connections": connections,
        "bench_per_s": round(statistics.median(a for a, _ in measured)),
        "wrk_per_s": round(statistics.median(b for _, b in measured)),
        "ratio": round(ratio, 3), "at_least": 0.9, "kept": ratio >= 0.9,
        "ratios": [round(a / b, 3) for a, b in measured],
    })
report = ours(1, 1)[0]
wrk = subprocess.run(["wrk", "--version"], capture_output=True, text=True).stdout.split("\n")[0]
record = {
    "command": f"interop/wrk.sh {rounds} {seconds}", "version": report["version"], "wrk": wrk.split(" [")[0],
    "machine": report["machine"], "request_bytes": body, "loads": loads,
}
with open(path, "w") as file:
    json.dump(record, file, indent=2)
    file.write("\n")
print(json.dumps(loads, indent=2))
sys.exit(0 if all(load["kept"] for load in loads) else 1)
END
