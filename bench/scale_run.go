package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"vigie"
	"vigie/bench/corpus"
	"vigie/bench/live"
	"vigie/ledger"
	"vigie/store"
)

// scaleRun measures one pair of stores with so many tenders. Its data stay in its folder until all of it is measured.
type scaleRun struct {
	*scaleCommand
	words   *corpus.Corpus
	pair    string
	tenders int
	dir     string

	base     *scaleResult // what was measured without watches
	database string       // its URL
	admin    *pgx.Conn    // of PostgreSQL, else nil
	engines  []int        // the processes beside the server
	store    *store.Store
	meili    *live.Meilisearch
}

// do measures what is not there yet.
func (r *scaleRun) do(ctx context.Context) (err error) {
	missing, err := r.missing()
	if err != nil || len(missing) == 0 {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(ctx); err != nil {
		return err
	}
	steps := []struct {
		figure string
		do     func(context.Context) error
	}{{importRate, r.importTenders}, {rebuild, r.buildIndex}, {listP50, r.askAll}}
	for _, step := range steps {
		if r.base.has(step.figure) {
			continue
		}
		if err := step.do(ctx); err != nil {
			return err
		}
		if err := r.save(r.base); err != nil {
			return err
		}
	}
	for _, result := range missing {
		if err := r.withWatches(ctx, result); err != nil {
			return err
		}
		if err := r.save(result); err != nil {
			return err
		}
	}
	return r.drop(ctx)
}

// missing are the results with watches that are not there yet.
func (r *scaleRun) missing() (missing []*scaleResult, err error) {
	if r.base, err = r.result(r.pair, r.tenders, 0); err != nil {
		return nil, err
	}
	for _, watches := range r.Watches {
		result, err := r.result(r.pair, r.tenders, watches)
		if err != nil {
			return nil, err
		}
		if !result.has(mailP95) {
			missing = append(missing, result)
		}
	}
	return missing, nil
}

// open opens the stores. If they do not hold what was measured, all is measured again.
func (r *scaleRun) open(ctx context.Context) error {
	there, err := r.locate(ctx)
	if err != nil {
		return err
	}
	if !there || !r.base.has(importRate) {
		r.base.Figures = make(map[string]float64)
		if err := errors.Join(r.drop(ctx), r.create(ctx)); err != nil {
			return err
		}
	}
	if _, err := os.Stat(r.index()); err != nil || !r.base.has(rebuild) {
		delete(r.base.Figures, rebuild)
		if err := os.RemoveAll(r.index()); err != nil {
			return err
		}
	}
	if r.pair == production {
		if r.meili, err = live.StartMeilisearch(ctx, r.Meilisearch, r.index()); err != nil {
			return err
		}
		r.engines = append(r.engines, r.meili.PID)
	}
	r.store, err = store.Open(ctx, r.database, time.Now)
	return err
}

// index is the folder of the index.
func (r *scaleRun) index() string { return filepath.Join(r.dir, "index") }

// locate finds out where the database is, and whether it is there.
func (r *scaleRun) locate(ctx context.Context) (there bool, err error) {
	if r.pair == embedded {
		file := filepath.Join(r.dir, "vigie.db")
		r.database = "sqlite:" + file
		_, err := os.Stat(file)
		return err == nil, nil
	}
	if r.admin, err = pgx.Connect(ctx, r.Postgres); err != nil {
		return false, err
	}
	r.engines = append(r.engines, live.Parent(int(r.admin.PgConn().PID())))
	u, err := url.Parse(r.Postgres)
	if err != nil {
		return false, err
	}
	u.Path = "/" + r.name()
	r.database = u.String()
	err = r.admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", r.name()).Scan(&there)
	return there, err
}

// name is the name of the database in PostgreSQL.
func (r *scaleRun) name() string { return fmt.Sprint("vigie_scale_", r.tenders) }

// create makes an empty database.
func (r *scaleRun) create(ctx context.Context) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	if r.admin != nil {
		if _, err := r.admin.Exec(ctx, "CREATE DATABASE "+r.name()); err != nil {
			return err
		}
	}
	return store.Migrate(ctx, r.database)
}

// drop removes all data.
func (r *scaleRun) drop(ctx context.Context) error {
	var errs []error
	if r.store != nil {
		errs, r.store = append(errs, r.store.Close()), nil
	}
	if r.admin != nil {
		_, err := r.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+r.name()+" WITH (FORCE)")
		errs = append(errs, err)
	}
	if r.meili != nil {
		errs, r.meili = append(errs, r.meili.Stop()), nil
	}
	return errors.Join(append(errs, os.RemoveAll(r.dir))...)
}

// close ends what runs, and leaves the data.
func (r *scaleRun) close() error {
	var errs []error
	if r.store != nil {
		errs = append(errs, r.store.Close())
	}
	if r.meili != nil {
		errs = append(errs, r.meili.Stop())
	}
	if r.admin != nil {
		errs = append(errs, r.admin.Close(context.Background()))
	}
	return errors.Join(errs...)
}

