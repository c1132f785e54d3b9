package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/store"
	"vigie/store/storetest"
)

// TED's notices are imported from files and from packages of them, once, and what is refused is named with its file.
func TestImportTED(t *testing.T) {
	folder := filepath.Join("..", "ingest", "ted", "testdata")
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	packages := filepath.Join(t.TempDir(), "20261130_230.tar.gz")
	content := packedNotices(t, map[string][]byte{"00710002_2026.xml": read("correction.xml"), "refused.xml": read("refused-doctype.xml")})
	if err := os.WriteFile(packages, content, 0o666); err != nil {
		t.Fatal(err)
	}
	database := storetest.SQLite(t)
	for round, want := range []string{
		"3 notices read: 2 new (corrections of other notices: 1), 0 changed, 0 unchanged, 1 refused.",
		"3 notices read: 0 new (corrections of other notices: 0), 0 changed, 2 unchanged, 1 refused.",
	} {
		c := run(t, nil, "", "import", "ted", "--quiet", "--database-url", database, filepath.Join(folder, "call.xml"), packages)
		refused := packages + ": refused.xml: record refused: The document has a DOCTYPE"
		if c.status != 1 || !strings.Contains(c.out.String(), want) || !strings.Contains(c.err.String(), refused) {
			t.Errorf("import %d, status %d: %s%s", round+1, c.status, c.out.String(), c.err.String())
		}
	}
	tender := onlyTender(t, database)
	if tender.Source != "ted" || tender.SourceRef != "700001-2026" || vigie.Day(*tender.Deadline) != "2026-12-21" || tender.Details.Value.Amount != "200000" {
		t.Errorf("tender %+v", tender)
	}
	if c := run(t, nil, string(read("refused-cut.xml")), "import", "ted", "--database-url", database, "-"); c.status != 1 ||
		!strings.Contains(c.err.String(), "-:3: record refused: The XML is not valid") {
		t.Errorf("status %d: %s", c.status, c.err.String())
	}
}

// onlyTender is the one that a database holds.
func onlyTender(t *testing.T, database string) *vigie.Tender {
	t.Helper()
	s, err := store.Open(t.Context(), database, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tenders, err := s.ChangedTenders(t.Context(), 0, 10)
	if err != nil || len(tenders) != 1 {
		t.Fatalf("tenders %v, %v", tenders, err)
	}
	return tenders[0]
}

// packedNotices is a package of files.
func packedNotices(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	w := tar.NewWriter(zip)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// All the real notices of TED import, none is refused, and a second import changes nothing.
func TestImportEveryRealNoticeOfTED(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(realData(t)), "ted*", "*.xml"))
	if err != nil || len(files) < 120 {
		t.Fatalf("real notices: %v, %v", files, err)
	}
	database := storetest.SQLite(t)
	for round, want := range []string{
		"122 notices read: 122 new (corrections of other notices: 4), 0 changed, 0 unchanged, 0 refused.",
		"122 notices read: 0 new (corrections of other notices: 0), 0 changed, 122 unchanged, 0 refused.",
	} {
		c := run(t, nil, "", append([]string{"import", "ted", "--quiet", "--database-url", database}, files...)...)
		if c.status != 0 || !strings.Contains(c.out.String(), want) {
			t.Errorf("import %d: %s%s", round+1, c.out.String(), c.err.String())
		}
	}
}
