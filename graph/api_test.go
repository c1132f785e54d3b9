package graph_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/graph"
	"vigie/query"
)

// Every mistake is refused at its place, and nothing is stored.
func TestMistakes(t *testing.T) { eachPair(t, testMistakes) }

func testMistakes(t *testing.T, w *world) {
	w.publish(w.notice("1", "Réfection de voirie", "Commune de Valfleury", 1, "01"))
	p := w.person("a@example.org")
	p.create(vars{"name": "Prise", "criteria": vars{}})
	keywords := make([]string, 200)
	for i := range keywords {
		keywords[i] = fmt.Sprintf("mot%d", i)
	}
	criteria := func(name string, value any) vars { return vars{"name": "x", "criteria": vars{name: value}} }
	tests := []struct {
		name  string
		input vars
		want  string // "CODE field"
	}{
		{"two characters", criteria("keywords", []string{"voirie", "ab"}), "TOO_SHORT input.criteria.keywords.1"},
		{"a stop word alone", criteria("keywords", []string{"avec"}), "TOO_COMMON input.criteria.keywords.0"},
		{"signs alone", criteria("keywords", []string{"***"}), "TOO_COMMON input.criteria.keywords.0"},
		{"two characters in a text", criteria("keywordsText", "voirie xy"), "TOO_SHORT input.criteria.keywordsText"},
		{"a long keyword", criteria("keywords", []string{strings.Repeat("é", 101)}), "TOO_LONG input.criteria.keywords.0"},
		{"200 keywords", criteria("keywords", keywords), "TOO_MANY input.criteria.keywords"},
		{"list and text", vars{"name": "x", "criteria": vars{"keywords": []string{"voirie"}, "keywordsText": "voirie"}}, "CONFLICTING input.criteria.keywordsText"},
		{"three words excluded", criteria("excludedKeywords", []string{"appel offres ouvert"}), "TOO_LONG input.criteria.excludedKeywords.0"},
		{"unknown buyer", criteria("buyerIds", []string{"buyer_999"}), "NOT_FOUND input.criteria.buyerIds.0"},
		{"an id of another type", criteria("buyerIds", []string{"tender_1"}), "NOT_FOUND input.criteria.buyerIds.0"},
		{"unknown department", criteria("departmentCodes", []string{"01", "20"}), "NOT_FOUND input.criteria.departmentCodes.1"},
		{"no CPV code", criteria("cpvCodes", []string{"4x"}), "INVALID input.criteria.cpvCodes.0"},
		{"no name", vars{"name": " \t ", "criteria": vars{}}, "BLANK input.name"},
		{"300 characters", vars{"name": strings.Repeat("n", 300), "criteria": vars{}}, "TOO_LONG input.name"},
		{"a name taken", vars{"name": "PRISE ", "criteria": vars{}}, "TAKEN input.name"},
		{"a line break in an address", vars{"name": "x", "criteria": vars{}, "recipients": []string{"a@example.org\nBcc: b@example.org"}}, "INVALID input.recipients.0"},
		{"no address", vars{"name": "x", "criteria": vars{}, "recipients": []string{"b@example.org", "personne"}}, "INVALID input.recipients.1"},
		{"a quoted address", vars{"name": "x", "criteria": vars{}, "recipients": []string{`"a b"@example.org`}}, "INVALID input.recipients.0"},
		{"21 addresses", vars{"name": "x", "criteria": vars{}, "recipients": slices.Repeat([]string{"a@example.org"}, 21)}, "TOO_MANY input.recipients"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := p.ask(`mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { id } userErrors { field code message } } }`, vars{"input": test.input})
			got := []string{}
			for _, e := range r.at("createWatch.userErrors").([]any) {
				e := e.(map[string]any)
				path := strings.Trim(strings.ReplaceAll(fmt.Sprint(e["field"]), " ", "."), "[]")
				got = append(got, fmt.Sprintf("%s %s", e["code"], path))
				if e["message"] == "" {
					t.Error("no message")
				}
			}
			if !slices.Contains(got, test.want) || r.at("createWatch.watch") != nil {
				t.Errorf("%v, want %s", got, test.want)
			}
		})
	}
	p.ask(`{ watches { totalCount } }`, nil).expect(map[string]string{"watches.totalCount": "1"})
}

// Of a list that is too long nothing else is said, nor is the database asked.
func TestTooMany(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	list := slices.Repeat([]string{"?"}, 10_000) // a mistake in every list
	for field, input := range map[string]vars{
		"criteria keywords":         {"criteria": vars{"keywords": list}},
		"criteria keywordsText":     {"criteria": vars{"keywordsText": strings.Join(list, " ")}},
		"criteria excludedKeywords": {"criteria": vars{"excludedKeywords": list}},
		"criteria buyerIds":         {"criteria": vars{"buyerIds": list}},
		"criteria departmentCodes":  {"criteria": vars{"departmentCodes": list}},
		"criteria cpvCodes":         {"criteria": vars{"cpvCodes": list}},
		"recipients":                {"criteria": vars{}, "recipients": list},
	} {
		input["name"] = "v"
		w.calls.queries.Store(0)
		r := p.ask(`mutation ($input: CreateWatchInput!) { createWatch(input: $input) { userErrors { field code } warnings { code } } }`, vars{"input": input})
		r.expect(map[string]string{
			"createWatch.userErrors": "[map[code:TOO_MANY field:[input " + field + "]]]",
			"createWatch.warnings":   "[]",
		})
		if n := w.calls.queries.Load(); n > 0 {
			t.Errorf("%s: %d queries", field, n)
		}
	}
	publisher := person{w, &graph.Viewer{Sources: []string{"portal"}}}
	lots := slices.Repeat([]vars{{"title": ""}}, 501)
	for field, value := range map[string]any{"departmentCodes": list, "cpvCodes": list, "lots": lots} {
		notice := vars{"source": "portal", "sourceRef": "A1", "title": "Voirie", "buyerName": "Commune", "publishedAt": "2026-11-01T09:00:00Z", field: value}
		publisher.ask(`mutation ($in: [NoticeInput!]!) { publishNotices(input: $in) { userErrors { field code } } }`, vars{"in": []vars{notice}}).expect(map[string]string{
			"publishNotices.userErrors": "[map[code:TOO_MANY field:[input 0 " + field + "]]]",
		})
	}
}

