package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"vigie"
	"vigie/store/storetest"
)

// publishValued publishes tenders that differ in value, technique, kind of deadline, source and place.
func publishValued(w *world) {
	var notices []*vigie.Notice
	for i, change := range []func(c *vigie.Content){
		func(c *vigie.Content) {
			c.Details.Value, c.Details.Technique = vigie.Money{Amount: "39999.99", Currency: "EUR"}, vigie.OwnContract
		},
		func(c *vigie.Content) {
			c.Details.Value, c.Details.Technique = vigie.Money{Amount: "40000", Currency: "EUR"}, vigie.FrameworkAgreement
		},
		func(c *vigie.Content) {
			c.Details.Value, c.DeadlineKind = vigie.Money{Amount: "90000.50", Currency: "EUR"}, vigie.ForParticipation
		},
		func(c *vigie.Content) { c.Details.Value = vigie.Money{Amount: "50000", Currency: "CHF"} },
		func(c *vigie.Content) { c.Deadline = nil },
		func(c *vigie.Content) {
			c.Departments, c.Details.Places = nil, []vigie.Place{{Country: "CH", Town: "Genève"}}
		},
	} {
		n := w.notice(fmt.Sprint(i+1), fmt.Sprint("Voirie ", i+1), "Commune de Valfleury", i+1, "01")
		change(&n.Content)
		notices = append(notices, n)
	}
	notices[5].Source = "ted"
	w.publish(notices...)
}

func TestValues(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		publishValued(w)
		p := w.person("a@example.org")
		const list = `query ($f: TenderFilter) { tenders(filter: $f) { totalCount nodes { title } facets {
			deadlineKinds { value label count } techniques { value label count } sources { value label count } departments { value label count } } } }`
		titles := func(r reply, path string) string { return strings.ReplaceAll(r.text(path), "Voirie ", "") }
		for _, c := range []struct {
			filter vars
			want   string
		}{
			{vars{}, "[1 2 3 4 5 6]"},
			{vars{"minValue": "40000"}, "[2 3]"},
			{vars{"minValue": "40000.01"}, "[3]"},
			{vars{"maxValue": "40000.00"}, "[1 2]"},
			{vars{"minValue": "40000", "maxValue": "90000.49"}, "[2]"},
			{vars{"minValue": "0"}, "[1 2 3]"},
			{vars{"minValue": "", "maxValue": nil}, "[1 2 3 4 5 6]"},
			{vars{"deadlineKinds": []string{"BIDS"}}, "[1 2 4 6]"},
			{vars{"deadlineKinds": []string{"PARTICIPATION", "INTEREST"}}, "[3]"},
			{vars{"techniques": []string{"FRAMEWORK", "DYNAMIC_PURCHASING_SYSTEM"}}, "[2]"},
			{vars{"sources": []string{"ted", "elsewhere"}}, "[6]"},
			{vars{"departmentCodes": []string{"ABROAD"}}, "[6]"},
			{vars{"departmentCodes": []string{"NATIONWIDE"}}, "[]"},
		} {
			if got := titles(p.ask(list, vars{"f": c.filter}), "tenders.nodes.*.title"); got != c.want {
				t.Errorf("%v lists %s, not %s", c.filter, got, c.want)
			}
		}
		p.ask(list, vars{"f": vars{"departmentCodes": []string{"ABROAD"}, "sources": []string{"ted"}}}).expectPlain(map[string]string{
			"tenders.facets.deadlineKinds": "[map[count:1 label:Offres value:BIDS]]",
			"tenders.facets.techniques":    "[]",
			"tenders.facets.sources":       "[map[count:1 label:TED value:ted]]",
			"tenders.facets.departments":   "[map[count:1 label:À l’étranger value:ABROAD]]",
		})
		p.ask(list, nil).expectPlain(map[string]string{
			"tenders.facets.techniques": "[map[count:1 label:Accord-cadre value:FRAMEWORK] map[count:1 label:Marché simple value:CONTRACT]]",
			"tenders.facets.sources":    "[map[count:5 label:test value:test] map[count:1 label:TED value:ted]]",
		})
		for field, filter := range map[string]vars{
			"filter.minValue": {"minValue": "beaucoup"}, "filter.maxValue": {"minValue": "2", "maxValue": "1.99"},
		} {
			r := p.post(list, vars{"f": filter})
			if len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "BAD_REQUEST" || fmt.Sprint(r.Errors[0].Extensions["argument"]) != field {
				t.Errorf("%v: %+v", filter, r.Errors)
			}
		}

		// A watch lets those pass that do not say, unless told otherwise.
		for want, criteria := range map[string]vars{
			"[2 3 4 5 6]": {"minValue": "40000"},
			"[2 3]":       {"minValue": "40000", "includeUnknownValue": false},
			"[1 4 5 6]":   {"maxValue": "39999.99"},
			"[1 2 3 4 5]": {"departmentCodes": []string{"01"}, "includeNationwide": true},
			"[2]":         {"techniques": []string{"FRAMEWORK"}, "deadlineKinds": []string{"BIDS"}, "maxValue": "40000"},
		} {
			id := p.create(vars{"name": want, "criteria": criteria})
			if got := titles(p.ask(`query ($id: ID!) { watch(id: $id) { matchingTenders { nodes { title } } } }`, vars{"id": id}), "watch.matchingTenders.nodes.*.title"); got != want {
				t.Errorf("%v matches %s, not %s", criteria, got, want)
			}
		}
		preview := func(criteria vars) reply {
			return p.ask(`query ($c: CriteriaInput!) { previewMatches(criteria: $c) { onlineCount userErrors { field code } warnings { field code message } } }`, vars{"c": criteria})
		}
		preview(vars{"minValue": "40000"}).expectPlain(map[string]string{
			"previewMatches.onlineCount": "5",
			"previewMatches.warnings":    "[map[code:UNKNOWN_LET_THROUGH field:[criteria includeUnknownValue] message:Marchés en ligne trouvés bien que leur valeur ne soit pas indiquée en euros : 3.]]",
		})
		preview(vars{"minValue": "40000", "includeUnknownValue": false, "techniques": []string{"FRAMEWORK"}}).expectPlain(map[string]string{
			"previewMatches.onlineCount":        "1",
			"previewMatches.warnings.*.message": "[Marchés en ligne exclus, car leur technique d’achat n’est pas indiquée : 1.]",
		})
		preview(vars{"deadlineKinds": []string{"BIDS"}}).expectPlain(map[string]string{
			"previewMatches.onlineCount": "4", "previewMatches.warnings.*.field": "[[criteria deadlineKinds]]",
		})
		preview(vars{"minValue": "-1"}).expectPlain(map[string]string{
			"previewMatches.onlineCount": "<nil>", "previewMatches.userErrors": "[map[code:INVALID field:[criteria minValue]]]",
		})
	})
}

