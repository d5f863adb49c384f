# Everything runs from a .venv in the checkout; only Python 3.11 to 3.13 must be there.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench lock

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: $(STAMP)  ## make .venv with pinned packages and compile the kernels once

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[twin,async,view,notebook]' --group dev
	$(BIN)/python -m daiss_bluesky.kernels.compile
	@touch $@

demo: setup  ## a live tomography scan on the simulated beamline, start to end
	$(BIN)/daiss demo

test: check  ## everything that must hold
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup  ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## speed beside peers, as ratios
	$(BIN)/daiss bench tomography --peers

lock: ## resolve the pins anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --extra twin --extra async --extra view --extra notebook --group dev pyproject.toml -o constraints.txt
	printf 'uv==%s\n' "$$($(BIN)/uv --version | cut -d' ' -f2)" >> constraints.txt
