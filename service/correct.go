package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"vigie/freetext"
	"vigie/search"
)

// speller knows the words of the index that answers, by which typing errors are told. Its zero value is ready.
type speller struct {
	mutex      sync.Mutex
	index      search.Index
	vocabulary *freetext.Vocabulary
	read       time.Time
	reading    bool
}

// readWordsEvery is how often the words are read again, when they are needed.
const readWordsEvery = time.Minute

// of returns the words of an index. They are read at once where none are known; later on the known ones are returned
// while they are read again.
func (s *speller) of(ctx context.Context, index search.Index, now time.Time, log *slog.Logger) (*freetext.Vocabulary, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.index == index {
		if now.Sub(s.read) >= readWordsEvery && !s.reading {
			s.reading = true
			go s.readAgain(context.WithoutCancel(ctx), index, now, log)
		}
		return s.vocabulary, nil
	}
	counts, err := index.Words(ctx)
	if err != nil {
		return nil, err
	}
	s.index, s.vocabulary, s.read = index, freetext.NewVocabulary(counts), now
	return s.vocabulary, nil
}

func (s *speller) readAgain(ctx context.Context, index search.Index, now time.Time, log *slog.Logger) {
	const longest = time.Minute
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	counts, err := index.Words(ctx)
	var vocabulary *freetext.Vocabulary
	if err != nil {
		log.WarnContext(ctx, "the words of the search index cannot be read again; those read before are used", "error", err)
	} else {
		vocabulary = freetext.NewVocabulary(counts)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.reading, s.read = false, now
	if vocabulary != nil && s.index == index {
		s.vocabulary = vocabulary
	}
}

// corrected asks queries whose text found few rows again, with its typing errors put right; the answer counts where it
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
