package service

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"vigie/freetext"
	"vigie/search"
)

// speller knows the words of the index that answers, by which typing errors are recognised. Its zero value is ready.
type speller struct {
	known   atomic.Pointer[knownWords] // nil before they are read
	reading singleflight.Group
}

// knownWords are the words of an index as they were at a time.
type knownWords struct {
	index      search.Index
	vocabulary *freetext.Vocabulary
	read       time.Time
}

const (
	// readWordsEvery is how often the words are read again, when they are needed.
	readWordsEvery = time.Minute
	// readWordsFor is how long that may take.
	readWordsFor = time.Minute
)

// of returns the words of an index. Where none are known, it waits until they are read or ctx ends; later on the known
// ones are returned while they are read again.
func (s *speller) of(ctx context.Context, index search.Index, now time.Time, log *slog.Logger) (*freetext.Vocabulary, error) {
	for {
		known := s.known.Load()
		if known.isFresh(index, now) {
			return known.vocabulary, nil
		}
		// The reading is nobody's own: who goes away does not end it for others.
		done := s.reading.DoChan("", func() (any, error) { return nil, s.read(context.WithoutCancel(ctx), index, now, log) })
		if known.isOf(index) {
			return known.vocabulary, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case answer := <-done:
			if answer.Err != nil {
				return nil, answer.Err
			}
		}
	}
}

func (k *knownWords) isOf(index search.Index) bool { return k != nil && k.index == index }

// isFresh reports whether they are the words of an index, read a moment ago; not later than now, for a clock may be set back.
func (k *knownWords) isFresh(index search.Index, now time.Time) bool {
	if !k.isOf(index) {
		return false
	}
	age := now.Sub(k.read)
	return age >= 0 && age < readWordsEvery
}

// read reads the words of an index, unless that was done a moment ago.
func (s *speller) read(ctx context.Context, index search.Index, now time.Time, log *slog.Logger) error {
	known := s.known.Load()
	if known.isFresh(index, now) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readWordsFor)
	defer cancel()
	counts, err := index.Words(ctx)
	switch {
	case err == nil:
		s.known.Store(&knownWords{index, freetext.NewVocabulary(counts), now})
		return nil
	case known.isOf(index):
		log.WarnContext(ctx, "the words of the search index cannot be read again; those read before are used", "component", "service", "action", "correct", "error", err)
		s.known.Store(&knownWords{index, known.vocabulary, now}) // they are tried again in a while
		return nil
	}
	return err
}

// corrected asks queries whose text found few rows again, with its typing errors corrected; the answer counts where it
// has more rows. The first query of each group decides for the group. Queries are changed to what was answered.
func (s *Service) corrected(ctx context.Context, index search.Index, queries []search.Query, results []search.Result, groups []int) error {
	type group struct {
		queries []search.Query
		results []search.Result
	}
	var again []search.Query
	var asked []group
	for _, n := range groups {
		g := group{queries[:n], results[:n]}
		queries, results = queries[n:], results[n:]
		first := g.queries[0]
		if first.Text == "" || g.results[0].Total > freetext.Few {
			continue
		}
		words, err := s.speller.of(ctx, index, s.now(), s.Log)
		if err != nil {
			return err
		}
		if text, ok := words.Correct(first.Text, first.Complete); ok {
			asked = append(asked, g)
			for _, q := range g.queries {
				q.Corrected = text
				again = append(again, q)
			}
		}
	}
	if len(again) == 0 {
		return nil
	}
	found, err := index.Search(ctx, again)
	if err != nil {
		return err
	}
	for _, g := range asked {
		n := len(g.queries)
		if found[0].Total > g.results[0].Total {
			copy(g.queries, again[:n])
			copy(g.results, found[:n])
		}
		again, found = again[n:], found[n:]
	}
	return nil
}
