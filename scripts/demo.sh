#!/usr/bin/env bash
# What the program does, on shipped data: profiles from the exports, the plan of three environments, and what it changes in
# the manifests, all built through real kustomize. Nothing is written outside target/ (and the caches of cargo and the tools).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
demo=$target/demo
trimtab=$target/debug/trimtab
kustomize=$root/.tools/kustomize/5.8.2/kustomize

(cd "$root" && cargo build --locked --bin trimtab)
began=$SECONDS
title() { printf '\n== %s\n\n' "$*"; }

TRIMTAB=$trimtab TRIMTAB_KUSTOMIZE=$kustomize "$root/scripts/example.sh" "$demo"
for environment in dev staging production; do
  title "$environment: what is decided, and why        trimtab plan overlays/$environment --write"
  cat "$demo/$environment.plan.txt"
  title "$environment: what that does to the manifests        trimtab diff apps/$environment overlays/$environment"
  cat "$demo/$environment.diff.txt"
done
title "where things are: $demo"
cat <<TEXT
  history/        the exports: real values; history/README.md says whose
  apps/           what a team has, untouched
  overlays/ENV/   policy.yaml (what is wanted), profile.yaml (what was used), plan.yaml (what was decided and accepted);
                  its kustomization applies the plan with the function
  rendered/ENV/   the same as a plain kustomize layer, for a deploy without plugins

  To go on:
    cd $demo
    export PATH=${trimtab%/*}:${kustomize%/*}:\$PATH
    trimtab explain frontend --dir overlays/production
    kustomize build --enable-alpha-plugins --enable-exec overlays/production
    kustomize build rendered/production
    trimtab check .

$((SECONDS - began)) s after the build
TEXT
