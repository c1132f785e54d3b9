package bleve

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"vigie/query"
	"vigie/search"
	"vigie/search/internal/plan"
)

// view is the index as it is at one moment. Bleve keeps it in segments that do
// not change; each is asked by itself, in sets of its documents: so every
// condition costs a few operations on sets, and not a step for each document.
type view struct {
	snapshot *scorch.IndexSnapshot
	parts    []*part
	formulas map[formulaList]plan.Expr
	last     *filter
}

// filter is a condition, with the documents that it is true of by part: nil where that is not known yet.
type filter struct {
	where plan.Expr
	docs  []*roaring.Bitmap
}

// part is a segment as one call of Search reads it. It remembers what several
// queries of the call have in common.
type part struct {
	*scorch.SegmentSnapshot
	*columns
	live     *roaring.Bitmap
	deleted  bool // some of its documents are
	fields   map[string]segment.TermDictionary
	values   map[[2]string]*roaring.Bitmap
	ranges   map[plan.Range]*roaring.Bitmap
	buffer   []uint64
	formulas map[formulaList]*roaring.Bitmap
}

// formulaList is a list of formulas that several queries have.
type formulaList struct {
	first *query.Formula
	n     int
}

// look reads the index as it is now. The caller closes the view.
func (x *index) look(open bleve.Index) (*view, error) {
	inner, err := open.Advanced()
	if err != nil {
		return nil, search.Unavailable(err)
	}
	reader, err := inner.Reader()
	if err != nil {
		return nil, search.Unavailable(err)
	}
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok || snapshot == nil {
		return nil, search.Unavailable(bleve.ErrorIndexClosed)
	}
	v := &view{snapshot: snapshot, formulas: make(map[formulaList]plan.Expr)}
	known := x.columnsOf(open, snapshot.Segments())
	for i, s := range snapshot.Segments() {
		live := s.DocNumbersLive()
		v.parts = append(v.parts, &part{
			SegmentSnapshot: s, columns: known[i],
			live: live, deleted: live.GetCardinality() < s.Segment().Count(),
			fields: make(map[string]segment.TermDictionary), values: make(map[[2]string]*roaring.Bitmap), ranges: make(map[plan.Range]*roaring.Bitmap), formulas: make(map[formulaList]*roaring.Bitmap),
		})
	}
	return v, nil
}

func (v *view) close() error { return v.snapshot.Close() }

// dictionary is that of the words of a field.
func (p *part) dictionary(field string) (segment.TermDictionary, error) {
	if d, ok := p.fields[field]; ok {
		return d, nil
	}
	d, err := p.Segment().Dictionary(field)
	if err == nil {
		p.fields[field] = d
	}
	return d, err
}

// add adds to a set the documents that have a value of a field.
func (p *part) add(into *roaring.Bitmap, field, value string) error {
	d, err := p.dictionary(field)
	if err != nil {
		return err
	}
	list, err := d.PostingsList([]byte(value), nil, nil)
	if err != nil {
		return err
	}
	return addPostings(into, list)
}

func addPostings(into *roaring.Bitmap, list segment.PostingsList) error {
	if quick, ok := list.(interface{ OrInto(*roaring.Bitmap) }); ok {
		quick.OrInto(into)
		return nil
	}
	each := list.Iterator(false, false, false, nil)
	for {
		posting, err := each.Next()
		if err != nil || posting == nil {
			return err
		}
		into.Add(uint32(posting.Number()))
	}
}

// where is the set of the documents of which a simplified condition is true.
// The caller must not change it.
func (p *part) where(ctx context.Context, x plan.Expr) (*roaring.Bitmap, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch x := x.(type) {
	case plan.And:
		return p.all(ctx, x)
	case plan.Or:
		var sets []*roaring.Bitmap
		for _, member := range x {
			some, err := p.where(ctx, member)
			if err != nil {
				return nil, err
			}
			sets = append(sets, some)
		}
		return union(sets), nil
	case plan.Not:
		without, err := p.where(ctx, x.X)
		if err != nil {
			return nil, err
		}
		return roaring.AndNot(p.live, without), nil
	case plan.In:
		if len(x.Values) == 1 {
			return p.having(x.Field, x.Values[0])
		}
		var sets []*roaring.Bitmap
		for _, value := range x.Values {
			some, err := p.having(x.Field, value)
			if err != nil {
				return nil, err
			}
			sets = append(sets, some)
		}
		return union(sets), nil
	case plan.Begins:
		return p.beginning(x)
	case plan.Range:
		return p.within(x)
	case plan.IDs:
		return p.DocNumbers(documentIDs(x))
	}
	return nil, fmt.Errorf("bleve: a condition of type %T", x)
}

