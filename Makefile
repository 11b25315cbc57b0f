# All commands for people and CI. Requires Python 3.11+; everything else is fetched or built here.

PYTHON3 ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
INSTALLED := $(VENV)/.installed
E2E_INSTALLED := $(VENV)/.e2e-installed
BENCH_INSTALLED := $(VENV)/.bench-installed
DOCS_INSTALLED := $(VENV)/.docs-installed
SOURCES := operator worker cli gateway dev tests benchmarks
# Twice as many processes as cores, for half of the time tests wait. Each has a cluster of its own, if a
# test wants one. What waits most comes first, what computes comes last.
SIDE_BY_SIDE := --numprocesses $(shell n=$$(nproc); echo $$((n < 4 ? 2 * n : 8))) --dist loadfile --no-loadscope-reorder
WITH_CLUSTER := tests/cluster/behaviour tests/cluster/ha tests/cluster/api
LOCKS := dev operator worker gateway bench e2e docs

# Start-up without compiled modules is two to four times slower.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-down test-fast test test-slow test-all e2e check fmt lock bench-worker bench-operator bench-waiting bench-node bench-start proof-bad-api proof-crds proof-hogs proof-memory proof-start plots docs generate \
	clean check-format check-lint check-types check-layers check-crds check-generated check-leftovers check-docs

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## Process twelve uploads with a real cluster on this machine
	@$(PYTHON) -m imagejob_demo

demo-down: $(INSTALLED) ## Stop the demo's cluster
	@$(PYTHON) -m imagejob_demo down

test-fast: $(INSTALLED) ## Run the unit tests, on all cores, with few examples of each property
	@$(BIN)/pytest tests/unit --numprocesses auto --hypothesis-profile fast

test: $(INSTALLED) ## Run what every change needs: unit, component and cluster tests, with clusters of their own
	@$(BIN)/pytest $(SIDE_BY_SIDE) $(WITH_CLUSTER) tests/component tests/unit

test-slow: $(INSTALLED) ## Run long tests: chaos, the demo, benchmarks, proofs, many examples of each property
	@$(BIN)/pytest $(SIDE_BY_SIDE) tests/slow
	@$(BIN)/pytest tests/unit -m hypothesis --numprocesses auto --hypothesis-profile thorough

test-all: test test-slow ## Run all tests except e2e

e2e: $(E2E_INSTALLED) ## Test images and chart on a kind cluster (needs Docker), or on ARGS="--kubeconfig …"
	@$(BIN)/pytest tests/e2e $(ARGS)

check: check-format check-lint check-types check-layers check-crds check-generated check-docs check-leftovers ## Run all checks except tests
	@echo "all checks passed"

check-format: $(INSTALLED)
	@$(BIN)/ruff format --check $(SOURCES)

check-lint: $(INSTALLED)
	@$(BIN)/ruff check $(SOURCES)

check-types: $(INSTALLED)
	@$(BIN)/mypy

check-layers: $(INSTALLED)
	@PYTHONPATH=operator:worker:cli:gateway:dev $(BIN)/lint-imports

check-crds: $(INSTALLED) # the CRDs agree with each other, with the operator's model and the worker's order
	@PYTHONPATH=operator:worker $(BIN)/pytest -q tests/unit/test_crds.py tests/unit/operator/api/test_agrees_with_crds.py

check-generated: $(INSTALLED) # the locks are what pyproject.toml asks for, the pages what CRDs and values say
	@$(PYTHON) dev/lock.py --check $(LOCKS)
	@$(PYTHON) -m imagejob_docs --check
	@$(PYTHON) dev/chart_docs.py --check

check-docs: docs # every link of the site is valid

check-leftovers: # every file is committed or ignored
	@left=$$(git ls-files --others --exclude-standard); \
	test -z "$$left" || { echo "neither committed nor ignored:"; echo "$$left"; exit 1; }

fmt: $(INSTALLED) ## Format, and apply automatic fixes
	@$(BIN)/ruff check --fix-only --quiet $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

lock: $(INSTALLED) ## Lock the dependencies again after a change of pyproject.toml
	@$(PYTHON) dev/lock.py $(LOCKS)

bench-worker: $(BENCH_INSTALLED) ## Measure the worker against Pillow, libvips and sharp
	@$(PYTHON) benchmarks/worker.py

bench-operator: $(INSTALLED) ## Measure a burst of ImageJobs against a simple operator and bare Jobs
	@$(PYTHON) benchmarks/operator.py

bench-waiting: $(INSTALLED) ## Measure what 10,000 waiting ImageJobs cost
	@$(PYTHON) benchmarks/waiting.py

bench-node: $(INSTALLED) ## Measure ImageJobs on a real node against bare Jobs and a pool of processes
	@$(PYTHON) benchmarks/node.py

