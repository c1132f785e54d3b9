package graph_test

import (
	"fmt"
	"testing"

	"vigie"
)

const upsert = `mutation ($input: [UpsertWatchInput!]!) { upsertWatches(input: $input) {
	results { outcome watch { id name externalId active updatedAt recipients { email } } watchEdge { node { name } } }
	userErrors { code field }
	viewer { watches { totalCount } }
} }`

// A platform stores its watches by its own ids, as often as it likes.
func TestUpsertWatches(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana, bob := w.person("ana@example.org"), w.person("bob@example.org")
		roads := vars{"externalId": "v-1", "name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}, "recipients": []string{"Team@example.org"}}
		input := vars{"input": []vars{roads, {"externalId": "v-2", "name": "Toiture", "criteria": vars{"keywords": []string{"toiture"}, "departmentCodes": []string{"1"}}}}}
		first := ana.ask(upsert, input)
		first.expect(map[string]string{
			"upsertWatches.results.*.outcome": "[CREATED CREATED]", "upsertWatches.results.*.watch.externalId": "[v-1 v-2]",
			"upsertWatches.userErrors": "[]", "upsertWatches.viewer.watches.totalCount": "2", "upsertWatches.results.*.watchEdge.node.name": "[Voirie Toiture]",
		})
		again := ana.ask(upsert, input)
		again.expect(map[string]string{
			"upsertWatches.results.*.outcome": "[UNCHANGED UNCHANGED]", "upsertWatches.results.*.watch": first.text("upsertWatches.results.*.watch"),
		})
		w.now = w.now.AddDate(0, 0, 1)
		roads["name"], roads["recipients"] = "Routes", []string{"team@example.org", "x@example.org"}
		roads["active"] = false
		changed := ana.ask(upsert, vars{"input": []vars{roads, {"externalId": "v-3", "name": "routes", "criteria": vars{}}, {"externalId": "", "name": "", "criteria": vars{"keywords": []string{"x"}}}}})
		changed.expect(map[string]string{
			"upsertWatches.results.*.outcome":            "[UPDATED REFUSED REFUSED]",
			"upsertWatches.results.0.watch.name":         "Routes",
			"upsertWatches.results.0.watch.id":           first.text("upsertWatches.results.0.watch.id"),
			"upsertWatches.results.0.watch.active":       "false",
			"upsertWatches.results.0.watch.recipients.*": "[map[email:ana@example.org] map[email:Team@example.org] map[email:x@example.org]]",
			"upsertWatches.userErrors": "[map[code:TAKEN field:[input 1 name]] map[code:BLANK field:[input 2 externalId]] map[code:BLANK field:[input 2 name]] " +
				"map[code:TOO_SHORT field:[input 2 criteria keywords 0]]]",
			"upsertWatches.viewer.watches.totalCount": "2",
		})
		// What is not said stays.
		delete(roads, "active")
		delete(roads, "recipients")
		ana.ask(upsert, vars{"input": []vars{roads}}).expect(map[string]string{"upsertWatches.results.0.outcome": "UNCHANGED"})

		const by = `query ($id: String!) { watchByExternalId(externalId: $id) { name } }`
		ana.ask(by, vars{"id": "v-1"}).expect(map[string]string{"watchByExternalId.name": "Routes"})
		ana.ask(by, vars{"id": "v-9"}).expect(map[string]string{"watchByExternalId": "<nil>"})
		// Ids are an account's own.
		bob.ask(by, vars{"id": "v-1"}).expect(map[string]string{"watchByExternalId": "<nil>"})
		bob.ask(upsert, input).expect(map[string]string{"upsertWatches.results.*.outcome": "[CREATED CREATED]"})
		// A deleted watch is no longer called so.
		ana.ask(`mutation ($id: ID!) { deleteWatch(id: $id) { userErrors { code } } }`, vars{"id": first.at("upsertWatches.results.0.watch.id")})
		ana.ask(by, vars{"id": "v-1"}).expect(map[string]string{"watchByExternalId": "<nil>"})
		ana.ask(upsert, vars{"input": []vars{roads}}).expect(map[string]string{"upsertWatches.results.*.outcome": "[CREATED]"})
		ana.ask(by, vars{"id": "v-1"}).expect(map[string]string{"watchByExternalId.name": "Routes"})
	})
}

