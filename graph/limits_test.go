package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/graph"
	"vigie/graph/wire"
	"vigie/search"
)

// What is too much is refused with a code before anything is done for it.
func TestLimits(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	for name, c := range map[string]struct{ query, code, message string }{
		"deep":                       {strings.Repeat("{ matchingTenders { edges { matchedBy { watch ", 4) + "{ id }" + strings.Repeat("} } } }", 4), "LIMIT_EXCEEDED", "15 levels"},
		"aliases":                    {"{ " + many(51, "a%d: departments { code } ") + "}", "LIMIT_EXCEEDED", "50 aliases"},
		"fields":                     {"{ departments { " + strings.Repeat("...f ", 500) + "} } fragment f on Department { code name }", "LIMIT_EXCEEDED", "1000 fields"},
		"namesakes":                  {"{ departments { " + strings.Repeat("code ", 400) + "} }", "LIMIT_EXCEEDED", "79800 pairs"},
		"namesakes apart":            {"{ departments { ...{ code } " + strings.Repeat("...f ...{ code code } ", 200) + "} } fragment f on Department { code }", "LIMIT_EXCEEDED", "pairs"},
		"chain":                      {"{ departments { ...f0 } } " + chain(300, "code"), "LIMIT_EXCEEDED", "20000 steps"},
		"chain, not valid":           {"{ departments { ...f0 } } " + chain(300, "zzz"), "LIMIT_EXCEEDED", "20000 steps"},
		"circle":                     {"{ departments { ...f0 } } " + chain(300, "...f0"), "LIMIT_EXCEEDED", "20000 steps"},
		"fan":                        {"{ departments { " + many(220, "...f%d ") + "} } " + many(220, "fragment f%d on Department { code } "), "LIMIT_EXCEEDED", "20000 steps"},
		"operations":                 {many(100, "query q%d { departments { ...f0 } } ") + chain(90, "code"), "LIMIT_EXCEEDED", "20000 steps"},
		"directives":                 {"{ departments { " + strings.Repeat("code @skip(if: false) ", 51) + "} }", "LIMIT_EXCEEDED", "50 directives"},
		"tokens":                     {"{ departments { " + strings.Repeat("code ", 3000) + "} }", "GRAPHQL_PARSE_FAILED", "token limit of 3000"},
		"searches":                   {"{ watches(first: 100) { nodes { onlineCount matchingTenders { totalCount } } } }", "LIMIT_EXCEEDED", "costs 20401"},
		"rows":                       {"{ watches(first: 100) { nodes { deliveries(first: 100) { nodes { id } } } } }", "LIMIT_EXCEEDED", "costs 25201"},
		"rows by variables":          {"query ($n: Int = 2147483647) { watches(first: $n) { nodes { deliveries(last: $n, first: 1) { nodes { id } } } } }", "LIMIT_EXCEEDED", "costs 25201"},
		"defer":                      {"{ ... @defer { departments { code } } }", "GRAPHQL_VALIDATION_FAILED", "@defer"},
		"a search for each of a few": {"{ tender(id: \"x\") { matchedBy { watch { matchingTenders(first: 100) { nodes { lots { title } } } } } } }", "LIMIT_EXCEEDED", "costs 2"},
		"rows by what is given":      {"mutation { markTendersSeen(tenderIds: [" + strings.Repeat(`"x" `, 100) + "]) { tenders { matchedBy { watch { onlineCount } } } } }", "LIMIT_EXCEEDED", "costs 1"},
	} {
		got := ana.post(c.query, nil)
		if len(got.Errors) != 1 || got.Data != nil || fmt.Sprint(got.Errors[0].Extensions["code"]) != c.code || !strings.Contains(got.Errors[0].Message, c.message) {
			t.Errorf("%s: %v %v; want %s, %s", name, got.Data, got.Errors, c.code, c.message)
		}
	}
	if calls := w.calls.searches.Load(); calls != 0 {
		t.Errorf("%d searches were made for what was refused", calls)
	}
}

