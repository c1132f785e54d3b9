package ocds_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/ocds"
)

// notices are the notices of a file of which none is refused.
func notices(t testing.TB, content string) []*vigie.Notice {
	t.Helper()
	var list []*vigie.Notice
	for _, r := range readAll(t, content) {
		check(t, r)
		if r.Err != nil {
			t.Fatalf("line %d: %v", r.Line, r.Err)
		}
		list = append(list, r.Notice)
	}
	return list
}

// TestWrappers reads the same releases from every form of file.
func TestWrappers(t *testing.T) {
	lines := strings.TrimSpace(testdata(t, "releases.jsonl"))
	want := notices(t, lines)
	list := strings.ReplaceAll(lines, "\n", ",\n")
	var packages, spread strings.Builder
	for line := range strings.Lines(lines) {
		packages.WriteString(`{"version":"1.1","publisher":{"name":"x"},"releases":[` + strings.TrimSpace(line) + `],"license":"y"}` + "\n")
		spread.WriteString(strings.ReplaceAll(line, "{", "{\n  "))
	}
	for form, content := range map[string]string{
		"lines":                      lines,
		"list":                       "[" + list + "]",
		"package":                    `{"uri":"x","releases":[` + list + `],"links":{"next":"y"}}`,
		"package with releases last": `{"links":{"releases":["y"]},"extensions":["releases"],"releases":[` + list + `]}`,
		"a package a line":           packages.String(),
		"list of packages":           "[" + strings.ReplaceAll(strings.TrimSpace(packages.String()), "\n", ",\n") + "]",
		"spread":                     spread.String(),
	} {
		t.Run(form, func(t *testing.T) {
			if diff := cmp.Diff(want, notices(t, content)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, notices(t, packed.String())); diff != "" {
				t.Errorf("gzip: -want +got:\n%s", diff)
			}
		})
	}
}

// TestSource names the notices as asked, or by the prefix of the ocid.
func TestSource(t *testing.T) {
	const release = `{"ocid":"ocds-h6vhtk-1","id":"1-2026","date":"2026-01-01T00:00:00Z","tag":["tender"],"buyer":{"name":"a"},"tender":{"title":"b"}}`
	for source, want := range map[string]string{"": "find-a-tender", "uk": "uk"} {
		records := slices.Collect(ocds.Read(strings.NewReader(release), source))
		if len(records) != 1 || records[0].Notice == nil || records[0].Notice.Source != want || records[0].Ref != "1-2026" {
			t.Errorf("%q: %+v", source, records)
		}
	}
}

// TestFilesTogether reads a release that says only what changed with what an earlier file said of its ocid; by itself it is
// refused.
func TestFilesTogether(t *testing.T) {
	const first = `{"ocid":"ocds-1","id":"1","date":"2026-01-01T00:00:00Z","tag":["tender"],"buyer":{"name":"Ville"},"tender":{"title":"Voirie","lots":[{"id":"1","title":"Chaussée"},{"id":"2","title":"Trottoirs"}]}}`
	const then = `{"ocid":"ocds-1","id":"2","date":"2026-01-02T00:00:00Z","tag":["tenderUpdate"],"tender":{"lots":[{"id":"2","title":"Trottoirs et pistes cyclables"}]}}`
	together := ocds.NewReader("")
	for range together.Read(strings.NewReader(first)) {
	}
	records := slices.Collect(together.Read(strings.NewReader(then)))
	if len(records) != 1 || records[0].Notice == nil {
		t.Fatalf("together: %+v", records)
	}
	var lots []string
	for _, lot := range records[0].Notice.Content.Lots {
		lots = append(lots, lot.Title)
	}
	if diff := cmp.Diff([]string{"Chaussée", "Trottoirs et pistes cyclables"}, lots); diff != "" {
		t.Errorf("lots: -want +got:\n%s", diff)
	}
	if alone := slices.Collect(ocds.Read(strings.NewReader(then), "")); len(alone) != 1 || alone[0].Err == nil {
		t.Errorf("by itself: %+v", alone)
	}
}

