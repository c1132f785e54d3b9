package graph_test

import (
	"strings"
	"testing"

	"vigie/alert/link"
	"vigie/service"
)

const feedFields = `{
	viewer { feedUrl calendarUrl calendarAlarmDays watches { nodes { feedUrl calendarUrl } } }
	tenders(orderBy: UPDATED_AT_DESC) { nodes { title calendarUrl } }
}`

// The addresses of feeds and calendars are there for their owner, and change when they are replaced.
func TestFeedAddresses(t *testing.T) { eachPair(t, testFeedAddresses) }

func testFeedAddresses(t *testing.T, w *world) {
	open := w.notice("2", "Sans date", "Commune", 2)
	open.Content.Deadline = nil
	w.publish(w.notice("1", "Voirie", "Commune", 3), open)
	ana, bob := w.person("ana@example.org"), w.person("bob@example.org")
	watch := ana.create(vars{"name": "A", "criteria": vars{"keywords": []string{"voirie"}}})
	ana.create(vars{"name": "B", "criteria": vars{}})

	// Without an address of its own, the server has none of feeds.
	r := ana.ask(feedFields, nil)
	r.expect(map[string]string{
		"viewer.feedUrl": "<nil>", "viewer.calendarUrl": "<nil>", "viewer.calendarAlarmDays": "2", "viewer.watches.nodes.*.feedUrl": "[<nil> <nil>]",
		"tenders.nodes.*.calendarUrl": "[<nil> <nil>]", "tenders.nodes.*.title": "[Sans date Voirie]",
	})

	keys, err := link.New([]string{strings.Repeat("s", link.MinSecret)})
	if err != nil {
		t.Fatal(err)
	}
	w.service.Feeds = service.FeedAddresses{Keys: keys, PublicURL: "https://veille.example.org"}
	addresses := func(p person) []string {
		t.Helper()
		r := p.ask(feedFields, nil)
		list := []string{r.text("viewer.feedUrl"), r.text("viewer.calendarUrl")}
		for _, path := range []string{"viewer.watches.nodes.0.", "viewer.watches.nodes.1."} {
			list = append(list, r.text(path+"feedUrl"), r.text(path+"calendarUrl"))
		}
		return list
	}
	before := addresses(ana)
	for i, address := range before {
		prefix, suffix := "https://veille.example.org/feeds/", ".atom"
		if i%2 == 1 {
			prefix, suffix = "https://veille.example.org/calendars/", ".ics"
		}
		if !strings.HasPrefix(address, prefix) || !strings.HasSuffix(address, suffix) {
			t.Errorf("%s", address)
		}
	}
	tender := ana.tenderID("Voirie")
	ana.ask(feedFields, nil).expect(map[string]string{"tenders.nodes.1.calendarUrl": "https://veille.example.org/calendars/tenders/" + tender + ".ics", "tenders.nodes.0.calendarUrl": "<nil>"})

	const rotate = `mutation ($id: ID) { rotateFeed(watchId: $id) {
		userErrors { code field } watch { id feedUrl } viewer { feedUrl watches { nodes { feedUrl } } } query { watch(id: "` + "WATCH" + `") { feedUrl } }
	} }`
	ask := strings.ReplaceAll(rotate, "WATCH", watch)
	r = ana.ask(ask, vars{"id": watch})
	after := addresses(ana)
	r.expect(map[string]string{
		"rotateFeed.userErrors": "[]", "rotateFeed.watch.id": watch, "rotateFeed.watch.feedUrl": after[2], "rotateFeed.viewer.feedUrl": before[0],
		"rotateFeed.viewer.watches.nodes.1.feedUrl": before[4], "rotateFeed.query.watch.feedUrl": after[2],
	})
	if after[2] == before[2] || after[3] == before[3] || after[0] != before[0] || after[4] != before[4] || after[5] != before[5] {
		t.Errorf("after a watch's were replaced:\n%v\n%v", before, after)
	}
	r = ana.ask(ask, nil)
	last := addresses(ana)
	r.expect(map[string]string{
		"rotateFeed.userErrors": "[]", "rotateFeed.watch": "<nil>", "rotateFeed.viewer.feedUrl": last[0], "rotateFeed.viewer.watches.nodes.1.feedUrl": last[4],
		"rotateFeed.query.watch.feedUrl": last[2],
	})
	for i := range last {
		if last[i] == after[i] {
			t.Errorf("after all were replaced: %s", last[i])
		}
	}

	for _, id := range []string{watch, "x", tender} {
		r := bob.ask(ask, vars{"id": id})
		r.expect(map[string]string{"rotateFeed.userErrors.0.code": "NOT_FOUND", "rotateFeed.userErrors.0.field": "[watchId]", "rotateFeed.watch": "<nil>"})
	}
	if got := addresses(ana); got[2] != last[2] {
		t.Error("another person replaced an address")
	}

	ana.ask(`mutation { updateAccount(input: {calendarAlarmDays: 30}) { account { calendarAlarmDays } userErrors { field code } } }`, nil).
		expect(map[string]string{"updateAccount.account.calendarAlarmDays": "30"})
	ana.ask(`mutation { updateAccount(input: {calendarAlarmDays: 31}) { account { id } userErrors { field code } } }`, nil).
		expect(map[string]string{"updateAccount.account": "<nil>", "updateAccount.userErrors.0.field": "[input calendarAlarmDays]", "updateAccount.userErrors.0.code": "INVALID"})
}

// Support reads accounts, but no address at which it would read on unseen.
func TestSupportGetsNoAddresses(t *testing.T) {
	w := newWorld(t)
	keys, err := link.New([]string{strings.Repeat("s", link.MinSecret)})
	if err != nil {
		t.Fatal(err)
	}
	w.service.Feeds = service.FeedAddresses{Keys: keys, PublicURL: "https://veille.example.org"}
	ana := w.person("ana@example.org")
	watch := ana.create(vars{"name": "A", "criteria": vars{"keywords": []string{"voirie"}}})
	w.desk("clerk").ask(`query { account(email: "ana@example.org") { email feedUrl calendarUrl watches { nodes { id feedUrl calendarUrl } } } }`, nil).expect(map[string]string{
		"account.0.email": "ana@example.org", "account.0.feedUrl": "<nil>", "account.0.calendarUrl": "<nil>", "account.0.watches.nodes.0.id": watch,
		"account.0.watches.nodes.0.feedUrl": "<nil>", "account.0.watches.nodes.0.calendarUrl": "<nil>",
	})
}
