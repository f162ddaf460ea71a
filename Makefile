# Perennial: `make up`, then `make demo` in a second terminal. `make help` lists the rest.

LISTEN    ?= 127.0.0.1:3000
STATE_DIR ?= .perennial

CARGO    := cargo
TARGET   := wasm32-wasip2
GUESTS   := -p task-api -p recurrence-scheduler -p notifier -p live -p audit -p mcp
PROBE    := -p perennial-probe
MCP      := -p perennial-mcp-fixture
ENGINE   := -p recurrence
HOSTED   := perennial-host perennial-traps perennial-create-cost
DENY     := 0.20.2

# One native profile for everything that runs, so that what is shared is compiled once.
NATIVE   := --locked --release
BENCH    := $(CARGO) run $(NATIVE) --quiet -p perennial-benches --bin
SCHEMA   := --features perennial-api/schema,perennial-tools/schema
# All tests but the host's choose from the same packages, so that what they share is compiled with the same features, and once.
TESTED   := $(CARGO) test $(NATIVE) --no-fail-fast --workspace --exclude perennial-probe --exclude perennial-mcp-fixture $(HOSTED:%=--exclude %) $(SCHEMA)
HOST     := $(CARGO) test $(NATIVE) $(HOSTED:%=-p %)
UNIT     := $(TESTED) --exclude perennial-tests --exclude perennial-cloud --exclude perennial-faults
# Tests that wait more than they compute: four at a time, whatever the processors; and those of which one needs the machine.
WAITING  := contract drill end-to-end manifest wrong-input
ALONE    := fairness kill live
# The programs of tests that work with a store.
STORED   := store contract first_look lanes relay replay audit door follow listen tell liveness promises late scheduler requests jwt tools
WASM     := --locked --profile guest --target $(TARGET)

.DEFAULT_GOAL := help
.PHONY: chaos upgrade cloud up-cloud test-mcp test-cloud chaos-cloud fairness engine-example differential bench bench-recurrence bench-service bench-postgres bench-alarms bench-fairness bench-lists bench-clients bench-events bench-mcp zones help up demo build guests host \
        test charts test-charts rotation test-k8s k8s-tools test-unit test-postgres test-component test-e2e test-faults test-observability k8s-platform traps contract live-soak drill check format lint migrations deny deny-tool mutants redis postgres toolchain

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 22
	@echo 'LISTEN=$(LISTEN) STATE_DIR=$(STATE_DIR) can be set, as in: make up LISTEN=127.0.0.1:4000'

## Running it

up: build ## build and start the service
	@exec target/release/perennial up -f spin.toml --listen $(LISTEN) --state-dir $(STATE_DIR) \
	    --variable 'webhook_http_origin=http://127.0.0.1:*'

demo: host ## tell the story of a task, against the service that `make up` started
	@target/release/perennial-demo --address http://$(LISTEN) --token-file $(STATE_DIR)/token \
	    --tasks examples/household.json $(DEMO_ARGS)

## Building it

build: guests host ## the components, and the native binaries

guests: toolchain
	@$(CARGO) build $(WASM) $(GUESTS)

host: toolchain
	@$(CARGO) build $(NATIVE) -p perennial-host -p perennial-demo --bins

toolchain:
	@command -v rustup >/dev/null || { echo 'rustup is needed: https://rustup.rs' >&2; exit 1; }
	@rustup which cargo >/dev/null 2>&1 || rustup toolchain install --no-self-update # rust-toolchain.toml names it
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET)

## Testing it

test: test-unit test-postgres test-component test-e2e test-faults ## every tier of tests
	@echo '==> all tiers passed: unit, PostgreSQL, component, end to end, faults'

test-unit: toolchain ## rules, domain, store: native code alone
	@echo '==> unit tests'
	@tests/tools/postgres >/dev/null || { test -z "$$CI" && echo 'no PostgreSQL: its tests will be skipped'; }
	@$(UNIT)