// Null counts as absent, in a new watch and in a change alike.
func TestNullIsAbsent(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	nulls := vars{"keywords": nil, "keywordsText": nil, "keywordMode": nil, "excludedKeywords": nil, "buyerIds": nil, "departmentCodes": nil, "includeNationwide": nil, "natures": nil, "cpvCodes": nil, "techniques": nil, "deadlineKinds": nil, "minValue": nil, "maxValue": nil, "includeUnknownValue": nil}
	p.create(vars{"name": "nulls", "criteria": nulls, "active": nil, "frequency": nil, "notifyMe": nil, "recipients": nil})
	p.ask(`{ watches { nodes { active frequency recipients { primary } criteria { keywordMode includeNationwide includeUnknownValue } } } }`, nil).expect(map[string]string{
		"watches.nodes.0": "map[active:true criteria:map[includeNationwide:true includeUnknownValue:true keywordMode:ALL] frequency:DAILY recipients:[map[primary:true]]]",
	})
	id := p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie"}, "keywordMode": "ANY"}, "frequency": "WEEKLY", "recipients": []string{"b@example.org"}})
	const state = `watch { name active frequency recipients { email } criteria { keywords keywordMode } } userErrors { code }`
	const want = "map[userErrors:[] watch:map[active:true criteria:map[keywordMode:ANY keywords:[voirie]] frequency:WEEKLY name:v recipients:[map[email:a@example.org] map[email:b@example.org]]]]"
	for _, input := range []vars{{"name": nil, "active": nil, "frequency": nil, "notifyMe": nil, "recipients": nil, "criteria": nil, "catchUp": nil}, {"criteria": nulls}} {
		p.ask(`mutation ($id: ID!, $input: UpdateWatchInput!) { updateWatch(id: $id, input: $input) { `+state+` } }`, vars{"id": id, "input": input}).expect(map[string]string{"updateWatch": want})
	}
	p.ask(`mutation { updateAccount(input: { locale: null, digestHour: null }) { account { locale } userErrors { code } } }`, nil).expect(map[string]string{
		"updateAccount": "map[account:map[locale:FR] userErrors:[]]",
	})
	// Of arguments with a default, null is the default.
	p.ask(`query ($no: Boolean, $by: TenderOrder, $order: WatchOrder) {
		watches(orderBy: $order) { nodes { name } }
		matchingTenders(includeInactive: $no, orderBy: $by) { totalCount }
		viewer { watches(orderBy: null) { nodes { name matchingTenders(orderBy: null) { totalCount } } } }
	}`, vars{"no": nil, "by": nil, "order": nil}).expect(map[string]string{"watches.nodes.*.name": "[nulls v]", "viewer.watches.nodes.*.name": "[nulls v]"})
	// So it is on the second page.
	after := p.ask(`{ watches(orderBy: null, first: 1) { pageInfo { endCursor } } }`, nil).text("watches.pageInfo.endCursor")
	p.ask(`query ($after: String) {
		watches(orderBy: null, first: 1, after: $after) { nodes { name } pageInfo { hasNextPage } }
		viewer { watches(orderBy: null, first: 1, after: $after) { nodes { name } } }
	}`, vars{"after": after}).expect(map[string]string{"watches": "map[nodes:[map[name:v]] pageInfo:map[hasNextPage:false]]", "viewer.watches.nodes.*.name": "[v]"})
	w.publish(w.notice("1", "Voirie", "Commune", 1))
	tender := p.ask(`{ tenders { nodes { id } } }`, nil).text("tenders.nodes.0.id")
	p.ask(`mutation ($id: ID!, $yes: Boolean) { markTendersSeen(tenderIds: [$id], seen: $yes) { tenders { seen } } dismissTender(tenderId: $id, dismissed: null) { tender { dismissed } } }`, vars{"id": tender, "yes": nil}).expect(map[string]string{
		"markTendersSeen.tenders.0.seen": "true", "dismissTender.tender.dismissed": "true",
	})
}

func TestEmptyListClears(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	id := p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie"}}})
	// What is absent stays, an empty list clears.
	r := p.ask(`mutation ($id: ID!) { updateWatch(id: $id, input: { criteria: { departmentCodes: ["5"] } }) { watch { criteria { keywords departments { name } } } } }`, vars{"id": id})
	r.expect(map[string]string{"updateWatch.watch.criteria.keywords": "[voirie]", "updateWatch.watch.criteria.departments.*.name": "[Hautes-Alpes]"})
	r = p.ask(`mutation ($id: ID!) { updateWatch(id: $id, input: { criteria: { keywords: [] } }) { watch { criteria { keywords departments { name } } } } }`, vars{"id": id})
	r.expect(map[string]string{"updateWatch.watch.criteria.keywords": "[]", "updateWatch.watch.criteria.departments.*.name": "[Hautes-Alpes]"})
}

