#!/usr/bin/env bash
# What turning an export into a profile costs, on one generated one: 200 workloads of 3 pods, 14 days of 5 minutes, CPU and memory:
# 4.8 million samples in 144 MB. In one run, as ratios:
#
#   - CPU seconds (user and system, best of three runs) and the most memory, beside what others take for less: krr's way with
#     the same answers (json.loads and a numpy array of each series), the VPA recommender's own Go packages (tools/vpa-history;
#     the server's share does not count), and pandas, polars and DuckDB for two quantiles of each container from CSV;
#   - instructions a sample under callgrind, beside a bare scan of the same bytes into the same buckets (tools/bare-scan): the limit;
#   - an export of ten times the size: how many times the instructions, CPU seconds and memory;
#   - bytes of profile a workload. (That quantiles are within 1/64 of exact values is a test: tests/profile_accuracy.rs.)
#
#   scripts/bench-history.sh [FOLDER]      the input (3 GB) and the figures (history.tsv) are left in FOLDER, else in target/bench/history
#
# TRIMTAB names another binary than the release build; PYTHON a python3 with numpy, pandas, polars, duckdb. What is not there is
# not run, and named. WORKLOADS and DAYS make another size; TIMES=1 leaves the larger export out.
set -euo pipefail

# shellcheck source=scripts/bench-inputs.sh
. "$(dirname "${BASH_SOURCE[0]}")/bench-inputs.sh"
out=${1:-$root/target/bench/history}
python=${PYTHON:-python3}
workloads=${WORKLOADS:-200}
times=${TIMES:-10}
vpa=$root/.tools/bin/vpa-history
mkdir -p "$out"
trimtab_built
cargo build --quiet --locked --release --manifest-path "$root/tools/bare-scan/Cargo.toml" --target-dir "$out/bare-scan"

not_run() { printf 'not run: %s\n' "$*" >&2; }

# made SIGNAL FORMAT WORKLOADS: the name of that export; made where it is not there
made() {
  local file=$out/$3-workloads-${DAYS:-14}-days/$1.$2
  if [ ! -s "$file" ]; then
    mkdir -p "${file%/*}"
    export_of "$1" "$2" "$3" 3 "${DAYS:-14}" bench >"$file.new"
    mv "$file.new" "$file"
  fi
  printf '%s' "$file"
}

# measured COMMAND...: CPU seconds of the best of three runs, and the most memory in MB
measured() {
  local TIMEFORMAT='%U %S' cpu memory log=$out/measured.log
  for _ in 1 2 3; do
    cpu=$({ time /usr/bin/time -o "$out/memory" -f %M "$@" >"$log" 2>&1; } 2>&1) || { cat "$log" >&2; return 1; }
    memory=$(cat "$out/memory")
    printf '%s %s\n' "$cpu" "$memory"
  done | awk '{ cpu = $1 + $2; if (NR == 1 || cpu < least) least = cpu; if ($3 > most) most = $3 } END { printf "%.3f\t%.1f", least, most / 1000 }'
}

# instructions COMMAND...
instructions() {
  valgrind --tool=callgrind "--callgrind-out-file=$out/callgrind.out" "$@" 2>&1 >/dev/null | awk '/Collected/ { print $NF }'
}

# row NAME COMMAND...
row() {
  local figures
  figures=$(measured "${@:2}")
  printf '%s\t%s\n' "$1" "$figures"
}

# python_row NAME MODULE SCRIPT FILE...
python_row() {
  if "$python" -c "import $2" 2>/dev/null; then row "$1" "$python" -c "$3" "${@:4}"; else
    not_run "$1 (no python3 with $2; PYTHON names one)"
  fi
}

krr='
import json, sys
import numpy
for name in sys.argv[1:]:
    with open(name) as file:
        for series in json.load(file)["data"]["result"]:
            values = numpy.array(series["values"], dtype=numpy.float64)[:, 1]
            numpy.percentile(values, 95), values.max()
