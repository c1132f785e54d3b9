package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/uptrace/bun"

	"vigie/store"
	"vigie/store/storetest"
)

// References are looked up without reading others, also in a table of which PostgreSQL has no statistics yet.
func TestLookUpRefs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		query := func(text string) {
			t.Helper()
			if _, err := s.Database().ExecContext(ctx, text); err != nil {
				t.Fatal(err)
			}
		}
		query("CREATE TABLE named (source TEXT NOT NULL, ref TEXT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (source, ref))")
		query(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
			INSERT INTO named SELECT 'boamp', CAST(i AS TEXT), i FROM n`)
		asked, want := []string{"0", "none"}, 0
		for i := 7; i <= 20000; i += 50 {
			asked, want = append(asked, fmt.Sprint(i), fmt.Sprint(i)), want+1
		}
		err := s.Database().RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			ids, err := store.ByRef(ctx, tx, "SELECT id FROM named WHERE source = ? AND ref = asked.column1", "boamp", asked)
			if err != nil {
				return err
			}
			for ref, id := range ids {
				if ref != fmt.Sprint(id) {
					t.Errorf("%s leads to %d", ref, id)
				}
			}
			if len(ids) != want {
				t.Errorf("%d of %d references lead somewhere", len(ids), want)
			}
			if others, err := store.ByRef(ctx, tx, "SELECT id FROM named WHERE source = ? AND ref = asked.column1", "ted", asked); len(others) > 0 || err != nil {
				t.Errorf("of another source: %v, %v", others, err)
			}
			if s.Database().Dialect().Name().String() != "pg" {
				return nil
			}
			var read int
			err = tx.NewRaw("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'named' AND schemaname = current_schema()").Scan(ctx, &read)
			if read > want {
				t.Errorf("%d rows are read for %d", read, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
