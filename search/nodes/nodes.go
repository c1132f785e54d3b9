// Package nodes makes one search engine of several, its nodes, each of which holds a full copy of each index.
//
// Each copy is fed by itself, from its own cursor, through [Engine.Nodes]: a node that is away, slow or new holds up no
// other. A read goes to one node, and to another if that one fails, is late or turns out to be behind. So what it costs
// that a node is lost is a little time, never an error, as long as one other is there.
//
// A read never trusts what is known of a node: each answer comes with the cursor of the copy that gave it
// ([search.Query] Cursor), and counts only if the copy contains what the freshest one contained [Bound] ago. A copy that
// lost its data, or that is being filled, is recognised by that, also before any watcher has seen it.
package nodes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"vigie"
	"vigie/search"
)

const (
	// Bound is how far behind the freshest copy another may be, and be read.
	Bound = 3 * time.Second
	// askEvery is how often a node is asked for its cursor, askAgain how often while it is not read, and askFor how long
	// that may take.
	askEvery = time.Second
	askAgain = 250 * time.Millisecond
	askFor   = time.Second
	// openFor is how long the opening of a copy may take, which may have to make it.
	openFor = 10 * time.Second
)

// Options are for tests; zero fields have defaults.
type Options struct {
	// Random returns a number from 0 to n-1.
	Random func(n int) int
	// Patience is how long a read is tried again while no node answers; three seconds if zero, not at all if negative.
	Patience time.Duration
}

// Member is one of the engines, with its name in metrics.
type Member struct {
	Name   string
	Engine search.Engine
}

// Engine is the nodes as one engine, for those who read.
type Engine struct {
	nodes    []*Node
	random   func(n int) int
	patience time.Duration

	mutex   sync.Mutex // of all below, and of what is known of nodes and copies
	indexes map[string]*index
	current *index // the one opened last, whose copies are asked for their cursors
	usual   usual
	hedges  budget
}

var _ search.Engine = (*Engine)(nil)

// New returns the engine of several nodes. [Engine.Run] keeps what it knows of them up to date.
func New(members []Member, o Options) *Engine {
	e := &Engine{random: o.Random, patience: o.Patience, indexes: make(map[string]*index), hedges: fullBudget()}
	if e.random == nil {
		e.random = rand.IntN
	}
	if e.patience == 0 {
		e.patience = 3 * time.Second
	}
	for i, m := range members {
		e.nodes = append(e.nodes, &Node{
			Engine: m.Engine, Name: m.Name, all: e, place: i, running: make(map[*attempt]bool), woken: make(chan struct{}, 1),
		})
	}
	return e
}

// Nodes returns the nodes, for those who feed them.
func (e *Engine) Nodes() []*Node { return e.nodes }

// Run asks each node for its cursor from time to time, until ctx ends.
func (e *Engine) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, n := range e.nodes {
		running.Go(func() { n.watch(ctx) })
	}
	running.Wait()
}

