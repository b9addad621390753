# make setup · demo · test · test-all · lint · docs · pages · screenshots · compat · constraints · chaos · bench · lock · clean
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
READY := .venv/.ready
COMPAT := 3.0 3.1 3.2
# Empty: Python keeps what it has compiled, and Airflow's processes start in half the time.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo test test-all lint docs pages screenshots compat $(COMPAT:%=compat-%) constraints chaos bench lock clean

setup: $(READY)

$(READY): requirements/bootstrap.lock requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

demo: $(READY)
	$(BIN)/python -m demo.run

# What `make test` runs: no long form of a test, nothing on PostgreSQL, and one test of a real Airflow.
QUICK := not long and not postgres and (not integration or main_flow)
# More processes than two cores are busy with: many tests wait. Each real Airflow has a process of its own.
PYTEST := $(BIN)/python -m pytest --dist loadgroup

test: $(READY)
	$(PYTEST) --numprocesses 5 -m "$(QUICK)"

# The quick half alone must cover the code: measuring it makes tests twice as slow.
test-all: $(READY)
	$(PYTEST) --numprocesses 5 -m "$(QUICK)" --cov --cov-report=term
	$(PYTEST) --numprocesses 3 --durations 30 -m "not ($(QUICK))"

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# Copies the code of the examples, the tables of arguments and the list of messages into the pages.
pages: $(READY)
	PYTHONPATH=. $(BIN)/python docs/fill_pages.py

screenshots: $(READY)
	PYTHONPATH=. $(BIN)/python docs/screenshots.py

# Two at a time: while one waits for a retry, another one starts.
compat: $(READY)
	$(MAKE) --jobs=2 --output-sync=target $(COMPAT:%=compat-%)

$(COMPAT:%=compat-%): compat-%: .venv-airflow-%/.ready
	INFORU_TESTS_REQUIRE=compat $(BIN)/python -m pytest tests/compat -k '[$*'

.venv-airflow-%/.ready: requirements/airflow-%.lock pyproject.toml | $(READY)
	$(UV) venv --quiet --allow-existing --python $(BIN)/python $(@D)
	$(UV) pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	$(UV) pip install --quiet --python $(@D)/bin/python --no-deps --no-build-isolation --editable .
	touch $@

chaos: $(READY)
	INFORU_CHAOS=1 $(BIN)/python -m pytest tests/chaos -s

bench: $(READY)
	$(BIN)/python -m pytest tests/benchmarks -s

# --no-emit-…: a lock names packages, versions and hashes, and no host.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate
LOCK := $(COMPILE) --generate-hashes --no-emit-index-url --no-emit-find-links

# Each supported Airflow with a day on which it was the newest of its minor release.
RELEASES := 3.0.6:2025-09-10 3.1.8:2026-04-01 3.2.2:2026-07-01 3.3.2:2026-10-01
AIRFLOWS := $(foreach release,$(RELEASES),$(firstword $(subst :, ,$(release))))
day_of = $(lastword $(subst :, ,$(filter $1:%,$(RELEASES))))

# The published constraints of an Airflow hold what a resolver chose on the day of its release.
build/constraints-%.txt: Makefile | $(READY)
	@mkdir -p $(@D)
	echo "apache-airflow==$*" | $(COMPILE) --exclude-newer $(call day_of,$*)T00:00:00Z -o $@ - >/dev/null

constraints: $(AIRFLOWS:%=resolves-%)

$(AIRFLOWS:%=resolves-%): resolves-%: build/constraints-%.txt
	$(COMPILE) --all-extras --constraints $< --output-file build/resolved-$*.txt pyproject.toml >/dev/null
	@grep -x 'apache-airflow==$*' build/resolved-$*.txt

lock: build/constraints-3.0.6.txt build/constraints-3.1.8.txt build/constraints-3.2.2.txt
	$(LOCK) --group pyproject.toml:bootstrap -o requirements/bootstrap.lock
	$(LOCK) --group dev pyproject.toml -o requirements/dev.lock
	$(LOCK) --constraints build/constraints-3.0.6.txt --group airflow-3.0 pyproject.toml -o requirements/airflow-3.0.lock
	$(LOCK) --constraints build/constraints-3.1.8.txt --group airflow-3.1 pyproject.toml -o requirements/airflow-3.1.lock
	$(LOCK) --constraints build/constraints-3.2.2.txt --group airflow-3.2 pyproject.toml -o requirements/airflow-3.2.lock

clean:
	find . -name __pycache__ -not -path './.venv*/*' -prune -exec rm -rf {} +
	rm -rf .venv .venv-airflow-* .demo build dist docs/_build .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
