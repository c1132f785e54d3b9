package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// tally counts the answers to one question.
type tally struct {
	outcomes  map[string]int
	latencies []time.Duration
}

func (a *tally) add(outcome string, took time.Duration) {
	a.outcomes[outcome]++
	a.latencies = append(a.latencies, took)
}

func (a *tally) share(outcome string) float64 {
	return float64(a.outcomes[outcome]) / float64(max(len(a.latencies), 1))
}

// String says the shares of the outcomes, the largest first, and half of all and 99 of 100 latencies.
func (a *tally) String() string {
	if len(a.latencies) == 0 {
		return "–"
	}
	names := slices.SortedFunc(maps.Keys(a.outcomes), func(x, y string) int {
		return cmp.Or(cmp.Compare(a.outcomes[y], a.outcomes[x]), cmp.Compare(x, y))
	})
	var said []string
	for _, name := range names {
		percent := strconv.FormatFloat(100*a.share(name), 'f', 0, 64)
		if percent == "0" || percent == "100" && len(names) > 1 {
			percent = strconv.FormatFloat(100*a.share(name), 'f', 1, 64)
		}
		said = append(said, name+" "+percent+" %")
	}
	sorted := slices.Sorted(slices.Values(a.latencies))
	at := func(share float64) int64 { return sorted[int(share*float64(len(sorted)-1))].Milliseconds() }
	return fmt.Sprintf("%s; %d / %d ms", strings.Join(said, ", "), at(0.5), at(0.99))
}

// underLoad asks as some people do while something happens, at an even rate, whether they are answered or not.
func (d *drill) underLoad(happens func()) map[string]*tally {
	said := make(map[string]*tally)
	var ends []func()
	var asking sync.WaitGroup
	for _, q := range d.questions() {
		a := &tally{outcomes: make(map[string]int)}
		said[q.name] = a
		attacker := vegeta.NewAttacker(vegeta.Timeout(time.Minute))
		ends = append(ends, func() { attacker.Stop() })
		asking.Go(func() {
			for r := range attacker.Attack(d.target(q), vegeta.Rate{Freq: q.perMinute, Per: time.Minute}, 0, q.name) {
				a.add(d.outcome(r), r.Latency)
			}
		})
	}
	happens()
	for _, end := range ends {
		end()
	}
	asking.Wait()
	return said
}

// question is one that people ask again and again.
type question struct {
	name        string
	perMinute   int
	text, token func() string
}

func (d *drill) questions() []question {
	var asked atomic.Int64
	anyone := func() string { return d.people[asked.Add(1)%int64(len(d.people))] }
	always := func(text string) func() string { return func() string { return text } }
	return []question{
		{"plain query", 600, always(`{ viewer { email } watches { nodes { name } } }`), anyone},
		{"search", 300, always(`{ matchingTenders(first: 20) { totalCount nodes { title buyer { name } } } }`), anyone},
		{"publish", 30, func() string {
			return strings.Replace(publication(int(d.next.Add(1))), "userErrors", "results { notice { sourceRef } } userErrors", 1)
		}, always(d.publisher)},
		{"new sign-in", 60, always(`{ viewer { email } }`), func() string { return d.issuer.token(d.t, "newcomer") }},
	}
}

func (d *drill) target(q question) vegeta.Targeter {
	return func(target *vegeta.Target) error {
		body, err := json.Marshal(map[string]string{"query": q.text()})
		*target = vegeta.Target{
			Method: http.MethodPost, URL: d.server.base + "/graphql", Body: body,
			Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + q.token()}},
		}
		return err
	}
}

var publishedRef = regexp.MustCompile(`"sourceRef":"ref-(\d+)"`)

// outcome is what a client makes of an answer: « ok », the code of its first error, or else its HTTP status.
func (d *drill) outcome(r *vegeta.Result) string {
	if r.Code == 0 {
		return "no answer"
	}
	var said struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	err := json.Unmarshal(r.Body, &said)
	switch {
	case err == nil && len(said.Errors) > 0:
		return said.Errors[0].Extensions.Code
	case err != nil || r.Code != http.StatusOK:
		return fmt.Sprint(r.Code)
	}
	if m := publishedRef.FindSubmatch(r.Body); m != nil {
		d.mutex.Lock()
		defer d.mutex.Unlock()
		d.published[string(m[1])] = true
	}
	return "ok"
}
