package feed_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/feed"
	"vigie/lexicon"
	"vigie/query"
	"vigie/query/querytest"
	"vigie/store"
	"vigie/store/storetest"
)

// The matcher always agrees with the formulas of all watches, while watches are created, edited, paused, switched on
// and deleted, and notices are published; so does a matcher that starts later.
func TestMatcherFollows(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			s, account := openWithAccount(t, open(t))
			g := querytest.New(5)
			following := newMatcher()
			all := make(map[int64]query.Formula)
			matched := 0
			for round := range 60 {
				for range 3 {
					changeWatch(t, s, g, account, all)
				}
				tender := g.Tender()
				tender.BuyerID = 1
				var starting *feed.Matcher
				if round%20 == 0 {
					starting = newMatcher()
				}
				err := s.Snapshot(t.Context(), func(ctx context.Context, now *store.Snapshot) error {
					facts, _ := query.FactsOf(tender)
					var want []int64
					for id, f := range all {
						if f.Matches(facts) {
							want = append(want, id)
						}
					}
					slices.Sort(want)
					matched += len(want)
					for _, m := range []*feed.Matcher{following, starting} {
						if m == nil {
							continue
						}
						if err := m.Update(ctx, now); err != nil {
							return err
						}
						got := m.Match(tender)
						slices.Sort(got)
						if !slices.Equal(got, want) {
							t.Errorf("round %d: matches %v, not %v", round, got, want)
						}
						if m.Reached() != now.Number {
							t.Errorf("round %d: reached %d of %d", round, m.Reached(), now.Number)
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if matched < 60 {
				t.Errorf("%d matches: too few to prove much", matched)
			}
		})
	}
}

// TestNewRules: a matcher that starts with other rules compiles all watches by these, though nothing of them changed.
func TestNewRules(t *testing.T) {
	for kind, url := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			s, account := openWithAccount(t, url(t))
			w, err := s.CreateWatch(t.Context(), account, vigie.Watch{
				Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Daily,
				Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords, Keywords: []string{"voirie"}},
			}, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			matches := func(m *feed.Matcher, title string) []int64 {
				if err := s.Snapshot(t.Context(), m.Update); err != nil {
					t.Fatal(err)
				}
				return m.Match(&vigie.Tender{Content: vigie.Content{Title: title}})
			}
			before, since := newMatcher(), newMatcher()
			since.Compile = func(c vigie.Criteria) query.Formula {
				c.Keywords = []string{"chaussée"}
				return query.Compile(c)
			}
			if got := matches(before, "voirie"); !slices.Equal(got, []int64{w.ID}) {
				t.Errorf("before: %v", got)
			}
			if got := append(matches(since, "chaussée"), matches(since, "voirie")...); !slices.Equal(got, []int64{w.ID}) {
				t.Errorf("with new rules: %v", got)
			}
		})
	}
	if !strings.Contains(feed.Version(), fmt.Sprint("l", lexicon.Version)) {
		t.Errorf("an index of version %s does not say by which lexicon it was made", feed.Version())
	}
}

func newMatcher() *feed.Matcher {
	return feed.NewMatcher(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
}

// openWithAccount opens a database for the duration of the test, with one account.
func openWithAccount(t testing.TB, url string) (*store.Store, *vigie.Account) {
	t.Helper()
	s, err := store.Open(t.Context(), url, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	account, err := s.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "a", Email: "a@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	return s, account
}

// changeWatch creates, edits, pauses, switches on or deletes a watch, and records in all what each watch now looks
// for.
func changeWatch(t *testing.T, s *store.Store, g querytest.Generator, account *vigie.Account, all map[int64]query.Formula) {
	t.Helper()
	c := g.Criteria()
	c.BuyerIDs = nil // notices create buyers
	watches, err := s.Watches(t.Context(), account.ID, store.WatchFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(watches) < 5 || g.IntN(4) == 0 && len(watches) < 40 {
		name := time.Now().Format(time.RFC3339Nano)
		w, err := s.CreateWatch(t.Context(), account, vigie.Watch{Name: name, NameKey: name, Active: true, Frequency: vigie.Daily, Criteria: c}, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		all[w.ID] = query.Compile(c)
		return
	}
	w := watches[g.IntN(len(watches))]
	if g.IntN(6) == 0 {
		if err := s.DeleteWatch(t.Context(), account.ID, w.ID); err != nil {
			t.Fatal(err)
		}
		delete(all, w.ID)
		return
	}
	active := g.IntN(3) > 0
	if _, err := s.UpdateWatch(t.Context(), account, w.ID, func(w *vigie.Watch) { w.Criteria, w.Active = c, active }, nil, nil); err != nil {
		t.Fatal(err)
	}
	delete(all, w.ID)
	if active {
		all[w.ID] = query.Compile(c)
	}
}
