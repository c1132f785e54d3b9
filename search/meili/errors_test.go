package meili_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vigie"
	"vigie/search"
	"vigie/search/meili"
)

// fake is a server that has an index with our settings, and answers searches and documents as a test says.
type fake struct {
	calls  atomic.Int64 // of answer
	answer http.HandlerFunc
	task   string // the outcome of tasks; "" means succeeded
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/settings") && r.Method == http.MethodGet:
		fmt.Fprint(w, `{}`)
	case strings.HasSuffix(r.URL.Path, "/settings"):
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"taskUid":1}`)
	case strings.HasPrefix(r.URL.Path, "/tasks/1"):
		fmt.Fprint(w, `{"status":"succeeded"}`)
	case strings.HasPrefix(r.URL.Path, "/tasks/"):
		fmt.Fprint(w, f.task)
	case strings.Contains(r.URL.Path, "/documents/"):
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"none","code":"document_not_found","type":"invalid_request"}`)
	case strings.HasPrefix(r.URL.Path, "/indexes/") && r.Method == http.MethodGet:
		fmt.Fprint(w, `{"uid":"vigie-a","primaryKey":"vigieTender"}`)
	default:
		f.calls.Add(1)
		f.answer(w, r)
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func openFake(t *testing.T, f *fake, o meili.Options) search.Index {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	engine, err := meili.Open(server.URL, "", o)
	check(t, err)
	index, err := engine.Open(t.Context(), "a")
	check(t, err)
	return index
}

