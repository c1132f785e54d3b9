package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"text/tabwriter"

	"vigie"
	"vigie/bench"
	"vigie/ingest/boamp"
)

// benchMatch is the command that measures the matcher.
type benchMatch struct {
	Watches  int    `default:"1000000" help:"How many watches to hold." type:"number" bounds:"1..100000000"`
	Tenders  int    `default:"1000" help:"How many tenders of each kind to match." type:"number" bounds:"1..1000000"`
	Cold     int    `default:"50" help:"How many of them to match again with cleared processor caches." type:"number" bounds:"0..1000000"`
	Seed     uint64 `default:"1" help:"The seed of the random watches and tenders; the same seed gives the same ones." type:"number" bounds:"0..18446744073709551615"`
	JSON     bool   `name:"json" help:"Print JSON."`
	Postgres string `help:"A PostgreSQL server (postgres://…) to run the same comparison in, in a schema of its own." type:"database"`
	Notices  string `env:"VIGIE_TEST_DATA" help:"A folder of BOAMP notices to take words from; by default the bundled samples." type:"folder"`
}

// Run runs the command.
func (c *benchMatch) Run(ctx context.Context, p *process) error {
	notices, failed := c.notices(p)
	corpus := bench.NewCorpus(notices)
	if err := failed(); err != nil {
		return err
	}
	report, err := bench.Match(ctx, corpus, bench.MatchOptions{
		Watches: c.Watches, Tenders: c.Tenders, Seed: c.Seed, Cold: c.Cold, Postgres: c.Postgres,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.out)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return printMatch(p.out, report)
}

func printMatch(w io.Writer, r *bench.MatchReport) error {
	fmt.Fprintf(w, "%d watches of words in %d notices: %d registrations, %d distinct words and codes\n", r.Watches, r.Notices, r.Postings, r.Atoms)
	fmt.Fprintf(w, "built in %.1f s, %.0f bytes a watch, a full garbage collection takes %.1f ms\n\n", r.BuildSeconds, r.BytesPerWatch, r.GCMillis)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "tenders\t\tcount\tmatching\tp50 ms\tp99 ms\tns a match\tcandidates a match\tmatches a tender\ttimes the index\t")
	for _, m := range r.Measures {
		// PostgreSQL does not say how many candidates it tried; only it has a ratio.
		candidates, times := fmt.Sprintf("%.2f", m.CandidatesPerMatch), ""
		if m.Ratio > 0 {
			candidates, times = "", fmt.Sprintf("%.1f", m.Ratio)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%.2f %%\t%.3f\t%.3f\t%.0f\t%s\t%.0f\t%s\t\n", m.Tenders, m.Circumstance, m.Count,
			100*m.Share, m.P50, m.P99, 1e9/m.MatchesPerSecond, candidates, m.MatchesPerTender, times)
	}
	return table.Flush()
}

// notices reads those of the folder, or the samples; failed tells afterwards
// what could not be read.
func (c *benchMatch) notices(p *process) (notices iter.Seq[*vigie.Notice], failed func() error) {
	var err error
	read := func(r io.Reader, yield func(*vigie.Notice) bool) bool {
		for record := range boamp.Read(r) {
			if record.Notice != nil && !yield(record.Notice) {
				return false
			}
		}
		return true
	}
	return func(yield func(*vigie.Notice) bool) {
		if c.Notices == "" {
			read(bytes.NewReader(sampleNotices), yield)
			return
		}
		var files []string
		if files, err = filepath.Glob(filepath.Join(c.Notices, "boamp", "*.json*")); err == nil && len(files) == 0 {
			err = fmt.Errorf("%s has no boamp/*.json, .jsonl or .jsonl.gz", c.Notices)
		}
		for _, name := range files {
			var file *os.File
			if file, err = os.Open(name); err != nil {
				return
			}
			more := read(file, yield)
			file.Close()
			if !more {
				return
			}
		}
	}, func() error { return err }
}

// benchAlert is the command that measures alerts.
type benchAlert struct {
	Recipients  int    `default:"10000" help:"How many recipients get an alert about the tender." type:"number" bounds:"1..10000000"`
	Connections int    `default:"4" help:"How many connections to the mail server to use at once." type:"number" bounds:"1..100"`
	JSON        bool   `name:"json" help:"Print JSON."`
	Postgres    string `help:"A PostgreSQL server (postgres://…) to use, in a schema of its own; by default SQLite." type:"database" placeholder:"URL"`
}

// Run runs the command.
func (c *benchAlert) Run(ctx context.Context, p *process) error {
	r, err := bench.Alert(ctx, bench.AlertOptions{Recipients: c.Recipients, Connections: c.Connections, Postgres: c.Postgres})
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.out)
		out.SetIndent("", "  ")
		return out.Encode(r)
	}
	fmt.Fprintf(p.out, "%s: %d people signed up in %.1f s; from publication to mail accepted p50 %.2f s, p95 %.2f s, max %.2f s; %.0f mails a second\n",
		r.Database, r.Recipients, r.SetUpSeconds, r.P50, r.P95, r.Max, r.MailsPerSecond)
	return nil
}
