package syndication

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"
)

// document is a list as it is sent.
type document struct {
	plain []byte
	// packed is the same in gzip; nil where that is not worth it.
	packed []byte
	// tag names the content; modified is since when this server knows it.
	tag      string
	modified time.Time
	// file is the name that it is saved under; "" for a list, which is followed.
	file string
}

func (d *document) size() int { return len(d.plain) + len(d.packed) }

// cache keeps the documents that were read last, up to a size in all, and has each made once for all who wait for it.
type cache struct {
	most  int
	fresh time.Duration
	now   func() time.Time

	making singleflight.Group
	mutex  sync.Mutex
	kept   *simplelru.LRU[string, *keptDocument]
	total  int
}

// keptDocument is a document with the state that it was made in, and when.
type keptDocument struct {
	*document
	state string
	at    time.Time
}

func newCache(most int, fresh time.Duration, now func() time.Time) *cache {
	c := &cache{most: most, fresh: fresh, now: now}
	kept, err := simplelru.NewLRU(math.MaxInt, func(_ string, d *keptDocument) { c.total -= d.size() })
	if err != nil { // only where there is no room for any
		panic("syndication: " + err.Error())
	}
	c.kept = kept
	return c
}

// get returns the document of a name, made in a state: the one that is kept while it is fresh, else what write makes.
func (c *cache) get(ctx context.Context, name, state string, write func(context.Context) ([]byte, error)) (*document, error) {
	return c.getFile(ctx, name, state, func(ctx context.Context) ([]byte, string, error) {
		text, err := write(ctx)
		return text, "", err
	})
}

// getFile is get for a document that is saved: write also names its file.
func (c *cache) getFile(ctx context.Context, name, state string, write func(context.Context) (text []byte, file string, err error)) (*document, error) {
	if d := c.find(name, state); d != nil {
		return d, nil
	}
	// It goes on for the others if the client that came first leaves.
	made, err, _ := c.making.Do(name+"\n"+state, func() (any, error) {
		if d := c.find(name, state); d != nil { // it was made just now
			return d, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		at := c.now()
		text, file, err := write(ctx)
		if err != nil {
			return nil, err
		}
		return c.keep(name, state, at, text, file), nil
	})
	if err != nil {
		return nil, err
	}
	return made.(*document), nil
}

// find returns the document that is kept and still fresh; nil for none.
func (c *cache) find(name, state string) *document {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	d, ok := c.kept.Get(name)
	if !ok || d.state != state {
		return nil
	}
	if age := c.now().Sub(d.at); age < 0 || age >= c.fresh {
		return nil
	}
	return d.document
}

// keep keeps a text that was read at a time. A document that is the same as before has been so since then.
func (c *cache) keep(name, state string, at time.Time, text []byte, file string) *document {
	sum := sha256.Sum256(text)
	d := &document{plain: text, packed: pack(text), tag: base64.RawURLEncoding.EncodeToString(sum[:15]), modified: at.UTC().Truncate(time.Second), file: file}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if before, ok := c.kept.Peek(name); ok {
		if before.tag == d.tag {
			d.modified = before.modified
		}
		c.kept.Remove(name)
	}
	for c.total+d.size() > c.most && c.kept.Len() > 0 {
		c.kept.RemoveOldest()
	}
	c.kept.Add(name, &keptDocument{d, state, at})
	c.total += d.size()
	return d
}

// pack compresses what is longer than a packet.
func pack(text []byte) []byte {
	const worthIt = 1000
	if len(text) < worthIt {
		return nil
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(text) // a buffer takes all
	_ = w.Close()
	return packed.Bytes()
}