// TestContacts reads past what is said of people.
func TestContacts(t *testing.T) {
	for _, name := range []string{"package.json", "releases.jsonl"} {
		content := testdata(t, name)
		golden := testdata(t, name+".golden")
		for _, personal := range []string{"Jane Archer", "jane.archer@", "960001", "bids@example.org", "Camille Exemple", "01 99 00"} {
			if strings.Contains(golden, personal) {
				t.Errorf("%s: a notice has %s", name, personal)
			}
			content = strings.ReplaceAll(content, personal, "")
		}
		if content == testdata(t, name) {
			t.Errorf("%s says nothing of people", name)
		}
	}
}

// TestFold folds the notices of the standard's own examples, whose compiled
// releases say the same.
func TestFold(t *testing.T) {
	dir := standard(t)
	read := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var list []*vigie.Notice
		for _, r := range readAll(t, string(content)) {
			check(t, r)
			switch {
			case r.Err == nil:
				list = append(list, r.Notice)
			// These examples leave the buyer out, and this one the title.
			case !strings.HasSuffix(path, "amendments/tender.json") && !strings.HasSuffix(path, "change_history/implementation.json"):
				t.Errorf("%s: %s: %v", path, r.Ref, r.Err)
			}
		}
		read += len(list)
		if !strings.Contains(string(content), `"compiledRelease"`) || len(list) == 0 {
			return nil
		}
		compiled := notices(t, jsonOf(t, recordsOf(t, path)[0].CompiledRelease))[0]
		folded := vigie.Fold(list)
		if got, want := folded.Content, compiled.Content; got.Title != want.Title || got.Procedure != want.Procedure ||
			!slices.Equal(got.Natures, want.Natures) || !slices.Equal(got.CPVCodes, want.CPVCodes) || got.Details.Value != want.Details.Value ||
			!slices.EqualFunc(got.Details.Awards, want.Details.Awards, vigie.LotAward.Equal) {
			t.Errorf("%s: folded %+v, compiled %+v", path, got, want)
		}
		if folded.Buyer != compiled.Buyer {
			t.Errorf("%s: folded %+v, compiled %+v", path, folded.Buyer, compiled.Buyer)
		}
		return nil
	})
	if err != nil || read < 40 {
		t.Errorf("%d notices, %v", read, err)
	}
}

// TestDeltas checks that a part of a list is completed with what the file says
// of the same ocid before, never after, and never of another one.
func TestDeltas(t *testing.T) {
	release := func(ocid, date, tag, tender string) string {
		return fmt.Sprintf(`{"ocid":%q,"id":%q,"date":"2026-01-%sT00:00:00Z","tag":[%q],"buyer":{"name":"a"},"tender":{"title":"b",%s}}`, ocid, ocid+date, date, tag, tender)
	}
	whole := release("o", "01", "tender", `"lots":[{"id":"1","title":"one"},{"id":"2","title":"two"}]`)
	delta := release("o", "02", "tenderUpdate", `"lots":[{"id":"2","title":"deux"},{"id":"3","title":"trois"}]`)
	other := release("p", "02", "tenderUpdate", `"lots":[{"id":"2","title":"deux"},{"id":"3","title":"trois"}]`)
	silent := release("o", "03", "tenderUpdate", `"value":{"amount":5,"currency":"EUR"}`)
	for _, test := range []struct {
		name, file string
		want       string
	}{
		{"in order", whole + delta, "1 one, 2 two; 1 one, 2 deux, 3 trois"},
		{"newer first", delta + whole, "2 deux, 3 trois; 1 one, 2 two"},
		{"newer first, then again", delta + whole + release("o", "04", "tenderUpdate", `"lots":[{"id":"1","title":"un"}]`),
			"2 deux, 3 trois; 1 one, 2 two; 1 un, 2 deux, 3 trois"},
		{"of another ocid", whole + other, "1 one, 2 two; 2 deux, 3 trois"},
		{"nothing said of lots", whole + silent, "1 one, 2 two; "},
	} {
		var got []string
		for _, n := range notices(t, test.file) {
			var lots []string
			for _, lot := range n.Content.Lots {
				lots = append(lots, lot.Number+" "+lot.Title)
			}
			got = append(got, strings.Join(lots, ", "))
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%s: lots %q, want %q", test.name, strings.Join(got, "; "), test.want)
		}
	}
}

