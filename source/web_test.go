package source_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"vigie/source"
	"vigie/store/storetest"
)

// An answer that breaks within its body is asked for again at once, whichever way it breaks and whoever reads it. Those that
// are read as they come are not: [source.BOAMP] and [source.DECP] read the rows of a day so.
func TestBrokenBodies(t *testing.T) {
	for _, fault := range []string{"half an answer", "half an answer that looks whole", "error inside of a 200", "silence"} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, 21)
			w.script.Day("2026-11-02", source.Day("2026-11-02").Start(), 12)
			w.now = source.Day("2026-11-02").End()
			serve := func(h http.Handler) string {
				server := httptest.NewServer(h)
				t.Cleanup(server.Close)
				return server.URL
			}
			readers := []source.Reader{
				w.boamp, w.ted, source.FindATender{URL: serve(w.services.FindATender()), Web: w.boamp.Web}, source.DECP{URL: serve(w.services.DECP()), Web: w.boamp.Web},
			}
			s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
			for _, r := range readers {
				var answers atomic.Int64
				w.services.SetFault(func(r *http.Request) string {
					if strings.HasSuffix(r.URL.Path, "/exports/jsonl") {
						return ""
					}
					if answers.Add(1)%4 == 0 { // three of four break
						return ""
					}
					return fault
				})
				f := w.follower(s, r)
				f.Since = "2026-11-02"
				if err := f.Sync(t.Context()); err != nil {
					t.Errorf("%s: %v", r.Name(), err)
				}
				if n := answers.Load(); n < 4 {
					t.Errorf("%s was asked %d times", r.Name(), n)
				}
			}
		})
	}
}

// What is broken each time is not asked for without end.
func TestBrokenForGood(t *testing.T) {
	w := newWorld(t, 22)
	w.script.Day("2026-11-02", source.Day("2026-11-02").Start(), 12)
	var asked atomic.Int64
	w.services.SetFault(func(*http.Request) string { asked.Add(1); return "half an answer" })
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	f := w.follower(s, w.ted)
	if err := f.Consumer().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n != 4 {
		t.Errorf("asked %d times", n)
	}
	states, _, err := s.Sources(t.Context())
	if err != nil || len(states) != 1 || states[0].LastError == "" {
		t.Errorf("state %+v, %v", states, err)
	}
}
