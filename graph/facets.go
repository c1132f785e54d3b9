package graph

import (
	"context"

	"vigie"
	"vigie/service"
)

func (facetsType) CpvCodes(_ context.Context, f *service.TenderFacets, digits, first *int32) ([]*service.FacetCount, error) {
	length, most := 2, 50
	if digits != nil {
		length = int(*digits)
	}
	if first != nil {
		most = int(*first)
	}
	if length < 2 || length > 8 {
		return nil, &vigie.Error{Code: vigie.BadRequest, Field: []string{"digits"}, Text: vigie.Same("A CPV code has 2 to 8 digits.")}
	}
	if most < 1 || most > vigie.MaxPageSize {
		return nil, outOfRange()
	}
	return f.TopCPVCodes(length, most), nil
}

func (facetsType) Statuses(ctx context.Context, f *service.TenderFacets) ([]*service.FacetCount, error) {
	counts := make(map[string]int, len(f.ByStatus))
	for status, n := range f.ByStatus {
		counts[string(status)] = n
	}
	return service.SortedCounts(counts, func(v string) string { return say(ctx, vigie.TenderStatus(v).Label()) }), nil
}

func (r facetsType) Watches(_ context.Context, f *service.TenderFacets) ([]*service.FacetCount, error) {
	if f.ByWatch == nil {
		return nil, nil
	}
	counts, names := make(map[string]int, len(f.ByWatch)), make(map[string]string, len(f.ByWatch))
	for w, n := range f.ByWatch {
		id := r.id(vigie.KindWatch, w.ID)
		counts[id], names[id] = n, w.Name
	}
	return service.SortedCounts(counts, func(v string) string { return names[v] }), nil
}

// outOfRange refuses a number of values of a facet.
func outOfRange() error {
	return &vigie.Error{Code: vigie.BadRequest, Field: []string{"first"}, Text: vigie.Same("The number of rows must be between 1 and %d.").With(vigie.MaxPageSize)}
}
