package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vigie"
	"vigie/query"
	"vigie/search"
	"vigie/search/meili"
	"vigie/search/meili/meilitest"
	"vigie/service"
)

// BenchmarkJudged asks the judged searches of as many tenders as VIGIE_TEST_TENDERS says: made of the samples, or with
// VIGIE_TEST_DATA of real notices. It reports the 95th percentile of the whole answer, of which search-p95-ms is the
// engine's part, and cpu-p95-ms that of the time on a processor, which other work on the machine does not change much; on
// Meilisearch also that of the same requests sent by themselves, and of one request for total and rows that knows no
// tiers, with how many times longer ours take.
// As the page asks, online-and-facets narrows to tenders online and counts facets.
func BenchmarkJudged(b *testing.B) {
	tenders := 2000
	if n, err := strconv.Atoi(os.Getenv("VIGIE_TEST_TENDERS")); err == nil {
		tenders = n
	}
	set, read := "samples", samples
	if os.Getenv("VIGIE_TEST_DATA") != "" {
		set, read = "real", realNotices
	}
	s := published(b, multiplied(noticesOf(read(b)), tenders))
	list := judgements(b, set)
	b.Run("bleve", func(b *testing.B) {
		use := indexed(b, s, bleveEngine(b))
		index, err := use.Index()
		check(b, err)
		measure(b, use, index, list, nil)
	})
	b.Run("meili", func(b *testing.B) {
		address, key := meilitest.Server(b)
		engine, err := meili.Open(address, key, meili.Options{})
		check(b, err)
		use := indexed(b, s, engine)
		index, err := use.Index()
		check(b, err)
		names, err := engine.Names(b.Context())
		check(b, err)
		sent := recorder(b, address)
		through, err := meili.Open(sent.url, key, meili.Options{})
		check(b, err)
		defer through.Close()
		sent.index, err = through.Open(b.Context(), names[0])
		check(b, err)
		sent.address, sent.key = address, key
		measure(b, use, index, list, sent)
	})
}

// multiplied are n notices made of others: each has the title of one, the buyer of one, and titles of three more as its
// description. A third are online for two months at most.
func multiplied(notices []*vigie.Notice, n int) []*vigie.Notice {
	g := rand.New(rand.NewPCG(3, 3))
	some := func() *vigie.Notice { return notices[g.IntN(len(notices))] }
	now := time.Now().UTC().Truncate(time.Second)
	list := make([]*vigie.Notice, n)
	for i := range list {
		content := some().Content
		content.Description = strings.Join([]string{some().Content.Title, some().Content.Title, some().Content.Title}, ". ")
		content.Reference = "M-" + strconv.Itoa(i)
		content.Departments = []string{vigie.Departments()[g.IntN(101)].Code}
		published := now.Add(-time.Duration(g.IntN(400*24*3600)) * time.Second)
		content.Deadline = new(published.Add(24 * time.Hour))
		if g.IntN(3) == 0 {
			content.Deadline = new(now.Add(time.Duration(g.IntN(60*24*3600)) * time.Second))
		}
		list[i] = &vigie.Notice{
			Source: "bench", SourceRef: strconv.Itoa(i), Kind: vigie.ContractNotice, PublishedAt: published,
			Buyer: some().Buyer, Content: content,
		}
	}
	return list
}

// timed is an index that adds up how long its searches take.
type timed struct {
	search.Index
	took *time.Duration
}

func (x timed) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	start := time.Now()
	defer func() { *x.took += time.Since(start) }()
	return x.Index.Search(ctx, queries)
}

