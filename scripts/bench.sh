#!/bin/sh
# npm run bench: see bench/README.md for cases and flags.
set -eu
cd "$(dirname "$0")/.."
[ -x node_modules/.bin/node ] || npm ci --no-audit --no-fund
exec node_modules/.bin/node --disable-warning=ExperimentalWarning bench/run.ts "$@"
