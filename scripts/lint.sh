#!/usr/bin/env bash
# What must hold beside the tests.
#
#   scripts/lint.sh [CHECK...]      all of them, or by name: fmt clippy docs features deny spelling scripts generated
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.tools/bin

# a crate of its own, beside the package
bare_scan=tools/bare-scan/Cargo.toml
fmt() { cargo fmt --all --check && cargo fmt --manifest-path "$bare_scan" --check; }
clippy() {
  cargo clippy --locked --features parquet --all-targets -- -D warnings
  cargo clippy --locked --quiet --manifest-path "$bare_scan" --target-dir target -- -D warnings
}
docs() { RUSTDOCFLAGS='-D warnings' cargo doc --locked --features parquet --no-deps; }
# Advisories need a database from the network: the public workflow asks for them, apart.
deny() {
  cargo fetch --locked --quiet # of all platforms, so that the check itself needs no network
  "$bin/cargo-deny" --offline --locked check licenses bans sources
}
spelling() { "$bin/typos"; }
scripts() {
  "$bin/shellcheck" -x scripts/*.sh .ci/run
  if [ -d .github ]; then "$bin/zizmor" --quiet --offline .github docs/scale-out/github-actions.yaml; fi
}
# What is built without `parquet` must be clean too, and there is one thing that no feature may bring:
# one dependency that switches this on makes the order of our output depend on the order of the input.
features() {
  local tree
  cargo clippy --locked --lib --bins -- -D warnings
  tree=$(cargo tree --locked --all-features --target all -e features,all -i serde_json)
  if grep -q 'serde_json feature "preserve_order"' <<<"$tree"; then
    printf '%s\n' "$tree"
    echo "serde_json/preserve_order is on: find who asks for it in the tree above" >&2
    return 1
  fi
}
# What lies there now, committed or not, by its digest.
generated_files() { find schemas overlays-example README.md -type f -print0 | sort -z | xargs -0 sha256sum; }
# Files that the program itself writes must be what it writes today.
generated() {
  local before
  before=$(generated_files)
  scripts/generate.sh
  diff <(echo "$before") <(generated_files) >&2 || { echo "generated files were not current: commit what scripts/generate.sh wrote" >&2; return 1; }
}

[ $# -gt 0 ] || set -- fmt clippy docs features deny spelling scripts generated
for check in "$@"; do "$check"; done
