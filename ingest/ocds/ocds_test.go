package ocds_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/ocds"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func readAll(t testing.TB, content string) []ingest.Record {
	t.Helper()
	return slices.Collect(ocds.Read(strings.NewReader(content), ""))
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestGolden reads every form of file, and everything that is refused.
func TestGolden(t *testing.T) {
	for _, name := range []string{"package.json", "releases.jsonl", "records.json", "refused.jsonl"} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			for _, r := range readAll(t, testdata(t, name)) {
				check(t, r)
				type refusal struct {
					Code vigie.Code
					Text vigie.Text
				}
				line := struct {
					Line    int
					Ref     string
					Refusal *refusal      `json:",omitempty"`
					Notice  *vigie.Notice `json:",omitempty"`
				}{r.Line, r.Ref, nil, r.Notice}
				if r.Err != nil {
					e, ok := errors.AsType[*vigie.Error](r.Err)
					if !ok {
						t.Fatalf("error %v is of type %T", r.Err, r.Err)
					}
					line.Refusal = &refusal{e.Code, e.Text}
				}
				enc := json.NewEncoder(&got)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", " ")
				if err := enc.Encode(line); err != nil {
					t.Fatal(err)
				}
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(testdata(t, name+".golden"), got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
