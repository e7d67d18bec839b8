# The targets of the project; CONTRIBUTING.md describes them.
# `make help` lists them and the variables.

PORT ?= 11211
HTTP_PORT ?= 8080
MNT ?= run/mnt
FILTER ?=
SCENARIO ?=
FUZZ_SECONDS ?= 600
ROOT ?=
OPERATIONS ?= 1000000
SEED ?=
# The shell takes these from its environment, whatever characters are in them.
export FILTER MNT
SOURCES := Package.swift Sources Tests

# To the thread sanitizer, an accessor that lends a struct writes all of it, though the caller may read one field. Swift 6.3
# has no option against that, so the sanitizer's function for it is replaced by one that does nothing.
PLAIN_ACCESSES := -Xlinker --wrap=__tsan_external_write \
	-Xlinker --defsym=__wrap___tsan_external_write=__tsan_get_current_report

.PHONY: help build optimized deb release reproduce packagetest run stop test differential fuzz property tsan tsan-doors compare-files bench lint format clean packages manual

help: ## list the targets and their variables
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16
	@echo
	@echo "variables, as in \`make test FILTER='OptionTests|ManualTests'\`:"
	@printf '  %-14s%s\n' \
		PORT "memfisd's port in make run ($(PORT))" \
		HTTP_PORT "nginx's port in make run ($(HTTP_PORT))" \
		MNT "the mount point of make run ($(MNT))" \
		FILTER "a regular expression: the tests that make test runs (all)" \
		FUZZ_SECONDS "for each fuzzer of make fuzz ($(FUZZ_SECONDS))" \
		OPERATIONS "random operations of make property ($(OPERATIONS))" \
		SEED "of make property and make tsan (a new one)" \
		SCENARIO "the benchmark that make bench runs (all)" \
		ROOT "where make packagetest makes its Debian root and keeps it (a new one, removed)"

packages: ## install the Debian packages that building, running and testing need
	@scripts/packages build run test

build: ## build for debugging
	@scripts/packages build
	swift build

optimized: ## build for use on this machine: .build/release/memfisd
	@scripts/packages build
	swift build -c release --product memfisd

deb: ## build the Debian package into dist/
	@scripts/packages build package
	@scripts/deb

release: ## make a release in dist/: tarball, Debian packages, SBOM, checksums
	@scripts/packages build package
	@scripts/release

reproduce: ## make the release twice and compare the bytes
	@scripts/packages build package
	@scripts/reproduce

packagetest: deb ## install, start, upgrade and remove the package in a clean Debian root
	@scripts/packages packagetest
	@scripts/package-test $(if $(ROOT),"$(ROOT)")

run: ## serve a sample site: memfisd mounted at MNT, nginx on HTTP_PORT; Ctrl-C ends it
	@scripts/packages build run
	@PORT=$(PORT) HTTP_PORT=$(HTTP_PORT) scripts/run

stop: ## end what a `make run` elsewhere started
	@scripts/stop

test: ## run all tests, or those that match FILTER
	@scripts/packages build run test
	@scripts/test "$$FILTER"

differential: ## compare with memcached on a million random commands
	MEMFIS_DIFFERENTIAL_COMMANDS=1000000 swift test --filter DifferentialTests

fuzz: ## fuzz the protocol, FUZZ_SECONDS for each fuzzer
	@scripts/packages build
	scripts/fuzz $(FUZZ_SECONDS)

property: ## random operations against plain models: OPERATIONS of them, from SEED (else a new one)
	MEMFISD_PROPERTY_OPERATIONS=$(OPERATIONS) MEMFISD_PROPERTY_SEED=$(or $(SEED),$(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')) \
		swift test -c release -Xswiftc -enable-testing -Xswiftc -DOBSERVED --scratch-path .build/property \
		--filter 'PropertyTests|TreeModelTests|ToldChangesTests'

tsan: ## many threads on one store under the thread sanitizer
	@scripts/packages build
	@scripts/threads 200000 $(SEED)

compare-files: ## compare the mount with tmpfs and memory, with fio, stress-ng and a file of over 4 GiB, for about half an hour
	@scripts/packages build run test
	MEMFISD_CALL_SEEDS=40 MEMFISD_CONTENT_CALLS=1000000 MEMFISD_FIO_MIB=48 MEMFISD_STRESS_SECONDS=10 \
		MEMFISD_LARGE_FILE_MIB=4200 \
		swift test --filter 'CallComparisonTests|ContentComparisonTests|LoadProgramTests|SystemTests.LargeFileTests'

tsan-doors: ## both doors under the thread sanitizer: 8 threads with 20,000 operations each
	@scripts/packages build run test
	swift build --sanitize=thread --scratch-path .build/tsan --product memfisd $(PLAIN_ACCESSES)
	MEMFISD_PROGRAM=$(CURDIR)/.build/tsan/debug/memfisd MEMFISD_LOAD_OPERATIONS=20000 swift test --filter BothDoorsLoadTests

manual: ## write the options' part of the manual from their definitions
	MEMFISD_WRITE_MANUAL=1 swift test --filter ManualTests

bench: optimized ## measure beside memcached; SCENARIO=hits for one, bench.py says which there are
	@scripts/packages build bench
	Benchmarks/bench.py $(SCENARIO)

lint: ## check the sources' form
	@scripts/lint

format: ## bring the sources into form
	swift format format --in-place --parallel --recursive $(SOURCES)

clean: ## remove what was built
	rm -rf .build .build-* run dist
