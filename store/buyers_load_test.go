package store_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"vigie/store"
	"vigie/store/storetest"
)

// A search for buyers that finds them all counts each one's tenders by an
// index, also in tables that no statistics were taken of yet, as after a large
// import: a plan that reads all tenders for each buyer takes minutes.
func TestSearchBuyersWithoutStatistics(t *testing.T) {
	const tenders, buyers = 20_000, 5_000
	readsAllTenders := regexp.MustCompile(`Seq Scan on tenders|SCAN tender`)
	for name, kind := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			url := kind(t)
			s := storetest.Open(t, url)
			explain := "EXPLAIN QUERY PLAN "
			if name == "postgres" {
				explain = "EXPLAIN "
				for _, table := range []string{"tenders", "buyers"} {
					storetest.Exec(t, url, "ALTER TABLE "+table+" SET (autovacuum_enabled = false)")
				}
			}
			const count = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
			storetest.Exec(t, url, "INSERT INTO buyers (id, name, folded_name, named_at, city, department_code, number) "+fmt.Sprintf(count, buyers)+
				"SELECT i, 'Commune ' || i, 'commune ' || i, '2026-11-01 00:00:00+00:00', '', '', i FROM n")
			storetest.Exec(t, url, `INSERT INTO tenders (id, source, source_ref, reference, title, description, departments, natures, procedure, cpv_codes, labels, lots,
				deadline_text, url, buyer_id, published_at, outcome, number) `+fmt.Sprintf(count, tenders)+
				fmt.Sprintf("SELECT 1000000 + i, 'x', '' || i, '', '', '', '[]', '[]', '', '[]', '[]', '[]', '', '', 1 + i %% %d, '2026-11-01 00:00:00+00:00', '', 1000000 + i FROM n", buyers))
			var asked recorder
			s.Database().Observe(&asked)
			found, total, err := s.SearchBuyers(t.Context(), []string{"commune"}, store.BuyerWindow{Now: storetest.Noon(), Limit: 10})
			if err != nil || total != buyers || len(found) != 10 {
				t.Fatalf("%d of %d, %v", len(found), total, err)
			}
			if rank := found[0].Rank; rank != -tenders/buyers {
				t.Errorf("the first has a rank of %d", rank)
			}
			ranked := slices.IndexFunc(asked, func(query string) bool { return strings.Contains(query, "tender.buyer_id") })
			if ranked < 0 {
				t.Fatalf("no query counts a buyer's tenders: %q", asked)
			}
			plan := storetest.Rows(t, url, explain+asked[ranked])
			if plan == "" || readsAllTenders.MatchString(plan) {
				t.Errorf("reads all tenders for each buyer:\n%s", plan)
			}
		})
	}
}

// recorder keeps the text of each query.
type recorder []string

func (r *recorder) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (r *recorder) AfterQuery(_ context.Context, event *bun.QueryEvent) { *r = append(*r, event.Query) }
