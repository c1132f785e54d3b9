package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"vigie"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/meili"
	"vigie/store"
)

// fromEnvironment finds a flag's value in the variable that is named after it,
// or in the file that the variable with _FILE names.
func (p *process) fromEnvironment(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	name := "VIGIE_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
	// Compose files set variables to nothing where nothing was said.
	if value, _ := p.env(name); value != "" {
		return value, nil
	}
	path, _ := p.env(name + "_FILE")
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// databaseSettings say where the database is.
type databaseSettings struct {
	Data        string `help:"The folder of the embedded database and index." default:"vigie-data" type:"path" placeholder:"DIR"`
	DatabaseURL string `help:"sqlite:PATH or postgres://…; without it, a SQLite file in the data folder." placeholder:"URL"`
}

// url is the database's.
func (d databaseSettings) url() string {
	if d.DatabaseURL != "" {
		return d.DatabaseURL
	}
	return "sqlite:" + filepath.Join(d.Data, "vigie.db")
}

// migrate brings the database up to date, and makes the embedded one if it is
// missing.
func (d databaseSettings) migrate(ctx context.Context) error {
	if d.DatabaseURL == "" {
		if err := os.MkdirAll(d.Data, 0o755); err != nil {
			return err
		}
	}
	return store.Migrate(ctx, d.url())
}

// open opens the database, which must be up to date.
func (d databaseSettings) open(ctx context.Context, p *process) (*store.Store, error) {
	return store.Open(ctx, d.url(), p.now)
}

// searchSettings say where the search engine is.
type searchSettings struct {
	SearchURL string `help:"bleve:PATH or http://… of a Meilisearch; without it, an index in the data folder." placeholder:"URL"`
	SearchKey string `help:"The Meilisearch key." placeholder:"KEY"`
}

// open opens the search engine.
func (s searchSettings) open(data string, log *slog.Logger) (search.Engine, error) {
	switch {
	case s.SearchURL == "":
		return bleve.Open(filepath.Join(data, "index"), log)
	case strings.HasPrefix(s.SearchURL, "bleve:"):
		return bleve.Open(strings.TrimPrefix(s.SearchURL, "bleve:"), log)
	case strings.HasPrefix(s.SearchURL, "http://"), strings.HasPrefix(s.SearchURL, "https://"):
		return meili.Open(s.SearchURL, s.SearchKey, meili.Options{})
	}
	return nil, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
		FR: "L'adresse du moteur de recherche commence par bleve: ou http://.",
		EN: "A search URL begins with bleve: or http://.",
	}}
}
