package feed_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/feed"
	"vigie/query"
	"vigie/store"
	"vigie/store/storetest"
)

// patience is how long tests wait for something that must happen.
const patience = 30 * time.Second

// send runs the source of notices until the test ends.
func send(t *testing.T, n *feed.Broadcaster) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); n.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
}

// listener records what it receives: references, or « lost ».
func listener(t *testing.T, ctx context.Context, n *feed.Broadcaster) <-chan string {
	t.Helper()
	news, err := n.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan string, 5000)
	go func() {
		defer close(received)
		for some, err := range news {
			for _, one := range some {
				received <- one.Notice.SourceRef
			}
			if err != nil {
				received <- "lost " + string(vigie.CodeOf(err))
			}
		}
	}()
	return received
}

func receives(t *testing.T, received <-chan string, want ...string) {
	t.Helper()
	var got []string
	for range want {
		select {
		case ref := <-received:
			got = append(got, ref)
		case <-time.After(patience):
			t.Fatalf("received %q, want %q", got, want)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("received %q, want %q", got, want)
	}
}

func publish(t *testing.T, s *store.Store, refs ...string) {
	t.Helper()
	var notices []*vigie.Notice
	for _, ref := range refs {
		notices = append(notices, &vigie.Notice{
			Source: "test", SourceRef: ref, Kind: vigie.ContractNotice, PublishedAt: time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC),
			Buyer: vigie.BuyerName{Name: "Commune"}, Content: vigie.Content{Title: "Voirie"},
		})
	}
	if _, err := s.Publish(t.Context(), notices); err != nil {
		t.Fatal(err)
	}
}

func numbered(from, to int) []string {
	var refs []string
	for i := from; i < to; i++ {
		refs = append(refs, fmt.Sprint(i))
	}
	return refs
}

// reads counts the queries for notices in the order of their numbers.
type reads struct{ atomic.Int64 }

func (r *reads) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.Contains(e.Query, "id > ") {
		r.Add(1)
	}
	return ctx
}

func (*reads) AfterQuery(context.Context, *bun.QueryEvent) {}

// Every subscriber gets everything published since it subscribed, in order, by whichever process. Each notice is read
// once for all of them, and not at all if there are none.
func TestNews(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			url := open(t)
			here, _ := openWithAccount(t, url)
			there, _ := openWithAccount(t, url)
			var read reads
			here.Database().Observe(&read)
			news := feed.NewBroadcaster(here, slog.New(slog.DiscardHandler))
			send(t, news)
			publish(t, here, numbered(0, 10)...)

			first, leave := context.WithCancel(t.Context())
			one := listener(t, first, news)
			others := []<-chan string{listener(t, t.Context(), news), listener(t, t.Context(), news)}
			publish(t, here, numbered(10, 13)...)
			for _, received := range append(others, one) {
				receives(t, received, numbered(10, 13)...)
			}
			if n := read.Load(); n > 2 { // twice where one of them began a moment after the others
				t.Errorf("read %d times for three subscribers", n)
			}
			publish(t, there, numbered(13, 260)...) // by another process, and more than is read at once
			for _, received := range append(others, one) {
				receives(t, received, numbered(13, 260)...)
			}
			leave()
			for range one { // it ends
			}
			late := listener(t, t.Context(), news)
			publish(t, there, "late")
			receives(t, late, "late")
			for _, received := range others {
				receives(t, received, "late")
			}
		})
	}
}

// A new subscriber gets nothing from before, even if other subscribers have not received it yet.
func TestNewsFromNowOn(t *testing.T) {
	s, _ := openWithAccount(t, storetest.SQLite(t))
	news := feed.NewBroadcaster(s, slog.New(slog.DiscardHandler))
	early := listener(t, t.Context(), news)
	publish(t, s, "1", "2")
	late := listener(t, t.Context(), news)
	publish(t, s, "3")
	send(t, news)
	receives(t, early, "1", "2", "3")
	receives(t, late, "3")
}

// beginning is the context of a subscriber whose start a test interrupts.
type beginning struct{}

// between is called once the subscriber has read the last number.
type between struct{ meanwhile func() }

func (between) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (b between) AfterQuery(ctx context.Context, e *bun.QueryEvent) {
	if ctx.Value(beginning{}) != nil && strings.Contains(e.Query, "change_numbers") {
		b.meanwhile()
	}
}

