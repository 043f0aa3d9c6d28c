# Every command of the project. A machine with Python 3.11 or newer, its venv module and make is enough.
# PART=privacy|faults|attacks|log limits `make audit`; ARGS="…" goes to pytest.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq install
PYTEST := $(BIN)/python -m pytest --dist worksteal
PARTS := privacy faults attacks log

.DEFAULT_GOAL := help
.PHONY: help run test check rules audit bench requirements clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1 · /p' $(MAKEFILE_LIST)

# A foreground job of its own, where there is a terminal, so that Ctrl-C reaches the server alone and make ends with its status.
run: .venv/.run ## serve on 127.0.0.1, port TRE_PORT (8000), with sample records (made on first start)
	@case "$$(ps -o stat= -p $$$$ 2>/dev/null)" in \
	  *+*) set -m; TRE_DEMO=1 $(BIN)/tre serve ;; \
	  *) TRE_DEMO=1 exec $(BIN)/tre serve ;; \
	esac

# Three at a time, though two cores are enough: much of what a served home is asked waits for its release time.
test: .venv/.dev ## every test but the benchmarks and the audit tier
	$(PYTEST) -n 3 -m "not audit and not bench and not alone" $(ARGS)
	$(BIN)/python -m pytest -m "alone and not audit and not bench" $(ARGS)

check: rules test ## format, lint, types, import rules, then every test

rules: .venv/.dev ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: .venv/.dev ## the long tests, at their published sizes
	$(if $(filter-out $(PARTS),$(PART)),$(error PART is one of: $(PARTS)))
	HYPOTHESIS_PROFILE=audit $(PYTEST) -n 2 -m audit --timeout 1800 $(if $(PART),tests/$(PART:log=audit),tests) $(ARGS)

bench: .venv/.dev ## ratios against raw DuckDB, side by side in one run
	$(BIN)/python -m tests.benchmarks $(ARGS)

requirements: ## compile both requirement files anew (needs uv)
	uv pip compile pyproject.toml --group run --output-file requirements.txt $(COMPILE)
	uv pip compile pyproject.toml --group dev --constraints requirements.txt --output-file requirements-dev.txt $(COMPILE)

COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate

clean: ## remove the environment and the caches; .tre/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/.run: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("tre needs Python 3.11 or newer; say PYTHON=… to name one.")'
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@echo "Installing what tre needs into .venv (a minute or two, once) …"
	@$(PIP) --require-hashes --requirement requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@echo "Installing what its tests need into .venv (once) …"
	@$(PIP) --require-hashes --requirement requirements-dev.txt
	@touch $@
