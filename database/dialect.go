package database

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/uptrace/bun"
)

// dialect holds the differences between the databases. Only the files of this package for one database ask which one
// it is.
type dialect struct{ postgres bool }

// exclusively runs fn while no other process runs anything under that name. PostgreSQL's lock belongs to the session,
// so a crash frees it; a SQLite file has one writer at a time and needs none.
func (db *DB) exclusively(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	if !db.postgres {
		return fn(ctx)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock("+lockKey+")", name); err != nil {
		return err
	}
	err = fn(ctx)
	_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+lockKey+")", name)
	return errors.Join(err, unlockErr)
}

// hasTable reports whether a database has a table.
func (db *DB) hasTable(ctx context.Context, name string) (bool, error) {
	query := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	if db.postgres {
		query = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?"
	}
	var n int
	err := db.NewRaw(query, name).Scan(ctx, &n)
	return n > 0, err
}

// Queue makes transactions of that name run one after another.
func (d dialect) Queue(ctx context.Context, tx bun.Tx, name string) error {
	if !d.postgres {
		return nil // _txlock=immediate does it
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock("+lockKey+")", name)
	return err
}

// lockKey turns the name of a lock into PostgreSQL's 64 bits. Locks belong to a whole database, which several of our
// schemas may share.
const lockKey = "hashtextextended(concat(current_schema(), '.vigie.', ?), 0)"

// Argument returns the placeholder of a statement's n-th argument.
func (d dialect) Argument(n int) bun.Safe {
	if !d.postgres {
		return bun.Safe("?" + strconv.Itoa(n))
	}
	return bun.Safe("$" + strconv.Itoa(n))
}

// Among returns the condition that a value is among the ids of the n-th argument.
func (d dialect) Among(n int) bun.Safe {
	if !d.postgres {
		return "IN (SELECT value FROM json_each(" + d.Argument(n) + "))"
	}
	return "= ANY (" + d.Argument(n) + ")"
}

// IDs returns many ids as one argument.
func (d dialect) IDs(ids []int64) any {
	if !d.postgres {
		text, err := json.Marshal(ids)
		if err != nil {
			panic("database: plain numbers do not marshal: " + err.Error())
		}
		return string(text)
	}
	return ids
}

// Time returns a time as an argument of a statement. SQLite compares texts, as Bun writes them.
func (d dialect) Time(t time.Time) any {
	if !d.postgres {
		return t.UTC().Format("2006-01-02 15:04:05.999999-07:00")
	}
	return t
}

// ForUpdate locks the rows that a query selects until the transaction ends, but not their keys, so that others can
// write rows that refer to them: otherwise a new delivery would wait for a watch that is edited, and its editor for
// the delivery's recipient.
func (d dialect) ForUpdate(q *bun.SelectQuery) *bun.SelectQuery {
	if !d.postgres {
		return q
	}
	return q.For("NO KEY UPDATE")
}

// SkipLocked locks the rows of a table that a query selects, and leaves out those that others have locked.
func (d dialect) SkipLocked(q *bun.SelectQuery, table string) *bun.SelectQuery {
	if !d.postgres {
		return q
	}
	return q.For("NO KEY UPDATE OF ? SKIP LOCKED", bun.Ident(table))
}

// Clock is the database's time in milliseconds: leases use it, so that the clocks of replicas do not matter. SQLite's
// is the machine's.
func (d dialect) Clock() bun.Safe {
	if !d.postgres {
		return "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
	}
	return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
}
