package meili_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"vigie"
	"vigie/freetext"
	"vigie/search"
)

// Rows by relevance take one request where the best have enough, or are all, and a second one otherwise.
func TestRequestsForTiers(t *testing.T) {
	s := meilisearch(t)
	var requests atomic.Int32
	target, err := url.Parse(s.url)
	check(t, err)
	forward := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/multi-search" {
			requests.Add(1)
		}
		forward.ServeHTTP(w, r)
	}))
	defer between.Close()
	const name = "tiers"
	engine := open(t, server{between.URL, s.key})
	index, err := engine.Open(t.Context(), name)
	check(t, err)
	defer func() { check(t, engine.Drop(t.Context(), name)) }()
	var docs []search.Document
	for i, title := range []string{"Voirie", "Voirie", "Voiries", "Achat de papier"} {
		d := search.Document{ID: int64(i) + 1, Number: int64(i) + 1, PublishedAt: time.Unix(int64(i), 0)}
		d.Text = freetext.FactsOf(&vigie.Tender{Content: vigie.Content{Title: title}}, &vigie.Buyer{}, nil)
		docs = append(docs, d)
	}
	check(t, index.Put(t.Context(), docs))
	for _, test := range []struct {
		text                  string
		limit, requests, rows int
	}{
		{"voirie", 2, 1, 2}, {"voirie", 3, 2, 3}, {"voirie", 10, 2, 3}, {"papier", 10, 1, 1}, {"zzqxw", 10, 1, 0},
	} {
		requests.Store(0)
		found, err := index.Search(t.Context(), []search.Query{{Text: test.text, Order: search.Relevance, Limit: test.limit}})
		check(t, err)
		if n := int(requests.Load()); n != test.requests || len(found[0].Hits) != test.rows {
			t.Errorf("%s, %d rows at most: %d requests, %d rows", test.text, test.limit, n, len(found[0].Hits))
		}
	}
}
