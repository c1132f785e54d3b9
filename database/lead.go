package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Leadership is the right to be the one process that does a job.
type Leadership struct {
	conn *bun.Conn // nil where one process is all there can be
	name string
}

// Lead asks for the right to do a job; nil without an error means that another
// process has it. The right ends with Resign, or with the connection.
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

// Holds tells whether the right is still ours: a broken connection has lost it.
func (l *Leadership) Holds(ctx context.Context) bool {
	return l.conn == nil || l.conn.PingContext(ctx) == nil
}

// resigning is how long a database that hangs is waited for.
const resigning = 5 * time.Second

// Resign gives the right back.
func (l *Leadership) Resign() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), resigning)
	defer cancel()
	// Closing returns the connection to the pool, lock and all: it must go
	// first. Where that fails, the driver ends the connection.
	_, _ = l.conn.ExecContext(ctx, "SELECT pg_advisory_unlock("+lockKey+")", l.name)
	l.conn.Close()
}
