package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/boamp"
	"vigie/store"
)

// importBOAMP is the command that imports BOAMP's notices. It writes to the
// database alone: a running server's index follows.
type importBOAMP struct {
	Files []string `arg:"" name:"file" help:"BOAMP exports, as JSON or JSON Lines, also .gz; - for standard input."`
	Quiet bool     `help:"Import without alerts: new notices are listed, and nobody is mailed."`
	databaseSettings
}

// Run runs the command.
func (c *importBOAMP) Run(ctx context.Context, p *process) error {
	s, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer s.Close()
	var total tally
	var failed error
	for _, name := range c.Files {
		t, err := c.importFile(ctx, p, s, name)
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
func (c *importBOAMP) importFile(ctx context.Context, p *process, s *store.Store, name string) (tally, error) {
	file, err := p.open(name)
	if err != nil {
		return tally{}, err
	}
	defer file.Close()
	return publishAll(ctx, s, p.now(), boamp.Read(file), c.Quiet, func(r ingest.Record) {
		if r.Err == nil {
			for _, w := range r.Notice.Warnings() {
				fmt.Fprintf(p.err, "%s:%d: %s: %s\n", name, r.Line, refName(r.Ref), w.Text.EN)
			}
			return
		}
		fmt.Fprintf(p.err, "%s:%d: %s refused: %s\n", name, r.Line, refName(r.Ref), operatorMessage(r.Err))
	})
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
