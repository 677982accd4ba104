#!/bin/bash
# Debian's Docker engine and what makes images, by apt.
set -euo pipefail
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker.io debootstrap busybox-static iptables nats-server prometheus >/dev/null
