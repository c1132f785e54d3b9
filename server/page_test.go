package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"vigie/web"
)

// TestFront checks where the server's own address leads.
func TestFront(t *testing.T) {
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, test := range map[string]struct {
		page          http.Handler
		introspection bool
		leads         string
	}{
		"the page is served":  {page, true, "/veille"},
		"and no playground":   {page, false, "/veille"},
		"the playground only": {nil, true, "/playground"},
		"neither":             {nil, false, ""},
	} {
		gate, err := defaultGate(time.Now)
		if err != nil {
			t.Fatal(err)
		}
		gate.Introspection = test.introspection
		mux := http.NewServeMux()
		(&site{page: test.page, gate: gate, now: time.Now}).fronts(mux)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if got := w.Header().Get("Location"); got != test.leads {
			t.Errorf("%s: it leads to %q", name, got)
		}
		w = httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/veille/nouvelle", nil))
		if served := w.Code == http.StatusOK; served != (test.page != nil) {
			t.Errorf("%s: /veille/nouvelle is %d", name, w.Code)
		}
	}
}

func TestPageSettings(t *testing.T) {
	if page, err := (pageSettings{}).open("Vigie"); page != nil || err != nil {
		t.Errorf("not asked for: %v, %v", page, err)
	}
	page, err := pageSettings{Page: true}.open("Vigie")
	if built := web.Built(); built != (page != nil) || built != (err == nil) {
		t.Errorf("asked for, built %v: %v, %v", built, page, err)
	}
}

// Mails lead to the page where a platform has named none of its own.
func TestMailsLeadToThePage(t *testing.T) {
	m := mailSettings{PublicURL: "https://vigie.example/", PageTender: "https://platform.example/{source}/{sourceRef}"}
	m.leadToPage()
	if m.PageWatches != "https://vigie.example/veille" || m.PageWatch != "https://vigie.example/veille/veilles/{watchId}" || m.PageTender != "https://platform.example/{source}/{sourceRef}" {
		t.Errorf("%q, %q, %q", m.PageWatches, m.PageWatch, m.PageTender)
	}
}
