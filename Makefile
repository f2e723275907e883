# Everything a person does with this repository. `make run` and `make test` need python3 (3.11+), python3-venv, git and make;
# the rest is set up here, in .venv, and set up again only when a lock file or pyproject.toml changes.

.DEFAULT_GOAL := help
.PHONY: help run test check static lint types contracts dead-code docs bench lock format clean

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.stamp-runtime
DEV := .venv/.stamp-dev
SETUP := tools/environment.py requirements-setup.lock pyproject.toml
COMPILE := $(BIN)/uv pip compile $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
PYTEST_WORKERS ?= 2
BENCHMARKS ?= event_core bars indicators ingest wire gateway_load

help: ## Show these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

run: $(RUNTIME) ## Set up if needed, then start the platform on its embedded market
	$(BIN)/theo demo

test: $(DEV) ## Set up if needed, then run the whole test suite
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal

check: static test ## Everything on: format, lint, types, contracts, dead code, docs, tests

static: lint types contracts dead-code docs ## Everything of `make check` that runs no test

lint: $(DEV) ## Format and all lint rules
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: $(DEV) ## Strict types
	$(BIN)/mypy

contracts: $(DEV) ## Which layer may import which; which dependency is declared
	$(BIN)/lint-imports
	$(BIN)/deptry src

dead-code: $(DEV) ## Code that nothing uses
	$(BIN)/python tools/dead_code.py

docs: $(DEV) ## Build the documentation into site/, warnings being errors
	$(BIN)/zensical build --strict --clean

bench: $(DEV) ## Measure speed on this machine
	@for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

lock: $(DEV) ## Resolve dependencies; add UPGRADE=--upgrade for newer ones
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -o requirements-dev.lock
	$(COMPILE) requirements-setup.in --constraints requirements-dev.lock -o requirements-setup.lock

format: $(DEV) ## Format the code and repair what can be repaired
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean: ## Remove the environment, caches and built documentation
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(RUNTIME): $(SETUP) requirements.lock
	$(PYTHON) tools/environment.py runtime
	@touch $@

$(DEV): $(SETUP) requirements-dev.lock
	$(PYTHON) tools/environment.py dev
	@touch $@
