package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/uptrace/bun"

	"vigie/database"
)

// Tries is how often an item is tried before it is quarantined.
const Tries = 3

// Panic is a recovered panic as an error.
type Panic struct {
	Value any
	Stack string
}

// Error implements error.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Guard runs work and returns its error, or a [Panic] if it panicked.
func Guard(work func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &Panic{value, string(debug.Stack())}
		}
	}()
	return work()
}

// itemError is a failure of one item, which is tried again.
type itemError struct {
	kind string
	item Item
	err  error
}

func (e *itemError) Error() string { return fmt.Sprintf("%s %d: %v", e.kind, e.item.ID, e.err) }

func (e *itemError) Unwrap() error { return e.err }

// own reports whether what was processed is at fault: it is not if something else does not answer, or if we are to
// stop.
func own(err error) bool {
	if _, panicked := errors.AsType[*Panic](err); panicked {
		return true
	}
	return !errors.Is(err, errNotLeading) && database.OfRow(err)
}

// Quarantine counts how often a consumer's items failed by their own fault, and quarantines them after [Tries].
type Quarantine struct {
	Consumer *Consumer
	// Kind is the kind of the items.
	Kind string
	// Also runs in the transaction that quarantines an item; may be nil.
	Also  func(ctx context.Context, tx bun.Tx, item int64) error
	mutex sync.Mutex
	tries map[int64]int
}

// Failed records that an item failed by its own fault, and reports whether it is now quarantined.
func (q *Quarantine) Failed(ctx context.Context, item Item, cause error) (aside bool, err error) {
	return q.failed(ctx, item, cause, true)
}

func (q *Quarantine) failed(ctx context.Context, item Item, cause error, keep bool) (aside bool, err error) {
	tries := q.count(item.ID)
	c := q.Consumer
	c.Metrics.failed(c.Name)
	if tries < Tries {
		c.Log.WarnContext(ctx, "item cannot be processed", "consumer", c.Name, q.Kind, item.ID, "tries", tries, "error", cause, "component", "consumer", "action", "work")
		return false, nil
	}
	if keep {
		if err := q.setAside(ctx, item, cause, tries); err != nil {
			return false, err
		}
	}
	c.Log.ErrorContext(ctx, "item quarantined", c.about(cause, q.Kind, item.ID, "tries", tries)...)
	q.reset(item.ID)
	return true, nil
}

func (q *Quarantine) setAside(ctx context.Context, item Item, cause error, tries int) error {
	row := &database.Quarantined{
		Consumer: q.Consumer.Name, Item: item.ID, Kind: q.Kind, Number: item.Number, Detail: item.Detail, Error: cause.Error(), Tries: int64(tries),
	}
	return q.Consumer.DB.SetAside(ctx, row, func(ctx context.Context, tx bun.Tx) error {
		if q.Also == nil {
			return nil
		}
		return q.Also(ctx, tx, item.ID)
	})
}

// retries is how many items are tried again in one step.
const retries = 100

// Retry processes the items that an operator asked for, and reports whether there may be more. An item that fails
// again stays in quarantine.
func (q *Quarantine) Retry(ctx context.Context, process func(ctx context.Context, item Item) error) (more bool, err error) {
	rows, err := q.Consumer.DB.Retries(ctx, q.Consumer.Name, retries)
	if err != nil {
		return false, err
	}
	for _, row := range rows {
		item := Item{ID: row.Item, Number: row.Number, Detail: row.Detail, FirstTried: row.FirstAt}
		switch err := process(ctx, item); {
		case err == nil:
			err = q.Consumer.DB.Release(ctx, q.Consumer.Name, []int64{row.Item})
			if err != nil {
				return false, err
			}
		case !own(err):
			return false, err
		default:
			q.Consumer.Metrics.failed(q.Consumer.Name)
			q.Consumer.Log.ErrorContext(ctx, "quarantined item failed again", q.Consumer.about(err, q.Kind, item.ID)...)
			if err := q.setAside(ctx, item, err, 1); err != nil {
				return false, err
			}
		}
	}
	return len(rows) == retries, nil
}

// count counts one more failure.
func (q *Quarantine) count(item int64) int {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.tries == nil {
		q.tries = make(map[int64]int)
	}
	q.tries[item]++
	return q.tries[item]
}

// failing reports whether an item failed before.
func (q *Quarantine) failing(item int64) bool {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return q.tries[item] > 0
}

// reset deletes the counted failures of an item.
func (q *Quarantine) reset(item int64) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	delete(q.tries, item)
}
