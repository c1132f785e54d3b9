package vigie_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows says which of our packages each one may import. Paths are below the
// module; "." is the root. What is not here may import nothing.
//
//	server → everything
//	graph → service → store → ledger, directory, search → freetext → query → lexicon → root        match → query
//	feed, alert → consumer, store → ledger → database → root        feed → search, match        ingest → root        export → service
func arrows() map[string][]string {
	return map[string][]string{
		".":                      {},
		"address":                {"."},
		"opaque":                 {"."},
		"clip":                   {},
		"attack":                 {},
		"lexicon":                {"."},
		"query":                  {".", "clip", "lexicon"},
		"query/querytest":        {".", "lexicon", "query"},
		"freetext":               {".", "lexicon", "query"},
		"match":                  {".", "query"},
		"bench":                  {".", "alert", "alert/letter", "alert/link", "alert/post", "alert/webhook", "bench/corpus", "bench/live", "feed", "importer", "ingest", "ledger", "match", "query", "search", "search/bleve", "search/meili", "store"},
		"bench/corpus":           {".", "ingest/boamp", "lexicon", "match", "query", "server/samples"},
		"bench/live":             {},
		"bench/load":             {".", "bench/live", "store"},
		"search":                 {".", "clip", "freetext", "query"},
		"search/internal/plan":   {".", "freetext", "query", "search"},
		"search/bleve":           {".", "freetext", "query", "search", "search/internal/plan"},
		"search/meili":           {".", "freetext", "query", "search", "search/internal/plan"},
		"search/meili/meilitest": {},
		"search/nodes":           {".", "search"},
		"search/searchtest":      {".", "freetext", "lexicon", "query", "query/querytest", "search"},
		"database":               {".", "clip"},
		"ledger":                 {".", "database", "opaque", "query"},
		"directory":              {"lexicon"},
		"store":                  {".", "database", "directory", "ledger", "lexicon", "opaque", "query"},
		"store/storetest":        {".", "database", "store"},
		"consumer":               {".", "database"},
		"consumer/consumertest":  {".", "consumer", "database", "store", "store/storetest"},
		"ingest":                 {".", "clip"},
		"ingest/boamp":           {".", "ingest", "ingest/cut", "ingest/eforms", "ingest/tree"},
		"ingest/cut":             {"."},
		"ingest/decp":            {".", "ingest", "ingest/cut", "ingest/tree"},
		"ingest/eforms":          {".", "ingest", "ingest/tree"},
		"ingest/ingesttest":      {".", "ingest"},
		"ingest/ocds":            {".", "ingest", "ingest/cut", "ingest/tree"},
		"ingest/ted":             {".", "ingest", "ingest/eforms", "ingest/tree"},
		"ingest/tree":            {"ingest"},
		"ingest/watches":         {".", "ingest"},
		"importer":               {".", "ingest", "store"},
		"source":                 {".", "consumer", "database", "importer", "ingest", "ingest/boamp", "ingest/decp", "ingest/ocds", "ingest/ted", "store"},
		"source/sourcetest":      {},
		"feed":                   {".", "database", "consumer", "freetext", "lexicon", "match", "query", "search", "store"},
		"alert":                  {".", "database", "alert/letter", "alert/link", "alert/post", "alert/webhook", "consumer", "feed", "ledger", "match", "opaque", "query", "store"},
		"alert/consent":          {".", "alert/link", "ledger", "store"},
		"alert/letter":           {".", "clip"},
		"alert/link":             {"."},
		"alert/post":             {".", "address"},
		"alert/post/posttest":    {"alert/post"},
		"alert/webhook":          {".", "alert/letter", "clip", "query"},
		"service":                {".", "alert/webhook", "database", "source", "address", "alert/link", "freetext", "ingest", "ingest/watches", "ledger", "lexicon", "opaque", "query", "search", "store"},
		"export":                 {".", "clip", "service"},
		"graph":                  {".", "source", "graph/gql", "graph/input", "graph/wire", "ledger", "query", "search", "service", "store"},
		"graph/gql":              {".", "clip", "source", "freetext", "graph/input", "ledger", "query", "search", "service", "store"},
		"graph/input":            {"."},
		"graph/wire":             {"."},
		"syndication":            {".", "alert/letter", "alert/link", "service", "store"},
		"server/playground":      {},
		"server/samples":         {"."},
		"server/dependency":      {},
		"server/setting":         {".", "alert/link"},
		"web":                    {},
		"server": {
			".", "database", "address", "alert", "alert/consent", "export", "alert/letter", "alert/link", "alert/post", "alert/webhook", "consumer", "feed", "graph", "graph/wire", "ingest", "ingest/boamp", "ingest/decp", "ingest/ocds", "ingest/ted", "ingest/watches", "lexicon", "query", "search", "search/bleve", "search/meili", "search/nodes",
			"server/dependency", "server/playground", "server/samples", "server/setting", "service", "source", "store", "syndication", "web", "importer",
		},
	}
}

// forTests may be imported by tests alone.
func forTests() []string {
	return []string{"alert/post/posttest", "consumer/consumertest", "ingest/ingesttest", "query/querytest", "search/meili/meilitest", "search/searchtest", "source/sourcetest", "store/storetest"}
}

// TestArrows checks every import of one of our packages by another, and that
// the root, which all import, needs nothing but the standard library.
func TestArrows(t *testing.T) {
	allowed := arrows()
	imports := readImports(t)
	for from := range imports {
		may, known := allowed[from]
		if !known {
			t.Errorf("%s has no row in arrows: add what it may import", from)
			continue
		}
		for _, path := range imports[from] {
			to, ours := below(path)
			switch {
			case !ours && from == "." && strings.Contains(path, "."):
				t.Errorf("the root imports %s, which is not in the standard library", path)
			case !ours:
			case slices.Contains(forTests(), to) && !slices.Contains(forTests(), from):
				t.Errorf("%s imports %s, which is for tests", from, to)
			case !slices.Contains(may, to):
				t.Errorf("%s imports %s: no arrow leads there", from, to)
			}
		}
	}
	for from := range allowed {
		if _, there := imports[from]; !there {
			t.Errorf("arrows has a row for %s, which is not there", from)
		}
	}
}

// readImports finds what each package imports outside its tests. It reads the
// files itself, and does not ask `go list`, so that go test knows when an
// earlier result no longer holds.
func readImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := make(map[string][]string)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if name != "." && strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := filepath.ToSlash(filepath.Dir(path))
		if imports[from] == nil {
			imports[from] = []string{} // one without imports is there too
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports[from] = append(imports[from], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

// below turns the import path of one of our packages into one below the module.
func below(path string) (rest string, ours bool) {
	if path == "vigie" {
		return ".", true
	}
	return strings.CutPrefix(path, "vigie/")
}

// TestGraphAsksTheServiceAlone checks that no resolver uses the store behind the
// service's back. It may name the store's types, which the service returns.
func TestGraphAsksTheServiceAlone(t *testing.T) {
	files, err := filepath.Glob("graph/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at := regexp.MustCompile(`\.Store\.`).FindIndex(text); at != nil {
			t.Errorf("%s, line %d: give service a method for it", name, 1+strings.Count(string(text[:at[0]]), "\n"))
		}
	}
}

// TestSecurityIsShown checks that the tests which docs/security.md names exist.
func TestSecurityIsShown(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		tests.Write(code)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 20 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, name := range named {
		if !strings.Contains(tests.String(), "\nfunc "+name[1]+"(") {
			t.Errorf("there is no %s", name[1])
		}
	}
}
