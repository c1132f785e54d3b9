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
		{name: "compressed bodies that grow", anonymous: true, do: func(a *attacker) {
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
		{name: "wide variables in an address", anonymous: true, do: func(a *attacker) {
			q := url.Values{"query": {`{ departments { code } }`}, "variables": {`{"x":[` + strings.Repeat("{},", a.n(80_000)) + `{}]}`}}.Encode()
			a.times(32, 8, func(int) { a.send(request{method: http.MethodGet, path: "/graphql?" + q}) })
		}},
	}
	for name, variables := range map[string]func(a *attacker) string{
		"wide variables":       func(a *attacker) string { return `{"x":[` + strings.Repeat("{},", a.n(340_000)) + `{}]}` },
		"wide, and wider keys": func(a *attacker) string { return `{"x":{` + manyKeys(a.n(80_000)) + `}}` },
		"deep lists": func(a *attacker) string {
			n := a.n(500_000)
			return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
		},
		"deep objects": func(a *attacker) string {
			n := a.n(150_000)
			return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
		},
		"a number of a million digits": func(a *attacker) string {
			return `{"first":` + strings.Repeat("9", a.n(1_000_000)) + `}`
		},
		"a tiny number of a huge exponent": func(a *attacker) string { return `{"first":1e999999999}` },
		"a string of escapes":              func(a *attacker) string { return `{"x":"` + strings.Repeat(`\u0041`, a.n(170_000)) + `"}` },
		"one name many times":              func(a *attacker) string { return `{` + strings.Repeat(`"x":{},`, a.n(120_000)) + `"x":1}` },
		"many numbers":                     func(a *attacker) string { return `{"x":[` + strings.Repeat("1,", a.n(500_000)) + `1]}` },
		"lists of nothing":                 func(a *attacker) string { return `{"x":[` + strings.Repeat("[],", a.n(340_000)) + `[]]}` },
	} {
		list = append(list, attack{name: name, anonymous: true, cpu: 3 * time.Second, do: func(a *attacker) {
			body := `{"query":"query ($first: Int) { departments { code } }","variables":` + variables(a) + `}`
			a.times(64, 8, func(int) { a.send(request{body: body}) })
		}})
	}
	for name, body := range map[string]string{
		"wide extensions":      `{"query":"{ departments { code } }","extensions":{"x":[` + strings.Repeat("{},", 340_000) + `{}]}}`,
		"wide and unknown":     `{"query":"{ departments { code } }","other":[` + strings.Repeat("{},", 340_000) + `{}]}`,
		"a batch of thousands": `[` + strings.Repeat(`{"query":"{ departments { code } }"},`, 20_000) + `{"query":"{ departments { code } }"}]`,
	} {
		list = append(list, attack{name: name, anonymous: true, cpu: 3 * time.Second, do: func(a *attacker) {
			a.times(64, 8, func(int) { a.send(request{body: body}) })
		}})
	}
	byName(list)
	// With a token, for arguments that the schema knows.
	list = append(list, attack{name: "criteria of hundred thousands", cpu: 4 * time.Second, do: func(a *attacker) {
		query := `query ($c: CriteriaInput!) { previewMatches(criteria: $c) { onlineCount userErrors { code } } }`
		for _, field := range []string{"keywords", "excludedKeywords", "buyerIds", "departmentCodes", "natures", "cpvCodes"} {
			a.times(3, 3, func(int) {
				a.ask(query, map[string]any{"c": map[string]any{field: strings.Fields(strings.Repeat("x ", a.n(200_000)))}})
			})
		}
	}}, attack{name: "long texts where short ones are asked for", cpu: 4 * time.Second, do: func(a *attacker) {
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
