// Package ingesttest checks what the readers of sources yield.
package ingesttest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vigie"
	"vigie/ingest"
)

// Check checks that a record is a notice of a source that can be stored, or a reason why there is none.
func Check(t testing.TB, r ingest.Record, source string) {
	t.Helper()
	if r.Err != nil {
		e, ok := errors.AsType[*vigie.Error](r.Err)
		if !ok || e.Text.FR == "" || e.Text.EN == "" || r.Notice != nil {
			t.Errorf("refusal without a reason: %+v", r)
		}
		return
	}
	n := r.Notice
	c := n.Content
	if n.Source != source || n.SourceRef == "" || n.SourceRef != r.Ref || n.Kind == "" || n.PublishedAt.IsZero() ||
		n.Buyer.Name == "" || c.Title == "" || n.ID != 0 || n.TenderID != 0 || n.Revision != 0 {
		t.Errorf("incomplete notice: %+v", n)
	}
	if n.PublishedAt.Location() != time.UTC || c.Deadline != nil && c.Deadline.Location() != time.UTC ||
		(c.Deadline == nil) != (c.DeadlineText == "") {
		t.Errorf("times: %v, %v, %q", n.PublishedAt, c.Deadline, c.DeadlineText)
	}
	if n.Buyer.SIRET != "" && !vigie.ValidSIRET(n.Buyer.SIRET) {
		t.Errorf("SIRET %q", n.Buyer.SIRET)
	}
	if !slices.IsSorted(c.Departments) || !slices.IsSorted(c.CPVCodes) || !slices.IsSorted(c.Natures) || !slices.IsSorted(c.Details.Languages) {
		t.Errorf("not sorted: %v, %v, %v, %v", c.Departments, c.CPVCodes, c.Natures, c.Details.Languages)
	}
	for _, code := range c.Departments {
		if _, ok := vigie.DepartmentByCode(code); !ok {
			t.Errorf("department %q", code)
		}
	}
	checkBounds(t, c)
	checkTexts(t, n)
}

// checkBounds checks that there is not too much of anything, and that codes are codes.
func checkBounds(t testing.TB, c vigie.Content) {
	t.Helper()
	d := c.Details
	if len(c.Lots) > ingest.MaxLots || len(d.Awards) > ingest.MaxAwards || len(c.Description) > 4*ingest.MaxDescription ||
		len(c.Correction) > 4*ingest.MaxDescription || len(c.CPVCodes) > ingest.MaxCodes {
		t.Errorf("too much: %d lots, %d awards, %d CPV codes, description of %d", len(c.Lots), len(d.Awards), len(c.CPVCodes), len(c.Description))
	}
	codes, places, criteria := slices.Clone(c.CPVCodes), slices.Clone(d.Places), slices.Clone(d.AwardCriteria)
	money := []vigie.Money{d.Value}
	for _, l := range c.Lots {
		codes, money = append(codes, l.CPVCodes...), append(money, l.Value)
		if len(l.Places) > ingest.MaxPlaces || len(l.AwardCriteria) > ingest.MaxCriteria || len(l.Description) > 4*ingest.MaxDescription {
			t.Errorf("too much of lot %s", l.Number)
		}
		places, criteria = append(places, l.Places...), append(criteria, l.AwardCriteria...)
	}
	for _, a := range d.Awards {
		money = append(money, a.Amount)
		if len(a.Winners) > ingest.MaxWinners || a.Outcome != vigie.LotAwarded && a.Outcome != vigie.LotUnawarded {
			t.Errorf("award %+v", a)
		}
	}
	for _, code := range codes {
		if len(code) != 8 {
			t.Errorf("CPV code %q", code)
		}
	}
	for _, m := range money {
		if _, ok := vigie.ParseMoney(m.Amount, m.Currency); !ok && m != (vigie.Money{}) {
			t.Errorf("money %v", m)
		}
	}
	for _, p := range places {
		if p == (vigie.Place{}) || len(p.Country) != 0 && len(p.Country) != 2 {
			t.Errorf("place %+v", p)
		}
	}
	for _, a := range criteria {
		if a == (vigie.AwardCriterion{}) {
			t.Error("a criterion that says nothing")
		}
	}
}

// checkTexts checks that texts are clean: NUL cannot be stored, and line breaks would break what is one line.
func checkTexts(t testing.TB, n *vigie.Notice) {
	t.Helper()
	c := n.Content
	texts := append([]string{n.SourceRef, n.Buyer.Name, n.Buyer.City, c.Reference, c.Title, c.DeadlineText, c.URL,
		c.Details.DocumentsURL, c.Details.SubmissionURL}, c.Labels...)
	texts = append(texts, n.Links...)
	several := []string{c.Description, c.Correction}
	places, criteria := slices.Clone(c.Details.Places), slices.Clone(c.Details.AwardCriteria)
	for _, l := range c.Lots {
		if l.Title == "" {
			t.Errorf("lot without a title: %v", c.Lots)
		}
		texts, several = append(texts, l.Number, l.Title), append(several, l.Description)
		places, criteria = append(places, l.Places...), append(criteria, l.AwardCriteria...)
	}
	for _, p := range places {
		texts = append(texts, p.Town, p.Postcode, p.NUTS, p.Country)
	}
	for _, a := range criteria {
		texts = append(texts, a.Name, a.Weight)
	}
	for _, a := range c.Details.Awards {
		texts = append(texts, a.Lot, a.Reason, a.Day)
		for _, w := range a.Winners {
			texts = append(texts, w.Name, w.Town, w.Country)
			if w.SIRET != "" && !vigie.ValidSIRET(w.SIRET) {
				t.Errorf("SIRET %q", w.SIRET)
			}
		}
	}
	for _, text := range several {
		texts = append(texts, strings.ReplaceAll(text, "\n", " "))
	}
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\r\t") || strings.TrimSpace(text) != text {
			t.Errorf("text %q", text)
		}
	}
}
