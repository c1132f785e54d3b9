package consumer

import (
	"context"
	"errors"
	"time"
)

// Item is something to process, at its place in the order of changes.
type Item struct {
	ID     int64
	Number int64
	// Detail is what is needed to process it later, if it is quarantined.
	Detail string
	// FirstTried is when it was quarantined, if it was and is tried again; else zero.
	FirstTried time.Time
}

// Stream processes items in the order of their numbers, each at least once: its cursor passes an item only once that
// was processed or quarantined.
type Stream struct {
	// Kind is the kind of the items.
	Kind string
	// Batch is how many are read, and processed, at once.
	Batch int
	// Cursor returns where to go on, and Advance records that all items up to a number are done: both in the
	// database, under the consumer's name, if nil.
	Cursor  func(ctx context.Context) (int64, error)
	Advance func(ctx context.Context, to int64) error
	// Next returns at most limit items after a number, in the order of their numbers.
	Next func(ctx context.Context, after int64, limit int) ([]Item, error)
	// Process processes items. If it fails, they are processed again in smaller batches, to find the one at fault;
	// Process must be idempotent.
	Process func(ctx context.Context, items []Item) error
	// Reached is called whenever all items are done; may be nil.
	Reached func(ctx context.Context) error
	// SetAside is called when an item was quarantined; may be nil.
	SetAside func(ctx context.Context, item Item) error
	// Skip says that an item that cannot be processed is skipped, not quarantined: later there is nobody to process
	// it for.
	Skip bool
	// Latest says that a later change of an item replaces a quarantined one.
	Latest bool

	consumer   *Consumer
	quarantine *Quarantine
	// idleAt is when the stream last recorded that everything is done.
	idleAt time.Time
}

// idleEvery is how often the stream records that everything is done.
const idleEvery = time.Minute

// errNotLeading is the error of a step that lost leadership.
var errNotLeading = errors.New("another replica may lead now")

// Stream makes the stream the work of the consumer.
func (c *Consumer) Stream(s Stream) *Stream {
	s.consumer, s.quarantine = c, &Quarantine{Consumer: c, Kind: s.Kind}
	if s.Cursor == nil {
		s.Cursor, s.Advance = s.stored, s.store
		if s.Reached == nil {
			s.Reached = s.recordIdle
		}
	}
	return &s
}

func (s *Stream) stored(ctx context.Context) (int64, error) {
	return s.consumer.DB.Cursor(ctx, s.consumer.Name)
}

func (s *Stream) store(ctx context.Context, to int64) error {
	return s.consumer.DB.Advance(ctx, s.consumer.Name, to)
}

func (s *Stream) recordIdle(ctx context.Context) error {
	now := s.consumer.Now()
	if since := now.Sub(s.idleAt); since >= 0 && since < idleEvery { // a clock that was ahead is set right
		return nil
	}
	s.idleAt = now
	return s.consumer.DB.MarkIdle(ctx, s.consumer.Name)
}

// Step tries again the items that an operator asked for, and processes the next batch.
func (s *Stream) Step(ctx context.Context) (more bool, err error) {
	again, err := s.quarantine.Retry(ctx, s.Try)
	if err != nil {
		return false, err
	}
	more, err = s.Continue(ctx)
	return more || again, err
}

// Continue processes the next batch.
func (s *Stream) Continue(ctx context.Context) (more bool, err error) {
	after, err := s.Cursor(ctx)
	if err != nil {
		return false, err
	}
	items, err := s.Next(ctx, after, s.Batch)
	if err != nil {
		return false, err
	}
	if len(items) > 0 {
		if err := s.process(ctx, items); err != nil {
			return false, err
		}
	}
	if len(items) == s.Batch {
		return true, nil
	}
	if s.Reached != nil {
		return false, s.Reached(ctx)
	}
	return false, nil
}

// process processes items and passes them. If they fail because of one of them, each half is processed again, until
// that one is alone.
func (s *Stream) process(ctx context.Context, items []Item) error {
	alone := len(items) == 1
	if !alone && s.quarantine.failing(items[0].ID) { // known to fail
		return s.both(ctx, items, 1)
	}
	err := s.try(ctx, items)
	switch {
	case err == nil:
		return s.pass(ctx, items)
	case !own(err):
		return err
	case !alone:
		return s.both(ctx, items, len(items)/2)
	}
	return s.fail(ctx, items[0], err)
}

// both processes the first n items, then the others.
func (s *Stream) both(ctx context.Context, items []Item, first int) error {
	if err := s.process(ctx, items[:first]); err != nil {
		return err
	}
	return s.process(ctx, items[first:])
}

// Try processes an item that was passed, and turns a panic into an error.
func (s *Stream) Try(ctx context.Context, item Item) error { return s.try(ctx, []Item{item}) }

// try processes items, and turns a panic into an error.
func (s *Stream) try(ctx context.Context, items []Item) error {
	if !s.consumer.holds(ctx) {
		return errNotLeading
	}
	return Guard(func() error {
		if s.consumer.Fault != nil {
			if err := s.consumer.Fault(ctx, s.consumer.Name, items); err != nil {
				return err
			}
		}
		return s.Process(ctx, items)
	})
}

// pass records that items were processed.
func (s *Stream) pass(ctx context.Context, items []Item) error {
	ids := make([]int64, len(items))
	for i, item := range items {
		ids[i] = item.ID
		s.quarantine.reset(item.ID)
	}
	if s.Latest {
		if err := s.consumer.DB.Release(ctx, s.consumer.Name, ids); err != nil {
			return err
		}
	}
	return s.Advance(ctx, items[len(items)-1].Number)
}

// fail records that an item failed, and passes it once it is quarantined.
func (s *Stream) fail(ctx context.Context, item Item, cause error) error {
	aside, err := s.quarantine.failed(ctx, item, cause, !s.Skip)
	if err != nil {
		return err
	}
	if !aside {
		return &itemError{s.Kind, item, cause}
	}
	if s.SetAside != nil {
		if err := s.SetAside(ctx, item); err != nil {
			return err
		}
	}
	return s.Advance(ctx, item.Number)
}
