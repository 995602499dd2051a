#!/bin/sh
# Installs the development dependencies and builds every package. Needs Node 20 or later with npm; uses pnpm if it is
# there and fetches it for this run if it is not.
set -eu
cd "$(dirname "$0")/.."
if ! command -v node >/dev/null 2>&1; then
  echo "node is not installed: on Debian, apt-get install nodejs npm (20 or later)" >&2
  exit 1
fi
version=$(sed -n 's/.*"name": "pnpm", "version": "\([^"]*\)".*/\1/p' package.json)
if command -v pnpm >/dev/null 2>&1; then pnpm=pnpm; else pnpm="npx --yes pnpm@$version"; fi
if [ ! -d node_modules ] || [ pnpm-lock.yaml -nt node_modules/.modules.yaml ]; then
  echo "installing dependencies"
  $pnpm install --frozen-lockfile >/dev/null
fi
echo "building"
node_modules/.bin/tsc -b
