#!/bin/bash
# Prepares what the tests in this folder need, once: Debian's Docker engine, Kubernetes 1.20 built from source, Helm, kubectl, and
# the images. As root on Debian 12. Ten minutes and 4 GB the first time; parts that are there are kept.
#
#   prepare.sh [all|kubernetes|tools|images|facet]        CLUSTER_CACHE names another cache
set -euo pipefail
cd "$(dirname "$0")"
cache=${CLUSTER_CACHE:-$HOME/.cache/facet/cluster}
part=${1:-all}
mkdir -p "$cache"
wants() { [ "$part" = all ] || [ "$part" = "$1" ]; }

# A Docker engine on the machine's own network, without a bridge, while images are built.
with_engine() {
  local home
  home=$(mktemp -d)
  kubernetes/dockerd.sh "$cache" "$home" >"$home/dockerd.log" 2>&1 &
  local engine=$!
  export DOCKER_HOST=unix://$home/docker.sock
  for _ in $(seq 150); do /usr/bin/docker version >/dev/null 2>&1 && break; sleep 0.2; done
  local status=0
  "$@" || status=$?
  kill "$engine"
  wait "$engine" || true
  # The engine leaves this mounted.
  umount "$home/exec/netns/default" 2>/dev/null || true
  rm -rf "$home"
  return "$status"
}

if wants kubernetes; then prepare/kubernetes.sh "$cache"; fi
if wants tools; then
  prepare/tools.sh "$cache"
  prepare/compose.sh "$cache"
fi
if wants images || wants facet; then
  prepare/engine.sh
  repository=$(cd ../.. && pwd)
  case $part in
    facet) with_engine prepare/images.sh "$cache" "$repository" facet ;;
    *) with_engine prepare/images.sh "$cache" "$repository" base nats prometheus pause facet ;;
  esac
fi