// importTenders imports the tenders.
func (r *scaleRun) importTenders(ctx context.Context) error {
	next, stop := iter.Pull(r.words.Calls(r.tenders, scaleSeed, time.Now()))
	defer stop()
	before := r.used()
	stage, err := importStage(ctx, r.store, next, r.tenders)
	if err != nil {
		return err
	}
	cpu := stage.CPUMicros/1e6 + (r.used()-before).Seconds()/float64(r.tenders)
	if err := signUp(ctx, r.store, r.Recipients, scaleWord); err != nil {
		return err
	}
	r.base.Figures[recipients], r.base.Figures[importCPU] = float64(r.Recipients), cpu
	r.base.Figures[importRate] = stage.PerSecond
	return nil
}

// used is the processor time of the processes beside the server.
func (r *scaleRun) used() (total time.Duration) {
	for _, pid := range r.engines {
		total += live.CPU(pid)
	}
	return total
}

// start starts the server, with further settings.
func (r *scaleRun) start(ctx context.Context, settings ...string) (*live.Server, error) {
	settings = append(settings, "VIGIE_DATABASE_URL="+r.database, "VIGIE_DATA="+r.dir)
	if r.meili == nil {
		settings = append(settings, "VIGIE_SEARCH_URL=bleve:"+r.index())
	} else {
		settings = append(settings, "VIGIE_SEARCH_URL="+r.meili.URL, "VIGIE_SEARCH_KEY="+r.meili.Key)
	}
	return live.Start(ctx, r.Binary, settings...)
}

// buildIndex has a server build the index.
func (r *scaleRun) buildIndex(ctx context.Context) error {
	start, before := time.Now(), r.used()
	server, err := r.start(ctx)
	if err != nil {
		return err
	}
	if err := server.Ready(ctx); err != nil {
		return errors.Join(err, server.Stop())
	}
	r.base.Figures[rebuildCPU] = (r.used() - before + live.CPU(server.PID)).Seconds()
	took := time.Since(start).Seconds()
	if err := server.Stop(); err != nil {
		return err
	}
	if err := r.readNotices(ctx); err != nil {
		return err
	}
	r.base.Figures[rebuild] = took
	return nil
}

// readNotices has a server pass what was imported, which mails nobody, as one has that has been running.
func (r *scaleRun) readNotices(ctx context.Context) error {
	nobody := &sink{accepted: make(map[string]time.Time), all: make(chan struct{}), want: 1}
	server, stop, err := r.startWithMail(ctx, nobody)
	if err != nil {
		return err
	}
	defer stop()
	return errors.Join(server.CaughtUp(ctx), server.Stop())
}

// startWithMail starts a server that sends mails to a sink.
func (r *scaleRun) startWithMail(ctx context.Context, people *sink) (server *live.Server, stop func(), err error) {
	address, stop, err := people.listen(ctx)
	if err != nil {
		return nil, nil, err
	}
	// The same people are mailed for each number of watches, so their mails must not wait for the spacing of the last ones.
	server, err = r.start(ctx, fmt.Sprintf("VIGIE_MAIL_URL=smtp://%s?tls=none&connections=4", address), "VIGIE_MAIL_SPACING=1s",
		"VIGIE_MAIL_FROM=veille@vigie.example", "VIGIE_PUBLIC_URL=https://vigie.example")
	if err != nil {
		stop()
		return nil, nil, err
	}
	return server, stop, nil
}

// withWatches measures with so many watches.
func (r *scaleRun) withWatches(ctx context.Context, result *scaleResult) (err error) {
	if err := r.importWatches(ctx, result); err != nil {
		return err
	}
	people := &sink{accepted: make(map[string]time.Time), all: make(chan struct{}), want: int(r.base.Figures[recipients])}
	start := time.Now()
	server, stop, err := r.startWithMail(ctx, people)
	if err != nil {
		return err
	}
	defer stop()
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := server.Ready(ctx); err != nil {
		return err
	}
	result.Figures[starting] = time.Since(start).Seconds()
	if err := server.CaughtUp(ctx); err != nil {
		return err
	}
	result.Figures[startingCPU] = live.CPU(server.PID).Seconds()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(r.Rest):
	}
	result.Figures[memory] = float64(live.Memory(server.PID))
	if r.meili != nil {
		result.Figures[memoryEngine] = float64(live.Memory(r.meili.PID))
	}
	if err := r.alert(ctx, result, server, people); err != nil {
		return err
	}
	return r.measureDisk(ctx, result)
}

// scaleWord is what the recipients look for, and nobody else.
const scaleWord = "xylophonie"