// An empty cursor counts as none, whichever it is.
func TestEmptyCursors(t *testing.T) {
	w := newWorld(t)
	w.publish(w.notice("1", "Voirie", "Commune", 1), w.notice("2", "Voirie", "Commune", 2))
	p := w.person("a@example.org")
	for _, arguments := range []string{`first: 1, after: "", before: ""`, `last: 1, after: "", before: ""`, `first: 1, before: ""`, `page: 1, after: ""`} {
		for _, list := range []string{"tenders", "matchingTenders", "watches"} {
			if list == "watches" && strings.Contains(arguments, "page") {
				continue
			}
			p.ask(`{ `+list+`(`+arguments+`) { totalCount } }`, nil)
		}
	}
}

// How keywords are read, and which warnings they cause.
func TestKeywordsAreRead(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	for name, c := range map[string]struct {
		criteria vars
		want     string
	}{
		"minus":            {vars{"keywordsText": "voirie -éclairage, -\"eau potable\""}, "[voirie] -[éclairage eau potable] []"},
		"minus beside":     {vars{"keywordsText": "voirie -gaz", "excludedKeywords": []string{"eau"}}, "[voirie] -[eau gaz] []"},
		"separators":       {vars{"keywordsText": "voirie, assainissement ; eau"}, "[voirie assainissement eau] -[] []"},
		"asterisk":         {vars{"keywordsText": "voir*"}, "[voir*] -[] [SIGN_IGNORED]"},
		"asterisk in list": {vars{"keywords": []string{"voir*"}, "excludedKeywords": []string{"eau*"}}, "[voir*] -[eau*] [SIGN_IGNORED SIGN_IGNORED]"},
		"minus in list":    {vars{"keywords": []string{"-éclairage", "saint-étienne", "- peinture"}}, "[-éclairage saint-étienne - peinture] -[] [SIGN_IGNORED]"},
		"dash for minus":   {vars{"keywordsText": "voirie –éclairage – eau"}, "[voirie –éclairage eau] -[] [SIGN_IGNORED SIGN_IGNORED]"},
		"letter":           {vars{"keywords": []string{"(c)"}}, "[(c)] -[] [SIGN_IGNORED]"},
		"repeated":         {vars{"keywords": []string{"voirie", "Voiries", "VOIRIE"}}, "[voirie] -[] [REPEATED_DROPPED REPEATED_DROPPED]"},
		"excluded too":     {vars{"keywords": []string{"Voirie"}, "excludedKeywords": []string{"voiries"}}, "[Voirie] -[voiries] [KEYWORD_EXCLUDED]"},
		"part excluded":    {vars{"keywords": []string{"eau potable"}, "excludedKeywords": []string{"eau"}}, "[eau potable] -[eau] [KEYWORD_EXCLUDED]"},
		"other excluded":   {vars{"keywords": []string{"eau"}, "excludedKeywords": []string{"eau potable"}}, "[eau] -[eau potable] []"},
	} {
		r := p.ask(`mutation ($in: CreateWatchInput!) { createWatch(input: $in) { watch { criteria { keywords excludedKeywords } } warnings { code message field } userErrors { message } } }`, vars{"in": vars{"name": name, "criteria": c.criteria}})
		got := fmt.Sprintf("%v -%v %v", r.at("createWatch.watch.criteria.keywords"), r.at("createWatch.watch.criteria.excludedKeywords"), r.at("createWatch.warnings.*.code"))
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		preview := p.ask(`query ($c: CriteriaInput!) { previewMatches(criteria: $c) { warnings { code } } }`, vars{"c": c.criteria})
		if fmt.Sprint(preview.at("previewMatches.warnings.*.code")) != fmt.Sprint(r.at("createWatch.warnings.*.code")) {
			t.Errorf("%s: the preview warns of %v", name, preview.Data)
		}
	}
	p.ask(`mutation { createWatch(input: { name: "x", criteria: { keywords: ["", " "], excludedKeywords: [""] } }) { userErrors { code field } } }`, nil).expect(map[string]string{
		"createWatch.userErrors.*.code": "[BLANK BLANK BLANK]", "createWatch.userErrors.0.field": "[input criteria keywords 0]",
	})
}

// The account's own address is not left out without a word.
func TestOwnAddressAmongOthers(t *testing.T) {
	w := newWorld(t)
	p := w.person("ana@example.org")
	const made = `{ watch { recipients { email } } userErrors { code field } } }`
	create := `mutation ($in: CreateWatchInput!) { createWatch(input: $in) ` + made
	p.ask(create, vars{"in": vars{"name": "v", "criteria": vars{}, "notifyMe": false, "recipients": []string{"b@example.org", "ANA@example.org"}}}).expect(map[string]string{
		"createWatch.userErrors": "[map[code:CONFLICTING field:[input recipients 1]]]",
	})
	p.ask(create, vars{"in": vars{"name": "v", "criteria": vars{}, "recipients": []string{"ana@example.org"}}}).expect(map[string]string{
		"createWatch.watch.recipients.*.email": "[ana@example.org]", "createWatch.userErrors": "[]",
	})
	id := p.create(vars{"name": "w", "criteria": vars{}, "notifyMe": false, "recipients": []string{"b@example.org"}})
	p.ask(`mutation ($id: ID!) { updateWatch(id: $id, input: { recipients: ["ana@example.org"] }) `+made, vars{"id": id}).expect(map[string]string{
		"updateWatch.userErrors": "[map[code:CONFLICTING field:[input recipients 0]]]",
	})
}

