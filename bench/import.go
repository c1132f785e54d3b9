package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"vigie"
	"vigie/bench/corpus"
	"vigie/bench/live"
	"vigie/feed"
	"vigie/importer"
	"vigie/ingest"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/meili"
	"vigie/store"
)

// ImportOptions say what [Import] measures.
type ImportOptions struct {
	// Notices is how many notices are imported, Every after how many the rate is noted.
	Notices, Every int
	// Postgres is the URL of a PostgreSQL server, in which a schema is made for the time of the measure; "" for a SQLite
	// file.
	Postgres string
	// Index reports whether the search index is built, too: in Bleve, or in the Meilisearch at Meili, if that is set, which
	// takes MeiliKey.
	Index           bool
	Meili, MeiliKey string
	// Profile is a file for what the processor did, in the form of pprof; "" for none.
	Profile string
}

// ImportReport is what [Import] measured.
type ImportReport struct {
	Database string `json:"database"`
	// Stages are the parts of the import, each as long as asked for.
	Stages []ImportStage `json:"stages"`
	// IndexSeconds is how long the index took to build, EngineSeconds how much of that its engine took.
	IndexSeconds  float64 `json:"index_s,omitempty"`
	EngineSeconds float64 `json:"engine_s,omitempty"`
	// IndexMemory is the memory of this process in bytes once the index was built.
	IndexMemory int64 `json:"index_memory,omitempty"`
}

// ImportStage is one part of an import.
type ImportStage struct {
	// Notices is how many there were at its end, of whichever outcome; PerSecond how many were imported in a second.
	Notices   int     `json:"notices"`
	PerSecond float64 `json:"per_s"`
	// CPUMicros is the processor time of this process for a notice, in microseconds.
	CPUMicros float64 `json:"cpu_us"`
	// DatabaseMicros is that of PostgreSQL, where it is on this machine.
	DatabaseMicros float64 `json:"database_us,omitempty"`
	// Memory is what this process held at the end, in bytes.
	Memory int64 `json:"memory"`
}

// Import measures how fast notices are imported, and whether that stays so while the database grows; and how long the
// search index takes. The notices are real ones, each many times, of which each time is another procedure of another buyer.
func Import(ctx context.Context, notices []*vigie.Notice, o ImportOptions) (report *ImportReport, err error) {
	database, drop, err := emptyDatabase(ctx, o.Postgres)
	if err != nil {
		return nil, err
	}
	defer func() {
		if dropErr := drop(); err == nil {
			err = dropErr
		}
	}()
	if err := store.Migrate(ctx, database); err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, database, time.Now)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	kind, _, _ := strings.Cut(database, ":")
	report = &ImportReport{Database: kind}
	postgres := 0
	if o.Postgres != "" {
		if postgres, err = live.PostgreSQL(ctx, o.Postgres); err != nil {
			return nil, err
		}
	}
	stopProfile, err := startProfile(o.Profile)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stopProfile()) }()
	next, stop := iter.Pull(corpus.Multiply(notices, o.Notices))
	defer stop()
	for done := 0; done < o.Notices; done += o.Every {
		before := live.CPU(postgres)
		stage, err := importStage(ctx, s, next, min(o.Every, o.Notices-done))
		if err != nil {
			return nil, err
		}
		stage.DatabaseMicros = float64((live.CPU(postgres) - before).Microseconds()) / float64(stage.Notices)
		stage.Notices += done
		report.Stages = append(report.Stages, stage)
	}
	if o.Index {
		err = report.index(ctx, s, o)
	}
	return report, err
}

