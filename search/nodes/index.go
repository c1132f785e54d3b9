package nodes

import (
	"context"
	"slices"
	"sync"
	"time"

	"vigie/search"
)

// index is an index as those who read see it: any of its copies.
type index struct {
	all    *Engine
	name   string
	copies []replica // by the node's place; guarded by the mutex of all
	seen   []mark
}

var _ search.Index = (*index)(nil)

// replica is a node's copy of an index.
type replica struct {
	search.Index // nil until it is opened
	// cursor is the last one that is known, once it is.
	cursor int64
	known  bool
	// whole says that the copy has been as fresh as the others, and has lost nothing since. One that is not is empty, or
	// being filled, and answers nothing until it contains what it needs: what the freshest copy contained when this one
	// became known, or lost its data.
	whole bool
	needs int64
}

// mark says from when on a number was seen in a copy.
type mark struct {
	number int64
	at     time.Time
}

// grain is how far apart marks are, so that they are few. A number counts as seen up to that much too early.
const grain = Bound / 30

func (x *index) opened(place int, inner search.Index) {
	x.all.mutex.Lock()
	defer x.all.mutex.Unlock()
	x.copies[place].Index = inner
}

// cursor returns the last known cursor of a copy.
func (x *index) cursor(place int) int64 {
	x.all.mutex.Lock()
	defer x.all.mutex.Unlock()
	return x.copies[place].cursor
}

// saw notes the cursor of a copy, which was known to be from when it was asked.
func (x *index) saw(place int, from, cursor int64) {
	x.all.mutex.Lock()
	defer x.all.mutex.Unlock()
	x.noted(place, from, cursor, time.Now())
}

// noted is saw with the mutex held. It reports whether the copy has lost data.
func (x *index) noted(place int, from, cursor int64, now time.Time) (lost bool) {
	own := &x.copies[place]
	lost = cursor < from
	if lost || !own.known {
		own.whole, own.needs, own.cursor = false, x.freshest(), cursor
	}
	own.cursor = max(own.cursor, cursor)
	if !own.known && cursor > x.freshest() { // it may have been so for ever
		own.known, x.seen = true, []mark{{number: cursor}}
		x.settle()
		return false
	}
	own.known = true
	x.remember(cursor, now)
	if !lost && cursor >= x.least(place, now) {
		own.whole = true
	}
	return lost
}

// settle has those alone count as whole that contain what the freshest does now. The mutex is held.
func (x *index) settle() {
	for i := range x.copies {
		own := &x.copies[i]
		own.needs = x.freshest()
		own.whole = own.known && own.cursor >= own.needs
	}
}

// remember notes the highest cursor that was ever seen.
func (x *index) remember(cursor int64, now time.Time) {
	last := len(x.seen) - 1
	switch {
	case last < 0:
		x.seen = append(x.seen, mark{number: cursor})
	case cursor <= x.seen[last].number:
	case now.Sub(x.seen[last].at) < grain:
		x.seen[last].number = cursor
	default:
		x.seen = append(x.seen, mark{cursor, now})
	}
	for len(x.seen) > 1 && now.Sub(x.seen[1].at) >= Bound {
		x.seen = slices.Delete(x.seen, 0, 1)
	}
}

// freshest is the highest cursor that was ever seen; 0 before there was any.
func (x *index) freshest() int64 {
	if len(x.seen) == 0 {
		return 0
	}
	return x.seen[len(x.seen)-1].number
}

// floor is the highest cursor that was seen [Bound] ago: a copy that contains less is behind.
func (x *index) floor(now time.Time) (number int64) {
	for _, m := range x.seen {
		if now.Sub(m.at) >= Bound {
			number = m.number
		}
	}
	return number
}

// least is what a copy must contain for its answers to count.
func (x *index) least(place int, now time.Time) int64 {
	return max(x.floor(now), x.copies[place].needs)
}

// isFresh reports whether a copy was whole, and fresh, when it was last asked.
func (x *index) isFresh(place int, now time.Time) bool {
	own := x.copies[place]
	return own.whole && own.cursor >= x.floor(now)
}

// Put puts documents into all copies, and needs all nodes. A server feeds each node by itself, through [Engine.Nodes].
func (x *index) Put(ctx context.Context, docs []search.Document) error {
	return x.all.every(func(n *Node) error {
		inner, from := x.copyOf(n)
		if inner == nil {
			return search.Unavailable(errNoCopy)
		}
		if err := inner.Put(ctx, docs); err != nil {
			return err
		}
		cursor, err := inner.Cursor(ctx)
		if err == nil {
			x.saw(n.place, from, cursor)
		}
		return err
	})
}

// Cursor returns the cursor of the freshest copy that answers.
func (x *index) Cursor(ctx context.Context) (highest int64, err error) {
	var mutex sync.Mutex
	err = x.all.any(func(n *Node) error {
		inner, from := x.copyOf(n)
		if inner == nil {
			return search.Unavailable(errNoCopy)
		}
		ctx, cancel := context.WithTimeout(ctx, askFor)
		defer cancel()
		cursor, err := inner.Cursor(ctx)
		if err != nil {
			return err
		}
		x.saw(n.place, from, cursor)
		mutex.Lock()
		defer mutex.Unlock()
		highest = max(highest, cursor)
		return nil
	})
	return highest, err
}

func (x *index) copyOf(n *Node) (inner search.Index, cursor int64) {
	x.all.mutex.Lock()
	defer x.all.mutex.Unlock()
	own := x.copies[n.place]
	return own.Index, own.cursor
}

// Search asks one copy, and others if need be.
func (x *index) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	if len(queries) == 0 {
		return nil, nil
	}
	asked := slices.Clone(queries)
	asked[0].Cursor = true
	return read(ctx, x, true, func(ctx context.Context, inner search.Index) ([]search.Result, int64, error) {
		results, err := inner.Search(ctx, asked)
		if err != nil {
			return nil, 0, err
		}
		cursor := results[0].Cursor
		if !queries[0].Cursor {
			results[0].Cursor = 0
		}
		return results, cursor, nil
	})
}

// Words asks one copy, and others if need be. Nobody waits for them, so none is asked because another is late.
func (x *index) Words(ctx context.Context) (map[string]int, error) {
	return read(ctx, x, false, func(ctx context.Context, inner search.Index) (map[string]int, int64, error) {
		cursor, err := inner.Cursor(ctx)
		if err != nil {
			return nil, 0, err
		}
		words, err := inner.Words(ctx)
		return words, cursor, err
	})
}
