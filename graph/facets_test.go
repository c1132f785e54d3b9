package graph_test

import (
	"fmt"
	"testing"
	"time"

	"vigie"
)

// Lists are counted by CPV code, status and watch, and keep what is chosen.
func TestMoreFacets(t *testing.T) { eachPair(t, testMoreFacets) }

func testMoreFacets(t *testing.T, w *world) {
	road, roof, over := w.notice("1", "Voirie", "Commune de Valfleury", 1, "01"), w.notice("2", "Toiture et voirie", "Ville de Montclair", 2, "69"), w.notice("3", "Voirie close", "Ville de Montclair", 3)
	road.Content.CPVCodes, roof.Content.CPVCodes = []string{"45233140"}, []string{"45233140", "45261210"}
	over.Content.Deadline = new(w.now.Add(-time.Hour))
	over.Content.CPVCodes = []string{"71000000"}
	w.publish(road, roof, over)
	p := w.person("a@example.org")
	roads := p.create(vars{"name": "voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	roofs := p.create(vars{"name": "toiture", "criteria": vars{"keywords": []string{"toiture"}}})
	off := p.create(vars{"name": "pause", "active": false, "criteria": vars{"keywords": []string{"close"}}})
	const facets = `query ($watches: [ID!], $inactive: Boolean!, $filter: TenderFilter) { matchingTenders(watchIds: $watches, includeInactive: $inactive, filter: $filter) {
		totalCount facets { statuses { value label count } cpvCodes { value label count } fine: cpvCodes(digits: 8, first: 1) { value count }
		watches { value label count } departments { value count } buyers(first: 1) { label count } natures { value count } }
	} }`
	ask := func(v vars) reply {
		t.Helper()
		if v["inactive"] == nil {
			v["inactive"] = false
		}
		return p.ask(facets, v)
	}
	ask(vars{}).expect(map[string]string{
		"matchingTenders.totalCount":         "2",
		"matchingTenders.facets.statuses":    "[map[count:2 label:En ligne value:ONLINE] map[count:1 label:Clos value:CLOSED]]",
		"matchingTenders.facets.cpvCodes":    "[map[count:2 label:Travaux de construction value:45]]",
		"matchingTenders.facets.fine":        "[map[count:2 value:45233140]]",
		"matchingTenders.facets.watches":     fmt.Sprintf("[map[count:2 label:voirie value:%s] map[count:1 label:toiture value:%s]]", roads, roofs),
		"matchingTenders.facets.departments": "[map[count:1 value:01] map[count:1 value:69]]",
	})
	// Each facet ignores the choice in its own dimension, and shows what is chosen
	// also where it counts nothing.
	r := ask(vars{"watches": []string{roofs, off}, "filter": vars{"statuses": []string{"CANCELLED", "ONLINE"}, "cpvCodes": []string{"90"}, "departmentCodes": []string{"2A"}, "natures": []string{"SERVICES"}}})
	r.expect(map[string]string{
		"matchingTenders.totalCount":             "0",
		"matchingTenders.facets.statuses":        "[map[count:0 label:Annulé value:CANCELLED] map[count:0 label:En ligne value:ONLINE]]",
		"matchingTenders.facets.cpvCodes":        "[map[count:0 label:" + vigie.CPV("90").Label + " value:90]]",
		"matchingTenders.facets.watches.*.count": "[0 0 0]",
		"matchingTenders.facets.departments":     "[map[count:0 value:2A]]",
		"matchingTenders.facets.natures":         "[map[count:0 value:SERVICES]]",
	})
	buyer := p.ask(`{ buyers(search: "ville") { nodes { id } } }`, nil).at("buyers.nodes.0.id")
	ask(vars{"filter": vars{"buyerIds": []any{buyer}, "departmentCodes": []string{"01"}}}).expect(map[string]string{
		"matchingTenders.facets.buyers": "[map[count:1 label:Commune de Valfleury] map[count:0 label:Ville de Montclair]]",
	})
	p.ask(`{ tenders { facets { watches { value } statuses { value count } } } }`, nil).expect(map[string]string{
		"tenders.facets": "map[statuses:[map[count:2 value:ONLINE] map[count:1 value:CLOSED]] watches:<nil>]",
	})
	for _, wrong := range []string{"digits: 1", "digits: 9", "first: 0", "first: 101"} {
		if r := p.post(`{ tenders { facets { cpvCodes(`+wrong+`) { value } } } }`, nil); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "BAD_REQUEST" {
			t.Errorf("%s: %v", wrong, r.Errors)
		}
	}
}

// Typing errors are forgiven in a list and in its counts by status and watch
// together, for each list by itself.
func TestCountsOfCorrected(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		over := w.notice("2", "Rénovation des façades", "Commune", 2)
		over.Content.Deadline = new(w.now.Add(-time.Hour))
		w.publish(w.notice("1", "Rénovation du gymnase", "Commune", 1), over, w.notice("3", "Fauchage", "Commune", 3))
		p := w.person("a@example.org")
		p.create(vars{"name": "gymnase", "criteria": vars{"keywords": []string{"gymnase"}}})
		p.create(vars{"name": "tout", "criteria": vars{}})
		const counts = ` { totalCount corrected facets { statuses { value count } } } `
		p.ask(`{
			right: matchingTenders(search: "fauchage")`+counts+`
			wrong: matchingTenders(search: "renovatoin")`+counts+`
			none: matchingTenders(search: "renovatoin", filter: { statuses: [CANCELLED] })`+counts+`
			last: tenders(search: "fauchage")`+counts+`
		}`, nil).expect(map[string]string{
			"right": "map[corrected:<nil> facets:map[statuses:[map[count:1 value:ONLINE]]] totalCount:1]",
			"wrong": "map[corrected:rénovation facets:map[statuses:[map[count:1 value:CLOSED] map[count:1 value:ONLINE]]] totalCount:1]",
			// Put right, the words find no more in this list: all its counts are of the words as they are.
			"none": "map[corrected:<nil> facets:map[statuses:[map[count:0 value:CANCELLED]]] totalCount:0]",
			"last": "map[corrected:<nil> facets:map[statuses:[map[count:1 value:ONLINE]]] totalCount:1]",
		})
		p.ask(`{ matchingTenders(search: "renovatoin") { corrected facets { watches { label count } } } }`, nil).expect(map[string]string{
			"matchingTenders": "map[corrected:rénovation facets:map[watches:[map[count:1 label:gymnase] map[count:1 label:tout]]]]",
		})
	})
}

