package eforms

import (
	"slices"
	"strconv"
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// commonCriteria are the award criteria that all lots have, nil where they differ.
func (r *reader) commonCriteria() []vigie.AwardCriterion {
	var common []vigie.AwardCriterion
	for i, l := range r.lots {
		criteria := r.criteria(l)
		if i > 0 && !slices.Equal(criteria, common) {
			return nil
		}
		common = criteria
	}
	return common
}

// criteria are the award criteria of a lot.
func (r *reader) criteria(lot tree.Nodes) []vigie.AwardCriterion {
	var list []vigie.AwardCriterion
	for _, n := range lot.At("TenderingTerms.AwardingTerms.AwardingCriterion.SubordinateAwardingCriterion").Each() {
		c := vigie.AwardCriterion{
			Kind: criterionKinds[n.At("AwardingCriterionTypeCode").Raw()],
			Name: ingest.Shorten(r.text(n.At("Name")), ingest.MaxTitle),
		}
		if c.Name == "" {
			c.Name = ingest.Shorten(r.text(n.At("Description")), ingest.MaxTitle)
		}
		for _, parameter := range n.At(extensions + ".AwardCriterionParameter").Each() {
			code := parameter.At("ParameterCode")
			if list := code.Attribute("listName"); list != "" && list != "number-weight" {
				continue // a fixed value, or a threshold
			}
			if weight, unit, ok := weightOf(code.Raw(), parameter.At("ParameterNumeric").Raw()); ok {
				c.Weight, c.Unit = weight, unit
			}
		}
		if c != (vigie.AwardCriterion{}) && len(list) < ingest.MaxCriteria {
			list = append(list, c)
		}
	}
	return list
}

var criterionKinds = map[string]vigie.AwardCriterionKind{
	"price": vigie.PriceCriterion, "cost": vigie.CostCriterion, "quality": vigie.QualityCriterion,
}

const maxWeight = 1_000_000

// weightOf reads a weight by the code list « number-weight »: exact, or the middle of a range.
func weightOf(code, text string) (weight string, unit vigie.WeightUnit, ok bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= maxWeight) { // NaN is neither
		return "", "", false
	}
	switch code {
	case "per-exa", "per-mid":
		unit = vigie.Percent
	case "dec-exa", "dec-mid":
		n, unit = n*100, vigie.Percent
	case "poi-exa", "poi-mid":
		unit = vigie.Points
	case "ord-imp":
		unit = vigie.Rank
	case "": // not said
	default:
		return "", "", false
	}
	// A weight has two decimals at most.
	weight = strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(n, 'f', 2, 64), "0"), ".")
	return weight, unit, true
}
