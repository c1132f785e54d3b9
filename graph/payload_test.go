package graph_test

import "testing"

// A payload gives all that a client shows, as it is after the change: also what an
// earlier field of the same request had read.
func TestPayloadsRefresh(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		w.publish(w.notice("1", "Voirie", "Commune", 1), w.notice("2", "Voirie", "Commune", 2))
		p := w.person("a@example.org")
		const state = `viewer { locale watches(first: 3) { nodes { name onlineCount unseenCount } } }
			query { viewer { locale } watches(first: 3) { nodes { name } } matchingTenders(first: 5) { totalCount nodes { sourceRef seen } } }`
		r := p.ask(`mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watchEdge { cursor node { id name } } `+state+` } }`,
			vars{"input": vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}}})
		r.expect(map[string]string{
			"createWatch.watchEdge.node.name":         "Voirie",
			"createWatch.viewer.watches.nodes":        "[map[name:Voirie onlineCount:2 unseenCount:2]]",
			"createWatch.query.watches.nodes":         "[map[name:Voirie]]",
			"createWatch.query.matchingTenders.nodes": "[map[seen:false sourceRef:1] map[seen:false sourceRef:2]]",
		})
		id, cursor := r.text("createWatch.watchEdge.node.id"), r.at("createWatch.watchEdge.cursor")
		p.ask(`query ($cursor: String) { watches(after: $cursor) { nodes { id } pageInfo { hasPreviousPage } } }`, vars{"cursor": cursor}).expect(map[string]string{
			"watches": "map[nodes:[] pageInfo:map[hasPreviousPage:true]]",
		})
		tender := p.tenderID("Voirie")
		r = p.ask(`mutation ($id: ID!, $watch: ID!) {
			before: markTendersSeen(tenderIds: [$id], seen: false) { `+state+` }
			markTendersSeen(tenderIds: [$id]) { `+state+` }
			dismissTender(tenderId: $id) { `+state+` }
			rename: updateWatch(id: $watch, input: { name: "Routes" }) { watchEdge { node { name } } `+state+` }
			updateAccount(input: { locale: EN }) { `+state+` }
			deleteWatch(id: $watch) { `+state+` }
			restoreWatch(id: $watch) { watchEdge { node { name } } `+state+` }
			again: restoreWatch(id: $watch) { watchEdge { node { name } } }
		}`, vars{"id": tender, "watch": id})
		r.expect(map[string]string{
			"before.viewer.watches.nodes":          "[map[name:Voirie onlineCount:2 unseenCount:2]]",
			"markTendersSeen.viewer.watches.nodes": "[map[name:Voirie onlineCount:2 unseenCount:1]]",
			"dismissTender.viewer.watches.nodes":   "[map[name:Voirie onlineCount:1 unseenCount:1]]",
			"rename.watchEdge.node.name":           "Routes",
			"rename.query.watches.nodes":           "[map[name:Routes]]",
			"updateAccount.viewer.locale":          "EN",
			"updateAccount.query.viewer.locale":    "EN",
			"deleteWatch.viewer.watches.nodes":     "[]",
			"deleteWatch.query.matchingTenders":    "map[nodes:[] totalCount:0]",
			"restoreWatch.watchEdge.node.name":     "Routes",
			"restoreWatch.query.watches.nodes":     "[map[name:Routes]]",
			"again.watchEdge":                      "<nil>",
		})
	})
}

// What is based on an older version of a watch is refused, and changes nothing.
func TestExpectedVersion(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	p.create(vars{"name": "Voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	read := p.ask(`{ watches { nodes { id version } } }`, nil)
	id, first := read.at("watches.nodes.0.id"), read.at("watches.nodes.0.version")
	update := func(name string, version any) reply {
		t.Helper()
		return p.ask(`mutation ($id: ID!, $name: String!, $version: String) {
			updateWatch(id: $id, input: { name: $name }, expectedVersion: $version) { watch { name version } userErrors { code field } }
		}`, vars{"id": id, "name": name, "version": version})
	}
	second := update("Routes", first)
	second.expect(map[string]string{"updateWatch.userErrors": "[]", "updateWatch.watch.name": "Routes"})
	if second.at("updateWatch.watch.version") == first {
		t.Error("the version stays")
	}
	for _, wrong := range []any{first, "", "1", id} {
		update("Chemins", wrong).expect(map[string]string{
			"updateWatch.watch": "<nil>", "updateWatch.userErrors": "[map[code:VERSION_MISMATCH field:[expectedVersion]]]",
		})
	}
	p.ask(`{ watches { nodes { name } } }`, nil).expect(map[string]string{"watches.nodes": "[map[name:Routes]]"})
	update("Chemins", nil).expect(map[string]string{"updateWatch.watch.name": "Chemins"})
}