// What no form can have led to is an error, with a code and a place.
func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.publish(w.notice(fmt.Sprint(i), "Voirie", "Commune", i))
	}
	p := w.person("a@example.org")
	p.create(vars{"name": "v", "criteria": vars{}})
	cursor := p.ask(`{ tenders(first: 1) { pageInfo { endCursor } } }`, nil).text("tenders.pageInfo.endCursor")
	tests := map[string]string{
		`tenders(first: 0)`:                                                             "BAD_REQUEST first",
		`tenders(first: 1000)`:                                                          "BAD_REQUEST first",
		`tenders(last: -1)`:                                                             "BAD_REQUEST last",
		`tenders(page: 0)`:                                                              "BAD_REQUEST page",
		`tenders(page: 2, after: "` + cursor + `")`:                                     "BAD_REQUEST page",
		`tenders(after: "Zm9v")`:                                                        "BAD_REQUEST after",
		`tenders(after: "` + cursor + `x")`:                                             "BAD_REQUEST after",
		`tenders(orderBy: DEADLINE_ASC, after: "` + cursor + `")`:                       "BAD_REQUEST after",
		`tenders(before: "` + cursor + `")`:                                             "BAD_REQUEST before",
		`tenders(orderBy: RELEVANCE)`:                                                   "BAD_REQUEST orderBy",
		`matchingTenders(orderBy: RELEVANCE)`:                                           "BAD_REQUEST orderBy",
		`matchingTenders(watchIds: ["watch_999"])`:                                      "NOT_FOUND watchIds",
		`tenders(filter: { departmentCodes: ["99"] })`:                                  "NOT_FOUND filter.departmentCodes",
		`tenders(filter: { buyerIds: ["buyer_999"] })`:                                  "NOT_FOUND filter.buyerIds",
		`matchingTenders(filter: { buyerIds: ["x"] })`:                                  "NOT_FOUND filter.buyerIds",
		`tenders(filter: { cpvCodes: ["4x"] })`:                                         "BAD_REQUEST filter.cpvCodes",
		`tenders(filter: { buyerIds: [` + strings.Repeat(`"buyer_1" `, 201) + `] })`:    "BAD_REQUEST filter.buyerIds",
		`matchingTenders(filter: { natures: [` + strings.Repeat(`WORKS `, 201) + `] })`: "BAD_REQUEST filter.natures",
		`matchingTenders(watchIds: [` + strings.Repeat(`"watch_1" `, 201) + `])`:        "BAD_REQUEST watchIds",
		`tenders(filter: { publishedFrom: "hier" })`:                                    "BAD_REQUEST filter.publishedFrom",
		`tenders(filter: { publishedFrom: "0000-12-31T23:59:59Z" })`:                    "BAD_REQUEST filter.publishedFrom",
		`tenders(filter: { publishedFrom: "9999-12-31T23:59:59-01:00" })`:               "BAD_REQUEST filter.publishedFrom",
		`tenders(filter: { publishedFrom: "2026-11-09 12:00:00" })`:                     "BAD_REQUEST filter.publishedFrom",
		`tenders(search: "` + strings.Repeat("a", 300) + `")`:                           "TOO_LONG search",
		`buyers(search: "` + strings.Repeat("é", 201) + `")`:                            "TOO_LONG search",
	}
	for field, want := range tests {
		r := p.post(`{ answer: `+field+` { totalCount edges { cursor } } }`, nil)
		if len(r.Errors) != 1 {
			t.Errorf("%s: %v", field, r.Errors)
			continue
		}
		got := fmt.Sprint(r.Errors[0].Extensions["code"])
		if argument, ok := r.Errors[0].Extensions["argument"]; ok {
			got += " " + fmt.Sprint(argument)
		}
		if got != want || r.Errors[0].Message == "" {
			t.Errorf("%s: %s (%s), want %s", field, got, r.Errors[0].Message, want)
		}
	}
}

// Nobody sees, changes or can tell the existence of another account's watch,
// by any path.
func TestAccountsAreApart(t *testing.T) { eachPair(t, testAccountsAreApart) }

