# Everything a person runs here. Each target installs what it needs into .tools/ (see CONTRIBUTING.md).
.DEFAULT_GOAL := help
.PHONY: help demo example test test-quick test-all bench bench-history bench-start lint tools
install := scripts/install-tool.sh

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the plan and the diff of three environments, from the shipped exports through real kustomize
	@$(install) demo
	@scripts/demo.sh

example: ## bring the committed files that trimtab makes up to date (schemas, overlays-example, the README's excerpt)
	@scripts/generate.sh

test: ## every test, against real kustomizes, containers and a real control plane (first time: builds these)
	@$(install) test
	cargo test --locked --features parquet --doc
	cargo test --locked --features parquet --no-fail-fast --lib --bins --tests
	@SIZE=6 scripts/test-engines.sh duckdb parquet
	@for reason in .tools/not-run/*; do if [ -f "$$reason" ]; then echo "not run: $${reason##*/} ($$(cat "$$reason"))"; fi; done

test-quick: ## unit and behaviour tests, without the control plane and containers' installation
	@$(install) kustomize-5.8.2 kustomize-5.4.3 kustomize-5.0.1 k8s-schemas crds
	cargo test --locked --features parquet --lib --test it -- --skip container::
	cargo test --locked --features parquet --test live hostile::

test-all: lint test ## `lint`, `test` and the tests that are marked as slow
	cargo test --locked --features parquet --lib --bins --tests -- --ignored
	@$(install) engines
	@SIZE=60 scripts/test-engines.sh duckdb parquet datafusion
	@SIZE=6 scripts/test-engines.sh spark

bench: ## the function's own time by stdin for 10 to 5,000 workloads, beside kustomize's
	@$(install) demo
	@scripts/bench.sh

bench-start: ## what one small build costs: a plan of 10 workloads, and planning beside a profile of 5,000
	@scripts/bench-start.sh

bench-history: ## `trimtab profile` beside krr's way, the VPA recommender, pandas, polars and DuckDB, a bare scan, and ten times the size: all as ratios
	@$(install) vpa-history
	@scripts/bench-history.sh

lint: ## format, clippy, docs, licences, spelling, scripts, generated files
	@$(install) lint
	@scripts/lint.sh

tools: ## all tools of `test` and `lint`, without running anything
	@$(install) test lint
