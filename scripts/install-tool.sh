#!/usr/bin/env bash
# Builds the pinned tools of the tests and links them into .tools/.
#
#   scripts/install-tool.sh NAME...      `help` lists the names
#
# A tool is built once for a pinned version, into a cache outside the clone
# (${TRIMTAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trimtab}/TOOL-VERSION/), in a temporary folder that is
# renamed when complete: an interrupted or a concurrent install leaves nothing half done. No root is needed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${TRIMTAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trimtab}
tools=$root/.tools
# the pinned modules decide, not the caller's workspace or toolchain switches
export GOWORK=off GOFLAGS=-mod=readonly CGO_ENABLED=0

say() { printf '%s\n' "$*" >&2; }
die() { say "install-tool: $*"; exit 1; }
need() { command -v "$1" >/dev/null || die "\`$1\` is missing: $2"; }

# The version of module $2 that tools/$1/go.mod pins, without its `v`.
pinned() { awk -v m="$2" '$1 == "require" { $1 = $2; $2 = $3 } $1 == m { print substr($2, 2); exit }' "$root/tools/$1/go.mod"; }

# The folder of module $2 at the version that tools/$1/go.mod pins; go.sum there vouches for its bytes.
module_dir() {
  need go "install Go 1.26 or later (https://go.dev/dl)"
  (cd "$root/tools/$1" && go mod download -json "$2@v$(pinned "$1" "$2")") | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p; s/^[[:space:]]*"Error": /go: /w /dev/stderr'
}

# link FILE NAME: .tools/NAME is a link to FILE.
link() {
  [ "$(readlink "$tools/$2")" = "$1" ] && return
  mkdir -p "$(dirname "$tools/$2")"
  ln -sfn "$1" "$tools/$2"
}

# cached KEY COMMAND...: runs COMMAND DIR for an empty DIR that then becomes $cache/KEY; sets $entry.
# Whoever comes second waits for the first one (where `flock` exists) and finds it done.
cached() {
  entry=$cache/$1
  [ -d "$entry" ] && return
  mkdir -p "$cache"
  exec 9>"$cache/.$1.lock"
  if command -v flock >/dev/null; then flock -w 2400 9 || die "waited 40 min for another install of $1"; fi
  if [ ! -d "$entry" ]; then
    local began=$SECONDS temp
    temp=$(mktemp -d "$cache/.$1.XXXXXX")
    # shellcheck disable=SC2064 # the folder of this very call
    trap "rm -rf '$temp'" EXIT
    say "$1: building"
    "${@:2}" "$temp"
    chmod 755 "$temp"
    mv "$temp" "$entry"
    trap - EXIT
    say "$1: built in $((SECONDS - began)) s"
  fi
  exec 9>&-
}

# go_build MODULE-FOLDER LDFLAGS PACKAGE... DIR: one command, so that the packages compile side by side
go_build() {
  need go "install Go 1.26 or later (https://go.dev/dl)"
  local folder=$root/tools/$1 ldflags=$2 dir=${*: -1}
  shift 2
  (cd "$folder" && go build -trimpath -ldflags "-s -w $ldflags" -o "$dir/" "${@:1:$#-1}")
}

kustomize() {
  cached "kustomize-$1" go_build "kustomize-$1" "-X sigs.k8s.io/kustomize/api/provenance.version=v$1" \
    sigs.k8s.io/kustomize/kustomize/v5
  link "$entry/kustomize" "kustomize/$1/kustomize"
}

kubernetes() {
  local version stamp=k8s.io/component-base/version names=(kube-apiserver kube-controller-manager kube-scheduler kubectl) name
  version=$(pinned kubernetes k8s.io/kubernetes)
  cached "kubernetes-$version" go_build kubernetes "-X $stamp.gitVersion=v$version" "${names[@]/#/k8s.io/kubernetes/cmd/}"
  for name in "${names[@]}"; do link "$entry/$name" "plane/$name"; done
}

etcd() {
  cached "etcd-$(pinned etcd go.etcd.io/etcd/server/v3)" go_build etcd "" .
  link "$entry/etcd" plane/etcd
}

# What the VPA recommender does with a history, for `make bench-history`, and what it keeps and recommends, for `make test`.
vpa-history() {
  cached "vpa-history-$(cat "$root"/tools/vpa-history/* | cksum | tr ' ' -)" go_build vpa-history "" .
  link "$entry/vpa-history" bin/vpa-history
}

# Fake kubelets, and the stages that make nodes and pods Ready at once.
kwok() {
  cached "kwok-$(pinned kwok sigs.k8s.io/kwok)" build_kwok
  link "$entry/kwok" plane/kwok
  link "$entry/stages.yaml" kwok-stages.yaml
}
build_kwok() {
  go_build kwok "" sigs.k8s.io/kwok/cmd/kwok "$1"
  local stages
  stages=$(module_dir kwok sigs.k8s.io/kwok)/kustomize/stage
  for file in "$stages"/node/fast/node-*.yaml "$stages"/pod/fast/pod-*.yaml; do
    printf -- '---\n'
    cat "$file"
  done >"$1/stages.yaml"
}

