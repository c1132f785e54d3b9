package graph_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"vigie"
	"vigie/graph"
	"vigie/graph/wire"
)

// exported are the ids that an export of a list has, and the watches that match
// each with their keywords; or the code of what refuses it.
func (p person) exported(lists *graph.Lists, list string, by url.Values) (rows []string, code vigie.Code) {
	p.t.Helper()
	ctx := p.t.Context()
	if p.viewer != nil {
		ctx = graph.WithViewer(ctx, p.viewer)
	}
	plan, account, err := lists.Plan(ctx, list, by)
	if err != nil {
		_, code = lists.Present(ctx, err)
		return nil, code
	}
	export, err := p.service.OpenExport(ctx, plan, account)
	if err != nil {
		return nil, vigie.CodeOf(err)
	}
	for {
		page, err := export.Next(ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		if len(page) == 0 {
			return rows, ""
		}
		for _, t := range page {
			row := t.ID + " " + t.Title
			for _, m := range t.MatchedBy {
				row += fmt.Sprint(" ", m.Watch.Name, m.Keywords)
			}
			rows = append(rows, row)
		}
	}
}

// listed is what [person.exported] must be, by the API's own pages.
func (p person) listed(list string, variables vars) (rows []string, code vigie.Code) {
	p.t.Helper()
	declared, given := "$search: String, $complete: Boolean, $filter: TenderFilter, $orderBy: TenderOrder, $after: String", "search: $search, complete: $complete, filter: $filter, orderBy: $orderBy, after: $after"
	matched := "matchedBy { watch { name } keywords }"
	node := "id title " + matched
	edge := ""
	if list == "matchingTenders" {
		declared, given = declared+", $watchIds: [ID!], $includeInactive: Boolean", given+", watchIds: $watchIds, includeInactive: $includeInactive"
		node, edge = "id title", matched
	}
	query := "query (" + declared + ") { " + list + "(first: 100, " + given + ") { edges { node { " + node + " } " + edge + " } pageInfo { hasNextPage endCursor } } }"
	variables = maps.Clone(variables)
	for {
		r := p.post(query, variables)
		if len(r.Errors) > 0 {
			return nil, vigie.Code(fmt.Sprint(r.Errors[0].Extensions["code"]))
		}
		for _, e := range r.at(list + ".edges").([]any) {
			edge := e.(map[string]any)
			node := edge["node"].(map[string]any)
			row := fmt.Sprint(node["id"], " ", node["title"])
			matches, ok := edge["matchedBy"].([]any)
			if !ok {
				matches = node["matchedBy"].([]any)
			}
			for _, m := range matches {
				m := m.(map[string]any)
				row += fmt.Sprint(" ", m["watch"].(map[string]any)["name"], m["keywords"])
			}
			rows = append(rows, row)
		}
		if r.at(list+".pageInfo.hasNextPage") == false {
			return rows, ""
		}
		variables["after"] = r.at(list + ".pageInfo.endCursor")
	}
}

// lists reads addresses as the server does.
func (w *world) lists() *graph.Lists {
	return graph.NewLists(w.service, graph.Options{Limits: graph.DefaultLimits(), Log: testLog(w.t), Intake: wire.Intake{}})
}

// What fails while an export is planned is logged once, and words for its reader are not lost.
func TestExportFailureIsLoggedOnce(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.org")
	var logged bytes.Buffer
	lists := graph.NewLists(w.service, graph.Options{Limits: graph.DefaultLimits(), Log: slog.New(slog.NewTextHandler(&logged, nil)), Intake: wire.Intake{}})
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := graph.WithRequest(graph.WithViewer(t.Context(), ana.viewer), "request-1")
	_, _, err := lists.Plan(ctx, "matchingTenders", url.Values{})
	shown, code := lists.Present(ctx, err)
	if code != vigie.Internal || !strings.Contains(shown.Message, "de notre côté") || shown.Extensions["requestId"] != "request-1" || shown.Path != nil {
		t.Errorf("%+v", shown)
	}
	if n := strings.Count(logged.String(), "request failed"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, logged.String())
	}
}

// An export has what the list has, page by page, with any filter and order,
// and is refused for the same reasons.
func TestExportIsTheList(t *testing.T) { eachPair(t, testExportIsTheList) }