// However deep an operation is allowed to be, its cost is one: it does not overflow.
func TestCostOfDeepOperations(t *testing.T) {
	w := newWorld(t)
	w.answer(func(o *graph.Options) { o.Limits.Shape.Depth = 1000 })
	ana := w.person("ana@example.org")
	for _, levels := range []int{5, 8, 10, 16, 30, 60} {
		query := strings.Repeat("{ matchingTenders(first: 100) { edges { matchedBy { watch ", levels) + "{ id }" + strings.Repeat("} } } }", levels)
		if got := ana.post(query, nil); len(got.Errors) != 1 || got.Data != nil || fmt.Sprint(got.Errors[0].Extensions["code"]) != "LIMIT_EXCEEDED" {
			t.Errorf("%d levels: %v %v", levels, got.Data, got.Errors)
		}
	}
}

// TestDescriptionsAreBounded: an answer has the descriptions of the largest tender, but not of several such, nor of one
// many times, however they are asked for.
func TestDescriptionsAreBounded(t *testing.T) {
	w := newWorld(t)
	n := w.notice("1", "Voirie", "Commune de Beaulieu", 1)
	for i := range 500 {
		n.Content.Lots = append(n.Content.Lots, vigie.Lot{Number: fmt.Sprint(i + 1), Title: "Lot", Description: strings.Repeat("é", 5000)})
	}
	w.publish(n)
	p := w.person("a@example.org")
	id := p.ask(`{ tenders { nodes { id } } }`, nil).text("tenders.nodes.0.id")
	one, both := fmt.Sprintf("tender(id: %q)", id), fmt.Sprintf("nodes(ids: [%q, %q])", id, id)
	for query, answered := range map[string]bool{
		one + ` { lots { number description } }`:                                    true,
		one + ` { lots { description more: description } }`:                         false,
		one + ` { lots { description } more: lots { ... on Lot { description } } }`: false,
		one + ` { lots { description } more: lots { number title } }`:               true,
		both + ` { ... on Tender { lots { description } } }`:                        false,
		both + ` { ... on Tender { lots { title } } }`:                              true,
	} {
		r := p.post("{ "+query+" }", nil)
		if problems := fmt.Sprint(r.Errors); answered != (len(r.Errors) == 0) || !answered && !strings.Contains(problems, "8388608 bytes") {
			t.Errorf("%s: %.300s", query, problems)
		}
	}
}

// What callers ask is not kept without bounds: neither documents that are run,
// nor those that are to be asked for by their hashes.
func TestKeptDocuments(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	documents := 60
	if testing.Short() {
		documents = 30 // of a megabyte each: still more than may be kept
	}
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for name, question := range map[string]func(i int) string{
		"long":      func(i int) string { return strings.Repeat(" ", 1_000_000+i) + "{ departments { code } }" },
		"persisted": func(i int) string { return strings.Repeat(" ", 1_000_000+i) + "nonsense" },
	} {
		before := inUse()
		for i := range documents {
			text := question(i)
			body, err := json.Marshal(map[string]any{"query": text, "extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": graph.Hash(text)}}})
			if err != nil {
				t.Fatal(err)
			}
			request := httptest.NewRequestWithContext(graph.WithViewer(t.Context(), ana.viewer), http.MethodPost, "/graphql", bytes.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			recorder := httptest.NewRecorder()
			w.handler.ServeHTTP(recorder, request)
			if got := recorder.Body.String(); strings.Contains(got, "departments") != (name != "persisted") {
				t.Fatalf("%s: %.300s", name, got)
			}
		}
		if after := inUse(); after > before+25<<20 {
			t.Errorf("%s: %d MB are kept", name, (after-before)>>20)
		}
	}
}

func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// chain is fragments that each use the next one.
func chain(n int, last string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on Department { code ...f%d } ", i, i+1)
	}
	return b.String() + fmt.Sprintf("fragment f%d on Department { %s }", n, last)
}

// The queries of a page and of the tools that developers use are within the
// limits.
func TestWithinLimits(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	for _, query := range []string{
		introspection,
		`{ viewer { email } watches(first: 50) { nodes { id name active frequency summary { label value } onlineCount health { lastMatchAt } recipients { email status } } } }`,
		`{ matchingTenders(first: 100) { totalCount pageInfo { hasNextPage endCursor } edges { cursor
			node { id title reference description buyer { name city } departments { code name } natures deadline publishedAt status url lots { number title } notices { id kind publishedAt } }
			matchedBy { watch { id name } keywords } } facets { departments { value label count } natures { value label count } buyers(first: 50) { value label count } } } }`,
	} {
		ana.ask(query, nil)
	}
}

