package database

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgxlisten"
	"github.com/uptrace/bun"
)

// published is the payload of the notification that notices were published.
const published = "published"

// Changes returns a channel that gets a value soon after notices were published, by this process or, on PostgreSQL,
// by any other. Several publications may give one value, and a value may come for nothing. It only shortens the wait:
// a consumer that must not miss anything polls as well. It ends with ctx.
func (db *DB) Changes(ctx context.Context) <-chan struct{} {
	woken := make(chan struct{}, 1)
	db.bell.add(woken)
	context.AfterFunc(ctx, func() { db.bell.remove(woken) })
	go db.listen(ctx, published, func() { wake(woken) })
	return woken
}

// bell wakes the waiting goroutines of a process.
type bell struct {
	mutex   sync.Mutex
	waiting map[chan struct{}]struct{}
}

func (b *bell) add(woken chan struct{}) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.waiting == nil {
		b.waiting = make(map[chan struct{}]struct{})
	}
	b.waiting[woken] = struct{}{}
}

func (b *bell) remove(woken chan struct{}) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.waiting, woken)
}

func (b *bell) ring() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for woken := range b.waiting {
		wake(woken)
	}
}

// wake puts a value into a channel, unless there is one.
func wake(woken chan struct{}) {
	select {
	case woken <- struct{}{}:
	default:
	}
}

// channel is the name of PostgreSQL's notification channel, in SQL. Channels belong to a whole database, so the name
// contains the schema.
const channel = "'vigie_' || to_hex(" + lockKey + ")"

// Notify notifies all processes that notices were published, once the transaction is committed. [DB.Wake] wakes this
// process.
func (db *DB) Notify(ctx context.Context, tx bun.Tx) error {
	if !db.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_notify("+channel+", '')", published)
	return err
}

// Wake wakes all who wait in this process for published notices.
func (db *DB) Wake() { db.bell.ring() }

// connector makes a connection to PostgreSQL.
type connector func(ctx context.Context) (*pgx.Conn, error)

// relisten is how long a listener waits before it replaces a broken connection.
const relisten = time.Second

// listen calls notify, until ctx ends, whenever a process may have sent the notification. SQLite has no notifications;
// its processes poll. The connection is not one of the pool's, whose statements it would disturb.
func (db *DB) listen(ctx context.Context, something string, notify func()) {
	for db.postgres && ctx.Err() == nil {
		var name string
		err := db.NewRaw("SELECT "+channel, something).Scan(ctx, &name)
		if err == nil {
			// Errors are about the connection, and the caller meets them when it polls.
			listener := pgxlisten.Listener{Connect: db.serve, ReconnectDelay: relisten}
			listener.Handle(name, handler(notify))
			_ = listener.Listen(ctx)
		}
		select {
		case <-ctx.Done():
		case <-time.After(relisten):
		}
	}
}

// serve makes the connection of a listener. Only servers listen, so it also says that one works with the database: see
// [OpenAlone].
func (db *DB) serve(ctx context.Context) (*pgx.Conn, error) {
	conn, err := db.listener(ctx)
	if err != nil {
		return nil, err
	}
	if err := share(ctx, conn, serving); err != nil {
		conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// handler is called at each notification, and once at first, for those that came before.
type handler func()

// HandleNotification implements [pgxlisten.Handler].
func (h handler) HandleNotification(context.Context, *pgconn.Notification, *pgx.Conn) error {
	h()
	return nil
}

// HandleBacklog implements [pgxlisten.BacklogHandler].
func (h handler) HandleBacklog(context.Context, string, *pgx.Conn) error {
	h()
	return nil
}
