package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"vigie/graph"
	"vigie/graph/wire"
)

// Variables are held to their types before anything is done: exactly, as the
// GraphQL specification says (sections 3.5 to 3.12, 6.1.2 and 6.4.1).
func TestWrongVariables(t *testing.T) {
	w := newWorld(t)
	w.publish(w.notice("1", "Réfection de voirie", "Commune de Valfleury", 1, "01"))
	ana := w.person("ana@example.org")
	ana.viewer.Sources = []string{"test"}
	id := ana.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	const (
		create  = `mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { id } userErrors { code } } }`
		update  = `mutation ($id: ID!, $input: UpdateWatchInput!) { updateWatch(id: $id, input: $input) { watch { id } userErrors { code } } }`
		publish = `mutation ($input: [NoticeInput!]!) { publishNotices(input: $input) { results { outcome } userErrors { code } } }`
		list    = `query ($filter: TenderFilter, $first: Int = 20) { tenders(filter: $filter, first: $first) { totalCount } }`
		settle  = `mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { account { id } userErrors { code } } }`
	)
	for name, c := range map[string]struct{ query, variables, message string }{
		"keyword mode in lower case": {create, `{"input": {"name": "x", "criteria": {"keywordMode": "any"}}}`, "$input.criteria.keywordMode must be ALL or ANY"},
		"frequency in lower case":    {update, `{"id": "` + id + `", "input": {"frequency": "immediate"}}`, "$input.frequency must be IMMEDIATE, DAILY or WEEKLY"},
		"nature in lower case":       {update, `{"id": "` + id + `", "input": {"criteria": {"natures": ["WORKS", "works"]}}}`, "$input.criteria.natures[1] must be WORKS, SUPPLIES or SERVICES"},
		"one nature in lower case":   {update, `{"id": "` + id + `", "input": {"criteria": {"natures": "works"}}}`, "$input.criteria.natures must be WORKS, SUPPLIES or SERVICES"},
		"kind in lower case":         {publish, `{"input": [{"source": "test", "sourceRef": "1", "title": "x", "buyerName": "y", "publishedAt": "2026-11-09T10:00:00Z", "kind": "cancellation"}]}`, "$input[0].kind must be"},
		"status in lower case":       {list, `{"filter": {"statuses": ["online"]}}`, "$filter.statuses[0] must be ONLINE, CLOSED, CANCELLED, AWARDED or PLANNED"},
		"locale in lower case":       {settle, `{"input": {"locale": "fr"}}`, "$input.locale must be FR or EN"},
		"enum as a number":           {settle, `{"input": {"digestDay": 1}}`, "$input.digestDay must be MONDAY"},
		"enum empty":                 {settle, `{"input": {"digestDay": ""}}`, "$input.digestDay must be MONDAY"},
		"string for an integer":      {list, `{"first": "3"}`, "$first must be an integer"},
		"fraction for an integer":    {list, `{"first": 3.5}`, "$first must be an integer"},
		"integer of 33 bits":         {list, `{"first": 2147483648}`, "$first must be an integer from -2147483648 to 2147483647"},
		"integer below":              {list, `{"first": -2147483649}`, "$first must be an integer"},
		"integer without end":        {list, `{"first": 1e400}`, "$first must be an integer"},
		"hour as a string":           {settle, `{"input": {"digestHour": "8"}}`, "$input.digestHour must be an integer"},
		"number for a string":        {create, `{"input": {"name": 86, "criteria": {}}}`, "$input.name must be a string"},
		"boolean for a string":       {create, `{"input": {"name": true, "criteria": {}}}`, "$input.name must be a string"},
		"number in a list":           {create, `{"input": {"name": "x", "criteria": {"keywords": ["voirie", 86]}}}`, "$input.criteria.keywords[1] must be a string"},
		"null in a list":             {create, `{"input": {"name": "x", "criteria": {"keywords": [null]}}}`, "$input.criteria.keywords[0] must not be null"},
		"list within a list":         {create, `{"input": {"name": "x", "criteria": {"keywords": [["voirie"]]}}}`, "$input.criteria.keywords[0] must be a string"},
		"string for a boolean":       {settle, `{"input": {"quietNotes": "false"}}`, "$input.quietNotes must be true or false"},
		"number for a boolean":       {settle, `{"input": {"quietNotes": 0}}`, "$input.quietNotes must be true or false"},
		"boolean for an id":          {update, `{"id": true, "input": {}}`, "$id must be an ID"},
		"null for what must be":      {create, `{"input": null}`, "$input must not be null"},
		"nothing for what must be":   {create, `{}`, "$input is required"},
		"no variables at all":        {create, `null`, "$input is required"},
		"a field missing":            {create, `{"input": {"criteria": {}}}`, "$input.name is required"},
		"a field too many":           {create, `{"input": {"name": "x", "criteria": {}, "Name": "y"}}`, "$input.Name is unknown"},
		"what an answer has":         {create, `{"input": {"name": "x", "criteria": {"__typename": "Criteria"}}}`, "$input.criteria.__typename is unknown"},
		"a string for an object":     {create, `{"input": "x"}`, "$input must be an object"},
		"an object for a list of it": {publish, `{"input": "x"}`, "$input must be an object"},
		"what is no moment":          {list, `{"filter": {"deadlineTo": "demain"}}`, "$filter.deadlineTo must be a date, such as 2026-11-09T17:00:00+01:00"},
		"a number for a moment":      {list, `{"filter": {"deadlineTo": 86}}`, "$filter.deadlineTo must be a date"},
		"a number for a decimal":     {list, `{"filter": {"minValue": 86}}`, "$filter.minValue must be a decimal number as text"},
		"null within a list":         {`query ($s: TenderStatus = ONLINE) { tenders(filter: { statuses: [$s] }) { totalCount } }`, `{"s": null}`, "$s must not be null"},
		"null within a fragment":     {`query ($s: TenderStatus = ONLINE) { ...a } fragment a on Query { ... { ...b } } fragment b on Query { tenders(filter: { statuses: [$s] }) { totalCount } }`, `{"s": null}`, "$s must not be null"},
		"null for a condition":       {`query ($if: Boolean = true) { limits { maxWatches @include(if: $if) } }`, `{"if": null}`, "$if must not be null"},
		"null for a whole condition": {`query ($if: Boolean = true) { ...a @skip(if: $if) } fragment a on Query { limits { maxWatches } }`, `{"if": null}`, "$if must not be null"},
	} {
		body := fmt.Sprintf(`{"query": %q, "variables": %s}`, c.query, c.variables)
		got := ana.send(t, http.MethodPost, "/graphql", body, "")
		if len(got.Errors) != 1 || got.Data != nil || got.Errors[0].Extensions["code"] != "BAD_REQUEST" || !strings.Contains(got.Errors[0].Message, c.message) {
			t.Errorf("%s: %v %v; want %s", name, got.Data, got.Errors, c.message)
		}
	}
	ana.ask(`{ watches { totalCount nodes { name frequency criteria { keywordMode natures } } } tenders { nodes { status } } }`, nil).expect(map[string]string{
		"watches.totalCount": "1", "watches.nodes.0.frequency": "DAILY", "watches.nodes.0.criteria.keywordMode": "ALL", "watches.nodes.0.criteria.natures": "[]",
		"tenders.nodes.0.status": "ONLINE",
	})
}

