package vigie_test

import (
	"go/ast"
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

	"vigie"
)

// French leaves as it is printed; names, quotations and codes as they are.
func TestFrenchIsTypeset(t *testing.T) {
	for written, printed := range map[string]string{
		"Sûr ? Oui ! Non ; si : « a »":    "Sûr\u00a0? Oui\u00a0! Non\u00a0; si\u00a0: «\u00a0a\u00a0»",
		"« a : b » : introuvable":         "«\u00a0a : b\u00a0»\u00a0: introuvable",
		"«\u00a0a\u00a0»\u00a0: rien":     "«\u00a0a\u00a0»\u00a0: rien",
		"le 1er mai 2026 à 9 h 00":        "le 1er mai 2026 à 9\u00a0h\u00a000",
		"« a » et « b » !":                "«\u00a0a\u00a0» et «\u00a0b\u00a0»\u00a0!",
		"sqlite:PATH ou http://a.example": "sqlite:PATH ou http://a.example",
	} {
		text := vigie.Text{FR: written, EN: "en : «a»"}
		if got := text.In(vigie.French); got != printed {
			t.Errorf("%q: %q, want %q", written, got, printed)
		}
		if got := text.In(vigie.English); got != "en : «a»" {
			t.Errorf("English: %q", got)
		}
	}
	name := "Travaux : lot « 1 » à 9 h 00"
	if got := vigie.Same(name).In(vigie.French); got != name {
		t.Errorf("a name: %q", got)
	}
	if got := (vigie.Text{FR: "« %s » : %s", EN: "%s: %s"}).With("a : b", vigie.Text{FR: "non !", EN: "no!"}).In(vigie.French); got != "«\u00a0a : b\u00a0»\u00a0: non\u00a0!" {
		t.Errorf("filled: %q", got)
	}
}

// What people read in French is written with the typographer's apostrophe, and
// with the glossary's words.
func TestFrenchTexts(t *testing.T) {
	texts := frenchTexts(t)
	if len(texts) < 450 {
		t.Errorf("only %d French texts found", len(texts))
	}
	faults := map[string]*regexp.Regexp{
		"a straight apostrophe":        regexp.MustCompile(`\pL'\pL`),
		"a no-break space":             regexp.MustCompile(`[\x{a0}\x{202f}]`),
		"« mail » for « courriel »":    regexp.MustCompile(`(?i)\b(e-?)?mails?\b`),
		"« désabonner »":               regexp.MustCompile(`(?i)désabonn`),
		"« organisme acheteur »":       regexp.MustCompile(`(?i)organismes? acheteur`),
		"« remise des offres »":        regexp.MustCompile(`(?i)remise des offres`),
		"« ceci » or « cela »":         regexp.MustCompile(`(?i)\b(ceci|cela)\b`),
		"« c’est trop »":               regexp.MustCompile(`(?i)c[’']est trop`),
		"« veilles des marchés »":      regexp.MustCompile(`(?i)veilles? (des marchés|de marché($|\P{L}))`),
		"« correspondants à »":         regexp.MustCompile(`(?i)correspondant(s|es|e) à`),
		"« annonce » for « avis »":     regexp.MustCompile(`(?i)\bannonces?\b`),
		"« message » for « courriel »": regexp.MustCompile(`(?i)\bmessages?\b`),
	}
	for _, text := range texts {
		for fault, pattern := range faults {
			if pattern.MatchString(text.said) && !slices.Contains(guideWords(), text.said) {
				t.Errorf("%s: %s in %q", text.where, fault, text.said)
			}
		}
	}
}

// guideWords are the words of the guide that the product began with, kept as
// they are although the glossary has others.
func guideWords() []string {
	return []string{
		"Mes veilles des marchés", "Vous n’avez pas encore paramétré de veille de marché",
		"Liste des marchés correspondants à mes critères de recherche",
	}
}

type frenchText struct{ where, said string }

// frenchTexts finds them in the code, in the templates of letters, in the words
// of the page, and in documents.
func frenchTexts(t *testing.T) (texts []frenchText) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != "." || slices.Contains([]string{"node_modules", "testdata", "dist"}, entry.Name())):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			texts = append(texts, inGo(t, path)...)
		case strings.HasPrefix(filepath.ToSlash(path), "alert/letter/templates/"):
			texts = append(texts, inText(t, path, regexp.MustCompile(`\.In "([^"]*)"`))...)
		case strings.HasSuffix(path, ".fr.md"):
			texts = append(texts, inMarkdown(t, path)...)
		case strings.HasPrefix(filepath.ToSlash(path), "web/src/words/"):
			texts = append(texts, inText(t, path, regexp.MustCompile("'([^'\n]*)'|`([^`\n]*)`"))...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// inGo finds the field FR of texts, their first where fields have no names, and
// the first argument of what has French and English beside each other.
func inGo(t *testing.T, path string) (texts []frenchText) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	say := func(node ast.Expr) {
		ast.Inspect(node, func(node ast.Node) bool {
			if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				said, _ := strconv.Unquote(literal.Value)
				texts = append(texts, frenchText{set.Position(literal.Pos()).String(), said})
			}
			return true
		})
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.KeyValueExpr:
			if key, ok := node.Key.(*ast.Ident); ok && key.Name == "FR" {
				say(node.Value)
			}
		case *ast.CompositeLit:
			if kind, ok := node.Type.(*ast.Ident); ok && kind.Name == "Text" && len(node.Elts) == 2 {
				if _, named := node.Elts[0].(*ast.KeyValueExpr); !named {
					say(node.Elts[0])
				}
			}
		case *ast.CallExpr:
			if called, ok := node.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "In" && len(node.Args) == 2 {
				say(node.Args[0])
			}
		}
		return true
	})
	return texts
}

// inText finds what a pattern captures, up to where a file begins its English.
func inText(t *testing.T, path string, pattern *regexp.Regexp) (texts []frenchText) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	french, _, _ := strings.Cut(string(content), "\nconst en")
	for _, match := range pattern.FindAllStringSubmatch(french, -1) {
		said := regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllString(strings.Join(match[1:], ""), "%s")
		texts = append(texts, frenchText{path, said})
	}
	return texts
}
