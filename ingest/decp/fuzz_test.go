package decp_test

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
	"vigie/ingest/decp"
)

// FuzzRead checks that whatever a file holds yields notices that can be
// stored, or reasons.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"2019.json", "2022.json", "2022.xml", "results.json", "rows.jsonl", "refused.jsonl"} {
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
		for r := range decp.Read(bytes.NewReader(content)) {
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
	if n.Source != decp.Source || n.SourceRef == "" || n.SourceRef != r.Ref || n.Kind != vigie.Award || n.PublishedAt.IsZero() ||
		n.Buyer.Name == "" && n.Buyer.SIRET == "" || c.Title == "" || len(c.Details.Awards) != 1 || n.ID != 0 || n.TenderID != 0 || n.Revision != 0 {
		t.Errorf("incomplete notice: %+v", n)
	}
	if problems := n.Validate(n.PublishedAt); problems != nil {
		t.Errorf("%s: %v", n.SourceRef, problems)
	}
	if n.PublishedAt.Location() != time.UTC {
		t.Errorf("published %v", n.PublishedAt)
	}
	if !slices.IsSorted(c.Departments) || len(c.CPVCodes) > 1 {
		t.Errorf("departments %v, codes %v", c.Departments, c.CPVCodes)
	}
	for _, code := range c.Departments {
		if _, ok := vigie.DepartmentByCode(code); !ok {
			t.Errorf("department %q", code)
		}
	}
	texts := append([]string{n.SourceRef, n.Buyer.Name, c.Reference, c.Title}, n.Links...)
	for _, award := range c.Details.Awards {
		texts = append(texts, award.Day)
		for _, winner := range award.Winners {
			if winner.Name == "" && winner.SIRET == "" || winner.SIRET != "" && !vigie.ValidSIRET(winner.SIRET) {
				t.Errorf("winner %+v", winner)
			}
			texts = append(texts, winner.Name)
		}
	}
	for _, place := range c.Details.Places {
		texts = append(texts, place.Town, place.Postcode, place.Department, place.Country)
	}
	for _, text := range texts {
		// NUL cannot be stored; line breaks would break what is one line.
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\r\t") || strings.TrimSpace(text) != text {
			t.Errorf("text %q", text)
		}
	}
}
