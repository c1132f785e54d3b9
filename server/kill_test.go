package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/uptrace/bun"

	"vigie"
	"vigie/alert"
	"vigie/alert/post/posttest"
	"vigie/feed"
	"vigie/store"
	"vigie/store/storetest"
)

// killed names the variable that says where a server of the kill test stops:
// "POINT:N", at the Nth time.
const killed = "VIGIE_TEST_KILLED"

// duringSMTP is the point at which the parent stops the server: its mail server
// has read a message, and not replied.
const duringSMTP = "during SMTP"

// beforeCommit is the point before any transaction ends.
const beforeCommit = "before commit"

// TestKills kills a server again and again, with SIGKILL, at points in the
// making of alerts, and starts it again. In the end everyone, and every webhook, got a
// message about everything, and none twice, but for messages that were under way when the
// server was killed, and those that a webhook asked for once more: these have the same
// Message-ID, or webhook-id. VIGIE_TEST_KILLS is how often.
func TestKills(t *testing.T) {
	if at := os.Getenv(killed); at != "" {
		serveUntilKilled(t, at)
		return
	}
	t.Parallel()
	rounds := 50
	if n, err := strconv.Atoi(os.Getenv("VIGIE_TEST_KILLS")); err == nil {
		rounds = n
	}
	if testing.Short() {
		rounds = 5
	}
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			newSiege(t, open(t)).run(rounds)
		})
	}
}

// serveUntilKilled is the server, in a process of its own.
func serveUntilKilled(t *testing.T, at string) {
	point, nth, _ := strings.Cut(at, ":")
	left, err := strconv.Atoi(nth)
	if err != nil {
		t.Fatal(err)
	}
	c := &countdown{point: point, left: left}
	p := &process{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv, now: time.Now, fault: func(f alert.Fault) { c.pass(string(f)) }, queries: c}
	os.Exit(p.run(t.Context(), []string{"serve"}))
}

// countdown kills this process at the last pass of a point.
type countdown struct {
	point string
	mutex sync.Mutex
	left  int
}

func (c *countdown) pass(point string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if point != c.point {
		return
	}
	if c.left--; c.left == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it comes
	}
}

func (c *countdown) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if e.Query == "COMMIT" {
		c.pass(beforeCommit)
	}
	return ctx
}

func (c *countdown) AfterQuery(context.Context, *bun.QueryEvent) {}

// siege is a database with watches, what was published, and the mail server.
type siege struct {
	t     *testing.T
	store *store.Store
	mail  *posttest.Server
	// receiver gets webhooks.
	receiver *receiver
	env      []string
	random   *rand.Rand
	// stories are what happened to tenders, by the word that is each one's own.
	stories []story
	kills   int
	// late are the kills that came by the clock, not at a point.
	late int

	mutex sync.Mutex
	// victim is the server that is to be killed during SMTP, and left in how
	// many mails.
	victim *os.Process
	left   int
	// hookVictim is the same of messages to webhooks.
	hookVictim *os.Process
}

// story is what happened to a tender, and who is to get mail about it.
type story struct {
	word                 string
	people               []string
	corrected, cancelled bool
}

const connections = 2

func newSiege(t *testing.T, database string) *siege {
	s := &siege{t: t, random: rand.New(rand.NewPCG(1, 2))}
	var err error
	if s.store, err = store.Open(t.Context(), database, time.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.mail = posttest.NewServer(t, posttest.Config{Script: s.during})
	s.receive()
	s.env = append(os.Environ(), "VIGIE_WEBHOOK_NETWORKS=127.0.0.0/8",
		"VIGIE_DATABASE_URL="+database, "VIGIE_DATA="+t.TempDir(), "VIGIE_SECRET="+testSecret, "VIGIE_LISTEN=127.0.0.1:0",
		"VIGIE_MAIL_URL="+s.mail.URL("connections", fmt.Sprint(connections), "tls", "none"), "VIGIE_MAIL_FROM=veille@vigie.example",
		"VIGIE_PUBLIC_URL=https://vigie.example", "VIGIE_MAIL_LEASE=2s", "VIGIE_MAIL_SPACING=50ms")
	return s
}

// during is asked by the mail server at each command.
func (s *siege) during(c posttest.Command) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if c.Verb != "DATA" || s.victim == nil {
		return nil
	}
	if s.left--; s.left > 0 {
		return nil
	}
	_ = s.victim.Kill()
	s.victim = nil
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 0, 0}, Message: "nobody reads this"}
}

