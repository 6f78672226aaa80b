#!/usr/bin/env bash
# Finds a client that runs a `FROM scratch` image the way kustomize does, and puts it at .tools/docker-shim/docker
# (kustomize asks PATH for a program named `docker`).
#
#   scripts/install-podman.sh STATIC-PROGRAM      usually by `scripts/install-tool.sh podman`
#
# The first that works: docker with its daemon, podman as configured here, podman with scripts/containers.conf,
# and as root on Debian the same with podman and runc from apt. Each is proved by building an image around
# STATIC-PROGRAM (any static binary with a `version` subcommand) and running it with kustomize's own flags.
# None: said by name in .tools/not-run/podman, which `make test` prints last; with CI=true it is a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$1
shim=$root/.tools/docker-shim/docker
image=localhost/trimtab-probe:latest

log=$(mktemp)
context=$(mktemp -d)
trap 'rm -rf "$context" "$log"' EXIT

# works: does the shim run an image as kustomize 5 would? Its words are kept in $log.
works() {
  printf 'FROM scratch\nCOPY passwd /etc/passwd\nCOPY program /program\nENTRYPOINT ["/program", "version"]\n' >"$context/Dockerfile"
  # kustomize runs functions as `nobody`: an image from scratch has to know that name
  printf 'nobody:x:65534:65534:nobody:/:/sbin/nologin\n' >"$context/passwd"
  cp "$program" "$context/program"
  {
    "$shim" build --quiet --tag "$image" "$context" &&
      "$shim" run --rm -i -a STDIN -a STDOUT -a STDERR --network none --user nobody \
        --security-opt=no-new-privileges "$image"
  } </dev/null >>"$log" 2>&1
}

# shim WORD...: writes the shim as `exec WORD...`
shim() {
  mkdir -p "$(dirname "$shim")"
  printf '#!/bin/sh\nexec %s"$@"\n' "$(printf '%q ' "$@")" >"$shim.$$"
  chmod 755 "$shim.$$"
  mv -f "$shim.$$" "$shim"
}

try() {
  command -v "$1" >/dev/null || return 1
  if [ "$1" = docker ]; then docker info >/dev/null 2>&1 || return 1; fi
  shim "${@:2}" "$(command -v "$1")" ${flags[@]+"${flags[@]}"}
  printf -- '--- %s\n' "$(tail -1 "$shim")" >>"$log"
  works
}

flags=()
ours() { flags=(--runtime runc); try podman env "CONTAINERS_CONF=$root/scripts/containers.conf"; }
from_apt() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get -o DPkg::Lock::Timeout=300 update -qq &&
      apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends podman runc
  } </dev/null >>"$log" 2>&1
}

rm -f "$root/.tools/not-run/podman"
[ -x "$shim" ] && works && exit
try docker || try podman || ours || { from_apt && ours; } && exit

rm -f "$shim"
printf 'install-podman: no container client works here:\n' >&2
cat "$log" >&2
[ "${CI-}" = true ] && exit 1
mkdir -p "$root/.tools/not-run"
printf 'container mode: install podman (and runc), or start docker\n' >"$root/.tools/not-run/podman"
