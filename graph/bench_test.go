package graph_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
)

// BenchmarkMatchingTenders answers the list by a mix of watches: a page with
// its total, and one with all facets, of 100,000 tenders over the embedded
// pair, of 20,000 over PostgreSQL and Meilisearch. The figures are those of
// whole API requests; x_search is the time they take over what the search
// engine takes of it.
//
// The tenders' words are those of the sample notices, resampled, with a long
// tail of rarer words. Of the watches 60 % ask for a word in one to three
// departments, 15 % for one of two words, 10 % for a phrase, 10 % for a buyer,
// 5 % for a word alone.
func BenchmarkMatchingTenders(b *testing.B) {
	b.Run("embedded", func(b *testing.B) { benchmarkMatchingTenders(b, newWorld(b), 100_000) })
	b.Run("production", func(b *testing.B) { benchmarkMatchingTenders(b, productionWorld(b), 20_000) })
}

func benchmarkMatchingTenders(b *testing.B, w *world, tenders int) {
	const watches = 200
	random := rand.New(rand.NewPCG(1, 1))
	titles := sampleTitles(b)
	departments := vigie.Departments()
	w.fill(random, titles, tenders)
	p := w.person("a@example.org")
	var ids []string
	for i := range watches {
		words := strings.Fields(titles[random.IntN(len(titles))])
		word := func() string {
			for {
				if word := strings.Trim(words[random.IntN(len(words))], ".,;:()«»"); len([]rune(word)) > 5 {
					return word
				}
				words = strings.Fields(titles[random.IntN(len(titles))])
			}
		}
		criteria := vars{"keywords": []string{word()}}
		switch share := i % 20; {
		case share < 12:
			var codes []string
			for range 1 + random.IntN(3) {
				codes = append(codes, departments[random.IntN(96)].Code)
			}
			criteria["departmentCodes"] = codes
		case share < 15:
			criteria = vars{"keywords": []string{word(), word() + " " + word()}, "keywordMode": "ANY"}
		case share < 17:
			criteria = vars{"keywords": []string{strings.Join(words[:min(3, len(words))], " ")}}
		case share < 19:
			criteria["buyerIds"] = []string{p.ask(`query ($s: String!) { buyers(search: $s) { nodes { id } } }`, vars{"s": fmt.Sprintf("commune %d", random.IntN(100))}).text("buyers.nodes.0.id")}
		}
		ids = append(ids, p.create(vars{"name": fmt.Sprint("v", i), "criteria": criteria}))
	}
	const nodes = `nodes { id title deadline buyer { name } departments { name } }`
	for name, query := range map[string]string{
		"page":   `query ($id: [ID!]) { matchingTenders(watchIds: $id, first: 20) { totalCount ` + nodes + ` } }`,
		"facets": `query ($id: [ID!]) { matchingTenders(watchIds: $id, first: 20) { totalCount ` + nodes + ` facets { departments { value count } buyers { label count } natures { count } procedures { count } } } }`,
	} {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			var below, total float64
			w.calls.searching.Store(0)
			for i := 0; b.Loop(); i++ {
				started := time.Now()
				r := p.ask(query, vars{"id": ids[i%len(ids)]})
				times = append(times, time.Since(started))
				if n := r.at("matchingTenders.totalCount").(float64); n < float64(tenders)/100 {
					below++
				}
				total++
			}
			all := time.Duration(0)
			for _, t := range times {
				all += t
			}
			b.ReportMetric(float64(all)/float64(w.calls.searching.Load()), "x_search")
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50_ms")
			b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, "p95_ms")
			b.ReportMetric(100*below/total, "%below_1%")
		})
	}
}

// fill publishes tenders whose words are those of titles, and has the index
// follow.
func (w *world) fill(random *rand.Rand, titles []string, tenders int) {
	departments := vigie.Departments()
	batch := make([]*vigie.Notice, 0, vigie.MaxBatch)
	for i := range tenders {
		n := w.notice(fmt.Sprint(i), titles[random.IntN(len(titles))], fmt.Sprintf("Commune %d", int(2000*math.Pow(random.Float64(), 2))), random.IntN(24*60))
		n.Content.Departments = []string{departments[random.IntN(96)].Code}
		n.Content.Natures = []vigie.Nature{vigie.Natures()[random.IntN(3)]}
		n.Content.Procedure = vigie.Procedures()[random.IntN(6)]
		n.Content.Description = passage(random, titles)
		n.Content.DeadlineKind = []vigie.DeadlineKind{vigie.ForBids, vigie.ForParticipation, vigie.ForInterest}[random.IntN(3)]
		n.Content.Details.Technique = vigie.Techniques()[random.IntN(3)]
		if random.IntN(3) > 0 {
			n.Content.Details.Value = vigie.Money{Amount: fmt.Sprint(1000 + random.IntN(2_000_000)), Currency: vigie.Euro}
		}
		if batch = append(batch, n); len(batch) == cap(batch) || i == tenders-1 {
			if _, err := w.store.Publish(w.t.Context(), batch); err != nil {
				w.t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	w.follow()
}

// sampleTitles are the titles of the sample notices.
func sampleTitles(b testing.TB) []string {
	file, err := os.Open("../server/samples/notices.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var titles []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record struct{ Objet string }
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			b.Fatal(err)
		}
		titles = append(titles, record.Objet)
	}
	return titles
}

// passage is a description of some 60 words, a fifth of them rare.
func passage(random *rand.Rand, titles []string) string {
	var words []string
	for len(words) < 50 {
		words = append(words, strings.Fields(titles[random.IntN(len(titles))])...)
	}
	for range 12 {
		words = append(words, fmt.Sprintf("rare%d", int(40_000*math.Pow(random.Float64(), 3))))
	}
	return strings.Join(words, " ")
}