// Lists show, hide or keep to what has a mark, in totals too, and drafts are
// measured as watches are.
func TestMarkFilters(t *testing.T) { eachPair(t, testMarkFilters) }

func testMarkFilters(t *testing.T, w *world) {
	w.publish(w.notice("1", "Voirie", "Commune", 1), w.notice("2", "Voirie", "Commune", 2), w.notice("3", "Voirie", "Commune", 3), w.notice("4", "Voirie", "Commune", 4))
	p := w.person("a@example.org")
	p.create(vars{"name": "voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	ids := p.ask(`{ tenders { nodes { id } } }`, nil).at("tenders.nodes.*.id").([]any)
	p.ask(`mutation ($seen: [ID!]!, $id: ID!, $both: ID!) {
		markTendersSeen(tenderIds: $seen) { userErrors { code } } a: dismissTender(tenderId: $id) { userErrors { code } } b: dismissTender(tenderId: $both) { userErrors { code } }
	}`, vars{"seen": []any{ids[0], ids[1]}, "id": ids[2], "both": ids[1]}) // 1 seen, 2 both, 3 dismissed, 4 neither
	for filter, want := range map[string][2]string{
		``:                                    {"[1 2 3 4]", "[1 4]"},
		`seen: HIDE`:                          {"[3 4]", "[4]"},
		`seen: ONLY`:                          {"[1 2]", "[1]"},
		`dismissed: SHOW`:                     {"[1 2 3 4]", "[1 2 3 4]"},
		`dismissed: HIDE`:                     {"[1 4]", "[1 4]"},
		`dismissed: ONLY`:                     {"[2 3]", "[2 3]"},
		`dismissed: ONLY, seen: ONLY`:         {"[2]", "[2]"},
		`dismissed: ONLY, seen: HIDE`:         {"[3]", "[3]"},
		`seen: null, dismissed: null`:         {"[1 2 3 4]", "[1 4]"},
		`statuses: [ONLINE], seen: HIDE`:      {"[3 4]", "[4]"},
		`statuses: [CLOSED], seen: SHOW`:      {"[]", "[]"},
		`updatedFrom: "2026-11-09T10:30:00Z"`: {"[1]", "[1]"},
	} {
		r := p.ask(`{ tenders(filter: { `+filter+` }) { totalCount nodes { sourceRef } } matchingTenders(filter: { `+filter+` }) { totalCount nodes { sourceRef } } }`, nil)
		r.expect(map[string]string{"tenders.nodes.*.sourceRef": want[0], "matchingTenders.nodes.*.sourceRef": want[1]})
		for _, list := range []string{"tenders", "matchingTenders"} {
			if r.text(list+".totalCount") != fmt.Sprint(len(r.at(list+".nodes").([]any))) {
				t.Errorf("%s of %s: total %s", list, filter, r.text(list+".totalCount"))
			}
		}
	}
	p.ask(`{ watches { nodes { onlineCount unseenCount } } previewMatches(criteria: { keywords: ["voirie"] }) { onlineCount last30Days nodes { sourceRef } } }`, nil).expect(map[string]string{
		"watches.nodes": "[map[onlineCount:2 unseenCount:1]]", "previewMatches": "map[last30Days:2 nodes:[map[sourceRef:1] map[sourceRef:4]] onlineCount:2]",
	})
	p.ask(`{ previewMatches(criteria: { keywords: ["voirie"] }, first: 1) { examples { tender { sourceRef } highlights { field parts { text hit } } } } }`, nil).expect(map[string]string{
		"previewMatches.examples": "[map[highlights:[map[field:title parts:[map[hit:true text:Voirie]]]] tender:map[sourceRef:1]]]",
	})
	// A correction is an update.
	n := w.notice("5", "Voirie corrigée", "Commune", 0)
	n.Kind, n.Links = vigie.Correction, []string{"4"}
	w.publish(n)
	p.ask(`{ tenders(filter: { updatedFrom: "2026-11-09T10:30:00Z" }) { nodes { sourceRef updatedAt publishedAt publishedOn notices { publishedOn } } } matchingTenders { edges { matchedAt node { sourceRef } } } }`, nil).expect(map[string]string{
		"tenders.nodes.*.sourceRef": "[1 4]", "tenders.nodes.1.updatedAt": "2026-11-09T12:00:00Z", "tenders.nodes.1.publishedAt": "2026-11-09T08:00:00Z",
		"tenders.nodes.1.publishedOn": "2026-11-09", "matchingTenders.edges.1": "map[matchedAt:2026-11-09T08:00:00Z node:map[sourceRef:4]]",
	})
}

// A tender is matched since its first notice that a watch matches, and published
// on the day in Paris.
func TestMatchedAt(t *testing.T) {
	w := newWorld(t)
	first := w.notice("1", "Toiture", "Commune", 13) // 23:00 UTC the day before
	w.publish(first)
	n := w.notice("2", "Toiture et voirie", "Commune", 2)
	n.Kind, n.Links = vigie.Correction, []string{"1"}
	w.publish(n)
	p := w.person("a@example.org")
	p.create(vars{"name": "voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	p.ask(`{ matchingTenders { edges { matchedAt node { publishedAt publishedOn notices { publishedOn } } } } }`, nil).expect(map[string]string{
		"matchingTenders.edges.0.matchedAt": "2026-11-09T10:00:00Z", "matchingTenders.edges.0.node.publishedAt": "2026-11-08T23:00:00Z",
		"matchingTenders.edges.0.node.publishedOn": "2026-11-09", "matchingTenders.edges.0.node.notices.*.publishedOn": "[2026-11-09 2026-11-09]",
	})
}

// A fuller import of a notice is the same notice; another content is another one.
func TestFullerNotice(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		sparse := w.notice("1", "Voirie", "Commune", 1)
		sparse.Content.Natures = nil
		w.publish(sparse)
		w.publish(w.notice("1", "Voirie", "Commune", 1, "01"))
		p := w.person("a@example.org")
		id := p.tenderID("Voirie")
		const notices = `query ($id: ID!) { tender(id: $id) { natures notices { sourceRef changes { field } } } tenders { nodes { notices { sourceRef } } } }`
		p.ask(notices, vars{"id": id}).expect(map[string]string{
			"tender": "map[natures:[WORKS] notices:[map[changes:[] sourceRef:1]]]", "tenders.nodes.*.notices.*": "[[map[sourceRef:1]]]",
		})
		w.publish(w.notice("1", "Voirie et réseaux", "Commune", 1, "01"))
		p.ask(notices, vars{"id": id}).expect(map[string]string{
			"tender.notices": "[map[changes:[] sourceRef:1] map[changes:[map[field:title]] sourceRef:1]]",
		})
	})
}

