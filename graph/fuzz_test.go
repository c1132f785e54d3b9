package graph_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/graph/wire"
)

// Whatever is sent is answered, in JSON or by events, with a status that the
// specification has; and what was sent is not sent back.
func FuzzHTTP(f *testing.F) {
	w := newWorld(f)
	statuses := []int{http.StatusOK, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType}
	const marker = "xqzxqzxqz"
	f.Add("POST", "application/json", "", `{"query":"{ departments { code } }"}`, "")
	f.Add("POST", "application/json; charset=utf-8", "application/graphql-response+json", `{"query":"query ($n: Int) { watches(first: $n) { nodes { id } } }","variables":{"n":1e99}}`, "")
	f.Add("POST", "application/json", "text/event-stream", `{"query":"subscription { tenderMatched { kind } }"}`, "")
	f.Add("POST", "multipart/form-data; boundary=x", "*/*;q=0", `--x`, "")
	f.Add("GET", "", "application/json;q=0.1, */*", "", "query=%7B+limits+%7B+keywords+%7D+%7D&variables=%7B%7D")
	f.Add("POST", "application/json", "", `{"query":"{ ...a } fragment a on Query { ...a }"}`, "")
	f.Add("POST", "application/json", "", `{"query":"{ node(id: \"xqzxqzxqz\") { id } }","extensions":{"persistedQuery":{"version":1,"sha256Hash":""}}}`, "")
	f.Fuzz(func(t *testing.T, method, kind, accept, body, address string) {
		r := &http.Request{Method: method, URL: &url.URL{Path: "/graphql", RawQuery: address}, Header: http.Header{"Content-Type": {kind}, "Accept": {accept}}}
		r = r.WithContext(t.Context())
		r.Body = http.MaxBytesReader(nil, http.NoBody, 1)
		if body != "" {
			r.Body = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body)).Body
		}
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, r)
		answer := recorder.Body.String()
		switch {
		case method == http.MethodOptions:
			return
		case !slices.Contains(statuses, recorder.Code):
			t.Errorf("status %d: %s", recorder.Code, answer)
		case recorder.Header().Get("Content-Type") == "text/event-stream":
			if !wire.Streams(r) || !strings.HasSuffix(answer, "event: complete\ndata:\n\n") {
				t.Errorf("events: %q", answer)
			}
		case !json.Valid([]byte(answer)) || !strings.Contains(answer, `"data"`) && !strings.Contains(answer, `"errors"`):
			t.Errorf("the answer is %q", answer)
		case strings.Contains(body, marker) && recorder.Code != http.StatusOK && strings.Contains(answer, marker):
			t.Errorf("the answer holds what was sent: %q", answer)
		}
	})
}

// An id is that of one thing, or none.
func FuzzGlobalID(f *testing.F) {
	f.Add(vigie.GlobalID(vigie.KindWatch, 1))
	f.Add("watch_1")
	f.Fuzz(func(t *testing.T, id string) {
		if kind, n, ok := vigie.ParseGlobalID(id); ok && (vigie.GlobalID(kind, n) != id || n <= 0) {
			t.Errorf("%q is taken for %s %d", id, kind, n)
		}
	})
}
