# Everything that CI does, a developer does with the same commands. `make help` lists them by the group in brackets,
# those with a + by name only.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
WORKSPACE := packages/core packages/standin apps/brain apps/agent apps/runner apps/cli tools/gitops
STAMP := $(VENV)/.installed
# The locked checkers come before those of the machine, in every recipe and script.
export PATH := $(CURDIR)/.tools/bin:$(PATH)

.PHONY: check-alerts check-charts check-evals check-rules check-tfvars help install tools up dev configure render diff cost-diff bump pin promote ends test test-oldest e2e e2e-full bench-cluster check format lock clean bench terraform-check terraform-files terraform-scan machines-test machines-alerts machines-upgrade infra-plan infra-up infra-down

help: ## [Run +] this list; ALL=1 says what each command does
	@scripts/help Makefile $(ALL)

# Only a Python that somebody names takes the place of the one that an environment has.
NAMED_PYTHON := $(if $(filter file,$(origin PYTHON)),,$(PYTHON))
# An environment whose Python is gone, or has become another one, is made anew however new its stamp is: what it then
# depends on is never there.
STALE := $(if $(wildcard $(STAMP)),$(shell PYTHON="$(NAMED_PYTHON)" scripts/install --check $(VENV) || echo stale-environment))

install: $(STAMP) ## [Run +] make the environment in .venv from the hashed locks

stale-environment: ;

$(STAMP): $(STALE) requirements/dev.txt requirements/uv.txt $(WORKSPACE:%=%/pyproject.toml) scripts/install
	@PYTHON="$(NAMED_PYTHON)" scripts/install $(VENV) requirements/dev.txt $(WORKSPACE)
	@touch $@

up: install ## [Run] the bot in a browser page; Ctrl-C stops everything
	@$(BIN)/openclaw up $(ARGS)

dev: install ## [Run] the same, started again when code or a prompt changes, with its log in colour
	@$(BIN)/openclaw dev $(ARGS)

tools: install ## [Change +] put kustomize, kubeconform, actionlint, alertmanager, amtool, otelcol and checkov into .tools/bin
	@scripts/tools

test: install tools ## [Change] all tests that need no cluster; a part: ARGS=tests/brain
	$(BIN)/pytest -n 4 --dist loadgroup $(ARGS)

test-oldest: install ## [Change +] the tests on the oldest library versions that the packages' metadata allows
	scripts/test-oldest $(ARGS)

e2e: install tools ## [Measure] the bot on a cluster that may be broken (tests/e2e/README.md)
	scripts/e2e $(ARGS)

e2e-full: install tools ## [Measure +] the same with a burst of 1,000 messages and a slow disk
	scripts/e2e full $(ARGS)

bench-cluster: install tools ## [Measure +] the table of docs/benchmarks.md on that cluster, beside bare pods (ARGS="--phases warm,cold")
	scripts/e2e bench $(ARGS)

# The quick ones first: a fault is told as early as can be.
check: install tools check-roles check-evals check-tfvars check-rules check-alerts ends check-code check-shell check-workflows check-manifests terraform-scan terraform-check ## [Change] everything that a pull request must pass, but for the tests

check-roles: ## [Change] prompts, roles and models
	$(BIN)/openclaw doctor --only roles

check-evals: ## [Change +] the tasks of evals/: each fault with file, line and what to do
	$(BIN)/openclaw eval tasks

check-tfvars: ## [Change +] each environment's terraform.tfvars, and the cost table
	@scripts/tfvars-check

check-code: ## [Change +] format, lint, import contracts, types
	$(BIN)/lint-imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(WORKSPACE:%=%/src) tests

check-shell: ## [Change +] shellcheck over every shell script
	scripts/check-shell

check-workflows: ## [Change +] actionlint, zizmor and our own rules over .github/workflows
	$(BIN)/pytest tests/workflows/test_workflows.py tests/workflows/test_key_rules.py
	@if command -v actionlint; then actionlint -shellcheck=$(BIN)/shellcheck -pyflakes=; else echo '*** actionlint SKIPPED: run make tools ***' >&2; fi
	$(BIN)/zizmor --offline --quiet --persona=auditor .github

check-rules: ## [Change +] our own rules over every environment, in seconds: each fault with file, line and what to do
	$(BIN)/python -m tests.manifests.rules

