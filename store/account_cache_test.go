package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// eachTwo runs a test with two stores on one database, whose clock is *now.
func eachTwo(t *testing.T, test func(t *testing.T, here, elsewhere *store.Store, now *time.Time)) {
	for name, url := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			at, now := url(t), storetest.Noon()
			var both [2]*store.Store
			for i := range both {
				var err error
				if both[i], err = store.Open(t.Context(), at, func() time.Time { return now }); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { both[i].Close() })
			}
			test(t, both[0], both[1], &now)
		})
	}
}

func speak(t *testing.T, s *store.Store, account int64, l vigie.Locale) {
	t.Helper()
	if _, err := s.UpdateAccount(t.Context(), account, vigie.AccountUpdate{Locale: &l}); err != nil {
		t.Fatal(err)
	}
}

// TestAccountCache: what this process changes of an account is seen by the next request,
// what another does within seconds.
func TestAccountCache(t *testing.T) {
	eachTwo(t, func(t *testing.T, here, elsewhere *store.Store, now *time.Time) {
		id := storetest.Account(t, here, "person").ID
		speak(t, here, id, vigie.English)
		if got := storetest.Account(t, here, "person"); got.Locale != vigie.English {
			t.Errorf("after a change here: %s", got.Locale)
		}
		storetest.Account(t, here, "person").Locale = "xx" // a request's change of its own copy has no effect on others
		// A token of another client may hold less about the same person.
		bare := store.Claims{Issuer: "test", Subject: "person"}
		if got, err := here.SignIn(t.Context(), bare); err != nil || got.ID != id {
			t.Errorf("by another token: %+v, %v", got, err)
		}
		speak(t, here, id, vigie.French)
		if got, err := here.SignIn(t.Context(), bare); err != nil || got.Locale != vigie.French {
			t.Errorf("by another token, after a change here: %+v, %v", got, err)
		}
		speak(t, here, id, vigie.English)
		storetest.Account(t, here, "person") // is cached again
		speak(t, elsewhere, id, vigie.French)
		if got := storetest.Account(t, here, "person"); got.Locale != vigie.English {
			t.Errorf("the account was read again at once: %s", got.Locale)
		}
		*now = now.Add(5 * time.Second)
		if got := storetest.Account(t, here, "person"); got.Locale != vigie.French {
			t.Errorf("seconds after a change elsewhere: %s", got.Locale)
		}
		// Setting the clock back makes nothing older.
		speak(t, elsewhere, id, vigie.English)
		*now = now.Add(-time.Hour)
		if got := storetest.Account(t, here, "person"); got.Locale != vigie.English {
			t.Errorf("an hour earlier: %s", got.Locale)
		}
		if err := here.Erase(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if again := storetest.Account(t, here, "person"); again.ID == id {
			t.Error("an account that was erased here is still signed in")
		}
	})
}

// afterQuery runs something once, after the next query.
type afterQuery struct{ do func() }

func (m *afterQuery) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (m *afterQuery) AfterQuery(context.Context, *bun.QueryEvent) {
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
}

// TestAccountCacheWhileChanged: an account that was read before a change is not cached after it.
func TestAccountCacheWhileChanged(t *testing.T) {
	eachTwo(t, func(t *testing.T, here, _ *store.Store, now *time.Time) {
		var m afterQuery
		here.Database().Observe(&m)
		id := storetest.Account(t, here, "person").ID
		*now = now.Add(5 * time.Second)
		m.do = func() { speak(t, here, id, vigie.English) }
		storetest.Account(t, here, "person") // is read, and changed before it is cached
		if got := storetest.Account(t, here, "person"); got.Locale != vigie.English {
			t.Errorf("after the change: %s", got.Locale)
		}
		*now = now.Add(5 * time.Second)
		m.do = func() {
			if _, err := here.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "person", Name: "Another name"}); err != nil {
				t.Fatal(err)
			}
		}
		storetest.Account(t, here, "person")
		if got := storetest.Account(t, here, "person"); got.Name != "Another name" {
			t.Errorf("after another token: %q", got.Name)
		}
		*now = now.Add(5 * time.Second)
		m.do = func() {
			if err := here.Erase(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		storetest.Account(t, here, "person")
		if got := storetest.Account(t, here, "person"); got.ID == id {
			t.Error("after it was erased it is still signed in")
		}
	})
}

// queries counts the queries of a store.
type queries struct{ count atomic.Int64 }

func (q *queries) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (q *queries) AfterQuery(context.Context, *bun.QueryEvent) { q.count.Add(1) }

// TestAccountCacheOthers: a change of one account does not make another be read again.
func TestAccountCacheOthers(t *testing.T) {
	eachTwo(t, func(t *testing.T, here, _ *store.Store, now *time.Time) {
		var q queries
		var m afterQuery
		here.Database().Observe(&q)
		here.Database().Observe(&m)
		ids := map[string]int64{}
		names := []string{"a", "b", "c", "d", "e"}
		read := func(name string) int64 {
			before := q.count.Load()
			storetest.Account(t, here, name)
			return q.count.Load() - before
		}
		for _, name := range names {
			ids[name] = storetest.Account(t, here, name).ID
			storetest.Account(t, here, name) // is cached
		}
		for name, change := range map[string]struct {
			of string // whose account is read again
			do func()
		}{
			"a new account": {"", func() { storetest.Account(t, here, "newcomer") }},
			"a setting":     {"a", func() { speak(t, here, ids["a"], vigie.English) }},
			"another address": {"b", func() {
				c := store.Claims{Issuer: "test", Subject: "b", Email: "other@example.org", EmailVerified: true}
				if _, err := here.SignIn(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}},
			"an erasure": {"c", func() {
				if err := here.Erase(t.Context(), ids["c"]); err != nil {
					t.Fatal(err)
				}
			}},
		} {
			change.do()
			for _, other := range names {
				if n := read(other); (n > 0) != (other == change.of) {
					t.Errorf("%s, then %s signs in: %d queries", name, other, n)
				}
				storetest.Account(t, here, other) // is cached again
			}
		}
		// Nor does it keep an account that is being read from being cached.
		*now = now.Add(5 * time.Second)
		m.do = func() { storetest.Account(t, here, "another newcomer") }
		storetest.Account(t, here, "d")
		if n := read("d"); n > 0 {
			t.Errorf("after a new account signed in during the read: %d queries", n)
		}
	})
}

// TestErasedElsewhere: a person who is still signed in when the account is erased leaves no rows behind.
func TestErasedElsewhere(t *testing.T) {
	eachTwo(t, func(t *testing.T, here, elsewhere *store.Store, now *time.Time) {
		storetest.Account(t, here, "person")
		person := storetest.Account(t, here, "person") // is cached
		published := storetest.Publish(t, here, storetest.Notice("1", 0))[0].Notice
		if err := elsewhere.Erase(t.Context(), person.ID); err != nil {
			t.Fatal(err)
		}
		if seen := storetest.Account(t, here, "person"); seen.ID != person.ID {
			t.Fatal("the account was read again at once")
		}
		if _, err := here.CreateWatch(t.Context(), person, vigie.Watch{Name: "Voirie", NameKey: "voirie", Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords}, Frequency: vigie.Daily}, true, nil); vigie.CodeOf(err) != vigie.Unauthenticated {
			t.Errorf("a watch: %v", err)
		}
		if err := here.SetMark(t.Context(), person.ID, store.Seen, true, []int64{published.TenderID}); vigie.CodeOf(err) != vigie.Unauthenticated {
			t.Errorf("a mark: %v", err)
		}
		if _, err := here.UpdateAccount(t.Context(), person.ID, vigie.AccountUpdate{Locale: new(vigie.English)}); vigie.CodeOf(err) != vigie.Unauthenticated {
			t.Errorf("a setting: %v", err)
		}
		*now = now.Add(5 * time.Second)
		if again := storetest.Account(t, here, "person"); again.ID == person.ID {
			t.Error("still signed in after seconds")
		}
	})
}
