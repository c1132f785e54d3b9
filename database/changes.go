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

// published is what processes tell one another of when notices were published.
const published = "published"

// Changes gives a value soon after notices were published, by this process or,
// on PostgreSQL, by any other; several at once may give one, and one may be for
// nothing. It is to spare a wait: whoever must not miss anything looks now and
// then as well. It ends with ctx.
func (db *DB) Changes(ctx context.Context) <-chan struct{} {
	woken := make(chan struct{}, 1)
	db.bell.add(woken)
	context.AfterFunc(ctx, func() { db.bell.remove(woken) })
	go db.listen(ctx, published, func() { wake(woken) })
	return woken
}

// bell wakes those who wait within a process.
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

// wake leaves a value for who waits, unless one is there.
func wake(woken chan struct{}) {
	select {
	case woken <- struct{}{}:
	default:
	}
}

// channel is what PostgreSQL calls, in SQL, the place where a schema's processes
// tell one another of something; channels too are a whole database's.
const channel = "'vigie_' || to_hex(" + lockKey + ")"

// Notify tells all processes that notices were published, once the transaction
// is committed. This process is told by [DB.Wake].
func (db *DB) Notify(ctx context.Context, tx bun.Tx) error {
	if !db.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_notify("+channel+", '')", published)
	return err
}

// Wake gives a value to all who wait in this process for what was published.
func (db *DB) Wake() { db.bell.ring() }

// connector makes a connection to PostgreSQL.
type connector func(ctx context.Context) (*pgx.Conn, error)

// relisten is how long a listener whose connection broke waits until it connects
// again.
const relisten = time.Second

// listen calls heard, until ctx ends, whenever any process may have notified of
// something. SQLite's processes cannot, and must look. The connection is none of
// the pool's, whose statements it would disturb.
func (db *DB) listen(ctx context.Context, something string, heard func()) {
	for db.postgres && ctx.Err() == nil {
		var name string
		err := db.NewRaw("SELECT "+channel, something).Scan(ctx, &name)
		if err == nil {
			// Errors are about the connection: whoever listens looks now and then as
			// well, and meets them then.
			listener := pgxlisten.Listener{Connect: db.listener, ReconnectDelay: relisten}
			listener.Handle(name, handler(heard))
			_ = listener.Listen(ctx)
		}
		select {
		case <-ctx.Done():
		case <-time.After(relisten):
		}
	}
}

// handler is called for what is notified, and at first, for what may have been
// before.
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
