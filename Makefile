# `make help` lists the targets. People and CI run the same ones.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
UV := .tools/bin/uv
RUN := $(UV) run --locked --all-packages
export PATH := $(CURDIR)/.tools/bin:$(PATH)

##@ On this machine
.PHONY: run test compose-test fuzz simulate bench
run: $(UV) ## Start the whole system on http://127.0.0.1:8080, without Docker or a cluster (ARGS="--port 8095")
	@$(RUN) python -m efishery_run $(ARGS)

test: setup chart-tools browser lint ## Run lint and all tests that need no cluster: units, charts, the simulation, the running system, the docs page
	@$(RUN) pytest --numprocesses=auto --dist=worksteal tests/processes tests/simulation tests/unit tests/contract tests/charts tests/security $(ARGS)
	@$(RUN) pytest tests/system tests/browser $(ARGS)

compose-test: setup ## Test compose.yaml; where no Docker runs, with one of its own (Debian, root, the images of make cluster)
	@hack/compose/with-docker $(RUN) pytest tests/compose $(ARGS)

fuzz: setup ## Send auth and fetch more requests than `make test` does, other ones each time, 10 min
	@SCHEMATHESIS_EXAMPLES=220 $(RUN) pytest tests/system/test_schemathesis.py -s $(ARGS)

simulate: setup ## Run the MySQL agents against random faults in virtual time (ARGS="--seeds 20000"; --seed N replays one)
	@$(RUN) python -m tests.simulation $(ARGS)

bench: setup ## Measure the services beside reference implementations, 19 min; writes docs/performance.md (ARGS="--print-only")
	@bench/install
	@$(RUN) python -m bench $(ARGS)

##@ On a cluster (the current kubectl context)
.PHONY: cluster up e2e e2e-gitops e2e-observability e2e-mysql e2e-rollouts e2e-upgrade canary canary-promote canary-abort bench-mesh down
cluster: ## Create a cluster: kind if Docker runs, else one node built from source
	@hack/cluster

up: setup ## Build and load the images, install chart and mesh, print the URL and how to log in
	@hack/up

e2e: setup ## Test the deployment through the Istio gateway
	@hack/tools helm4
	@hack/with-cluster $(RUN) pytest tests/e2e $(foreach path,gitops mysql rollouts upgrade monitoring/test_triggered_alerts.py monitoring/test_visualization.py test_traces.py,--ignore=tests/e2e/$(path)) $(ARGS)

e2e-mysql: setup ## Inject faults into MySQL and check that no acknowledged write is lost, 1 h (ARGS="-m short": the worst, 5 min)
	@hack/with-cluster $(RUN) pytest tests/e2e/mysql $(ARGS)

e2e-gitops: setup ## Let Argo CD install, upgrade and remove a second release, on the one-node cluster; 5 min
	@hack/with-cluster $(RUN) pytest tests/e2e/gitops $(ARGS)

e2e-observability: setup ## Make alerts fire by their reasons, draw the dashboards, and read traces from a collector, on the one-node cluster; 10 min
	@hack/with-cluster $(RUN) pytest tests/e2e/monitoring tests/e2e/test_traces.py $(ARGS)

e2e-rollouts: setup ## Replace, kill, add and remove pods, and run a canary, under 200 requests a second; 10 min
	@hack/tools vegeta
	@hack/with-cluster $(RUN) pytest tests/e2e/rollouts $(ARGS)

e2e-upgrade: setup ## Install the last release into an empty cluster, upgrade it under load, roll back, upgrade again
	@hack/with-cluster $(RUN) pytest tests/e2e/upgrade $(ARGS)

canary: setup ## Give a part of the requests to the working tree's version (SERVICE=fetch WEIGHT=10; IMAGE_TAG=… WATCH=300)
	@hack/canary set "$(SERVICE)" "$(WEIGHT)"

canary-promote: setup ## Make the canary the stable version (SERVICE=fetch)
	@hack/canary promote "$(SERVICE)"

canary-abort: setup ## Give all requests to the stable version again (SERVICE=fetch)
	@hack/canary abort "$(SERVICE)"

bench-mesh: setup ## Measure what gateway and sidecars add to a request's latency; writes it into docs/performance.md
	@hack/tools vegeta
	@hack/with-cluster $(RUN) python -m bench.mesh $(ARGS)

down: ## Remove the deployment with its data
	@hack/down

##@ While developing
.PHONY: check lint format setup chart-tools browser lock images package help
check: setup chart-tools ## Run some tests, without lint (ARGS="tests/unit/fetch -x")
	@$(RUN) pytest $(ARGS)

lint: $(UV) ## Run ruff, mypy --strict and shellcheck
	@$(RUN) ruff check && $(RUN) ruff format --check --quiet
	@$(RUN) mypy
	@$(RUN) hack/shellcheck

format: $(UV) ## Fix and format with ruff
	@$(RUN) ruff check --fix && $(RUN) ruff format

setup: $(UV) ## Install what the other targets need: the virtualenv and Helm
	@$(UV) sync --locked --all-packages --compile-bytecode --quiet
	@hack/tools

chart-tools: ## Build the programs of tests/charts, if they are missing
	@hack/tools cyclonus helm4 istioctl kubeconform kube-score kustomize
	@hack/install-prometheus promtool

browser: ## Install Chromium for the tests of the docs page, if it is missing
	@hack/install-chromium

lock: $(UV) ## Update uv.lock from the pyproject.toml files
	@$(UV) lock

images: ## Build the images with docker, podman or buildah (IMAGE_TAG=dev)
	@hack/images

package: setup ## Package the charts, with an SBOM of each image, into dist; REGISTRY=… pushes the charts
	@hack/package

help: ## Print this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

$(UV): Makefile  # for UV_VERSION
	@python3 -m venv .tools || { echo "make: python3 -m venv failed: install Python 3.11 or later with its venv module (Debian: apt-get install python3-venv)"; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
