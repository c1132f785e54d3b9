package bleve

import (
	"strconv"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/search/query"

	"vigie/search/internal/plan"
)

// condition says a simplified expression in Bleve's terms.
func condition(x plan.Expr) query.Query {
	switch x := x.(type) {
	case plan.And:
		if plan.All(x) {
			return bleve.NewMatchAllQuery()
		}
		return bleve.NewConjunctionQuery(conditions(x)...)
	case plan.Or:
		if plan.None(x) {
			return bleve.NewMatchNoneQuery()
		}
		return bleve.NewDisjunctionQuery(conditions(x)...)
	case plan.Not:
		// A boolean query whose parts find nothing finds nothing, exclusions
		// included: hence all that it excludes from.
		not := bleve.NewBooleanQuery()
		not.AddMust(bleve.NewMatchAllQuery())
		not.AddMustNot(condition(x.X))
		return not
	case plan.In:
		if len(x.Values) == 1 {
			return term(x.Field, x.Values[0])
		}
		any := make([]query.Query, len(x.Values))
		for i, value := range x.Values {
			any[i] = term(x.Field, value)
		}
		return bleve.NewDisjunctionQuery(any...)
	case plan.Range:
		return between(x)
	case plan.IDs:
		return bleve.NewDocIDQuery(documentIDs(x))
	}
	return bleve.NewMatchNoneQuery()
}

func conditions[T ~[]plan.Expr](list T) []query.Query {
	out := make([]query.Query, len(list))
	for i, x := range list {
		out[i] = condition(x)
	}
	return out
}

func documentIDs(list plan.IDs) []string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = strconv.FormatInt(id, 10)
	}
	return out
}

func term(field, value string) *query.TermQuery {
	q := bleve.NewTermQuery(value)
	q.SetField(field)
	return q
}

func between(r plan.Range) query.Query {
	var from, to *float64
	if r.From > plan.Low {
		from = new(float64(r.From))
	}
	if r.To < plan.High {
		to = new(float64(r.To))
	}
	q := bleve.NewNumericRangeInclusiveQuery(from, to, new(true), new(true))
	q.SetField(r.Field)
	return q
}

// text asks for each word anywhere: by its term or as it is written, which is
// worth most; with typing errors; and the last one as the beginning of a word.
func text(words []plan.Word) query.Query {
	all := make([]query.Query, len(words))
	for i, word := range words {
		any := bleve.NewDisjunctionQuery()
		for _, in := range []struct {
			field string
			worth float64
		}{{titleWords, 8}, {buyerWords, 4}, {descriptionWords, 1}, {otherWords, 1}} {
			any.AddQuery(forms(word, i == len(words)-1, in.field, in.worth)...)
		}
		all[i] = any
	}
	return bleve.NewConjunctionQuery(all...)
}

// forms are the forms in which a field may hold a word.
func forms(word plan.Word, last bool, field string, worth float64) []query.Query {
	const exact = 8 // times better than any other form
	list := []query.Query{boosted(bleve.NewTermQuery(word.Term), field, worth*exact)}
	if word.Folded == "" {
		return list
	}
	if word.Folded != word.Term {
		list = append(list, boosted(bleve.NewTermQuery(word.Folded), field, worth*exact))
	}
	if last {
		list = append(list, boosted(bleve.NewPrefixQuery(word.Folded), field, worth))
	}
	if typos := plan.Typos(word.Folded); typos > 0 {
		near := bleve.NewFuzzyQuery(word.Folded)
		near.SetFuzziness(typos)
		near.SetPrefix(1)
		list = append(list, boosted(near, field, worth))
		for _, swapped := range swaps(word.Folded) {
			list = append(list, boosted(bleve.NewTermQuery(swapped), field, worth))
		}
	}
	return list
}

func boosted[Q interface {
	query.FieldableQuery
	query.BoostableQuery
}](q Q, field string, worth float64) query.Query {
	q.SetField(field)
	q.SetBoost(worth)
	return q
}

// swaps are the words that come of swapping two neighbouring letters, the
// first one aside: one typing error, which Bleve counts as two.
func swaps(word string) []string {
	letters := []rune(word)
	var list []string
	for i := 1; i+1 < len(letters); i++ {
		if letters[i] != letters[i+1] {
			letters[i], letters[i+1] = letters[i+1], letters[i]
			list = append(list, string(letters))
			letters[i], letters[i+1] = letters[i+1], letters[i]
		}
	}
	return list
}
