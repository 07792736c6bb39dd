PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
NOTEBOOKS = $(shell find notebooks -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*' 2>/dev/null)
WORKERS = --numprocesses auto --dist loadgroup
# More for pytest, such as FLAGS="--cov".
FLAGS =
# Jupyter asks root, the user of most containers, to say that it is meant.
ALLOW_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help demo test fast lab check format environment bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "$(PYTHON) is missing or older than 3.11; name another: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV): a few minutes the first time."
	$(INSTALL) --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(INSTALL) --editable '.[test,check]'
	touch $@

demo: $(VENV)/.core  ## super-resolve the demo photographs and write the report
	$(BIN)/python -m diffsr_toolkit.demo

# One thread a worker: threads that meet inside every operation lose more than they gain.
test fast: export HF_HUB_OFFLINE = 1
test fast: export MPLBACKEND = Agg
test fast: export OMP_NUM_THREADS = 1
test: $(VENV)/.dev  ## run every test
	$(BIN)/python -m pytest $(WORKERS) $(FLAGS)

fast: $(VENV)/.dev  ## run the tests that take a few seconds at most
	$(BIN)/python -m pytest $(WORKERS) -m "not slow" $(FLAGS)

lab: $(VENV)/.core  ## open JupyterLab on the first notebook
	$(BIN)/jupyter lab $(ALLOW_ROOT) notebooks/01_pick_a_scale.ipynb

check: $(VENV)/.dev  ## lint, check formats, types and layers, check that what is generated or stripped is so
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(if $(NOTEBOOKS),$(BIN)/nbstripout --verify $(NOTEBOOKS))
	$(BIN)/pyproject2conda project --dry | sed 1,2d | diff environment.yml - || \
	    { echo "environment.yml is not what pyproject.toml says; run: make environment" >&2; exit 1; }

format: $(VENV)/.dev  ## format the code and strip the notebooks
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(if $(NOTEBOOKS),$(BIN)/nbstripout $(NOTEBOOKS))

environment: $(VENV)/.dev  ## write environment.yml from pyproject.toml
	$(BIN)/pyproject2conda project

bench: $(VENV)/.core  ## measure the speed on this machine
	$(BIN)/python -m diffsr_toolkit.bench

clean:  ## remove the environment, built things and caches; results under runs/ stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
