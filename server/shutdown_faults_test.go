package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"vigie"
	"vigie/alert/post/posttest"
	"vigie/search/meili/meilitest"
	"vigie/store"
	"vigie/store/storetest"
)

// terminated names the variable by which a test is the program, in a process of
// its own that its parent may send SIGTERM: the words of the command line.
const terminated = "VIGIE_TEST_TERMINATED"

// serving is a server in a process of its own.
type serving struct {
	process *exec.Cmd
	said    *safeBuffer
	base    string
	private string
	ended   chan error
}

// beServed is called first by each test that starts servers by [serves]: in
// their processes it is the program, and does not return.
func beServed() {
	if words := os.Getenv(terminated); words != "" {
		os.Args = append([]string{"vigie"}, strings.Fields(words)...)
		main()
	}
}

// serves starts a server in a process of its own, and waits until it is ready.
func serves(t *testing.T, env map[string]string) *serving {
	t.Helper()
	s := &serving{process: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$"), said: new(safeBuffer), ended: make(chan error, 1)}
	s.process.Env = append(os.Environ(), terminated+"=serve", "VIGIE_PRIVATE_LISTEN=127.0.0.1:0", "VIGIE_STOP_DELAY=0s")
	for name, value := range env {
		s.process.Env = append(s.process.Env, name+"="+value)
	}
	s.process.Stdout, s.process.Stderr = s.said, s.said
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		s.ended <- s.process.Wait()
		close(over)
	}()
	t.Cleanup(func() {
		_ = s.process.Process.Kill() // where it has not ended
		<-over
	})
	listens := regexp.MustCompile(`(?s) at=(127\.0\.0\.1:\d+).* address=(127\.0\.0\.1:\d+)`)
	awaits(t, func() (bool, string) {
		m := listens.FindStringSubmatch(s.said.String())
		if m != nil {
			s.private, s.base = "http://"+m[1], "http://"+m[2]
		}
		return m != nil, "the server does not listen:\n" + s.said.String()
	})
	ready(t, s.base)
	return s
}

// terminate sends SIGTERM, and waits until nobody is let in any more.
func (s *serving) terminate(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	awaits(t, func() (bool, string) {
		conn, err := net.Dial("tcp", u.Host)
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED), fmt.Sprintf("a connection after SIGTERM: %v", err)
	})
}

// ends waits for the end of a server that was stopped, and checks that it is a
// good one.
func (s *serving) ends(t *testing.T) {
	t.Helper()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Fatalf("%v:\n%s", err, s.said)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("the server does not end:\n%s", s.said)
	}
}

// sideways opens a database beside the server.
func sideways(t *testing.T, database string) *bun.DB {
	t.Helper()
	config, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	db := bun.NewDB(stdlib.OpenDB(*config), pgdialect.New())
	t.Cleanup(func() { db.Close() })
	return db
}

