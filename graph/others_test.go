package graph_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"vigie"
	"vigie/graph"
)

// All that an account can read is the same with and without five other accounts
// with the same watches: every field of every type of the schema, the export, and
// the mails. Only ids, cursors and tokens differ, and these reveal nothing.
func TestOthersDoNotShow(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *world{"embedded": newWorld, "production": productionWorld} {
		t.Run(name, func(t *testing.T) {
			alone, crowded := readAll(open(t), 0), readAll(open(t), 5)
			if len(alone) < 19 || len(alone["mails"]) < 10_000 || !maps.EqualFunc(alone, crowded, func(string, string) bool { return true }) {
				t.Fatalf("%d answers, and %d", len(alone), len(crowded))
			}
			for _, what := range slices.Sorted(maps.Keys(alone)) {
				if at := firstDifference(alone[what], crowded[what]); at >= 0 {
					t.Errorf("%s tells what others do:\n%s\n%s", what, around(alone[what], at), around(crowded[what], at))
				}
			}
		})
	}
}

func firstDifference(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

func around(s string, at int) string { return s[max(0, at-200):min(len(s), at+100)] }

// readAll has ana live for some days, while others do the same as she does, and
// returns all that she, and a support desk, can read of it, by what it is.
func readAll(w *world, others int) map[string]string {
	w.t.Helper()
	w.answer(func(o *graph.Options) {
		o.Limits.Tokens, o.Limits.Cost = 1_000_000, 1_000_000_000
		o.Limits.Shape.Depth, o.Limits.Shape.Fields, o.Limits.Shape.Aliases = 100, 1_000_000, 1000
	})
	ana, box := w.person("ana@example.org"), &postbox{}
	var crowd []person
	for i := range others {
		crowd = append(crowd, w.person(fmt.Sprintf("other%d@example.org", i)))
	}
	everybody := func(do func(person)) {
		for i, other := range crowd {
			if i%2 == 0 {
				do(other)
			}
		}
		do(ana)
		for i, other := range crowd {
			if i%2 == 1 {
				do(other)
			}
		}
	}
	everybody(func(p person) { p.createAlerting("team." + p.viewer.Account.Email) })
	everybody(func(p person) {
		p.create(vars{"name": "Eaux", "frequency": "WEEKLY", "criteria": vars{"keywords": []string{"eau"}, "departmentCodes": []string{"01"}}})
	})
	w.mails(box)
	for i := range 8 {
		w.now = w.now.AddDate(0, 0, 1)
		n := w.notice(fmt.Sprint(i), fmt.Sprint("Voirie ", i), fmt.Sprint("Commune ", i%3), 0, "01")
		n.Content.Description, n.Content.Lots = "Voirie et eau potable", []vigie.Lot{{Number: "1", Title: "Voirie"}}
		w.publish(n)
		w.mails(box)
		if i%3 == 0 {
			w.publish(&vigie.Notice{
				Source: "test", SourceRef: fmt.Sprint("c", i), Links: []string{fmt.Sprint(i)}, Kind: vigie.Correction, PublishedAt: w.now,
				Buyer: vigie.BuyerName{Name: fmt.Sprint("Commune ", i%3)}, Content: vigie.Content{Title: fmt.Sprint("Voirie corrigée ", i)},
			})
			w.mails(box)
			continue
		}
		tender := ana.tenderID(fmt.Sprint("Voirie ", i))
		everybody(func(p person) {
			p.ask(`mutation ($id: ID!) { markTendersSeen(tenderIds: [$id]) { tenders { id } } }`, vars{"id": tender})
		})
	}
	everybody(func(p person) { p.create(vars{"name": "Sans critère", "active": false, "criteria": vars{}}) })
	return readable(w, ana, box)
}

// readable is all that can be read of ana's account, by what it is.
func readable(w *world, ana person, box *postbox) map[string]string {
	w.t.Helper()
	all := make(map[string]string)
	mask := newMask()
	for _, q := range wholeSchema(w.t) {
		watch := ana.ask(`{ watches { nodes { id deliveries { nodes { id } } recipients { id } } } }`, nil)
		variables := vars{
			"watch": watch.at("watches.nodes.2.id"), "tender": ana.tenderID("Voirie 1"), "email": "ana@example.org",
			"node": watch.at("watches.nodes.2." + q.node), "buyer": ana.ask(`{ buyers(search: "commune") { nodes { id } } }`, nil).at("buyers.nodes.0.id"),
		}
		who := ana
		if q.desk {
			who = w.desk("clerk")
		}
		all[q.name] = mask.json(w.t, who.ask(q.text, variables).Data)
	}
	all["exportAccount"] = mask.json(w.t, ana.ask(`mutation { exportAccount { data } }`, nil).Data)
	var hers []string
	for _, m := range box.all {
		if strings.Contains(m.To, "ana@") {
			hers = append(hers, mask.text(fmt.Sprintf("%+v", m)))
		}
	}
	all["mails"] = strings.Join(hers, "\n")
	return all
}

// mask puts, in place of each word that reveals nothing, when it was first met.
type mask map[string]string

func newMask() mask { return make(mask) }

// opaqueWords are ids, tokens of links, and the first words of Message-IDs.
var opaqueWords = regexp.MustCompile(`\b(?:(?:account|watch|recipient|buyer|tender|notice|delivery|mail|webhook|department)[_-])?[0-9a-v]{26}\b|\b[0-9a-v]{40}\b|\.[a-z2-7]{26}@`)

func (m mask) text(s string) string {
	return opaqueWords.ReplaceAllStringFunc(s, func(word string) string {
		if m[word] == "" {
			m[word] = fmt.Sprintf("<%d of %d characters>", len(m)+1, len(word))
		}
		return m[word]
	})
}

// cursors of lists, in JSON.
var cursors = regexp.MustCompile(`(?i)cursor": "([^"]+)"`)

// json is an answer as text, its cursors masked too.
func (m mask) json(t testing.TB, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return m.text(cursors.ReplaceAllStringFunc(string(text), func(field string) string {
		cursor := cursors.FindStringSubmatch(field)[1]
		content, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || json.Valid(content) {
			return field
		}
		if m[cursor] == "" {
			m[cursor] = fmt.Sprintf("<%d of %d characters>", len(m)+1, len(cursor))
		}
		return strings.Replace(field, cursor, m[cursor], 1)
	}))
}

// question is a query for all that a field of Query has.
type question struct {
	name, text string
	desk       bool
	node       string // where a watch has the id that it asks for
}

// wholeSchema asks for every field of every type that a query leads to, from each
// field of Query.
func wholeSchema(t testing.TB) []question {
	t.Helper()
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
	a := &asking{schema: schema, asked: make(map[string]bool)}
	var all []question
	for _, field := range schema.Query.Fields {
		// The back office and the platform's webhooks are about all accounts, and for nobody who has one.
		if strings.HasPrefix(field.Name, "__") || field.Name == "backOffice" || field.Name == "webhooks" {
			continue
		}
		for _, node := range []string{"id", "deliveries.nodes.0.id", "recipients.0.id"} {
			if node == "id" || field.Name == "node" {
				text := a.field(field, nil)
				var declared []string
				for name, kind := range map[string]string{"watch": "ID!", "tender": "ID!", "email": "String!", "node": "ID!", "buyer": "ID!"} {
					if regexp.MustCompile(`\$` + name + `\b`).MatchString(text) {
						declared = append(declared, "$"+name+": "+kind)
					}
				}
				text = "query (" + strings.Join(append(declared, "$unused: Boolean = true"), ", ") + ") { " + text + " __typename @include(if: $unused) }"
				all = append(all, question{strings.TrimSpace(field.Name + " " + strings.TrimSuffix(node, "id")), text, field.Name == "account", node})
			}
		}
	}
	for name, def := range schema.Types {
		if def.Kind == ast.Object && !a.asked[name] && !strings.HasPrefix(name, "__") && !strings.HasSuffix(name, "Payload") &&
			!slices.Contains([]string{"Mutation", "Subscription", "Query", "PublishResult", "UpsertBuyerResult", "UpsertWatchResult",
				"BackOffice", "AccountConnection", "AccountEdge", "Totals", "MailDomain", "SuppressedAddressConnection", "SuppressedAddressEdge", "SuppressedAddress", "Usage"}, name) {
			t.Errorf("nothing asks for a %s", name)
		}
	}
	return all
}

// asking writes queries.
type asking struct {
	schema *ast.Schema
	asked  map[string]bool
}

// field asks for all that a field has, but for the types that it lies in already.
func (a *asking) field(f *ast.FieldDefinition, within []string) string {
	text := f.Name + arguments(f)
	def := a.schema.Types[f.Type.Name()]
	if def.IsLeafType() {
		return text
	}
	a.asked[def.Name] = true
	return text + " { " + a.selection(def, append(slices.Clone(within), def.Name)) + " }"
}

func (a *asking) selection(def *ast.Definition, within []string) string {
	var parts []string
	for _, f := range def.Fields {
		if !slices.Contains(within, f.Type.Name()) && !strings.HasPrefix(f.Name, "__") && len(within) < 6 {
			parts = append(parts, a.field(f, within))
		}
	}
	for _, possible := range a.schema.GetPossibleTypes(def) {
		if def.IsAbstractType() {
			a.asked[possible.Name] = true
			inner := []string{"__typename"}
			for _, f := range possible.Fields { // by names that differ: two types may have fields of one name
				inner = append(inner, possible.Name+"_"+f.Name+": "+a.field(f, append(slices.Clone(within), possible.Name)))
			}
			parts = append(parts, "... on "+possible.Name+" { "+strings.Join(inner, " ")+" }")
		}
	}
	if len(parts) == 0 { // a document may not have very many fields of one name
		return "__typename"
	}
	return strings.Join(parts, " ")
}

// arguments gives a field's arguments that must be given, and few rows.
func arguments(f *ast.FieldDefinition) string {
	values := map[string]string{
		"id": "$watch", "watchId": "$watch", "tenderId": "$tender", "email": "$email", "source": `"test"`, "sourceRef": `"1"`,
		"search": `"commune"`, "ids": "[$watch, $tender]", "externalId": `"1"`, "criteria": `{ keywords: ["voirie"] }`,
	}
	var parts []string
	for _, arg := range f.Arguments {
		value := values[arg.Name]
		switch {
		case arg.Name == "id" && f.Name == "node":
			value = "$node"
		case arg.Name == "id" && f.Name == "buyer":
			value = "$buyer"
		case arg.Name == "search" && f.Name == "cpvCodes":
			value = `"voirie"`
		case arg.Name == "id" && f.Name == "tender":
			value = "$tender"
		case arg.Name == "search" && f.Name == "tenders":
			value = `"voirie"`
		}
		if value != "" {
			parts = append(parts, arg.Name+": "+value)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
