package boamp_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/boamp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// readAll reads all records of a file's content.
func readAll(t testing.TB, content string) []ingest.Record {
	t.Helper()
	return slices.Collect(boamp.Read(strings.NewReader(content)))
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestGolden reads every form of notice, and everything that is refused.
func TestGolden(t *testing.T) {
	for _, name := range []string{"families.jsonl", "shapes.jsonl", "further.jsonl", "refused.jsonl"} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			for r := range boamp.Read(strings.NewReader(testdata(t, name))) {
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
			for _, person := range []string{"à ne pas lire", "00 00 00 00", "personne@"} {
				if strings.Contains(got.String(), person) {
					t.Errorf("%q of a contact was read", person)
				}
			}
			want := testdata(t, name+".golden")
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestWrappers reads the same two notices from every answer of the API.
func TestWrappers(t *testing.T) {
	want := notices(t, testdata(t, "v2.1-export.jsonl"))
	if len(want) != 2 || want[0].SourceRef != "26-20001" || want[1].SourceRef != "26-20002" {
		t.Fatalf("notices = %v", want)
	}
	for name, lines := range map[string][]int{
		"v2.1-export.jsonl": {1, 2}, "v2.1-export.json": {2, 3}, "v2.1-records.json": {4, 43},
		"v2.0-records.json": {1, 1}, "v1-search.json": {8, 31},
	} {
		content := testdata(t, name)
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for form, content := range map[string]string{
			"plain":         content,
			"gzip":          packed.String(),
			"mark":          "\ufeff" + content,
			"crlf":          strings.ReplaceAll(content, "\n", "\r\n"),
			"blank lines":   "\n \n" + content + "\n\n",
			"byte for byte": content,
		} {
			t.Run(name+"/"+form, func(t *testing.T) {
				var r io.Reader = strings.NewReader(content)
				if form == "byte for byte" {
					r = oneByte{r}
				}
				var got []*vigie.Notice
				var gotLines []int
				for record := range boamp.Read(r) {
					if record.Err != nil {
						t.Fatalf("line %d: %v", record.Line, record.Err)
					}
					got = append(got, record.Notice)
					gotLines = append(gotLines, record.Line)
				}
				if name == "v1-search.json" {
					got[0].Content.DeadlineText = want[0].Content.DeadlineText
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if form == "blank lines" {
					for i := range gotLines {
						gotLines[i] -= 2
					}
				}
				if !slices.Equal(gotLines, lines) {
					t.Errorf("lines = %v, want %v", gotLines, lines)
				}
			})
		}
	}
}

// TestStops checks that a caller may stop.
func TestStops(t *testing.T) {
	content := testdata(t, "families.jsonl")
	n := 0
	for range boamp.Read(strings.NewReader(content + "garbage\n" + content)) {
		if n++; n == 3 {
			break
		}
	}
	for range boamp.Read(strings.NewReader("garbage\n" + content)) {
		break
	}
	for range boamp.Read(strings.NewReader("\x1f\x8bbroken")) {
		break
	}
}

// TestReaderFails names where reading stopped, after what came before.
func TestReaderFails(t *testing.T) {
	broken := errors.New("broken")
	content := testdata(t, "v2.1-export.jsonl")
	records := slices.Collect(boamp.Read(io.MultiReader(strings.NewReader(content), failing{broken})))
	if len(records) != 3 || records[0].Err != nil || records[1].Err != nil {
		t.Fatalf("records = %v", records)
	}
	last := records[2]
	if vigie.CodeOf(last.Err) != vigie.Unavailable || !errors.Is(last.Err, broken) || last.Line != 3 {
		t.Errorf("last = %+v, want the reader's error at line 3", last)
	}
}

// TestPackedFileCut reads what a packed file that is cut short still has.
func TestPackedFileCut(t *testing.T) {
	var packed bytes.Buffer
	// Stored, so that the cut falls where it can be seen.
	w, err := gzip.NewWriterLevel(&packed, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	content := testdata(t, "v2.1-export.jsonl")
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	records := readAll(t, packed.String()[:packed.Len()-100])
	if len(records) != 3 || records[0].Err != nil {
		t.Fatalf("records = %v", records)
	}
	if r := records[1]; vigie.CodeOf(r.Err) != vigie.Invalid || r.Line != 2 || r.Ref != "26-20002" {
		t.Errorf("cut record = %+v", r)
	}
	if r := records[2]; vigie.CodeOf(r.Err) != vigie.Unavailable || !errors.Is(r.Err, io.ErrUnexpectedEOF) {
		t.Errorf("end = %+v", r)
	}
	if records := readAll(t, "\x1f\x8bno gzip"); len(records) != 1 || vigie.CodeOf(records[0].Err) != vigie.Unavailable {
		t.Errorf("no gzip: records = %v", records)
	}
}

func TestPublishedAtMidnightInParis(t *testing.T) {
	for day, want := range map[string]time.Time{
		"2026-01-15":                time.Date(2026, 1, 14, 23, 0, 0, 0, time.UTC),
		"2026-07-15":                time.Date(2026, 7, 14, 22, 0, 0, 0, time.UTC),
		"2026-07-15T00:00:00+00:00": time.Date(2026, 7, 14, 22, 0, 0, 0, time.UTC),
	} {
		got := notices(t, `{"idweb":"26-1","objet":"a","nomacheteur":"b","dateparution":"`+day+`"}`)
		if !got[0].PublishedAt.Equal(want) {
			t.Errorf("%s: %v, want %v", day, got[0].PublishedAt, want)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("travaux ", 2000)
	record, err := json.Marshal(map[string]any{
		"idweb": "26-1", "objet": long, "nomacheteur": long, "dateparution": "2026-01-15",
		"url_avis": "https://www.example.org/" + strings.Repeat("a", 3000),
		"donnees": map[string]any{"FNSimple": map[string]any{"initial": map[string]any{
			"natureMarche":  map[string]any{"description": "description " + long},
			"communication": map[string]any{"identifiantInterne": long},
			"lots":          map[string]any{"lot": slices.Repeat([]any{map[string]any{"numero": "1", "intitule": long[:1200]}}, 600)},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := notices(t, string(record))[0]
	if len(n.Content.Title) > 1002 || len(n.Buyer.Name) > 302 || len(n.Content.Description) > 10_002 ||
		len(n.Content.Reference) > 102 || len(n.Content.Lots) != 500 || n.Content.URL != "" {
		t.Errorf("title %d, buyer %d, description %d, reference %d, lots %d, url %q",
			len(n.Content.Title), len(n.Buyer.Name), len(n.Content.Description), len(n.Content.Reference), len(n.Content.Lots), n.Content.URL)
	}
	if !strings.HasSuffix(n.Content.Title, "travaux…") {
		t.Errorf("title ends %q", n.Content.Title[len(n.Content.Title)-20:])
	}
}

// notices are the notices of a file of which none is refused.
func notices(t testing.TB, content string) []*vigie.Notice {
	t.Helper()
	var list []*vigie.Notice
	for _, r := range readAll(t, content) {
		if r.Err != nil {
			t.Fatalf("line %d: %v", r.Line, r.Err)
		}
		list = append(list, r.Notice)
	}
	return list
}

// oneByte reads a byte at a time.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

// failing fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
