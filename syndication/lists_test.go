package syndication_test

import (
	"encoding/xml"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"
	gocmp "github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/query"
	"vigie/search"
	"vigie/service"
	"vigie/store"
	"vigie/store/storetest"
)

// atom is what a feed reader reads of a feed.
type atom struct {
	Title   string `xml:"title"`
	Updated string `xml:"updated"`
	Entries []struct {
		ID        string    `xml:"id"`
		Title     string    `xml:"title"`
		Published time.Time `xml:"published"`
		Updated   time.Time `xml:"updated"`
		Link      struct {
			Href string `xml:"href,attr"`
		} `xml:"link"`
		Category struct {
			Term string `xml:"term,attr"`
		} `xml:"category"`
		Content string `xml:"content"`
	} `xml:"entry"`
}

// feed reads the feed at an address.
func (w *world) feed(address string) atom {
	w.t.Helper()
	var feed atom
	text := strings.ReplaceAll(w.read(address), "\u00a0", " ") // French has them before signs
	if err := xml.Unmarshal([]byte(text), &feed); err != nil {
		w.t.Fatal(err)
	}
	return feed
}

// events reads the calendar at an address, by UID.
func (w *world) events(address string) map[string]*ics.VEvent {
	w.t.Helper()
	calendar, err := ics.ParseCalendar(strings.NewReader(w.read(address)))
	if err != nil {
		w.t.Fatal(err)
	}
	events := make(map[string]*ics.VEvent)
	for _, e := range calendar.Events() {
		if events[e.Id()] != nil {
			w.t.Errorf("two events %s", e.Id())
		}
		events[e.Id()] = e
	}
	return events
}

func value(e *ics.VEvent, p ics.ComponentProperty) string {
	if e.GetProperty(p) == nil {
		return ""
	}
	return e.GetProperty(p).Value
}

// A feed and a calendar list what the list of matching tenders does, and what was cancelled lately, through random
// publications, corrections, cancellations, awards, withdrawals and dismissals, and as time passes.
func TestFeedsAgreeWithLists(t *testing.T) { eachPair(t, testFeedsAgreeWithLists) }

func testFeedsAgreeWithLists(t *testing.T, w *world) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := rand.New(rand.NewPCG(seed, 1))
	words := []string{"voirie", "eau", "toiture", "nettoyage", "école"}
	watches := []*vigie.Watch{
		w.watch("Tout", query.Patch{}), w.watch("Voirie", keywords("voirie")), w.watch("Eau ou école", keywords("eau", "école")),
		w.watch("Sans toiture", query.Patch{ExcludedKeywords: &[]string{"toiture"}}),
	}
	if _, _, err := w.service.UpdateWatch(t.Context(), w.ana, watches[0].ID, service.UpdateWatch{Active: new(false)}); err != nil {
		t.Fatal(err)
	}
	var refs []string
	title := func() string { return fmt.Sprint(words[g.IntN(len(words))], " ", words[g.IntN(len(words))]) }
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		var notices []*vigie.Notice
		for range 20 {
			w.now = w.now.Add(time.Duration(g.IntN(7200)) * time.Second)
			if len(refs) < 20 || g.IntN(3) == 0 {
				refs = append(refs, fmt.Sprint("r", len(refs)))
				n := w.notice(refs[len(refs)-1], title(), 1+g.IntN(60))
				if g.IntN(5) == 0 {
					n.Content.Deadline = nil
				}
				notices = append(notices, n)
				continue
			}
			ref := refs[g.IntN(len(refs))]
			switch g.IntN(6) {
			case 0, 1:
				notices = append(notices, w.about(ref, vigie.Correction, vigie.Content{Deadline: new(w.now.AddDate(0, 0, 1+g.IntN(60)))}))
			case 2:
				notices = append(notices, w.about(ref, vigie.Correction, vigie.Content{Title: title()}))
			case 3, 4:
				notices = append(notices, w.about(ref, vigie.Cancellation, vigie.Content{}))
			case 5:
				notices = append(notices, w.about(ref, vigie.Award, vigie.Content{}))
			}
		}
		w.publish(notices...)
		if n := notices[g.IntN(len(notices))]; n.Kind != vigie.ContractNotice {
			w.withdraw(n.SourceRef)
		}
		for range 3 {
			tender := w.tender(refs[g.IntN(len(refs))])
			if tender == nil { // withdrawn
				continue
			}
			if _, err := w.service.Dismiss(t.Context(), w.ana, tender.ID, g.IntN(3) > 0); err != nil {
				t.Fatal(err)
			}
		}
		w.now = w.now.Add(time.Duration(1+g.IntN(10)) * 24 * time.Hour)
		for _, watch := range watches {
			w.compare(fmt.Sprint("round ", round, ", ", watch.Name), w.service.WatchFeedURL(w.ana, watch), w.service.WatchCalendarURL(w.ana, watch), refs, watch)
		}
		w.compare(fmt.Sprint("round ", round, ", all"), w.service.AccountFeedURL(w.ana), w.service.AccountCalendarURL(w.ana), refs, watches[1:]...)
	}
}

