#!/usr/bin/env bash
# Install what is missing, and only that: Debian packages, Node, the frontend's and the tests' npm packages.
#   deps.sh [run|test]     what building and running needs; `test` (the default) adds what checking needs
# Says nothing when all is there. Starts no service: a package that brings one is held by a temporary policy-rc.d.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-test}

build=(build-essential pkg-config libfcgi-dev libmariadb-dev libhiredis-dev libjson-c-dev
       libcurl4-openssl-dev libmagic-dev libvips-dev libsodium-dev libssl-dev libutf8proc-dev python3)
run=(nginx npm mariadb-server mariadb-client redis-server redis-tools supervisor openssl ca-certificates curl)
check=(clang clang-tidy clang-format libclang-rt-14-dev cppcheck shellcheck libcunit1-dev chromium
       fonts-noto-cjk fonts-noto-color-emoji procps spin libfuse3-dev fuse3
       ceph-mon ceph-osd radosgw ceph-common)

packages=("${build[@]}" "${run[@]}")
[ "$what" = run ] || packages+=("${check[@]}")

# The packages of the list that are not installed. Programs that people bring from elsewhere will do.
missing() {
    local installed package
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/ installed$//p')
    for package in "${packages[@]}"; do
        case $package in
        nginx | npm | pkg-config) PATH=$PATH:/usr/sbin command -v "$package" >/dev/null || echo "$package" ;;
        *) grep -qxF "$package" <<<"$installed" || echo "$package" ;;
        esac
    done
}

install_packages() {
    local sudo=() policy=/usr/sbin/policy-rc.d mark='# for a moment, by Posthouse' ours=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "deps: root or sudo is needed to install: $*" >&2; exit 1; }
        sudo=(sudo)
    fi
    echo "deps: installing $*"
    if [ ! -e "$policy" ] || grep -qF "$mark" "$policy"; then
        ours=1
        printf '#!/bin/sh\n%s\nexit 101\n' "$mark" | "${sudo[@]}" tee "$policy" >/dev/null
        "${sudo[@]}" chmod 755 "$policy"
    fi
    # shellcheck disable=SC2064  # expanded now on purpose: the trap runs when the locals are gone
    trap "${ours:+${sudo[*]} rm -f $policy}" EXIT
    local get=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600
               -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
    local install=("${get[@]}" install --no-install-recommends "$@")
    # The package lists may be missing or too old to name what the mirror still has: then, and only then, update.
    if ! "${install[@]}" >/dev/null 2>&1; then
        "${get[@]}" update
        "${install[@]}" >/dev/null
    fi
    trap - EXIT
    [ -z "$ours" ] || "${sudo[@]}" rm -f "$policy"
}

mapfile -t wanted < <(missing)
[ ${#wanted[@]} = 0 ] || install_packages "${wanted[@]}"

# npm packages, when the lock file is not the one that was installed last; one installation at a time.
mkdir -p build
exec 9>build/deps.lock
flock 9
for folder in frontend tests; do
    [ "$folder" = frontend ] || [ "$what" != run ] || continue
    [ -f "$folder/package-lock.json" ] || continue
    stamp=$folder/node_modules/.installed
    cmp -s "$folder/package-lock.json" "$stamp" && continue
    echo "deps: npm ci in $folder/"
    (cd "$folder" && ../tools/node.sh npm ci --no-audit --no-fund --loglevel=error)
    cp "$folder/package-lock.json" "$stamp"
done
