package service

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"

	"vigie"
	"vigie/opaque"
	"vigie/search"
)

// cursor is a row's place in a list, at which a page begins or ends. Clients get it as an opaque word, which seal makes.
type cursor struct {
	// List says what is listed and how it is ordered; a cursor is good for
	// that alone.
	List string `json:"l"`
	// At, Name and ID are the key that the row was sorted by when it was listed,
	// as far as the list sorts by them: what it is sorted by later may be beyond
	// rows that were not shown. At is a tender's time in seconds, nil for none; the
	// time of a watch in microseconds; the rank of a buyer.
	At   *int64 `json:"a,omitempty"`
	Name string `json:"s,omitempty"`
	ID   int64  `json:"i"`
	// Now is the moment, in seconds, at which the first page was asked for:
	// tenders that close while somebody turns pages stay on them.
	Now int64 `json:"n,omitempty"`
}

// place is what all cursors hold. Its length does not depend on the values: it
// would reveal them.
type place struct {
	Timed       bool
	At, ID, Now int64
	Listed      uint8 // the length of the name of the list, which follows
}

// seal gives a cursor the form that clients get.
func (c cursor) seal(ids *opaque.Keys) string {
	p := place{ID: c.ID, Now: c.Now, Listed: uint8(len(c.List))}
	if c.At != nil {
		p.Timed, p.At = true, *c.At
	}
	b, err := binary.Append(nil, binary.BigEndian, p)
	if err != nil {
		panic("service: a cursor of plain numbers has no bytes: " + err.Error())
	}
	return ids.Cursor(append(append(b, c.List...), c.Name...))
}

// rowPlace is the place of a row in a list, as a part of the row's edge.
type rowPlace struct {
	cursor cursor
	ids    *opaque.Keys
}

// placeOf is the place of a cursor.
func (s *Service) placeOf(c cursor) *rowPlace { return &rowPlace{c, s.Store.IDs()} }

// Cursor is the place as clients get it. It is sealed when it is asked for: most clients ask for that of the last row, or for
// none.
func (p *rowPlace) Cursor() string { return p.cursor.seal(p.ids) }

// openCursor is the reverse of seal.
func openCursor(ids *opaque.Keys, s string) (c cursor, ok bool) {
	b, ok := ids.OpenCursor(s)
	if !ok {
		return c, false
	}
	var p place
	n, err := binary.Decode(b, binary.BigEndian, &p)
	if err != nil || len(b)-n < int(p.Listed) {
		return c, false
	}
	names := string(b[n:])
	c = cursor{List: names[:p.Listed], Name: names[p.Listed:], ID: p.ID, Now: p.Now}
	if p.Timed {
		c.At = &p.At
	}
	return c, true
}

// openOldCursor reads a cursor of an earlier version, which anybody can make: the
// number in it must be one that was given out.
func openOldCursor(ids *opaque.Keys, s string) (c cursor, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(b, &c) != nil {
		return c, false
	}
	again, err := json.Marshal(c)
	// Databases know neither later moments nor texts with a NUL.
	latest := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix()
	return c, err == nil && base64.RawURLEncoding.EncodeToString(again) == s &&
		c.ID >= 0 && ids.AcceptsOld(c.ID) && c.Now >= 0 && c.Now <= latest && !strings.Contains(c.Name, "\x00")
}

// parseCursor reads a cursor of a list; argument is where it was given.
func parseCursor(ids *opaque.Keys, s, list, argument string) (cursor, error) {
	c, ok := openCursor(ids, s)
	if !ok {
		c, ok = openOldCursor(ids, s)
	}
	if !ok {
		return c, noCursor(argument)
	}
	if c.List != list {
		return c, badRequest(vigie.Same("This cursor comes from another list or another order. Read the list again from its start."), argument)
	}
	return c, nil
}

func noCursor(argument string) error {
	return badRequest(vigie.Same("This cursor is not valid. Use one that the list gave."), argument)
}

// tenderCursor is the place that an index has a row at in an order.
func tenderCursor(order search.Order, now time.Time, k search.Key) cursor {
	c := cursor{List: string(order), ID: k.ID, Now: now.Unix()}
	if k.At != nil {
		c.At = new(k.At.Unix())
	}
	return c
}

// key is the cursor as the index takes it.
func (c cursor) key() *search.Key {
	k := &search.Key{ID: c.ID}
	if c.At != nil {
		k.At = new(time.Unix(*c.At, 0).UTC())
	}
	return k
}

// PageArgs are the arguments of a list; nil ones were not given.
type PageArgs struct {
	First  *int32
	After  *string
	Last   *int32
	Before *string
	Page   *int32
}

// PageInfo says where a page stands.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	// start and end are the places of its first row and its last; nil where it has none.
	start, end *rowPlace
}

// StartCursor is the cursor of the first row, nil for none.
func (i PageInfo) StartCursor() *string { return i.start.orNone() }

// EndCursor is the cursor of the last row, nil for none.
func (i PageInfo) EndCursor() *string { return i.end.orNone() }

func (p *rowPlace) orNone() *string {
	if p == nil {
		return nil
	}
	return new(p.Cursor())
}

// window is what arguments ask for.
type window struct {
	size      int
	backwards bool
	cursor    string // after, or before where backwards; "" for none
	argument  string // the one that says where the window is, for errors
	page      int    // from 1; 0 for none
}

// unlessEmpty is a cursor; an empty one counts as none.
func unlessEmpty(cursor *string) *string {
	if cursor != nil && *cursor == "" {
		return nil
	}
	return cursor
}

// window checks the arguments. Without `first` and `last`, size is standard.
func (a PageArgs) window(standard int) (window, error) {
	w := window{size: standard}
	size, argument := a.First, "first"
	if a.Last != nil {
		w.backwards, size, argument = true, a.Last, "last"
	}
	w.argument = argument
	a.After, a.Before = unlessEmpty(a.After), unlessEmpty(a.Before)
	if size != nil {
		w.size = int(*size)
	}
	if w.size < 1 || w.size > vigie.MaxPageSize {
		return w, badRequest(vigie.Same("The number of rows per page must be between 1 and %d.").With(vigie.MaxPageSize), argument)
	}
	switch {
	case a.Page != nil && (a.After != nil || a.Before != nil || a.Last != nil):
		return w, badRequest(vigie.Same("Give either a page number, or a cursor or “last”."), "page")
	case a.Page != nil && *a.Page < 1:
		return w, badRequest(vigie.Same("Pages are numbered from 1."), "page")
	case a.Page != nil:
		w.page = int(*a.Page)
	case a.After != nil && (a.Before != nil || a.Last != nil):
		return w, badRequest(vigie.Same("Use “after” with “first”, and “before” with “last”."), "after")
	case a.Before != nil && a.Last == nil:
		return w, badRequest(vigie.Same("Use “after” with “first”, and “before” with “last”."), "before")
	case a.After != nil:
		w.cursor, w.argument = *a.After, "after"
	case a.Before != nil:
		w.cursor, w.argument = *a.Before, "before"
	}
	return w, nil
}

// cut takes from rows the one that a window has no room for, which was asked for
// to tell whether there are more, and says where the rest is.
func cut[T any](w window, rows []T) ([]T, PageInfo) {
	more := len(rows) > w.size
	if w.backwards {
		return rows[max(0, len(rows)-w.size):], PageInfo{HasPreviousPage: more, HasNextPage: w.cursor != ""}
	}
	return rows[:min(len(rows), w.size)], PageInfo{HasNextPage: more, HasPreviousPage: w.cursor != "" || w.page > 1}
}
