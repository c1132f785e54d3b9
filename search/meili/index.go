package meili

import (
	"context"
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

// ensure makes the index where there is none, and applies our settings.
func (x *index) ensure(ctx context.Context) error {
	found, err := x.engine.find(ctx, x.uid)
	if err != nil {
		return err
	}
	if !found {
		err := x.engine.run(ctx, func() (*meilisearch.TaskInfo, error) {
			return x.engine.server.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: x.uid, PrimaryKey: plan.ID})
		})
		if err != nil && !isAbout(err, "index_already_exists") { // made by another of us
			return err
		}
	}
	return x.applySettings(ctx)
}

func (x *index) Cursor(ctx context.Context) (int64, error) {
	cursor, err := x.cursor(ctx)
	if isAbout(err, "index_not_found") {
		// Lost with the server's data: made anew, for the feed to fill.
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
	// This also keeps from putting into an index that is gone: Meilisearch
	// would make one of that name, without settings.
	cursor, err := x.cursor(ctx)
	if err != nil {
		return err
	}
	batches, err := plan.Batches(docs)
	if err != nil {
		return err
	}
	for _, docs := range batches {
		var gone []string
		rows := make([]any, 0, len(docs)+1)
		for _, d := range docs {
			cursor = max(cursor, d.Number)
			if d.Deleted {
				gone = append(gone, strconv.FormatInt(d.ID, 10))
			} else {
				rows = append(rows, escaped(plan.RowOf(d)))
			}
		}
		rows = append(rows, map[string]int64{plan.ID: cursorID, cursorField: cursor})
		// Deletions are a task of their own, and go first: were they lost, the
		// cursor would not have passed them.
		if len(gone) > 0 {
			err := x.engine.run(ctx, func() (*meilisearch.TaskInfo, error) {
				return x.manager.DeleteDocumentsWithContext(ctx, gone, nil)
			})
			if err != nil {
				return err
			}
		}
		err := x.engine.run(ctx, func() (*meilisearch.TaskInfo, error) {
			return x.manager.AddDocumentsWithContext(ctx, rows, &meilisearch.DocumentOptions{PrimaryKey: new(plan.ID)})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
