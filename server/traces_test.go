package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spans is a collector that keeps what it is sent.
type spans struct {
	mutex sync.Mutex
	names map[string]map[string]bool // by trace
	// about is what all spans say of their process.
	about map[string]string
}

func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, of := range request.ResourceSpans {
		for _, a := range of.Resource.Attributes {
			s.about[a.Key] = a.Value.GetStringValue()
		}
		for _, scope := range of.ScopeSpans {
			for _, span := range scope.Spans {
				id := fmt.Sprintf("%x", span.TraceId)
				if s.names[id] == nil {
					s.names[id] = make(map[string]bool)
				}
				s.names[id][span.Name] = true
				for _, a := range span.Attributes {
					s.names[id][a.Value.GetStringValue()] = true
				}
			}
		}
	}
}

// A trace shows a request with what it led to, and nothing that is private.
func TestTraces(t *testing.T) {
	kept := &spans{names: make(map[string]map[string]bool), about: make(map[string]string)}
	at := httptest.NewServer(kept)
	defer at.Close()
	data := t.TempDir()
	env := map[string]string{
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": data, "VIGIE_OTLP_URL": at.URL,
		"VIGIE_MAIL_URL": "outbox:" + filepath.Join(data, "outbox"), "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "http://vigie.example",
	}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	ready(t, base)
	site := newNewsSite(t, base)
	if made := ask(t, base, site.person, `mutation { createWatch(input: { name: "Tout de suite", frequency: IMMEDIATE, criteria: { keywords: ["voirie"] } }) { watch { id } } }`, nil); len(made.Errors) > 0 {
		t.Fatal(made.Errors)
	}
	published := ask(t, base, site.publisher, `mutation ($at: DateTime!) { publishNotices(input: [{ source: "portal", sourceRef: "1", title: "Voirie", buyerName: "Commune", publishedAt: $at }]) { results { outcome } } }`,
		map[string]any{"at": time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)})
	if len(published.Errors) > 0 {
		t.Fatal(published.Errors)
	}
	const id = "0af7651916cd43dd8448eb211c80319c"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/graphql", strings.NewReader(`{"query":"query Mine { viewer { email } matchingTenders { totalCount } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+site.person)
	request.Header.Set("Traceparent", "00-"+id+"-b7ad6b7169203331-01")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	sent := func() bool {
		files, err := filepath.Glob(filepath.Join(data, "outbox", "*.eml"))
		return err == nil && len(files) > 0
	}
	waitFor(t, "a mail is sent", sent)
	page, err := http.Get(base + "/leave/private")
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	server.stop()
	select {
	case <-server.ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the server does not end")
	}
	if kept.about["service.name"] != "vigie" || kept.about["service.version"] == "" || kept.about["service.instance.id"] == "" {
		t.Errorf("of their process the spans say %v", kept.about)
	}
	mailed, committed := false, false
	for trace, names := range kept.names {
		committed = committed || names["POST /graphql"] && names["SQL BEGIN"] && names["SQL COMMIT"]
		mailed = mailed || names["send mail"]
		for name := range names {
			if strings.Contains(name, "@example.org") || strings.Contains(name, "voirie") || strings.Contains(name, "private") {
				t.Errorf("trace %s says %q", trace, name)
			}
		}
	}
	for _, want := range []string{"POST /graphql", "query Mine", "SQL SELECT", "search"} {
		if !kept.names[id][want] {
			t.Errorf("no %q in %v", want, kept.names[id])
		}
	}
	if !committed {
		t.Errorf("no end of a transaction left a span: %v", kept.names)
	}
	if !mailed {
		t.Error("no mail left a span")
	}
}
