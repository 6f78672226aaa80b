#!/usr/bin/env bash
# Makes what the example commits: a profile from each export, the plan of each environment decided from nothing (no plan was
# accepted before), and the rendered layers.
#
#   scripts/example.sh FOLDER      a copy of overlays-example in FOLDER, made anew, with what was shown on the way:
#                                  ENV.plan.txt, ENV.diff.txt, and excerpt.txt, which the README quotes
#   scripts/example.sh --update    the committed files of overlays-example and the README's excerpt (`make example`)
#
# TRIMTAB names the binary and TRIMTAB_KUSTOMIZE the kustomize to use; by default the debug build and the pinned one.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
trimtab=${TRIMTAB:-${CARGO_TARGET_DIR:-$root/target}/debug/trimtab}
export TRIMTAB_KUSTOMIZE=${TRIMTAB_KUSTOMIZE:-$root/.tools/kustomize/5.8.2/kustomize}
environments=(dev staging production)
said=$(mktemp)
trap 'rm -rf "$said" "${scratch:-$said}"' EXIT

# quietly COMMAND...: its stderr is shown only if it fails
quietly() { "$@" 2>"$said" || { cat "$said" >&2; return 1; }; }

profiles() {
  quietly "$trimtab" profile {cpu=history/staging/cpu_cores,memory=history/staging/memory_working_set_bytes,rate=history/staging/requests_per_second}.json.gz \
    --manifests apps/base --environment staging -o overlays/staging/profile.yaml
  quietly "$trimtab" profile {cpu=history/production/cpu_cores,memory=history/production/memory_working_set_bytes,rate=history/production/requests_per_second}.json.gz \
    --owners history/production/kube_pod_owner.json --owners history/production/kube_replicaset_owner.json \
    --environment production -o overlays/production/profile.yaml
}

# The first plan of an environment: nothing was accepted before.
first_plan() {
  rm -f "overlays/$1/plan.yaml"
  quietly "$trimtab" plan "overlays/$1" --write >"$1.plan.txt"
}

# Some objects of production's diff, whole: each from its line to the next object's.
excerpt() {
  awk -v wanted='Deployment online-boutique/emailservice$|HorizontalPodAutoscaler online-boutique/(cart|frontend)( |$)|VerticalPodAutoscaler online-boutique/orders-db( |$)|ScaledObject |PodDisruptionBudget online-boutique/frontend( |$)' '
    NR == 1 { print; next }
    /^  [~+=-] / { shown = ($0 ~ wanted) }
    shown { print }' production.diff.txt
}

make_all() {
  local environment
  export NO_COLOR=1
  profiles
  for environment in "${environments[@]}"; do
    first_plan "$environment"
    quietly "$trimtab" render "overlays/$environment" --as overlay -o "rendered/$environment"
    quietly "$trimtab" diff "apps/$environment" "overlays/$environment" >"$environment.diff.txt"
  done
  excerpt >excerpt.txt
}

# Everything goes back where it is committed.
update() {
  local environment file
  rm -rf "$root/overlays-example/rendered"
  cp -R rendered "$root/overlays-example/rendered"
  for environment in "${environments[@]}"; do
    for file in plan.yaml profile.yaml; do
      if [ -f "overlays/$environment/$file" ]; then cp "overlays/$environment/$file" "$root/overlays-example/overlays/$environment/$file"; fi
    done
  done
  awk -v excerpt=excerpt.txt '
    /^<!-- excerpt/ { print; print "```text"; while ((getline line <excerpt) > 0) print line; print "```"; skip = 1 }
    /^<!-- \/excerpt/ { skip = 0 }
    !skip { print }' "$root/README.md" >"$said"
  cp "$said" "$root/README.md"
}

if [ "$1" = --update ]; then copy=$(mktemp -d); scratch=$copy; else copy=$1; fi
rm -rf "${copy:?}"
mkdir -p "$copy"
cd "$copy"
cp -R "$root/overlays-example/." .
rm -rf rendered
make_all
if [ "$1" = --update ]; then update; fi
