package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun/schema"
)

const (
	// mostBatches is how many connections of the pool answer batches at the same time. With few, what many ask at once
	// gathers.
	mostBatches = 4
	// slow is how long a batch may take before it no longer counts among them, as where a table is locked: what others ask is
	// then sent over one more connection of the pool.
	slow = 100 * time.Millisecond
	// longestBatch is how many statements a batch has at most: the first of them waits for the last.
	longestBatch = 32
)

// pipeline sends statements to PostgreSQL in batches, by the pipeline mode of its protocol. What is asked while all
// its connections are busy forms the next batch, so nobody waits for others to ask; and the more is asked at once, the less
// each statement costs: of one that finds a few rows, the round trip takes both sides more time than the rest.
//
// The statements of a batch are one transaction, in which each sees what was committed when PostgreSQL came to it. They
// must only read: if one fails, those behind it are sent again.
type pipeline struct {
	pool    *sql.DB
	readers rowReaders
	mutex   sync.Mutex
	waiting []*call
	// batches is how many are being answered.
	batches int
}

func newPipeline(pool *sql.DB, tables *schema.Tables) *pipeline {
	return &pipeline{pool: pool, readers: rowReaders{tables: tables, kept: make(map[rowsOf]keptReaders)}}
}

// call is a statement that somebody waits for.
type call struct {
	Read
	ctx context.Context // of who waits
	// given has a value once the others are set: the rows that were found, or an error.
	given chan struct{}
	found *rowSet
	err   error
	// batch is what it was sent with; nil before. left is whether its caller has left. The pipeline's mutex guards both.
	batch *batch
	left  bool
}

// batch is calls that are sent together. Once nobody waits for them any longer, cancel ends it.
type batch struct {
	calls  []*call
	cancel context.CancelFunc
}

// ask sends calls together.
func (p *pipeline) ask(calls []*call) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.waiting = append(p.waiting, calls...)
	if p.batches < mostBatches {
		p.batches++
		go p.work()
	}
}

// wait returns the rows of a call that was sent.
func (p *pipeline) wait(c *call) (*rowSet, error) {
	select {
	case <-c.given:
		return c.found, c.err
	case <-c.ctx.Done():
		p.leave(c)
		return nil, c.ctx.Err()
	}
}

// read waits for the rows of a call that was sent, and reads them into its slice.
func (p *pipeline) read(c *call) error {
	found, err := p.wait(c)
	if err != nil {
		return err
	}
	list := reflect.ValueOf(c.rows).Elem()
	readers, err := p.readers.of(rowsOf{c.statement, list.Type().Elem()}, found.columns)
	if err != nil {
		return err
	}
	return found.into(list, readers)
}

// leave is that nobody waits for a call any longer.
func (p *pipeline) leave(c *call) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	c.left = true
	if b := c.batch; b != nil && !slices.ContainsFunc(b.calls, (*call).waits) {
		b.cancel()
	}
}

// waits reports whether somebody still waits for a call.
func (c *call) waits() bool {
	select {
	case <-c.given:
		return false
	default:
		return !c.left
	}
}

// work answers calls until none waits. While a batch is slow, another goroutine goes on in its place.
func (p *pipeline) work() {
	for {
		b, ctx := p.next()
		if b == nil {
			return
		}
		replaced := time.AfterFunc(slow, p.work)
		p.answer(ctx, b.calls)
		b.cancel()
		if !replaced.Stop() {
			return
		}
	}
}

// next takes the next batch of what waits; nil if nothing does, and then one batch fewer is being answered.
func (p *pipeline) next() (*batch, context.Context) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	b := new(batch)
	taken := 0
	for _, c := range p.waiting {
		if len(b.calls) == longestBatch {
			break
		}
		taken++
		if !c.left {
			c.batch = b
			b.calls = append(b.calls, c)
		}
	}
	if p.waiting = p.waiting[taken:]; len(p.waiting) == 0 {
		p.waiting = nil
	}
	if len(b.calls) == 0 {
		p.batches--
		return nil, nil
	}
	ctx, cancel := context.WithCancel(context.Background()) // of several callers
	b.cancel = cancel
	return b, ctx
}

// answer answers all calls. If one of them fails, those behind it are sent again, each by itself; so is it, for nothing
// says which it was. If it is the connection that fails, all do.
func (p *pipeline) answer(ctx context.Context, calls []*call) {
	rest, err := p.send(ctx, calls)
	_, refused := errors.AsType[*pgconn.PgError](err)
	apart := len(calls) > 1 && (refused || !isDown(err)) && ctx.Err() == nil
	for _, c := range rest {
		if apart {
			p.answer(ctx, []*call{c})
			continue
		}
		c.err = err
		close(c.given)
	}
}

// tries is how often calls are sent where a connection turns out to be broken before anything was sent.
const tries = 3

// send sends calls, and returns those that were not answered, with the reason.
func (p *pipeline) send(ctx context.Context, calls []*call) (rest []*call, err error) {
	rest = calls
	for range tries {
		var conn *sql.Conn
		if conn, err = p.pool.Conn(ctx); err != nil {
			return rest, err
		}
		err = conn.Raw(func(driverConn any) error {
			var err error
			rest, err = exchange(ctx, driverConn.(*stdlib.Conn).Conn(), rest)
			if err != nil && pgconn.SafeToRetry(err) {
				return driver.ErrBadConn
			}
			return err
		})
		_ = conn.Close() // gives it back
		if !errors.Is(err, driver.ErrBadConn) {
			return rest, err
		}
	}
	return rest, err
}

// exchange sends calls over a connection, and returns those that were not answered, with the reason.
func exchange(ctx context.Context, conn *pgx.Conn, calls []*call) (rest []*call, err error) {
	statements, arguments := make([]*pgconn.StatementDescription, len(calls)), make([]pgx.ExtendedQueryBuilder, len(calls))
	for i, c := range calls { // each is prepared once
		if statements[i], err = conn.Prepare(ctx, string(c.statement), string(c.statement)); err != nil {
			return calls, err
		}
		if err = arguments[i].Build(conn.TypeMap(), statements[i], c.args); err != nil {
			return calls, err
		}
	}
	requests := conn.PgConn().StartPipeline(ctx)
	for i, a := range arguments {
		requests.SendQueryStatement(statements[i], a.ParamValues, a.ParamFormats, a.ResultFormats)
	}
	err = requests.Sync()
	for err == nil && len(calls) > 0 {
		if calls[0].found, err = nextRows(requests, statements[len(statements)-len(calls)].Fields); err == nil {
			close(calls[0].given)
			calls = calls[1:]
		}
	}
	closed := requests.Close()
	if _, refused := errors.AsType[*pgconn.PgError](err); refused && !conn.IsClosed() {
		// It may be prepared for tables that are others now.
		_ = conn.DeallocateAll(ctx)
	}
	if err == nil && closed != nil && len(calls) == 0 {
		return nil, nil // all have their rows; the connection is closed
	}
	return calls, err
}

// nextRows reads the rows of the next call, which have these columns.
func nextRows(requests *pgconn.Pipeline, columns []pgconn.FieldDescription) (*rowSet, error) {
	results, err := requests.GetResults()
	if err != nil {
		return nil, err
	}
	reader, ok := results.(*pgconn.ResultReader)
	if !ok {
		return nil, errors.New("database: a statement without rows")
	}
	found := &rowSet{columns: columns}
	for reader.NextRow() {
		found.add(reader.Values())
	}
	_, err = reader.Close()
	return found, err
}
