# Both targets that a newcomer copies do their own set-up, in .venv beside this file.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= demo-run

.PHONY: demo test test-all lint clean

demo: .venv/installed
	$(BIN)/ubam demo --out $(OUT)

test: .venv/developer
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --dist loadgroup

test-all: .venv/developer
	$(BIN)/python -m pytest

lint: .venv/developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

clean:
	rm -rf .venv $(OUT)

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e .
	touch $@

.venv/developer: .venv/installed
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e ".[dev]"
	touch $@