// What is under way when a server is stopped is answered in full, though
// the database keeps it waiting, and holds; no other request is answered in that time.
// Sockets are asked to connect again, and streams end without a word that all was
// said, both before the requests do.
func TestTerminatedWhileAnswering(t *testing.T) {
	beServed()
	database := storetest.Postgres(t)
	env := map[string]string{
		"VIGIE_DATABASE_URL": database, "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_MAX_TIME": "30s",
	}
	server := serves(t, env)
	s := newNewsSite(t, server.base)
	socket := s.underWay(server.base, connect(t, server.base, s.person, "").subscribe())
	events := s.underWay(server.base, eventStream(t, server.base, s.person))

	// Who else works on the watches keeps all who ask for them waiting.
	db := sideways(t, database)
	locking, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer locking.Rollback()
	if _, err := locking.Exec("LOCK TABLE watches IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	const readers = 6
	questions := []string{`mutation { createWatch(input: { name: "Ponts", criteria: { keywords: ["pont"] } }) { watch { name } userErrors { message } } }`}
	for range readers {
		questions = append(questions, `{ watches { nodes { name } } }`)
	}
	type reply struct {
		status int
		body   string
		err    error
	}
	replies := make([]chan reply, len(questions))
	for i, question := range questions { // one after the other, so that each is a statement of its own connection
		replies[i] = make(chan reply, 1)
		go func() {
			status, body, err := s.post(server.base, question)
			replies[i] <- reply{status, body, err}
		}()
		awaits(t, func() (bool, string) {
			var waiting int
			err := db.NewRaw(`SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'account_id"? = '`).Scan(t.Context(), &waiting)
			if err != nil {
				t.Fatal(err)
			}
			return waiting == i+1, fmt.Sprintf("%d of %d requests wait for the database", waiting, i+1)
		})
	}

	server.terminate(t)
	until(t, socket, "closed 1001")
	for said := range events {
		if strings.HasPrefix(said, "complete") {
			t.Error("a stream that is cut says that it is complete")
		}
	}
	for i := range replies {
		select {
		case r := <-replies[i]:
			t.Fatalf("answered before the database did: %+v", r)
		default:
		}
	}
	if err := locking.Rollback(); err != nil {
		t.Fatal(err)
	}
	for i, question := range questions {
		r := <-replies[i]
		if r.err != nil || r.status != http.StatusOK {
			t.Errorf("%s: %d %s, %v", question, r.status, r.body, r.err)
			continue
		}
		// Those who ask for watches may come before or after the one that is made.
		one, two := `{"data":{"watches":{"nodes":[{"name":"Voirie"}]}},`, `{"data":{"watches":{"nodes":[{"name":"Ponts"},{"name":"Voirie"}]}},`
		if i == 0 {
			one, two = `{"data":{"createWatch":{"watch":{"name":"Ponts"},"userErrors":[]}},`, ""
		}
		if !strings.HasPrefix(r.body, one) && (two == "" || !strings.HasPrefix(r.body, two)) {
			t.Errorf("%s: %s", question, r.body)
		}
	}
	server.ends(t)

	again := serves(t, env)
	if status, body, err := s.post(again.base, questions[1]); err != nil || status != http.StatusOK || !strings.Contains(body, "Ponts") {
		t.Errorf("what was made is not there any more: %d %s, %v", status, body, err)
	}
	again.terminate(t)
	again.ends(t)
}

// post asks, and returns the whole answer.
func (s *newsSite) post(base, question string) (status int, body string, err error) {
	text, err := json.Marshal(map[string]string{"query": question})
	if err != nil {
		return 0, "", err
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, base+"/graphql", bytes.NewReader(text))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.person)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

// A server that is stopped amid a long outbox gives the mails that it has
// claimed to others: the one that shares its database sends them at once, and
// not only when their leases end, after the test. Each leaves once.
func TestTerminatedWhileMailing(t *testing.T) {
	beServed()
	const people, before, claimed = 200, 20, 10
	database := storetest.Postgres(t)
	db := sideways(t, database)
	leased := func() (mails int) {
		err := db.NewRaw("SELECT COUNT(*) FROM mails WHERE state = ? AND leased_until > extract(epoch FROM clock_timestamp()) * 1000", vigie.MailOpen).Scan(context.Background(), &mails)
		if err != nil {
			t.Error(err)
		}
		return mails
	}
	// The mail server keeps everyone waiting once some mails have left, and many
	// more are claimed.
	held, open := make(chan struct{}), make(chan struct{})
	var one sync.Mutex
	arrived, holding := 0, false
	mail := posttest.NewServer(t, posttest.Config{Script: func(c posttest.Command) error {
		one.Lock()
		defer one.Unlock()
		if c.Verb != "DATA" || holding {
			return nil
		}
		if arrived++; arrived >= before && leased() >= claimed {
			holding = true
			close(held)
			<-open
		}
		return nil
	}})
	var opening sync.Once
	t.Cleanup(func() { opening.Do(func() { close(open) }) })
	engine, key := meilitest.Server(t)
	env := map[string]string{
		"VIGIE_DATABASE_URL": database, "VIGIE_SEARCH_URL": engine, "VIGIE_SEARCH_KEY": key,
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(),
		"VIGIE_MAIL_URL": mail.URL("connections", "2", "tls", "none"), "VIGIE_MAIL_FROM": "veille@vigie.example",
		"VIGIE_PUBLIC_URL": "https://vigie.example", "VIGIE_MAIL_LEASE": "10m", "VIGIE_MAIL_SPACING": "50ms",
	}
	leaving := serves(t, env)
	s, err := store.Open(t.Context(), database, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	expected := make(map[string]int)
	for i := range people {
		name := fmt.Sprint("p", i)
		account, err := s.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: name, Email: name + "@example.org", EmailVerified: true})
		if err != nil {
			t.Fatal(err)
		}
		w := vigie.Watch{
			Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Immediate,
			Criteria: vigie.Criteria{Keywords: []string{"voirie"}, KeywordMode: vigie.AllKeywords},
		}
		if _, err := s.CreateWatch(t.Context(), account, w, true, nil); err != nil {
			t.Fatal(err)
		}
		expected[account.Email] = 1
	}
	if _, err := s.Publish(t.Context(), []*vigie.Notice{notice("ref", "Travaux de voirie", vigie.ContractNotice)}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-held: // the one server that there is
	case <-time.After(30 * time.Second):
		t.Fatalf("there are never %d mails claimed:\n%s", claimed, leaving.said)
	}
	staying := serves(t, env)
	leaving.terminate(t)
	opening.Do(func() { close(open) })
	leaving.ends(t)
	times := func() map[string]int {
		accepted := make(map[string]int)
		for _, m := range mail.Received() {
			accepted[m.To]++
		}
		return accepted
	}
	awaits(t, func() (bool, string) {
		n := len(times())
		return n == people, fmt.Sprintf("%d of %d people were written to; %d mails are still claimed:\n%s", n, people, leased(), staying.said)
	})
	idle(t, staying.private)
	if got := times(); !maps.Equal(got, expected) {
		t.Errorf("mails accepted by person: %v", got)
	}
	ids := make(map[string]bool)
	for _, m := range mail.Received() {
		ids[readLetter(t, bytes.NewReader(m.Content)).Get("Message-ID")] = true
	}
	if len(ids) != people {
		t.Errorf("%d Message-IDs of %d mails", len(ids), people)
	}
	staying.terminate(t)
	staying.ends(t)
}
