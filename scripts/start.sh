#!/bin/sh
# npm start: a server to try, on 127.0.0.1:8730, with a client `demo` whose password file is written already.
# What is there already stays as it is: run it as often as you like.
set -eu
cd "$(dirname "$0")/.."
. scripts/ensure-dependencies.sh

address=127.0.0.1:8730
home=$(pwd -P)
data=$home/nightdrop-data
password=$data/demo.password

nightdrop() {
  bin/nightdrop --data "$data" "$@"
}

[ -f "$data/nightdrop.toml" ] || nightdrop init "$data" >/dev/null
if [ ! -d "$data/vaults/demo" ]; then
  nightdrop client add demo --secret-file "$password" >/dev/null
elif [ ! -f "$password" ]; then
  nightdrop client rotate demo --secret-file "$password" >/dev/null
fi

# a word for a shell, quoted where it has to be
word() {
  case $1 in
    *[!A-Za-z0-9/._:@=-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}
command="$(word "$home/bin/nightdrop") --data $(word "$data")"

cat <<END

Paste these into another terminal.

Push (again and again: only what changed is sent):
  rsync -aHAX --delete --password-file=$(word "$password") $(word "$home/src") rsync://demo@$address/demo/

List what arrived:
  $command snapshots demo
  $command ls demo latest

Restore it:
  $command restore demo latest --to /tmp/nightdrop-restored

END
exec bin/nightdrop --data "$data" serve --listen "$address"
