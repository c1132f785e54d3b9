package graph_test

import (
	"fmt"
	"testing"
)

// The guide that the product starts from: its four watches, made through the
// API, read as its table shows them; each can be changed, switched off and on,
// and deleted; the list below them has its total, page size and page.
func TestGuide(t *testing.T) { eachPair(t, testGuide) }

func testGuide(t *testing.T, w *world) {
	w.publish(
		w.notice("1", "Réponse électronique de test pour un marché en appel d'offres ouvert", "Mairie de Test", 1),
		w.notice("2", "test", "Modulat Demat", 2),
		w.notice("3", "Tester la réponse électronique de candidature", "Organisme système", 3),
		w.notice("4", "test dashboard 1", "TEST MAIRIE RC 3", 4),
		w.notice("5", "Ola, mdof et test", "Nice matin", 5, "01", "07"),
		w.notice("6", "Autre chose", "Le Républicain Lorrain", 6, "02"),
	)
	p := w.person("test2@test.com")

	empty := p.ask(`{ watches { totalCount nodes { id } } matchingTenders { totalCount pageCount nodes { id } } }`, nil)
	empty.expect(map[string]string{
		"watches.totalCount": "0", "matchingTenders.totalCount": "0", "matchingTenders.pageCount": "0", "matchingTenders.nodes": "[]",
	})

	buyer := func(search string) string {
		return p.ask(`query ($s: String!) { buyers(search: $s) { nodes { id name } } }`, vars{"s": search}).text("buyers.nodes.0.id")
	}
	ids := []string{
		p.create(vars{"name": "TEST 01/09", "criteria": vars{"keywordsText": "test"}}),
		p.create(vars{"name": "veille1", "active": false, "criteria": vars{}}),
		p.create(vars{"name": "test modification 1.1", "active": false, "criteria": vars{"keywordsText": "test ola mdof", "departmentCodes": []string{"07", "01"}}}),
		p.create(vars{"name": "test test test test22233333", "criteria": vars{
			"keywordsText": "ola lol olo 222 gtt", "buyerIds": []string{buyer("nice"), buyer("republicain")}, "departmentCodes": []string{"02", "06", "08"}}}),
	}
	table := p.ask(`{ watches(orderBy: CREATED_AT_ASC) { nodes { name active summary { label value } criteria { summary } } } }`, nil)
	for i, want := range []string{
		"Mot clé : test · Organisme : non renseigné · Département : non renseigné · Destinataire : test2@test.com",
		"Mot clé : non renseigné · Organisme : non renseigné · Département : non renseigné · Destinataire : test2@test.com",
		"Mots clés : test ola mdof · Organisme : non renseigné · Départements : Ain, Ardèche · Destinataire : test2@test.com",
		"Mots clés : ola lol olo 222 gtt · Organismes : Nice matin, Le Républicain Lorrain · Départements : Aisne, Alpes-Maritimes, Ardennes · Destinataire : test2@test.com",
	} {
		got := ""
		for j, line := range table.at(fmt.Sprintf("watches.nodes.%d.summary", i)).([]any) {
			if j > 0 {
				got += " · "
			}
			got += fmt.Sprintf("%s : %s", line.(map[string]any)["label"], line.(map[string]any)["value"])
		}
		if got != want {
			t.Errorf("watch %d:\n got %s\nwant %s", i, got, want)
		}
	}
	table.expect(map[string]string{
		"watches.nodes.*.active":           "[true false false true]",
		"watches.nodes.2.criteria.summary": "Mots clés\u00a0: test ola mdof · Organisme\u00a0: non renseigné · Départements\u00a0: Ain, Ardèche",
	})

	// The list below the table: of the active watches, « TEST 01/09 » finds
	// those that say « test », and the last one nothing.
	list := p.ask(`{ matchingTenders(first: 2, page: 2) { totalCount pageCount pageInfo { hasNextPage hasPreviousPage } nodes { title } edges { matchedBy { watch { name } keywords } } } }`, nil)
	list.expect(map[string]string{
		"matchingTenders.totalCount":                     "4",
		"matchingTenders.pageCount":                      "2",
		"matchingTenders.pageInfo.hasNextPage":           "false",
		"matchingTenders.pageInfo.hasPreviousPage":       "true",
		"matchingTenders.nodes.*.title":                  "[test dashboard 1 Ola, mdof et test]",
		"matchingTenders.edges.0.matchedBy.0.keywords":   "[test]",
		"matchingTenders.edges.*.matchedBy.*.watch.name": "[[TEST 01/09] [TEST 01/09]]",
	})
	marked := p.ask(`{ matchingTenders(first: 100) { edges { node { title } highlights { field parts { text hit } } } } }`, nil)
	if got := fmt.Sprint(marked.at("matchingTenders.edges.0.highlights")); got != "[map[field:title parts:[map[hit:false text:Réponse électronique de ] map[hit:true text:test] map[hit:false text: pour un marché en appel d'offres ouvert]]]]" {
		t.Errorf("marked: %s", got)
	}
	// The tender's own page, by its number at its source: it says by itself
	// which watches match it.
	source := p.ask(`{ matchingTenders { nodes { source sourceRef title } } }`, nil)
	p.ask(`query ($source: String!, $ref: String!) { tenderBySourceRef(source: $source, sourceRef: $ref) { title matchedBy { watch { name } keywords } } }`,
		vars{"source": source.text("matchingTenders.nodes.0.source"), "ref": source.text("matchingTenders.nodes.0.sourceRef")}).expect(map[string]string{
		"tenderBySourceRef.title":                  source.text("matchingTenders.nodes.0.title"),
		"tenderBySourceRef.matchedBy.*.watch.name": "[TEST 01/09]",
		"tenderBySourceRef.matchedBy.0.keywords":   "[test]",
	})
	p.ask(`{ tenderBySourceRef(source: "boamp", sourceRef: "none") { id } }`, nil).expect(map[string]string{"tenderBySourceRef": "<nil>"})
	p.ask(`{ matchingTenders(includeInactive: true) { totalCount } }`, nil).expect(map[string]string{"matchingTenders.totalCount": "6"})

	for _, id := range ids {
		change := `mutation ($id: ID!, $input: UpdateWatchInput!) { updateWatch(id: $id, input: $input) { watch { name active frequency criteria { keywordsText } receiving } userErrors { code message } } }`
		p.ask(change, vars{"id": id, "input": vars{"active": false}}).expect(map[string]string{"updateWatch.watch.active": "false", "updateWatch.watch.receiving": "false"})
		p.ask(change, vars{"id": id, "input": vars{"active": true}}).expect(map[string]string{"updateWatch.watch.active": "true", "updateWatch.watch.receiving": "true"})
		p.ask(change, vars{"id": id, "input": vars{"name": "changée " + id, "frequency": "WEEKLY", "criteria": vars{"keywordsText": `ola "appel d'offres"`}}}).expect(map[string]string{
			"updateWatch.watch.name": "changée " + id, "updateWatch.watch.frequency": "WEEKLY", "updateWatch.watch.criteria.keywordsText": `ola "appel d'offres"`,
		})
	}
	for _, id := range ids {
		p.ask(`mutation ($id: ID!) { deleteWatch(id: $id) { deletedWatchId userErrors { code } } }`, vars{"id": id}).expect(map[string]string{"deleteWatch.deletedWatchId": id})
	}
	p.ask(`{ watches { totalCount } }`, nil).expect(map[string]string{"watches.totalCount": "0"})
	restore := `mutation ($id: ID!) { restoreWatch(id: $id) { watch { id active recipients { email } } userErrors { field code } } }`
	p.ask(restore, vars{"id": ids[0]}).expect(map[string]string{
		"restoreWatch.watch.id": ids[0], "restoreWatch.watch.active": "true", "restoreWatch.watch.recipients.*.email": "[test2@test.com]",
	})
	p.ask(restore, vars{"id": ids[0]}).expect(map[string]string{
		"restoreWatch.watch": "<nil>", "restoreWatch.userErrors.0.code": "NOT_FOUND", "restoreWatch.userErrors.0.field": "[id]",
	})
	w.person("other@test.com").ask(restore, vars{"id": ids[1]}).expect(map[string]string{"restoreWatch.userErrors.0.code": "NOT_FOUND"})
}