// introspection is as deep as that of GraphiQL.
const introspection = `query { __schema { queryType { name } types { ...Full } directives { name locations args { ...Value } } } }
	fragment Full on __Type { kind name description fields(includeDeprecated: true) { name args { ...Value } type { ...Ref } } inputFields { ...Value } interfaces { ...Ref } enumValues { name } possibleTypes { ...Ref } }
	fragment Value on __InputValue { name type { ...Ref } defaultValue }
	fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }`

// Where the schema is private, nothing reveals it but its use.
func TestPrivate(t *testing.T) {
	w := newWorld(t)
	w.answer(func(o *graph.Options) { o.Private = true })
	ana := w.person("ana@example.org")
	ana.ask("{ viewer { email } }", nil)
	for _, query := range []string{"{ __schema { types { name } } }", `{ __type(name: "Watch") { fields { name } } }`} {
		if got := ana.post(query, nil); len(got.Errors) != 1 || got.Errors[0].Extensions["code"] != "FORBIDDEN" || strings.Contains(fmt.Sprint(got.Data), "name") {
			t.Errorf("%s: %v, %v", query, got.Data, got.Errors)
		}
	}
	for _, query := range []string{
		"{ viewer { emial } }", "{ viewer }", "{ watches(frist: 1) { nodes { id } } }", "query ($x: WatchOrdre) { departments { code } }",
		"{ watches(orderBy: NAME_ACS) { nodes { id } } }", "mutation { createWatch(input: { nmae: \"x\", criteria: {} }) { watch { id } } }",
		"{ node(id: \"x\") { ... on Wacth { id } } }", "{ veiwer veille viewer }",
	} {
		got := ana.post(query, nil)
		if len(got.Errors) != 1 {
			t.Errorf("%s is answered with %d errors", query, len(got.Errors))
		}
		for _, e := range got.Errors {
			if e.Message != "The document is not valid." {
				t.Errorf("%s: %s", query, e.Message)
			}
		}
	}
}

// Persisted queries are asked for by their hash, and a list of trusted ones is
// all that is run.
func TestPersistedQueries(t *testing.T) {
	w := newWorld(t)
	const query = "{ departments { code } }"
	by := func(query string) string {
		if query != "" {
			query = fmt.Sprintf(`"query": %q, `, query)
		}
		return fmt.Sprintf(`{%s"extensions": {"persistedQuery": {"version": 1, "sha256Hash": %q}}}`, query, graph.Hash("{ departments { code } }"))
	}
	expect := func(body, want string) {
		t.Helper()
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, request)
		if !strings.Contains(recorder.Body.String(), want) {
			t.Errorf("%s: %s, not %s", body, recorder.Body, want)
		}
	}
	expect(by(""), `"code":"PERSISTED_QUERY_NOT_FOUND"`)
	expect(by("{ limits { keywords } }"), `hash does not match`)
	expect(by(query), `"code":"2A"`)
	expect(by(""), `"code":"2A"`)
	w.answer(func(o *graph.Options) { o.Trusted = map[string]string{graph.Hash(query): query} })
	expect(by(""), `"code":"2A"`)
	expect(by(query), `"code":"2A"`)
	expect(fmt.Sprintf(`{"query": %q}`, query), `"code":"2A"`)
	expect(`{"query": "{ departments { name } }"}`, `"code":"FORBIDDEN"`)
	expect(`{"query": "{ __schema { types { name } } }"}`, `"code":"FORBIDDEN"`)
	expect(`{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0"}}}`, `"code":"FORBIDDEN"`)
}

// What takes too long ends, and says so; so does who comes too often.
func TestTimeAndTurns(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	w.answer(func(o *graph.Options) { o.Limits.Time = time.Nanosecond })
	if got := ana.post("{ watches { nodes { id } } }", nil); len(got.Errors) == 0 || got.Errors[0].Extensions["code"] != "TIMED_OUT" {
		t.Errorf("%v", got.Errors)
	}
	w.answer(func(o *graph.Options) {
		o.Intake.Admit = func(context.Context) (wire.Rate, error) {
			return wire.Rate{}, &vigie.Error{Code: vigie.TooManyRequests, RetryAfter: 1500 * time.Millisecond, Text: vigie.Text{FR: "Attendez.", EN: "Wait."}}
		}
	})
	if got := ana.post("{ watches { nodes { id } } }", nil); len(got.Errors) != 1 || got.Data != nil || got.Errors[0].Message != "Attendez." || got.Errors[0].Extensions["code"] != "TOO_MANY_REQUESTS" {
		t.Errorf("%v", got.Errors)
	}
}

