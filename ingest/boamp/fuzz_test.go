package boamp_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/boamp"
)

// FuzzRead checks that whatever a file holds yields notices that can be
// stored, or reasons.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.json*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
		for line := range bytes.Lines(content) {
			f.Add(bytes.Clone(line))
		}
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if err := errors.Join(w.Flush(), w.Close()); err != nil {
		f.Fatal(err)
	}
	f.Add(packed.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		line := 1
		for r := range boamp.Read(bytes.NewReader(content)) {
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
	if n.Source != boamp.Source || n.SourceRef == "" || n.SourceRef != r.Ref || n.Kind == "" || n.PublishedAt.IsZero() ||
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
	if !slices.IsSorted(c.Departments) || !slices.IsSorted(c.CPVCodes) || !slices.IsSorted(c.Natures) {
		t.Errorf("not sorted: %v, %v, %v", c.Departments, c.CPVCodes, c.Natures)
	}
	for _, code := range c.Departments {
		if _, ok := vigie.DepartmentByCode(code); !ok {
			t.Errorf("department %q", code)
		}
	}
	for _, code := range c.CPVCodes {
		if len(code) != 8 {
			t.Errorf("CPV code %q", code)
		}
	}
	texts := append([]string{n.SourceRef, n.Buyer.Name, n.Buyer.City, c.Reference, c.Title, c.DeadlineText, c.URL}, c.Labels...)
	texts = append(texts, n.Links...)
	for _, lot := range c.Lots {
		if lot.Title == "" {
			t.Errorf("lot without a title: %v", c.Lots)
		}
		texts = append(texts, lot.Number, lot.Title)
	}
	for _, text := range []string{c.Description, c.Correction} { // of several lines
		texts = append(texts, strings.ReplaceAll(text, "\n", " "))
	}
	for _, text := range texts {
		// NUL cannot be stored; line breaks would break what is one line.
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\r\t") || strings.TrimSpace(text) != text {
			t.Errorf("text %q", text)
		}
	}
}
