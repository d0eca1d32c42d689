#!/usr/bin/env bash
# Whether the memory of `mcp-conform bench` grows with the time that it runs: calls over stdio, then over HTTP, 1,000 a second,
# for an hour in all. Writes reports/hour.json.
#   interop/hour.sh [MINUTES]   62 if nothing else is said
# MCP_CONFORM          the program; built in release mode if it is not given
# MCP_CONFORM_REPORTS  another folder for the report
# Exit codes: 0 it has not grown by more than a twentieth since the first minute, 1 it has, 3 it could not be measured.
set -euo pipefail

root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
reports=${MCP_CONFORM_REPORTS:-$root/reports}
minutes=${1:-62}
. "$root/interop/program.sh"
bench=
work=$(mktemp -d)
trap 'kill "$bench" 2>/dev/null || true; rm -rf "$work"' EXIT

"$mcp_conform" bench --duration "$((minutes * 30))s" --concurrency 1 --rate 1000/s --call 'test_simple_text={}' \
  --report "json=$work/bench.json" >"$work/out" &
bench=$!
begun=$SECONDS
while kill -0 "$bench" 2>/dev/null; do
  sleep 30
  peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$bench/status" 2>/dev/null || true)
  [ -z "$peak" ] || echo "$((SECONDS - begun)) $peak" >>"$work/memory"
done
wait "$bench" || exit 3

python3 - "$work" "$reports/hour.json" "$minutes" <<'END'
import json, sys

work, path, minutes = sys.argv[1:]
report = json.load(open(f"{work}/bench.json"))
samples = [tuple(map(int, line.split())) for line in open(f"{work}/memory")]
early = next((peak for second, peak in samples if second >= 60), samples[-1][1])
kept = samples[-1][1] <= early * 1.05
record = {
    "command": f"interop/hour.sh {minutes}", "version": report["version"], "machine": report["machine"],
    "calls": sum(result["count"] for result in report["results"]),
    "errors": sum(result["errors"] for result in report["results"]),
    "seconds": samples[-1][0],
    "peak_rss_kib": {"after_a_minute": early, "at_the_end": samples[-1][1], "kept": kept},
}
with open(path, "w") as file:
    json.dump(record, file, indent=2)
    file.write("\n")
print(json.dumps(record, indent=2))
sys.exit(0 if kept else 1)
END
