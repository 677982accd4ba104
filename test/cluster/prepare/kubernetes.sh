#!/bin/bash
# Builds a real Kubernetes 1.20 (API server, controller manager, scheduler, kubelet) from Debian's source package with Debian's
# Go, without a network but for apt. Once: later calls find the programs. Six minutes of two cores, 2 GB.
#
#   kubernetes.sh CACHE
set -euo pipefail
cache=${1:?expected the cache folder}
work=$cache/kubernetes
bin=$work/bin
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet)

is_complete() { for program in "${programs[@]}"; do [ -x "$bin/$program" ] || return 1; done; }
is_complete && exit 0
mkdir -p "$work" "$bin"

# nice: whoever works on this machine goes first.
run() { nice -n 19 "$@"; }

install_packages() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends golang-1.19-go etcd-server xz-utils >/dev/null
}

# The lists of source packages lie in the cache: the machine's own sources stay as they are.
fetch_source() {
  local apt=$work/apt mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | sort -u | grep -v security | head -n 1)
  mkdir -p "$apt/lists/partial"
  echo "deb-src $mirror $(. /etc/os-release && echo "$VERSION_CODENAME") main" >"$apt/sources.list"
  local options=(-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$apt/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$work" && apt-get "${options[@]}" source --download-only kubernetes)
}

unpack_source() {
  local tree=$work/gopath/src/k8s.io/kubernetes archive component
  [ -e "$work/unpacked" ] && return
  rm -rf "$tree" && mkdir -p "$tree"
  for archive in "$work"/kubernetes_*.orig.tar.*; do tar xf "$archive" -C "$tree" --strip-components=1; done
  for archive in "$work"/kubernetes_*.orig-*.tar.*; do
    [ -e "$archive" ] || continue
    component=${archive##*.orig-} component=${component%.tar.*}
    mkdir -p "$tree/$component" && tar xf "$archive" -C "$tree/$component" --strip-components=1
  done
  for archive in "$work"/kubernetes_*.debian.tar.*; do tar xf "$archive" -C "$tree"; done
  touch "$work/unpacked"
}

go_environment() {
  export PATH=/usr/lib/go-1.19/bin:$PATH GO111MODULE=off GOPROXY=off CGO_ENABLED=0 GOCACHE=$work/gocache GOPATH=$work/gopath
  cd "$work/gopath/src/k8s.io/kubernetes"
}

# The API server needs OpenAPI definitions that the source does not hold.
generate_openapi() {
  [ -s pkg/generated/openapi/zz_generated.openapi.go ] && return
  run go build -o "$bin/openapi-gen" k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen
  local folders
  folders=$(grep -rl --include='*.go' '+k8s:openapi-gen=' pkg staging/src/k8s.io |
    grep -vE 'code-generator|sample-apiserver|_test.go|zz_generated' | xargs -n1 dirname | LC_ALL=C sort -u |
    sed 's#^staging/src/k8s.io/#vendor/k8s.io/#; s#^#k8s.io/kubernetes/#' | paste -sd,)
  run "$bin/openapi-gen" -i "$folders" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/violations.txt" -o "$work/gopath/src"
}

build() {
  local version=k8s.io/kubernetes/vendor/k8s.io/component-base/version client=k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version
  local flags="-s -w" package
  for package in $version $client; do
    flags="$flags -X $package.gitVersion=v1.20.2 -X $package.gitMajor=1 -X $package.gitMinor=20"
  done
  for program in "${programs[@]}"; do
    # Without the clouds' own code, which is half of the work.
    [ -x "$bin/$program" ] || run go build -tags providerless -o "$bin/$program" -ldflags "$flags" "k8s.io/kubernetes/cmd/$program"
  done
}

install_packages
ls "$work"/kubernetes_*.dsc >/dev/null 2>&1 || fetch_source
unpack_source
go_environment
generate_openapi
build
# What was only for the build: 1.5 GB.
rm -rf "$work/gocache" "$work/apt" "$work/gopath" "$work/unpacked"
