package ted_test

import (
	"os"
	"path/filepath"
	"testing"
	"encoding/json"

	"vigie/ingest/ted"
)

func TestTry(t *testing.T) {
	files, _ := filepath.Glob("/work/shared/data/ted*/*.xml")
	out, _ := os.Create("/tmp/got.jsonl")
	defer out.Close()
	for _, f := range files {
		r, _ := os.Open(f)
		for rec := range ted.Read(r) {
			if rec.Err != nil { t.Errorf("%s: %v", f, rec.Err); continue }
			b, _ := json.Marshal(map[string]any{"file": filepath.Base(f), "notice": rec.Notice})
			out.Write(append(b, '\n'))
		}
		r.Close()
	}
}
