package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vigie"
)

const publishing = `mutation ($in: [NoticeInput!]!) { publishNotices(input: $in) {
	results { outcome notice { documentsChanged correction changes { field label before after } tender { id } } } userErrors { field code }
} }`

// wholeNotice is a notice with all that one can say.
func wholeNotice(now time.Time) vars {
	money := func(amount string) vars { return vars{"amount": amount} }
	return vars{
		"source": "test", "sourceRef": "W-1", "title": "Transport scolaire", "buyerName": "Commune d’Exemple", "publishedAt": now.Add(-time.Hour),
		"deadline": now.AddDate(0, 1, 0), "deadlineKind": "PARTICIPATION", "value": money("120000.00"), "duration": vars{"number": 48, "unit": "MONTH"},
		"renewals": 3, "technique": "FRAMEWORK", "questionsUntil": now.AddDate(0, 0, 20), "documentsUrl": "https://dce.example/1",
		"submissionUrl": "https://depot.example/1", "reserved": true, "social": true, "environmental": false, "languages": []string{"FR", "en", "fr"},
		"places":        []vars{{"town": "Bourg-en-Bresse", "postcode": "01000", "departmentCode": "01", "nuts": "frk21", "country": "fr"}},
		"awardCriteria": []vars{{"kind": "PRICE", "weight": "60"}, {"name": "Délai", "weight": "40.5", "unit": "POINTS"}},
		"lots": []vars{{
			"number": "3", "title": "Secteur nord", "description": "Les trajets\n\ndu matin et du soir.", "value": money("99.5"), "cpvCodes": []string{"60130000"},
			"nature": "SERVICES", "places": []vars{{"town": "Kehl", "country": "DE"}}, "duration": vars{"start": "2027-01-01", "end": "2027-12-31"},
			"deadline": now.AddDate(0, 1, 0), "awardCriteria": []vars{{"name": "Prix", "weight": "1", "unit": "RANK"}},
		}, {"number": "4", "title": "Secteur sud"}},
		"awards": []vars{{
			"lot": "3", "outcome": "AWARDED", "winners": []vars{{"name": "Cars Exemple", "siret": "356 000 000 00048", "town": "Lyon", "country": "FR"}},
			"amount": vars{"amount": "98", "currency": "chf"}, "bids": 0, "day": "2026-12-24",
		}, {"lot": "4", "outcome": "NOT_AWARDED", "reason": "Aucune offre"}},
	}
}

