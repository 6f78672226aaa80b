#!/usr/bin/env bash
# The SQL of `trimtab profile --print-sql`, run by the engines themselves: what they count gives the lines of the samples.
#
#   scripts/test-engines.sh [ENGINE...]      duckdb, parquet (DuckDB that writes it), datafusion, spark; all of them where none is named
#
# The engines are Python packages (`scripts/install-tool.sh engines`, or `duckdb` alone); Spark needs Java 17 or later.
# SIZE is the number of workloads, TRIMTAB another binary than the debug build.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ $# -gt 0 ] || set -- duckdb parquet datafusion spark
for engine in "$@"; do
  case $engine in duckdb | parquet) packages=duckdb ;; *) packages=engines ;; esac
  if [ ! -d "$root/.tools/python/$packages" ]; then
    echo "test-engines: $engine is not installed: scripts/install-tool.sh $packages" >&2
    exit 1
  fi
  if [ "$engine" = spark ] && ! command -v java >/dev/null; then
    echo "test-engines: spark needs Java 17 or later in PATH" >&2
    exit 1
  fi
done
trimtab=${TRIMTAB:-${CARGO_TARGET_DIR:-$root/target}/debug/trimtab}
if [ -z "${TRIMTAB-}" ]; then (cd "$root" && cargo build --quiet --locked --features parquet --bin trimtab); fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

PYTHONPATH=$root/.tools/python/duckdb:$root/.tools/python/engines python3 "$root/scripts/engines.py" "$trimtab" "$folder" "$@"
