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
// its reader or because it cannot be stored, and with what is accepted with a warning. The error is the database's.
func Publish(ctx context.Context, s *store.Store, now time.Time, records iter.Seq[ingest.Record], quiet bool, note func(ingest.Record)) (Tally, error) {
	p := publisher{store: s, note: note, batch: make([]ingest.Record, 0, vigie.MaxBatch)}
	for r := range records {
		p.tally.Read++
		if r.Err == nil {
			r.Err = r.Notice.Validate(now).Err()
		}
		if r.Err != nil {
			p.refuse(r, r.Err)
			continue
		}
		if len(r.Notice.Warnings()) > 0 {
			note(r)
		}
		r.Notice.Quiet = quiet
		if p.batch = append(p.batch, r); len(p.batch) == cap(p.batch) {
			if err := p.flush(ctx); err != nil {
				return p.tally, err
			}
		}
	}
	err := p.flush(ctx)
	return p.tally, err
}

// publisher publishes batches.
type publisher struct {
	store *store.Store
	note  func(ingest.Record)
	tally Tally
	batch []ingest.Record
}

func (p *publisher) refuse(r ingest.Record, err error) {
	r.Err = err
	p.tally.Refused++
	p.note(r)
}

// flush publishes the batch.
func (p *publisher) flush(ctx context.Context) error {
	if len(p.batch) == 0 {
		return nil
	}
	notices := make([]*vigie.Notice, len(p.batch))
	for i, r := range p.batch {
		notices[i] = r.Notice
	}
	results, err := p.store.PublishEach(ctx, notices)
	for i, r := range results {
		switch r.Outcome {
		case store.Refused:
			p.refuse(p.batch[i], r.Err)
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
	p.batch = p.batch[:0]
	return err
}
