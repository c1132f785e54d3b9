package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"

	"vigie"
	"vigie/feed"
	"vigie/graph"
	"vigie/query"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/meili"
	"vigie/search/meili/meilitest"
	"vigie/service"
	"vigie/store"
	"vigie/store/storetest"
)

// eachPair runs a test over each pair of database and search engine that the
// product runs on, each time on an empty one.
func eachPair(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("embedded", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("production", func(t *testing.T) { test(t, productionWorld(t)) })
}

// eachOldPair is [eachPair] over databases of a version that gave out numbers as
// they are, and still does: cursors can be forged.
func eachOldPair(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("embedded", func(t *testing.T) { test(t, embedded(t, plainUntil(t, storetest.SQLite(t), math.MaxInt64))) })
	t.Run("production", func(t *testing.T) { test(t, production(t, plainUntil(t, storetest.Postgres(t), math.MaxInt64))) })
}

// plainUntil has a database accept numbers as they are, up to one.
func plainUntil(t testing.TB, database string, last int64) string {
	t.Helper()
	storetest.Exec(t, database, fmt.Sprintf("UPDATE settings SET value = '%d' WHERE name = 'last_plain_id'", last))
	return database
}

// productionWorld is a world over PostgreSQL and Meilisearch.
func productionWorld(t testing.TB) *world {
	t.Helper()
	return production(t, storetest.Postgres(t))
}

func production(t testing.TB, database string) *world {
	t.Helper()
	url, key := meilitest.Server(t)
	engine, err := meili.Open(url, key, meili.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return openWorld(t, database, engine)
}

// world is the API over a database and an index of its own.
type world struct {
	t       testing.TB
	store   *store.Store
	indexer *feed.Indexer
	service *service.Service
	handler http.Handler
	now     time.Time
	calls   counts
	// searchDown has the search engine not answer.
	searchDown bool
	// following gets a value when somebody begins to follow the news.
	following chan struct{}
	// newsCut has the news end with an error in place of what comes next.
	newsCut atomic.Bool
}

// counts counts what a request costs: queries, searches, and the nanoseconds
// that these took.
type counts struct {
	queries, searches, searching atomic.Int64
	// unwritten has no access be written down.
	unwritten atomic.Bool
	// waits has each query and search; nil where nobody asks.
	waits atomic.Pointer[waits]
}

func (c *counts) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if c.unwritten.Load() && strings.HasPrefix(e.Query, `INSERT INTO "accesses"`) {
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		return canceled
	}
	return ctx
}

func (c *counts) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	if strings.HasPrefix(e.Query, "SELECT") || strings.HasPrefix(e.Query, "UPDATE") || strings.HasPrefix(e.Query, "INSERT") {
		c.queries.Add(1)
		c.waits.Load().add(e.StartTime)
	}
}

// counted is an index that counts its calls.
type counted struct {
	search.Index
	*counts
}

func (c counted) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	c.searches.Add(1)
	started := time.Now()
	defer func() { c.searching.Add(int64(time.Since(started))) }()
	defer func() { c.waits.Load().add(started) }()
	return c.Index.Search(ctx, queries)
}

// waits are queries and searches, with when each began and ended.
type waits struct {
	mutex sync.Mutex
	all   []wait // in the order in which they ended
}

type wait struct{ began, ended time.Time }

func (w *waits) add(began time.Time) {
	if w == nil {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.all = append(w.all, wait{began, time.Now()})
}

// inTurn is how many there were one after the other: the most of which no two overlap.
func (w *waits) inTurn() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	n, last := 0, time.Time{}
	for _, wait := range w.all {
		if !wait.began.Before(last) {
			n, last = n+1, wait.ended
		}
	}
	return n
}

// newWorld is a world over the embedded pair.
func newWorld(t testing.TB) *world {
	t.Helper()
	return embedded(t, storetest.SQLite(t))
}