// compare compares a feed and a calendar with the list of some watches' matching tenders, and with what a look at each
// tender says was cancelled.
func (w *world) compare(when, feedURL, calendarURL string, refs []string, watches ...*vigie.Watch) {
	w.t.Helper()
	plan, err := w.service.Plan(service.TenderQuery{
		Matching: true, Account: w.ana.ID, Watches: service.NewWatching(watches...), Order: search.UpdatedDesc, Page: service.PageArgs{First: new(int32(100))},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	page, err := w.service.Tenders(w.t.Context(), plan)
	if err != nil {
		w.t.Fatal(err)
	}
	titles := make(map[string]string) // the UUID of a tender, by its page
	for _, e := range w.feed(feedURL).Entries {
		titles[e.Link.Href] = e.ID
	}
	var want, deadlines []string
	for _, t := range page.Nodes() {
		want = append(want, pageOf(t))
		if t.Deadline != nil {
			deadlines = append(deadlines, pageOf(t)+" "+t.Deadline.UTC().Format("20060102T150405Z"))
		}
	}
	cancelled := w.cancelledLately(refs, watches...)
	var got, gone []string
	for _, e := range w.feed(feedURL).Entries {
		if e.Category.Term == "CANCELLED" {
			gone = append(gone, e.Link.Href)
		} else {
			got = append(got, e.Link.Href)
		}
		if cancelled := strings.HasPrefix(e.Title, "Annulé : "); cancelled != (e.Category.Term == "CANCELLED") || cancelled != strings.Contains(e.Content, "Ce marché a été annulé") {
			w.t.Errorf("%s: %s, %s, %s", when, e.Category.Term, e.Title, e.Content)
		}
	}
	if len(want)+len(cancelled) > service.MaxFeedEntries {
		w.t.Fatalf("%s: more than a feed lists", when)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s: the feed, -list +feed:\n%s", when, diff)
	}
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(cancelled)), slices.Sorted(slices.Values(gone))); diff != "" {
		w.t.Errorf("%s: cancelled, -tenders +feed:\n%s", when, diff)
	}
	for page, deadline := range cancelled {
		if deadline != "" {
			deadlines = append(deadlines, page+" "+deadline+" CANCELLED")
		}
	}
	var events []string
	for _, e := range w.events(calendarURL) {
		text := value(e, ics.ComponentPropertyUrl) + " " + value(e, ics.ComponentPropertyDtStart)
		if value(e, ics.ComponentPropertyStatus) == "CANCELLED" {
			text += " CANCELLED"
		}
		events = append(events, text)
		if id := titles[value(e, ics.ComponentPropertyUrl)]; id != "urn:uuid:"+e.Id() {
			w.t.Errorf("%s: the event %s of the entry %s", when, e.Id(), id)
		}
	}
	if diff := gocmp.Diff(slices.Sorted(slices.Values(deadlines)), slices.Sorted(slices.Values(events))); diff != "" {
		w.t.Errorf("%s: the calendar, -tenders +events:\n%s", when, diff)
	}
}

