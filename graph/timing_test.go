package graph_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"vigie"
	"vigie/store/storetest"
)

// The time of an answer does not tell the id of another account's thing from an id
// of nothing, nor from a malformed one. Tries are interleaved; by one try, an
// observer must guess right in at most 55 % of all cases.
//
//	scripts/with-postgres go test ./graph -run '^$' -bench OthersIDs -benchtime 1x
func BenchmarkOthersIDs(b *testing.B) {
	for name, database := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := embedded(b, database(b))
			things, bob := w.things(w.person("ana@example.org"), "a"), w.person("bob@example.org")
			w.things(bob, "b")
			for _, q := range othersQuestions() {
				b.Run(q.name, func(b *testing.B) {
					for b.Loop() {
						q.compare(b, w, bob, things[q.kind])
					}
				})
			}
		})
	}
}

// othersQuestion asks for, or about, the thing of an id.
type othersQuestion struct {
	name string
	kind vigie.Kind
	text string
}

func othersQuestions() []othersQuestion {
	const node = `query ($id: ID!) { node(id: $id) { id } }`
	const answer = ` { userErrors { code message } } }`
	return []othersQuestion{
		{"account", vigie.KindAccount, node},
		{"watch", vigie.KindWatch, node},
		{"recipient", vigie.KindRecipient, node},
		{"delivery", vigie.KindDelivery, node},
		{"nodes", vigie.KindWatch, `query ($id: ID!) { nodes(ids: [$id]) { id } }`},
		{"tenderEvents", vigie.KindWatch, `query ($id: ID!) { tenderEvents(watchIds: [$id]) { nodes { kind } } }`},
		{"deliveries", vigie.KindRecipient, `query ($id: ID!) { viewer { deliveries(filter: { recipientIds: [$id] }) { totalCount } } }`},
		{"explainMatch", vigie.KindWatch, `query ($id: ID!) { explainMatch(watchId: $id, tenderId: $id) { matches } }`},
		{"updateWatch", vigie.KindWatch, `mutation ($id: ID!) { updateWatch(id: $id, input: { active: true })` + answer},
		{"deleteWatch", vigie.KindWatch, `mutation ($id: ID!) { deleteWatch(id: $id)` + answer},
		{"restoreWatch", vigie.KindWatch, `mutation ($id: ID!) { restoreWatch(id: $id)` + answer},
		{"resendConfirmation", vigie.KindRecipient, `mutation ($id: ID!) { resendConfirmation(recipientId: $id)` + answer},
		{"resubscribe", vigie.KindRecipient, `mutation ($id: ID!) { resubscribe(recipientId: $id)` + answer},
	}
}

// compare asks by the id of another account's thing, by one of nothing, and by a
// malformed one.
func (q othersQuestion) compare(b *testing.B, w *world, who person, other string) {
	const tries = 1000
	none := w.id(q.kind, w.number(other)+1_000_000)
	ids := []string{other, none, none[:len(none)-1] + "x"}
	times := make([][]float64, len(ids))
	var answers [3]string
	for range tries {
		for _, i := range rand.Perm(len(ids)) {
			started := time.Now()
			r := who.post(q.text, vars{"id": ids[i]})
			times[i] = append(times[i], float64(time.Since(started)))
			answers[i] = r.whole()
		}
	}
	for i := 1; i < len(ids); i++ {
		if answers[i] != answers[0] {
			b.Fatalf("by another's id the answer is %s, else %s", answers[0], answers[i])
		}
		right := guessed(times[0], times[i])
		b.ReportMetric(right*100, []string{"", "%right-of-none", "%right-of-no-id"}[i])
		// Three standard deviations of chance on top.
		if most := 0.55 + 3/math.Sqrt(6*tries); right > most {
			b.Errorf("by one try, whether %s is another's or none is guessed right in %.1f %% of all cases (medians %s and %s)",
				q.kind, right*100, time.Duration(median(times[0])), time.Duration(median(times[i])))
		}
	}
	b.ReportMetric(median(times[0])/1e3, "µs-median")
}

// guessed is how often one can tell, of a time of each of two kinds, which is of
// which: from 0.5, by chance, to 1. It is the U of Mann and Whitney over the number
// of pairs.
func guessed(a, b []float64) float64 {
	type sample struct {
		at    float64
		first bool
	}
	var all []sample
	for _, at := range a {
		all = append(all, sample{at, true})
	}
	for _, at := range b {
		all = append(all, sample{at, false})
	}
	slices.SortFunc(all, func(x, y sample) int { return cmp.Compare(x.at, y.at) })
	below, pairs := 0.0, 0.0 // samples of b so far; pairs in which b is less
	for start := 0; start < len(all); {
		end, first := start, 0.0
		for ; end < len(all) && all[end].at == all[start].at; end++ {
			if all[end].first {
				first++
			}
		}
		second := float64(end-start) - first
		pairs += first * (below + second/2) // equal ones are half a pair
		below += second
		start = end
	}
	u := pairs / float64(len(a)*len(b))
	return max(u, 1-u)
}

func median(times []float64) float64 { return slices.Sorted(slices.Values(times))[len(times)/2] }

// The measure of [BenchmarkOthersIDs] sees what there is to see.
func TestGuessed(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	draw := func(shift float64) []float64 {
		times := make([]float64, 1000)
		for i := range times {
			times[i] = g.NormFloat64() + shift
		}
		return times
	}
	for _, test := range []struct{ shift, low, high float64 }{{0, 0.5, 0.54}, {0.5, 0.6, 0.68}, {-0.5, 0.6, 0.68}, {9, 1, 1}} {
		if got := guessed(draw(0), draw(test.shift)); got < test.low || got > test.high {
			t.Errorf("with a shift of %g, %.3f are guessed", test.shift, got)
		}
	}
	if got := guessed([]float64{1, 2, 2}, []float64{2, 2, 3}); got < 0.777 || got > 0.778 {
		t.Errorf("with equal times, %.4f are guessed", got)
	}
}