// TestHome says the country of a buyer abroad of a call that says no place, and
// leaves it out of a change that would put it over the places of the call.
func TestHome(t *testing.T) {
	const release = `{"ocid":"o","id":"%[1]s","date":"2026-01-01T00:00:00Z","tag":["%[1]s"],"buyer":{"name":"a","address":{"country":"BE"}},"tender":{"title":"b"%[2]s}}`
	delivered := `,"deliveryAddress":{"country":"NL","locality":"Utrecht"}`
	file := fmt.Sprintf(release, "tender", "") + fmt.Sprintf(release, "tenderUpdate", "") + fmt.Sprintf(release, "tenderUpdate", delivered)
	var got []string
	for _, n := range notices(t, file) {
		places := ""
		for _, p := range n.Content.Details.Places {
			places += p.Town + p.Country
		}
		got = append(got, places)
	}
	if want := []string{"BE", "", "UtrechtNL"}; !slices.Equal(got, want) {
		t.Errorf("places %q, want %q", got, want)
	}
}

// TestMemory reads a file that is larger than what may be held, in which no
// two releases are of one ocid, and one in which all are.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN in short runs: it reads many megabytes")
	}
	const count = 2500
	for name, ocid := range map[string]string{"an ocid each": "ocds-abcdef-%d", "one ocid": "ocds-abcdef-%.0[1]d1"} {
		t.Run(name, func(t *testing.T) {
			note := strings.Repeat("travaux de voirie ", 1000)
			most, read := uint64(0), 0
			var stats runtime.MemStats
			for r := range ocds.Read(&generated{most: count, next: func(i int) string {
				return fmt.Sprintf(`{"ocid":"`+ocid+`","id":"%[1]d","date":"2026-01-01T00:00:00Z","tag":["tenderUpdate"],"buyer":{"name":"a"},"tender":{"title":"b","note":"%[2]s","lots":[{"id":"%[3]d","title":"c"}]}}`,
					i, note, i%100)
			}}, "") {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				if read++; read%250 == 0 {
					runtime.GC()
					runtime.ReadMemStats(&stats)
					most = max(most, stats.HeapAlloc)
				}
			}
			t.Logf("%d releases, at most %d MiB", read, most>>20)
			if read != count || most > 45<<20 {
				t.Errorf("%d releases, at most %d MiB", read, most>>20)
			}
		})
	}
}

// generated is a file of lines that are made as it is read.
type generated struct {
	next     func(int) string
	at, most int
	left     string
}

func (g *generated) Read(p []byte) (int, error) {
	if g.left == "" {
		if g.at == g.most {
			return 0, io.EOF
		}
		g.left = g.next(g.at) + "\n"
		g.at++
	}
	n := copy(p, g.left)
	g.left = g.left[n:]
	return n, nil
}

// TestStops checks that a caller may stop, also within a record.
func TestStops(t *testing.T) {
	for range ocds.Read(strings.NewReader(testdata(t, "records.json")), "") {
		break
	}
}

// TestReaderFails names where reading stopped, after what came before.
func TestReaderFails(t *testing.T) {
	broken := errors.New("broken")
	content := testdata(t, "releases.jsonl")
	var last ingest.Record
	for r := range ocds.Read(io.MultiReader(strings.NewReader(content), failing{broken}), "") {
		last = r
	}
	if vigie.CodeOf(last.Err) != vigie.Unavailable || !errors.Is(last.Err, broken) || last.Line != 9 {
		t.Errorf("last = %+v, want the reader's error at line 9", last)
	}
}

// failing fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func BenchmarkRead(b *testing.B) {
	content := testdata(b, "package.json")
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		records += len(readAll(b, content))
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}
