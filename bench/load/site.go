package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"vigie"
	"vigie/bench/live"
	"vigie/store"
)

// site is a server with much in it.
type site struct {
	dir      string
	database string // of this run
	admin    *pgx.Conn
	server   *live.Server
	people   []person
	tenders  []string // global ids
	numbers  []int64  // the same, as the database has them
}

// person is an account with its watches.
type person struct {
	id      int64
	token   string
	watches []string
}

// open makes a database, fills it, and starts the server on it.
func (o options) open(ctx context.Context) (s *site, err error) {
	s = &site{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "vigie-load-"); err != nil {
		return s, err
	}
	if s.admin, err = pgx.Connect(ctx, o.Postgres); err != nil {
		return s, err
	}
	name := fmt.Sprint("load_", time.Now().UnixNano())
	if _, err = s.admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return s, err
	}
	u, err := url.Parse(o.Postgres)
	if err != nil {
		return s, err
	}
	u.Path = "/" + name
	s.database = u.String()
	if err = s.fill(ctx, o); err != nil {
		return s, err
	}
	return s, s.start(ctx, o.Binary)
}

// fill publishes tenders and makes accounts with watches.
func (s *site) fill(ctx context.Context, o options) error {
	if err := store.Migrate(ctx, s.database); err != nil {
		return err
	}
	db, err := store.Open(ctx, s.database, time.Now)
	if err != nil {
		return err
	}
	defer db.Close()
	titles, err := sampleTitles()
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 1))
	departments := vigie.Departments()
	now := time.Now().UTC().Truncate(time.Second)
	var batch []*vigie.Notice
	for i := range o.Tenders {
		n := &vigie.Notice{
			Source: "load", SourceRef: fmt.Sprint(i), Kind: vigie.ContractNotice, PublishedAt: now.Add(-time.Duration(i) * time.Minute),
			Buyer: vigie.BuyerName{Name: fmt.Sprint("Commune ", random.IntN(500))},
		}
		n.Content = vigie.Content{
			Title: titles[random.IntN(len(titles))], Description: strings.Join([]string{titles[random.IntN(len(titles))], titles[random.IntN(len(titles))]}, ". "),
			Departments: []string{departments[random.IntN(96)].Code}, Natures: []vigie.Nature{vigie.Natures()[random.IntN(3)]},
			Deadline: new(now.Add(time.Duration(24+random.IntN(1000)) * time.Hour)),
		}
		if batch = append(batch, n); len(batch) < vigie.MaxBatch && i < o.Tenders-1 {
			continue
		}
		published, err := db.Publish(ctx, batch)
		if err != nil {
			return err
		}
		for _, p := range published {
			s.numbers = append(s.numbers, p.Notice.TenderID)
			s.tenders = append(s.tenders, db.IDs().ID(vigie.KindTender, p.Notice.TenderID))
		}
		batch = batch[:0]
	}
	for i := range o.Accounts {
		who := fmt.Sprintf("person-%d@example.org", i)
		account, err := db.SignIn(ctx, store.Claims{Issuer: "vigie", Subject: who, Email: who, EmailVerified: true})
		if err != nil {
			return err
		}
		p := person{id: account.ID}
		if p.token, err = live.Token(who, nil); err != nil {
			return err
		}
		for j := range 3 {
			words := strings.Fields(titles[random.IntN(len(titles))])
			w, err := db.CreateWatch(ctx, account, vigie.Watch{
				Name: fmt.Sprint("Veille ", j), NameKey: fmt.Sprint("veille ", j), Active: true, Frequency: vigie.Daily,
				Criteria: vigie.Criteria{
					Keywords: []string{words[random.IntN(len(words))]}, KeywordMode: vigie.AllKeywords,
					Departments: []string{departments[random.IntN(96)].Code, departments[random.IntN(96)].Code}, IncludeNationwide: true,
				},
			}, true, nil)
			if err != nil {
				return err
			}
			p.watches = append(p.watches, db.IDs().ID(vigie.KindWatch, w.ID))
		}
		s.people = append(s.people, p)
	}
	return nil
}

// sampleTitles are the titles of the demo's notices.
func sampleTitles() ([]string, error) {
	text, err := os.ReadFile("server/samples/notices.jsonl")
	if err != nil {
		return nil, fmt.Errorf("run it from the project's folder: %w", err)
	}
	var titles []string
	for line := range bytes.Lines(text) {
		var record struct{ Objet string }
		if err := json.Unmarshal(line, &record); err != nil {
			return nil, err
		}
		titles = append(titles, record.Objet)
	}
	return titles, nil
}

