package bleve

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/blevesearch/bleve/v2"

	"vigie/search"
	"vigie/search/internal/plan"
)

// index is one of an engine's indexes.
type index struct {
	// open opens the folder.
	open  func() (bleve.Index, error)
	mutex sync.Mutex
	// bleve is nil after a write that failed, until it is opened again, and once
	// it is closed permanently.
	bleve  bleve.Index
	closed bool
	// columns are what was read of each segment, by its id in the index that
	// was read; values are what it is counted by.
	read    bleve.Index
	columns map[uint64]*columns
	values  *vocabularies
}

// opened is the index as it can be used now.
func (x *index) opened() (bleve.Index, error) {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.closed {
		return nil, search.Unavailable(bleve.ErrorIndexClosed)
	}
	if x.bleve == nil {
		again, err := x.open()
		if err != nil {
			return nil, search.Unavailable(err)
		}
		x.bleve = again
	}
	return x.bleve, nil
}

// abandon closes the index after a write that failed: Bleve goes on to search
// what it could not write, and has freed. What the folder holds is whole.
func (x *index) abandon(failed bleve.Index) error {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.bleve != failed {
		return nil
	}
	x.bleve = nil
	return failed.Close()
}

// close closes the index permanently.
func (x *index) close() error {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	x.closed = true
	if x.bleve == nil {
		return nil
	}
	return x.bleve.Close()
}

// cursorKey is where an index keeps its cursor: set in the batch of the
// documents that it counts, so that a crash keeps both or neither.
const cursorKey = "vigie:cursor"

func (x *index) Put(ctx context.Context, docs []search.Document) error {
	open, err := x.opened()
	if err != nil {
		return err
	}
	cursor, err := cursorOf(open)
	if err != nil {
		return err
	}
	batches, err := plan.Batches(docs)
	if err != nil {
		return err
	}
	for _, docs := range batches {
		if err := ctx.Err(); err != nil {
			return search.Unavailable(err)
		}
		batch := open.NewBatch()
		for _, d := range docs {
			cursor = max(cursor, d.Number)
			id := strconv.FormatInt(d.ID, 10)
			if d.Deleted {
				batch.Delete(id)
			} else if err := batch.Index(id, fields(plan.RowOf(d))); err != nil {
				return search.Internal(err)
			}
		}
		batch.SetInternal([]byte(cursorKey), strconv.AppendInt(nil, cursor, 10))
		if err := open.Batch(batch); err != nil {
			return search.Unavailable(errors.Join(err, x.abandon(open)))
		}
	}
	return nil
}

func (x *index) Cursor(context.Context) (int64, error) {
	open, err := x.opened()
	if err != nil {
		return 0, err
	}
	return cursorOf(open)
}

func cursorOf(open bleve.Index) (int64, error) {
	value, err := open.GetInternal([]byte(cursorKey))
	if err != nil {
		return 0, search.Unavailable(err)
	}
	if value == nil {
		return 0, nil
	}
	cursor, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return 0, search.Internal(fmt.Errorf("cursor of a search index: %w", err))
	}
	return cursor, nil
}
