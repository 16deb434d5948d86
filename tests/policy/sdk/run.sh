#!/bin/bash
# Builds the JavaScript and Python templates as a user would, and with STOCKADE_BIN set tests what came out by the real host.
# Packages (Debian 12): nodejs npm python3-venv. Prints `SKIPPED: why` and succeeds where a tool or its registry is missing.
set -euo pipefail
sdk=$(cd "$(dirname "$0")/../../../sdk" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/stockade-ci
export npm_config_cache=$cache/npm npm_config_prefer_offline=true npm_config_update_notifier=false PIP_CACHE_DIR=$cache/pip
mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() { printf '\n== %s (%(%H:%M:%S)T)\n' "$*" -1; }
skipped() { printf 'SKIPPED: %s\n' "$*"; }

# A project as `stockade policy new` writes it: the template with its links followed, and nothing else.
project() {
    cp -rL "$sdk/$1/template" "$work/$1"
    [ -z "${STOCKADE_BIN:-}" ] || {
        "$STOCKADE_BIN" policy new my-policy --lang "$1" "$work/new-$1"
        diff -r "$work/$1" "$work/new-$1"
    }
}

# Builds by `policy build` and tests, or without the binary builds by the project's own command.
built_and_tested() {
    local project=$work/$1
    shift
    if [ -n "${STOCKADE_BIN:-}" ]; then
        "$STOCKADE_BIN" policy build "$project"
        "$STOCKADE_BIN" policy test "$project"
    else
        (cd "$project" && "$@")
        skipped "built but not tested: no STOCKADE_BIN"
    fi
    [ -s "$project/build/policy.wasm" ]
}

javascript() {
    step "javascript: the types are those of sdk/wit"
    command -v npm >/dev/null || { skipped "javascript: no npm"; return; }
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || { skipped "javascript: node older than 18"; return; }
    node "$sdk/js/contract.mjs" --check

    step "javascript: install"
    project js
    npm ping >/dev/null 2>&1 || { skipped "javascript: npm's registry is out of reach"; return; }
    # Not `npm ci`: the tool names platforms that it was not published for, which npm 11 takes for a broken lock file.
    npm install --no-audit --no-fund --prefix "$work/js"

    step "javascript: types, build, test"
    npm run --silent --prefix "$work/js" check
    built_and_tested js npm run --silent build
}

python() {
    step "python: install and build"
    python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
        { skipped "python: no python3 from 3.10 on with venv"; return; }
    python3 -c 'import urllib.request as u; u.urlopen("https://pypi.org/simple/componentize-py/", timeout=10)' 2>/dev/null ||
        { skipped "python: PyPI is out of reach"; return; }
    project python
    built_and_tested python sh build.sh
}

javascript
python
step "done"