// Codes have labels, and are found by digits and by words.
func TestCPVCodes(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	n := w.notice("1", "Voirie", "Commune", 1)
	n.Content.CPVCodes = []string{"45233140", "99999999"}
	w.publish(n)
	p.create(vars{"name": "voirie", "criteria": vars{"cpvCodes": []string{"45", "45233140"}}})
	p.ask(`{ tenders { nodes { cpvs { code label } } } watches { nodes { criteria { cpvs { code label } } } } }`, nil).expect(map[string]string{
		"tenders.nodes.0.cpvs":          "[map[code:45233140 label:Travaux routiers] map[code:99999999 label:99999999]]",
		"watches.nodes.0.criteria.cpvs": "[map[code:45 label:Travaux de construction] map[code:4523314 label:Travaux routiers]]",
	})
	for search, want := range map[string]string{"45233140-2": "[45233140]", "trav rout": "[45230000 45233000 ", "": "[03000000 ", "xyzzy": "[]"} {
		got := p.ask(`query ($search: String!) { cpvCodes(search: $search, first: 45) { code } }`, vars{"search": search}).text("cpvCodes.*.code")
		if len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%q: %s, want %s", search, got, want)
		}
	}
	p.ask(`{ formChoices { natures { value label } statuses { value } } choices { natures { value label } } }`, nil).expect(map[string]string{
		"formChoices.natures": p.ask(`{ choices { natures { value label } } }`, nil).text("choices.natures"), "formChoices.statuses.*.value": "[ONLINE CLOSED CANCELLED AWARDED PLANNED]",
	})
}

