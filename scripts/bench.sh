#!/usr/bin/env bash
# The function's own time by stdin for 10, 100, 1,000 and 5,000 workloads, beside kustomize's own build of the same
# manifests up to 1,000 (kustomize is quadratic). CPU seconds, best of three runs each; bounded: a run of more than 300 s is a failure.
#
#   scripts/bench.sh [FOLDER]      the input and the figures (bench.tsv) are left in FOLDER, else in target/bench
#
# TRIMTAB names another binary than the release build.
set -euo pipefail

# shellcheck source=scripts/bench-inputs.sh
. "$(dirname "${BASH_SOURCE[0]}")/bench-inputs.sh"
out=${1:-$root/target/bench}
kustomize=$root/.tools/kustomize/5.8.2/kustomize
trimtab_built
rm -rf "$out"
mkdir -p "$out"

# what owners stated, so that plan and build have every kind to write
stated=(
  'class: web'
  'requests: {cpu: {value: 150m}, memory: {value: 192Mi}}'
  'scaling: {minReplicas: {value: 2}, maxReplicas: {value: 8}, targets: {cpu: {value: 70%}}}'
  'spot: {mode: prefer}'
  'vpa: {mode: recommend}'
)

# best COMMAND...: CPU seconds (user and system) of the best of three runs: a busy machine does not show in them
best() {
  local seconds fastest=
  local TIMEFORMAT='%U %S'
  for _ in 1 2 3; do
    seconds=$({ time "${@}" >"$out/stdout" 2>"$out/stderr"; } 2>&1) || { cat "$out/stderr" >&2; return 1; }
    seconds=$(awk '{ print $1 + $2 }' <<<"$seconds")
    fastest=$(awk -v a="${fastest:-$seconds}" -v b="$seconds" 'BEGIN { print (a < b ? a : b) }')
    # a slow one is not run again
    if awk -v s="$seconds" 'BEGIN { exit !(s > 20) }'; then break; fi
  done
  printf '%s' "$fastest"
}
function_alone() { timeout 300 "$trimtab" fn --policy "$1/policy.yaml" --plan "$1/plan.yaml" <"$1/all.yaml"; }
plan() { timeout 300 "$trimtab" plan "$1"; }
build() { timeout 300 "$kustomize" build "$1/kustomized"; }

table=$out/bench.tsv
printf 'workloads\tMB\tapply a plan (s)\ttrimtab plan (s)\tkustomize build (s)\tfunction / kustomize\n' >"$table"
for n in 10 100 1000 5000; do
  dir=$out/$n
  mkdir -p "$dir/kustomized"
  manifests "$n" bench >"$dir/all.yaml"
  policy "${stated[@]}" >"$dir/policy.yaml"
  "$trimtab" plan "$dir" --write >/dev/null 2>"$out/stderr" || { cat "$out/stderr" >&2; exit 1; }
  apply=$(best function_alone "$dir")
  planned=$(best plan "$dir")
  host=- ratio=-
  if [ "$n" -le 1000 ]; then
    ln "$dir/all.yaml" "$dir/kustomized/all.yaml"
    printf 'resources: [all.yaml]\n' >"$dir/kustomized/kustomization.yaml"
    host=$(best build "$dir")
    ratio=$(awk -v a="$apply" -v b="$host" 'BEGIN { printf "%.2f", a / b }')
  fi
  size=$(awk -v b="$(wc -c <"$dir/all.yaml")" 'BEGIN { printf "%.2f", b / 1e6 }')
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$n" "$size" "$apply" "$planned" "$host" "$ratio" >>"$table"
  printf 'measured %s workloads\n' "$n" >&2
done

# Growth: the exponent b of t = a × n^b between two sizes; 1 is linear.
awk -F '\t' '
  { for (i = 1; i <= NF; i++) cell[NR, i] = $i; rows = NR }
  END {
    for (r = 1; r <= rows; r++) printf "%10s %8s %18s %20s %21s %22s\n", cell[r, 1], cell[r, 2], cell[r, 3], cell[r, 4], cell[r, 5], cell[r, 6]
    print ""
    for (r = 3; r <= rows; r++) {
      n = log(cell[r, 1] / cell[r - 1, 1])
      printf "growth from %s to %s workloads:", cell[r - 1, 1], cell[r, 1]
      for (c = 3; c <= 5; c++) if (cell[r, c] != "-" && cell[r - 1, c] + 0 > 0 && cell[r, c] + 0 > 0)
        printf "  %s n^%.2f", (c == 3 ? "apply" : c == 4 ? "plan" : "kustomize"), log(cell[r, c] / cell[r - 1, c]) / n
      print ""
    }
  }' "$table"
printf 'figures: %s\n' "$table"
