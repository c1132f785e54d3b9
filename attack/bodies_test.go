package attack

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// bodies are attacks by what a body, or what stands for one, holds.
func bodies() []attack {
	list := []attack{
		{name: "compressed bodies that grow", anonymous: true, first: "415 BAD_REQUEST", do: func(a *attacker) {
			body := gzipped(a.n(100 << 20))
			deflated := new(bytes.Buffer)
			w := zlib.NewWriter(deflated)
			_, _ = w.Write(make([]byte, 10<<20)) // into memory: it cannot fail
			_ = w.Close()
			a.times(30, 4, func(i int) {
				encoding, text := "gzip", body
				switch i % 4 {
				case 1:
					encoding = "gzip, gzip"
				case 2:
					encoding, text = "deflate", deflated.String()
				case 3:
					encoding = "br"
				}
				a.send(request{header: http.Header{"Content-Encoding": {encoding}}, body: text})
			})
		}},
		{name: "wide variables in an address", anonymous: true, first: "413 LIMIT_EXCEEDED jsonValues", do: func(a *attacker) {
			q := url.Values{"query": {`{ departments { code } }`}, "variables": {`{"x":[` + strings.Repeat("{},", a.n(7000)) + `{}]}`}}.Encode()
			a.times(32, 8, func(int) { a.send(request{method: http.MethodGet, path: "/graphql?" + q}) })
		}},
	}
	for name, fill := range map[string]struct {
		body  func(n int) string // of about n bytes
		first string
	}{
		"wide variables":       {variables(func(n int) string { return `{"x":[` + strings.Repeat("{},", n/3) + `{}]}` }), "413 LIMIT_EXCEEDED jsonValues"},
		"wide, and wider keys": {variables(func(n int) string { return `{"x":{` + manyKeys(n/12) + `}}` }), "413 LIMIT_EXCEEDED jsonValues"},
		"deep lists": {variables(func(n int) string {
			return `{"x":` + strings.Repeat("[", n/2) + strings.Repeat("]", n/2) + `}`
		}), "413 LIMIT_EXCEEDED jsonDepth"},
		"deep objects": {variables(func(n int) string {
			return strings.Repeat(`{"a":`, n/6) + "1" + strings.Repeat("}", n/6)
		}), "413 LIMIT_EXCEEDED jsonDepth"},
		"a number of many digits":          {variables(func(n int) string { return `{"first":` + strings.Repeat("9", n) + `}` }), "200 BAD_REQUEST"},
		"a tiny number of a huge exponent": {variables(func(int) string { return `{"first":1e999999999}` }), "200 BAD_REQUEST"},
		"a string of escapes":              {variables(func(n int) string { return `{"x":"` + strings.Repeat(`\u0041`, n/6) + `"}` }), "200"},
		"one name many times":              {variables(func(n int) string { return `{` + strings.Repeat(`"x":{},`, n/7) + `"x":1}` }), "413 LIMIT_EXCEEDED jsonValues"},
		"many numbers":                     {variables(func(n int) string { return `{"x":[` + strings.Repeat("1,", n/2) + `1]}` }), "413 LIMIT_EXCEEDED jsonValues"},
		"lists of nothing":                 {variables(func(n int) string { return `{"x":[` + strings.Repeat("[],", n/3) + `[]]}` }), "413 LIMIT_EXCEEDED jsonValues"},
		"wide extensions": {func(n int) string {
			return `{"query":"{ departments { code } }","extensions":{"x":[` + strings.Repeat("{},", n/3) + `{}]}}`
		}, "413 LIMIT_EXCEEDED jsonValues"},
		"wide and unknown": {func(n int) string {
			return `{"query":"{ departments { code } }","other":[` + strings.Repeat("{},", n/3) + `{}]}`
		}, "413 LIMIT_EXCEEDED jsonValues"},
		"a batch of thousands": {func(n int) string {
			const one = `{"query":"{ departments { code } }"}`
			return `[` + strings.Repeat(one+`,`, n/len(one)) + one + `]`
		}, "413 LIMIT_EXCEEDED jsonValues"},
	} {
		// Each sends a little less than it may.
		send := func(most int) func(a *attacker) {
			return func(a *attacker) {
				body := fill.body(a.n(most))
				a.times(64, 8, func(int) { a.send(request{body: body}) })
			}
		}
		nobodys := fill.first
		if nobodys == "200" { // of what anyone may ask
			nobodys = "200 UNAUTHENTICATED"
		}
		list = append(list, attack{name: name + ", of nobody", anonymous: true, cpu: 3 * time.Second, first: nobodys, do: send(60_000)},
			attack{name: name + ", of someone", cpu: 3 * time.Second, memory: 128, first: fill.first, do: send(1_000_000)})
	}
	byName(list)
	// With a token, for arguments that the schema knows.
	list = append(list, attack{name: "criteria of many thousands", cpu: 4 * time.Second, do: func(a *attacker) {
		query := `query ($c: CriteriaInput!) { previewMatches(criteria: $c) { onlineCount userErrors { code } } }`
		for _, field := range []string{"keywords", "excludedKeywords", "buyerIds", "departmentCodes", "natures", "cpvCodes"} {
			a.times(3, 3, func(int) {
				a.ask(query, map[string]any{"c": map[string]any{field: strings.Fields(strings.Repeat("x ", a.n(16_000)))}})
			})
		}
	}}, attack{name: "long texts where short ones are asked for", first: "200 TOO_LONG search", cpu: 4 * time.Second, do: func(a *attacker) {
		long := strings.Repeat("é", a.n(450_000))
		a.times(8, 4, func(int) {
			a.ask(`query ($q: String!) { buyers(search: $q) { totalCount } }`, map[string]any{"q": long})
		})
		a.times(8, 4, func(int) {
			a.ask(`query ($q: String!) { tenders(search: $q) { totalCount } }`, map[string]any{"q": long})
		})
		a.times(8, 4, func(int) {
			a.ask(`query ($q: String!) { previewMatches(criteria: { keywordsText: $q }) { onlineCount userErrors { code } } }`, map[string]any{"q": long})
		})
		a.times(8, 4, func(int) {
			a.ask(`mutation ($q: String!) { createWatch(input: { name: $q, criteria: {}, recipients: [$q] }) { userErrors { code } } }`, map[string]any{"q": long})
		})
	}})
	return list
}

// variables are bodies of a query with these variables.
func variables(write func(n int) string) func(n int) string {
	return func(n int) string {
		return `{"query":"query ($first: Int) { departments { code } tenders(first: $first) { totalCount } }","variables":` + write(n) + `}`
	}
}

// emptyObjects is a list of so many.
func emptyObjects(n int) json.RawMessage {
	return json.RawMessage("[" + strings.Repeat("{},", n) + "{}]")
}

func manyKeys(n int) string {
	var text strings.Builder
	for i := range n {
		text.WriteString(`"k`)
		for j := i; j > 0; j /= 26 {
			text.WriteByte(byte('a' + j%26))
		}
		text.WriteString(`":1,`)
	}
	return text.String() + `"last":1`
}

// gzipped is so many spaces, compressed.
func gzipped(n int) string {
	var text bytes.Buffer
	w := gzip.NewWriter(&text)
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	for range max(1, n>>20) {
		_, _ = w.Write(spaces) // into memory: it cannot fail
	}
	_ = w.Close()
	return text.String()
}