// cancelledLately returns the deadlines of the tenders that were cancelled in the last 30 days and that watches match, by
// their pages, by a look at each.
func (w *world) cancelledLately(refs []string, watches ...*vigie.Watch) map[string]string {
	w.t.Helper()
	found := make(map[string]string)
	for _, ref := range refs {
		t := w.tender(ref)
		if t == nil { // withdrawn
			continue
		}
		facts, _ := query.FactsOf(t)
		matches := slices.ContainsFunc(watches, func(watch *vigie.Watch) bool { return query.Compile(watch.Criteria).Matches(facts) })
		marks, err := w.store.Marks(w.t.Context(), w.ana.ID, []int64{t.ID})
		if err != nil {
			w.t.Fatal(err)
		}
		updated, err := w.store.UpdatedAt(w.t.Context(), []int64{t.ID})
		if err != nil {
			w.t.Fatal(err)
		}
		if !matches || marks[t.ID].Dismissed || t.Outcome != vigie.Cancelled || updated[t.ID].Before(w.now.Add(-30*24*time.Hour)) {
			continue
		}
		deadline := ""
		if t.Deadline != nil && !t.Deadline.Before(w.now.Add(-30*24*time.Hour)) {
			deadline = t.Deadline.UTC().Format("20060102T150405Z")
		}
		found[pageOf(t)] = deadline
	}
	return found
}

func pageOf(t *vigie.Tender) string {
	return "https://valombre.example/avis/" + t.Source + "/" + t.SourceRef
}

// Of more than a hundred tenders a feed has those that were updated last, corrected ones among them.
func TestFeedHasTheNewest(t *testing.T) {
	w := newWorld(t)
	var notices []*vigie.Notice
	for i := range 130 {
		w.now = w.now.Add(time.Minute)
		notices = append(notices, w.notice(fmt.Sprint("r", i), fmt.Sprint("Voirie ", i), 30))
	}
	w.now = w.now.Add(time.Minute)
	w.publish(append(notices, w.about("r3", vigie.Correction, vigie.Content{Title: "Voirie 3, corrigée"}), w.about("r5", vigie.Cancellation, vigie.Content{}))...)
	feed := w.feed(w.service.WatchFeedURL(w.ana, w.watch("Voirie", keywords("voirie"))))
	var titles []string
	for _, e := range feed.Entries {
		titles = append(titles, e.Title)
	}
	want := []string{"Annulé : Voirie 5", "Rectifié : Voirie 3, corrigée"}
	for i := range 98 {
		want = append(want, fmt.Sprint("Voirie ", 129-i))
	}
	slices.Sort(titles[:2]) // of the same moment
	if diff := gocmp.Diff(want, titles); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if events := w.events(w.service.AccountCalendarURL(w.ana)); len(events) != 130 {
		t.Errorf("%d deadlines in the calendar, want 130", len(events))
	}
}

// A notice that has the date of the one before changes the entry's time, and the feed's tag: it is the time when it came.
func TestNoticeOfTheSameMoment(t *testing.T) {
	w := newWorld(t)
	w.publish(w.notice("r", "Voirie", 30))
	address := w.service.WatchFeedURL(w.ana, w.watch("Voirie", keywords("voirie")))
	before, tag, published := w.feed(address).Entries[0].Updated, w.get(address).Header().Get("ETag"), w.now
	correction := w.about("r", vigie.Correction, vigie.Content{Title: "Voirie, corrigée"})
	w.now = w.now.Add(time.Hour)
	correction.PublishedAt = published
	w.publish(correction)
	entry := w.feed(address).Entries[0]
	if entry.Updated.Equal(before) || !entry.Updated.Equal(w.now) || !strings.HasPrefix(entry.Title, "Rectifié") {
		t.Errorf("%s, updated %s, before %s", entry.Title, entry.Updated, before)
	}
	if got := w.get(address).Header().Get("ETag"); got == tag {
		t.Error("the tag is the same")
	}
}

// What is said of a tender moves with it: an entry keeps its id, an event its UID; updated, SEQUENCE and the deadline
// follow each change, and the same list has the same text each time.
func TestChangesMove(t *testing.T) { eachPair(t, testChangesMove) }