// All that a bidder decides by comes back as it was published, with words for people.
func TestWholeTender(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		publisher := w.person("publisher@example.org")
		publisher.viewer.Sources = []string{"test"}
		r := publisher.ask(publishing, vars{"in": []vars{wholeNotice(w.now)}})
		r.expect(map[string]string{"publishNotices.userErrors": "[]", "publishNotices.results.0.outcome": "CREATED"})
		const place = `{ town postcode department { code } nuts country label }`
		const criteria = `{ kind name weight unit label }`
		const award = `{ lot outcome reason winners { name siret town country } amount { amount currency label } bids day }`
		publisher.ask(`query ($id: ID!) { tender(id: $id) {
			deadlineKind value { amount currency label } duration { number unit start end label } renewals technique questionsUntil documentsUrl submissionUrl
			places `+place+` abroad reserved social environmental awardCriteria `+criteria+` languages awards `+award+`
			lots { number description value { amount label } cpvCodes cpvs { label } nature places { label } duration { number start label } deadline awardCriteria `+criteria+` award `+award+` }
		} }`, vars{"id": r.at("publishNotices.results.0.notice.tender.id")}).expect(map[string]string{
			"tender.deadlineKind":             "PARTICIPATION",
			"tender.value":                    "map[amount:120000 currency:EUR label:120\u00a0000\u00a0€]",
			"tender.duration":                 "map[end:<nil> label:48 mois number:48 start:<nil> unit:MONTH]",
			"tender.renewals":                 "3",
			"tender.technique":                "FRAMEWORK",
			"tender.questionsUntil":           w.now.AddDate(0, 0, 20).Format(time.RFC3339),
			"tender.documentsUrl":             "https://dce.example/1",
			"tender.submissionUrl":            "https://depot.example/1",
			"tender.places":                   "[map[country:FR department:map[code:01] label:Bourg-en-Bresse (01000) nuts:FRK21 postcode:01000 town:Bourg-en-Bresse]]",
			"tender.abroad":                   "false",
			"tender.reserved":                 "true",
			"tender.environmental":            "false",
			"tender.awardCriteria.*.label":    "[Prix\u00a0: 60\u00a0% Délai\u00a0: 40,50 points]",
			"tender.awardCriteria.*.unit":     "[PERCENT POINTS]",
			"tender.languages":                "[en fr]",
			"tender.awards.*.lot":             "[3 4]",
			"tender.lots.0.description":       "Les trajets\n\ndu matin et du soir.",
			"tender.lots.0.value":             "map[amount:99.50 label:99,50\u00a0€]",
			"tender.lots.0.cpvCodes":          "[60130000]",
			"tender.lots.0.nature":            "SERVICES",
			"tender.lots.0.places.0.label":    "Kehl (Allemagne)",
			"tender.lots.0.duration":          "map[label:du 01/01/2027 au 31/12/2027 number:<nil> start:2027-01-01]",
			"tender.lots.0.awardCriteria.0":   "map[kind:<nil> label:Prix (rang 1) name:Prix unit:RANK weight:1]",
			"tender.lots.0.award":             "map[amount:map[amount:98 currency:CHF label:98 CHF] bids:0 day:2026-12-24 lot:3 outcome:AWARDED reason:<nil> winners:[map[country:FR name:Cars Exemple siret:35600000000048 town:Lyon]]]",
			"tender.lots.1.award.reason":      "Aucune offre",
			"tender.lots.1.award.bids":        "<nil>",
			"tender.lots.1.places":            "[]",
			"tender.lots.1.value":             "<nil>",
			"tender.awards.1.winners":         "[]",
			"tender.lots.0.cpvs.0.label":      "Services spécialisés de transport routier de passagers",
			"tender.awards.0.amount.currency": "CHF",
		})
		// A correction that says that the documents are others now is told as that.
		correction := vars{
			"source": "test", "sourceRef": "W-2", "previousRef": "W-1", "kind": "CORRECTION", "title": "Transport scolaire", "buyerName": "Commune d’Exemple",
			"publishedAt": w.now, "documentsChanged": true, "correction": "Au lieu de : 40 places. Lire : 50 places.",
		}
		publisher.ask(publishing, vars{"in": []vars{correction}}).expect(map[string]string{
			"publishNotices.results.0.notice.documentsChanged": "true",
			"publishNotices.results.0.notice.correction":       "Au lieu de : 40 places. Lire : 50 places.",
			"publishNotices.results.0.notice.changes":          "[map[after:modifiés before:<nil> field:documents label:Documents de la consultation]]",
		})
		// A planning notice announces a tender that cannot be answered yet.
		publisher.ask(`mutation ($in: [NoticeInput!]!) { publishNotices(input: $in) { results { notice { kind documentsChanged tender { status abroad value { label } lots { number } awards { lot } } } } } }`, vars{"in": []vars{{
			"source": "test", "sourceRef": "P-1", "kind": "PLANNING", "title": "Pont", "buyerName": "Commune", "publishedAt": w.now, "places": []vars{{"country": "DE"}},
		}}}).expect(map[string]string{"publishNotices.results.0.notice": "map[documentsChanged:false kind:PLANNING tender:map[abroad:true awards:[] lots:[] status:PLANNED value:<nil>]]"})
	})
}

