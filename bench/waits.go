package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// lookEvery is how often transactions are looked at.
const lookEvery = 20 * time.Millisecond

// watchWaits looks at what the transactions of the database do until it is asked, by PostgreSQL's own account of it.
func (m *replicaMeasure) watchWaits(ctx context.Context) (end func() []Wait, err error) {
	conn, err := pgx.Connect(ctx, m.database)
	if err != nil {
		return nil, err
	}
	stop, done := make(chan struct{}), make(chan map[string]int)
	go func() {
		defer conn.Close(context.WithoutCancel(ctx))
		seen := make(map[string]int)
		for {
			for _, what := range look(ctx, conn) {
				seen[what]++
			}
			select {
			case <-stop:
				done <- seen
				return
			case <-time.After(lookEvery):
			}
		}
	}()
	return func() []Wait {
		close(stop)
		return shares(<-done)
	}, nil
}

// shares are counts as shares of all, the greatest first.
func shares(seen map[string]int) (waits []Wait) {
	all := 0
	for _, count := range seen {
		all += count
	}
	for what, count := range seen {
		waits = append(waits, Wait{what, float64(count) / float64(all)})
	}
	slices.SortFunc(waits, func(a, b Wait) int { return cmp.Or(cmp.Compare(b.Share, a.Share), strings.Compare(a.What, b.What)) })
	return waits
}

// transaction is what PostgreSQL says of one.
type transaction struct {
	PID      int32
	State    string
	Wait     string // such as "Lock: advisory"; "" where it works
	Query    string
	Blockers []int32
}

const lookQuery = `SELECT pid, state, coalesce(wait_event_type || ': ' || wait_event, ''), left(query, 80),
	CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}' END
	FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()`

// look says what each transaction does at this moment. An error is one look less.
func look(ctx context.Context, conn *pgx.Conn) (doing []string) {
	rows, err := conn.Query(ctx, lookQuery)
	if err != nil {
		return nil
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[transaction])
	if err != nil {
		return nil
	}
	for _, t := range all {
		what := t.does()
		for _, blocker := range t.Blockers {
			if at := slices.IndexFunc(all, func(o transaction) bool { return o.PID == blocker }); at >= 0 {
				what += "; who has it: " + all[at].does()
				break
			}
		}
		doing = append(doing, what)
	}
	return doing
}

// does says in words what a transaction does.
func (t transaction) does() string {
	switch {
	case t.State == "idle in transaction":
		return "waits for its client's next statement"
	case t.Wait == "":
		return "works"
	case t.Wait == "Lock: advisory" && strings.Contains(t.Query, "pg_advisory_xact_lock"):
		return "waits for the queue of publishers"
	case strings.HasPrefix(t.Wait, "Lock: ") && strings.HasPrefix(t.Query, "UPDATE change_numbers"):
		return "waits for the row of change numbers"
	}
	return "waits for " + t.Wait
}
