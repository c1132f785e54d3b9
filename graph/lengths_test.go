package graph

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Each list of objects costs as often as it has rows: by a page, by what was given, or by how long such lists are.
func TestListsHaveALength(t *testing.T) {
	s := schema()
	for _, object := range s.Types {
		if object.Kind != ast.Object || object.BuiltIn {
			continue
		}
		for _, f := range object.Fields {
			if f.Type.Elem == nil || !s.Types[f.Type.Name()].IsCompositeType() || strings.HasPrefix(f.Name, "__") {
				continue
			}
			_, said := rowsOf(f, nil)
			if usual, _ := listLength(object.Name, f.Name, 1); !said && usual == 0 && f.Arguments.ForName("ids") == nil {
				t.Errorf("%s.%s costs nothing: add it to listLength", object.Name, f.Name)
			}
		}
	}
}

// What the page asks, and what the documentation shows, costs much less than an operation may, with pages as long as
// the page has them, or by default.
func TestOursCostsLittle(t *testing.T) {
	var page strings.Builder
	for _, name := range filesOf(t, "../web/src/api/*.graphql") {
		page.WriteString(textOf(t, name))
	}
	costsLittle(t, "the page", page.String())
	shown := regexp.MustCompile("(?s)```graphql\n(.*?)```")
	for _, name := range append(filesOf(t, "../README*.md"), filesOf(t, "../docs/*.md")...) {
		for _, example := range shown.FindAllStringSubmatch(textOf(t, name), -1) {
			costsLittle(t, name, example[1])
		}
	}
}

// costsLittle checks what each operation of a document costs.
func costsLittle(t *testing.T, where, document string) {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema(), document, rules.NewDefaultRules())
	if errs != nil {
		t.Fatalf("%s: %v", where, errs)
	}
	for _, op := range doc.Operations {
		cost := costing{map[string]any{"first": int64(50), "page": int64(1), "search": "voirie"}}.of(op.SelectionSet, 1)
		t.Logf("%s: %s costs %d", where, op.Name, cost)
		if most := DefaultLimits().Cost; cost > most*3/4 {
			t.Errorf("%s: %s costs %d; the limit is %d", where, op.Name, cost, most)
		}
	}
}

func filesOf(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal(pattern, files, err)
	}
	return files
}

func textOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
