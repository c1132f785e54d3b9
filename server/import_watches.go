package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/watches"
	"vigie/service"
	"vigie/store"
)

// importWatches is the command that imports the watches of another system. It
// writes to the database alone: a running server follows.
type importWatches struct {
	Files      []string `arg:"" name:"file" help:"Watches as JSON Lines, one per line, or as a JSON list, also .gz; - for standard input."`
	Issuer     string   `help:"The issuer of the subjects in the file. By default the server's issuer, which is \"vigie\" for tokens of \"vigie token\"." type:"issuer" placeholder:"URL"`
	OIDCIssuer string   `name:"oidc-issuer" help:"The server's issuer." type:"issuer" placeholder:"URL"`
	Secret     []string `help:"The server's secrets: with them, addresses that must get no mail are recognised." required:"" type:"secret" placeholder:"SECRET"`
	databaseSettings
}

// Run runs the command.
func (c *importWatches) Run(ctx context.Context, p *process) error {
	s, _, err := c.openSigned(ctx, p, c.Secret)
	if err != nil {
		return err
	}
	defer s.Close()
	i := &watchImport{
		service: &service.Service{Store: s, Now: p.now}, process: p, began: p.now(), counts: make(map[store.ImportOutcome]int),
		issuer: cmp.Or(c.Issuer, c.OIDCIssuer, ownIssuer),
	}
	var failed error
	files := 0 // that had something in them
	for _, name := range c.Files {
		before := i.read
		err := i.file(ctx, name)
		if err == nil || i.read > before {
			files++
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			if vigie.CodeOf(err) == vigie.Unavailable || ctx.Err() != nil {
				break
			}
		}
	}
	n := i.counts
	if files > 0 {
		fmt.Fprintf(p.out, "%s read, of subjects of %s: %d new, %d changed, %d unchanged, %d kept as changed here, %d refused.\n",
			count(i.read, "watch", "watches"), i.issuer, n[store.ImportCreated], n[store.ImportChanged], n[store.ImportUnchanged], n[store.ImportKept], n[store.ImportRefused])
	}
	if failed == nil && n[store.ImportRefused] > 0 {
		failed = fmt.Errorf("%s refused: see above", count(n[store.ImportRefused], "watch was", "watches were"))
	}
	return failed
}

// watchImport is one run of the command.
type watchImport struct {
	service *service.Service
	process *process
	issuer  string
	began   time.Time
	read    int
	counts  map[store.ImportOutcome]int
}

// file imports one file, in batches, and says what becomes of watches that are
// not as the file says.
func (i *watchImport) file(ctx context.Context, name string) error {
	file, err := i.process.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	batch := make([]watches.Record, 0, vigie.MaxBatch)
	for r := range watches.Read(file) {
		i.read++
		if batch = append(batch, r); len(batch) == cap(batch) {
			if err := i.flush(ctx, name, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return i.flush(ctx, name, batch)
}

func (i *watchImport) flush(ctx context.Context, name string, batch []watches.Record) error {
	var lines []*watches.Watch
	for _, r := range batch {
		if r.Err == nil {
			lines = append(lines, r.Watch)
		}
	}
	results, err := i.service.ImportWatches(ctx, i.issuer, i.began, lines)
	if err != nil {
		return err
	}
	for _, r := range batch {
		result := service.ImportedWatch{Imported: store.Imported{Outcome: store.ImportRefused, Err: r.Err}}
		if r.Err == nil {
			result, results = results[0], results[1:]
		}
		i.became(name, r, result)
	}
	return nil
}

// became counts what became of a line, and names it where that is not what its
// author meant.
func (i *watchImport) became(name string, r watches.Record, result service.ImportedWatch) {
	i.counts[result.Outcome]++
	watch := "line"
	if r.ExternalID != "" {
		watch = "watch " + ingest.Shorten(ingest.Clean(r.ExternalID), 100)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(i.process.err, "%s:%d: %s: %s\n", name, r.Line, watch, note.EN)
	}
	for _, warning := range result.Warnings {
		if warning.Code == vigie.RepeatedDropped {
			continue // what is found stays the same
		}
		fmt.Fprintf(i.process.err, "%s:%d: %s: %s\n", name, r.Line, watch, warning.Text.EN)
	}
	switch result.Outcome {
	case store.ImportRefused:
		fmt.Fprintf(i.process.err, "%s:%d: %s refused: %s\n", name, r.Line, watch, reasons(result.Err))
	case store.ImportKept:
		fmt.Fprintf(i.process.err, "%s:%d: %s kept as it is here: it was changed or deleted after it was imported\n", name, r.Line, watch)
	case store.ImportCreated, store.ImportChanged, store.ImportUnchanged:
	}
}

// reasons says all that is wrong with a line, and where.
func reasons(err error) string {
	problems, ok := errors.AsType[vigie.Problems](err)
	if e, one := errors.AsType[*vigie.Error](err); !ok && one {
		problems = vigie.Problems{e}
	}
	said := make([]string, len(problems))
	for i, problem := range problems {
		said[i] = strings.TrimPrefix(strings.Join(problem.Field, ".")+": ", ": ") + strings.TrimSuffix(operatorMessage(problem), ".")
	}
	return strings.Join(said, "; ")
}
