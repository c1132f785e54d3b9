package searchtest

import (
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// after returns a time some seconds after base.
func after(seconds float64) time.Time {
	return base.Add(time.Duration(seconds * float64(time.Second)))
}

// samples are documents that differ in everything that a query can ask for. At base, 1 is at its deadline and 2 a
// second past it.
func samples() []search.Document {
	return []search.Document{
		{
			ID: 1, Number: 11, PublishedAt: after(-10), UpdatedAt: after(-5), Deadline: new(after(0)),
			Facts: query.Facts{
				query.Term: {"route", "voirie", "voirie_route"}, query.Department: {"01"}, query.Buyer: {"buyer_1"},
				query.Nature: {"WORKS"}, query.Procedure: {"OPEN"}, query.CPV: {"45", "452", "4523", "45233", "452331", "4523314", "45233140"},
				query.DeadlineKind: {"BIDS"}, query.Technique: {"FRAMEWORK"}, query.EstimatedValue: {"000000004000000"}, query.Source: {"boamp"},
			},
		},
		{
			ID: 2, Number: 12, PublishedAt: after(-20), UpdatedAt: after(-20), Deadline: new(after(-1)),
			Facts: query.Facts{
				query.Term: {"ecole", "voirie"}, query.Department: {"01", "69"}, query.Buyer: {"buyer_1"},
				query.Nature: {"SUPPLIES", "WORKS"}, query.Procedure: {"ADAPTED"}, query.CPV: {"45", "452"},
				query.DeadlineKind: {"BIDS"}, query.Technique: {"CONTRACT"}, query.EstimatedValue: {query.UnknownValue}, query.Source: {"Ville-de-Lyon"},
			},
		},
		{
			ID: 3, Number: 13, PublishedAt: after(-30), UpdatedAt: after(-30),
			Facts: query.Facts{
				query.Term: {"route"}, query.Department: {vigie.Nationwide}, query.Buyer: {"buyer_2"},
				query.Nature: {"SERVICES"}, query.Procedure: {"OPEN"}, query.CPV: {"71"},
				query.Technique: {"DYNAMIC_PURCHASING_SYSTEM"}, query.EstimatedValue: {"999999999999999"}, query.Source: {"ville-de-lyon"},
			},
		},
		{
			ID: 4, Number: 14, PublishedAt: after(-40), UpdatedAt: after(-15), Deadline: new(after(60)), Outcome: vigie.Cancelled,
			Facts: query.Facts{
				query.Term: {"route", "voirie"}, query.Department: {"2A"}, query.Buyer: {"buyer_12"},
				query.DeadlineKind: {"PARTICIPATION"}, query.EstimatedValue: {"000000003999999"}, query.Source: {"boamp"},
			},
		},
		{
			ID: 5, Number: 15, PublishedAt: after(-50), UpdatedAt: after(-1), Deadline: new(after(-60)), Outcome: vigie.Awarded,
			Facts: query.Facts{
				query.Term: {"cantine", "ecole"}, query.Department: {"2B"}, query.Buyer: {"buyer_2"},
				query.Nature: {"SUPPLIES"}, query.Procedure: {"NEGOTIATED"}, query.CPV: {"15", "155"},
				query.DeadlineKind: {"INTEREST"}, query.EstimatedValue: {"000000000000101"}, query.Source: {"boamp", "ted"},
			},
		},
		{
			ID: 6, Number: 16, PublishedAt: after(-60.5), UpdatedAt: after(-60.5), Deadline: new(after(30.9)),
			Facts: query.Facts{
				query.Term: {"maitrise", "maitrise_oeuvre", "oeuvre", "voirie"}, query.Department: {vigie.Abroad}, query.Buyer: {"buyer_1"},
				query.Nature: {"SERVICES"}, query.Procedure: {"RESTRICTED"}, query.CPV: {"71", "710"},
				query.DeadlineKind: {"PARTICIPATION"}, query.Technique: {"FRAMEWORK"}, query.EstimatedValue: {query.UnknownValue}, query.Source: {"ted"},
			},
		},
	}
}

func term(value string) query.Conj { return is(query.Term, value) }

// terms returns a conjunction of terms.
func terms(values ...string) query.Conj {
	var c query.Conj
	for _, value := range values {
		c = append(c, term(value)...)
	}
	return c
}

func formula(clauses ...query.Clause) []query.Formula { return []query.Formula{{Clauses: clauses}} }

func is(field query.Field, value string) query.Conj {
	return query.Conj{{Field: field, Value: value}}
}

func atom(field query.Field, value string) query.Clause { return query.Clause{is(field, value)} }

// value is that the estimated value is between two, in cents.
func value(from, to int64) query.Conj { return is(query.EstimatedValue, query.Between(from, to)) }

// testConditions checks every kind of condition alone, and some together.
func testConditions(t *testing.T, open func(*testing.T) search.Engine) {
	index, all := indexOf(t, open, samples()...), naive{}
	all.put(samples())
	f := func(f search.Filter) search.Query { return search.Query{Filter: f} }
	at := func(seconds float64, statuses ...vigie.TenderStatus) search.Query {
		return search.Query{Now: after(seconds), Filter: search.Filter{Statuses: statuses}}
	}
	for _, test := range []struct {
		name string
		q    search.Query
		want []int64 // newest first
	}{
		{"everything", search.Query{}, []int64{1, 2, 3, 4, 5, 6}},
		{"a term", search.Query{Any: formula(query.Clause{term("voirie")})}, []int64{1, 2, 4, 6}},
		{"all terms", search.Query{Any: formula(query.Clause{term("voirie")}, query.Clause{term("route")})}, []int64{1, 4}},
		{"any term", search.Query{Any: formula(query.Clause{term("cantine"), term("maitrise")})}, []int64{5, 6}},
		{"a phrase", search.Query{Any: formula(query.Clause{terms("voirie", "route", "voirie_route")})}, []int64{1}},
		{"any of phrases", search.Query{Any: formula(query.Clause{terms("voirie", "route", "voirie_route"), terms("maitrise", "oeuvre", "maitrise_oeuvre"), term("cantine")})}, []int64{1, 5, 6}},
		{"none of", search.Query{Any: []query.Formula{{Excluded: []query.Conj{term("voirie"), term("cantine")}}}}, []int64{3}},
		{"not a phrase", search.Query{Any: []query.Formula{{Excluded: []query.Conj{terms("voirie", "route", "voirie_route")}}}}, []int64{2, 3, 4, 5, 6}},
		{"not what is absent", search.Query{Any: []query.Formula{{Excluded: []query.Conj{term("absent")}}}}, []int64{1, 2, 3, 4, 5, 6}},
		{"this but not that", search.Query{Any: []query.Formula{{Clauses: []query.Clause{{term("voirie")}}, Excluded: []query.Conj{term("route")}}}}, []int64{2, 6}},
		{"an absent term", search.Query{Any: formula(query.Clause{term("absent")})}, nil},
		{"a part of a term", search.Query{Any: formula(query.Clause{term("voir")})}, nil},
		{"absent or present", search.Query{Any: formula(query.Clause{term("absent"), term("cantine")})}, []int64{5}},
		{"a department", search.Query{Any: formula(atom(query.Department, "01"))}, []int64{1, 2}},
		{"a department or nationwide", search.Query{Any: formula(query.Clause{is(query.Department, "2A"), is(query.Department, vigie.Nationwide)})}, []int64{3, 4}},
		{"a buyer", search.Query{Any: formula(atom(query.Buyer, "buyer_1"))}, []int64{1, 2, 6}},
		{"a nature", search.Query{Any: formula(atom(query.Nature, "SUPPLIES"))}, []int64{2, 5}},
		{"a procedure", search.Query{Any: formula(atom(query.Procedure, "OPEN"))}, []int64{1, 3}},
		{"a CPV division", search.Query{Any: formula(atom(query.CPV, "45"))}, []int64{1, 2}},
		{"a CPV code", search.Query{Any: formula(atom(query.CPV, "45233140"))}, []int64{1}},
		{"a kind of deadline", search.Query{Any: formula(atom(query.DeadlineKind, "PARTICIPATION"))}, []int64{4, 6}},
		{"a technique", search.Query{Any: formula(atom(query.Technique, "FRAMEWORK"))}, []int64{1, 6}},
		{"a value", search.Query{Any: formula(query.Clause{value(0, vigie.MaxCents)})}, []int64{1, 3, 4, 5}},
		{"a value of at least", search.Query{Any: formula(query.Clause{value(4_000_000, vigie.MaxCents)})}, []int64{1, 3}},
		{"a value of more", search.Query{Any: formula(query.Clause{value(4_000_001, vigie.MaxCents)})}, []int64{3}},
		{"a value of at most", search.Query{Any: formula(query.Clause{value(0, 4_000_000)})}, []int64{1, 4, 5}},
		{"a value of less", search.Query{Any: formula(query.Clause{value(0, 3_999_999)})}, []int64{4, 5}},
		{"a value to the cent", search.Query{Any: formula(query.Clause{value(4_000_000, 4_000_000)})}, []int64{1}},
		{"the largest value", search.Query{Any: formula(query.Clause{value(vigie.MaxCents, vigie.MaxCents)})}, []int64{3}},
		{"no value can be so", search.Query{Any: formula(query.Clause{value(5, 4)})}, nil},
		{"a value, or none", search.Query{Any: formula(query.Clause{value(4_000_000, vigie.MaxCents), is(query.EstimatedValue, query.UnknownValue)})}, []int64{1, 2, 3, 6}},
		{"no value", search.Query{Any: formula(atom(query.EstimatedValue, query.UnknownValue))}, []int64{2, 6}},
		{"not a value", search.Query{Any: []query.Formula{{Excluded: []query.Conj{value(0, 4_000_000)}}}}, []int64{2, 3, 6}},
		{"a value and a word", search.Query{Any: formula(query.Clause{append(value(0, vigie.MaxCents), term("voirie")...)})}, []int64{1, 4}},
		{"what is no bounds of a value", search.Query{Any: formula(atom(query.EstimatedValue, "many"))}, nil},
		{"different fields in a clause", search.Query{Any: formula(query.Clause{term("cantine"), is(query.CPV, "710"), append(is(query.Buyer, "buyer_12"), term("route")...)})}, []int64{4, 5, 6}},
		{"two formulas", search.Query{Any: append(formula(query.Clause{term("cantine")}), formula(query.Clause{term("voirie")}, atom(query.Department, vigie.Abroad))...)}, []int64{5, 6}},
		{"two formulas, of exclusions", search.Query{Any: []query.Formula{{Excluded: []query.Conj{term("voirie")}}, {Clauses: []query.Clause{{term("route")}}, Excluded: []query.Conj{term("voirie_route")}}}}, []int64{3, 4, 5}},

		{"departments", f(search.Filter{Values: query.Values{query.Department: {"69", vigie.Abroad}}}), []int64{2, 6}},
		{"nationwide", f(search.Filter{Values: query.Values{query.Department: {vigie.Nationwide}}}), []int64{3}},
		{"Corsica", f(search.Filter{Values: query.Values{query.Department: {"2A", "2B"}}}), []int64{4, 5}},
		{"an unknown department", f(search.Filter{Values: query.Values{query.Department: {"99"}}}), nil},
		{"buyers", f(search.Filter{Values: query.Values{query.Buyer: {"buyer_12", "buyer_2"}}}), []int64{3, 4, 5}},
		{"natures", f(search.Filter{Values: query.Values{query.Nature: {"WORKS", "SERVICES"}}}), []int64{1, 2, 3, 6}},
		{"procedures", f(search.Filter{Values: query.Values{query.Procedure: {"RESTRICTED", "NEGOTIATED"}}}), []int64{5, 6}},
		{"CPV codes", f(search.Filter{Values: query.Values{query.CPV: {"155", "45"}}}), []int64{1, 2, 5}},
		{"kinds of deadline", f(search.Filter{Values: query.Values{query.DeadlineKind: {"BIDS", "INTEREST"}}}), []int64{1, 2, 5}},
		{"techniques", f(search.Filter{Values: query.Values{query.Technique: {"CONTRACT", "DYNAMIC_PURCHASING_SYSTEM"}}}), []int64{2, 3}},
		{"a source", f(search.Filter{Values: query.Values{query.Source: {"Ville-de-Lyon"}}}), []int64{2}},
		{"one of several sources", f(search.Filter{Values: query.Values{query.Source: {"ted"}}}), []int64{5, 6}},
		{"sources", f(search.Filter{Values: query.Values{query.Source: {"boamp", "ted"}}}), []int64{1, 4, 5, 6}},
		{"values", f(search.Filter{Values: query.Values{query.EstimatedValue: {query.Between(3_999_999, 4_000_000)}}}), []int64{1, 4}},
		{"values of two bounds, or none", f(search.Filter{Values: query.Values{query.EstimatedValue: {query.Between(0, 101), query.UnknownValue}}}), []int64{2, 5, 6}},
		{"abroad", f(search.Filter{Values: query.Values{query.Department: {vigie.Abroad}}}), []int64{6}},
		{"filters together", f(search.Filter{Values: query.Values{query.Department: {"01"}, query.Nature: {"SUPPLIES"}, query.Buyer: {"buyer_1"}}}), []int64{2}},
		{"a filter and a formula", search.Query{Any: formula(query.Clause{term("voirie")}), Filter: search.Filter{Values: query.Values{query.Department: {"01", "2A"}}}}, []int64{1, 2, 4}},
		{"a false formula and a filter", search.Query{Any: formula(query.Clause{}), Filter: search.Filter{Values: query.Values{query.Department: {"01"}}}}, nil},

		{"without some", search.Query{Without: []int64{2, 5, 4}}, []int64{1, 3, 6}},
		{"without what is not there", search.Query{Without: []int64{77, 0, -1, 1 << 60}}, []int64{1, 2, 3, 4, 5, 6}},
		{"without none", search.Query{Without: []int64{}}, []int64{1, 2, 3, 4, 5, 6}},
		{"without all", search.Query{Without: []int64{1, 2, 3, 4, 5, 6, 6}}, nil},
		{"a formula without", search.Query{Any: formula(query.Clause{term("voirie")}), Without: []int64{1, 3}}, []int64{2, 4, 6}},
		{"an exclusion without", search.Query{Any: []query.Formula{{Excluded: []query.Conj{term("voirie")}}}, Without: []int64{5}}, []int64{3}},
		{"a filter without", search.Query{Filter: search.Filter{Values: query.Values{query.Buyer: {"buyer_1"}}}, Without: []int64{6}}, []int64{1, 2}},

		{"within some", search.Query{Within: []int64{4, 2, 77, 2}}, []int64{2, 4}},
		{"within none", search.Query{Within: []int64{}}, nil},
		{"within what is not there", search.Query{Within: []int64{77}}, nil},
		{"within some, without others", search.Query{Within: []int64{2, 4, 6}, Without: []int64{4, 5}}, []int64{2, 6}},
		{"a formula within", search.Query{Any: formula(query.Clause{term("voirie")}), Within: []int64{1, 3, 6}}, []int64{1, 6}},
		{"an exclusion within", search.Query{Any: []query.Formula{{Excluded: []query.Conj{term("voirie")}}}, Within: []int64{1, 5}}, []int64{5}},

		{"online", at(0, vigie.StatusOnline), []int64{1, 3, 6}},
		{"online, a blink after a deadline", at(0.001, vigie.StatusOnline), []int64{3, 6}},
		{"online, a blink before a deadline", at(-0.001, vigie.StatusOnline), []int64{1, 3, 6}},
		{"a deadline's fraction is cut off", at(30.5, vigie.StatusOnline), []int64{3}},
		{"closed", at(0, vigie.StatusClosed), []int64{2}},
		{"closed, a blink after a deadline", at(0.001, vigie.StatusClosed), []int64{1, 2}},
		{"cancelled", at(0, vigie.StatusCancelled), []int64{4}},
		{"cancelled and awarded, long after", at(1e6, vigie.StatusCancelled, vigie.StatusAwarded), []int64{4, 5}},
		{"online and closed", at(0, vigie.StatusOnline, vigie.StatusClosed), []int64{1, 2, 3, 6}},
		{"all statuses", at(0, vigie.Statuses()...), []int64{1, 2, 3, 4, 5, 6}},

		{"published from", f(search.Filter{PublishedFrom: new(after(-30))}), []int64{1, 2, 3}},
		{"published from, a blink later", f(search.Filter{PublishedFrom: new(after(-29.999))}), []int64{1, 2}},
		{"published to", f(search.Filter{PublishedTo: new(after(-40))}), []int64{4, 5, 6}},
		{"published to, a blink sooner", f(search.Filter{PublishedTo: new(after(-40.001))}), []int64{5, 6}},
		{"published between", f(search.Filter{PublishedFrom: new(after(-40)), PublishedTo: new(after(-20))}), []int64{2, 3, 4}},
		{"published in no time", f(search.Filter{PublishedFrom: new(after(-20)), PublishedTo: new(after(-40))}), nil},
		{"updated from", f(search.Filter{UpdatedFrom: new(after(-20))}), []int64{1, 2, 4, 5}},
		{"updated from, a blink later", f(search.Filter{UpdatedFrom: new(after(-19.999))}), []int64{1, 4, 5}},
		{"updated from, and published to", f(search.Filter{UpdatedFrom: new(after(-20)), PublishedTo: new(after(-40))}), []int64{4, 5}},
		{"deadline from", f(search.Filter{DeadlineFrom: new(after(0))}), []int64{1, 4, 6}},
		{"deadline to", f(search.Filter{DeadlineTo: new(after(0))}), []int64{1, 2, 5}},
		{"deadline at any time", f(search.Filter{DeadlineFrom: new(time.Time{}), DeadlineTo: new(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))}), []int64{1, 2, 4, 5, 6}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := test.q
			q.Limit = 10
			got := ask(t, index, q)
			if diff := gocmp.Diff(test.want, ids(got), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got.Total != len(test.want) {
				t.Errorf("total %d", got.Total)
			}
			if diff := gocmp.Diff(test.want, ids(all.search(q)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the naive evaluator: -want +got:\n%s", diff)
			}
		})
	}
}

// testAny distinguishes an empty list of formulas from none.
func testAny(t *testing.T, open func(*testing.T) search.Engine) {
	index := indexOf(t, open, samples()...)
	for _, test := range []struct {
		name string
		any  []query.Formula
		want int
	}{
		{"nil", nil, 6},
		{"empty", []query.Formula{}, 0},
		{"a formula that asks nothing", []query.Formula{{}}, 6},
		{"a clause of nothing", formula(query.Clause{}), 0},
		{"a conjunction of nothing", formula(query.Clause{{}}), 6},
		{"excluding a conjunction of nothing", []query.Formula{{Excluded: []query.Conj{{}}}}, 0},
		{"nothing, or something", append(formula(query.Clause{}), formula(query.Clause{term("cantine")})...), 1},
		{"everything, or something", append(formula(), formula(query.Clause{term("cantine")})...), 6},
		{"an unknown field", formula(atom(99, "x")), 0},
		{"not an unknown field", []query.Formula{{Excluded: []query.Conj{{{Field: 99, Value: "x"}}}}}, 6},
		{"an empty value", formula(query.Clause{term("")}), 0},
		{"not an empty value", []query.Formula{{Excluded: []query.Conj{term("")}}}, 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			facets := []query.Field{query.Nature}
			got := ask(t, index, search.Query{Any: test.any, Limit: 10, Facets: facets})
			if got.Total != test.want || len(got.Hits) != test.want {
				t.Errorf("total %d, %d rows; want %d", got.Total, len(got.Hits), test.want)
			}
			if test.want == 0 && len(got.Counts[query.Nature]) > 0 {
				t.Errorf("counts without matches: %v", got.Counts)
			}
		})
	}
}

