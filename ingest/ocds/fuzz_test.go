package ocds_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/ocds"
)

// FuzzRead checks that whatever a file holds yields notices that can be
// stored, or reasons.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"package.json", "records.json", "releases.jsonl", "refused.jsonl"} {
		content := []byte(testdata(f, name))
		f.Add(content)
		if strings.HasSuffix(name, "l") {
			for line := range bytes.Lines(content) {
				f.Add(bytes.Clone(line))
			}
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		line := 1
		for r := range ocds.Read(bytes.NewReader(content), "") {
			if r.Line < line {
				t.Errorf("line %d after line %d", r.Line, line)
			}
			line = r.Line
			check(t, r)
		}
	})
}

// check checks that a record is a notice that can be stored, or a reason.
func check(t testing.TB, r ingest.Record) {
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
	if n.Source == "" || n.SourceRef == "" || n.SourceRef != r.Ref || n.Kind == "" || n.PublishedAt.IsZero() ||
		n.Buyer.Name == "" || c.Title == "" || len(n.Links) == 0 || n.ID != 0 || n.TenderID != 0 || n.Revision != 0 {
		t.Errorf("incomplete notice: %+v", n)
	}
	if problems := n.Validate(n.PublishedAt); problems != nil {
		t.Errorf("%s: %v", n.SourceRef, problems)
	}
	if n.PublishedAt.Location() != time.UTC || c.Deadline != nil && c.Deadline.Location() != time.UTC {
		t.Errorf("times: %v, %v", n.PublishedAt, c.Deadline)
	}
	if !slices.IsSorted(c.Departments) || !slices.IsSorted(c.CPVCodes) || !slices.IsSorted(c.Natures) || !slices.IsSorted(c.Details.Languages) {
		t.Errorf("not sorted: %v, %v, %v, %v", c.Departments, c.CPVCodes, c.Natures, c.Details.Languages)
	}
	texts := append([]string{n.SourceRef, n.Buyer.Name, n.Buyer.Ref, n.Buyer.City, c.Reference, c.Title, c.DeadlineText, c.URL,
		c.Details.DocumentsURL, c.Details.SubmissionURL, strings.ReplaceAll(c.Description, "\n", " ")}, n.Links...)
	lots := make(map[string]bool)
	for _, lot := range c.Lots {
		if lot.Title == "" {
			t.Errorf("lot without a title: %v", c.Lots)
		}
		texts = append(texts, lot.Number, lot.Title, strings.ReplaceAll(lot.Description, "\n", " "))
		for _, criterion := range lot.AwardCriteria {
			texts = append(texts, criterion.Name, criterion.Weight)
		}
	}
	for _, award := range c.Details.Awards {
		if lots[award.Lot] {
			t.Errorf("two awards of lot %q", award.Lot)
		}
		lots[award.Lot] = true
		texts = append(texts, award.Lot, award.Day)
		for _, winner := range award.Winners {
			if winner.Name == "" || winner.SIRET != "" && !vigie.ValidSIRET(winner.SIRET) {
				t.Errorf("winner %+v", winner)
			}
			texts = append(texts, winner.Name, winner.Town, winner.Country)
		}
	}
	for _, place := range c.Details.Places {
		texts = append(texts, place.Town, place.Postcode, place.NUTS, place.Country)
	}
	for _, text := range texts {
		// NUL cannot be stored; line breaks would break what is one line.
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\r\t") || strings.TrimSpace(text) != text {
			t.Errorf("text %q", text)
		}
	}
}
