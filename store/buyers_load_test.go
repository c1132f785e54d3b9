package store_test

import (
	"fmt"
	"testing"
	"time"

	"vigie/store"
	"vigie/store/storetest"
)

// A search for buyers that finds them all is quick also in tables that no
// statistics were taken of yet, as after a large import.
func TestSearchBuyersWithoutStatistics(t *testing.T) {
	const tenders, buyers, most = 20_000, 5_000, time.Second
	for name, kind := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			url := kind(t)
			s := open(t, url)
			if name == "postgres" {
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
			started := time.Now()
			found, total, err := s.SearchBuyers(t.Context(), []string{"commune"}, store.BuyerWindow{Now: noon, Limit: 10})
			if took := time.Since(started); err != nil || total != buyers || len(found) != 10 || took > most {
				t.Errorf("%d of %d in %v, %v", len(found), total, took, err)
			}
			if rank := found[0].Rank; rank != 1_000_000_000-tenders/buyers && rank != -tenders/buyers {
				t.Errorf("the first has a rank of %d", rank)
			}
		})
	}
}
