package database_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"vigie"
	"vigie/database"
)

// Rows that cannot be read keep nobody from the others; what is not about a row ends the reading.
func TestReadApart(t *testing.T) {
	ids := []int64{1, 2, 3, 4, 5, 6, 7}
	failing := map[int64]error{2: errors.New("no JSON"), 3: errors.New("no JSON"), 7: errors.New("no number")}
	var read []int64
	reader := func(ids []int64) error {
		for _, id := range ids {
			if failing[id] != nil {
				return failing[id]
			}
		}
		read = append(read, ids...)
		return nil
	}
	unreadable, err := database.ReadApart(ids, reader)
	if err != nil || !slices.Equal(read, []int64{1, 4, 5, 6}) || !maps.Equal(unreadable, failing) {
		t.Errorf("read %v, not %v: %v", read, unreadable, err)
	}
	if unreadable, err := database.ReadApart(nil, reader); err != nil || len(unreadable) > 0 {
		t.Errorf("of none, %v: %v", unreadable, err)
	}
	for _, about := range []error{context.Canceled, context.DeadlineExceeded, &vigie.Error{Code: vigie.Unavailable}} {
		calls := 0
		if _, err := database.ReadApart(ids, func([]int64) error { calls++; return about }); !errors.Is(err, about) || calls != 1 {
			t.Errorf("%v: %v after %d tries", about, err, calls)
		}
	}
}
