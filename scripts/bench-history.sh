#!/usr/bin/env bash
# `trimtab profile` beside what krr does with the same answers (json.loads and a numpy array of each series), and beside what
# pandas, polars and DuckDB take for two quantiles of each container of the same samples as CSV, on one generated export: 200
# workloads of 3 pods, 14 days of 5 minutes, CPU and memory: 4.8 million samples in 144 MB. CPU seconds (user and system, best of
# three runs) and the most memory, as ratios of one run on one machine; instructions a sample under callgrind, where it is installed.
#
#   scripts/bench-history.sh [FOLDER]      the input and the figures (history.tsv) are left in FOLDER, else in target/bench
#
# TRIMTAB names another binary than the release build; PYTHON a python3 with numpy, pandas, polars, duckdb (rows of those it
# has not are left out, by name).
# WORKLOADS and DAYS make another size.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$root/target/bench}
trimtab=${TRIMTAB:-${CARGO_TARGET_DIR:-$root/target}/release/trimtab}
if [ -z "${TRIMTAB-}" ]; then (cd "$root" && cargo build --quiet --locked --release --bin trimtab); fi
python=${PYTHON:-python3}
mkdir -p "$out"

# export_of SIGNAL FORMAT: a query_range answer, or the same as `csv`. Pods change their names half-way (a roll-out); each has its
# own noise around a daily curve.
export_of() {
  awk -v signal="$1" -v format="$2" -v workloads="${WORKLOADS:-200}" -v days="${DAYS:-14}" '
    # the minimal standard generator of Park and Miller: the same numbers in every awk
    function random() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
    BEGIN {
      seed = (signal == "cpu") ? 7 : 11; start = 1793577600; steps = days * 288; half = int(steps / 2)
      if (format == "csv") print "time,namespace,pod,container,value"
      else printf "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
      for (w = 1; w <= workloads; w++) for (rollout = 0; rollout < 2; rollout++) for (pod = 1; pod <= 3; pod++) {
        name = sprintf("svc-%03d-%s-%s", w, rollout ? "6c8d5f7b9d" : "7d9f8b6c5f", substr("abcdeabcdgabcdh", 5 * pod - 4, 5))
        if (format != "csv") {
          if (between++) printf ","
          printf "{\"metric\":{\"container\":\"app\",\"deployment\":\"svc-%03d\",\"namespace\":\"bench\",\"pod\":\"%s\"},\"values\":[", w, name
        }
        for (s = rollout ? half : 0; s < (rollout ? steps : half); s++) {
          load = (1 + w % 17) * (1.2 + sin(s / 288 * 6.283185)) * (0.85 + 0.3 * random())
          if (signal == "cpu") value = sprintf("%d.%09d%07d", load / 20, int(load * 50000000) % 1000000000, 10000000 * random())
          else value = sprintf("%d", 4096 * int(20000 + 3000 * load))
          if (format == "csv") printf "%d,bench,%s,app,%s\n", start + 300 * (s + 1), name, value
          else printf "%s[%d,\"%s\"]", (s == (rollout ? half : 0)) ? "" : ",", start + 300 * (s + 1), value
        }
        if (format != "csv") printf "]}"
      }
      if (format != "csv") print "]}}"
    }'
}

# measured COMMAND...: CPU seconds of the best of three runs, and the most memory in MB
measured() {
  for _ in 1 2 3; do /usr/bin/time -f '%U %S %M' "$@" 2>&1 >/dev/null | tail -1; done |
    awk '{ cpu = $1 + $2; if (NR == 1 || cpu < least) least = cpu; if ($3 > most) most = $3 } END { printf "%.2f\t%.0f", least, most / 1000 }'
}

replica='
import json, sys
import numpy
for name in sys.argv[1:]:
    with open(name) as file:
        for series in json.load(file)["data"]["result"]:
            values = numpy.array(series["values"], dtype=numpy.float64)[:, 1]
            numpy.percentile(values, 95), values.max()
'

read -r -d '' pandas <<'PY' || true
import sys
import pandas
for name in sys.argv[1:]:
    pods = pandas.read_csv(name).groupby("pod")["value"]
    pods.quantile(0.95), pods.max()
PY
read -r -d '' polars <<'PY' || true
import sys
import polars
for name in sys.argv[1:]:
    value = polars.col("value")
    polars.scan_csv(name).group_by("pod").agg(value.quantile(0.95), value.max().alias("max")).collect()
PY
read -r -d '' duckdb <<'PY' || true
import sys
import duckdb
for name in sys.argv[1:]:
    duckdb.sql(f"select pod, quantile_disc(value, 0.95), max(value) from read_csv('{name}') group by pod").fetchall()
PY

for signal in cpu memory; do
  [ -s "$out/$signal.json" ] || export_of "$signal" json >"$out/$signal.json"
  [ -s "$out/$signal.csv" ] || export_of "$signal" csv >"$out/$signal.csv"
done
inputs=("$out/cpu.json" "$out/memory.json")
tables=("$out/cpu.csv" "$out/memory.csv")
ours=("$trimtab" profile "${inputs[@]}" --threads 1 -o "$out/profile.yaml")

# peer NAME MODULE SCRIPT FILE...: its row
peer() {
  if "$python" -c "import $2" 2>/dev/null; then
    printf '%s\t%s\n' "$1" "$(measured "$python" -c "$3" "${@:4}")"
  else
    printf 'not run: %s (no python3 with %s; PYTHON names one)\n' "$1" "$2" >&2
  fi
}

table=$out/history.tsv
{
  printf 'what\tCPU s\tMB\n'
  printf 'trimtab profile\t%s\n' "$(measured "${ours[@]}")"
  peer 'json and numpy (krr)' numpy "$replica" "${inputs[@]}"
  peer 'pandas, CSV' pandas "$pandas" "${tables[@]}"
  peer 'polars, CSV' polars "$polars" "${tables[@]}"
  peer 'DuckDB, CSV' duckdb "$duckdb" "${tables[@]}"
} >"$table"
awk -F '\t' '
  NR == 1 { printf "%-22s %8s %8s %10s %10s\n", $1, $2, $3, "CPU ratio", "MB ratio"; next }
  NR == 2 { cpu = $2; mb = $3 }
  { printf "%-22s %8s %8s %10.1f %10.1f\n", $1, $2, $3, $2 / cpu, $3 / mb }' "$table"
if command -v valgrind >/dev/null; then
  valgrind --tool=callgrind "--callgrind-out-file=$out/callgrind.out" "${ours[@]}" 2>&1 >/dev/null |
    awk -v samples="$(grep -o '\],\[\|\[\[' "${inputs[@]}" | wc -l)" '/Collected/ { printf "instructions a sample: %.0f\n", $NF / samples }'
fi
bytes=$(wc -c <"$out/profile.yaml")
printf 'profile: %s bytes, %s a workload\n' "$bytes" "$((bytes / ${WORKLOADS:-200}))"
printf 'figures: %s\n' "$table"