// What the specification allows passes, and means what it should.
func TestRightVariables(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	const create = `mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { name frequency active criteria { keywords keywordMode natures } } userErrors { code message } } }`
	got := ana.ask(create, vars{"input": vars{"name": "un", "criteria": vars{"keywords": "voirie", "keywordMode": "ANY", "natures": "WORKS"}, "frequency": "IMMEDIATE"}})
	if s := got.text("createWatch.watch"); s != "map[active:true criteria:map[keywordMode:ANY keywords:[voirie] natures:[WORKS]] frequency:IMMEDIATE name:un]" {
		t.Error(s)
	}
	got = ana.ask(`mutation ($name: String!, $mode: KeywordMode, $natures: [Nature!] = SERVICES, $if: Boolean!) {
		createWatch(input: { name: $name, criteria: { keywordMode: $mode, natures: $natures } }) { watch { name criteria { keywordMode natures } frequency @include(if: $if) } userErrors { code } } }`,
		vars{"name": "deux", "if": true, "unknown": vars{"x": 1}})
	if s := got.text("createWatch.watch"); s != "map[criteria:map[keywordMode:ALL natures:[SERVICES]] frequency:DAILY name:deux]" {
		t.Error(s)
	}
	for _, c := range []struct {
		query     string
		variables vars
		want      string
	}{
		{`query ($n: Int) { watches(first: $n) { totalCount } }`, vars{"n": json.Number("1.0")}, "2"},
		{`query ($n: Int) { watches(first: $n) { totalCount } }`, vars{"n": json.Number("1e1")}, "2"},
		{`query ($n: Int) { watches(first: $n) { totalCount } }`, vars{"n": nil}, "2"},
		{`query ($n: Int = 1) { watches(first: $n) { totalCount } }`, nil, "2"},
		{`query ($by: WatchOrder) { watches(orderBy: $by) { totalCount } }`, nil, "2"},
		{`query ($by: WatchOrder! = CREATED_AT_ASC) { watches(orderBy: $by) { totalCount } }`, nil, "2"},
		{`query ($by: WatchOrder) { watches(orderBy: $by) { totalCount } }`, vars{"by": "CREATED_AT_DESC"}, "2"},
	} {
		if got := ana.ask(c.query, c.variables).text("watches.totalCount"); got != c.want {
			t.Errorf("%s %v: %s", c.query, c.variables, got)
		}
	}
	for _, id := range []any{1, "1"} { // an integer is an id too
		if got := ana.post(`query ($id: ID!) { watch(id: $id) { id } }`, vars{"id": id}); len(got.Errors) > 0 {
			t.Errorf("%v: %v", id, got.Errors)
		}
	}
}

