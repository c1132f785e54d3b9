package corpus_test

import (
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/bench/corpus"
	"vigie/query"
)

// open opens the real notices where VIGIE_TEST_DATA has them, else the samples.
func open(t *testing.T) *corpus.Corpus {
	t.Helper()
	c, err := corpus.Open(os.Getenv("VIGIE_TEST_DATA"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEqualSeedsDrawTheSame(t *testing.T) {
	first, second := open(t), open(t)
	if a, b := first.Watches(1000, 7), second.Watches(1000, 7); !reflect.DeepEqual(a, b) {
		t.Error("other watches of the same seed")
	}
	if a, b := first.Watches(1000, 7), first.Watches(1000, 8); reflect.DeepEqual(a, b) {
		t.Error("the same watches of another seed")
	}
	for _, kind := range corpus.Kinds() {
		tenders := first.Tenders(20, kind, 7)
		if !reflect.DeepEqual(tenders, second.Tenders(20, kind, 7)) {
			t.Errorf("other %s tenders of the same seed", kind)
		}
		// A few measured are a part of the many.
		if !reflect.DeepEqual(tenders[:5], first.Tenders(5, kind, 7)) {
			t.Errorf("fewer %s tenders are others", kind)
		}
		for _, f := range tenders {
			if n := len(f[query.Term]); n < 200 || n > 300 {
				t.Errorf("a %s tender of %d terms", kind, n)
			}
			if nowhere := f[query.Department][0] == vigie.Nationwide; nowhere != (kind == corpus.Nowhere) {
				t.Errorf("a %s tender of %v", kind, f[query.Department])
			}
		}
	}
}

func TestWatchesAreDistinct(t *testing.T) {
	seen := make(map[string]bool)
	for _, w := range open(t).Watches(20_000, 1) {
		formula := query.Compile(w).String()
		if seen[formula] {
			t.Fatalf("twice: %s", formula)
		}
		seen[formula] = true
	}
}

// The shares are those of watches with keywords: the others always have
// departments, and a buyer or a code. A watch drawn twice is drawn again, and a
// title's last word begins no phrase, so they are not met to the dot.
func TestSharesOfWatches(t *testing.T) {
	shares := map[string]struct {
		want float64
		has  func(vigie.Criteria) bool
	}{
		"exclusions":  {0.05, func(w vigie.Criteria) bool { return len(w.ExcludedKeywords) > 0 }},
		"phrases":     {0.10, func(w vigie.Criteria) bool { return strings.ContainsAny(w.Keywords[0], " '’-") }},
		"CPV codes":   {0.05, func(w vigie.Criteria) bool { return len(w.CPVCodes) > 0 }},
		"departments": {0.60, func(w vigie.Criteria) bool { return len(w.Departments) > 0 }},
		"buyers":      {0.05, func(w vigie.Criteria) bool { return len(w.BuyerIDs) > 0 }},
		"natures":     {0.10, func(w vigie.Criteria) bool { return len(w.Natures) > 0 }},
		"values":      {0.10, func(w vigie.Criteria) bool { return w.MinValue+w.MaxValue != "" }},
		"techniques":  {0.04, func(w vigie.Criteria) bool { return len(w.Techniques) > 0 }},
		"deadlines":   {0.03, func(w vigie.Criteria) bool { return len(w.DeadlineKinds) > 0 }},
	}
	watches := open(t).Watches(20_000, 1)
	all := float64(len(watches))
	watches = slices.DeleteFunc(watches, func(w vigie.Criteria) bool { return len(w.Keywords) == 0 })
	if got := float64(len(watches)) / all; got < 0.93 || got > 0.97 {
		t.Errorf("%.3f have keywords, not about 0.95", got)
	}
	for name, share := range shares {
		got := 0.0
		for _, w := range watches {
			if share.has(w) {
				got += 1 / float64(len(watches))
			}
		}
		if math.Abs(got-share.want) > 0.15*share.want {
			t.Errorf("%.3f have %s, not about %.2f", got, name, share.want)
		}
	}
}

// Tenders say as often as real notices what their value and technique is.
func TestSharesOfTenders(t *testing.T) {
	tenders := open(t).Tenders(5000, corpus.Nowhere, 1)
	for name, share := range map[string]struct {
		want float64
		atom query.Atom
	}{
		"a value":              {0.29, query.Atom{Field: query.EstimatedValue, Value: query.Between(1_000_000, 10_000_000_000)}},
		"a value of a million": {0.29 * 0.59, query.Atom{Field: query.EstimatedValue, Value: query.Between(100_000_000, vigie.MaxCents)}},
		"a framework":          {0.15, query.Atom{Field: query.Technique, Value: "FRAMEWORK"}},
		"bids":                 {0.78, query.Atom{Field: query.DeadlineKind, Value: "BIDS"}},
	} {
		got := 0.0
		for _, f := range tenders {
			if f.Has(share.atom) {
				got += 1 / float64(len(tenders))
			}
		}
		if math.Abs(got-share.want) > 0.15*share.want {
			t.Errorf("%.3f have %s, not about %.2f", got, name, share.want)
		}
	}
}
