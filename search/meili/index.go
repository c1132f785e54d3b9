package meili

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/meilisearch/meilisearch-go"

	"vigie/search"
	"vigie/search/internal/plan"
)

// index is one of an engine's indexes.
type index struct {
	engine  *Engine
	uid     string
	manager meilisearch.IndexManager
}

// An index's cursor is in a document of its own, stored by the task that
// stores the documents it counts. No tender has its ID, and no other document
// has its field, by which searches leave it out.
const (
	cursorID    = 0
	cursorField = "cursor"
)

// ensure creates the index if there is none, and applies our settings.
func (x *index) ensure(ctx context.Context) error {
	found, err := x.engine.find(ctx, x.uid)
	if err != nil {
		return err
	}
	if !found {
		err := x.engine.run(ctx, func() (*meilisearch.TaskInfo, error) {
			return x.engine.server.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: x.uid, PrimaryKey: plan.ID})
		})
		if err != nil && !isAbout(err, "index_already_exists") { // another process of ours created it
			return err
		}
	}
	return x.applySettings(ctx)
}

func (x *index) Cursor(ctx context.Context) (int64, error) {
	cursor, err := x.cursor(ctx)
	if isAbout(err, "index_not_found") {
		// Lost with the server's data: created again, to be filled by the indexer.
		return 0, x.ensure(ctx)
	}
	return cursor, err
}

func (x *index) cursor(ctx context.Context) (int64, error) {
	cursor, err := try(ctx, x.engine, func() (int64, error) {
		var doc struct {
			Cursor int64 `json:"cursor"`
		}
		err := x.manager.GetDocumentWithContext(ctx, strconv.Itoa(cursorID), &meilisearch.DocumentQuery{Fields: []string{cursorField}}, &doc)
		return doc.Cursor, err
	})
	if isAbout(err, "document_not_found") {
		return 0, nil
	}
	return cursor, err
}

func (x *index) Put(ctx context.Context, docs []search.Document) error {
	// This also prevents putting into a deleted index: Meilisearch would create one of that name, without settings.
	cursor, err := x.cursor(ctx)
	if err != nil {
		return err
	}
	batches, err := plan.Batches(docs)
	if err != nil {
		return err
	}
	for _, docs := range batches {
		if cursor, err = x.putBatch(ctx, docs, cursor); err != nil {
			return err
		}
	}
	return nil
}

// row is a document as it is sent; without a body for one to be deleted.
type row struct {
	id     string
	number int64
	body   json.RawMessage
}

// putBatch puts documents, in requests of a size that Meilisearch accepts. It returns the cursor that the index then
// has.
func (x *index) putBatch(ctx context.Context, docs []search.Document, cursor int64) (int64, error) {
	var rows []row
	size := 0
	for _, d := range docs {
		next := row{id: strconv.FormatInt(d.ID, 10), number: d.Number}
		if !d.Deleted {
			var err error
			if next.body, err = json.Marshal(escaped(plan.RowOf(d))); err != nil {
				return cursor, search.Internal(err)
			}
		}
		if size += len(next.body); len(rows) > 0 && size > int(x.engine.body.Load()) {
			var err error
			if cursor, err = x.send(ctx, rows, cursor); err != nil {
				return cursor, err
			}
			rows, size = nil, len(next.body)
		}
		rows = append(rows, next)
	}
	if len(rows) == 0 {
		return cursor, nil
	}
	return x.send(ctx, rows, cursor)
}

// send sends rows, in halves if they are too many for one request.
func (x *index) send(ctx context.Context, rows []row, cursor int64) (int64, error) {
	reached, size, err := x.store(ctx, rows, cursor)
	switch {
	case err == nil:
		return reached, nil
	case !isTooLarge(err):
		return cursor, err
	case len(rows) == 1:
		return cursor, search.TooLarge(err)
	}
	if half := int64(size / 2); half < x.engine.body.Load() {
		x.engine.body.Store(half)
	}
	if cursor, err = x.send(ctx, rows[:len(rows)/2], cursor); err != nil {
		return cursor, err
	}
	return x.send(ctx, rows[len(rows)/2:], cursor)
}

// store stores rows with one request, and returns its size.
func (x *index) store(ctx context.Context, rows []row, cursor int64) (reached int64, size int, err error) {
	var deleted []string
	documents := make([]any, 0, len(rows)+1)
	for _, r := range rows {
		cursor = max(cursor, r.number)
		if r.body == nil {
			deleted = append(deleted, r.id)
			continue
		}
		documents = append(documents, r.body)
		size += len(r.body)
	}
	if size > largest && len(rows) == 1 {
		return 0, size, search.TooLarge(fmt.Errorf("document %s has %d bytes", rows[0].id, size))
	}
	documents = append(documents, map[string]int64{plan.ID: cursorID, cursorField: cursor})
	// Deletions are a task of their own, and come first: if they were lost, the cursor would not have passed them.
	if len(deleted) > 0 {
		err := x.engine.run(ctx, func() (*meilisearch.TaskInfo, error) {
			return x.manager.DeleteDocumentsWithContext(ctx, deleted, nil)
		})
		if err != nil {
			return 0, size, err
		}
	}
	err = x.engine.run(ctx, func() (*meilisearch.TaskInfo, error) {
		return x.manager.AddDocumentsWithContext(ctx, documents, &meilisearch.DocumentOptions{PrimaryKey: new(plan.ID)})
	})
	return cursor, size, err
}