// All deliveries of an account, narrowed.
func TestAccountDeliveries(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana, bob, box := w.person("ana@example.org"), w.person("bob@example.org"), &postbox{bounces: "lost@example.org"}
		id := ana.createAlerting("lost@example.org")
		daily := ana.create(vars{"name": "Toitures", "criteria": vars{"keywords": []string{"toiture"}}})
		bob.createAlerting()
		w.mails(box)
		w.publish(w.notice("1", "Voirie", "Commune", 0), w.notice("2", "Toiture", "Commune", 0))
		w.mails(box)
		const list = `query ($filter: DeliveryFilter) { viewer { deliveries(filter: $filter) {
			totalCount nodes { id kind status dueAt tender { sourceRef } recipient { id email } notice { sourceRef } reasons { watch { name } } } } } }`
		all := ana.ask(list, nil)
		all.expect(map[string]string{
			"viewer.deliveries.totalCount": "2", "viewer.deliveries.nodes.*.status": "[WAITING SENT]", "viewer.deliveries.nodes.*.notice.sourceRef": "[2 1]",
			"viewer.deliveries.nodes.*.dueAt": "[2026-11-10T07:00:00Z <nil>]",
		})
		for filter, want := range map[string]vars{
			"[2 1]": {}, "[1]": {"statuses": []string{"SENT"}}, "[2]": {"statuses": []string{"WAITING", "DROPPED"}}, "[]": {"kinds": []string{"CANCELLED"}},
		} {
			ana.ask(list, vars{"filter": want}).expect(map[string]string{"viewer.deliveries.nodes.*.tender.sourceRef": filter})
		}
		for what, filter := range map[string]vars{
			"watch": {"watchIds": []string{id}}, "tender": {"tenderIds": []any{ana.tenderID("Voirie")}}, "sent": {"sentFrom": "2026-11-09T00:00:00Z", "sentTo": "2026-11-09T12:00:00Z"},
			"all": {"kinds": []string{"NEW"}, "statuses": []string{"SENT"}, "watchIds": []string{id, daily}},
		} {
			r := ana.ask(list, vars{"filter": filter})
			if got := r.text("viewer.deliveries.nodes.*.tender.sourceRef"); got != "[1]" || r.text("viewer.deliveries.totalCount") != "1" {
				t.Errorf("by %s: %s", what, got)
			}
		}
		recipient := all.at("viewer.deliveries.nodes.0.recipient.id")
		ana.ask(list, vars{"filter": vars{"recipientIds": []any{recipient}}}).expect(map[string]string{"viewer.deliveries.totalCount": "2"})
		// What is not there, or is another's, is said so, as in other lists.
		for argument, of := range map[string]any{"recipientIds": recipient, "watchIds": id, "tenderIds": id} {
			for _, wrong := range []any{of, "x"} {
				r := bob.post(list, vars{"filter": vars{argument: []any{wrong}}})
				if len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "NOT_FOUND" || r.Errors[0].Extensions["argument"] != "filter."+argument {
					t.Errorf("%s: %v is %v %v", argument, wrong, r.Data, r.Errors)
				}
			}
		}
		ana.ask(list, vars{"filter": vars{"recipientIds": []any{}, "watchIds": []any{}, "tenderIds": []any{}}}).expect(map[string]string{"viewer.deliveries.totalCount": "2"})
		w.desk("clerk").ask(`{ account(email: "ana@example.org") { deliveries(first: 1) { totalCount nodes { kind } pageInfo { hasNextPage } } } }`, nil).expect(map[string]string{
			"account.0.deliveries.totalCount": "2", "account.0.deliveries.pageInfo.hasNextPage": "true",
		})
	})
}
