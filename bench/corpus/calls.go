package corpus

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"vigie"
)

const (
	// callsPeriod is in how long calls are published: a twelfth of them is still online at the end.
	callsPeriod = 400 * 24 * time.Hour
	// callsOfBuyers is in how many calls the buyers are the same ones.
	callsOfBuyers = 30_000
	// CallsSource is the source of calls.
	CallsSource = "bench"
)

// Calls yields n calls for tenders that are published one after another until now, each of a procedure of its own: a title
// with three more as its description, a buyer, a place, a nature and a code as often as they come, a value here and there.
// The more calls, the more buyers there are: some 5,000 with each 30,000 calls of the words of 8,000 notices.
func (c *Corpus) Calls(n int, seed uint64, now time.Time) iter.Seq[*vigie.Notice] {
	return func(yield func(*vigie.Notice) bool) {
		g := rand.New(rand.NewPCG(seed, 7))
		end := now.UTC().Truncate(time.Second)
		for i := range n {
			published := end.Add(-time.Duration(float64(callsPeriod) * float64(n-i) / float64(n))).Truncate(time.Second)
			if !yield(c.call(g, i, published)) {
				return
			}
		}
	}
}

func (c *Corpus) call(g *rand.Rand, number int, published time.Time) *vigie.Notice {
	text := func() string { return c.titles[g.IntN(len(c.titles))].text }
	from, code := c.buyers.draw(g), c.cpv.draw(g)
	if group := number / callsOfBuyers; group > 0 {
		from.name += " " + strconv.Itoa(group)
	}
	n := &vigie.Notice{
		Source: CallsSource, SourceRef: fmt.Sprintf("%08d", number), Kind: vigie.ContractNotice, PublishedAt: published,
		Buyer: vigie.BuyerName{Name: from.name},
		Content: vigie.Content{
			Title: text(), Description: strings.Join([]string{text(), text(), text()}, ". "), Departments: []string{from.department},
			Natures: []vigie.Nature{vigie.Natures()[g.IntN(len(vigie.Natures()))]}, Procedure: vigie.Procedures()[g.IntN(len(vigie.Procedures()))],
			CPVCodes: []string{code + strings.Repeat("0", 8-len(code))}, Deadline: new(published.Add(time.Duration(10+g.IntN(50)) * 24 * time.Hour)),
		},
	}
	if g.Float64() < sayValue {
		n.Content.Details.Value = vigie.Euros(int64(1+g.IntN(5000)) * 1_000_00)
	}
	return n
}

// Misspelt draws n texts of two long words of a title, in each of which a letter is missing.
func (c *Corpus) Misspelt(n int, seed uint64) []string {
	const long = 8
	g := rand.New(rand.NewPCG(seed, 8))
	var texts []string
	for tries := 0; len(texts) < n && tries < 1000*n; tries++ {
		t := c.titles[g.IntN(len(c.titles))]
		var words []string
		for _, w := range t.words {
			word := []rune(strings.ToLower(t.text[w.Start:w.End]))
			if len(word) >= long && len(words) < 2 && !strings.ContainsAny(string(word), "0123456789.-'’ ") {
				at := len(word)/2 + g.IntN(2)
				words = append(words, string(word[:at])+string(word[at+1:]))
			}
		}
		if len(words) == 2 && words[0] != words[1] {
			texts = append(texts, strings.Join(words, " "))
		}
	}
	return texts
}

// From yields calls as another source has them.
func From(source string, calls iter.Seq[*vigie.Notice]) iter.Seq[*vigie.Notice] {
	return func(yield func(*vigie.Notice) bool) {
		for n := range calls {
			n.Source = source
			if !yield(n) {
				return
			}
		}
	}
}
