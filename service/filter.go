package service

import (
	"context"
	"slices"

	"vigie"
	"vigie/query"
	"vigie/search"
)

// checkFilter checks what narrows a list, and words it for the index.
func checkFilter(f search.Filter) (search.Filter, error) {
	if n := len(f.Statuses); n > vigie.MaxChoices {
		return f, badRequest(tooMany(n, vigie.MaxChoices), "filter.statuses")
	}
	for _, c := range query.Criteria() {
		if n := len(f.Values[c.Field]); n > vigie.MaxChoices {
			return f, badRequest(tooMany(n, vigie.MaxChoices), "filter."+c.Input)
		}
	}
	for _, c := range query.Criteria() {
		if c.Field == query.Buyer {
			continue // see followBuyers
		}
		values := slices.Clone(f.Values[c.Field])
		for i, text := range values {
			if c.None != "" && text == c.None {
				continue
			}
			var mistake *vigie.Error
			if values[i], mistake = c.Parse(text); mistake != nil {
				return f, wrongValue(mistake, "filter."+c.Input)
			}
		}
		f.Values[c.Field] = values
	}
	return f, nil
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
