package service

import (
	"context"
	"slices"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// checkFilter checks what narrows a list, and words it for the index. least and most bound the value, "" for no bound.
func checkFilter(f search.Filter, least, most string) (search.Filter, error) {
	if n := len(f.Statuses); n > vigie.MaxChoices {
		return f, badRequest(tooMany(n, vigie.MaxChoices), "filter.statuses")
	}
	for _, c := range query.Filters() {
		if n := len(f.Values[c.Field]); n > vigie.MaxChoices {
			return f, badRequest(tooMany(n, vigie.MaxChoices), "filter."+c.Input)
		}
	}
	for _, c := range query.Filters() {
		if c.Field == query.Buyer {
			continue // see followBuyers
		}
		values := slices.Clone(f.Values[c.Field])
		for i, text := range values {
			if c.None != "" && text == c.None || slices.Contains(c.Others, text) {
				continue
			}
			var mistake *vigie.Error
			if values[i], mistake = c.Parse(text); mistake != nil {
				return f, wrongValue(mistake, "filter."+c.Input)
			}
		}
		f.Values[c.Field] = values
	}
	var err error
	f.Values[query.EstimatedValue], err = valueFilter(least, most)
	return f, err
}

// valueFilter is what a filter on the value asks for: tenders that give none in euros do not pass.
func valueFilter(least, most string) ([]string, error) {
	var c vigie.Criteria
	for _, bound := range []struct {
		text, field string
		into        *string
	}{{least, "filter.minValue", &c.MinValue}, {most, "filter.maxValue", &c.MaxValue}} {
		if bound.text == "" {
			continue
		}
		amount, mistake := parseAmount(bound.text)
		if mistake != nil {
			return nil, badRequest(mistake.Text, bound.field)
		}
		*bound.into = amount
	}
	if !valueInOrder(c) {
		return nil, badRequest(conflictingValues(), "filter.maxValue")
	}
	return query.EstimatedValue.Criterion().Values(&c), nil
}

// wrongValue is that a filter has a value that cannot be, or that there is not.
func wrongValue(mistake *vigie.Error, field string) error {
	if mistake.Code == vigie.NotFound {
		return &vigie.Error{Code: vigie.NotFound, Field: []string{field}, Text: mistake.Text}
	}
	return badRequest(mistake.Text, field)
}

// followBuyers replaces the ids of buyers in filters by their names in the index;
// joined buyers get that of the one they became. The API refuses
// other ids; here they match nothing.
func (s *Service) followBuyers(ctx context.Context, queries []search.Query) error {
	var ids []int64
	for _, q := range queries {
		for _, global := range q.Filter.Values[query.Buyer] {
			ids = append(ids, s.buyerID(global))
		}
	}
	buyers, err := s.Store.Buyers(ctx, ids)
	if err != nil {
		return err
	}
	for i := range queries {
		names := slices.Clone(queries[i].Filter.Values[query.Buyer])
		for j, global := range names {
			names[j] = vigie.GlobalID(vigie.KindBuyer, 0)
			if b := buyers[s.buyerID(global)]; b != nil {
				names[j] = b.GlobalID()
			}
		}
		queries[i].Filter.Values[query.Buyer] = names
	}
	return nil
}
