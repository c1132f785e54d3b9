package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"vigie"
	"vigie/importer"
	"vigie/ingest"
	"vigie/ingest/boamp"
	"vigie/ingest/decp"
	"vigie/ingest/ocds"
	"vigie/ingest/ted"
	"vigie/store"
)

// importBOAMP is the command that imports BOAMP's notices.
type importBOAMP struct {
	Files []string `arg:"" name:"file" help:"BOAMP exports, as JSON or JSON Lines, also .gz; - for standard input."`
	importSettings
}

// Run runs the command.
func (c *importBOAMP) Run(ctx context.Context, p *process) error {
	return c.importFiles(ctx, p, c.Files, boamp.Read)
}

// importTED is the command that imports TED's notices.
type importTED struct {
	Files []string `arg:"" name:"file" help:"TED's notices, as XML in eForms, also .gz, or daily packages of them, .tar.gz; - for standard input."`
	importSettings
}

// Run runs the command.
func (c *importTED) Run(ctx context.Context, p *process) error {
	return c.importFiles(ctx, p, c.Files, ted.Read)
}

// importOCDS is the command that imports releases of the Open Contracting Data
// Standard.
type importOCDS struct {
	Files  []string `arg:"" name:"file" help:"Release or record packages of OCDS 1.1, lists of releases or JSON Lines, older releases first, also .gz; - for standard input."`
	Source string   `help:"The name of their source; by default the prefix of their ocids says." type:"word" placeholder:"NAME"`
	importSettings
}

// Run runs the command.
func (c *importOCDS) Run(ctx context.Context, p *process) error {
	return c.importFiles(ctx, p, c.Files, ocds.NewReader(c.Source).Read)
}

// importDECP is the command that imports French award data.
type importDECP struct {
	Files []string `arg:"" name:"file" help:"Data of awards (DECP), as JSON, JSON Lines or XML, also .gz; - for standard input."`
	importSettings
}

// Run runs the command.
func (c *importDECP) Run(ctx context.Context, p *process) error {
	return c.importFiles(ctx, p, c.Files, decp.Read)
}

// importSettings are those of all commands that import notices. They write to
// the database alone: a running server's index follows.
type importSettings struct {
	Quiet bool `help:"Import without alerts: new notices are listed, and nobody is mailed."`
	databaseSettings
}

// reader reads the records of a source's file.
type reader func(io.Reader) iter.Seq[ingest.Record]

// importFiles imports files, and says how many notices became what.
func (c *importSettings) importFiles(ctx context.Context, p *process, names []string, read reader) error {
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	var total importer.Tally
	var failed error
	files := 0 // that had something in them
	for _, name := range names {
		t, err := c.importFile(ctx, p, s, name, read)
		total.Add(t)
		if err == nil || t.Read > 0 {
			files++
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			if vigie.CodeOf(err) == vigie.Unavailable || ctx.Err() != nil {
				break
			}
		}
	}
	if files > 0 {
		fmt.Fprintln(p.out, summary(total))
	}
	if failed == nil && total.Refused > 0 {
		failed = fmt.Errorf("%s refused: see above", count(total.Refused, "notice was", "notices were"))
	}
	return failed
}

// summary says how many notices became what.
func summary(t importer.Tally) string {
	return fmt.Sprintf("%s read: %d new (corrections of other notices: %d), %d changed, %d unchanged, %d refused.",
		count(t.Read, "notice", "notices"), t.Created, t.Corrections, t.Changed, t.Unchanged, t.Refused)
}

// count writes a number of things, of which one and several have different names.
func count(n int, one, several string) string {
	if n == 1 {
		several = one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// importFile imports one file.
func (c *importSettings) importFile(ctx context.Context, p *process, s *store.Store, name string, read reader) (importer.Tally, error) {
	file, err := p.open(name)
	if err != nil {
		return importer.Tally{}, err
	}
	defer file.Close()
	return importer.Publish(ctx, s, p.now(), read(file), c.Quiet, func(r ingest.Record) {
		if r.Err == nil {
			for _, w := range r.Notice.Warnings() {
				fmt.Fprintf(p.err, "%s: %s: %s\n", placeOf(name, r), refName(r.Ref), w.Text.EN)
			}
			return
		}
		fmt.Fprintf(p.err, "%s: %s refused: %s\n", placeOf(name, r), refName(r.Ref), operatorMessage(r.Err))
	})
}

// placeOf is where a record stands: a line of a file, or a file in an archive.
func placeOf(name string, r ingest.Record) string {
	if r.Entry != "" {
		name += ": " + r.Entry
	}
	if r.Line > 0 {
		name = fmt.Sprintf("%s:%d", name, r.Line)
	}
	return name
}

func refName(ref string) string {
	if ref == "" {
		return "record"
	}
	return "notice " + ref
}
