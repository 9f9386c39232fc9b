# Everything a newcomer needs: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo run secrets check test clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: .venv/.runtime .venv-label-studio/.done ## Label Studio, a backend and a seeded campaign; Ctrl-C ends it
	@$(BIN)/python -m stack demo

run: .venv/.runtime ## Web, worker, beat and broker alone, for a Label Studio of your own
	@$(BIN)/python -m stack run

secrets: .venv/.runtime ## Make this machine's keys under var/
	@$(BIN)/python -m stack secrets

check: .venv/.dev ## Linters, types, import contracts, Django's checks
	@.ci/check

test: .venv/.dev .venv-label-studio/.done ## Every gate and every test; installs what it needs
	@.ci/test

clean: ## Remove both virtual environments; var/ stays
	rm -rf .venv .venv-label-studio

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing: apt-get install python3.11 python3.11-venv, or PYTHON=/path/to/python3.11 make …"; exit 1; }
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv

.venv/.runtime: requirements.txt | .venv/bin/python
	@echo "Installing what TrustAI runs on; a minute or two the first time"
	@$(BIN)/pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime
	@echo "Installing test tools and linters"
	@$(BIN)/pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.venv-label-studio/.done: requirements-label-studio.txt
	@echo "Making .venv-label-studio, about 1 GB; a minute or two the first time"
	@$(PYTHON) -m venv .venv-label-studio
	@.venv-label-studio/bin/pip install -qq --disable-pip-version-check -r requirements-label-studio.txt
	@touch $@
