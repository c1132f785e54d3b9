package graph_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/query/querytest"
)

// tenderPage asks for a page of tenders: forwards by `first` and `after`,
// backwards by `last` and `before`.
const tenderPage = `query ($order: TenderOrder, $filter: TenderFilter, $first: Int, $after: String, $last: Int, $before: String) {
	tenders(orderBy: $order, filter: $filter, first: $first, after: $after, last: $last, before: $before) { ...page } }
	fragment page on TenderConnection { totalCount nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`

// matchingPage is [tenderPage] of the tenders that a watch matches.
const matchingPage = `query ($id: ID!, $order: TenderOrder! = DEADLINE_ASC, $first: Int, $after: String, $last: Int, $before: String) {
	watch(id: $id) { matchingTenders(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
		nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`

// list reads a connection page by page.
type list struct {
	person
	query     string
	field     string
	variables vars
	backwards bool
	size      int
	// cursorOf takes the cursor of the next page from this one, by default that
	// of pageInfo.
	cursorOf func(page map[string]any) any
	// turn happens between two pages.
	turn func()
}

// ids reads all pages and returns the ids of their rows, in the list's order.
func (l list) ids() []string {
	l.t.Helper()
	size, cursor, stand, more := "first", "after", "endCursor", "hasNextPage"
	if l.backwards {
		size, cursor, stand, more = "last", "before", "startCursor", "hasPreviousPage"
	}
	variables := maps.Clone(l.variables)
	if variables == nil {
		variables = vars{}
	}
	variables[size] = l.size
	var pages [][]string
	for range 500 {
		page := l.ask(l.query, variables).at(l.field).(map[string]any)
		info := page["pageInfo"].(map[string]any)
		rows := []string{}
		for _, node := range page["nodes"].([]any) {
			rows = append(rows, node.(map[string]any)["id"].(string))
		}
		pages = append(pages, rows)
		if info[more] == false {
			if l.backwards {
				slices.Reverse(pages)
			}
			return slices.Concat(pages...)
		}
		next := info[stand]
		if l.cursorOf != nil {
			next = l.cursorOf(page)
		}
		if next == nil {
			l.t.Fatalf("there is more, and no cursor leads to it: %v", page)
		}
		variables[cursor] = next
		if l.turn != nil {
			l.turn()
		}
	}
	l.t.Fatal("the pages do not end")
	return nil
}

// correct stores a correction with another deadline, before the index follows.
func (w *world) correct(ref, correction string, deadline time.Time) {
	w.t.Helper()
	n := w.notice(correction, "Voirie", "Commune", 0)
	n.Kind, n.Links, n.Content.Deadline = vigie.Correction, []string{ref}, &deadline
	w.hold(n)
}

// hold stores a notice before the index follows, and returns the id of its
// tender.
func (w *world) hold(n *vigie.Notice) string {
	w.t.Helper()
	got, err := w.store.Publish(w.t.Context(), []*vigie.Notice{n})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.id(vigie.KindTender, got[0].Notice.TenderID)
}

// The tender at the end of a page was corrected, and the index does not know
// yet: the next page begins where that tender stands in the index.
func TestPageAfterCorrection(t *testing.T) { eachPair(t, testPageAfterCorrection) }

func testPageAfterCorrection(t *testing.T, w *world) {
	const n, size = 60, 20
	var notices []*vigie.Notice
	for i := range n {
		notice := w.notice(fmt.Sprint(i), "Voirie", "Commune", n-i)
		notice.Content.Deadline = new(w.now.Add(time.Duration(24+i) * time.Hour))
		notices = append(notices, notice)
	}
	w.publish(notices...)
	p := w.person("a@example.org")
	corrections := 0
	for _, test := range []struct {
		order     string
		backwards bool
		deadline  time.Time // of the tender at the page's end
	}{
		{"DEADLINE_ASC", false, w.now.AddDate(1, 0, 0)},
		{"DEADLINE_ASC", true, w.now.Add(time.Hour)},
		{"DEADLINE_DESC", false, w.now.Add(time.Hour)},
		{"DEADLINE_DESC", true, w.now.AddDate(1, 0, 0)},
	} {
		t.Run(fmt.Sprint(test.order, " backwards ", test.backwards), func(t *testing.T) {
			edge := size - 1 // the 20th in the order of deadlines, or the 41st
			if test.backwards != (test.order == "DEADLINE_DESC") {
				edge = n - size
			}
			corrections++
			w.correct(strconv.Itoa(edge), fmt.Sprint("correction ", corrections), test.deadline)
			got := list{
				person: p, query: tenderPage, field: "tenders", variables: vars{"order": test.order}, backwards: test.backwards, size: size,
			}.ids()
			distinct := slices.Compact(slices.Sorted(slices.Values(got)))
			if len(got) != n || len(distinct) != n {
				t.Errorf("%d rows show %d of %d tenders", len(got), len(distinct), n)
			}
			// As it was, for the next case.
			corrections++
			w.correct(strconv.Itoa(edge), fmt.Sprint("correction ", corrections), w.now.Add(time.Duration(24+edge)*time.Hour))
			w.follow()
		})
	}
}