// testBadRequests sends queries that contradict themselves.
func testBadRequests(t *testing.T, open func(*testing.T) search.Engine) {
	index := indexOf(t, open)
	key := &search.Key{At: new(base), ID: 1}
	for name, q := range map[string]search.Query{
		"after and before":         {After: key, Before: key},
		"after and from the end":   {After: key, FromEnd: true},
		"before and an offset":     {Before: key, Offset: 1},
		"relevance without a text": {Order: search.Relevance, Text: " "},
		"relevance by key":         {Order: search.Relevance, Text: "voirie", After: key},
		"relevance from the end":   {Order: search.Relevance, Text: "voirie", FromEnd: true},
		"no such order":            {Order: "id:desc"},
		"a key without its time":   {After: &search.Key{ID: 1}},
		"a negative offset":        {Offset: -1},
		"a negative limit":         {Limit: -1},
	} {
		_, err := index.Search(t.Context(), []search.Query{{}, q})
		if code := vigie.CodeOf(err); code != vigie.BadRequest {
			t.Errorf("%s: %q, %v", name, code, err)
		}
	}
}

// testEmpty searches an index without documents.
func testEmpty(t *testing.T, open func(*testing.T) search.Engine) {
	index := indexOf(t, open)
	key := &search.Key{At: new(base), ID: 1}
	for _, q := range []search.Query{
		{}, {Limit: 10}, {Any: []query.Formula{}}, {After: key, Limit: 3}, {Before: key, Limit: 3}, {FromEnd: true, Limit: 3},
		{Text: "voirie", Order: search.Relevance, Limit: 10}, {Offset: 50, Limit: 50},
		{Filter: search.Filter{Values: query.Values{query.Nature: {"WORKS", "SUPPLIES", "SERVICES"}, query.Department: {"01"}}}},
	} {
		q.Facets = query.Facets()
		r := ask(t, index, q)
		if r.Total != 0 || len(r.Hits) != 0 {
			t.Errorf("%+v: %+v", q, r)
		}
		for facet, counts := range r.Counts {
			if len(counts) != 0 {
				t.Errorf("%+v: %s %v", q, facet, counts)
			}
		}
	}
	none, err := index.Search(t.Context(), nil)
	if err != nil || len(none) != 0 {
		t.Errorf("no queries: %v, %v", none, err)
	}
}

