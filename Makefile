# Everything a contributor runs. CONTRIBUTING.md says which to run when.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

TOOL := go tool -modfile=$(CURDIR)/tools/go.mod
TESTENV := .build/testenv
# -race also checks pointer arithmetic, which in SQLite's translated C finds
# nothing and takes two thirds of the time; races are detected there as well.
RACE := -race -gcflags='modernc.org/...=-d=checkptr=0'

# Overridable: make fuzz FUZZTIME=5m, make bench BENCH=Seal COUNT=10 OLD=before.txt
FUZZTIME ?= 30s
LONGFUZZTIME ?= 10m
# Time for which make kill goes on with each operation on each engine.
KILLTIME ?= 2m
# Time for each engine of make fuzz-sql; SEED starts elsewhere, TOTALS is a file
# in which runs add up, each starting where the one before ended.
FUZZSQLTIME ?= 20s
SEED ?= 1
TOTALS ?=
BENCH ?= .
COUNT ?= 1
OLD ?=
GORM_SRC ?=
# Packages whose tests take samples of statements and engines with -race
# (testenv.Sample): make test tests them without it as well, where they take all.
WHOLE := ./conformance/driver ./conformance/corpus ./driver/endtoend ./internal/killtest ./rewrite
# Packages and modules that talk to servers.
SERVERPACKAGES := ./driver/... ./conformance/... ./envelope/builtin ./internal/... ./rewrite/mysql ./rewrite/postgres ./examples/chinook
SERVERMODULES := examples/gorm examples/orm examples/observability
# Overridable: make test-next NEXTGO=go1.28rc1
NEXTGO ?= go1.27.1
# Overridable: make fips FIPSPACKAGES=./envelope
FIPSPACKAGES ?= ./...

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Built rather than run with `go run`, which would not pass SIGTERM on.
.PHONY: $(TESTENV)
$(TESTENV):
	@mkdir -p .build
	@CGO_ENABLED=0 go build -o $@ ./internal/testenv/cmd

.PHONY: test
test: $(TESTENV) ## run every test with -race on private PostgreSQL and MariaDB servers
	@echo "packages that take samples with -race, without it and whole:"
	@CGO_ENABLED=0 $(TESTENV) -- go test -count=1 -timeout 20m $(TESTFLAGS) $(WHOLE)
	@echo "everything, with -race:"
	@$(TESTENV) -- .ci/each-module go test $(RACE) -count=1 -timeout 30m $(TESTFLAGS) ./...

.PHONY: lint
lint: ## vet, staticcheck, gofumpt, go.mod files
	@.ci/each-module go vet ./...
	@.ci/each-module $(TOOL) staticcheck ./...
	@.ci/gofumpt
	@.ci/tidy

.PHONY: fmt
fmt: ## format with gofumpt
	@$(TOOL) gofumpt -w .

.PHONY: tidy
tidy: ## tidy the go.mod files
	@.ci/each-module go mod tidy
	@cd tools && go mod tidy

.PHONY: build-all
build-all: ## build without cgo for linux, darwin, windows on amd64, arm64
	@.ci/build-all

.PHONY: test-secret
test-secret: ## test key memory with the runtime erasing it (GOEXPERIMENT=runtimesecret)
	@GOEXPERIMENT=runtimesecret go test -count=1 -timeout 30m ./securemem ./keycache ./envelope

.PHONY: quickstart
quickstart: ## run the smallest program, on SQLite in a temporary file
	@CGO_ENABLED=0 go run ./examples/quickstart

.PHONY: bench
bench: $(TESTENV) ## run benchmarks (BENCH, COUNT); compare with OLD=file
	@mkdir -p .build
	@$(TESTENV) -- go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./... | tee .build/bench.txt
	@$(TOOL) benchstat $(OLD) .build/bench.txt
	@CGO_ENABLED=0 go run ./internal/benchdb -check

.PHONY: bench-db
bench-db: $(TESTENV) ## CPU time of client and server for a program's usual statements: plain, AES-GCM by hand, sealsql
	@CGO_ENABLED=0 go build -o .build/benchdb ./internal/benchdb
	@$(TESTENV) -- .build/benchdb -engine sqlite,postgres,mysql -gate

.PHONY: fips
fips: $(TESTENV) ## run tests in FIPS 140-3 mode (FIPSPACKAGES), those of keys and records also in the strict one
	@$(TESTENV) -- .ci/fips $(FIPSPACKAGES)

