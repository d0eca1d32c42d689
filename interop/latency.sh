#!/usr/bin/env bash
# Measures what a call costs with the servers of servers.json that have the tool `echo` with an argument `text`, over stdio and
# over HTTP, in turns with the reference server; writes reports/latency/servers.html, .md and .json.
#   interop/latency.sh [OPTION...]      options of `mcp-conform bench`, such as --duration 1s
# MCP_CONFORM_INTEROP  the scratch folder of install.sh
# MCP_CONFORM_REPORTS  another folder for the report
# MCP_CONFORM          the program; built in release mode if it is not given
# Leave the machine alone meanwhile: servers and callers share its processors.
set -euo pipefail

interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$interop")
reports=${MCP_CONFORM_REPORTS:-$root/reports/latency}
scratch=${MCP_CONFORM_INTEROP:-$HOME/.cache/mcp-conform-interop}

. "$interop/program.sh"
"$interop/install.sh" "$scratch"
mkdir -p "$reports"
reports=$(cd "$reports" && pwd)
cd "$scratch" # so that the commands in the report are relative, and the same on every machine

targets=()
while IFS= read -r target; do targets+=(--and "$target"); done < <(python3 -c '
import json, sys
for server in json.load(open(sys.argv[1])):
    name, transport, url = server["name"], server["transport"], server.get("url", "")
    if name != "everything" and transport != "sse":
        command = server["command"].replace("{scratch}", ".")
        print(f"{name}-{transport}={url} {command}".replace("= ", "="))
' "$interop/servers.json")

"$mcp_conform" bench --call 'echo={"text":"{payload}"}' --payload 100,1k,10k,100k \
  --report human --report "html=$reports/servers.html" --report "markdown=$reports/servers.md" \
  --report "json=$reports/servers.json" "${targets[@]}" "$@" </dev/null

# A line for each result, and not a dozen lines.
python3 - "$reports/servers.json" <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
compact = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
with open(sys.argv[1], "w") as file:
    members = []
    for name, value in report.items():
        lines = ",\n  ".join(map(compact, value)) if isinstance(value, list) else None
        members.append(f"{compact(name)}: " + (f"[\n  {lines}\n]" if lines else compact(value)))
    file.write("{\n" + ",\n".join(members) + "\n}\n")
END