func testAccountsAreApart(t *testing.T, w *world) {
	w.publish(w.notice("1", "Réfection de voirie", "Commune de Valfleury", 1, "01"))
	owner, other := w.person("owner@example.org"), w.person("other@example.org")
	id := owner.create(vars{"name": "Secrète", "criteria": vars{"keywords": []string{"voirie"}}, "recipients": []string{"b@example.org"}})
	recipient := owner.ask(`query ($id: ID!) { watch(id: $id) { recipients { id } } }`, vars{"id": id}).text("watch.recipients.1.id")
	account := owner.ask(`{ viewer { id } }`, nil).text("viewer.id")
	version := owner.ask(`query ($id: ID!) { watch(id: $id) { version } }`, vars{"id": id}).text("watch.version")
	const missing = "watch_4711"

	// Each question is asked by the other about the watch, and about one that
	// never was: the answers must be the same.
	questions := []string{
		`query ($id: ID!) { node(id: $id) { id __typename } }`,
		`query ($id: ID!) { watch(id: $id) { name } }`,
		`query ($id: ID!) { explainMatch(watchId: $id, tenderId: "tender_1") { matches } }`,
		`query ($id: ID!) { matchingTenders(watchIds: [$id]) { totalCount facets { departments { value } } } }`,
		`query ($id: ID!) { matchingTenders(watchIds: [$id], includeInactive: true) { edges { matchedBy { watch { name } } } } }`,
		`query ($id: ID!) { matchingTenders { facets { watches { value label count } } } nodes(ids: [$id]) { id __typename } }`,
		`query ($id: ID!) { matchingTenders(watchIds: [$id]) { facets { watches { value label count } } } }`,
		`query ($id: ID!) { tenderEvents(watchIds: [$id]) { nodes { matchedBy { watch { name } } } } }`,
		`query ($id: ID!) { viewer { deliveries(filter: { watchIds: [$id] }) { totalCount nodes { id } } } }`,
		`query ($id: ID!) { buyer(id: $id) { name } }`,
		`mutation ($id: ID!) { updateWatch(id: $id, input: { name: "Volée" }) { watch { name } userErrors { field code message } } }`,
		`mutation ($id: ID!) { updateWatch(id: $id, input: { name: "Volée" }, expectedVersion: "` + version + `") { watch { name } watchEdge { cursor } userErrors { field code message } } }`,
		`mutation ($id: ID!) { updateWatch(id: $id, input: { name: "" }) { watch { name } userErrors { field code message } } }`,
		`mutation ($id: ID!) { deleteWatch(id: $id) { deletedWatchId userErrors { field code message } } }`,
		`mutation ($id: ID!) { restoreWatch(id: $id) { watch { name } watchEdge { cursor } userErrors { field code message } } }`,
	}
	for _, question := range questions {
		theirs, nothing := other.post(question, vars{"id": id}), other.post(question, vars{"id": missing})
		if a, b := fmt.Sprint(theirs.Data, theirs.Errors), fmt.Sprint(nothing.Data, nothing.Errors); a != b {
			t.Errorf("%s\nof another's watch: %s\n   of no such watch: %s", question, a, b)
		}
		if strings.Contains(fmt.Sprint(theirs.Data, theirs.Errors), "Secrète") {
			t.Errorf("%s tells the name", question)
		}
	}
	for _, node := range []string{recipient, account} {
		const question = `query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }`
		other.ask(question, vars{"id": node}).expect(map[string]string{"node": "<nil>", "nodes": "[<nil>]"})
		owner.ask(question, vars{"id": node}).expect(map[string]string{"node.id": node, "nodes.*.id": "[" + node + "]"})
	}
	other.ask(`{ watches { totalCount } matchingTenders(includeInactive: true) { totalCount } }`, nil).expect(map[string]string{
		"watches.totalCount": "0", "matchingTenders.totalCount": "0",
	})
	owner.ask(`query ($id: ID!) { watch(id: $id) { name recipients { email } } }`, vars{"id": id}).expect(map[string]string{
		"watch.name": "Secrète", "watch.recipients.*.email": "[owner@example.org b@example.org]",
	})
}

func TestWhoMayAsk(t *testing.T) {
	w := newWorld(t)
	nobody, publisher := person{w, nil}, person{w, &graph.Viewer{Sources: []string{"portal"}}}
	for field, want := range map[string][2]string{
		`viewer { email }`:                             {"UNAUTHENTICATED", "FORBIDDEN"},
		`watches { totalCount }`:                       {"UNAUTHENTICATED", "FORBIDDEN"},
		`matchingTenders { totalCount }`:               {"UNAUTHENTICATED", "FORBIDDEN"},
		`previewMatches(criteria: {}) { onlineCount }`: {"UNAUTHENTICATED", "FORBIDDEN"},
		`tenders { totalCount }`:                       {"UNAUTHENTICATED", ""},
		`tender(id: "tender_1") { title }`:             {"UNAUTHENTICATED", ""},
		`buyers(search: "a") { totalCount }`:           {"UNAUTHENTICATED", ""},
		`buyer(id: "buyer_1") { name }`:                {"UNAUTHENTICATED", ""},
		`node(id: "watch_1") { id }`:                   {"UNAUTHENTICATED", ""},
		`nodes(ids: ["watch_1"]) { id }`:               {"UNAUTHENTICATED", ""},
		`tenderEvents { nodes { kind } }`:              {"UNAUTHENTICATED", "FORBIDDEN"},
		`watchByExternalId(externalId: "1") { id }`:    {"UNAUTHENTICATED", "FORBIDDEN"},
		`backOffice { accounts { totalCount } }`:       {"UNAUTHENTICATED", "FORBIDDEN"},
		`cpvCodes(search: "45") { label }`:             {"", ""},
		`formChoices { natures { label } }`:            {"", ""},
		`departments { code }`:                         {"", ""},
		`limits { maxWatches }`:                        {"", ""},
		`choices { natures { label } }`:                {"", ""},
	} {
		for i, who := range []person{nobody, publisher} {
			r := who.post(`{ `+field+` }`, nil)
			got := ""
			if len(r.Errors) > 0 {
				got = fmt.Sprint(r.Errors[0].Extensions["code"])
			}
			if got != want[i] {
				t.Errorf("%s, asked by %v: %q, want %q", field, who.viewer, got, want[i])
			}
		}
	}
}

