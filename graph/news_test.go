package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vigie"
	"vigie/graph"
)

// patience is how long tests wait for what must come.
const patience = 30 * time.Second

// stream is a subscription over server-sent events.
type stream struct {
	t      *testing.T
	events chan string // "next {…}", "complete"
	cancel context.CancelFunc
}

// subscribe follows tenderMatched, and returns when that is under way.
func (p person) subscribe(t *testing.T, selection string, variables vars) *stream {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		p.handler.ServeHTTP(rw, r.WithContext(graph.WithViewer(r.Context(), p.viewer)))
	}))
	t.Cleanup(server.Close)
	body, err := json.Marshal(map[string]any{"query": `subscription ($w: [ID!]) { tenderMatched(watchIds: $w) ` + selection + ` }`, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	s := &stream{t: t, events: make(chan string, 100), cancel: cancel}
	t.Cleanup(cancel)
	go func() {
		defer close(s.events)
		event := ""
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			line := lines.Text()
			switch name, rest, _ := strings.Cut(line, ": "); name {
			case "event":
				if event = rest; event == "complete" {
					s.events <- event
				}
			case "data":
				s.events <- event + " " + rest
			}
		}
	}()
	return s
}

// underWay waits until a subscription follows the news.
func (s *stream) underWay(w *world) *stream {
	s.t.Helper()
	select {
	case <-w.following:
	case <-time.After(patience):
		s.t.Fatal("the subscription does not get under way")
	}
	return s
}

// next is the next event; "" where the stream has ended.
func (s *stream) next() string {
	s.t.Helper()
	select {
	case event := <-s.events:
		return event
	case <-time.After(patience):
		s.t.Fatal("nothing comes")
		return ""
	}
}

