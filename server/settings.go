package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vigie/database"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/meili"
	"vigie/search/nodes"
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
	SearchURL string `help:"The search engine: bleve:PATH, or the URL http://… of a Meilisearch, or of several, separated by commas, which each hold a full copy; by default an index in the data folder." type:"engine" placeholder:"URL"`
	SearchKey string `help:"The Meilisearch key; for several servers one for all, or as many, separated by commas." type:"key" placeholder:"KEY"`
}

// folder is where the embedded search engine keeps its index, if it is the one
// that is meant.
func (s searchSettings) folder(data string) (string, bool) {
	if s.SearchURL == "" {
		return filepath.Join(data, "index"), true
	}
	return strings.CutPrefix(s.SearchURL, "bleve:")
}

// open opens the search engine; nodes is the same, if it has several.
func (s searchSettings) open(data string, log *slog.Logger) (engine search.Engine, several *nodes.Engine, err error) {
	if folder, embedded := s.folder(data); embedded {
		engine, err = bleve.Open(folder, log)
		return engine, nil, err
	}
	servers, err := s.servers()
	if err != nil {
		return nil, nil, err
	}
	if len(servers) == 1 {
		engine, err = meili.Open(servers[0].url, servers[0].key, meili.Options{})
		return engine, nil, err
	}
	var members []nodes.Member
	for _, server := range servers {
		// What fails is tried at another node, or by the feeder: at once.
		engine, err := meili.Open(server.url, server.key, meili.Options{Patience: -1})
		if err != nil {
			return nil, nil, err
		}
		members = append(members, nodes.Member{Name: server.name, Engine: engine})
	}
	several = nodes.New(members, nodes.Options{})
	return several, several, nil
}

// searchServer is a Meilisearch; its name is its host and port.
type searchServer struct{ name, url, key string }

// servers are the Meilisearch servers, and their keys.
func (s searchSettings) servers() ([]searchServer, error) {
	urls := strings.Split(s.SearchURL, ",")
	keys := []string{s.SearchKey}
	if len(urls) > 1 && strings.Contains(s.SearchKey, ",") { // the key of one server may have a comma
		keys = strings.Split(s.SearchKey, ",")
	}
	if len(keys) == 1 {
		keys = slices.Repeat(keys, len(urls))
	}
	if len(keys) != len(urls) {
		return nil, fmt.Errorf("VIGIE_SEARCH_KEY (--search-key) has %d keys, for %d servers of VIGIE_SEARCH_URL (--search-url): give one for all of them, or one for each", len(keys), len(urls))
	}
	list := make([]searchServer, len(urls))
	for i, address := range urls {
		u, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		list[i] = searchServer{u.Host + strings.TrimRight(u.Path, "/"), address, strings.TrimSpace(keys[i])}
	}
	return list, nil
}