func testChangesMove(t *testing.T, w *world) {
	watch := w.watch("Voirie", keywords("voirie"))
	w.publish(w.notice("r", "Voirie", 30))
	tender := w.tender("r")
	feedURL, calendarURL, own := w.service.WatchFeedURL(w.ana, watch), w.service.WatchCalendarURL(w.ana, watch), w.service.TenderCalendarURL(tender)
	type state struct{ title, published, updated, sequence, start, status, stamp, alarm string }
	look := func() (string, state) {
		t.Helper()
		entry := w.feed(feedURL).Entries[0]
		id := strings.TrimPrefix(entry.ID, "urn:uuid:")
		event := w.events(calendarURL)[id]
		if event == nil {
			t.Fatalf("no event of %s", id)
		}
		alone := w.events(own)[id]
		alarm := ""
		if alarms := event.Alarms(); len(alarms) > 0 {
			alarm = alarms[0].GetProperty(ics.ComponentPropertyTrigger).Value
		}
		for _, p := range []ics.ComponentProperty{ics.ComponentPropertySequence, ics.ComponentPropertyDtStart, ics.ComponentPropertyStatus, ics.ComponentPropertyDtstamp} {
			if alone == nil || value(alone, p) != value(event, p) {
				t.Errorf("alone, %s is not %s", p, value(event, p))
			}
		}
		if value(event, ics.ComponentPropertyDtEnd) != "" || value(event, ics.ComponentProperty(ics.PropertyDuration)) != "" {
			t.Error("a deadline takes time")
		}
		return id, state{
			entry.Title, entry.Published.UTC().Format("0102T1504"), entry.Updated.UTC().Format("0102T1504"), value(event, ics.ComponentPropertySequence), value(event, ics.ComponentPropertyDtStart),
			value(event, ics.ComponentPropertyStatus), value(event, ics.ComponentPropertyDtstamp), alarm,
		}
	}
	first, got := look()
	expect := func(want state) {
		t.Helper()
		id, got := look()
		if id != first || got != want {
			t.Errorf("%s, was %s:\n got %+v\nwant %+v", id, first, got, want)
		}
	}
	want := state{"Voirie", "1109T1200", "1109T1200", "0", "20261209T120000Z", "CONFIRMED", "20261109T120000Z", "-P2D"}
	if got != want {
		t.Errorf("at first:\n got %+v\nwant %+v", got, want)
	}

	w.now = w.now.AddDate(0, 0, 1)
	w.publish(w.about("r", vigie.Correction, vigie.Content{Deadline: new(w.now.AddDate(0, 0, 70))}))
	want.title, want.updated, want.sequence, want.start, want.stamp = "Rectifié : Voirie", "1110T1200", "1", "20270119T120000Z", "20261110T120000Z"
	expect(want)
	if content := w.feed(feedURL).Entries[0].Content; !strings.Contains(content, "<del>mercredi 9 décembre 2026") || !strings.Contains(content, "mardi 19 janvier 2027") {
		t.Errorf("a moved deadline: %s", content)
	}

	// Published again, with the date of the first time.
	w.now = w.now.AddDate(0, 0, 1)
	again := storetest.Notice("r", 0, func(n *vigie.Notice) {
		n.PublishedAt, n.Content.Title, n.Content.Deadline = tender.PublishedAt, "Voirie communale", tender.Deadline
	})
	w.publish(again)
	want.title, want.updated, want.sequence, want.stamp = "Rectifié : Voirie communale", "1111T1200", "2", "20261111T120000Z"
	expect(want)

	if _, err := w.service.UpdateAccount(t.Context(), w.ana, vigie.AccountUpdate{CalendarAlarmDays: new(int32(7))}); err != nil {
		t.Fatal(err)
	}
	want.alarm = "-P7D"
	expect(want)
	if _, err := w.service.UpdateAccount(t.Context(), w.ana, vigie.AccountUpdate{CalendarAlarmDays: new(int32(0)), Locale: new(vigie.English)}); err != nil {
		t.Fatal(err)
	}
	want.alarm, want.title = "", "Corrected: Voirie communale"
	expect(want)
	for _, days := range []int32{-1, 31} {
		if _, err := w.service.UpdateAccount(t.Context(), w.ana, vigie.AccountUpdate{CalendarAlarmDays: &days}); err == nil {
			t.Errorf("an alarm %d days before is accepted", days)
		}
	}

	w.now = w.now.AddDate(0, 0, 1)
	w.publish(w.about("r", vigie.Cancellation, vigie.Content{}))
	want.title, want.updated, want.sequence, want.status, want.stamp = "Cancelled: Voirie communale", "1112T1200", "3", "CANCELLED", "20261112T120000Z"
	expect(want)
	w.now = w.now.AddDate(0, 0, 30).Add(time.Second)
	if feed := w.feed(feedURL); len(feed.Entries) > 0 {
		t.Errorf("after 30 days: %v", feed.Entries)
	}

	text := w.read(own)
	w.now = w.now.Add(time.Hour)
	if again := w.read(own); again != text {
		t.Errorf("the same event has another text:\n%s\n%s", text, again)
	}
	w.withdraw("r")
	w.now = w.now.Add(time.Minute)
	if answer := w.get(own); answer.Code != http.StatusNotFound || len(w.feed(feedURL).Entries) > 0 {
		t.Errorf("withdrawn: %d", answer.Code)
	}
}

