package graph_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/graph"
)

// documentedCodes are the codes in the tables of docs/errors.md, of top-level
// errors and of user errors.
func documentedCodes(t testing.TB) (top, user []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n## Top-level errors\n")
	first, rest, _ := strings.Cut(rest, "\n###")
	_, rest, _ = strings.Cut(rest, "\n## User errors\n")
	second, _, found := strings.Cut(rest, "\n## ")
	if !found {
		t.Fatal("docs/errors.md has not the parts that it had")
	}
	rows := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|")
	codes := func(part string) (codes []string) {
		for _, row := range rows.FindAllStringSubmatch(part, -1) {
			codes = append(codes, row[1])
		}
		return codes
	}
	return codes(first), codes(second)
}

// Each code that the domain has is in the tables of docs/errors.md, and none
// besides but those of GraphQL's own.
func TestCodesAreDocumented(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../error.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "PERSISTED_QUERY_NOT_FOUND", "CANCELED", "NOT_FOUND", "TOO_LONG"}
	var correctable []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if kind, named := specType(spec, ok); !named || kind != "Code" {
			return true
		}
		code, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if vigie.Code(code).Correctable() {
			correctable = append(correctable, code)
		} else {
			wanted = append(wanted, code)
		}
		return true
	})
	top, user := documentedCodes(t)
	for _, lists := range [][2][]string{{wanted, top}, {correctable, user}} {
		slices.Sort(lists[0])
		slices.Sort(lists[1])
		if !slices.Equal(lists[0], lists[1]) {
			t.Errorf("docs/errors.md has %v; the code has %v", lists[1], lists[0])
		}
	}
	if len(wanted) < 12 || len(correctable) < 10 {
		t.Errorf("only %v and %v were found", wanted, correctable)
	}
}

func specType(spec *ast.ValueSpec, ok bool) (name string, named bool) {
	if !ok {
		return "", false
	}
	kind, named := spec.Type.(*ast.Ident)
	if !named {
		return "", false
	}
	return kind.Name, true
}

// Each answer has the cost of its operation, and so has its refusal; an error has
// the limit that was passed, in numbers.
func TestCostIsShown(t *testing.T) {
	w := newWorld(t)
	w.answer(func(o *graph.Options) { o.Limits.Cost = 150 })
	p := w.person("ana@example.org")
	for query, want := range map[string]string{
		`{ departments { code } }`:                             `map[maximum:150 requested:20]`,
		`{ matchingTenders { totalCount } }`:                   `map[maximum:150 requested:102]`,
		`{ nobody: viewer { email } tenders(first: 0) { x } }`: `<nil>`, // it was not measured
		`{ tenders { nodes { id } } }`:                         `map[maximum:150 requested:341]`,
	} {
		r := p.post(query, nil)
		if got := r.Extensions["cost"]; fmt.Sprint(got) != want {
			t.Errorf("%s: cost %v, want %s", query, got, want)
		}
	}
	r := p.post(`{ tenders { nodes { id } } }`, nil)
	if got := fmt.Sprint(r.Errors[0].Extensions); got != "map[code:LIMIT_EXCEEDED limit:map[maximum:150 name:cost requested:341]]" {
		t.Errorf("the refusal says %s", got)
	}
	w.answer(func(o *graph.Options) { o.Limits.Shape.Aliases = 1 })
	r = p.post(`{ a: departments { code } b: departments { code } }`, nil)
	if got := fmt.Sprint(r.Errors[0].Extensions["limit"]); got != "map[maximum:1 name:aliases requested:2]" {
		t.Errorf("too many aliases: %s", got)
	}
}

