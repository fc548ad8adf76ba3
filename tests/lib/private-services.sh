#!/usr/bin/env bash
# Run one command beside a MariaDB and a Redis of its own:    private-services.sh COMMAND ARGUMENTS...
#   The command finds them by POSTHOUSE_*; the database "posthouse" has the newest schema (posthousectl migrate of
#   build/$MODE) and nothing else. Everything lives in one temporary folder and is gone afterwards, however it went.
#   Fast instead of durable: nothing here survives a crash. A prepared data folder is copied, not made anew each time.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
mode=${MODE:-debug}
deadline_s=60
PATH=$PATH:/usr/sbin:/sbin
unset POSTHOUSE_VAR POSTHOUSE_CONFIG
folder=$(mktemp -d "${TMPDIR:-/tmp}/posthouse-test.XXXXXX")
pids=()

stop() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 143' TERM HUP
trap 'exit 130' INT

# Wait until a command succeeds, at most $deadline_s.
until_ok() {
    local end=$((SECONDS + deadline_s))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "not within $deadline_s s: $*" >&2; tail -n 20 "$folder"/*.log >&2; exit 1; }
        read -rt 0.05 <> <(:) || true
    done
}

# mariadbd on the data folder $1, its socket in $folder.
database() {
    local user=''
    [ "$(id -u)" != 0 ] || user='user = root'
    sed -e "s|@data@|$1|; s|@run@|$folder|; s|@user@|$user|; s|@durable@|0|; s|@buffer_mib@|32|; s|@log_mib@|16|" \
        "$root/deploy/mariadb/posthouse.cnf.in" >"$folder/mariadb.cnf"
    setpriv --pdeathsig TERM mariadbd --defaults-file="$folder/mariadb.cnf" >"$folder/mariadb.log" 2>&1 &
    pids+=($!)
    until_ok mariadb-admin --no-defaults --socket="$folder/mysql.sock" --user="$(id -un)" ping
}

# The prepared data folder, made once per version of MariaDB.
template=$root/build/test-database-$(mariadbd --version | sha256sum | cut -c1-12)
prepare() {
    [ ! -d "$template" ] || return 0
    mariadb-install-db --no-defaults --datadir="$folder/new" --tmpdir="$folder" --user="$(id -un)" \
        --auth-root-socket-user="$(id -un)" --auth-root-authentication-method=socket --skip-test-db --skip-name-resolve --force >"$folder/install.log" 2>&1 ||
        { tail "$folder/install.log" >&2; exit 1; }
    database "$folder/new"
    mariadb --no-defaults --socket="$folder/mysql.sock" --user="$(id -un)" <<'SQL'
CREATE DATABASE posthouse CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER posthouse@localhost IDENTIFIED BY 'posthouse';
GRANT ALL ON posthouse.* TO posthouse@localhost;
SQL
    kill "${pids[@]}"
    wait || true
    pids=()
    rm -rf "$template.part"
    cp -r "$folder/new" "$template.part"
    mv "$template.part" "$template"
    rm -rf "$folder/new"
}
mkdir -p "$root/build"
exec 9>"$root/build/test-database.lock"
flock 9
prepare
exec 9>&-

cp -r "$template" "$folder/mysql"
mkdir "$folder/redis"
sed -e "s|@data@|$folder/redis|; s|@run@|$folder|; s|@append@|no|" "$root/deploy/redis/posthouse.conf.in" \
    >"$folder/redis.conf"
setpriv --pdeathsig TERM redis-server "$folder/redis.conf" >"$folder/redis.log" 2>&1 &
pids+=($!)
database "$folder/mysql"
until_ok redis-cli -s "$folder/redis.sock" ping

export POSTHOUSE_RUN_DIR=$folder POSTHOUSE_TOKEN_SECRET_FILE=$folder/secret
export POSTHOUSE_DB_SOCKET=$folder/mysql.sock POSTHOUSE_DB_NAME=posthouse
export POSTHOUSE_DB_USER=posthouse POSTHOUSE_DB_PASSWORD=posthouse
export POSTHOUSE_REDIS_SOCKET=$folder/redis.sock
(umask 077 && openssl rand -hex 32 >"$folder/secret")
[ ! -x "$root/build/$mode/bin/posthousectl" ] || "$root/build/$mode/bin/posthousectl" migrate >/dev/null
"$@"
