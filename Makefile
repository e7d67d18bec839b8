# The targets of the project; CONTRIBUTING.md describes them.
# PORT, HTTP_PORT and MNT choose where `make run` serves; FILTER chooses tests, SCENARIO a benchmark.

PORT ?= 11211
HTTP_PORT ?= 8080
MNT ?= run/mnt
FILTER ?=
SCENARIO ?=
OPERATIONS ?= 1000000
SEED ?=
SOURCES := Package.swift Sources Tests

.PHONY: help build release run stop test differential property tsan compare-files bench lint format clean packages

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

packages: ## install the Debian packages that building, running and testing need
	@scripts/packages build run test

build: ## build for debugging
	@scripts/packages build
	swift build

release: ## build for use: .build/release/memfisd
	@scripts/packages build
	swift build -c release --product memfisd

run: ## serve a sample site: memfisd mounted at MNT, nginx on HTTP_PORT; Ctrl-C ends it
	@scripts/packages build run
	@PORT=$(PORT) HTTP_PORT=$(HTTP_PORT) MNT=$(MNT) scripts/run

stop: ## end what a `make run` elsewhere started
	@scripts/stop

test: ## run all tests, or those that match FILTER
	@scripts/packages build run test
	@[ -n "$(FILTER)" ] || scripts/threads
	@scripts/test $(FILTER)

differential: ## compare with memcached on a million random commands
	MEMFIS_DIFFERENTIAL_COMMANDS=1000000 swift test --filter DifferentialTests

property: ## random operations against plain models: OPERATIONS of them, from SEED (else a new one)
	MEMFISD_PROPERTY_OPERATIONS=$(OPERATIONS) MEMFISD_PROPERTY_SEED=$(or $(SEED),$(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')) \
		swift test --filter 'PropertyTests|TreeModelTests'

tsan: ## many threads on one store under the thread sanitizer
	@scripts/packages build
	@scripts/threads 200000 $(SEED)

compare-files: ## compare the mount with tmpfs and memory, with fio and stress-ng, for about half an hour
	@scripts/packages build run test
	MEMFISD_CALL_SEEDS=40 MEMFISD_CONTENT_CALLS=1000000 MEMFISD_FIO_MIB=48 MEMFISD_STRESS_SECONDS=10 \
		swift test --filter 'CallComparisonTests|ContentComparisonTests|LoadProgramTests'

bench: release ## measure beside memcached; SCENARIO=hits for one, bench.py says which there are
	@scripts/packages build test
	Benchmarks/bench.py $(SCENARIO)

lint: ## check the sources' form
	@scripts/lint

format: ## bring the sources into form
	swift format format --in-place --parallel --recursive $(SOURCES)

clean: ## remove what was built
	rm -rf .build run
