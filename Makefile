# make setup · demo · test · lint · docs · compat · chaos · bench · lock · clean
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
READY := .venv/.ready
COMPAT := 3.0 3.1 3.2

.PHONY: setup demo test lint docs compat $(COMPAT:%=compat-%) chaos bench lock clean

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

# More processes than two cores are busy with: tests of a real Airflow wait most of the time.
test: $(READY)
	$(BIN)/python -m pytest --numprocesses 3 --dist loadgroup --cov --cov-report=term

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

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
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate

# An Airflow of then with the packages of then, as its constraints would have it: it breaks with those of today.
# Of ours these are newer, and asgiref because common-compat asks for it.
OURS := apache-airflow-providers-common-compat asgiref pyrate-limiter
LOCK_OF_THEN := $(LOCK) $(OURS:%=--exclude-newer-package %=false)

lock:
	$(LOCK) --group pyproject.toml:bootstrap -o requirements/bootstrap.lock
	$(LOCK) --group dev pyproject.toml -o requirements/dev.lock
	$(LOCK_OF_THEN) --exclude-newer 2025-09-10T00:00:00Z --group airflow-3.0 pyproject.toml -o requirements/airflow-3.0.lock
	$(LOCK_OF_THEN) --exclude-newer 2026-04-01T00:00:00Z --group airflow-3.1 pyproject.toml -o requirements/airflow-3.1.lock
	$(LOCK_OF_THEN) --exclude-newer 2026-07-01T00:00:00Z --group airflow-3.2 pyproject.toml -o requirements/airflow-3.2.lock

clean:
	find . -name __pycache__ -not -path './.venv*/*' -prune -exec rm -rf {} +
	rm -rf .venv .venv-airflow-* .demo build dist docs/_build .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
