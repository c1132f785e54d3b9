package attack

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// documents are attacks by GraphQL documents.
func documents() []attack {
	const invalid, unreadable = "200 GRAPHQL_VALIDATION_FAILED", "200 GRAPHQL_PARSE_FAILED"
	refusals := map[string]string{
		"aliases by hundreds": "200 LIMIT_EXCEEDED aliases", "one name for much": "200 LIMIT_EXCEEDED aliases", "selections in conflict": "200 LIMIT_EXCEEDED aliases",
		"fragments in a chain": "200 LIMIT_EXCEEDED validation", "fragments that double": "200 LIMIT_EXCEEDED fields", "one fragment used without end": "200 LIMIT_EXCEEDED fields",
		"fields within fields": invalid, "inline fragments within others": invalid, "fragments in a circle": invalid, "fragments that nobody uses": invalid, "directives without end": invalid,
		"directives that nobody knows": invalid, "operations without end": invalid, "fields that nobody knows": invalid, "arguments that nobody knows": invalid, "variables without end": invalid, "introspection in circles": invalid,
		"a string of a million letters": "200 TOO_LONG search", "a block string of many lines": "200 TOO_LONG search",
		"a type of many lists": unreadable, "comments": unreadable, "values within values": unreadable, "lists within lists": unreadable,
	}
	named := make([]attack, 0, 24)
	for name, write := range map[string]func(n func(int) int) string{
		"aliases by hundreds":            func(n func(int) int) string { return "{ " + numbered(n(480), "a%d: __typename ") + "}" },
		"aliases that are allowed":       func(func(int) int) string { return "{ " + numbered(45, "a%d: departments { code name region } ") + "}" },
		"fields that are the same":       func(n func(int) int) string { return "{ " + strings.Repeat("departments { code } ", n(220)) + "}" },
		"one name for much":              func(n func(int) int) string { return "{ " + strings.Repeat("a: departments { code } ", n(220)) + "}" },
		"fields within fields":           func(n func(int) int) string { return nested(n(300), "departments") },
		"inline fragments within others": func(n func(int) int) string { return nested(n(550), "... on Query") },
		"fragments that double":          doubling,
		"fragments in a chain": func(n func(int) int) string {
			m := n(300)
			var text strings.Builder
			for i := range m {
				fmt.Fprintf(&text, "fragment f%d on Department { code ...f%d } ", i, i+1)
			}
			return "{ departments { ...f0 } } " + text.String() + fmt.Sprintf("fragment f%d on Department { zzz }", m)
		},
		"fragments in a circle": func(n func(int) int) string {
			return "{ ...f0 } " + numbered(n(60), "fragment f%d on Query { ...f%[1]d ...f0 ...f1 } ")
		},
		"fragments that nobody uses": func(n func(int) int) string {
			return "{ departments { code } } " + numbered(n(180), "fragment f%d on Query { departments { code } } ")
		},
		"one fragment used without end": func(n func(int) int) string {
			return "{ " + strings.Repeat("...f ", n(1400)) + "} fragment f on Query { departments { code } }"
		},
		"directives without end": func(n func(int) int) string {
			return "{ departments { code " + strings.Repeat("@skip(if: false) ", n(420)) + "} }"
		},
		"directives that nobody knows": func(n func(int) int) string { return "{ departments " + strings.Repeat("@aa ", n(900)) + "{ code } }" },
		"fields that nobody knows":     func(n func(int) int) string { return "{ " + numbered(n(1400), "departmentz%d ") + "}" },
		"arguments that nobody knows": func(n func(int) int) string {
			return "{ buyers(" + numbered(n(900), "searc%d: 1 ") + ") { totalCount } }"
		},
		"a string of a million letters": func(n func(int) int) string {
			return `{ buyers(search: "` + strings.Repeat("x", n(1_000_000)) + `") { totalCount } }`
		},
		"a block string of many lines": func(n func(int) int) string {
			return `{ buyers(search: """` + strings.Repeat("  x\n", n(190_000)) + `""") { totalCount } }`
		},
		"comments": func(n func(int) int) string { return strings.Repeat("#\n", n(300_000)) + "{ departments { code } }" },
		"one long comment": func(n func(int) int) string {
			return "#" + strings.Repeat("x", n(900_000)) + "\n{ departments { code } }"
		},
		"commas and spaces": func(n func(int) int) string {
			return strings.Repeat(",\t \uFEFF", n(140_000)) + "{ departments { code } }"
		},
		"a name of a million": func(n func(int) int) string {
			return "query " + strings.Repeat("x", n(900_000)) + " { departments { code } }"
		},
		"operations without end": func(n func(int) int) string {
			return numbered(n(220), "query q%d { departments { code } } ")
		},
		"variables without end": func(n func(int) int) string {
			return "query (" + numbered(n(290), "$v%d: [[[Int]]] ") + ") { departments { code } }"
		},
		"a type of many lists": func(n func(int) int) string {
			m := n(1400)
			return "query ($v: " + strings.Repeat("[", m) + "Int" + strings.Repeat("]", m) + ") { departments { code } }"
		},
		"values within values": func(n func(int) int) string {
			m := n(90_000)
			return "{ previewMatches(criteria: " + strings.Repeat("{keywords:", m) + "1" + strings.Repeat("}", m) + ") { onlineCount } }"
		},
		"lists within lists": func(n func(int) int) string {
			m := n(400_000)
			return "{ matchingTenders(watchIds: " + strings.Repeat("[", m) + strings.Repeat("]", m) + ") { totalCount } }"
		},
		"introspection in circles": func(n func(int) int) string {
			m := min(n(60), 100)
			return "{ __schema { types { " + strings.Repeat("fields { type { ", m) + "name" + strings.Repeat(" } }", m) + " } } }"
		},
		"introspection that is wide": func(func(int) int) string {
			return "{ " + numbered(8, "a%d: __schema { types { name description fields { name description args { name description } } } } ") + "}"
		},
		"selections in conflict": func(n func(int) int) string {
			return "{ " + numbered(n(170), "departments { code @include(if: true) a: name b%d: region } ") + "}"
		},
	} {
		// What is longer than strangers may send comes with a token.
		long := len(write(func(n int) int { return n })) > 60_000
		named = append(named, attack{name: name, anonymous: !long, first: refusals[name], do: func(a *attacker) {
			document := write(a.n)
			a.times(12, 4, func(i int) { a.ask(document+strings.Repeat(" ", i), nil) }) // none is known from before
		}})
	}
	byName(named)
	return append(named, attack{name: "hashes of documents that nobody knows", anonymous: true, first: "200 PERSISTED_QUERY_NOT_FOUND", do: func(a *attacker) {
		a.times(200, 8, func(i int) {
			a.send(request{body: fmt.Sprintf(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"%064x"}}}`, i)})
		})
	}}, attack{name: "long documents, each new", do: func(a *attacker) {
		// Each is long, and each is new: what is kept of them has bounds.
		a.times(200, 8, func(i int) {
			a.ask(fmt.Sprintf("{ departments { a%d: code } } #%s", i, strings.Repeat("x", a.n(200_000))), nil)
		})
	}, cpu: 4 * time.Second}, attack{name: "documents in an address", anonymous: true, do: func(a *attacker) {
		a.times(32, 8, func(int) {
			a.send(request{method: http.MethodGet, path: "/graphql?query=" + strings.Repeat("%23%0A", a.n(1400)) + "%7Bdepartments%7Bcode%7D%7D"})
		})
	}})
}

// numbered writes a form so often, with the number of each.
func numbered(n int, form string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, form, i)
	}
	return text.String()
}

func nested(n int, field string) string {
	return strings.Repeat("{ "+field+" ", n) + "{ code }" + strings.Repeat(" }", n)
}

// doubling is short, and 2ⁿ fields when it is written out.
func doubling(n func(int) int) string {
	last := n(40)
	return "{ ...f0 } " + numbered(last, "fragment f%d on Query { ...g%[1]d a: departments { code } ...g%[1]d } ") +
		func() (text string) {
			for i := range last {
				text += fmt.Sprintf("fragment g%d on Query { ...f%d } ", i, i+1)
			}
			return text
		}() + fmt.Sprintf("fragment f%d on Query { departments { code } }", last)
}