func TestValuesOfWatches(t *testing.T) {
	w := newWorld(t)
	publishValued(w)
	p := w.person("a@example.org")
	const criteria = `criteria { minValue maxValue includeUnknownValue techniques deadlineKinds summary }`
	for _, c := range []struct {
		criteria vars
		want     string
	}{
		{vars{"minValue": "90000", "maxValue": "40000"}, "[map[code:CONFLICTING field:[input criteria maxValue]]]"},
		{vars{"minValue": "0.001"}, "[map[code:INVALID field:[input criteria minValue]]]"},
		{vars{"maxValue": "-5"}, "[map[code:INVALID field:[input criteria maxValue]]]"},
		{vars{"maxValue": "12345678901234"}, "[map[code:INVALID field:[input criteria maxValue]]]"},
		{vars{"minValue": "40 000,50 €", "maxValue": "1e6"}, "[map[code:INVALID field:[input criteria minValue]] map[code:INVALID field:[input criteria maxValue]]]"},
	} {
		p.ask(`mutation ($c: CriteriaInput!) { createWatch(input: { name: "x", criteria: $c }) { watch { id } userErrors { field code } } }`, vars{"c": c.criteria}).expectPlain(map[string]string{
			"createWatch.userErrors": c.want, "createWatch.watch": "<nil>",
		})
	}
	id := p.create(vars{"name": "x", "criteria": vars{
		"minValue": "040000.00", "maxValue": "90000.5", "includeUnknownValue": false, "techniques": []string{"FRAMEWORK", "CONTRACT"}, "deadlineKinds": []string{"BIDS"},
	}})
	p.ask(`query ($id: ID!) { watch(id: $id) { `+criteria+` } }`, vars{"id": id}).expectPlain(map[string]string{
		"watch.criteria.minValue": "40000", "watch.criteria.maxValue": "90000.50", "watch.criteria.includeUnknownValue": "false",
		"watch.criteria.techniques": "[CONTRACT FRAMEWORK]", "watch.criteria.deadlineKinds": "[BIDS]",
		"watch.criteria.summary": "Mot clé : non renseigné · Organisme : non renseigné · Département : non renseigné · Réponse attendue : Offres · " +
			"Techniques d’achat : Marché simple, Accord-cadre · Valeur estimée : de 40 000 € à 90 000,50 € · Marchés sans valeur en euros : exclus",
	})
	update := func(c vars) reply {
		return p.ask(`mutation ($id: ID!, $c: CriteriaInput!) { updateWatch(id: $id, input: { criteria: $c }) { watch { `+criteria+` } userErrors { field code } } }`, vars{"id": id, "c": c})
	}
	// The other bound is the one that the watch has.
	update(vars{"minValue": "90000.51"}).expectPlain(map[string]string{"updateWatch.userErrors": "[map[code:CONFLICTING field:[input criteria maxValue]]]"})
	update(vars{"maxValue": "", "includeUnknownValue": true}).expectPlain(map[string]string{
		"updateWatch.userErrors": "[]", "updateWatch.watch.criteria.minValue": "40000", "updateWatch.watch.criteria.maxValue": "<nil>", "updateWatch.watch.criteria.includeUnknownValue": "true",
	})
	update(vars{"minValue": "90000.51"}).expectPlain(map[string]string{"updateWatch.userErrors": "[]", "updateWatch.watch.criteria.minValue": "90000.51"})

	tenders := p.ask(`{ tenders(orderBy: PUBLISHED_AT_DESC) { nodes { id } } }`, nil)
	for i, found := range []string{"[39 999,99 €]", "[40 000 €]", "[90 000,50 €]", "[non indiquée en euros]"} {
		p.ask(`query ($w: ID!, $t: ID!) { explainMatch(watchId: $w, tenderId: $t) { criteria { criterion label satisfied wanted found } } }`,
			vars{"w": id, "t": tenders.at(fmt.Sprintf("tenders.nodes.%d.id", i))}).expectPlain(map[string]string{
			"explainMatch.criteria.2.criterion": "value", "explainMatch.criteria.2.label": "Valeur estimée", "explainMatch.criteria.2.found": found,
			"explainMatch.criteria.2.wanted": "[90 000,51 € ou plus non indiquée en euros]", "explainMatch.criteria.2.satisfied": fmt.Sprint(i == 3),
		})
	}
}

