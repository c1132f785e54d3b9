package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"vigie"
)

// events are those of an answer, as "KIND ref watch+watch".
func (r reply) events() string {
	r.t.Helper()
	var lines []string
	for _, edge := range r.at("tenderEvents.edges").([]any) {
		edge := edge.(map[string]any)
		node := edge["node"].(map[string]any)
		if edge["cursor"] != node["cursor"] {
			r.t.Errorf("the cursor of the edge is %v, of the event %v", edge["cursor"], node["cursor"])
		}
		line := fmt.Sprint(node["kind"], " ", node["tender"].(map[string]any)["sourceRef"])
		for _, by := range node["matchedBy"].([]any) {
			line += fmt.Sprint(" ", by.(map[string]any)["watch"].(map[string]any)["name"])
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, ", ")
}

const eventsPage = `query ($first: Int, $after: String, $last: Int, $before: String, $watches: [ID!]) {
	tenderEvents(first: $first, after: $after, last: $last, before: $before, watchIds: $watches) {
		edges { cursor node { cursor kind tender { sourceRef } notice { sourceRef } at edge { node { sourceRef } matchedAt } matchedBy { watch { name } } } }
		nodes { kind }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
	}
}`

// Who was away reads what it missed, once, in pages of any size, in either
// direction, and what a subscription says goes on from there.
func TestTenderEvents(t *testing.T) { eachPair(t, testTenderEvents) }

func testTenderEvents(t *testing.T, w *world) {
	p, other := w.person("a@example.org"), w.person("b@example.org")
	p.create(vars{"name": "voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	roofs := p.create(vars{"name": "toiture", "criteria": vars{"keywords": []string{"toiture"}}})
	start := p.ask(eventsPage, vars{"last": 1}).at("tenderEvents.pageInfo.endCursor")
	p.ask(eventsPage, vars{"after": start}).expect(map[string]string{"tenderEvents.edges": "[]", "tenderEvents.pageInfo.hasNextPage": "false"})

	live := p.subscribe(t, `{ kind cursor at notice { sourceRef } edge { cursor node { sourceRef } } tender { sourceRef } }`, nil).underWay(w)
	w.publish(w.notice("1", "Voirie", "Commune", 3), w.notice("2", "Cantine", "Commune", 3), w.notice("3", "Toiture", "Commune", 3))
	correction := w.notice("4", "Voirie et toiture", "Commune", 2)
	correction.Kind, correction.Links = vigie.Correction, []string{"3"}
	w.publish(correction)
	other.ask(`mutation { createWatch(input: { name: "x", criteria: {} }) { userErrors { code } } }`, nil)
	if _, err := w.store.Withdraw(t.Context(), "test", "1"); err != nil {
		t.Fatal(err)
	}
	w.follow()
	const all = "NEW 3 toiture, NEW 3 voirie, CORRECTED 3 toiture, WITHDRAWN 1 voirie"
	var cursors []string
	for range 5 {
		var event struct {
			Data struct {
				TenderMatched struct {
					Kind, Cursor string
					At           *string
					Notice       *struct{ SourceRef string }
					Edge         *struct {
						Cursor string
						Node   struct{ SourceRef string }
					}
				}
			}
		}
		text := live.next()
		if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "next ")), &event); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		m := event.Data.TenderMatched
		if withdrawn := m.Kind == "WITHDRAWN"; withdrawn != (m.Edge == nil) || withdrawn != (m.At == nil) || withdrawn != (m.Notice == nil) {
			t.Errorf("%s", text)
		}
		cursors = append(cursors, m.Cursor)
	}
	// The list has what is there now: of a withdrawn notice, the withdrawal alone.
	for size := 1; size <= 5; size++ {
		var pages []string
		for after := start; ; {
			r := p.ask(eventsPage, vars{"first": size, "after": after})
			if page := r.events(); page != "" {
				pages = append(pages, page)
			}
			after = r.at("tenderEvents.pageInfo.endCursor")
			if r.at("tenderEvents.pageInfo.hasNextPage") == false {
				break
			}
		}
		if got := strings.Join(pages, ", "); got != all {
			t.Errorf("pages of %d: %s", size, got)
		}
		pages = nil
		var before any
		for {
			r := p.ask(eventsPage, vars{"last": size, "before": before})
			if page := r.events(); page != "" {
				pages = append([]string{page}, pages...)
			}
			before = r.at("tenderEvents.pageInfo.startCursor")
			if r.at("tenderEvents.pageInfo.hasPreviousPage") == false {
				break
			}
		}
		if got := strings.Join(pages, ", "); got != all {
			t.Errorf("backwards by %d: %s", size, got)
		}
	}
	for i, want := range []string{all, "NEW 3 voirie, CORRECTED 3 toiture, WITHDRAWN 1 voirie", "CORRECTED 3 toiture, WITHDRAWN 1 voirie", "WITHDRAWN 1 voirie", ""} {
		if got := p.ask(eventsPage, vars{"after": cursors[i]}).events(); got != want {
			t.Errorf("after event %d: %q, want %q", i, got, want)
		}
	}
	if got := p.ask(eventsPage, vars{"after": start, "watches": []string{roofs}}).events(); got != "NEW 3 toiture, CORRECTED 3 toiture" {
		t.Errorf("of one watch: %s", got)
	}
	if got := p.ask(eventsPage, vars{"after": start, "watches": []string{}}).events(); got != "" {
		t.Errorf("of none: %s", got)
	}
	for name, wrong := range map[string]vars{
		"no cursor": {"after": "x"}, "a cursor of another list": {"after": p.ask(`{ watches { pageInfo { endCursor } } }`, nil).at("watches.pageInfo.endCursor")},
		"both directions": {"after": start, "last": 1}, "too many": {"first": 101},
	} {
		const kinds = `query ($first: Int, $after: String, $last: Int) { tenderEvents(first: $first, after: $after, last: $last) { nodes { kind } } }`
		if r := p.post(kinds, wrong); len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "BAD_REQUEST" {
			t.Errorf("%s: %v", name, r.Errors)
		}
	}
	// The withdrawal is sent once.
	w.publish(w.notice("6", "Voirie", "Commune", 1))
	if text := live.next(); !strings.Contains(text, `"NEW"`) || !strings.Contains(text, `"sourceRef":"6"`) {
		t.Errorf("after the withdrawal: %s", text)
	}
}

// A page that looks at many changes and finds nothing is followed by another.
func TestManyChangesWithoutEvents(t *testing.T) {
	w := newWorld(t)
	p := w.person("a@example.org")
	p.create(vars{"name": "voirie", "criteria": vars{"keywords": []string{"voirie"}}})
	start := p.ask(eventsPage, vars{"last": 1}).at("tenderEvents.pageInfo.endCursor")
	var notices []*vigie.Notice
	for i := range 450 {
		notices = append(notices, w.notice(fmt.Sprint(i), "Cantine", "Commune", 3))
	}
	w.publish(append(notices, w.notice("last", "Voirie", "Commune", 1))...)
	var found []string
	pages := 0
	for after, more := start, true; more; pages++ {
		r := p.ask(eventsPage, vars{"after": after})
		found = append(found, r.events())
		after, more = r.at("tenderEvents.pageInfo.endCursor"), r.at("tenderEvents.pageInfo.hasNextPage") == true
	}
	if got := strings.Join(found, "|"); got != "|||NEW last voirie" {
		t.Errorf("%d pages: %s", pages, got)
	}
}
