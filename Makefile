# `make help` lists the targets. Each is one step that a person and CI run alike.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
UV := .tools/bin/uv
RUN := $(UV) run --locked --all-packages
export PATH := $(CURDIR)/.tools/bin:$(PATH)

##@ On this machine
.PHONY: run test
run: $(UV) ## Start the whole system on http://127.0.0.1:8080, without Docker or a cluster (ARGS="--port 8095")
	@$(RUN) python -m efishery_run $(ARGS)

test: setup browser lint ## Lint, and all tests that need no cluster: of units, charts, the running system, the docs page
	@$(RUN) pytest $(ARGS)

##@ On a cluster (the current kubectl context)
.PHONY: cluster up e2e e2e-mysql down
cluster: ## Make a cluster where there is none: kind with Docker, else one node from source
	@hack/cluster

up: setup ## Build and load the images, install chart and mesh, print the URL and how to log in
	@hack/up

e2e: setup ## Test that deployment through the Istio gateway
	@hack/with-cluster $(RUN) pytest tests/e2e --ignore=tests/e2e/mysql $(ARGS)

e2e-mysql: setup ## Do its MySQL every harm and see that nothing is lost, an hour (ARGS="-m short": the worst, 5 min)
	@hack/with-cluster $(RUN) pytest tests/e2e/mysql $(ARGS)

down: ## Remove it, with its data
	@hack/down

##@ While developing
.PHONY: check lint format setup browser lock images help
check: setup ## Some tests, without lint (ARGS="tests/unit/fetch -x")
	@$(RUN) pytest $(ARGS)

lint: $(UV) ## ruff, mypy --strict and shellcheck
	@$(RUN) ruff check && $(RUN) ruff format --check --quiet
	@$(RUN) mypy
	@$(RUN) hack/shellcheck

format: $(UV) ## Let ruff fix and format
	@$(RUN) ruff check --fix && $(RUN) ruff format

setup: $(UV) ## Install what the targets need: the virtualenv and helm
	@$(UV) sync --locked --all-packages --compile-bytecode --quiet
	@hack/tools

browser: ## Install Chromium, which the tests of the docs page drive, where it is missing
	@hack/install-chromium

lock: $(UV) ## Bring uv.lock up to date with the pyproject.toml files
	@$(UV) lock

images: ## Build the images with docker, podman or buildah (IMAGE_TAG=dev)
	@hack/images

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

$(UV): Makefile  # which names the version
	@python3 -m venv .tools || { echo "make: python3 -m venv failed: install Python 3.11 or later with its venv module (Debian: apt-get install python3-venv)"; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
