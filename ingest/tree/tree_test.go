package tree_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigie/ingest/tree"
)

const space = "urn:example:known"

func readXML(t *testing.T, document string) tree.Nodes {
	t.Helper()
	_, n, err := tree.ReadXML(strings.NewReader(document), func(s string) bool { return s == space }, "languageID")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// XML and the JSON that it is turned into elsewhere give the same tree.
func TestSameTree(t *testing.T) {
	fromXML := readXML(t, `<?xml version="1.0"?><!-- comment -->
		<p:Notice xmlns:p="urn:example:known" xmlns:q="urn:example:other" ignored="x">
			<p:Name languageID="FRA">Voirie &amp; réseaux</p:Name><p:Name languageID="ENG">Roads</p:Name>
			<q:Name>not known</q:Name><Name xmlns="">without a namespace</Name>
			<p:Lot><p:ID>1</p:ID></p:Lot><p:Lot><p:ID><![CDATA[2]]></p:ID></p:Lot><p:Empty/>
		</p:Notice>`)
	fromJSON := tree.Parse(`{"@ignored": "x", "a:Name": [{"@languageID": "FRA", "#text": "Voirie & réseaux"}, {"@languageID": "ENG", "#text": "Roads"}],
		"Name": "without a namespace", "a:Lot": [{"b:ID": "1"}, {"b:ID": "2"}], "a:Empty": ""}`).Local()
	for path, want := range map[string][]string{
		"Name": {"Voirie & réseaux", "Roads", "without a namespace"}, "Lot.ID": {"1", "2"}, "Empty": {""}, "None": nil,
	} {
		a, b := fromXML.At(path).Texts(tree.French, "ENG"), fromJSON.At(path).Texts(tree.French, "ENG")
		if !cmp.Equal(sorted(a), sorted(want), equateEmpty) || !cmp.Equal(sorted(b), sorted(want), equateEmpty) {
			t.Errorf("%s: %q, %q, want %q", path, a, b, want)
		}
	}
}

var equateEmpty = cmp.FilterValues(func(a, b []string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func TestLanguages(t *testing.T) {
	n := readXML(t, `<a xmlns="urn:example:known"><Name languageID="DEU">Straße</Name><Name languageID="FRA"> </Name><Name languageID="NLD">Straat</Name></a>`).At("Name")
	for language, want := range map[string]string{"NLD": "Straat", "DEU": "Straße", "": "Straße", "ITA": "Straße"} {
		if got := n.Text(language); got != want {
			t.Errorf("in %s: %q, want %q", language, got, want)
		}
	}
}

func TestHaving(t *testing.T) {
	n := tree.Parse(map[string]any{"Code": []any{
		map[string]any{"@listName": "a", "#text": "1"}, map[string]any{"@listName": "b", "#text": "2"}, "3",
	}}).At("Code")
	if got := n.Having("listName", "b"); got.Raw() != "2" || len(got) != 1 || n.Attribute("listName") != "a" || n[2:].Attribute("listName") != "" {
		t.Errorf("having b: %v", got)
	}
}
