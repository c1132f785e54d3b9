package database_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"vigie/database"
	"vigie/store"
	"vigie/store/storetest"
)

func opened(t *testing.T, url string) *database.DB {
	t.Helper()
	s, err := store.Open(t.Context(), url, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.Database()
}

// Each of many who ask at once gets its own answer, and an error is for those alone whose statement fails.
func TestStatementsAtOnce(t *testing.T) {
	db := opened(t, storetest.Postgres(t))
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			divisor := i % 7
			var found []int64
			switch err := db.Run(t.Context(), "SELECT $1::bigint * 100 / $2::bigint", &found, int64(i), int64(divisor)); {
			case divisor == 0:
				if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != "22012" {
					t.Errorf("%d by 0: %v, %v", i, found, err)
				}
			case err != nil || len(found) != 1 || found[0] != int64(i*100/divisor):
				t.Errorf("%d by %d: %v, %v", i, divisor, found, err)
			}
		})
	}
	wg.Wait()
}

// Statements that many ask at once go out together: in fewer transactions than there are statements.
func TestStatementsShareTransactions(t *testing.T) {
	db := opened(t, storetest.Postgres(t))
	const callers = 400
	var mutex sync.Mutex
	transactions := make(map[string]bool)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			var at []time.Time // when the transaction began
			var process []int64
			err := errors.Join(db.Run(t.Context(), "SELECT transaction_timestamp()", &at), db.Run(t.Context(), "SELECT pg_backend_pid()::bigint", &process))
			if err != nil || len(at) != 1 || len(process) != 1 {
				t.Errorf("%v, %v: %v", at, process, err)
				return
			}
			mutex.Lock()
			defer mutex.Unlock()
			transactions[at[0].String()] = true
		})
	}
	wg.Wait()
	if len(transactions) > callers/2 {
		t.Errorf("%d transactions for %d statements", len(transactions), callers)
	}
}

// Who leaves learns so at once, and what nobody waits for any longer keeps no connection from others.
func TestStatementsAreLeft(t *testing.T) {
	db := opened(t, storetest.Postgres(t))
	leaving, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			var found []int64
			if err := db.Run(leaving, "SELECT count(*) FROM pg_sleep(600)", &found); !errors.Is(err, context.Canceled) {
				t.Errorf("%v, %v", found, err)
			}
		})
	}
	for sleeping := 0; sleeping == 0; {
		if err := db.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND wait_event = 'PgSleep'").Scan(t.Context(), &sleeping); err != nil {
			t.Fatal(err)
		}
	}
	leave()
	wg.Wait()
	soon, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 40 {
		wg.Go(func() {
			var found []int64
			if err := db.Run(soon, "SELECT $1::bigint", &found, int64(i)); err != nil || found[0] != int64(i) {
				t.Errorf("%v, %v", found, err)
			}
		})
	}
	wg.Wait()
}