check-alerts: ## [Change +] the alerts' rules by promtool, Alertmanager's configuration by amtool
	@command -v promtool >/dev/null || echo '*** the rules of alerts are NOT tried: no promtool on PATH (Debian: apt install prometheus) ***' >&2
	$(BIN)/pytest -q -rs -p no:xdist tests/alerts/test_rules.py tests/alerts/test_alertmanager_config.py

check-manifests: ## [Change +] render every environment; schemas, checkov, our own rules; what is pinned can have been looked up
	@scripts/bump --check
	@scripts/pin --check --allow-missing
	@code=0; $(BIN)/python -m tests.manifests.rules || code=1; $(BIN)/pytest -n 2 --tb=short --ignore tests/manifests/test_refused.py tests/manifests $(ARGS) || code=1; exit $$code

check-charts: install tools ## [Change +] render the charts of others with our values (needs a network, builds helm once; ARGS=FOLDER takes charts from there)
	scripts/check-charts $(ARGS)

bench: install ## [Measure] the table of docs/benchmarks.md, measured on this machine
	$(BIN)/openclaw bench local $(ARGS)

configure: ## [Ship] make a fork yours: REPO=https://github.com/you/openclaw REGISTRY=ghcr.io/you
	@scripts/configure REPO='$(REPO)' REGISTRY='$(REGISTRY)' REGION='$(REGION)' ACCOUNT='$(ACCOUNT)' OPS_CHAT='$(OPS_CHAT)' ENV='$(ENV)' GUEST='$(GUEST)'

render: install ## [Ship +] print an environment's manifests: make render ENV=staging
	@scripts/render $(ENV) $(PART)

diff: install ## [Ship] what the work tree changes in an environment: ENV=prod BASE=origin/main
	@scripts/diff $(ENV) $(BASE) $(ARGS)

cost-diff: install ## [Ship +] what the work tree changes in an environment's cost a month: ENV=prod BASE=origin/main
	@scripts/cost-diff $(ENV) $(BASE)

bump: install ## [Ship +] write the images of a build: make bump COMMIT=… TAG=… AGENT=sha256:… BRAIN=sha256:… RUNNER=sha256:…
	@scripts/bump --commit "$(COMMIT)" --tag "$(TAG)" --agent "$(AGENT)" --brain "$(BRAIN)" --runner "$(RUNNER)"

pin: install ## [Ship +] look up digests of images, charts, files that others made; needs a network (ARGS=--check lists what is missing)
	@scripts/pin $(ARGS)

ends: install ## [Ship +] which versions that we run have ended or end within 90 days
	@scripts/ends # for arguments: scripts/ends --help

promote: install ## [Ship] move prod's pins to a commit that staging has proved: [COMMIT=…]
	@scripts/promote $(COMMIT) $(ARGS)

terraform-check: ## [Infrastructure +] format, validate and test every Terraform module and environment
	scripts/terraform-check

terraform-files: install ## [Infrastructure +] our own rules over the Terraform code: what checkov does not ask
	$(BIN)/pytest tests/terraform/test_terraform_files.py

terraform-scan: terraform-files ## [Infrastructure +] our own rules and checkov over the Terraform code (checkov is installed into .tools, or named by CHECKOV)
	scripts/terraform-scan

machines-test: ## [Measure +] boot machines from the rendered user data (OPENCLAW_MACHINES_TOOL names the tool)
	scripts/machines-test

machines-alerts: ## [Measure +] provoke the alerts of etcd and certificates on machines
	scripts/machines-test tests/machines/alerts

machines-upgrade: ## [Measure +] rehearse the upgrade from an older Kubernetes on machines (OPENCLAW_OLDER_KUBERNETES names its programs)
	scripts/machines-test tests/machines/upgrade

infra-plan infra-up infra-down: ## [Infrastructure] plan, build, take down an environment: ENV=staging
	scripts/infra $(@:infra-%=%) $(ENV)

format: install ## [Change] rewrite the code in the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## [Change +] resolve anew and write requirements/*.txt (ARGS=--upgrade for newer versions)
	scripts/lock $(ARGS)

clean: ## [Run +] forget the environment and caches; the chats of make up stay (make up ARGS=--fresh forgets those)
	rm -rf $(VENV) .tools .mypy_cache .ruff_cache .hypothesis .import_linter_cache tests/artifacts