// TestBoundsChangedAtOnce: of two changes at the same time, each of one bound, that leave no value between them, one is
// refused, whichever is read first.
func TestBoundsChangedAtOnce(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			w := embedded(t, open(t))
			p := w.person("a@example.org")
			id := p.create(vars{"name": "x", "criteria": vars{"minValue": "1", "maxValue": "100"}})
			update := func(c vars) reply {
				return p.post(`mutation ($id: ID!, $c: CriteriaInput!) { updateWatch(id: $id, input: { criteria: $c }) { userErrors { code } } }`, vars{"id": id, "c": c})
			}
			for range 20 {
				update(vars{"minValue": "1", "maxValue": "100"})
				var both sync.WaitGroup
				replies := make([]reply, 2)
				for i, bound := range []vars{{"minValue": "60"}, {"maxValue": "40"}} {
					both.Go(func() { replies[i] = update(bound) })
				}
				both.Wait()
				var refused []string
				for _, r := range replies {
					refused = append(refused, r.text("updateWatch.userErrors"))
				}
				if slices.Sort(refused); !slices.Equal(refused, []string{"[]", "[map[code:CONFLICTING]]"}) {
					t.Fatalf("the changes are answered %v; %v", refused, p.ask(`query ($id: ID!) { watch(id: $id) { criteria { minValue maxValue } } }`, vars{"id": id}).at("watch.criteria"))
				}
			}
		})
	}
}

// expectPlain is expect of texts whose no-break spaces are plain ones.
func (r reply) expectPlain(want map[string]string) {
	r.t.Helper()
	for path, value := range want {
		if got := strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(r.text(path)); got != value {
			r.t.Errorf("%s:\n got %s\nwant %s", path, got, value)
		}
	}
}