// receives checks the next events: of each the kind, the reference and the names
// of watches with the keywords found.
func (s *stream) receives(want ...string) {
	s.t.Helper()
	var got []string
	for range want {
		event := s.next()
		var answer struct {
			Data struct {
				TenderMatched struct {
					Kind      string
					Tender    struct{ SourceRef string }
					MatchedBy []struct {
						Watch    struct{ Name string }
						Keywords []string
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(event, "next ")), &answer); err != nil {
			s.t.Fatalf("%v in %q", err, event)
		}
		m := answer.Data.TenderMatched
		line := m.Kind + " " + m.Tender.SourceRef
		for _, by := range m.MatchedBy {
			line += fmt.Sprintf(" %s%v", by.Watch.Name, by.Keywords)
		}
		got = append(got, line)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("received %q, want %q", got, want)
	}
}

const received = `{ kind tender { sourceRef } matchedBy { watch { name } keywords } }`

// A subscriber gets what begins to match, is corrected or cancelled, for
// the watches as they are then, and nothing else.
func TestTenderMatched(t *testing.T) { eachPair(t, testTenderMatched) }

func testTenderMatched(t *testing.T, w *world) {
	w.publish(w.notice("old", "Voirie", "Commune", 9))
	p, other := w.person("a@example.org"), w.person("b@example.org")
	p.create(vars{"name": "voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	both := p.create(vars{"name": "ou", "criteria": vars{"keywords": []string{"voirie", "toiture"}, "keywordMode": "ANY"}})
	paused := p.create(vars{"name": "pause", "active": false, "criteria": vars{"keywords": []string{"cantine"}}})
	other.create(vars{"name": "tout", "criteria": vars{}})
	all := p.subscribe(t, received, nil).underWay(w)
	named := p.subscribe(t, received, vars{"w": []string{paused, both}}).underWay(w)
	none := p.subscribe(t, received, vars{"w": []string{}}).underWay(w)
	others := other.subscribe(t, received, nil).underWay(w)

	w.publish(w.notice("1", "Réfection de voirie", "Commune", 3), w.notice("2", "Cantine", "Commune", 3), w.notice("3", "Toiture de la cantine", "Commune", 3))
	all.receives("NEW 1 voirie[voirie] ou[voirie]", "NEW 3 ou[toiture]")
	named.receives("NEW 1 ou[voirie]", "NEW 2 pause[cantine]", "NEW 3 ou[toiture] pause[cantine]")
	others.receives("NEW 1 tout[]", "NEW 2 tout[]", "NEW 3 tout[]")

	// Corrected for the one, new to the other; corrected out of sight.
	correct := func(ref, of, title string, kind vigie.NoticeKind, hours int) {
		t.Helper()
		n := w.notice(ref, title, "Commune", hours)
		n.Kind, n.Links = kind, []string{of}
		w.publish(n)
	}
	correct("4", "3", "Toiture et voirie", vigie.Correction, 2)
	all.receives("NEW 3 voirie[voirie]", "CORRECTED 3 ou[voirie toiture]")
	named.receives("CORRECTED 3 ou[voirie toiture] pause[cantine]")
	others.receives("CORRECTED 3 tout[]")

	// An edit counts at once: « voirie » looks for canteens now, « ou » is off.
	p.ask(`mutation ($id: ID!) { updateWatch(id: $id, input: { active: false }) { userErrors { code } } }`, vars{"id": both})
	id := p.ask(`{ watches(orderBy: CREATED_AT_ASC) { nodes { id } } }`, nil).text("watches.nodes.0.id")
	p.ask(`mutation ($id: ID!) { updateWatch(id: $id, input: { criteria: { keywords: ["cantine"] } }) { userErrors { code } } }`, vars{"id": id})
	w.publish(w.notice("5", "Voirie", "Commune", 1), w.notice("6", "Cantine", "Commune", 1))
	all.receives("NEW 6 voirie[cantine]")
	named.receives("NEW 5 ou[voirie]", "NEW 6 pause[cantine]")
	others.receives("NEW 5 tout[]", "NEW 6 tout[]")

	// What was dismissed is not sent, an award neither.
	tender := p.ask(`{ tenders(search: "cantine", orderBy: PUBLISHED_AT_DESC) { nodes { id sourceRef } } }`, nil)
	tender.expect(map[string]string{"tenders.nodes.0.sourceRef": "6"})
	p.ask(`mutation ($id: ID!) { dismissTender(tenderId: $id) { userErrors { code } } }`, vars{"id": tender.at("tenders.nodes.0.id")})
	correct("7", "6", "", vigie.Cancellation, 0)
	correct("8", "1", "", vigie.Award, 0)
	correct("9", "2", "", vigie.Cancellation, 0)
	all.receives("CANCELLED 2 voirie[cantine]")
	named.receives("CANCELLED 2 pause[cantine]")
	others.receives("CANCELLED 6 tout[]", "CANCELLED 2 tout[]")

	// Of two subscriptions one ends; a new one receives nothing of before.
	all.cancel()
	again := p.subscribe(t, received, nil).underWay(w)
	w.publish(w.notice("10", "Cantine", "Commune", 0))
	again.receives("NEW 10 voirie[cantine]")
	named.receives("NEW 10 pause[cantine]")
	select {
	case event := <-none.events:
		t.Errorf("of no watches: %s", event)
	default:
	}
}

// What is read with an event is read at its time, not kept from the one before.
func TestEventsAreOfTheirMoment(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie"}}})
	s := p.subscribe(t, `{ tender { title buyer { name } seen notices { kind } } matchedBy { watch { summary { value } } } }`, nil).underWay(w)
	w.publish(w.notice("1", "Voirie", "Commune de Valfleury", 2, "01"))
	s.next()
	id := p.ask(`{ tenders { nodes { id } } }`, nil).text("tenders.nodes.0.id")
	p.ask(`mutation ($id: ID!) { markTendersSeen(tenderIds: [$id]) { userErrors { code } } }`, vars{"id": id})
	n := w.notice("2", "Voirie et réseaux", "COMMUNE DE VALFLEURY", 1, "01")
	n.Kind, n.Links = vigie.Correction, []string{"1"}
	w.publish(n)
	event := s.next()
	for _, want := range []string{`"title":"Voirie et réseaux"`, `"seen":true`, `"name":"COMMUNE DE VALFLEURY"`, `[{"kind":"CONTRACT_NOTICE"},{"kind":"CORRECTION"}]`} {
		if !strings.Contains(event, want) {
			t.Errorf("no %s in %s", want, event)
		}
	}
}

// A subscriber that is cut off gets an error with a text and a code.
func TestSubscriptionIsCut(t *testing.T) {
	w := newWorld(t)
	w.answer(func(o *graph.Options) {
		o.Pace = func(context.Context, int) (func(), error) { return func() {}, nil }
	})
	p := w.person("a@example.org")
	p.create(vars{"name": "v", "criteria": vars{}})
	s := p.subscribe(t, received, nil).underWay(w)
	w.publish(w.notice("1", "Voirie", "Commune", 1))
	s.receives("NEW 1 v[]")
	w.newsCut.Store(true)
	w.publish(w.notice("2", "Voirie", "Commune", 1))
	if event := s.next(); !strings.Contains(event, `"message":"Coupé."`) || !strings.Contains(event, `"code":"UNAVAILABLE"`) {
		t.Error(event)
	}
	if event := s.next(); event != "complete" {
		t.Errorf("then %s", event)
	}
}

func TestSubscribeMistakes(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	foreign := w.person("b@example.org").create(vars{"name": "v", "criteria": vars{}})
	for name, test := range map[string]struct {
		viewer *graph.Viewer
		watch  []string
		code   string
	}{
		"nobody":            {nil, nil, "UNAUTHENTICATED"},
		"a publisher":       {&graph.Viewer{Sources: []string{"portal"}}, nil, "FORBIDDEN"},
		"an unknown watch":  {p.viewer, []string{"watch_4711"}, "NOT_FOUND"},
		"another's watch":   {p.viewer, []string{foreign}, "NOT_FOUND"},
		"a token that ends": {&graph.Viewer{Account: p.viewer.Account, Until: time.Now().Add(100 * time.Millisecond)}, nil, "UNAUTHENTICATED"},
	} {
		t.Run(name, func(t *testing.T) {
			s := person{w, test.viewer}.subscribe(t, received, vars{"w": test.watch})
			if event := s.next(); !strings.Contains(event, `"code":"`+test.code+`"`) {
				t.Errorf("%s, want %s", event, test.code)
			}
			if event := s.next(); event != "complete" {
				t.Errorf("then %s", event)
			}
		})
	}
}

// What an event costs is taken of its caller before it is read, and given back
// once it is; nothing is taken while a subscriber waits for events, or its client
// reads. Where it cannot be taken, the subscription ends.
func TestEventsArePaced(t *testing.T) {
	w := newWorld(t)
	var refuse atomic.Bool
	var busy, taken atomic.Int64
	w.answer(func(o *graph.Options) {
		o.Pace = func(_ context.Context, cost int) (func(), error) {
			if refuse.Load() {
				return nil, &vigie.Error{Code: vigie.TooManyRequests, Text: vigie.Text{FR: "Attendez.", EN: "Wait."}}
			}
			taken.Add(1)
			busy.Add(int64(cost))
			return sync.OnceFunc(func() { busy.Add(int64(-cost)) }), nil
		}
	})
	p := w.person("a@example.org")
	p.create(vars{"name": "v", "criteria": vars{}})
	s := p.subscribe(t, received, nil).underWay(w)
	before := taken.Load()
	for i, ref := range []string{"1", "2", "3"} {
		w.publish(w.notice(ref, "Voirie", "Commune", 1))
		s.receives("NEW " + ref + " v[]")
		if n := taken.Load() - before; n != int64(i+1) || busy.Load() != 0 {
			t.Errorf("after %d events %d were paced, and %d is not given back", i+1, n, busy.Load())
		}
	}
	refuse.Store(true)
	w.publish(w.notice("4", "Voirie", "Commune", 1))
	if event := s.next(); !strings.Contains(event, `"code":"TOO_MANY_REQUESTS"`) {
		t.Error(event)
	}
	if event := s.next(); event != "complete" {
		t.Errorf("then %s", event)
	}
	if busy.Load() != 0 {
		t.Errorf("%d is not given back", busy.Load())
	}
}
