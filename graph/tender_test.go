package graph_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/graph"
)

// Pages by cursor, forwards and backwards, meet every tender once, in the same
// order as numbered pages, while others arrive.
func TestPages(t *testing.T) { eachPair(t, testPages) }

func testPages(t *testing.T, w *world) {
	for i := range 23 {
		n := w.notice(fmt.Sprint(i), "Voirie", "Commune", i/3) // many published at once
		if i%4 == 0 {
			n.Content.Deadline = nil
		} else {
			n.Content.Deadline = new(w.now.Add(time.Duration(1+i%5) * time.Hour))
		}
		w.publish(n)
	}
	p := w.person("a@example.org")
	for _, order := range []string{"PUBLISHED_AT_DESC", "PUBLISHED_AT_ASC", "DEADLINE_ASC", "DEADLINE_DESC"} {
		all := p.ask(`query ($o: TenderOrder) { tenders(first: 100, orderBy: $o, filter: { statuses: [ONLINE] }) { nodes { id deadline } } }`, vars{"o": order})
		var numbered, forwards, backwards []any
		for page := 1; ; page++ {
			r := p.ask(`query ($o: TenderOrder, $p: Int) { tenders(first: 4, page: $p, orderBy: $o) { totalCount pageCount nodes { id } pageInfo { hasNextPage } } }`, vars{"o": order, "p": page})
			r.expect(map[string]string{"tenders.totalCount": "23", "tenders.pageCount": "6"})
			numbered = append(numbered, r.at("tenders.nodes.*.id").([]any)...)
			if r.at("tenders.pageInfo.hasNextPage") == false {
				break
			}
		}
		for after := any(nil); ; {
			r := p.ask(`query ($o: TenderOrder, $a: String) { tenders(first: 4, after: $a, orderBy: $o, filter: { statuses: [ONLINE] }) { nodes { id } pageInfo { hasNextPage endCursor } } }`, vars{"o": order, "a": after})
			forwards = append(forwards, r.at("tenders.nodes.*.id").([]any)...)
			if after = r.at("tenders.pageInfo.endCursor"); r.at("tenders.pageInfo.hasNextPage") == false {
				break
			}
			// Time passes and tenders close: the list stays as it was at its
			// first page.
			w.now = w.now.Add(30 * time.Minute)
		}
		w.now = w.now.Add(-150 * time.Minute)
		for before := any(nil); ; {
			r := p.ask(`query ($o: TenderOrder, $b: String) { tenders(last: 4, before: $b, orderBy: $o) { nodes { id } pageInfo { hasPreviousPage startCursor } } }`, vars{"o": order, "b": before})
			backwards = append(r.at("tenders.nodes.*.id").([]any), backwards...)
			if before = r.at("tenders.pageInfo.startCursor"); r.at("tenders.pageInfo.hasPreviousPage") == false {
				break
			}
		}
		want := fmt.Sprint(all.at("tenders.nodes.*.id"))
		for name, got := range map[string][]any{"numbered": numbered, "forwards": forwards, "backwards": backwards} {
			if fmt.Sprint(got) != want {
				t.Errorf("%s, %s:\n got %v\nwant %v", order, name, got, want)
			}
		}
		if deadlines := all.at("tenders.nodes.*.deadline").([]any); strings.HasPrefix(order, "DEADLINE") && deadlines[len(deadlines)-1] != nil {
			t.Errorf("%s: those without a deadline are not last: %v", order, deadlines)
		}
	}
	past := p.ask(`{ tenders(first: 10, page: 99) { ...stand } deep: tenders(first: 100, page: 1000) { ...stand } } fragment stand on TenderConnection { totalCount pageCount edges { cursor } pageInfo { hasNextPage hasPreviousPage } }`, nil)
	const behind = "map[hasNextPage:false hasPreviousPage:true]"
	past.expect(map[string]string{
		"tenders.pageCount": "3", "tenders.edges": "[]", "tenders.pageInfo": behind,
		"deep.pageCount": "1", "deep.edges": "[]", "deep.pageInfo": behind, "deep.totalCount": "23",
	})
}

func TestFacets(t *testing.T) { eachPair(t, testFacets) }

