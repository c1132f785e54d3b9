package ocds

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/tree"
)

// numbers are the lots' numbers by their ids.
type numbers map[string]string

// of returns the number of a lot: its id, where people can read that.
func (n numbers) of(id string) string {
	if number, ok := n[id]; ok {
		return number
	}
	return numberIn(id)
}

func numberIn(id string) string {
	if number, ok := strings.CutPrefix(id, "LOT-"); ok {
		id = strings.TrimLeft(number, "0")
	}
	return ingest.Clean(id)
}

// readable is an id that serves as a number.
var readable = regexp.MustCompile(`^[0-9A-Za-z. _/-]{1,20}$`)

// lots fills in the lots, all that are known where the release speaks of any,
// and returns their numbers. A lot alone is the whole: what it says is said of
// the tender.
func (r *release) lots(c *vigie.Content) numbers {
	all := r.all.At("tender.lots").Each()
	of := make(numbers, len(all))
	for i, l := range all {
		id := l.At("id").Raw()
		number := numberIn(id)
		if !readable.MatchString(number) {
			number = strconv.Itoa(i + 1)
		}
		of[id] = number
	}
	if len(all) == 1 && (of[all[0].At("id").Raw()] == "1" || all[0].At("title").Text() == "") {
		of[all[0].At("id").Raw()] = ""
		r.lift(all[0], c)
		return of
	}
	if !says(r.said, "tender.lots") {
		return of
	}
	items := by(r.all.At("tender.items"), "relatedLot", "relatedLots")
	for _, l := range all[:min(len(all), ingest.MaxLots)] {
		c.Lots = append(c.Lots, r.lot(l, items[l.At("id").Raw()], of))
	}
	return of
}

// lot reads a lot.
func (r *release) lot(l, items tree.Nodes, of numbers) vigie.Lot {
	lot := vigie.Lot{
		Number:        of.of(l.At("id").Raw()),
		Title:         l.At("title").Text(),
		Description:   l.At("description").Lines(),
		Value:         money(l.At("value")),
		CPVCodes:      cpvOf(slices.Concat(items, l)),
		Nature:        nature(l.At("mainProcurementCategory").Raw()),
		Places:        placesOf(slices.Concat(items, l)),
		Duration:      duration(l.At("contractPeriod")),
		Deadline:      r.deadline(l.At("tenderPeriod.endDate").Raw()),
		AwardCriteria: criteria(l.At("awardCriteria.criteria")),
	}
	if lot.Title == "" {
		lot.Title = ingest.Shorten(l.At("description").Text(), ingest.MaxName)
	}
	if lot.Title == "" {
		lot.Title = strings.TrimSpace("Lot " + lot.Number)
	}
	if ingest.Same(lot.Description, lot.Title) {
		lot.Description = ""
	}
	if whole := r.deadline(r.all.At("tender.tenderPeriod.endDate").Raw()); lot.Deadline != nil && whole != nil && lot.Deadline.Equal(*whole) {
		lot.Deadline = nil
	}
	return lot
}

// lift says of the tender what its only lot says, where this release says it.
func (r *release) lift(l tree.Nodes, c *vigie.Content) {
	if !says(r.said, "tender.lots") {
		return
	}
	d := &c.Details
	if d.Value == (vigie.Money{}) {
		d.Value = money(l.At("value"))
	}
	if d.Duration == (vigie.Duration{}) {
		d.Duration = duration(l.At("contractPeriod"))
	}
	if renewals := number(l.At("renewal.maximumRenewals")); renewals > 0 && renewals <= 100 {
		d.Renewals = renewals
	}
	if c.Description == "" {
		c.Description = l.At("description").Lines()
	}
	d.AwardCriteria = criteria(l.At("awardCriteria.criteria"))
}

// criteria read the award criteria of the extension for them.
func criteria(list tree.Nodes) []vigie.AwardCriterion {
	var criteria []vigie.AwardCriterion
	for _, c := range list.Each() {
		criterion := vigie.AwardCriterion{
			Kind: map[string]vigie.AwardCriterionKind{
				"price": vigie.PriceCriterion, "cost": vigie.CostCriterion, "quality": vigie.QualityCriterion,
			}[c.At("type").Raw()],
			Name: ingest.Shorten(c.At("name").Text(), ingest.MaxName),
		}
		if criterion.Name == "" {
			criterion.Name = ingest.Shorten(c.At("description").Text(), ingest.MaxName)
		}
		criterion.Weight, criterion.Unit = weight(c.At("numbers"))
		if criterion != (vigie.AwardCriterion{}) {
			criteria = append(criteria, criterion)
		}
	}
	return criteria
}

// weight is the first weight that is one number.
func weight(list tree.Nodes) (string, vigie.WeightUnit) {
	for _, n := range list.Each() {
		unit := map[string]vigie.WeightUnit{"percentageExact": vigie.Percent, "decimalExact": vigie.Points, "order": vigie.Rank}[n.At("weight").Raw()]
		if value := n.At("number").Raw(); unit != "" && decimal.MatchString(value) {
			if strings.Contains(value, ".") {
				value = strings.TrimRight(strings.TrimRight(value, "0"), ".")
			}
			return value, unit
		}
	}
	return "", ""
}

var decimal = regexp.MustCompile(`^[0-9]{1,6}(?:\.[0-9]{1,6})?$`)

// number is a whole number, 0 for anything else.
func number(n tree.Nodes) int {
	whole, _, _ := strings.Cut(n.Raw(), ".")
	i, err := strconv.Atoi(whole)
	if err != nil {
		return 0
	}
	return i
}
