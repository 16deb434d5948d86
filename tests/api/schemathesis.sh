#!/bin/bash
# Holds a running server against its own OpenAPI document with schemathesis: no 5xx, no answer that is not told, nothing
# wrong let through. Twice: without tokens by what clients send (examples, fuzzing, sequences), then with tokens along the
# edges of every schema (coverage), where a missing token must be refused.
# Needs STOCKADE_BIN and python3-venv (Debian 12). Prints `SKIPPED: why` and succeeds where PyPI is out of reach.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${STOCKADE_BIN:?the binary to test}"
VERSION=4.32.5
SEED=${SCHEMATHESIS_SEED:-20261121}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/stockade-ci
export PIP_CACHE_DIR=$cache/pip
venv=$cache/schemathesis-$VERSION

step() { printf '\n== %s (%(%H:%M:%S)T)\n' "$*" -1; }
skipped() { printf 'SKIPPED: %s\n' "$*"; exit 0; }

if [ ! -x "$venv/bin/schemathesis" ]; then
    step "schemathesis $VERSION"
    python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
        skipped "schemathesis: no python3 from 3.10 on with venv"
    python3 -c 'import urllib.request as u; u.urlopen("https://pypi.org/simple/schemathesis/", timeout=10)' 2>/dev/null ||
        skipped "schemathesis: PyPI is out of reach"
    mkdir -p "$cache"
    rm -rf "$venv.new"
    python3 -m venv "$venv.new"
    "$venv.new/bin/python" -m pip install --quiet "schemathesis==$VERSION"
    # Scripts in it name its folder, so it is made under one name and used by `python -m` under another.
    mv "$venv.new" "$venv"
fi

work=$(mktemp -d)
# The daemon gives up root, and must still reach its state.
chmod 755 "$work"
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || :; wait; rm -rf "$work"' EXIT

# Jobs are made up by a fuzzer: none of them may take long.
cat > "$work/stockade.toml" <<'TOML'
listen = "127.0.0.1:0"
max_queued = 1000
[limits.default]
wall_time_ms = 300
cpu_time_ms = 300
memory_bytes = 67108864
disk_bytes = 8388608
[limits.cap]
wall_time_ms = 1000
cpu_time_ms = 1000
memory_bytes = 67108864
disk_bytes = 8388608
TOML

# Starts the daemon with the state directory $1; sets `daemon` and `url`.
serve() {
    mkdir -p "$1"
    "$STOCKADE_BIN" serve --config "$work/stockade.toml" --state-dir "$1" 2> "$1.log" &
    daemon=$!
    local tries
    for tries in $(seq 200); do
        url=$(sed -n 's/^listening on \(http:[^ ]*\).*/\1/p' "$1.log" | head -n 1)
        [ -z "$url" ] || return 0
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.05
    done
    cat "$1.log" >&2
    return 1
}

stop() {
    kill "$daemon"
    wait "$daemon" || :
    daemon=
}

# $1: the state directory; the rest: options. Pull and push lead to registries elsewhere: suite `image` has some of its own.
held_against_its_document() {
    local state=$1
    shift
    (cd "$work" && PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m schemathesis.cli \
        --config-file "$here/schemathesis.toml" run "$url/openapi.json" --seed "$SEED" --no-color \
        --exclude-path /images/pull --exclude-path /images/push "$@") || {
        echo "schemathesis failed; the last lines of the server's log:" >&2
        tail -n 20 "$state.log" >&2
        return 1
    }
    if grep -E 'request failed|panicked' "$state.log" | grep -v policy_denied; then
        echo "the server's log has faults" >&2
        return 1
    fi
}

step "without tokens: examples, fuzzing, sequences"
serve "$work/open"
held_against_its_document "$work/open" \
    --phases examples,fuzzing,stateful --exclude-checks ignored_auth --generation-with-security-parameters false
stop

step "with tokens: the edges of every schema"
mkdir -p "$work/closed"
token=$("$STOCKADE_BIN" token new --tenant ci --role admin --state-dir "$work/closed")
serve "$work/closed"
held_against_its_document "$work/closed" --phases coverage -H "Authorization: Bearer $token"
stop

step "done"
