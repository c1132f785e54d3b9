package source_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"vigie/source"
	"vigie/store/storetest"
)

// Windows of more than a page are halved until each is whole, so that no release is lost; awards are read by their day.
func TestFurtherSources(t *testing.T) {
	w := newWorld(t, 31)
	serve := func(h http.Handler) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	web := &source.Web{Client: &http.Client{}, Agent: "test", Now: func() time.Time { return w.now }, Pause: time.Millisecond, Silence: 100 * time.Millisecond}
	fts := source.FindATender{URL: serve(w.services.FindATender()), Web: web}
	awards := source.DECP{URL: serve(w.services.DECP()), Web: web}
	w.script.Day("2026-11-02", source.Day("2026-11-02").Start(), 450)
	w.script.Day("2026-11-03", source.Day("2026-11-03").Start(), 450)
	w.now = source.Day("2026-11-12").Start()
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	count := func(r source.Reader) int {
		t.Helper()
		f := w.follower(s, r)
		f.Since = "2026-11-01"
		if err := f.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, days, err := s.Sources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for _, d := range days[r.Name()] {
			read += d.Notices
		}
		return read
	}
	if n := count(fts); n != 900 {
		t.Errorf("%d releases of 900 were read", n)
	}
	if n := count(awards); n < 50 {
		t.Errorf("only %d awards", n)
	}
	w.services.Rate = 100
	if err := w.follower(s, fts).Sync(t.Context()); err == nil {
		t.Error("a service that only fails was read")
	}
}