// What is wrong with a notice is told at its place, in both languages; nothing of it is stored.
func TestWholeTenderRefused(t *testing.T) {
	w := newWorld(t)
	publisher := w.person("publisher@example.org")
	publisher.viewer.Sources = []string{"test"}
	many := func(n int, thing vars) (list []vars) {
		for range n {
			list = append(list, thing)
		}
		return list
	}
	lot := func(more vars) []vars {
		l := vars{"title": "Lot"}
		for name, v := range more {
			l[name] = v
		}
		return []vars{l}
	}
	award := func(more vars) []vars {
		a := vars{"outcome": "AWARDED"}
		for name, v := range more {
			a[name] = v
		}
		return []vars{a}
	}
	winner := func(w vars) []vars { return award(vars{"winners": []vars{w}}) }
	for want, given := range map[string]vars{
		"value INVALID":                         {"value": vars{"amount": "99999999999999"}},
		"value INVALID ":                        {"value": vars{"amount": "10.555"}},
		"value INVALID  ":                       {"value": vars{"amount": "-10"}},
		"value INVALID   ":                      {"value": vars{"amount": "10", "currency": "euros"}},
		"duration INVALID":                      {"duration": vars{"number": 0, "unit": "DAY"}},
		"duration INVALID ":                     {"duration": vars{"number": 4}},
		"duration INVALID  ":                    {"duration": vars{"start": "2027-02-30"}},
		"renewals INVALID":                      {"renewals": 1000},
		"questionsUntil INVALID":                {"questionsUntil": w.now.AddDate(30, 0, 0)},
		"documentsUrl INVALID":                  {"documentsUrl": "javascript:alert(1)"},
		"submissionUrl INVALID":                 {"submissionUrl": "depot.example"},
		"places.0 INVALID":                      {"places": []vars{{}}},
		"places.1.postcode INVALID":             {"places": []vars{{"country": "DE", "postcode": "77694"}, {"postcode": "1000"}}},
		"places.0.departmentCode INVALID":       {"places": []vars{{"departmentCode": "99"}}},
		"places.0.nuts INVALID":                 {"places": []vars{{"nuts": "FRANCE"}}},
		"places.0.country INVALID":              {"places": []vars{{"country": "France"}}},
		"places.0.town TOO_LONG":                {"places": []vars{{"town": strings.Repeat("a", 1001)}}},
		"places TOO_MANY":                       {"places": many(101, vars{"country": "FR"})},
		"languages.1 INVALID":                   {"languages": []string{"fr", "français"}},
		"languages TOO_MANY":                    {"languages": make([]string, 31)},
		"awardCriteria.0 INVALID":               {"awardCriteria": []vars{{"weight": "10"}}},
		"awardCriteria.0.weight INVALID":        {"awardCriteria": []vars{{"kind": "PRICE", "weight": "101"}}},
		"awardCriteria TOO_MANY":                {"awardCriteria": many(51, vars{"kind": "PRICE"})},
		"lots.0.value INVALID":                  {"lots": lot(vars{"value": vars{"amount": "1"}})},
		"lots.0.description TOO_LONG":           {"lots": lot(vars{"description": strings.Repeat("a", 10_001)})},
		"lots.0.cpvCodes.0 INVALID":             {"lots": lot(vars{"cpvCodes": []string{"45"}})},
		"lots.0.places.0.postcode INVALID":      {"lots": lot(vars{"places": []vars{{"postcode": "x"}}})},
		"lots.0.deadline INVALID":               {"lots": lot(vars{"deadline": w.now.AddDate(30, 0, 0)})},
		"lots.0.duration INVALID":               {"lots": lot(vars{"duration": vars{"start": "2028-01-01", "end": "2027-01-01"}})},
		"lots.0.awardCriteria.0.weight INVALID": {"lots": lot(vars{"awardCriteria": []vars{{"name": "Prix", "weight": "-1"}}})},
		"lots TOO_MANY":                         {"lots": many(501, vars{"title": "Lot"})},
		"awards.0.amount INVALID":               {"awards": award(vars{"amount": vars{"amount": "0"}})},
		"awards.0.bids INVALID":                 {"awards": award(vars{"bids": -1})},
		"awards.0.day INVALID":                  {"awards": award(vars{"day": "hier"})},
		"awards.0.winners.0.name INVALID":       {"awards": winner(vars{"name": "  "})},
		"awards.0.winners.0.siret INVALID":      {"awards": winner(vars{"name": "X", "siret": "123"})},
		"awards.0.winners TOO_MANY":             {"awards": award(vars{"winners": many(101, vars{"name": "X"})})},
		"awards.0.winners CONFLICTING":          {"awards": []vars{{"outcome": "NOT_AWARDED", "winners": []vars{{"name": "X"}}}}},
		"awards.1.lot CONFLICTING":              {"awards": append(award(nil), award(nil)...)},
		"awards TOO_MANY":                       {"awards": many(1001, vars{"outcome": "AWARDED"})},
		"correction TOO_LONG":                   {"correction": strings.Repeat("a", 10_001)},
	} {
		notice := wholeNotice(w.now)
		for name, v := range given {
			notice[name] = v
		}
		r := publisher.ask(`mutation ($in: [NoticeInput!]!) { publishNotices(input: $in) { results { outcome } userErrors { field code message } } }`, vars{"in": []vars{notice}})
		field, code, _ := strings.Cut(strings.TrimSpace(want), " ")
		path := fmt.Sprint(append([]string{"input", "0"}, strings.Split(field, ".")...))
		r.expect(map[string]string{"publishNotices.results.0.outcome": "REFUSED", "publishNotices.userErrors.*.field": "[" + path + "]", "publishNotices.userErrors.*.code": "[" + code + "]"})
	}
	publisher.ask(`{ tenders { totalCount } }`, nil).expect(map[string]string{"tenders.totalCount": "0"})
}

