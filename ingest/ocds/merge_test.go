package ocds_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigie/ingest/ocds"
)

// TestMergeStandard merges the releases of the standard's own examples, in
// whichever order, to the compiled releases beside them.
func TestMergeStandard(t *testing.T) {
	var names []string
	for _, pattern := range []string{"merging/deletions/*_record.json", "change_history/records/*.json", "amendments/*.json"} {
		found, err := filepath.Glob(filepath.Join(standard(t), pattern))
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		names = append(names, found...)
	}
	for _, name := range names {
		t.Run(strings.TrimPrefix(name, standard(t)), func(t *testing.T) {
			for _, record := range recordsOf(t, name) {
				checkMerge(t, record.Releases, record.CompiledRelease)
			}
		})
	}
}

func checkMerge(t *testing.T, releases []map[string]any, want map[string]any) {
	t.Helper()
	before := jsonOf(t, releases)
	for range releases {
		if diff := cmp.Diff(want, ocds.Merge(releases)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		releases = append(releases[1:], releases[0])
	}
	if after := jsonOf(t, releases); after != before {
		t.Error("the releases were changed")
	}
}

type record struct {
	Releases        []map[string]any
	CompiledRelease map[string]any
}

func recordsOf(t *testing.T, name string) []record {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Records []record }
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	return file.Records
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// standard is the folder with the examples of the standard, in the one that
// VIGIE_TEST_DATA names.
func standard(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("VIGIE_TEST_DATA")
	if dir == "" {
		t.Skip("NOT RUN: set VIGIE_TEST_DATA to a folder with the standard's examples in ocds/ to read them")
	}
	if _, err := os.Stat(filepath.Join(dir, "ocds")); err != nil {
		if os.Getenv("VIGIE_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip("NOT RUN: ", err)
	}
	return filepath.Join(dir, "ocds")
}

func TestMerge(t *testing.T) {
	for _, test := range []struct {
		name     string
		releases []string
		want     string
	}{
		{"fields", []string{`"a":1,"b":2`, `"b":3,"c":4`}, `"a":1,"b":3,"c":4`},
		{"objects", []string{`"a":{"b":1,"c":{"d":2}}`, `"a":{"c":{"e":3}}`}, `"a":{"b":1,"c":{"d":2,"e":3}}`},
		{"null", []string{`"a":1,"b":{"c":1,"d":2}`, `"a":null,"b":{"c":null}`}, `"b":{"d":2}`},
		{"null of nothing", []string{`"a":null,"b":{"c":null,"d":1},"e":[{"id":1,"f":null}]`}, `"b":{"d":1},"e":[{"id":1}]`},
		{"null and a value again", []string{`"a":1`, `"a":null`, `"a":2`}, `"a":2`},
		{"an empty object and an empty list", []string{`"a":{"b":1},"c":[{"id":1}],"d":{},"e":[]`, `"a":{},"c":[]`}, `"a":{"b":1},"c":[{"id":1}]`},
		{"an object where a text was", []string{`"a":1,"b":{"c":1}`, `"a":{"d":2},"b":3`}, `"a":{"d":2},"b":3`},
		{"lists by id", []string{`"a":[{"id":"x","b":1},{"id":"y","b":2}]`, `"a":[{"id":"z","b":3},{"id":"x","c":4}]`},
			`"a":[{"id":"x","b":1,"c":4},{"id":"y","b":2},{"id":"z","b":3}]`},
		{"the id 1 is the id \"1\"", []string{`"a":[{"id":1,"b":1}]`, `"a":[{"id":"1","c":2}]`}, `"a":[{"id":"1","b":1,"c":2}]`},
		{"an id twice", []string{`"a":[{"id":1,"b":1},{"id":1,"c":2}]`}, `"a":[{"id":1,"b":1,"c":2}]`},
		{"lists in lists", []string{`"a":[{"id":1,"b":[{"id":1,"c":1}]}]`, `"a":[{"id":1,"b":[{"id":2,"c":2}]}]`},
			`"a":[{"id":1,"b":[{"id":1,"c":1},{"id":2,"c":2}]}]`},
		{"lists without ids", []string{`"a":[{"b":1},{"b":2}]`, `"a":[{"c":3}]`}, `"a":[{"c":3}]`},
		{"some without an id", []string{`"a":[{"id":1},{"b":1}]`, `"a":[{"id":1,"c":2},{"b":1}]`}, `"a":[{"id":1,"c":2},{"b":1},{"b":1}]`},
		{"lists of texts", []string{`"a":["b","c"],"roles":["buyer"]`, `"a":["d"],"roles":[]`}, `"a":["d"],"roles":[]`},
		{"mixed lists", []string{`"a":[{"id":1}]`, `"a":[{"id":2},"b"]`}, `"a":[{"id":2},"b"]`},
		{"whole lists", []string{`"items":[{"id":1,"additionalClassifications":[{"id":"a"},{"id":"b"}]}]`, `"items":[{"id":1,"additionalClassifications":[{"id":"c"}]}]`},
			`"items":[{"id":1,"additionalClassifications":[{"id":"c"}]}]`},
		{"a whole list that ends", []string{`"parties":[{"id":1,"additionalIdentifiers":[{"id":"a"}]}]`, `"parties":[{"id":1,"additionalIdentifiers":[]}]`},
			`"parties":[{"id":1,"additionalIdentifiers":[]}]`},
		{"what is of the release", []string{`"tag":["tender"],"a":{"id":"x","date":"y","tag":["z"]}`}, `"a":{"id":"x","date":"y","tag":["z"]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var releases []map[string]any
			for i, fields := range test.releases {
				date := "2026-01-0" + string(rune('1'+i)) + "T00:00:00Z"
				releases = append(releases, objectOf(t, `{"ocid":"o","id":"`+date+`","date":"`+date+`",`+fields+`}`))
			}
			date := releases[len(releases)-1]["date"].(string)
			checkMerge(t, releases, objectOf(t, `{"ocid":"o","id":"o-`+date+`","date":"`+date+`","tag":["compiled"],`+test.want+`}`))
		})
	}
}

func objectOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// TestMergeByTime orders by the moment, not by how it is written.
func TestMergeByTime(t *testing.T) {
	releases := []map[string]any{
		{"ocid": "o", "date": "2026-01-01T10:00:00+02:00", "a": "first"},
		{"ocid": "o", "date": "2026-01-01T09:00:00Z", "a": "last"},
	}
	for range 2 {
		if got := ocds.Merge(releases); got["a"] != "last" || got["id"] != "o-2026-01-01T09:00:00Z" {
			t.Errorf("merged %v", got)
		}
		slices.Reverse(releases)
	}
}

// FuzzMerge checks that whatever JSON holds can be merged, and that a release
// over itself says nothing more.
func FuzzMerge(f *testing.F) {
	f.Add(`{"a":[{"id":1,"b":null}],"c":{"d":[]}}`, `{"a":[{"id":"1"},{}],"c":[1]}`)
	f.Add(`{"date":"2026-01-01","roles":[{}]}`, `{"date":1,"roles":null}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		var first, second map[string]any
		if json.Unmarshal([]byte(a), &first) != nil || json.Unmarshal([]byte(b), &second) != nil {
			return
		}
		before := jsonOf(t, first) + jsonOf(t, second)
		merged := ocds.Merge([]map[string]any{first, second})
		if jsonOf(t, first)+jsonOf(t, second) != before {
			t.Error("a release was changed")
		}
		if again := ocds.Merge([]map[string]any{first, second}); !cmp.Equal(merged, again) {
			t.Errorf("merged %v, then %v", merged, again)
		}
	})
}