// The reader's language is that of the account.
func TestEnglish(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	id := p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie", "enrobé"}}})
	p.ask(`mutation { updateAccount(input: { locale: EN, digestHour: 6 }) { account { locale digestHour } userErrors { code } } }`, nil).expect(map[string]string{
		"updateAccount.account.locale": "EN", "updateAccount.account.digestHour": "6",
	})
	p.viewer.Account.Locale = vigie.English // as the next request's token finds it
	p.ask(`query ($id: ID!) { watch(id: $id) { criteria { summary } } choices { natures { label } } }`, vars{"id": id}).expect(map[string]string{
		"watch.criteria.summary":  "Keywords: voirie enrobé · Buyer: not set · Department: not set",
		"choices.natures.*.label": "[Works Supplies Services]",
	})
	services, supplies := w.notice("1", "Fauchage", "Commune", 1), w.notice("2", "Enrobé", "Commune", 2)
	services.Content.Natures, supplies.Content.Natures = []vigie.Nature{vigie.Services}, []vigie.Nature{vigie.Supplies}
	w.publish(services, supplies)
	p.ask(`{ tenders { facets { natures { label } } } }`, nil).expect(map[string]string{"tenders.facets.natures.*.label": "[Services Supplies]"})
	if r := p.post(`{ tenders(first: 0) { totalCount } }`, nil); !strings.Contains(r.Errors[0].Message, "rows per page") {
		t.Errorf("%v", r.Errors)
	}
}

// With the search engine down, the rest of a page stays, and watches can be
// edited.
func TestSearchDown(t *testing.T) { eachPair(t, testSearchDown) }

func testSearchDown(t *testing.T, w *world) {
	p := w.person("a@example.org")
	id := p.create(vars{"name": "v", "criteria": vars{}})
	w.searchDown = true
	r := p.post(`{ viewer { email } watches { nodes { name onlineCount } } matchingTenders { totalCount } buyers(search: "a") { totalCount } }`, nil)
	r.expect(map[string]string{"viewer.email": "a@example.org", "watches.nodes.*.name": "[v]", "watches.nodes.*.onlineCount": "[<nil>]", "matchingTenders": "<nil>", "buyers.totalCount": "0"})
	paths := []string{}
	for _, e := range r.Errors {
		paths = append(paths, fmt.Sprintf("%v %v", e.Path, e.Extensions["code"]))
	}
	slices.Sort(paths)
	if got, want := fmt.Sprint(paths), "[[matchingTenders] UNAVAILABLE [watches nodes 0 onlineCount] UNAVAILABLE]"; got != want {
		t.Errorf("errors %s, want %s", got, want)
	}
	p.ask(`mutation ($id: ID!) { updateWatch(id: $id, input: { criteria: { keywords: ["voirie"] } }) { watch { criteria { keywords } } } }`, vars{"id": id}).expect(map[string]string{
		"updateWatch.watch.criteria.keywords": "[voirie]",
	})
	p.create(vars{"name": "w", "criteria": vars{}})
}

// The list, the reasons beside it and the explanation agree, for any criteria.
func TestListAndExplanationAgree(t *testing.T) { eachPair(t, testListAndExplanationAgree) }

func testListAndExplanationAgree(t *testing.T, w *world) {
	w.publish(
		w.notice("1", "Réfection de voirie et enrobés", "Commune de Valfleury", 1, "01"),
		w.notice("2", "Travaux de voirie", "Commune de Beaulieu", 2, "07", "26"),
		w.notice("3", "Fauchage des accotements", "Département des Monts-Bleus", 3),
		w.notice("4", "Enrobé à chaud pour les voiries", "Commune de Valfleury", 4, "2A"),
	)
	p := w.person("a@example.org")
	valfleury := p.ask(`{ buyers(search: "valf") { nodes { id } } }`, nil).text("buyers.nodes.0.id")
	for i, criteria := range []vars{
		{},
		{"keywords": []string{"voiries"}},
		{"keywords": []string{"voirie", "enrobés"}},
		{"keywords": []string{"fauchage", "enrobé à chaud"}, "keywordMode": "ANY"},
		{"keywords": []string{"voirie"}, "excludedKeywords": []string{"enrobé"}},
		{"departmentCodes": []string{"07", "2A"}},
		{"departmentCodes": []string{"07", "2A"}, "includeNationwide": false},
		{"buyerIds": []string{valfleury}, "natures": []string{"WORKS"}},
		{"natures": []string{"SERVICES"}},
		{"cpvCodes": []string{"45"}},
		{"minValue": "40000", "maxValue": "90000.50"},
		{"minValue": "40000", "includeUnknownValue": false},
		{"techniques": []string{"FRAMEWORK", "CONTRACT"}, "deadlineKinds": []string{"BIDS"}},
	} {
		id := p.create(vars{"name": fmt.Sprint("v", i), "criteria": criteria})
		r := p.ask(`query ($id: ID!) {
			watch(id: $id) { onlineCount matchingTenders(first: 100) { totalCount edges { node { id } matchedBy { watch { id } } } } }
			tenders(first: 100) { nodes { id } }
		}`, vars{"id": id})
		matching := map[string]bool{}
		for _, node := range r.at("watch.matchingTenders.edges.*.node.id").([]any) {
			matching[node.(string)] = true
		}
		if r.text("watch.onlineCount") != fmt.Sprint(len(matching)) || r.text("watch.matchingTenders.totalCount") != fmt.Sprint(len(matching)) {
			t.Errorf("%v: counts differ: %v", criteria, r.at("watch"))
		}
		for _, by := range r.at("watch.matchingTenders.edges.*.matchedBy").([]any) {
			if len(by.([]any)) != 1 {
				t.Errorf("%v: a listed tender is matched by %v", criteria, by)
			}
		}
		for _, tender := range r.at("tenders.nodes.*.id").([]any) {
			e := p.ask(`query ($w: ID!, $t: ID!) { explainMatch(watchId: $w, tenderId: $t) { matches criteria { satisfied } } }`, vars{"w": id, "t": tender})
			if e.at("explainMatch.matches") != matching[tender.(string)] {
				t.Errorf("%v, %v: listed %v, explained %v", criteria, tender, matching[tender.(string)], e.Data)
			}
		}
	}
}

