package decp_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/decp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func readAll(t testing.TB, content string) []ingest.Record {
	t.Helper()
	return slices.Collect(decp.Read(strings.NewReader(content)))
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

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

// TestGolden reads every form of contract, and everything that is refused.
func TestGolden(t *testing.T) {
	for _, name := range []string{"2019.json", "2022.json", "rows.jsonl", "refused.jsonl"} {
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

// TestXML reads the same from XML as from JSON.
func TestXML(t *testing.T) {
	want := notices(t, testdata(t, "2022.json"))
	file := testdata(t, "2022.xml")
	for name, content := range map[string]string{
		"plain": file, "mark": "\ufeff \n" + file, "without a declaration": file[strings.Index(file, "\n")+1:],
		"in a root of its own": strings.ReplaceAll(file, "marches>", "decp>"),
	} {
		if diff := cmp.Diff(want, notices(t, content)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	western := "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><marches><marche><id>1</id><objet>R\xe9fection</objet>" +
		"<acheteur><id>21999999900010</id></acheteur><dateNotification>2026-01-01</dateNotification></marche></marches>"
	if got := notices(t, western); got[0].Content.Title != "Réfection" {
		t.Errorf("title %q", got[0].Content.Title)
	}
}

// TestXMLFaults names where reading stopped, after what came before.
func TestXMLFaults(t *testing.T) {
	const contract = "<marche><id>1</id><objet>a</objet><acheteur><id>21999999900010</id></acheteur><dateNotification>2026-01-01</dateNotification></marche>\n"
	for name, test := range map[string]struct {
		file string
		read int
		line int
		code vigie.Code
	}{
		"cut":        {"<marches>\n" + contract + "<marche><id>2", 1, 3, vigie.Invalid},
		"broken":     {"<marches>\n" + contract + "<marche></id></marche>" + contract, 1, 3, vigie.Invalid},
		"too deep":   {"<marches>\n<marche>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + "</marche></marches>", 0, 2, vigie.Invalid},
		"too large":  {"<marches>\n<marche><objet>" + strings.Repeat("a", 9<<20) + "</objet></marche></marches>", 0, 2, vigie.Invalid},
		"a page":     {"<!DOCTYPE html>\n<html><body><p>Erreur</p></body></html>", 0, 1, vigie.Invalid},
		"no charset": {`<?xml version="1.0" encoding="EBCDIC"?><marches/>`, 0, 1, vigie.Unavailable},
	} {
		records := readAll(t, test.file)
		if len(records) != test.read+1 {
			t.Errorf("%s: %d records", name, len(records))
			continue
		}
		for _, r := range records {
			check(t, r)
		}
		if last := records[test.read]; vigie.CodeOf(last.Err) != test.code || last.Line != test.line {
			t.Errorf("%s: line %d: %v", name, last.Line, last.Err)
		}
	}
}

// TestWrappers reads the same contracts from every answer of the API.
func TestWrappers(t *testing.T) {
	lines := testdata(t, "rows.jsonl")
	want := notices(t, lines)
	list := strings.ReplaceAll(strings.TrimSpace(lines), "\n", ",\n")
	var v1, v20 []string
	for line := range strings.Lines(lines) {
		v1 = append(v1, `{"datasetid":"x","fields":`+line+`}`)
		v20 = append(v20, `{"links":[],"record":{"id":"x","fields":`+line+`}}`)
	}
	for form, content := range map[string]string{
		"list": "[" + list + "]", "results": testdata(t, "results.json"),
		"version 1":   `{"nhits":3,"parameters":{},"records":[` + strings.Join(v1, ",") + `]}`,
		"version 2.0": `{"total_count":3,"links":[],"records":[` + strings.Join(v20, ",") + `]}`,
		"2019":        `{"marches":[` + list + `]}`,
		"2022":        `{"marches":{"marche":[` + list + `],"contrat-concession":[]}}`,
		"one":         strings.ReplaceAll(`{"marches":{"marche":`+strings.TrimSpace(lines), "\n", "}}\n{\"marches\":{\"marche\":") + "}}",
	} {
		if diff := cmp.Diff(want, notices(t, content)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", form, diff)
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
			t.Errorf("%s, gzip: -want +got:\n%s", form, diff)
		}
	}
}

// TestModifications folds a contract with what changed: the last state, with the
// day and the winners that were not changed.
func TestModifications(t *testing.T) {
	var of []*vigie.Notice
	for _, n := range notices(t, testdata(t, "2022.json")) {
		if strings.HasPrefix(n.SourceRef, "21999999900010-2026-017") {
			of = append(of, n)
		}
	}
	if len(of) != 3 {
		t.Fatalf("%d notices", len(of))
	}
	slices.Reverse(of)
	f := vigie.Fold(of)
	award := f.Content.Details.Awards[0]
	if f.Outcome != vigie.Awarded || len(f.Content.Details.Awards) != 1 || award.Amount.Amount != "79237.46" || award.Day != "2026-02-03" ||
		len(award.Winners) != 1 || award.Winners[0].SIRET != "12345678900023" || f.Content.Details.Duration.Number != 6 ||
		vigie.Day(f.PublishedAt) != "2026-03-02" || vigie.Day(f.UpdatedAt) != "2026-06-20" || f.Content.Title == "" || len(f.Content.CPVCodes) != 1 {
		t.Errorf("folded %+v", f)
	}
}

// TestPlaces reads the codes of places.
func TestPlaces(t *testing.T) {
	for _, test := range []struct{ code, kind, departments, place string }{
		{"01000", "Code postal", "01", " 01000 01 "},
		{"1000", "CODE POSTAL", "01", " 01000 01 "},
		{"97430", "Code postal", "974", " 97430 974 "},
		{"20200", "code postal", "2B", " 20200 2B "},
		{"2A004", "Code commune", "2A", "  2A "},
		{"97411", "Code commune", "974", "  974 "},
		{"1004", "Code commune", "01", "  01 "},
		{"0101", "Code canton", "01", "  01 "},
		{"751", "Code arrondissement", "75", "  75 "},
		{"1", "Code département", "01", "  01 "},
		{"2a", "Code departement", "2A", "  2A "},
		{"94", "Code région", "2A 2B", ""},
		{"04", "Code region", "974", ""},
		{"99", "Code région", "", ""},
		{"FR", "Code pays", "", "   FR"},
		{"CH", "Code pays", "", "   CH"},
		{"38", "", "38", "  38 "},
		{"69003", "", "69", " 69003 69 "},
		{"??", "Code commune", "", ""},
	} {
		n := notices(t, fmt.Sprintf(`{"id":"1","objet":"a","acheteur":{"id":"21999999900010"},"dateNotification":"2026-01-01","lieuExecution":{"code":%q,"typeCode":%q}}`, test.code, test.kind))[0]
		place := ""
		for _, p := range n.Content.Details.Places {
			place += strings.Join([]string{p.Town, p.Postcode, p.Department, p.Country}, " ")
		}
		if departments := strings.Join(n.Content.Departments, " "); departments != test.departments || place != test.place {
			t.Errorf("%s %s: departments %q, place %q", test.kind, test.code, departments, place)
		}
	}
}

// TestSIRET puts numbers right that lost their zeros, and no others.
func TestSIRET(t *testing.T) {
	for number, want := range map[string]string{
		`5012345600019`: "05012345600019", `"5012345600019"`: "05012345600019", `5012345600019.0`: "05012345600019",
		`"050 123 456 00019"`: "05012345600019", `5012345600018`: "", `"12345678901234"`: "", `501234560001`: "", `"CDL"`: "",
		`"565017110011"`: "", `565017100118`: "00565017100118",
	} {
		n := notices(t, `{"id":"1","objet":"a","acheteur":{"id":`+number+`,"nom":"b"},"dateNotification":"2026-01-01","titulaires":[{"typeIdentifiant":"SIRET","id":`+number+`}]}`)[0]
		won := ""
		if winners := n.Content.Details.Awards[0].Winners; len(winners) > 0 {
			won = winners[0].SIRET
		}
		if n.Buyer.SIRET != want || won != want {
			t.Errorf("%s: buyer %q, winner %q, want %q", number, n.Buyer.SIRET, won, want)
		}
	}
}

// TestOfficial reads the official examples and the test records of those who
// collect the data, with other SIRETs for those that do not pass the check.
func TestOfficial(t *testing.T) {
	dir := os.Getenv("VIGIE_TEST_DATA")
	if dir == "" {
		t.Skip("NOT RUN: set VIGIE_TEST_DATA to a folder with the official examples in decp/ to read them")
	}
	made := strings.NewReplacer("12345678901250", "21999999900010", "12345678901234", "98765432100023", "21750001630066", "05012345600019")
	for name, want := range map[string]int{
		"decp_test_2019.json": 4, "decp_test_2022.json": 12, "marches_avec_modifications.json": 4, "marches_concessions.json": 8,
		"concessions.json": 2, "concessions_avec_modifications.json": 4, "Marche.xml": 2, "Contrat-concession.xml": 2, "Contrat-concession-modification.xml": 4,
	} {
		content, err := os.ReadFile(filepath.Join(dir, "decp", name))
		if err != nil {
			if os.Getenv("VIGIE_TEST_ALL") == "1" {
				t.Fatal(err)
			}
			t.Skip("NOT RUN: ", err)
		}
		if read := notices(t, made.Replace(string(content))); len(read) != want {
			t.Errorf("%s: %d notices, want %d", name, len(read), want)
		}
	}
}

// TestMemory reads files that are larger than what may be held.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN in short runs: it reads many megabytes")
	}
	const count = 2000
	note := strings.Repeat("travaux de voirie ", 1000)
	for form, contract := range map[string]struct{ before, one string }{
		"JSON": {`{"marches":{"marche":[`, `{"id":"%d","objet":"a","note":"` + note + `","acheteur":{"id":"21999999900010"},"dateNotification":"2026-01-01"},`},
		"XML":  {`<marches>`, `<marche><id>%d</id><objet>a</objet><note>` + note + `</note><acheteur><id>21999999900010</id></acheteur><dateNotification>2026-01-01</dateNotification></marche>`},
	} {
		most, read := uint64(0), 0
		var stats runtime.MemStats
		file := io.MultiReader(strings.NewReader(contract.before), &generated{next: func(i int) string { return fmt.Sprintf(contract.one, i) }, most: count})
		for r := range decp.Read(file) {
			if r.Err != nil {
				break // the end is missing
			}
			if read++; read%200 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&stats)
				most = max(most, stats.HeapAlloc)
			}
		}
		t.Logf("%s: %d contracts, at most %d MiB", form, read, most>>20)
		if read != count || most > 20<<20 {
			t.Errorf("%s: %d contracts, at most %d MiB", form, read, most>>20)
		}
	}
}

// generated is a file of parts that are made as it is read.
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
		g.left = g.next(g.at)
		g.at++
	}
	n := copy(p, g.left)
	g.left = g.left[n:]
	return n, nil
}

// TestStops checks that a caller may stop, also between a contract and its
// modifications.
func TestStops(t *testing.T) {
	for _, name := range []string{"2022.json", "2022.xml", "refused.jsonl"} {
		for range decp.Read(strings.NewReader(testdata(t, name))) {
			break
		}
	}
}

// TestReaderFails names where reading stopped, after what came before.
func TestReaderFails(t *testing.T) {
	broken := errors.New("broken")
	for _, name := range []string{"rows.jsonl", "2022.xml"} {
		var last ingest.Record
		content := strings.TrimSuffix(testdata(t, name), "</marches>\n")
		for r := range decp.Read(io.MultiReader(strings.NewReader(content), failing{broken})) {
			last = r
		}
		if vigie.CodeOf(last.Err) != vigie.Unavailable || !errors.Is(last.Err, broken) || last.Line == 0 {
			t.Errorf("%s: last = %+v, want the reader's error", name, last)
		}
	}
}

// failing fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"2022.json", "2022.xml", "rows.jsonl"} {
		content := testdata(b, name)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			records := 0
			for b.Loop() {
				records += len(readAll(b, content))
			}
			b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