// union is the set of what is in one of the sets, which it sorts. The largest comes first: the others then find their
// place made, and cost no memory.
func union(sets []*roaring.Bitmap) *roaring.Bitmap {
	slices.SortFunc(sets, func(a, b *roaring.Bitmap) int { return cmp.Compare(b.GetCardinality(), a.GetCardinality()) })
	return roaring.FastOr(sets...)
}

// all is the set of the documents of which each of the conditions is true.
func (p *part) all(ctx context.Context, conditions plan.And) (*roaring.Bitmap, error) {
	all, own := p.live, false                               // own: nobody else has this set
	for i, condition := range slices.Backward(conditions) { // a phrase's pairs, which are rarest, come last
		some, err := p.where(ctx, condition)
		if err != nil {
			return nil, err
		}
		switch {
		case i == len(conditions)-1:
			all = some
		case own:
			all.And(some)
		default:
			all, own = roaring.And(all, some), true
		}
		if all.IsEmpty() {
			break
		}
	}
	return all, nil
}

// having is the set of the documents that have a value of a field.
func (p *part) having(field, value string) (*roaring.Bitmap, error) {
	key := [2]string{field, value}
	if known := p.values[key]; known != nil {
		return known, nil
	}
	found := roaring.New()
	if err := p.add(found, field, value); err != nil {
		return nil, err
	}
	if p.deleted {
		found.And(p.live)
	}
	p.values[key] = found
	return found, nil
}

// beginning is the set of the documents with a value of a field that begins so.
func (p *part) beginning(b plan.Begins) (*roaring.Bitmap, error) {
	key := [2]string{b.Field, b.With + "…"} // no value has such a sign
	if known := p.values[key]; known != nil {
		return known, nil
	}
	d, err := p.dictionary(b.Field)
	if err != nil {
		return nil, err
	}
	found := roaring.New()
	each := d.AutomatonIterator(nil, []byte(b.With), nil)
	for {
		entry, err := each.Next()
		if err != nil {
			return nil, err
		}
		if entry == nil || !strings.HasPrefix(entry.Term, b.With) {
			break
		}
		if err := p.add(found, b.Field, entry.Term); err != nil {
			return nil, err
		}
	}
	if p.deleted {
		found.And(p.live)
	}
	p.values[key] = found
	return found, nil
}

// anyOf is the set of the documents that one of the formulas is true of. Queries
// of one call that have the very same list share it.
func (v *view) anyOf(ctx context.Context, p *part, formulas []query.Formula) (*roaring.Bitmap, error) {
	if len(formulas) == 0 {
		return roaring.New(), nil
	}
	list := formulaList{&formulas[0], len(formulas)}
	if known := p.formulas[list]; known != nil {
		return known, nil
	}
	asked, known := v.formulas[list]
	if !known {
		asked = plan.Where(search.Query{Any: formulas}, plan.NoFacet)
		v.formulas[list] = asked
	}
	found, err := p.where(ctx, asked)
	if err == nil {
		p.formulas[list] = found
	}
	return found, err
}

// within is the set of the documents of which a number is in a range.
func (p *part) within(r plan.Range) (*roaring.Bitmap, error) {
	if found, ok := p.ranges[r]; ok {
		return found, nil
	}
	column, err := p.sortedBy(r.Field)
	if err != nil {
		return nil, err
	}
	p.buffer = slices.Grow(p.buffer[:0], (len(column.at)+63)/64)
	for some := range slices.Chunk(column.at, 64) {
		p.buffer = append(p.buffer, betweenBits(some, r.From, r.To))
	}
	found := roaring.FromDense(p.buffer, true)
	if p.deleted {
		found.And(p.live)
	}
	p.ranges[r] = found
	return found, nil
}

// betweenBits has a bit set for each of at most 64 numbers that are between two. It does not jump, so it takes as long
// for numbers in any order.
func betweenBits(numbers []int64, from, to int64) (bits uint64) {
	if from > to {
		return 0
	}
	for i, n := range numbers {
		var within uint64
		if uint64(n)-uint64(from) <= uint64(to)-uint64(from) {
			within = 1
		}
		bits |= within << (i & 63)
	}
	return bits
}

// columns are the values of a segment's documents that orders and facets need,
// by document. They are read when they are first asked for, and kept as long as
// the segment is.
type columns struct {
	mutex  sync.Mutex
	sorts  map[string]*sortColumn
	facets map[string]*facetColumn
	values *vocabularies
}

// sortColumn is what documents are sorted by, and their IDs.
type sortColumn struct{ at, id []int64 }

// facetColumn is what documents are counted by. Many documents have the same list of values (a CPV code's has all its
// beginnings), so that they are counted by their lists first: document i has lists[of[i]].
type facetColumn struct {
	lists [][]uint32 // of places in the field's vocabulary
	of    []uint32
}

