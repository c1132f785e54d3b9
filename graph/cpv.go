package graph

import (
	"context"

	"vigie"
)

func (q query) CpvCodes(_ context.Context, text string, first *int32) ([]*vigie.CPVCode, error) {
	codes, err := q.service.CPVCodes(text, first)
	return pointers(codes), err
}

func (tenderType) Cpvs(_ context.Context, t *vigie.Tender) ([]*vigie.CPVCode, error) {
	return cpvs(t.CPVCodes), nil
}

func (criteriaType) Cpvs(_ context.Context, c *vigie.Criteria) ([]*vigie.CPVCode, error) {
	return cpvs(c.CPVCodes), nil
}

// cpvs are codes with their labels.
func cpvs(codes []string) []*vigie.CPVCode {
	list := make([]*vigie.CPVCode, len(codes))
	for i, code := range codes {
		list[i] = new(vigie.CPV(code))
	}
	return list
}