// Texts for authors of programs are in English, texts for people in the language
// that the request asks for, before the account's.
func TestLanguages(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	for asked, want := range map[vigie.Locale][2]string{
		"":            {"Cet organisme est introuvable. Choisissez-en un dans la liste.", "Travaux"},
		vigie.English: {"This buyer was not found. Choose one from the list.", "Works"},
	} {
		for _, locale := range []vigie.Locale{vigie.French, vigie.English} {
			ana.viewer.Account.Locale = locale
			if asked == "" && locale == vigie.English {
				continue
			}
			request := httptest.NewRequestWithContext(graph.WithViewer(t.Context(), ana.viewer), http.MethodPost, "/graphql", strings.NewReader(
				`{"query": "{ people: tenders(filter: { buyerIds: [\"x\"] }) { totalCount } programs: tenders(first: 0) { totalCount } choices { natures { label } } }"}`))
			request.Header.Set("Content-Type", "application/json")
			if asked != "" {
				request = request.WithContext(graph.WithLocale(request.Context(), asked))
			}
			recorder := httptest.NewRecorder()
			w.handler.ServeHTTP(recorder, request)
			for _, said := range []string{want[0], want[1], "The number of rows per page must be between 1 and 100."} {
				if !strings.Contains(recorder.Body.String(), said) {
					t.Errorf("asked in %q by an account in %s: no %q in %s", asked, locale, said, recorder.Body)
				}
			}
		}
	}
}

// What is the same for all may be kept, and is asked again in vain; the rest
// never is.
func TestWhatMayBeKept(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	get := func(query, tag string) *httptest.ResponseRecorder {
		request := httptest.NewRequestWithContext(graph.WithViewer(t.Context(), ana.viewer), http.MethodGet, "/graphql", nil)
		values := request.URL.Query()
		values.Set("query", query)
		request.URL.RawQuery = values.Encode()
		request.Header.Set("Accept-Encoding", "gzip")
		if tag != "" {
			request.Header.Set("If-None-Match", tag)
		}
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, request)
		return recorder
	}
	for _, query := range []string{`{ departments { code name } }`, `{ ...a limits { maxWatches } cpvCodes(search: "45") { label } formChoices { natures { label } } } fragment a on Query { choices { natures { label } } }`, `{ __schema { types { name } } }`} {
		first := get(query, "")
		tag := first.Header().Get("ETag")
		if first.Code != http.StatusOK || tag == "" || first.Header().Get("Cache-Control") != "public, max-age=3600" || !strings.Contains(strings.Join(first.Header().Values("Vary"), ","), "Accept-Language") {
			t.Errorf("%s: %d %v", query, first.Code, first.Header())
		}
		if again := get(query, `"other", `+tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 || again.Header().Get("ETag") != tag {
			t.Errorf("%s, asked again: %d %v %s", query, again.Code, again.Header(), again.Body)
		}
		if other := get(query, `W/"other"`); other.Code != http.StatusOK || other.Body.Len() == 0 {
			t.Errorf("%s, for another tag: %d", query, other.Code)
		}
	}
	for _, query := range []string{`{ viewer { email } }`, `{ departments { code } viewer { email } }`, `{ departments { kode } }`, `{ tenders(first: 0) { totalCount } limits { maxWatches } }`} {
		if r := get(query, "*"); r.Header().Get("ETag") != "" || r.Header().Get("Cache-Control") != "no-store" || r.Body.Len() == 0 {
			t.Errorf("%s may be kept: %d %v", query, r.Code, r.Header())
		}
	}
}

// An error says in its extensions for how long to wait.
func TestRetryAfterIsShown(t *testing.T) {
	err := &vigie.Error{Code: vigie.TooManyRequests, RetryAfter: 1500 * time.Millisecond, Limit: &vigie.Limit{Name: "account", Maximum: 60}}
	w := newWorld(t)
	w.answer(func(o *graph.Options) {
		o.Intake.Begin = func(context.Context) (func(), error) { return nil, err }
	})
	r := w.person("ana@example.org").post(`{ departments { code } }`, nil)
	if got := fmt.Sprint(r.Errors[0].Extensions); got != "map[code:TOO_MANY_REQUESTS limit:map[maximum:60 name:account] retryAfter:2]" {
		t.Error(got)
	}
}