test-postgres: toolchain ## the tests that work with a store once more, on PostgreSQL; ALIKE_SEEDS=3, ALIKE_STEPS=, ALIKE_SEED=
	@echo '==> PostgreSQL tests'
	@if tests/tools/postgres >/dev/null; then PERENNIAL_TEST_STORE=postgres $(UNIT) $(STORED:%=--test %); \
	    else test -z "$$CI" && echo 'no PostgreSQL: they are skipped'; fi

test-component: guests ## the Wasm components on the embedded host
	@echo '==> component tests'
	@$(CARGO) build $(WASM) $(PROBE)
	@$(HOST) --no-fail-fast -- --test-threads=4

traps: guests ## guests trapped and requests cut at every call on PostgreSQL while others ask, at length; TRAPS=1000 SEED=
	@tests/tools/postgres >/dev/null
	@TRAPS=$(or $(TRAPS),1000) SEED=$(SEED) $(HOST) --test traps -- --nocapture others::
	@PERENNIAL_TEST_STORE=postgres $(HOST) --test traps -- writes:: handlers::

test-e2e: build ## the real binary, real HTTP, a real Redis, kill -9
	@echo '==> end-to-end tests'
	@tests/tools/redis || { test -z "$$CI" && echo 'no redis-server: its tests will be skipped'; }
	@tests/tools/contract install || { test -z "$$CI" && echo 'no schemathesis: the contract is not tested'; }
	@$(TESTED) $(WAITING:%=--test %) -- --nocapture --test-threads=4; waiting=$$?; \
	    $(TESTED) $(ALONE:%=--test %) -- --nocapture && exit $$waiting

test-faults: build ## replicas on one PostgreSQL while everything fails, in short; SEED=
	@echo '==> faults'
	@tests/tools/postgres >/dev/null || { test -z "$$CI" && echo 'no PostgreSQL: nothing fails on it'; }
	@$(TESTED) --test faults -- --nocapture

chaos: build ## the same at length; REPLICAS=4 FAULTS=200 WRITES=100000 SEED=
	@REPLICAS=$(or $(REPLICAS),4) FAULTS=$(or $(FAULTS),200) WRITES=$(or $(WRITES),100000) $(TESTED) --test faults -- --nocapture

upgrade: build ## the build of FROM=rev, then this one or that of TO=rev, on one PostgreSQL while users write, and back; WRITES=8000 ROWS=1000000 SEED=
	@tests/tools/postgres >/dev/null
	@from=$$(tests/tools/build $(FROM)) && to=$(if $(TO),$$(tests/tools/build $(TO))) && \
	    FROM=$$from TO=$$to $(TESTED) --test faults -- --ignored --nocapture

contract: build ## the service against its own description, at length; CASES=1000 an operation, SEED=
	@CI=1 CASES=$(or $(CASES),1000) SEED=$(or $(SEED),$$(date +%s)) $(TESTED) --test contract -- --nocapture

live-soak: build ## a thousand streams taken up again under writes of two users and kills; LIVE_RECONNECTS=1000 LIVE_KILLS=7 SEED=
	@LIVE_RECONNECTS=$(or $(LIVE_RECONNECTS),1000) LIVE_KILLS=$(or $(LIVE_KILLS),7) $(TESTED) --test live -- --nocapture

test-mcp: build ## the official conformance suite and clients of the Model Context Protocol against the fixture and against /mcp (Node, npm, Python)
	@echo '==> Model Context Protocol'
	@$(CARGO) build $(WASM) $(MCP)
	@if tests/tools/mcp install; then tests/tools/mcp conformance && tests/tools/mcp clients; \
	    else test -z "$$CI" && echo 'no npm or Python: /mcp is not tested'; fi

drill: build ## backup and restore of both stores under load: what is lost, how long it takes; DRILL_WRITES=2000 DRILL_ARCHIVE_TIMEOUT=10
	@DRILL_WRITES=$(or $(DRILL_WRITES),2000) DRILL_ARCHIVE_TIMEOUT=$(or $(DRILL_ARCHIVE_TIMEOUT),10) $(TESTED) --test drill -- --nocapture --test-threads=1

redis: ## find a redis-server, or unpack Debian's into .cache/redis
	@tests/tools/redis

