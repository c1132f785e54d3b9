package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"vigie"
)

// dialect is where the databases differ; nothing outside this file asks which
// one it is.
type dialect struct{ postgres bool }

// connect opens the database that rawURL names.
func connect(rawURL string) (*bun.DB, dialect, error) {
	if path, ok := strings.CutPrefix(rawURL, "sqlite:"); ok {
		return connectSQLite(path)
	}
	if strings.HasPrefix(rawURL, "postgres://") || strings.HasPrefix(rawURL, "postgresql://") {
		return connectPostgres(rawURL)
	}
	return nil, dialect{}, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
		FR: "L'adresse de la base de données commence par sqlite: ou postgres://.",
		EN: "A database URL begins with sqlite: or postgres://.",
	}}
}

const (
	// connections is how many there are to a database, where its URL does not say
	// with pool_max_conns: some are a leader's and a listener's alone.
	connections = 20
	// idle is how long one is kept that nobody needs.
	idle = 5 * time.Minute
)

func connectPostgres(rawURL string) (*bun.DB, dialect, error) {
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return nil, dialect{}, &vigie.Error{Code: vigie.Invalid, Err: err, Text: vigie.Text{
			FR: "L'adresse de la base PostgreSQL n'est pas valable.",
			EN: "The PostgreSQL URL is not valid.",
		}}
	}
	// Bun writes arguments into the query, so that no two are alike: preparing
	// them would only fill caches, here and behind a pooler. Those that are
	// prepared say so, see [dialect.prepared].
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.RuntimeParams["timezone"] = "UTC"
	config.DialFunc = dialer(config.ConnectTimeout).DialContext
	most := connections
	if text := config.RuntimeParams["pool_max_conns"]; text != "" { // ours, and not PostgreSQL's
		if most, err = strconv.Atoi(text); err != nil || most < 8 {
			return nil, dialect{}, &vigie.Error{Code: vigie.Invalid, Err: err, Text: vigie.Text{
				FR: "pool_max_conns est un nombre, de 8 au moins.",
				EN: "pool_max_conns is a number of at least 8.",
			}}
		}
	}
	delete(config.RuntimeParams, "pool_max_conns")
	ready := stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		// Statements are few, and find what they look for by an index: one plan is
		// as good as another, and PostgreSQL would think about it each time.
		_, err := conn.Exec(ctx, "SET plan_cache_mode = force_generic_plan")
		return err
	})
	pool := stdlib.OpenDB(*config, ready)
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most) // to open one takes PostgreSQL longer than most queries
	pool.SetConnMaxIdleTime(idle)
	return bun.NewDB(pool, pgdialect.New()), dialect{postgres: true}, nil
}

// gone is how long a database may say nothing that was asked something, or is to
// say that it is there, until its connection counts as broken: a machine that
// fails ends none, and whoever only listens would wait for ever.
const gone = 25 * time.Second

// dialer connects to PostgreSQL; timeout is how long that may take, 0 for any.
func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout: timeout, Control: limitSilence,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * gone / 5, Interval: gone / 5, Count: 3},
	}
}

func connectSQLite(path string) (*bun.DB, dialect, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, dialect{}, err
	}
	// As parameters of the URL the settings reach every connection of the pool;
	// busy_timeout comes first because journal_mode may have to wait. With
	// _txlock a writer waits for its turn at the start instead of failing in
	// the middle; read-only transactions are not concerned. What is deleted is
	// overwritten: erasing an account is to leave nothing in the file.
	query := url.Values{
		"_pragma":   {"busy_timeout(20000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)", "secure_delete(1)"},
		"_txlock":   {"immediate"},
		"_timezone": {"UTC"},
	}
	sqlDB, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, dialect{}, err
	}
	sqlDB.SetMaxIdleConns(connections)
	sqlDB.SetConnMaxIdleTime(idle)
	return bun.NewDB(sqlDB, sqlitedialect.New()), dialect{}, nil
}

