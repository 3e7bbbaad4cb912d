#!/bin/sh
# npm test: installs what the tests need where that can be done, then runs them all on Node 24 from node_modules.
# Arguments go to the test runner in place of all tests but the slow ones (*.slow.ts, which .ci/run has): npm test -- 'test/restore/*.test.ts'
set -eu
cd "$(dirname "$0")/.."

if [ ! -x node_modules/.bin/node ] || [ ! -d node_modules/koffi ] || [ ! -x node_modules/.bin/tsc ]; then
  npm ci --no-audit --no-fund
fi

# The peers that the tests speak with: command and the Debian package that brings it.
missing=''
PATH=$PATH:/usr/sbin # where Debian has sshd and haproxy
for pair in rsync:rsync restic:restic setfacl:acl setfattr:attr ssh:openssh-client sshd:openssh-server openssl:openssl \
  gnutls-cli:gnutls-bin stunnel4:stunnel4 haproxy:haproxy; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # a list of package names
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >&2 || {
      echo "npm test: could not install:$missing. Install them and run again." >&2
      exit 1
    }
  else
    echo "npm test: missing:$missing. As root: apt-get install$missing" >&2
    exit 1
  fi
fi

[ $# -gt 0 ] || set -- 'test/**/*.test.ts'
exec node_modules/.bin/node --disable-warning=ExperimentalWarning --test --test-concurrency=4 --test-timeout=600000 "$@"
