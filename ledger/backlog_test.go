package ledger_test

import (
	"context"
	"fmt"
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

// planOf returns the steps by which SQLite answers a query.
func planOf(t *testing.T, s *store.Store, query string) (steps []string) {
	t.Helper()
	var plan []struct {
		ID, Parent, Notused int64
		Detail              string
	}
	passed := database.Pass(s.Database(), []int64{}, []int64{}) // the plan does not depend on the values
	if err := s.Database().NewRaw("EXPLAIN QUERY PLAN "+query).Conn(passed).Scan(t.Context(), &plan); err != nil {
		t.Fatal(err)
	}
	for _, step := range plan {
		steps = append(steps, step.Detail)
	}
	return steps
}
