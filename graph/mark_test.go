package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/graph"
)

// What a person has seen or dismissed is theirs, and is taken back.
func TestMarks(t *testing.T) { eachPair(t, testMarks) }

func testMarks(t *testing.T, w *world) {
	w.publish(w.notice("1", "Voirie", "Commune", 1), w.notice("2", "Voirie", "Commune", 2), w.notice("3", "Voirie", "Commune", 3))
	p, other := w.person("a@example.org"), w.person("b@example.org")
	ids := slices.Collect(func(yield func(string) bool) {
		for _, id := range p.ask(`{ tenders { nodes { id } } }`, nil).at("tenders.nodes.*.id").([]any) {
			yield(id.(string))
		}
	})
	const state = `{ tenders { totalCount nodes { seen dismissed } edges { node { seen } } } }`
	stands := func(p person, seen, dismissed string) {
		t.Helper()
		p.ask(state, nil).expect(map[string]string{
			"tenders.totalCount": "3", "tenders.nodes.*.seen": seen, "tenders.edges.*.node.seen": seen, "tenders.nodes.*.dismissed": dismissed,
		})
	}
	stands(p, "[false false false]", "[false false false]")

	// Twice in one request, and what was read before is read again.
	const mark = `mutation ($ids: [ID!]!, $id: ID!, $on: Boolean!, $off: Boolean!) {
		before: markTendersSeen(tenderIds: $ids, seen: $off) { tenders { seen } }
		a: markTendersSeen(tenderIds: $ids, seen: $on) { tenders { id seen } userErrors { code } }
		b: markTendersSeen(tenderIds: $ids, seen: $on) { tenders { id seen } userErrors { code } }
		c: dismissTender(tenderId: $id, dismissed: $on) { tender { id seen dismissed } userErrors { code } }
	}`
	for _, on := range []bool{true, false, true} {
		r := p.ask(mark, vars{"ids": []string{ids[2], ids[0], ids[2]}, "id": ids[0], "on": on, "off": !on})
		r.expect(map[string]string{"before.tenders.*.seen": fmt.Sprint([]bool{!on, !on})})
		for _, field := range []string{"a", "b"} {
			r.expect(map[string]string{
				field + ".tenders.*.id": fmt.Sprint([]string{ids[2], ids[0]}), field + ".tenders.*.seen": fmt.Sprint([]bool{on, on}), field + ".userErrors": "[]",
			})
		}
		r.expect(map[string]string{"c.tender": fmt.Sprintf("map[dismissed:%v id:%s seen:%v]", on, ids[0], on), "c.userErrors": "[]"})
	}
	stands(p, "[true false true]", "[true false false]")
	stands(other, "[false false false]", "[false false false]")
	stands(person{w, &graph.Viewer{Sources: []string{"portal"}}}, "[false false false]", "[false false false]")

	// By default it is « seen » and « dismissed ».
	other.ask(`mutation ($id: ID!) { markTendersSeen(tenderIds: [$id]) { tenders { seen } } dismissTender(tenderId: $id) { tender { dismissed } } }`, vars{"id": ids[1]}).expect(map[string]string{
		"markTendersSeen.tenders.*.seen": "[true]", "dismissTender.tender.dismissed": "true",
	})
}

// What is of interest is not dismissed, in answers, lists and payloads.
func TestInterest(t *testing.T) { eachPair(t, testInterest) }

