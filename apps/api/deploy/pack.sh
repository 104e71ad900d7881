#!/usr/bin/env bash
# Usage: pack.sh FOLDER
# Makes FOLDER, which must not be there or be empty, the built server with all that it needs to run: node_modules, as npm installs the packages of
# this repository from their tarballs, and the Dockerfile. SQLite in it is for this kind of machine (processor, C library). It takes "npm run build" before.
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repository=$(cd "$here/../../.." && pwd -P)

[ $# = 1 ] || { echo 'Usage: pack.sh FOLDER' >&2; exit 2; }
packages=(packages/sandbox-{core,seccomp,registry,provider-exec,provider-docker} apps/api)
for package in "${packages[@]}"; do
  [ -d "$repository/$package/dist" ] || { echo "pack.sh: $package is not built. Run \"npm run build\" first." >&2; exit 1; }
done
mkdir -p "$1"
folder=$(cd "$1" && pwd -P)
[ -z "$(ls -A "$folder")" ] || { echo "pack.sh: $folder is not empty." >&2; exit 1; }

mkdir "$folder/tarballs"
for package in "${packages[@]}"; do
  (cd "$repository/$package" && npm pack --silent --pack-destination "$folder/tarballs" > /dev/null)
done
cd "$folder"
echo '{ "private": true }' > package.json
npm install --silent --prefer-offline --omit=dev --ignore-scripts --no-audit --no-fund ./tarballs/*.tgz
cp "$here/Dockerfile" .
# What lacks a module fails here, not where it is taken to.
node node_modules/@ergon/sandbox-api/dist/main.js --version > /dev/null
