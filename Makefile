# `make demo` shows Vigie, `make check` is for while you work, `make test` checks
# everything; `make help` lists the rest.
SHELL = bash
LINT  = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BUILD = CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$$(scripts/linker-flags)" -o bin/vigie ./server
# Packages in which goroutines share memory.
RACE  = ./alert/... ./consumer/... ./database/... ./directory/... ./feed/... ./graph/... ./match/... ./search/... ./server/... ./service/... ./source/... ./store/... ./syndication/...
# Three packages at a time, for tests often wait; those that take longest begin first, so that the others run beside them.
# Vet runs by itself.
TEST  = go test -vet=off -p 3 -timeout 40m
FIRST = ./server ./alert ./graph
# Their tests that have a short form, or read real notices: race runs that form, without these; unit runs the whole.
LONG  = TestBuyersAsTyped|TestCallsDoNotGrow|TestDearestOperations|TestExportIsTheList|TestExportMemory|TestFeedsAgreeWithLists|TestFollowKills|TestImportEveryRealFile|TestImportEveryRealNoticeOfTED|TestImportMailsOnce|TestImportRealNotices|TestImportWatchesTwice|TestJudgedSearches|TestKeptDocuments|TestKills|TestOutage|TestRandomFaults|TestReplayDeliveriesInPages|TestSettingsWalks|TestWalks|TestYear

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: demo
demo: ## build Vigie and show it with sample notices; ARGS="--listen 127.0.0.1:9090" are passed on
	@scripts/fetch-playground || echo "Going on: the playground will load its files from a public CDN."
	@$(MAKE) --no-print-directory page || echo "Going on without the page."
	@$(BUILD)
	@exec bin/vigie demo $(ARGS)

.PHONY: build
build: playground page ## build bin/vigie, a static binary that holds all it serves
	$(BUILD)

.PHONY: image
image: ## build the container image, which says of what version and commit it is
	VIGIE_VERSION="$${VIGIE_VERSION:-$$(git describe --tags --always --dirty)}" VIGIE_REVISION="$${VIGIE_REVISION:-$$(git rev-parse HEAD)}" docker compose build

# Two at a time, for tests often wait.
.PHONY: check
check: ## the inner loop: build, format, vet, lint and quick tests, on SQLite and Bleve
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target quick format vet lint

.PHONY: quick
quick:
	env -u VIGIE_TEST_POSTGRES_URL -u VIGIE_TEST_ALL -u VIGIE_TEST_DATA $(TEST) -p 4 -short -parallel 8 $(FIRST) ./...

.PHONY: test
test: ## install what the tests need and run every check
	scripts/install-test-tools
	VIGIE_TEST_ALL=1 scripts/with-postgres $(MAKE) --no-print-directory checks

# What takes seconds comes first, one after the other, for `generated` writes; then what takes minutes, two beside each
# other, for browsers and servers often wait. One that fails does not keep the others from running.
.PHONY: checks
checks:
	@status=0; \
	$(MAKE) --no-print-directory --keep-going build format tidy generated vet lint manifests workflows release-files vulnerabilities || status=$$?; \
	$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target race clients browser unit fuzz || status=$$?; \
	exit $$status

.PHONY: clients
clients: build ## have clients from npm use the server
	scripts/install-packages clients
	cd clients && node --test --test-timeout=120000

.PHONY: browser
browser: build ## use the page in a browser
	cd web && npm run --silent check && npm test --silent

.PHONY: format
format:
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "Not formatted (gofmt -w): $$unformatted"; exit 1; fi

.PHONY: tidy
tidy:
	go mod tidy -diff

