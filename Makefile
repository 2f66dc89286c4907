# `make` lists the targets. Programs are installed in .venv, and state is in var/, both in this directory.

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
STACK_PORTS := $(if $(PORT),--airflow-port $(PORT)) $(if $(AWS_PORT),--aws-port $(AWS_PORT)) \
	$(if $(DASHBOARD_PORT),--dashboard-port $(DASHBOARD_PORT))

# Lets Python store compiled modules; otherwise every start and every task compiles them again.
unexport PYTHONDONTWRITEBYTECODE
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

.DEFAULT_GOAL := help
.PHONY: help install demo up dashboard geoip test test-lake test-trino test-services test-browser test-stack test-deep test-mutations golden lint types docs map screenshots check bench age fuzz env lock sbom audit clean-demo clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/dev.stamp ## install all packages for development, and print the next commands
	@printf '%s\n' "Next: make demo, make test, or make open LOGS=/var/log/nginx; make lists all targets."

demo: $(VENV)/run.stamp ## build four weeks of a café, or your logs: LOGS=DIR; EXIT=1 verifies and stops
	$(BIN)/clickstream demo $(if $(LOGS),--logs "$(LOGS)") $(if $(EXIT),--exit) $(STACK_PORTS)

up: $(VENV)/run.stamp ## start Airflow, the dashboard, PostgreSQL and the local AWS; PORT=, AWS_PORT=, DASHBOARD_PORT=
	$(BIN)/clickstream up $(STACK_PORTS)

dashboard: $(VENV)/run.stamp ## start only the dashboard, on the lake of the settings; DASHBOARD_PORT=
	$(BIN)/clickstream dashboard $(if $(DASHBOARD_PORT),--port $(DASHBOARD_PORT))

open: $(VENV)/run.stamp ## open the dashboard of log files, without AWS or Airflow: LOGS=DIR
	$(BIN)/clickstream open $(or $(LOGS),$(error Name your logs: make open LOGS=/var/log/nginx))

geoip: $(VENV)/run.stamp ## fetch free databases of places and networks into var/geoip (82 MB, by npm)
	$(BIN)/python -m clickstream.demo.geoip var/geoip

PYTEST := $(BIN)/pytest --durations 10
WORKERS := -n 2 --dist worksteal

test: $(VENV)/dev.stamp ## run unit, property and SQL tests, which need no system package; T=tests/... runs some
	$(PYTEST) $(WORKERS) $(if $(MARKS),-m '$(MARKS)') $(T)

golden: $(VENV)/dev.stamp ## check that rows, pages and texts of two days of the café are unchanged; KEEP=DIR WRITE=1
	$(BIN)/python -m scripts.golden $(if $(KEEP),--keep $(KEEP)) $(if $(WRITE),--write)

test-lake: $(VENV)/dev.stamp ## test schedules, faults, kills, processes at once and whole real logs on lakes
	$(PYTEST) $(WORKERS) -m 'lake and not trino and not deep'

test-trino: $(VENV)/dev.stamp ## test views and SQL on a real Trino, fetched by Maven; TRINO=DIR uses an unpacked one
	$(PYTEST) -m 'trino and not deep' tests/clickstream/dashboard/ask/test_triangle.py tests/sql

test-services: $(VENV)/dev.stamp ## test with nginx, logrotate, sshd and Java, which the tests start
	$(PYTEST) tests/services

test-browser: $(VENV)/dev.stamp ## test the dashboard's pages in Chromium
	$(PYTEST) tests/browser

test-stack: $(VENV)/dev.stamp ## test the demo, and backfills, cleared tasks and killed processes in its Airflow
	$(PYTEST) tests/stack

test-deep: $(VENV)/dev.stamp ## test long schedules, full grids and more examples, in hours; EXAMPLES=20
	$(PYTEST) $(WORKERS) --timeout 7200 -m deep
	$(PYTEST) --timeout 7200 -m deep tests/services tests/stack
	EXAMPLES=$(or $(EXAMPLES),5) $(PYTEST) $(WORKERS) --timeout 7200 -m 'hypothesis and not trino and not deep'

test-mutations: $(VENV)/dev.stamp ## test that the tests find seeded faults; ONLY=TEXT in the name or file of a fault
	$(BIN)/python -m scripts.mutations $(if $(ONLY),--only "$(ONLY)")

