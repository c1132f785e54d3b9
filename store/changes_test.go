package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"vigie/store"
	"vigie/store/storetest"
)

// patience is how long tests wait for something that must happen.
const patience = 30 * time.Second

func awake(t *testing.T, woken <-chan struct{}) {
	t.Helper()
	select {
	case <-woken:
	case <-time.After(patience):
		t.Fatal("nobody is woken")
	}
}

// Publishing wakes all waiters after each commit.
func TestChanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		woken, too := s.Database().Changes(t.Context()), s.Database().Changes(t.Context())
		ended, end := context.WithCancel(t.Context())
		s.Database().Changes(ended)
		end()
		for i, ref := range []string{"1", "2", "3"} {
			for _, p := range storetest.Publish(t, s, storetest.Notice(ref, i)) {
				for _, woken := range []<-chan struct{}{woken, too} {
					// An earlier value may still be there; what counts is that one comes after the notice is stored.
					awake(t, woken)
				}
				if _, err := s.Notice(t.Context(), p.Notice.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// On PostgreSQL another process wakes them too, also after the connection broke; another schema does not.
func TestChangesElsewhere(t *testing.T) {
	url := storetest.Postgres(t)
	here, there, stranger := storetest.Open(t, url), storetest.Open(t, url), storetest.Open(t, storetest.Postgres(t))
	woken, strange := here.Database().Changes(t.Context()), stranger.Database().Changes(t.Context())
	awake(t, woken) // it listens
	awake(t, strange)
	storetest.Publish(t, there, storetest.Notice("1", 0))
	awake(t, woken)

	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var broken int
	err = conn.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE query ILIKE 'listen %' AND query LIKE '%' || (SELECT 'vigie_' || to_hex(hashtextextended(concat(current_schema(), '.vigie.published'), 0))) || '%'`).Scan(&broken)
	if err != nil || broken != 1 {
		t.Fatalf("%d connections listen, %v", broken, err)
	}
	awake(t, woken) // connected again
	storetest.Publish(t, there, storetest.Notice("2", 0))
	awake(t, woken)
	select {
	case <-strange:
		t.Error("another schema is woken")
	default:
	}
}
