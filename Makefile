# ParkingSpots from the command line. `make` alone lists what there is.

PORT ?= 8000
FUZZ_MINUTES ?= 10
URL ?= http://127.0.0.1:8000
USERS ?= 20
MINUTES ?= 1
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
LOCUST := .cache/locust
LOCALSTRIPE := .cache/localstripe
INSTALL = PIP_CACHE_DIR="$${PIP_CACHE_DIR:-$(CURDIR)/.run/cache/pip}" $(@D)/bin/python -m pip install --quiet \
	--disable-pip-version-check --require-hashes --only-binary=:all:
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help dev test fuzz bench load-test lint types format lock openapi install clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

dev: install ## Run the whole product on this machine (PORT=8001 another port, RESET=1 empty data)
	@case '$(PORT)' in ''|*[!0-9]*) echo "PORT=$(PORT) is no number: PORT=8001 make dev"; exit 2;; esac
	@$(BIN)/python -m parkingspots dev --port $(PORT) $(if $(RESET),--reset)

test: lint types $(LOCALSTRIPE)/.installed ## Lint, check the types and run every test that needs no cluster (PYTEST_ARGS="-k search")
	@$(BIN)/pytest -n 2 --cov --cov-report=term $(PYTEST_ARGS)

fuzz: install ## Try everything that the API documents, at random (FUZZ_MINUTES=60 for longer than 10 minutes)
	@PYTHONPATH=tests $(BIN)/python -m contract.fuzz $(FUZZ_MINUTES)

bench: install ## Measure how near it comes to what this machine can do; needs wrk (BENCH_ARGS="--only cached --trial")
	@PYTHONPATH=tests $(BIN)/python -m load.bench $(BENCH_ARGS)

load-test: install $(LOCUST)/.installed ## Let users search, look, book and cancel there (URL=https://… USERS=50 MINUTES=5)
	@PYTHONPATH=tests $(BIN)/python -m load.users --url '$(URL)' --users '$(USERS)' --minutes '$(MINUTES)' \
		--locust $(LOCUST)/bin/python

$(LOCUST)/.installed: requirements/load.txt
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

lint: install ## Check style, format and the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports

types: install ## Check the types
	@$(BIN)/mypy

format: install ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: install ## Write the locks anew in requirements/ (UPGRADE=1 for newer versions)
	@$(COMPILE) service/pyproject.toml -o requirements/runtime.txt
	@$(COMPILE) service/pyproject.toml requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt
	@$(COMPILE) requirements/build.in -c requirements/dev.txt -o requirements/build.txt
	@$(COMPILE) requirements/load.in -c requirements/dev.txt -o requirements/load.txt
	@$(COMPILE) requirements/setuptools.in -c requirements/dev.txt -o requirements/setuptools.txt
	@$(COMPILE) requirements/stripe.in -c requirements/dev.txt -o requirements/stripe.txt
	@$(COMPILE) requirements/uv.in -c requirements/dev.txt -o requirements/uv.txt

openapi: install ## Write docs/openapi.json and docs/api.md from the code
	@$(BIN)/python -m parkingspots openapi > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json
	@PYTHONPATH=tests $(BIN)/python -m contract.api_page > docs/api.md.new && mv docs/api.md.new docs/api.md

install: ## Make .venv what the locks say (the other targets do it by themselves)
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"$(PYTHON) is too old: Python 3.11 or newer is needed, make PYTHON=/path/to/python3")'
	@$(PYTHON) requirements/install.py

clean: ## Delete .venv and every cache; the data in .run stays (make dev RESET=1 deletes it)
	@rm -rf .venv .cache .run/cache .ruff_cache .import_linter_cache .hypothesis .schemathesis .coverage htmlcov
	@find service lifecycle-cronjob tests -name __pycache__ -prune -exec rm -rf {} +
