package graph

import (
	"context"

	"vigie/source"
)

func (q query) Sources(ctx context.Context) ([]*source.Health, error) {
	list, err := q.service.Sources(ctx)
	return pointers(list), err
}

func (sourceType) LastError(_ context.Context, h *source.Health) (*string, error) {
	return orNull(h.LastError), nil
}
