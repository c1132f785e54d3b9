package nodes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"vigie"
	"vigie/search"
)

// server is an engine in memory that can fail as servers do.
type server struct {
	mutex   sync.Mutex
	changed chan struct{} // closed when what follows changes
	down    bool          // it refuses connections
	paused  bool          // it answers nothing
	takes   time.Duration // to answer
	indexes map[string]*content
	asked   int
}

// content is what an index contains.
type content struct {
	cursor int64
	docs   map[int64]bool
}

func newServer() *server {
	return &server{changed: make(chan struct{}), indexes: make(map[string]*content), takes: time.Millisecond}
}

// become changes how the server is.
func (s *server) become(how func(*server)) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	how(s)
	close(s.changed)
	s.changed = make(chan struct{})
}

// times is how often it was asked something.
func (s *server) times() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.asked
}

var errRefused = errors.New("connection refused")

// answers waits as long as the server takes, and returns with the mutex held if it answers.
func (s *server) answers(ctx context.Context) error {
	s.mutex.Lock()
	s.asked++
	ready := time.Now().Add(s.takes)
	for {
		if s.down {
			s.mutex.Unlock()
			return search.Unavailable(errRefused)
		}
		if !s.paused && !time.Now().Before(ready) {
			return nil
		}
		changed, paused := s.changed, s.paused
		s.mutex.Unlock()
		var over <-chan time.Time
		if !paused {
			over = time.After(time.Until(ready))
		}
		select {
		case <-ctx.Done():
			return search.Unavailable(ctx.Err())
		case <-changed:
		case <-over:
		}
		s.mutex.Lock()
	}
}

func (s *server) Open(ctx context.Context, name string) (search.Index, error) {
	if err := s.answers(ctx); err != nil {
		return nil, err
	}
	defer s.mutex.Unlock()
	s.make(name)
	return &stored{s, name}, nil
}

func (s *server) make(name string) *content {
	if s.indexes[name] == nil {
		s.indexes[name] = &content{docs: make(map[int64]bool)}
	}
	return s.indexes[name]
}

func (s *server) Names(ctx context.Context) ([]string, error) {
	if err := s.answers(ctx); err != nil {
		return nil, err
	}
	defer s.mutex.Unlock()
	return slices.Sorted(maps.Keys(s.indexes)), nil
}

func (s *server) Drop(ctx context.Context, name string) error {
	if err := s.answers(ctx); err != nil {
		return err
	}
	defer s.mutex.Unlock()
	delete(s.indexes, name)
	return nil
}

func (s *server) Ping(ctx context.Context) error {
	if err := s.answers(ctx); err != nil {
		return err
	}
	s.mutex.Unlock()
	return nil
}

func (s *server) Close() error { return nil }

// stored is an index of a server.
type stored struct {
	server *server
	name   string
}

func (x *stored) Put(ctx context.Context, docs []search.Document) error {
	if err := x.server.answers(ctx); err != nil {
		return err
	}
	defer x.server.mutex.Unlock()
	in := x.server.indexes[x.name]
	if in == nil {
		return search.Unavailable(errors.New("no such index"))
	}
	for _, d := range docs {
		in.docs[d.ID] = true
		in.cursor = max(in.cursor, d.Number)
	}
	return nil
}

// Cursor makes the index if it is lost, as Meilisearch's does: the worst that may happen to who reads it.
func (x *stored) Cursor(ctx context.Context) (int64, error) {
	if err := x.server.answers(ctx); err != nil {
		return 0, err
	}
	defer x.server.mutex.Unlock()
	return x.server.make(x.name).cursor, nil
}

// Search says how many documents there are. One that they are not all of up to the cursor is an error of its own.
func (x *stored) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	if err := x.server.answers(ctx); err != nil {
		return nil, err
	}
	defer x.server.mutex.Unlock()
	in := x.server.indexes[x.name]
	if in == nil {
		return nil, search.Unavailable(errors.New("no such index"))
	}
	if int64(len(in.docs)) != in.cursor {
		return nil, &vigie.Error{Code: vigie.BadRequest, Err: fmt.Errorf("%d documents up to %d", len(in.docs), in.cursor)}
	}
	results := make([]search.Result, len(queries))
	for i, q := range queries {
		if err := q.Check(); err != nil {
			return nil, err
		}
		results[i].Total = len(in.docs)
		if q.Cursor {
			results[i].Cursor = in.cursor
		}
	}
	return results, nil
}

func (x *stored) Words(ctx context.Context) (map[string]int, error) {
	results, err := x.Search(ctx, []search.Query{{}})
	if err != nil {
		return nil, err
	}
	return map[string]int{"voirie": results[0].Total}, nil
}

// numbered are documents of which each has its number as its ID.
func numbered(from, to int64) (docs []search.Document) {
	for n := from; n <= to; n++ {
		docs = append(docs, search.Document{ID: n, Number: n})
	}
	return docs
}
