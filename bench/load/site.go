package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jackc/pgx/v5"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"vigie"
	"vigie/store"
)

// secret signs the tokens of this run.
const secret = "a secret of no worth and for a measure"

// site is a server with much in it.
type site struct {
	dir      string
	database string // of this run
	admin    *pgx.Conn
	server   *exec.Cmd
	base     string
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
		if p.token, err = token(who); err != nil {
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

// token signs a person in.
func token(who string) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, nil)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(map[string]any{
		"iss": "vigie", "aud": "vigie", "sub": who, "email": who, "email_verified": true, "exp": time.Now().Add(24 * time.Hour).Unix(),
	}).Serialize()
}

// start starts the server and waits until it is ready.
func (s *site) start(ctx context.Context, binary string) error {
	s.server = exec.CommandContext(ctx, binary, "serve")
	s.server.Env = append(os.Environ(), "VIGIE_DATABASE_URL="+s.database, "VIGIE_SEARCH_URL=bleve:"+filepath.Join(s.dir, "index"),
		"VIGIE_SECRET="+secret, "VIGIE_LISTEN=127.0.0.1:0", "VIGIE_RATE_ACCOUNT=100000000", "VIGIE_DATA="+s.dir)
	said, err := s.server.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.server.Start(); err != nil {
		return err
	}
	address := regexp.MustCompile(`address=(127\.0\.0\.1:\d+)`)
	lines := bufio.NewScanner(said)
	last := ""
	for s.base == "" && lines.Scan() {
		last = lines.Text()
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			s.base = "http://" + m[1]
		}
	}
	if s.base == "" {
		return fmt.Errorf("the server does not start: %s", last)
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // until it ends
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get(s.base + "/readyz")
		if err != nil {
			return err
		}
		var ready struct{ Behind map[string]int }
		err = json.NewDecoder(answer.Body).Decode(&ready)
		answer.Body.Close()
		if err == nil && answer.StatusCode == http.StatusOK && ready.Behind["index"] == 0 {
			return nil
		}
	}
	return errors.New("the server does not get ready")
}

func (s *site) close() {
	if s.server != nil && s.server.Process != nil {
		_ = s.server.Process.Signal(os.Interrupt) // it may have ended
		_ = s.server.Wait()
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
		Method: http.MethodPost, URL: s.base + "/graphql", Body: body,
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
			measures = append(measures, memoryOf(s.server.Process.Pid))
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

// memoryOf is what Linux says a process holds in memory, in MiB; 0 elsewhere.
func memoryOf(pid int) uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		return 0
	}
	kilobytes, err := strconv.ParseUint(string(m[1]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes >> 10
}

// cpuOf is the CPU time that a process and its children have taken, by Linux; 0
// elsewhere.
func cpuOf(pid int) time.Duration {
	const tick = 10 * time.Millisecond // of /proc, whatever the kernel's own is
	var total time.Duration
	for _, p := range processes() {
		if p.pid == pid || p.parent == pid {
			total += time.Duration(p.ticks) * tick
		}
	}
	return total
}

// parentOf is the process that started another.
func parentOf(pid int) int {
	for _, p := range processes() {
		if p.pid == pid {
			return p.parent
		}
	}
	return 0
}

// process is what Linux says of one.
type process struct{ pid, parent, ticks int }

func processes() []process {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var all []process
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// After the name in brackets come the state, the parent, and, as the 12th
		// to the 15th, the time in user and system mode, and the same of children
		// that have ended.
		id, rest, _ := strings.Cut(string(text), " (")
		fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
		numbers := make([]int, 0, 6)
		for _, text := range append([]string{id, fields[1]}, fields[11:15]...) {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil
			}
			numbers = append(numbers, n)
		}
		all = append(all, process{numbers[0], numbers[1], numbers[2] + numbers[3] + numbers[4] + numbers[5]})
	}
	return all
}