// alert publishes a tender, and measures how long its recipients wait for their mails.
func (r *scaleRun) alert(ctx context.Context, result *scaleResult, server *live.Server, people *sink) error {
	publisher, err := live.Token("publisher@example.org", map[string]any{"scope": "publish", "sources": []string{corpus.CallsSource}})
	if err != nil {
		return err
	}
	before := r.used() + live.CPU(server.PID)
	published := time.Now()
	var answer struct {
		PublishNotices struct {
			Results []struct{ Outcome string }
		}
	}
	err = server.Ask(ctx, publisher, publishQuery, map[string]any{
		"source": corpus.CallsSource, "ref": fmt.Sprint("alert-", published.UnixNano()), "title": "Salle de " + scaleWord, "at": published.UTC().Format(time.RFC3339),
		"deadline": published.UTC().Add(30 * 24 * time.Hour).Format(time.RFC3339),
	}, &answer)
	if err != nil {
		return err
	}
	if results := answer.PublishNotices.Results; len(results) != 1 || results[0].Outcome != string(store.Created) {
		return fmt.Errorf("the tender was not published: %v", results)
	}
	select {
	case <-people.all:
	case <-ctx.Done():
		return ctx.Err()
	}
	times := people.times()
	result.Figures[mailP50], result.Figures[mailP95], _ = delays(published, times)
	result.Figures[mailCPU] = (r.used() + live.CPU(server.PID) - before).Seconds() / float64(len(times))
	return nil
}

const publishQuery = `mutation ($source: String!, $ref: String!, $title: String!, $at: DateTime!, $deadline: DateTime!) {
	publishNotices(input: [{ source: $source, sourceRef: $ref, title: $title, buyerName: "Commune d'Exemple", departmentCodes: ["01"], publishedAt: $at, deadline: $deadline }]) { results { outcome } }
}`

// measureDisk measures how much of the disk the stores take.
func (r *scaleRun) measureDisk(ctx context.Context, result *scaleResult) error {
	index, err := live.Disk(r.index())
	if err != nil {
		return err
	}
	result.Figures[diskIndex] = float64(index)
	if r.admin != nil {
		var size int64
		err = r.admin.QueryRow(ctx, "SELECT pg_database_size($1)", r.name()).Scan(&size)
		result.Figures[diskDatabase] = float64(size)
		return err
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		size, err := live.Disk(filepath.Join(r.dir, "vigie.db"+end))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		result.Figures[diskDatabase] += float64(size)
	}
	return nil
}

// importWatches adds watches until there are as many as are to be, three of each person, and mailed to them each day.
func (r *scaleRun) importWatches(ctx context.Context, result *scaleResult) error {
	var there int
	if err := r.store.Database().NewRaw("SELECT count(*) FROM imported_watches").Scan(ctx, &there); err != nil {
		return err
	}
	buyers, err := r.someBuyers(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	began := start.Add(-time.Minute)
	drawn := r.words.Watches(result.Watches, scaleSeed)
	number := there
	for batch := range slices.Chunk(drawn[min(there, len(drawn)):], vigie.MaxBatch) {
		watches := make([]*store.ImportedWatch, len(batch))
		for i, criteria := range batch {
			watches[i] = scaleWatch(number, criteria, buyers)
			number++
		}
		imported, err := r.store.ImportWatches(ctx, "vigie", began, watches)
		if err != nil {
			return err
		}
		for _, one := range imported {
			if one.Outcome != store.ImportCreated {
				return fmt.Errorf("a watch was not imported: %s: %w", one.Outcome, one.Err)
			}
		}
	}
	if number > there {
		result.Figures[watchRate] = float64(number-there) / time.Since(start).Seconds()
	}
	return nil
}

// someBuyers are buyers that the tenders have.
func (r *scaleRun) someBuyers(ctx context.Context) (buyers []vigie.BuyerName, err error) {
	err = r.store.Database().NewRaw("SELECT name FROM buyers ORDER BY id LIMIT 5000").Scan(ctx, &buyers)
	return buyers, err
}

// scaleWatch is the watch of a number.
func scaleWatch(number int, criteria vigie.Criteria, buyers []vigie.BuyerName) *store.ImportedWatch {
	const each = 3
	person := fmt.Sprintf("person-%d@example.org", number/each)
	name := fmt.Sprint("Veille ", number%each)
	created := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := &store.ImportedWatch{
		ExternalID: fmt.Sprint(number), Digest: "1", Subject: person, Email: person,
		Watch:      vigie.Watch{Name: name, NameKey: vigie.NameKey(name), Active: true, Frequency: vigie.Daily, CreatedAt: created, Criteria: criteria},
		Recipients: []ledger.ImportedRecipient{{Email: person, ConfirmedAt: &created}},
	}
	for _, id := range criteria.BuyerIDs {
		w.Buyers = append(w.Buyers, buyers[int(id)%len(buyers)])
	}
	w.Watch.Criteria.BuyerIDs = nil
	return w
}