postgres: ## find a PostgreSQL (15 or later), or install Debian's, or unpack it into .cache/postgres
	@tests/tools/postgres

cloud: ## get Kafka, Dapr (Maven, Go) and a Redis into .cache, which the next two need: ten minutes, once
	@tests/tools/cloud/install
	@tests/tools/redis >/dev/null || { test -z "$$CI" && echo 'no redis-server: the state store is not tested'; }
	@tests/tools/postgres >/dev/null || { test -z "$$CI" && echo 'no PostgreSQL: no secret is rotated'; }

up-cloud: build cloud ## start Kafka, Dapr and each handler by itself, as in the cloud, until Ctrl-C
	@exec $(CARGO) run $(NATIVE) --quiet -p perennial-cloud --bin up-cloud

test-cloud: build cloud ## the service over a real Kafka and Dapr
	@echo '==> cloud tests'
	@$(TESTED) --test cloud -- --nocapture --test-threads=1

rotation: build cloud ## secrets are rotated under load as an upgrade does it, and no request fails: a minute, on a machine with little else to do
	@$(TESTED) --test cloud -- --ignored --nocapture rotation

chaos-cloud: build cloud ## events twice and out of order, poisoned, and every process killed; CHANGES=600, USERS=12, RATE=, KILLS=, SEED=
	@$(TESTED) --test cloud -- --ignored --nocapture --test-threads=1 exact

# The tests of the charts that need an API server.
CLUSTER := ^Test(ARealAPIServer|WhatAnOlderSpinKube|Journey)

charts: ## get what the next one needs into .cache: helm, promtool, actionlint and the tests themselves (Go): minutes, once
	@tests/tools/k8s/install helm charts && tests/tools/observability/install rules actionlint

test-charts: build charts ## of the next two what needs neither a cluster nor a server: charts rendered and held against the rules, alerts, queries, pipelines
	@echo '==> charts, without a cluster'
	@cd tests/k8s && ../../.cache/k8s/bin/charts.test -test.skip '$(CLUSTER)' -test.v
	@CI="$$CI" tests/observability/run short

test-observability: build ## alerts, dashboards, the collector, the rollback, pipelines and the Azure files, each on what it is made for; needs Go, Python and a helm (`make k8s-tools` brings one); five minutes, and more the first time; TESTS=names
	@echo '==> observability tests'
	@tests/tools/observability/install && CI="$$CI" tests/observability/run $(TESTS)

k8s-platform: ## put what Perennial needs into the cluster that kubectl speaks to (k8s/spinkube/platform/versions); DRY_RUN=1
	@DRY_RUN="$(DRY_RUN)" k8s/spinkube/platform/install

fairness: build ## one user's backlogs in full size, and how late another's work is then
	@FAIRNESS_SCALE=1 $(TESTED) --test fairness -- --nocapture --test-threads=1

k8s-tools: ## get helm, etcd, the control plane of Kubernetes, the SpinKube operator, kwok and the definitions of custom resources into .cache (Go, Java, Maven, Debian's etcd): fifteen minutes, once
	@tests/tools/k8s/install

test-k8s: ## the charts: rendered, held against the rules, applied to a real API server, and taken from install to rollback on a control plane with the SpinKube operator; needs Go and `make k8s-tools`, which it calls; ten minutes and more, twenty on a busy machine; SPINKUBE_CRDS=dir
	@echo '==> charts'
	@if command -v go >/dev/null; then tests/tools/k8s/install || test -z "$$CI"; cd tests/k8s && go test -trimpath -count=1 -timeout 45m -v .; \
	    else test -z "$$CI" && echo 'no go: the charts are not tested'; fi

mutants: toolchain ## take away the guard of each invariant and see a test fail; SINCE=REV, MINUTES=
	@SINCE="$(SINCE)" MINUTES="$(MINUTES)" tests/mutants/run

engine-example: toolchain ## call the recurrence engine's component from JavaScript (Node, npm)
	@cd components/recurrence/examples/javascript && npm install --no-audit --no-fund --silent && npm run --silent build && npm start --silent