func TestSearchErrors(t *testing.T) {
	const patience = 300 * time.Millisecond
	const found = `{"results":[{"hits":[],"totalHits":3}]}`
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		want    vigie.Code
		repeats bool
	}{
		"503":                {status(503, `{"message":"too many","code":"too_many_search_requests","type":"system"}`), vigie.Unavailable, true},
		"502 of a proxy":     {status(502, `<html>Bad gateway</html>`), vigie.Unavailable, true},
		"429":                {status(429, ``), vigie.Unavailable, true},
		"500":                {status(500, `{"message":"oops","code":"internal","type":"internal"}`), vigie.Unavailable, false},
		"nonsense":           {status(200, `<html>Welcome</html>`), vigie.Unavailable, false},
		"nothing":            {status(200, ``), vigie.Unavailable, false},
		"null":               {status(200, `null`), vigie.Unavailable, false},
		"no answers":         {status(200, `{"results":[]}`), vigie.Unavailable, false},
		"a row without ID":   {status(200, `{"results":[{"hits":[{"id":1}],"totalHits":1}]}`), vigie.Unavailable, false},
		"a false row":        {status(200, `{"results":[{"hits":[{"vigieTender":"x"}],"totalHits":1}]}`), vigie.Unavailable, false},
		"false facets":       {status(200, `{"results":[{"hits":[],"totalHits":1,"facetDistribution":[]}]}`), vigie.Unavailable, false},
		"a bad key":          {status(403, `{"message":"no","code":"invalid_api_key","type":"auth"}`), vigie.Unavailable, false},
		"a lost index":       {status(404, `{"message":"Index not found","code":"index_not_found","type":"invalid_request"}`), vigie.Unavailable, false},
		"a bad filter":       {status(400, `{"message":"no","code":"invalid_search_filter","type":"invalid_request"}`), vigie.Internal, false},
		"a request too long": {status(413, `{"message":"no","code":"payload_too_large","type":"invalid_request"}`), vigie.Internal, false},
		"a broken answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"results":`)
		}, vigie.Unavailable, true},
		"a connection that breaks": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, vigie.Unavailable, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answer: test.answer}
			index := openFake(t, f, meili.Options{Patience: patience})
			start := time.Now()
			_, err := index.Search(t.Context(), []search.Query{{Limit: 1}})
			e, ok := err.(*vigie.Error)
			if !ok || e.Code != test.want || e.Err == nil || e.Text.FR == "" || e.Text.EN == "" {
				t.Errorf("%#v", err)
			}
			if repeated := f.calls.Load() > 1; repeated != test.repeats {
				t.Errorf("asked %d times", f.calls.Load())
			}
			if took := time.Since(start); took > patience+2*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	t.Run("a failure that passes", func(t *testing.T) {
		f := &fake{}
		f.answer = func(w http.ResponseWriter, r *http.Request) {
			var body struct{ Queries []any }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Queries) != 1 {
				t.Errorf("asked again without its body: %v", err)
			}
			if f.calls.Load() < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			fmt.Fprint(w, found)
		}
		results, err := openFake(t, f, meili.Options{}).Search(t.Context(), []search.Query{{Limit: 1}})
		check(t, err)
		if results[0].Total != 3 {
			t.Errorf("%+v", results)
		}
	})
	t.Run("no patience", func(t *testing.T) {
		f := &fake{answer: status(503, "")}
		_, err := openFake(t, f, meili.Options{Patience: -1}).Search(t.Context(), []search.Query{{}})
		if vigie.CodeOf(err) != vigie.Unavailable || f.calls.Load() != 1 {
			t.Errorf("asked %d times: %v", f.calls.Load(), err)
		}
	})
	slow := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server then notices that the client has left
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
		fmt.Fprint(w, found)
	}
	t.Run("a server that is too slow", func(t *testing.T) {
		f := &fake{answer: slow}
		_, err := openFake(t, f, meili.Options{Timeout: 100 * time.Millisecond}).Search(t.Context(), []search.Query{{}})
		if vigie.CodeOf(err) != vigie.Unavailable || f.calls.Load() != 1 {
			t.Errorf("asked %d times: %v", f.calls.Load(), err)
		}
	})
	t.Run("a caller who gives up", func(t *testing.T) {
		index := openFake(t, &fake{answer: slow}, meili.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := index.Search(ctx, []search.Query{{}})
		if vigie.CodeOf(err) != vigie.Unavailable || time.Since(start) > 2*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestPutErrors(t *testing.T) {
	for name, test := range map[string]struct {
		task string
		want vigie.Code
	}{
		"done":      {`{"status":"succeeded"}`, ""},
		"full":      {`{"uid":2,"status":"failed","error":{"message":"no space","code":"no_space_left_on_device","type":"system"}}`, vigie.Unavailable},
		"a bug":     {`{"uid":2,"status":"failed","error":{"message":"oops","code":"internal","type":"internal"}}`, vigie.Unavailable},
		"cancelled": {`{"uid":2,"status":"canceled"}`, vigie.Unavailable},
		"our fault": {`{"uid":2,"status":"failed","error":{"message":"id","code":"invalid_document_id","type":"invalid_request"}}`, vigie.Internal},
		"nonsense":  {`?`, vigie.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			index := openFake(t, &fake{answer: status(202, `{"taskUid":2}`), task: test.task}, meili.Options{})
			err := index.Put(t.Context(), []search.Document{{ID: 1, Number: 1}})
			if vigie.CodeOf(err) != test.want {
				t.Errorf("%v", err)
			}
			var body strings.Builder
			fmt.Fprint(&body, err)
			if test.want != "" && strings.Contains(test.task, "message") && !strings.Contains(body.String(), "task 2") {
				t.Errorf("says nothing of the task: %v", err)
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	engine, err := meili.Open(server.URL, "", meili.Options{Patience: 100 * time.Millisecond})
	check(t, err)
	_, opening := engine.Open(t.Context(), "a")
	_, naming := engine.Names(t.Context())
	for name, err := range map[string]error{
		"Ping": engine.Ping(t.Context()), "Open": opening, "Names": naming, "Drop": engine.Drop(t.Context(), "a"),
	} {
		if vigie.CodeOf(err) != vigie.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	check(t, engine.Close())
}

func TestAddress(t *testing.T) {
	for _, address := range []string{"", "localhost:7700", "ftp://host", "http://", "http://a b", "/path"} {
		if _, err := meili.Open(address, "", meili.Options{}); vigie.CodeOf(err) != vigie.Invalid {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := meili.Open("https://host:7700/", "", meili.Options{}); err != nil {
		t.Error(err)
	}
}