proof-hogs: $(INSTALLED) ## Measure what twenty tenants get while two others hold workers as long as possible
	@$(PYTHON) benchmarks/hogs.py

proof-bad-api: $(INSTALLED) ## Check every promise while the API server fails at random for ten minutes (ARGS="--seed 1")
	@$(PYTHON) benchmarks/bad_api.py $(ARGS)

proof-crds: $(INSTALLED) ## Show that kinds are watched soon after their CRDs exist, and that readiness reports it
	@$(PYTHON) benchmarks/crds.py

proof-start: $(INSTALLED) ## Measure the operator's start among 1,000 namespaces and 5,000 ImageJobs
	@$(PYTHON) benchmarks/operator_start.py

proof-memory: $(INSTALLED) ## Show that large objects don't exhaust the operator's memory
	@$(PYTHON) benchmarks/memory.py

docs: $(DOCS_INSTALLED) ## Build the documentation into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

generate: $(INSTALLED) ## Regenerate the API reference, diagrams, dashboard, table of values and kustomize base
	@$(PYTHON) -m imagejob_docs
	@$(PYTHON) -m imagejob_dashboard
	@$(PYTHON) dev/chart_docs.py
	@$(PYTHON) dev/kustomize_base.py

bench-start: $(INSTALLED) ## Measure the worker's start from IMAGE=… (needs root, buildah and runc)
	@$(PYTHON) benchmarks/start.py --image "$(IMAGE)"

.PHONY: proof-gateway-load proof-gateway-start
proof-gateway-load: $(INSTALLED) ## Measure 200 uploads of 10 MB through the gateway, 32 at once, against the S3 server
	@$(PYTHON) benchmarks/gateway_load.py $(ARGS)

proof-gateway-start: $(INSTALLED) ## Measure the gateway's start against importing what it stands on
	@$(PYTHON) benchmarks/gateway_start.py $(ARGS)

.PHONY: proof-gateway-fuzz
proof-gateway-fuzz: $(INSTALLED) ## Send the gateway 2,000 cases that schemathesis makes of its OpenAPI document
	@$(PYTHON) benchmarks/gateway_fuzz.py $(ARGS)

.PHONY: proof-gateway-page
proof-gateway-page: $(INSTALLED) ## Upload with the example page in Chromium (needs chromium and chromium-driver)
	@$(PYTHON) benchmarks/gateway_page.py $(ARGS)

.PHONY: proof-colours
proof-colours: $(BENCH_INSTALLED) ## Compare colours with what Chromium and libvips show of the same files (needs chromium)
	@$(PYTHON) benchmarks/colours.py $(ARGS)

.PHONY: proof-pictures
proof-pictures: $(INSTALLED) ## Compare 3,000 pictures of all formats and layouts with libvips (ARGS="--seed 1")
	@$(PYTHON) benchmarks/pictures.py $(ARGS)

.PHONY: proof-adversary
proof-adversary: $(INSTALLED) ## Make random moves that a tenant may make, in 100 runs (ARGS="--seed 1"), and check every promise
	@$(PYTHON) benchmarks/adversary.py $(ARGS)

.PHONY: proof-films
proof-films: $(INSTALLED) ## Compare every frame of 1,200 random animations with a compositor of the tests', and with Chromium
	@$(PYTHON) benchmarks/films.py $(ARGS)

.PHONY: proof-phones
proof-phones: $(INSTALLED) ## Process twelve photos of 50 to 200 megapixels at the default limits and memory
	@$(PYTHON) benchmarks/phones.py $(ARGS)

.PHONY: proof-auto
proof-auto: $(INSTALLED) ## Print what `auto` makes of 225 made pictures, and their bytes
	@$(PYTHON) benchmarks/auto.py

plots: $(BENCH_INSTALLED) ## Draw the plots of docs/scaling.md from the benchmarks' records
	@$(PYTHON) benchmarks/plots.py

$(E2E_INSTALLED): $(INSTALLED) requirements/e2e.txt
	@echo "Installing pytest-kind…"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/e2e.txt
	@touch $@

clean: ## Remove everything that was installed and built here
	rm -rf $(VENV) build dist

# pip prints little and needs a minute the first time, so each step prints its name.
$(INSTALLED): pyproject.toml requirements/dev.txt
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	@test -x $(PYTHON) || { echo "Making a virtual environment in $(VENV)…"; $(PYTHON3) -m venv $(VENV); }
	@echo "Installing the locked packages into $(VENV)…"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED) requirements/bench.txt
	@echo "Installing the benchmark's rivals…"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

$(DOCS_INSTALLED): $(INSTALLED) requirements/docs.txt
	@echo "Installing what builds the documentation…"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@