// testFacets counts each dimension with and without filters, on it and on others.
func testFacets(t *testing.T, open func(*testing.T) search.Engine) {
	index, all := indexOf(t, open, samples()...), naive{}
	all.put(samples())
	whole := search.Query{Facets: query.Facets()}
	want := map[query.Field]map[string]int{
		query.Department: {"01": 2, "69": 1, vigie.Nationwide: 1, "2A": 1, "2B": 1, vigie.Abroad: 1},
		query.Buyer:      {"buyer_1": 3, "buyer_2": 2, "buyer_12": 1},
		query.Nature:     {"WORKS": 2, "SUPPLIES": 2, "SERVICES": 2},
		query.Procedure:  {"OPEN": 2, "ADAPTED": 1, "NEGOTIATED": 1, "RESTRICTED": 1},
		query.CPV: {
			"45": 2, "452": 2, "4523": 1, "45233": 1, "452331": 1, "4523314": 1, "45233140": 1, "71": 2, "710": 1, "15": 1, "155": 1,
		},
		query.DeadlineKind: {"BIDS": 2, "PARTICIPATION": 2, "INTEREST": 1},
		query.Technique:    {"FRAMEWORK": 2, "CONTRACT": 1, "DYNAMIC_PURCHASING_SYSTEM": 1},
		query.Source:       {"boamp": 3, "Ville-de-Lyon": 1, "ville-de-lyon": 1, "ted": 2},
	}
	if diff := gocmp.Diff(want, ask(t, index, whole).Counts); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	filters := []search.Filter{
		{},
		{Values: query.Values{query.Department: {"01"}}},
		{Values: query.Values{query.Buyer: {"buyer_1"}}},
		{Values: query.Values{query.Nature: {"SERVICES"}}},
		{Values: query.Values{query.Procedure: {"OPEN"}}},
		{Values: query.Values{query.Department: {"01", "2A"}, query.Buyer: {"buyer_1"}, query.Nature: {"WORKS"}, query.Procedure: {"ADAPTED"}}},
		{Values: query.Values{query.Department: {"99"}}},
		{Values: query.Values{query.CPV: {"45"}}},
		{Values: query.Values{query.Source: {"boamp"}, query.EstimatedValue: {query.Between(0, 4_000_000)}}},
		{Values: query.Values{query.Technique: {"FRAMEWORK"}, query.DeadlineKind: {"PARTICIPATION"}}},
		{Statuses: []vigie.TenderStatus{vigie.StatusOnline}, Values: query.Values{query.CPV: {"45"}}},
	}
	var queries []search.Query
	for _, filter := range filters {
		for _, facets := range [][]query.Field{nil, {query.Buyer}, {query.Department, query.Nature}, whole.Facets} {
			for _, limit := range []int{0, 2} {
				q := search.Query{Now: base, Filter: filter, Facets: facets, Limit: limit}
				queries = append(queries, q)
				q.Any = formula(query.Clause{term("voirie")})
				if limit > 0 {
					q.After = &search.Key{At: new(after(-20)), ID: 2}
				}
				queries = append(queries, q)
			}
		}
	}
	for _, q := range slices.Clone(queries) {
		q.Without = []int64{1, 3, 4}
		queries = append(queries, q)
		q.Within = []int64{2, 3, 999}
		queries = append(queries, q)
	}
	results, err := index.Search(t.Context(), queries) // and in the queries' order
	check(t, err)
	for i, q := range queries {
		if diff := gocmp.Diff(all.search(q), results[i], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s-want +got:\n%s", describe(q), diff)
		}
		for _, facet := range q.Facets {
			if results[i].Counts[facet] == nil {
				t.Errorf("%s: no counts by %s", describe(q), facet)
			}
		}
		if !slices.Equal(ids(results[i]), ids(all.search(q))) {
			t.Errorf("%s: rows %v", describe(q), ids(results[i]))
		}
	}
}