func testInterest(t *testing.T, w *world) {
	w.publish(w.notice("1", "Voirie", "Commune", 1), w.notice("2", "Voirie", "Commune", 2), w.notice("3", "Voirie", "Commune", 3))
	p, other := w.person("a@example.org"), w.person("b@example.org")
	p.create(vars{"name": "voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	ids := p.ask(`{ tenders { nodes { id } } }`, nil).at("tenders.nodes.*.id").([]any)
	lists := func(all, only, hidden, matching string) {
		t.Helper()
		p.ask(`{
			all: tenders { nodes { interested } }
			only: tenders(filter: { interested: ONLY }) { totalCount nodes { sourceRef } }
			hidden: tenders(filter: { interested: HIDE }) { nodes { sourceRef } }
			matching: matchingTenders(filter: { interested: ONLY }) { nodes { sourceRef dismissed } }
		}`, nil).expect(map[string]string{
			"all.nodes.*.interested": all, "only.nodes.*.sourceRef": only, "hidden.nodes.*.sourceRef": hidden, "matching.nodes.*.sourceRef": matching,
		})
	}
	lists("[false false false]", "[]", "[1 2 3]", "[]")
	p.ask(`mutation ($id: ID!, $ids: [ID!]!) {
		dismissTender(tenderId: $id) { tender { dismissed } }
		markInterest(tenderIds: $ids) {
			tenders { id interested dismissed } userErrors { code }
			viewer { watches { nodes { onlineCount } } } query { tenders(filter: { interested: ONLY }) { totalCount } }
		}
	}`, vars{"id": ids[1], "ids": []any{ids[1], ids[2], ids[1]}}).expect(map[string]string{
		"markInterest.tenders":                  fmt.Sprintf("[map[dismissed:false id:%s interested:true] map[dismissed:false id:%s interested:true]]", ids[1], ids[2]),
		"markInterest.userErrors":               "[]",
		"markInterest.viewer.watches.nodes":     "[map[onlineCount:3]]",
		"markInterest.query.tenders.totalCount": "2",
		"dismissTender.tender.dismissed":        "true",
	})
	lists("[false true true]", "[2 3]", "[1]", "[2 3]")
	p.ask(`mutation ($id: ID!, $off: [ID!]!) {
		dismissTender(tenderId: $id) { tender { dismissed interested } }
		markInterest(tenderIds: $off, interested: false) { tenders { interested } }
	}`, vars{"id": ids[1], "off": []any{ids[2], ids[0]}}).expect(map[string]string{
		"dismissTender.tender": "map[dismissed:true interested:false]", "markInterest.tenders.*.interested": "[false false]",
	})
	lists("[false false false]", "[]", "[1 2 3]", "[]")
	p.ask(`mutation ($id: ID!) { markInterest(tenderIds: [$id, "x"]) { tenders { id } userErrors { code field } } }`, vars{"id": ids[0]}).expect(map[string]string{
		"markInterest": "map[tenders:[] userErrors:[map[code:NOT_FOUND field:[tenderIds 1]]]]",
	})
	other.ask(`{ tenders(filter: { interested: ONLY }) { totalCount } }`, nil).expect(map[string]string{"tenders.totalCount": "0"})
	for viewer, code := range map[*graph.Viewer]string{nil: "UNAUTHENTICATED", {Sources: []string{"portal"}}: "FORBIDDEN"} {
		if r := (person{w, viewer}).post(`mutation { markInterest(tenderIds: []) { tenders { id } } }`, nil); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != code {
			t.Errorf("%v, want %s", r.Errors, code)
		}
	}
}

func TestMarkMistakes(t *testing.T) {
	w := newWorld(t)
	w.publish(w.notice("1", "Voirie", "Commune", 1))
	p := w.person("a@example.org")
	id := p.ask(`{ tenders { nodes { id } } }`, nil).text("tenders.nodes.0.id")
	const see = `mutation ($ids: [ID!]!) { markTendersSeen(tenderIds: $ids) { tenders { id } userErrors { code field message } } }`
	for name, test := range map[string]struct {
		ids  []string
		want string
	}{
		"unknown":      {[]string{id, "tender_4711", id, "watch_1"}, "NOT_FOUND tenderIds.1, NOT_FOUND tenderIds.3"},
		"one too many": {slices.Repeat([]string{id}, 101), "TOO_MANY tenderIds"},
		"just enough":  {slices.Repeat([]string{id}, 100), ""},
		"none":         {[]string{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p.ask(`mutation ($id: ID!) { markTendersSeen(tenderIds: [$id], seen: false) { tenders { id } } }`, vars{"id": id})
			r := p.ask(see, vars{"ids": test.ids})
			var got []string
			for _, e := range r.at("markTendersSeen.userErrors").([]any) {
				e := e.(map[string]any)
				got = append(got, fmt.Sprint(e["code"], " ", strings.Trim(strings.ReplaceAll(fmt.Sprint(e["field"]), " ", "."), "[]")))
				if e["message"] == "" {
					t.Error("no message")
				}
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("%v, want %s", got, test.want)
			}
			if test.want != "" {
				r.expect(map[string]string{"markTendersSeen.tenders": "[]"})
				p.ask(`{ tenders { nodes { seen } } }`, nil).expect(map[string]string{"tenders.nodes.*.seen": "[false]"})
			}
		})
	}
	p.ask(`mutation { dismissTender(tenderId: "x") { tender { id } userErrors { code field } } }`, nil).expect(map[string]string{
		"dismissTender.tender": "<nil>", "dismissTender.userErrors": "[map[code:NOT_FOUND field:[tenderId]]]",
	})
	for viewer, code := range map[*graph.Viewer]string{nil: "UNAUTHENTICATED", {Sources: []string{"portal"}}: "FORBIDDEN"} {
		for _, mutation := range []string{`markTendersSeen(tenderIds: []) { tenders { id } }`, `dismissTender(tenderId: "x") { tender { id } }`} {
			if r := (person{w, viewer}).post(`mutation { `+mutation+` }`, nil); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != code {
				t.Errorf("%s: %v, want %s", mutation, r.Errors, code)
			}
		}
	}
}

// Lists of matches leave out what their reader dismissed, with exact totals,
// facets and pages; searches do not.
func TestDismissed(t *testing.T) { eachPair(t, testDismissed) }

func testDismissed(t *testing.T, w *world) {
	var notices []*vigie.Notice
	for i := range 9 {
		notices = append(notices, w.notice(fmt.Sprint(i), "Voirie", "Commune", i/3, []string{"01", "07"}[i%2]))
	}
	notices[8].Content.Deadline = new(w.now.AddDate(0, -2, 0)) // closed
	w.publish(notices...)
	p, other := w.person("a@example.org"), w.person("b@example.org")
	watch := p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie"}}})
	other.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie"}}})
	byRef := map[string]string{}
	for _, n := range p.ask(`{ tenders { nodes { id sourceRef } } }`, nil).at("tenders.nodes").([]any) {
		n := n.(map[string]any)
		byRef[n["sourceRef"].(string)] = n["id"].(string)
	}
	dismiss := func(ref string, on bool) {
		t.Helper()
		p.ask(`mutation ($id: ID!, $on: Boolean!) { dismissTender(tenderId: $id, dismissed: $on) { tender { id } } }`, vars{"id": byRef[ref], "on": on})
	}
	const list = `query ($w: [ID!], $first: Int, $after: String, $last: Int, $before: String, $statuses: [TenderStatus!]) {
		matchingTenders(watchIds: $w, first: $first, after: $after, last: $last, before: $before, filter: { statuses: $statuses }, orderBy: PUBLISHED_AT_DESC) {
			totalCount pageCount nodes { sourceRef dismissed } edges { cursor } pageInfo { hasNextPage hasPreviousPage } facets { departments { value count } }
		}
	}`
	whole := p.ask(list, nil)
	whole.expect(map[string]string{"matchingTenders.totalCount": "8", "matchingTenders.nodes.*.sourceRef": "[2 1 0 5 4 3 7 6]"})

	// Between two pages the row that the first ended with goes, and one after.
	first := p.ask(list, vars{"first": 3})
	first.expect(map[string]string{"matchingTenders.nodes.*.sourceRef": "[2 1 0]"})
	last := p.ask(list, vars{"last": 3})
	last.expect(map[string]string{"matchingTenders.nodes.*.sourceRef": "[3 7 6]"})
	dismiss("0", true)
	dismiss("4", true)
	dismiss("8", true)
	dismiss("3", true)
	p.ask(list, vars{"first": 3, "after": first.at("matchingTenders.edges.2.cursor")}).expect(map[string]string{
		"matchingTenders.nodes.*.sourceRef": "[5 7 6]", "matchingTenders.totalCount": "5", "matchingTenders.pageInfo.hasNextPage": "false",
	})
	p.ask(list, vars{"last": 2, "before": last.at("matchingTenders.edges.0.cursor")}).expect(map[string]string{
		"matchingTenders.nodes.*.sourceRef": "[1 5]", "matchingTenders.totalCount": "5", "matchingTenders.pageInfo.hasPreviousPage": "true",
	})
	for name, variables := range map[string]vars{"all watches": nil, "a watch": {"w": []string{watch}}} {
		r := p.ask(list, variables)
		r.expect(map[string]string{
			"matchingTenders.totalCount": "5", "matchingTenders.pageCount": "1", "matchingTenders.nodes.*.sourceRef": "[2 1 5 7 6]",
			"matchingTenders.facets.departments": "[map[count:3 value:07] map[count:2 value:01]]",
		})
		if t.Failed() {
			t.Fatal(name)
		}
	}
	p.ask(list, vars{"statuses": []string{"CLOSED"}}).expect(map[string]string{"matchingTenders.totalCount": "0"})
	p.ask(list, vars{"statuses": []string{"CLOSED", "ONLINE"}}).expect(map[string]string{"matchingTenders.totalCount": "5"})
	p.ask(`query ($id: ID!) {
		watch(id: $id) { onlineCount matchingTenders { totalCount nodes { sourceRef } } }
		tenders(search: "voirie") { totalCount }
		previewMatches(criteria: { keywords: ["voirie"] }) { onlineCount nodes { dismissed } }
	}`, vars{"id": watch}).expect(map[string]string{
		"watch.onlineCount": "5", "watch.matchingTenders.totalCount": "5", "watch.matchingTenders.nodes.*.sourceRef": "[2 1 5 7 6]",
		"tenders.totalCount": "9", "previewMatches.onlineCount": "5",
		"previewMatches.nodes.*.dismissed": "[false false false false false]",
	})
	other.ask(list, nil).expect(map[string]string{"matchingTenders.totalCount": "8"})
	dismiss("0", false)
	dismiss("8", false)
	p.ask(list, nil).expect(map[string]string{"matchingTenders.totalCount": "6", "matchingTenders.nodes.*.sourceRef": "[2 1 0 5 7 6]"})
	p.ask(list, vars{"statuses": []string{"CLOSED"}}).expect(map[string]string{"matchingTenders.nodes.*.sourceRef": "[8]"})

	// A tender that closes between two pages stays on them, so it must be left
	// out of them too.
	first = p.ask(list, vars{"first": 3})
	dismiss("7", true)
	w.now = w.now.AddDate(0, 2, 0)
	p.ask(list, vars{"first": 9, "after": first.at("matchingTenders.edges.2.cursor")}).expect(map[string]string{
		"matchingTenders.nodes.*.sourceRef": "[5 6]", "matchingTenders.totalCount": "5",
	})
}

// A person sees which reminders of a deadline will be sent.
func TestReminders(t *testing.T) { eachPair(t, testReminders) }

func testReminders(t *testing.T, w *world) {
	deadline := w.now.AddDate(0, 0, 10)
	n := w.notice("1", "Voirie", "Commune", 1)
	n.Content.Deadline = &deadline
	w.publish(n)
	p, other := w.person("a@example.org"), w.person("b@example.org")
	id := p.ask(`{ tenders { nodes { id } } }`, nil).at("tenders.nodes.0.id")
	p.ask(`{ viewer { reminderDays } }`, nil).expect(map[string]string{"viewer.reminderDays": "[]"})
	const set = `mutation ($days: [Int!]) { updateAccount(input: {reminderDays: $days}) { account { reminderDays } userErrors { field code } } }`
	for days, code := range map[string][]int{"INVALID": {0}, "INVALID ": {31}, "TOO_MANY": {1, 2, 3, 4}} {
		p.ask(set, vars{"days": code}).expect(map[string]string{
			"updateAccount.account": "<nil>", "updateAccount.userErrors.*.field": "[[input reminderDays]]", "updateAccount.userErrors.*.code": "[" + strings.TrimSpace(days) + "]",
		})
	}
	p.ask(set, vars{"days": []int{2, 7, 2, 1}}).expect(map[string]string{"updateAccount.account.reminderDays": "[7 2 1]", "updateAccount.userErrors": "[]"})
	p.ask(set, vars{"days": nil}).expect(map[string]string{"updateAccount.account.reminderDays": "[7 2 1]"})
	const ask = `query ($id: ID!) { node(id: $id) { ... on Tender { reminders { days dueAt } } } }`
	p.ask(ask, vars{"id": id}).expect(map[string]string{"node.reminders": "[]"})
	p.ask(`mutation ($id: ID!) { markInterest(tenderIds: [$id]) { tenders { reminders { days } } } }`, vars{"id": id}).
		expect(map[string]string{"markInterest.tenders.0.reminders.*.days": "[7 2 1]"})
	r := p.ask(ask, vars{"id": id})
	r.expect(map[string]string{"node.reminders.*.days": "[7 2 1]"})
	day := deadline.In(vigie.Paris())
	want := time.Date(day.Year(), day.Month(), day.Day()-7, 8, 0, 0, 0, vigie.Paris()).UTC().Format(time.RFC3339)
	if got := r.at("node.reminders.0.dueAt"); got != want {
		t.Errorf("7 days before is %v, want %s", got, want)
	}
	other.ask(ask, vars{"id": id}).expect(map[string]string{"node.reminders": "[]"})
	person{w, &graph.Viewer{Sources: []string{"portal"}}}.ask(ask, vars{"id": id}).expect(map[string]string{"node.reminders": "[]"})
	w.now = w.now.AddDate(0, 0, 5)
	p.ask(ask, vars{"id": id}).expect(map[string]string{"node.reminders.*.days": "[2 1]"})

	// What was sent is listed, also to an address that is on no watch.
	w.now = deadline.AddDate(0, 0, -1)
	if _, _, err := w.service.Store.Ledger().Remind(t.Context()); err != nil {
		t.Fatal(err)
	}
	r = p.ask(`{ viewer { deliveries(filter: {kinds: [REMINDER]}) { totalCount nodes {
		kind status notice { id } tender { id } reasons { keywords } recipient { id email primary status } webhook { id } } } } }`, nil)
	r.expect(map[string]string{
		"viewer.deliveries.totalCount": "1", "viewer.deliveries.nodes.0.kind": "REMINDER", "viewer.deliveries.nodes.0.status": "WAITING",
		"viewer.deliveries.nodes.0.notice": "<nil>", "viewer.deliveries.nodes.0.tender.id": id.(string), "viewer.deliveries.nodes.0.reasons": "[]",
		"viewer.deliveries.nodes.0.recipient.email": "a@example.org", "viewer.deliveries.nodes.0.recipient.primary": "true",
		"viewer.deliveries.nodes.0.recipient.status": "CONFIRMED", "viewer.deliveries.nodes.0.webhook": "<nil>",
	})
	recipient := r.at("viewer.deliveries.nodes.0.recipient.id")
	const again = `query ($id: ID!) { node(id: $id) { id } viewer { deliveries(filter: {recipientIds: [$id]}) { totalCount } } }`
	p.ask(again, vars{"id": recipient}).expect(map[string]string{"node.id": recipient.(string), "viewer.deliveries.totalCount": "1"})
	other.ask(`query ($id: ID!) { node(id: $id) { id } }`, vars{"id": recipient}).expect(map[string]string{"node": "<nil>"})
}