func testFacets(t *testing.T, w *world) {
	supplies := w.notice("4", "Fourniture d'enrobé", "Commune de Beaulieu", 4)
	supplies.Content.Natures = []vigie.Nature{vigie.Supplies}
	supplies.Content.Procedure = vigie.Adapted
	w.publish(
		w.notice("1", "Voirie", "Commune de Valfleury", 1, "01"), w.notice("2", "Voirie", "Commune de Valfleury", 2, "01", "07"),
		w.notice("3", "Voirie", "Commune de Beaulieu", 3, "2A"), supplies,
	)
	p := w.person("a@example.org")
	id := p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie", "enrobé"}, "keywordMode": "ANY"}})
	r := p.ask(`query ($id: ID!, $f: TenderFilter) { watch(id: $id) { matchingTenders(filter: $f) { totalCount facets {
		departments { value label count } buyers(first: 1) { label count } natures { value count } procedures { label count } } } } }`,
		vars{"id": id, "f": vars{"departmentCodes": []string{"01"}}})
	r.expect(map[string]string{
		"watch.matchingTenders.totalCount": "2",
		// Each without the filter on its own dimension, with all the others.
		"watch.matchingTenders.facets.departments.*.value": "[01 07 2A NATIONWIDE]",
		"watch.matchingTenders.facets.departments.*.count": "[2 1 1 1]",
		"watch.matchingTenders.facets.departments.*.label": "[Ain Ardèche Corse-du-Sud National ou non précisé]",
		"watch.matchingTenders.facets.buyers":              "[map[count:2 label:Commune de Valfleury]]",
		"watch.matchingTenders.facets.natures":             "[map[count:2 value:WORKS]]",
		"watch.matchingTenders.facets.procedures":          "[]",
	})
	p.ask(`{ tenders(filter: { departmentCodes: ["NATIONWIDE", "2a"], natures: [SUPPLIES, WORKS] }) { totalCount facets { procedures { label count } } } }`, nil).expect(map[string]string{
		"tenders.totalCount": "2", "tenders.facets.procedures": "[map[count:1 label:Procédure adaptée]]",
	})
}

// The buyers with most tenders, whatever their names; of equal ones at the cut
// those known longest. Those shown are in the order of their names.
func TestTopBuyers(t *testing.T) { eachPair(t, testTopBuyers) }

func testTopBuyers(t *testing.T, w *world) {
	for i, buyer := range []string{"Une fois", "Évian", "Zuydcoote", "Trois fois", "Arles", "Trois fois", "Évian", "Zuydcoote", "Arles", "Trois fois"} {
		w.publish(w.notice(fmt.Sprint(i), "Voirie", buyer, i))
	}
	p := w.person("a@example.org")
	for first, want := range map[int]string{
		1: "[3 Trois fois]",
		2: "[3 Trois fois 2 Évian]",
		3: "[3 Trois fois 2 Évian 2 Zuydcoote]",
		4: "[3 Trois fois 2 Arles 2 Évian 2 Zuydcoote]",
		9: "[3 Trois fois 2 Arles 2 Évian 2 Zuydcoote 1 Une fois]",
	} {
		r := p.ask(`query ($n: Int) { tenders { facets { buyers(first: $n) { count label value } } } }`, vars{"n": first})
		var got []any
		for _, b := range r.at("tenders.facets.buyers").([]any) {
			b := b.(map[string]any)
			got = append(got, b["count"], b["label"])
			p.ask(`query ($id: ID!) { tenders(filter: { buyerIds: [$id] }) { totalCount } }`, vars{"id": b["value"]}).expect(map[string]string{"tenders.totalCount": fmt.Sprint(b["count"])})
		}
		if fmt.Sprint(got) != want {
			t.Errorf("the first %d: %v, want %s", first, got, want)
		}
	}
}

// A buyer that turned out to be another is still found by the id it had.
func TestFilterOnMergedBuyer(t *testing.T) { eachPair(t, testFilterOnMergedBuyer) }

func testFilterOnMergedBuyer(t *testing.T, w *world) {
	p := w.person("a@example.org")
	w.publish(w.notice("1", "Voirie", "Ville de Valfleury", 3))
	former := p.ask(`{ buyers(search: "valfleury") { nodes { id } } }`, nil).text("buyers.nodes.0.id")
	n2, n3 := w.notice("2", "Voirie", "Commune de Valfleury", 2), w.notice("3", "Voirie", "Ville de Valfleury", 1)
	n2.Buyer.SIRET, n3.Buyer.SIRET = "21690123100011", "21690123100011"
	w.publish(n2)
	w.publish(n3)
	r := p.ask(`query ($id: ID!) { node(id: $id) { id } tenders(filter: { buyerIds: [$id, $id] }) { totalCount facets { buyers { value } } } }`, vars{"id": former})
	r.expect(map[string]string{"tenders.totalCount": "3"})
	if r.text("node.id") == former {
		t.Error("the buyers are not merged")
	}
}