// What is written in the document is held to its type too.
func TestWrongLiterals(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	for _, query := range []string{
		`{ watches(orderBy: name_asc) { totalCount } }`,
		`{ watches(orderBy: "NAME_ASC") { totalCount } }`,
		`{ watches(orderBy: {}) { totalCount } }`,
		`{ watches(orderBy: [NAME_ASC]) { totalCount } }`,
		`{ watches(first: 2147483648) { totalCount } }`,
		`{ watches(first: -2147483649) { totalCount } }`,
		`{ watches(first: 99999999999999999999) { totalCount } }`,
		`{ watches(first: "3") { totalCount } }`,
		`{ watches(first: 3.0) { totalCount } }`,
		`{ watches(first: {}) { totalCount } }`,
		`{ watches(first: [3]) { totalCount } }`,
		`query ($n: Int = 2147483648) { watches(first: $n) { totalCount } }`,
		`query ($by: WatchOrder = name_asc) { watches(orderBy: $by) { totalCount } }`,
		`{ watches(after: 86) { totalCount } }`,
		`{ watches(after: {}) { totalCount } }`,
		`{ watch(id: true) { id } }`,
		`{ watch(id: {}) { id } }`,
		`{ watch(id: 1.5) { id } }`,
		`{ tenders(filter: { natures: [works] }) { totalCount } }`,
		`{ tenders(filter: { natures: works }) { totalCount } }`,
		`{ tenders(filter: { natures: [null] }) { totalCount } }`,
		`{ tenders(filter: { natures: {} }) { totalCount } }`,
		`{ tenders(filter: { nature: WORKS }) { totalCount } }`,
		`{ tenders(filter: []) { totalCount } }`,
		`{ tenders(filter: "") { totalCount } }`,
		`{ limits { maxWatches @include(if: {}) } }`,
		`{ limits { maxWatches @include(if: "true") } }`,
		`mutation { createWatch(input: { name: "x", criteria: {}, active: 1 }) { watch { id } } }`,
		`mutation { createWatch(input: { name: "x" }) { watch { id } } }`,
	} {
		got := ana.post(query, nil)
		if len(got.Errors) == 0 || got.Data != nil || got.Errors[0].Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%s: %v %v", query, got.Data, got.Errors)
		}
	}
}

// A literal that only the code of its scalar can read is wrong at its place in
// the arguments; the path is that of the field.
func TestWrongDates(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	for query, want := range map[string]string{
		`{ tenders(filter: { publishedFrom: "hier" }) { totalCount } }`:                                                                                  "[tenders] filter.publishedFrom",
		`{ a: watches { nodes { matchingTenders(filter: { deadlineTo: 3 }) { totalCount } } } }`:                                                         "[a nodes 0 matchingTenders] filter.deadlineTo",
		`mutation { publishNotices(input: [{ source: "a", sourceRef: "1", title: "x", buyerName: "x", publishedAt: "hier" }]) { results { outcome } } }`: "[publishNotices] input.0.publishedAt",
	} {
		if strings.Contains(query, "watches") {
			ana.create(vars{"name": "v", "criteria": vars{}})
		}
		r := ana.post(query, nil)
		if len(r.Errors) != 1 {
			t.Fatalf("%s: %v", query, r.Errors)
		}
		if got := fmt.Sprint(r.Errors[0].Path, " ", r.Errors[0].Extensions["argument"]); got != want || r.Errors[0].Extensions["code"] != "BAD_REQUEST" {
			t.Errorf("%s: %s %v, want %s", query, got, r.Errors[0], want)
		}
	}
}

// A subscription has one field, whatever it is called in the answer.
func TestSubscriptionOfTwoFields(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	for _, query := range []string{
		`subscription { a: tenderMatched { kind } b: tenderMatched { kind } }`,
		`subscription { tenderMatched { kind } ...more } fragment more on Subscription { b: tenderMatched { kind } }`,
		`subscription { ... { a: tenderMatched { kind } } ... { tenderMatched { kind } } }`,
		`subscription { __typename }`,
	} {
		body, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []reply{ana.send(t, http.MethodPost, "/graphql", string(body), "text/event-stream"), ana.socket(t, string(body))} {
			if len(got.Errors) == 0 || got.Data != nil || got.Errors[0].Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%s: %v %v", query, got.Data, got.Errors)
			}
		}
	}
}

