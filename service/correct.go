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
