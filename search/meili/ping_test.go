package meili_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"vigie"
	"vigie/search/meili"
)

// Not everything that answers in JSON is a Meilisearch.
func TestPingOfAnother(t *testing.T) {
	for _, body := range []string{`{}`, `{"message":"bonjour","results":[]}`, `[]`, `<p>`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		}))
		engine, err := meili.Open(server.URL, "key", meili.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := engine.Ping(t.Context()); vigie.CodeOf(err) != vigie.Unavailable {
			t.Errorf("%s: %v", body, err)
		}
		engine.Close()
		server.Close()
	}
}
