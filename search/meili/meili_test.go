package meili_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/search"
	"vigie/search/meili"
	"vigie/search/meili/meilitest"
	"vigie/search/searchtest"
)

// server is a real Meilisearch.
type server struct{ url, key string }

// meilisearch starts one for the test.
func meilisearch(t testing.TB) server {
	t.Helper()
	url, key := meilitest.Server(t)
	s := server{url, key}
	var version struct {
		Version string `json:"pkgVersion"`
	}
	s.call(t, http.MethodGet, "/version", nil, &version)
	t.Logf("Meilisearch %s at %s", version.Version, url)
	return s
}

// call sends a request to the server without the engine.
func (s server) call(t testing.TB, method, path string, body, answer any) {
	t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		check(t, err)
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, s.url+path, content)
	check(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	check(t, err)
	if resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s\n%s", method, path, resp.Status, text)
	}
	if answer != nil {
		check(t, json.Unmarshal(text, answer))
	}
}

// await waits until the server has done all its tasks.
func (s server) await(t testing.TB) {
	t.Helper()
	for {
		var tasks struct{ Total int }
		s.call(t, http.MethodGet, "/tasks?statuses=enqueued,processing", nil, &tasks)
		if tasks.Total == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// tasks counts the tasks of an index of some type.
func (s server) tasks(t testing.TB, uid, kind string) int {
	t.Helper()
	var tasks struct{ Total int }
	s.call(t, http.MethodGet, "/tasks?indexUids="+uid+"&types="+kind, nil, &tasks)
	return tasks.Total
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, s server) *meili.Engine {
	t.Helper()
	engine, err := meili.Open(s.url, s.key, meili.Options{})
	check(t, err)
	return engine
}

func TestConformance(t *testing.T) {
	s := meilisearch(t)
	searchtest.Run(t, func(t *testing.T) search.Engine { return open(t, s) })
}

func TestSettings(t *testing.T) {
	s := meilisearch(t)
	engine := open(t, s)
	const name, uid = "settings", "vigie-settings"
	defer func() { check(t, engine.Drop(t.Context(), name)) }()
	openIndex := func() search.Index {
		index, err := engine.Open(t.Context(), name)
		check(t, err)
		return index
	}
	index := openIndex()
	check(t, index.Put(t.Context(), []search.Document{{ID: 1, Number: 1, PublishedAt: time.Unix(0, 0)}}))
	openIndex()
	if n := s.tasks(t, uid, "settingsUpdate"); n != 1 {
		t.Errorf("%d changes of settings, want 1: they were the same", n)
	}
	s.call(t, http.MethodPatch, "/indexes/"+uid+"/settings", map[string]any{"faceting": map[string]any{"maxValuesPerFacet": 5}}, nil)
	s.await(t)
	openIndex()
	if n := s.tasks(t, uid, "settingsUpdate"); n != 3 {
		t.Errorf("%d changes of settings, want 3: another one, and ours again", n)
	}
}

func TestForeignIndexes(t *testing.T) {
	s := meilisearch(t)
	engine := open(t, s)
	for _, uid := range []string{"vigie-foreign", "vigie-keyless", "other"} {
		body := map[string]any{"uid": uid}
		if uid != "vigie-keyless" {
			body["primaryKey"] = "id"
		}
		s.call(t, http.MethodPost, "/indexes", body, nil)
		defer s.call(t, http.MethodDelete, "/indexes/"+uid, nil, nil)
	}
	s.await(t)
	names, err := engine.Names(t.Context())
	check(t, err)
	for _, name := range []string{"foreign", "keyless"} {
		if slices.Contains(names, name) {
			t.Errorf("%s is not ours", name)
		}
		if _, err := engine.Open(t.Context(), name); vigie.CodeOf(err) != vigie.Invalid {
			t.Errorf("Open(%q): %v", name, err)
		}
		if err := engine.Drop(t.Context(), name); vigie.CodeOf(err) != vigie.Invalid {
			t.Errorf("Drop(%q): %v", name, err)
		}
		s.call(t, http.MethodGet, "/indexes/vigie-"+name, nil, nil)
	}
}

func TestLostIndex(t *testing.T) {
	s := meilisearch(t)
	engine := open(t, s)
	const name, uid = "lost", "vigie-lost"
	index, err := engine.Open(t.Context(), name)
	check(t, err)
	defer func() { check(t, engine.Drop(t.Context(), name)) }()
	doc := search.Document{ID: 1, Number: 9, PublishedAt: time.Unix(0, 0)}
	check(t, index.Put(t.Context(), []search.Document{doc}))
	s.call(t, http.MethodDelete, "/indexes/"+uid, nil, nil)
	s.await(t)
	if _, err := index.Search(t.Context(), []search.Query{{}}); vigie.CodeOf(err) != vigie.Unavailable {
		t.Errorf("Search: %v", err)
	}
	if err := index.Put(t.Context(), []search.Document{doc}); vigie.CodeOf(err) != vigie.Unavailable {
		t.Errorf("Put: %v", err)
	}
	if cursor, err := index.Cursor(t.Context()); cursor != 0 || err != nil {
		t.Errorf("Cursor: %d, %v", cursor, err)
	}
	check(t, index.Put(t.Context(), []search.Document{doc}))
	results, err := index.Search(t.Context(), []search.Query{{Limit: 1, Filter: search.Filter{Statuses: []vigie.TenderStatus{vigie.StatusOnline}}}})
	check(t, err)
	if results[0].Total != 1 {
		t.Errorf("created again: %+v", results)
	}
}

func TestWrongKey(t *testing.T) {
	s := meilisearch(t)
	engine, err := meili.Open(s.url, "wrong", meili.Options{})
	check(t, err)
	if err := engine.Ping(t.Context()); vigie.CodeOf(err) != vigie.Unavailable || !strings.Contains(err.Error(), "invalid_api_key") {
		t.Errorf("%v", err)
	}
}
