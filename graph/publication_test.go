package graph_test

import (
	"testing"

	"vigie"
)

// What several sources publish is one tender, which names them all.
func TestPublications(t *testing.T) { eachPair(t, testPublications) }

func testPublications(t *testing.T, w *world) {
	at := func(source, ref, url string, hours int) *vigie.Notice {
		n := w.notice(ref, "Réfection de voirie", "Commune de Beaulieu", hours)
		n.Source, n.Identifier, n.Content.URL = source, "8c5b7d0e-54cf-4a0e-a1ce-7f4b6e0c2a11-01", url
		return n
	}
	w.publish(at("boamp", "26-1", "https://www.boamp.fr/26-1", 30))
	w.publish(at("ted", "700-2026", "", 4))
	p := w.person("a@example.org")
	const bySource = `query ($sources: [String!]) { tenders(filter: { sources: $sources }) { totalCount facets { sources { value count } } } }`
	for source, count := range map[string]string{"boamp": "1", "ted": "1", "decp": "0"} {
		p.ask(bySource, vars{"sources": []string{source}}).expect(map[string]string{"tenders.totalCount": count})
	}
	p.ask(bySource, nil).expect(map[string]string{"tenders.facets.sources": "[map[count:1 value:boamp] map[count:1 value:ted]]"})
	r := p.ask(`{ tenders(filter: { statuses: [ONLINE] }) { totalCount nodes { id source notices { sourceRef } publications { source sourceRef label url publishedAt } } } }`, nil)
	r.expect(map[string]string{
		"tenders.totalCount": "1", "tenders.nodes.*.source": "[boamp]", "tenders.nodes.*.notices": "[[map[sourceRef:26-1]]]",
		"tenders.nodes.0.publications.*.source": "[boamp ted]", "tenders.nodes.0.publications.*.sourceRef": "[26-1 700-2026]",
		"tenders.nodes.0.publications.*.label": "[BOAMP 26-1 TED 700-2026]", "tenders.nodes.0.publications.*.url": "[https://www.boamp.fr/26-1 <nil>]",
	})
	one := p.ask(`query ($id: ID!) { tender(id: $id) { notices { sourceRef } publications { source } } by: tenderBySourceRef(source: "ted", sourceRef: "700-2026") { id } }`, vars{"id": r.at("tenders.nodes.0.id")})
	one.expect(map[string]string{"tender.notices": "[map[sourceRef:26-1]]", "tender.publications.*.source": "[boamp ted]", "by.id": r.text("tenders.nodes.0.id")})
}
