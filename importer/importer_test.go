package importer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"vigie"
	"vigie/importer"
	"vigie/ingest"
	"vigie/store"
	"vigie/store/storetest"
)

// records yields so many notices, and counts in asked how many were asked for. Each refused-th is refused by its reader.
func records(count, refused int, asked *atomic.Int64) iter.Seq[ingest.Record] {
	return func(yield func(ingest.Record) bool) {
		for i := range count {
			asked.Add(1)
			r := ingest.Record{Notice: storetest.Notice(fmt.Sprint(i), 0), Ref: fmt.Sprint(i)}
			if refused > 0 && i%refused == 0 {
				r.Err = errors.New("refused")
			}
			if !yield(r) {
				return
			}
		}
	}
}

// All is published once, in the order in which it was read, and what is refused is noted in that order.
func TestPublish(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var asked atomic.Int64
		var noted, want []string
		tally, err := importer.Publish(t.Context(), s, storetest.Noon(), records(1203, 7, &asked), false, func(r ingest.Record) { noted = append(noted, r.Ref) })
		for i := 0; i < 1203; i += 7 {
			want = append(want, fmt.Sprint(i))
		}
		if (tally != importer.Tally{Read: 1203, Created: 1203 - len(want), Refused: len(want)}) || err != nil {
			t.Errorf("%+v, %v", tally, err)
		}
		if !slices.Equal(noted, want) {
			t.Errorf("noted are %v", noted)
		}
		stored, err := s.ChangedTenders(t.Context(), 0, 2000)
		if err != nil || len(stored) != tally.Created {
			t.Fatalf("%d are stored, %v", len(stored), err)
		}
		for i, before := range stored[:len(stored)-1] {
			var a, b int
			fmt.Sscan(before.SourceRef, &a)
			fmt.Sscan(stored[i+1].SourceRef, &b)
			if a >= b {
				t.Errorf("%d was stored before %d", a, b)
			}
		}
	})
}

// While a batch is being stored, the next one is read, and no more than that.
func TestReadsAhead(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	var asked atomic.Int64
	two := make(chan struct{})
	seen := func(yield func(ingest.Record) bool) {
		for r := range records(4*vigie.MaxBatch, 0, &asked) {
			if asked.Load() == 2*vigie.MaxBatch {
				close(two)
			}
			if !yield(r) {
				return
			}
		}
	}
	first := true
	late := func(yield func(ingest.Record) bool) {
		for r := range seen {
			if first {
				first = false
				r.Notice.Content.Deadline = new(r.Notice.PublishedAt.Add(-time.Hour)) // which is noted, with its batch
			}
			if !yield(r) {
				return
			}
		}
	}
	_, err := importer.Publish(t.Context(), s, storetest.Noon(), late, false, func(ingest.Record) {
		select {
		case <-two:
		case <-time.After(30 * time.Second):
			t.Error("the second batch is not read while the first one waits")
		}
		if n := asked.Load(); n > 2*vigie.MaxBatch {
			t.Errorf("%d notices are read while the first batch waits", n)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// Nothing is read once Publish has returned with an error.
func TestStopsReading(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int64
	ended := false
	endless := func(yield func(ingest.Record) bool) {
		defer func() { ended = true }()
		for {
			for r := range records(vigie.MaxBatch, 0, &asked) {
				if asked.Load() == 3*vigie.MaxBatch {
					cancel()
				}
				if !yield(r) {
					return
				}
			}
		}
	}
	if _, err := importer.Publish(ctx, s, storetest.Noon(), endless, false, func(ingest.Record) {}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if !ended {
		t.Error("it still reads")
	}
}