func TestFreeText(t *testing.T) { eachOldPair(t, testFreeText) }

func testFreeText(t *testing.T, w *world) {
	w.publish(
		w.notice("1", "Rénovation énergétique du gymnase", "Commune de Valfleury", 1, "01"),
		w.notice("2", "Fauchage", "Commune de Beaulieu", 2),
	)
	p := w.person("a@example.org")
	r := p.ask(`{ tenders(search: "renovatoin gymnase") { totalCount forgiven corrected edges { node { title } highlights { field parts { text hit } } } } }`, nil)
	r.expect(map[string]string{"tenders.totalCount": "1", "tenders.forgiven": "true", "tenders.corrected": "rénovation gymnase", "tenders.edges.0.node.title": "Rénovation énergétique du gymnase", "tenders.edges.0.highlights.0.field": "title"})
	p.ask(`{ tenders(search: "gymnase dans l’Ain") { totalCount forgiven places { name departmentCodes rest } } }`, nil).expect(map[string]string{
		"tenders.totalCount": "1", "tenders.forgiven": "false", "tenders.places.0.name": "Ain (01)", "tenders.places.0.departmentCodes.0": "01", "tenders.places.0.rest": "gymnase",
	})
	hits := ""
	for _, part := range r.at("tenders.edges.0.highlights.0.parts").([]any) {
		if part := part.(map[string]any); part["hit"] == true {
			hits += part["text"].(string) + "|"
		}
	}
	if hits != "Rénovation|gymnase|" {
		t.Errorf("found words: %s", hits)
	}
	if r := p.post(`{ tenders(search: "fauchage", last: 2) { totalCount } }`, nil); len(r.Errors) != 1 || r.Errors[0].Extensions["argument"] != "last" {
		t.Errorf("relevance backwards: %v", r.Errors)
	}
	first := p.ask(`{ tenders(search: "commune", first: 1) { nodes { id } pageInfo { endCursor hasNextPage } } }`, nil)
	second := p.ask(`query ($a: String) { tenders(search: "commune", first: 1, after: $a) { nodes { id } pageInfo { endCursor hasNextPage } } }`, vars{"a": first.at("tenders.pageInfo.endCursor")})
	first.expect(map[string]string{"tenders.pageInfo.hasNextPage": "true"})
	second.expect(map[string]string{"tenders.pageInfo.hasNextPage": "false"})
	if first.text("tenders.nodes") == second.text("tenders.nodes") {
		t.Error("the second page by relevance is the first again")
	}
	for _, forged := range []string{`{"l":"RELEVANCE","i":9223372036854775807,"n":1}`, `{"l":"RELEVANCE","i":10000,"n":1}`} {
		p.ask(`query ($a: String) { tenders(search: "commune", after: $a) { edges { cursor } } }`, vars{"a": base64.RawURLEncoding.EncodeToString([]byte(forged))}).expect(map[string]string{"tenders.edges": "[]"})
	}
	if r := p.post(`query ($a: String) { tenders(search: "commune", after: $a) { totalCount } }`, vars{"a": base64.RawURLEncoding.EncodeToString([]byte(`{"l":"RELEVANCE","i":-5}`))}); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "BAD_REQUEST" {
		t.Errorf("a cursor before the start: %v", r.Errors)
	}
	p.ask(`{ tenders(search: "  ") { totalCount } }`, nil).expect(map[string]string{"tenders.totalCount": "2"})
}

// A cursor that nobody was given is its own field's mistake alone.
func TestForgedCursor(t *testing.T) { eachOldPair(t, testForgedCursor) }

