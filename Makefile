# ParkingSpots from the command line. `make` alone lists what there is.

PORT ?= 8000
FUZZ_MINUTES ?= 10
URL ?= http://127.0.0.1:8000
USERS ?= 20
MINUTES ?= 1
SBOM_FOLDER ?= sbom
REGISTRY ?= ghcr.io/parkingspots
CHART_REGISTRY ?= oci://$(REGISTRY)/charts
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
LOCUST := .cache/locust
LOCALSTRIPE := .cache/localstripe
AUDIT := .cache/audit
INSTALL = PIP_CACHE_DIR="$${PIP_CACHE_DIR:-$(CURDIR)/.run/cache/pip}" $(@D)/bin/python -m pip install --quiet \
	--disable-pip-version-check --require-hashes --only-binary=:all:
SBOM := $(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements --output-reproducible --of JSON
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help dev test coverage fuzz bench drills reliability soak load-test lint types audit format lock openapi metrics-page dashboards chart-docs screenshots sbom artifacts release publish sign announce install clean

help: ## List the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

dev: install ## Run the whole product on this machine (PORT=8001 another port, RESET=1 empty data)
	@case '$(PORT)' in ''|*[!0-9]*) echo "PORT=$(PORT) is no number: PORT=8001 make dev"; exit 2;; esac
	@$(BIN)/python -m parkingspots dev --port $(PORT) $(if $(RESET),--reset)

test: lint types $(LOCALSTRIPE)/.installed ## Lint, check the types and run every test that needs no cluster (PYTEST_ARGS="-k search")
	@$(BIN)/pytest -n 2 $(PYTEST_ARGS)

coverage: install $(LOCALSTRIPE)/.installed ## The same tests, and what of the code they run: at least 95 %, in twice the time
	@$(BIN)/pytest -n 2 --cov --cov-report=term

fuzz: install ## Try everything that the API documents, at random (FUZZ_MINUTES=60 for longer than 10 minutes)
	@PYTHONPATH=tests $(BIN)/python -m contract.fuzz $(FUZZ_MINUTES)

bench: install ## Measure how near it comes to what this machine can do; needs wrk (BENCH_ARGS="--only cached --trial")
	@PYTHONPATH=tests $(BIN)/python -m load.bench $(BENCH_ARGS)

drills: install $(LOCALSTRIPE)/.installed ## Break ten things and see which alert tells of it; needs Prometheus (DRILLS_ARGS="--only lock")
	@PYTHONPATH=tests $(BIN)/python -m drills $(DRILLS_ARGS)

reliability: install ## Kill, cut, starve and overload it, and write docs/reliability.md (RELIABILITY_ARGS="--only soak --short")
	@PYTHONPATH=tests $(BIN)/python -m resilience $(RELIABILITY_ARGS)

soak: MINUTES := $(if $(filter file,$(origin MINUTES)),30,$(MINUTES))
soak: install ## Keep half of the load up that it can bear, and see whether anything grows (MINUTES=3 for less than 30)
	@PYTHONPATH=tests $(BIN)/python -m resilience.soak --minutes '$(MINUTES)'

load-test: install $(LOCUST)/.installed ## Let users search, look, book and cancel there (URL=https://… USERS=50 MINUTES=5)
	@PYTHONPATH=tests $(BIN)/python -m load.users --url '$(URL)' --users '$(USERS)' --minutes '$(MINUTES)' \
		--locust $(LOCUST)/bin/python

$(LOCUST)/.installed: requirements/load.txt
	@echo 'Installing the packages of $< in $(@D)' >&2
	@rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	@$(INSTALL) -r $<
	@touch $@

$(AUDIT)/.installed: requirements/audit.txt
	@echo 'Installing the packages of $< in $(@D)' >&2
	@rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	@$(INSTALL) -r $<
	@touch $@

