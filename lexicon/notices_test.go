package lexicon

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNotices measures the rules on the titles of real notices: how many have a spelling that a rule joins to
// another; it prints them for review. Written in the other way they must have the same terms.
func TestNotices(t *testing.T) {
	titles := readTitles(t)
	for _, rule := range []struct {
		name    string
		written *regexp.Regexp
		other   func(string) string
		notices int
	}{
		{
			"an acronym with dots", regexp.MustCompile(`\b\p{L}(?:\.\p{L})+\b\.?`),
			func(s string) string { return strings.ReplaceAll(s, ".", "") + " " }, 36,
		},
		{
			"St and Ste", regexp.MustCompile(`(?i)\b(st|stes?)\b`),
			func(s string) string { return "Saint" + strings.ToLower(s[2:]) }, 37,
		},
		{
			"a number in groups", regexp.MustCompile(`\b\d{1,3}(?: \d{3})+\b`),
			func(s string) string { return strings.ReplaceAll(s, " ", "") }, 11,
		},
		{
			"a number with its unit", regexp.MustCompile(`(?i)\b\d+(?:mm|km|ml|m2|m²|m3|m³|ha|kg|kwh?|kwc|kva|mwh?|[mg]hz)\b`),
			func(s string) string { return unitStart.ReplaceAllString(s, "$1 $2") }, 2,
		},
		{
			"a word without its apostrophe", regexp.MustCompile(`(?i)\b(doeuvre|douvrage|lexploitation)\b`),
			func(s string) string { return s[:1] + "’" + s[1:] }, 3,
		},
	} {
		t.Run(rule.name, func(t *testing.T) {
			var written []string
			notices := 0
			for _, title := range titles {
				found := rule.written.FindAllString(title, -1)
				if len(found) == 0 {
					continue
				}
				notices++
				written = append(written, found...)
				got, _ := Terms(title)
				other := rule.written.ReplaceAllStringFunc(title, rule.other)
				if want, _ := Terms(other); !slices.Equal(got, want) {
					t.Errorf("%s: %q\n%s: %q", title, got, other, want)
				}
			}
			t.Logf("%d of %d notices: %q", notices, len(titles), written)
			if notices != rule.notices {
				t.Errorf("%d notices, want %d", notices, rule.notices)
			}
		})
	}
}

var unitStart = regexp.MustCompile(`^(\d+)(\D)`)

// readTitles reads the titles of the real notices that VIGIE_TEST_DATA names.
func readTitles(t *testing.T) []string {
	f, err := os.Open(filepath.Join(os.Getenv("VIGIE_TEST_DATA"), "boamp", "notices-2017-2024.jsonl.gz"))
	if err != nil && os.Getenv("VIGIE_TEST_ALL") == "1" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("NOT MEASURED: set VIGIE_TEST_DATA to a folder with real notices in boamp/ to measure the rules: ", err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for in := json.NewDecoder(unzipped); ; {
		var notice struct {
			Title string `json:"objet"`
		}
		err := in.Decode(&notice)
		if errors.Is(err, io.EOF) {
			return titles
		}
		if err != nil {
			t.Fatal(err)
		}
		titles = append(titles, html.UnescapeString(notice.Title))
	}
}
