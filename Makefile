# Concord: everything a newcomer needs. `make run` and `make test` install what is missing, build, and do it.

# The one list of system packages (Debian and Ubuntu names).
PACKAGES = libssl-dev libsqlite3-dev libevent-dev libcurl4-openssl-dev pkg-config python3 python3-venv

SWIFT ?= swift
BUILD := .build
PYTHON := $(BUILD)/interop-python
# Suites that talk over sockets run after the others and one at a time: beside tests that keep every core busy, their
# time limits would measure the machine.
LIVE := ^(HTTPTests|SystemTests)\.
TEST = CONCORD_PYTHON=$$( [ -x $(PYTHON)/bin/python ] && echo $(CURDIR)/$(PYTHON)/bin/python ) $(SWIFT) test --skip-build
# Options for `concord demo`, such as DEMO='--rounds 20'; see `concord demo --help`.
DEMO ?=

.PHONY: help install build run test mutants timing interop lint format sanitize sanitized clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: ## install missing system packages (sudo when not root)
	@missing=""; for package in $(PACKAGES); do \
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then sudo=""; else sudo="sudo -n"; fi; \
		echo "installing:$$missing"; \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	fi

build: install ## build the release binaries
	$(SWIFT) build -c release

run: build ## run the demonstration end to end
	$(BUILD)/release/concord demo $(DEMO)

test: install interop ## run all tests
	$(SWIFT) build --build-tests
	$(TEST) --skip '$(LIVE)'
	$(TEST) --filter '$(LIVE)' --no-parallel

# Options for the mutants, such as MUTANTS='--row 4' or MUTANTS=--list.
MUTANTS ?=

mutants: install ## break one defence at a time; a test must notice each
	SWIFT=$(SWIFT) python3 Tests/Mutants/mutants.py $(MUTANTS)

timing: install ## measure whether times depend on secrets (release build, quiet machine)
	$(SWIFT) build -c release --product concord-timing
	$(BUILD)/release/concord-timing

# Other people's tools, to check our formats with. Tests that need them say so when they are absent.
interop: install
	@if [ ! -e $(PYTHON)/complete ]; then \
		python3 -m venv $(PYTHON) && \
		$(PYTHON)/bin/pip install -q --disable-pip-version-check safetensors numpy pymerkle cryptography && \
		touch $(PYTHON)/complete || { echo "interop packages are not available; those tests will be skipped"; rm -rf $(PYTHON); }; \
	fi

lint: ## format and style, as strict as it gets
	$(SWIFT) format lint --strict --parallel --recursive Sources Tests Package.swift

format: ## format the sources in place
	$(SWIFT) format --in-place --parallel --recursive Sources Tests Package.swift

sanitize: install ## run the tests under ThreadSanitizer, then AddressSanitizer
	$(MAKE) sanitized KIND=thread
	ASAN_OPTIONS=detect_leaks=0 $(MAKE) sanitized KIND=address

# Leak detection is off under AddressSanitizer: the test runner itself keeps what it never frees.
sanitized:
	$(SWIFT) build --build-tests --sanitize=$(KIND) --scratch-path $(BUILD)/$(KIND)
	$(SWIFT) test --skip-build --sanitize=$(KIND) --scratch-path $(BUILD)/$(KIND) --skip '$(LIVE)'
	$(SWIFT) test --skip-build --sanitize=$(KIND) --scratch-path $(BUILD)/$(KIND) --filter '$(LIVE)' --no-parallel

clean: ## remove what was built
	rm -rf $(BUILD) demo-output
