package store

import (
	"context"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/database"
)

// Withdraw withdraws all notices of a source of the tender that its reference leads to, and returns the tender, which is
// then what other sources say of it, if any. The tender keeps its id, in case any of them is published again. Withdraw
// is idempotent.
func (s *Store) Withdraw(ctx context.Context, source, ref string) (*vigie.Tender, error) {
	t := new(vigie.Tender)
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.db.Queue(ctx, tx, "publish"); err != nil {
			return err
		}
		about := tx.NewSelect().Model((*tenderRef)(nil)).Column("tender_id").Where("source = ?", source).Where("ref = ?", ref)
		*t = vigie.Tender{}
		if err := tx.NewSelect().Model(t).Where("id = (?)", about).Scan(ctx); err != nil || t.Outcome == vigie.Withdrawn {
			return err
		}
		res, err := tx.NewUpdate().Model((*vigie.Notice)(nil)).Set("withdrawn = TRUE").
			Where("tender_id = ?", t.ID).Where("source = ?", source).Where("NOT withdrawn").Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		left, err := tx.NewSelect().Model((*vigie.Notice)(nil)).Where("tender_id = ?", t.ID).Where("NOT withdrawn").Exists(ctx)
		if err != nil {
			return err
		}
		if left {
			return s.foldAgain(ctx, tx, t)
		}
		t.Outcome = vigie.Withdrawn
		if t.Number, err = database.TakeNumbers(ctx, tx, 1); err != nil {
			return err
		}
		if _, err = tx.NewUpdate().Model(t).Column("outcome", "number").WherePK().Exec(ctx); err != nil {
			return err
		}
		return s.db.Notify(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	s.db.Wake()
	return t, nil
}

// foldAgain folds a tender of which some notices were withdrawn.
func (s *Store) foldAgain(ctx context.Context, tx bun.Tx, t *vigie.Tender) error {
	p := publication{tx: tx, now: s.db.Stamp()}
	if err := p.reload(ctx, []int64{t.ID}); err != nil {
		return err
	}
	if err := p.save(ctx, s.db); err != nil {
		return err
	}
	*t = *p.touched[0].tender
	return s.db.Notify(ctx, tx)
}