// measure asks the searches in turn; of Meilisearch also the requests that it was sent.
func measure(b *testing.B, use *service.Service, index search.Index, list []judgement, sent *recorded) {
	b.Helper()
	var searching time.Duration
	measured := &service.Service{Store: use.Store, Now: use.Now, Log: use.Log, Index: func() (search.Index, error) { return timed{index, &searching}, nil }}
	for _, test := range []struct {
		name  string
		asked service.TenderQuery
	}{
		{"all", service.TenderQuery{}},
		{"online-and-facets", service.TenderQuery{Filter: search.Filter{Statuses: []vigie.TenderStatus{vigie.StatusOnline}}, Facets: query.Facets()}},
	} {
		b.Run(test.name, func(b *testing.B) {
			plans := make([]*service.TenderPlan, len(list))
			for i, j := range list {
				asked := test.asked
				asked.Text, asked.Complete = strings.CutSuffix(j.text, "…")
				var err error
				plans[i], err = measured.Plan(asked)
				check(b, err)
				_, err = measured.Tenders(b.Context(), plans[i]) // reads what later ones share
				check(b, err)
			}
			raw := sent.requests(b, use, plans)
			var whole, engine, processor, alone, plain []time.Duration
			for i := 0; b.Loop(); i++ {
				searching = 0
				used, start := usedProcessor(b), time.Now()
				_, err := measured.Tenders(b.Context(), plans[i%len(plans)])
				whole, engine = append(whole, time.Since(start)), append(engine, searching)
				processor = append(processor, usedProcessor(b)-used)
				check(b, err)
				if sent != nil {
					alone = append(alone, sent.again(b, raw[i%len(plans)]))
					plain = append(plain, sent.again(b, [][]byte{untiered(b, raw[i%len(plans)][0])}))
				}
			}
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(ms(percentile(whole, 50)), "p50-ms")
			b.ReportMetric(ms(percentile(whole, 95)), "p95-ms")
			b.ReportMetric(ms(percentile(engine, 95)), "search-p95-ms")
			b.ReportMetric(ms(percentile(processor, 95)), "cpu-p95-ms")
			if sent != nil {
				b.ReportMetric(ms(percentile(alone, 95)), "alone-p95-ms")
				b.ReportMetric(ms(percentile(plain, 95)), "plain-p95-ms")
				b.ReportMetric(float64(percentile(engine, 95))/float64(percentile(alone, 95)), "ratio-alone")
				b.ReportMetric(float64(percentile(engine, 95))/float64(percentile(plain, 95)), "ratio-plain")
			}
		})
	}
}

// usedProcessor is the time that the process has had on processors.
func usedProcessor(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func percentile(took []time.Duration, p int) time.Duration {
	slices.Sort(took)
	return took[len(took)*p/100]
}

// recorded is a way to a Meilisearch that keeps what its searches ask.
type recorded struct {
	url, address, key string
	index             search.Index // through it
	bodies            [][]byte
}

func recorder(b *testing.B, address string) *recorded {
	b.Helper()
	r := new(recorded)
	target, err := url.Parse(address)
	check(b, err)
	forward := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/multi-search" {
			body, err := io.ReadAll(request.Body)
			check(b, err)
			r.bodies = append(r.bodies, body)
			request.Body = io.NopCloser(bytes.NewReader(body))
		}
		forward.ServeHTTP(w, request)
	}))
	b.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// requests are the bodies of the requests that each plan leads to.
func (r *recorded) requests(b *testing.B, use *service.Service, plans []*service.TenderPlan) (list [][][]byte) {
	b.Helper()
	if r == nil {
		return nil
	}
	through := &service.Service{Store: use.Store, Now: use.Now, Log: use.Log, Index: func() (search.Index, error) { return r.index, nil }}
	for _, plan := range plans {
		r.bodies = nil
		_, err := through.Tenders(b.Context(), plan)
		check(b, err)
		list = append(list, r.bodies)
	}
	return list
}

// untiered is the first of several searches, which counts, as one that also has the rows, the newest first.
func untiered(b *testing.B, body []byte) []byte {
	b.Helper()
	var all struct {
		Queries []map[string]any `json:"queries"`
	}
	check(b, json.Unmarshal(body, &all))
	all.Queries = all.Queries[:1]
	all.Queries[0]["hitsPerPage"], all.Queries[0]["page"] = 21, 1
	all.Queries[0]["sort"] = []string{"publishedAt:desc", "vigieTender:desc"}
	text, err := json.Marshal(all)
	check(b, err)
	return text
}

// again sends requests by themselves and reads the answers, and returns how long that took.
func (r *recorded) again(b *testing.B, bodies [][]byte) time.Duration {
	b.Helper()
	start := time.Now()
	for _, body := range bodies {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, r.address+"/multi-search", bytes.NewReader(body))
		check(b, err)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+r.key)
		request.Header.Set("Accept-Encoding", "identity")
		answer, err := http.DefaultClient.Do(request)
		check(b, err)
		_, err = io.Copy(io.Discard, answer.Body)
		check(b, err)
		check(b, answer.Body.Close())
		if answer.StatusCode != http.StatusOK {
			b.Fatal(answer.Status)
		}
	}
	return time.Since(start)
}