# Compares before and after, so that a checkout with changes passes too.
.PHONY: generated
generated:
	@before=$$(cat graph/gql/* | cksum); $(MAKE) --no-print-directory generate; \
	if [ "$$before" != "$$(cat graph/gql/* | cksum)" ]; then echo "graph/gql was not what schema.graphqls and gqlgen.yml give; it is now"; exit 1; fi

.PHONY: vet
vet:
	go vet ./...

.PHONY: lint
lint: ## look for likely mistakes
	$(LINT) run

# By itself, for it measures what others see.
.PHONY: attack
attack: ## attack a server, and measure what it costs it and others, on a machine that does nothing else
	VIGIE_TEST_ATTACKS=1 scripts/with-postgres go test -timeout 40m -count=1 ./attack

# Its own target, for it takes a quarter of an hour.
.PHONY: drill
drill: ## cut and slow each dependency of a server under load, and print what users, alerts and log said, for docs/runbook.md; DRILL=search,mail names some
	scripts/install-test-tools
	VIGIE_TEST_DRILL=$(or $(DRILL),all) VIGIE_TEST_ALL=1 scripts/with-postgres go test -timeout 60m -count=1 -v -run '^TestDrill$$' ./server

# What race does not run, or only in part.
.PHONY: unit
unit:
	$(TEST) $$(go list ./... | grep -vxF "$$(go list $(RACE))")
	$(TEST) -run '^($(LONG))$$' $(FIRST) ./search/nodes ./service ./syndication

# SQLite is C translated to Go, which the detector makes ten times as slow: its memory is not watched, ours is. The driver's
# Go is: a program has one copy of a generic type's methods, such as those of sync.Map, and the driver's must be a watched one.
# Collecting garbage less often than Go does saves a quarter of the time.
UNWATCHED = -gcflags='modernc.org/sqlite/lib=-race=false' -gcflags='modernc.org/libc/...=-race=false'
.PHONY: race
race:
	env -u VIGIE_TEST_DATA GOGC=400 $(TEST) -race $(UNWATCHED) -short -parallel 4 $(FIRST) $(RACE)

.PHONY: fuzz
fuzz: ## try each fuzz target for two seconds
	scripts/fuzz 2s

.PHONY: manifests
manifests: ## check the manifests of deploy/kubernetes by the types of Kubernetes' API
	cd deploy/kubernetes && go vet ./... && go test ./...

.PHONY: workflows
workflows: ## check the workflows of .github
	go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

.PHONY: release-files
release-files: build
	scripts/check-release

.PHONY: release
release: build ## make the files of the release VERSION=v1.2.3 in build/release
	scripts/release $(VERSION)

.PHONY: vulnerabilities
vulnerabilities: ## look for known vulnerabilities in what the binary calls
	scripts/check-vulnerabilities

.PHONY: generate
generate: ## generate graph/gql from schema.graphqls, and .env.example from the settings
	go tool gqlgen generate
	go run -buildvcs=false ./server settings > .env.example.new && mv .env.example.new .env.example

.PHONY: bench
bench: ## run the benchmarks; measure the matcher, the alerts, webhooks and imports; kill a server 1,000 times on each database; attack one
	scripts/install-test-tools wrk
	scripts/with-postgres $(MAKE) --no-print-directory benchmarks

.PHONY: benchmarks
benchmarks: build
	go test -run '^$$' -bench . -benchmem ./...
	scripts/fuzz 60s
	VIGIE_TEST_PAIRS=10000000 go test ./match -run TestAgainstOracle -v -count=1
	go run ./bench match --postgres "$$VIGIE_TEST_POSTGRES_URL"
	go run ./bench alert
	go run ./bench alert --postgres "$$VIGIE_TEST_POSTGRES_URL"
	go run ./bench hooks
	go run ./bench hooks --postgres "$$VIGIE_TEST_POSTGRES_URL"
	go run ./bench import --index
	go run ./bench import --postgres "$$VIGIE_TEST_POSTGRES_URL"
	go run ./bench scale --tenders 10000,100000 --watches 10000,100000
	go run ./bench replicas
	go run ./bench/load --duration 3m --postgraphile
	VIGIE_TEST_TENDERS=100000 go test ./service -run '^$$' -bench Judged -benchtime 500x -timeout 120m
	VIGIE_TEST_TENDERS=100000 go test ./graph -run TestDearestOperations -v -count=1 -timeout 120m
	VIGIE_TEST_SEED=$$RANDOM VIGIE_TEST_WALKS=1000000 go test ./alert -run TestWalks -v -count=1 -timeout 24h
	VIGIE_TEST_OUTAGE=12000 go test ./alert -run TestOutage -v -count=1 -timeout 60m
	VIGIE_TEST_DAYS=365 VIGIE_TEST_NOTICES=330 go test ./server -run TestYear -v -count=1 -timeout 24h
	VIGIE_TEST_WATCHES=100000 go test ./server -run TestImportWatchesTwice -v -count=1 -timeout 30m
	VIGIE_TEST_EXPORTED=100000 go test ./server -run TestExportMemory -v -count=1 -timeout 30m
	VIGIE_TEST_KILLS=1000 go test ./server -run TestKills -v -count=1 -timeout 60m
	VIGIE_TEST_FOLLOW_KILLS=200 go test ./server -run TestFollowKills -v -count=1 -timeout 60m
	$(MAKE) --no-print-directory attack-long

.PHONY: attack-long
attack-long: ## attack a server with mutated attacks, for ATTACK=10m on each database
	VIGIE_TEST_ATTACKS=1 VIGIE_TEST_TENDERS=20000 go test ./attack -run TestAttacks -v -count=1 -timeout 60m
	VIGIE_TEST_ATTACKS=1 VIGIE_TEST_SEED=$$RANDOM VIGIE_TEST_TIMES=5000 VIGIE_TEST_ATTACK=$(or $(ATTACK),10m) VIGIE_TEST_TENDERS=20000 go test ./attack -run 'TestMutations|TestTiming' -v -count=1 -timeout 24h

.PHONY: playground
playground: ## fetch the playground's files, for the server to serve them itself
	@scripts/fetch-playground

.PHONY: page
page: ## build the page, for the server to serve it
	@scripts/build-page

.PHONY: picture
picture: build ## take the README's picture of the page again
	cd web && node tools/picture.js

.PHONY: page-speed
page-speed: build ## measure the page in a browser
	cd web && node tools/measure.js
