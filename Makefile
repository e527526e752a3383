# What a developer or a curious visitor types. Everything it makes lives in the git-ignored folder .flowdrop/ (docs: site/).

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV ?= .flowdrop/venv
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest -p devtools.pytest_order
FAST := not integration and not browser and not benchmark and not slow
# Options of `make demo`, e.g. DEMO_ARGS=--once; see `make demo DEMO_ARGS=--help`. DETACH=1 keeps it up in the background.
DEMO_ARGS ?=
# Options of the comparison, e.g. BENCH_ARGS="--sizes 1x10 --rounds 3".
BENCH_ARGS ?=
# Options of load and endurance, e.g. SOAK_ARGS="--only runs,steady --write".
SOAK_ARGS ?=
# Options of pytest, e.g. TEST_ARGS="-k twig".
TEST_ARGS ?=

# The first of these that runs and is a Python we support. `python3` alone may be too old or too new.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.10; do \
	"$$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo "$$name" && break; done)

# Whatever imports Airflow in a test must not write to the Airflow of the person who runs the tests.
test test-long fast bench soak: export AIRFLOW_HOME := $(CURDIR)/.flowdrop/test/airflow
test test-long fast bench soak: export AIRFLOW__CORE__LOAD_EXAMPLES := False

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: venv-demo ## Start Airflow and watch a FlowDrop workflow run (Ctrl-C stops it)
	@$(RUN) -m devtools.demo $(if $(DETACH),--detach) $(DEMO_ARGS)

.PHONY: stop
stop: venv-demo ## Stop a demo that runs in the background
	@$(RUN) -m devtools.demo --stop

.PHONY: test
test: venv-dev ## Run the tests, the quick ones first and side by side
	@$(RUN) -m devtools.system_packages chromium redis-server php-cli php-curl phpunit php-codesniffer prometheus
ifeq ($(strip $(TEST_ARGS)),)
	@status=0; \
	$(PYTEST) -m "$(FAST)" --numprocesses auto --maxprocesses 4 || status=1; \
	$(PYTEST) -m "not ($(FAST)) and not long" || status=1; \
	exit $$status
else
	@$(PYTEST) $(TEST_ARGS)
endif

.PHONY: test-long
test-long: venv-dev ## Run the tests that keep an Airflow busy for half a minute or more each
	@$(PYTEST) -m long $(TEST_ARGS)

.PHONY: fast
fast: venv-dev ## Run the tests that need no Airflow, no browser and no patience
	@$(PYTEST) -m "$(FAST)" $(TEST_ARGS)

.PHONY: bench
bench: venv-dev ## Run the benchmarks in full size and print their ratios
	@FLOWDROP_BENCH=full $(PYTEST) -m benchmark -s $(TEST_ARGS)

.PHONY: bench-peers
bench-peers: venv-dev ## Measure DAG building beside other tools; BENCH_ARGS=--write writes docs/peers.md
	@$(RUN) -m tests.benchmarks.peers $(BENCH_ARGS)

.PHONY: soak
soak: venv-dev ## Measure load and endurance (an hour); SOAK_ARGS="--only runs --write" does a part and writes docs/performance.md
	@$(RUN) -m tests.benchmarks.soak $(SOAK_ARGS)

.PHONY: lint
lint: venv-dev docs ## Check style, types, layers and documentation
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports

.PHONY: docs
docs: venv-dev ## Build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet

.PHONY: ui
ui: ## Build the views of the Airflow UI again (needs Node.js 20.19 or later; installing the package does not)
	@cd flowdrop_provider/plugins/www && npm ci --no-audit --no-fund && npm run lint && npm test && npm run build

# The moment of the last commit, so that the same source gives the same bytes.
dist sbom: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.PHONY: dist
dist: venv-dev ## Build wheel, sdist and bill of materials into dist/
	@rm -rf dist && $(RUN) -m build --no-isolation --outdir dist . && $(RUN) -m devtools.sbom dist/sbom.cdx.json

.PHONY: sbom
sbom: venv-dev ## Write the bill of materials (CycloneDX) of what the package needs into dist/
	@$(RUN) -m devtools.sbom dist/sbom.cdx.json

.PHONY: audit
audit: venv-dev ## Look for known weaknesses of the pinned packages (needs an advisory database)
	@$(RUN) -m devtools.audit

.PHONY: clean
clean: ## Stop the demo and delete everything that was made here
	@if [ -x $(RUN) ] && [ -d .flowdrop/demo ]; then $(RUN) -m devtools.demo --stop; fi
	@rm -rf .flowdrop dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.PHONY: distributed
distributed: venv-dev ## Start Airflow with two Celery workers over PostgreSQL and Redis (Ctrl-C stops it)
	@$(RUN) -m devtools.system_packages redis-server
	@$(RUN) -m devtools.distributed $(DEMO_ARGS)

.PHONY: test-distributed
test-distributed: export AIRFLOW_HOME := $(CURDIR)/.flowdrop/test/airflow
test-distributed: export AIRFLOW__CORE__LOAD_EXAMPLES := False
test-distributed: venv-dev ## Inject faults into that deployment, and count what comes of the runs (half an hour)
	@$(RUN) -m devtools.system_packages redis-server faketime
	@$(PYTEST) tests/distributed -m "distributed or slow" $(TEST_ARGS)

.PHONY: venv-demo venv-dev
venv-demo venv-dev: venv-%:
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 is needed: apt-get install -y python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) devtools/bootstrap.py $(VENV) $*
