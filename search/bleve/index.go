package bleve

import (
	"context"
	"fmt"
	"strconv"

	"github.com/blevesearch/bleve/v2"

	"vigie/search"
	"vigie/search/internal/plan"
)

// index is one of an engine's indexes.
type index struct{ bleve bleve.Index }

// cursorKey is where an index keeps its cursor: set in the batch of the
// documents that it counts, so that a crash keeps both or neither.
const cursorKey = "vigie:cursor"

func (x *index) Put(ctx context.Context, docs []search.Document) error {
	cursor, err := x.Cursor(ctx)
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
		batch := x.bleve.NewBatch()
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
		if err := x.bleve.Batch(batch); err != nil {
			return search.Unavailable(err)
		}
	}
	return nil
}

func (x *index) Cursor(context.Context) (int64, error) {
	value, err := x.bleve.GetInternal([]byte(cursorKey))
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