// What may not do what its author expects is said of each watch, at its place, as often as it is stored; and the own
// address is not left out without a word.
func TestUpsertWarns(t *testing.T) {
	w := newWorld(t)
	p := w.person("ana@example.org")
	const upsert = `mutation ($input: [UpsertWatchInput!]!) { upsertWatches(input: $input) { results { outcome } warnings { code field message } userErrors { code field } } }`
	input := func(second vars) vars {
		return vars{"input": []vars{
			{"externalId": "v-1", "name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}},
			second,
			{"externalId": "", "name": "Refusée", "criteria": vars{"keywordsText": "voir*"}},
		}}
	}
	roads := vars{"externalId": "v-2", "name": "Routes", "criteria": vars{"keywordsText": "voirie de Voiries -voirie"}, "notifyMe": false, "recipients": []string{"x@example.org"}}
	for _, outcome := range []string{"CREATED", "UNCHANGED"} {
		p.ask(upsert, input(roads)).expect(map[string]string{
			"upsertWatches.results.*.outcome": "[" + outcome + " " + outcome + " REFUSED]",
			"upsertWatches.warnings.*.code":   "[STOP_WORD_DROPPED REPEATED_DROPPED KEYWORD_EXCLUDED]",
			"upsertWatches.warnings.*.field":  "[[input 1 criteria keywordsText] [input 1 criteria keywordsText] [input 1 criteria excludedKeywords]]",
		})
	}
	roads["recipients"] = []string{"x@example.org", "ANA@example.org"}
	p.ask(upsert, input(roads)).expect(map[string]string{
		"upsertWatches.results.*.outcome": "[UNCHANGED REFUSED REFUSED]", "upsertWatches.userErrors.0": "map[code:CONFLICTING field:[input 1 recipients 1]]",
		"upsertWatches.warnings": "[]",
	})
	delete(roads, "notifyMe")
	p.ask(upsert, input(roads)).expect(map[string]string{"upsertWatches.userErrors.0": "map[code:CONFLICTING field:[input 1 recipients 1]]"})
}

// Calls at the same moment store one watch.
func TestUpsertAtOnce(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		p := w.person("ana@example.org")
		outcomes := make(chan string, 4)
		for range cap(outcomes) {
			go func() {
				r := p.post(upsert, vars{"input": []vars{{"externalId": "v-1", "name": "Voirie", "criteria": vars{}}}})
				outcomes <- fmt.Sprint(r.Errors, r.text("upsertWatches.results.*.outcome"))
			}()
		}
		counts := map[string]int{}
		for range cap(outcomes) {
			counts[<-outcomes]++
		}
		if counts["[][CREATED]"] != 1 || counts["[][UNCHANGED]"] != 3 {
			t.Error(counts)
		}
		p.ask(`{ watches { totalCount } }`, nil).expect(map[string]string{"watches.totalCount": "1"})
	})
}

// Things of all kinds are given by their ids, in the order of these.
func TestNodes(t *testing.T) {
	w := newWorld(t)
	w.publish(w.notice("1", "Voirie", "Commune", 1, "2A"))
	ana, bob, box := w.person("ana@example.org"), w.person("bob@example.org"), &postbox{}
	ana.createAlerting()
	w.publish(w.notice("2", "Voirie", "Commune", 0))
	w.mails(box)
	r := ana.ask(`{ viewer { id watches { nodes { id recipients { id } deliveries { nodes { id } } } } } tenders { nodes { id buyer { id } notices { id } departments { id } } } }`, nil)
	ids := []any{
		"x", r.at("viewer.id"), r.at("viewer.watches.nodes.0.id"), r.at("viewer.watches.nodes.0.recipients.0.id"), r.at("viewer.watches.nodes.0.deliveries.nodes.0.id"),
		r.at("tenders.nodes.1.id"), r.at("tenders.nodes.1.buyer.id"), r.at("tenders.nodes.1.notices.0.id"), r.at("tenders.nodes.1.departments.0.id"), r.at("tenders.nodes.1.id"),
	}
	const nodes = `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`
	const buyer = `query ($id: ID!) { buyer(id: $id) { name } node(id: $id) { id } }`
	got := ana.ask(nodes, vars{"ids": ids})
	got.expect(map[string]string{"nodes.0": "<nil>"})
	for i, kind := range []string{"", "Account", "Watch", "Recipient", "Delivery", "Tender", "Buyer", "Notice", "Department", "Tender"} {
		if i > 0 {
			got.expect(map[string]string{fmt.Sprint("nodes.", i): fmt.Sprintf("map[__typename:%s id:%v]", kind, ids[i])})
			ana.ask(`query ($id: ID!) { node(id: $id) { id __typename } }`, vars{"id": ids[i]}).expect(map[string]string{"node.id": fmt.Sprint(ids[i])})
		}
	}
	hidden := bob.ask(nodes, vars{"ids": ids})
	for i := range 5 {
		hidden.expect(map[string]string{fmt.Sprint("nodes.", i): "<nil>"})
	}
	hidden.expect(map[string]string{"nodes.5.__typename": "Tender", "nodes.8.__typename": "Department"})
	ana.ask(buyer, vars{"id": ids[6]}).expect(map[string]string{"buyer.name": "Commune"})
	ana.ask(buyer, vars{"id": ids[5]}).expect(map[string]string{"buyer": "<nil>"})
	if r := ana.post(nodes, vars{"ids": make([]string, 101)}); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "BAD_REQUEST" {
		t.Errorf("101 ids: %v", r.Errors)
	}
	for _, d := range vigie.Departments() {
		if same, ok := vigie.DepartmentByNumber(d.Number()); !ok || same != d {
			t.Errorf("%s is %v by its number", d.Code, same)
		}
	}
}
