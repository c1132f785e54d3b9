package attack

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// dear is how much processor time one operation may take. Of memory it may take
// 50 MiB, which leaves 14 of the usual bound to bystanders.
const dear = 300 * time.Millisecond

// costly are attacks by operations that ask for as much as one may.
func costly() []attack {
	const facets = `facets { departments { count } buyers(first: 100) { count } natures { count } procedures { count } }`
	page := `{ totalCount edges { node { title description buyer { name onlineCount } departments { name region } notices { changes { before } } matchedBy { keywords } } highlights { parts { text } } } }`
	var list []attack
	for name, one := range map[string]string{
		"all facets":                    `tenders(first: 1) { totalCount ` + facets + ` }`,
		"all facets of a search":        `tenders(first: 1, search: "travaux%d de voirie") { totalCount ` + facets + ` }`,
		"all facets, narrowed":          `tenders(first: 1, filter: { statuses: [ONLINE], natures: [WORKS, SERVICES], procedures: [OPEN], publishedFrom: "2020-01-01T00:00:00Z" }) { totalCount ` + facets + ` }`,
		"all facets of all watches":     `matchingTenders(first: 1, includeInactive: true) { totalCount ` + facets + ` }`,
		"beginnings of buyers' names":   `buyers(search: "c", first: 100) { totalCount nodes { name onlineCount } }`,
		"buyers by many beginnings":     `buyers(search: "c d e c d e c o m", first: 1) { totalCount }`,
		"the last page":                 `tenders(first: 20, page: 140) { nodes { title } }`,
		"the last page by relevance":    `tenders(first: 20, search: "travaux", page: 100, orderBy: RELEVANCE) { nodes { title } }`,
		"from the end":                  `tenders(last: 20, orderBy: DEADLINE_DESC) { nodes { title } }`,
		"wide pages":                    `tenders(first: 100) { nodes { title description buyer { name } lots { title } } }`,
		"all of a page":                 `tenders(first: 10, search: "travaux") ` + page,
		"counts of watches":             `watches(first: 50) { nodes { onlineCount health { lastMatchAt } summary { value } } }`,
		"matches of watches":            `watches(first: 15) { nodes { matchingTenders(first: 3) { totalCount ` + facets + ` } } }`,
		"deliveries of watches":         `watches(first: 50) { nodes { deliveries(first: 2) { totalCount } } }`,
		"matches of all watches":        `matchingTenders(first: 20, includeInactive: true) ` + page,
		"previews of what is broad":     `previewMatches(criteria: { }, first: 10) { onlineCount last30Days nodes { title } }`,
		"previews of fifty words":       `previewMatches(criteria: { keywordMode: ANY, keywords: [` + quoted(50) + `], excludedKeywords: [` + quoted(50) + `] }) { onlineCount last30Days }`,
		"previews of many codes":        `previewMatches(criteria: { cpvCodes: [` + codes(200) + `] }) { onlineCount last30Days warnings { message } }`,
		"departments":                   `departments { code name region }`,
		"choices":                       `choices { natures { value label } }`,
		"all that is held of a person":  `viewer { watches(first: 100) { nodes { name criteria { summary departments { name } } recipients { email } } } }`,
		"everything by its number":      `tenderBySourceRef(source: "portal", sourceRef: "%d") ` + `{ title notices { changes { field } } matchedBy { watch { name } } }`,
		"filters on hundreds of values": `tenders(first: 1, filter: { cpvCodes: [` + codes(200) + `] }) { totalCount ` + facets + ` }`,
	} {
		// Two operations make watches, five ask.
		list = append(list, attack{name: "asking for " + name, cpu: 7 * dear, do: func(a *attacker) {
			a.widen()
			a.times(5, 1, func(int) { a.dearest(one) })
		}})
	}
	byName(list)
	return append(list,
		attack{name: "the dearest operations, all at once", cpu: lasts * 3, memory: 200, first: "200 LIMIT_EXCEEDED cost", do: func(a *attacker) {
			a.times(400, 32, func(i int) {
				a.dearest([]string{
					`tenders(first: 1, search: "travaux%d") { totalCount ` + facets + ` }`, `buyers(search: "c", first: 100) { totalCount nodes { name } }`,
					`previewMatches(criteria: { keywordMode: ANY, keywords: [` + quoted(50) + `] }) { onlineCount last30Days }`,
				}[i%3])
			})
		}},
		attack{name: "changes, one after the other", cpu: lasts * 3, memory: 100, do: func(a *attacker) {
			a.times(300, 16, func(i int) {
				a.ask(fmt.Sprintf(`mutation { createWatch(input: { name: "%d", criteria: { keywordMode: ANY, keywords: [%s] } }) { watch { id } userErrors { code } } }`, i, quoted(50)), nil)
			})
		}},
		attack{name: "many changes in one operation", cpu: 4 * time.Second, memory: 100, do: func(a *attacker) {
			a.ask("mutation { "+numbered(watchesAtOnce, `a%d: createWatch(input: { name: "w%[1]d", criteria: { keywords: ["voirie"] } }) { watch { id } userErrors { code } } `)+"}", nil)
			a.ask("mutation { "+numbered(19, `a%d: exportAccount { data } `)+"}", nil)
		}},
	)
}

// watchesAtOnce is how many watches the cost of one operation allows to make.
const watchesAtOnce = 9

// widen gives the attacker watches.
func (a *attacker) widen() {
	a.Helper()
	for i := range 2 {
		got := a.ask("mutation { "+numbered(watchesAtOnce, `a%d: createWatch(input: { name: "`+fmt.Sprint(i)+`-%[1]d", criteria: { keywordMode: ANY, keywords: ["voirie", "travaux", "nettoyage"] } }) { watch { id } userErrors { code } } `)+"}", nil)
		if n := strings.Count(string(got.body), `"watch":{"id"`); n != watchesAtOnce && !a.wild {
			a.Errorf("%d watches are made: %.300s", n, got.body)
		}
	}
}

// dearest asks for something as often as one operation may, which is found out
// first: a little less often each time that it is too much. It is answered then, or
// refused as one too many at once, or in a minute.
func (a *attacker) dearest(one string) answer {
	var got answer
	for aliases := 50; aliases > 0; aliases -= 1 + aliases/6 {
		var query strings.Builder
		query.WriteString("{ ")
		for i := range aliases {
			field := one
			if strings.Contains(one, "%d") {
				field = fmt.Sprintf(one, i)
			}
			fmt.Fprintf(&query, "a%d: %s ", i, field)
		}
		// Too many words are found out by the parser.
		if got = a.ask(query.String()+"}", nil); got.code() != "LIMIT_EXCEEDED" && got.code() != "GRAPHQL_PARSE_FAILED" {
			break
		}
	}
	if text := got.String(); got.err == nil && text != "200" && text != "200 TOO_MANY_REQUESTS" && !strings.HasPrefix(text, "429 TOO_MANY_REQUESTS") && text != "503 UNAVAILABLE" && !a.wild {
		a.Errorf("%.100s is answered %s: %.300s", one, got, got.body)
	}
	return got
}

func quoted(n int) string {
	return `"` + strings.Join(strings.Fields(words(n, 4)), `", "`) + `"`
}

func codes(n int) string { return numbered(n, `"%03d", `) }

// byName sorts attacks.
func byName(list []attack) {
	slices.SortFunc(list, func(x, y attack) int { return strings.Compare(x.name, y.name) })
}
