package attack

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// documents are attacks by GraphQL documents.
func documents() []attack {
	named := make([]attack, 0, 24)
	for name, write := range map[string]func(n func(int) int) string{
		"aliases by ten thousands":       func(n func(int) int) string { return "{ " + numbered(n(10_000), "a%d: departments { code } ") + "}" },
		"aliases that are allowed":       func(func(int) int) string { return "{ " + numbered(45, "a%d: departments { code name region } ") + "}" },
		"fields that are the same":       func(n func(int) int) string { return "{ " + strings.Repeat("departments { code } ", n(10_000)) + "}" },
		"one name for much":              func(n func(int) int) string { return "{ " + strings.Repeat("a: departments { code } ", n(700)) + "}" },
		"fields within fields":           func(n func(int) int) string { return nested(n(20_000), "departments") },
		"inline fragments within others": func(n func(int) int) string { return nested(n(20_000), "... on Query") },
		"fragments that double":          doubling,
		"fragments in a circle": func(n func(int) int) string {
			return "{ ...f0 } " + numbered(n(300), "fragment f%d on Query { ...f%[1]d ...f0 ...f1 } ")
		},
		"fragments that nobody uses": func(n func(int) int) string {
			return "{ departments { code } } " + numbered(n(400), "fragment f%d on Query { departments { code } } ")
		},
		"one fragment used without end": func(n func(int) int) string {
			return "{ " + strings.Repeat("...f ", n(1400)) + "} fragment f on Query { departments { code } }"
		},
		"directives without end": func(n func(int) int) string {
			return "{ departments { code " + strings.Repeat("@skip(if: false) ", n(10_000)) + "} }"
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
			return `{ buyers(search: """` + strings.Repeat("  x\n", n(200_000)) + `""") { totalCount } }`
		},
		"comments": func(n func(int) int) string { return strings.Repeat("#\n", n(450_000)) + "{ departments { code } }" },
		"one long comment": func(n func(int) int) string {
			return "#" + strings.Repeat("x", n(900_000)) + "\n{ departments { code } }"
		},
		"commas and spaces": func(n func(int) int) string {
			return strings.Repeat(",\t \uFEFF", n(160_000)) + "{ departments { code } }"
		},
		"a name of a million": func(n func(int) int) string {
			return "query " + strings.Repeat("x", n(900_000)) + " { departments { code } }"
		},
		"operations without end": func(n func(int) int) string {
			return numbered(n(500), "query q%d { departments { code } } ")
		},
		"variables without end": func(n func(int) int) string {
			return "query (" + numbered(n(700), "$v%d: [[[Int]]] ") + ") { departments { code } }"
		},
		"a type of many lists": func(n func(int) int) string {
			m := n(1400)
			return "query ($v: " + strings.Repeat("[", m) + "Int" + strings.Repeat("]", m) + ") { departments { code } }"
		},
		"values within values": func(n func(int) int) string {
			m := n(200_000)
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
			return "{ " + numbered(40, "a%d: __schema { types { name description fields { name description args { name description } } } } ") + "}"
		},
		"selections in conflict": func(n func(int) int) string {
			return "{ " + numbered(n(200), "departments { code @include(if: true) a: name b%d: region } ") + "}"
		},
	} {
		named = append(named, attack{name: name, anonymous: true, do: func(a *attacker) {
			document := write(a.n)
			a.times(12, 4, func(i int) { a.ask(document+strings.Repeat(" ", i), nil) }) // none is known from before
		}})
	}
	byName(named)
	return append(named, attack{name: "hashes of documents that nobody knows", anonymous: true, do: func(a *attacker) {
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
			a.send(request{method: http.MethodGet, path: "/graphql?query=" + strings.Repeat("%23%0A", a.n(100_000)) + "%7Bdepartments%7Bcode%7D%7D"})
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
	last := n(120)
	return "{ ...f0 } " + numbered(last, "fragment f%d on Query { ...g%[1]d a: departments { code } ...g%[1]d } ") +
		func() (text string) {
			for i := range last {
				text += fmt.Sprintf("fragment g%d on Query { ...f%d } ", i, i+1)
			}
			return text
		}() + fmt.Sprintf("fragment f%d on Query { departments { code } }", last)
}