'
pandas='
import sys
import pandas
for name in sys.argv[1:]:
    pods = pandas.read_csv(name).groupby("pod")["value"]
    pods.quantile(0.95), pods.max()
'
polars='
import sys
import polars
for name in sys.argv[1:]:
    value = polars.col("value")
    polars.scan_csv(name).group_by("pod").agg(value.quantile(0.95), value.max().alias("max")).collect()
'
# shellcheck disable=SC2016 # Python
duckdb='
import sys
import duckdb
for name in sys.argv[1:]:
    duckdb.sql(f"select pod, quantile_disc(value, 0.95), max(value) from read_csv('"'{name}'"') group by pod").fetchall()
'

# vpa_row CPU MEMORY: the provider asks a server on loopback, which ends with its input
vpa_row() {
  if [ ! -x "$vpa" ]; then
    not_run 'VPA recommender (scripts/install-tool.sh vpa-history builds it)'
    return
  fi
  local address input
  coproc server { exec "$vpa" serve "$1" "$2"; }
  input=${server[1]}
  read -r address <&"${server[0]}"
  row 'VPA provider and model' "$vpa" load "$address"
  exec {input}>&-
}

cpu=$(made cpu json "$workloads") memory=$(made memory json "$workloads")
tables=("$(made cpu csv "$workloads")" "$(made memory csv "$workloads")")
# --threads 1: each sample's own cost
ours() { run=("$trimtab" profile "$1" "$2" --threads 1 -o "$out/profile.yaml"); }
bare=("$out/bare-scan/release/bare-scan" "9=$cpu" "0=$memory")
samples=$("${bare[@]}" | awk '{ print $1 }')

table=$out/history.tsv
{
  printf 'what\tCPU s\tMB\n'
  ours "$cpu" "$memory"
  row 'trimtab profile' "${run[@]}"
  row 'a bare scan' "${bare[@]}"
  python_row 'json and numpy (krr)' numpy "$krr" "$cpu" "$memory"
  vpa_row "$cpu" "$memory"
  python_row 'pandas, CSV' pandas "$pandas" "${tables[@]}"
  python_row 'polars, CSV' polars "$polars" "${tables[@]}"
  python_row 'DuckDB, CSV' duckdb "$duckdb" "${tables[@]}"
  if [ "$times" -gt 1 ]; then
    large=("$(made cpu json $((times * workloads)))" "$(made memory json $((times * workloads)))")
    ours "${large[@]}"
    row "trimtab profile, $times x" "${run[@]}"
  fi
} >"$table"
printf '%s samples of %s workloads\n' "$samples" "$workloads"
awk -F '\t' '
  NR == 1 { printf "%-24s %8s %8s %10s %10s\n", $1, $2, $3, "CPU ratio", "MB ratio"; next }
  NR == 2 { cpu = $2; mb = $3 }
  { printf "%-24s %8s %8s %10.2f %10.2f\n", $1, $2, $3, $2 / cpu, $3 / mb }' "$table"

if command -v valgrind >/dev/null; then
  ours "$cpu" "$memory"
  one=$(instructions "${run[@]}") least=$(instructions "${bare[@]}")
  awk -v one="$one" -v least="$least" -v n="$samples" 'BEGIN {
    printf "instructions a sample: %.0f; a bare scan: %.0f; ratio %.2f\n", one / n, least / n, one / least }'
  if [ "$times" -gt 1 ]; then
    ours "${large[@]}"
    awk -v one="$one" -v all="$(instructions "${run[@]}")" -v times="$times" 'BEGIN {
      printf "instructions for %d x the samples: %.2f x\n", times, all / one }'
  fi
else
  not_run 'instructions a sample (no valgrind)'
fi
ours "$cpu" "$memory"
"${run[@]}" 2>/dev/null
bytes=$(wc -c <"$out/profile.yaml")
printf 'profile: %s bytes, %s a workload\n' "$bytes" "$((bytes / workloads))"
printf 'figures: %s\n' "$table"
