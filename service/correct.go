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

// speller knows the words of the index that answers, by which typing errors are told. Its zero value is ready.
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
		if known.isOf(index) && now.Sub(known.read) < readWordsEvery {
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

// read reads the words of an index, unless that was done a moment ago.
func (s *speller) read(ctx context.Context, index search.Index, now time.Time, log *slog.Logger) error {
	known := s.known.Load()
	if known.isOf(index) && now.Sub(known.read) < readWordsEvery {
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
		log.WarnContext(ctx, "the words of the search index cannot be read again; those read before are used", "error", err)
		s.known.Store(&knownWords{index, known.vocabulary, now}) // they are tried again in a while
		return nil
	}
	return err
}

// corrected asks queries whose text found few rows again, with its typing errors put right; the answer counts where it
// has more rows. Queries are changed to what was answered.
func (s *Service) corrected(ctx context.Context, index search.Index, queries []search.Query, results []search.Result) error {
	var again []search.Query
	var places []int
	for i, q := range queries {
		if q.Text == "" || results[i].Total > freetext.Few {
			continue
		}
		words, err := s.speller.of(ctx, index, s.now(), s.Log)
		if err != nil {
			return err
		}
		if text, ok := words.Correct(q.Text, q.Complete); ok {
			q.Corrected = text
			again, places = append(again, q), append(places, i)
		}
	}
	if len(again) == 0 {
		return nil
	}
	found, err := index.Search(ctx, again)
	if err != nil {
		return err
	}
	for i, place := range places {
		if found[i].Total > results[place].Total {
			queries[place], results[place] = again[i], found[i]
		}
	}
	return nil
}