func (s *siege) run(rounds int) {
	points := []string{
		string(alert.AfterMatch), string(alert.AfterEnter), string(alert.AfterClaim), string(alert.BeforeSend),
		string(alert.AfterSend), string(alert.AfterRecord), beforeCommit, duringSMTP, duringWebhook,
	}
	for i := range rounds {
		s.happen(i)
		s.replay()
		point := points[i%len(points)]
		s.kill(point, 1+s.random.IntN(4))
	}
	s.finish()
	s.check()
	s.checkWebhooks()
}

// happen publishes what is new in a round, and what it changes of the one
// before.
func (s *siege) happen(round int) {
	s.t.Helper()
	story := story{word: fmt.Sprintf("mot%dx", round)}
	for i := range 3 {
		name := fmt.Sprintf("p%d.%d", round, i)
		account, err := s.store.SignIn(s.t.Context(), store.Claims{Issuer: "test", Subject: name, Email: name + "@example.org", EmailVerified: true})
		if err != nil {
			s.t.Fatal(err)
		}
		story.people = append(story.people, account.Email)
		// Of two watches the mail names one; the daily one gets it at once, for
		// there is little time.
		for _, f := range []vigie.Frequency{vigie.Immediate, vigie.Daily}[i%2:] {
			w := vigie.Watch{
				Name: string(f), NameKey: string(f), Active: true, Frequency: f,
				Criteria: vigie.Criteria{Keywords: []string{story.word}, KeywordMode: vigie.AllKeywords},
			}
			made, err := s.store.CreateWatch(s.t.Context(), account, w, true, nil)
			if err != nil {
				s.t.Fatal(err)
			}
			if f == vigie.Daily { // which each of them has
				s.addWebhook(made, name)
			}
		}
	}
	notices := []*vigie.Notice{notice(story.word, "Travaux "+story.word, vigie.ContractNotice)}
	if round > 0 {
		before := &s.stories[round-1]
		switch round % 3 {
		case 0:
			before.corrected = true
			notices = append(notices, notice(before.word, "Corrigé "+before.word, vigie.Correction))
		case 1:
			before.cancelled = true
			notices = append(notices, notice(before.word, "Travaux "+before.word, vigie.Cancellation))
		}
	}
	s.stories = append(s.stories, story)
	if _, err := s.store.Publish(s.t.Context(), notices); err != nil {
		s.t.Fatal(err)
	}
}

func notice(ref, title string, kind vigie.NoticeKind) *vigie.Notice {
	n := &vigie.Notice{
		Source: "test", SourceRef: ref, Kind: kind, PublishedAt: time.Now().UTC().Truncate(time.Second),
		Buyer: vigie.BuyerName{Name: "Commune d'Exemple"}, Content: vigie.Content{Title: title},
	}
	if kind == vigie.ContractNotice {
		n.Content.Deadline = new(time.Now().UTC().Add(30 * time.Hour).Truncate(time.Second))
	} else {
		n.SourceRef, n.Links = ref+"-"+string(kind), []string{ref}
	}
	return n
}

// start starts the server.
func (s *siege) start(at string) (*exec.Cmd, *safeBuffer) {
	s.t.Helper()
	server := exec.CommandContext(s.t.Context(), os.Args[0], "-test.run=^TestKills$")
	server.Env = append(s.env, killed+"="+at)
	said := new(safeBuffer)
	server.Stdout, server.Stderr = said, said
	if err := server.Start(); err != nil {
		s.t.Fatal(err)
	}
	return server, said
}

