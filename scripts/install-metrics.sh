#!/usr/bin/env bash
# Finds the metrics stores that tests/live asks, and links them into .tools/metrics/: prometheus, promtool, victoria-metrics.
#
#   scripts/install-metrics.sh      usually by `scripts/install-tool.sh metrics`
#
# What is in PATH already is taken; as root on Debian the rest comes from apt (its services are not started).
# What is still missing is said by name in .tools/not-run/metrics, which `make test` prints last; with CI=true it is a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
programs=(prometheus promtool victoria-metrics)

log=$(mktemp)
trap 'rm -f "$log"' EXIT

missing() {
  local name
  for name in "${programs[@]}"; do command -v "$name" >/dev/null || printf '%s ' "$name"; done
}
from_apt() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get -o DPkg::Lock::Timeout=300 update -qq &&
      apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends prometheus victoria-metrics
  } </dev/null >>"$log" 2>&1
}

mkdir -p "$root/.tools/metrics" "$root/.tools/not-run"
rm -f "$root/.tools/not-run/metrics"
[ -z "$(missing)" ] || from_apt || true
for name in "${programs[@]}"; do
  if found=$(command -v "$name"); then ln -sfn "$found" "$root/.tools/metrics/$name"; else rm -f "$root/.tools/metrics/$name"; fi
done
[ -z "$(missing)" ] && exit

printf 'install-metrics: missing here: %s\n' "$(missing)" >&2
cat "$log" >&2
[ "${CI-}" = true ] && exit 1
printf 'live runs against real stores: install %s\n' "$(missing)" >"$root/.tools/not-run/metrics"