// A notice that is published while a subscriber begins, and sent to others at once, is sent to the new one too.
func TestNewsWhileBeginning(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			s, _ := openWithAccount(t, open(t))
			var other <-chan string
			s.Database().Observe(between{func() {
				publish(t, s, "meanwhile")
				receives(t, other, "meanwhile")
			}})
			news := feed.NewBroadcaster(s, slog.New(slog.DiscardHandler))
			send(t, news)
			other = listener(t, t.Context(), news)
			received := listener(t, context.WithValue(t.Context(), beginning{}, true), news)
			publish(t, s, "after")
			receives(t, received, "meanwhile", "after")
			receives(t, other, "after")
		})
	}
}

// A subscriber that does not receive for long is cut off with an error; others do not wait for it.
func TestSlowFollower(t *testing.T) {
	s, _ := openWithAccount(t, storetest.SQLite(t))
	news := feed.NewBroadcaster(s, slog.New(slog.DiscardHandler))
	send(t, news)
	slow, err := news.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quick := listener(t, t.Context(), news)
	const many = 1500
	for i := 0; i < many; i += vigie.MaxBatch {
		publish(t, s, numbered(i, i+vigie.MaxBatch)...)
		receives(t, quick, numbered(i, i+vigie.MaxBatch)...)
	}
	var received []*query.NoticeEffect
	var lost error
	for some, err := range slow {
		received, lost = append(received, some...), err
	}
	if vigie.CodeOf(lost) != vigie.Unavailable || len(received) >= many || len(received) == 0 {
		t.Errorf("%d received, then %v", len(received), lost)
	}
	for i, one := range received {
		if one.Notice.SourceRef != fmt.Sprint(i) {
			t.Fatalf("%s in place of %d", one.Notice.SourceRef, i)
		}
	}
	publish(t, s, "after")
	receives(t, quick, "after")
}

// After the database failed for a while, notices are sent again; if the database was restored to an older state,
// subscribers are cut off.
func TestNewsHeal(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			url := open(t)
			s, _ := openWithAccount(t, url)
			said := make(chan struct{}, 1)
			news := feed.NewBroadcaster(s, slog.New(failures{slog.DiscardHandler, said}))
			send(t, news)
			received := listener(t, t.Context(), news)
			publish(t, s, "1")
			receives(t, received, "1")
			rename(t, url, "change_numbers", "elsewhere")
			select {
			case <-said:
			case <-time.After(patience):
				t.Fatal("the failure is not logged")
			}
			rename(t, url, "elsewhere", "change_numbers")
			publish(t, s, "2")
			receives(t, received, "2")
			execute(t, url, "UPDATE change_numbers SET last = 1")
			receives(t, received, "lost UNAVAILABLE")
		})
	}
}

// Each notice says whose watches changed since the one before, so that subscribers need not read their watches each
// time.
func TestNewsSayWhoseWatchesChanged(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			s, account := openWithAccount(t, open(t))
			n := feed.NewBroadcaster(s, slog.New(slog.NewTextHandler(t.Output(), nil)))
			send(t, n)
			news, err := n.Subscribe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			received := make(chan *query.NoticeEffect, 10)
			go func() {
				for some := range news {
					for _, one := range some {
						received <- one
					}
				}
			}()
			expect := func(ref string, edited bool) {
				t.Helper()
				publish(t, s, ref)
				select {
				case one := <-received:
					if one.Notice.SourceRef != ref || one.Edited[account.ID] != edited {
						t.Errorf("%s: edited %v, want %v", one.Notice.SourceRef, one.Edited, edited)
					}
				case <-time.After(patience):
					t.Fatalf("%s did not come", ref)
				}
			}
			expect("1", false)
			w, err := s.CreateWatch(t.Context(), account, vigie.Watch{
				Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Daily, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords},
			}, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			expect("2", true)
			expect("3", false)
			if err := s.DeleteWatch(t.Context(), account.ID, w.ID); err != nil {
				t.Fatal(err)
			}
			expect("4", true)
			expect("5", false)
		})
	}
}

// A notice that is published after a subscriber read its starting number is sent to it, also where another subscriber
// begins after that notice and before the first one knows its number.
func TestNewsWhileTwoBegin(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			s, _ := openWithAccount(t, open(t))
			news := feed.NewBroadcaster(s, slog.New(slog.DiscardHandler))
			var other <-chan string
			s.Database().Observe(between{func() {
				publish(t, s, "meanwhile")
				other = listener(t, t.Context(), news)
				send(t, news)
				publish(t, s, "more")
				receives(t, other, "more")
			}})
			received := listener(t, context.WithValue(t.Context(), beginning{}, true), news)
			receives(t, received, "meanwhile", "more")
		})
	}
}