func testExportIsTheList(t *testing.T, w *world) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"voirie", "école", "toiture", "peinture", "assainissement", "menuiserie"}
	departments := []string{"01", "07", "26", "69", "2A"}
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	var notices []*vigie.Notice
	for i := range 1300 {
		n := w.notice(fmt.Sprint(i), pick(words)+" et "+pick(words), "Commune "+fmt.Sprint(i%7), random.IntN(2000), pick(departments))
		n.Content.Natures = []vigie.Nature{vigie.Natures()[random.IntN(3)]}
		n.Content.Procedure = vigie.Procedures()[random.IntN(6)]
		n.Content.CPVCodes = []string{[]string{"45233140", "45261000", "71000000"}[random.IntN(3)]}
		n.Content.Details.Value = vigie.Euros(int64(1+random.IntN(50)) * 1_000_000)
		switch random.IntN(6) {
		case 0:
			n.Content.Deadline = nil
		case 1:
			n.Content.Deadline = new(n.PublishedAt.AddDate(0, 0, random.IntN(40)))
		}
		notices = append(notices, n)
	}
	w.publish(notices...)
	correction := w.notice("c", "Voirie et école", "Commune 1", 0) // joins two
	correction.Kind, correction.Links = vigie.Correction, []string{"3", "4"}
	w.publish(correction)
	p := w.person("a@example.org")
	watches := []string{
		p.create(vars{"name": "a", "criteria": vars{"keywords": []string{"voirie"}}}),
		p.create(vars{"name": "b", "criteria": vars{"keywords": []string{"école", "toiture"}, "keywordMode": "ANY", "departmentCodes": []string{"01", "69"}}}),
		p.create(vars{"name": "c", "active": false, "criteria": vars{}}),
	}
	ids := p.ask(`{ tenders(first: 60) { nodes { id } } }`, nil).at("tenders.nodes.*.id").([]any)
	p.ask(`mutation ($seen: [ID!]!, $wanted: [ID!]!) { markTendersSeen(tenderIds: $seen) { userErrors { code } } markInterest(tenderIds: $wanted) { userErrors { code } } }`,
		vars{"seen": ids[:40], "wanted": ids[30:]})
	p.ask(`mutation ($id: ID!) { dismissTender(tenderId: $id) { userErrors { code } } }`, vars{"id": ids[0]})

	filter := func() vars {
		f := vars{}
		maybe := func(name string, value any) {
			if random.IntN(5) == 0 {
				f[name] = value
			}
		}
		maybe("departmentCodes", []string{pick(departments), pick(departments)})
		maybe("natures", []string{pick([]string{"WORKS", "SUPPLIES", "SERVICES"})})
		maybe("procedures", pick([]string{"OPEN", "ADAPTED"}))
		maybe("cpvCodes", []string{"45"})
		maybe("minValue", fmt.Sprint(random.IntN(300_000)))
		maybe("maxValue", fmt.Sprint(random.IntN(500_000)))
		maybe("statuses", [][]string{{"ONLINE"}, {"CLOSED"}, {"ONLINE", "CLOSED"}}[random.IntN(3)])
		maybe("seen", pick([]string{"HIDE", "ONLY", "SHOW"}))
		maybe("interested", pick([]string{"HIDE", "ONLY"}))
		maybe("dismissed", pick([]string{"HIDE", "ONLY", "SHOW"}))
		maybe("publishedFrom", w.now.AddDate(0, 0, -random.IntN(80)))
		maybe("deadlineTo", w.now.AddDate(0, 0, random.IntN(40)))
		maybe("sources", []string{"test"})
		if random.IntN(4) == 0 { // what is refused
			f[pick([]string{"departmentCodes", "natures", "minValue", "nothing", "cpvCodes", "buyerIds", "seen"})] = []any{"x", 1, nil, true, []string{"ABC"}}[random.IntN(5)]
		}
		return f
	}
	rounds := 150
	if testing.Short() {
		rounds = 40
	}
	lists, refused, found := w.lists(), 0, 0
	for range rounds {
		variables, by := vars{}, url.Values{}
		if random.IntN(4) > 0 {
			f := filter()
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			variables["filter"] = f
			by.Set("filter", string(text))
		}
		if random.IntN(3) == 0 {
			variables["search"] = pick([]string{"voirie", "ecole toiture", "Commune 3", "voiire", `"voirie et peinture"`, "a\x00b", strings.Repeat("x", 201)})
			by.Set("search", variables["search"].(string))
			variables["complete"] = random.IntN(2) == 0
			by.Set("complete", fmt.Sprint(variables["complete"]))
		}
		if random.IntN(2) == 0 {
			variables["orderBy"] = pick([]string{"PUBLISHED_AT_DESC", "PUBLISHED_AT_ASC", "DEADLINE_ASC", "DEADLINE_DESC", "RELEVANCE", "TITLE"})
			by.Set("orderBy", variables["orderBy"].(string))
		}
		list := pick([]string{"tenders", "matchingTenders"})
		if list == "matchingTenders" {
			if random.IntN(2) == 0 {
				some := slices.Clone(watches[random.IntN(3):])
				if random.IntN(8) == 0 {
					some = append(some, "watch_x")
				}
				variables["watchIds"], by["watch"] = some, some
			} else {
				variables["includeInactive"] = random.IntN(2) == 0
				by.Set("includeInactive", fmt.Sprint(variables["includeInactive"]))
			}
		}
		want, wantCode := p.listed(list, variables)
		got, code := p.exported(lists, list, by)
		if code != wantCode && !(code == vigie.BadRequest && wantCode == "GRAPHQL_VALIDATION_FAILED") || !slices.Equal(got, want) {
			t.Errorf("%s of %s: %d rows, %q; the list has %d, %q", list, by.Encode(), len(got), code, len(want), wantCode)
		}
		found += len(got)
		if code != "" {
			refused++
		}
	}
	if refused < rounds/15 || found < 100*rounds/3 {
		t.Errorf("%d were refused and %d rows found: too few to tell", refused, found)
	}
}

