package meili_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"vigie/query"
	"vigie/search"
	"vigie/search/searchtest"
)

// BenchmarkSearch compares our Search with the HTTP request that Meilisearch itself needs for the same rows, total
// and facets: /search with the same filter (/multi-search where a facet is filtered on), whose answer is read but not
// decoded. Neither asks for compression. VIGIE_BENCH_MEILI is the number of documents; without it nothing is run.
func BenchmarkSearch(b *testing.B) {
	documents, err := strconv.Atoi(os.Getenv("VIGIE_BENCH_MEILI"))
	if err != nil {
		b.Skip("NOT RUN: VIGIE_BENCH_MEILI does not say with how many documents")
	}
	const name, queries = "bench", 400
	s := meilisearch(b)
	engine := open(b, s)
	index, err := engine.Open(b.Context(), name)
	check(b, err)
	defer func() { check(b, engine.Drop(b.Context(), name)) }()
	start := time.Now()
	for docs := range slices.Chunk(slices.Collect(searchtest.Corpus(documents)), 10_000) {
		check(b, index.Put(b.Context(), docs))
	}
	b.Logf("%d documents put in %s", documents, time.Since(start).Round(time.Second))

	for _, test := range []struct {
		name   string
		facets []query.Field
	}{
		{"page", nil},
		{"page and facets", query.Facets()},
	} {
		b.Run(test.name, func(b *testing.B) {
			mix := searchtest.Mix(queries)
			raw := make([]request, len(mix))
			for i := range mix {
				mix[i].Facets = test.facets
				raw[i] = requestOf(b, s, name, mix[i])
			}
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			defer client.CloseIdleConnections()
			var ours, theirs []time.Duration
			for i := 0; b.Loop(); i++ {
				asking := []func(){
					func() {
						start := time.Now()
						_, err := index.Search(b.Context(), mix[i%len(mix):][:1])
						ours = append(ours, time.Since(start))
						check(b, err)
					},
					func() {
						start := time.Now()
						post(b, client, s, raw[i%len(mix)])
						theirs = append(theirs, time.Since(start))
					},
				}
				// In turn, because the second may profit from what the first has read.
				asking[i/len(mix)%2]()
				asking[1-i/len(mix)%2]()
			}
			slices.Sort(ours)
			slices.Sort(theirs)
			for _, p := range []int{50, 95} {
				o, t := ours[len(ours)*p/100], theirs[len(theirs)*p/100]
				b.ReportMetric(float64(o.Microseconds())/1000, "p"+strconv.Itoa(p)+"-ms")
				b.ReportMetric(float64(t.Microseconds())/1000, "p"+strconv.Itoa(p)+"-raw-ms")
				b.ReportMetric(float64(o)/float64(t), "p"+strconv.Itoa(p)+"-ratio")
			}
		})
	}
}

// request is one to Meilisearch.
type request struct {
	path string
	body []byte
}

// requestOf returns the request that our engine sends for a query; if it is a single search, without the parts for
// several.
func requestOf(b *testing.B, s server, name string, q search.Query) request {
	b.Helper()
	var body struct {
		Queries []map[string]any `json:"queries"`
	}
	var whole []byte
	target, err := url.Parse(s.url)
	check(b, err)
	forward := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/multi-search" {
			text, err := io.ReadAll(r.Body)
			check(b, err)
			check(b, json.Unmarshal(text, &body))
			whole = text
			r.Body = io.NopCloser(bytes.NewReader(text))
		}
		forward.ServeHTTP(w, r)
	}))
	defer between.Close()
	index, err := open(b, server{between.URL, s.key}).Open(b.Context(), name)
	check(b, err)
	_, err = index.Search(b.Context(), []search.Query{q})
	check(b, err)
	if len(body.Queries) != 1 {
		return request{"/multi-search", whole}
	}
	delete(body.Queries[0], "indexUid")
	text, err := json.Marshal(body.Queries[0])
	check(b, err)
	return request{"/indexes/vigie-" + name + "/search", text}
}

func post(b *testing.B, client *http.Client, s server, r request) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+r.path, bytes.NewReader(r.body))
	check(b, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := client.Do(req)
	check(b, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	check(b, err)
	if resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s", resp.Status, text)
	}
}
