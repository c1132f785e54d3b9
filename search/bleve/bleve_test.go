package bleve_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bleveindex "github.com/blevesearch/bleve/v2"

	"vigie"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/internal/plan"
	"vigie/search/searchtest"
)

func TestConformance(t *testing.T) {
	root := t.TempDir()
	searchtest.Run(t, func(t *testing.T) search.Engine {
		return openEngine(t, filepath.Join(root, strings.ReplaceAll(t.Name(), "/", "_")))
	})
}

func openEngine(t *testing.T, dir string) *bleve.Engine {
	t.Helper()
	engine, err := bleve.Open(dir, slog.New(slog.DiscardHandler))
	check(t, err)
	return engine
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(content), 0o600))
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// filled is a folder with an index "a" of one document, closed.
func filled(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "new", "index")
	engine := openEngine(t, dir)
	index, err := engine.Open(t.Context(), "a")
	check(t, err)
	check(t, index.Put(t.Context(), []search.Document{{ID: 1, Number: 7, PublishedAt: time.Unix(0, 0)}}))
	check(t, engine.Close())
	return dir
}

// What no search reads takes time and room: a numeric field has sixteen terms for each document.
func TestIndexHoldsOnlyWhatIsRead(t *testing.T) {
	index, err := bleveindex.Open(filepath.Join(filled(t), "a"))
	check(t, err)
	defer index.Close()
	fields, err := index.Fields()
	check(t, err)
	read := slices.Concat([]string{"_id", plan.Outcome}, plan.ValueFields(), plan.TextFields())
	for _, field := range fields {
		if !strings.HasSuffix(field, "Rank") && !slices.Contains(read, field) {
			t.Errorf("nothing reads the field %s", field)
		}
	}
	if !slices.Contains(fields, "publishedAtRank") {
		t.Errorf("the fields are %v", fields)
	}
}

func TestMark(t *testing.T) {
	t.Run("an empty folder becomes ours", func(t *testing.T) {
		dir := t.TempDir()
		check(t, openEngine(t, dir).Close())
		content, err := os.ReadFile(filepath.Join(dir, "VIGIE"))
		check(t, err)
		if bytes.Count(content, []byte("\n")) != 1 {
			t.Errorf("not one line: %q", content)
		}
		check(t, openEngine(t, dir).Close())
	})
	for name, file := range map[string]string{"a foreign folder": "notes.txt", "a foreign mark": "VIGIE"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, file), "not yours")
			_, err := bleve.Open(dir, slog.New(slog.DiscardHandler))
			if vigie.CodeOf(err) != vigie.Invalid {
				t.Fatalf("%v", err)
			}
			for _, text := range []string{err.(*vigie.Error).Text.FR, err.(*vigie.Error).Text.EN} {
				if !strings.Contains(text, dir) {
					t.Errorf("%q does not say which folder", text)
				}
			}
			if got := list(t, dir); !slices.Equal(got, []string{file}) {
				t.Errorf("touched: %v", got)
			}
		})
	}
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		write(t, path, "")
		if _, err := bleve.Open(path, slog.New(slog.DiscardHandler)); vigie.CodeOf(err) != vigie.Unavailable {
			t.Errorf("%v", err)
		}
	})
}

// damages are ways in which an index's files can be broken.
func damages() map[string]func(t *testing.T, index string) {
	segments := func(t *testing.T, index string) []string {
		files, err := filepath.Glob(filepath.Join(index, "store", "*.zap"))
		check(t, err)
		return files
	}
	return map[string]func(*testing.T, string){
		"no description":      func(t *testing.T, index string) { check(t, os.Remove(filepath.Join(index, "index_meta.json"))) },
		"a false description": func(t *testing.T, index string) { write(t, filepath.Join(index, "index_meta.json"), "?") },
		"no root":             func(t *testing.T, index string) { check(t, os.Remove(filepath.Join(index, "store", "root.bolt"))) },
		"an empty root":       func(t *testing.T, index string) { check(t, os.Truncate(filepath.Join(index, "store", "root.bolt"), 0)) },
		"a false root": func(t *testing.T, index string) {
			write(t, filepath.Join(index, "store", "root.bolt"), strings.Repeat("?", 1<<16))
		},
		"half a root": func(t *testing.T, index string) {
			check(t, os.Truncate(filepath.Join(index, "store", "root.bolt"), 9000))
		},
		"no segments": func(t *testing.T, index string) {
			for _, file := range segments(t, index) {
				check(t, os.Remove(file))
			}
		},
		"empty segments": func(t *testing.T, index string) {
			for _, file := range segments(t, index) {
				check(t, os.Truncate(file, 0))
			}
		},
		"short segments": func(t *testing.T, index string) {
			for _, file := range segments(t, index) {
				check(t, os.Truncate(file, 100))
			}
		},
		"nothing at all": func(t *testing.T, index string) {
			check(t, os.RemoveAll(index))
			check(t, os.Mkdir(index, 0o700))
		},
		"a file in its place": func(t *testing.T, index string) {
			check(t, os.RemoveAll(index))
			write(t, index, "?")
		},
	}
}