// importStage imports the next notices.
func importStage(ctx context.Context, s *store.Store, next func() (*vigie.Notice, bool), count int) (ImportStage, error) {
	records := func(yield func(ingest.Record) bool) {
		for range count {
			n, ok := next()
			if !ok || !yield(ingest.Record{Notice: n}) {
				return
			}
		}
	}
	var refused error
	start, used := time.Now(), processorTime()
	tally, err := importer.Publish(ctx, s, time.Now(), records, true, func(r ingest.Record) {
		if r.Err != nil {
			refused = r.Err
		}
	})
	if err == nil && tally.Refused > 0 {
		err = fmt.Errorf("import: %d of %d notices were refused: %w", tally.Refused, tally.Read, refused)
	}
	return ImportStage{
		Notices: tally.Read, PerSecond: float64(tally.Read) / time.Since(start).Seconds(),
		CPUMicros: float64((processorTime() - used).Microseconds()) / float64(max(1, tally.Read)), Memory: live.Memory(os.Getpid()),
	}, err
}

// processorTime returns how long this process has used processors.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// index builds a search index of what was imported.
func (r *ImportReport) index(ctx context.Context, s *store.Store, o ImportOptions) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, clean, err := emptyEngine(ctx, log, o)
	if err != nil {
		return err
	}
	defer clean()
	timed := &timedEngine{Engine: engine}
	start := time.Now()
	if err := feed.NewIndexer(s, timed, log).Step(ctx); err != nil {
		return err
	}
	r.IndexSeconds, r.EngineSeconds, r.IndexMemory = time.Since(start).Seconds(), timed.took.Seconds(), live.Memory(os.Getpid())
	return nil
}

// emptyEngine opens a search engine, and says how to remove what was put into it.
func emptyEngine(ctx context.Context, log *slog.Logger, o ImportOptions) (engine search.Engine, clean func(), err error) {
	if o.Meili != "" {
		engine, err = meili.Open(o.Meili, o.MeiliKey, meili.Options{})
		return engine, func() {
			names, err := engine.Names(ctx)
			for _, name := range names {
				err = engine.Drop(ctx, name)
			}
			if err != nil {
				log.ErrorContext(ctx, "indexes are left", "error", err)
			}
			engine.Close()
		}, err
	}
	dir, err := os.MkdirTemp("", "vigie-bench-")
	if err != nil {
		return nil, nil, err
	}
	engine, err = bleve.Open(filepath.Join(dir, "index"), log)
	return engine, func() {
		engine.Close()
		os.RemoveAll(dir)
	}, err
}

// timedEngine is an engine that notes how long its indexes take to store documents.
type timedEngine struct {
	search.Engine
	took time.Duration
}

// Open opens an index; see [search.Engine].
func (e *timedEngine) Open(ctx context.Context, name string) (search.Index, error) {
	index, err := e.Engine.Open(ctx, name)
	return &timedIndex{index, e}, err
}

type timedIndex struct {
	search.Index
	engine *timedEngine
}

// Put stores documents; see [search.Index].
func (x *timedIndex) Put(ctx context.Context, docs []search.Document) error {
	start := time.Now()
	defer func() { x.engine.took += time.Since(start) }()
	return x.Index.Put(ctx, docs)
}

func printImport(w io.Writer, r *ImportReport) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%s: notices\ta second\tCPU µs a notice\tof PostgreSQL\tmemory MB\t\n", r.Database)
	for _, s := range r.Stages {
		fmt.Fprintf(table, "%d\t%.0f\t%.0f\t%.0f\t%d\t\n", s.Notices, s.PerSecond, s.CPUMicros, s.DatabaseMicros, s.Memory>>20)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	rates := make([]float64, len(r.Stages))
	for i, s := range r.Stages {
		rates[i] = s.PerSecond
	}
	fmt.Fprintf(w, "slowest stage: %.2f times as fast as the first\n", slices.Min(rates)/rates[0])
	if r.IndexSeconds > 0 {
		fmt.Fprintf(w, "index: %.0f s, %.2f times what its engine took (%.0f s); memory %d MB\n", r.IndexSeconds, r.IndexSeconds/r.EngineSeconds, r.EngineSeconds, r.IndexMemory>>20)
	}
	return nil
}
