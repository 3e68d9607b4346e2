# Everything a person or CI does with this project. `make help` lists it.
#
#   make test PYTHON=python3.11 VENV=.venv311     another Python in another folder
#   make test PYTEST_ARGS="-k plan -x"            part of the tests, without the coverage gate

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The first of these that works and is new enough. Override with PYTHON=...
PYTHON ?=
PYTHONS := $(or $(PYTHON),python3.13 python3 python3.12 python3.11 python)
ifneq ($(and $(PYTHON),$(wildcard $(BIN)/python)),)
  VERSION := -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
  ifneq ($(shell "$(PYTHON)" $(VERSION)),$(shell "$(BIN)/python" $(VERSION)))
    $(error $(VENV) is not made with $(PYTHON): remove it, or name another folder with VENV=...)
  endif
endif
SOURCES = $(wildcard assets catalog resources dags tests benchmarks)
COVERAGE = --cov --cov-report=term
PYTEST_ARGS ?=
BENCH_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install run up test lint format bench bench-llm bench-io bench-quality bench-collections lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv from requirements.lock (uv if installed, else venv + pip)

$(STAMP): requirements.lock pyproject.toml
	@set -eu; \
	new_enough='import sys; raise SystemExit(sys.version_info < (3, 11))'; \
	uv=$$(command -v uv || true); \
	if ! "$(BIN)/python" -c "$$new_enough" 2>/dev/null; then \
	  python=; \
	  for candidate in $(PYTHONS); do \
	    if "$$candidate" -c "$$new_enough" 2>/dev/null; then python=$$(command -v "$$candidate"); break; fi; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "No Python 3.11 or newer found (tried: $(PYTHONS))." >&2; \
	    echo "Install Python 3.13, or name one: make $(or $(MAKECMDGOALS),install) PYTHON=/path/to/python3.13" >&2; \
	    exit 1; \
	  fi; \
	  if [ -e "$(VENV)" ] && [ ! -e "$(VENV)/pyvenv.cfg" ]; then \
	    echo "$(VENV) exists and is not a virtual environment: move it, or name another folder with VENV=..." >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$python" --version)"; \
	  rm -rf "$(VENV)"; \
	  if [ -n "$$uv" ]; then \
	    "$$uv" venv --quiet --python "$$python" "$(VENV)"; \
	  elif ! "$$python" -m venv "$(VENV)"; then \
	    rm -rf "$(VENV)"; \
	    echo "$$python cannot make a virtual environment. On Debian and Ubuntu, install python3-venv." >&2; \
	    exit 1; \
	  fi; \
	fi; \
	echo "Installing requirements.lock into $(VENV) (once; a minute or two)"; \
	if [ -n "$$uv" ]; then \
	  "$$uv" pip sync --quiet --python "$(BIN)/python" --require-hashes --compile-bytecode requirements.lock; \
	  "$$uv" pip install --quiet --python "$(BIN)/python" --no-deps --no-build-isolation --editable .; \
	else \
	  "$(BIN)/python" -m pip --version >/dev/null 2>&1 || "$(BIN)/python" -m ensurepip >/dev/null; \
	  "$(BIN)/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	    --requirement requirements.lock; \
	  "$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps \
	    --no-build-isolation --editable .; \
	fi; \
	touch "$(STAMP)"

run: $(STAMP) ## Make everything that is stale, through Airflow, and report
	@exec $(BIN)/python dags/serve.py run

up: $(STAMP) ## Leave Airflow and its UI running on this machine; Ctrl-C stops it
	@exec $(BIN)/python dags/serve.py up

test: $(STAMP) ## Run the whole test suite, with the coverage gate
	@exec $(BIN)/python -m pytest -n auto $(if $(PYTEST_ARGS),$(PYTEST_ARGS),$(COVERAGE))

lint: $(STAMP) ## Check style, types and the import rule
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/black --check --quiet --diff $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-logo

format: $(STAMP) ## Put style right where a machine can
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/black --quiet $(SOURCES)

bench: $(STAMP) ## Measure speed and memory, and write the results down
	@exec $(BIN)/python -m benchmarks

bench-llm: $(STAMP) ## Measure LLM cleaning against a strict server (BENCH_ARGS=--long: all of it)
	@exec $(BIN)/python -m benchmarks.llm $(BENCH_ARGS)

bench-io: $(STAMP) ## Measure files in and out beside pandas and plain DuckDB (BENCH_ARGS=--long: 5 GB)
	@exec $(BIN)/python -m benchmarks.io $(BENCH_ARGS)

bench-quality: $(STAMP) ## Measure validating suites over 1,000,000 rows (BENCH_ARGS=--long: 10,000,000)
	@exec $(BIN)/python -m benchmarks.quality $(BENCH_ARGS)

bench-collections: $(STAMP) ## Read collections of awkward files (BENCH_ARGS=FOLDER that holds them)
	@exec $(BIN)/python -m benchmarks.collections $(BENCH_ARGS)

# The stack in containers is resolved first: what it shares with everybody else has one version.
COMPILE = uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(LOCK_ARGS)
LOCK_ARGS ?=

lock: ## Resolve the lock files again (needs uv; LOCK_ARGS=--upgrade for newer versions)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	$(COMPILE) --extra compose --output-file requirements-compose.lock
	$(COMPILE) --group dev --constraint requirements-compose.lock --output-file requirements.lock

clean: ## Remove caches and build leftovers; data and .venv stay
	rm -rf build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