// Statements that take long, as where a table is locked, keep none of the others waiting.
func TestSlowStatementsAreNotWaitedFor(t *testing.T) {
	db := opened(t, storetest.Postgres(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	leaving, leave := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() { leave(); wg.Wait(); cancel() }()
	for i := range 8 {
		wg.Go(func() {
			var found []int64
			if err := db.Run(leaving, "SELECT count(*) FROM pg_sleep(601)", &found); !errors.Is(err, context.Canceled) {
				t.Errorf("%v, %v", found, err)
			}
		})
		for sleeping := 0; sleeping <= i; {
			if err := db.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(601)%' AND wait_event = 'PgSleep'").Scan(ctx, &sleeping); err != nil {
				t.Fatalf("%d statements run at once: %v", i, err)
			}
		}
	}
	var found []int64
	if err := db.Run(ctx, "SELECT 1::bigint", &found); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}

// Where PostgreSQL ends connections, statements get an answer again, without a restart.
func TestStatementsAfterLostConnections(t *testing.T) {
	db := opened(t, storetest.Postgres(t))
	var mutex sync.Mutex
	var wg sync.WaitGroup
	var processes []int64
	for range 50 {
		wg.Go(func() {
			var found []int64
			if err := db.Run(t.Context(), "SELECT pg_backend_pid()::bigint", &found); err != nil {
				t.Error(err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			processes = append(processes, found...)
		})
	}
	wg.Wait()
	processes = database.Distinct(processes)
	if _, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN (?) AND pid <> pg_backend_pid()", bun.List(processes)); err != nil {
		t.Fatal(err)
	}
	var err error
	for range len(processes) + 1 {
		var found []int64
		if err = db.Run(t.Context(), "SELECT 1::bigint", &found); err == nil {
			return
		}
	}
	t.Error(err)
}

// A statement that was prepared for a table finds its rows also once the table has other columns.
func TestStatementsAfterMigration(t *testing.T) {
	db := opened(t, storetest.Postgres(t))
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE things (id BIGINT, name TEXT); INSERT INTO things VALUES (1, 'one')"); err != nil {
		t.Fatal(err)
	}
	read := func() ([]string, error) {
		var found []string
		err := db.Run(t.Context(), "SELECT name FROM things WHERE id = $1", &found, int64(1))
		return found, err
	}
	if found, err := read(); err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if _, err := db.ExecContext(t.Context(), "ALTER TABLE things ADD COLUMN more TEXT; ALTER TABLE things ALTER COLUMN name TYPE JSONB USING to_jsonb(name)"); err != nil {
		t.Fatal(err)
	}
	_, _ = read() // of the type that it was prepared for
	var found []string
	err := db.Run(t.Context(), "SELECT name ->> 0 FROM things WHERE id = $1", &found, int64(1))
	if err != nil || len(found) != 1 {
		t.Error(found, err)
	}
}

// sample has a field of each kind that models have.
type sample struct {
	bun.BaseModel `bun:"samples"`
	Number        int64
	Maybe, None   *int64
	Count         int
	Hour, Minute  int32
	Name          string
	Alias         *kind
	Kind          kind
	Flag          bool
	At            time.Time
	Later, Never  *time.Time
	List          []kind
	Empty         []string
	Inside        inside
	Within        inside `bun:"embed:within__"`
}

type kind string

type inside struct {
	A int64
	B []string
}

// A statement's rows are those that Bun reads.
func TestStatementRows(t *testing.T) {
	db := opened(t, storetest.Postgres(t))
	const query = `SELECT -5::bigint AS number, 7::bigint AS maybe, NULL::bigint AS none, 8::bigint AS count, -9::integer AS hour, -10::smallint AS minute, 'Été' AS name, 'x' AS alias, '' AS kind, TRUE AS flag,
		'2026-12-01 02:03:04.567891+02'::timestamptz AS at, '0001-01-01 00:00:00+00'::timestamptz AS later, NULL::timestamptz AS never,
		'["a", "b"]'::jsonb AS list, '[]'::jsonb AS empty, '{"A": 1, "B": ["é"]}'::jsonb AS inside, 3::bigint AS within__a, NULL::jsonb AS within__b, 1::bigint AS unknown
		UNION ALL SELECT 9223372036854775807, NULL, 0, 9, 10, 11, '', NULL, 'y', FALSE, '9999-12-31 23:59:59+00', '1969-12-31 23:59:59.999999+00', NULL, '["c"]', '["d"]', 'null', 0, '[]', NULL`
	var want, got []*sample
	if err := db.NewRaw(query).Scan(t.Context(), &want); err != nil {
		t.Fatal(err)
	}
	if err := db.Run(t.Context(), query, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !reflect.DeepEqual(got, want) {
		for i := range got {
			t.Errorf("%d:\n%+v\nnot\n%+v", i, got[i], want[i])
		}
	}
	var none []*sample
	if err := db.Run(t.Context(), "SELECT 1::bigint AS number WHERE FALSE", &none); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
	for query, into := range map[database.Statement]any{
		"SELECT 'x' AS number": &[]*sample{}, "SELECT '{}'::jsonb AS list": &[]*sample{}, "SELECT 1::bigint, 2::bigint": &[]int64{}, "SELECT now()": &[]int64{},
	} {
		if err := db.Run(t.Context(), query, into); err == nil || !strings.Contains(err.Error(), "database: ") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// heard has the statements that a hook was called with, and their errors.
type heard struct {
	mutex sync.Mutex
	list  []string
}

func (h *heard) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context { return ctx }

func (h *heard) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.list = append(h.list, fmt.Sprint(e.Operation(), " ", e.Query, " ", e.Err != nil))
}

// Hooks are called of statements as of other queries, on both databases.
func TestStatementsAreObserved(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			db := opened(t, open(t))
			var h heard
			db.Observe(&h)
			var found []int64
			if err := db.Run(t.Context(), "SELECT CAST(1 AS BIGINT)", &found); err != nil {
				t.Error(err)
			}
			if err := db.Run(t.Context(), "SELECT wrong", &found); err == nil {
				t.Error("no error")
			}
			if want := []string{"SELECT SELECT CAST(1 AS BIGINT) false", "SELECT SELECT wrong true"}; !reflect.DeepEqual(h.list, want) {
				t.Errorf("%q, not %q", h.list, want)
			}
		})
	}
}
