package graph

import (
	"context"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// What is kept of documents, in bytes of their texts. A parsed document takes
// many times as much memory as its text, so callers could else fill it.
const (
	mostParsed    = 256 << 10
	mostPersisted = 1 << 20
)

// cache keeps what was used last, up to a size in all.
type cache[T any] struct {
	size  func(key string, value T) int
	most  int
	mutex sync.Mutex
	kept  *simplelru.LRU[string, T]
	total int
}

func newCache[T any](most int, size func(key string, value T) int) *cache[T] {
	c := &cache[T]{size: size, most: most}
	kept, err := simplelru.NewLRU(math.MaxInt, func(key string, value T) { c.total -= size(key, value) })
	if err != nil { // only where there is no room for any
		panic(err)
	}
	c.kept = kept
	return c
}

// Get implements [graphql.Cache].
func (c *cache[T]) Get(_ context.Context, key string) (value T, ok bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.kept.Get(key)
}

// Add implements [graphql.Cache]. What is larger than a sixteenth of the whole is
// not kept: it would take the place of many others.
func (c *cache[T]) Add(_ context.Context, key string, value T) {
	size := c.size(key, value)
	if size > c.most/16 {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.kept.Remove(key)
	for c.total+size > c.most {
		c.kept.RemoveOldest()
	}
	c.kept.Add(key, value)
	c.total += size
}
