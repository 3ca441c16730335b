# Concord: everything a newcomer needs. `make run` and `make test` install what is missing, build, and do it.

# The one list of system packages (Debian and Ubuntu names).
PACKAGES = libssl-dev libsqlite3-dev libevent-dev libcurl4-openssl-dev pkg-config python3 python3-venv

SWIFT ?= swift
BUILD := .build
PYTHON := $(BUILD)/interop-python
FLOWER := $(BUILD)/flower-python
BENCH ?=
# Suites that talk over sockets run after the others and one at a time: beside tests that keep every core busy, their
# time limits would measure the machine.
LIVE := ^(HTTPTests|SystemTests)\.
TEST = CONCORD_PYTHON=$$( [ -x $(PYTHON)/bin/python ] && echo $(CURDIR)/$(PYTHON)/bin/python ) $(SWIFT) test --skip-build
# Options for `concord demo`, such as DEMO='--rounds 20'; see `concord demo --help`.
DEMO ?=
# Fuzzing: seconds a target, and one target instead of all.
FUZZ_SECONDS ?= 20
FUZZ_TARGET ?=
FUZZ := $(BUILD)/fuzz
FUZZER := $(BUILD)/fuzz-build/release/concord-fuzz
# libFuzzer without its own main, as every Swift toolchain for Linux brings it.
FUZZER_RUNTIME = $(firstword $(wildcard \
	$(dir $(realpath $(shell command -v $(SWIFT))))../lib/clang/*/lib/linux/libclang_rt.fuzzer_no_main-$(shell uname -m).a))
COVERAGE := edge,indirect-calls,trace-cmp,inline-8bit-counters,pc-table

.PHONY: help install build run test bench flower mutants timing interop lint format sanitize sanitized fuzz fuzzer corpus clean

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
	$(SWIFT) format lint --strict --parallel --recursive Sources Tests Fuzz Package.swift

format: ## format the sources in place
	$(SWIFT) format --in-place --parallel --recursive Sources Tests Fuzz Package.swift

sanitize: install ## run the tests under ThreadSanitizer, then AddressSanitizer
	$(MAKE) sanitized KIND=thread
	ASAN_OPTIONS=detect_leaks=0 $(MAKE) sanitized KIND=address

# Leak detection is off under AddressSanitizer: the test runner itself keeps what it never frees.
sanitized:
	$(SWIFT) build --build-tests --sanitize=$(KIND) --scratch-path $(BUILD)/$(KIND)
	$(SWIFT) test --skip-build --sanitize=$(KIND) --scratch-path $(BUILD)/$(KIND) --skip '$(LIVE)'
	$(SWIFT) test --skip-build --sanitize=$(KIND) --scratch-path $(BUILD)/$(KIND) --filter '$(LIVE)' --no-parallel

fuzz: fuzzer ## fuzz every decoder that meets foreign bytes (FUZZ_SECONDS=20 each, FUZZ_TARGET=name for one)
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_TARGET=$(FUZZ_TARGET) Fuzz/run.sh fuzz $(FUZZER) $(FUZZ)

# Everything is compiled again with coverage and AddressSanitizer, in a folder of its own, and optimised as released.
fuzzer: install
	@[ -n "$(FUZZER_RUNTIME)" ] || { echo "libFuzzer is not in this Swift toolchain"; exit 1; }
	CONCORD_FUZZER_RUNTIME=$(FUZZER_RUNTIME) $(SWIFT) build -c release --product concord-fuzz --sanitize=address \
		-Xswiftc -sanitize-coverage=$(COVERAGE) --scratch-path $(BUILD)/fuzz-build

corpus: fuzzer ## renew Fuzz/Corpus from real messages and from what make fuzz found
	rm -rf $(FUZZ)/seeds $(FUZZ)/merged
	$(SWIFT) build --build-tests
	CONCORD_FUZZ_SEEDS=$(CURDIR)/$(FUZZ)/seeds $(SWIFT) test --skip-build --filter FuzzSeedTests
	FUZZ_TARGET=$(FUZZ_TARGET) Fuzz/run.sh corpus $(FUZZER) $(FUZZ)

bench: build flower ## measure beside the floor of this machine, and beside Flower (BENCH='--case n1000-d1M' for one case)
	python3 Benchmarks/run.py --concord $(BUILD)/release/concord --output $(BUILD)/bench \
		$$([ -x $(FLOWER)/bin/python ] && echo --flower $(FLOWER)/bin/python) $(BENCH)
	@echo "figures: $(BUILD)/bench/results.json and $(BUILD)/bench/report.html"

flower: install
	@if [ ! -e $(FLOWER)/complete ]; then \
		python3 -m venv $(FLOWER) && \
		$(FLOWER)/bin/pip install -q --disable-pip-version-check -r Benchmarks/Flower/requirements.txt && \
		touch $(FLOWER)/complete || { echo "Flower is not available; it will not be measured"; rm -rf $(FLOWER); }; \
	fi

clean: ## remove what was built
	rm -rf $(BUILD) demo-output
