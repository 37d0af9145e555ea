# The menu. `make` alone prints it.

.DEFAULT_GOAL := menu
.PHONY: menu setup demo build test test-cluster check format documents proto simulate chaos fuzz fuzz-wire \
	reference reproduce bench-training bench-dispatch bench-join bench-recovery bench-files \
	bench-cluster bench-text profile clean

# What the build may import is what ARCHITECTURE.md says.
SWIFT_BUILD = swift build --explicit-target-dependency-import-check error

# Faults on real processes, for so many minutes. Not by `swift test`, which shows nothing until all is over.
CHAOS = MODERATO_CHAOS=$(or $(MINUTES),1) $(if $(SEED),MODERATO_SEED=$(SEED)) \
	.build/debug/ModeratoPackageTests.xctest --testing-library swift-testing --filter ChaosTests

menu:
	@echo 'make demo             set up, build, and run the default sweep'
	@echo 'make test             set up, and run all tests'
	@echo 'make test-cluster     only those with a real Slurm on this machine (root gets its packages)'
	@echo 'make setup            only the set-up: packages, libtorch, model, data'
	@echo 'make check            format, imports and tidiness, generated code'
	@echo 'make format           format all Swift'
	@echo 'make documents        write the tables of fields in the documents anew'
	@echo 'make proto            write the C of proto/moderato.proto anew'
	@echo 'make simulate SEEDS=1000   the scheduler under simulated faults; SEED=N replays one, in words'
	@echo 'make chaos MINUTES=1  real processes under faults, compared with none; SEED=N repeats the choice'
	@echo 'make fuzz INPUTS=1000000  as many changed files for each reader of data and models'
	@echo 'make fuzz-wire INPUTS=1000000   libFuzzer over what peers may send'
	@echo 'make reference        the figures of torch, transformers and peft that tests compare with'
	@echo 'make reproduce DATA=… the paper’s SST-2 files beside a reference: about 10 minutes a setting and core'
	@echo 'make bench-training   training steps per second beside Trainer + PEFT'
	@echo 'make profile          the share of a training step that is Swift’s and not libtorch’s'
	@echo 'make bench-dispatch   jobs per second beside HyperQueue, Dask and Ray; a million waiting runs'
	@echo 'make bench-join       seconds until a worker that joins gets work'
	@echo 'make bench-recovery   seconds until what broke is made good'
	@echo 'make bench-files      a model of 440 MB to four new workers while short runs flow'
	@echo 'make bench-text       a million rows in each format of sentences: seconds and memory'
	@echo 'make bench-cluster    200 workers that Slurm runs: time to join, jobs per second'
	@echo 'make clean            remove what was built (the set-up stays)'

setup:
	@cluster/setup

build: setup
	$(SWIFT_BUILD) -c release --product moderato-trainer
	$(SWIFT_BUILD) -c release --product moderato

demo: build
	.build/release/moderato run sweeps/movie-reviews.yaml --workers 2 --home .moderato/demo

# Exported models are loaded with transformers and PEFT, so their packages are needed too.
test: check
	@cluster/setup --reference --cluster
	$(SWIFT_BUILD) --build-tests
	Tests/side-by-side
	$(CHAOS)

# Not by `swift test`, which shows nothing until all is over.
test-cluster:
	@cluster/setup --cluster
	$(SWIFT_BUILD) --build-tests
	.build/debug/ModeratoPackageTests.xctest --testing-library swift-testing \
		--filter 'SlurmTests|ElasticTests'

check:
	swift format lint --strict --recursive Sources Tests Package.swift
	@if command -v protoc-c >/dev/null; then proto/generate --check; \
	else echo 'proto: skipped, protoc-c is not installed'; fi

format:
	swift format --in-place --recursive Sources Tests Package.swift

documents:
	$(SWIFT_BUILD) --build-tests
	MODERATO_WRITE=1 .build/debug/ModeratoPackageTests.xctest --testing-library swift-testing \
		--filter TableDocumentTests

proto:
	proto/generate

simulate:
	$(SWIFT_BUILD) -c release --product moderato-simulate
	.build/release/moderato-simulate $(if $(SEED),--seed $(SEED) --verbose,$(or $(SEEDS),1000))

chaos: setup
	$(SWIFT_BUILD) --build-tests
	$(CHAOS)

fuzz:
	MODERATO_FUZZ=$(or $(INPUTS),1000000) swift test --filter FuzzTests

bench-text:
	MODERATO_ROWS=$(or $(ROWS),1000000) swift test --filter TextSpeed

fuzz-wire:
	Tests/SweepWireFuzzer/run $(or $(INPUTS),1000000)

reference:
	cluster/setup --mpnet --reference
	Tests/SweepTrainingTests/Reference/make_all

reproduce: build
	@test -n '$(DATA)' || { echo 'make reproduce DATA=folder with clean/ and badnet-5/' >&2; exit 64; }
	Benchmarks/reproduce/run '$(DATA)' $(SETTINGS)

bench-training: build
	cluster/setup --reference
	Benchmarks/training/compare $(if $(DATA),'$(DATA)')

profile: build
	Benchmarks/training/profile

bench-dispatch: build
	$(SWIFT_BUILD) -c release --product moderato-bench
	Benchmarks/dispatch/measure

bench-join: build
	Benchmarks/join/measure

bench-files: build
	cluster/setup --mpnet
	Benchmarks/files/measure

bench-recovery: build
	Benchmarks/recovery/measure

bench-cluster: build
	@cluster/setup --cluster
	Benchmarks/cluster/measure

clean:
	rm -rf .build