// kill starts the server and has it killed at the nth pass of a point, or
// before long if it does not come there.
func (s *siege) kill(point string, nth int) {
	s.t.Helper()
	if point == duringSMTP || point == duringWebhook {
		s.mutex.Lock()
		s.left = nth
		s.mutex.Unlock()
	}
	server, said := s.start(point + ":" + strconv.Itoa(nth))
	if point == duringSMTP {
		s.mutex.Lock()
		s.victim = server.Process
		s.mutex.Unlock()
	}
	if point == duringWebhook {
		s.mutex.Lock()
		s.hookVictim = server.Process
		s.mutex.Unlock()
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	var err error
	patience := time.Duration(600+s.random.IntN(600)) * time.Millisecond
	var listens time.Time
waiting:
	for {
		if listens.IsZero() && strings.Contains(said.String(), "msg=listening") {
			listens = time.Now()
		}
		if !listens.IsZero() && time.Since(listens) > patience {
			s.late++
			_ = server.Process.Kill()
			err = <-ended
			break
		}
		select {
		case err = <-ended:
			break waiting
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.mutex.Lock()
	s.victim, s.hookVictim = nil, nil
	s.mutex.Unlock()
	if state, ok := server.ProcessState.Sys().(syscall.WaitStatus); !ok || !state.Signaled() {
		s.t.Fatalf("the server ended by itself: %v\n%s", err, said)
	}
	s.kills++
}

// standstill is for how long a server that has work may make no progress.
const standstill = 60 * time.Second

// finish lets the server do all that is left.
func (s *siege) finish() {
	s.t.Helper()
	server, said := s.start("nowhere:1")
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	var lag store.Lag
	quiet := 0                             // a mail that waits for the index is checked again after a second
	deadline := time.Now().Add(standstill) // how long the work takes depends on the machine
	for ; time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		now, err := s.store.Lag(s.t.Context(), feed.Version())
		if err != nil {
			s.t.Fatal(err)
		}
		if now != lag {
			lag, deadline = now, time.Now().Add(standstill)
		}
		if quiet++; lag != (store.Lag{}) {
			quiet = 0
		}
		if quiet == 50 {
			return
		}
	}
	s.t.Fatalf("the server does not come to an end: %+v\n%s", lag, said)
}

// check holds what the mail server accepted against what happened.
func (s *siege) check() {
	s.t.Helper()
	type mention struct{ person, word, section string }
	mails := make(map[mention]map[string]bool) // by Message-ID
	copies := make(map[string]int)
	final := make(map[[2]string]bool) // person and word, as it is in the end
	for _, m := range s.mail.Received() {
		letter := readLetter(s.t, bytes.NewReader(m.Content))
		id := letter.Get("Message-ID")
		if copies[id+" "+m.To]++; copies[id+" "+m.To] > 1 {
			continue
		}
		section := ""
		for line := range strings.Lines(letter.text) {
			if heading := headings.FindString(line); heading != "" {
				section = heading
			}
			entry := entries.FindStringSubmatch(line)
			if entry == nil {
				continue
			}
			of := mention{m.To, entry[2], section}
			if mails[of] == nil {
				mails[of] = make(map[string]bool)
			}
			mails[of][id] = true
			if entry[1] == "Corrigé" {
				final[[2]string{m.To, entry[2]}] = true
			}
		}
	}
	repeated := 0
	for _, n := range copies {
		repeated += n - 1
	}
	for of, ids := range mails {
		if len(ids) != 1 {
			s.t.Errorf("%s got %s about %s in %d mails", of.person, of.section, of.word, len(ids))
		}
	}
	missing, expected := 0, 0
	lost := func(format string, arguments ...any) {
		if missing++; missing < 10 {
			s.t.Errorf(format, arguments...)
		}
	}
	for _, story := range s.stories {
		for _, person := range story.people {
			expected++
			isNew, isCancelled := mails[mention{person, story.word, "NOUVEAUX"}] != nil, mails[mention{person, story.word, "ANNULÉS"}] != nil
			switch {
			// Who got no mail about it before it was cancelled needs none.
			case story.cancelled && isNew != isCancelled:
				lost("%s got mail that %s is new: %v, that it is cancelled: %v", person, story.word, isNew, isCancelled)
			case !story.cancelled && !isNew:
				lost("%s got no mail about %s", person, story.word)
			case story.corrected && !final[[2]string{person, story.word}]:
				lost("%s got no mail about the correction of %s", person, story.word)
			case !story.corrected && mails[mention{person, story.word, "RECTIFIÉS"}] != nil:
				s.t.Errorf("%s got a mail about a correction of %s", person, story.word)
			}
			for of := range mails {
				if of.word == story.word && !strings.HasPrefix(of.person, "p"+strings.Trim(story.word, "motx")+".") {
					s.t.Errorf("%s got a mail about %s, which it does not match", of.person, of.word)
				}
			}
		}
	}
	if repeated > s.kills*connections {
		s.t.Errorf("%d mails were repeated by %d kills", repeated, s.kills)
	}
	if s.kills >= 50 && s.late > s.kills*2/3 {
		s.t.Errorf("only %d of %d kills came where they were to", s.kills-s.late, s.kills)
	}
	s.t.Logf("%d kills, %d of them by the clock, %d mails accepted, %d of them repeated, %d people mailed", s.kills, s.late, len(s.mail.Received()), repeated, expected)
}

var (
	headings = regexp.MustCompile(`^(NOUVEAUX|RECTIFIÉS|ANNULÉS|BIENTÔT CLOS)`)
	entries  = regexp.MustCompile(`^- (Travaux|Corrigé) (mot\d+x)`)
)
