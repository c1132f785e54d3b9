// Package importer publishes what the readers of sources read: files, and services.
package importer

import (
	"context"
	"iter"
	"time"

	"vigie"
	"vigie/ingest"
	"vigie/store"
)

// Tally counts what became of notices. Changed are known ones that were read with other content; Corrections are notices
// of their own, among those created.
type Tally struct{ Read, Created, Corrections, Changed, Unchanged, Refused int }

// Add adds another tally.
func (t *Tally) Add(u Tally) {
	t.Read += u.Read
	t.Created += u.Created
	t.Corrections += u.Corrections
	t.Changed += u.Changed
	t.Unchanged += u.Unchanged
	t.Refused += u.Refused
}

// Publish publishes what is read, in batches; quiet notices are mailed to nobody. It calls note with what is refused, by
// its reader or because it cannot be stored, and with what is accepted with a warning. The error is the database's, or that of
// ctx.
//
// While a batch is being stored, the next one is read and checked, so that the database does not wait for the reader: in a
// goroutine that has ended when Publish returns.
func Publish(ctx context.Context, s *store.Store, now time.Time, records iter.Seq[ingest.Record], quiet bool, note func(ingest.Record)) (Tally, error) {
	reading, stop := context.WithCancel(ctx)
	batches := make(chan []ingest.Record)
	defer func() {
		stop()
		for range batches { // until it has ended
		}
	}()
	go func() {
		defer close(batches)
		for batch := range inBatches(checked(reading, records, now, quiet)) {
			select {
			case batches <- batch:
			case <-reading.Done():
				return
			}
		}
	}()
	p := publisher{store: s, note: note}
	for batch := range batches {
		if err := p.publish(ctx, batch); err != nil {
			return p.tally, err
		}
	}
	return p.tally, ctx.Err()
}

// checked refuses records whose notices are not valid. It ends with ctx.
func checked(ctx context.Context, records iter.Seq[ingest.Record], now time.Time, quiet bool) iter.Seq[ingest.Record] {
	return func(yield func(ingest.Record) bool) {
		for r := range records {
			if ctx.Err() != nil {
				return
			}
			if r.Err == nil {
				r.Err = r.Notice.Validate(now).Err()
			}
			if r.Err == nil {
				r.Notice.Quiet = quiet
			}
			if !yield(r) {
				return
			}
		}
	}
}

// inBatches gathers records into batches that can be stored at once.
func inBatches(records iter.Seq[ingest.Record]) iter.Seq[[]ingest.Record] {
	return func(yield func([]ingest.Record) bool) {
		var batch []ingest.Record
		for r := range records {
			if batch = append(batch, r); len(batch) == vigie.MaxBatch {
				if !yield(batch) {
					return
				}
				batch = nil
			}
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// publisher publishes batches.
type publisher struct {
	store *store.Store
	note  func(ingest.Record)
	tally Tally
}

func (p *publisher) refuse(r ingest.Record, err error) {
	r.Err = err
	p.tally.Refused++
	p.note(r)
}

// publish publishes a batch, without what was refused.
func (p *publisher) publish(ctx context.Context, batch []ingest.Record) error {
	var accepted []ingest.Record
	var notices []*vigie.Notice
	for _, r := range batch {
		p.tally.Read++
		if r.Err != nil {
			p.refuse(r, r.Err)
			continue
		}
		if len(r.Notice.Warnings()) > 0 {
			p.note(r)
		}
		accepted, notices = append(accepted, r), append(notices, r.Notice)
	}
	if len(notices) == 0 {
		return nil
	}
	results, err := p.store.PublishEach(ctx, notices)
	for i, r := range results {
		switch r.Outcome {
		case store.Refused:
			p.refuse(accepted[i], r.Err)
		case store.Created:
			p.tally.Created++
			if r.Notice.Kind == vigie.Correction {
				p.tally.Corrections++
			}
		case store.Corrected:
			p.tally.Changed++
		case store.Unchanged:
			p.tally.Unchanged++
		}
	}
	return err
}
