package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"vigie/database"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/meili"
	"vigie/server/setting"
	"vigie/store"
)

// reader reads the settings of a command line.
func (p *process) reader() *setting.Reader {
	names := p.names
	if names == nil {
		names = func() []string { return nil }
	}
	return &setting.Reader{Prefix: "VIGIE_", Lookup: p.env, Names: names, Others: []string{
		"VIGIE_URL", "VIGIE_TOKEN", "VIGIE_PATIENCE", // of clients/publish.js
		"VIGIE_POSTGRES_PASSWORD", "VIGIE_PUBLISH", "VIGIE_SEARCH_INDEXING_MEMORY", // of compose.yaml
		"VIGIE_VERSION", "VIGIE_REVISION", // of builds
		"VIGIE_TEST_*", "VIGIE_BENCH_*", "VIGIE_SCREENSHOTS", // of our tests
	}}
}

// databaseSettings say where the database is.
type databaseSettings struct {
	Data        string `help:"The folder of the embedded database and index." default:"vigie-data" type:"folder" placeholder:"DIR"`
	DatabaseURL string `help:"The database: sqlite:PATH or postgres://…; by default a SQLite file in the data folder." type:"database" placeholder:"URL"`
}

// url is where the database is.
func (d databaseSettings) url() string {
	if d.DatabaseURL != "" {
		return d.DatabaseURL
	}
	return "sqlite:" + filepath.Join(d.Data, "vigie.db")
}

// named says which database a command uses.
func (d databaseSettings) named(p *process) {
	fmt.Fprintln(p.err, "vigie: database", database.Name(d.url()))
}

// migrate brings the database up to date, and makes the embedded one where
// there is none.
func (d databaseSettings) migrate(ctx context.Context, p *process) error {
	if folder, file, ok := d.sqlite(); ok {
		if err := makePrivate(folder, file); err != nil {
			return err
		}
		if err := store.Migrate(ctx, d.url()); err != nil {
			return err // the file may be somebody else's
		}
		keepPrivate(ctx, folder, file, p.log())
		return nil
	}
	return store.Migrate(ctx, d.url())
}

// open opens the database of a command, which must be up to date, and says which it is.
func (d databaseSettings) open(ctx context.Context, p *process) (*store.Store, error) {
	d.named(p)
	return d.openWith(ctx, p, store.Open)
}

// openWith opens the database, which must be up to date, in a way.
func (d databaseSettings) openWith(ctx context.Context, p *process, open func(context.Context, string, func() time.Time) (*store.Store, error)) (*store.Store, error) {
	s, err := open(ctx, d.url(), p.now)
	if folder, file, ok := d.sqlite(); ok && err == nil { // else the file may be somebody else's
		keepPrivate(ctx, folder, file, p.log())
	}
	return s, err
}

// sqlite is the file of the database, if it is one, and its folder, if that is
// ours.
func (d databaseSettings) sqlite() (folder, file string, ok bool) {
	file, ok = strings.CutPrefix(d.url(), "sqlite:")
	if d.DatabaseURL == "" {
		folder = d.Data
	}
	return folder, file, ok
}

// searchSettings say where the search engine is.
type searchSettings struct {
	SearchURL string `help:"The search engine: bleve:PATH, or the URL http://… of a Meilisearch; by default an index in the data folder." type:"engine" placeholder:"URL"`
	SearchKey string `help:"The Meilisearch key." type:"key" placeholder:"KEY"`
}

// folder is where the embedded search engine keeps its index, if it is the one
// that is meant.
func (s searchSettings) folder(data string) (string, bool) {
	if s.SearchURL == "" {
		return filepath.Join(data, "index"), true
	}
	return strings.CutPrefix(s.SearchURL, "bleve:")
}

// open opens the search engine.
func (s searchSettings) open(data string, log *slog.Logger) (search.Engine, error) {
	if folder, embedded := s.folder(data); embedded {
		return bleve.Open(folder, log)
	}
	return meili.Open(s.SearchURL, s.SearchKey, meili.Options{})
}