// Where a keyword is: explained, for the watches that match a tender, and for what was mailed.
func TestWhereKeywordsAre(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	watch := p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie", "fossés", "pont"}, "keywordMode": "ANY"}})
	n := w.notice("1", "Entretien", "Commune", 1)
	n.Content.Lots = append(n.Content.Lots, vigie.Lot{Number: "1", Title: "Peinture"}, vigie.Lot{Number: "3", Title: "Curage des fossés"})
	n.Content.CPVCodes = []string{"90610000"}
	w.publish(n)
	tender := p.tenderID("Entretien")
	const places = `places { keyword place lot code label excerpt { text hit } }`
	const want = "[map[code:90610000 excerpt:[map[hit:false text:Services de ] map[hit:true text:voirie] map[hit:false text: et services de balayage des rues]] keyword:voirie" +
		" label:CPV 90610000 (Services de voirie et services de balayage des rues) lot:<nil> place:CPV]" +
		" map[code:<nil> excerpt:[map[hit:false text:Curage des ] map[hit:true text:fossés]] keyword:fossés label:lot 3 lot:3 place:LOT]]"
	p.ask(`query ($w: ID!, $t: ID!) {
		explainMatch(watchId: $w, tenderId: $t) { criteria { criterion `+places+` } }
		tender(id: $t) { matchedBy { keywords `+places+` } }
		matchingTenders { edges { matchedBy { `+places+` } } }
	}`, vars{"w": watch, "t": tender}).expect(map[string]string{
		"explainMatch.criteria.0.places": want, "tender.matchedBy.0.places": want, "matchingTenders.edges.0.matchedBy.0.places": want,
		"tender.matchedBy.0.keywords": "[voirie fossés]",
	})
	box := &postbox{}
	w.mails(box)
	alerting := p.createAlerting()
	w.mails(box)
	m := w.notice("2", "Voirie communale", "Commune", 0)
	w.publish(m)
	w.mails(box)
	p.ask(`query ($w: ID!) { watch(id: $w) { deliveries { nodes { reasons { keywords places { keyword label } } } } } }`, vars{"w": alerting}).expect(map[string]string{
		"watch.deliveries.nodes.0.reasons.0.places": "[map[keyword:voirie label:objet]]",
	})
}

// A tender of 500 lots of 10,000 characters each is published, read, matched and mailed; the mail says what it leaves out.
func TestLongestTender(t *testing.T) {
	w := newWorld(t)
	p, box := w.person("a@example.org"), &postbox{}
	p.viewer.Sources = []string{"test"}
	p.createAlerting()
	w.mails(box)
	notice := vars{"source": "test", "sourceRef": "L", "title": "Travaux de voirie", "buyerName": "Commune", "publishedAt": w.now, "deadline": w.now.AddDate(0, 1, 0)}
	var lots []vars
	for i := range 500 {
		lots = append(lots, vars{"number": fmt.Sprint(i + 1), "title": fmt.Sprintf("Voirie du secteur %d", i), "description": strings.Repeat(fmt.Sprintf("chaussée%d ", i), 1000)[:10_000], "value": vars{"amount": "1000.50"}})
	}
	notice["lots"] = lots
	p.ask(publishing, vars{"in": []vars{notice}}).expect(map[string]string{"publishNotices.userErrors": "[]", "publishNotices.results.0.outcome": "CREATED"})
	w.follow()
	r := p.ask(`{ tenders { nodes { lots { description value { label } } matchedBy { places { label } } } } }`, nil)
	if lots := r.at("tenders.nodes.0.lots").([]any); len(lots) != 500 {
		t.Errorf("%d lots", len(lots))
	}
	r.expect(map[string]string{"tenders.nodes.0.matchedBy.0.places.*.label": "[objet lot 1 lot 2 lot 3 lot 4 lot 5 lot 6 lot 7 lot 8 lot 9]"})
	w.mails(box)
	mail := box.all[len(box.all)-1]
	if len(mail.Text) > 3_000 || len(mail.HTML) > 10_000 || !strings.Contains(mail.Text, "et 490 autres lots") {
		t.Errorf("%d bytes of text, %d of HTML:\n%s", len(mail.Text), len(mail.HTML), mail.Text)
	}
}
