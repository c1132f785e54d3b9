package service

import (
	"context"
	"slices"

	"vigie"
	"vigie/search"
)

// checkFilter checks what narrows a list, and words it for the index.
func checkFilter(f search.Filter) (search.Filter, error) {
	for _, list := range []struct {
		name string
		n    int
	}{
		{"statuses", len(f.Statuses)}, {"departmentCodes", len(f.Departments)}, {"buyerIds", len(f.Buyers)},
		{"natures", len(f.Natures)}, {"procedures", len(f.Procedures)}, {"cpvCodes", len(f.CPVCodes)},
	} {
		if list.n > vigie.MaxChoices {
			return f, badRequest(tooMany(list.n, vigie.MaxChoices), "filter."+list.name)
		}
	}
	f.Departments = slices.Clone(f.Departments)
	for i, code := range f.Departments {
		if code == vigie.Nationwide {
			continue
		}
		f.Departments[i] = vigie.NormalizeDepartment(code)
		if _, ok := vigie.DepartmentByCode(f.Departments[i]); !ok {
			return f, &vigie.Error{Code: vigie.NotFound, Field: []string{"filter.departmentCodes"}, Text: noDepartment(code)}
		}
	}
	f.CPVCodes = slices.Clone(f.CPVCodes)
	for i, code := range f.CPVCodes {
		var ok bool
		if f.CPVCodes[i], ok = cpvPrefix(code); !ok {
			return f, badRequest(notCPV(code), "filter.cpvCodes")
		}
	}
	return f, nil
}

// followBuyers replaces the ids of buyers in filters by their names in the index;
// joined buyers get that of the one they became. The API refuses
// other ids; here they match nothing.
func (s *Service) followBuyers(ctx context.Context, queries []search.Query) error {
	var ids []int64
	for _, q := range queries {
		for _, global := range q.Filter.Buyers {
			ids = append(ids, s.buyerID(global))
		}
	}
	buyers, err := s.Store.Buyers(ctx, ids)
	if err != nil {
		return err
	}
	for i := range queries {
		f := &queries[i].Filter
		f.Buyers = slices.Clone(f.Buyers)
		for j, global := range f.Buyers {
			f.Buyers[j] = vigie.GlobalID(vigie.KindBuyer, 0)
			if b := buyers[s.buyerID(global)]; b != nil {
				f.Buyers[j] = b.GlobalID()
			}
		}
	}
	return nil
}