// withdraw takes a tender's notices back, and has the index follow.
func (w *world) withdraw(ref string) {
	w.t.Helper()
	if _, err := w.store.Withdraw(w.t.Context(), "test", ref); err != nil {
		w.t.Fatal(err)
	}
	w.follow()
}

var update = flag.Bool("update", false, "write the golden files")

// The texts of a feed and of calendars.
func TestGolden(t *testing.T) {
	w := newWorld(t)
	published := w.notice("26-100233", "Réfection de voirie & d’assainissement <lot unique>", 30)
	published.Content.Reference, published.Content.Details.Value = "EV-2026-4", vigie.Money{Amount: "480000", Currency: "EUR"}
	published.Content.URL, published.Content.Description = "https://portail.example/avis?a=1&b=2", "Voirie communale; chaussées, trottoirs"
	published.Content.Details.Technique = vigie.FrameworkAgreement
	w.publish(published)
	w.now = w.now.Add(time.Hour)
	w.publish(w.notice("26-100234", "Entretien de la voirie", 20), w.notice("26-100235", "Voirie, \"chemins\" \\ sentiers;\u202eet\x07 pistes", 20))
	w.now = w.now.Add(time.Hour)
	w.publish(w.about("26-100234", vigie.Correction, vigie.Content{Deadline: new(w.now.AddDate(0, 0, 25)), Correction: "Au lieu de : 20 jours. Lire : 25 jours."}), w.about("26-100235", vigie.Cancellation, vigie.Content{}))
	watch := w.watch("Voirie & réseaux", keywords("voirie"))
	files := map[string]string{"feed.fr.atom": w.service.WatchFeedURL(w.ana, watch), "calendar.fr.ics": w.service.WatchCalendarURL(w.ana, watch), "tender.fr.ics": w.service.TenderCalendarURL(w.tender("26-100233"))}
	for name, address := range files {
		golden(t, name, w.read(address))
	}
	if _, err := w.service.UpdateAccount(t.Context(), w.ana, vigie.AccountUpdate{Locale: new(vigie.English)}); err != nil {
		t.Fatal(err)
	}
	golden(t, "account.en.atom", w.read(w.service.AccountFeedURL(w.ana)))
	golden(t, "calendar.en.ics", w.read(w.service.WatchCalendarURL(w.ana, watch)))
	golden(t, "tender.en.ics", w.get(w.service.TenderCalendarURL(w.tender("26-100233")), "Accept-Language", "en").Body.String())
}

