#!/usr/bin/env bash
# Installs what servers/ has into a scratch folder, at the versions their lock files pin:
#   interop/install.sh [SCRATCH [NAME...]]      everything, or only what is named
# A server whose files have not changed since it was installed there is left as it is.
# Needs bash, npm, python3 with venv (tried with 3.11) and cargo.
set -euo pipefail

sources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/servers
scratch=${1:-${MCP_CONFORM_INTEROP:-$HOME/.cache/mcp-conform-interop}}
wanted=("${@:2}")
mkdir -p "$scratch"
scratch=$(cd "$scratch" && pwd)

install_npm() { # installs the package.json of the current folder
  npm ci --no-audit --no-fund --loglevel=error
}

install_python() {
  [ -x venv/bin/python ] || python3 -m venv venv
  venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
}

install_cargo() {
  CARGO_TARGET_DIR=$PWD cargo build --release --locked --quiet
}

# install NAME HOW: copies the sources of NAME into the scratch folder and runs HOW there.
install() {
  local name=$1 how=$2 target=$scratch/$1 version
  if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
  version=$(cd "$sources/$name" && find . -type f -print0 | sort -z | xargs -0 cksum)
  if [ "$(cat "$target/.installed" 2>/dev/null)" = "$version" ]; then return; fi
  echo "installing $name into $target" >&2
  mkdir -p "$target"
  rm -f "$target/.installed"
  cp -R "$sources/$name/." "$target/"
  (cd "$target" && "$how")
  printf '%s\n' "$version" >"$target/.installed"
}

install node install_npm
install official install_npm
install everything install_npm
install typescript-v1 install_npm
install typescript-v2 install_npm
install python-v1 install_python
install python-v2 install_python
install rmcp install_cargo

# The package named "node" fetches its binary in an install script, which npm may be told not to run.
"$scratch/node/node_modules/node/bin/node" --version >/dev/null ||
  { echo "the npm package node@22 has no binary: allow its install script" >&2; exit 1; }