// Whichever way an operation comes, its variables are looked at.
func TestVariablesOnEveryWay(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	const query = `query ($filter: TenderFilter) { tenders(filter: $filter) { totalCount } }`
	const variables = `{"filter": {"statuses": ["online"]}}`
	body := fmt.Sprintf(`{"query": %q, "variables": %s}`, query, variables)
	address := "/graphql?" + url.Values{"query": {query}, "variables": {variables}}.Encode()
	hash := fmt.Sprintf(`"extensions": {"persistedQuery": {"version": 1, "sha256Hash": %q}}`, graph.Hash(query))
	for way, got := range map[string]reply{
		"POST":                     ana.send(t, http.MethodPost, "/graphql", body, ""),
		"POST again":               ana.send(t, http.MethodPost, "/graphql", body, "application/graphql-response+json"),
		"GET":                      ana.send(t, http.MethodGet, address, "", ""),
		"server-sent events":       ana.send(t, http.MethodPost, "/graphql", body, "text/event-stream"),
		"WebSocket":                ana.socket(t, body),
		"a persisted query, first": ana.send(t, http.MethodPost, "/graphql", fmt.Sprintf(`{"query": %q, "variables": %s, %s}`, query, variables, hash), ""),
		"a persisted query, again": ana.send(t, http.MethodPost, "/graphql", fmt.Sprintf(`{"variables": %s, %s}`, variables, hash), ""),
	} {
		const want = "Variable $filter.statuses[0] must be ONLINE, CLOSED, CANCELLED, AWARDED or PLANNED."
		if len(got.Errors) != 1 || got.Data != nil || got.Errors[0].Extensions["code"] != "BAD_REQUEST" || got.Errors[0].Message != want {
			t.Errorf("%s: %v %v", way, got.Data, got.Errors)
		}
	}
	w.answer(func(o *graph.Options) { o.Trusted = map[string]string{graph.Hash(query): query} })
	if got := ana.send(t, http.MethodPost, "/graphql", body, ""); len(got.Errors) != 1 || got.Errors[0].Extensions["code"] != "BAD_REQUEST" {
		t.Errorf("a trusted document: %v %v", got.Data, got.Errors)
	}
}

// Where the schema is private, errors do not list its values.
func TestPrivateVariables(t *testing.T) {
	w := newWorld(t)
	w.answer(func(o *graph.Options) { o.Private = true })
	ana := w.person("ana@example.org")
	got := ana.post(`query ($by: WatchOrder!) { watches(orderBy: $by) { totalCount } }`, vars{"by": "name_asc"})
	if len(got.Errors) != 1 || got.Errors[0].Message != "Variable $by is not a value of WatchOrder." {
		t.Errorf("%v", got.Errors)
	}
}

// send sends a request over HTTP, and reads the first answer.
func (p person) send(t *testing.T, method, address, body, accept string) reply {
	t.Helper()
	request := httptest.NewRequestWithContext(graph.WithViewer(t.Context(), p.viewer), method, address, strings.NewReader(body))
	if request.Header.Set("Content-Type", "application/json"); accept != "" {
		request.Header.Set("Accept", accept)
	}
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, request)
	text := recorder.Body.String()
	if accept == "text/event-stream" {
		_, text, _ = strings.Cut(text, "data: ")
		text, _, _ = strings.Cut(text, "\n")
	}
	r := reply{t: t}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v in %s", err, recorder.Body)
	}
	return r
}

// socket asks over WebSocket, and reads the first answer.
func (p person) socket(t *testing.T, body string) reply {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		p.handler.ServeHTTP(rw, r.WithContext(graph.WithViewer(r.Context(), p.viewer)))
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, server.URL, &websocket.DialOptions{Subprotocols: []string{wire.Protocol}})
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		defer response.Body.Close()
	}
	defer conn.CloseNow()
	for _, said := range []string{`{"type": "connection_init"}`, `{"type": "subscribe", "id": "1", "payload": ` + body + `}`} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(said)); err != nil {
			t.Fatal(err)
		}
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		for m.Type == "" || m.Type == "ping" {
			if err := wsjson.Read(ctx, conn, &m); err != nil {
				t.Fatal(err)
			}
		}
		r := reply{t: t}
		switch m.Type {
		case "connection_ack":
			continue
		case "next":
			err = json.Unmarshal(m.Payload, &r)
		case "error":
			err = json.Unmarshal(m.Payload, &r.Errors)
		}
		if err != nil {
			t.Fatalf("%v in %s", err, m.Payload)
		}
		return r
	}
	t.Fatal("no answer")
	return reply{}
}
