#!/bin/bash
# Docker Compose 2: the one program of Debian's package from a newer suite, into the cache. Debian 12 has Compose 1, which reads
# other files.
#
#   compose.sh CACHE
set -euo pipefail
tools=${1:?expected the cache folder}/tools
[ -x "$tools/docker-compose" ] && exit 0
apt=$1/apt-newer
mkdir -p "$tools" "$apt/lists/partial"
mirror=$(apt-get indextargets --format '$(REPO_URI)' | sort -u | grep -v security | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$apt/sources.list"
options=(-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$apt/lists"
  -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
apt-get "${options[@]}" update >/dev/null
(cd "$apt" && apt-get "${options[@]}" download docker-compose/sid >/dev/null && dpkg -x docker-compose_*.deb unpacked)
install -m 755 "$(find "$apt/unpacked" -type f -name docker-compose | head -n 1)" "$tools/docker-compose"
rm -rf "$apt"
