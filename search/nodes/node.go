package nodes

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"vigie/search"
)

// Node is one of the engines, for those who feed it. From what they put, and the cursors that they read, those who read
// learn at once what its copies contain.
type Node struct {
	search.Engine
	Name string

	all   *Engine
	place int
	woken chan struct{}
	// Guarded by the mutex of all:
	asked, away bool
	running     map[*attempt]bool
	late        int // how many of those are late
	latency     latency

	answered, failed, stale, hedges int64
}

// Open implements [search.Engine].
func (n *Node) Open(ctx context.Context, name string) (search.Index, error) {
	inner, err := n.Engine.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	n.all.mutex.Lock()
	defer n.all.mutex.Unlock()
	x := n.all.index(name)
	x.copies[n.place].Index = inner
	return &copied{Index: inner, of: x, node: n}, nil
}

// openCopy opens a copy, and reads its cursor.
func (n *Node) openCopy(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, openFor)
	defer cancel()
	opened, err := n.Open(ctx, name)
	if err == nil {
		_, err = opened.Cursor(ctx)
	}
	return err
}

// Drop implements [search.Engine].
func (n *Node) Drop(ctx context.Context, name string) error {
	n.all.forget(name, n.place)
	return n.Engine.Drop(ctx, name)
}

// forget forgets a copy, and with the last one the index.
func (e *Engine) forget(name string, place int) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	x := e.indexes[name]
	if x == nil {
		return
	}
	x.copies[place] = replica{}
	if slices.ContainsFunc(x.copies, func(r replica) bool { return r.Index != nil }) {
		return
	}
	delete(e.indexes, name)
	if e.current == x {
		e.current = nil
	}
}

// copied is a node's copy of an index, for the one who feeds it.
type copied struct {
	search.Index
	of   *index
	node *Node
	// reached is the cursor that the feeder knows of.
	reached atomic.Int64
}

// errLost is the error of feeding a copy that has lost data since its cursor was read.
var errLost = errors.New("the copy has lost data: its cursor is lower than it was")

// Cursor implements [search.Index].
func (c *copied) Cursor(ctx context.Context) (int64, error) {
	cursor, err := c.read(ctx)
	if err == nil {
		c.reached.Store(cursor)
	}
	return cursor, err
}

func (c *copied) read(ctx context.Context) (int64, error) {
	from := c.of.cursor(c.node.place)
	cursor, err := c.Index.Cursor(ctx)
	if err == nil {
		c.of.saw(c.node.place, from, cursor)
	}
	return cursor, err
}

// Put implements [search.Index]. It puts nothing into a copy that has lost data since its feeder read the cursor:
// nothing would show then that it is not whole.
func (c *copied) Put(ctx context.Context, docs []search.Document) error {
	cursor, err := c.read(ctx)
	if err != nil {
		return err
	}
	if cursor < c.reached.Load() {
		return search.Unavailable(errLost)
	}
	if err := c.Index.Put(ctx, docs); err != nil {
		return err
	}
	for _, d := range docs {
		cursor = max(cursor, d.Number)
	}
	c.reached.Store(cursor)
	c.of.saw(c.node.place, cursor, cursor)
	return nil
}

// watch asks the node from time to time, and at once when it is woken, until ctx ends.
func (n *Node) watch(ctx context.Context) {
	for {
		err := n.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := askEvery
		if !n.heard(err) {
			wait = askAgain
		}
		select {
		case <-ctx.Done():
			return
		case <-n.woken:
		case <-time.After(wait):
		}
	}
}

// ask asks the node for the cursor of its copy of the current index, or, while none is read, whether it answers.
func (n *Node) ask(ctx context.Context) error {
	limit := askFor
	n.all.mutex.Lock()
	x := n.all.current
	var own replica
	if x != nil {
		own = x.copies[n.place]
	}
	n.all.mutex.Unlock()
	if x != nil && own.Index == nil {
		limit = openFor
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	switch {
	case x == nil:
		return n.Ping(ctx)
	case own.Index == nil:
		inner, err := n.Engine.Open(ctx, x.name)
		if err != nil {
			return err
		}
		x.opened(n.place, inner)
		own.Index = inner
	}
	cursor, err := own.Index.Cursor(ctx)
	if err == nil {
		x.saw(n.place, own.cursor, cursor)
	}
	return err
}

// heard notes whether the node answered, and reports whether it is read now.
func (n *Node) heard(err error) (read bool) {
	e := n.all
	e.mutex.Lock()
	defer e.mutex.Unlock()
	n.asked = true
	if err != nil {
		n.leave()
		return false
	}
	if n.away { // what its reads took says nothing any more
		n.away, n.latency = false, latency{}
	}
	return e.current == nil || e.current.isFresh(n.place, time.Now())
}

// errAway is why an attempt ends whose node went away.
var errAway = errors.New("the node went away")

// leave notes that the node is away. Reads that wait for it are cancelled and tried at another node, if there is one. The mutex is held.
func (n *Node) leave() {
	n.away = true
	for _, other := range n.all.nodes {
		if !other.away {
			for a := range n.running {
				a.cancel(errAway)
			}
			return
		}
	}
}

// wake has the node asked at once. The mutex is held.
func (n *Node) wake() {
	select {
	case n.woken <- struct{}{}:
	default: // it is about to be asked
	}
}
