package source_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/source"
	"vigie/source/sourcetest"
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
	// count counts what a source adds: what two windows have is read twice, and stored once.
	count := func(r source.Reader) int {
		t.Helper()
		before, err := s.Totals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f := w.follower(s, r)
		f.Since = "2026-11-01"
		if err := f.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, err := s.Totals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return after.Notices - before.Notices
	}
	if n := count(fts); n != 900 {
		t.Errorf("%d releases of 900 were stored", n)
	}
	if n := count(awards); n < 50 {
		t.Errorf("only %d awards", n)
	}
	w.services.Rate = 100
	if err := w.follower(s, fts).Sync(t.Context()); err == nil {
		t.Error("a service that only fails was read")
	}
}

// A release that says only what changed is read with those before it, which were read on another day, or never.
func TestChangesAlone(t *testing.T) {
	for name, since := range map[string]source.Day{"read before": "2026-11-02", "never read": "2026-11-08"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 7)
			server := httptest.NewServer(w.services.FindATender())
			t.Cleanup(server.Close)
			fts := source.FindATender{URL: server.URL, Web: &source.Web{Client: &http.Client{}, Agent: "test", Now: func() time.Time { return w.now }}}
			call := sourcetest.Notice{ID: "n1-01", Procedure: "p1", Kind: "call", Title: "Réfection de la voirie", Buyer: "Commune de Villebourg", Day: "2026-11-03", At: source.Day("2026-11-03").Start().Add(9 * time.Hour)}
			gone := call
			gone.ID, gone.Kind, gone.Day, gone.At = "n2-01", "cancellation", "2026-11-09", source.Day("2026-11-09").Start().Add(9*time.Hour)
			w.services.Publish(&call, &gone)
			s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
			for day := since; day <= "2026-11-10"; day = day.Add(1) {
				w.now = day.Start().Add(20 * time.Hour)
				f := w.follower(s, fts)
				f.Since = since
				if err := f.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			list, err := s.ChangedTenders(t.Context(), 0, 10)
			if err != nil || len(list) != 1 {
				t.Fatalf("stored are %v, %v", list, err)
			}
			found, err := s.Notices(t.Context(), []int64{list[0].ID})
			if err != nil {
				t.Fatal(err)
			}
			notices := found[list[0].ID]
			if len(notices) != 2 || notices[0].Kind != vigie.ContractNotice || notices[1].Kind != vigie.Cancellation {
				t.Fatalf("stored are %v", notices)
			}
			_, days, err := s.Sources(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range days[fts.Name()] {
				want := 0
				if d.Day == "2026-11-09" || d.Day == "2026-11-03" && since < "2026-11-03" {
					want = 1
				}
				if d.Notices != want {
					t.Errorf("%s has %d notices, not %d", d.Day, d.Notices, want)
				}
			}
		})
	}
}

// The days of Find a Tender leave no gap between them, however short.
func TestDaysMeet(t *testing.T) {
	w := newWorld(t, 7)
	server := httptest.NewServer(w.services.FindATender())
	t.Cleanup(server.Close)
	fts := source.FindATender{URL: server.URL, Web: &source.Web{Client: &http.Client{}, Agent: "test", Now: func() time.Time { return w.now }}}
	midnight, want := source.Day("2026-11-04").Start(), 0
	for at := -2 * time.Second; at <= 2*time.Second; at += 250 * time.Millisecond {
		want++
		id := fmt.Sprint("n", want)
		w.services.Publish(&sourcetest.Notice{ID: id, Procedure: id, Kind: "call", Title: "Réfection de la voirie", Buyer: "Commune de Villebourg", Day: "2026-11-03", At: midnight.Add(at)})
	}
	w.now = source.Day("2026-11-06").Start()
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	f := w.follower(s, fts)
	f.Since = "2026-11-02"
	if err := f.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(tenders(t, s)); got != want {
		t.Errorf("%d tenders of %d", got, want)
	}
}

// All that came before a change is read, in as many pages as it takes; pages without an end are a fault.
func TestLongHistory(t *testing.T) {
	w := newWorld(t, 7)
	endless, asked := false, 0
	handler := w.services.FindATender()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if asked++; endless && strings.HasSuffix(r.URL.Path, "/ocds-h6vhtk-p1") {
			r.URL.RawQuery = ""
		}
		handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	fts := source.FindATender{URL: server.URL, Web: &source.Web{Client: &http.Client{}, Agent: "test", Now: func() time.Time { return w.now }}}
	const before = 250
	for i := range before + 1 {
		n := sourcetest.Notice{ID: fmt.Sprintf("n%03d", i), Procedure: "p1", Kind: "call", Title: "Réfection de la voirie", Buyer: "Commune de Villebourg", Day: "2026-11-03", At: source.Day("2026-11-03").Start().Add(time.Duration(i) * time.Minute)}
		if i == before {
			n.Kind, n.Day, n.At = "cancellation", "2026-11-09", source.Day("2026-11-09").Start().Add(9*time.Hour)
		}
		w.services.Publish(&n)
	}
	w.now = source.Day("2026-11-10").Start()
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	f := w.follower(s, fts)
	f.Since = "2026-11-09"
	endless = true
	if err := f.Sync(t.Context()); err == nil || asked > 100 {
		t.Errorf("pages without an end: asked %d times, error %v", asked, err)
	}
	endless = false
	w.now = w.now.Add(time.Hour)
	if err := f.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := s.ChangedTenders(t.Context(), 0, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("stored are %v, %v", list, err)
	}
	found, err := s.Notices(t.Context(), []int64{list[0].ID})
	if err != nil || len(found[list[0].ID]) != before+1 {
		t.Errorf("%d notices of %d, error %v", len(found[list[0].ID]), before+1, err)
	}
}

