package attack

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What scanners of GraphQL servers look for, one by one. Some of it is there on
// purpose: the schema is public unless it is made private.
func TestScannersFindNothing(t *testing.T) {
	onLinux(t)
	s := serve(t, pairs()["embedded"](t), 10, nil)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	get := func(query string) string { return "/graphql?query=" + url.QueryEscape(query) }
	for _, c := range []struct {
		name   string
		of     request
		status int
		code   string
	}{
		{"alias overloading", request{body: operation("{ "+numbered(101, "a%d: __typename ")+"}", nil)}, 200, "LIMIT_EXCEEDED"},
		{"batching", request{body: "[" + strings.Repeat(operation("{ __typename }", nil)+",", 9) + operation("{ __typename }", nil) + "]"}, 400, "BAD_REQUEST"},
		{"directive overloading", request{body: operation("{ __typename "+strings.Repeat("@aa", 10)+" }", nil)}, 200, "GRAPHQL_VALIDATION_FAILED"},
		{"directives that are known, overloaded", request{body: operation("{ __typename "+strings.Repeat("@include(if: true) ", 60)+" }", nil)}, 200, "GRAPHQL_VALIDATION_FAILED"},
		{"circular introspection", request{body: operation("{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }", nil)}, 200, "GRAPHQL_VALIDATION_FAILED"},
		{"field duplication", request{body: operation("{ "+strings.Repeat("__typename ", 1001)+"}", nil)}, 200, "LIMIT_EXCEEDED"},
		{"a mutation by GET", request{method: http.MethodGet, path: get("mutation { deleteAccount(confirmEmail: \"a\") { deletedAccountId } }")}, 405, "BAD_REQUEST"},
		{"a query as a form", request{header: form, body: "query=%7B__typename%7D"}, 415, "BAD_REQUEST"},
		{"a mutation as a form", request{header: form, body: "query=mutation%7B__typename%7D"}, 415, "BAD_REQUEST"},
		{"a mutation as plain text", request{header: http.Header{"Content-Type": {"text/plain"}}, body: operation("mutation { __typename }", nil)}, 415, "BAD_REQUEST"},
		{"an upload", request{header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, body: "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{}\r\n--b--"}, 415, "BAD_REQUEST"},
		{"errors that say too much", request{body: operation("qwerty { abc }", nil)}, 200, "GRAPHQL_PARSE_FAILED"},
		{"an unknown persisted query", request{body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`}, 200, "PERSISTED_QUERY_NOT_FOUND"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.attacker(t).send(c.of)
			if got.status != c.status || got.code() != c.code {
				t.Errorf("%d %s, not %d %s: %.300s", got.status, got.code(), c.status, c.code, got.body)
			}
			for _, said := range []string{"goroutine", ".go:", "SELECT", "panic", `"tracing"`, "exception", "stacktrace"} {
				if bytes.Contains(got.body, []byte(said)) {
					t.Errorf("the answer says %s: %.300s", said, got.body)
				}
			}
		})
	}
	traced := s.attacker(t).send(request{header: http.Header{"Apollo-Tracing": {"1"}, "X-Apollo-Tracing": {"1"}}, body: operation("{ __typename }", nil)})
	if string(bytes.TrimSpace(traced.body)) != `{"data":{"__typename":"Query"},"extensions":{"cost":{"requested":1,"maximum":20000}}}` {
		t.Errorf("traced, it answers %s", traced.body)
	}
}

// If the schema is private, guessing its names reveals nothing: a
// name that is there is refused in the same words as one that is not.
func TestPrivateSchemaCannotBeGuessed(t *testing.T) {
	onLinux(t)
	s := serve(t, pairs()["embedded"](t), 0, map[string]string{"VIGIE_INTROSPECTION": "false"})
	a := s.attacker(t)
	for _, path := range []string{"/playground", "/playground/"} {
		if got := a.send(request{method: http.MethodGet, path: path}); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	var names []string // the words of the schema: what guessing comes down to, at best
	for _, name := range regexp.MustCompile(`[A-Za-z][A-Za-z0-9]{3,}`).FindAllString(string(text), -1) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	told := regexp.MustCompile(`(?i)did you mean|suggest|of type|expected type|must have a selection|\bon type\b|unknown argument|is required`)
	guess := func(query string) {
		t.Helper()
		if answered := a.ask(query, nil); told.Match(answered.body) {
			t.Errorf("%.80s… is answered %.300s", query, answered.body)
		}
	}
	// Misspelt, a name is suggested by those that suggest.
	for chunk := range slices.Chunk(names, 40) {
		var query, selection strings.Builder
		for _, name := range chunk {
			fmt.Fprintf(&query, "%sx ", name)
			fmt.Fprintf(&selection, "departments { %sx } ", name)
		}
		guess("{ " + query.String() + "}")
		guess("{ " + selection.String() + "}")
	}
	// As it is, in any place where it is not right.
	for _, c := range [][3]string{
		{"{ %s }", "tenders", "tendors"}, {"mutation { %s }", "createWatch", "createWotch"}, {"subscription { %s }", "tenderMatched", "tenderMotched"},
		{"{ buyers(%s: 1) { totalCount } }", "search", "searzh"}, {"{ buyers(search: \"c\") { %s } }", "nodes", "nodas"}, {"{ departments { ... on %s { code } } }", "Tender", "Tendor"},
		{"query ($v: %s) { departments { code } }", "TenderFilter", "TendorFilter"}, {"{ departments { code @%s } }", "skip", "skap"}, {"{ __type(name: \"%s\") { name } }", "Tender", "Tendor"},
	} {
		if known, unknown := a.likeness(c[0], c[1]), a.likeness(c[0], c[2]); known != unknown {
			t.Errorf("%s tells a name that is there from one that is not:\n%s\n%s", c[0], known, unknown)
		}
	}
	if got := a.ask(`{ __schema { types { name } } }`, nil); bytes.Contains(got.body, []byte(`"types"`)) {
		t.Errorf("introspection answers %.300s", got.body)
	}
}

var requestID = regexp.MustCompile(`"requestId":"[^"]*"`)

// likeness is what a form with a name in it is answered.
func (a *attacker) likeness(form, name string) string {
	got := a.ask(fmt.Sprintf(form, name), nil)
	return fmt.Sprintf("%d %s", got.status, requestID.ReplaceAll(got.body, nil))
}