# What the API server and the tests read out of other projects' modules.
crd_modules=(github.com/kedacore/keda/v2 k8s.io/autoscaler/vertical-pod-autoscaler github.com/argoproj/argo-rollouts)
crds() {
  local module key=crds file
  for module in "${crd_modules[@]}"; do key+=-$(pinned crds "$module"); done
  cached "$key" copy_crds
  for file in keda vpa argo-rollouts; do link "$entry/$file.yaml" "crds/$file.yaml"; done
  link "$entry/keda-scalers-schema.json" keda-scalers-schema.json
}
copy_crds() {
  local keda vpa rollouts
  keda=$(module_dir crds "${crd_modules[0]}")
  vpa=$(module_dir crds "${crd_modules[1]}")
  rollouts=$(module_dir crds "${crd_modules[2]}")
  cp "$keda/config/crd/bases/keda.sh_scaledobjects.yaml" "$1/keda.yaml"
  cp "$keda/schema/generated/scalers-schema.json" "$1/keda-scalers-schema.json"
  cp "$vpa/deploy/vpa-v1-crd-gen.yaml" "$1/vpa.yaml"
  cp "$rollouts/manifests/crds/rollout-crd.yaml" "$1/argo-rollouts.yaml"
  chmod 644 "$1"/*
}

# wheel NAME DIR: unpacks the Python package that tools/NAME/requirements.txt pins by hash.
wheel() {
  need python3 "install Python 3 with pip"
  python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
    --requirement "$root/tools/$1/requirements.txt" --dest "$2"
  python3 -m zipfile -e "$2"/*.whl "$2/wheel"
}
wheel_version() { sed -n 's/^[a-z-]*==\([^ ]*\).*/\1/p' "$root/tools/$1/requirements.txt"; }

# A program that comes as a wheel.
wheel_program() {
  cached "$1-$(wheel_version "$1")" unpack_program "$1"
  link "$entry/$1" "bin/$1"
}
unpack_program() {
  wheel "$1" "$2"
  mv "$2"/wheel/*.data/scripts/"$1" "$2/$1"
  chmod 755 "$2/$1"
  rm -r "$2/wheel" "$2"/*.whl
}

# packages NAME: the Python packages that tools/NAME/requirements.txt pins by hash, as a folder for PYTHONPATH. Some are built
# for one version of Python.
packages() {
  need python3 "install Python 3 with pip"
  local python
  python=$(python3 -c 'import sys; print("py%d%d" % sys.version_info[:2])')
  cached "$1-$(cksum <"$root/tools/$1/requirements.txt" | tr ' ' -)-$python" install_packages "$1"
  link "$entry" "python/$1"
}
install_packages() {
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$root/tools/$1/requirements.txt" --target "$2"
}

# Strict JSON Schemas of the Kubernetes versions that the tests render for; see scripts/README.md.
k8s-schemas() {
  local versions="1.29 1.33 1.35" version
  cached "k8s-schemas-$(wheel_version k8s-schemas)-${versions// /-}" unpack_schemas "$versions"
  for version in $versions; do link "$entry/$version" "k8s-schemas/$version"; done
}
unpack_schemas() {
  wheel k8s-schemas "$2"
  # shellcheck disable=SC2086 # one argument a version
  python3 "$root/scripts/unpack-k8s-schemas.py" "$2/wheel/kubernetes_validate/kubernetes-json-schema" "$2" $1
  rm -r "$2/wheel" "$2"/*.whl
}

cargo-deny() {
  local version=0.20.2
  cached "cargo-deny-$version" build_cargo_deny "$version"
  link "$entry/bin/cargo-deny" bin/cargo-deny
}
build_cargo_deny() { env -u CARGO_TARGET_DIR cargo install --quiet --locked "cargo-deny@$1" --root "$2"; }

podman() {
  kustomize 5.8.2
  "$root/scripts/install-podman.sh" "$entry/kustomize"
}

metrics() { "$root/scripts/install-metrics.sh"; }

kustomizes=(kustomize-5.8.2 kustomize-5.4.3 kustomize-5.0.1)
plane=(etcd kubernetes kwok crds)

install() {
  case $1 in
    kustomize-5.0.1 | kustomize-5.4.3 | kustomize-5.8.2) kustomize "${1#kustomize-}" ;;
    etcd | kubernetes | kwok | crds | k8s-schemas | cargo-deny | podman | metrics | vpa-history) "$1" ;;
    shellcheck | typos | zizmor) wheel_program "$1" ;;
    duckdb) packages "$1" ;;
    engines) packages duckdb && packages "$1" ;;
    demo) all kustomize-5.8.2 ;;
    plane) all "${plane[@]}" ;;
    test) all "${kustomizes[@]}" podman metrics k8s-schemas duckdb vpa-history "${plane[@]}" ;;
    lint) all shellcheck typos zizmor cargo-deny ;;
    *) die "unknown tool \`$1\`; \`scripts/install-tool.sh help\` lists them" ;;
  esac
}
all() { local name; for name in "$@"; do install "$name"; done; }

if [ "${1-help}" = help ]; then
  say "tools:  ${kustomizes[*]} ${plane[*]} k8s-schemas podman metrics duckdb engines shellcheck typos zizmor cargo-deny vpa-history"
  say "groups: demo plane test lint"
  say "cache:  $cache"
else
  all "$@"
fi
