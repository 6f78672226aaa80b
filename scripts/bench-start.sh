#!/usr/bin/env bash
# What one small build costs, since a GitOps controller renders hundreds: the function by stdin for 10 workloads, with their
# accepted plan, and planning on the fly beside a profile of 5,000 workloads (50 namespaces of 100; 28 days, two signals).
# CPU milliseconds (user and system, mean of 50 runs), the most memory, and instructions under callgrind, where valgrind is
# installed: they do not depend on what else the machine does.
#
#   scripts/bench-start.sh [FOLDER]      the input and the figures (start.tsv) are left in FOLDER, else in target/bench/start
#
# TRIMTAB names another binary than the release build, such as the image's (container/Dockerfile), which starts faster.
# WORKLOADS makes namespaces of another size.
set -euo pipefail

# shellcheck source=scripts/bench-inputs.sh
. "$(dirname "${BASH_SOURCE[0]}")/bench-inputs.sh"
out=${1:-$root/target/bench/start}
mkdir -p "$out"
workloads=${WORKLOADS:-100}
trimtab_built

if [ ! -s "$out/env/profiles.yaml" ]; then
  mkdir -p "$out/env"
  for signal in cpu memory; do export_of "$signal" json "$workloads" 1 28 "" >"$out/$signal.json"; done
  for i in $(seq -w 1 50); do
    "$trimtab" profile "$out/cpu.json" "$out/memory.json" --namespace "team-$i" --environment bench -o "$out/part.yaml" 2>"$out/stderr"
    if [ "$i" != 01 ]; then echo ---; fi
    cat "$out/part.yaml"
  done >"$out/env/profiles.yaml.new"
  mv "$out/env/profiles.yaml.new" "$out/env/profiles.yaml"
  rm -f "$out/part.yaml" "$out/cpu.json" "$out/memory.json"
fi
manifests 10 team-25 alone >"$out/env/all.yaml"
policy "class: web" >"$out/env/policy.yaml"

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