// exclusively runs fn while no other process runs anything under that name.
// PostgreSQL's lock is the session's, so a crash lets it go; SQLite's files
// have one writer at a time and need none.
func (d dialect) exclusively(ctx context.Context, db *bun.DB, name string, fn func(ctx context.Context) error) error {
	if !d.postgres {
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

// queue makes transactions of that name follow one another to their ends.
func (d dialect) queue(ctx context.Context, tx bun.Tx, name string) error {
	if !d.postgres {
		return nil // _txlock=immediate did it
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock("+lockKey+")", name)
	return err
}

// lockKey turns the name of a lock into PostgreSQL's 64 bits. Locks are a whole
// database's, which several of our schemas may share.
const lockKey = "hashtextextended(concat(current_schema(), '.vigie.', ?), 0)"

// Leadership is the right to be the one process that does a job.
type Leadership struct {
	conn *bun.Conn // nil where one process is all there can be
	name string
}

// Lead asks for the right to do a job; nil without an error means that another
// process has it. The right ends with Resign, or with the connection.
func (s *Store) Lead(ctx context.Context, job string) (*Leadership, error) {
	if !s.dialect.postgres {
		return &Leadership{}, nil
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, translate(err)
	}
	lead := &Leadership{conn: &conn, name: "lead." + job}
	var got bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock("+lockKey+")", lead.name).Scan(&got); err != nil || !got {
		conn.Close()
		return nil, translate(err)
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

// channel is what PostgreSQL calls, in SQL, the place where a schema's processes
// tell one another of something; channels too are a whole database's.
const channel = "'vigie_' || to_hex(" + lockKey + ")"

// notify tells all who listen for something, once the transaction is committed.
func (d dialect) notify(ctx context.Context, tx bun.Tx, something string) error {
	if !d.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_notify("+channel+", '')", something)
	return err
}

// listen calls heard, until ctx ends, whenever any process may have notified of
// something. SQLite's processes cannot, and must look.
func (d dialect) listen(ctx context.Context, db *bun.DB, something string, heard func()) {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 100*time.Millisecond, 5*time.Second
	for d.postgres && ctx.Err() == nil {
		// What broke is the connection: whoever listens looks now and then
		// anyway, and meets the error then.
		_ = d.listenOnce(ctx, db, something, func() { retry.Reset(); heard() })
		select {
		case <-ctx.Done():
		case <-time.After(retry.NextBackOff()):
		}
	}
	<-ctx.Done()
}

// listenOnce listens on one connection for as long as it holds.
func (d dialect) listenOnce(ctx context.Context, db *bun.DB, something string, heard func()) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var name string
	if err := conn.QueryRowContext(ctx, "SELECT "+channel, something).Scan(&name); err != nil {
		return err
	}
	return conn.Raw(func(driverConn any) error {
		pg := driverConn.(*stdlib.Conn).Conn()
		_, err := pg.Exec(ctx, "LISTEN "+pgx.Identifier{name}.Sanitize())
		for err == nil {
			heard() // at first too: something may have happened before
			_, err = pg.WaitForNotification(ctx)
		}
		// A connection that listens is no good for the pool.
		return errors.Join(err, driver.ErrBadConn)
	})
}

// prepared are the arguments of a statement, as the driver takes them.
func (d dialect) prepared(args []any) []any {
	if !d.postgres {
		return args
	}
	return append([]any{pgx.QueryExecModeCacheStatement}, args...)
}

// argument is the place of a statement's n-th argument.
func (d dialect) argument(n int) bun.Safe {
	if !d.postgres {
		return bun.Safe("?" + strconv.Itoa(n))
	}
	return bun.Safe("$" + strconv.Itoa(n))
}

// among is the condition that something is among the n-th argument's ids.
func (d dialect) among(n int) bun.Safe {
	if !d.postgres {
		return "IN (SELECT value FROM json_each(" + d.argument(n) + "))"
	}
	return "= ANY (" + d.argument(n) + ")"
}

// ids are many ids as one argument.
func (d dialect) ids(ids []int64) any {
	if !d.postgres {
		text, err := json.Marshal(ids)
		if err != nil {
			panic("store: plain numbers do not marshal: " + err.Error())
		}
		return string(text)
	}
	return ids
}

// forUpdate locks the rows that a query selects until the transaction ends.
// Their keys stay as they are, so rows that refer to them can be written
// meanwhile: to lock more would let a new delivery wait for a watch that is
// edited, and its editor for the delivery's recipient.
func (d dialect) forUpdate(q *bun.SelectQuery) *bun.SelectQuery {
	if !d.postgres {
		return q
	}
	return q.For("NO KEY UPDATE")
}

// skipLocked locks the rows of a table that a query selects, and leaves out
// those that others have locked.
func (d dialect) skipLocked(q *bun.SelectQuery, table string) *bun.SelectQuery {
	if !d.postgres {
		return q
	}
	return q.For("NO KEY UPDATE OF ? SKIP LOCKED", bun.Ident(table))
}

// clock is the database's own, in milliseconds: leases go by it, whatever
// replicas' clocks say. SQLite's is the machine's.
func (d dialect) clock() bun.Safe {
	if !d.postgres {
		return "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
	}
	return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
}

// translate gives a driver's error its meaning; errors that are ours already
// pass.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*vigie.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[vigie.Problems](err); ok {
		return err
	}
	switch {
	case isNoRows(err):
		return &vigie.Error{Code: vigie.NotFound, Err: err, Text: vigie.Text{FR: "Introuvable.", EN: "Not found."}}
	case isUnique(err):
		return &vigie.Error{Code: vigie.Taken, Err: err, Text: vigie.Text{FR: "Existe déjà.", EN: "Exists already."}}
	case isDown(err):
		return &vigie.Error{Code: vigie.Unavailable, Err: err, Text: vigie.Text{
			FR: "La base de données ne répond pas. Réessayez dans un instant.",
			EN: "The database does not answer. Try again in a moment.",
		}}
	}
	return fmt.Errorf("database: %w", err)
}

// isUnique tells a violated unique constraint: 23505 (unique_violation) in
// PostgreSQL's appendix A.
func isUnique(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code == "23505"
	}
	if liteErr, ok := errors.AsType[*sqlite.Error](err); ok {
		return liteErr.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || liteErr.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// isNoRows tells a query for one row that found none.
func isNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// isDown tells a database that does not answer, and may again: classes 08
// (connection exception), 40 (transaction rollback), 53 (insufficient
// resources), 57P (operator intervention) of PostgreSQL, a busy, full or
// unreadable file of SQLite.
func isDown(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(pgErr.Code, "08") || strings.HasPrefix(pgErr.Code, "40") || strings.HasPrefix(pgErr.Code, "53") || strings.HasPrefix(pgErr.Code, "57P")
	}
	if liteErr, ok := errors.AsType[*sqlite.Error](err); ok {
		switch liteErr.Code() & 0xff { // the primary code of an extended one
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
			return true
		}
		return false
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	return errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

// oldest is the first PostgreSQL that we know.
const oldest = 15

// probe tells which database it is, and whether we can work in it.
func (d dialect) probe(ctx context.Context, db *bun.DB) (version string, err error) {
	if !d.postgres {
		var tables int // what is no database is found out by this
		err := db.NewRaw("SELECT sqlite_version(), COUNT(*) FROM sqlite_master").Scan(ctx, &version, &tables)
		return "SQLite " + version, err
	}
	var number int
	var may bool
	err = db.NewRaw(`SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,
		COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false)`).Scan(ctx, &version, &number, &may)
	switch version = "PostgreSQL " + version; {
	case err != nil:
		return "", err
	case number < oldest:
		return version, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
			FR: "%s est trop ancien : il faut PostgreSQL 15 ou plus récent.", EN: "%s is too old: PostgreSQL 15 or newer is needed.",
		}.With(version)}
	case !may:
		return version, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
			FR: "Cet utilisateur ne peut pas créer de tables dans son schéma.", EN: "This user cannot make tables in its schema.",
		}}
	}
	return version, nil
}
