# make demo   set everything up and drive a real day of trucks through the gate
# make test   set everything up and pass every check and every test
# make bench  speed as ratios against named references
PYTHON ?= python3
VENV   ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# pytest's workers: one more than there are cores, for a part of the tests only waits for a clock
JOBS ?= $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")

.PHONY: demo test check bench docs clean requirements

demo: $(VENV)/.demo
	$(BIN)/gatetwin run bac-luan-2 --day 2023-05-30

test: $(VENV)/.dev check
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report= $(PYTEST_ARGS)
	$(BIN)/python -m coverage report --skip-covered --sort=cover --fail-under=90

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

# Every version is pinned with its hashes; --no-build-isolation because the build backend is too.
$(VENV)/.demo: requirements/base.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gatetwin needs Python 3.11 or later; say make PYTHON=python3.11")'
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (once, about a minute) ..."
	@$(PIP) install --require-hashes -r requirements/base.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.demo
	@echo "Adding test tools, engines and Locust to $(VENV) (once, about two minutes) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

requirements:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --no-strip-extras pyproject.toml requirements/build.in -o requirements/base.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --no-strip-extras --all-extras -c requirements/base.txt \
		pyproject.toml requirements/build.in -o requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