// A page costs as many calls of database and search engine as a row does,
// through edges and nodes alike and when nested.
func TestCallsDoNotGrow(t *testing.T) { eachPair(t, testCallsDoNotGrow) }

func testCallsDoNotGrow(t *testing.T, w *world) {
	if testing.Short() {
		t.Skip("NOT RUN in short runs, which the race detector slows: loaders gather for a moment alone")
	}
	var notices []*vigie.Notice
	for i := range 120 {
		notices = append(notices, w.notice(fmt.Sprint(i), fmt.Sprintf("Voirie %d", i), fmt.Sprintf("Commune %d", i), i, "01"))
	}
	w.publish(notices...)
	w.answer(func(o *graph.Options) { o.Limits.Cost *= 2 }) // prices are no matter of this test
	p := w.person("a@example.org")
	for i := range 30 {
		p.create(vars{"name": fmt.Sprintf("v%d", i), "criteria": vars{"keywords": []string{"voirie"}}, "recipients": []string{fmt.Sprintf("r%d@example.org", i)}})
	}
	const fields = `id title seen dismissed buyer { name onlineCount } departments { name } notices { kind changes { label } tender { title buyer { name } } }`
	for _, query := range []string{
		`query ($n: Int) { matchingTenders(first: $n) { totalCount nodes { ` + fields + ` } edges { matchedBy { watch { name } } node { ` + fields + ` } } facets { departments { count } buyers { label } } } }`,
		`query ($n: Int) { tenders(first: $n) { edges { node { ` + fields + ` } } } }`,
		`query ($n: Int) { watches(first: $n) { nodes { name summary { value } onlineCount criteria { summary buyers { name } } recipients { status } receiving matchingTenders(first: 2) { totalCount nodes { ` + fields + ` } } } } }`,
		`query ($n: Int) { buyers(search: "commune", first: $n) { nodes { name onlineCount } } }`,
	} {
		// Loaders gather for a moment, which a busy machine may cut short: the
		// least of many tries is what a request costs.
		cost := func(n int, enough func(queries, searches int64) bool) (queries, searches int64) {
			queries, searches = math.MaxInt64, math.MaxInt64
			for try := 0; try < 10 || try < 200 && !enough(queries, searches); try++ {
				w.calls.queries.Store(0)
				w.calls.searches.Store(0)
				p.ask(query, vars{"n": n})
				queries, searches = min(queries, w.calls.queries.Load()), min(searches, w.calls.searches.Load())
			}
			return queries, searches
		}
		fewQueries, fewSearches := cost(2, func(int64, int64) bool { return true })
		few := func(queries, searches int64) bool {
			return queries <= min(fewQueries+2, 12) && searches <= min(fewSearches+1, 4)
		}
		manyQueries, manySearches := cost(30, few)
		if !few(manyQueries, manySearches) {
			t.Errorf("2 rows cost %d queries and %d searches, 30 rows %d and %d:\n%s", fewQueries, fewSearches, manyQueries, manySearches, query)
		}
	}
}

// A page of what watches match waits for three answers, one after the other: the database's with the watches and the marks, the
// search engine's, and the database's with the tenders and their buyers.
func TestWaitsOfMatchingTenders(t *testing.T) {
	w := productionWorld(t)
	var notices []*vigie.Notice
	for i := range 30 {
		notices = append(notices, w.notice(fmt.Sprint(i), fmt.Sprintf("Voirie %d", i), fmt.Sprintf("Commune %d", i), i, "01"))
	}
	w.publish(notices...)
	p := w.person("a@example.org")
	id := p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie"}}})
	first := p.ask(`{ matchingTenders(first: 5) { nodes { id } pageInfo { endCursor } } }`, nil)
	p.ask(`mutation ($id: ID!) { dismissTender(tenderId: $id) { userErrors { message } } }`, vars{"id": first.at("matchingTenders.nodes.0.id")})
	for _, arguments := range []string{
		`first: 20`, `watchIds: ["` + id + `"]`, `includeInactive: true`, `first: 5, after: "` + first.text("matchingTenders.pageInfo.endCursor") + `"`,
		`filter: { seen: HIDE }`, `filter: { dismissed: SHOW }`, `filter: { statuses: [ONLINE, CLOSED], interested: HIDE }`,
	} {
		query := `{ matchingTenders(` + arguments + `) { totalCount nodes { title buyer { name } departments { name } } } }`
		least := math.MaxInt
		for try := 0; try < 100 && least > 3; try++ { // the broadcaster reads the database, too
			seen := new(waits)
			w.calls.waits.Store(seen)
			p.ask(query, nil)
			w.calls.waits.Store(nil)
			least = min(least, seen.inTurn())
		}
		if least != 3 {
			t.Errorf("%s: %d answers are waited for, one after the other", arguments, least)
		}
	}
}

