#!/usr/bin/env bash
# A private PostgreSQL for tests: `cluster.sh FOLDER` starts one below FOLDER unless it runs, and prints its address.
# Needs the binaries of PostgreSQL and flock; as root it runs as the user postgres, or nobody.
#
# Whoever uses it holds a shared lock (flock) on FOLDER/in-use, which ends with the process. When nobody has held one for
# some seconds, it stops and its data are removed.
set -euo pipefail

folder=$1
idle=5

# Debian and its kin keep the server's binaries out of the path.
for binaries in "" /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /opt/homebrew/bin; do
  PATH=${binaries:+$binaries:}$PATH
done
command -v initdb pg_ctl flock >/dev/null || {
  echo "no PostgreSQL server was found (initdb, pg_ctl) or no flock" >&2
  exit 1
}

as_nobody() { "$@"; }
if [[ $(id -u) -eq 0 ]]; then
  user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  as_nobody() { (cd / && setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups env PATH="$PATH" "$@"); }
fi

mkdir -p "$folder"
exec 9>"$folder/starting"
flock 9
address="postgres://bob@localhost/postgres?host=$folder/server"

if ! [[ -e $folder/server/started ]]; then
  rm -rf "$folder/server"
  mkdir "$folder/server"
  [[ $(id -u) -ne 0 ]] || chown "$user" "$folder/server"
  {
    as_nobody initdb --auth=trust --username=postgres --encoding=UTF8 --locale=C --no-sync -D "$folder/server/data"
    as_nobody pg_ctl start -w -D "$folder/server/data" -l "$folder/server/log" -o "-k '$folder/server' \
      -c listen_addresses= -c max_connections=400 -c shared_buffers=128MB -c max_wal_size=4GB"
    as_nobody psql -h "$folder/server" -U postgres -d postgres -c "CREATE ROLE bob LOGIN CREATEDB"
  } >&2 9>&-
  touch "$folder/server/started"
  (
    quiet=0
    while ((quiet < idle)); do
      sleep 1
      exec 8>"$folder/in-use"
      if flock -n -x 8; then quiet=$((quiet + 1)); else quiet=0; fi
      # Kept for the last round: whoever comes now waits until all of it is gone, and starts anew.
      ((quiet == idle)) || exec 8>&-
    done
    as_nobody pg_ctl stop -m immediate -D "$folder/server/data"
    rm -rf "$folder/server"
  ) </dev/null >/dev/null 2>&1 9>&- &
  disown
fi
echo "$address"