// What an address must not have is refused by its name.
func TestExportParameters(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	lists := w.lists()
	for query, want := range map[string]string{
		"page=2":                                "BAD_REQUEST page",
		"watchIds=x":                            "BAD_REQUEST watchIds",
		"search=a&search=b":                     "BAD_REQUEST search",
		"filter=":                               "BAD_REQUEST filter",
		"filter={}{}":                           "BAD_REQUEST filter",
		"filter=[]":                             "BAD_REQUEST <nil>",
		"filter={\"statuses\":[\"online\"]}":    "BAD_REQUEST <nil>",
		"filter={\"minValue\":\"1,5\"}":         "BAD_REQUEST filter.minValue",
		"filter={\"cpvCodes\":[\"x\"]}":         "BAD_REQUEST filter.cpvCodes",
		"includeInactive=yes":                   "BAD_REQUEST <nil>",
		"watch=x":                               "NOT_FOUND watchIds",
		"orderBy=RELEVANCE":                     "BAD_REQUEST orderBy",
		"orderBy=":                              "BAD_REQUEST <nil>",
		"":                                      "",
		"filter=null&orderBy=PUBLISHED_AT_DESC": "",
	} {
		by, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		ctx := graph.WithViewer(t.Context(), p.viewer)
		got := ""
		if _, _, err := lists.Plan(ctx, "matchingTenders", by); err != nil {
			shown, code := lists.Present(ctx, err)
			if again, ok := errors.AsType[*gqlerror.Error](err); shown.Message == "" || ok && again.Message == "" {
				t.Errorf("%s: no message", query)
			}
			got = fmt.Sprint(code, " ", shown.Extensions["argument"])
		}
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for viewer, want := range map[*graph.Viewer]vigie.Code{nil: vigie.Unauthenticated, {Sources: []string{"portal"}}: vigie.Forbidden} {
		if _, code := (person{w, viewer}).exported(lists, "matchingTenders", nil); code != want {
			t.Errorf("%v: %q, want %s", viewer, code, want)
		}
	}
	if _, code := (person{w, &graph.Viewer{Sources: []string{"portal"}}}).exported(lists, "tenders", nil); code != "" {
		t.Errorf("a publisher: %q", code)
	}
}
