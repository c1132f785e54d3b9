package meili_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vigie"
	"vigie/freetext"
	"vigie/search"
	"vigie/search/meili"
	"vigie/search/meili/meilitest"
)

// shelf accepts documents in requests of at most that many bytes.
type shelf struct {
	t       *testing.T
	most    int
	mutex   sync.Mutex
	sizes   []int   // of the requests, refused ones included
	held    []int64 // documents, in the order in which they came
	cursors []int64 // of the requests that were accepted
}

func (s *shelf) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	check(s.t, err)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.sizes = append(s.sizes, len(body))
	if len(body) > s.most {
		status(413, `<html>413 Request Entity Too Large</html>`)(w, r)
		return
	}
	var rows []struct {
		ID     int64  `json:"vigieTender"`
		Cursor *int64 `json:"cursor"`
	}
	check(s.t, json.Unmarshal(body, &rows))
	for _, row := range rows {
		if row.Cursor != nil {
			s.cursors = append(s.cursors, *row.Cursor)
		} else {
			s.held = append(s.held, row.ID)
		}
	}
	// The cursor has not passed a document that is not stored yet.
	if got, last := s.cursors[len(s.cursors)-1], s.held[len(s.held)-1]; got != last {
		s.t.Errorf("the cursor is at %d after document %d", got, last)
	}
	status(202, `{"taskUid":2}`)(w, r)
}

// numbered are documents with their ids for numbers, and texts of so many bytes.
func numbered(from, to int64, size func(id int64) int) (docs []search.Document) {
	for id := from; id < to; id++ {
		docs = append(docs, search.Document{ID: id, Number: id, PublishedAt: time.Unix(1e9, 0), Text: freetext.Facts{Words: []string{strings.Repeat("x", size(id))}}})
	}
	return docs
}

func ids(docs []search.Document) (list []int64) {
	for _, d := range docs {
		list = append(list, d.ID)
	}
	return list
}

func hundred(int64) int { return 100 }

// Documents are sent in requests of a size that Meilisearch accepts. If Meilisearch, or a proxy, accepts less,
// requests are halved, and stay that small.
func TestBatchesBySize(t *testing.T) {
	const done = `{"status":"succeeded"}`
	docs := numbered(1, 201, hundred)
	t.Run("cut", func(t *testing.T) {
		s := &shelf{t: t, most: 10_000}
		check(t, openFake(t, &fake{answer: s.answer, task: done}, meili.Options{Body: 9_000}).Put(t.Context(), docs))
		if !slices.Equal(s.held, ids(docs)) {
			t.Errorf("holds %v", s.held)
		}
		for _, size := range s.sizes {
			if size > s.most {
				t.Errorf("a request of %d bytes", size)
			}
		}
	})
	t.Run("halved", func(t *testing.T) {
		s := &shelf{t: t, most: 10_000}
		index := openFake(t, &fake{answer: s.answer, task: done}, meili.Options{})
		check(t, index.Put(t.Context(), docs))
		if !slices.Equal(s.held, ids(docs)) {
			t.Errorf("holds %v", s.held)
		}
		s.sizes = nil
		check(t, index.Put(t.Context(), docs))
		for _, size := range s.sizes {
			if size > s.most {
				t.Errorf("a request of %d bytes, though that was refused before", size)
			}
		}
	})
	for name, size := range map[string]int{"refused": 1 << 20, "not even sent": 65 << 20} {
		t.Run("one that is too large is "+name, func(t *testing.T) {
			s := &shelf{t: t, most: 10_000}
			index := openFake(t, &fake{answer: s.answer, task: done}, meili.Options{})
			err := index.Put(t.Context(), numbered(1, 201, func(id int64) int {
				if id == 77 {
					return size
				}
				return 100
			}))
			if !search.IsTooLarge(err) || vigie.CodeOf(err) == vigie.Unavailable {
				t.Errorf("the error is %v", err)
			}
			if want := ids(numbered(1, 77, hundred)); !slices.Equal(s.held, want) {
				t.Errorf("holds %v, not all before it", s.held)
			}
			if most := slices.Max(s.sizes); most > 64<<20 {
				t.Errorf("a request of %d bytes", most)
			}
			check(t, index.Put(t.Context(), numbered(78, 201, hundred)))
			if len(s.held) != 199 {
				t.Errorf("holds %d of the others", len(s.held))
			}
		})
	}
}

// A real Meilisearch gets more than it accepts at once: 4 MB where it accepts 1, or, with VIGIE_TEST_LARGE, 135 MB
// where it accepts 100 by default.
func TestLargeBatch(t *testing.T) {
	tenders := 15
	if os.Getenv("VIGIE_TEST_LARGE") != "" {
		tenders = 500
	} else {
		t.Setenv("MEILI_HTTP_PAYLOAD_SIZE_LIMIT", "1 MB")
	}
	address, key := meilitest.Server(t)
	engine, err := meili.Open(address, key, meili.Options{})
	check(t, err)
	defer engine.Close()
	index, err := engine.Open(t.Context(), "large")
	check(t, err)
	docs := make([]search.Document, tenders)
	for i := range docs {
		id := int64(i + 1)
		docs[i] = search.Document{ID: id, Number: id, PublishedAt: time.Unix(1e9, 0), Text: freetext.Facts{Title: []string{fmt.Sprint("voirie", id)}}}
		for lot := range 300 {
			docs[i].Text.Words = append(docs[i].Text.Words, fmt.Sprintf("lot%d_%s", lot, strings.Repeat("voirie_reseaux_divers_", 34)))
		}
	}
	start := time.Now()
	check(t, index.Put(t.Context(), docs))
	t.Logf("put in %s", time.Since(start).Round(time.Millisecond))
	results, err := index.Search(t.Context(), []search.Query{{Now: time.Now()}})
	check(t, err)
	if cursor, err := index.Cursor(t.Context()); results[0].Total != tenders || cursor != int64(tenders) || err != nil {
		t.Errorf("%d found, cursor %d, %v", results[0].Total, cursor, err)
	}
}
