package boamp_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"vigie/ingest"
	"vigie/ingest/boamp"
	"vigie/ingest/ingesttest"
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
	ingesttest.Check(t, r, boamp.Source)
}