// vocabulary is the values of a field in all segments, each at a place that never changes: so segments are counted
// together without comparing texts.
type vocabulary struct {
	mutex  sync.Mutex
	places map[string]uint32
	values []string
}

// place returns the place of a value.
func (v *vocabulary) place(value string) uint32 {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	at, known := v.places[value]
	if !known {
		at = uint32(len(v.values))
		v.places[value], v.values = at, append(v.values, value)
	}
	return at
}

// all returns the values by their places.
func (v *vocabulary) all() []string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.values
}

// vocabularies are those of an index, by field.
type vocabularies struct {
	mutex   sync.Mutex
	byField map[string]*vocabulary
}

func (v *vocabularies) of(field string) *vocabulary {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.byField[field] == nil {
		v.byField[field] = &vocabulary{places: make(map[string]uint32)}
	}
	return v.byField[field]
}

// columnsOf are those of segments, which share their vocabularies. What is known of segments that were removed is
// forgotten.
func (x *index) columnsOf(open bleve.Index, segments []*scorch.SegmentSnapshot) []*columns {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.read != open {
		x.read, x.columns, x.values = open, make(map[uint64]*columns), &vocabularies{byField: make(map[string]*vocabulary)}
	}
	known, list, added := make(map[uint64]*columns, len(segments)), make([]*columns, len(segments)), false
	for i, s := range segments {
		if list[i] = x.columns[s.Id()]; list[i] == nil {
			list[i], added = &columns{sorts: make(map[string]*sortColumn), facets: make(map[string]*facetColumn), values: x.values}, true
		}
		known[s.Id()] = list[i]
	}
	if added {
		x.columns = known
	}
	return list
}

// sortedBy reads the column of an order, by a field of numbers.
func (p *part) sortedBy(field string) (*sortColumn, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if known := p.sorts[field]; known != nil {
		return known, nil
	}
	column := &sortColumn{make([]int64, p.Segment().Count()), make([]int64, p.Segment().Count())}
	var wrong error
	err := p.eachValue(rank(field), func(doc uint64, value []byte) {
		at, id, err := unranked(string(value))
		column.at[doc], column.id[doc], wrong = at, id, cmp.Or(wrong, err)
	})
	if err := cmp.Or(err, wrong); err != nil {
		return nil, err
	}
	p.sorts[field] = column
	return column, nil
}

// countedBy reads the column of a facet.
func (p *part) countedBy(field string) (*facetColumn, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if known := p.facets[field]; known != nil {
		return known, nil
	}
	reader := columnReader{
		column:     &facetColumn{lists: [][]uint32{nil}, of: make([]uint32, p.Segment().Count())}, // most have a value; the others have the first list
		vocabulary: p.columns.values.of(field), places: make(map[string]uint32), lists: map[string]uint32{"": 0},
	}
	if err := p.eachValue(field, reader.add); err != nil {
		return nil, err
	}
	reader.end()
	p.facets[field] = reader.column
	return reader.column, nil
}

// columnReader reads the column of a facet, document by document.
type columnReader struct {
	column     *facetColumn
	vocabulary *vocabulary
	// places are those of the values that were read, lists those of their lists.
	places, lists map[string]uint32
	// list is that of the document that is being read, as places and as a key.
	doc  uint64
	list []uint32
	key  []byte
}

func (r *columnReader) add(doc uint64, value []byte) {
	if doc != r.doc {
		r.end()
		r.doc = doc
	}
	at, known := r.places[string(value)]
	if !known {
		text := string(value)
		at = r.vocabulary.place(text)
		r.places[text] = at
	}
	r.list, r.key = append(r.list, at), binary.AppendUvarint(r.key, uint64(at))
}

// end notes the list of a document.
func (r *columnReader) end() {
	if len(r.list) == 0 {
		return
	}
	at, known := r.lists[string(r.key)]
	if !known {
		at = uint32(len(r.column.lists))
		r.lists[string(r.key)], r.column.lists = at, append(r.column.lists, slices.Clone(r.list))
	}
	r.column.of[r.doc] = at
	r.list, r.key = r.list[:0], r.key[:0]
}

// eachValue calls do with the values of a field, document by document.
func (p *part) eachValue(field string, do func(doc uint64, value []byte)) error {
	values, ok := p.Segment().(segment.DocValueVisitable)
	if !ok {
		return fmt.Errorf("bleve: a segment of type %T has no values", p.Segment())
	}
	var state segment.DocVisitState
	var err error
	for doc := range p.Segment().Count() {
		state, err = values.VisitDocValues(doc, []string{field}, func(_ string, value []byte) { do(doc, value) }, state)
		if err != nil {
			return err
		}
	}
	return nil
}
