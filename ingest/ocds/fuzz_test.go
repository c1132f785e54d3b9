package ocds_test

import (
	"bytes"
	"strings"
	"testing"

	"vigie/ingest"
	"vigie/ingest/ingesttest"
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
		ingesttest.Check(t, r, "")
		return
	}
	n := r.Notice
	ingesttest.Check(t, r, n.Source)
	if n.Source == "" || len(n.Links) != 1 {
		t.Errorf("incomplete notice: %+v", n)
	}
	if problems := n.Validate(n.PublishedAt); problems != nil {
		t.Errorf("%s: %v", n.SourceRef, problems)
	}
	lots := make(map[string]bool)
	for _, award := range n.Content.Details.Awards {
		if lots[award.Lot] {
			t.Errorf("two awards of lot %q", award.Lot)
		}
		lots[award.Lot] = true
	}
}