// start starts the server and waits until it is ready.
func (s *site) start(ctx context.Context, binary string) (err error) {
	// All connections come from one address, and those of an earlier drive stay open for a while.
	s.server, err = live.Start(ctx, binary, "VIGIE_DATABASE_URL="+s.database, "VIGIE_SEARCH_URL=bleve:"+filepath.Join(s.dir, "index"), "VIGIE_DATA="+s.dir,
		"VIGIE_MAX_CONNECTIONS=100000")
	if err != nil {
		return err
	}
	return s.server.CaughtUp(ctx)
}

func (s *site) close() {
	if s.server != nil {
		_ = s.server.Stop() // the measure is over
	}
	ctx := context.Background()
	if s.admin != nil {
		if u, err := url.Parse(s.database); err == nil && s.database != "" {
			_, _ = s.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+strings.TrimPrefix(u.Path, "/")+" WITH (FORCE)")
		}
		_ = s.admin.Close(ctx)
	}
	_ = os.RemoveAll(s.dir)
}

// The questions, as pages ask them.
const (
	listQuery = `query List($id: [ID!]) { matchingTenders(watchIds: $id, first: 20) { totalCount edges { node { id title deadline buyer { name } departments { name } } matchedBy { watch { name } keywords } } facets { departments { value label count } natures { value count } } } }`
	seekQuery = `query Seek($q: String!) { tenders(search: $q, first: 20) { totalCount nodes { id title buyer { name } } } }`
	mineQuery = `query Mine { watches(first: 50) { nodes { id name active frequency criteria { keywords keywordMode departments { code } natures cpvCodes } } } }`
	oneQuery  = `query One($id: ID!) { tender(id: $id) { id title deadline buyer { name } notices { id kind sourceRef publishedAt } } }`
	typeQuery = `query Type($q: String!) { buyers(search: $q) { nodes { id name } } }`
	editQuery = `mutation Edit($id: ID!, $active: Boolean!) { updateWatch(id: $id, input: { active: $active }) { watch { active } userErrors { code } } }`
	seenQuery = `mutation Seen($id: ID!) { markTendersSeen(tenderIds: [$id]) { userErrors { code } } }`
)

// mix draws what is asked: of a hundred, 30 lists, 15 searches, 20 times one's
// watches, 20 tenders, 10 beginnings of a buyer's name, and 5 changes.
func (s *site) mix() vegeta.Targeter {
	var mutex sync.Mutex
	random := rand.New(rand.NewPCG(2, 2))
	words := []string{"voirie", "travaux", "école", "nettoyage", "maintenance", "réfection"}
	return func(t *vegeta.Target) error {
		mutex.Lock()
		defer mutex.Unlock()
		p := s.people[random.IntN(len(s.people))]
		tender := s.tenders[random.IntN(len(s.tenders))]
		switch share := random.IntN(100); {
		case share < 30:
			return s.ask(t, p, listQuery, map[string]any{"id": p.watches[:1]})
		case share < 45:
			return s.ask(t, p, seekQuery, map[string]any{"q": words[random.IntN(len(words))]})
		case share < 65:
			return s.ask(t, p, mineQuery, nil)
		case share < 85:
			return s.ask(t, p, oneQuery, map[string]any{"id": tender})
		case share < 95:
			return s.ask(t, p, typeQuery, map[string]any{"q": fmt.Sprint("commune ", random.IntN(50))})
		case share < 98:
			return s.ask(t, p, editQuery, map[string]any{"id": p.watches[2], "active": random.IntN(2) == 0})
		}
		return s.ask(t, p, seenQuery, map[string]any{"id": tender})
	}
}

func (s *site) ask(t *vegeta.Target, p person, query string, variables map[string]any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	*t = vegeta.Target{
		Method: http.MethodPost, URL: s.server.URL + "/graphql", Body: body,
		Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + p.token}},
	}
	return err
}

// failed reports whether an answer has errors.
func failed(body []byte) bool {
	return !bytes.Contains(body, []byte(`"data":{`)) || bytes.Contains(body, []byte(`"errors":[`)) || bytes.Contains(body, []byte(`"code":"`)) && bytes.Contains(body, []byte(`"userErrors":[{`))
}

// watchMemory measures the server's memory each second until it is asked for
// what it was, in MiB.
func (s *site) watchMemory() (end func() []uint64) {
	stop, done := make(chan struct{}), make(chan []uint64)
	go func() {
		var measures []uint64
		for {
			measures = append(measures, uint64(live.Memory(s.server.PID)>>20))
			select {
			case <-stop:
				done <- measures
				return
			case <-time.After(time.Second):
			}
		}
	}()
	return func() []uint64 {
		close(stop)
		return <-done
	}
}