// Open opens the copies of an index, and makes those that are missing. It needs one that opens, and waits a little longer
// for the others: those are read once [Engine.Run] knows them.
func (e *Engine) Open(ctx context.Context, name string) (search.Index, error) {
	if err := search.CheckName(name); err != nil {
		return nil, err
	}
	if err := e.openCopies(ctx, name); err != nil {
		return nil, err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.current = e.index(name)
	e.current.settle()
	return e.current, nil
}

// openCopies returns when all copies are open, or one was open for some time, or none can be opened.
func (e *Engine) openCopies(ctx context.Context, name string) error {
	asked := e.answering()
	opened := make(chan error, len(asked))
	for _, n := range asked {
		go func() { opened <- n.openCopy(ctx, name) }()
	}
	var failed error
	var enough <-chan time.Time
	for range asked {
		select {
		case err := <-opened:
			if err != nil {
				failed = err
			} else if enough == nil {
				enough = time.After(askFor)
			}
		case <-enough:
			return nil
		}
	}
	if enough != nil {
		return nil
	}
	return failed
}

// index returns what is known of an index. The mutex is held.
func (e *Engine) index(name string) *index {
	x := e.indexes[name]
	if x == nil {
		x = &index{all: e, name: name, copies: make([]replica, len(e.nodes))}
		e.indexes[name] = x
	}
	return x
}

// any asks all nodes at the same time, but those that are known to be away if there are others. It returns nil if one
// succeeds, else the first error.
func (e *Engine) any(ask func(*Node) error) error {
	errs := make([]error, len(e.nodes))
	var asking sync.WaitGroup
	asked := e.answering()
	for i, n := range asked {
		asking.Go(func() { errs[i] = ask(n) })
	}
	asking.Wait()
	errs = errs[:len(asked)]
	if slices.Contains(errs, nil) {
		return nil
	}
	return errs[0]
}

// answering returns the nodes that are not known to be away; all, if all are.
func (e *Engine) answering() []*Node {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	up := slices.DeleteFunc(slices.Clone(e.nodes), func(n *Node) bool { return n.away })
	if len(up) == 0 {
		return e.nodes
	}
	return up
}

// every asks all nodes at the same time, and returns the first error.
func (e *Engine) every(ask func(*Node) error) error {
	errs := make([]error, len(e.nodes))
	var asking sync.WaitGroup
	for i, n := range e.nodes {
		asking.Go(func() { errs[i] = ask(n) })
	}
	asking.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Names returns the indexes of the nodes that answer.
func (e *Engine) Names(ctx context.Context) ([]string, error) {
	var mutex sync.Mutex
	var all []string
	err := e.any(func(n *Node) error {
		names, err := n.Names(ctx)
		mutex.Lock()
		defer mutex.Unlock()
		all = append(all, names...)
		return err
	})
	slices.Sort(all)
	return slices.Compact(all), err
}

// Drop deletes the copies of an index on all nodes, which must answer.
func (e *Engine) Drop(ctx context.Context, name string) error {
	return e.every(func(n *Node) error { return n.Drop(ctx, name) })
}

// Ping reports whether a node answers. It waits for the first that does.
func (e *Engine) Ping(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, len(e.nodes))
	for _, n := range e.nodes {
		go func() {
			err := n.Ping(ctx)
			if err != nil {
				err = fmt.Errorf("%s: %w", n.Name, err)
			}
			answers <- err
		}()
	}
	var errs []error
	for range e.nodes {
		err := <-answers
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return search.Unavailable(errors.Join(errs...))
}

// Close frees what the nodes hold on this machine.
func (e *Engine) Close() error {
	var errs []error
	for _, n := range e.nodes {
		errs = append(errs, n.Engine.Close())
	}
	return errors.Join(errs...)
}

// State is what is known of a node, for operators.
type State struct {
	Node string
	// Up says that the node answered last; Fresh that it is read, for its copy contains what the others do.
	Up, Fresh bool
	// Behind is how many changes its copy lacks, of those that the freshest one contains.
	Behind int64
	// Latency is what reads take lately; 0 if there were none.
	Latency time.Duration
	// Answered, Failed and Stale count reads by what became of them: of the last the answer did not count, or only for want
	// of a better one, because the copy is behind or has lost data. Hedges counts those that the node was asked because
	// another was late.
	Answered, Failed, Stale, Hedges int64
}

// States returns what is known of the nodes.
func (e *Engine) States() []State {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	now := time.Now()
	list := make([]State, len(e.nodes))
	for i, n := range e.nodes {
		list[i] = State{
			Node: n.Name, Up: n.asked && !n.away, Latency: n.latency.mean, Answered: n.answered, Failed: n.failed, Stale: n.stale, Hedges: n.hedges,
		}
		if x := e.current; x != nil {
			list[i].Behind = max(0, x.freshest()-x.copies[i].cursor)
			list[i].Fresh = list[i].Up && x.isFresh(i, now)
		}
	}
	return list
}

// unavailable reports whether an error says that a node does not answer.
func unavailable(err error) bool { return vigie.CodeOf(err) == vigie.Unavailable }
