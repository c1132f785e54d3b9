package match_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"vigie"
	"vigie/match"
	"vigie/query"
	"vigie/query/querytest"
)

// oracle evaluates each watch's formula.
type oracle map[int64]query.Formula

func (o oracle) match(f query.Facts) []int64 {
	var list []int64
	for id, formula := range o {
		if formula.Matches(f) {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

func (o oracle) apply(changes []match.Change) {
	for _, c := range changes {
		delete(o, c.Watch)
		if c.Formula != nil {
			o[c.Watch] = *c.Formula
		}
	}
}

func matched(x *match.Index, f query.Facts) []int64 {
	list, _ := x.Match(f, nil)
	slices.Sort(list)
	return list
}

// frequencies returns the frequencies of a sample of random tenders, sometimes of none.
func frequencies(g querytest.Generator) match.Frequencies {
	f := make(match.Frequencies)
	for range g.IntN(100) {
		facts, _ := query.FactsOf(g.Tender())
		f.Add(facts)
	}
	f.Trim(uint32(g.IntN(3)))
	return f
}

// formula returns the formula of random criteria, or one that no criteria compile to.
func formula(g querytest.Generator) *query.Formula {
	f := query.Compile(g.Criteria())
	for g.IntN(4) == 0 {
		other := query.Compile(g.Criteria())
		value := query.Atom{Field: query.EstimatedValue, Value: query.Between(4_000_000, 4_000_000+g.Int64N(2)*5_000_000)}
		switch g.IntN(6) {
		case 0:
			f.Clauses = append(f.Clauses, other.Clauses...)
		case 1:
			f.Excluded = append(f.Excluded, other.Excluded...)
			f.Excluded = append(f.Excluded, query.Conj{{Field: query.Department, Value: "01"}})
		case 2:
			f.Clauses = append(f.Clauses, slices.Concat(other.Clauses...))
		case 3:
			f.Clauses = append(f.Clauses, query.Clause{{}, {{Field: query.Procedure, Value: string(vigie.OpenProcedure)}}})
		case 4:
			f.Clauses = append(f.Clauses, query.Clause{{value, {Field: query.Nature, Value: "WORKS"}}, {{Field: query.Department, Value: "69"}, value}})
		case 5:
			f.Excluded = append(f.Excluded, query.Conj{value}, query.Conj{{Field: query.Nature, Value: "WORKS"}, value})
		}
	}
	// Very many departments, as for « all but mine ».
	if g.IntN(8) == 0 {
		var all query.Clause
		for _, d := range vigie.Departments()[g.IntN(60):] {
			all = append(all, query.Conj{{Field: query.Department, Value: d.Code}})
		}
		f.Clauses = append(f.Clauses, all)
	}
	return &f
}

// The index agrees with an evaluator that evaluates each watch, whatever is added, replaced and removed: 200,000
// pairs of watch and tender, or VIGIE_TEST_PAIRS.
func TestAgainstOracle(t *testing.T) {
	pairs, seed := querytest.Setting(t, "VIGIE_TEST_PAIRS", 200_000), querytest.Setting(t, "VIGIE_TEST_SEED", rand.Uint64())
	t.Logf("VIGIE_TEST_SEED=%d VIGIE_TEST_PAIRS=%d", seed, pairs)
	g := querytest.New(seed)
	var tried, found uint64
	for tried < pairs {
		x, all := match.New(frequencies(g)), oracle{}
		for range 40 {
			// Changes of a few watches and of many, so that parts are created, joined and emptied.
			changes := make([]match.Change, 1+g.IntN([]int{1, 5, 200}[g.IntN(3)]))
			for i := range changes {
				changes[i].Watch = 1 + g.Int64N(400)
				if g.IntN(4) > 0 {
					changes[i].Formula = formula(g)
				}
			}
			x.Apply(changes)
			all.apply(changes)
			if got := x.Stats().Watches; got != len(all) {
				t.Fatalf("%d watches held, not %d", got, len(all))
			}
			for range 3 {
				tender := g.Tender()
				facts, _ := query.FactsOf(tender)
				want := all.match(facts)
				if got := matched(x, facts); !slices.Equal(got, want) {
					t.Fatalf("tender %+v\nmatches %v\n   not %v\n%s", tender, got, want, all.describe(got, want))
				}
				tried += uint64(len(all))
				found += uint64(len(want))
			}
		}
	}
	if share := float64(found) / float64(tried); share < 0.02 || share > 0.7 {
		t.Errorf("%.3f of the pairs match: too lopsided to prove much", share)
	}
}

func (o oracle) describe(got, want []int64) string {
	var text string
	for id, f := range o {
		if slices.Contains(got, id) != slices.Contains(want, id) {
			text += fmt.Sprintf("%d: %s\n", id, f)
		}
	}
	return text
}

func FuzzAgainstOracle(f *testing.F) {
	f.Add("voirie", "eau potable", "", "Voirie et eau potable", "01", "07")
	f.Add("maîtrise d'œuvre", "voirie", "travaux", "Maîtrise d’œuvre, voirie", "2A", "")
	f.Add("V.R.D.", "vrd vrd", "école", "VRD. VRD", "", "2A")
	f.Fuzz(func(t *testing.T, first, second, excluded, title, asked, place string) {
		tender := &vigie.Tender{BuyerID: 1}
		tender.Title = title
		if place != "" {
			tender.Departments = []string{place}
		}
		facts, _ := query.FactsOf(tender)
		x, all := match.New(nil), oracle{}
		for _, mode := range vigie.KeywordModes() {
			for _, nationwide := range []bool{false, true} {
				c := vigie.Criteria{Keywords: []string{first, second}, KeywordMode: mode, IncludeNationwide: nationwide}
				if excluded != "" {
					c.ExcludedKeywords = []string{excluded}
				}
				if asked != "" {
					c.Departments = []string{asked}
				}
				change := []match.Change{{Watch: int64(1 + len(all)), Formula: new(query.Compile(c))}}
				x.Apply(change)
				all.apply(change)
			}
		}
		if got, want := matched(x, facts), all.match(facts); !slices.Equal(got, want) {
			t.Errorf("matches %v, not %v\n%s", got, want, all.describe(got, want))
		}
	})
}

func TestLimitsOfFormulas(t *testing.T) {
	term := func(value string) query.Conj { return query.Conj{{Field: query.Term, Value: value}} }
	for name, test := range map[string]struct {
		formula query.Formula
		want    bool
	}{
		"nothing asked":              {query.Formula{}, true},
		"a clause of nothing":        {query.Formula{Clauses: []query.Clause{{}}}, false},
		"a conjunction of nothing":   {query.Formula{Clauses: []query.Clause{{{}}}}, true},
		"nothing excluded":           {query.Formula{Excluded: []query.Conj{{}}}, false},
		"only an exclusion, absent":  {query.Formula{Excluded: []query.Conj{term("route")}}, true},
		"only an exclusion, present": {query.Formula{Excluded: []query.Conj{term("voirie")}}, false},
		"an exclusion half present":  {query.Formula{Excluded: []query.Conj{{term("voirie")[0], term("route")[0]}}}, true},
		"the same twice":             {query.Formula{Clauses: []query.Clause{{{term("voirie")[0], term("voirie")[0]}, term("voirie")}}}, true},
		"asked and excluded":         {query.Formula{Clauses: []query.Clause{{term("voirie")}}, Excluded: []query.Conj{term("voirie")}}, false},
		"a department unheard of":    {query.Formula{Clauses: []query.Clause{{{{Field: query.Department, Value: "99"}}}}}, false},
		"among departments":          {query.Formula{Clauses: []query.Clause{{{{Field: query.Department, Value: "99"}}, {{Field: query.Department, Value: "01"}}}}}, true},
		"two lists of departments":   {query.Formula{Clauses: []query.Clause{{{{Field: query.Department, Value: "01"}}}, {{{Field: query.Department, Value: "02"}}}}}, false},
	} {
		x := match.New(nil)
		x.Apply([]match.Change{{Watch: 7, Formula: &test.formula}})
		facts := query.Facts{query.Term: {"eau", "voirie"}, query.Department: {"01"}, query.Buyer: {"buyer_1"}}
		if test.formula.Matches(facts) != test.want {
			t.Errorf("%s: the formula disagrees", name)
		}
		if got := matched(x, facts); len(got) == 1 != test.want {
			t.Errorf("%s: matches %v", name, got)
		}
	}
}

// A reader sees a batch of changes whole or not at all, whatever the writer does at the same time, and nothing blocks
// it: of two watches that swap their criteria in each batch, exactly one matches at any moment.
func TestReadersSeeWholeBatches(t *testing.T) {
	with, without := query.Compile(vigie.Criteria{Keywords: []string{"voirie"}}), query.Compile(vigie.Criteria{Keywords: []string{"route"}})
	facts := query.Facts{query.Term: {"voirie"}, query.Department: {"01"}, query.Buyer: {"buyer_1"}}
	x := match.New(nil)
	x.Apply([]match.Change{{Watch: 1, Formula: &with}, {Watch: 2, Formula: &without}})
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for !done.Load() {
				var ours int
				for _, id := range matched(x, facts) {
					if id <= 2 {
						ours++
					}
				}
				if ours != 1 {
					t.Errorf("%d of the two match", ours)
					return
				}
			}
		})
	}
	g := querytest.New(3)
	for i := range 2000 {
		first, second := &with, &without
		if i%2 == 0 {
			first, second = second, first
		}
		batch := []match.Change{{Watch: 1, Formula: first}, {Watch: 2, Formula: second}}
		// New words make the atoms grow while readers use them.
		for range 20 {
			f := query.Compile(vigie.Criteria{Keywords: []string{strconv.Itoa(1000 + g.IntN(1e6))}})
			batch = append(batch, match.Change{Watch: 3 + g.Int64N(5000), Formula: &f})
		}
		x.Apply(batch)
	}
	done.Store(true)
	readers.Wait()
}

