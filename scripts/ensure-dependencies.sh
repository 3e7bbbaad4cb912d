# Sourced by the other scripts, in the project's folder: installs the npm packages where they are missing.
# shellcheck shell=sh
if [ ! -x node_modules/.bin/node ] || [ ! -d node_modules/koffi ] || [ ! -x node_modules/.bin/tsc ]; then
  npm ci --no-audit --no-fund >&2
fi
