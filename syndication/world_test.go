package syndication_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/feed"
	"vigie/graph/wire"
	"vigie/query"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/meili"
	"vigie/search/meili/meilitest"
	"vigie/service"
	"vigie/store"
	"vigie/store/storetest"
	"vigie/syndication"
)

// eachPair runs a test over each pair of database and search engine that the product runs on.
func eachPair(t *testing.T, test func(*testing.T, *world)) {
	t.Run("embedded", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("production", func(t *testing.T) {
		url, key := meilitest.Server(t)
		engine, err := meili.Open(url, key, meili.Options{})
		if err != nil {
			t.Fatal(err)
		}
		test(t, openWorld(t, storetest.Postgres(t), engine))
	})
}

// world is a server of feeds and calendars over a database and an index of its own.
type world struct {
	t        testing.TB
	store    *store.Store
	indexer  *feed.Indexer
	service  *service.Service
	lists    *syndication.Lists
	handler  http.Handler
	now      time.Time
	searches atomic.Int64
	down     atomic.Bool // the search engine does not answer
	ana      *vigie.Account
}

const publicURL = "https://veille.example.org"

func newWorld(t testing.TB) *world {
	t.Helper()
	engine, err := bleve.Open(filepath.Join(t.TempDir(), "index"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return openWorld(t, storetest.SQLite(t), engine)
}

func openWorld(t testing.TB, database string, engine search.Engine) *world {
	t.Helper()
	w := &world{t: t, now: storetest.Noon()}
	now := func() time.Time { return w.now }
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
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
	w.indexer = feed.NewIndexer(w.store, engine, log)
	w.service = &service.Service{Store: w.store, Now: now, Log: log, Index: func() (search.Index, error) {
		index, err := w.indexer.Index()
		if w.down.Load() {
			err = &vigie.Error{Code: vigie.Unavailable}
		}
		return counted{index, &w.searches}, err
	}}
	templates, err := letter.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.lists = &syndication.Lists{
		Service: w.service, Templates: templates, Brand: "Marchés de Valombre", WatchesURL: "https://valombre.example/veilles",
		WatchURL: "https://valombre.example/veilles/{watchId}", TenderURL: "https://valombre.example/avis/{source}/{sourceRef}", Log: log,
		Locale: func(accept string) vigie.Locale {
			return map[string]vigie.Locale{"fr": vigie.French, "en": vigie.English}[accept]
		},
		AcceptsGzip: wire.AcceptsGzip, Begin: func(context.Context) (func(), error) { return func() {}, nil },
	}
	w.secrets("one")
	w.ana = storetest.Account(t, w.store, "ana")
	w.follow()
	return w
}

// secrets has the server sign with the first of some secrets, and know all; nothing is kept from before.
func (w *world) secrets(secrets ...string) {
	w.t.Helper()
	for i := range secrets {
		secrets[i] += strings.Repeat("-", link.MinSecret)
	}
	keys, err := link.New(secrets)
	if err != nil {
		w.t.Fatal(err)
	}
	w.service.Feeds = service.FeedAddresses{Keys: keys, PublicURL: publicURL + "/"}
	w.handler = w.lists.Handler()
}

// counted is an index that counts its searches.
type counted struct {
	search.Index
	searches *atomic.Int64
}

func (c counted) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	c.searches.Add(1)
	return c.Index.Search(ctx, queries)
}

// follow has the index catch up.
func (w *world) follow() {
	w.t.Helper()
	if err := w.indexer.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// publish stores notices, and has the index follow.
func (w *world) publish(notices ...*vigie.Notice) {
	w.t.Helper()
	storetest.Publish(w.t, w.store, notices...)
	w.follow()
}

// notice is a contract notice that is published now and closes in so many days.
func (w *world) notice(ref, title string, days int) *vigie.Notice {
	return storetest.Notice(ref, 0, func(n *vigie.Notice) {
		n.PublishedAt, n.Content.Title, n.Content.Deadline = w.now, title, new(w.now.AddDate(0, 0, days))
	})
}

// about is a notice of another kind about one before, published now.
func (w *world) about(ref string, kind vigie.NoticeKind, content vigie.Content) *vigie.Notice {
	return storetest.Notice(fmt.Sprint(ref, "-", w.now.Unix()), 0, func(n *vigie.Notice) {
		n.Kind, n.PublishedAt, n.Links, n.Content = kind, w.now, []string{ref}, content
	})
}

// watch makes a watch of ana's.
func (w *world) watch(name string, c query.Patch) *vigie.Watch {
	w.t.Helper()
	made, _, err := w.service.CreateWatch(w.t.Context(), w.ana, service.CreateWatch{Name: name, Active: true, Frequency: vigie.Daily, Criteria: c})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// keywords are criteria of which one keyword must be found.
func keywords(list ...string) query.Patch {
	return query.Patch{Keywords: &list, KeywordMode: new(vigie.AnyKeyword)}
}

// get asks for an address, with headers and their values in turn.
func (w *world) get(address string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.request(http.MethodGet, address, headers...)
}

func (w *world) request(method, address string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	path, ours := strings.CutPrefix(address, publicURL)
	if !ours {
		w.t.Fatalf("%q is no address of ours", address)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

// read is what there is at an address.
func (w *world) read(address string) string {
	w.t.Helper()
	answer := w.get(address)
	if answer.Code != http.StatusOK {
		w.t.Fatalf("%s: %d %s", address, answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// tender is the tender with a reference, as it is now.
func (w *world) tender(ref string) *vigie.Tender {
	w.t.Helper()
	id, err := w.store.TenderOfRef(w.t.Context(), "test", ref)
	if err != nil || id == 0 {
		w.t.Fatalf("no tender %s: %v", ref, err)
	}
	return storetest.Tender(w.t, w.store, id)
}