// Of several changes of one watch in a batch, the last counts.
func TestLastChangeCounts(t *testing.T) {
	f := query.Compile(vigie.Criteria{Keywords: []string{"voirie"}})
	facts := query.Facts{query.Term: {"voirie"}}
	x := match.New(nil)
	x.Apply([]match.Change{{Watch: 1, Formula: &f}, {Watch: 1}, {Watch: 2}, {Watch: 2, Formula: &f}})
	if got := matched(x, facts); !slices.Equal(got, []int64{2}) {
		t.Errorf("matches %v", got)
	}
	x.Apply([]match.Change{{Watch: 2}, {Watch: 5}})
	if got, held := matched(x, facts), x.Stats().Watches; len(got) > 0 || held > 0 {
		t.Errorf("matches %v of %d", got, held)
	}
}

// What is numbered stays within a few times what the watches that are held need, however often they are edited: ranges
// cost each tender a comparison, and words take memory. Matches stay those of the oracle.
func TestEditsLeaveNothing(t *testing.T) {
	seed := querytest.Setting(t, "VIGIE_TEST_SEED", rand.Uint64())
	t.Logf("VIGIE_TEST_SEED=%d", seed)
	g := querytest.New(seed)
	f := frequencies(g)
	x, all := match.New(f), oracle{}
	// Each edit asks for a word and for bounds that no other asks for.
	unique := func(i int) *query.Formula {
		edited := formula(g)
		word := query.Conj{{Field: query.Term, Value: "w" + strconv.Itoa(i)}}
		bounds := query.Conj{{Field: query.EstimatedValue, Value: query.Between(int64(i), 4_000_000+int64(i))}}
		none := query.Conj{{Field: query.EstimatedValue, Value: query.UnknownValue}}
		switch g.IntN(4) {
		case 0:
			edited.Excluded = append(edited.Excluded, word, slices.Concat(word, bounds))
		case 1:
			edited.Clauses = append(edited.Clauses, query.Clause{bounds})
		case 2:
			edited.Clauses = append(edited.Clauses, query.Clause{bounds, none}, query.Clause{word, {}})
		case 3:
			edited.Clauses = append(edited.Clauses, query.Clause{word, {{Field: query.Term, Value: "voirie"}}, bounds})
		}
		return edited
	}
	const slack = 1024 // and one for 64 watches
	for i := range 1500 {
		// First many watches, then few, so that what many needed is given back too.
		changes := make([]match.Change, 1+g.IntN([]int{1, 5, 40}[g.IntN(3)]))
		for j := range changes {
			changes[j].Watch = 1 + g.Int64N(300)
			if i < 700 && g.IntN(4) > 0 || changes[j].Watch <= 20 {
				changes[j].Formula = unique(100*i + j)
			}
		}
		x.Apply(changes)
		all.apply(changes)
		if i%50 > 0 {
			continue
		}
		facts, _ := query.FactsOf(g.Tender())
		if got, want := matched(x, facts), all.match(facts); !slices.Equal(got, want) {
			t.Fatalf("after %d edits: matches %v\n   not %v\n%s", i, got, want, all.describe(got, want))
		}
		needed := match.New(f)
		for id, formula := range all {
			needed.Apply([]match.Change{{Watch: id, Formula: &formula}})
		}
		got, least := x.Stats(), needed.Stats()
		if most := 4*least.Atoms + 2*slack; got.Atoms > most {
			t.Fatalf("after %d edits: %d words and codes, of which the watches need %d", i, got.Atoms, least.Atoms)
		}
		if most := 4*least.Ranges + 2*slack; got.Ranges > most {
			t.Fatalf("after %d edits: %d ranges, of which the watches need %d", i, got.Ranges, least.Ranges)
		}
	}
}