// A folder can be looked at beforehand: that says what [bleve.Open] would, and
// leaves it as it is, also while another has it open.
func TestCheck(t *testing.T) {
	ours, theirs, missing := filled(t), t.TempDir(), filepath.Join(t.TempDir(), "none")
	write(t, filepath.Join(theirs, "letter.txt"), "Bonjour")
	defer openEngine(t, ours).Close()
	for _, dir := range []string{ours, t.TempDir(), missing} {
		if err := bleve.Check(dir); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if err := bleve.Check(theirs); vigie.CodeOf(err) != vigie.Invalid {
		t.Errorf("somebody else's: %v", err)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("it was made")
	}
	if got := list(t, theirs); len(got) != 1 {
		t.Errorf("the folder has %v", got)
	}
}

func TestCorruptIndexIsSetAside(t *testing.T) {
	for name, damage := range damages() {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			damage(t, filepath.Join(dir, "a"))
			var log bytes.Buffer
			engine, err := bleve.Open(dir, slog.New(slog.NewTextHandler(&log, nil)))
			check(t, err)
			defer func() { check(t, engine.Close()) }()
			index, err := engine.Open(t.Context(), "a")
			check(t, err)
			if cursor, err := index.Cursor(t.Context()); cursor != 0 || err != nil {
				t.Errorf("cursor %d, %v", cursor, err)
			}
			check(t, index.Put(t.Context(), []search.Document{{ID: 2, Number: 8, PublishedAt: time.Unix(0, 0)}}))
			results, err := index.Search(t.Context(), []search.Query{{Limit: 10}})
			check(t, err)
			if results[0].Total != 1 || results[0].Hits[0].ID != 2 {
				t.Errorf("%+v", results)
			}
			// With segments removed, Bleve may go back to a snapshot of before them.
			aside := !strings.Contains(name, "segments")
			if aside && !slices.Contains(list(t, dir), "a.corrupt-1") ||
				slices.Contains(list(t, dir), "a.corrupt-1") != strings.Contains(log.String(), "a.corrupt-1") {
				t.Errorf("not set aside: %v, or not said: %s", list(t, dir), log.String())
			}
			if names, err := engine.Names(t.Context()); err != nil || !slices.Equal(names, []string{"a"}) {
				t.Errorf("names %v, %v", names, err)
			}
			check(t, engine.Drop(t.Context(), "a"))
			if got := list(t, dir); slices.ContainsFunc(got, func(name string) bool { return strings.HasPrefix(name, "a") }) {
				t.Errorf("dropped, and left: %v", got)
			}
		})
	}
}

func TestCorruptIndexIsSetAsideAgain(t *testing.T) {
	dir := filled(t)
	for _, want := range []string{"a.corrupt-1", "a.corrupt-2"} {
		write(t, filepath.Join(dir, "a", "index_meta.json"), "?")
		engine := openEngine(t, dir)
		_, err := engine.Open(t.Context(), "a")
		check(t, err)
		check(t, engine.Close())
		if !slices.Contains(list(t, dir), want) {
			t.Errorf("%v lacks %s", list(t, dir), want)
		}
	}
}

func TestLock(t *testing.T) {
	dir := filled(t)
	engine := openEngine(t, dir)
	start := time.Now()
	_, err := bleve.Open(dir, slog.New(slog.DiscardHandler))
	if vigie.CodeOf(err) != vigie.Unavailable || !strings.Contains(err.Error(), "another process") {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("waited %s", took)
	}
	check(t, engine.Close())
	engine = openEngine(t, dir)
	defer func() { check(t, engine.Close()) }()
	index, err := engine.Open(t.Context(), "a")
	check(t, err)
	if cursor, err := index.Cursor(t.Context()); cursor != 7 || err != nil {
		t.Errorf("cursor %d, %v", cursor, err)
	}
}

func TestUnreadableIndexIsLeftAlone(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("NOT RUN as root, who may read everything")
	}
	dir := filled(t)
	check(t, os.Chmod(filepath.Join(dir, "a", "store"), 0))
	defer os.Chmod(filepath.Join(dir, "a", "store"), 0o700)
	engine := openEngine(t, dir)
	defer func() { check(t, engine.Close()) }()
	if _, err := engine.Open(t.Context(), "a"); vigie.CodeOf(err) != vigie.Unavailable {
		t.Errorf("%v", err)
	}
	if slices.Contains(list(t, dir), "a.corrupt-1") {
		t.Error("set aside")
	}
}

func TestClosedEngine(t *testing.T) {
	engine := openEngine(t, t.TempDir())
	index, err := engine.Open(t.Context(), "a")
	check(t, err)
	check(t, engine.Close())
	check(t, engine.Close())
	_, searching := index.Search(t.Context(), []search.Query{{}})
	_, opening := engine.Open(t.Context(), "a")
	for name, err := range map[string]error{
		"Search": searching, "Open": opening, "Ping": engine.Ping(t.Context()),
		"Drop": engine.Drop(t.Context(), "a"), "Put": index.Put(t.Context(), []search.Document{{ID: 1}}),
	} {
		if vigie.CodeOf(err) != vigie.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}
