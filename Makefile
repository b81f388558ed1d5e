# One place for every command. `make setup` is idempotent; each target sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -q
# The first workspace's document is not in the repository: its prose is not ours. Where it lies beside it, the snippets are checked against it.
DOCUMENT ?= ../shared/pytorch_qa.md

.DEFAULT_GOAL := help
.PHONY: help setup audit repair test test-all test-gpu docs check clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with snipfix, torch (CPU) and what the snippets import

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt -e ".[torch,dev]"
	# torchvision's index entry asks for the CUDA build of torch: its pure-Python part is all that is needed.
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt --no-deps torchvision
	# pip compiles one file after the other. Tests are left out, and templates that are no Python stay as they are.
	$(BIN)/python -m compileall -qq -j 0 -x "/tests/" $(VENV)/lib || true
	touch $(STAMP)

audit: $(STAMP) ## set up and audit this repository's workspace
	$(BIN)/snipfix audit --exit-zero

repair: $(STAMP) ## set up and repair: writes reports/
	$(BIN)/snipfix repair --write --exit-zero
	$(BIN)/python tools/readme_table.py

test: $(STAMP) ## set up and pass the tests
	$(PYTEST) -m "not long"

test-all: $(STAMP) ## the same and the long ones: each layer of the sandbox taken away, kills at any moment, repairs of repairs
	$(PYTEST)

test-gpu: $(STAMP) ## pass the tests that need an NVIDIA card (skipped where there is none)
	$(BIN)/python -m pytest -q tests/gpu

docs: $(STAMP) ## generate docs/rules.md
	$(BIN)/python tools/rules_page.py

check: $(STAMP) ## formatting, lint and strict types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	if test -f $(DOCUMENT); then $(BIN)/snipfix extract $(DOCUMENT) --into snippets --check; fi

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .snipfix
