#!/usr/bin/env bash
# What one small build costs, since a GitOps controller renders hundreds: the function by stdin for 10 workloads, with their
# accepted plan, and planning on the fly beside a profile of 5,000 workloads (50 namespaces of 100; 28 days, two signals).
# CPU milliseconds (user and system, mean of 50 runs), the most memory, and instructions under callgrind, where valgrind is
# installed: they do not depend on what else the machine does.
#
#   scripts/bench-start.sh [FOLDER]      the input and the figures (start.tsv) are left in FOLDER, else in target/bench/start
#
# TRIMTAB names another binary than the release build. WORKLOADS makes namespaces of another size.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$root/target/bench/start}
trimtab=${TRIMTAB:-${CARGO_TARGET_DIR:-$root/target}/release/trimtab}
if [ -z "${TRIMTAB-}" ]; then (cd "$root" && cargo build --quiet --locked --release --bin trimtab); fi
mkdir -p "$out"
workloads=${WORKLOADS:-100}

# export_of SIGNAL: a query_range answer of one namespace without its label, 28 days of 5 minutes from a Monday
export_of() {
  awk -v signal="$1" -v workloads="$workloads" '
    # the minimal standard generator of Park and Miller: the same numbers in every awk
    function random() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
    BEGIN {
      seed = (signal == "cpu") ? 7 : 11; start = 1793577600
      printf "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
      for (w = 1; w <= workloads; w++) {
        printf "%s{\"metric\":{\"container\":\"app\",\"deployment\":\"svc-%05d\",\"pod\":\"svc-%05d-7d9f8b6c5f-abcde\"},\"values\":[", (w > 1 ? "," : ""), w, w
        for (s = 0; s < 28 * 288; s++) {
          load = (1 + w % 17) * (1.2 + sin(s / 288 * 6.283185)) * (0.85 + 0.3 * random())
          if (signal == "cpu") value = sprintf("%d.%09d", load / 20, int(load * 50000000) % 1000000000)
          else value = sprintf("%d", 4096 * int(20000 + 3000 * load))
          printf "%s[%d,\"%s\"]", (s ? "," : ""), start + 300 * (s + 1), value
        }
        printf "]}"
      }
      print "]}}"
    }'
}

manifests() {
  for i in 1 2 3 4 5 6 7 8 9 10; do
    printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: svc-%05d, namespace: team-25}\n' "$i"
    printf 'spec:\n  replicas: 3\n  selector: {matchLabels: {app: svc-%05d}}\n  template:\n    metadata: {labels: {app: svc-%05d}}\n' "$i" "$i"
    printf '    spec:\n      containers:\n      - name: app\n        image: registry.example/app:1.0.%d\n' "$i"
    printf '        resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {memory: 1Gi}}\n---\n'
  done
}

policy() {
  cat <<'YAML'
apiVersion: trimtab.dev/v1alpha1
kind: OptimizationPolicy
metadata: {name: bench}
spec:
  environment: bench
  mode: enforce
  cluster: {kubernetes: "1.33", provider: aws}
  workloads:
    all: {match: {names: {"svc-*": true}}, class: web}
YAML
}

if [ ! -s "$out/env/profiles.yaml" ]; then
  mkdir -p "$out/env"
  for signal in cpu memory; do export_of "$signal" >"$out/$signal.json"; done
  for i in $(seq -w 1 50); do
    "$trimtab" profile "$out/cpu.json" "$out/memory.json" --namespace "team-$i" --environment bench -o "$out/part.yaml" 2>"$out/stderr"
    if [ "$i" != 01 ]; then echo ---; fi
    cat "$out/part.yaml"
  done >"$out/env/profiles.yaml.new"
  mv "$out/env/profiles.yaml.new" "$out/env/profiles.yaml"
  rm -f "$out/part.yaml" "$out/cpu.json" "$out/memory.json"
fi
manifests >"$out/env/all.yaml"
policy >"$out/env/policy.yaml"

# the program, behind what measures it
run=("$trimtab")
version() { "${run[@]}" --version; }
with_profile() { "${run[@]}" fn --policy "$out/env/policy.yaml" --profile "$out/env/profiles.yaml" <"$out/env/all.yaml"; }
with_plan() { "${run[@]}" fn --policy "$out/env/policy.yaml" --plan "$out/plan.yaml" <"$out/env/all.yaml"; }

# the plan of these ten, from a profile of their namespace
mkdir -p "$out/planned"
cp "$out/env/all.yaml" "$out/env/policy.yaml" "$out/planned/"
awk -v RS='---\n' '/^# What workloads used: namespace team-25,/' ORS= "$out/env/profiles.yaml" >"$out/planned/profile.yaml"
"$trimtab" plan "$out/planned" --write >/dev/null 2>"$out/stderr" || { cat "$out/stderr" >&2; exit 1; }
cp "$out/planned/plan.yaml" "$out/plan.yaml"

# measured NAME FUNCTION: milliseconds of CPU, MB, million instructions
measured() {
  local TIMEFORMAT='%U %S' cpu memory instructions=-
  "$2" >"$out/stdout" 2>"$out/stderr" || { cat "$out/stderr" >&2; return 1; }
  cpu=$({ time for _ in $(seq 50); do "$2" >"$out/stdout" 2>"$out/stderr"; done; } 2>&1 | awk '{ printf "%.1f", ($1 + $2) * 1000 / 50 }')
  local run=(/usr/bin/time -f %M "$trimtab")
  memory=$("$2" 2>&1 >/dev/null | awk 'END { printf "%.1f", $1 / 1000 }')
  if command -v valgrind >/dev/null; then
    run=(valgrind --tool=callgrind "--callgrind-out-file=$out/callgrind.out" "$trimtab")
    instructions=$("$2" 2>&1 >/dev/null | awk '/Collected/ { printf "%.1f", $NF / 1e6 }')
  fi
  printf '%s\t%s\t%s\t%s\n' "$1" "$cpu" "$memory" "$instructions"
}

{
  printf 'run\tCPU (ms)\tmost memory (MB)\tinstructions (million)\n'
  measured 'start and end (--version)' version
  measured 'apply a plan of 10 workloads' with_plan
  measured "plan 10 of $((50 * workloads)) workloads on the fly" with_profile
} >"$out/start.tsv"
awk -F '\t' '{ printf "%-42s %10s %18s %24s\n", $1, $2, $3, $4 }' "$out/start.tsv"
printf 'profile: %s MB; figures: %s\n' "$(awk -v b="$(wc -c <"$out/env/profiles.yaml")" 'BEGIN { printf "%.1f", b / 1e6 }')" "$out/start.tsv"
