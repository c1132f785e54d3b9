package database

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
)

// Leadership is the right to be the only process that does a job.
type Leadership struct {
	conn *bun.Conn // nil where only one process is possible
	name string
}

// serving is the job that all servers share, and that [OpenAlone] takes for itself.
const serving = "serving"

// share takes a share of a job's leadership for as long as a connection lasts: then nobody leads it alone.
func share(ctx context.Context, conn *pgx.Conn, job string) error {
	key := strings.Replace(lockKey, "?", "'lead."+job+"'", 1)
	_, err := conn.Exec(ctx, "SELECT pg_advisory_lock_shared("+key+")")
	return err
}

// Lead asks for the leadership of a job; nil without an error means that another process has it. It ends with Resign,
// or with the connection.
func (db *DB) Lead(ctx context.Context, job string) (*Leadership, error) {
	if !db.postgres {
		return &Leadership{}, nil
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, Translate(err)
	}
	lead := &Leadership{conn: &conn, name: "lead." + job}
	var got bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock("+lockKey+")", lead.name).Scan(&got); err != nil || !got {
		conn.Close()
		return nil, Translate(err)
	}
	return lead, nil
}

// leadPatience is how long to wait for a leadership whose holder has just ended: PostgreSQL notices that a moment later.
const leadPatience = time.Second

// leadSoon is [DB.Lead] that waits a moment for who leads.
func (db *DB) leadSoon(ctx context.Context, job string) (*Leadership, error) {
	for end := time.Now().Add(leadPatience); ; {
		lead, err := db.Lead(ctx, job)
		if lead != nil || err != nil || time.Now().After(end) {
			return lead, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(leadPatience / 20):
		}
	}
}

// Holds reports whether we still have the leadership: a broken connection has lost it.
func (l *Leadership) Holds(ctx context.Context) bool {
	return l.conn == nil || l.conn.PingContext(ctx) == nil
}

// resignTimeout is how long to wait for a database that does not answer.
const resignTimeout = 5 * time.Second

// Resign gives the leadership back.
func (l *Leadership) Resign() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), resignTimeout)
	defer cancel()
	// Closing returns the connection to the pool with its lock, so the lock must be freed first. If that fails, the
	// driver closes the connection.
	_, _ = l.conn.ExecContext(ctx, "SELECT pg_advisory_unlock("+lockKey+")", l.name)
	l.conn.Close()
}