lint: $(VENV)/dev.stamp ## check style and format of the code, and the CloudFormation templates
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/cfn-lint infra/*.yaml
	$(BIN)/python scripts/validate_templates.py

types: $(VENV)/dev.stamp ## check types
	$(BIN)/mypy

docs: $(VENV)/dev.stamp ## generate the pages of docs/, and the compiled fact views, from the code
	$(BIN)/python scripts/make_docs.py
	$(BIN)/python -m scripts.compile_views

map: $(VENV)/dev.stamp ## generate the shapes of the dashboard's maps from npm's world-atlas
	$(BIN)/python -m scripts.make_map

check: lint types golden test test-lake test-trino test-services test-browser test-stack ## run all that CI runs

screenshots: $(VENV)/dev.stamp ## take the pictures of the dashboard for README and docs, in Chromium
	$(BIN)/python -m scripts.screenshots

bench: $(VENV)/bench.stamp ## compare speed with other tools, as ratios of CPU time; LINES=2000000 ROUNDS=5 LOG=FILE.gz
	$(BIN)/python -m benchmarks.run $(if $(LINES),--lines $(LINES)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(LOG),--log $(LOG))

age: $(VENV)/dev.stamp ## measure what a lake costs as it ages; DAYS=60 KEEP=DIR JSON=FILE TRINO_URL=URL AWS_PORT=N
	$(BIN)/python -m benchmarks.age $(if $(DAYS),--days $(DAYS)) $(if $(LINES),--lines-per-hour $(LINES)) \
		$(if $(KEEP),--keep "$(KEEP)") $(if $(JSON),--json "$(JSON)") \
		$(if $(TRINO_URL),--trino $(TRINO_URL)) $(if $(AWS_PORT),--aws-port $(AWS_PORT))

FUZZED := formats cuts strings cleaning values

# Runs are short, because atheris never frees the arrays whose comparisons it has observed.
fuzz: $(VENV)/dev.stamp ## fuzz parse and clean for input that breaks a rule; ROUNDS=1 of 8 minutes
	@$(BIN)/python -c 'import atheris' 2>/dev/null || { \
		echo "The fuzzer is missing; install it with: $(BIN)/python -m pip install atheris" >&2; exit 1; }
	for round in $$(seq $(or $(ROUNDS),1)); do for target in $(FUZZED); do \
		$(BIN)/python -m tests.fuzz.run $$target var/fuzz/$$target/corpus -max_total_time=96 \
		-max_len=2048 -rss_limit_mb=4096 || exit 1; done; done

env: $(VENV)/run.stamp ## write .env for docker compose, with generated secrets
	$(BIN)/python -m clickstream.demo.stack.dotenv

# One file serves all supported Python versions; environment markers select what differs. Its hashes
# are those of all files of a package, for every platform.
LOCK := $(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --generate-hashes \
	--extra airflow --extra local --extra dashboard

# Without hashes, because pip does not accept them for requirements that they only constrain.
LOCK_MWAA := $(BIN)/uv pip compile --quiet pyproject.toml infra/mwaa-requirements.txt \
	--python-version 3.12 --python-platform x86_64-manylinux_2_28 --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	--extra lake --extra sales --extra dashboard

lock: $(VENV)/uv.stamp ## pin new dependencies in requirements.txt, requirements-dev.txt and infra/mwaa-constraints.txt; UPGRADE=1 for the newest versions of all
	$(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements.txt
	$(LOCK) --extra dev --extra spark --constraint requirements.txt $(if $(UPGRADE),--upgrade) --output-file requirements-dev.txt
	$(LOCK_MWAA) $(if $(UPGRADE),--upgrade) --output-file infra/mwaa-constraints.txt

sbom: $(VENV)/uv.stamp ## write the list of all packages, with hashes and dependencies, as CycloneDX: FILE=var/sbom.json
	$(BIN)/python scripts/packages.py sbom $(or $(FILE),var/sbom.json)

audit: $(VENV)/uv.stamp ## look up known vulnerabilities of the packages; fails if some are known, or not all are audited
	$(BIN)/python scripts/packages.py audit

clean-demo: ## delete all state of the local stack
	rm -rf var

clean: clean-demo ## delete also the virtual environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

INSTALL := $(PYTHON) scripts/install_packages.py

$(VENV)/uv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "Python 3.11, 3.12 or 3.13 is needed; set PYTHON, as in: make PYTHON=python3.12" >&2; exit 1; }
	@$(INSTALL) "Virtual environment in $(VENV)" -- $(PYTHON) -m venv $(VENV)
	@$(INSTALL) "Installer uv $(UV_VERSION)" -- $(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@touch $@

$(VENV)/run.stamp: $(VENV)/uv.stamp requirements.txt pyproject.toml
	@$(INSTALL) "Packages of requirements.txt" -- $(BIN)/uv pip install --require-hashes \
		--requirement requirements.txt
	@$(INSTALL) "This package" -- $(BIN)/uv pip install --no-deps --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.txt
	@$(INSTALL) "Packages of requirements-dev.txt" -- $(BIN)/uv pip install --require-hashes \
		--requirement requirements-dev.txt
	@touch $@

$(VENV)/bench.stamp: $(VENV)/run.stamp
	@$(INSTALL) "Packages of the benchmarks" -- $(BIN)/uv pip install --constraint requirements.txt \
		--editable '.[bench]'
	@touch $@
