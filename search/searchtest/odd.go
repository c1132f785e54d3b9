package searchtest

import (
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/freetext"
	"vigie/query"
	"vigie/search"
)

// oddValues have a meaning in some query language, or resemble one another.
func oddValues() []string {
	return []string{
		`"`, `'`, `\`, `\"`, `\\"`, "`", "a\nb", "a b", "a\tb", "\x00", "a\r\n\r\nb",
		`" OR "1"="1`, `x" OR vigieTender > 0 OR terms = "x`, `x"] OR vigieTender > 0 OR terms IN ["x`, `] OR id > 0`,
		`x' OR '1'='1`, `x) OR (vigieTender > 0`, `OR`, `AND`, `NOT`, `NOT x`, `IN []`, `EXISTS`, `IS NULL`, `TO`, `1 TO 9`, `_geoRadius(1, 2, 3)`,
		`null`, `NULL`, `true`, `[]`, `{}`, `1`, `01`, `1.0`, `1e0`, `-1`, `+1`, `*`, `?`, `%`, `a*`, `(`, `)`, `[`, `]`, `,`, `:`, `a:b`, `/a/`, `~`, `.`, `..`, `.20`,
		"2a", "2A", "nationwide", "ete", "été", "ÉTÉ", "e\u0301te\u0301", "oe", "œ", "ss", "ß", "ı", "i", "İ", "ﬁ", "fi", "²", "2",
		" x", "x ", "x", "X", "日本", "💥", "\u202ex", "\ufeffx", strings.Repeat("é", 50), strings.Repeat("A", 100),
	}
}

// testOddValues looks for values that a careless filter would take for its own
// language: each finds the one document that has it, in every field.
func testOddValues(t *testing.T, open func(*testing.T) search.Engine) {
	values := oddValues()
	var docs []search.Document
	fields := slices.DeleteFunc(query.Fields(), func(f query.Field) bool { return f == query.EstimatedValue }) // of numbers
	for i, v := range values {
		one := []string{v}
		id := int64(i) + 1
		d := search.Document{ID: id, Number: id, PublishedAt: base, Text: freetext.Facts{Words: one, Title: one, Buyer: one, Written: one, Codes: one}}
		for _, field := range fields {
			d.Facts[field] = one
		}
		docs = append(docs, d)
	}
	index := indexOf(t, open, docs...)
	facets := query.Facets()
	var queries []search.Query
	for _, v := range values {
		for _, field := range fields {
			queries = append(queries,
				search.Query{Any: formula(atom(field, v)), Limit: 3},
				search.Query{Any: formula(query.Clause{is(field, v), is(field, "absent"), append(is(field, "absent"), is(field, v)...)}), Limit: 3})
		}
		for _, field := range fields[1:] { // terms are no filter
			one, two := search.Filter{}, search.Filter{}
			one.Values[field], two.Values[field] = []string{v}, []string{v, "absent"}
			queries = append(queries, search.Query{Filter: one, Limit: 3}, search.Query{Filter: two, Limit: 3})
		}
	}
	each := len(queries) / len(values)
	for i, v := range values {
		results, err := index.Search(t.Context(), queries[i*each:(i+1)*each])
		if err != nil {
			t.Errorf("%q: %v", v, err)
			continue
		}
		for j, r := range results {
			if !slices.Equal(ids(r), []int64{int64(i) + 1}) {
				t.Errorf("%q: %v\n%s", v, ids(r), describe(queries[i*each+j]))
			}
		}
	}
	r := ask(t, index, search.Query{
		Facets: facets, Any: []query.Formula{{Excluded: []query.Conj{terms(values[0]), terms(values[1])}}},
	})
	if r.Total != len(values)-2 {
		t.Errorf("all but two: %d", r.Total)
	}
	for _, facet := range facets {
		for _, v := range values[2:] {
			if r.Counts[facet][v] != 1 {
				t.Errorf("%s %q: %d", facet, v, r.Counts[facet][v])
			}
		}
		if len(r.Counts[facet]) != len(values)-2 {
			t.Errorf("%s: %d values, want %d", facet, len(r.Counts[facet]), len(values)-2)
		}
	}
	// As texts they are words like others, or nothing; never a language.
	for _, v := range values {
		for _, text := range []string{v, v + " zzqxw", "zzqxw" + v} {
			results, err := index.Search(t.Context(), []search.Query{{Text: text, Limit: 3}})
			if err != nil {
				t.Errorf("text %q: %v", text, err)
			} else if text != v && results[0].Total > 0 {
				t.Errorf("text %q: %v", text, ids(results[0]))
			}
		}
	}
	for _, status := range []string{`x" OR vigieTender > 0`, "online", ""} {
		r := ask(t, index, search.Query{Filter: search.Filter{Statuses: []vigie.TenderStatus{vigie.TenderStatus(status)}}})
		if r.Total != 0 {
			t.Errorf("status %q: %d", status, r.Total)
		}
	}
	// Lists of any length, and formulas of any breadth.
	long := make([]string, 0, 5000)
	for len(long) < cap(long) {
		long = append(long, vigie.GlobalID(vigie.KindBuyer, int64(len(long))))
	}
	var any []query.Formula
	for range 200 {
		any = append(any, query.Formula{
			Clauses:  []query.Clause{{terms("absent", "absent_too"), term("absent")}},
			Excluded: []query.Conj{terms("absent", "absent_too")},
		})
	}
	for name, q := range map[string]search.Query{
		"a long list":   {Filter: search.Filter{Values: query.Values{query.Buyer: append(long, values[0])}}},
		"many formulas": {Any: append(any, query.Formula{Clauses: []query.Clause{{term(values[0])}}})},
	} {
		if r := ask(t, index, q); r.Total != 1 {
			t.Errorf("%s: %d", name, r.Total)
		}
	}
}