$(LOCALSTRIPE)/.installed: requirements/stripe.txt requirements/setuptools.txt
	@echo 'Installing the packages of $< in $(@D)' >&2
	@rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	@$(INSTALL) -r requirements/setuptools.txt
	@$(INSTALL) --no-binary=localstripe --no-build-isolation -r $<
	@touch $@

lint: install ## Check style, format, the direction of imports and the Dockerfiles
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports
	@$(BIN)/hadolint service/Dockerfile operator/Dockerfile

types: install ## Check the types
	@$(BIN)/mypy

audit: install $(AUDIT)/.installed ## Look for weak code, and ask PyPI for known weaknesses of what is locked (AUDIT_ARGS="--service osv")
	@$(BIN)/ruff check --select S
	@$(PYTHON) tools/audit.py $(AUDIT)/bin/pip-audit $(wildcard requirements/*.txt) $(AUDIT_ARGS)

format: install ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: install ## Write the locks anew in requirements/ (UPGRADE=1 for newer versions)
	@$(COMPILE) service/pyproject.toml --extra tracing -o requirements/runtime.txt
	@$(COMPILE) --extra monitor service/pyproject.toml operator/pyproject.toml requirements/dev.in --extra tracing -c requirements/runtime.txt -o requirements/dev.txt
	@$(COMPILE) operator/pyproject.toml -c requirements/dev.txt -o requirements/operator.txt
	@$(COMPILE) requirements/build.in -c requirements/dev.txt -o requirements/build.txt
	@$(COMPILE) requirements/audit.in -c requirements/dev.txt -o requirements/audit.txt
	@$(COMPILE) requirements/debug.in -c requirements/dev.txt -o requirements/debug.txt
	@$(COMPILE) requirements/load.in -c requirements/dev.txt -o requirements/load.txt
	@$(COMPILE) requirements/setuptools.in -c requirements/dev.txt -o requirements/setuptools.txt
	@$(COMPILE) requirements/stripe.in -c requirements/dev.txt -o requirements/stripe.txt
	@$(COMPILE) requirements/uv.in -c requirements/dev.txt -o requirements/uv.txt

openapi: install ## Write docs/openapi.json and docs/api.md from the code
	@$(BIN)/python -m parkingspots openapi > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json
	@PYTHONPATH=tests $(BIN)/python -m contract.api_page > docs/api.md.new && mv docs/api.md.new docs/api.md

metrics-page: install ## Write docs/metrics.md from the code
	@PYTHONPATH=tests $(BIN)/python -m monitoring.metrics_page > docs/metrics.md.new && mv docs/metrics.md.new docs/metrics.md

dashboards: install ## Write charts/parkingspots/dashboards/ from tools/dashboards/
	@$(BIN)/python -m tools.dashboards charts/parkingspots/dashboards

chart-docs: install ## Write charts/parkingspots/README.md from the comments of the values
	@PYTHONPATH=tests $(BIN)/python -m chart.values_page > charts/parkingspots/README.md.new && mv charts/parkingspots/README.md.new charts/parkingspots/README.md

screenshots: install ## Make the pictures of docs/images/ anew, of the product as it runs; needs Chromium
	@$(BIN)/python tools/screenshots.py

sbom: install ## Write what the images are made of as CycloneDX, in sbom/ (SBOM_FOLDER)
	@mkdir -p '$(SBOM_FOLDER)'
	@$(SBOM) requirements/runtime.txt --pyproject service/pyproject.toml -o '$(SBOM_FOLDER)/parkingspots.json'
	@$(SBOM) requirements/operator.txt --pyproject operator/pyproject.toml -o '$(SBOM_FOLDER)/parkingspots-operator.json'

# What is downloaded of a release.
RELEASED = dist/parkingspots-$(IMAGE_TAG).tgz $(addprefix $(SBOM_FOLDER)/,parkingspots.json parkingspots-operator.json)

artifacts: sbom ## Make what a release gives beside its images: chart, SBOMs and checksums (IMAGE_TAG=1.2.3)
	@$(NEED_HELM)
	@$(PYTHON) tools/package.py '$(REGISTRY)' '$(CHART_REGISTRY)' --helm '$(HELM)'
	@$(PYTHON) tools/checksums.py dist/SHA256SUMS $(RELEASED)

# A dry run only shows how images are built, unless it is told with what.
REHEARSED_BUILDER = $(if $(filter file,$(origin IMAGE_BUILDER)),echo $(IMAGE_BUILDER),$(IMAGE_BUILDER))

release: $(if $(DRY_RUN),install) ## Write the version everywhere, package the chart, commit and tag (VERSION=1.2.3, DRY_RUN=1 does it in a copy)
	@[ -n "$(VERSION)" ] || { echo 'Which version? make release VERSION=1.2.3'; exit 2; }
	@$(PYTHON) tools/release.py '$(VERSION)' --helm '$(HELM)' \
		$(if $(DRY_RUN),--dry-run --bin '$(abspath $(BIN))' --builder '$(REHEARSED_BUILDER)' --images '$(REGISTRY)/')

publish sign announce: IMAGE_TAG = $(patsubst v%,%,$(shell git describe --tags --exact-match 2>/dev/null))
publish: IMAGE_PREFIX = $(REGISTRY)/
publish: IMAGE_LOADER = docker push
publish: ## Push the images and the chart of the tag that is checked out (REGISTRY, CHART_REGISTRY)
	@[ -n '$(IMAGE_TAG)' ] || { echo 'No tag is checked out: git switch --detach v1.2.3'; exit 1; }
	@$(NEED_HELM)
	@[ -z "$$REGISTRY_TOKEN" ] || printf '%s' "$$REGISTRY_TOKEN" \
		| docker login '$(firstword $(subst /, ,$(REGISTRY)))' --username "$$REGISTRY_USER" --password-stdin
	@$(MAKE) --no-print-directory images IMAGE_PREFIX='$(IMAGE_PREFIX)' IMAGE_LOADER='$(IMAGE_LOADER)' IMAGE_TAG='$(IMAGE_TAG)'
	@$(PYTHON) tools/package.py '$(REGISTRY)' '$(CHART_REGISTRY)' --helm '$(HELM)'
	@$(HELM) push dist/parkingspots-$(IMAGE_TAG).tgz $(CHART_REGISTRY)

sign: sbom ## Sign what was published without a key, by the identity of the workflow; needs cosign and docker
	@[ -n '$(IMAGE_TAG)' ] || { echo 'No tag is checked out: git switch --detach v1.2.3'; exit 1; }
	@$(call need,cosign,It signs: https://docs.sigstore.dev/cosign)
	@$(PYTHON) tools/checksums.py dist/SHA256SUMS $(RELEASED)
	@$(PYTHON) tools/sign.py '$(REGISTRY)' '$(CHART_REGISTRY)' '$(IMAGE_TAG)' --sboms '$(SBOM_FOLDER)' --sums dist/SHA256SUMS

announce: ## Put what was published and signed on GitHub's page of the tag; needs gh
	@[ -n '$(IMAGE_TAG)' ] || { echo 'No tag is checked out: git switch --detach v1.2.3'; exit 1; }
	@$(call need,gh,It talks to GitHub: https://cli.github.com)
	@gh release create 'v$(IMAGE_TAG)' $(RELEASED) dist/SHA256SUMS dist/SHA256SUMS.sigstore.json --verify-tag --generate-notes

install: ## Make .venv what the locks say (the other targets do it by themselves)
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"$(PYTHON) is too old: Python 3.11 or newer is needed, make PYTHON=/path/to/python3")'
	@$(PYTHON) requirements/install.py

clean: ## Delete .venv and every cache; the data in .run stays (make dev RESET=1 deletes it)
	@rm -rf .venv .cache .run/cache .ruff_cache .import_linter_cache .hypothesis .schemathesis .coverage htmlcov
	@find service lifecycle-cronjob operator tests -name __pycache__ -prune -exec rm -rf {} +

include k8s/cluster.mk
