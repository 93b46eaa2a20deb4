# Both targets that a newcomer copies do their own set-up, in .venv beside this file.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= demo-run
UV := $(shell command -v uv 2>/dev/null)
# Where PyTorch comes from on Linux without an NVIDIA GPU: elsewhere, and with one, pip's own index has the right build.
TORCH_INDEX ?= $(shell [ "$$(uname)" != Linux ] || command -v nvidia-smi >/dev/null || echo https://download.pytorch.org/whl/cpu)
PIP := $(BIN)/pip install --disable-pip-version-check -q -c constraints.txt
UV_PIP := $(UV) pip install -q --python $(BIN)/python -c constraints.txt
TORCH := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0

.PHONY: demo test test-all lint clean

demo: .venv/installed
	$(BIN)/ubam demo --out $(OUT)

test: .venv/developer
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n auto --dist loadgroup --no-loadscope-reorder

test-all: .venv/developer
	$(BIN)/python -m pytest

lint: .venv/developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

clean:
	rm -rf .venv $(OUT)

# uv where it is, as it takes a third of the time; where it does not reach the index, pip, which knows this machine's own.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(if $(UV),($(UV_PIP) $(TORCH) && $(UV_PIP) -e .) ||) (($(PIP) --retries 1 $(TORCH) || echo "The usual index is used.") && $(PIP) -e .)
	touch $@

.venv/developer: .venv/installed
	$(if $(UV),$(UV_PIP) -e ".[dev]" ||) $(PIP) -e ".[dev]"
	touch $@