// Where a next page leads elsewhere, nobody else is asked for it.
func TestHistoryElsewhere(t *testing.T) {
	for _, next := range []string{"x:.evil.example/api", ".evil.example/api", "/other", "%", "@evil.example"} {
		w := newWorld(t, 7)
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked++
			rw.Header().Set("Content-Type", "application/json")
			release := `{"ocid": "ocds-h6vhtk-p1", "id": "n1", "tag": ["tenderUpdate"]}`
			if r.URL.RawQuery != "" {
				_, _ = fmt.Fprintf(rw, `{"releases": [%s]}`, release)
				return
			}
			_, _ = fmt.Fprintf(rw, `{"releases": [%s], "links": {"next": %q}}`, release, next)
		}))
		fts := source.FindATender{URL: server.URL, Web: &source.Web{Client: &http.Client{}, Agent: "test", Now: func() time.Time { return w.now }, Pause: time.Millisecond}}
		var last error
		for _, err := range fts.Day(t.Context(), "2026-11-01", nil) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), "another address") || asked != 2 {
			t.Errorf("%s: asked %d times, %v", next, asked, last)
		}
		server.Close()
	}
}

// TestOneBrokenNotice: a notice of TED that cannot be read whole keeps none of its day from being stored; and a service that
// fails for all is not asked for all.
func TestOneBrokenNotice(t *testing.T) {
	w := newWorld(t, 7)
	var list []*sourcetest.Notice
	for i := range 40 {
		list = append(list, &sourcetest.Notice{
			ID: fmt.Sprintf("n%d-01", i), Procedure: fmt.Sprint("p", i), Kind: "call", Title: fmt.Sprint("Voirie ", i), Buyer: "Commune de Villebourg", Day: "2026-11-02",
			At: source.Day("2026-11-02").Start().Add(7 * time.Hour), TED: fmt.Sprint(100+i, "-2026"),
		})
	}
	w.services.Publish(list...)
	broken, asked := "/en/notice/100-2026/xml", make(map[string]bool)
	handler := w.services.TED()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			asked[r.URL.Path] = true
		}
		if r.Method == http.MethodGet && broken != "" && strings.HasPrefix(r.URL.Path, broken) {
			rw.Header().Set("Content-Type", "application/xml")
			_, _ = io.WriteString(rw, "<n:ContractNotice")
			return
		}
		handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	reader := w.ted
	reader.SearchURL, reader.NoticeURL = server.URL, server.URL
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	read := func(wants int, whole bool) {
		t.Helper()
		w.now = w.now.Add(time.Hour)
		if err := w.follower(s, reader).Sync(t.Context()); (err == nil) != whole {
			t.Errorf("read with %v", err)
		}
		if stored := len(tenders(t, s)); stored != wants {
			t.Errorf("%d are stored, not %d", stored, wants)
		}
	}
	read(39, false)
	broken = ""
	read(40, true)

	broken = "/"
	clear(asked)
	for i, n := range list {
		again := *n
		again.ID, again.TED = fmt.Sprintf("m%d-01", i), fmt.Sprint(200+i, "-2026")
		w.services.Publish(&again)
	}
	if read(40, false); len(asked) > 10 {
		t.Errorf("a service that fails is asked for %d notices", len(asked))
	}
}

// A procedure of Find a Tender whose releases cannot be read keeps none of the others from being stored; and a service that
// fails for all is not asked for all.
func TestOneBrokenHistory(t *testing.T) {
	w := newWorld(t, 7)
	broken, asked := "ocds-h6vhtk-p10", 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		release := func(ocid string) string {
			return fmt.Sprintf(`{"ocid": %q, "id": %q, "date": "2026-11-01T10:00:00Z", "tag": ["tenderUpdate"], "initiationType": "tender", "buyer": {"name": "Commune d'Exemple"},
				"tender": {"id": "1", "title": "Roads", "status": "active"}}`, ocid, ocid+"-1")
		}
		rw.Header().Set("Content-Type", "application/json")
		if ocid := path.Base(r.URL.Path); ocid != "ocdsReleasePackages" {
			if asked++; strings.HasPrefix(ocid, broken) {
				_, _ = io.WriteString(rw, `{"error": "of no use"}`)
				return
			}
			_, _ = fmt.Fprintf(rw, `{"releases": [%s]}`, release(ocid))
			return
		}
		var all []string
		for i := range 20 {
			all = append(all, release(fmt.Sprint("ocds-h6vhtk-p", 10+i)))
		}
		_, _ = fmt.Fprintf(rw, `{"releases": [%s]}`, strings.Join(all, ","))
	}))
	t.Cleanup(server.Close)
	fts := source.FindATender{URL: server.URL, Web: &source.Web{Client: &http.Client{}, Agent: "test", Now: func() time.Time { return w.now }, Pause: time.Millisecond}}
	read := func() (records int, last error) {
		for record, err := range fts.Day(t.Context(), "2026-11-01", nil) {
			if err != nil {
				last = err
			} else if record.Err == nil {
				records++
			}
		}
		return records, last
	}
	if records, err := read(); records != 19 || err == nil || source.ErrorText(err) != "the releases of a procedure could not be read" {
		t.Errorf("%d were read, %v", records, err)
	}
	broken, asked = "ocds", 0
	if records, err := read(); records != 0 || err == nil || asked > 10 {
		t.Errorf("%d were read, %d histories asked for, %v", records, asked, err)
	}
}
