#!/usr/bin/env bash
# Writes every committed file that the program itself makes: schemas/, overlays-example/ (profiles, plans, rendered layers) and
# the README's excerpt. `scripts/lint.sh generated` checks that this changes nothing.
#
#   scripts/generate.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-tool.sh demo
cargo build --locked --features parquet --bin trimtab # as the tests build it
trimtab=${CARGO_TARGET_DIR:-target}/debug/trimtab
for kind in OptimizationPolicy OptimizationPlan UsageProfile PriceSheet; do
  "$trimtab" schema "$kind" >"schemas/$kind.schema.json.new"
  mv "schemas/$kind.schema.json.new" "schemas/$kind.schema.json"
done
scripts/example.sh --update
