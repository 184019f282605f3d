#!/bin/sh
# node.sh SCRIPT: runs a test of this folder with the packages that package-lock.json pins. They are
# fetched once, into the build folder, and again when the lock changes.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
packages=${KEEL_BUILD:?"run these tests by ./dev test --only policy"}/policy-packages
stamp=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum)

if [ "$(cat "$packages/.stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$packages"
    mkdir -p "$packages"
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$packages"
    if ! (cd "$packages" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2; then
        echo "node.sh: the packages could not be fetched from the npm registry: look at the network" >&2
        exit 1
    fi
    printf '%s\n' "$stamp" >"$packages/.stamp"
fi
export KEEL_PACKAGES="$packages"
exec node "$here/$1"
