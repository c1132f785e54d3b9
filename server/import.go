package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/boamp"
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

// importSettings are those of all commands that import notices. They write to
// the database alone: a running server's index follows.
type importSettings struct {
	Quiet bool `help:"Import without alerts: new notices are listed, and nobody is mailed."`
	databaseSettings
}

// reader reads the records of a source's file.
type reader func(io.Reader) iter.Seq[ingest.Record]

// importFiles imports files, and says how many notices became what.
func (c *importSettings) importFiles(ctx context.Context, p *process, files []string, read reader) error {
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	var total tally
	var failed error
	for _, name := range files {
		t, err := c.importFile(ctx, p, s, name, read)
		total.add(t)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			if vigie.CodeOf(err) == vigie.Unavailable || ctx.Err() != nil {
				break
			}
		}
	}
	fmt.Fprintf(p.out, "%d notices read: %d new (%d of them corrections of other notices), %d changed, %d unchanged, %d refused.\n",
		total.read, total.created, total.corrections, total.changed, total.unchanged, total.refused)
	if failed == nil && total.refused > 0 {
		failed = fmt.Errorf("%d notices were refused", total.refused)
	}
	return failed
}

// tally counts what became of notices. Those that changed are known ones, read
// with other content; corrections are notices of their own, among the new ones.
type tally struct{ read, created, corrections, changed, unchanged, refused int }

func (t *tally) add(u tally) {
	t.read += u.read
	t.created += u.created
	t.corrections += u.corrections
	t.changed += u.changed
	t.unchanged += u.unchanged
	t.refused += u.refused
}

// importFile imports one file.
func (c *importSettings) importFile(ctx context.Context, p *process, s *store.Store, name string, read reader) (tally, error) {
	file, err := p.open(name)
	if err != nil {
		return tally{}, err
	}
	defer file.Close()
	return publishAll(ctx, s, p.now(), read(file), c.Quiet, func(r ingest.Record) {
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

// open opens a file that is read from its beginning to its end, "-" for standard
// input, with a progress bar on a terminal.
func (p *process) open(name string) (io.ReadCloser, error) {
	file, size := io.NopCloser(p.in), int64(-1)
	if name != "-" {
		opened, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		if info, err := opened.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		file = opened
	}
	terminal, ok := p.err.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return file, nil
	}
	bar := progressbar.NewOptions64(size, progressbar.OptionSetDescription(name), progressbar.OptionSetWriter(p.err),
		progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish())
	return progressFile{io.TeeReader(file, bar), file, bar}, nil
}

// progressFile is a file whose progress is shown.
type progressFile struct {
	io.Reader
	file io.Closer
	bar  *progressbar.ProgressBar
}

func (w progressFile) Close() error { return errors.Join(w.bar.Finish(), w.file.Close()) }

func refName(ref string) string {
	if ref == "" {
		return "record"
	}
	return "notice " + ref
}

// publishAll publishes what is read, in batches, quietly if nobody is to be
// mailed. It hands over what is refused, by its reader or because it cannot be
// stored, and what is accepted with a warning.
func publishAll(ctx context.Context, s *store.Store, now time.Time, records func(yield func(ingest.Record) bool), quiet bool, named func(ingest.Record)) (tally, error) {
	var t tally
	refuse := func(r ingest.Record, err error) {
		r.Err = err
		t.refused++
		named(r)
	}
	batch := make([]ingest.Record, 0, vigie.MaxBatch)
	flush := func() error {
		notices := make([]*vigie.Notice, len(batch))
		for i, r := range batch {
			notices[i] = r.Notice
		}
		results, err := s.PublishEach(ctx, notices)
		for i, r := range results {
			switch r.Outcome {
			case store.Refused:
				refuse(batch[i], r.Err)
			case store.Created:
				t.created++
				if r.Notice.Kind == vigie.Correction {
					t.corrections++
				}
			case store.Corrected:
				t.changed++
			case store.Unchanged:
				t.unchanged++
			}
		}
		batch = batch[:0]
		return err
	}
	for r := range records {
		t.read++
		if r.Err != nil {
			refuse(r, r.Err)
			continue
		}
		if err := r.Notice.Validate(now).Err(); err != nil {
			refuse(r, err)
			continue
		}
		if len(r.Notice.Warnings()) > 0 {
			named(r)
		}
		r.Notice.Quiet = quiet
		if batch = append(batch, r); len(batch) == cap(batch) {
			if err := flush(); err != nil {
				return t, err
			}
		}
	}
	return t, flush()
}
