package graph_test

import (
	"context"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/alert"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/feed"
	"vigie/graph"
	"vigie/store"
)

// postbox is a mailer that accepts everything, but for whom it bounces or delays.
type postbox struct {
	mails           []post.Message
	all             []post.Message // those that were taken out, too
	bounces, delays string
}

func (b *postbox) Send(_ context.Context, m post.Message) error {
	if m.To == b.bounces {
		return &post.Error{Kind: post.ForAddress, Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 no such user"}
	}
	if m.To == b.delays {
		return &post.Error{Kind: post.Temporary, Code: 451, Reply: "451 4.3.0 try again"}
	}
	b.mails, b.all = append(b.mails, m), append(b.all, m)
	return nil
}

func (b *postbox) AtOnce() int  { return 1 }
func (b *postbox) Close() error { return nil }

// mails has alerts entered and mails sent, and returns what was sent.
func (w *world) mails(box *postbox) []string {
	w.t.Helper()
	log := testLog(w.t)
	clock := func() time.Time { return w.now }
	templates, err := letter.Load(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	keys, err := link.New([]string{strings.Repeat("s", link.MinSecret)})
	if err != nil {
		w.t.Fatal(err)
	}
	ledger := &alert.Alerter{
		Store: w.store, Matcher: feed.NewMatcher(prometheus.NewRegistry(), log), Now: clock, Log: log, MaxAge: 7 * 24 * time.Hour,
	}
	sender := &alert.Sender{
		Store: w.store, Now: clock, Lease: time.Minute, Spacing: time.Minute, Log: log,
		IndexVersion: feed.Version(), Metrics: alert.NewMetrics(prometheus.NewRegistry()),
		Channel: &alert.Mail{Store: w.store, Mailer: box, Templates: templates, Keys: keys, Log: log, Settings: alert.Settings{
			Brand: letter.Brand{Name: "Vigie"}, From: mail.Address{Address: "veille@vigie.example"}, PublicURL: "https://vigie.example",
			Bounces: "bounces@vigie.example", WatchURL: "https://platform.example/{watchId}",
		}},
	}
	if err := ledger.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := sender.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, m := range box.mails {
		lines = append(lines, m.To+": "+m.Subject)
	}
	box.mails = nil
	return lines
}

const watchDeliveries = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  watch(id: $id) {
    receiving
    health { lastEvaluatedAt lastMatchAt lastMailAt pendingRecipients bouncedRecipients }
    recipients { id email status primary }
    deliveries(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { id kind status sentAt tender { title } recipient { email } reasons { watch { name } keywords } }
    }
  }
}`

// createAlerting saves a watch for "voirie" that writes at once, to others too.
func (p person) createAlerting(others ...string) string {
	p.t.Helper()
	return p.ask(`mutation ($others: [String!]) { createWatch(input: {
		name: "Voirie", criteria: { keywords: ["voirie"] }, frequency: IMMEDIATE, recipients: $others
	}) { watch { id } userErrors { message } } }`, vars{"others": others}).text("createWatch.watch.id")
}

func TestDeliveries(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana, box := w.person("ana@example.org"), &postbox{}
		id := ana.createAlerting("team@example.org")
		w.mails(box)
		r := ana.ask(watchDeliveries, vars{"id": id})
		r.expect(map[string]string{
			"watch.health.lastMatchAt":       "<nil>",
			"watch.health.lastEvaluatedAt":   "2026-11-09T12:00:00Z",
			"watch.health.pendingRecipients": "1",
			"watch.deliveries.totalCount":    "0",
			"watch.receiving":                "true",
		})

		w.now = w.now.Add(time.Hour)
		for _, ref := range []string{"1", "2", "3"} {
			w.publish(w.notice(ref, "Voirie "+ref, "Commune", 0))
		}
		w.mails(box)
		w.now = w.now.Add(time.Hour)
		w.publish(&vigie.Notice{
			Source: "test", SourceRef: "3-1", Links: []string{"3"}, Kind: vigie.Cancellation, PublishedAt: w.now, Buyer: vigie.BuyerName{Name: "Commune"},
		})
		r = ana.ask(watchDeliveries, vars{"id": id})
		r.expect(map[string]string{"watch.deliveries.nodes.*.status": "[SENT SENT SENT]"})
		w.mails(box)
		r = ana.ask(watchDeliveries, vars{"id": id})
		r.expect(map[string]string{
			"watch.deliveries.totalCount":                   "4",
			"watch.deliveries.nodes.*.kind":                 "[CANCELLED NEW NEW NEW]",
			"watch.deliveries.nodes.*.tender.title":         "[Voirie 3 Voirie 3 Voirie 2 Voirie 1]",
			"watch.deliveries.nodes.*.sentAt":               "[2026-11-09T14:00:00Z 2026-11-09T13:00:00Z 2026-11-09T13:00:00Z 2026-11-09T13:00:00Z]",
			"watch.deliveries.nodes.0.recipient.email":      "ana@example.org",
			"watch.deliveries.nodes.1.reasons.*.watch.name": "[Voirie]",
			"watch.deliveries.nodes.1.reasons.0.keywords":   "[voirie]",
			"watch.health.lastMatchAt":                      "2026-11-09T13:00:00Z",
			"watch.health.lastMailAt":                       "2026-11-09T14:00:00Z",
		})
		first := r.text("watch.deliveries.nodes.0.id")

		page := ana.ask(watchDeliveries, vars{"id": id, "first": 2})
		page.expect(map[string]string{
			"watch.deliveries.nodes.*.kind":         "[CANCELLED NEW]",
			"watch.deliveries.pageInfo.hasNextPage": "true",
		})
		page = ana.ask(watchDeliveries, vars{"id": id, "first": 3, "after": page.text("watch.deliveries.pageInfo.endCursor")})
		page.expect(map[string]string{
			"watch.deliveries.nodes.*.tender.title":     "[Voirie 2 Voirie 1]",
			"watch.deliveries.pageInfo.hasNextPage":     "false",
			"watch.deliveries.pageInfo.hasPreviousPage": "true",
		})
		page = ana.ask(watchDeliveries, vars{"id": id, "first": nil, "last": 2, "before": page.text("watch.deliveries.pageInfo.startCursor")})
		page.expect(map[string]string{
			"watch.deliveries.nodes.*.kind":             "[CANCELLED NEW]",
			"watch.deliveries.pageInfo.hasPreviousPage": "false",
		})

		node := `query ($id: ID!) { node(id: $id) { ... on Delivery { kind recipient { email } } } }`
		ana.ask(node, vars{"id": first}).expect(map[string]string{"node.kind": "CANCELLED"})
		w.person("bob@example.org").ask(node, vars{"id": first}).expect(map[string]string{"node": "<nil>"})
	})
}

// What waits shows, and what is dropped; an address that bounces shows on the
// watch, and its owner can come back by the link of a mail.
func TestRecipients(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana, box := w.person("ana@example.org"), &postbox{bounces: "ana@example.org"}
		id := ana.createAlerting("team@example.org")
		w.publish(w.notice("1", "Voirie", "Commune", 0))
		if got := w.mails(box); len(got) != 1 || !strings.HasPrefix(got[0], "team@example.org: Confirmez") {
			t.Errorf("mails %q", got)
		}
		r := ana.ask(watchDeliveries, vars{"id": id})
		r.expect(map[string]string{
			"watch.recipients.*.status":       "[BOUNCED PENDING]",
			"watch.health.bouncedRecipients":  "1",
			"watch.receiving":                 "false",
			"watch.deliveries.nodes.*.status": "[FAILED]",
		})
		own, team := r.text("watch.recipients.0.id"), r.text("watch.recipients.1.id")

		resend := `mutation ($id: ID!) { resendConfirmation(recipientId: $id) { recipient { status } userErrors { field code message } } }`
		back := `mutation ($id: ID!) { resubscribe(recipientId: $id) { recipient { status } userErrors { field code message } } }`
		ana.ask(resend, vars{"id": team}).expect(map[string]string{
			"resendConfirmation.userErrors.0.message": "La confirmation a été demandée il y a moins de 24 heures. Attendez avant de la redemander.",
			"resendConfirmation.userErrors.0.code":    "TOO_SOON",
		})
		const resendable = `query ($id: ID!) { watch(id: $id) { recipients { resendableAt } } }`
		ana.ask(resendable, vars{"id": id}).expect(map[string]string{"watch.recipients.*.resendableAt": "[<nil> 2026-11-10T12:00:00Z]"})
		w.now = w.now.Add(24 * time.Hour)
		r = ana.ask(resend, vars{"id": team})
		r.expect(map[string]string{
			"resendConfirmation.userErrors":       "[]",
			"resendConfirmation.recipient.status": "PENDING",
		})
		if got := w.mails(box); len(got) != 1 || !strings.HasPrefix(got[0], "team@example.org: Confirmez") {
			t.Errorf("mails %q", got)
		}
		// A third time is the last.
		w.now = w.now.Add(24 * time.Hour)
		ana.ask(resend, vars{"id": team}).expect(map[string]string{"resendConfirmation.userErrors": "[]"})
		if got := w.mails(box); len(got) != 1 {
			t.Errorf("mails %q", got)
		}
		w.now = w.now.Add(240 * time.Hour)
		ana.ask(resend, vars{"id": team}).expect(map[string]string{"resendConfirmation.userErrors.*.code": "[EXHAUSTED]"})
		ana.ask(resendable, vars{"id": id}).expect(map[string]string{"watch.recipients.*.resendableAt": "[<nil> <nil>]"})
		ana.ask(back, vars{"id": team}).expect(map[string]string{"resubscribe.userErrors.0.code": "NOT_ALLOWED"})
		w.person("bob@example.org").ask(back, vars{"id": own}).expect(map[string]string{"resubscribe.userErrors.*.code": "[NOT_FOUND]"})
		// What holds for the address on all accounts, a link of its own mails undoes.
		ana.ask(back, vars{"id": own}).expect(map[string]string{"resubscribe.userErrors.0.code": "NOT_ALLOWED"})
		w.rejoins(own)
		ana.ask(watchDeliveries, vars{"id": id}).expect(map[string]string{"watch.recipients.*.status": "[CONFIRMED PENDING]"})
		box.bounces = ""
		w.publish(w.notice("2", "Voirie rurale", "Commune", 0))
		if got := w.mails(box); len(got) != 1 || !strings.HasPrefix(got[0], "ana@example.org: Nouveau") {
			t.Errorf("mails %q", got)
		}
	})
}

// rejoins follows the link of a mail to an address on a watch.
func (w *world) rejoins(recipient string) {
	w.t.Helper()
	id := w.number(recipient)
	who, err := w.store.Ledger().Subscriber(w.t.Context(), id)
	if err == nil {
		err = w.store.Ledger().RejoinWatch(w.t.Context(), id, who.Email)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// The owner of an account resubscribes its own address only if the issuer vouches
// for it.
func TestResubscribe(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana := w.person("ana@example.org")
		id := ana.createAlerting()
		own := ana.ask(watchDeliveries, vars{"id": id}).text("watch.recipients.0.id")
		subscription := w.number(own)
		back := `mutation ($id: ID!) { resubscribe(recipientId: $id) { recipient { status } userErrors { field code message } } }`
		for _, verified := range []bool{false, true} {
			if err := w.store.Ledger().LeaveWatch(t.Context(), subscription, "ana@example.org"); err != nil {
				t.Fatal(err)
			}
			account, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "ana@example.org", Email: "ana@example.org", EmailVerified: verified})
			if err != nil {
				t.Fatal(err)
			}
			r := person{w, &graph.Viewer{Account: account}}.ask(back, vars{"id": own})
			if verified {
				r.expect(map[string]string{"resubscribe.recipient.status": "CONFIRMED", "resubscribe.userErrors": "[]"})
			} else {
				r.expect(map[string]string{"resubscribe.userErrors.*.code": "[NOT_ALLOWED]", "resubscribe.userErrors.0.field.*": "[recipientId]"})
			}
		}
	})
}

// A watch that is switched on again alerts of what came in the meantime where it is
// asked to.
func TestCatchUp(t *testing.T) {
	eachPair(t, func(t *testing.T, w *world) {
		ana, box := w.person("ana@example.org"), &postbox{}
		id := ana.createAlerting()
		set := `mutation ($id: ID!, $on: Boolean!, $catchUp: Boolean) { updateWatch(id: $id, input: { active: $on, catchUp: $catchUp }) { userErrors { message } } }`
		for i, catchUp := range []bool{true, false} {
			ana.ask(set, vars{"id": id, "on": false, "catchUp": false})
			w.now = w.now.Add(24 * time.Hour)
			w.publish(w.notice("meanwhile"+string(rune('0'+i)), "Voirie", "Commune", 0))
			w.mails(box)
			ana.ask(set, vars{"id": id, "on": true, "catchUp": catchUp})
			if got := w.mails(box); (len(got) == 1) != catchUp {
				t.Errorf("catchUp %v: mails %q", catchUp, got)
			}
		}
		// It may be thought better of, and is mailed once however often it is asked for;
		// what it was alerted of, or could not miss, it does not catch up on.
		for _, want := range []int{1, 0} {
			w.now = w.now.Add(time.Hour)
			ana.ask(set, vars{"id": id, "on": true, "catchUp": true})
			if got := w.mails(box); len(got) != want {
				t.Errorf("asked for later: mails %q, want %d", got, want)
			}
		}
		ana.ask(`mutation ($id: ID!) { updateWatch(id: $id, input: { criteria: { keywords: ["pont"] } }) { userErrors { message } } }`, vars{"id": id})
		quiet := w.notice("quiet", "Pont", "Commune", 0)
		quiet.Quiet = true
		w.publish(quiet)
		w.now = w.now.Add(time.Hour)
		ana.ask(set, vars{"id": id, "on": true, "catchUp": true})
		if got := w.mails(box); len(got) != 0 {
			t.Errorf("never missed: mails %q", got)
		}
	})
}
