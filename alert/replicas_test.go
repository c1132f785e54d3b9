package alert_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/post"
	"vigie/feed"
	"vigie/store"
	"vigie/store/storetest"
)

// shared is a mailer that several senders share, and that the test reads at the same time.
type shared struct{ mailbox }

func (*shared) AtOnce() int { return 3 }

// Several replicas share one database, while watches are edited and recipients leave: everyone is alerted of
// everything once, also with two watches, and nobody is mailed after leaving.
func TestReplicas(t *testing.T) {
	for _, replicas := range []int{2, 8} {
		t.Run(fmt.Sprint(replicas), func(t *testing.T) { testReplicas(t, replicas) })
	}
}

func testReplicas(t *testing.T, replicas int) {
	database := storetest.Postgres(t)
	w := newWorld(t, database)
	w.now = time.Now().UTC()
	const people, tenders = 20, 30
	var accounts []*vigie.Account
	var watches []*vigie.Watch
	for i := range people {
		account := w.signIn(fmt.Sprint("p", i))
		accounts = append(accounts, account)
		watches = append(watches, w.watch(account, "Une", vigie.Immediate, "voirie"))
		w.watch(account, "Autre", vigie.Daily, "communale")
	}
	box := new(shared)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	for range replicas {
		s, err := store.Open(t.Context(), database, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
		ledger := &alert.Alerter{Store: s, Matcher: feed.NewMatcher(prometheus.NewRegistry(), log), Now: time.Now, Log: log, MaxAge: week}
		sender := newSender(t, s, box, time.Now)
		sender.Spacing, sender.Log = time.Millisecond, log
		running.Go(func() { ledger.Run(ctx) })
		running.Go(func() { sender.Run(ctx) })
	}
	leaver := w.recipient(accounts[0], watches[0])
	var left time.Time // when the leaving was committed
	for i := range tenders {
		w.now = time.Now().UTC()
		w.publish(fmt.Sprint(i), fmt.Sprintf("Voirie communale mot%dx", i), until(w.in(30*time.Hour)))
		// The criteria stay such that it matches, and the faster frequency counts.
		w.change(accounts[1+i%(people-1)], watches[1+i%(people-1)].ID, func(watch *vigie.Watch) {
			watch.Criteria.Keywords = []string{"voirie", fmt.Sprintf("mot%dx", i)}
			watch.Criteria.KeywordMode = vigie.AnyKeyword
			watch.Frequency = []vigie.Frequency{vigie.Daily, vigie.Immediate}[i%2]
		})
		if i == tenders/2 {
			if err := w.store.Ledger().Leave(t.Context(), leaver); err != nil {
				t.Fatal(err)
			}
			left = time.Now()
		}
	}
	// A mail that waits for the index is checked again after a second.
	quiet := 0
	for deadline := time.Now().Add(time.Minute); quiet < 100; time.Sleep(20 * time.Millisecond) {
		lag, err := w.store.Lag(t.Context(), indexVersion)
		if err != nil {
			t.Fatal(err)
		}
		if quiet++; lag.Alerts > 0 || lag.Mails > 0 {
			quiet = 0
		}
		if time.Now().After(deadline) {
			t.Fatalf("not done: %+v", lag)
		}
	}
	stop()
	running.Wait()
	mailed := make(map[string][]string)
	for _, m := range box.messages {
		for i := range tenders {
			if word := fmt.Sprintf("mot%dx", i); strings.Contains(m.Text, "communale "+word) {
				mailed[m.To] = append(mailed[m.To], word)
			}
		}
		// A mail that was being sent when its recipient left cannot be stopped.
		if m.To == accounts[0].Email && m.Date.After(left.Add(time.Second)) {
			t.Errorf("a mail of %v to a recipient that left at %v", m.Date, left)
		}
	}
	for i, account := range accounts {
		list := mailed[account.Email]
		slices.Sort(list)
		if once := slices.Compact(slices.Clone(list)); len(once) != len(list) || i > 0 && len(once) != tenders {
			t.Errorf("%s was alerted %d times of %d tenders", account.Email, len(list), len(once))
		}
	}
}

// The mail server does not answer, then refuses everyone, for hours, while many mails wait. In the end everyone gets
// everything, in order; what waits is in the database, not in memory.
func TestOutage(t *testing.T) {
	people := 300
	if n, err := strconv.Atoi(os.Getenv("VIGIE_TEST_OUTAGE")); err == nil {
		people = n
	}
	if testing.Short() {
		people = 30
	}
	onBoth(t, func(t *testing.T, w *world) {
		for i := range people {
			w.watch(w.signIn(fmt.Sprint("p", i)), "Voirie", vigie.Immediate, "voirie")
		}
		before := heap()
		w.mailer.refuse = func(post.Message) error { return &post.Error{Kind: post.Temporary, AllMail: true} }
		for hour := range 3 {
			w.publish(fmt.Sprint("away", hour), fmt.Sprintf("Voirie numéro %d", hour), until(nil))
			w.enter()
			if err := w.sender.Step(t.Context()); err == nil {
				t.Fatal("the failure is not logged")
			}
			w.now = w.now.Add(time.Hour)
		}
		w.mailer.refuse = func(post.Message) error {
			return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 4.3.0 later"}
		}
		for hour := range 6 {
			w.publish(fmt.Sprint("refused", hour), fmt.Sprintf("Voirie numéro %d", 3+hour), until(nil))
			w.expect("refused", w.after(time.Hour))
		}
		if grown := heap() - before; grown > 64<<20 {
			t.Errorf("%d bytes more are in memory while %d mails wait", grown, people)
		}
		w.mailer.refuse = nil
		mailed := make(map[string][]int)
		for range 15 {
			w.now = w.now.Add(time.Hour)
			if err := w.sender.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, m := range w.mailer.messages {
				for i := range 9 {
					if strings.Contains(m.Text, fmt.Sprintf("Voirie numéro %d", i)) {
						mailed[m.To] = append(mailed[m.To], i)
					}
				}
			}
			w.mailer.messages = nil
		}
		if len(mailed) != people {
			t.Errorf("%d people were alerted", len(mailed))
		}
		for person, order := range mailed {
			if !slices.IsSorted(order) || len(order) != 9 {
				t.Errorf("%s was alerted in the order %v", person, order)
			}
		}
	})
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
