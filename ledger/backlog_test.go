package ledger_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/ledger"
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
		var plan []struct {
			ID, Parent, Notused int64
			Detail              string
		}
		if err := s.Database().NewRaw("EXPLAIN QUERY PLAN "+query).Scan(t.Context(), &plan); err != nil {
			t.Fatal(err)
		}
		for _, step := range plan {
			if strings.Contains(step.Detail, " earlier ") {
				lookups++
				if !strings.HasSuffix(step.Detail, "(recipient_id=? AND tender_id=?)") {
					t.Errorf("earlier messages are looked for by %s", step.Detail)
				}
			}
		}
	}
	if lookups < 4 {
		t.Errorf("%d lookups of earlier messages in %d queries", lookups, len(asked))
	}
}
