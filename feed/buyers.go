package feed

import (
	"context"
	"log/slog"

	"vigie/consumer"
	"vigie/database"
	"vigie/store"
)

// Buyers keeps the store's directory of buyers up to date, on every replica. A search brings it up to date itself; this
// has read it before the first search comes, and reads ahead while none comes.
type Buyers struct {
	Store *store.Store
	Log   *slog.Logger
	// Metrics are passed to the consumer; may be nil.
	Metrics *consumer.Metrics
}

// Run follows the database until ctx ends. Errors are logged, and the work is tried again: databases come back.
func (b *Buyers) Run(ctx context.Context) {
	c := &consumer.Consumer{Name: database.BuyersConsumer, Pace: pollEvery, DB: b.Store.Database(), Log: b.Log, Metrics: b.Metrics}
	c.Work = func(ctx context.Context) (more bool, err error) { return false, b.Store.KeepBuyers(ctx) }
	c.Run(ctx)
}
