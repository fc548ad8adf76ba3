#!/usr/bin/env bash
# A real S3 server for tests: one Ceph monitor, one OSD in memory and the RADOS gateway, on loopback only.
#   ceph.sh FOLDER PORT ACCESS_KEY SECRET_KEY MEMORY_GIB
# Says "ready" when it answers, and ends with its standard input: then everything it started is gone. A line on the input
# starts a gateway anew after the former was killed (FOLDER/run/rgw.pid), and "ready" is said again.
set -euo pipefail
folder=$1 port=$2 access=$3 secret=$4 memory_gib=$5
deadline_s=60
conf=$folder/ceph.conf
pids=()

stop() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait || true
}
trap stop EXIT
trap 'exit 143' TERM HUP INT

until_ok() {
    local end=$((SECONDS + deadline_s))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "not within $deadline_s s: $*" >&2; tail -n 20 "$folder"/log/* >&2; exit 1; }
        read -rt 0.05 <> <(:) || true
    done
}

daemon() {
    local name=$1
    shift
    setpriv --pdeathsig TERM "$@" >>"$folder/log/$name.out" 2>&1 &
    pids+=($!)
    echo $! >"$folder/run/$name.pid"
}

mkdir -p "$folder"/{mon,osd,run,log}
# No authentication between its parts (they see nobody but each other); without crc the gateway hangs then.
cat >"$conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
mon allow pool size one = true
mon warn on pool no redundancy = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
paxos propose interval = 0.05
paxos min wait = 0.01
run dir = $folder/run
admin socket = $folder/run/\$name.asok
log file = $folder/log/\$name.log
log to stderr = false
[mon]
mon data = $folder/mon
[osd]
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = $((memory_gib << 30))
osd class load list = *
osd class default list = *
[client]
ms mon client mode = crc
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw dns name = 127.0.0.1
CONF
fsid=$(sed -n 's/^fsid = //p' "$conf")
monmaptool --create --clobber --fsid "$fsid" \
    --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" "$folder/monmap" >/dev/null
ceph-mon -c "$conf" -i a --mkfs --monmap "$folder/monmap"
daemon mon ceph-mon -c "$conf" -i a -f
until_ok timeout 5 ceph -c "$conf" osd create
ceph-osd -c "$conf" -i 0 --mkfs >>"$folder/log/osd.out" 2>&1
daemon osd ceph-osd -c "$conf" -i 0 -f
until_ok sh -c "ceph -c '$conf' osd stat | grep -q '1 up'"
radosgw-admin -c "$conf" user create --uid=test --display-name=test --access-key="$access" --secret-key="$secret" \
    >/dev/null 2>>"$folder/log/rgw.out"
while
    daemon rgw radosgw -c "$conf" -n client.admin -f --no-mon-config
    until_ok curl -s -o /dev/null -m 1 "http://127.0.0.1:$port/"
    echo ready
    read -r
do :; done