func testForgedCursor(t *testing.T, w *world) {
	p := w.person("a@example.org")
	id := p.create(vars{"name": "v", "criteria": vars{}})
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"l":"PUBLISHED_AT_DESC","i":1,"n":1}`)) // without its time
	r := p.post(`query ($id: ID!, $a: String) { watch(id: $id) { onlineCount bad: matchingTenders(after: $a) { totalCount nodes { id } } } }`, vars{"id": id, "a": forged})
	if len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "BAD_REQUEST" || fmt.Sprint(r.Errors[0].Path) != "[watch bad]" {
		t.Errorf("%v", r.Errors)
	}
	const lists = `query ($a: String) { buyers(search: "commune", after: $a) { totalCount } watches(after: $a) { totalCount } }`
	for _, forged := range []string{
		`{"l":"buyers","i":1,"n":1}`, `{"l":"watches NAME_ASC","i":1}`, // without what they are sorted by
		`{"l":"buyers","a":0,"s":"a\u0000","i":1,"n":1}`, `{"l":"watches NAME_ASC","a":0,"s":"a\u0000","i":1}`, // which no text has
		`{"l":"buyers","a":0,"i":1,"n":9223372036854775807}`, `{"l":"buyers","a":0,"i":1,"n":-1}`, // of no time
	} {
		r := p.post(lists, vars{"a": base64.RawURLEncoding.EncodeToString([]byte(forged))})
		if len(r.Errors) != 2 || r.Errors[0].Extensions["code"] != "BAD_REQUEST" || r.Errors[1].Extensions["code"] != "BAD_REQUEST" {
			t.Errorf("%s: %v", forged, r.Errors)
		}
	}
}

// The buyers too come in pages, to the first and the last and no further.
func TestBuyerPages(t *testing.T) { eachOldPair(t, testBuyerPages) }

func testBuyerPages(t *testing.T, w *world) {
	var notices []*vigie.Notice
	for i := range 7 {
		notices = append(notices, w.notice(fmt.Sprint(i), "Voirie", fmt.Sprintf("Commune %d", i), i))
	}
	w.publish(notices...)
	p := w.person("a@example.org")
	const page = `{ totalCount nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`
	all := fmt.Sprint(p.ask(`{ buyers(search: "commune") `+page+` }`, nil).at("buyers.nodes.*.name"))
	var forwards, backwards []any
	for after := any(nil); ; {
		r := p.ask(`query ($a: String) { buyers(search: "commune", first: 3, after: $a) `+page+` }`, vars{"a": after})
		r.expect(map[string]string{"buyers.totalCount": "7"})
		forwards = append(forwards, r.at("buyers.nodes.*.name").([]any)...)
		if after = r.at("buyers.pageInfo.endCursor"); r.at("buyers.pageInfo.hasNextPage") == false {
			break
		}
	}
	for before := any(nil); ; {
		r := p.ask(`query ($b: String) { buyers(search: "commune", last: 3, before: $b) `+page+` }`, vars{"b": before})
		backwards = append(r.at("buyers.nodes.*.name").([]any), backwards...)
		if before = r.at("buyers.pageInfo.startCursor"); r.at("buyers.pageInfo.hasPreviousPage") == false {
			r.expect(map[string]string{"buyers.nodes.*.name": "[Commune 0]", "buyers.pageInfo.hasNextPage": "true"})
			p.ask(`query ($b: String) { buyers(search: "commune", last: 3, before: $b) `+page+` }`, vars{"b": before}).expect(map[string]string{
				"buyers.totalCount": "7", "buyers.nodes": "[]", "buyers.pageInfo.hasPreviousPage": "false",
			})
			break
		}
	}
	if fmt.Sprint(forwards) != all || fmt.Sprint(backwards) != all {
		t.Errorf("forwards %v, backwards %v, want %s", forwards, backwards, all)
	}
	for _, row := range []string{`"a":0,"s":"z","i":1`, `"a":9223372036854775807,"i":9223372036854775807`} {
		after := base64.RawURLEncoding.EncodeToString([]byte(`{"l":"buyers",` + row + `}`))
		p.ask(`query ($a: String) { buyers(search: "commune", after: $a) `+page+` }`, vars{"a": after}).expect(map[string]string{
			"buyers.totalCount": "7", "buyers.nodes": "[]", "buyers.pageInfo.hasNextPage": "false",
		})
	}
}

func TestPreview(t *testing.T) { eachPair(t, testPreview) }

func testPreview(t *testing.T, w *world) {
	unsaid := w.notice("3", "Voirie sans nature", "Commune", 3)
	unsaid.Content.Natures = nil
	old := w.notice("4", "Voirie ancienne", "Commune", 24*40, "01")
	w.publish(w.notice("1", "Voirie", "Commune", 1, "01"), w.notice("2", "Fauchage", "Commune", 2), unsaid, old)
	p := w.person("a@example.org")
	preview := func(criteria vars) reply {
		return p.ask(`query ($c: CriteriaInput!) { previewMatches(criteria: $c, first: 2) { onlineCount last30Days nodes { title } userErrors { field code } warnings { field code message } } }`, vars{"c": criteria})
	}
	preview(vars{"keywordsText": "voirie"}).expect(map[string]string{
		"previewMatches.onlineCount": "3", "previewMatches.last30Days": "2", "previewMatches.nodes.*.title": "[Voirie Voirie sans nature]",
		"previewMatches.warnings": "[]", "previewMatches.userErrors": "[]",
	})
	preview(vars{"keywordsText": "de la voirie", "natures": []string{"WORKS"}}).expect(map[string]string{
		"previewMatches.onlineCount":        "2",
		"previewMatches.warnings.*.code":    "[STOP_WORD_DROPPED STOP_WORD_DROPPED UNKNOWN_LEFT_OUT]",
		"previewMatches.warnings.2.field":   "[criteria natures]",
		"previewMatches.warnings.2.message": "Marchés en ligne exclus, car leur nature n’est pas indiquée\u00a0: 1.",
	})
	preview(vars{}).expect(map[string]string{"previewMatches.onlineCount": "4", "previewMatches.warnings.*.code": "[TOO_BROAD]"})
	preview(vars{"keywordsText": "voirie", "keywords": nil, "natures": nil}).expect(map[string]string{
		"previewMatches.onlineCount": "3", "previewMatches.userErrors": "[]",
	})
	preview(vars{"keywordsText": "ab"}).expect(map[string]string{
		"previewMatches.onlineCount": "<nil>", "previewMatches.userErrors": "[map[code:TOO_SHORT field:[criteria keywordsText]]]",
	})
}

func TestPublishNotices(t *testing.T) { eachPair(t, testPublishNotices) }

func testPublishNotices(t *testing.T, w *world) {
	p := person{w, &graph.Viewer{Sources: []string{"portal"}}}
	const mutation = `mutation ($in: [NoticeInput!]!) { publishNotices(input: $in) { results { outcome notice { tender { title status deadline } changes { field label before after } } } userErrors { field code } } }`
	good := vars{"source": "portal", "sourceRef": "A1", "title": "Voirie &amp; réseaux", "buyerName": "Commune", "publishedAt": "2026-11-01T09:00:00+01:00", "deadline": "2026-12-01T12:00:00+01:00"}
	bad := vars{"source": "boamp", "sourceRef": "", "title": " ", "buyerName": "Commune", "buyerSiret": "123", "publishedAt": "2027-01-01T00:00:00Z", "url": "javascript:alert(1)", "departmentCodes": []string{"20"}, "cpvCodes": []string{"45"}}
	p.ask(mutation, vars{"in": []vars{good, bad}}).expect(map[string]string{
		"publishNotices.results.*.outcome":                "[CREATED REFUSED]",
		"publishNotices.results.1.notice":                 "<nil>",
		"publishNotices.results.0.notice.tender.title":    "Voirie & réseaux",
		"publishNotices.results.0.notice.tender.deadline": "2026-12-01T11:00:00Z",
		"publishNotices.userErrors.*.code":                "[NOT_ALLOWED BLANK BLANK NOT_FOUND INVALID INVALID INVALID INVALID]",
		"publishNotices.userErrors.0.field":               "[input 1 source]",
	})
	p.ask(mutation, vars{"in": []vars{good}}).expect(map[string]string{"publishNotices.results.*.outcome": "[UNCHANGED]"})
	correction := vars{"source": "portal", "sourceRef": "A2", "previousRef": "A1", "kind": "CORRECTION", "title": "Voirie & réseaux", "buyerName": "Commune", "publishedAt": "2026-11-03T09:00:00+01:00", "deadline": "2026-12-07T17:00:00+01:00"}
	p.ask(mutation, vars{"in": []vars{correction}}).expect(map[string]string{
		"publishNotices.results.0.outcome":        "CREATED",
		"publishNotices.results.0.notice.changes": "[map[after:lundi 7 décembre 2026 à 17\u00a0h\u00a000 (heure de Paris) before:mardi 1er décembre 2026 à 12\u00a0h\u00a000 (heure de Paris) field:deadline label:Date limite de réponse]]",
	})
	// What one mutation published, the next of the same request shows as it is then.
	both := p.ask(`mutation ($a: [NoticeInput!]!, $b: [NoticeInput!]!) {
		a: publishNotices(input: $a) { results { notice { tender { title notices { kind } } } } }
		b: publishNotices(input: $b) { results { notice { tender { title notices { kind } } changes { field } } } } }`, vars{
		"a": []vars{{"source": "portal", "sourceRef": "B1", "title": "Pont", "buyerName": "Commune", "publishedAt": "2026-11-01T09:00:00Z"}},
		"b": []vars{{"source": "portal", "sourceRef": "B2", "previousRef": "B1", "kind": "CORRECTION", "title": "Ponts", "buyerName": "Commune", "publishedAt": "2026-11-02T09:00:00Z"}},
	})
	both.expect(map[string]string{
		"a.results.0.notice.tender.title": "Pont", "b.results.0.notice.tender.title": "Ponts",
		"b.results.0.notice.tender.notices.*.kind": "[CONTRACT_NOTICE CORRECTION]", "b.results.0.notice.changes.*.field": "[title]",
	})
	cancellation := vars{"source": "portal", "sourceRef": "A3", "previousRef": "A2", "kind": "CANCELLATION", "title": "Voirie & réseaux", "buyerName": "Commune", "publishedAt": "2026-11-04T09:00:00+01:00"}
	p.ask(mutation, vars{"in": []vars{cancellation}}).expect(map[string]string{"publishNotices.results.0.notice.tender.status": "CANCELLED"})
	w.follow()
	p.ask(`{ tenders(filter: { statuses: [CANCELLED] }) { totalCount nodes { notices { kind sourceRef } } } }`, nil).expect(map[string]string{
		"tenders.totalCount": "1", "tenders.nodes.0.notices.*.sourceRef": "[A1 A2 A3]",
	})
	// A deadline before the publication is stored, and its publisher is warned.
	late := vars{"source": "portal", "sourceRef": "C1", "title": "Pont", "buyerName": "Commune", "publishedAt": "2026-11-01T09:00:00Z", "deadline": "2026-10-01T09:00:00Z"}
	p.ask(`mutation ($in: [NoticeInput!]!) { publishNotices(input: $in) { results { outcome notice { tender { status } } } warnings { code field } userErrors { code } } }`, vars{"in": []vars{good, late}}).expect(map[string]string{
		"publishNotices.results.1":  "map[notice:map[tender:map[status:CLOSED]] outcome:CREATED]",
		"publishNotices.warnings":   "[map[code:DEADLINE_BEFORE_PUBLICATION field:[input 1 deadline]]]",
		"publishNotices.userErrors": "[]",
	})
	reader := w.person("a@example.org")
	if r := reader.post(mutation, vars{"in": []vars{good}}); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "FORBIDDEN" {
		t.Errorf("a reader published: %v", r.Data)
	}
	many := make([]vars, 501)
	for i := range many {
		many[i] = good
	}
	p.ask(mutation, vars{"in": many}).expect(map[string]string{"publishNotices.results": "[]", "publishNotices.userErrors.*.code": "[TOO_MANY]"})
}

func TestWithdrawTender(t *testing.T) { eachPair(t, testWithdrawTender) }

func testWithdrawTender(t *testing.T, w *world) {
	p := person{w, &graph.Viewer{Sources: []string{"portal"}}}
	id := p.ask(`mutation { publishNotices(input: [
		{ source: "portal", sourceRef: "A1", title: "Voirie", buyerName: "Commune", publishedAt: "2026-11-01T09:00:00Z" },
		{ source: "portal", sourceRef: "A2", title: "Voirie", buyerName: "Commune", publishedAt: "2026-11-01T10:00:00Z" }]) {
		results { notice { tender { id } } } } }`, nil).text("publishNotices.results.0.notice.tender.id")
	w.follow()
	const list = `query ($id: ID!) { tenders { totalCount nodes { sourceRef } } tender(id: $id) { id } node(id: $id) { id } }`
	p.ask(list, vars{"id": id}).expect(map[string]string{"tenders.totalCount": "2", "tender.id": id, "node.id": id})

	const withdraw = `mutation ($source: String! = "portal", $ref: String!) { withdrawTender(source: $source, sourceRef: $ref) { withdrawnTenderId userErrors { field code } } }`
	for _, wrong := range []struct{ source, ref, want string }{
		{"portal", "A9", "[map[code:NOT_FOUND field:[sourceRef]]]"},
		{"boamp", "A1", "[map[code:NOT_ALLOWED field:[source]]]"},
	} {
		p.ask(withdraw, vars{"source": wrong.source, "ref": wrong.ref}).expect(map[string]string{
			"withdrawTender.userErrors": wrong.want, "withdrawTender.withdrawnTenderId": "<nil>",
		})
	}
	for range 2 {
		p.ask(withdraw, vars{"ref": "A1"}).expect(map[string]string{"withdrawTender.withdrawnTenderId": id, "withdrawTender.userErrors": "[]"})
		// The list does not show it, though the index may for a moment.
		p.ask(list, vars{"id": id}).expect(map[string]string{"tenders.nodes.*.sourceRef": "[A2]", "tender": "<nil>", "node": "<nil>"})
	}
	w.follow()
	p.ask(list, vars{"id": id}).expect(map[string]string{"tenders.nodes.*.sourceRef": "[A2]", "tenders.totalCount": "1"})
	if r := w.person("a@example.org").post(withdraw, vars{"ref": "A2"}); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "FORBIDDEN" {
		t.Errorf("a reader withdrew: %v", r.Data)
	}
}

func TestUpsertBuyers(t *testing.T) { eachPair(t, testUpsertBuyers) }

func testUpsertBuyers(t *testing.T, w *world) {
	p := person{w, &graph.Viewer{Sources: []string{"portal"}}}
	const upsert = `mutation ($in: [BuyerInput!]!) { upsertBuyers(input: $in) { results { outcome buyer { id name siret city departmentCode } } userErrors { field code } } }`
	good := vars{"source": "portal", "ref": "1", "name": "Commune d&#39;Exemple", "siret": "999 000 000 00011", "city": "Exemple", "departmentCode": "01"}
	bad := vars{"source": "boamp", "ref": " ", "name": "", "siret": "1", "departmentCode": "20", "formerNames": []string{""}}
	first := p.ask(upsert, vars{"in": []vars{good, bad}})
	first.expect(map[string]string{
		"upsertBuyers.results.*.outcome": "[CREATED REFUSED]", "upsertBuyers.results.1.buyer": "<nil>",
		"upsertBuyers.results.0.buyer.name": "Commune d'Exemple", "upsertBuyers.results.0.buyer.siret": "99900000000011",
		"upsertBuyers.results.0.buyer.city": "Exemple", "upsertBuyers.results.0.buyer.departmentCode": "01",
		"upsertBuyers.userErrors.*.code":  "[NOT_ALLOWED BLANK BLANK INVALID NOT_FOUND BLANK]",
		"upsertBuyers.userErrors.0.field": "[input 1 source]",
	})
	id := first.text("upsertBuyers.results.0.buyer.id")
	p.ask(upsert, vars{"in": []vars{good}}).expect(map[string]string{"upsertBuyers.results.*.outcome": "[UNCHANGED]"})
	published := p.ask(`mutation { publishNotices(input: [
		{ source: "portal", sourceRef: "A1", title: "Voirie", buyerName: "Mairie", buyerRef: "1", publishedAt: "2026-11-01T09:00:00Z" }]) {
		results { notice { tender { buyer { id } } } } } }`, nil)
	published.expect(map[string]string{"publishNotices.results.0.notice.tender.buyer.id": id})
	w.follow()
	// Free text finds its tenders by the name that it has now.
	renamed := vars{"source": "portal", "ref": "1", "name": "Agglomération fictive"}
	p.ask(upsert, vars{"in": []vars{renamed}}).expect(map[string]string{"upsertBuyers.results.*.outcome": "[CORRECTED]"})
	w.follow()
	p.ask(`{ tenders(search: "agglomération") { nodes { sourceRef buyer { name } } } }`, nil).expect(map[string]string{
		"tenders.nodes.*.sourceRef": "[A1]", "tenders.nodes.*.buyer.name": "[Agglomération fictive]",
	})
	if r := w.person("a@example.org").post(upsert, vars{"in": []vars{good}}); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "FORBIDDEN" {
		t.Errorf("a reader registered buyers: %v", r.Data)
	}
}
