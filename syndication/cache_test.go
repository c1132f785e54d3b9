package syndication

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// The cache takes no more memory than it may, keeps what was read last, and no failures.
func TestCache(t *testing.T) {
	now := time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)
	const size, room = 500, 10
	c := newCache(size*room, time.Minute, func() time.Time { return now })
	made := make(map[string]int)
	get := func(name, state string) *document {
		t.Helper()
		d, err := c.get(t.Context(), name, state, func(context.Context) ([]byte, error) {
			made[name+state]++
			return bytes.Repeat([]byte(name), size/len(name)), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if c.total > c.most || c.kept.Len() > room {
			t.Fatalf("%d bytes in %d documents", c.total, c.kept.Len())
		}
		return d
	}
	for i := range 100 {
		get(fmt.Sprintf("%05d", i), "")
		get("first", "")
	}
	if made["first"] != 1 || made["00099"] != 1 {
		t.Errorf("what was read last is made again: %v", made)
	}
	if get("00001", ""); made["00001"] != 2 {
		t.Error("what was not read for long is kept")
	}
	if get("first", "edited"); made["firstedited"] != 1 {
		t.Error("another state has the former document")
	}
	if get("first", ""); made["first"] != 2 {
		t.Error("a former state has the later document")
	}
	fails := errors.New("fails")
	for range 2 {
		if _, err := c.get(t.Context(), "failing", "", func(context.Context) ([]byte, error) { made["failing"]++; return nil, fails }); !errors.Is(err, fails) {
			t.Errorf("%v", err)
		}
	}
	if made["failing"] != 2 {
		t.Errorf("a failure is kept: %v", made["failing"])
	}
	before := c.total
	for range 5 {
		now = now.Add(time.Minute)
		get("first", "")
	}
	if c.total != before {
		t.Errorf("%d bytes after the same was made again, %d before", c.total, before)
	}
	now = now.Add(-time.Hour) // a clock that was ahead
	if count := made["first"]; get("first", "") == nil || made["first"] != count+1 {
		t.Error("a document of a time to come is fresh")
	}
}

// A client that leaves does not end what others may wait for: it is made, and kept.
func TestFirstReaderLeaves(t *testing.T) {
	c := newCache(1000, time.Minute, time.Now)
	ctx, leave := context.WithCancel(t.Context())
	_, err := c.get(ctx, "list", "", func(ctx context.Context) ([]byte, error) {
		leave()
		return []byte("text"), ctx.Err()
	})
	if err != nil {
		t.Errorf("it ended with its first reader: %v", err)
	}
	d, err := c.get(t.Context(), "list", "", func(context.Context) ([]byte, error) {
		t.Error("it is made again")
		return nil, nil
	})
	if err != nil || string(d.plain) != "text" {
		t.Errorf("%v, %v", d, err)
	}
}
