# Needs Python 3.11 or later, git and make; everything else comes from PyPI.

PYTHON ?= python3
# What the functions run on; must be among the values that template.yaml allows.
RUNTIME ?= python3.13
ARCHITECTURE ?= arm64

export UV_PYTHON := $(shell $(PYTHON) -c 'import sys; print(sys.executable)')
export UV_PYTHON_DOWNLOADS := never
export SAM_CLI_TELEMETRY := 0

UV_VERSION := 0.13.9
UV := $(CURDIR)/.tools/uv/bin/uv
SAM := $(CURDIR)/.tools/sam/bin/sam
LOCK := pyproject.toml uv.lock

.DEFAULT_GOAL := help
.PHONY: help tools build deploy requirements setup demo test mutants simulate lint format clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Tools, each in an environment of its own --------------------------------

.tools/uv.stamp: Makefile
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.tools/sam.stamp .tools/ministack.stamp .tools/rie.stamp: .tools/%.stamp: .tools/uv.stamp $(LOCK)
	UV_PROJECT_ENVIRONMENT=.tools/$* $(UV) sync --quiet --frozen --only-group $*
	@touch $@

tools: .tools/sam.stamp .tools/ministack.stamp .tools/rie.stamp ## the AWS tools

# --- AWS ---------------------------------------------------------------------

BUILD := $(RUNTIME)-$(ARCHITECTURE)

requirements: .tools/uv.stamp ## the dependency layer's list, from uv.lock
	$(UV) export --quiet --frozen --no-dev --no-emit-project --no-annotate --no-header \
		--prune botocore --output-file infra/dependencies/requirements.txt

build: .tools/sam.stamp ## layers and functions, ready to deploy
	UV=$(UV) RUNTIME=$(RUNTIME) ARCHITECTURE=$(ARCHITECTURE) $(SAM) build --cached --parallel \
		--cache-dir .aws-sam/cache/$(BUILD) --build-dir .aws-sam/build \
		--parameter-overrides Runtime=$(RUNTIME) Architecture=$(ARCHITECTURE)

deploy: build ## to the AWS account of your environment; ARGS=--guided the first time
	$(SAM) deploy $(ARGS)

# --- Development -------------------------------------------------------------

.tools/project.stamp: .tools/uv.stamp $(LOCK)
	$(UV) sync --quiet --frozen --all-extras
	@touch $@

.tools/medplum.stamp: .tools/project.stamp sandbox/medplum/package-lock.json
	.venv/bin/python -c "from sandbox.medplum.node import install; install()"
	@touch $@

setup: .tools/project.stamp .tools/medplum.stamp tools ## everything that demo and test need

demo: setup ## a living clinic migrates on this machine; ARGS="--patients 5000 --seed 7"
	@.venv/bin/python -m sandbox.demo $(ARGS)

test: setup lint ## lint, types, floors and all tests; ARGS="-k apply"
	.venv/bin/pytest $(ARGS)

mutants: .tools/project.stamp ## seed the kit's sixteen bugs; each must fall
	@.venv/bin/python -m tests.mutants

simulate: .tools/project.stamp ## the write path in every order; the last line sums up
	@.venv/bin/python -m tests.simulation.run $(ARGS)

lint: .tools/project.stamp ## style, types, floors
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .tools/project.stamp ## let ruff mend what it can
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

clean: ## remove everything that was built or installed
	rm -rf .venv .tools .aws-sam build sandbox/medplum/node_modules