// The enums of the schema are the constants of the domain.
func TestEnumsAreTheDomains(t *testing.T) {
	w := newWorld(t)
	r := person{w, nil}.ask(`{ __schema { types { name kind enumValues { name } } } }`, nil)
	want := map[string][]string{
		"Nature": names(vigie.Natures()), "Procedure": names(vigie.Procedures()), "TenderStatus": names(vigie.Statuses()),
		"DeadlineKind": names(vigie.DeadlineKinds()), "Technique": names(vigie.Techniques()),
		"KeywordMode": names(vigie.KeywordModes()), "AlertFrequency": names(vigie.Frequencies()),
		"DeliveryKind":    names([]vigie.DeliveryKind{vigie.DeliverNew, vigie.DeliverCorrected, vigie.DeliverCancelled, vigie.DeliverClosingSoon, vigie.DeliverReminder, vigie.DeliverWithdrawn}),
		"Locale":          names([]vigie.Locale{vigie.French, vigie.English}),
		"NoticeKind":      names([]vigie.NoticeKind{vigie.ContractNotice, vigie.Correction, vigie.Cancellation, vigie.Award, vigie.Planning}),
		"RecipientStatus": names([]vigie.RecipientStatus{vigie.Pending, vigie.Confirmed, vigie.Unsubscribed, vigie.Bounced}),
		"UserErrorCode":   names([]vigie.Code{vigie.Blank, vigie.TooShort, vigie.TooLong, vigie.TooMany, vigie.Taken, vigie.TooCommon, vigie.TooSoon, vigie.Exhausted, vigie.NotAllowed, vigie.NotNeeded, vigie.Conflicting, vigie.Invalid, vigie.NotFound, vigie.VersionMismatch}),
		"WarningCode":     names([]vigie.WarningCode{vigie.TooBroad, vigie.StopWordDropped, vigie.RepeatedDropped, vigie.SignIgnored, vigie.KeywordExcluded, vigie.UnknownLeftOut, vigie.UnknownLetThrough, vigie.DeadlineBeforePublication}),
		"Weekday":         names([]vigie.Weekday{vigie.Monday, vigie.Tuesday, vigie.Wednesday, vigie.Thursday, vigie.Friday, vigie.Saturday, vigie.Sunday}),
	}
	for _, typ := range r.at("__schema.types").([]any) {
		typ := typ.(map[string]any)
		name := typ["name"].(string)
		values, ok := want[name]
		if !ok {
			continue
		}
		delete(want, name)
		var got []string
		for _, v := range typ["enumValues"].([]any) {
			got = append(got, v.(map[string]any)["name"].(string))
		}
		slices.Sort(got)
		slices.Sort(values)
		if !slices.Equal(got, values) {
			t.Errorf("%s: the schema has %v, the domain %v", name, got, values)
		}
	}
	if len(want) > 0 {
		t.Errorf("the schema lacks %v", slices.Collect(maps.Keys(want)))
	}
}

// TestCriteriaAreInTheSchema: the schema has every criterion by the names that its declaration says.
func TestCriteriaAreInTheSchema(t *testing.T) {
	w := newWorld(t)
	r := person{w, nil}.ask(`{ __schema { types { name fields { name } inputFields { name } } } }`, nil)
	has := make(map[string]bool)
	for _, typ := range r.at("__schema.types").([]any) {
		typ := typ.(map[string]any)
		for _, fields := range []string{"fields", "inputFields"} {
			list, _ := typ[fields].([]any)
			for _, field := range list {
				has[typ["name"].(string)+"."+field.(map[string]any)["name"].(string)] = true
			}
		}
	}
	for _, c := range query.Filters() {
		want := []string{"TenderFilter." + c.Input}
		switch {
		case c.Kind == query.Range:
			want = nil
			for _, typ := range []string{"Criteria.", "CriteriaInput.", "TenderFilter."} {
				want = append(want, typ+"min"+strings.ToUpper(c.Name[:1])+c.Name[1:], typ+"max"+strings.ToUpper(c.Name[:1])+c.Name[1:])
			}
		case !c.FilterOnly:
			want = append(want, "Criteria."+c.Name, "CriteriaInput."+c.Input)
		}
		if c.Unknown != "" {
			want = append(want, "Criteria."+c.Unknown, "CriteriaInput."+c.Unknown)
		}
		if c.Facet {
			want = append(want, "TenderFacets."+c.Name)
		}
		for _, field := range want {
			if !has[field] {
				t.Errorf("the schema lacks %s", field)
			}
		}
	}
}

func names[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// Everything in the schema says what it is.
func TestSchemaIsDescribed(t *testing.T) {
	r := person{newWorld(t), nil}.ask(`{ __schema { types { name kind description
		fields(includeDeprecated: true) { name description args { name description } }
		inputFields { name description } enumValues(includeDeprecated: true) { name description } } } }`, nil)
	list := func(v any) []any { items, _ := v.([]any); return items }
	for _, typ := range r.at("__schema.types").([]any) {
		typ := typ.(map[string]any)
		name := typ["name"].(string)
		if strings.HasPrefix(name, "__") {
			continue
		}
		check := func(path string, v any) {
			if text, _ := v.(map[string]any)["description"].(string); strings.TrimSpace(text) == "" {
				t.Errorf("%s is not described", path)
			}
		}
		check(name, typ)
		for _, kind := range []string{"fields", "inputFields", "enumValues"} {
			for _, field := range list(typ[kind]) {
				path := name + "." + field.(map[string]any)["name"].(string)
				check(path, field)
				for _, arg := range list(field.(map[string]any)["args"]) {
					check(path+"("+arg.(map[string]any)["name"].(string)+")", arg)
				}
			}
		}
	}
}