// embedded is a world over a database and Bleve.
func embedded(t testing.TB, database string) *world {
	t.Helper()
	engine, err := bleve.Open(filepath.Join(t.TempDir(), "index"), testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	return openWorld(t, database, engine)
}

func testLog(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func openWorld(t testing.TB, database string, engine search.Engine) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	log := testLog(t)
	var err error
	if w.store, err = store.Open(t.Context(), database, now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		names, _ := engine.Names(context.Background())
		for _, name := range names { // a server may be shared
			_ = engine.Drop(context.Background(), name)
		}
		_ = engine.Close()
		w.store.Close()
	})
	w.store.Database().Observe(&w.calls)
	w.indexer = feed.NewIndexer(w.store, engine, log)
	news := feed.NewBroadcaster(w.store, log)
	telling, stop := context.WithCancel(context.Background())
	told := make(chan struct{})
	go func() { defer close(told); news.Run(telling) }()
	t.Cleanup(func() { stop(); <-told })
	w.following = make(chan struct{}, 100)
	follow := func(ctx context.Context) (iter.Seq2[[]*query.NoticeEffect, error], error) {
		defer func() { w.following <- struct{}{} }()
		whole, err := news.Subscribe(ctx)
		return func(yield func([]*query.NoticeEffect, error) bool) {
			for some, err := range whole {
				if w.newsCut.Load() {
					some, err = nil, &vigie.Error{Code: vigie.Unavailable, Text: vigie.Text{FR: "Coupé.", EN: "Cut."}}
				}
				if !yield(some, err) || err != nil {
					return
				}
			}
		}, err
	}
	s := &service.Service{Store: w.store, Now: now, Log: testLog(w.t), News: follow, Index: func() (search.Index, error) {
		index, err := w.indexer.Index()
		if w.searchDown {
			err = &vigie.Error{Code: vigie.Unavailable, Text: vigie.Text{FR: "La recherche ne répond pas.", EN: "Search does not answer."}}
		}
		return counted{index, &w.calls}, err
	}}
	w.service = s
	w.answer(func(*graph.Options) {})
	w.follow()
	return w
}

// answer has the API answer with other options than usual.
func (w *world) answer(change func(*graph.Options)) {
	o := graph.Options{
		SignIn: w.signIn, Limits: graph.DefaultLimits(), Log: testLog(w.t), Metrics: prometheus.NewRegistry(),
	}
	change(&o)
	w.handler = graph.NewHandler(w.service, o)
}

