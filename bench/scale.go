package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vigie/bench/corpus"
	"vigie/bench/live"
)

// scaleCommand is the command that measures how each figure grows with the number of tenders and of watches.
type scaleCommand struct {
	Tenders    []int         `default:"10000,100000,1000000" help:"How many tenders there are."`
	Watches    []int         `default:"10000,100000,1000000" help:"How many watches there are beside them."`
	Pairs      []string      `default:"sqlite+bleve,postgres+meilisearch" enum:"sqlite+bleve,postgres+meilisearch" help:"The pairs of stores: ${enum}."`
	Recipients int           `default:"1000" help:"How many people a tender is mailed to."`
	Asks       int           `default:"300" help:"How often each question is asked."`
	Rest       time.Duration `default:"35s" help:"How long a server does nothing before its memory is read: it gives memory back every 30 seconds."`
	Dir        string        `default:"build/scale" help:"The folder of the results, one JSON file each, and of the data meanwhile: what is there is not measured again." placeholder:"DIR"`
	Plot       string        `default:"build/scale/scale.svg" help:"Where the plot is written." placeholder:"FILE"`
	ReportOnly bool          `help:"Measure nothing; print the table and write the plot of what is there."`

	Binary      string `default:"bin/vigie" help:"The server, as make build makes it."`
	Postgres    string `env:"VIGIE_TEST_POSTGRES_URL" help:"A PostgreSQL server (postgres://…) to make databases in." placeholder:"URL"`
	Meilisearch string `default:"meilisearch" help:"The program of Meilisearch."`
	Notices     string `env:"VIGIE_TEST_DATA" help:"A folder of BOAMP notices to take words from; by default the bundled samples." placeholder:"DIR"`
}

// The pairs of stores.
const (
	embedded   = "sqlite+bleve"
	production = "postgres+meilisearch"
	// inMemory stands for what needs no stores.
	inMemory = "memory"
)

// Validate checks the numbers; kong calls it.
func (c *scaleCommand) Validate() error {
	for _, n := range slices.Concat(c.Tenders, c.Watches, []int{c.Recipients, c.Asks}) {
		if n < 1 {
			return errors.New("--tenders, --watches, --recipients and --asks must be at least 1")
		}
	}
	if slices.Contains(c.Pairs, production) && c.Postgres == "" && !c.ReportOnly {
		return fmt.Errorf("%s needs --postgres", production)
	}
	slices.Sort(c.Tenders)
	slices.Sort(c.Watches)
	return nil
}

// Run runs the command.
func (c *scaleCommand) Run(ctx context.Context, out io.Writer) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	if !c.ReportOnly {
		if err := c.measure(ctx); err != nil {
			return err
		}
	}
	all, err := readResults(c.Dir)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.Plot, plot(all), 0o600); err != nil {
		return err
	}
	return printScale(out, all)
}

// measure measures what is not there yet, the smallest first.
func (c *scaleCommand) measure(ctx context.Context) error {
	words, err := corpus.Open(c.Notices)
	if err != nil {
		return err
	}
	for _, watches := range c.Watches {
		if err := c.matching(words, watches); err != nil {
			return err
		}
	}
	for _, tenders := range c.Tenders {
		for _, pair := range c.Pairs {
			r := &scaleRun{scaleCommand: c, words: words, pair: pair, tenders: tenders, dir: filepath.Join(c.Dir, fmt.Sprintf("%s-%d", pair, tenders))}
			if err := r.do(ctx); err != nil {
				return fmt.Errorf("%s, %d tenders: %w", pair, tenders, err)
			}
		}
	}
	return nil
}

// matching measures the matcher, which needs no stores.
func (c *scaleCommand) matching(words *corpus.Corpus, watches int) error {
	r, err := c.result(inMemory, 0, watches)
	if err != nil || r.has(matchP50) {
		return err
	}
	var report MatchReport
	x := report.build(words, words.Frequencies(scaleSeed), MatchOptions{Watches: watches, Seed: scaleSeed})
	tenders := words.Tenders(3*c.Asks, corpus.Usual, scaleSeed)
	measure(x, tenders, nil) // the first touch of everything
	report.add(corpus.Usual, "warm", watches, measure(x, tenders, nil))
	r.Figures[matchP50], r.Figures[matchP99] = report.Measures[0].P50/1000, report.Measures[0].P99/1000
	return c.save(r)
}

// scaleSeed draws the same tenders and watches each time.
const scaleSeed = 1

// scaleResult is what was measured of a pair of stores with so many tenders and watches.
type scaleResult struct {
	Pair    string `json:"pair"`
	Tenders int    `json:"tenders"`
	// Watches is 0 for what was measured before there were watches.
	Watches int `json:"watches"`
	// Load is how busy the machine was: how many processes ran or waited to run, in the minute before each save.
	Load float64 `json:"load"`
	// Figures are what was measured, by name, in seconds, bytes or things a second.
	Figures map[string]float64 `json:"figures"`
}

// has reports whether a figure was measured.
func (r *scaleResult) has(figure string) bool {
	_, measured := r.Figures[figure]
	return measured
}

// path is the file of a result.
func (c *scaleCommand) path(r *scaleResult) string {
	return filepath.Join(c.Dir, fmt.Sprintf("%s-%d-%d.json", r.Pair, r.Tenders, r.Watches))
}

// result reads a result; one that is not there is empty.
func (c *scaleCommand) result(pair string, tenders, watches int) (*scaleResult, error) {
	r := &scaleResult{Pair: pair, Tenders: tenders, Watches: watches, Figures: make(map[string]float64)}
	text, err := os.ReadFile(c.path(r))
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(text, r)
}

// save writes a result.
func (c *scaleCommand) save(r *scaleResult) error {
	r.Load = live.Load()
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.path(r), append(text, '\n'), 0o600)
}

// readResults reads all results of a folder, sorted by pair and sizes.
func readResults(dir string) ([]*scaleResult, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []*scaleResult
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		r := new(scaleResult)
		if err := json.Unmarshal(text, r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *scaleResult) int {
		return cmp.Or(strings.Compare(b.Pair, a.Pair), cmp.Compare(a.Tenders, b.Tenders), cmp.Compare(a.Watches, b.Watches)) // SQLite first
	})
	return all, nil
}
