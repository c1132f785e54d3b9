package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
	"vigie/ledger"
	"vigie/store"
	"vigie/store/storetest"
)

// queries are those that a database was asked.
type queries []string

func (q *queries) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (q *queries) AfterQuery(_ context.Context, event *bun.QueryEvent) { *q = append(*q, event.Query) }

// What goes to a webhook before a message is found by its tender: a webhook for which much waits takes no longer for each
// message.
func TestEarlierMessagesAreFoundByTender(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	var asked queries
	s.Database().Observe(&asked)
	if _, err := s.Ledger().Claim(t.Context(), ledger.ClaimOptions{Channel: vigie.WebhookChannel, Limit: 16, Lease: time.Minute}); err != nil {
		t.Fatal(err)
	}
	lookups := 0
	for _, query := range asked {
		if !strings.Contains(query, "AS earlier") {
			continue
		}
		for _, step := range planOf(t, s, query) {
			if strings.Contains(step, " earlier ") {
				lookups++
				if !strings.HasSuffix(step, "(recipient_id=? AND tender_id=?)") {
					t.Errorf("earlier messages are looked for by %s", step)
				}
			}
		}
	}
	if lookups < 4 {
		t.Errorf("%d lookups of earlier messages in %d queries", lookups, len(asked))
	}
}

// A claim reads what waits for its recipients, and entering what the ledger knows of its recipients: neither reads all that
// waits, or all mails there are.
func TestRecipientsOwnRowsAreRead(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	const people = 30
	var watches []int64
	for i := range people {
		name := fmt.Sprint("p", i)
		account, err := s.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: name, Email: name + "@example.org", EmailVerified: true})
		if err != nil {
			t.Fatal(err)
		}
		watch, err := s.CreateWatch(t.Context(), account, vigie.Watch{
			Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Immediate, Criteria: vigie.Criteria{Keywords: []string{"voirie"}, KeywordMode: vigie.AnyKeyword},
		}, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		watches = append(watches, watch.ID)
	}
	recipients, err := s.Ledger().WatchRecipients(t.Context(), watches, watches[people-1]+1)
	if err != nil || len(recipients) != people {
		t.Fatalf("%d recipients, error %v", len(recipients), err)
	}
	var asked queries
	s.Database().Observe(&asked)
	if _, err := s.Ledger().Claim(t.Context(), ledger.ClaimOptions{Limit: people, Lease: time.Minute}); err != nil {
		t.Fatal(err)
	}
	var other []ledger.Alert // of a watch that the recipients are not on: nothing is entered
	for _, r := range recipients {
		other = append(other, ledger.Alert{RecipientID: r.RecipientID, Kind: vigie.DeliverNew, Reasons: []vigie.Reason{{WatchID: watches[people-1] + 1}}})
	}
	if again, err := s.Ledger().Enter(t.Context(), ledger.AlertSubject{TenderID: 1, NoticeID: 1}, other); err != nil || !again {
		t.Fatalf("entered, or not: %v", err)
	}
	lookups := 0
	for _, query := range asked {
		if !strings.HasPrefix(query, "SELECT") || !strings.Contains(query, "deliveries") {
			continue
		}
		lookups++
		for _, step := range planOf(t, s, query) {
			if strings.HasPrefix(step, "SCAN") && step != "SCAN CONSTANT ROW" && !strings.HasPrefix(step, "SCAN json_each") || strings.Contains(step, "deliveries_mail") {
				t.Errorf("%s in %s", step, query)
			}
		}
	}
	if lookups < 3 {
		t.Errorf("%d lookups of deliveries in %d queries", lookups, len(asked))
	}
}

// When a recipient was last mailed is looked up among its latest mails, not among all that it ever got; for webhooks, and before
// a mail is sent, it is not needed.
func TestLatestMailsAreRead(t *testing.T) {
	s := storetest.Open(t, storetest.Kinds()["sqlite"](t))
	account, err := s.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "a", Email: "a@example.org", EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := s.CreateWatch(t.Context(), account, vigie.Watch{
		Name: "Voirie", NameKey: "voirie", Active: true, Frequency: vigie.Immediate, Criteria: vigie.Criteria{Keywords: []string{"voirie"}, KeywordMode: vigie.AnyKeyword},
	}, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	hook := &vigie.Webhook{AccountID: account.ID, WatchID: watch.ID, Format: vigie.StandardWebhook, ConfirmedAt: new(storetest.Noon())}
	if err := s.AddWebhook(t.Context(), hook, func(string) string { return "" }); err != nil {
		t.Fatal(err)
	}
	n := storetest.Publish(t, s, storetest.Notice("1", 0))[0].Notice
	recipients, err := s.Ledger().WatchRecipients(t.Context(), []int64{watch.ID}, n.ID)
	if err != nil || len(recipients) != 2 {
		t.Fatalf("%d recipients, error %v", len(recipients), err)
	}
	var alerts []ledger.Alert
	for _, r := range recipients {
		alerts = append(alerts, ledger.Alert{RecipientID: r.RecipientID, Kind: vigie.DeliverNew, DueAt: storetest.Noon(), Reasons: []vigie.Reason{{WatchID: watch.ID}}})
	}
	if again, err := s.Ledger().Enter(t.Context(), ledger.AlertSubject{TenderID: n.TenderID, NoticeID: n.ID, Number: n.ID}, alerts); err != nil || again {
		t.Fatalf("again: %v, error %v", again, err)
	}
	var asked queries
	s.Database().Observe(&asked)
	for channel, lookups := range map[vigie.Channel]int{vigie.MailChannel: 1, vigie.WebhookChannel: 0} {
		asked = nil
		claimed, err := s.Ledger().Claim(t.Context(), ledger.ClaimOptions{Channel: channel, Limit: 10, Lease: time.Minute, Spacing: time.Hour, IndexVersion: "none"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Ledger().RecipientStates(t.Context(), claimed.Mails); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, query := range asked {
			if !strings.Contains(query, "MAX(closed_at)") {
				continue
			}
			found++
			if steps := planOf(t, s, query); !slices.ContainsFunc(steps, func(step string) bool {
				return strings.HasSuffix(step, "mails_recipient (recipient_id=? AND closed_at>? AND closed_at<?)")
			}) {
				t.Errorf("the last mail is looked up by %q", steps)
			}
		}
		if found != lookups {
			t.Errorf("%s: the last mail is looked up %d times, not %d", channel, found, lookups)
		}
	}
}

// planOf returns the steps by which SQLite answers a query.
func planOf(t *testing.T, s *store.Store, query string) (steps []string) {
	t.Helper()
	var plan []struct {
		ID, Parent, Notused int64
		Detail              string
	}
	passed := database.Pass(s.Database(), []int64{}, []int64{}, []int64{}) // the plan does not depend on the values
	if err := s.Database().NewRaw("EXPLAIN QUERY PLAN "+query).Conn(passed).Scan(t.Context(), &plan); err != nil {
		t.Fatal(err)
	}
	for _, step := range plan {
		steps = append(steps, step.Detail)
	}
	return steps
}