// follow has the index catch up.
func (w *world) follow() {
	w.t.Helper()
	if err := w.indexer.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// publish stores notices and has the index follow.
func (w *world) publish(notices ...*vigie.Notice) {
	w.t.Helper()
	for len(notices) > 0 {
		n := min(len(notices), vigie.MaxBatch)
		if _, err := w.store.Publish(w.t.Context(), notices[:n]); err != nil {
			w.t.Fatal(err)
		}
		notices = notices[n:]
	}
	w.follow()
}

// notice is a contract notice published some hours ago, closing in a month.
func (w *world) notice(ref, title, buyer string, hours int, departments ...string) *vigie.Notice {
	return &vigie.Notice{
		Source: "test", SourceRef: ref, Kind: vigie.ContractNotice, PublishedAt: w.now.Add(-time.Duration(hours) * time.Hour),
		Buyer:   vigie.BuyerName{Name: buyer},
		Content: vigie.Content{Title: title, Departments: departments, Natures: []vigie.Nature{vigie.Works}, Deadline: new(w.now.AddDate(0, 1, 0))},
	}
}

// signIn takes the name of a person for a token.
func (w *world) signIn(ctx context.Context, authorization string) (*graph.Viewer, error) {
	name, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok || !strings.Contains(name, "@") {
		return nil, &vigie.Error{Code: vigie.Unauthenticated, Text: vigie.Text{FR: "Ce jeton n'est pas valable.", EN: "This token is not valid."}}
	}
	account, err := w.store.SignIn(ctx, store.Claims{Issuer: "test", Subject: name, Email: name, EmailVerified: true})
	return &graph.Viewer{Account: account}, err
}

// person asks the API.
type person struct {
	*world
	viewer *graph.Viewer
}

// person is somebody with an account, signed in.
func (w *world) person(name string) person {
	w.t.Helper()
	account, err := w.store.SignIn(w.t.Context(), store.Claims{Issuer: "test", Subject: name, Email: name, EmailVerified: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return person{w, &graph.Viewer{Account: account}}
}

// reply is what the API answered.
type reply struct {
	t      testing.TB
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
	Extensions map[string]any
}

// vars are a request's variables.
type vars map[string]any

// post asks, and takes whatever comes.
func (p person) post(query string, variables vars) reply {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx := p.t.Context()
	if p.viewer != nil {
		ctx = graph.WithViewer(ctx, p.viewer)
	}
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, request)
	r := reply{t: p.t}
	if err := json.Unmarshal(recorder.Body.Bytes(), &r); err != nil {
		p.t.Fatalf("%v in %s", err, recorder.Body)
	}
	if len(r.Errors) > 0 {
		top, _ := documentedCodes(p.t)
		for _, e := range r.Errors {
			if code := fmt.Sprint(e.Extensions["code"]); !slices.Contains(top, code) {
				p.t.Errorf("docs/errors.md does not have the code %s", code)
			}
		}
	}
	return r
}

// ask asks what must succeed.
func (p person) ask(query string, variables vars) reply {
	p.t.Helper()
	r := p.post(query, variables)
	if len(r.Errors) > 0 {
		p.t.Fatalf("%s\n%v", query, r.Errors)
	}
	return r
}

// at is the value at a path, "watches.nodes.0.name"; * gathers a list's.
func (r reply) at(path string) any {
	r.t.Helper()
	return dig(r.t, r.Data, strings.Split(path, "."))
}

func dig(t testing.TB, v any, path []string) any {
	t.Helper()
	if len(path) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v[path[0]]; !ok {
			t.Fatalf("no field %q in %v", path[0], v)
		}
		return dig(t, v[path[0]], path[1:])
	case []any:
		if path[0] == "*" {
			all := []any{}
			for _, item := range v {
				all = append(all, dig(t, item, path[1:]))
			}
			return all
		}
		i, err := strconv.Atoi(path[0])
		if err != nil || i >= len(v) {
			t.Fatalf("no item %s in %v", path[0], v)
		}
		return dig(t, v[i], path[1:])
	}
	return nil
}

// whole is all that was answered.
func (r reply) whole() string {
	r.t.Helper()
	text, err := json.Marshal([]any{r.Data, r.Errors})
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// text is the value at a path, as fmt prints it.
func (r reply) text(path string) string {
	r.t.Helper()
	return fmt.Sprint(r.at(path))
}

// expect checks values at paths.
func (r reply) expect(want map[string]string) {
	r.t.Helper()
	for path, value := range want {
		if got := r.text(path); got != value {
			r.t.Errorf("%s:\n got %s\nwant %s", path, got, value)
		}
	}
}

// id is the id of a thing.
func (w *world) id(kind vigie.Kind, number int64) string { return w.store.IDs().ID(kind, number) }

// number is the number in an id.
func (w *world) number(id string) int64 {
	w.t.Helper()
	_, number, ok := w.store.IDs().Parse(id)
	if !ok {
		w.t.Fatalf("%s is no id", id)
	}
	return number
}

// create makes a watch and returns its id.
func (p person) create(input vars) string {
	p.t.Helper()
	r := p.ask(`mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { id } userErrors { field code message } } }`, vars{"input": input})
	if r.text("createWatch.userErrors") != "[]" {
		p.t.Fatal(r.Data)
	}
	return r.text("createWatch.watch.id")
}