// The defaults are those that the README and the design say.
func TestDefaultLimitsAreWritten(t *testing.T) {
	design, err := os.ReadFile("../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	d := graph.DefaultLimits()
	want := fmt.Sprintf("%d tokens, %d levels, %d fields, %d aliases, %d directives, a cost of %d, %v", d.Tokens, d.Shape.Depth, d.Shape.Fields, d.Shape.Aliases, d.Shape.Directives, d.Cost, d.Time)
	if !strings.Contains(string(design), want) {
		t.Errorf("docs/design.md does not say %q", want)
	}
}

// A panic is an error like others that are nobody's business: its client gets
// the request's name, the server goes on, and what else was asked is answered.
func TestPanic(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	index := w.service.Index
	w.service.Index = func() (search.Index, error) { panic("secret") }
	body := strings.NewReader(`{"query": "{ viewer { email } matchingTenders { totalCount } }"}`)
	request := httptest.NewRequestWithContext(graph.WithRequest(graph.WithViewer(t.Context(), ana.viewer), "request-1"), http.MethodPost, "/graphql", body)
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	const want = `{"errors":[{"message":"Une erreur s’est produite de notre côté. Réessayez dans un instant.","path":["matchingTenders"],"locations":[{"line":1,"column":20}],"extensions":{"code":"INTERNAL","requestId":"request-1"}}],"data":{"viewer":{"email":"ana@example.org"},"matchingTenders":null},"extensions":{"cost":{"requested":104,"maximum":20000}}}`
	if got := strings.TrimSpace(recorder.Body.String()); got != want {
		t.Errorf("%s\nnot\n%s", got, want)
	}
	w.service.Index = index
	ana.ask("{ matchingTenders { totalCount } }", nil)
}

// What an operation costs is taken of its caller before it runs, and given back
// after it, whether or not it succeeds; what cannot be taken is not run.
func TestPace(t *testing.T) {
	w := newWorld(t)
	taken, refuse := []int{}, false
	busy := 0
	w.answer(func(o *graph.Options) {
		o.Pace = func(_ context.Context, cost int) (func(), error) {
			if refuse {
				return nil, &vigie.Error{Code: vigie.TooManyRequests, Text: vigie.Text{FR: "Attendez.", EN: "Wait."}}
			}
			taken, busy = append(taken, cost), busy+1
			return func() { busy-- }, nil
		}
	})
	ana := w.person("ana@example.org")
	ana.ask(`{ departments { code } }`, nil)
	ana.ask(`{ tenders(first: 10) { totalCount } }`, nil)
	ana.ask(`mutation { deleteWatch(id: "no id") { userErrors { code } } }`, nil)
	if len(taken) != 3 || taken[1] <= taken[0] || busy != 0 {
		t.Errorf("taken %v, %d not given back", taken, busy)
	}
	refuse = true
	if r := ana.post(`{ departments { code } }`, nil); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "TOO_MANY_REQUESTS" || r.Data["departments"] != nil {
		t.Errorf("what cannot be taken: %v %v", r.Data, r.Errors)
	}
}

// What panics while a loader reads is logged with its stack, as what panics in a resolver is.
func TestPanicOfLoader(t *testing.T) {
	w := newWorld(t)
	var logged bytes.Buffer
	w.answer(func(o *graph.Options) { o.Log = slog.New(slog.NewJSONHandler(&logged, nil)) })
	ana := w.person("ana@example.org")
	ana.create(vars{"name": "v", "criteria": vars{}})
	w.service.Index = func() (search.Index, error) { panic("secret") }
	r := ana.post(`{ watches { nodes { name onlineCount } } }`, nil)
	if len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "INTERNAL" || r.text("watches.nodes.0.name") != "v" {
		t.Errorf("%v %v", r.Data, r.Errors)
	}
	if said := logged.String(); !strings.Contains(said, `"msg":"resolver panicked"`) || !strings.Contains(said, "TenderPages") {
		t.Errorf("the stack is not logged: %s", said)
	}
}
