package decp_test

import (
	"bytes"
	"strings"
	"testing"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/decp"
	"vigie/ingest/ingesttest"
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

// check checks that a record is a notice that can be stored, or a reason. A buyer
// has a name or a SIRET.
func check(t testing.TB, r ingest.Record) {
	t.Helper()
	if r.Err != nil {
		ingesttest.Check(t, r, decp.Source)
		return
	}
	n := *r.Notice
	if n.Buyer.Name == "" {
		n.Buyer.Name = n.Buyer.SIRET
	}
	ingesttest.Check(t, ingest.Record{Notice: &n, Ref: r.Ref}, decp.Source)
	if n.Kind != vigie.Award || len(n.Content.Details.Awards) != 1 {
		t.Errorf("no award: %+v", n)
	}
	for _, winner := range n.Content.Details.Awards[0].Winners {
		if winner.Name == "" && winner.SIRET == "" {
			t.Error("a winner that nothing is known of")
		}
	}
	if problems := n.Validate(n.PublishedAt); problems != nil {
		t.Errorf("%s: %v", n.SourceRef, problems)
	}
}
