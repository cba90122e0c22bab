# Every target is one command that also works by hand; `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python pipelines/run.py
# its dbt templater compiles the models: on a build file of its own
SQLFLUFF := mkdir -p dbt/target && PYTHONPATH=. LAKEHOUSE_BUILD_FILE=$(CURDIR)/dbt/target/lint.duckdb $(BIN)/sqlfluff
COMPOSE = $(if $(shell command -v docker),docker compose,$(error docker is not installed; `make run-servers` runs the same path without it))
export RUNTIME__DLTHUB_TELEMETRY := false
export MARIMO_SKIP_UPDATE_CHECK := 1

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

run: .venv/.run  ## the whole flow on embedded defaults (ARGS="--profile prod" for others)
	$(RUN) $(ARGS)

run-servers: .venv/.dev  ## the whole flow on MariaDB, S3 and Postgres of its own (ARGS=folder of a catalog)
	$(BIN)/python -m sandbox.servers.trial $(ARGS)

test: .venv/.dev  ## all tests but their long forms, Spark and the long torture
	$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder $(ARGS)

test-long: .venv/.dev  ## the long forms: every key on every server, a bad day of all servers, more whole flows
	$(BIN)/python -m pytest -m long -n 3 --dist loadgroup --no-loadscope-reorder $(ARGS)

test-spark: .venv/.spark  ## the models on a Spark of two worker processes, compared with DuckDB (Java 17)
	$(BIN)/python -m pytest -m spark -s -q $(ARGS)

torture: .venv/.dev  ## random schedules of runs and faults (SERVERS=1 SEED=7 STEPS=18 MINUTES=15 SCHEDULES=1)
	TORTURE_SEED=$(SEED) TORTURE_STEPS=$(STEPS) TORTURE_MINUTES=$(or $(MINUTES),15) TORTURE_SCHEDULES=$(SCHEDULES) TORTURE_SERVERS=$(SERVERS) \
	  $(BIN)/python -m pytest -m torture tests/torture -s -q

sql: .venv/.run  ## a DuckDB shell on the lake and the warehouse (ARGS="--profile prod")
	$(BIN)/python -m pipelines.shell $(ARGS)

mysql: .venv/.run  ## a shell on the catalog's MySQL that the profile names (ARGS="--profile prod")
	$(BIN)/python -m pipelines.client mysql $(ARGS)

psql: .venv/.run  ## a shell on the warehouse's Postgres that the profile names (ARGS="--profile prod")
	$(BIN)/python -m pipelines.client psql $(ARGS)

up:  ## with Docker: MySQL, S3, Postgres, the pipeline and Metabase (compose.yaml)
	$(COMPOSE) up --detach --build

down:  ## with Docker: stop them; their volumes stay (ARGS=--volumes removes them)
	$(COMPOSE) down $(ARGS)

dashboard: .venv/.run  ## the dlt dashboard on these pipelines
	$(BIN)/python -m pipelines.dashboard $(ARGS)

metabase: .venv/.run  ## apply metabase/ to Metabase (ARGS="--profile prod")
	$(RUN) dashboards $(ARGS)

notebook: .venv/.run  ## the marimo notebooks (ARGS=notebooks/listening.py)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/marimo run $(or $(ARGS),notebooks/explore.py)

bench: .venv/.dev  ## measure all but always.py (hours) of benchmarks/ again, into RESULTS.md
	for file in quiet_run history_import mysql_to_lake publish small_files size load recommender questions; do \
	  $(BIN)/python benchmarks/$$file.py --keep || exit 1; done

docs: .venv/.run  ## exposures, data dictionary and dbt's pages as one file, from the last build
	$(BIN)/python -m pipelines.documents

format: .venv/.dev  ## format Python and SQL
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(SQLFLUFF) fix -q dbt/models

lint: .venv/.dev  ## ruff, mypy strict, marimo check, bandit, detect-secrets, sqlfluff
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	$(BIN)/marimo check --strict notebooks/explore.py notebooks/listening.py notebooks/recommender.py
	$(MAKE) lint-security lint-sql

lint-security: .venv/.dev  ## bandit, and detect-secrets against its baseline
	$(BIN)/bandit -c pyproject.toml -q -r pipelines sources notebooks
	git ls-files -z '*.py' '*.toml' '*.md' '*.yml' '*.sh' '*.tf' '*.example' '.dlt/*' Makefile | \
	  xargs -0 $(BIN)/detect-secrets-hook --baseline .secrets.baseline

lint-sql: .venv/.dev  ## sqlfluff on the models
	$(SQLFLUFF) lint dbt/models

check: lint test  ## lint and test

coverage: .venv/.dev  ## tests with coverage
	$(BIN)/python -m pytest -n 3 --dist loadgroup --cov --cov-report=term-missing:skip-covered

lock: .venv/.dev  ## pin every dependency again, with hashes
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
	  --no-annotate --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
	  --no-annotate --no-header -c requirements.lock pyproject.toml --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
	  --no-annotate --no-header -c requirements-dev.lock --group spark -o requirements-spark.lock

clean:  ## remove the virtual environment and caches (data stays)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt/target dbt/logs dbt/lakehouse.duckdb*

.venv/.run: requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.run
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.spark: requirements-spark.lock .venv/.dev
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-spark.lock
	@touch $@

.PHONY: help bench run run-servers mysql psql up down test test-long test-spark torture sql dashboard metabase notebook docs format lint lint-security lint-sql check coverage lock clean
