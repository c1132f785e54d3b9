package ted_test

import (
	"archive/tar"
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

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/boamp"
	"vigie/ingest/ted"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// readOne reads a file with one notice, or the reason why there is none.
func readOne(t testing.TB, content []byte) ingest.Record {
	t.Helper()
	records := slices.Collect(ted.Read(bytes.NewReader(content)))
	if len(records) != 1 {
		t.Fatalf("records = %+v", records)
	}
	check(t, records[0])
	return records[0]
}

// TestGolden reads every kind of notice, and everything that is refused.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	var got bytes.Buffer
	for _, name := range names {
		type refusal struct {
			Code vigie.Code
			Text vigie.Text
		}
		r := readOne(t, testdata(t, filepath.Base(name)))
		line := struct {
			File    string
			Line    int `json:",omitempty"`
			Ref     string
			Refusal *refusal      `json:",omitempty"`
			Notice  *vigie.Notice `json:",omitempty"`
		}{filepath.Base(name), r.Line, r.Ref, nil, r.Notice}
		if e, ok := errors.AsType[*vigie.Error](r.Err); ok {
			line.Refusal = &refusal{e.Code, e.Text}
		}
		if refused := strings.Contains(name, "refused"); refused != (r.Err != nil) {
			t.Errorf("%s: %v", name, r.Err)
		}
		enc := json.NewEncoder(&got)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	golden := filepath.Join("testdata", "read.golden")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(testdata(t, "read.golden")), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, person := range []string{"à ne pas lire", "00 00 00 00", "personne@"} {
		if strings.Contains(got.String(), person) {
			t.Errorf("%q of a contact was read", person)
		}
	}
}

// TestAsBOAMP checks that a notice says the same in BOAMP's JSON as in TED's XML.
func TestAsBOAMP(t *testing.T) {
	there := readOne(t, testdata(t, "call.xml"))
	for here := range boamp.Read(bytes.NewReader(testdata(t, "call.boamp.jsonl"))) {
		if here.Err != nil || there.Err != nil {
			t.Fatal(here.Err, there.Err)
		}
		a, b := there.Notice, here.Notice
		b.Content.URL = a.Content.URL // each has its page
		if diff := cmp.Diff(a.Content, b.Content); diff != "" {
			t.Errorf("-TED +BOAMP:\n%s", diff)
		}
		if a.Kind != b.Kind || a.Identifier == "" || a.Identifier != b.Identifier || !a.PublishedAt.Equal(b.PublishedAt) || a.Buyer != b.Buyer {
			t.Errorf("%s of %+v at %v, %s of %+v at %v", a.Kind, a.Buyer, a.PublishedAt, b.Kind, b.Buyer, b.PublishedAt)
		}
		procedure := a.Links[len(a.Links)-1]
		if !strings.HasPrefix(procedure, "procedure:") || !slices.Contains(b.Links, procedure) {
			t.Errorf("links %v and %v", a.Links, b.Links)
		}
	}
}

// packed is a tar archive of entries, packed with gzip.
func packed(t testing.TB, entries ...tarEntry) []byte {
	t.Helper()
	var archive bytes.Buffer
	zip := gzip.NewWriter(&archive)
	w := tar.NewWriter(zip)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: 0o644, Typeflag: tar.TypeReg}
		switch {
		case strings.HasSuffix(e.name, "/"):
			header.Typeflag = tar.TypeDir
		case e.link != "":
			header.Typeflag, header.Linkname = tar.TypeSymlink, e.link
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

type tarEntry struct {
	name    string
	content []byte
	link    string
}

// TestArchive reads what is in a daily package, and names what is not a notice; the others are read.
func TestArchive(t *testing.T) {
	unnumbered := bytes.ReplaceAll(testdata(t, "call.xml"), []byte("NoticePublicationID"), []byte("Other"))
	archive := packed(t,
		tarEntry{name: "20261104_213/"},
		tarEntry{name: "20261104_213/00700001_2026.xml", content: testdata(t, "call.xml")},
		tarEntry{name: "20261104_213/large.xml", content: append([]byte("<a>"), bytes.Repeat([]byte(" "), 9<<20)...)},
		tarEntry{name: "20261104_213/readme.txt", content: []byte("Hello")},
		tarEntry{name: "20261104_213/link.xml", link: "/etc/passwd"},
		tarEntry{name: "20261104_213/doctype.xml", content: testdata(t, "refused-doctype.xml")},
		tarEntry{name: "20261104_213/00790002_2026.xml", content: unnumbered},
		tarEntry{name: "20261104_213/00710002_2026.xml.gz", content: gzipped(t, testdata(t, "correction.xml"))},
	)
	type result struct{ Entry, Ref, Refusal string }
	read := func(r io.Reader) []result {
		var got []result
		for r := range ted.Read(r) {
			check(t, r)
			line := result{Entry: strings.TrimPrefix(r.Entry, "20261104_213/"), Ref: r.Ref}
			if e, ok := errors.AsType[*vigie.Error](r.Err); ok {
				line.Refusal = e.Text.EN
			}
			got = append(got, line)
		}
		return got
	}
	want := []result{
		{"00700001_2026.xml", "700001-2026", ""},
		{"large.xml", "", "The document is larger than 8 MiB, or has too many elements for a notice: it was not read."},
		{"readme.txt", "", "The file is not XML. Vigie reads TED's notices in XML (eForms), alone or in .tar.gz archives."},
		{"link.xml", "", "This entry of the archive is not a file (but a link, say): it was not read."},
		{"doctype.xml", "", "The document has a DOCTYPE, which TED's notices do not have: it was not read."},
		{"00790002_2026.xml", "790002-2026", ""},
		{"00710002_2026.xml.gz", "710002-2026", ""},
	}
	if diff := cmp.Diff(want, read(bytes.NewReader(archive))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// Read a byte at a time it is the same, and packed or not.
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, read(oneByte{plain})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// Cut short, what came before the cut is read, and the cut is said.
	small := packed(t, tarEntry{name: "a.xml", content: testdata(t, "call.xml")}, tarEntry{name: "b.xml", content: testdata(t, "award.xml")})
	records := slices.Collect(ted.Read(bytes.NewReader(small[:len(small)-200])))
	if n := len(records); n != 2 || records[0].Err != nil || vigie.CodeOf(records[1].Err) != vigie.Unavailable {
		t.Errorf("records = %+v", records)
	}
	for range ted.Read(bytes.NewReader(archive)) { // a caller may stop
		break
	}
}

func gzipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A damaged file within an archive is refused, and the others are read; a damaged archive is not read on.
func TestDamagedEntry(t *testing.T) {
	whole := gzipped(t, testdata(t, "correction.xml"))
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 0xff
	records := slices.Collect(ted.Read(bytes.NewReader(packed(t,
		tarEntry{name: "short.xml.gz", content: whole[:len(whole)/2]},
		tarEntry{name: "no-sum.xml.gz", content: whole[:len(whole)-8]},
		tarEntry{name: "flipped.xml.gz", content: flipped},
		tarEntry{name: "start.xml.gz", content: whole[:12]},
		tarEntry{name: "header.xml.gz", content: whole[:4]},
		tarEntry{name: "00700001_2026.xml", content: testdata(t, "call.xml")},
	))))
	if len(records) != 6 {
		t.Fatalf("%d records: %+v", len(records), records)
	}
	for _, r := range records[:5] {
		if e, ok := errors.AsType[*vigie.Error](r.Err); !ok || e.Code != vigie.Invalid {
			t.Errorf("%s: %v", r.Entry, r.Err)
		}
	}
	if last := records[5]; last.Err != nil || last.Ref != "700001-2026" {
		t.Errorf("%+v", last)
	}
}

// TestHostile refuses what would take memory or time without end, with a reason.
func TestHostile(t *testing.T) {
	const start, end = `<ContractNotice xmlns="urn:oasis:names:specification:ubl:schema:xsd:ContractNotice-2">`, `</ContractNotice>`
	for name, test := range map[string]struct{ content, says string }{
		"many elements":     {start + strings.Repeat("<a/>", 300_000) + end, "too many elements"},
		"deep elements":     {start + strings.Repeat("<a>", 1_000_000), "nested too deeply"},
		"a long text":       {start + strings.Repeat("a", 9<<20) + end, "larger than"},
		"a long name":       {"<" + strings.Repeat("a", 9<<20) + ">", "larger than"},
		"a late DOCTYPE":    {start + "<!DOCTYPE a>" + end, "DOCTYPE"},
		"UTF-16":            {"\xff\xfe<\x00a\x00>\x00", "not XML"},
		"another encoding":  {`<?xml version="1.0" encoding="EBCDIC"?>` + start + end, "not XML"},
		"two roots":         {start + end + start + end, "not valid"},
		"another namespace": {`<ContractNotice xmlns="urn:example:other"/>`, "root element"},
	} {
		t.Run(name, func(t *testing.T) {
			e, ok := errors.AsType[*vigie.Error](readOne(t, []byte(test.content)).Err)
			if !ok || e.Code != vigie.Invalid || !strings.Contains(e.Text.EN, test.says) {
				t.Errorf("%+v, want %q", e, test.says)
			}
		})
	}
	bomb := gzipped(t, bytes.Repeat([]byte(" "), 200<<20))
	if e, ok := errors.AsType[*vigie.Error](readOne(t, bomb).Err); !ok || !strings.Contains(e.Text.EN, "larger than") {
		t.Errorf("a file that unpacks to 200 MiB: %+v", e)
	}
}

// TestReaderFails checks that a file that cannot be read is not taken for one that is wrong.
func TestReaderFails(t *testing.T) {
	broken := errors.New("broken")
	r := slices.Collect(ted.Read(io.MultiReader(bytes.NewReader(testdata(t, "call.xml")[:3000]), failing{broken})))[0]
	if vigie.CodeOf(r.Err) != vigie.Unavailable || !errors.Is(r.Err, broken) {
		t.Errorf("record = %+v", r)
	}
}

// TestMuch bounds a notice of very many lots, long texts and winners.
func TestMuch(t *testing.T) {
	content := string(testdata(t, "call.xml"))
	from, to := strings.Index(content, "<cac:ProcurementProjectLot>"), strings.Index(content, "</cac:ProcurementProjectLot>")
	lot := content[from : to+len("</cac:ProcurementProjectLot>")]
	lots := strings.ReplaceAll(strings.Repeat(lot, 600), "LOT-0001", "LOT-0009")
	lots = strings.Replace(lots, "Nettoyage des écoles,", strings.Repeat("Nettoyage ", 20_000), 1)
	n := readOne(t, []byte(content[:from]+lots+"</ns8:ContractNotice>")).Notice
	if n == nil || len(n.Content.Lots) != ingest.MaxLots || !strings.HasSuffix(n.Content.Lots[0].Description, "…") {
		t.Errorf("notice = %+v", n)
	}
	// 500 lots of 10 kB each are read whole.
	lot = strings.ReplaceAll(strings.Replace(lot, "Nettoyage des écoles,", strings.Repeat("Nettoyage ", 950), 1), "LOT-0001", "LOT-0009")
	n = readOne(t, []byte(content[:from]+strings.Repeat(lot, 500)+"</ns8:ContractNotice>")).Notice
	if n == nil || len(n.Content.Lots) != 500 || len(n.Content.Lots[499].Description) < 9_500 || strings.Contains(n.Content.Lots[499].Description, "…") {
		t.Error("500 lots of 10 kB each are not read whole")
	}
}

// FuzzRead checks that whatever a file holds yields notices that can be stored, or reasons.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	var entries []tarEntry
	for _, name := range names {
		content := testdata(f, filepath.Base(name))
		entries = append(entries, tarEntry{name: name, content: content})
		f.Add(content)
	}
	archive := packed(f, entries...)
	f.Add(archive)
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		f.Fatal(err)
	}
	unpacked, err := io.ReadAll(plain)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(unpacked)
	f.Fuzz(func(t *testing.T, content []byte) {
		for r := range ted.Read(bytes.NewReader(content)) {
			check(t, r)
		}
	})
}

// oneByte reads a byte at a time.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

// failing fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
