#!/bin/sh
# Makes build/policy.wasm. The tool is installed into .venv, which belongs to the project.
set -eu
cd "$(dirname "$0")"

if ! cmp -s requirements.txt .venv/requirements.txt; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
    cp requirements.txt .venv/
fi
tool=".venv/bin/componentize-py --quiet --wit-path wit --world plugin"

# For editors and type checkers; the component gets its own.
rm -rf build
mkdir build
$tool bindings build/bindings
$tool componentize --stub-wasi --output build/policy.wasm stockade_policy.component
