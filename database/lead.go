package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Leadership is the right to be the only process that does a job.
type Leadership struct {
	conn *bun.Conn // nil where only one process is possible
	name string
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