// The file of one tender has its reference, in letters that every system takes, also from the cache.
func TestFileNames(t *testing.T) {
	w := newWorld(t)
	for i, test := range []struct{ reference, want string }{
		{"EV-2026-4", "EV-2026-4.ics"}, {"2026/VOI n° 14", "2026-VOI-n-14.ics"}, {"../..\\\"\r\n", "calendar.ics"}, {"", "r3.ics"}, {strings.Repeat("A", 100), strings.Repeat("A", 60) + ".ics"},
	} {
		ref := fmt.Sprint("r", i)
		notice := w.notice(ref, "Voirie", 30)
		notice.Content.Reference = test.reference
		w.publish(notice)
		for range 2 {
			if got := w.get(w.service.TenderCalendarURL(w.tender(ref))).Header().Get("Content-Disposition"); got != `attachment; filename="`+test.want+`"` {
				t.Errorf("%q: %s, want %s", test.reference, got, test.want)
			}
		}
	}
}

// ids are the words that a database draws at random.
var ids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|watch_[0-9a-v]{26}|[0-9a-v]{40}`)

func golden(t *testing.T, name, text string) {
	t.Helper()
	seen := make(map[string]int)
	text = ids.ReplaceAllStringFunc(strings.ReplaceAll(text, "\r\n", "\n"), func(id string) string {
		if seen[id] == 0 {
			seen[id] = len(seen) + 1
		}
		return fmt.Sprintf("(id %d)", seen[id])
	})
	text = strings.ReplaceAll(text, "><", ">\n<")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s, -want +got:\n%s", name, diff)
	}
}

// The owner of feeds without watches has empty ones.
func TestEmptyLists(t *testing.T) {
	w := newWorld(t)
	if feed := w.feed(w.service.AccountFeedURL(w.ana)); len(feed.Entries) > 0 || feed.Updated == "" || feed.Title != "Mes veilles – Marchés de Valombre" {
		t.Errorf("%+v", feed)
	}
	if events := w.events(w.service.AccountCalendarURL(w.ana)); len(events) > 0 {
		t.Errorf("%v", events)
	}
}

// What is of interest has alarms on the days of the account's reminders, too.
func TestRemindersAreAlarms(t *testing.T) { eachPair(t, testRemindersAreAlarms) }

func testRemindersAreAlarms(t *testing.T, w *world) {
	watch := w.watch("Voirie", keywords("voirie"))
	w.publish(w.notice("a", "Voirie", 30), w.notice("b", "Voirie nord", 30))
	marked := w.tender("a")
	if err := w.store.SetMark(t.Context(), w.ana.ID, store.Interested, true, []int64{marked.ID}); err != nil {
		t.Fatal(err)
	}
	expect := func(want map[string][]string) {
		t.Helper()
		w.now = w.now.Add(2 * time.Minute) // a list is kept for a moment
		for _, url := range []string{w.service.WatchCalendarURL(w.ana, watch), w.service.AccountCalendarURL(w.ana)} {
			for _, event := range w.events(url) {
				var alarms []string
				for _, alarm := range event.Alarms() {
					alarms = append(alarms, alarm.GetProperty(ics.ComponentPropertyTrigger).Value)
				}
				_, summary, _ := strings.Cut(value(event, ics.ComponentPropertySummary), "Voirie")
				if !slices.Equal(alarms, want[summary]) {
					t.Errorf("Voirie%s: alarms %v, want %v", summary, alarms, want[summary])
				}
			}
		}
	}
	const a, b = "", " nord" // what follows « Voirie »
	expect(map[string][]string{a: {"-P2D"}, b: {"-P2D"}})
	if _, err := w.service.UpdateAccount(t.Context(), w.ana, vigie.AccountUpdate{ReminderDays: &[]int32{7, 2, 1}}); err != nil {
		t.Fatal(err)
	}
	expect(map[string][]string{a: {"-P7D", "-P2D", "-P1D"}, b: {"-P2D"}})
	if _, err := w.service.UpdateAccount(t.Context(), w.ana, vigie.AccountUpdate{CalendarAlarmDays: new(int32(0))}); err != nil {
		t.Fatal(err)
	}
	expect(map[string][]string{a: {"-P7D", "-P2D", "-P1D"}, b: nil})
}
