package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver

	"vigie"
)

// use is how a process uses a database.
type use struct {
	// create is whether it creates the SQLite file if it does not exist.
	create bool
	// alone is whether no other process may have the SQLite file open.
	alone bool
}

// connect opens the database that rawURL names.
func connect(rawURL string, how use) (*DB, error) {
	if path, ok := strings.CutPrefix(rawURL, "sqlite:"); ok {
		return connectSQLite(path, how)
	}
	if strings.HasPrefix(rawURL, "postgres://") || strings.HasPrefix(rawURL, "postgresql://") {
		return connectPostgres(rawURL)
	}
	return nil, &vigie.Error{Code: vigie.Invalid, Text: vigie.Text{
		FR: "L’adresse de la base de données n’est pas valable : elle doit commencer par sqlite: ou postgres://.",
		EN: "This database URL is not valid: it must begin with sqlite: or postgres://.",
	}}
}

// tolerant accepts columns that this version does not know: the next version may add some while servers of this one
// run.
func tolerant() bun.DBOption { return bun.WithDiscardUnknownColumns() }

const (
	// connections is how many connections a pool has, unless the URL says so with pool_max_conns. Leaders and
	// listeners use some of them alone.
	connections = 20
	// idleTimeout is how long an unused connection is kept.
	idleTimeout = 5 * time.Minute
)

func connectPostgres(rawURL string) (*DB, error) {
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return nil, &vigie.Error{Code: vigie.Invalid, Err: err, Text: vigie.Text{
			FR: "L’adresse de la base PostgreSQL n’est pas valable. Forme attendue : postgres://utilisateur@hôte/base",
			EN: "This PostgreSQL URL is not valid. Expected form: postgres://user@host/database",
		}}
	}
	// Bun writes arguments into the query, so that each query is different: preparing them would only fill caches,
	// here and in a pooler. What is prepared says so: [Statement], [Insert].
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.RuntimeParams["timezone"] = "UTC"
	config.DialFunc = dialer(config.ConnectTimeout).DialContext
	most := connections
	if text := config.RuntimeParams["pool_max_conns"]; text != "" { // our parameter, not PostgreSQL's
		if most, err = strconv.Atoi(text); err != nil || most < 8 {
			return nil, &vigie.Error{Code: vigie.Invalid, Err: err, Text: vigie.Text{
				FR: "pool_max_conns doit être un nombre, de 8 au moins.",
				EN: "pool_max_conns must be a number, of at least 8.",
			}}
		}
	}
	delete(config.RuntimeParams, "pool_max_conns")
	ready := stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		registerArrays(conn.TypeMap())
		// There are few statements, and each finds its rows by an index: one plan is as good as another, and
		// PostgreSQL would plan each time. Nor is any worth compiling, which takes PostgreSQL half a second where it
		// overestimates one. Its default cost of a page out of order is that of disks that seek: by it, it reads whole tables
		// of some thousand rows for a batch of a hundred of them.
		_, err := conn.Exec(ctx, "SET plan_cache_mode = force_generic_plan; SET jit = off; SET random_page_cost = 1.1")
		return err
	})
	pool := stdlib.OpenDB(*config, ready)
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most) // opening one takes PostgreSQL longer than most queries
	pool.SetConnMaxIdleTime(idleTimeout)
	listener := func(ctx context.Context) (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, config.Copy()) }
	db := bun.NewDB(pool, pgdialect.New(), tolerant())
	return &DB{DB: db, dialect: dialect{postgres: true}, listener: listener, pipeline: newPipeline(pool, db.Dialect().Tables())}, nil
}

// silenceLimit is how long a database may leave a query or a keep-alive unanswered before its connection counts as
// broken: a machine that fails closes no connection, and a listener would wait for ever.
const silenceLimit = 25 * time.Second

// dialer returns a dialer for PostgreSQL; timeout is how long connecting may take, 0 for no limit.
func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout: timeout, Control: limitSilence,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * silenceLimit / 5, Interval: silenceLimit / 5, Count: 3},
	}
}

// busyTimeout is how long a transaction may wait for another one that writes to SQLite.
const busyTimeout = 20 * time.Second

func connectSQLite(path string, how use) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); !how.create && errors.Is(err, fs.ErrNotExist) {
		return nil, noDatabase(path)
	}
	mode := "rw"
	if how.create {
		mode = "rwc"
	}
	// As parameters of the URL, the settings reach every connection of the pool. busy_timeout comes first because
	// journal_mode may have to wait. With _txlock, a writer waits at the start instead of failing in the middle;
	// read-only transactions are not affected. secure_delete overwrites what is deleted: the data of an erased
	// account must not stay in the file.
	query := url.Values{
		"_pragma":   {fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)", "secure_delete(1)", "cache_size(-8192)", "wal_autocheckpoint(10000)"},
		"_txlock":   {"immediate"},
		"_timezone": {"UTC"},
		"mode":      {mode},
	}
	if how.alone {
		// The driver sorts them, and what reads the file before its lock is to be exclusive shares it.
		query["_pragma"] = []string{"busy_timeout(1000)", "locking_mode(EXCLUSIVE)", "secure_delete(1)"}
		query["_foreign_keys"] = []string{"1"}
	}
	sqlDB, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	if how.alone { // of other processes, and of connections of its own
		sqlDB.SetMaxOpenConns(1)
		return &DB{DB: bun.NewDB(sqlDB, sqlitedialect.New(), tolerant())}, nil
	}
	sqlDB.SetMaxIdleConns(connections)
	sqlDB.SetConnMaxIdleTime(idleTimeout)
	return &DB{DB: bun.NewDB(sqlDB, sqlitedialect.New(), tolerant()), writing: make(chan struct{}, 1)}, nil
}