// Whole pages of tenders were withdrawn, or merged into others, and the index
// does not know yet: the pages beyond them can still be reached.
func TestPagesOfTheWithdrawn(t *testing.T) { eachPair(t, testPagesOfTheWithdrawn) }

func testPagesOfTheWithdrawn(t *testing.T, w *world) {
	const n, size = 12, 2
	for i := range n {
		w.publish(w.notice(strconv.Itoa(i), "Voirie", "Commune", i+1))
	}
	p := w.person("a@example.org")
	all := p.ask(tenderPage, vars{"first": n}).at("tenders.nodes.*.id").([]any)
	for _, i := range []int{0, 1, 4, 5, 6, 7, 10, 11} {
		if _, err := w.store.Withdraw(t.Context(), "test", strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	// The third is found to be the fourth as well: of two rows of one tender, one
	// is shown.
	merging := w.notice("merging", "Voirie", "Commune", 0)
	merging.Kind, merging.Links = vigie.Correction, []string{"8", "9"}
	w.hold(merging)
	merged := map[any]bool{all[8]: true}
	if w.hold(w.notice("8", "Voirie", "Commune", 9)) == all[9] {
		merged = map[any]bool{all[9]: true}
	}
	var want []string
	for _, i := range []int{2, 3, 8, 9} {
		if id := all[i].(string); i < 8 || merged[id] {
			want = append(want, id)
		}
	}
	for _, backwards := range []bool{false, true} {
		got := list{person: p, query: tenderPage, field: "tenders", backwards: backwards, size: size}.ids()
		if !slices.Equal(got, want) {
			t.Errorf("backwards %v: %v, want %v", backwards, got, want)
		}
	}
	const preview = `{ previewMatches(criteria: {}, first: 12) { nodes { id } } }`
	if got := p.ask(preview, nil).text("previewMatches.nodes.*.id"); got != fmt.Sprint(want) {
		t.Errorf("the preview shows %v, want %v", got, want)
	}
}

// TestPagesWhileIndexLags turns pages of random lists while tenders are
// published, corrected, cancelled, withdrawn and merged, and the index follows
// now and then: what keeps its place in the index is shown exactly once, in
// order. VIGIE_TEST_SEED repeats a run, VIGIE_TEST_ROUNDS makes it longer.
func TestPagesWhileIndexLags(t *testing.T) { eachPair(t, testPagesWhileIndexLags) }

func testPagesWhileIndexLags(t *testing.T, w *world) {
	seed, rounds := querytest.Setting(t, "VIGIE_TEST_SEED", rand.Uint64()), querytest.Setting(t, "VIGIE_TEST_ROUNDS", 15)
	t.Logf("VIGIE_TEST_SEED=%d VIGIE_TEST_ROUNDS=%d", seed, rounds)
	m := &market{world: w, Rand: rand.New(rand.NewPCG(seed, 0)), ids: map[string]string{}}
	p := w.person("a@example.org")
	watch := p.create(vars{"name": "v", "criteria": vars{"keywords": []string{"voirie"}}})
	for round := range rounds {
		m.moved, m.ahead = map[string]bool{}, map[string]bool{}
		for len(m.refs) < 60 {
			m.publish()
		}
		w.follow()
		clear(m.moved)
		l := m.list(p, watch)
		whole := l
		whole.size, whole.backwards, whole.turn, whole.cursorOf = 100, false, nil, nil
		m.listed = whole.ids()
		if len(m.listed) < 10 {
			t.Fatalf("round %d: a list of %d tenders proves little", round, len(m.listed))
		}
		got := l.ids()
		moved := func(id string) bool { return m.moved[id] }
		if diff := gocmp.Diff(slices.DeleteFunc(m.listed, moved), slices.DeleteFunc(got, moved)); diff != "" {
			t.Fatalf("round %d, %v, %d a page, backwards %v: -want +got:\n%s", round, l.variables, l.size, l.backwards, diff)
		}
	}
}

// market makes random changes, each in the database at once and in the index
// when that follows.
type market struct {
	*world
	*rand.Rand
	refs  []string          // of tenders that are there
	ids   map[string]string // of tenders, by ref
	count int               // of notices
	// listed is the list as it was; byDeadline, that a corrected deadline moves a
	// tender in it.
	listed     []string
	byDeadline bool
	// moved are the tenders that changed their place in the index, or left the
	// database; ahead are those that move when the index follows.
	moved, ahead map[string]bool
}

// next is a notice of a new ref.
func (m *market) next() *vigie.Notice {
	m.count++
	n := m.notice(fmt.Sprint("n", m.count), "Voirie", "Commune", 0)
	n.Content.Deadline = new(m.now.Truncate(time.Hour).Add(time.Duration(2+m.IntN(40)) * 30 * time.Minute))
	return n
}

func (m *market) publish() {
	n := m.next()
	n.PublishedAt = m.now.Truncate(time.Hour).Add(-time.Duration(m.IntN(5)) * time.Hour) // many at once
	if m.IntN(4) == 0 {
		n.Content.Deadline = nil
	}
	id := m.hold(n)
	m.refs, m.ids[n.SourceRef] = append(m.refs, n.SourceRef), id
	m.moved[id] = true
}

// amend stores a notice about a random tender, and returns the tender's id.
func (m *market) amend(change func(*vigie.Notice)) string {
	ref := m.refs[m.IntN(len(m.refs))]
	n := m.next()
	n.Kind, n.Links = vigie.Correction, []string{ref}
	change(n)
	m.ids[ref] = m.hold(n) // the older one where tenders were merged
	return m.ids[ref]
}

// remove takes a random tender from those that are there.
func (m *market) remove() (ref string) {
	i := m.IntN(len(m.refs))
	ref = m.refs[i]
	m.refs = slices.Delete(m.refs, i, i+1)
	m.moved[m.ids[ref]] = true
	return ref
}

func (m *market) change() {
	switch m.IntN(9) {
	case 0:
		m.publish()
	case 1, 2, 3, 4:
		// Out of the list, it may be online again.
		if id := m.amend(func(*vigie.Notice) {}); m.byDeadline || !slices.Contains(m.listed, id) {
			m.ahead[id] = true
		}
	case 5:
		m.amend(func(n *vigie.Notice) { n.Content = vigie.Content{Title: "Voirie " + n.SourceRef} })
	case 6:
		m.ahead[m.amend(func(n *vigie.Notice) { n.Kind, n.Content = vigie.Cancellation, vigie.Content{} })] = true
	case 7:
		if _, err := m.store.Withdraw(m.t.Context(), "test", m.remove()); err != nil {
			m.t.Fatal(err)
		}
	case 8: // one tender is found to be another
		other := m.remove()
		m.amend(func(n *vigie.Notice) {
			m.moved[m.ids[n.Links[0]]] = true
			n.Links = append(n.Links, other)
		})
	}
}

// turn is what happens between two pages.
func (m *market) turn() {
	m.now = m.now.Add(time.Duration(m.IntN(3)) * time.Minute)
	for range m.IntN(4) {
		m.change()
	}
	if m.IntN(3) == 0 {
		m.follow()
		maps.Copy(m.moved, m.ahead)
		clear(m.ahead)
	}
}

// list is a random list.
func (m *market) list(p person, watch string) list {
	orders := []string{"DEADLINE_ASC", "DEADLINE_DESC", "PUBLISHED_AT_ASC", "PUBLISHED_AT_DESC"}
	order := orders[m.IntN(len(orders))]
	m.byDeadline = order == "DEADLINE_ASC" || order == "DEADLINE_DESC"
	l := list{
		person: p, query: tenderPage, field: "tenders", variables: vars{"order": order},
		backwards: m.IntN(2) == 0, size: 1 + m.IntN(9), turn: m.turn,
	}
	switch m.IntN(3) {
	case 0:
		l.variables["filter"] = vars{"statuses": []string{"ONLINE"}}
	case 1:
		l.query, l.field, l.variables["id"] = matchingPage, "watch.matchingTenders", watch
	}
	if m.IntN(2) == 0 { // by the cursor of an edge
		l.cursorOf = func(page map[string]any) any {
			edges, info := page["edges"].([]any), page["pageInfo"].(map[string]any)
			switch {
			case len(edges) > 0 && l.backwards:
				return edges[0].(map[string]any)["cursor"]
			case len(edges) > 0:
				return edges[len(edges)-1].(map[string]any)["cursor"]
			case l.backwards:
				return info["startCursor"]
			}
			return info["endCursor"]
		}
	}
	return l
}

// A watch that is renamed or deleted takes no cursor with it: the next page
// begins where the watch stood.
func TestWatchPagesWhileChanging(t *testing.T) { eachPair(t, testWatchPagesWhileChanging) }

func testWatchPagesWhileChanging(t *testing.T, w *world) {
	const watchPage = `query ($order: WatchOrder!, $first: Int, $after: String, $last: Int, $before: String) {
		watches(orderBy: $order, first: $first, after: $after, last: $last, before: $before) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
	change := map[string]string{
		"renamed first": `mutation ($id: ID!) { updateWatch(id: $id, input: { name: "A" }) { userErrors { message } } }`,
		"renamed last":  `mutation ($id: ID!) { updateWatch(id: $id, input: { name: "Z" }) { userErrors { message } } }`,
		"deleted":       `mutation ($id: ID!) { deleteWatch(id: $id) { userErrors { message } } }`,
	}
	for _, order := range []string{"NAME_ASC", "CREATED_AT_ASC", "CREATED_AT_DESC"} {
		for _, backwards := range []bool{false, true} {
			for name, mutation := range change {
				p := w.person(fmt.Sprint(order, backwards, name, "@example.org"))
				for i := range 7 {
					p.create(vars{"name": fmt.Sprint("Veille ", i), "criteria": vars{}})
				}
				l := list{person: p, query: watchPage, field: "watches", variables: vars{"order": order}, backwards: backwards, size: 2}
				all := l.ids()
				edge := 1 // on the first page, the watch next to the second
				if backwards {
					edge = 5
				}
				changed := false
				l.turn = func() {
					if !changed {
						p.ask(mutation, vars{"id": all[edge]})
						changed = true
					}
				}
				other := func(ids []string) []string {
					return slices.DeleteFunc(ids, func(id string) bool { return id == all[edge] })
				}
				if got, want := other(l.ids()), other(slices.Clone(all)); !slices.Equal(got, want) {
					t.Errorf("%s, backwards %v, %s: %v, want %v", order, backwards, name, got, want)
				}
			}
		}
	}
}

// Buyers with most tenders come first, and that changes while pages are
// turned: those that keep their place are shown once.
func TestBuyerPagesWhileChanging(t *testing.T) { eachPair(t, testBuyerPagesWhileChanging) }

func testBuyerPagesWhileChanging(t *testing.T, w *world) {
	const buyerPage = `query ($text: String!, $first: Int, $after: String, $last: Int, $before: String) {
		buyers(search: $text, first: $first, after: $after, last: $last, before: $before) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
	p := w.person("a@example.org")
	for i, backwards := range []bool{false, true, false, true} {
		town := fmt.Sprint("Ville", i)
		ref := func(buyer, n int) string { return fmt.Sprint(town, " ", buyer, " ", n) }
		for buyer := range 8 { // the first has 8 tenders online, the last has 1
			for n := range 8 - buyer {
				notice := w.notice(ref(buyer, n), "Voirie", fmt.Sprint("Commune de ", town, " ", buyer), 1)
				notice.Content.Deadline = new(w.now.Add(time.Duration(1+buyer%2) * 30 * time.Minute))
				w.hold(notice)
			}
		}
		l := list{person: p, query: buyerPage, field: "buyers", variables: vars{"text": town}, backwards: backwards, size: 3}
		all := l.ids()
		moved, turns := 1, 0 // the second of eight comes to be the last, or the last but one the first
		if i > 1 {
			moved = 6
		}
		l.turn = func() {
			if turns++; turns > 1 {
				return
			}
			if moved == 1 {
				for n := range 7 {
					if _, err := w.store.Withdraw(t.Context(), "test", ref(moved, n)); err != nil {
						t.Fatal(err)
					}
				}
			}
			for n := range 10 * (moved / 6) {
				w.hold(w.notice(ref(moved, 100+n), "Voirie", fmt.Sprint("Commune de ", town, " ", moved), 1))
			}
			w.now = w.now.Add(45 * time.Minute) // every other buyer has nothing online any more
		}
		other := func(ids []string) []string {
			return slices.DeleteFunc(ids, func(id string) bool { return id == all[moved] })
		}
		if got, want := other(l.ids()), other(slices.Clone(all)); len(all) != 8 || !slices.Equal(got, want) {
			t.Errorf("backwards %v, %d moves: %v, want %v", backwards, moved, got, want)
		}
	}
}