.PHONY: bench-fips
bench-fips: ## compare sealing and opening in FIPS 140-3 mode with their floors in the same mode
	@GODEBUG=fips140=on go test ./envelope -run '^$$' -bench '64(Strict)?(Floor)?$$' -benchmem -count 5

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME
	@.ci/fuzz $(FUZZTIME)

.PHONY: fuzz-sql
fuzz-sql: $(TESTENV) ## send generated statements to the plain and the encrypting driver, compare (FUZZSQLTIME, SEED, TOTALS)
	@$(TESTENV) -- go test -count=1 -timeout 24h -v -run Answer ./conformance/fuzzsql -for $(FUZZSQLTIME) -seed $(SEED) -totals '$(abspath $(TOTALS))' -commit "$$(git rev-parse --short HEAD)"

.PHONY: parse-check
parse-check: ## compare how PostgreSQL's own parser reads the corpus (needs a C compiler, takes minutes to compile)
	@cd internal/pgquerycheck && CGO_ENABLED=1 go test -count=1 ./...

# GORM_SRC is a checkout of go-gorm/gorm: its tests are no part of its module. Without it they are taken from Debian's package.
.PHONY: gorm-yardstick
gorm-yardstick: $(TESTENV) ## run GORM's own tests plainly and encrypted, compare (GORM_SRC, or Debian's package)
	@cd internal/gormyardstick && $(CURDIR)/$(TESTENV) -- go run . -root $(CURDIR) -src '$(abspath $(GORM_SRC))' $(if $(ENGINES),-engines $(ENGINES))

.PHONY: kms-check
kms-check: ## test key services on local-kms and on Vault's transit engine (downloads 600 modules once, takes minutes to compile)
	@cd kms/aws/localkms && go test -count=1 ./...
	@cd kms/vault/transit && go test -count=1 ./...

.PHONY: test-vitess
test-vitess: $(TESTENV) ## test behind vtgate, on a MariaDB of its own (downloads 270 modules once, takes ten minutes to compile)
	@cd internal/vitesscheck && CGO_ENABLED=0 go build -ldflags='-s -w' -o $(CURDIR)/.build/vtcombo vitess.io/vitess/go/cmd/vtcombo
	@cd internal/vitesscheck && TEST_MYSQL_DSN= TEST_MYSQL_DATADIR= TEST_VTCOMBO=$(CURDIR)/.build/vtcombo $(CURDIR)/$(TESTENV) -- go test -count=1 ./...

.PHONY: long
long: $(TESTENV) ## hours: tests with SEALSQL_LONG=1, then each fuzz target for LONGFUZZTIME
	@SEALSQL_LONG=1 $(TESTENV) -- .ci/each-module go test $(RACE) -count=1 -timeout 12h $(TESTFLAGS) ./...
	@$(MAKE) --no-print-directory test-newest
	@$(MAKE) --no-print-directory parse-check
	@$(MAKE) --no-print-directory kms-check
	@$(MAKE) --no-print-directory test-vitess
	@.ci/fuzz $(LONGFUZZTIME)

.PHONY: kill
kill: $(TESTENV) ## kill commands and writers at random moments (KILLTIME=10m for each operation on each engine), check what is left
	@SEALSQL_LONG=1 SEALSQL_KILLTEST_TIME=$(KILLTIME) CGO_ENABLED=0 $(TESTENV) -- go test -count=1 -timeout 12h -v ./internal/killtest

.PHONY: drivers-own-tests
drivers-own-tests: $(TESTENV) ## run the suites of pgx's stdlib, go-sql-driver/mysql and sqlx plainly and through the wrapper
	@$(TESTENV) -- go test -count=1 -timeout 1h -v -run TestSuitesOfOthers ./internal/ownsuites -suites

.PHONY: test-next
test-next: $(TESTENV) ## test the drivers with the next Go (NEXTGO), in which inner drivers scan columns themselves
	@GOTOOLCHAIN=$(NEXTGO) $(TESTENV) -- go test -count=1 -timeout 30m ./driver/... ./internal/logical/...

.PHONY: test-newest
test-newest: $(TESTENV) ## test on MySQL itself and the newest PostgreSQL (root on Debian installs both into .build, 1 GB)
	@CGO_ENABLED=0 $(TESTENV) -newest -- bash -c 'status=0; go test -count=1 -timeout 30m $(SERVERPACKAGES) || status=1; \
		for module in $(SERVERMODULES); do (cd $$module && go test -count=1 -timeout 30m ./...) || status=1; done; exit $$status'

.PHONY: fresh-check
fresh-check: ## clone the last commit into an empty Debian and run make test there (root)
	@.ci/fresh-check

.PHONY: clean
clean: ## remove what make built
	@rm -rf .build