differential: toolchain ## the recurrence engine beside one of another family (Node, npm); CASES=20000, SEED=1
	@cd crates/recurrence/tests/differential && npm ci --no-audit --no-fund --silent
	@$(TESTED) --test differential -- --ignored --nocapture

bench: bench-recurrence bench-service bench-mcp ## what the recurrence engine and the service can do, each beside others, as ratios of one run

bench-recurrence: toolchain ## the recurrence engine beside dateutil, rrule.js and libical (Debian: libical-dev)
	@$(CARGO) rustc $(WASM) -p perennial-recurrence --example bench-wasm -- -C link-arg=--skip-wit-component
	@python3 -m venv .cache/bench && .cache/bench/bin/pip install -q python-dateutil==2.9.0.post0 wasmtime==50.0.1
	@cd crates/recurrence/benches/compare && npm ci --no-audit --no-fund --silent
	@.cache/bench/bin/python crates/recurrence/benches/compare/run.py target/$(TARGET)/guest/examples/bench_wasm.wasm

bench-service: build ## answers a second beside the bare disk and the host alone, what a create costs; ROUNDS=7, SECONDS=1, CLIENTS=16, SYNC_US=0, ONLY= (docs/benchmarks.md)
	@$(if $(SYNC_US),mkdir -p target/benches && cc -shared -fPIC -O2 -o target/benches/slow-sync.so benches/slow-sync.c -ldl)
	@$(CARGO) build $(NATIVE) --quiet -p perennial-benches
	@$(if $(SYNC_US),SYNC_US=$(SYNC_US) LD_PRELOAD=$(CURDIR)/target/benches/slow-sync.so) target/release/bench-service
	@$(CARGO) run $(NATIVE) --quiet -p perennial-create-cost

bench-postgres: build ## on PostgreSQL: creates beside pgbench, and lists among a million tasks; CLIENTS=32, OTHERS=, ROUNDS=7, SECONDS=2
	@tests/tools/postgres >/dev/null
	@$(BENCH) bench-postgres

bench-alarms: build ## a million armed alarms, ten thousand of them due in one second; ALARMS=, DUE=, STORE=postgres REPLICAS=4
	@$(BENCH) bench-alarms

bench-fairness: build ## how late one user's work is behind a million due alarms of another; BACKLOG=, PROBES=20
	@$(BENCH) bench-fairness

bench-lists: build ## a page of each list at 1,000 and at 100,000 tasks, and beside a million of others; MANY=, OTHERS=, ROUNDS=41
	@$(BENCH) bench-lists

bench-clients: build ## a thousand clients at once, one write to four reads; CLIENTS=, SECONDS=10, PAUSE=0
	@$(BENCH) bench-clients

bench-mcp: build ## an answer of /mcp beside one of the API, each the first of its guest; ROUNDS=200
	@$(BENCH) bench-mcp

bench-events: build ## from a completion to what follows it, over each bus that `make redis` and `make cloud` brought; SECONDS=10, IN_FLIGHT=, EVENTS=
	@$(BENCH) bench-events

zones: toolchain ## check the built-in zone data against an unpacked tzdata package: TZDATA=dir
	@$(CARGO) run $(NATIVE) -p perennial-recurrence --example check-zones -- $(TZDATA)

## Checking it

check: format lint migrations deny ## format, lints, what migrations may not do, licences and advisories

format: toolchain
	@$(CARGO) fmt --all --check

# In a folder of its own: neither waits for the other where it runs beside a build.
LINT := $(CARGO) clippy --target-dir target/lint

lint: toolchain
	@$(LINT) $(NATIVE) --workspace --all-targets --exclude perennial-probe --exclude perennial-mcp-fixture $(SCHEMA) -- -D warnings
	@$(LINT) $(WASM) $(GUESTS) $(PROBE) $(MCP) $(ENGINE) -- -D warnings

migrations: toolchain
	@$(CARGO) test $(NATIVE) --quiet -p perennial-store --features native --lib migrate::rules

deny: deny-tool
	@tests/tools/deny

deny-tool:
	@cargo deny --version >/dev/null 2>&1 || $(CARGO) install --locked --debug --version $(DENY) cargo-deny # which looks for seconds, and would be optimised for minutes
