#!/bin/bash
# Debian's Docker engine with its images in the cache. More arguments go to dockerd.
#
#   dockerd.sh CACHE HOME [ARGUMENTS]      HOME has the socket, docker.sock
cache=$1 home=$2
shift 2
[ $# -gt 0 ] || set -- --bridge none --iptables=false
# More open files than a machine without CAP_SYS_RESOURCE may have are refused.
exec /usr/sbin/dockerd --host "unix://$home/docker.sock" --data-root "$cache/docker" --exec-root "$home/exec" \
  --pidfile "$home/dockerd.pid" --default-ulimit nofile=20000:20000 \
  --add-runtime "here=$(cd "$(dirname "$0")" && pwd)/runc-here" --default-runtime here "$@"
