package graph_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// A list reads no more of its tenders than it shows, and shows of each field what the tender by itself does: by nodes, by
// edges and by fragments.
func TestListsReadWhatTheyShow(t *testing.T) { eachPair(t, testListsReadWhatTheyShow) }

func testListsReadWhatTheyShow(t *testing.T, w *world) {
	publisher := w.person("publisher@example.org")
	publisher.viewer.Sources = []string{"test"}
	notice := wholeNotice(w.now)
	notice["description"], notice["reference"], notice["url"] = "Le matin et le soir.", "26-1", "https://marches.example/1"
	notice["cpvCodes"], notice["natures"], notice["procedure"] = []string{"60130000"}, []string{"SERVICES"}, "OPEN"
	r := publisher.ask(publishing, vars{"in": []vars{notice}})
	id := r.text("publishNotices.results.0.notice.tender.id")
	w.follow()
	p := w.person("a@example.org")
	p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"trajets"}}}) // which a lot alone has
	p.ask(`mutation ($id: ID!) { markTendersSeen(tenderIds: [$id]) { userErrors { code } } }`, vars{"id": id})
	var read texts
	w.store.Database().Observe(&read)
	for name, selection := range selections(t, "Tender") {
		want := fmt.Sprint(p.ask(`query ($id: ID!) { tender(id: $id) { f: `+selection+` } }`, vars{"id": id}).at("tender.f"))
		withNotices := p.ask(`query ($id: ID!) { tender(id: $id) { f: `+selection+` n: notices { id } } }`, vars{"id": id})
		if got := fmt.Sprint(withNotices.at("tender.f")); got != want {
			t.Errorf("%s is %s with the notices, by itself %s", name, got, want)
		}
		for _, list := range []string{
			`l: nodes { f: ` + selection + ` }`,
			`l: nodes { ... on Tender { ... on Node { ...F } } }`,
			`l: edges { cursor node { ...F } }`,
			`... on MatchingTenderConnection { l: edges { node { f: ` + selection + ` } } }`,
		} {
			read.clear()
			query := `{ a: matchingTenders { ` + list + ` } }`
			if strings.Contains(list, "...F") {
				query += ` fragment F on Tender { f: ` + selection + ` }`
			}
			got := p.ask(query, nil).at("a.l.0")
			if node, ok := got.(map[string]any)["node"]; ok {
				got = node
			}
			if got := fmt.Sprint(got.(map[string]any)["f"]); got != want {
				t.Errorf("%s is %s in a list, by itself %s:\n%s", name, got, want, query)
			}
			if lots := read.have(`"tender"."lots"`); lots && (name == "title" || name == "buyer") || !lots && name == "lots" {
				t.Errorf("for %s, lots are read: %t", name, lots)
			}
		}
	}
}

// selections are the fields of a type, each with a selection of all that stands in it by itself.
func selections(t *testing.T, of string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
	all := make(map[string]string)
	for _, field := range schema.Types[of].Fields {
		all[field.Name] = field.Name
		if object := schema.Types[field.Type.Name()]; object.Kind == ast.Object {
			all[field.Name] += " { __typename"
			for _, inner := range object.Fields {
				if schema.Types[inner.Type.Name()].IsLeafType() && len(inner.Arguments) == 0 {
					all[field.Name] += " " + inner.Name
				}
			}
			all[field.Name] += " }"
		}
	}
	return all
}

// texts keeps the queries of a database.
type texts struct {
	mutex sync.Mutex
	list  []string
}

func (r *texts) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (r *texts) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.list = append(r.list, e.Query)
}

func (r *texts) clear() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.list = nil
}

func (r *texts) have(part string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return strings.Contains(strings.Join(r.list, "\n"), part)
}
